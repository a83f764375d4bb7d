//! User ids: who stands behind a name, by the word of the app's backend.

use super::account::{Account, AccountInner};
use super::events::Event;
use super::ids::IdentityId;
use super::lock;
use super::pins::{Pins, UserPin};
use super::saves::Saves;
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::format::bodies::UserIdOpening;
use plico_protocol::format::codec::decode;
use plico_protocol::format::ids::ChainId;
use plico_protocol::identity::attestation::{check_user_id, verify_binding};
use plico_protocol::identity::{Attestation, AttestationError, IdentityState, TenantState};
use plico_protocol::wire::b64::B64;
use plico_protocol::wire::limits::MAX_LOOKUP;
use plico_protocol::wire::rest::{IdentityAnswer, UsersFound, UsersLookup};
use std::collections::HashMap;
use std::sync::Arc;

/// A user id that somebody asks for. Two that differ only in what is accepted
/// are two questions.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct AskedUser {
    pub user_id: String,
    pub accept_change: bool,
}

/// A user id's identity; `None` if nobody has it.
pub(crate) type FoundUser = Option<Arc<IdentityState>>;

fn invalid(error: &AttestationError) -> Error {
    Error::new(ErrorCode::AttestationInvalid).with_detail(error.to_string())
}

fn verify(
    tenant: &TenantState,
    state: &IdentityState,
    opening: &B64,
) -> core::result::Result<Attestation, Option<AttestationError>> {
    let opening: UserIdOpening = decode("user id opening", &opening.0).map_err(|_| None)?;
    let binding = state.binding().ok_or(None)?;
    let claimed_ms = binding.claimed_ms;
    verify_binding(tenant, state.id(), &binding.body, claimed_ms, &opening).map_err(Some)
}

impl AccountInner {
    /// Verifies that the app's backend vouches for the identity's user id.
    pub async fn verify_name(&self, state: &IdentityState, opening: &B64) -> Result<Attestation> {
        let plico = &self.plico.inner;
        let mut result = verify(plico.some_tenant().await?.as_ref(), state, opening);
        if matches!(result, Err(Some(AttestationError::UnknownKey))) {
            // An enrolment key that was added since.
            result = verify(self.newer_tenant().await?.as_ref(), state, opening);
        }
        result.map_err(|error| match error {
            Some(error) => invalid(&error),
            None => ErrorCode::AttestationInvalid.into(),
        })
    }

    /// The same without asking anybody.
    pub fn name_by_what_is_known(
        &self,
        state: &IdentityState,
        opening: &B64,
    ) -> Result<Attestation> {
        let tenant = self.plico.inner.tenant()?;
        verify(tenant.as_ref(), state, opening).map_err(|_| ErrorCode::AttestationInvalid.into())
    }

    /// The identities behind `user_ids`, verified, in the same order; `None`
    /// for those that have none. Calls that come while one is under way go
    /// together into the next request.
    ///
    /// # Errors
    /// `ATTESTATION_INVALID`; `IDENTITY_CHANGED` for a user id that was seen
    /// with another identity, unless `accept_change`.
    pub async fn find_users(
        &self,
        user_ids: &[String],
        accept_change: bool,
    ) -> Result<Vec<FoundUser>> {
        for user_id in user_ids {
            check_user_id(user_id).map_err(|error| {
                Error::new(ErrorCode::InvalidArgument).with_detail(error.to_string())
            })?;
        }
        let ask = |user_id: &String| {
            self.asked_users.ask(AskedUser {
                user_id: user_id.clone(),
                accept_change,
            })
        };
        let mut tickets: Vec<_> = user_ids.iter().map(ask).collect();
        while !self.asked_users.are_answered(&mut tickets) {
            let _one_at_a_time = self.gate.lock().await;
            if self.asked_users.are_answered(&mut tickets) {
                break;
            }
            let asked = self.asked_users.take(MAX_LOOKUP);
            let users = asked.iter().map(|it| it.key.clone()).collect();
            let results = self.look_up_users(users).await;
            for asked in asked {
                let result = match &results {
                    Ok(results) => results.get(&asked.key).cloned().unwrap_or(Ok(None)),
                    Err(error) => Err(error.clone()),
                };
                asked.answer(result);
            }
        }
        tickets
            .into_iter()
            .map(super::batcher::Ticket::result)
            .collect()
    }

    /// One request, each user id with its own result. The caller holds the gate.
    async fn look_up_users(
        &self,
        users: Vec<AskedUser>,
    ) -> Result<HashMap<AskedUser, Result<FoundUser>>> {
        let mut user_ids: Vec<String> = users.iter().map(|it| it.user_id.clone()).collect();
        user_ids.sort_unstable();
        user_ids.dedup();
        let lookup = UsersLookup { user_ids };
        let found: UsersFound = self.post("/users/lookup", &lookup).await?;
        let answers: HashMap<String, IdentityAnswer> = found
            .found
            .into_iter()
            .map(|it| (it.user_id, it.identity))
            .collect();
        let mut results = HashMap::new();
        let mut saves = Saves::default();
        for user in users {
            let result = match answers.get(&user.user_id) {
                Some(answer) => self
                    .accept_user(&user, answer.clone(), &mut saves)
                    .await
                    .map(Some),
                None => Ok(None),
            };
            results.insert(user, result);
        }
        self.save(saves).await?;
        Ok(results)
    }

    async fn accept_user(
        &self,
        user: &AskedUser,
        answer: IdentityAnswer,
        saves: &mut Saves,
    ) -> Result<Arc<IdentityState>> {
        let id = ChainId(answer.identity_id.0);
        let (state, answer) = self.accept_identity(id, answer, saves).await?;
        // A name without the backend's word is the directory's word alone. If
        // there is one, it was verified with the chain.
        let name = lock(&self.names).get(&id).cloned();
        let vouched_for = answer.opening.is_some() && name.as_ref() == Some(&user.user_id);
        let binding = state.binding().filter(|_| vouched_for);
        let binding = binding.ok_or(ErrorCode::AttestationInvalid)?;
        let pin = UserPin::new(id, binding.body.number);
        let store = self.store.as_ref();
        match self.pins.user(store, &user.user_id).await? {
            Some(old) if old == pin => return Ok(state),
            Some(old) if old.number > pin.number => {
                return Err(ErrorCode::HistoryShortened.into());
            }
            Some(old) if old.identity != pin.identity && !user.accept_change => {
                let identity = IdentityId(id);
                let event = Event::IdentityChanged { identity };
                self.plico.inner.wire.hooks.event(event);
                return Err(ErrorCode::IdentityChanged.into());
            }
            _ => {}
        }
        Pins::put_user(&user.user_id, &pin, saves);
        Ok(state)
    }
}

impl Account {
    /// Accepts that another identity stands behind `user_id` from now on, if
    /// the app's backend vouches for it. Call it after `IDENTITY_CHANGED`, and
    /// only when the person has really begun anew.
    ///
    /// # Errors
    /// `RECIPIENTS_NOT_FOUND`, `ATTESTATION_INVALID`, and what a lying directory is caught with.
    pub async fn accept_identity_change(&self, user_id: &str) -> Result<IdentityId> {
        let user_ids = [user_id.to_owned()];
        let found = self
            .inner
            .while_open(self.inner.find_users(&user_ids, true));
        let found = found.await?;
        match found.into_iter().next().flatten() {
            Some(state) => Ok(IdentityId(state.id())),
            None => Err(Error::recipients_not_found(vec![user_id.to_owned()])),
        }
    }
}
