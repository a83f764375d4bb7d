//! A session: encrypting and decrypting. Who may: [`crate::rights`].

use crate::bytes::Bytes;
use crate::failure::thrown;
use crate::files::{FileInput, ProgressRecord, file_call};
use crate::runtime::{Cancel, promise_sized};
use crate::values::{ContextInput, Opened, context, duration};
use napi::Env;
use napi::bindgen_prelude::{Buffer, PromiseRaw, Uint8Array};
use napi_derive::napi;
use plico::EncryptionSession;

/// A session as one account sees it.
#[napi]
pub struct SessionHandle {
    pub(crate) session: EncryptionSession,
}

impl SessionHandle {
    pub(crate) fn new(session: EncryptionSession) -> Self {
        Self { session }
    }
}

#[napi]
impl SessionHandle {
    /// The session's id.
    #[napi]
    pub fn id(&self) -> String {
        self.session.id().to_string()
    }

    /// User ids that were left out when it was made.
    #[napi]
    pub fn missing_recipients(&self) -> Vec<String> {
        self.session.missing_recipients().to_vec()
    }

    /// Encrypts bytes.
    #[napi]
    pub fn encrypt<'env>(
        &self,
        env: &'env Env,
        data: Uint8Array,
        place: Option<ContextInput>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Buffer>> {
        let (session, context) = (self.session.clone(), context(place));
        let data = Bytes::from(data);
        promise_sized(env, cancel, data.len(), async move {
            // Moved, not copied.
            Ok(session.encrypt(data, context?.as_ref()).await?.into())
        })
    }

    /// Encrypts text, as text.
    #[napi]
    pub fn encrypt_text<'env>(
        &self,
        env: &'env Env,
        text: String,
        place: Option<ContextInput>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let (session, context) = (self.session.clone(), context(place));
        let text = zeroize::Zeroizing::new(text);
        promise_sized(env, cancel, text.len(), async move {
            session.encrypt_text(&text, context?.as_ref()).await
        })
    }

    /// Encrypts a file.
    #[napi]
    pub fn encrypt_file<'env>(
        &self,
        env: &'env Env,
        input: FileInput,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ProgressRecord>> {
        let session = self.session.clone();
        file_call(env, input, cancel, |source, target, options| async move {
            session.encrypt_file(source, target, options).await
        })
    }

    /// Opens an envelope of this session.
    #[napi]
    pub fn decrypt<'env>(
        &self,
        env: &'env Env,
        envelope: Uint8Array,
        place: Option<ContextInput>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Opened>> {
        let (session, context) = (self.session.clone(), context(place));
        let envelope = Bytes::from(envelope);
        promise_sized(env, cancel, envelope.len(), async move {
            let opened = session
                .decrypt(envelope.as_ref(), context?.as_ref())
                .await?;
            Ok(opened.into())
        })
    }

    /// Opens the text form of text.
    #[napi]
    pub fn decrypt_text<'env>(
        &self,
        env: &'env Env,
        text: String,
        place: Option<ContextInput>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let (session, context) = (self.session.clone(), context(place));
        promise_sized(env, cancel, text.len(), async move {
            session.decrypt_text(&text, context?.as_ref()).await
        })
    }

    /// Opens a file of this session.
    #[napi]
    pub fn decrypt_file<'env>(
        &self,
        env: &'env Env,
        input: FileInput,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ProgressRecord>> {
        let session = self.session.clone();
        file_call(env, input, cancel, |source, target, options| async move {
            session.decrypt_file(source, target, options).await
        })
    }

    /// The same session without the network.
    #[napi]
    pub fn offline(&self) -> Self {
        Self::new(self.session.offline())
    }

    /// The same session with another bound on how old knowledge may be.
    #[napi]
    pub fn max_staleness(&self, env: &Env, ms: f64) -> napi::Result<Self> {
        let age = duration(ms).map_err(|error| thrown(env, &error))?;
        Ok(Self::new(self.session.max_staleness(age)))
    }
}
