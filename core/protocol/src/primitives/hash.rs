//! SHA-256 and SHA-512 (FIPS 180-4), and hashes with a label.

use sha2::{Digest, Sha256, Sha512};

/// `SHA-256(parts[0] || parts[1] || …)`.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// RefHash (RFC 9420 §5.2) with SHA-256:
/// `SHA-256(opaque "plico/v1/" || label <V> || opaque value<V>)`.
///
/// The label separates the uses of the hash from each other.
#[must_use]
pub fn ref_hash(label: &str, value: &[u8]) -> [u8; 32] {
    let label_len = super::kdf::LABEL_PREFIX.len() + label.len();
    let mut hash = Sha256::new();
    hash.update(super::kdf::vector_length(label_len));
    hash.update(super::kdf::LABEL_PREFIX);
    hash.update(label);
    hash.update(super::kdf::vector_length(value.len()));
    hash.update(value);
    hash.finalize().into()
}

/// SHA-512 over a stream.
#[derive(Clone, Debug, Default)]
pub struct Sha512Stream(Sha512);

impl Sha512Stream {
    /// Takes the next bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The 64-byte hash of everything taken in.
    #[must_use]
    pub fn finish(self) -> [u8; 64] {
        self.0.finalize().into()
    }
}
