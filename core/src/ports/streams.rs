//! Streams and ranges that a host supplies: what is read, written and fetched
//! by its own asynchronous I/O.

use super::BoxFuture;
use std::io;

/// Bytes in their order, from wherever the host has them.
pub trait ByteSource: Send {
    /// The next bytes, as many as are at hand; none at the end. What is given
    /// at once is held in memory at once: a few hundred KiB are good.
    fn read(&mut self) -> BoxFuture<'_, io::Result<Vec<u8>>>;
}

/// Takes bytes in their order, to wherever the host wants them.
pub trait ByteSink: Send {
    /// Takes these: at most 262,400 bytes for each thread that works. Nothing
    /// more is made before it has, so a slow sink holds the source back.
    fn write(&mut self, bytes: Vec<u8>) -> BoxFuture<'_, io::Result<()>>;

    /// There is nothing more, and all of it was right. Only now may it be shown
    /// under its name; if this is not called, what was written is to be
    /// discarded.
    fn finish(&mut self) -> BoxFuture<'_, io::Result<()>>;
}

/// One object of which parts can be fetched: by HTTP's `Range`, from an object
/// store, from a file.
///
/// Nothing that it says is trusted: length and bytes are verified. An object
/// that changes meanwhile is noticed.
pub trait RangedSource: Send + Sync {
    /// How long the object is, in bytes.
    fn length(&self) -> BoxFuture<'_, io::Result<u64>>;

    /// Exactly the `len` bytes from `offset` on.
    fn read(&self, offset: u64, len: u64) -> BoxFuture<'_, io::Result<Vec<u8>>>;
}
