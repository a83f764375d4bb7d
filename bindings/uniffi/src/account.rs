//! An identity's account.

use crate::bytes::Bytes;
use crate::cancel::CancelHandle;
use crate::failure::{Failure, known_suite};
use crate::files::FileCall;
use crate::host::HostFailure;
use crate::run::{run, run_sized};
use crate::session::SessionHandle;
use crate::terms::PlicoExpiry;
use crate::values::{Opened, PlicoContext, RecipientGrant};
use async_trait::async_trait;
use plico::{
    Account, EncryptionSession, Error, ErrorCode, OnMissing, RegisterOptions, SessionId,
    SessionOptions,
};
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// The app's backend, which vouches for identities.
#[uniffi::export(with_foreign)]
#[async_trait]
pub trait TokenSource: Send + Sync {
    /// A token for this identity, fetched over the app's own connection.
    async fn token(&self, identity_id: String) -> Result<String, HostFailure>;
}

/// What a session is made with.
#[derive(Clone, uniffi::Record)]
pub struct NewSession {
    /// Who gets what; whoever makes the session is its owner.
    pub recipients: Vec<RecipientGrant>,
    /// Whether user ids without an account are left out.
    pub skip_missing: bool,
    /// The payload suite's number; none: the default.
    pub suite: Option<u8>,
    /// Until when it lasts; none: without end.
    pub expiry: Option<PlicoExpiry>,
    /// A tag that the directory can read.
    pub tag: Option<String>,
    /// What is kept beside it, encrypted.
    pub metadata: Option<Vec<u8>>,
}

impl NewSession {
    pub(crate) fn into_core(self) -> plico::Result<SessionOptions> {
        let mut options = SessionOptions::new();
        for it in self.recipients {
            options = options.recipient(it.recipient.into_core()?, it.grant.into());
        }
        if self.skip_missing {
            options = options.on_missing(OnMissing::Skip);
        }
        if let Some(number) = self.suite {
            options = options.suite(known_suite(number)?);
        }
        if let Some(expiry) = self.expiry {
            options = options.expiry(expiry.into());
        }
        if let Some(tag) = self.tag {
            options = options.tag(tag);
        }
        if let Some(plaintext) = self.metadata.map(Zeroizing::new) {
            options = options.metadata(&plaintext);
        }
        Ok(options)
    }
}

/// How one session was brought up to date.
#[derive(Clone, uniffi::Record)]
pub struct Prefetched {
    /// The session.
    pub session_id: String,
    /// The code of what failed; none: it is there.
    pub code: Option<String>,
}

/// An identity's account on this device.
#[derive(Debug, uniffi::Object)]
pub struct AccountHandle {
    pub(crate) account: Account,
}

impl AccountHandle {
    fn session_handle(session: EncryptionSession) -> Arc<SessionHandle> {
        Arc::new(SessionHandle { session })
    }
}

#[uniffi::export]
impl AccountHandle {
    /// The identity, once registered.
    pub fn identity_id(&self) -> Option<String> {
        self.account.identity_id().map(|id| id.to_string())
    }

    /// Makes the identity, if there is none; returns its id.
    pub async fn register(
        &self,
        user_id: String,
        enrolment: Arc<dyn TokenSource>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<String, Failure> {
        let options = RegisterOptions::new(user_id, move |request| {
            let enrolment = enrolment.clone();
            async move {
                let HostFailure::Failed { reason } =
                    match enrolment.token(request.identity_id.to_string()).await {
                        Ok(token) => return Ok(token),
                        Err(failure) => failure,
                    };
                Err(Error::new(ErrorCode::EnrolmentFailed).with_detail(reason))
            }
        });
        let account = self.account.clone();
        run(cancel, async move {
            Ok(account.register(options).await?.to_string())
        })
        .await
    }

    /// Makes a session.
    pub async fn create_session(
        &self,
        options: NewSession,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Arc<SessionHandle>, Failure> {
        let account = self.account.clone();
        run(cancel, async move {
            let session = account.create_session(options.into_core()?).await?;
            Ok(Self::session_handle(session))
        })
        .await
    }

    /// The session with this id, whether or not it exists.
    pub fn session(&self, session_id: &str) -> Result<Arc<SessionHandle>, Failure> {
        let id: SessionId = session_id.parse()?;
        Ok(Self::session_handle(self.account.session(id)))
    }

    /// The session that an envelope belongs to.
    pub async fn session_of(
        &self,
        envelope: Bytes,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Arc<SessionHandle>, Failure> {
        let account = self.account.clone();
        run(cancel, async move {
            Ok(Self::session_handle(account.session_of(&envelope.0).await?))
        })
        .await
    }

    /// Opens an envelope of any session.
    pub async fn decrypt(
        &self,
        envelope: Bytes,
        context: Option<PlicoContext>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Opened, Failure> {
        let account = self.account.clone();
        run_sized(envelope.0.len(), cancel, async move {
            let context = PlicoContext::to_core(context)?;
            Ok(account.decrypt(&envelope.0, context.as_ref()).await?.into())
        })
        .await
    }

    /// Opens the text form of an envelope of any session.
    pub async fn decrypt_text(
        &self,
        text: String,
        context: Option<PlicoContext>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<String, Failure> {
        let account = self.account.clone();
        run_sized(text.len(), cancel, async move {
            let context = PlicoContext::to_core(context)?;
            account.decrypt_text(&text, context.as_ref()).await
        })
        .await
    }

    /// Opens an encrypted file of any session.
    pub async fn decrypt_file(&self, call: FileCall) -> Result<(), Failure> {
        let account = self.account.clone();
        run(call.cancel.clone(), async move {
            let options = call.to_core()?;
            account
                .decrypt_file(call.source, call.target, options)
                .await
        })
        .await
    }

    /// Brings sessions up to date, to open them without the network.
    pub async fn prefetch(
        &self,
        session_ids: Vec<String>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Vec<Prefetched>, Failure> {
        let account = self.account.clone();
        run(cancel, async move {
            let ids: Vec<SessionId> = session_ids
                .iter()
                .map(|id| id.parse())
                .collect::<plico::Result<_>>()?;
            let results = account.prefetch(&ids).await?;
            let told = session_ids.into_iter().zip(results);
            Ok(told
                .map(|(session_id, result)| Prefetched {
                    session_id,
                    code: result.err().map(|error| error.code().as_str().to_owned()),
                })
                .collect())
        })
        .await
    }

    /// Finishes what was begun and has no known outcome; returns how many.
    pub async fn settle(&self, cancel: Option<Arc<CancelHandle>>) -> Result<u64, Failure> {
        let account = self.account.clone();
        run(cancel, async move { Ok(account.settle().await? as u64) }).await
    }

    /// Accepts that another identity stands behind `user_id`; returns its id.
    pub async fn accept_identity_change(
        &self,
        user_id: String,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<String, Failure> {
        let account = self.account.clone();
        run(cancel, async move {
            Ok(account.accept_identity_change(&user_id).await?.to_string())
        })
        .await
    }

    /// Deletes the identity for good.
    pub async fn delete_identity(&self, cancel: Option<Arc<CancelHandle>>) -> Result<(), Failure> {
        let account = self.account.clone();
        run(cancel, async move { account.delete_identity().await }).await
    }

    /// The same account without the network.
    pub fn offline(&self) -> Arc<Self> {
        Arc::new(Self {
            account: self.account.offline(),
        })
    }

    /// The same account with another bound on how old knowledge may be.
    pub fn max_staleness(&self, age: Duration) -> Arc<Self> {
        Arc::new(Self {
            account: self.account.max_staleness(age),
        })
    }

    /// Forgets all secrets in memory, and does nothing more.
    pub fn close(&self) {
        self.account.close();
    }
}
