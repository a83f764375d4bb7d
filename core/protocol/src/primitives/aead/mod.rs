//! ChaCha20-Poly1305 (RFC 8439) and AES-256-GCM (NIST SP 800-38D): 32-byte
//! key, 12-byte nonce, 16-byte tag.
//!
//! Two [back ends](Backend) give the same bytes: pure Rust, which is always
//! there, and AWS-LC, with the feature `aws-lc`.

#[cfg(all(feature = "aws-lc", not(target_arch = "wasm32")))]
mod aws_lc;
mod rust_crypto;

use core::fmt;
use thiserror::Error;

/// Length of a key in bytes.
pub const KEY_LEN: usize = 32;
/// Length of a nonce in bytes.
pub const NONCE_LEN: usize = 12;
/// Length of a tag in bytes.
pub const TAG_LEN: usize = 16;

/// Why an AEAD refused.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum AeadError {
    /// The tag does not match: wrong key, nonce, associated data or bytes.
    #[error("the ciphertext does not authenticate")]
    Unauthentic,
    /// The message is longer than the AEAD allows.
    #[error("the message is too long for one AEAD call")]
    TooLong,
}

/// An AEAD with a 32-byte key, a 12-byte nonce and a 16-byte tag.
///
/// Only the back ends implement it; it exists so that the framing above is
/// written once.
pub trait Aead: Send + Sync {
    /// Encrypts `buffer` in place and returns the tag.
    fn seal(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        buffer: &mut [u8],
    ) -> Result<[u8; TAG_LEN], AeadError>;

    /// Checks the tag and decrypts `buffer` in place. After an error `buffer`
    /// holds ciphertext or zeros: nothing that did not authenticate.
    fn open(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), AeadError>;
}

/// Whose implementation of the ciphers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// The RustCrypto crates: pure Rust, on every platform.
    RustCrypto,
    /// AWS-LC through `aws-lc-rs`: C and assembly, not on wasm32.
    #[cfg(all(feature = "aws-lc", not(target_arch = "wasm32")))]
    AwsLc,
}

impl Backend {
    /// All that this build has.
    pub const ALL: &'static [Self] = &[
        Self::RustCrypto,
        #[cfg(all(feature = "aws-lc", not(target_arch = "wasm32")))]
        Self::AwsLc,
    ];

    /// The one that is used where none is named: chosen when the program is
    /// built, AWS-LC if it is there.
    #[must_use]
    pub const fn in_use() -> Self {
        #[cfg(all(feature = "aws-lc", not(target_arch = "wasm32")))]
        return Self::AwsLc;
        #[cfg(not(all(feature = "aws-lc", not(target_arch = "wasm32"))))]
        return Self::RustCrypto;
    }

    /// `RustCrypto` or `AWS-LC`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RustCrypto => "RustCrypto",
            #[cfg(all(feature = "aws-lc", not(target_arch = "wasm32")))]
            Self::AwsLc => "AWS-LC",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether this machine has instructions for AES and for the multiplication of
/// GCM: then AES-256-GCM is the faster cipher, in both back ends.
#[must_use]
pub fn aes_in_hardware() -> bool {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    let there = std::arch::is_x86_feature_detected!("aes")
        && std::arch::is_x86_feature_detected!("pclmulqdq");
    #[cfg(target_arch = "aarch64")]
    let there = std::arch::is_aarch64_feature_detected!("aes")
        && std::arch::is_aarch64_feature_detected!("pmull");
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
    let there = false;
    there
}

/// Which AEAD.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AeadAlgorithm {
    /// ChaCha20-Poly1305, RFC 8439.
    ChaCha20Poly1305,
    /// AES-256-GCM, NIST SP 800-38D.
    Aes256Gcm,
}

impl AeadAlgorithm {
    /// The name in IANA's registry of AEAD algorithms.
    #[must_use]
    pub fn iana_name(self) -> &'static str {
        match self {
            Self::ChaCha20Poly1305 => "AEAD_CHACHA20_POLY1305",
            Self::Aes256Gcm => "AEAD_AES_256_GCM",
        }
    }

    /// The cipher under `key`, of the back end in use. The key schedule is
    /// wiped on drop.
    #[must_use]
    pub fn with_key(self, key: &[u8; KEY_LEN]) -> Box<dyn Aead> {
        self.with_key_on(Backend::in_use(), key)
    }

    /// The cipher under `key`, of this back end. The key schedule is wiped on
    /// drop.
    #[must_use]
    pub fn with_key_on(self, backend: Backend, key: &[u8; KEY_LEN]) -> Box<dyn Aead> {
        match backend {
            Backend::RustCrypto => rust_crypto::with_key(self, key),
            #[cfg(all(feature = "aws-lc", not(target_arch = "wasm32")))]
            // AWS-LC refuses no key of this length.
            Backend::AwsLc => {
                aws_lc::with_key(self, key).unwrap_or_else(|| rust_crypto::with_key(self, key))
            }
        }
    }
}
