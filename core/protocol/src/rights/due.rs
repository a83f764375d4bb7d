//! When a writer must begin a new epoch first.

use super::state::SessionState;
use crate::format::ids::{ChainId, Recipient};
use crate::identity::Identities;

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
pub fn due(state: &SessionState, known: &dyn Identities, now_ms: u64) -> Option<DueReason> {
    if state.someone_left() {
        return Some(DueReason::Left);
    }
    state.members().find_map(|(recipient, member)| {
        if member.expired_at(now_ms) {
            return Some(DueReason::Expired(*recipient));
        }
        let identity = known.identity(&ChainId(recipient.id))?;
        (identity.user_key().0 > member.key.generation)
            .then_some(DueReason::NewGeneration(*recipient))
    })
}
