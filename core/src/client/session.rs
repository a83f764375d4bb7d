//! A session: the unit of rights.

use super::account::{Account, AccountInner};
use super::commit::{Drafting, Intent};
use super::freshness::Freshness;
use super::ids::SessionId;
use crate::error::{ErrorCode, Result};
use crate::ports::BoxFuture;
use plico_protocol::envelope::EnvelopeKey;
use plico_protocol::rights::due;

/// An encryption session as one account sees it. Clones share it.
#[derive(Clone)]
pub struct EncryptionSession {
    pub(crate) account: Account,
    pub(crate) id: SessionId,
    pub(crate) missing: Vec<String>,
}

impl core::fmt::Debug for EncryptionSession {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "EncryptionSession({})", self.id)
    }
}

pub(crate) struct RotateIfDue;

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

    /// From the call that made the session with
    /// [`OnMissing::Skip`](super::OnMissing::Skip): the user ids that have no
    /// account and were left out. Empty otherwise.
    #[must_use]
    pub fn missing_recipients(&self) -> &[String] {
        &self.missing
    }

    /// Deletes what this device keeps of the session: log and secrets. It can
    /// be opened again as long as the directory gives access. What was seen of
    /// its history stays pinned.
    ///
    /// # Errors
    /// The store's own.
    pub async fn forget(&self) -> Result<()> {
        let inner = &self.account.inner;
        inner.check_open()?;
        inner.sessions.remove(self.id.0);
        inner.while_open(inner.forget_kept(self.id.0)).await
    }

    /// Asks the directory for what is new, whatever was known before.
    ///
    /// # Errors
    /// `ACCESS_REVOKED`, `ACCESS_EXPIRED`, `SESSION_ENDED`, `SESSION_NOT_FOUND`;
    /// `NETWORK`; whatever a lying directory is caught with.
    pub async fn refresh(&self) -> Result<()> {
        let inner = self.online()?;
        inner.registered()?;
        let refreshed = inner.while_open(inner.refresh_view(self.id.0));
        refreshed.await.map(drop)
    }

    /// Begins a new epoch: what is written from now on is under a new key.
    /// Writers do this by themselves whenever it is due.
    ///
    /// # Errors
    /// As [`Self::refresh`], and `CONFLICT` after many lost races.
    pub async fn rotate(&self) -> Result<()> {
        self.commit(&Rotate).await
    }

    /// For what changes rights: that can't be done offline.
    pub(crate) fn online(&self) -> Result<&AccountInner> {
        self.account.inner.check_open()?;
        if self.account.freshness == Freshness::Offline {
            return Err(ErrorCode::Offline.into());
        }
        Ok(&self.account.inner)
    }

    /// Carries out `intent`, if this handle may ask the directory.
    pub(crate) async fn commit(&self, intent: &dyn Intent) -> Result<()> {
        let inner = self.online()?;
        inner.registered()?;
        let done = inner.while_open(inner.commit(self.id.0, intent));
        done.await.map(drop)
    }

    /// The key to write with: of an epoch that is fresh enough, and begun
    /// anew if one was due; or, offline, of the newest that is known.
    pub(crate) async fn writing_key(&self) -> Result<EnvelopeKey> {
        self.account.inner.while_open(self.key_to_write()).await
    }

    async fn key_to_write(&self) -> Result<EnvelopeKey> {
        let inner = &self.account.inner;
        let freshness = self.account.freshness;
        let view = inner.view_to_write(self.id.0, freshness).await?;
        if view.state.ended() {
            return Err(ErrorCode::SessionEnded.into());
        }
        inner.check_not_suspended(&view)?;
        let epoch = view.state.current_epoch();
        let unsettled = inner.is_unsettled(self.id.0).await?;
        inner.check_clocks(&view.state)?;
        let (known, now_ms) = (inner.known(), inner.expiry_now_ms());
        let is_due = due(&view.state, known.as_ref(), &view.withdrawn, now_ms).is_some();
        if freshness == Freshness::Offline {
            // What is known to be due, or was asked for and may have taken
            // place, is not stepped over.
            return match (unsettled, is_due) {
                (true, _) => Err(ErrorCode::Unsettled.into()),
                (_, true) => Err(ErrorCode::EpochDue.into()),
                _ => Ok(view.envelope_key(epoch)?.offline()),
            };
        }
        if !unsettled && !is_due && view.secrets.contains_key(&epoch) {
            inner.say_in_use(&view).await;
            return view.envelope_key(epoch);
        }
        let view = inner.commit(self.id.0, &RotateIfDue).await?;
        view.envelope_key(view.state.current_epoch())
    }
}
