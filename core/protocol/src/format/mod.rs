//! Bytes to types and back, and nothing else: no rule of the protocol, no key,
//! no signature is checked here.
//!
//! Everything that is signed or hashed is TLS presentation language (RFC 8446
//! §3) with the variable-length vectors of RFC 9420 §2.1.2, through
//! `tls_codec`. Decoding is strict: trailing bytes, non-minimal lengths and
//! unknown values are refused, so that decode-then-encode gives the same bytes.

pub mod bodies;
pub mod codec;
pub mod context;
pub mod entry;
pub mod head;
pub mod header;
pub mod ids;
pub mod keys;
pub mod offline;
pub mod opaque;
pub mod sealed;
pub mod suite;
pub mod wrap;

pub use codec::{FormatError, decode, encode};
