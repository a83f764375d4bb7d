//! Sealing for recipients without being one, and opening that.

use crate::account::AccountHandle;
use crate::bytes::Bytes;
use crate::cancel::CancelHandle;
use crate::connection::PlicoHandle;
use crate::failure::{Failure, known_suite};
use crate::host::HostFailure;
use crate::run::{run, run_sized};
use crate::values::{PlicoContext, PlicoMemberId, PlicoRecipient};
use async_trait::async_trait;
use plico::{
    Error, ErrorCode, OnMissing, OpenedSealed, Recipient, SealOptions, SealedItem, Service,
    ServiceOptions, Wiped,
};
use std::sync::Arc;

/// Whoever signs the tokens of the app's own programs.
#[uniffi::export(with_foreign)]
#[async_trait]
pub trait ServiceTokenSource: Send + Sync {
    /// A token for this tenant.
    async fn token(&self, tenant_id: String) -> Result<String, HostFailure>;
}

/// How something is sealed.
#[derive(Clone, uniffi::Record)]
pub struct SealCall {
    /// The place that the item belongs to.
    pub context: Option<PlicoContext>,
    /// Whether user ids without an account are left out.
    pub skip_missing: bool,
    /// The cipher's number; none: the default.
    pub suite: Option<u8>,
}

impl SealCall {
    fn into_core(self) -> plico::Result<SealOptions> {
        let mut options = SealOptions::new();
        if let Some(context) = PlicoContext::to_core(self.context)? {
            options = options.context(context);
        }
        if self.skip_missing {
            options = options.on_missing(OnMissing::Skip);
        }
        if let Some(number) = self.suite {
            options = options.suite(known_suite(number)?);
        }
        Ok(options)
    }
}

/// What was sealed.
#[derive(Clone, uniffi::Record)]
pub struct PlicoSealedItem {
    /// To be stored or sent.
    pub bytes: Bytes,
    /// User ids that have no account and were left out.
    pub missing: Vec<String>,
}

impl From<SealedItem> for PlicoSealedItem {
    fn from(item: SealedItem) -> Self {
        Self {
            bytes: item.bytes.into(),
            missing: item.missing,
        }
    }
}

/// What was in a sealed item; it is never signed.
#[derive(Clone, uniffi::Record)]
pub struct PlicoOpenedSealed {
    /// The plaintext.
    pub data: Bytes,
    /// All for whom it was sealed.
    pub recipients: Vec<PlicoMemberId>,
    /// As whom it was opened.
    pub opened_as: PlicoMemberId,
}

impl From<OpenedSealed> for PlicoOpenedSealed {
    fn from(opened: OpenedSealed) -> Self {
        let recipients = opened.recipients().iter();
        Self {
            recipients: recipients.map(|it| (*it).into()).collect(),
            opened_as: opened.opened_as().into(),
            data: opened.into_bytes().into(),
        }
    }
}

/// A program of the app's backend that seals for others.
#[derive(Debug, uniffi::Object)]
pub struct ServiceHandle {
    service: Service,
}

#[uniffi::export]
impl PlicoHandle {
    /// For a program that only seals.
    pub async fn service(
        &self,
        tokens: Arc<dyn ServiceTokenSource>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Arc<ServiceHandle>, Failure> {
        let options = ServiceOptions::new(move |request| {
            let tokens = tokens.clone();
            async move {
                let HostFailure::Failed { reason } =
                    match tokens.token(request.tenant_id.to_string()).await {
                        Ok(token) => return Ok(token),
                        Err(failure) => failure,
                    };
                Err(Error::new(ErrorCode::EnrolmentFailed).with_detail(reason))
            }
        });
        let plico = self.plico.clone();
        run(cancel, async move {
            let service = plico.service(options).await?;
            Ok(Arc::new(ServiceHandle { service }))
        })
        .await
    }
}

#[uniffi::export]
impl ServiceHandle {
    /// Seals bytes for recipients.
    pub async fn seal_for(
        &self,
        recipients: Vec<PlicoRecipient>,
        plaintext: Bytes,
        options: SealCall,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<PlicoSealedItem, Failure> {
        let (service, plaintext) = (self.service.clone(), Wiped::from_vec(plaintext.0));
        run_sized(plaintext.len(), cancel, async move {
            let recipients = recipients.into_iter().map(PlicoRecipient::into_core);
            let recipients: Vec<Recipient> = recipients.collect::<plico::Result<_>>()?;
            let sealed = service.seal_for(recipients, &*plaintext, options.into_core()?);
            Ok(sealed.await?.into())
        })
        .await
    }

    /// Accepts that another identity stands behind `user_id`; returns its id.
    pub async fn accept_identity_change(
        &self,
        user_id: String,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<String, Failure> {
        let service = self.service.clone();
        run(cancel, async move {
            Ok(service.accept_identity_change(&user_id).await?.to_string())
        })
        .await
    }

    /// Every later call says `CLOSED`.
    pub fn close(&self) {
        self.service.close();
    }
}

#[uniffi::export]
impl AccountHandle {
    /// Opens what was sealed for this account, or for a group that it is in.
    pub async fn open_sealed(
        &self,
        sealed: Bytes,
        context: Option<PlicoContext>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<PlicoOpenedSealed, Failure> {
        let account = self.account.clone();
        run_sized(sealed.0.len(), cancel, async move {
            let context = PlicoContext::to_core(context)?;
            let opened = account.open_sealed(&sealed.0, context.as_ref());
            Ok(opened.await?.into())
        })
        .await
    }
}
