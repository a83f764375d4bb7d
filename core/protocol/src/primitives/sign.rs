//! Ed25519 (RFC 8032), always verified strictly, over labelled content
//! (RFC 9420 §5.1.2, SignWithLabel, with our own prefix).

use super::kdf::{LABEL_PREFIX, vector_length};
use super::random::{CryptoRng, random_bytes};
use super::secret::Secret32;
use ed25519_dalek::{Signature, Signer, VerifyingKey as DalekKey};
use thiserror::Error;

/// Length of a signature in bytes.
pub const SIGNATURE_LEN: usize = 64;
/// Length of a public key in bytes.
pub const PUBLIC_KEY_LEN: usize = 32;

/// Why a key or a signature was refused.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignError {
    /// Not 32 bytes, not canonical, of small order, or with a torsion component.
    #[error("the bytes are not an acceptable Ed25519 public key")]
    PublicKey,
    /// The signature does not verify.
    #[error("the signature does not verify")]
    Signature,
}

/// A public key that is canonical, not weak and torsion-free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey(DalekKey);

impl VerifyingKey {
    /// Validates `bytes`: 32 bytes, canonical encoding, not of small order, in
    /// the prime-order subgroup.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SignError> {
        let bytes: &[u8; PUBLIC_KEY_LEN] = bytes.try_into().map_err(|_| SignError::PublicKey)?;
        let key = DalekKey::from_bytes(bytes).map_err(|_| SignError::PublicKey)?;
        let point = key.to_edwards();
        if point.compress().to_bytes() != *bytes || key.is_weak() || !point.is_torsion_free() {
            return Err(SignError::PublicKey);
        }
        Ok(Self(key))
    }

    /// The 32 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; PUBLIC_KEY_LEN] {
        self.0.to_bytes()
    }

    /// Verifies `signature` over `message` as it is (request signatures, JWT).
    pub fn verify_raw(&self, message: &[u8], signature: &[u8]) -> Result<(), SignError> {
        let signature = Signature::from_slice(signature).map_err(|_| SignError::Signature)?;
        self.0
            .verify_strict(message, &signature)
            .map_err(|_| SignError::Signature)
    }

    /// Verifies a signature over [`sign_content`]`(what, content)`.
    pub fn verify(&self, what: &str, content: &[u8], signature: &[u8]) -> Result<(), SignError> {
        self.verify_raw(&sign_content(what, content), signature)
    }
}

/// A private key. The 32-byte seed is wiped on drop.
#[derive(Clone)]
pub struct SigningKey(Box<ed25519_dalek::SigningKey>);

impl core::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SigningKey(redacted)")
    }
}

impl SigningKey {
    /// A fresh key.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        let mut seed = random_bytes::<32>(rng);
        let key = Box::new(ed25519_dalek::SigningKey::from_bytes(&seed));
        zeroize::Zeroize::zeroize(&mut seed);
        Self(key)
    }

    /// The key with this seed (RFC 8032 §5.1.5).
    #[must_use]
    pub fn from_seed(seed: &Secret32) -> Self {
        Self(Box::new(ed25519_dalek::SigningKey::from_bytes(
            seed.expose(),
        )))
    }

    /// The seed, for storing it encrypted.
    #[must_use]
    pub fn dangerous_seed(&self) -> Secret32 {
        Secret32::new(&mut self.0.to_bytes())
    }

    /// The public key.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key())
    }

    /// Signs `message` as it is (request signatures, JWT). Everything else is
    /// signed with a label: see [`Self::sign`].
    #[must_use]
    pub fn sign_raw(&self, message: &[u8]) -> [u8; SIGNATURE_LEN] {
        self.0.sign(message).to_bytes()
    }

    /// Signs [`sign_content`]`(what, content)`.
    #[must_use]
    pub fn sign(&self, what: &str, content: &[u8]) -> [u8; SIGNATURE_LEN] {
        self.sign_raw(&sign_content(what, content))
    }
}

/// The bytes that a labelled signature covers:
///
/// ```text
/// struct { opaque label<V> = "plico/v1/" + what; opaque content<V>; } SignContent;
/// ```
///
/// The first byte is the label's length. An RFC 9421 signature base begins
/// with `"`, which is 0x22 = 34, so no whole label may be 34 bytes long: then
/// no request signature can be read as a labelled one, nor the other way
/// round. [`labels`] lists them all and a test checks it.
#[must_use]
pub fn sign_content(what: &str, content: &[u8]) -> Vec<u8> {
    let mut out = vector_length(LABEL_PREFIX.len() + what.len());
    out.extend_from_slice(LABEL_PREFIX.as_bytes());
    out.extend_from_slice(what.as_bytes());
    out.extend_from_slice(&vector_length(content.len()));
    out.extend_from_slice(content);
    out
}

/// Every label that is signed under.
pub mod labels {
    /// An entry of any chain.
    pub const ENTRY: &str = "entry";
    /// A new key's proof of possession.
    pub const POSSESSION: &str = "possession";
    /// A directory's signed head of a chain.
    pub const HEAD: &str = "head";
    /// A detached signature over an envelope.
    pub const ENVELOPE: &str = "envelope";
    /// The old recovery key's consent to a new one.
    pub const RECOVERY: &str = "recovery";
    /// All of the above.
    pub const ALL: [&str; 5] = [ENTRY, POSSESSION, HEAD, ENVELOPE, RECOVERY];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_label_can_be_mistaken_for_a_request_signature() {
        for label in labels::ALL {
            let whole = LABEL_PREFIX.len() + label.len();
            assert_ne!(whole, 34, "{label}");
            assert!(
                whole < 64,
                "{label}: the first byte must be the whole length"
            );
        }
    }
}
