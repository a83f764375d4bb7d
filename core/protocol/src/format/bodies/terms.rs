//! Until when a session lasts, and the tag by which its app's backend finds it.

use crate::format::codec::{FormatError, decode, encode};
use crate::primitives::hash::ref_hash;
use tls_codec::{TlsDeserializeBytes, TlsSerializeBytes, TlsSize};

/// The shortest time without use after which a session may end, in milliseconds.
pub const MIN_IDLE_MS: u64 = 60_000;
/// Bytes of a tag, at most.
pub const MAX_TAG: usize = 128;

/// `struct { uint64 ends_ms; uint64 idle_ms; } SessionSetExpiry;`
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize,
)]
pub struct SessionSetExpiry {
    /// When the session ends, in milliseconds since 1970-01-01 UTC; 0 = never.
    pub ends_ms: u64,
    /// After how many milliseconds without an entry it ends; 0 = never.
    pub idle_ms: u64,
}

impl SessionSetExpiry {
    /// A time without use is none, or at least a minute.
    pub fn check(&self) -> Result<(), FormatError> {
        if self.idle_ms != 0 && self.idle_ms < MIN_IDLE_MS {
            return Err(FormatError::Malformed("set expiry"));
        }
        Ok(())
    }
}

/// `struct { opaque tag_hash[32]; } SessionSetTag;`
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct SessionSetTag {
    /// RefHash("tag", TagOpening); all zero: none.
    pub tag_hash: [u8; 32],
}

/// What a tag's commitment opens to. It is stored where it can be deleted:
///
/// ```text
/// struct { opaque salt[32]; opaque tag<V>; } TagOpening;
/// ```
#[derive(Clone, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct TagOpening {
    /// Random.
    pub salt: [u8; 32],
    tag: Vec<u8>,
}

impl core::fmt::Debug for TagOpening {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("TagOpening(redacted)")
    }
}

impl TagOpening {
    /// An opening of a tag of 1 to 128 bytes of UTF-8.
    pub fn new(tag: &str, salt: [u8; 32]) -> Result<Self, FormatError> {
        check_tag(tag.as_bytes())?;
        let tag = tag.as_bytes().to_vec();
        Ok(Self { salt, tag })
    }

    /// Decodes and checks.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormatError> {
        let opening: Self = decode("tag opening", bytes)?;
        check_tag(&opening.tag)?;
        Ok(opening)
    }

    /// TagOpening.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(self)
    }

    /// The tag.
    #[must_use]
    pub fn tag(&self) -> &str {
        core::str::from_utf8(&self.tag).unwrap_or_default()
    }

    /// What the log holds.
    #[must_use]
    pub fn commitment(&self) -> [u8; 32] {
        ref_hash("tag", &self.to_bytes())
    }
}

fn check_tag(tag: &[u8]) -> Result<(), FormatError> {
    if tag.len() > MAX_TAG {
        return Err(FormatError::TooLarge("tag"));
    }
    if tag.is_empty() || core::str::from_utf8(tag).is_err() {
        return Err(FormatError::Malformed("tag"));
    }
    Ok(())
}
