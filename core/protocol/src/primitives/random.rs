//! Randomness is a parameter: nothing in this crate reaches for a global
//! generator, so tests and vectors are deterministic.

use super::secret::Secret;
pub use rand_core::CryptoRng;

/// `N` random bytes that may be public (ids, salts).
pub fn random_bytes<const N: usize>(rng: &mut dyn CryptoRng) -> [u8; N] {
    let mut out = [0u8; N];
    rng.fill_bytes(&mut out);
    out
}

/// `N` random bytes that must stay secret.
pub fn random_secret<const N: usize>(rng: &mut dyn CryptoRng) -> Secret<N> {
    Secret::filled_by(|out| rng.fill_bytes(out))
}
