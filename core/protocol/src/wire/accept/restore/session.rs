//! Handing back a session's entries.

use super::{StoredAlready, Window, divide};
use crate::chain::ChainError;
use crate::format::bodies::{SessionBody, TagOpening};
use crate::format::entry::Entry;
use crate::format::ids::{ChainId, KeyId, Recipient};
use crate::keyring::KeyringError;
use crate::primitives::hash::ref_hash;
use crate::rights::Known;
use crate::rights::{Outcome, SessionState, replay_session};
use crate::wire::accept::session::{
    acting, check_back_links, check_metadata, check_tag, check_wraps, members,
};
use crate::wire::accept::{
    AcceptError, Effects, FilledEntry, WrapPlaceOf, accept_back_links, accept_wraps,
};
use crate::wire::upload::Upload;
use std::collections::{BTreeMap, BTreeSet};

/// Applies entries of the session `id` that are handed back to `state`, or
/// begins the session with them; all or none.
///
/// `stored` are the entries that are there already of those in `uploads`, in
/// the same order: all up to the head. `known` must hold the chains of all
/// authors and recipients as the directory has them, or
/// [`AcceptError::Needs`] lists them.
///
/// # Errors
/// [`AcceptError::Conflict`] for another history than the one that is there,
/// and what `docs/spec/heads.md` names.
pub fn accept_restore_session(
    id: ChainId,
    state: Option<SessionState>,
    stored: &[StoredAlready],
    uploads: &[Upload],
    requester: ChainId,
    known: &(dyn Known + 'static),
    window: Window,
) -> Result<(SessionState, Effects), AcceptError> {
    let head = state.as_ref().map(|state| state.tip().head);
    let (old, new) = divide(id, head, stored, uploads)?;
    let me = Recipient::identity(requester);
    let mut allowed = state.as_ref().is_some_and(|it| it.member(&me).is_some())
        || uploads
            .iter()
            .any(|upload| upload.entry.entry.author.identity == requester);
    let mut effects = Effects::default();
    let mut dropped = BTreeSet::new();
    let mut state = state;
    for upload in new {
        let entry = &upload.entry.entry;
        window.check_not_ahead(entry)?;
        check_grant_of_author(state.as_ref(), entry, window)?;
        let before = members(state.as_ref());
        let next = match replay_session(state, std::slice::from_ref(&upload.entry), known)? {
            Outcome::Done(next) => *next,
            Outcome::Needs(needs) => return Err(AcceptError::Needs(needs)),
        };
        check_device_of_author(entry, known, window)?;
        apply_new(&next, upload, &mut effects)?;
        dropped.extend(before.difference(&members(Some(&next))).copied());
        state = Some(next);
    }
    let state = state.ok_or(ChainError::Empty)?;
    allowed |= state.member(&me).is_some();
    if !allowed {
        return Err(AcceptError::Requester);
    }
    for (upload, stored) in old.iter().zip(stored) {
        fill_old(&state, upload, *stored, &mut effects)?;
    }
    effects.dropped = dropped.into_iter().collect();
    keep_what_is_due(&state, window.now_ms, &mut effects);
    Ok((state, effects))
}

/// An author whose grant has ended can't go back to when it had not.
fn check_grant_of_author(
    state: Option<&SessionState>,
    entry: &Entry,
    window: Window,
) -> Result<(), AcceptError> {
    let author = acting(entry)?;
    let has_ended = state
        .and_then(|state| state.member(&author))
        .is_some_and(|member| member.expired_at(window.now_ms));
    if has_ended && !window.holds(entry.claimed_ms) {
        Err(AcceptError::AuthorExpired)
    } else {
        Ok(())
    }
}

/// Nor can one whose device was revoked: replay has checked the place that the
/// author names, this checks the chain's head.
fn check_device_of_author(
    entry: &Entry,
    known: &dyn Known,
    window: Window,
) -> Result<(), AcceptError> {
    let active = known
        .identity(&entry.author.identity)
        .is_some_and(|identity| identity.active_device(&entry.author.key).is_some());
    if active || window.holds(entry.claimed_ms) {
        Ok(())
    } else {
        Err(AcceptError::AuthorRevoked)
    }
}

/// An entry with everything that it commits to, or without.
fn apply_new(
    state: &SessionState,
    upload: &Upload,
    effects: &mut Effects,
) -> Result<(), AcceptError> {
    let with_wraps = !upload.wraps.is_empty();
    let leaves = if with_wraps {
        check_wraps(state, upload, effects)?
    } else {
        Vec::new()
    };
    if with_wraps || !upload.back_links.is_empty() {
        check_back_links(state, upload, effects)?;
    }
    let entry = &upload.entry.entry;
    let body = SessionBody::decode(entry.entry_type, entry.body.as_slice())?;
    let body = body.deed();
    if let SessionBody::SetMetadata(_) = body {
        effects.metadata = None;
        effects.metadata_stale = true;
    }
    if upload.metadata.is_some() {
        check_metadata(state, upload, effects)?;
    }
    match body {
        // It may have come without its opening: then no tag is better than an old one.
        SessionBody::SetTag(_) if upload.tag.is_none() => effects.tag = Some(None),
        _ => check_tag(upload, effects)?,
    }
    effects.push(&upload.entry, leaves);
    Ok(())
}

/// What comes with an entry that is there already. It is always checked; wraps
/// are stored only if the entry was bare, so that deleted ones don't come back.
fn fill_old(
    state: &SessionState,
    upload: &Upload,
    stored: StoredAlready,
    effects: &mut Effects,
) -> Result<(), AcceptError> {
    let entry = &upload.entry.entry;
    let body = SessionBody::decode(entry.entry_type, entry.body.as_slice())?.deed();
    if !upload.wraps.is_empty() {
        let mut filled = Effects::default();
        let leaves = check_old_wraps(state, upload, &body, &mut filled)?;
        if !stored.leaves_known {
            effects.wraps.append(&mut filled.wraps);
            effects.filled.push(FilledEntry {
                seq: entry.seq,
                leaves,
            });
        }
    }
    if !upload.wraps.is_empty() || !upload.back_links.is_empty() {
        let epochs = state.epochs();
        let began = epochs
            .binary_search_by_key(&entry.seq, |epoch| epoch.seq)
            .ok()
            .map(|number| (number as u32, &*epochs[number].back_links));
        accept_back_links(upload, began, effects)?;
    }
    match (&body, &upload.metadata) {
        (_, None) => {}
        (SessionBody::SetMetadata(body), Some(blob))
            if ref_hash("metadata", blob) == body.blob_hash =>
        {
            if state.metadata() == Some(body) {
                effects.metadata = Some(blob.clone());
            }
        }
        _ => return Err(KeyringError::WrapSet.into()),
    }
    if upload.tag.is_some() {
        let mut filled = Effects::default();
        check_tag(upload, &mut filled)?;
        let is_current = filled.tag.as_ref().is_some_and(|it| {
            let commitment = it.as_ref().map(TagOpening::commitment);
            commitment == state.tag()
        });
        if is_current {
            effects.tag = filled.tag;
        }
    }
    Ok(())
}

/// The wraps of an entry that is there already, against its commitment. Which
/// key a new epoch was wrapped to, at that time, only the tree's root knows.
fn check_old_wraps(
    state: &SessionState,
    upload: &Upload,
    body: &SessionBody,
    effects: &mut Effects,
) -> Result<Vec<crate::keyring::merkle::Hash>, AcceptError> {
    let entry = &upload.entry.entry;
    let (epochs, grants) = match body {
        SessionBody::Create(body) => (vec![body.epoch.epoch], Some(&*body.grants)),
        SessionBody::Grant(body) => (body.epochs.clone(), Some(&*body.grants)),
        SessionBody::Transfer(body) => (body.epochs.clone(), Some(core::slice::from_ref(&body.to))),
        SessionBody::Rotate(body) => (vec![body.epoch.epoch], None),
        _ => (Vec::new(), Some(&[][..])),
    };
    let keys: BTreeMap<Recipient, (u32, KeyId)> = match grants {
        Some(grants) => grants
            .iter()
            .map(|grant| &grant.key)
            .map(|key| (key.recipient, (key.generation, key.key_id)))
            .collect(),
        None => upload
            .wraps
            .iter()
            .map(|wrap| (wrap.recipient, (wrap.generation, wrap.key_id)))
            .collect(),
    };
    let expected = |recipient: &Recipient, epoch: u32| {
        let (generation, key_id) = *keys.get(recipient)?;
        let commitment = state.epoch(epoch)?.commitment;
        epochs
            .contains(&epoch)
            .then_some((commitment, generation, key_id))
    };
    let place = WrapPlaceOf {
        tenant_id: state.tenant_id(),
        author: entry.author,
    };
    let committed = state.wraps_at(entry.seq).map(|(committed, _)| committed);
    accept_wraps(upload, place, committed, expected, effects)
}

/// What was deleted stays deleted: of what came, only what the session would
/// still hold if nothing had been lost.
fn keep_what_is_due(state: &SessionState, now_ms: u64, effects: &mut Effects) {
    let mut last_removed = BTreeMap::new();
    for gone in state.removed() {
        last_removed.insert(gone.recipient, gone.seq);
    }
    effects.wraps.retain(|wrap| {
        let stayed = last_removed
            .get(&wrap.recipient)
            .is_none_or(|gone| *gone < wrap.seq);
        stayed
            && state
                .member(&wrap.recipient)
                .is_some_and(|member| !member.expired_at(now_ms))
    });
    effects.ended = state.ended();
    if effects.ended {
        effects.wraps.clear();
        effects.back_links.clear();
        effects.metadata = None;
        effects.tag = None;
    }
}
