//! The identity's chain: devices, generations of the user key, the recovery
//! key, the user id.

use super::recovery::Recovery;
use crate::chain::possession::Possession;
use crate::chain::{ChainError, Replay, Tip, verify_entry, verify_signature};
use crate::format::bodies::{BindUserId, EpochStart, IdentityBody, UserKeyEpoch, WrapsRef};
use crate::format::codec::FormatError;
use crate::format::encode;
use crate::format::entry::{Author, Entry, SignedEntry};
use crate::format::ids::{ChainId, EntryHash, KeyId, Kind, Position, Recipient};
use crate::format::keys::{Authority, Core, DeviceKeys, KeyRecord};
use crate::primitives::hash::ref_hash;
use crate::primitives::sign::VerifyingKey;
use std::collections::{BTreeMap, HashMap};
use thiserror::Error;

/// The type of the entry by which a recovery key adds a device.
pub const USE_RECOVERY: u16 = 6;

/// Devices that one identity may have at a time.
pub const MAX_DEVICES: usize = 32;

/// Why an identity's entry was refused.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentityError {
    /// See [`ChainError`].
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A new device does not prove that it holds its key.
    #[error("a new device's proof of possession does not verify")]
    Possession,
    /// The device is registered already, or not at all, or the last one, or one too many.
    #[error("the device is registered already, not registered, the last one, or one too many")]
    Device,
    /// The epoch is not the next one, has no back-link, or wraps to too few or too many.
    #[error(
        "the user key's new generation is not the next one, or not wrapped to exactly the identity's devices and its recovery key"
    )]
    Epoch,
    /// The recovery key is not set, was used before, or its consent is missing
    /// or does not verify.
    #[error("the recovery key is not set, was in use before, or does not consent to another one")]
    Recovery,
    /// A later binding must have a higher number.
    #[error("the binding's number is not higher than the one before")]
    BindingNumber,
}

impl From<FormatError> for IdentityError {
    fn from(error: FormatError) -> Self {
        Self::Chain(error.into())
    }
}

/// A device, and from when until when its key signs.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its keys.
    pub keys: DeviceKeys,
    /// Its signing key, validated once for all the entries that it signs.
    pub verifying_key: VerifyingKey,
    /// The entry that added it.
    pub added: u64,
    /// The signed time of that entry, milliseconds since 1970.
    pub added_ms: u64,
    /// The entry that revoked it.
    pub revoked: Option<u64>,
    /// Whether the recovery key has added it.
    pub by_recovery: bool,
}

/// One generation of the user key.
#[derive(Clone, Debug)]
pub struct UserKey {
    /// The public key.
    pub record: KeyRecord,
    /// Its id.
    pub id: KeyId,
    /// The entry that made it.
    pub since: u64,
    /// The signed time of that entry, milliseconds since 1970.
    pub since_ms: u64,
    /// The epoch whose secret it comes from.
    pub epoch: EpochStart,
}

/// The current binding to a user id, as the log states it.
#[derive(Clone, Debug)]
pub struct Binding {
    /// Number and commitment.
    pub body: BindUserId,
    /// The signed time of the entry.
    pub claimed_ms: u64,
}

/// An identity's chain, replayed.
#[derive(Clone, Debug)]
pub struct IdentityState {
    tip: Tip,
    hashes: Vec<EntryHash>,
    devices: BTreeMap<KeyId, Device>,
    user_keys: Vec<UserKey>,
    wraps: BTreeMap<u64, (WrapsRef, Author)>,
    binding: Option<Binding>,
    pub(super) recoveries: Vec<Recovery>,
    pub(super) rotation_due: bool,
}

impl IdentityState {
    /// The identity's id.
    #[must_use]
    pub fn id(&self) -> ChainId {
        self.tip.chain_id
    }

    /// The tenant that it belongs to.
    #[must_use]
    pub fn tenant_id(&self) -> ChainId {
        self.tip.tenant_id
    }

    /// The hash of entry `seq`, if the chain is that long.
    #[must_use]
    pub fn hash_at(&self, seq: u64) -> Option<EntryHash> {
        self.hashes.get(usize::try_from(seq).ok()?).copied()
    }

    /// All devices, revoked ones too.
    pub fn devices(&self) -> impl Iterator<Item = (&KeyId, &Device)> {
        self.devices.iter()
    }

    /// Devices that are not revoked.
    pub fn active_devices(&self) -> impl Iterator<Item = (&KeyId, &Device)> {
        self.devices
            .iter()
            .filter(|(_, device)| device.revoked.is_none())
    }

    /// The device whose signing key is `key`, if it could sign at entry `seq`.
    #[must_use]
    pub fn device_at(&self, key: &KeyId, seq: u64) -> Option<&Device> {
        self.devices
            .get(key)
            .filter(|device| device.added <= seq && device.revoked.is_none_or(|end| seq < end))
    }

    /// The device whose signing key is `key`, if it is not revoked.
    #[must_use]
    pub fn active_device(&self, key: &KeyId) -> Option<&Device> {
        self.device_at(key, self.tip.head.seq)
    }

    /// All generations of the user key, oldest first.
    #[must_use]
    pub fn user_keys(&self) -> &[UserKey] {
        &self.user_keys
    }

    /// The newest generation: its number and key.
    #[must_use]
    pub fn user_key(&self) -> (u32, &UserKey) {
        let last = self.user_keys.len() - 1; // entry 0 has made generation 0
        (last as u32, &self.user_keys[last])
    }

    /// The generation that was the newest one at entry `seq`.
    #[must_use]
    pub fn user_key_at(&self, seq: u64) -> Option<(u32, &UserKey)> {
        let later = self.user_keys.partition_point(|key| key.since <= seq);
        let index = later.checked_sub(1)?;
        Some((index as u32, &self.user_keys[index]))
    }

    /// The current binding to a user id.
    #[must_use]
    pub fn binding(&self) -> Option<&Binding> {
        self.binding.as_ref()
    }

    /// What entry `seq` commits to by way of wraps, and its author.
    #[must_use]
    pub fn wraps_at(&self, seq: u64) -> Option<&(WrapsRef, Author)> {
        self.wraps.get(&seq)
    }

    /// Whether a device, or an earlier recovery key, left since the newest
    /// generation was made.
    #[must_use]
    pub fn rotation_due(&self) -> bool {
        self.rotation_due
    }

    /// The author that this identity's device `key` signs other chains as.
    #[must_use]
    pub fn author(&self, key: KeyId) -> Author {
        Author {
            identity: self.id(),
            key,
            position: self.tip.head,
        }
    }

    /// The id of the key under which `recipient`, a device or the recovery key
    /// of this identity, has wraps at entry `seq`.
    #[must_use]
    pub fn wrap_key_at(&self, recipient: &Recipient, seq: u64) -> Option<KeyId> {
        let id = KeyId(recipient.id);
        match recipient.kind {
            Kind::Device => self.device_at(&id, seq).map(|it| it.keys.kem.id()),
            Kind::Recovery => self.recovery_at(&id, seq).map(|it| it.keys.kem.id()),
            _ => None,
        }
    }

    /// To whom the user key's secret is wrapped: the devices that are not
    /// revoked, and the recovery key; in the order of wraps.
    pub fn wrap_recipients(&self) -> impl Iterator<Item = (Recipient, &DeviceKeys)> {
        let devices = self.active_devices();
        let devices = devices.map(|(id, device)| (Recipient::device(*id), &device.keys));
        let recovery = self.recovery();
        devices.chain(recovery.map(|it| (Recipient::recovery(it.id), &it.keys)))
    }

    fn add_user_key(&mut self, entry: &Entry, body: UserKeyEpoch) -> Result<(), IdentityError> {
        body.user_key.kem_key()?;
        let id = body.user_key.id();
        if body.epoch.epoch as usize != self.user_keys.len()
            || body.epoch.wraps.count as usize != self.wrap_recipients().count()
            || self.user_keys.iter().any(|key| key.id == id)
            || (entry.seq > 0) == body.epoch.back_links.is_empty()
        {
            return Err(IdentityError::Epoch);
        }
        self.user_keys.push(UserKey {
            record: body.user_key,
            id,
            since: entry.seq,
            since_ms: entry.claimed_ms,
            epoch: body.epoch,
        });
        Ok(())
    }

    /// A device that `entry` adds, if it may be added and proves its key.
    fn add_device(
        &mut self,
        entry: &Entry,
        keys: DeviceKeys,
        possession: &[u8],
        wraps: WrapsRef,
    ) -> Result<(), IdentityError> {
        let id = keys.signing.id();
        let full = self.active_devices().count() >= MAX_DEVICES;
        if full || self.was_used(&id) || wraps.count != 1 {
            return Err(IdentityError::Device);
        }
        keys.kem.kem_key()?;
        let verifying_key = keys.signing.verifying_key()?;
        possession_of(entry, device_hash(&keys))
            .verify(&verifying_key, possession)
            .map_err(|_| IdentityError::Possession)?;
        self.wraps.insert(entry.seq, (wraps, entry.author));
        let device = Device {
            keys,
            verifying_key,
            added: entry.seq,
            added_ms: entry.claimed_ms,
            revoked: None,
            by_recovery: entry.entry_type == USE_RECOVERY,
        };
        self.devices.insert(id, device);
        Ok(())
    }

    /// The recovery key outranks them.
    fn revoke_all(&mut self, seq: u64) {
        for device in self.devices.values_mut() {
            device.revoked.get_or_insert(seq);
        }
        self.rotation_due = true;
    }

    /// A signing key serves once in a chain, and for one thing.
    pub(super) fn was_used(&self, id: &KeyId) -> bool {
        self.devices.contains_key(id) || self.recoveries.iter().any(|it| it.id == *id)
    }

    pub(super) fn commit_wraps(&mut self, entry: &Entry, wraps: WrapsRef) {
        self.wraps.insert(entry.seq, (wraps, entry.author));
    }

    /// The key that may sign an entry of this type.
    fn author_key(&self, entry: &Entry) -> Option<&VerifyingKey> {
        let key = &entry.author.key;
        if entry.entry_type == USE_RECOVERY {
            let recovery = self.recovery().filter(|it| it.id == *key);
            return recovery.map(|it| &it.verifying_key);
        }
        self.active_device(key).map(|it| &it.verifying_key)
    }
}

/// What the key that `entry` registers has to sign.
pub(super) fn possession_of(entry: &Entry, key_id: KeyId) -> Possession {
    Possession {
        chain_id: entry.chain_id,
        seq: entry.seq,
        prev: entry.prev,
        key_id,
    }
}

/// RefHash("device", DeviceKeys): what a new device's possession proof names.
#[must_use]
pub fn device_hash(keys: &DeviceKeys) -> KeyId {
    KeyId(ref_hash("device", &encode(keys)))
}

impl Replay for IdentityState {
    type Known = ();
    type Error = IdentityError;

    fn start(signed: &SignedEntry, _: &()) -> Result<Self, IdentityError> {
        let entry = &signed.entry;
        let IdentityBody::Create(body) =
            IdentityBody::decode(entry.entry_type, entry.body.as_slice())?
        else {
            return Err(ChainError::Sequence.into());
        };
        let Core {
            authority: Authority::Device(device),
            ..
        } = &body.core
        else {
            return Err(ChainError::OtherChain.into());
        };
        let tip = Tip::start(&body.core, entry)?;
        if entry.author.identity != tip.chain_id
            || entry.author.position != crate::chain::BEFORE_START
        {
            return Err(ChainError::Author.into());
        }
        let verifying_key = verify_entry(signed, &device.signing)?;
        device.kem.kem_key()?;
        let devices = [(
            device.signing.id(),
            Device {
                keys: device.clone(),
                verifying_key,
                added: 0,
                added_ms: entry.claimed_ms,
                revoked: None,
                by_recovery: false,
            },
        )];
        let mut state = Self {
            hashes: vec![tip.head.hash],
            tip,
            devices: devices.into(),
            user_keys: Vec::new(),
            wraps: [(0, (body.epoch.epoch.wraps, entry.author))].into(),
            binding: None,
            recoveries: Vec::new(),
            rotation_due: false,
        };
        state.add_user_key(entry, body.epoch)?;
        Ok(state)
    }

    fn apply(&mut self, signed: &SignedEntry, _: &()) -> Result<(), IdentityError> {
        let entry = &signed.entry;
        self.tip.check_next(entry)?;
        self.tip.check_own_author(entry)?;
        let author = self.author_key(entry).ok_or(ChainError::Author)?;
        verify_signature(signed, author)?;
        match IdentityBody::decode(entry.entry_type, entry.body.as_slice())? {
            IdentityBody::Create(_) => return Err(ChainError::Sequence.into()),
            IdentityBody::AddDevice(body) => {
                self.add_device(entry, body.keys, body.possession.as_slice(), body.wraps)?;
            }
            IdentityBody::SetRecovery(body) => self.set_recovery(entry, body)?,
            IdentityBody::UseRecovery(body) => {
                if body.revokes == 1 {
                    self.revoke_all(entry.seq);
                }
                self.add_device(entry, body.keys, body.possession.as_slice(), body.wraps)?;
            }
            IdentityBody::RevokeDevice(id) => {
                if self.active_devices().count() < 2 || self.active_device(&id).is_none() {
                    return Err(IdentityError::Device);
                }
                if let Some(device) = self.devices.get_mut(&id) {
                    device.revoked = Some(entry.seq);
                }
                self.rotation_due = true;
            }
            IdentityBody::RotateUserKey(body) => {
                self.wraps
                    .insert(entry.seq, (body.epoch.wraps, entry.author));
                self.add_user_key(entry, body)?;
                self.rotation_due = false;
            }
            IdentityBody::BindUserId(body) => {
                if self
                    .binding
                    .as_ref()
                    .is_some_and(|old| body.number <= old.body.number)
                {
                    return Err(IdentityError::BindingNumber);
                }
                self.binding = Some(Binding {
                    body,
                    claimed_ms: entry.claimed_ms,
                });
            }
        }
        self.tip.advance(entry);
        self.hashes.push(self.tip.head.hash);
        Ok(())
    }

    fn tip(&self) -> &Tip {
        &self.tip
    }
}

/// Verified identity chains, by id: what a session's replay needs from outside.
pub trait Identities {
    /// The chain of `id`, as far as it is known.
    fn identity(&self, id: &ChainId) -> Option<&IdentityState>;
}

impl Identities for HashMap<ChainId, IdentityState> {
    fn identity(&self, id: &ChainId) -> Option<&IdentityState> {
        self.get(id)
    }
}

impl Identities for HashMap<ChainId, std::sync::Arc<IdentityState>> {
    fn identity(&self, id: &ChainId) -> Option<&IdentityState> {
        self.get(id).map(AsRef::as_ref)
    }
}

/// Whether `position` is in the chain that `state` has replayed: `Some(false)`
/// says that the chain there is another one, `None` that it is not so long yet.
#[must_use]
pub fn holds_position(state: &IdentityState, position: &Position) -> Option<bool> {
    state
        .hash_at(position.seq)
        .map(|hash| hash == position.hash)
}
