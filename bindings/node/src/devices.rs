//! An account's devices: listing, naming, revoking, identity files.

use crate::account::AccountHandle;
use crate::bytes::Bytes;
use crate::failure::invalid;
use crate::runtime::{Cancel, promise};
use crate::values::to_ms;
use napi::Env;
use napi::bindgen_prelude::{Buffer, PromiseRaw, Uint8Array};
use napi_derive::napi;
use plico::{DeviceId, DeviceInfo, FileKey, Result};
use zeroize::Zeroizing;

/// What protects an identity file or a backup: one of both is there.
#[napi(object, object_to_js = false)]
pub struct FileKeyInput {
    /// Text that a person knows.
    pub passphrase: Option<String>,
    /// 32 bytes that the host keeps.
    pub host_secret: Option<Uint8Array>,
}

impl FileKeyInput {
    pub(crate) fn into_core(self) -> Result<FileKey> {
        match (self.passphrase.map(Zeroizing::new), self.host_secret) {
            (Some(text), None) => Ok(FileKey::passphrase(&text)),
            (None, Some(secret)) => FileKey::host_secret(&secret),
            _ => Err(invalid("a key has a passphrase or a hostSecret")),
        }
    }
}

/// One device of an identity.
#[napi(object, object_from_js = false)]
pub struct DeviceOutput {
    /// Its id.
    pub id: String,
    /// Whether it is this one.
    pub is_this: bool,
    /// When it was added.
    pub added_ms: f64,
    /// Whether it was revoked.
    pub revoked: bool,
    /// Whether the recovery key has added it.
    pub by_recovery: bool,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// When it sent a request last.
    pub last_seen_ms: Option<f64>,
}

impl From<DeviceInfo> for DeviceOutput {
    fn from(info: DeviceInfo) -> Self {
        Self {
            id: info.id.to_string(),
            is_this: info.is_this,
            added_ms: to_ms(info.added),
            revoked: info.revoked,
            by_recovery: info.by_recovery,
            name: info.name,
            last_seen_ms: info.last_seen.map(to_ms),
        }
    }
}

/// A passphrase of 100 random bits.
#[napi]
pub fn generate_passphrase() -> String {
    FileKey::generate_passphrase().as_str().to_owned()
}

#[napi]
impl AccountHandle {
    /// This device, once registered.
    #[napi]
    pub fn device_id(&self) -> Option<String> {
        self.account.device_id().map(|id| id.to_string())
    }

    /// All devices that the identity has or had.
    #[napi]
    pub fn devices<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Vec<DeviceOutput>>> {
        let account = self.account.clone();
        promise(env, cancel, async move {
            let devices = account.devices().await?;
            Ok(devices.into_iter().map(Into::into).collect())
        })
    }

    /// Gives a device a name.
    #[napi]
    pub fn name_device<'env>(
        &self,
        env: &'env Env,
        id: String,
        name: String,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let account = self.account.clone();
        promise(env, cancel, async move {
            let id: DeviceId = id.parse()?;
            account.name_device(id, &name).await
        })
    }

    /// Takes a device away from the identity.
    #[napi]
    pub fn revoke_device<'env>(
        &self,
        env: &'env Env,
        id: String,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let account = self.account.clone();
        promise(env, cancel, async move {
            let id: DeviceId = id.parse()?;
            account.revoke_device(id).await
        })
    }

    /// Gives the identity a new user key.
    #[napi]
    pub fn rotate_user_key<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let account = self.account.clone();
        promise(env, cancel, async move { account.rotate_user_key().await })
    }

    /// The identity as a file.
    #[napi]
    pub fn export_identity<'env>(
        &self,
        env: &'env Env,
        key: FileKeyInput,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Buffer>> {
        let (account, key) = (self.account.clone(), key.into_core());
        promise(env, cancel, async move {
            Ok(account.export_identity(&key?).await?.into())
        })
    }

    /// Becomes a device of the identity in a file; gives the identity's id.
    #[napi]
    pub fn import_identity<'env>(
        &self,
        env: &'env Env,
        file: Uint8Array,
        key: FileKeyInput,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let (account, key) = (self.account.clone(), key.into_core());
        let file = Bytes::from(file);
        promise(env, cancel, async move {
            let id = account.import_identity(file.as_ref(), &key?).await?;
            Ok(id.to_string())
        })
    }
}
