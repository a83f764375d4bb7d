//! An identity's account.

use crate::bytes::Bytes;
use crate::failure::thrown;
use crate::files::{FileInput, ProgressRecord, file_call};
use crate::host::{AsyncFunction, ask};
use crate::results::{DoneOutput, done, session_ids};
use crate::runtime::{Cancel, promise, promise_long, promise_sized};
use crate::session::SessionHandle;
use crate::terms::SessionInput;
use crate::values::{ContextInput, Opened, context, duration};
use napi::Env;
use napi::bindgen_prelude::{PromiseRaw, Uint8Array};
use napi_derive::napi;
use plico::{Account, Error, ErrorCode, RegisterOptions, Result, SessionId};
use std::sync::Arc;

/// What the enrolment function gives: a token, or nothing if it failed.
#[napi(object, object_to_js = false)]
pub struct EnrolmentAnswer {
    /// The token.
    pub token: Option<String>,
}

/// An identity's account on this device.
#[napi]
pub struct AccountHandle {
    pub(crate) account: Account,
}

impl AccountHandle {
    pub(crate) fn new(account: Account) -> Self {
        Self { account }
    }
}

#[napi]
impl AccountHandle {
    /// The identity, once registered.
    #[napi]
    pub fn identity_id(&self) -> Option<String> {
        self.account.identity_id().map(|id| id.to_string())
    }

    /// Makes the identity, if there is none; gives its id.
    #[napi]
    pub fn register<'env>(
        &self,
        env: &'env Env,
        user_id: String,
        enrolment: AsyncFunction<String, EnrolmentAnswer>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let (account, enrolment) = (self.account.clone(), Arc::new(enrolment));
        let options = RegisterOptions::new(user_id, move |request| {
            let enrolment = enrolment.clone();
            async move {
                let answer = ask(&enrolment, request.identity_id.to_string()).await;
                let token = answer.ok().and_then(|it| it.token);
                token.ok_or_else(|| Error::new(ErrorCode::EnrolmentFailed))
            }
        });
        promise(env, cancel, async move {
            Ok(account.register(options).await?.to_string())
        })
    }

    /// Makes a session.
    #[napi]
    pub fn create_session<'env>(
        &self,
        env: &'env Env,
        input: SessionInput,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, SessionHandle>> {
        let (account, options) = (self.account.clone(), input.into_core());
        promise_long(env, cancel, async move {
            Ok(SessionHandle::new(account.create_session(options?).await?))
        })
    }

    /// The session with this id, whether or not it exists.
    #[napi]
    pub fn session(&self, env: &Env, id: String) -> napi::Result<SessionHandle> {
        let id: Result<SessionId> = id.parse();
        let id = id.map_err(|error| thrown(env, &error))?;
        Ok(SessionHandle::new(self.account.session(id)))
    }

    /// The session that an envelope belongs to.
    #[napi]
    pub fn session_of<'env>(
        &self,
        env: &'env Env,
        envelope: Uint8Array,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, SessionHandle>> {
        let (account, envelope) = (self.account.clone(), Bytes::from(envelope));
        promise(env, cancel, async move {
            let session = account.session_of(envelope.as_ref()).await?;
            Ok(SessionHandle::new(session))
        })
    }

    /// Opens an envelope of any session.
    #[napi]
    pub fn decrypt<'env>(
        &self,
        env: &'env Env,
        envelope: Uint8Array,
        place: Option<ContextInput>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Opened>> {
        let (account, context) = (self.account.clone(), context(place));
        let envelope = Bytes::from(envelope);
        promise_sized(env, cancel, envelope.len(), async move {
            let opened = account
                .decrypt(envelope.as_ref(), context?.as_ref())
                .await?;
            Ok(opened.into())
        })
    }

    /// Opens the text form of text of any session.
    #[napi]
    pub fn decrypt_text<'env>(
        &self,
        env: &'env Env,
        text: String,
        place: Option<ContextInput>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let (account, context) = (self.account.clone(), context(place));
        promise_sized(env, cancel, text.len(), async move {
            account.decrypt_text(&text, context?.as_ref()).await
        })
    }

    /// Opens a file of any session.
    #[napi]
    pub fn decrypt_file<'env>(
        &self,
        env: &'env Env,
        input: FileInput,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ProgressRecord>> {
        let account = self.account.clone();
        file_call(env, input, cancel, |source, target, options| async move {
            account.decrypt_file(source, target, options).await
        })
    }

    /// Brings sessions up to date, to open them without the network.
    #[napi]
    pub fn prefetch<'env>(
        &self,
        env: &'env Env,
        ids: Vec<String>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Vec<DoneOutput>>> {
        let account = self.account.clone();
        promise_long(env, cancel, async move {
            let results = account.prefetch(&session_ids(&ids)?).await?;
            Ok(done(results))
        })
    }

    /// Finishes what was begun and has no known outcome; gives how many there were.
    #[napi]
    pub fn settle<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, u32>> {
        let account = self.account.clone();
        promise_long(env, cancel, async move {
            let count = account.settle().await?;
            Ok(u32::try_from(count).unwrap_or(u32::MAX))
        })
    }

    /// Accepts that another identity stands behind a user id; gives its id.
    #[napi]
    pub fn accept_identity_change<'env>(
        &self,
        env: &'env Env,
        user_id: String,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let account = self.account.clone();
        promise(env, cancel, async move {
            Ok(account.accept_identity_change(&user_id).await?.to_string())
        })
    }

    /// Deletes the identity for good.
    #[napi]
    pub fn delete_identity<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let account = self.account.clone();
        promise(env, cancel, async move { account.delete_identity().await })
    }

    /// The same account without the network.
    #[napi]
    pub fn offline(&self) -> Self {
        Self::new(self.account.offline())
    }

    /// The same account with another bound on how old knowledge may be.
    #[napi]
    pub fn max_staleness(&self, env: &Env, ms: f64) -> napi::Result<Self> {
        let age = duration(ms).map_err(|error| thrown(env, &error))?;
        Ok(Self::new(self.account.max_staleness(age)))
    }

    /// Forgets all secrets in memory.
    #[napi]
    pub fn close(&self) {
        self.account.close();
    }
}
