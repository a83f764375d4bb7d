//! An identity's devices, and its user key.

use super::account::Account;
use super::ids::DeviceId;
use super::own_chain::Own;
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::format::ids::{ChainId, KeyId};
use plico_protocol::identity::IdentityState;
use std::time::{Duration, SystemTime};

/// A device of one's own identity, as its chain states it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeviceInfo {
    /// Its id.
    pub id: DeviceId,
    /// Whether it is the one that asks.
    pub is_this: bool,
    /// When it was added, by the clock of the device that added it.
    pub added: SystemTime,
    /// Whether it was revoked.
    pub revoked: bool,
}

fn info_of(state: &IdentityState, this: KeyId) -> Vec<DeviceInfo> {
    let mut devices: Vec<_> = state.devices().collect();
    devices.sort_by_key(|(_, device)| device.added);
    let info = |(id, device): (&KeyId, &plico_protocol::identity::state::Device)| DeviceInfo {
        id: DeviceId(ChainId(id.0)),
        is_this: *id == this,
        added: SystemTime::UNIX_EPOCH + Duration::from_millis(device.added_ms),
        revoked: device.revoked.is_some(),
    };
    devices.into_iter().map(info).collect()
}

impl Account {
    /// The id of this device, once registered.
    #[must_use]
    pub fn device_id(&self) -> Option<DeviceId> {
        let record = self.inner.registered().ok()?;
        Some(DeviceId(ChainId(record.device.id().0)))
    }

    /// All devices that this identity has or had, in the order in which they
    /// were added, as the directory shows them now.
    ///
    /// # Errors
    /// `NOT_REGISTERED`; `NETWORK`; whatever a lying directory is caught with.
    pub async fn devices(&self) -> Result<Vec<DeviceInfo>> {
        let listed = async {
            let this = self.inner.registered()?.device.id();
            self.inner.rotate_own_if_due().await?;
            let state = self.inner.myself().await?;
            Ok(info_of(&state, this))
        };
        self.inner.while_open(listed).await
    }

    /// Takes a device away from this identity and gives it a new user key, in
    /// one step. What that device has signed stays valid; it signs nothing more,
    /// and opens nothing that is wrapped from now on. What it could open before,
    /// it may have kept. Sessions become due: their next writer begins an epoch
    /// that the device can't open; none is touched for it now.
    ///
    /// Already revoked: nothing is done.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for what is not a device of this identity, and for
    /// this very device; `NETWORK`, `CONFLICT` after many lost races.
    pub async fn revoke_device(&self, device: DeviceId) -> Result<()> {
        let key = KeyId(device.0.0);
        if self.inner.registered()?.device.id() == key {
            return Err(Error::new(ErrorCode::InvalidArgument)
                .with_detail("a device is revoked from another one"));
        }
        let revoked = self.inner.commit_own(move |own: &mut Own<'_>| {
            if !own.state.devices().any(|(id, _)| *id == key) {
                return Err(Error::new(ErrorCode::InvalidArgument)
                    .with_detail("not a device of this identity"));
            }
            if own.state.active_device(&key).is_some() {
                let draft = own.writer.revoke_device(&own.state, key);
                own.push(draft)?;
            }
            if own.state.rotation_due() {
                own.rotate()?;
            }
            Ok(())
        });
        self.inner.while_open(revoked).await
    }

    /// Gives this identity a new user key. What was wrapped to the old ones can
    /// still be opened; from now on others wrap to the new one. Revoking a
    /// device does this by itself.
    ///
    /// # Errors
    /// `NOT_REGISTERED`; `NETWORK`, `CONFLICT` after many lost races.
    pub async fn rotate_user_key(&self) -> Result<()> {
        let rotated = self.inner.commit_own(|own: &mut Own<'_>| own.rotate());
        self.inner.while_open(rotated).await
    }
}

impl super::account::AccountInner {
    /// Makes the rotation that a revocation has left due, if this device knows of one.
    pub async fn rotate_own_if_due(&self) -> Result<()> {
        let record = self.registered()?;
        let known = self.kept_identity(record.identity).await?;
        if known.is_none_or(|state| !state.rotation_due()) {
            return Ok(());
        }
        let draft = |own: &mut Own<'_>| match own.state.rotation_due() {
            true => own.rotate(),
            false => Ok(()),
        };
        Box::pin(self.commit_own(draft)).await
    }
}
