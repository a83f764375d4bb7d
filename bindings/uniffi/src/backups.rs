//! An account's backups at the directory.

use crate::account::AccountHandle;
use crate::cancel::CancelHandle;
use crate::devices::PlicoFileKey;
use crate::failure::Failure;
use crate::run::run;
use plico::BackupStatus;
use std::sync::Arc;
use std::time::SystemTime;

/// What there is of a backup.
#[derive(Clone, Copy, uniffi::Record)]
pub struct PlicoBackupStatus {
    /// Whether it is under a passphrase; else under a secret of the host.
    pub passphrase: bool,
    /// When it was stored, by the directory's word.
    pub stored: SystemTime,
}

impl From<BackupStatus> for PlicoBackupStatus {
    fn from(status: BackupStatus) -> Self {
        Self {
            passphrase: status.passphrase,
            stored: status.stored,
        }
    }
}

#[uniffi::export]
impl AccountHandle {
    /// Stores a backup in place of an earlier one of the same kind.
    pub async fn store_backup(
        &self,
        key: PlicoFileKey,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<(), Failure> {
        let (account, key) = (self.account.clone(), key.into_core());
        run(cancel, async move { account.store_backup(&key?).await }).await
    }

    /// The backups that there are.
    pub async fn backups(
        &self,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Vec<PlicoBackupStatus>, Failure> {
        let account = self.account.clone();
        run(cancel, async move {
            let all = account.backups().await?;
            Ok(all.into_iter().map(Into::into).collect())
        })
        .await
    }

    /// Deletes them all, and revokes their devices.
    pub async fn delete_backups(&self, cancel: Option<Arc<CancelHandle>>) -> Result<(), Failure> {
        let account = self.account.clone();
        run(cancel, async move { account.delete_backups().await }).await
    }

    /// Gets an identity back from its backup; returns its id.
    pub async fn restore_backup(
        &self,
        user_id: String,
        key: PlicoFileKey,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<String, Failure> {
        let (account, key) = (self.account.clone(), key.into_core());
        run(cancel, async move {
            let id = account.restore_backup(&user_id, &key?).await?;
            Ok(id.to_string())
        })
        .await
    }
}
