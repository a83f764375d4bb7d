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
pub fn argon2id(
    passphrase: &[u8],
    salt: &[u8; 32],
    cost: Cost,
) -> Result<Secret32, PassphraseError> {
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
