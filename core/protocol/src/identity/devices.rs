//! Making the entries that change an identity's devices and its user key.

use super::draft::{DeviceSecret, next_own_entry, user_key_epoch, wrap_to};
use super::state::{IdentityState, device_hash};
use crate::chain::Replay as _;
use crate::chain::possession::Possession;
use crate::format::bodies::{AddDevice, IdentityBody};
use crate::format::entry::{Author, SignedEntry};
use crate::format::ids::KeyId;
use crate::format::keys::KeyRecord;
use crate::format::opaque::Opaque;
use crate::format::wrap::{BackLink, WrapPurpose};
use crate::keyring::wraps::{Wrap, commit, seal_all};
use crate::keyring::{EpochContext, EpochSecret, KeyringError, back_link_ref};
use crate::primitives::random::CryptoRng;
use crate::primitives::sign::SigningKey;

/// An entry of an identity's chain with what it commits to.
#[derive(Debug)]
pub struct IdentityDraft {
    /// The entry.
    pub entry: SignedEntry,
    /// Its wraps.
    pub wraps: Vec<Wrap>,
    /// Its back-links.
    pub back_links: Vec<BackLink>,
    /// The secret of the generation that it begins, if it begins one.
    pub secret: Option<EpochSecret>,
}

/// Who writes: one of the identity's devices, and the time that it claims.
#[derive(Clone, Copy, Debug)]
pub struct OwnWriter<'a> {
    /// The device's signing key.
    pub key: &'a SigningKey,
    /// Milliseconds since 1970, by the directory's clock.
    pub now_ms: u64,
}

impl OwnWriter<'_> {
    fn author(&self, state: &IdentityState) -> Author {
        state.author(KeyRecord::signing(&self.key.verifying_key()).id())
    }

    /// Adds `device`, which proves here that it holds its key, and wraps the
    /// current generation of the user key to it: `secret`.
    pub fn add_device(
        &self,
        state: &IdentityState,
        device: &DeviceSecret,
        secret: &EpochSecret,
        rng: &mut dyn CryptoRng,
    ) -> Result<IdentityDraft, KeyringError> {
        let tip = state.tip();
        let keys = device.keys()?;
        let possession = Possession {
            chain_id: tip.chain_id,
            seq: tip.head.seq + 1,
            prev: tip.head.hash,
            key_id: device_hash(&keys),
        };
        let to = wrap_to(device.id(), &keys)?;
        let author = self.author(state);
        let wraps = seal_all(WrapPurpose::Device, &[secret], &author, &[to], rng)?;
        let body = IdentityBody::AddDevice(AddDevice {
            possession: Opaque::new(possession.prove(&device.signing)),
            wraps: commit(&wraps)?,
            keys,
        });
        Ok(IdentityDraft {
            entry: next_own_entry(tip, body.encode(), self.now_ms, self.key),
            wraps,
            back_links: Vec::new(),
            secret: None,
        })
    }

    /// Revokes a device. A rotation is due from then on.
    #[must_use]
    pub fn revoke_device(&self, state: &IdentityState, device: KeyId) -> IdentityDraft {
        let body = IdentityBody::RevokeDevice(device);
        IdentityDraft {
            entry: next_own_entry(state.tip(), body.encode(), self.now_ms, self.key),
            wraps: Vec::new(),
            back_links: Vec::new(),
            secret: None,
        }
    }

    /// Begins the next generation of the user key, for all devices that `state`
    /// has; `current` is the secret of the newest one.
    pub fn rotate_user_key(
        &self,
        state: &IdentityState,
        current: &EpochSecret,
        rng: &mut dyn CryptoRng,
    ) -> Result<IdentityDraft, KeyringError> {
        let tip = state.tip();
        let context = EpochContext {
            epoch: state.user_key().0 + 1,
            ..*current.context()
        };
        let secret = EpochSecret::generate(context, rng);
        let link = secret.seal_back_link(current);
        let to = state
            .active_devices()
            .map(|(id, device)| wrap_to(*id, &device.keys))
            .collect::<Result<Vec<_>, _>>()?;
        let author = self.author(state);
        let wraps = seal_all(WrapPurpose::Device, &[&secret], &author, &to, rng)?;
        let body = IdentityBody::RotateUserKey(user_key_epoch(
            &secret,
            vec![back_link_ref(&link)],
            &wraps,
        )?);
        Ok(IdentityDraft {
            entry: next_own_entry(tip, body.encode(), self.now_ms, self.key),
            wraps,
            back_links: vec![link],
            secret: Some(secret),
        })
    }
}
