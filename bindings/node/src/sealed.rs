//! Sealing without an identity, and opening what was sealed so.

use crate::account::{AccountHandle, EnrolmentAnswer};
use crate::bytes::Bytes;
use crate::host::{AsyncFunction, ask};
use crate::plico_handle::PlicoHandle;
use crate::results::recipients;
use crate::runtime::{Cancel, promise, promise_sized};
use crate::values::{ContextInput, MemberIdOutput, RecipientInput, context};
use napi::Env;
use napi::bindgen_prelude::{Buffer, PromiseRaw, Uint8Array};
use napi_derive::napi;
use plico::{
    Error, ErrorCode, OnMissing, OpenedSealed, Result, SealOptions, SealedItem, Service,
    ServiceOptions, Suite,
};
use std::sync::Arc;

/// How something is sealed.
#[napi(object, object_to_js = false)]
pub struct SealInput {
    /// For whom.
    pub recipients: Vec<RecipientInput>,
    /// The place that it belongs to.
    pub context: Option<ContextInput>,
    /// Whether user ids without an account are left out.
    pub skip_missing: bool,
    /// Whether AES-256-GCM is used.
    pub aes: bool,
}

impl SealInput {
    fn options(skip_missing: bool, aes: bool, place: Option<ContextInput>) -> Result<SealOptions> {
        let mut options = SealOptions::new();
        if let Some(context) = context(place)? {
            options = options.context(context);
        }
        if skip_missing {
            options = options.on_missing(OnMissing::Skip);
        }
        if aes {
            options = options.suite(Suite::Aes256GcmSha512);
        }
        Ok(options)
    }
}

/// What was sealed.
#[napi(object, object_from_js = false)]
pub struct SealedOutput {
    /// The bytes.
    pub bytes: Buffer,
    /// User ids that were left out.
    pub missing: Vec<String>,
}

impl From<SealedItem> for SealedOutput {
    fn from(item: SealedItem) -> Self {
        Self {
            bytes: item.bytes.into(),
            missing: item.missing,
        }
    }
}

/// A program that seals for others.
#[napi]
pub struct ServiceHandle {
    service: Service,
}

impl ServiceHandle {
    #[cfg(feature = "testing")]
    pub(crate) fn new(service: Service) -> Self {
        Self { service }
    }
}

#[napi]
impl PlicoHandle {
    /// For a program that only seals.
    #[napi]
    pub fn service<'env>(
        &self,
        env: &'env Env,
        token: AsyncFunction<String, EnrolmentAnswer>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ServiceHandle>> {
        let (plico, token) = (self.plico.clone(), Arc::new(token));
        let options = ServiceOptions::new(move |request| {
            let token = token.clone();
            async move {
                let answer = ask(&token, request.tenant_id.to_string()).await;
                let token = answer.ok().and_then(|it| it.token);
                token.ok_or_else(|| Error::new(ErrorCode::EnrolmentFailed))
            }
        });
        promise(env, cancel, async move {
            let service = plico.service(options).await?;
            Ok(ServiceHandle { service })
        })
    }
}

#[napi]
impl ServiceHandle {
    /// Seals.
    #[napi]
    pub fn seal_for<'env>(
        &self,
        env: &'env Env,
        data: Uint8Array,
        input: SealInput,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, SealedOutput>> {
        let (service, data) = (self.service.clone(), Bytes::from(data));
        let options = SealInput::options(input.skip_missing, input.aes, input.context);
        let to = recipients(input.recipients);
        promise_sized(env, cancel, data.len(), async move {
            Ok(service.seal_for(to?, data, options?).await?.into())
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
        let service = self.service.clone();
        promise(env, cancel, async move {
            Ok(service.accept_identity_change(&user_id).await?.to_string())
        })
    }

    /// From now on every call says `CLOSED`.
    #[napi]
    pub fn close(&self) {
        self.service.close();
    }
}

/// What was in a sealed item.
#[napi(object, object_from_js = false)]
pub struct OpenedSealedOutput {
    /// The plaintext.
    pub data: Buffer,
    /// All for whom it was sealed.
    pub recipients: Vec<MemberIdOutput>,
    /// As whom it was opened.
    pub opened_as: MemberIdOutput,
}

impl From<OpenedSealed> for OpenedSealedOutput {
    fn from(opened: OpenedSealed) -> Self {
        let recipients = opened.recipients().iter();
        Self {
            recipients: recipients.map(|it| (*it).into()).collect(),
            opened_as: opened.opened_as().into(),
            // Moved, not copied: from here on it is the app's to wipe.
            data: opened.into_bytes().into(),
        }
    }
}

#[napi]
impl AccountHandle {
    /// Opens what was sealed for this account.
    #[napi]
    pub fn open_sealed<'env>(
        &self,
        env: &'env Env,
        sealed: Uint8Array,
        place: Option<ContextInput>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, OpenedSealedOutput>> {
        let (account, context) = (self.account.clone(), context(place));
        let sealed = Bytes::from(sealed);
        promise_sized(env, cancel, sealed.len(), async move {
            let context = context?;
            let opened = account.open_sealed(sealed.as_ref(), context.as_ref());
            Ok(opened.await?.into())
        })
    }
}
