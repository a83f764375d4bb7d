//! An encryption session.

use crate::bytes::Bytes;
use crate::cancel::CancelHandle;
use crate::failure::Failure;
use crate::files::FileCall;
use crate::run::{run, run_sized};
use crate::values::{
    Opened, PlicoContext, PlicoGrant, PlicoRecipient, PlicoRecipientInfo, PlicoRights,
};
use plico::{EncryptionSession, RevokeOptions, Wiped};
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// An encryption session as one account sees it.
#[derive(Debug, uniffi::Object)]
pub struct SessionHandle {
    pub(crate) session: EncryptionSession,
}

pub(crate) fn revoke_options(cascade: bool) -> RevokeOptions {
    if cascade {
        RevokeOptions::cascade()
    } else {
        RevokeOptions::default()
    }
}

#[uniffi::export]
impl SessionHandle {
    /// The session's id.
    pub fn id(&self) -> String {
        self.session.id().to_string()
    }

    /// The user ids that were left out when the session was made.
    pub fn missing_recipients(&self) -> Vec<String> {
        self.session.missing_recipients().to_vec()
    }

    /// Encrypts bytes.
    pub async fn encrypt(
        &self,
        plaintext: Bytes,
        context: Option<PlicoContext>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Bytes, Failure> {
        let (session, plaintext) = (self.session.clone(), Wiped::from_vec(plaintext.0));
        run_sized(plaintext.len(), cancel, async move {
            let context = PlicoContext::to_core(context)?;
            Ok(session.encrypt(&plaintext, context.as_ref()).await?.into())
        })
        .await
    }

    /// Encrypts text, as text.
    pub async fn encrypt_text(
        &self,
        text: String,
        context: Option<PlicoContext>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<String, Failure> {
        let (session, text) = (self.session.clone(), Zeroizing::new(text));
        run_sized(text.len(), cancel, async move {
            let context = PlicoContext::to_core(context)?;
            session.encrypt_text(&text, context.as_ref()).await
        })
        .await
    }

    /// Encrypts a file.
    pub async fn encrypt_file(&self, call: FileCall) -> Result<(), Failure> {
        let session = self.session.clone();
        run(call.cancel.clone(), async move {
            let options = call.to_core()?;
            session
                .encrypt_file(call.source, call.target, options)
                .await
        })
        .await
    }

    /// Opens an envelope of this session.
    pub async fn decrypt(
        &self,
        envelope: Bytes,
        context: Option<PlicoContext>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Opened, Failure> {
        let session = self.session.clone();
        run_sized(envelope.0.len(), cancel, async move {
            let context = PlicoContext::to_core(context)?;
            Ok(session.decrypt(&envelope.0, context.as_ref()).await?.into())
        })
        .await
    }

    /// Opens the text form of an envelope of this session.
    pub async fn decrypt_text(
        &self,
        text: String,
        context: Option<PlicoContext>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<String, Failure> {
        let session = self.session.clone();
        run_sized(text.len(), cancel, async move {
            let context = PlicoContext::to_core(context)?;
            session.decrypt_text(&text, context.as_ref()).await
        })
        .await
    }

    /// Opens an encrypted file of this session.
    pub async fn decrypt_file(&self, call: FileCall) -> Result<(), Failure> {
        let session = self.session.clone();
        run(call.cancel.clone(), async move {
            let options = call.to_core()?;
            session
                .decrypt_file(call.source, call.target, options)
                .await
        })
        .await
    }

    /// Gives rights; replaces what the recipient had.
    pub async fn grant(
        &self,
        recipient: PlicoRecipient,
        grant: PlicoGrant,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<(), Failure> {
        let session = self.session.clone();
        run(cancel, async move {
            session.grant(recipient.into_core()?, grant.into()).await
        })
        .await
    }

    /// Takes all rights away; with `cascade` also what the recipient granted.
    pub async fn revoke(
        &self,
        recipient: PlicoRecipient,
        cascade: bool,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<(), Failure> {
        let session = self.session.clone();
        run(cancel, async move {
            let recipient = recipient.into_core()?;
            session
                .revoke_with(recipient, revoke_options(cascade))
                .await
        })
        .await
    }

    /// Gives up this account's own rights.
    pub async fn leave(&self, cancel: Option<Arc<CancelHandle>>) -> Result<(), Failure> {
        let session = self.session.clone();
        run(cancel, async move { session.leave().await }).await
    }

    /// Hands ownership over; `keep` is what this account still may do.
    pub async fn transfer(
        &self,
        to: PlicoRecipient,
        keep: Option<PlicoRights>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<(), Failure> {
        let session = self.session.clone();
        run(cancel, async move {
            session
                .transfer(to.into_core()?, keep.map(Into::into))
                .await
        })
        .await
    }

    /// All who have rights now.
    pub async fn recipients(
        &self,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Vec<PlicoRecipientInfo>, Failure> {
        let session = self.session.clone();
        run(cancel, async move {
            let all = session.recipients().await?;
            Ok(all.into_iter().map(Into::into).collect())
        })
        .await
    }

    /// Begins a new epoch.
    pub async fn rotate(&self, cancel: Option<Arc<CancelHandle>>) -> Result<(), Failure> {
        let session = self.session.clone();
        run(cancel, async move { session.rotate().await }).await
    }

    /// Asks the directory for what is new.
    pub async fn refresh(&self, cancel: Option<Arc<CancelHandle>>) -> Result<(), Failure> {
        let session = self.session.clone();
        run(cancel, async move { session.refresh().await }).await
    }

    /// Deletes what this device keeps of the session.
    pub async fn forget(&self, cancel: Option<Arc<CancelHandle>>) -> Result<(), Failure> {
        let session = self.session.clone();
        run(cancel, async move { session.forget().await }).await
    }

    /// Ends the session for everybody.
    pub async fn end(&self, cancel: Option<Arc<CancelHandle>>) -> Result<(), Failure> {
        let session = self.session.clone();
        run(cancel, async move { session.end().await }).await
    }

    /// Keeps up to 8 KiB beside the session, encrypted for its recipients.
    pub async fn set_metadata(
        &self,
        plaintext: Vec<u8>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<(), Failure> {
        let (session, plaintext) = (self.session.clone(), Zeroizing::new(plaintext));
        run(
            cancel,
            async move { session.set_metadata(&plaintext).await },
        )
        .await
    }

    /// What [`Self::set_metadata`] has kept.
    pub async fn metadata(
        &self,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let session = self.session.clone();
        run(cancel, async move { session.metadata().await }).await
    }

    /// The same session without the network.
    pub fn offline(&self) -> Arc<Self> {
        Arc::new(Self {
            session: self.session.offline(),
        })
    }

    /// The same session with another bound on how old knowledge may be.
    pub fn max_staleness(&self, age: Duration) -> Arc<Self> {
        Arc::new(Self {
            session: self.session.max_staleness(age),
        })
    }
}
