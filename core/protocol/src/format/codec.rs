//! Strict decoding and infallible encoding of the signed formats.

use thiserror::Error;
use tls_codec::{DeserializeBytes, SerializeBytes};

/// The version that every core, entry and wrap info begins with.
pub const VERSION: u16 = 1;

/// Why bytes were refused.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormatError {
    /// Truncated, trailing bytes, or a length that is not minimal.
    #[error("the bytes are not a canonical encoding of {0}")]
    Malformed(&'static str),
    /// A version, kind, type or algorithm that this release does not know.
    #[error("{0} has a version, type or algorithm that needs a newer client")]
    NeedsNewerClient(&'static str),
    /// A count or a length over its bound.
    #[error("{0} is larger than the protocol allows")]
    TooLarge(&'static str),
    /// A list that must be strictly ascending is not.
    #[error("{0} is not in strictly ascending order")]
    Order(&'static str),
}

/// Decodes exactly one `T` from all of `bytes`.
///
/// # Errors
/// [`FormatError::NeedsNewerClient`] for an unknown enum value,
/// [`FormatError::Malformed`] for anything else; `what` names the type.
pub fn decode<T: DeserializeBytes>(what: &'static str, bytes: &[u8]) -> Result<T, FormatError> {
    match T::tls_deserialize_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        Ok(_) => Err(FormatError::Malformed(what)),
        Err(tls_codec::Error::UnknownValue(_)) => Err(FormatError::NeedsNewerClient(what)),
        Err(_) => Err(FormatError::Malformed(what)),
    }
}

/// Encodes `value`. The only failure of the codec is a vector of 2^30 bytes or
/// more, which the bounds on every list exclude; it would give empty bytes,
/// which no decoder accepts.
#[must_use]
pub fn encode<T: SerializeBytes>(value: &T) -> Vec<u8> {
    let bytes = value.tls_serialize_bytes();
    debug_assert!(bytes.is_ok());
    bytes.unwrap_or_default()
}

/// Checks that `keys` ascend strictly, so that a set has one encoding only.
pub fn strictly_ascending<K: Ord>(
    what: &'static str,
    mut keys: impl Iterator<Item = K>,
) -> Result<(), FormatError> {
    let Some(mut last) = keys.next() else {
        return Ok(());
    };
    for key in keys {
        if key <= last {
            return Err(FormatError::Order(what));
        }
        last = key;
    }
    Ok(())
}
