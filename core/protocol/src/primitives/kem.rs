//! X-Wing (X25519 + ML-KEM-768) in HPKE base mode: KEM 0x647a, HKDF-SHA256,
//! ChaCha20-Poly1305 (RFC 9180 §5.1.1 and §6.1; draft-ietf-hpke-pq;
//! draft-connolly-cfrg-xwing-kem).
//!
//! Never auth mode, and never `DeriveKeyPair`: a private key *is* the 32-byte
//! X-Wing seed.

use super::random::{CryptoRng, random_secret};
use super::secret::{Secret, Secret32, scrub_stack};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::XWing;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use thiserror::Error;

/// HPKE's number for X-Wing.
pub const KEM_ID: u16 = 0x647a;
/// Length of a public key in bytes.
pub const PUBLIC_KEY_LEN: usize = 1216;
/// Length of an encapsulated key in bytes.
pub const ENCAPSULATED_LEN: usize = 1120;
/// What sealing adds to a plaintext: the encapsulated key and a tag.
pub const SEAL_OVERHEAD: usize = ENCAPSULATED_LEN + 16;

/// Why the KEM refused.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum KemError {
    /// A public key of the wrong length, or with ML-KEM coefficients out of range.
    #[error("the bytes are not an X-Wing public key")]
    PublicKey,
    /// The ciphertext was not made for this key and this `info`, or was altered.
    #[error("the sealed secret does not open with this key")]
    Open,
    /// Sealing failed; only a defect of the library can cause it.
    #[error("the secret could not be sealed")]
    Seal,
}

/// A validated X-Wing public key, 1,216 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(Box<<XWing as Kem>::PublicKey>);

impl core::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("kem::PublicKey(..)")
    }
}

impl PublicKey {
    /// Checks length and range (FIPS 203 §7.2, modulus check).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KemError> {
        <XWing as Kem>::PublicKey::from_bytes(bytes)
            .map(|key| Self(Box::new(key)))
            .map_err(|_| KemError::PublicKey)
    }

    /// The 1,216 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes().to_vec()
    }

    /// HPKE `SealBase(pkR, info, aad = "", plaintext)`; gives
    /// `enc (1,120) || ciphertext || tag (16)`.
    pub fn seal(
        &self,
        info: &[u8],
        plaintext: &[u8],
        mut rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, KemError> {
        let (encapsulated, ciphertext) = hpke::single_shot_seal_with_rng::<
            ChaCha20Poly1305,
            HkdfSha256,
            XWing,
        >(
            &OpModeS::Base, &self.0, info, plaintext, b"", &mut rng
        )
        .map_err(|_| KemError::Seal)?;
        let mut out = Vec::with_capacity(ENCAPSULATED_LEN + ciphertext.len());
        out.extend_from_slice(&encapsulated.to_bytes());
        out.extend_from_slice(&ciphertext);
        Ok(out)
    }
}

/// An X-Wing private key: the 32-byte seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateKey(Secret32);

impl PrivateKey {
    /// A fresh key.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        Self(random_secret(rng))
    }

    /// The key whose seed is `seed`. Every 32-byte string is a valid seed.
    #[must_use]
    pub fn from_seed(seed: Secret32) -> Self {
        Self(seed)
    }

    /// The seed, for storing it encrypted.
    #[must_use]
    pub fn dangerous_seed(&self) -> &Secret32 {
        &self.0
    }

    /// The public key.
    pub fn public_key(&self) -> Result<PublicKey, KemError> {
        let public = self.make_public_key();
        scrub_stack();
        public
    }

    #[inline(never)]
    fn make_public_key(&self) -> Result<PublicKey, KemError> {
        Ok(PublicKey(Box::new(XWing::sk_to_pk(&self.hpke_key()?))))
    }

    /// HPKE `OpenBase(enc, skR, info, aad = "", ct)`; the inverse of
    /// [`PublicKey::seal`]. The plaintext must be exactly `N` bytes long.
    pub fn open<const N: usize>(&self, info: &[u8], sealed: &[u8]) -> Result<Secret<N>, KemError> {
        let secret = self.open_leaving_traces(info, sealed);
        scrub_stack();
        secret
    }

    #[inline(never)]
    fn open_leaving_traces<const N: usize>(
        &self,
        info: &[u8],
        sealed: &[u8],
    ) -> Result<Secret<N>, KemError> {
        let (encapsulated, ciphertext) = sealed
            .split_at_checked(ENCAPSULATED_LEN)
            .ok_or(KemError::Open)?;
        if ciphertext.len() != N + 16 {
            return Err(KemError::Open);
        }
        let encapsulated =
            <XWing as Kem>::EncappedKey::from_bytes(encapsulated).map_err(|_| KemError::Open)?;
        let mut plaintext = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, XWing>(
            &OpModeR::Base,
            &self.hpke_key()?,
            &encapsulated,
            info,
            ciphertext,
            b"",
        )
        .map_err(|_| KemError::Open)?;
        let secret = Secret::from_slice(&plaintext).ok_or(KemError::Open);
        zeroize::Zeroize::zeroize(&mut plaintext);
        secret
    }

    fn hpke_key(&self) -> Result<<XWing as Kem>::PrivateKey, KemError> {
        <XWing as Kem>::PrivateKey::from_bytes(self.0.expose()).map_err(|_| KemError::Open)
    }
}
