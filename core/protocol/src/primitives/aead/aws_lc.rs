//! The back end in C and assembly: AWS-LC through `aws-lc-rs`.

use super::{Aead, AeadAlgorithm, AeadError, KEY_LEN, NONCE_LEN, TAG_LEN};
use aws_lc_rs::aead::{AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

/// A key schedule that AWS-LC wipes when it frees it.
struct AwsLc(LessSafeKey);

pub(super) fn with_key(algorithm: AeadAlgorithm, key: &[u8; KEY_LEN]) -> Option<Box<dyn Aead>> {
    let algorithm = match algorithm {
        AeadAlgorithm::ChaCha20Poly1305 => &CHACHA20_POLY1305,
        AeadAlgorithm::Aes256Gcm => &AES_256_GCM,
    };
    let key = UnboundKey::new(algorithm, key).ok()?;
    Some(Box::new(AwsLc(LessSafeKey::new(key))))
}

impl Aead for AwsLc {
    fn seal(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        buffer: &mut [u8],
    ) -> Result<[u8; TAG_LEN], AeadError> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce, Aad::from(aad), buffer)
            .map_err(|_| AeadError::TooLong)?;
        tag.as_ref().try_into().map_err(|_| AeadError::TooLong)
    }

    fn open(
        &self,
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), AeadError> {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self
            .0
            .open_in_place_separate_tag(nonce, Aad::from(aad), tag, buffer);
        if opened.is_ok() {
            return Ok(());
        }
        // AWS-LC decrypts GCM before it has compared the tag; what it leaves
        // behind is not specified.
        buffer.fill(0);
        Err(AeadError::Unauthentic)
    }
}
