//! An account's recovery key.

use crate::account::AccountHandle;
use crate::cancel::CancelHandle;
use crate::failure::Failure;
use crate::run::run;
use plico::{RecoverOptions, RecoveryKey};
use std::sync::Arc;
use std::time::SystemTime;
use zeroize::Zeroizing;

/// What a person keeps on paper. It stays on this side of the border.
#[derive(Debug, uniffi::Object)]
pub struct RecoveryKeyHandle {
    key: RecoveryKey,
}

#[uniffi::export]
impl RecoveryKeyHandle {
    /// A new one.
    #[uniffi::constructor]
    #[must_use]
    pub fn generate() -> Self {
        Self {
            key: RecoveryKey::generate(),
        }
    }

    /// The key of these words.
    #[uniffi::constructor]
    pub fn from_words(words: String) -> Result<Self, Failure> {
        Ok(Self {
            key: RecoveryKey::from_words(&Zeroizing::new(words))?,
        })
    }

    /// The 24 words.
    pub fn words(&self) -> String {
        self.key.words().as_str().to_owned()
    }
}

#[uniffi::export]
impl AccountHandle {
    /// When the recovery key was set, if there is one.
    pub async fn recovery_key_set_at(
        &self,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Option<SystemTime>, Failure> {
        let account = self.account.clone();
        run(cancel, async move { account.recovery_key_set_at().await }).await
    }

    /// Sets the recovery key, with the consent of the old one.
    pub async fn set_recovery_key(
        &self,
        key: Arc<RecoveryKeyHandle>,
        old: Option<Arc<RecoveryKeyHandle>>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<(), Failure> {
        let account = self.account.clone();
        run(cancel, async move {
            let old = old.as_ref().map(|it| &it.key);
            account.set_recovery_key(&key.key, old).await
        })
        .await
    }

    /// Gets an identity back with its recovery key; returns its id.
    pub async fn recover(
        &self,
        key: Arc<RecoveryKeyHandle>,
        keep_devices: bool,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<String, Failure> {
        let account = self.account.clone();
        run(cancel, async move {
            let mut options = RecoverOptions::new();
            if keep_devices {
                options = options.keep_devices();
            }
            Ok(account.recover_with(&key.key, options).await?.to_string())
        })
        .await
    }
}
