//! Payload suites (envelope spec, "Suites"). A session fixes its suite when it
//! is created.

use crate::primitives::aead::{AeadAlgorithm, aes_in_hardware};
use thiserror::Error;

/// Why a suite number was refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SuiteError {
    /// A number that this version does not know. Never guessed at.
    #[error("payload suite {0:#04x} is unknown: a newer client is needed")]
    NeedsNewerClient(u8),
}

/// An AEAD and a hash for payloads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Suite {
    /// `0x01`: ChaCha20-Poly1305 with HKDF-Expand-SHA-512.
    #[default]
    ChaCha20Poly1305Sha512,
    /// `0x02`: AES-256-GCM with HKDF-Expand-SHA-512, C2SP's Cobblestone-256.
    Aes256GcmSha512,
}

impl Suite {
    /// Every suite, in the order of the numbers.
    pub const ALL: [Self; 2] = [Self::ChaCha20Poly1305Sha512, Self::Aes256GcmSha512];

    /// The faster one on this machine: AES-256-GCM if it has instructions for it,
    /// otherwise the default. Both are as strong; but whoever opens elsewhere, without
    /// them, needs several times as long for AES.
    #[must_use]
    pub fn fastest_here() -> Self {
        match aes_in_hardware() {
            true => Self::Aes256GcmSha512,
            false => Self::default(),
        }
    }

    /// The suite with this number.
    ///
    /// # Errors
    /// [`SuiteError::NeedsNewerClient`] for any number but 1 and 2.
    pub fn from_byte(byte: u8) -> Result<Self, SuiteError> {
        match byte {
            0x01 => Ok(Self::ChaCha20Poly1305Sha512),
            0x02 => Ok(Self::Aes256GcmSha512),
            unknown => Err(SuiteError::NeedsNewerClient(unknown)),
        }
    }

    /// The suite's number.
    #[must_use]
    pub fn to_byte(self) -> u8 {
        match self {
            Self::ChaCha20Poly1305Sha512 => 0x01,
            Self::Aes256GcmSha512 => 0x02,
        }
    }

    /// The suite's AEAD.
    #[must_use]
    pub fn aead(self) -> AeadAlgorithm {
        match self {
            Self::ChaCha20Poly1305Sha512 => AeadAlgorithm::ChaCha20Poly1305,
            Self::Aes256GcmSha512 => AeadAlgorithm::Aes256Gcm,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_two_numbers_are_known() {
        let known: Vec<u8> = (0..=255)
            .filter(|&byte| Suite::from_byte(byte).is_ok())
            .collect();
        assert_eq!(known, [1, 2]);
        for suite in Suite::ALL {
            assert_eq!(Suite::from_byte(suite.to_byte()), Ok(suite));
        }
    }
}
