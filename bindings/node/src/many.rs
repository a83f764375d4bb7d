//! Many sessions, recipients and members in one call.

use crate::account::AccountHandle;
use crate::group::{GroupHandle, NewMember};
use crate::results::{
    DoneOutput, FailureOutput, NewRecipient, done, grants, reach, recipients, session_ids,
};
use crate::runtime::{Cancel, promise_long};
use crate::session::SessionHandle;
use crate::terms::SessionInput;
use crate::values::RecipientInput;
use napi::Env;
use napi::bindgen_prelude::PromiseRaw;
use napi_derive::napi;
use plico::{EncryptionSession, Result, SessionOptions};

/// One of many new sessions, or why there is none.
#[napi(object, object_from_js = false)]
pub struct MadeOutput {
    /// The session.
    pub session: Option<SessionHandle>,
    /// Why there is none.
    pub failed: Option<FailureOutput>,
}

impl From<Result<EncryptionSession>> for MadeOutput {
    fn from(result: Result<EncryptionSession>) -> Self {
        match result {
            Ok(session) => Self {
                session: Some(SessionHandle::new(session)),
                failed: None,
            },
            Err(error) => Self {
                session: None,
                failed: Some(error.into()),
            },
        }
    }
}

#[napi]
impl AccountHandle {
    /// Makes many sessions.
    #[napi]
    pub fn create_sessions<'env>(
        &self,
        env: &'env Env,
        inputs: Vec<SessionInput>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Vec<MadeOutput>>> {
        let account = self.account.clone();
        // All of them: what is held of JavaScript is given back on this thread.
        let sessions: Vec<Result<SessionOptions>> =
            inputs.into_iter().map(SessionInput::into_core).collect();
        promise_long(env, cancel, async move {
            let sessions = sessions.into_iter().collect::<Result<_>>()?;
            let made = account.create_sessions(sessions).await?;
            Ok(made.into_iter().map(Into::into).collect())
        })
    }

    /// Gives many rights in many sessions.
    #[napi]
    pub fn grant_many<'env>(
        &self,
        env: &'env Env,
        ids: Vec<String>,
        to: Vec<NewRecipient>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Vec<Vec<DoneOutput>>>> {
        let account = self.account.clone();
        promise_long(env, cancel, async move {
            let (ids, to) = (session_ids(&ids)?, grants(to)?);
            let results = account.grant_many(&ids, &to).await?;
            Ok(results.into_iter().map(done).collect())
        })
    }

    /// Takes all rights from many in many sessions.
    #[napi]
    pub fn revoke_many<'env>(
        &self,
        env: &'env Env,
        ids: Vec<String>,
        from: Vec<RecipientInput>,
        cascade: bool,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Vec<Vec<DoneOutput>>>> {
        let account = self.account.clone();
        promise_long(env, cancel, async move {
            let (ids, from) = (session_ids(&ids)?, recipients(from)?);
            let results = account.revoke_many(&ids, &from, reach(cascade)).await?;
            Ok(results.into_iter().map(done).collect())
        })
    }
}

#[napi]
impl SessionHandle {
    /// Gives many rights.
    #[napi]
    pub fn grant_all<'env>(
        &self,
        env: &'env Env,
        to: Vec<NewRecipient>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Vec<DoneOutput>>> {
        let session = self.session.clone();
        promise_long(env, cancel, async move {
            Ok(done(session.grant_all(&grants(to)?).await?))
        })
    }

    /// Takes all rights from many.
    #[napi]
    pub fn revoke_all<'env>(
        &self,
        env: &'env Env,
        from: Vec<RecipientInput>,
        cascade: bool,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Vec<DoneOutput>>> {
        let session = self.session.clone();
        promise_long(env, cancel, async move {
            let from = recipients(from)?;
            Ok(done(session.revoke_all(&from, reach(cascade)).await?))
        })
    }
}

#[napi]
impl GroupHandle {
    /// Adds many, or changes their roles.
    #[napi]
    pub fn add_members<'env>(
        &self,
        env: &'env Env,
        members: Vec<NewMember>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Vec<DoneOutput>>> {
        let group = self.group.clone();
        promise_long(env, cancel, async move {
            let members = members.into_iter().map(NewMember::into_core);
            let members = members.collect::<Result<Vec<_>>>()?;
            Ok(done(group.add_members(&members).await?))
        })
    }

    /// Removes many, and gives the group one new key.
    #[napi]
    pub fn remove_members<'env>(
        &self,
        env: &'env Env,
        members: Vec<RecipientInput>,
        cascade: bool,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Vec<DoneOutput>>> {
        let group = self.group.clone();
        promise_long(env, cancel, async move {
            let members = recipients(members)?;
            let results = group.remove_members_with(&members, reach(cascade)).await?;
            Ok(done(results))
        })
    }
}
