//! `opaque bytes<V>` (RFC 9420 §2.1.2).
//!
//! `tls_codec::VLBytes` has the same encoding, but with debug assertions it
//! panics on input that ends too early, and that input comes from outside.

use crate::primitives::kdf::vector_length;
use tls_codec::{DeserializeBytes, Error, SerializeBytes, Size, TlsVarInt};

/// The longest vector: 2^30 - 1 bytes.
const MAX_LEN: usize = (1 << 30) - 1;

/// Bytes with their length in front, in the shortest form that holds it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Opaque(Vec<u8>);

impl core::fmt::Debug for Opaque {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Opaque({} bytes)", self.0.len())
    }
}

impl Opaque {
    /// Takes the bytes over.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes, without their length.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Opaque {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<&[u8]> for Opaque {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl From<Opaque> for Vec<u8> {
    fn from(opaque: Opaque) -> Self {
        opaque.0
    }
}

impl AsRef<[u8]> for Opaque {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Size for Opaque {
    fn tls_serialized_len(&self) -> usize {
        vector_length(self.0.len()).len() + self.0.len()
    }
}

impl SerializeBytes for Opaque {
    fn tls_serialize_bytes(&self) -> Result<Vec<u8>, Error> {
        if self.0.len() > MAX_LEN {
            return Err(Error::InvalidVectorLength);
        }
        let mut out = vector_length(self.0.len());
        out.extend_from_slice(&self.0);
        Ok(out)
    }
}

impl DeserializeBytes for Opaque {
    fn tls_deserialize_bytes(bytes: &[u8]) -> Result<(Self, &[u8]), Error> {
        // Refuses a length that is not in its shortest form.
        let (length, rest) = TlsVarInt::tls_deserialize_bytes(bytes)?;
        let length = usize::try_from(length.value()).map_err(|_| Error::InvalidVectorLength)?;
        if length > MAX_LEN {
            return Err(Error::InvalidVectorLength);
        }
        let (content, rest) = rest.split_at_checked(length).ok_or(Error::EndOfStream)?;
        Ok((Self(content.to_vec()), rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tls_codec::VLBytes;

    #[test]
    fn encodes_as_vlbytes_does() {
        for len in [0, 1, 63, 64, 65, 16_383, 16_384, 70_000] {
            let bytes: Vec<u8> = (0..len).map(|i| i as u8).collect();
            let ours = Opaque::new(bytes.clone());
            let encoded = ours.tls_serialize_bytes().unwrap();
            assert_eq!(encoded, VLBytes::new(bytes).tls_serialize_bytes().unwrap());
            assert_eq!(encoded.len(), ours.tls_serialized_len());
            assert_eq!(Opaque::tls_deserialize_exact_bytes(&encoded).unwrap(), ours);
            for cut in 0..encoded.len().min(100) {
                assert!(Opaque::tls_deserialize_bytes(&encoded[..cut]).is_err());
            }
        }
    }

    #[test]
    fn refuses_lengths_that_are_not_minimal_or_too_long() {
        for bytes in [
            &b"\x40\x01a"[..],
            b"\x80\x00\x00\x01a",
            b"\xc0\0\0\0\0\0\0\x01a",
            b"\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\xbf\xff\xff\xffa",
            b"",
        ] {
            assert!(
                Opaque::tls_deserialize_bytes(bytes).is_err(),
                "{bytes:02x?}"
            );
        }
    }
}
