//! Handing back an identity's entries.

use super::{StoredAlready, Window, divide};
use crate::chain::{ChainError, Replay as _};
use crate::format::bodies::{IdentityBody, UserIdOpening};
use crate::format::ids::{ChainId, Recipient};
use crate::identity::attestation::verify_binding;
use crate::identity::{Attestation, IdentityError, IdentityState, TenantState};
use crate::keyring::KeyringError;
use crate::wire::accept::identity::{TOKEN_LEEWAY_MS, drop_the_gone, only_recipient};
use crate::wire::accept::{
    AcceptError, Effects, FilledEntry, WrapPlaceOf, accept_back_links, accept_wraps,
};
use crate::wire::upload::Upload;

/// An identity's chain with the entries that were handed back.
#[derive(Debug)]
pub struct Restored {
    /// Its state.
    pub state: IdentityState,
    /// What is stored.
    pub effects: Effects,
    /// What the app's backend said, if the identity was not there at all.
    pub attestation: Option<Attestation>,
}

/// Applies entries of the identity `id` that are handed back to `state`, or
/// begins the chain with entry 0 and the binding of its user id; all or none.
///
/// `stored` are the entries that are there already of those in `uploads`, in
/// the same order: all up to the head. Who may hand them back is the caller's
/// question: the entries prove themselves.
///
/// # Errors
/// [`AcceptError::Conflict`] for another history than the one that is there,
/// and what `docs/spec/heads.md` names.
pub fn accept_restore_identity(
    tenant: &TenantState,
    id: ChainId,
    state: Option<IdentityState>,
    stored: &[StoredAlready],
    uploads: &[Upload],
    opening: Option<&UserIdOpening>,
    window: Window,
) -> Result<Restored, AcceptError> {
    let head = state.as_ref().map(|state| state.tip().head);
    let (old, new) = divide(id, head, stored, uploads)?;
    let is_new = state.is_none();
    let mut effects = Effects::default();
    let before = state.clone();
    let mut state = state;
    for upload in new {
        let entry = &upload.entry.entry;
        window.check_not_ahead(entry)?;
        match IdentityBody::decode(entry.entry_type, entry.body.as_slice())? {
            // A user id is bound at enrolment only.
            IdentityBody::BindUserId(_) if !is_new || entry.seq != 1 => {
                return Err(IdentityError::BindingNumber.into());
            }
            _ => {}
        }
        state = Some(match state {
            None => IdentityState::start(&upload.entry, &())?,
            Some(mut state) => {
                state.apply(&upload.entry, &())?;
                state
            }
        });
    }
    let state = state.ok_or(ChainError::Empty)?;
    if state.tenant_id() != tenant.id() {
        return Err(ChainError::OtherChain.into());
    }
    let attestation = if is_new {
        Some(check_enrolment(tenant, &state, opening, window)?)
    } else {
        None
    };
    for (upload, stored) in old.iter().zip(stored) {
        let mut filled = Effects::default();
        let leaves = check_upload(&state, upload, &mut filled)?;
        effects.back_links.append(&mut filled.back_links);
        if !leaves.is_empty() && !stored.leaves_known {
            effects.wraps.append(&mut filled.wraps);
            effects.filled.push(FilledEntry {
                seq: upload.entry.entry.seq,
                leaves,
            });
        }
    }
    for upload in new {
        let leaves = check_upload(&state, upload, &mut effects)?;
        effects.push(&upload.entry, leaves);
    }
    drop_the_gone(before.as_ref(), &state, &mut effects);
    Ok(Restored {
        state,
        effects,
        attestation,
    })
}

/// The wraps and back-links of an entry, if they came with it. Which devices
/// there were at that time, the whole chain still says.
fn check_upload(
    state: &IdentityState,
    upload: &Upload,
    effects: &mut Effects,
) -> Result<Vec<crate::keyring::merkle::Hash>, AcceptError> {
    let entry = &upload.entry.entry;
    let body = IdentityBody::decode(entry.entry_type, entry.body.as_slice())?;
    if upload.metadata.is_some() {
        return Err(KeyringError::WrapSet.into());
    }
    let (generation, user_key) = state.user_key_at(entry.seq).ok_or(ChainError::Sequence)?;
    if !upload.wraps.is_empty() || !upload.back_links.is_empty() {
        let links = &*user_key.epoch.back_links;
        let began = (user_key.since == entry.seq).then_some((generation, links));
        accept_back_links(upload, began, effects)?;
    }
    if upload.wraps.is_empty() {
        return Ok(Vec::new());
    }
    let only = only_recipient(&body);
    let expected = |recipient: &Recipient, epoch: u32| {
        if epoch != generation || only.is_some_and(|only| only != *recipient) {
            return None;
        }
        let key = state.wrap_key_at(recipient, entry.seq)?;
        Some((user_key.epoch.commitment, 0, key))
    };
    let place = WrapPlaceOf {
        tenant_id: state.tenant_id(),
        author: entry.author,
    };
    let committed = state.wraps_at(entry.seq).map(|(committed, _)| committed);
    accept_wraps(upload, place, committed, expected, effects)
}

/// What enrolment asks for; in the operator's window the token may have expired.
fn check_enrolment(
    tenant: &TenantState,
    state: &IdentityState,
    opening: Option<&UserIdOpening>,
    window: Window,
) -> Result<Attestation, AcceptError> {
    let binding = state.binding().ok_or(ChainError::Sequence)?;
    let opening = opening.ok_or(crate::identity::AttestationError::Mismatch)?;
    let attestation = verify_binding(
        tenant,
        state.id(),
        &binding.body,
        binding.claimed_ms,
        opening,
    )?;
    let now_ms = window.now_ms;
    if attestation.issued_ms > now_ms.saturating_add(TOKEN_LEEWAY_MS) {
        return Err(AcceptError::TokenExpired);
    }
    // `verify_binding` has checked that the claimed time is in the token's life.
    let in_time = now_ms <= attestation.expires_ms.saturating_add(TOKEN_LEEWAY_MS);
    if in_time || window.holds(binding.claimed_ms) {
        Ok(attestation)
    } else {
        Err(AcceptError::TokenExpired)
    }
}
