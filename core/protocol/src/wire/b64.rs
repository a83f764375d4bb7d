//! Bytes in JSON: base64url without padding (RFC 4648 §5), strict.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// Encodes.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes; `None` for padding, other alphabets or stray bits.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Decodes exactly `N` bytes.
#[must_use]
pub fn decode_array<const N: usize>(text: &str) -> Option<[u8; N]> {
    decode(text)?.try_into().ok()
}

/// Bytes of any length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct B64(pub Vec<u8>);

impl Serialize for B64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for B64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        decode(&text)
            .map(Self)
            .ok_or_else(|| D::Error::custom("not base64url without padding"))
    }
}

/// Exactly 32 bytes: an id or a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct B64x32(pub [u8; 32]);

impl Serialize for B64x32 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for B64x32 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        decode_array(&text)
            .map(Self)
            .ok_or_else(|| D::Error::custom("not 32 bytes in base64url without padding"))
    }
}

#[cfg(feature = "openapi")]
mod openapi {
    use super::{B64, B64x32};
    use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};

    fn text(pattern: &str, description: &str) -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(pattern))
            .description(Some(description))
            .build()
            .into()
    }

    impl utoipa::PartialSchema for B64 {
        fn schema() -> RefOr<Schema> {
            text(
                "^[A-Za-z0-9_-]*$",
                "Bytes in base64url without padding (RFC 4648 §5)",
            )
        }
    }
    impl utoipa::ToSchema for B64 {
        fn name() -> std::borrow::Cow<'static, str> {
            "Base64Url".into()
        }
    }
    impl utoipa::PartialSchema for B64x32 {
        fn schema() -> RefOr<Schema> {
            text(
                "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$",
                "32 bytes in base64url without padding",
            )
        }
    }
    impl utoipa::ToSchema for B64x32 {
        fn name() -> std::borrow::Cow<'static, str> {
            "Id".into()
        }
    }
}
