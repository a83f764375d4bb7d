//! Encodings that other layers share.

pub mod context;
pub mod header;
pub mod opaque;
pub mod suite;
