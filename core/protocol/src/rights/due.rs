//! When a writer must begin a new epoch first.

use super::known::{Known, newest_key};
use super::state::SessionState;
use crate::format::ids::Recipient;

/// Why an epoch is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DueReason {
    /// Somebody left or was revoked since the epoch began.
    Left,
    /// This recipient's grant has ended.
    Expired(Recipient),
    /// This recipient's key has moved on.
    NewGeneration(Recipient),
}

/// The first reason why a new epoch is due at `now_ms`, by what is known of
/// the recipients' chains. `None`: write on.
#[must_use]
pub fn due(state: &SessionState, known: &dyn Known, now_ms: u64) -> Option<DueReason> {
    if state.someone_left() {
        return Some(DueReason::Left);
    }
    state.members().find_map(|(recipient, member)| {
        if member.expired_at(now_ms) {
            return Some(DueReason::Expired(*recipient));
        }
        let newest = newest_key(recipient, known)?;
        (newest.generation > member.key.generation).then_some(DueReason::NewGeneration(*recipient))
    })
}
