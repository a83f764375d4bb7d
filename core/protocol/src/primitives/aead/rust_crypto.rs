//! The back end in pure Rust: the RustCrypto crates.

use super::{Aead, AeadAlgorithm, AeadError, KEY_LEN, NONCE_LEN, TAG_LEN};
use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};
use chacha20poly1305::ChaCha20Poly1305;

pub(super) fn with_key(algorithm: AeadAlgorithm, key: &[u8; KEY_LEN]) -> Box<dyn Aead> {
    match algorithm {
        AeadAlgorithm::ChaCha20Poly1305 => Box::new(ChaCha20Poly1305::new(key.into())),
        AeadAlgorithm::Aes256Gcm => Box::new(Aes256Gcm::new(key.into())),
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
