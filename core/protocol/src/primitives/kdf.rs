//! HKDF-Expand (RFC 5869 §2.3) and ExpandWithLabel (RFC 9420 §8).
//!
//! There is no HKDF-Extract here: every input is already a uniform key.

use super::secret::Secret;
use hkdf::HkdfExtract;
use sha2::{Sha256, Sha512};
use thiserror::Error;

/// What every label in Plico begins with.
pub const LABEL_PREFIX: &str = "plico/v1/";

/// Why a derivation was refused.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum KdfError {
    /// The input key is shorter than the hash, or the output longer than 255 hashes.
    #[error("the length of the input key or of the output is not allowed by HKDF")]
    Length,
}

/// `HKDF-Expand-SHA-256(prk, info, out.len())`.
pub fn expand_sha256(prk: &[u8], info: &[&[u8]], out: &mut [u8]) -> Result<(), KdfError> {
    let kdf = hkdf::Hkdf::<Sha256>::from_prk(prk).map_err(|_| KdfError::Length)?;
    kdf.expand_multi_info(info, out)
        .map_err(|_| KdfError::Length)
}

/// `HKDF-Expand-SHA-512(prk, info, out.len())`.
///
/// `prk` may be shorter than the hash: C2SP chunked-encryption uses a 32-byte
/// uniform key here, which HMAC-SHA-512 takes as it is.
pub fn expand_sha512(prk: &[u8; 32], info: &[&[u8]], out: &mut [u8]) -> Result<(), KdfError> {
    // `from_prk` insists on a PRK of at least the hash's length. HMAC pads a
    // key shorter than its block with zeros, so this is the same function.
    let mut padded = Secret::<64>::filled_by(|bytes| bytes[..32].copy_from_slice(prk));
    let kdf = hkdf::Hkdf::<Sha512>::from_prk(padded.expose()).map_err(|_| KdfError::Length);
    zeroize::Zeroize::zeroize(&mut padded);
    kdf?.expand_multi_info(info, out)
        .map_err(|_| KdfError::Length)
}

/// `HKDF-Extract-SHA-256`, for the vectors only: the protocol never extracts.
#[doc(hidden)]
#[must_use]
pub fn extract_sha256(salt: &[u8], ikm: &[u8]) -> [u8; 32] {
    let mut extract = HkdfExtract::<Sha256>::new(Some(salt));
    extract.input_ikm(ikm);
    extract.finalize().0.into()
}

/// ExpandWithLabel (RFC 9420 §8) with HKDF-SHA-256 and our prefix:
///
/// ```text
/// HKDF-Expand(secret, KDFLabel, N)
/// struct { uint16 length = N; opaque label<V> = "plico/v1/" + label; opaque context<V>; } KDFLabel;
/// ```
#[must_use]
pub fn expand_with_label<const N: usize>(
    secret: &Secret<32>,
    label: &str,
    context: &[u8],
) -> Secret<N> {
    const { assert!(N <= 255 * 32, "HKDF-SHA-256 gives at most 255 blocks") };
    let length = (N as u16).to_be_bytes();
    let label_length = vector_length(LABEL_PREFIX.len() + label.len());
    let context_length = vector_length(context.len());
    let info: [&[u8]; 6] = [
        &length,
        &label_length,
        LABEL_PREFIX.as_bytes(),
        label.as_bytes(),
        &context_length,
        context,
    ];
    Secret::filled_by(|out| {
        // Cannot fail: the key is one hash long and N is bounded above.
        let done = expand_sha256(secret.expose(), &info, out);
        debug_assert!(done.is_ok());
    })
}

/// The length prefix of a variable-length vector (RFC 9420 §2.1.2).
pub(crate) fn vector_length(length: usize) -> Vec<u8> {
    match length {
        0..=63 => vec![length as u8],
        64..=16383 => (0x4000u16 | length as u16).to_be_bytes().to_vec(),
        _ => (0x8000_0000u32 | length as u32).to_be_bytes().to_vec(),
    }
}
