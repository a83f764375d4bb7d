//! App contexts (envelope spec, "App context"): bytes that the app names when
//! it seals and must name again to open, such as table, row and column. They
//! are bound into the keys and stored nowhere.

use super::opaque::Opaque;
use crate::primitives::hash::sha256;
use core::fmt;
use thiserror::Error;
use tls_codec::{DeserializeBytes, SerializeBytes};
use tls_codec::{TlsDeserializeBytes, TlsSerializeBytes, TlsSize};

/// The most fields in one context.
pub const MAX_FIELDS: usize = 64;
/// The longest name of a field, in bytes of UTF-8.
pub const MAX_NAME_LEN: usize = 64;
/// The longest encoded context, in bytes.
pub const MAX_CONTEXT_LEN: usize = 64 * 1024;

const FORM_RAW: u8 = 0x00;
const FORM_FIELDS: u8 = 0x01;

/// Why a context was refused. Names and values are never part of the message.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContextError {
    /// More than 64 fields.
    #[error("an app context has at most 64 fields")]
    TooManyFields,
    /// A name of 0 or of more than 64 bytes.
    #[error("the name of a field is 1 to 64 bytes long")]
    NameLength,
    /// Two fields of one name.
    #[error("two fields of the app context have the same name")]
    DuplicateName,
    /// More than 64 KiB when encoded.
    #[error("an app context is at most 64 KiB long")]
    TooLong,
    /// Bytes that are not the canonical encoding of a context.
    #[error("the bytes are not a canonical app context")]
    NotCanonical,
    /// A form or a value type that this version does not know.
    #[error("the app context has an unknown form or type: a newer client is needed")]
    NeedsNewerClient,
}

/// The value of a named field.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContextValue {
    /// Type 1: text, compared byte by byte (no Unicode normalisation).
    Text(String),
    /// Type 2: an integer.
    Integer(i64),
    /// Type 3: bytes.
    Bytes(Vec<u8>),
    /// Type 4: a boolean.
    Boolean(bool),
}

impl ContextValue {
    fn into_wire(self) -> (u8, Vec<u8>) {
        match self {
            Self::Text(text) => (1, text.into_bytes()),
            Self::Integer(number) => (2, number.to_be_bytes().to_vec()),
            Self::Bytes(bytes) => (3, bytes),
            Self::Boolean(flag) => (4, vec![u8::from(flag)]),
        }
    }

    fn check_wire(kind: u8, value: &[u8]) -> Result<(), ContextError> {
        let canonical = match kind {
            1 => core::str::from_utf8(value).is_ok(),
            2 => value.len() == 8,
            3 => true,
            4 => matches!(value, [0 | 1]),
            _ => return Err(ContextError::NeedsNewerClient),
        };
        canonical.then_some(()).ok_or(ContextError::NotCanonical)
    }
}

impl fmt::Debug for ContextValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContextValue(redacted)")
    }
}

macro_rules! value_from {
    ($($from:ty => |$value:ident| $to:expr;)*) => {$(
        impl From<$from> for ContextValue {
            fn from($value: $from) -> Self {
                $to
            }
        }
    )*};
}

value_from! {
    &str => |value| Self::Text(value.to_owned());
    String => |value| Self::Text(value);
    i64 => |value| Self::Integer(value);
    i32 => |value| Self::Integer(value.into());
    u32 => |value| Self::Integer(value.into());
    bool => |value| Self::Boolean(value);
    Vec<u8> => |value| Self::Bytes(value);
    &[u8] => |value| Self::Bytes(value.to_vec());
}

/// `struct { opaque name<V>; uint8 type; opaque value<V>; }`
#[derive(TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
struct Field {
    name: Opaque,
    kind: u8,
    value: Opaque,
}

/// An app context in its canonical encoding. `Debug` shows nothing of it: it
/// may hold personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct AppContext(Vec<u8>);

impl fmt::Debug for AppContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AppContext(redacted, {} bytes)", self.0.len())
    }
}

impl AppContext {
    /// A context of bytes that the app encodes itself: `0x00 ‖ bytes`.
    ///
    /// # Errors
    /// [`ContextError::TooLong`] for more than 65,535 bytes.
    pub fn raw(bytes: &[u8]) -> Result<Self, ContextError> {
        if bytes.len() >= MAX_CONTEXT_LEN {
            return Err(ContextError::TooLong);
        }
        let mut encoded = Vec::with_capacity(1 + bytes.len());
        encoded.push(FORM_RAW);
        encoded.extend_from_slice(bytes);
        Ok(Self(encoded))
    }

    /// A context of named fields, in any order: `0x01 ‖ Field fields<V>`,
    /// sorted by the bytes of the names (RFC 9420 §2.1.2 vectors).
    ///
    /// # Errors
    /// [`ContextError::TooManyFields`], [`ContextError::NameLength`],
    /// [`ContextError::DuplicateName`] and [`ContextError::TooLong`].
    pub fn fields<N: Into<String>>(
        fields: impl IntoIterator<Item = (N, ContextValue)>,
    ) -> Result<Self, ContextError> {
        let mut list = Vec::new();
        for (name, value) in fields {
            if list.len() == MAX_FIELDS {
                return Err(ContextError::TooManyFields);
            }
            let (kind, value) = value.into_wire();
            list.push(Field {
                name: name.into().into_bytes().into(),
                kind,
                value: value.into(),
            });
        }
        list.sort_by(|a, b| a.name.as_slice().cmp(b.name.as_slice()));
        check_names(&list)?;
        let vector = list
            .tls_serialize_bytes()
            .map_err(|_| ContextError::TooLong)?;
        if vector.len() >= MAX_CONTEXT_LEN {
            return Err(ContextError::TooLong);
        }
        let mut encoded = Vec::with_capacity(1 + vector.len());
        encoded.push(FORM_FIELDS);
        encoded.extend_from_slice(&vector);
        Ok(Self(encoded))
    }

    /// Reads an encoded context; the inverse of [`Self::encode`].
    ///
    /// # Errors
    /// [`ContextError::NotCanonical`] for anything that [`Self::encode`] would
    /// not have written, [`ContextError::NeedsNewerClient`] for an unknown form
    /// or type, and the errors of [`Self::fields`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ContextError> {
        if bytes.len() > MAX_CONTEXT_LEN {
            return Err(ContextError::TooLong);
        }
        match bytes.split_first() {
            None => return Err(ContextError::NotCanonical),
            Some((&FORM_RAW, _)) => {}
            Some((&FORM_FIELDS, vector)) => {
                let list = Vec::<Field>::tls_deserialize_exact_bytes(vector)
                    .map_err(|_| ContextError::NotCanonical)?;
                if list.len() > MAX_FIELDS {
                    return Err(ContextError::TooManyFields);
                }
                check_names(&list)?;
                for field in &list {
                    ContextValue::check_wire(field.kind, field.value.as_slice())?;
                }
            }
            Some(_) => return Err(ContextError::NeedsNewerClient),
        }
        Ok(Self(bytes.to_vec()))
    }

    /// The canonical encoding, 1 to 65,536 bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.0.clone()
    }

    /// `SHA-256(encode())`, which is what keys and signatures bind.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        sha256(&[&self.0])
    }

    /// The hash of a context that may be absent: `SHA-256("")` if it is. No
    /// context encodes to the empty string, so the two never meet.
    #[must_use]
    pub fn hash_of(context: Option<&Self>) -> [u8; 32] {
        context.map_or_else(|| sha256(&[]), Self::hash)
    }
}

/// Names are UTF-8, of an allowed length and strictly ascending.
fn check_names(fields: &[Field]) -> Result<(), ContextError> {
    for field in fields {
        let name = field.name.as_slice();
        if name.is_empty() || name.len() > MAX_NAME_LEN {
            return Err(ContextError::NameLength);
        }
        if core::str::from_utf8(name).is_err() {
            return Err(ContextError::NotCanonical);
        }
    }
    for pair in fields.windows(2) {
        match pair[0].name.as_slice().cmp(pair[1].name.as_slice()) {
            core::cmp::Ordering::Less => {}
            core::cmp::Ordering::Equal => return Err(ContextError::DuplicateName),
            core::cmp::Ordering::Greater => return Err(ContextError::NotCanonical),
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "context_tests.rs"]
mod tests;
