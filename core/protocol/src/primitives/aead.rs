//! ChaCha20-Poly1305 (RFC 8439) and AES-256-GCM (NIST SP 800-38D): 32-byte
//! key, 12-byte nonce, 16-byte tag.

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use chacha20poly1305::ChaCha20Poly1305;
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
/// Only these two implement it; it exists so that the framing above is
/// written once.
pub trait Aead: Send + Sync {
    /// Encrypts `buffer` in place and returns the tag.
    fn seal(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        buffer: &mut [u8],
    ) -> Result<[u8; TAG_LEN], AeadError>;

    /// Checks the tag and decrypts `buffer` in place. On an error the content
    /// of `buffer` is still ciphertext.
    fn open(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), AeadError>;
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

    /// The cipher under `key`. The key schedule is wiped on drop.
    #[must_use]
    pub fn with_key(self, key: &[u8; KEY_LEN]) -> Box<dyn Aead> {
        match self {
            Self::ChaCha20Poly1305 => Box::new(ChaCha20Poly1305::new(key.into())),
            Self::Aes256Gcm => Box::new(Aes256Gcm::new(key.into())),
        }
    }
}

macro_rules! implement {
    ($cipher:ty) => {
        impl Aead for $cipher {
            fn seal(
                &self,
                nonce: &[u8; NONCE_LEN],
                aad: &[u8],
                buffer: &mut [u8],
            ) -> Result<[u8; TAG_LEN], AeadError> {
                self.encrypt_inout_detached(nonce.into(), aad, buffer.into())
                    .map(Into::into)
                    .map_err(|_| AeadError::TooLong)
            }

            fn open(
                &self,
                nonce: &[u8; NONCE_LEN],
                aad: &[u8],
                buffer: &mut [u8],
                tag: &[u8; TAG_LEN],
            ) -> Result<(), AeadError> {
                self.decrypt_inout_detached(nonce.into(), aad, buffer.into(), tag.into())
                    .map_err(|_| AeadError::Unauthentic)
            }
        }
    };
}

implement!(ChaCha20Poly1305);
implement!(Aes256Gcm);
