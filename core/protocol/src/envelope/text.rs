//! The text form, for columns that hold text: `plc1.` and the envelope in
//! base64url without padding (RFC 4648 §5). There is exactly one text for an
//! envelope.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use thiserror::Error;

/// What every text form of this version begins with.
pub const TEXT_PREFIX: &str = "plc1.";

/// Why a text was refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextError {
    /// It does not begin with `plc1.`.
    #[error("the text is not a Plico envelope")]
    NotAnEnvelope,
    /// It begins with `plc` and another version digit.
    #[error("the text form has another version: a newer client is needed")]
    NeedsNewerClient,
    /// Not canonical base64url: another alphabet, padding, white space, bits
    /// left over that are not zero, or an impossible length.
    #[error("the text is not canonical base64url")]
    Encoding,
}

/// The text form of `envelope`, which is not looked at.
#[must_use]
pub fn to_text(envelope: &[u8]) -> String {
    let mut text = String::with_capacity(TEXT_PREFIX.len() + envelope.len().div_ceil(3) * 4);
    text.push_str(TEXT_PREFIX);
    URL_SAFE_NO_PAD.encode_string(envelope, &mut text);
    text
}

/// The bytes of the envelope; the inverse of [`to_text`]. Whether they are an
/// envelope is for opening to say.
///
/// # Errors
/// See [`TextError`].
pub fn from_text(text: &str) -> Result<Vec<u8>, TextError> {
    let encoded = match text.strip_prefix(TEXT_PREFIX) {
        Some(encoded) => encoded,
        None => {
            return Err(match text.as_bytes() {
                [b'p', b'l', b'c', b'0'..=b'9', b'.', ..] => TextError::NeedsNewerClient,
                _ => TextError::NotAnEnvelope,
            });
        }
    };
    URL_SAFE_NO_PAD
        .decode(encoded)
        .map_err(|_| TextError::Encoding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for len in 0..70u8 {
            let bytes: Vec<u8> = (0..len).map(|i| i.wrapping_mul(37) ^ 0xff).collect();
            assert_eq!(from_text(&to_text(&bytes)), Ok(bytes));
        }
        assert_eq!(to_text(b"\xff\xfe\xfd\xfc"), "plc1.__79_A");
    }

    #[test]
    fn only_the_canonical_text_is_read() {
        for text in [
            "plc1._w==",
            "plc1._w=",
            "plc1._x",
            "plc1._",
            "plc1./w",
            "plc1._w ",
            "plc1. _w",
            "plc1._w\n",
            "plc1.ä",
        ] {
            assert_eq!(from_text(text), Err(TextError::Encoding), "{text:?}");
        }
        for text in ["", "plc1", "PLC1._w", " plc1._w", "plcx._w", "_w"] {
            assert_eq!(from_text(text), Err(TextError::NotAnEnvelope), "{text:?}");
        }
        assert_eq!(from_text("plc2._w"), Err(TextError::NeedsNewerClient));
        assert_eq!(from_text("plc1._w"), Ok(vec![0xff]));
    }
}
