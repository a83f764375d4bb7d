//! Accepting entries that a directory has lost, because it was restored from
//! an older backup: `docs/spec/heads.md`, "Restored directories".
//!
//! The ordinary replay decides. Against an append, whoever holds the entries
//! may hand them back, their times may lie in the past, and what an entry
//! commits to may be missing, since only its author ever had all of it.

mod identity;
mod session;

pub use identity::{Restored, accept_restore_identity};
pub use session::accept_restore_session;

use super::AcceptError;
use crate::format::entry::Entry;
use crate::format::ids::{ChainId, EntryHash, Position};
use crate::wire::limits::MAX_SKEW_MS;
use crate::wire::upload::Upload;

/// An entry that the directory has already, of those that are handed back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredAlready {
    /// Its hash.
    pub hash: EntryHash,
    /// Whether the leaves of its tree are stored, or it commits to no wraps.
    pub leaves_known: bool,
}

/// The directory's clock, and what its operator said of the backup.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Now, in milliseconds since 1970-01-01 UTC.
    pub now_ms: u64,
    /// From when the backup is, if the operator has said so: what was lost was
    /// written at this time or later.
    pub restored_from_ms: Option<u64>,
}

impl Window {
    /// Whether something of this signed time may have been lost with the backup.
    fn holds(&self, claimed_ms: u64) -> bool {
        self.restored_from_ms
            .is_some_and(|from| claimed_ms >= from.saturating_sub(MAX_SKEW_MS))
    }

    fn check_not_ahead(&self, entry: &Entry) -> Result<(), AcceptError> {
        if entry.claimed_ms > self.now_ms.saturating_add(MAX_SKEW_MS) {
            Err(AcceptError::Skew)
        } else {
            Ok(())
        }
    }
}

/// Divides `uploads` into those that are in the chain already, compared by
/// hash, and those that come after its head.
fn divide<'a>(
    chain: ChainId,
    head: Option<Position>,
    stored: &[StoredAlready],
    uploads: &'a [Upload],
) -> Result<(&'a [Upload], &'a [Upload]), AcceptError> {
    let first = uploads.first().map_or(0, |upload| upload.entry.entry.seq);
    let in_a_row = uploads.iter().enumerate().all(|(index, upload)| {
        let entry = &upload.entry.entry;
        entry.chain_id == chain && first.checked_add(index as u64) == Some(entry.seq)
    });
    let end = head.map_or(0, |head| head.seq.saturating_add(1));
    if !in_a_row || first > end {
        return Err(AcceptError::Conflict);
    }
    let overlap = usize::try_from(end - first).unwrap_or(usize::MAX);
    let (old, new) = uploads.split_at(overlap.min(uploads.len()));
    let same = old.len() == stored.len()
        && old
            .iter()
            .zip(stored)
            .all(|(upload, stored)| upload.entry.entry.hash() == stored.hash);
    let follows = match (old.last(), new.first(), head) {
        // The first of the new ones names what is there, directly or through the old ones.
        (None, Some(new), Some(head)) => new.entry.entry.prev == head.hash,
        _ => true,
    };
    if same && follows {
        Ok((old, new))
    } else {
        Err(AcceptError::Conflict)
    }
}
