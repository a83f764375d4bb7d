//! Envelopes: sealed payloads, and signatures over them. Implements
//! `docs/spec/envelope.md`.
//!
//! An envelope is a [header](crate::format::header) and one message of C2SP
//! [chunked encryption](chunked) under keys that are bound to the tenant, the
//! session, the epoch, the header and the app context.
//!
//! | module | what |
//! | --- | --- |
//! | [`chunked`] | the C2SP construction, chunk by chunk |
//! | [`key`] | from a session's payload key to a message's keys |
//! | [`mod@seal`], [`mod@open`] | bytes and streams |
//! | [`padding`] | hiding the length |
//! | [`text`] | the text form |
//! | [`signed`] | detached signatures |

pub mod chunked;
pub mod error;
mod io;
pub mod key;
pub mod open;
pub mod padding;
pub mod seal;
pub mod signed;
pub mod text;

pub use error::EnvelopeError;
pub use key::EnvelopeKey;
pub use open::{open, open_after_header, open_stream};
pub use seal::{Padding, StreamPadding, seal, seal_stream};
pub use signed::{Author, EnvelopeSignature, envelope_hash, envelope_hash_stream};

use core::ops::ControlFlow;

/// Is told how many bytes of the caller's data were processed so far, once per
/// chunk (at most 16 KiB later than the last time). `Break` cancels.
pub type Progress<'a> = &'a mut dyn FnMut(u64) -> ControlFlow<()>;
