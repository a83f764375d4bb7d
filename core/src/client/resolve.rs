//! Fetching identities, and believing nothing of the answer that does not verify.

use super::account::AccountInner;
use super::pins::{self, UserPin};
use super::{decode_entries, lock};
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::chain::{ChainError, Replay as _, replay};
use plico_protocol::format::bodies::UserIdOpening;
use plico_protocol::format::codec::{FormatError, decode};
use plico_protocol::format::ids::ChainId;
use plico_protocol::identity::attestation::{check_user_id, verify_binding};
use plico_protocol::identity::{Attestation, AttestationError, IdentityError, IdentityState};
use plico_protocol::rights::Need;
use plico_protocol::wire::b64::{self, B64x32};
use plico_protocol::wire::limits::MAX_LOOKUP;
use plico_protocol::wire::rest::{
    ChainFrom, IdentitiesFound, IdentitiesLookup, IdentityAnswer, UsersFound, UsersLookup,
};
use std::collections::HashMap;
use std::sync::Arc;

/// A chain error in what a directory showed. `known`: entries were to follow
/// what this client already holds.
pub(crate) fn chain_error(error: &ChainError, known: bool) -> Error {
    let code = match error {
        ChainError::Format(FormatError::NeedsNewerClient(_)) => ErrorCode::NeedsNewerClient,
        ChainError::OtherChain => ErrorCode::AnswerMismatch,
        ChainError::BrokenLink | ChainError::Sequence if known => ErrorCode::HistoryForked,
        _ => ErrorCode::HistoryInvalid,
    };
    Error::new(code).with_detail(error.to_string())
}

fn identity_error(error: &IdentityError, known: bool) -> Error {
    match error {
        IdentityError::Chain(error) => chain_error(error, known),
        other => Error::new(ErrorCode::HistoryInvalid).with_detail(other.to_string()),
    }
}

impl AccountInner {
    /// All identities known so far, for a replay.
    pub fn known(&self) -> HashMap<ChainId, Arc<IdentityState>> {
        lock(&self.identities).clone()
    }

    fn cached(&self, id: ChainId) -> Option<Arc<IdentityState>> {
        lock(&self.identities).get(&id).cloned()
    }

    /// Fetches the chains that a replay asks for.
    ///
    /// # Errors
    /// `HISTORY_SHORTENED` if a chain is shown shorter than somebody's signature says it is.
    pub async fn fetch_needs(&self, needs: &[Need]) -> Result<()> {
        let ids: Vec<ChainId> = needs.iter().map(|need| need.identity).collect();
        self.fetch_identities(&ids).await?;
        for need in needs {
            let there = self
                .cached(need.identity)
                .and_then(|state| state.hash_at(need.seq));
            if there.is_none() {
                return Err(ErrorCode::HistoryShortened.into());
            }
        }
        Ok(())
    }

    /// Brings the chains of `ids` up to the directory's head.
    pub async fn fetch_identities(&self, ids: &[ChainId]) -> Result<()> {
        let record = self.registered()?;
        let _one_at_a_time = self.gate.lock().await;
        for ids in ids.chunks(MAX_LOOKUP) {
            let identities = ids
                .iter()
                .map(|id| ChainFrom {
                    id: B64x32(id.0),
                    from: self.next_seq(*id),
                })
                .collect();
            let found: IdentitiesFound = self
                .plico
                .inner
                .post(
                    record.signer(),
                    "/identities/lookup",
                    &IdentitiesLookup { identities },
                )
                .await?;
            let mut answers: HashMap<ChainId, IdentityAnswer> = found
                .found
                .into_iter()
                .map(|it| (ChainId(it.identity_id.0), it))
                .collect();
            for id in ids {
                let answer = answers.remove(id).ok_or(ErrorCode::IdentityNotFound)?;
                self.accept_identity(*id, answer).await?;
            }
        }
        Ok(())
    }

    fn next_seq(&self, id: ChainId) -> u64 {
        self.cached(id).map_or(0, |state| state.tip().head.seq + 1)
    }

    /// Verifies an identity's chain, page by page, and remembers it. The
    /// caller holds the gate.
    pub async fn accept_identity(
        &self,
        id: ChainId,
        mut answer: IdentityAnswer,
    ) -> Result<(Arc<IdentityState>, IdentityAnswer)> {
        let mut state = None;
        loop {
            if answer.identity_id.0 != id.0 {
                return Err(ErrorCode::AnswerMismatch.into());
            }
            let base = match state.take() {
                None if answer.from == 0 => None,
                None => self.cached(id).map(|state| (*state).clone()),
                continued => continued,
            };
            if answer.from != base.as_ref().map_or(0, |state| state.tip().head.seq + 1) {
                return Err(ErrorCode::AnswerMismatch.into());
            }
            let known = base.is_some();
            let entries = decode_entries(&answer.entries)?;
            let next =
                replay(base, &entries, &()).map_err(|error| identity_error(&error, known))?;
            if next.id() != id {
                return Err(ErrorCode::AnswerMismatch.into());
            }
            if !answer.more {
                state = Some(next);
                break;
            }
            if entries.is_empty() {
                return Err(ErrorCode::ProtocolError.into());
            }
            let from = next.tip().head.seq + 1;
            state = Some(next);
            answer = self.get_identity(id, from).await?;
        }
        let state = state.ok_or(ErrorCode::ProtocolError)?;
        if state.tenant_id() != self.plico.inner.tenant_id {
            return Err(ErrorCode::WrongTenant.into());
        }
        self.hold_head(&answer.head, state.tip(), |seq| state.hash_at(seq))
            .await?;
        let state = Arc::new(state);
        lock(&self.identities).insert(id, state.clone());
        if let Some(opening) = &answer.opening {
            let attestation = self.verify_name(&state, opening).await?;
            lock(&self.names).insert(id, attestation.user_id);
        }
        Ok((state, answer))
    }

    /// Checks a signed head against the history shown, the pins and the clock.
    pub async fn hold_head(
        &self,
        head: &b64::B64,
        tip: &plico_protocol::chain::Tip,
        hash_at: impl Fn(u64) -> Option<plico_protocol::format::ids::EntryHash>,
    ) -> Result<()> {
        let plico = &self.plico.inner;
        let head = pins::decode_head(head)?;
        let mut tenant = plico.tenant();
        if tenant.verify_head(&head).is_err() {
            // The directory's key may have been replaced since.
            tenant = plico.refresh_tenant().await?;
        }
        tenant
            .verify_head(&head)
            .map_err(|error| Error::new(ErrorCode::HeadInvalid).with_detail(error.to_string()))?;
        if head.head.chain_id != tip.chain_id {
            return Err(ErrorCode::AnswerMismatch.into());
        }
        // A true head behind what is known: the history was cut.
        self.pins
            .hold(plico, self.store.as_ref(), &head.head, tip, hash_at)
            .await
    }

    pub async fn get_identity(&self, id: ChainId, from: u64) -> Result<IdentityAnswer> {
        let record = self.registered()?;
        let path = format!("/identities/{}?from={from}", b64::encode(&id.0));
        self.plico.inner.get(record.signer(), &path).await
    }

    /// Verifies that the app's backend vouches for the identity's user id.
    async fn verify_name(&self, state: &IdentityState, opening: &b64::B64) -> Result<Attestation> {
        let invalid = |error: AttestationError| {
            Error::new(ErrorCode::AttestationInvalid).with_detail(error.to_string())
        };
        let opening: UserIdOpening = decode("user id opening", &opening.0)
            .map_err(|_| Error::new(ErrorCode::AttestationInvalid))?;
        let binding = state.binding().ok_or(ErrorCode::AttestationInvalid)?;
        let verify = |tenant: &plico_protocol::identity::TenantState| {
            verify_binding(
                tenant,
                state.id(),
                &binding.body,
                binding.claimed_ms,
                &opening,
            )
        };
        match verify(&self.plico.inner.tenant()) {
            // An enrolment key that was added since.
            Err(AttestationError::UnknownKey) => {
                let tenant = self.plico.inner.refresh_tenant().await?;
                verify(&tenant).map_err(invalid)
            }
            result => result.map_err(invalid),
        }
    }

    /// The identities behind `user_ids`, verified, in the same order.
    ///
    /// # Errors
    /// `RECIPIENTS_NOT_FOUND` with all that have none; `ATTESTATION_INVALID`;
    /// `IDENTITY_CHANGED` for a user id that was seen with another identity,
    /// unless `accept_change`.
    pub async fn resolve_users(
        &self,
        user_ids: &[String],
        accept_change: bool,
    ) -> Result<Vec<Arc<IdentityState>>> {
        let record = self.registered()?;
        for user_id in user_ids {
            check_user_id(user_id).map_err(|error| {
                Error::new(ErrorCode::InvalidArgument).with_detail(error.to_string())
            })?;
        }
        let _one_at_a_time = self.gate.lock().await;
        let mut resolved = Vec::with_capacity(user_ids.len());
        let mut missing = Vec::new();
        for user_ids in user_ids.chunks(MAX_LOOKUP) {
            let lookup = UsersLookup {
                user_ids: user_ids.to_vec(),
            };
            let found: UsersFound = self
                .plico
                .inner
                .post(record.signer(), "/users/lookup", &lookup)
                .await?;
            let mut answers: HashMap<String, IdentityAnswer> = found
                .found
                .into_iter()
                .map(|it| (it.user_id, it.identity))
                .collect();
            for user_id in user_ids {
                match answers.remove(user_id) {
                    Some(answer) => {
                        resolved.push(self.accept_user(user_id, answer, accept_change).await?);
                    }
                    None => missing.push(user_id.clone()),
                }
            }
        }
        if missing.is_empty() {
            Ok(resolved)
        } else {
            Err(Error::recipients_not_found(missing))
        }
    }

    async fn accept_user(
        &self,
        user_id: &str,
        answer: IdentityAnswer,
        accept_change: bool,
    ) -> Result<Arc<IdentityState>> {
        let id = ChainId(answer.identity_id.0);
        let (state, answer) = self.accept_identity(id, answer).await?;
        // A name without the backend's word is the directory's word alone.
        let opening = answer
            .opening
            .as_ref()
            .ok_or(ErrorCode::AttestationInvalid)?;
        let attestation = self.verify_name(&state, opening).await?;
        if attestation.user_id != user_id {
            return Err(ErrorCode::AttestationInvalid.into());
        }
        let store = self.store.as_ref();
        let pin = UserPin {
            identity: B64x32(id.0),
            number: attestation.number,
        };
        match self.pins.user(store, user_id).await? {
            Some(old) if old == pin => return Ok(state),
            Some(old) if old.number > pin.number => {
                return Err(ErrorCode::HistoryShortened.into());
            }
            Some(old) if old.identity != pin.identity && !accept_change => {
                return Err(ErrorCode::IdentityChanged.into());
            }
            _ => {}
        }
        self.pins.hold_user(store, user_id, &pin).await?;
        Ok(state)
    }
}

impl super::Account {
    /// Accepts that another identity stands behind `user_id` from now on, if
    /// the app's backend vouches for it. Call it after `IDENTITY_CHANGED`, and
    /// only when the person has really begun anew.
    ///
    /// # Errors
    /// `RECIPIENTS_NOT_FOUND`, `ATTESTATION_INVALID`, and what a lying directory is caught with.
    pub async fn accept_identity_change(&self, user_id: &str) -> Result<super::IdentityId> {
        let resolved = self
            .inner
            .resolve_users(&[user_id.to_owned()], true)
            .await?;
        let state = resolved.first().ok_or(ErrorCode::ProtocolError)?;
        Ok(super::IdentityId(state.id()))
    }
}
