//! Pairing: a new device shows a code, an old one reads it.

use crate::account::AccountHandle;
use crate::cancel::CancelHandle;
use crate::failure::Failure;
use crate::run::run;
use std::sync::Arc;
use zeroize::Zeroizing;

#[uniffi::export]
impl AccountHandle {
    /// What a new device shows.
    pub async fn pairing_code(&self, cancel: Option<Arc<CancelHandle>>) -> Result<String, Failure> {
        let account = self.account.clone();
        run(cancel, async move { account.pairing_code().await }).await
    }

    /// Waits until the code was read; returns the identity's id.
    pub async fn join_by_pairing(
        &self,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<String, Failure> {
        let account = self.account.clone();
        run(cancel, async move {
            Ok(account.join_by_pairing().await?.to_string())
        })
        .await
    }

    /// Makes the device that shows the code one of this identity; returns its id.
    pub async fn approve_pairing(
        &self,
        code: String,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<String, Failure> {
        let (account, code) = (self.account.clone(), Zeroizing::new(code));
        run(cancel, async move {
            Ok(account.approve_pairing(&code).await?.to_string())
        })
        .await
    }
}
