//! Wraps and back-links: secrets under public keys, and under later secrets.

use super::codec::VERSION;
use super::ids::{ChainId, KeyId, Kind, Recipient};
use crate::primitives::kem;
use tls_codec::{TlsDeserializeBytes, TlsSerializeBytes, TlsSize};

/// Length of a wrap: encapsulated key 1,120, secret 32, tag 16.
pub const WRAP_LEN: usize = kem::SEAL_OVERHEAD + 32;
/// Length of a back-link's ciphertext: secret 32, tag 16.
pub const BACK_LINK_LEN: usize = 48;
/// How many back-links one epoch may carry.
pub const MAX_BACK_LINKS: usize = 8;

/// What a wrapped secret is for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, TlsSerializeBytes, TlsDeserializeBytes, TlsSize,
)]
#[repr(u8)]
#[non_exhaustive]
pub enum WrapPurpose {
    /// An epoch of a session or a group.
    Epoch = 1,
    /// A generation of an identity's user key, to one of its devices.
    Device = 2,
    /// The same, to the recovery key.
    Recovery = 3,
    /// A link. Reserved.
    Link = 4,
    /// A sealed item's secret, to whichever recipient (`docs/spec/sealed.md`).
    Sealed = 5,
}

impl WrapPurpose {
    /// What a chain's epoch is wrapped to a recipient of this kind for.
    #[must_use]
    pub fn of(recipient: Kind) -> Self {
        match recipient {
            Kind::Device => Self::Device,
            Kind::Recovery => Self::Recovery,
            Kind::Link => Self::Link,
            _ => Self::Epoch,
        }
    }
}

/// HPKE's `info` of a wrap:
///
/// ```text
/// struct {
///   uint16 version = 1;  uint8 purpose;
///   opaque tenant_id[32];  opaque chain_id[32];  uint32 epoch;  opaque commitment[32];
///   opaque author_identity[32];  opaque author_key[32];
///   Recipient recipient;  uint32 generation;  opaque key_id[32];
/// } WrapInfo;
/// ```
///
/// Neither `seq` nor `prev` is in it: losing a race must not mean wrapping again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct WrapInfo {
    /// Always 1.
    pub version: u16,
    /// What the secret is for.
    pub purpose: WrapPurpose,
    /// The tenant.
    pub tenant_id: ChainId,
    /// The chain whose secret it is.
    pub chain_id: ChainId,
    /// The secret's epoch.
    pub epoch: u32,
    /// The commitment to the secret, as published in the log.
    pub commitment: [u8; 32],
    /// The identity that made the wrap.
    pub author_identity: ChainId,
    /// Its signing key.
    pub author_key: KeyId,
    /// For whom.
    pub recipient: Recipient,
    /// The generation of the recipient's key (0 for a device and a recovery key).
    pub generation: u32,
    /// The id of that key's record.
    pub key_id: KeyId,
}

impl WrapInfo {
    /// The order of leaves in the Merkle tree.
    #[must_use]
    pub fn order(&self) -> (Recipient, u32) {
        (self.recipient, self.epoch)
    }
}

/// An earlier epoch's secret under a later one:
///
/// ```text
/// struct { uint16 version = 1; uint32 epoch; uint32 target; opaque ciphertext[48]; } BackLink;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct BackLink {
    /// Always 1.
    pub version: u16,
    /// The epoch under whose secret the target is encrypted.
    pub epoch: u32,
    /// The earlier epoch that it opens.
    pub target: u32,
    /// ChaCha20-Poly1305 of the target's secret.
    pub ciphertext: [u8; BACK_LINK_LEN],
}

impl BackLink {
    /// A back-link of this version.
    #[must_use]
    pub fn new(epoch: u32, target: u32, ciphertext: [u8; BACK_LINK_LEN]) -> Self {
        Self {
            version: VERSION,
            epoch,
            target,
            ciphertext,
        }
    }
}

/// What a back-link's ciphertext is bound to (the AEAD's associated data):
///
/// ```text
/// struct {
///   uint16 version = 1;  opaque tenant_id[32];  opaque chain_id[32];
///   uint32 epoch;  opaque commitment[32];  uint32 target;  opaque target_commitment[32];
/// } BackLinkInfo;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsSize)]
pub struct BackLinkInfo {
    /// Always 1.
    pub version: u16,
    /// The tenant.
    pub tenant_id: ChainId,
    /// The chain.
    pub chain_id: ChainId,
    /// The epoch under whose secret the target is encrypted.
    pub epoch: u32,
    /// That epoch's commitment.
    pub commitment: [u8; 32],
    /// The earlier epoch.
    pub target: u32,
    /// The earlier epoch's commitment.
    pub target_commitment: [u8; 32],
}
