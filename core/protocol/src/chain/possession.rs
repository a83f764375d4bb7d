//! Proof that whoever registers a key also holds it.

use crate::format::encode;
use crate::format::ids::{ChainId, EntryHash, KeyId};
use crate::primitives::sign::{SignError, SigningKey, VerifyingKey, labels};
use tls_codec::{TlsSerializeBytes, TlsSize};

/// What the new key signs: the place at which it is registered, so that a
/// proof can't be used again elsewhere.
///
/// ```text
/// struct { opaque chain_id[32]; uint64 seq; opaque prev[32]; opaque key_id[32]; } Possession;
/// ```
///
/// In entry 0 of a tenant's chain the chain id is the new chain's own.
#[derive(Clone, Copy, Debug, TlsSerializeBytes, TlsSize)]
pub struct Possession {
    /// The chain.
    pub chain_id: ChainId,
    /// The number of the entry that registers the key.
    pub seq: u64,
    /// The hash of the entry before it.
    pub prev: EntryHash,
    /// The key's id; for a device RefHash("device", DeviceKeys).
    pub key_id: KeyId,
}

impl Possession {
    /// Signs with the new key.
    #[must_use]
    pub fn prove(&self, key: &SigningKey) -> Vec<u8> {
        key.sign(labels::POSSESSION, &encode(self)).to_vec()
    }

    /// Verifies under the new key.
    pub fn verify(&self, key: &VerifyingKey, signature: &[u8]) -> Result<(), SignError> {
        key.verify(labels::POSSESSION, &encode(self), signature)
    }
}
