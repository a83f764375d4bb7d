//! Bytes that cross the border in one piece.
//!
//! UniFFI carries a `Vec<u8>` element by element, which takes several times as
//! long as encrypting it. To Kotlin and Swift this type is the same one (a
//! `ByteArray`, a `Data`): a big-endian `i32` for the length, then the bytes.

use plico::Wiped;
use uniffi::deps::anyhow::{Result, ensure};
use uniffi::{FfiConverter, MetadataBuffer, RustBuffer, TypeId};

/// A payload.
#[derive(Clone, Default)]
pub struct Bytes(pub Vec<u8>);

/// Bytes of the length that stands before.
const PREFIX: usize = 4;

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl core::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Bytes({})", self.0.len())
    }
}

/// Reads the length, which must not be more than what follows.
fn length(buf: &mut &[u8]) -> Result<usize> {
    let (prefix, rest) = buf
        .split_first_chunk::<PREFIX>()
        .ok_or_else(|| uniffi::deps::anyhow::anyhow!("bytes without a length"))?;
    let length = usize::try_from(i32::from_be_bytes(*prefix))?;
    ensure!(length <= rest.len(), "bytes shorter than their length");
    *buf = rest;
    Ok(length)
}

fn put(bytes: &[u8], buf: &mut Vec<u8>) {
    // Nothing longer comes here: `run_sized` refuses what would give it.
    let length = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
    buf.reserve_exact(PREFIX + bytes.len());
    buf.extend_from_slice(&length.to_be_bytes());
    buf.extend_from_slice(bytes);
}

// SAFETY: the metadata is that of `Vec<u8>`, and so are the FFI type and what is
// written and read; a buffer that is lifted is taken over exactly once.
unsafe impl<UT> FfiConverter<UT> for Bytes {
    type FfiType = RustBuffer;
    const TYPE_ID_META: MetadataBuffer = <Vec<u8> as TypeId<UT>>::TYPE_ID_META;

    fn lower(obj: Self) -> RustBuffer {
        let mut buf = Vec::new();
        put(&Wiped::from_vec(obj.0), &mut buf);
        RustBuffer::from_vec(buf)
    }

    fn try_lift(buffer: RustBuffer) -> Result<Self> {
        let mut bytes = buffer.destroy_into_vec();
        let mut rest = bytes.as_slice();
        let length = length(&mut rest)?;
        ensure!(length == rest.len(), "bytes longer than their length");
        bytes.drain(..PREFIX);
        Ok(Self(bytes))
    }

    fn write(obj: Self, buf: &mut Vec<u8>) {
        put(&Wiped::from_vec(obj.0), buf);
    }

    fn try_read(buf: &mut &[u8]) -> Result<Self> {
        let length = length(buf)?;
        let (bytes, rest) = buf.split_at(length);
        *buf = rest;
        Ok(Self(bytes.to_vec()))
    }
}

uniffi::derive_ffi_traits!(blanket Bytes);
