//! What client and directory exchange: REST types, error codes, request
//! signatures, and the rules by which a directory accepts what it is sent.

pub mod accept;
pub mod access;
pub mod b64;
pub mod error_code;
pub mod limits;
pub mod rest;
pub mod signing;
pub mod upload;

pub use error_code::{ErrorCode, Problem};
