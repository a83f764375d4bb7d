//! Signed envelopes: who wrote it.

use crate::account::AccountHandle;
use crate::bytes::Bytes;
use crate::runtime::{Cancel, promise_sized};
use crate::session::SessionHandle;
use crate::values::{ContextInput, Opened, context, to_ms};
use napi::Env;
use napi::bindgen_prelude::{Buffer, PromiseRaw, Uint8Array};
use napi_derive::napi;
use plico::{Decrypted, SignedEnvelope, Writer, WrittenBy};

/// An envelope and its signature.
#[napi(object, object_from_js = false)]
pub struct SignedOutput {
    /// The envelope.
    pub envelope: Buffer,
    /// The signature.
    pub signature: Buffer,
}

impl From<SignedEnvelope> for SignedOutput {
    fn from(signed: SignedEnvelope) -> Self {
        Self {
            envelope: signed.envelope.into(),
            signature: signed.signature.into(),
        }
    }
}

/// A writer, verified.
#[napi(object, object_from_js = false)]
pub struct WriterOutput {
    /// Who.
    pub identity_id: String,
    /// The app's own name for them.
    pub user_id: Option<String>,
    /// On which device.
    pub device_id: String,
    /// When.
    pub at_ms: f64,
}

impl From<Writer> for WriterOutput {
    fn from(writer: Writer) -> Self {
        Self {
            identity_id: writer.identity.to_string(),
            user_id: writer.user_id,
            device_id: writer.device.to_string(),
            at_ms: to_ms(writer.at),
        }
    }
}

/// What was in an envelope, and who wrote it.
#[napi(object, object_from_js = false)]
pub struct SignedOpened {
    /// The content.
    pub content: Opened,
    /// Who has signed it, if somebody has.
    pub writer: Option<WriterOutput>,
}

impl From<(Decrypted, WrittenBy)> for SignedOpened {
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

#[napi]
impl SessionHandle {
    /// Encrypts bytes and signs the envelope.
    #[napi]
    pub fn encrypt_signed<'env>(
        &self,
        env: &'env Env,
        data: Uint8Array,
        place: Option<ContextInput>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, SignedOutput>> {
        let (session, context) = (self.session.clone(), context(place));
        let data = Bytes::from(data);
        promise_sized(env, cancel, data.len(), async move {
            let context = context?;
            let signed = session.encrypt_signed(data, context.as_ref());
            Ok(signed.await?.into())
        })
    }

    /// Signs an envelope of this session.
    #[napi]
    pub fn sign<'env>(
        &self,
        env: &'env Env,
        envelope: Uint8Array,
        place: Option<ContextInput>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Buffer>> {
        let (session, context) = (self.session.clone(), context(place));
        let envelope = Bytes::from(envelope);
        promise_sized(env, cancel, envelope.len(), async move {
            let context = context?;
            let signature = session.sign(envelope.as_ref(), context.as_ref());
            Ok(signature.await?.into())
        })
    }

    /// Opens an envelope of this session and says who wrote it.
    #[napi]
    pub fn decrypt_signed<'env>(
        &self,
        env: &'env Env,
        envelope: Uint8Array,
        signature: Option<Uint8Array>,
        place: Option<ContextInput>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, SignedOpened>> {
        let (session, context) = (self.session.clone(), context(place));
        let (envelope, signature) = (Bytes::from(envelope), signature.map(Bytes::from));
        promise_sized(env, cancel, envelope.len(), async move {
            let (context, signature) = (context?, signature.as_ref().map(AsRef::as_ref));
            let opened = session.decrypt_signed(envelope.as_ref(), signature, context.as_ref());
            Ok(opened.await?.into())
        })
    }
}

#[napi]
impl AccountHandle {
    /// Opens an envelope of any session and says who wrote it.
    #[napi]
    pub fn decrypt_signed<'env>(
        &self,
        env: &'env Env,
        envelope: Uint8Array,
        signature: Option<Uint8Array>,
        place: Option<ContextInput>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, SignedOpened>> {
        let (account, context) = (self.account.clone(), context(place));
        let (envelope, signature) = (Bytes::from(envelope), signature.map(Bytes::from));
        promise_sized(env, cancel, envelope.len(), async move {
            let (context, signature) = (context?, signature.as_ref().map(AsRef::as_ref));
            let opened = account.decrypt_signed(envelope.as_ref(), signature, context.as_ref());
            Ok(opened.await?.into())
        })
    }
}
