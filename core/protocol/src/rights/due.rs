//! When a writer must begin a new epoch first.

use super::known::{Known, newest_key};
use super::state::{Member, SessionState};
use crate::format::ids::Recipient;
use std::collections::BTreeSet;

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
    /// The operator has withdrawn this recipient, says the directory.
    Withdrawn(Recipient),
    /// And no longer does.
    Lifted(Recipient),
}

/// Whom the operator has withdrawn, by the directory's unsigned word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Withdrawn {
    /// The directory was not asked: things stay as the log has them.
    #[default]
    Unknown,
    /// These, and nobody else.
    Exactly(BTreeSet<Recipient>),
}

impl Withdrawn {
    /// Whether a new epoch leaves the member out.
    #[must_use]
    pub fn leaves_out(&self, recipient: &Recipient, member: &Member) -> bool {
        match self {
            Self::Unknown => member.is_suspended(),
            Self::Exactly(all) => all.contains(recipient),
        }
    }
}

/// The first reason why a new epoch is due at `now_ms`, by what is known of
/// the recipients' chains and of the operator's word. `None`: write on.
#[must_use]
pub fn due(
    state: &SessionState,
    known: &dyn Known,
    withdrawn: &Withdrawn,
    now_ms: u64,
) -> Option<DueReason> {
    if state.someone_left() {
        return Some(DueReason::Left);
    }
    state.members().find_map(|(recipient, member)| {
        if member.expired_at(now_ms) {
            return Some(DueReason::Expired(*recipient));
        }
        match (
            member.is_suspended(),
            withdrawn.leaves_out(recipient, member),
        ) {
            (true, true) => return None,
            (true, false) => return Some(DueReason::Lifted(*recipient)),
            (false, true) => return Some(DueReason::Withdrawn(*recipient)),
            (false, false) => {}
        }
        let newest = newest_key(recipient, known)?;
        (newest.generation > member.key.generation).then_some(DueReason::NewGeneration(*recipient))
    })
}
