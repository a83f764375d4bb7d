//! Accepting a session's entries.

use super::{AcceptError, Effects, WrapPlaceOf, accept_back_links, accept_wraps};
use crate::chain::{ChainError, Replay as _};
use crate::format::bodies::SessionBody;
use crate::format::entry::Entry;
use crate::format::ids::{ChainId, Recipient};
use crate::keyring::KeyringError;
use crate::primitives::hash::ref_hash;
use crate::rights::{Known, Member, Outcome, RightsError, SessionState, replay_session};
use crate::wire::limits::MAX_SKEW_MS;
use crate::wire::upload::Upload;
use std::collections::BTreeSet;

/// Applies `uploads`, all or none, to `state` (or begins a session).
///
/// `requester` is the identity that signed the request; `withdrawn` are those
/// whom the operator has withdrawn here; `known` must hold the chains of all
/// authors and recipients, or [`AcceptError::Needs`] lists them.
pub fn accept_session(
    state: Option<SessionState>,
    uploads: &[Upload],
    requester: ChainId,
    withdrawn: &BTreeSet<Recipient>,
    known: &(dyn Known + 'static),
    now_ms: u64,
) -> Result<(SessionState, Effects), AcceptError> {
    let mut effects = Effects::default();
    let mut state = state;
    let mut dropped = BTreeSet::new();
    for upload in uploads {
        let entry = &upload.entry.entry;
        check_author(entry, requester, known)?;
        if let Some(state) = &state {
            check_follows(state, entry)?;
        }
        let before: BTreeSet<Recipient> = members(state.as_ref());
        let acting = acting(entry)?;
        let expired = state.as_ref().is_some_and(|state| {
            let member = state.member(&acting);
            member.is_some_and(|it| it.expired_at(now_ms))
        });
        if expired {
            return Err(AcceptError::AuthorExpired);
        }
        if withdrawn.contains(&acting) {
            return Err(AcceptError::AuthorWithdrawn);
        }
        if state.as_ref().is_some_and(|it| it.over_at(now_ms)) {
            return Err(RightsError::Ended.into());
        }
        let next = match replay_session(state, std::slice::from_ref(&upload.entry), known)? {
            Outcome::Done(next) => *next,
            Outcome::Needs(needs) => return Err(AcceptError::Needs(needs)),
        };
        check_times(&next, entry, now_ms)?;
        check_withdrawn(&next, entry, withdrawn)?;
        let leaves = check_wraps(&next, upload, &mut effects)?;
        check_back_links(&next, upload, &mut effects)?;
        check_metadata(&next, upload, &mut effects)?;
        check_tag(upload, &mut effects)?;
        effects.push(&upload.entry, leaves);
        for gone in before.difference(&members(Some(&next))) {
            effects.wraps.retain(|wrap| wrap.recipient != *gone);
            dropped.insert(*gone);
        }
        state = Some(next);
    }
    let state = state.ok_or(ChainError::Empty)?;
    effects.dropped = dropped.into_iter().collect();
    effects.ended = state.ended();
    if effects.ended {
        effects.wraps.clear();
        effects.back_links.clear();
        effects.metadata = None;
        effects.tag = None;
    }
    Ok((state, effects))
}

/// As whom the author acts.
pub(super) fn acting(entry: &Entry) -> Result<Recipient, AcceptError> {
    let body = SessionBody::decode(entry.entry_type, entry.body.as_slice())?;
    Ok(match &body {
        SessionBody::Through(through) => through.path.first().map(|it| Recipient::group(it.group)),
        _ => None,
    }
    .unwrap_or(Recipient::identity(entry.author.identity)))
}

pub(super) fn members(state: Option<&SessionState>) -> BTreeSet<Recipient> {
    state
        .into_iter()
        .flat_map(SessionState::members)
        .map(|(recipient, _)| *recipient)
        .collect()
}

/// The sender wrote it, and knows the newest of its own chain.
fn check_author(entry: &Entry, requester: ChainId, known: &dyn Known) -> Result<(), AcceptError> {
    if entry.author.identity != requester {
        return Err(AcceptError::Requester);
    }
    let at_head = known
        .identity(&requester)
        .is_some_and(|identity| identity.tip().head == entry.author.position);
    if at_head {
        Ok(())
    } else {
        Err(AcceptError::AuthorBehind)
    }
}

fn check_follows(state: &SessionState, entry: &Entry) -> Result<(), AcceptError> {
    let head = state.tip().head;
    if entry.chain_id != state.id() {
        return Err(ChainError::OtherChain.into());
    }
    if entry.seq != head.seq + 1 || entry.prev != head.hash {
        return Err(AcceptError::Conflict);
    }
    Ok(())
}

/// Where somebody's rights end by a clock, the signed time must be the true one.
fn check_times(state: &SessionState, entry: &Entry, now_ms: u64) -> Result<(), AcceptError> {
    let removes_expired = state
        .removed()
        .iter()
        .any(|gone| gone.seq == entry.seq && gone.cause == crate::rights::RemovalCause::Expired);
    let someone_expires =
        state.ends_ms() != 0 || state.members().any(|(_, member)| member.expires_ms != 0);
    if (removes_expired || someone_expires) && entry.claimed_ms.abs_diff(now_ms) > MAX_SKEW_MS {
        return Err(AcceptError::Skew);
    }
    let past = state
        .members()
        .any(|(_, member)| member.granted_seq == entry.seq && member.expired_at(now_ms));
    if past || state.over_at(now_ms) {
        Err(AcceptError::PastExpiry)
    } else {
        Ok(())
    }
}

/// What the operator has taken away no entry gives back, and only that is left
/// out of a new epoch.
fn check_withdrawn(
    state: &SessionState,
    entry: &Entry,
    withdrawn: &BTreeSet<Recipient>,
) -> Result<(), AcceptError> {
    let granted = |it: &&Recipient| {
        let member = state.member(it);
        member.is_some_and(|member| member.granted_seq == entry.seq)
    };
    if withdrawn.iter().any(|it| granted(&it)) {
        return Err(AcceptError::RecipientWithdrawn);
    }
    let begins_epoch = state.epochs().last().is_some_and(|it| it.seq == entry.seq);
    let differs = |(recipient, member): (&Recipient, &Member)| {
        member.is_suspended() != withdrawn.contains(recipient)
    };
    if begins_epoch && state.members().any(differs) {
        return Err(AcceptError::NotAsWithdrawn);
    }
    Ok(())
}

pub(super) fn check_wraps(
    state: &SessionState,
    upload: &Upload,
    effects: &mut Effects,
) -> Result<Vec<[u8; 32]>, AcceptError> {
    let entry = &upload.entry.entry;
    let place = WrapPlaceOf {
        tenant_id: state.tenant_id(),
        author: entry.author,
    };
    let body = SessionBody::decode(entry.entry_type, entry.body.as_slice())?;
    let grants = match body.deed() {
        SessionBody::Grant(body) => {
            let to: Vec<Recipient> = body.grants.iter().map(|it| it.key.recipient).collect();
            Some((to, body.epochs))
        }
        SessionBody::Transfer(body) => Some((vec![body.to.key.recipient], body.epochs)),
        _ => None,
    };
    let current = state.current_epoch();
    let expected = |recipient: &Recipient, epoch: u32| {
        // A grant wraps its epochs to its recipients, a new epoch itself to everybody.
        let asked = match &grants {
            Some((to, epochs)) => to.contains(recipient) && epochs.contains(&epoch),
            None => epoch == current,
        };
        let member = state.member(recipient);
        let member = member.filter(|it| asked && !it.is_suspended())?;
        let commitment = state.epoch(epoch)?.commitment;
        Some((commitment, member.key.generation, member.key.key_id))
    };
    let committed = state.wraps_at(entry.seq).map(|(committed, _)| committed);
    accept_wraps(upload, place, committed, expected, effects)
}

pub(super) fn check_back_links(
    state: &SessionState,
    upload: &Upload,
    effects: &mut Effects,
) -> Result<(), AcceptError> {
    let began = state
        .epochs()
        .last()
        .filter(|epoch| epoch.seq == upload.entry.entry.seq)
        .map(|epoch| (state.current_epoch(), &*epoch.back_links));
    accept_back_links(upload, began, effects)
}

pub(super) fn check_metadata(
    state: &SessionState,
    upload: &Upload,
    effects: &mut Effects,
) -> Result<(), AcceptError> {
    let entry = &upload.entry.entry;
    let body = SessionBody::decode(entry.entry_type, entry.body.as_slice())?;
    match (body.deed(), &upload.metadata) {
        (SessionBody::SetMetadata(body), Some(blob))
            if ref_hash("metadata", blob) == body.blob_hash =>
        {
            effects.metadata = Some(blob.clone());
            debug_assert_eq!(state.metadata(), Some(&body));
            Ok(())
        }
        (SessionBody::SetMetadata(_), _) | (_, Some(_)) => Err(KeyringError::WrapSet.into()),
        _ => Ok(()),
    }
}

/// A tag comes with what its commitment opens to.
pub(super) fn check_tag(upload: &Upload, effects: &mut Effects) -> Result<(), AcceptError> {
    let entry = &upload.entry.entry;
    let body = SessionBody::decode(entry.entry_type, entry.body.as_slice())?;
    match (body.deed(), &upload.tag) {
        (SessionBody::SetTag(body), None) if body.tag_hash == [0; 32] => {
            effects.tag = Some(None);
            Ok(())
        }
        (SessionBody::SetTag(body), Some(opening)) if opening.commitment() == body.tag_hash => {
            effects.tag = Some(Some(opening.clone()));
            Ok(())
        }
        (SessionBody::SetTag(_), _) | (_, Some(_)) => Err(KeyringError::WrapSet.into()),
        _ => Ok(()),
    }
}
