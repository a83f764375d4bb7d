//! Leaving for good.

use super::account::{Account, AccountInner};
use super::pins::store_error;
use super::saves::Saves;
use crate::error::{ErrorCode, Result};
use plico_protocol::wire::b64;
use plico_protocol::wire::rest::StandingAnswer;

impl Account {
    /// Deletes this identity for good: at the directory its wraps, its backups
    /// and the opening of its user id; here, the whole store. What it has
    /// written stays with those who can open it, and what it has signed stays
    /// valid; nobody can open anything in its name any more. There is no way
    /// back, also not with the recovery key. The account is closed.
    ///
    /// Sessions that it owns alone have no owner from then on: hand them over,
    /// or end them, before. Safe to call again after an error.
    ///
    /// # Errors
    /// `NOT_REGISTERED`; `NETWORK`, after which it may be deleted or not;
    /// `STORE` if what is kept here could not be deleted.
    pub async fn delete_identity(&self) -> Result<()> {
        self.inner.while_open(self.inner.delete_identity()).await?;
        self.close();
        Ok(())
    }
}

impl AccountInner {
    async fn delete_identity(&self) -> Result<()> {
        let record = self.registered()?;
        let path = format!("/identities/{}/delete", b64::encode(&record.identity.0));
        let wire = &self.plico.inner.wire;
        let sent: Result<StandingAnswer> =
            wire.post_bytes(record.signer(), &path, Vec::new()).await;
        match sent {
            // The reply to an earlier try was lost.
            Err(error) if error.code() == ErrorCode::IdentityDeleted => {}
            done => drop(done?),
        }
        let mut saves = Saves::default();
        for (name, _) in self.store.scan("").await.map_err(store_error)? {
            saves.delete(name);
        }
        self.save(saves).await.map(drop)
    }
}
