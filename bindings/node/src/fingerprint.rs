//! What two people compare.

use crate::account::AccountHandle;
use crate::runtime::{Cancel, promise};
use napi::Env;
use napi::bindgen_prelude::PromiseRaw;
use napi_derive::napi;
use plico::Fingerprint;

/// The fingerprint of two identities.
#[napi(object, object_from_js = false)]
pub struct FingerprintOutput {
    /// To read aloud.
    pub digits: String,
    /// To show as a QR code.
    pub to_scan: String,
}

impl From<Fingerprint> for FingerprintOutput {
    fn from(it: Fingerprint) -> Self {
        Self {
            digits: it.digits,
            to_scan: it.to_scan,
        }
    }
}

#[napi]
impl AccountHandle {
    /// The fingerprint of this identity and another.
    #[napi]
    pub fn fingerprint<'env>(
        &self,
        env: &'env Env,
        user_id: String,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, FingerprintOutput>> {
        let account = self.account.clone();
        promise(env, cancel, async move {
            Ok(account.fingerprint(&user_id).await?.into())
        })
    }

    /// Compares what the other person's app shows, and remembers it.
    #[napi]
    pub fn verify_fingerprint<'env>(
        &self,
        env: &'env Env,
        user_id: String,
        shown: String,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let account = self.account.clone();
        promise(env, cancel, async move {
            account.verify_fingerprint(&user_id, &shown).await
        })
    }

    /// Whether it was compared.
    #[napi]
    pub fn is_verified<'env>(
        &self,
        env: &'env Env,
        user_id: String,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, bool>> {
        let account = self.account.clone();
        promise(
            env,
            cancel,
            async move { account.is_verified(&user_id).await },
        )
    }
}
