//! Bytes from JavaScript.

use napi::bindgen_prelude::Uint8Array;
use plico::Wiped;

/// Up to this length, copying costs the event loop less than holding a
/// reference, which must be given back on the event loop's thread.
const COPIED: usize = 64 * 1024;

/// Bytes that a call reads on another thread. Long ones are not copied: the
/// package's documentation says that they must not be changed meanwhile. The
/// SDK reads each byte of an untrusted envelope once only, into memory of its
/// own, before it verifies: if somebody does change them, opening fails.
pub(crate) enum Bytes {
    Copied(Wiped),
    Held(Uint8Array),
}

impl From<Uint8Array> for Bytes {
    fn from(array: Uint8Array) -> Self {
        if array.len() <= COPIED {
            Self::Copied(Wiped::from_vec(array.to_vec()))
        } else {
            Self::Held(array)
        }
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Copied(bytes) => bytes,
            Self::Held(array) => array,
        }
    }
}

impl Bytes {
    pub(crate) fn len(&self) -> usize {
        self.as_ref().len()
    }
}
