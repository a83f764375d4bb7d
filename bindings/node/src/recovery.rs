//! An account's recovery key.

use crate::account::AccountHandle;
use crate::failure::thrown;
use crate::runtime::{Cancel, promise};
use crate::values::to_ms;
use napi::Env;
use napi::JsString;
use napi::bindgen_prelude::PromiseRaw;
use napi_derive::napi;
use plico::{RecoverOptions, RecoveryKey};
use zeroize::Zeroizing;

/// What a person keeps on paper.
#[napi]
pub struct RecoveryKeyHandle {
    key: RecoveryKey,
}

/// A new recovery key.
#[napi]
pub fn generate_recovery_key() -> RecoveryKeyHandle {
    RecoveryKeyHandle {
        key: RecoveryKey::generate(),
    }
}

/// The recovery key of these words.
#[napi]
pub fn recovery_key_from_words(env: &Env, words: String) -> napi::Result<RecoveryKeyHandle> {
    let key = RecoveryKey::from_words(&Zeroizing::new(words));
    Ok(RecoveryKeyHandle {
        key: key.map_err(|error| thrown(env, &error))?,
    })
}

#[napi]
impl RecoveryKeyHandle {
    /// The 24 words.
    #[napi]
    pub fn words<'env>(&self, env: &'env Env) -> napi::Result<JsString<'env>> {
        env.create_string(self.key.words().as_str())
    }
}

#[napi]
impl AccountHandle {
    /// When the recovery key was set, if there is one.
    #[napi]
    pub fn recovery_key_set_at<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Option<f64>>> {
        let account = self.account.clone();
        promise(env, cancel, async move {
            Ok(account.recovery_key_set_at().await?.map(to_ms))
        })
    }

    /// Sets the recovery key, with the consent of the old one.
    #[napi]
    pub fn set_recovery_key<'env>(
        &self,
        env: &'env Env,
        key: &RecoveryKeyHandle,
        old: Option<&RecoveryKeyHandle>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let account = self.account.clone();
        let (key, old) = (key.key.clone(), old.map(|it| it.key.clone()));
        promise(env, cancel, async move {
            account.set_recovery_key(&key, old.as_ref()).await
        })
    }

    /// Gets an identity back with its recovery key; gives its id.
    #[napi]
    pub fn recover<'env>(
        &self,
        env: &'env Env,
        key: &RecoveryKeyHandle,
        keep_devices: bool,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let (account, key) = (self.account.clone(), key.key.clone());
        promise(env, cancel, async move {
            let mut options = RecoverOptions::new();
            if keep_devices {
                options = options.keep_devices();
            }
            Ok(account.recover_with(&key, options).await?.to_string())
        })
    }
}
