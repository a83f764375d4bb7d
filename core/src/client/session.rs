//! A session: the unit of rights.

use super::account::Account;
use super::commit::{Drafting, Intent};
use super::ids::SessionId;
use super::sessions::View;
use crate::error::{ErrorCode, Result};
use crate::ports::BoxFuture;
use plico_protocol::rights::due;
use std::sync::Arc;

/// An encryption session as one account sees it. Clones share it.
#[derive(Clone)]
pub struct EncryptionSession {
    pub(crate) account: Account,
    pub(crate) id: SessionId,
}

impl core::fmt::Debug for EncryptionSession {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "EncryptionSession({})", self.id)
    }
}

struct RotateIfDue;

impl Intent for RotateIfDue {
    fn draft<'a>(&'a self, drafting: &'a mut Drafting<'_>) -> BoxFuture<'a, Result<()>> {
        Box::pin(drafting.rotate_if_due())
    }
}

struct Rotate;

impl Intent for Rotate {
    fn draft<'a>(&'a self, drafting: &'a mut Drafting<'_>) -> BoxFuture<'a, Result<()>> {
        Box::pin(drafting.rotate())
    }
}

impl EncryptionSession {
    /// The session's id.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// Asks the directory for what is new, whatever was known before.
    ///
    /// # Errors
    /// `ACCESS_REVOKED`, `ACCESS_EXPIRED`, `SESSION_ENDED`, `SESSION_NOT_FOUND`;
    /// `NETWORK`; whatever a lying directory is caught with.
    pub async fn refresh(&self) -> Result<()> {
        self.account.inner.registered()?;
        self.account.inner.refresh_view(self.id.0).await.map(drop)
    }

    /// Begins a new epoch: what is written from now on is under a new key.
    /// Writers do this by themselves whenever it is due.
    ///
    /// # Errors
    /// As [`Self::refresh`], and `CONFLICT` after many lost races.
    pub async fn rotate(&self) -> Result<()> {
        self.account.inner.registered()?;
        self.account
            .inner
            .commit(self.id.0, &Rotate)
            .await
            .map(drop)
    }

    /// A view that is fresh enough to write under: if an epoch is due, it was begun.
    pub(crate) async fn writable(&self) -> Result<Arc<View>> {
        let inner = &self.account.inner;
        let view = inner.fresh_view(self.id.0).await?;
        if view.state.ended() {
            return Err(ErrorCode::SessionEnded.into());
        }
        let now_ms = inner.plico.inner.now_ms();
        if due(&view.state, &inner.known(), now_ms).is_none()
            && view.secrets.contains_key(&view.state.current_epoch())
        {
            return Ok(view);
        }
        let view = inner.commit(self.id.0, &RotateIfDue).await?;
        view.secret(view.state.current_epoch())?;
        Ok(view)
    }
}
