//! Replay of a session's log: who wrote each entry, at which place of their
//! own chain, and then the rule for its type.

use super::state::{RightsError, SessionState};
use crate::chain::{ChainError, Replay, Tip, replay, verify_signature};
use crate::format::bodies::{RecipientKey, SessionBody};
use crate::format::entry::{Entry, SignedEntry};
use crate::format::ids::{ChainId, Kind, Position};
use crate::identity::{Identities, IdentityState, state::holds_position};
use std::collections::BTreeMap;

/// A chain that replay needs, at least up to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// The identity.
    pub identity: ChainId,
    /// The entry that must be there.
    pub seq: u64,
}

/// What a replay gives.
#[derive(Debug)]
pub enum Outcome {
    /// The state after the last entry.
    Done(Box<SessionState>),
    /// Chains that are missing or too short; fetch them all and replay again.
    Needs(Vec<Need>),
}

/// Replays `entries` on top of `state` (or from entry 0).
///
/// # Errors
/// [`RightsError`] for the first entry that breaks a rule. Missing chains are
/// not an error but [`Outcome::Needs`].
pub fn replay_session(
    state: Option<SessionState>,
    entries: &[SignedEntry],
    known: &(dyn Identities + 'static),
) -> Result<Outcome, RightsError> {
    let needs = needs(entries, known)?;
    if !needs.is_empty() {
        return Ok(Outcome::Needs(needs));
    }
    replay(state, entries, known).map(|state| Outcome::Done(Box::new(state)))
}

/// The chains that are missing or too short for a replay of `entries`.
///
/// # Errors
/// [`RightsError`] if an entry is not one of a session.
pub fn needs(entries: &[SignedEntry], known: &dyn Identities) -> Result<Vec<Need>, RightsError> {
    let mut needs = BTreeMap::<ChainId, u64>::new();
    let mut want = |identity: ChainId, position: &Position| {
        let there = known
            .identity(&identity)
            .is_some_and(|state| state.hash_at(position.seq).is_some());
        if !there {
            let seq = needs.entry(identity).or_default();
            *seq = position.seq.max(*seq);
        }
    };
    for signed in entries {
        let entry = &signed.entry;
        if entry.kind != Kind::Session {
            return Err(ChainError::OtherChain.into());
        }
        want(entry.author.identity, &entry.author.position);
        let body = SessionBody::decode(entry.entry_type, entry.body.as_slice())?;
        for key in named_keys(&body) {
            crate::format::bodies::check_recipient_kind(key.recipient.kind)?;
            want(ChainId(key.recipient.id), &key.position);
        }
    }
    Ok(needs
        .into_iter()
        .map(|(identity, seq)| Need { identity, seq })
        .collect())
}

fn named_keys(body: &SessionBody) -> Vec<&RecipientKey> {
    match body {
        SessionBody::Create(body) => body.grants.iter().map(|grant| &grant.key).collect(),
        SessionBody::Grant(body) => body.grants.iter().map(|grant| &grant.key).collect(),
        SessionBody::Rotate(body) => body.updates.iter().collect(),
        SessionBody::Transfer(body) => vec![&body.to.key],
        SessionBody::Revoke(_) | SessionBody::SetMetadata(_) | SessionBody::Tombstone => Vec::new(),
    }
}

impl Replay for SessionState {
    type Known = dyn Identities;
    type Error = RightsError;

    fn start(signed: &SignedEntry, known: &Self::Known) -> Result<Self, RightsError> {
        let entry = &signed.entry;
        let SessionBody::Create(body) =
            SessionBody::decode(entry.entry_type, entry.body.as_slice())?
        else {
            return Err(ChainError::Sequence.into());
        };
        let tip = Tip::start(&body.core, entry)?;
        let mut positions = BTreeMap::new();
        check_author(signed, tip.tenant_id, &mut positions, known)?;
        Self::created(tip, entry, body, positions, known)
    }

    fn apply(&mut self, signed: &SignedEntry, known: &Self::Known) -> Result<(), RightsError> {
        let entry = &signed.entry;
        self.tip.check_next(entry)?;
        if self.ended {
            return Err(RightsError::Ended);
        }
        check_author(signed, self.tip.tenant_id, &mut self.positions, known)?;
        let body = SessionBody::decode(entry.entry_type, entry.body.as_slice())?;
        self.apply_body(entry, body, known)?;
        self.tip.advance(entry);
        Ok(())
    }

    fn tip(&self) -> &Tip {
        &self.tip
    }
}

/// Checks that a device of the author's identity, valid at the named place of
/// that identity's chain, has signed; and that the place is not before an
/// earlier one, so that a revoked key can't go back to when it was valid.
fn check_author(
    signed: &SignedEntry,
    tenant_id: ChainId,
    positions: &mut BTreeMap<ChainId, u64>,
    known: &dyn Identities,
) -> Result<(), RightsError> {
    let author = &signed.entry.author;
    let identity = resolve(
        author.identity,
        &author.position,
        tenant_id,
        positions,
        known,
    )?;
    let device = identity
        .device_at(&author.key, author.position.seq)
        .ok_or(ChainError::Author)?;
    verify_signature(signed, &device.verifying_key)?;
    Ok(())
}

/// The identity, if it is of this tenant and holds `position`.
fn resolve<'a>(
    id: ChainId,
    position: &Position,
    tenant_id: ChainId,
    positions: &mut BTreeMap<ChainId, u64>,
    known: &'a dyn Identities,
) -> Result<&'a IdentityState, RightsError> {
    let identity = known.identity(&id).ok_or(RightsError::Position)?;
    if identity.tenant_id() != tenant_id {
        return Err(ChainError::OtherChain.into());
    }
    if holds_position(identity, position) != Some(true) {
        return Err(RightsError::Position);
    }
    let latest = positions.entry(id).or_insert(position.seq);
    if position.seq < *latest {
        return Err(RightsError::BackDated);
    }
    *latest = position.seq;
    Ok(identity)
}

impl SessionState {
    /// Checks that a recipient's key is the newest of its chain at the place named.
    pub(super) fn check_recipient_key(
        key: &RecipientKey,
        tenant_id: ChainId,
        positions: &mut BTreeMap<ChainId, u64>,
        known: &dyn Identities,
    ) -> Result<(), RightsError> {
        crate::format::bodies::check_recipient_kind(key.recipient.kind)?;
        let id = ChainId(key.recipient.id);
        let identity = resolve(id, &key.position, tenant_id, positions, known)?;
        match identity.user_key_at(key.position.seq) {
            Some((generation, user_key))
                if generation == key.generation && user_key.id == key.key_id =>
            {
                Ok(())
            }
            _ => Err(RightsError::RecipientKey),
        }
    }

    /// The author's membership, if its grant had not ended at the entry's time.
    pub(super) fn author(&self, entry: &Entry) -> Result<super::state::Member, RightsError> {
        let recipient = crate::format::ids::Recipient::identity(entry.author.identity);
        self.members
            .get(&recipient)
            .filter(|member| !member.expired_at(entry.claimed_ms))
            .cloned()
            .ok_or(RightsError::NotAllowed)
    }
}
