//! An account's devices: listing, naming, revoking, identity files.

use crate::account::AccountHandle;
use crate::bytes::Bytes;
use crate::cancel::CancelHandle;
use crate::failure::Failure;
use crate::run::run;
use plico::{DeviceId, DeviceInfo, FileKey};
use std::sync::Arc;
use std::time::SystemTime;
use zeroize::Zeroizing;

/// What protects an identity file or a backup.
#[derive(Clone, uniffi::Enum)]
pub enum PlicoFileKey {
    /// Something that a person knows.
    Passphrase {
        /// At least 12 characters.
        text: String,
    },
    /// Something that the host keeps.
    HostSecret {
        /// 32 bytes.
        bytes: Bytes,
    },
}

impl PlicoFileKey {
    pub(crate) fn into_core(self) -> plico::Result<FileKey> {
        match self {
            Self::Passphrase { text } => Ok(FileKey::passphrase(&Zeroizing::new(text))),
            Self::HostSecret { bytes } => FileKey::host_secret(&Zeroizing::new(bytes.0)),
        }
    }
}

/// One device of an identity.
#[derive(Clone, uniffi::Record)]
pub struct PlicoDeviceInfo {
    /// 43 characters of base64url.
    pub id: String,
    /// Whether it is the one that asks.
    pub is_this: bool,
    /// When it was added, by the clock of the device that added it.
    pub added: SystemTime,
    /// Whether it was revoked.
    pub revoked: bool,
    /// Whether the recovery key has added it.
    pub by_recovery: bool,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// When it sent a request last, to the hour.
    pub last_seen: Option<SystemTime>,
}

impl From<DeviceInfo> for PlicoDeviceInfo {
    fn from(info: DeviceInfo) -> Self {
        Self {
            id: info.id.to_string(),
            is_this: info.is_this,
            added: info.added,
            revoked: info.revoked,
            by_recovery: info.by_recovery,
            name: info.name,
            last_seen: info.last_seen,
        }
    }
}

/// A passphrase of 100 random bits.
#[uniffi::export]
pub fn generate_passphrase() -> String {
    FileKey::generate_passphrase().as_str().to_owned()
}

#[uniffi::export]
impl AccountHandle {
    /// This device, once registered.
    pub fn device_id(&self) -> Option<String> {
        self.account.device_id().map(|id| id.to_string())
    }

    /// All devices that the identity has or had.
    pub async fn devices(
        &self,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Vec<PlicoDeviceInfo>, Failure> {
        let account = self.account.clone();
        run(cancel, async move {
            let all = account.devices().await?;
            Ok(all.into_iter().map(Into::into).collect())
        })
        .await
    }

    /// Gives a device a name.
    pub async fn name_device(
        &self,
        device_id: String,
        name: String,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<(), Failure> {
        let account = self.account.clone();
        run(cancel, async move {
            let id: DeviceId = device_id.parse()?;
            account.name_device(id, &name).await
        })
        .await
    }

    /// Takes a device away from the identity.
    pub async fn revoke_device(
        &self,
        device_id: String,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<(), Failure> {
        let account = self.account.clone();
        run(cancel, async move {
            let id: DeviceId = device_id.parse()?;
            account.revoke_device(id).await
        })
        .await
    }

    /// Gives the identity a new user key.
    pub async fn rotate_user_key(&self, cancel: Option<Arc<CancelHandle>>) -> Result<(), Failure> {
        let account = self.account.clone();
        run(cancel, async move { account.rotate_user_key().await }).await
    }

    /// The identity as a file.
    pub async fn export_identity(
        &self,
        key: PlicoFileKey,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Bytes, Failure> {
        let (account, key) = (self.account.clone(), key.into_core());
        run(cancel, async move {
            Ok(account.export_identity(&key?).await?.into())
        })
        .await
    }

    /// Becomes a device of the identity in a file; returns the identity's id.
    pub async fn import_identity(
        &self,
        file: Bytes,
        key: PlicoFileKey,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<String, Failure> {
        let (account, key) = (self.account.clone(), key.into_core());
        run(cancel, async move {
            let id = account.import_identity(&file.0, &key?).await?;
            Ok(id.to_string())
        })
        .await
    }
}
