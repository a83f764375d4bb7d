//! Pairing: a new device shows a code, an old one reads it.

use crate::account::AccountHandle;
use crate::runtime::{Cancel, promise};
use napi::Env;
use napi::bindgen_prelude::PromiseRaw;
use napi_derive::napi;
use zeroize::Zeroizing;

#[napi]
impl AccountHandle {
    /// What a new device shows.
    #[napi]
    pub fn pairing_code<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let account = self.account.clone();
        promise(env, cancel, async move { account.pairing_code().await })
    }

    /// Waits until the code was read; gives the identity's id.
    #[napi]
    pub fn join_by_pairing<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let account = self.account.clone();
        promise(env, cancel, async move {
            Ok(account.join_by_pairing().await?.to_string())
        })
    }

    /// Makes the device that shows the code one of this identity; gives its id.
    #[napi]
    pub fn approve_pairing<'env>(
        &self,
        env: &'env Env,
        code: String,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let (account, code) = (self.account.clone(), Zeroizing::new(code));
        promise(env, cancel, async move {
            Ok(account.approve_pairing(&code).await?.to_string())
        })
    }
}
