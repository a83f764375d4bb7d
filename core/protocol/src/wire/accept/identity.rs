//! Accepting an identity's entries, and enrolment.

use super::{AcceptError, Effects, WrapPlaceOf, accept_back_links, accept_wraps};
use crate::chain::{ChainError, Replay};
use crate::format::bodies::{IdentityBody, UserIdOpening};
use crate::format::ids::Recipient;
use crate::identity::attestation::verify_binding;
use crate::identity::{Attestation, IdentityState, TenantState};
use crate::keyring::KeyringError;
use crate::wire::upload::Upload;

/// Seconds by which a token's times may be off, in milliseconds.
pub(super) const TOKEN_LEEWAY_MS: u64 = 60_000;

/// Applies an identity's entries to `state` (or begins a chain).
pub fn accept_identity(
    state: Option<IdentityState>,
    uploads: &[Upload],
) -> Result<(IdentityState, Effects), AcceptError> {
    let mut effects = Effects::default();
    let before = state.clone();
    let mut state = state;
    for upload in uploads {
        let seq = upload.entry.entry.seq;
        let next = match state {
            None => IdentityState::start(&upload.entry, &())?,
            Some(mut state) => {
                state.apply(&upload.entry, &())?;
                state
            }
        };
        let committed = next.wraps_at(seq).map(|(committed, _)| committed);
        let (generation, user_key) = next.user_key();
        let commitment = user_key.epoch.commitment;
        let place = WrapPlaceOf {
            tenant_id: next.tenant_id(),
            author: upload.entry.entry.author,
        };
        let body = IdentityBody::decode(
            upload.entry.entry.entry_type,
            upload.entry.entry.body.as_slice(),
        )?;
        let only = only_recipient(&body);
        let expected = |recipient: &Recipient, epoch: u32| {
            if only.is_some_and(|only| only != *recipient) {
                return None;
            }
            let key = next.wrap_key_at(recipient, seq)?;
            (epoch == generation).then_some((commitment, 0, key))
        };
        let leaves = accept_wraps(upload, place, committed, expected, &mut effects)?;
        let began = (user_key.since == seq).then_some((generation, &*user_key.epoch.back_links));
        accept_back_links(upload, began, &mut effects)?;
        if upload.metadata.is_some() {
            return Err(KeyringError::WrapSet.into());
        }
        effects.push(&upload.entry, leaves);
        state = Some(next);
    }
    let state = state.ok_or(ChainError::Empty)?;
    drop_the_gone(before.as_ref(), &state, &mut effects);
    Ok((state, effects))
}

/// The one wrap of a new key is for that key.
pub(super) fn only_recipient(body: &IdentityBody) -> Option<Recipient> {
    match body {
        IdentityBody::AddDevice(body) => Some(Recipient::device(body.keys.signing.id())),
        IdentityBody::UseRecovery(body) => Some(Recipient::device(body.keys.signing.id())),
        IdentityBody::SetRecovery(body) => Some(Recipient::recovery(body.keys.signing.id())),
        _ => None,
    }
}

/// Wraps of devices and recovery keys that are no longer there are deleted, and
/// such as have come along are not stored.
pub(super) fn drop_the_gone(
    before: Option<&IdentityState>,
    after: &IdentityState,
    effects: &mut Effects,
) {
    let is_there = |recipient: &Recipient| after.wrap_recipients().any(|(it, _)| it == *recipient);
    effects.wraps.retain(|wrap| is_there(&wrap.recipient));
    let before = before.into_iter().flat_map(IdentityState::wrap_recipients);
    let gone = before.map(|(it, _)| it).filter(|it| !is_there(it));
    effects.dropped.extend(gone);
}

/// A new identity.
#[derive(Debug)]
pub struct Enrolled {
    /// Its state.
    pub state: IdentityState,
    /// What is stored.
    pub effects: Effects,
    /// What the app's backend said.
    pub attestation: Attestation,
}

/// Accepts a new identity with its binding: exactly entry 0 and `bind_user_id`.
pub fn accept_enrolment(
    tenant: &TenantState,
    uploads: &[Upload],
    opening: &UserIdOpening,
    now_ms: u64,
) -> Result<Enrolled, AcceptError> {
    if uploads.len() != 2 {
        return Err(ChainError::Sequence.into());
    }
    let (state, effects) = accept_identity(None, uploads)?;
    if state.tenant_id() != tenant.id() {
        return Err(ChainError::OtherChain.into());
    }
    let binding = state.binding().ok_or(ChainError::Sequence)?;
    let attestation = verify_binding(
        tenant,
        state.id(),
        &binding.body,
        binding.claimed_ms,
        opening,
    )?;
    let in_time = attestation.issued_ms <= now_ms.saturating_add(TOKEN_LEEWAY_MS)
        && now_ms <= attestation.expires_ms.saturating_add(TOKEN_LEEWAY_MS);
    if !in_time {
        return Err(AcceptError::TokenExpired);
    }
    Ok(Enrolled {
        state,
        effects,
        attestation,
    })
}
