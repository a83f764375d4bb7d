//! Bodies of an identity's chain.

use super::{EpochStart, WrapsRef};
use crate::format::codec::{FormatError, decode, encode};
use crate::format::ids::KeyId;
use crate::format::keys::{Core, DeviceKeys, KeyRecord};
use crate::format::opaque::Opaque;
use tls_codec::{TlsDeserializeBytes, TlsSerializeBytes, TlsSize};

/// Bodies of an identity's chain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentityBody {
    /// Type 1, entry 0.
    Create(IdentityCreate),
    /// Type 2: one more device.
    AddDevice(AddDevice),
    /// Type 3: a device is gone; a rotation is due.
    RevokeDevice(KeyId),
    /// Type 4: a new generation of the user key.
    RotateUserKey(UserKeyEpoch),
    /// Type 5: a recovery key, the first or another one.
    SetRecovery(SetRecovery),
    /// Type 6: a new device, by the recovery key alone.
    UseRecovery(UseRecovery),
    /// Type 7: the identity is known to the app under a user id.
    BindUserId(BindUserId),
}

/// `struct { Core core; UserKeyEpoch epoch; } IdentityCreate;`
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct IdentityCreate {
    /// Its authority is the first device.
    pub core: Core,
    /// Generation 0 of the user key.
    pub epoch: UserKeyEpoch,
}

/// `struct { EpochStart epoch; KeyRecord user_key; } UserKeyEpoch;`
/// The epoch's number is the user key's generation.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct UserKeyEpoch {
    /// The secret from which the key is derived, wrapped to every device.
    pub epoch: EpochStart,
    /// The public key.
    pub user_key: KeyRecord,
}

/// `struct { DeviceKeys keys; opaque possession<V>; WrapsRef wraps; } AddDevice;`
/// The one wrap is the current generation's secret to the new device.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct AddDevice {
    /// The new device's keys.
    pub keys: DeviceKeys,
    /// As in [`ProvenKey`](super::ProvenKey), by the device's signing key, with
    /// RefHash("device", DeviceKeys) as the key id.
    pub possession: Opaque,
    /// The wrap of the current generation.
    pub wraps: WrapsRef,
}

/// `struct { DeviceKeys keys; opaque possession<V>; opaque consent<V>; WrapsRef wraps; } SetRecovery;`
/// The one wrap is the current generation's secret to the recovery key.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct SetRecovery {
    /// The recovery key's two keys.
    pub keys: DeviceKeys,
    /// As in [`ProvenKey`](super::ProvenKey), by the new signing key, with
    /// RefHash("recovery", DeviceKeys) as the key id.
    pub possession: Opaque,
    /// Of the same content under the label "recovery", by the signing key that
    /// it replaces; empty if it is the first.
    pub consent: Opaque,
    /// The wrap of the current generation.
    pub wraps: WrapsRef,
}

/// `struct { DeviceKeys keys; opaque possession<V>; uint8 revokes; WrapsRef wraps; } UseRecovery;`
/// The one wrap is the current generation's secret to the new device.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct UseRecovery {
    /// The new device's keys.
    pub keys: DeviceKeys,
    /// As in [`AddDevice`].
    pub possession: Opaque,
    /// 1: all other devices are revoked by this entry. 0: none is.
    pub revokes: u8,
    /// The wrap of the current generation.
    pub wraps: WrapsRef,
}

/// `struct { uint64 number; opaque commitment[32]; } BindUserId;`
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct BindUserId {
    /// The binding's number: a later binding of the same user id has a higher one.
    pub number: u64,
    /// RefHash("user-id", opening).
    pub commitment: [u8; 32],
}

/// What a binding's commitment is made of, kept where it can be deleted:
///
/// ```text
/// struct { opaque salt[32]; opaque user_id<V>; opaque attestation<V>; } UserIdOpening;
/// ```
#[derive(Clone, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct UserIdOpening {
    /// 32 random bytes, so that the commitment tells nothing.
    pub salt: [u8; 32],
    /// The app's own name for the identity, UTF-8, 1 to 256 bytes.
    pub user_id: Opaque,
    /// The backend's EdDSA JWT.
    pub attestation: Opaque,
}

impl core::fmt::Debug for UserIdOpening {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("UserIdOpening(redacted)")
    }
}

impl IdentityBody {
    /// Decodes a body of `entry_type`.
    pub fn decode(entry_type: u16, bytes: &[u8]) -> Result<Self, FormatError> {
        let body = match entry_type {
            1 => Self::Create(decode("identity create", bytes)?),
            2 => Self::AddDevice(decode("add device", bytes)?),
            3 => Self::RevokeDevice(decode("revoke device", bytes)?),
            4 => Self::RotateUserKey(decode("rotate user key", bytes)?),
            5 => Self::SetRecovery(decode("set recovery", bytes)?),
            6 => Self::UseRecovery(decode("use recovery", bytes)?),
            7 => Self::BindUserId(decode("bind user id", bytes)?),
            _ => return Err(FormatError::NeedsNewerClient("identity entry")),
        };
        match &body {
            Self::Create(create) => create.epoch.epoch.check()?,
            Self::RotateUserKey(rotate) => rotate.epoch.check()?,
            Self::UseRecovery(used) if used.revokes > 1 => {
                return Err(FormatError::Malformed("use recovery"));
            }
            _ => {}
        }
        Ok(body)
    }

    /// The type's number and the encoded body.
    #[must_use]
    pub fn encode(&self) -> (u16, Vec<u8>) {
        match self {
            Self::Create(body) => (1, encode(body)),
            Self::AddDevice(body) => (2, encode(body)),
            Self::RevokeDevice(body) => (3, encode(body)),
            Self::RotateUserKey(body) => (4, encode(body)),
            Self::SetRecovery(body) => (5, encode(body)),
            Self::UseRecovery(body) => (6, encode(body)),
            Self::BindUserId(body) => (7, encode(body)),
        }
    }
}
