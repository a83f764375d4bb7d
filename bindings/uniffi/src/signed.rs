//! Signed envelopes: who wrote it.

use crate::account::AccountHandle;
use crate::bytes::Bytes;
use crate::cancel::CancelHandle;
use crate::failure::Failure;
use crate::run::run_sized;
use crate::session::SessionHandle;
use crate::values::{Opened, PlicoContext};
use plico::{Decrypted, SignedEnvelope, Wiped, Writer, WrittenBy};
use std::sync::Arc;
use std::time::SystemTime;

/// An envelope and its signature.
#[derive(Clone, uniffi::Record)]
pub struct PlicoSignedEnvelope {
    /// The envelope.
    pub envelope: Bytes,
    /// The signature.
    pub signature: Bytes,
}

impl From<SignedEnvelope> for PlicoSignedEnvelope {
    fn from(signed: SignedEnvelope) -> Self {
        Self {
            envelope: signed.envelope.into(),
            signature: signed.signature.into(),
        }
    }
}

/// A writer, verified.
#[derive(Clone, uniffi::Record)]
pub struct PlicoWriter {
    /// Who.
    pub identity_id: String,
    /// The app's own name for them.
    pub user_id: Option<String>,
    /// On which device.
    pub device_id: String,
    /// When.
    pub at: SystemTime,
}

impl From<Writer> for PlicoWriter {
    fn from(writer: Writer) -> Self {
        Self {
            identity_id: writer.identity.to_string(),
            user_id: writer.user_id,
            device_id: writer.device.to_string(),
            at: writer.at,
        }
    }
}

/// What was in an envelope, and who wrote it.
#[derive(Clone, uniffi::Record)]
pub struct PlicoSignedOpened {
    /// The content.
    pub content: Opened,
    /// Who has signed it, if somebody has.
    pub writer: Option<PlicoWriter>,
}

impl From<(Decrypted, WrittenBy)> for PlicoSignedOpened {
    fn from((content, by): (Decrypted, WrittenBy)) -> Self {
        Self {
            content: content.into(),
            writer: match by {
                WrittenBy::Signed(writer) => Some(writer.into()),
                _ => None,
            },
        }
    }
}

#[uniffi::export]
impl SessionHandle {
    /// Encrypts bytes and signs the envelope.
    pub async fn encrypt_signed(
        &self,
        plaintext: Bytes,
        context: Option<PlicoContext>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<PlicoSignedEnvelope, Failure> {
        let (session, plaintext) = (self.session.clone(), Wiped::from_vec(plaintext.0));
        run_sized(plaintext.len(), cancel, async move {
            let context = PlicoContext::to_core(context)?;
            let signed = session.encrypt_signed(&plaintext, context.as_ref());
            Ok(signed.await?.into())
        })
        .await
    }

    /// Signs an envelope of this session.
    pub async fn sign(
        &self,
        envelope: Bytes,
        context: Option<PlicoContext>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Bytes, Failure> {
        let session = self.session.clone();
        run_sized(envelope.0.len(), cancel, async move {
            let context = PlicoContext::to_core(context)?;
            Ok(session.sign(&envelope.0, context.as_ref()).await?.into())
        })
        .await
    }

    /// Opens an envelope of this session and says who wrote it.
    pub async fn decrypt_signed(
        &self,
        envelope: Bytes,
        signature: Option<Bytes>,
        context: Option<PlicoContext>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<PlicoSignedOpened, Failure> {
        let session = self.session.clone();
        run_sized(envelope.0.len(), cancel, async move {
            let context = PlicoContext::to_core(context)?;
            let signature = signature.as_ref().map(|it| it.0.as_slice());
            let opened = session.decrypt_signed(&envelope.0, signature, context.as_ref());
            Ok(opened.await?.into())
        })
        .await
    }
}

#[uniffi::export]
impl AccountHandle {
    /// Opens an envelope of any session and says who wrote it.
    pub async fn decrypt_signed(
        &self,
        envelope: Bytes,
        signature: Option<Bytes>,
        context: Option<PlicoContext>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<PlicoSignedOpened, Failure> {
        let account = self.account.clone();
        run_sized(envelope.0.len(), cancel, async move {
            let context = PlicoContext::to_core(context)?;
            let signature = signature.as_ref().map(|it| it.0.as_slice());
            let opened = account.decrypt_signed(&envelope.0, signature, context.as_ref());
            Ok(opened.await?.into())
        })
        .await
    }
}
