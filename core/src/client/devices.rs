//! An identity's devices, and its user key.

use super::account::{Account, AccountInner};
use super::events::{Event, LogLevel};
use super::ids::{DeviceId, IdentityId};
use super::lock;
use super::own_chain::Own;
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::format::ids::{ChainId, KeyId};
use plico_protocol::identity::IdentityState;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

const DAY_MS: u64 = 86_400_000;
/// How long before a renewal the app is told of it, in milliseconds.
const NOTICE_MS: u64 = 14 * DAY_MS;

/// A device of one's own identity, as its chain states it.
#[derive(Clone, PartialEq, Eq)]
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
    /// Whether the recovery key has added it.
    pub by_recovery: bool,
    /// The name that one of the own devices has given it.
    pub name: Option<String>,
    /// When it sent a request last, to the hour, by the directory's word.
    pub last_seen: Option<SystemTime>,
}

impl core::fmt::Debug for DeviceInfo {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Its name is a person's own word.
        f.debug_struct("DeviceInfo")
            .field("id", &self.id)
            .field("is_this", &self.is_this)
            .field("added", &self.added)
            .field("revoked", &self.revoked)
            .field("by_recovery", &self.by_recovery)
            .field("last_seen", &self.last_seen)
            .finish_non_exhaustive()
    }
}

fn info_of(state: &IdentityState, this: KeyId) -> Vec<DeviceInfo> {
    let mut devices: Vec<_> = state.devices().collect();
    devices.sort_by_key(|(_, device)| device.added);
    let info = |(id, device): (&KeyId, &plico_protocol::identity::state::Device)| DeviceInfo {
        id: DeviceId(ChainId(id.0)),
        is_this: *id == this,
        added: SystemTime::UNIX_EPOCH + Duration::from_millis(device.added_ms),
        revoked: device.revoked.is_some(),
        by_recovery: device.by_recovery,
        name: None,
        last_seen: None,
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
            let state = self.inner.myself().await?;
            let mut devices = info_of(&state, this);
            self.inner.add_notes(&mut devices).await?;
            Ok(devices)
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

/// When an identity's user key is to be renewed, in milliseconds since 1970;
/// `None`: never by itself.
fn renewal_ms(state: &IdentityState, days: u32) -> Option<u64> {
    let age_ms = u64::from(days) * DAY_MS;
    let since_ms = state.user_key().1.since_ms;
    (days > 0).then(|| since_ms.saturating_add(age_ms))
}

impl AccountInner {
    /// Whether a rotation is due, by the chain as it was last shown: because a
    /// device was revoked, or because the key is as old as the tenant allows.
    pub fn note_what_is_due(&self, state: &IdentityState) {
        let record = lock(&self.record).clone();
        let mine = record.is_some_and(|it| {
            it.identity == state.id() && state.active_device(&it.device.id()).is_some()
        });
        if !mine {
            return;
        }
        let renewal_ms = renewal_ms(state, self.user_key_days());
        let now_ms = self.plico.inner.wire.directory_now_ms();
        let too_old = renewal_ms.is_some_and(|at_ms| at_ms <= now_ms);
        self.own_due
            .store(state.rotation_due() || too_old, Ordering::Relaxed);
        if let Some(at_ms) = renewal_ms.filter(|at_ms| !too_old && at_ms - now_ms <= NOTICE_MS)
            && self.told_renewal_ms.swap(at_ms, Ordering::Relaxed) != at_ms
        {
            let identity = IdentityId(state.id());
            let event = Event::KeyRenewalNear { identity, at_ms };
            self.plico.inner.wire.hooks.event(event);
        }
    }

    fn user_key_days(&self) -> u32 {
        let tenant = self.plico.inner.tenant();
        tenant.map_or(0, |it| it.policy().user_key_days)
    }

    /// Whichever of the identity's devices sees it first does it. If it fails,
    /// the next sight of the chain is the next try.
    pub async fn do_what_is_due(&self) {
        let days = self.user_key_days();
        let rotated = self.commit_own(|own: &mut Own<'_>| {
            let renewal_ms = renewal_ms(&own.state, days);
            let too_old = renewal_ms.is_some_and(|at_ms| at_ms <= own.writer.now_ms);
            match own.state.rotation_due() || too_old {
                true => own.rotate(),
                false => Ok(()),
            }
        });
        if let Err(error) = rotated.await {
            self.plico.inner.wire.hooks.log(LogLevel::Warn, || {
                let code = error.code();
                format!("a rotation of the user key that is due was not made: {code}")
            });
        }
    }
}
