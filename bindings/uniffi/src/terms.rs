//! Until when a session lasts, and the tag by which it is found.

use crate::account::AccountHandle;
use crate::cancel::CancelHandle;
use crate::failure::Failure;
use crate::lists::{PlicoPage, id};
use crate::run::run;
use crate::session::SessionHandle;
use plico::Expiry;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Until when a session lasts; nothing set: without end.
#[derive(Clone, Copy, uniffi::Record)]
pub struct PlicoExpiry {
    /// It ends then.
    pub at: Option<SystemTime>,
    /// It ends when nobody has used it for so long.
    pub after_idle: Option<Duration>,
}

impl From<PlicoExpiry> for Expiry {
    fn from(expiry: PlicoExpiry) -> Self {
        let core = expiry.at.map_or_else(Self::never, Self::at);
        match expiry.after_idle {
            Some(time) => core.or_after_idle(time),
            None => core,
        }
    }
}

impl From<Expiry> for PlicoExpiry {
    fn from(expiry: Expiry) -> Self {
        Self {
            at: expiry.end(),
            after_idle: expiry.idle(),
        }
    }
}

#[uniffi::export]
impl SessionHandle {
    /// Says until when it lasts.
    pub async fn set_expiry(
        &self,
        expiry: PlicoExpiry,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<(), Failure> {
        let session = self.session.clone();
        run(
            cancel,
            async move { session.set_expiry(expiry.into()).await },
        )
        .await
    }

    /// What [`Self::set_expiry`] has said.
    pub async fn expiry(&self, cancel: Option<Arc<CancelHandle>>) -> Result<PlicoExpiry, Failure> {
        let session = self.session.clone();
        run(cancel, async move { Ok(session.expiry().await?.into()) }).await
    }

    /// When it ends if nobody uses it.
    pub async fn ends_at(
        &self,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Option<SystemTime>, Failure> {
        let session = self.session.clone();
        run(cancel, async move { session.ends_at().await }).await
    }

    /// Gives it a tag, or none.
    pub async fn set_tag(
        &self,
        tag: Option<String>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<(), Failure> {
        let session = self.session.clone();
        run(cancel, async move { session.set_tag(tag.as_deref()).await }).await
    }

    /// Its tag.
    pub async fn tag(&self, cancel: Option<Arc<CancelHandle>>) -> Result<Option<String>, Failure> {
        let session = self.session.clone();
        run(cancel, async move { session.tag().await }).await
    }
}

#[uniffi::export]
impl AccountHandle {
    /// The sessions with this tag that it may open by a grant of its own.
    pub async fn sessions_tagged(
        &self,
        tag: String,
        after: Option<String>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<PlicoPage, Failure> {
        let account = self.account.clone();
        run(cancel, async move {
            Ok(account.sessions_tagged(&tag, id(after)?).await?.into())
        })
        .await
    }
}
