//! Offline files: made by an account, opened without one.

use crate::account::AccountHandle;
use crate::bytes::Bytes;
use crate::devices::FileKeyInput;
use crate::runtime::{Cancel, promise_long};
use crate::values::{ContextInput, Opened, context, to_ms};
use napi::Env;
use napi::bindgen_prelude::{Buffer, PromiseRaw, Uint8Array};
use napi_derive::napi;
use plico::OfflineOpened;

/// What an offline file held.
#[napi(object, object_from_js = false)]
pub struct OfflineOutput {
    /// The content.
    pub content: Opened,
    /// When the directory signed what the file says.
    pub as_of_ms: f64,
}

impl From<OfflineOpened> for OfflineOutput {
    fn from(opened: OfflineOpened) -> Self {
        Self {
            content: opened.content.into(),
            as_of_ms: to_ms(opened.as_of),
        }
    }
}

/// Opens an offline file with an identity file.
#[napi]
pub fn open_offline_file<'env>(
    env: &'env Env,
    file: Uint8Array,
    identity: Uint8Array,
    key: FileKeyInput,
    place: Option<ContextInput>,
    cancel: Option<&Cancel>,
) -> napi::Result<PromiseRaw<'env, OfflineOutput>> {
    let (file, identity) = (Bytes::from(file), Bytes::from(identity));
    let (key, context) = (key.into_core(), context(place));
    promise_long(env, cancel, async move {
        let (key, context) = (key?, context?);
        let opened =
            plico::open_offline_file(file.as_ref(), identity.as_ref(), &key, context.as_ref());
        Ok(opened.await?.into())
    })
}

#[napi]
impl AccountHandle {
    /// An envelope with all that is needed to open it without a network.
    #[napi]
    pub fn offline_file<'env>(
        &self,
        env: &'env Env,
        envelope: Uint8Array,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Buffer>> {
        let (account, envelope) = (self.account.clone(), Bytes::from(envelope));
        promise_long(env, cancel, async move {
            Ok(account.offline_file(envelope.as_ref()).await?.into())
        })
    }
}
