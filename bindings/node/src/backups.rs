//! An account's backups at the directory.

use crate::account::AccountHandle;
use crate::devices::FileKeyInput;
use crate::runtime::{Cancel, promise};
use crate::values::to_ms;
use napi::Env;
use napi::bindgen_prelude::PromiseRaw;
use napi_derive::napi;
use plico::BackupStatus;

/// What there is of a backup.
#[napi(object, object_from_js = false)]
pub struct BackupStatusOutput {
    /// Whether it is under a passphrase; else under a secret of the host.
    pub passphrase: bool,
    /// When it was stored.
    pub stored_ms: f64,
}

impl From<BackupStatus> for BackupStatusOutput {
    fn from(status: BackupStatus) -> Self {
        Self {
            passphrase: status.passphrase,
            stored_ms: to_ms(status.stored),
        }
    }
}

#[napi]
impl AccountHandle {
    /// Stores a backup in place of an earlier one of the same kind.
    #[napi]
    pub fn store_backup<'env>(
        &self,
        env: &'env Env,
        key: FileKeyInput,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let (account, key) = (self.account.clone(), key.into_core());
        promise(
            env,
            cancel,
            async move { account.store_backup(&key?).await },
        )
    }

    /// The backups that there are.
    #[napi]
    pub fn backups<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Vec<BackupStatusOutput>>> {
        let account = self.account.clone();
        promise(env, cancel, async move {
            let all = account.backups().await?;
            Ok(all.into_iter().map(Into::into).collect())
        })
    }

    /// Deletes them all, and revokes their devices.
    #[napi]
    pub fn delete_backups<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let account = self.account.clone();
        promise(env, cancel, async move { account.delete_backups().await })
    }

    /// Gets an identity back from its backup; gives its id.
    #[napi]
    pub fn restore_backup<'env>(
        &self,
        env: &'env Env,
        user_id: String,
        key: FileKeyInput,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let (account, key) = (self.account.clone(), key.into_core());
        promise(env, cancel, async move {
            let id = account.restore_backup(&user_id, &key?).await?;
            Ok(id.to_string())
        })
    }
}
