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
//! | [`fork`] | how many threads |
//! | [`key`] | from a session's payload key to a message's keys |
//! | [`mod@seal`], [`mod@open`] | bytes and streams |
//! | [`push`], [`pull`] | the same as writers and as readers |
//! | [`range`](mod@range) | parts of an envelope, without the rest |
//! | [`padding`] | hiding the length |
//! | [`text`] | the text form |
//! | [`signed`] | detached signatures |

pub mod chunked;
mod cipher;
pub mod error;
pub mod fork;
mod io;
pub mod key;
pub mod open;
pub mod padding;
mod pipe;
pub mod pull;
pub mod push;
pub mod range;
pub mod seal;
pub mod signed;
mod slots;
pub mod text;

pub use error::EnvelopeError;
pub use fork::Threads;
pub use key::EnvelopeKey;
pub use open::{open, open_after_header, open_on, open_parallel, open_stream};
pub use pull::{OpenReader, SealReader};
pub use push::{OpenWriter, SealWriter};
pub use range::{EnvelopeReader, RangeOpener};
pub use seal::{Padding, StreamOptions, StreamPadding, seal, seal_on, seal_parallel, seal_stream};
pub use signed::{Author, EnvelopeSignature, envelope_hash, envelope_hash_stream};

use core::ops::ControlFlow;

/// Is told how many bytes of the caller's data were processed so far, once per
/// chunk (at most 16 KiB later than the last time). `Break` cancels; up to 15
/// chunks more may have been written by then.
pub type Progress<'a> = &'a mut dyn FnMut(u64) -> ControlFlow<()>;
