//! What two people compare.

use crate::account::AccountHandle;
use crate::cancel::CancelHandle;
use crate::failure::Failure;
use crate::run::run;
use plico::Fingerprint;
use std::sync::Arc;

/// The fingerprint of two identities.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct PlicoFingerprint {
    /// 40 digits in eight groups of five.
    pub digits: String,
    /// What to show as a QR code, 138 characters.
    pub to_scan: String,
}

impl From<Fingerprint> for PlicoFingerprint {
    fn from(it: Fingerprint) -> Self {
        Self {
            digits: it.digits,
            to_scan: it.to_scan,
        }
    }
}

#[uniffi::export]
impl AccountHandle {
    /// The fingerprint of this identity and another.
    pub async fn fingerprint(
        &self,
        user_id: String,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<PlicoFingerprint, Failure> {
        let account = self.account.clone();
        run(cancel, async move {
            Ok(account.fingerprint(&user_id).await?.into())
        })
        .await
    }

    /// Compares what the other person's app shows, and remembers it.
    pub async fn verify_fingerprint(
        &self,
        user_id: String,
        shown: String,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<(), Failure> {
        let account = self.account.clone();
        run(cancel, async move {
            account.verify_fingerprint(&user_id, &shown).await
        })
        .await
    }

    /// Whether it was compared.
    pub async fn is_verified(
        &self,
        user_id: String,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<bool, Failure> {
        let account = self.account.clone();
        run(cancel, async move { account.is_verified(&user_id).await }).await
    }
}
