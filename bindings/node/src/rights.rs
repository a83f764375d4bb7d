//! A session: who may. All of these replay and wrap for as many recipients as
//! the session has, so they count as long work.

use crate::bytes::Bytes;
use crate::results::reach;
use crate::runtime::{Cancel, promise_long};
use crate::session::SessionHandle;
use crate::values::{GrantInput, RecipientInput, RecipientOutput};
use napi::Env;
use napi::bindgen_prelude::{Buffer, PromiseRaw, Uint8Array};
use napi_derive::napi;

#[napi]
impl SessionHandle {
    /// Gives rights.
    #[napi]
    pub fn grant<'env>(
        &self,
        env: &'env Env,
        recipient: RecipientInput,
        grant: GrantInput,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let session = self.session.clone();
        promise_long(env, cancel, async move {
            let (recipient, grant) = (recipient.into_core()?, grant.into_core()?);
            session.grant(recipient, grant).await
        })
    }

    /// Takes all rights.
    #[napi]
    pub fn revoke<'env>(
        &self,
        env: &'env Env,
        recipient: RecipientInput,
        cascade: bool,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let session = self.session.clone();
        promise_long(env, cancel, async move {
            session
                .revoke_with(recipient.into_core()?, reach(cascade))
                .await
        })
    }

    /// Makes somebody an owner; keeps these rights, or leaves.
    #[napi]
    pub fn transfer<'env>(
        &self,
        env: &'env Env,
        recipient: RecipientInput,
        keep: Option<GrantInput>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let session = self.session.clone();
        promise_long(env, cancel, async move {
            let keep = keep.map(|it| it.rights());
            session.transfer(recipient.into_core()?, keep).await
        })
    }

    /// Leaves the session.
    #[napi]
    pub fn leave<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let session = self.session.clone();
        promise_long(env, cancel, async move { session.leave().await })
    }

    /// Who has rights.
    #[napi]
    pub fn recipients<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Vec<RecipientOutput>>> {
        let session = self.session.clone();
        promise_long(env, cancel, async move {
            let recipients = session.recipients().await?;
            Ok(recipients.into_iter().map(Into::into).collect())
        })
    }

    /// Begins a new epoch.
    #[napi]
    pub fn rotate<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let session = self.session.clone();
        promise_long(env, cancel, async move { session.rotate().await })
    }

    /// Asks the directory for what is new.
    #[napi]
    pub fn refresh<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let session = self.session.clone();
        promise_long(env, cancel, async move { session.refresh().await })
    }

    /// Deletes what this device keeps of the session.
    #[napi]
    pub fn forget<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let session = self.session.clone();
        promise_long(env, cancel, async move { session.forget().await })
    }

    /// Ends the session for ever.
    #[napi]
    pub fn end<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let session = self.session.clone();
        promise_long(env, cancel, async move { session.end().await })
    }

    /// What is kept beside the session.
    #[napi]
    pub fn metadata<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Option<Buffer>>> {
        let session = self.session.clone();
        promise_long(env, cancel, async move {
            Ok(session.metadata().await?.map(Into::into))
        })
    }

    /// Keeps something beside the session.
    #[napi]
    pub fn set_metadata<'env>(
        &self,
        env: &'env Env,
        data: Uint8Array,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let (session, data) = (self.session.clone(), Bytes::from(data));
        promise_long(env, cancel, async move {
            session.set_metadata(data.as_ref()).await
        })
    }
}
