//! Key records, and the core of a chain from which its id is made.

use super::codec::{FormatError, VERSION, encode};
use super::ids::{ChainId, KeyId, Kind};
use super::suite::Suite;
use crate::format::opaque::Opaque;
use crate::primitives::hash::{ref_hash, sha256};
use crate::primitives::{kem, sign};
use tls_codec::{TlsDeserializeBytes, TlsSerializeBytes, TlsSize};

/// Upper bound on a key record's key, in bytes: room for hybrid signatures.
pub const MAX_KEY_LEN: usize = 8 * 1024;

/// An algorithm that keys are registered for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, TlsSerializeBytes, TlsDeserializeBytes, TlsSize,
)]
#[repr(u16)]
#[non_exhaustive]
pub enum KeyAlgorithm {
    /// Ed25519 signatures, 32-byte keys.
    Ed25519 = 0x0001,
    /// X-Wing in HPKE, 1,216-byte keys.
    XWing = 0x647a,
}

/// The signature algorithm byte that stands beside a signature.
pub const SIGNATURE_ED25519: u8 = 0x01;

/// A public key with its algorithm:
/// `struct { uint16 algorithm; opaque key<V>; } KeyRecord;`
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct KeyRecord {
    /// What the key is for.
    pub algorithm: KeyAlgorithm,
    /// The key's bytes, at most [`MAX_KEY_LEN`].
    pub key: Opaque,
}

impl KeyRecord {
    /// The record of a verifying key.
    #[must_use]
    pub fn signing(key: &sign::VerifyingKey) -> Self {
        Self {
            algorithm: KeyAlgorithm::Ed25519,
            key: Opaque::new(key.to_bytes().to_vec()),
        }
    }

    /// The record of an X-Wing key.
    #[must_use]
    pub fn kem(key: &kem::PublicKey) -> Self {
        Self {
            algorithm: KeyAlgorithm::XWing,
            key: Opaque::new(key.to_bytes()),
        }
    }

    /// RefHash("key", record).
    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyId(ref_hash("key", &encode(self)))
    }

    /// The key, if it is an acceptable Ed25519 key.
    pub fn verifying_key(&self) -> Result<sign::VerifyingKey, FormatError> {
        if self.algorithm != KeyAlgorithm::Ed25519 {
            return Err(FormatError::Malformed("signing key"));
        }
        sign::VerifyingKey::from_bytes(self.key.as_slice())
            .map_err(|_| FormatError::Malformed("signing key"))
    }

    /// The key, if it is a valid X-Wing key.
    pub fn kem_key(&self) -> Result<kem::PublicKey, FormatError> {
        if self.algorithm != KeyAlgorithm::XWing {
            return Err(FormatError::Malformed("KEM key"));
        }
        kem::PublicKey::from_bytes(self.key.as_slice())
            .map_err(|_| FormatError::Malformed("KEM key"))
    }
}

/// The two keys of a device:
/// `struct { KeyRecord signing; KeyRecord kem; } DeviceKeys;`
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct DeviceKeys {
    /// Ed25519; signs entries and requests.
    pub signing: KeyRecord,
    /// X-Wing; the identity's user key is wrapped to it.
    pub kem: KeyRecord,
}

/// Who may write a chain's first entry.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
#[repr(u8)]
#[non_exhaustive]
pub enum Authority {
    /// A tenant's first enrolment key.
    #[tls_codec(discriminant = 1)]
    EnrolmentKey(KeyRecord),
    /// An identity's first device.
    #[tls_codec(discriminant = 2)]
    Device(DeviceKeys),
    /// A session's or a group's creator: an identity.
    #[tls_codec(discriminant = 3)]
    Creator(ChainId),
}

/// What a chain's id is the hash of:
///
/// ```text
/// struct {
///   uint16 version = 1;
///   opaque tenant_id[32];      // zeros in a tenant's own core
///   uint8  kind;
///   Authority authority;       // uint8 tag, then the value
///   uint8  suite;              // a session's payload suite; 0 elsewhere
///   opaque random[32];
/// } Core;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct Core {
    /// Always [`VERSION`].
    pub version: u16,
    /// The tenant that the chain belongs to; zeros for a tenant itself.
    pub tenant_id: ChainId,
    /// What kind of chain.
    pub kind: Kind,
    /// Who may write entry 0.
    pub authority: Authority,
    /// The payload suite of a session, fixed for ever; 0 for other kinds.
    pub suite: u8,
    /// Makes the id unique.
    pub random: [u8; 32],
}

impl Core {
    /// SHA-256 of the encoded core.
    #[must_use]
    pub fn chain_id(&self) -> ChainId {
        ChainId(sha256(&[&encode(self)]))
    }

    /// The tenant that a chain with this core belongs to: for a tenant, itself.
    #[must_use]
    pub fn tenant(&self) -> ChainId {
        if self.kind == Kind::Tenant {
            self.chain_id()
        } else {
            self.tenant_id
        }
    }

    /// Checks that version, kind, authority, tenant id and suite fit together.
    pub fn check(&self) -> Result<(), FormatError> {
        if self.version != VERSION {
            return Err(FormatError::NeedsNewerClient("core"));
        }
        let tenant_is_zero = self.tenant_id == ChainId::ZERO;
        let fits = match (&self.kind, &self.authority) {
            (Kind::Tenant, Authority::EnrolmentKey(_)) => tenant_is_zero && self.suite == 0,
            (Kind::Identity, Authority::Device(_)) => !tenant_is_zero && self.suite == 0,
            (Kind::Session, Authority::Creator(_)) => !tenant_is_zero && self.suite != 0,
            (Kind::Group, Authority::Creator(_)) => !tenant_is_zero && self.suite == 0,
            _ => false,
        };
        if !fits {
            return Err(FormatError::Malformed("core"));
        }
        if self.suite != 0 && Suite::from_byte(self.suite).is_err() {
            return Err(FormatError::NeedsNewerClient("payload suite"));
        }
        Ok(())
    }
}
