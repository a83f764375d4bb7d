//! What a replay needs to know of other chains.

use super::state::SessionState;
use crate::format::bodies::RecipientKey;
use crate::format::ids::{ChainId, Kind, Recipient};
use crate::format::keys::KeyRecord;
use crate::identity::{Identities, IdentityState};
use std::collections::HashMap;
use std::sync::Arc;

/// Verified chains by id: identities', and groups'.
pub trait Known: Identities {
    /// The log of the group `id`, as far as it is known.
    fn group(&self, id: &ChainId) -> Option<&SessionState> {
        let _ = id;
        None
    }
}

impl Known for HashMap<ChainId, IdentityState> {}
impl Known for HashMap<ChainId, Arc<IdentityState>> {}

/// Chains, shared with whoever replays with them.
#[derive(Clone, Debug, Default)]
pub struct Chains {
    /// Identities'.
    pub identities: HashMap<ChainId, Arc<IdentityState>>,
    /// Groups'.
    pub groups: HashMap<ChainId, Arc<SessionState>>,
}

impl Identities for Chains {
    fn identity(&self, id: &ChainId) -> Option<&IdentityState> {
        self.identities.get(id).map(AsRef::as_ref)
    }
}

impl Known for Chains {
    fn group(&self, id: &ChainId) -> Option<&SessionState> {
        self.groups.get(id).map(AsRef::as_ref)
    }
}

/// A recipient's newest key, by what is known of its chain.
#[must_use]
pub fn newest_key(recipient: &Recipient, known: &dyn Known) -> Option<RecipientKey> {
    match recipient.kind {
        Kind::Identity => known
            .identity(&recipient.chain())
            .map(super::draft::recipient_key),
        Kind::Group => known.group(&recipient.chain())?.group_key(),
        _ => None,
    }
}

/// The public key that `key` names.
#[must_use]
pub fn public_key<'a>(key: &RecipientKey, known: &'a dyn Known) -> Option<&'a KeyRecord> {
    let generation = key.generation as usize;
    let (id, record) = match key.recipient.kind {
        Kind::Identity => {
            let identity = known.identity(&key.recipient.chain())?;
            let user_key = identity.user_keys().get(generation)?;
            (user_key.id, &user_key.record)
        }
        Kind::Group => {
            let group = known.group(&key.recipient.chain())?;
            let group_key = group.epochs().get(generation)?.key.as_ref()?;
            (group_key.id, &group_key.record)
        }
        _ => return None,
    };
    (id == key.key_id).then_some(record)
}
