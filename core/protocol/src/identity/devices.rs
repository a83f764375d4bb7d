//! Making the entries that change an identity's devices, its user key and its
//! recovery key.

use super::draft::{DeviceSecret, next_own_entry, user_key_epoch, wrap_to};
use super::recovery::recovery_hash;
use super::state::{IdentityState, device_hash};
use crate::chain::Replay as _;
use crate::chain::possession::Possession;
use crate::format::bodies::{AddDevice, IdentityBody, SetRecovery, UseRecovery};
use crate::format::encode;
use crate::format::entry::{Author, SignedEntry};
use crate::format::ids::{KeyId, Recipient};
use crate::format::keys::{DeviceKeys, KeyRecord};
use crate::format::opaque::Opaque;
use crate::format::wrap::BackLink;
use crate::keyring::wraps::{Wrap, commit, seal_all};
use crate::keyring::{EpochContext, EpochSecret, KeyringError, back_link_ref};
use crate::primitives::random::CryptoRng;
use crate::primitives::sign::{SigningKey, labels};

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

    /// The signature by which a key that is registered by the next entry proves
    /// itself, or by which an old one consents.
    fn proof(state: &IdentityState, key_id: KeyId) -> Possession {
        let tip = state.tip();
        Possession {
            chain_id: tip.chain_id,
            seq: tip.head.seq + 1,
            prev: tip.head.hash,
            key_id,
        }
    }

    /// The one wrap that an entry with a new key commits to.
    fn one_wrap(
        &self,
        state: &IdentityState,
        secret: &EpochSecret,
        recipient: Recipient,
        keys: &DeviceKeys,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<Wrap>, KeyringError> {
        let to = wrap_to(recipient, keys)?;
        seal_all(&[secret], &self.author(state), &[to], rng)
    }

    fn draft(&self, state: &IdentityState, body: &IdentityBody, wraps: Vec<Wrap>) -> IdentityDraft {
        IdentityDraft {
            entry: next_own_entry(state.tip(), body.encode(), self.now_ms, self.key),
            wraps,
            back_links: Vec::new(),
            secret: None,
        }
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
        let keys = device.keys()?;
        let possession = prove_device(state, &keys, &device.signing);
        self.add_proven_device(state, keys, possession, secret, rng)
    }

    /// The same with the proof of a device that is elsewhere: see [`prove_device`].
    pub fn add_proven_device(
        &self,
        state: &IdentityState,
        keys: DeviceKeys,
        possession: Vec<u8>,
        secret: &EpochSecret,
        rng: &mut dyn CryptoRng,
    ) -> Result<IdentityDraft, KeyringError> {
        let to = Recipient::device(keys.signing.id());
        let wraps = self.one_wrap(state, secret, to, &keys, rng)?;
        let body = IdentityBody::AddDevice(AddDevice {
            possession: Opaque::new(possession),
            wraps: commit(&wraps)?,
            keys,
        });
        Ok(self.draft(state, &body, wraps))
    }

    /// Sets the recovery key, with the consent of `old`, the one that is set.
    /// If one was, a rotation is due from then on.
    pub fn set_recovery(
        &self,
        state: &IdentityState,
        new: &DeviceSecret,
        old: Option<&DeviceSecret>,
        secret: &EpochSecret,
        rng: &mut dyn CryptoRng,
    ) -> Result<IdentityDraft, KeyringError> {
        let keys = new.keys()?;
        let proof = Self::proof(state, recovery_hash(&keys));
        let consent = old.map(|old| old.signing.sign(labels::RECOVERY, &encode(&proof)).to_vec());
        let to = Recipient::recovery(new.id());
        let wraps = self.one_wrap(state, secret, to, &keys, rng)?;
        let body = IdentityBody::SetRecovery(SetRecovery {
            possession: Opaque::new(proof.prove(&new.signing)),
            consent: Opaque::new(consent.unwrap_or_default()),
            wraps: commit(&wraps)?,
            keys,
        });
        Ok(self.draft(state, &body, wraps))
    }

    /// Adds `device` by the recovery key, which is this writer's key, and
    /// revokes all others if `revokes`; then a rotation is due.
    pub fn use_recovery(
        &self,
        state: &IdentityState,
        device: &DeviceSecret,
        revokes: bool,
        secret: &EpochSecret,
        rng: &mut dyn CryptoRng,
    ) -> Result<IdentityDraft, KeyringError> {
        let keys = device.keys()?;
        let to = Recipient::device(device.id());
        let wraps = self.one_wrap(state, secret, to, &keys, rng)?;
        let body = IdentityBody::UseRecovery(UseRecovery {
            possession: Opaque::new(prove_device(state, &keys, &device.signing)),
            revokes: u8::from(revokes),
            wraps: commit(&wraps)?,
            keys,
        });
        Ok(self.draft(state, &body, wraps))
    }

    /// Revokes a device. A rotation is due from then on.
    #[must_use]
    pub fn revoke_device(&self, state: &IdentityState, device: KeyId) -> IdentityDraft {
        self.draft(state, &IdentityBody::RevokeDevice(device), Vec::new())
    }

    /// Begins the next generation of the user key, for all devices that `state`
    /// has and its recovery key; `current` is the secret of the newest one.
    pub fn rotate_user_key(
        &self,
        state: &IdentityState,
        current: &EpochSecret,
        rng: &mut dyn CryptoRng,
    ) -> Result<IdentityDraft, KeyringError> {
        let context = EpochContext {
            epoch: state.user_key().0 + 1,
            ..*current.context()
        };
        let secret = EpochSecret::generate(context, rng);
        let link = secret.seal_back_link(current);
        let to = state
            .wrap_recipients()
            .map(|(recipient, keys)| wrap_to(recipient, keys))
            .collect::<Result<Vec<_>, _>>()?;
        let author = self.author(state);
        let wraps = seal_all(&[&secret], &author, &to, rng)?;
        let body = IdentityBody::RotateUserKey(user_key_epoch(
            &secret,
            vec![back_link_ref(&link)],
            &wraps,
        )?);
        Ok(IdentityDraft {
            back_links: vec![link],
            secret: Some(secret),
            ..self.draft(state, &body, wraps)
        })
    }
}

/// What a device signs to be added by the next entry of `state`'s chain.
#[must_use]
pub fn prove_device(state: &IdentityState, keys: &DeviceKeys, key: &SigningKey) -> Vec<u8> {
    OwnWriter::proof(state, device_hash(keys)).prove(key)
}
