//! Why an envelope could not be sealed or opened.

use super::chunked::ChunkedError;
use crate::format::header::HeaderError;
use thiserror::Error;

/// Why an envelope could not be sealed or opened.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// The bytes do not begin with a Plico header.
    #[error("the bytes are not a Plico envelope")]
    NotAnEnvelope,
    /// An unknown version, suite or flag.
    #[error("the envelope was written by a newer version: a newer client is needed")]
    NeedsNewerClient,
    /// The header names another session, epoch or suite than the key is for.
    #[error("the envelope belongs to another session, epoch or suite than this key")]
    WrongSession,
    /// The envelope was sealed with an app context and none was given.
    #[error("the envelope needs its app context to open")]
    ContextRequired,
    /// An app context was given but the envelope was sealed without one.
    #[error("an app context was given, but the envelope was sealed without one")]
    ContextUnexpected,
    /// The key commitment does not match; no chunk was looked at.
    #[error("wrong key, wrong app context, or an altered header")]
    CommitmentMismatch,
    /// This chunk (counting from 0) was altered, moved, cut, or followed by
    /// bytes that do not belong there.
    #[error("chunk {0} of the envelope does not authenticate")]
    ChunkUnauthentic(u64),
    /// The envelope ends too early: inside the fixed fields, inside a tag, or
    /// after a full chunk.
    #[error("the envelope is truncated")]
    Truncated,
    /// Everything authenticated, but the padding is not what the writer must write.
    #[error("the padding of the envelope is invalid")]
    PaddingInvalid,
    /// More than 2^38 chunks, or more than this machine can address.
    #[error("the data is too long for one envelope")]
    TooLong,
    /// The reader or the writer failed.
    #[error("reading or writing failed: {0}")]
    Io(std::io::ErrorKind),
    /// A stream gave more or fewer bytes than its stated length.
    #[error("the stream is not as long as stated")]
    LengthMismatch,
    /// The progress callback asked to stop.
    #[error("cancelled")]
    Cancelled,
}

impl From<HeaderError> for EnvelopeError {
    fn from(error: HeaderError) -> Self {
        match error {
            HeaderError::NotAnEnvelope => Self::NotAnEnvelope,
            HeaderError::UnknownVersion
            | HeaderError::UnknownSuite(_)
            | HeaderError::UnknownFlags(_) => Self::NeedsNewerClient,
        }
    }
}

impl From<ChunkedError> for EnvelopeError {
    fn from(error: ChunkedError) -> Self {
        match error {
            // An input key is always 32 bytes here; the vectors see the variant itself.
            ChunkedError::InputKeyLength | ChunkedError::CommitmentMismatch => {
                Self::CommitmentMismatch
            }
            ChunkedError::Unauthentic(index) => Self::ChunkUnauthentic(index),
            ChunkedError::Truncated => Self::Truncated,
            ChunkedError::TrailingChunk(index) => Self::ChunkUnauthentic(index),
            ChunkedError::ChunkLength | ChunkedError::TooLong => Self::TooLong,
        }
    }
}

impl From<std::io::Error> for EnvelopeError {
    // Only the kind: a message may hold a path, and paths hold names.
    fn from(error: std::io::Error) -> Self {
        // One of ours that has come through somebody else's reader or writer.
        let inner = error.get_ref().and_then(|it| it.downcast_ref::<Self>());
        inner.copied().unwrap_or(Self::Io(error.kind()))
    }
}

impl From<EnvelopeError> for std::io::Error {
    fn from(error: EnvelopeError) -> Self {
        let kind = match error {
            EnvelopeError::Io(kind) => kind,
            EnvelopeError::Truncated => std::io::ErrorKind::UnexpectedEof,
            EnvelopeError::Cancelled => std::io::ErrorKind::Other,
            _ => std::io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}
