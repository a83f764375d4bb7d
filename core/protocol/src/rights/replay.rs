//! Replay of a session's log: who wrote each entry, at which place of their
//! own chain, and then the rule for its type.

use super::groups::GroupPart;
use super::known::Known;
use super::state::{Member, RightsError, SessionState};
use crate::chain::{ChainError, Replay, Tip, replay, verify_signature};
use crate::format::bodies::{RecipientKey, SessionBody};
use crate::format::entry::{Entry, SignedEntry};
use crate::format::ids::{ChainId, Kind, Position, Recipient};
use crate::identity::{IdentityState, state::holds_position};
use std::collections::BTreeMap;

/// A chain that replay needs, at least up to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// Identity or group.
    pub kind: Kind,
    /// Its chain.
    pub chain: ChainId,
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
    known: &(dyn Known + 'static),
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
pub fn needs(entries: &[SignedEntry], known: &dyn Known) -> Result<Vec<Need>, RightsError> {
    let mut needs = BTreeMap::<(Kind, ChainId), u64>::new();
    let mut want = |kind: Kind, chain: ChainId, position: &Position| {
        let seq = position.seq;
        let there = match kind {
            Kind::Group => known.group(&chain).and_then(|it| it.hash_at(seq)).is_some(),
            _ => known
                .identity(&chain)
                .and_then(|it| it.hash_at(seq))
                .is_some(),
        };
        if !there {
            let seq = needs.entry((kind, chain)).or_default();
            *seq = position.seq.max(*seq);
        }
    };
    for signed in entries {
        let entry = &signed.entry;
        if !matches!(entry.kind, Kind::Session | Kind::Group) {
            return Err(ChainError::OtherChain.into());
        }
        want(
            Kind::Identity,
            entry.author.identity,
            &entry.author.position,
        );
        let body = SessionBody::decode(entry.entry_type, entry.body.as_slice())?;
        if let SessionBody::Through(through) = &body {
            for step in &through.path {
                want(Kind::Group, step.group, &step.position);
            }
        }
        for key in named_keys(&body) {
            crate::format::bodies::check_recipient_kind(key.recipient.kind)?;
            want(key.recipient.kind, key.recipient.chain(), &key.position);
        }
    }
    Ok(needs
        .into_iter()
        .map(|((kind, chain), seq)| Need { kind, chain, seq })
        .collect())
}

fn named_keys(body: &SessionBody) -> Vec<&RecipientKey> {
    match body {
        SessionBody::Create(body) => body.grants.iter().map(|grant| &grant.key).collect(),
        SessionBody::Grant(body) => body.grants.iter().map(|grant| &grant.key).collect(),
        SessionBody::Rotate(body) => body.updates.iter().collect(),
        SessionBody::Transfer(body) => vec![&body.to.key],
        SessionBody::GroupCreate(body) => body.create.grants.iter().map(|it| &it.key).collect(),
        SessionBody::GroupRotate(body) => body.rotate.updates.iter().collect(),
        SessionBody::Through(through) => named_keys(&through.body),
        _ => Vec::new(),
    }
}

impl Replay for SessionState {
    type Known = dyn Known;
    type Error = RightsError;

    fn start(signed: &SignedEntry, known: &Self::Known) -> Result<Self, RightsError> {
        let entry = &signed.entry;
        let body = SessionBody::decode(entry.entry_type, entry.body.as_slice())?;
        let (create, group) = match body {
            SessionBody::Create(body) if entry.kind == Kind::Session => (body, None),
            SessionBody::GroupCreate(body) if entry.kind == Kind::Group => {
                (body.create, Some((body.key, body.history == 1)))
            }
            _ => return Err(ChainError::Sequence.into()),
        };
        let tip = Tip::start(&create.core, entry)?;
        let mut positions = BTreeMap::new();
        check_author(signed, tip.tenant_id, &mut positions, known)?;
        let (key, part) = match group {
            Some((key, history)) => (Some(key), Some(GroupPart::new(history))),
            None => (None, None),
        };
        let mut state = Self::created(tip, entry, create, (key, part), positions, known)?;
        state.note(entry);
        Ok(state)
    }

    fn apply(&mut self, signed: &SignedEntry, known: &Self::Known) -> Result<(), RightsError> {
        let entry = &signed.entry;
        self.tip.check_next(entry)?;
        if self.ended || self.over_at(entry.claimed_ms) {
            return Err(RightsError::Ended);
        }
        check_author(signed, self.tip.tenant_id, &mut self.positions, known)?;
        let body = SessionBody::decode(entry.entry_type, entry.body.as_slice())?;
        self.apply_body(entry, body, known)?;
        self.tip.advance(entry);
        self.active_ms = self.active_ms.max(entry.claimed_ms);
        self.note(entry);
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
    known: &dyn Known,
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
    known: &'a dyn Known,
) -> Result<&'a IdentityState, RightsError> {
    let identity = known.identity(&id).ok_or(RightsError::Position)?;
    if identity.tenant_id() != tenant_id {
        return Err(ChainError::OtherChain.into());
    }
    if holds_position(identity, position) != Some(true) {
        return Err(RightsError::Position);
    }
    not_backwards(positions, id, position)?;
    Ok(identity)
}

/// A place of a chain that is not before one that was named earlier.
pub(super) fn not_backwards(
    positions: &mut BTreeMap<ChainId, u64>,
    id: ChainId,
    position: &Position,
) -> Result<(), RightsError> {
    let latest = positions.entry(id).or_insert(position.seq);
    if position.seq < *latest {
        return Err(RightsError::BackDated);
    }
    *latest = position.seq;
    Ok(())
}

impl SessionState {
    fn note(&mut self, entry: &Entry) {
        if let Some(group) = &mut self.group {
            group.note(entry, &self.members);
        }
    }

    /// Checks that a recipient's key is the newest of its chain at the place named.
    pub(super) fn check_recipient_key(
        &mut self,
        key: &RecipientKey,
        known: &dyn Known,
    ) -> Result<(), RightsError> {
        crate::format::bodies::check_recipient_kind(key.recipient.kind)?;
        if key.recipient.kind == Kind::Group {
            return self.check_group_key(key, known);
        }
        let (id, tenant_id) = (key.recipient.chain(), self.tip.tenant_id);
        let identity = resolve(id, &key.position, tenant_id, &mut self.positions, known)?;
        match identity.user_key_at(key.position.seq) {
            Some((generation, user_key))
                if generation == key.generation && user_key.id == key.key_id =>
            {
                Ok(())
            }
            _ => Err(RightsError::RecipientKey),
        }
    }

    /// The membership of whoever acts: the author's own or a group's, if it had
    /// not ended at the entry's time and is not suspended.
    pub(super) fn acting(
        &self,
        entry: &Entry,
        recipient: &Recipient,
    ) -> Result<Member, RightsError> {
        self.members
            .get(recipient)
            .filter(|member| member.may_act_at(entry.claimed_ms))
            .cloned()
            .ok_or(RightsError::NotAllowed)
    }
}
