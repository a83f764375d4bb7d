//! Where a client keeps its state: opaque bytes under opaque names.

use super::BoxFuture;
use thiserror::Error;

/// What went wrong in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreFailure {
    /// It could not be read or written.
    Io,
    /// It holds something that was not written by this store.
    Damaged,
    /// Something expected was not there: somebody else has written in between.
    Conflict,
    /// The key is not the one that the store was made with.
    WrongKey,
    /// It was written by a newer version.
    NewerVersion,
    /// There is no room left. What was there still is.
    Full,
    /// The place can be read but not written. What was there still is.
    ReadOnly,
    /// Somebody else holds it for longer than this one waits.
    Busy,
    /// It is a copy: the store was bound to another place.
    Copied,
}

/// A store's failure.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{detail}")]
pub struct StoreError {
    /// What kind.
    pub failure: StoreFailure,
    /// A sentence without content.
    pub detail: String,
}

/// One change of a batch.
#[derive(Clone, PartialEq, Eq)]
pub enum Change {
    /// Sets `key` to a value.
    Put(String, Vec<u8>),
    /// Removes `key`; nothing happens if it is not there.
    Delete(String),
}

impl core::fmt::Debug for Change {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Put(key, value) => write!(f, "Put({key}, {} bytes)", value.len()),
            Self::Delete(key) => write!(f, "Delete({key})"),
        }
    }
}

/// Changes that happen together or not at all.
pub type Batch = Vec<Change>;

/// Keys with their values.
pub type Pairs = Vec<(String, Vec<u8>)>;

/// What must be there for a batch to happen: the key, and its value if any.
pub type Expected = Vec<(String, Option<Vec<u8>>)>;

/// A store. Values hold secrets: an implementation that writes to a disk
/// encrypts values and names.
///
/// After `commit` has returned, the batch survives a crash; a crash during it
/// leaves all of it or nothing. Several processes may use one store.
///
/// Futures are dropped when a call is cancelled. What was begun may then take
/// place or not, but not after an operation that was begun later: a host that
/// can't take back what it has begun carries out one after the other. An
/// operation that takes longer than 60 s is given up (`STORE`).
pub trait Store: Send + Sync {
    /// The value of `key`.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>>;

    /// All pairs whose key begins with `prefix`, in the order of the keys.
    fn scan<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Pairs, StoreError>>;

    /// Applies `batch`, if everything `expected` holds; otherwise
    /// [`StoreFailure::Conflict`] and no change.
    fn commit(&self, batch: Batch, expected: Expected) -> BoxFuture<'_, Result<(), StoreError>>;
}
