//! Argon2id (RFC 9106, version 0x13): from something a person remembers to 32 bytes.

use super::secret::Secret32;
use argon2::{Algorithm, Argon2, Params, Version};
use thiserror::Error;

/// Why a derivation was refused.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PassphraseError {
    /// The parameters are outside of what Argon2 defines.
    #[error("the parameters are not those of an Argon2")]
    Parameters,
}

/// What a guess costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

/// Argon2id without a secret and without associated data; 32 bytes.
///
/// # Errors
/// For a salt of fewer than 8 bytes, and costs that Argon2 does not define.
pub fn argon2id(passphrase: &[u8], salt: &[u8], cost: Cost) -> Result<Secret32, PassphraseError> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32))
        .map_err(|_| PassphraseError::Parameters)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut result = Ok(());
    let derived = Secret32::filled_by(|out| {
        result = argon2.hash_password_into(passphrase, salt, out);
    });
    result.map_err(|_| PassphraseError::Parameters)?;
    Ok(derived)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// From the test suite of the reference implementation.
    #[test]
    fn as_the_reference_implementation() {
        let cost = Cost {
            memory_kib: 65_536,
            passes: 2,
            lanes: 1,
        };
        let derived = argon2id(b"password", b"somesalt", cost).unwrap();
        assert_eq!(
            hex::encode(derived.expose()),
            "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"
        );
        let none = Cost { passes: 0, ..cost };
        let refused = argon2id(b"password", b"somesalt", none);
        assert_eq!(refused.unwrap_err(), PassphraseError::Parameters);
        let refused = argon2id(b"password", b"salt", cost);
        assert_eq!(refused.unwrap_err(), PassphraseError::Parameters);
    }
}
