//! Memory for secrets: boxed (a move copies the pointer, not the bytes), wiped
//! on drop, compared in constant time, redacted in `Debug`.

use core::fmt;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// `N` secret bytes. Wiped on drop; `Debug` prints no byte of it; there is no
/// `Serialize`, no `Display` and no ordering.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret<const N: usize>(Box<[u8; N]>);

/// The common size: 32 bytes.
pub type Secret32 = Secret<32>;

impl<const N: usize> Secret<N> {
    /// Takes `bytes` over and wipes the caller's copy.
    pub fn new(bytes: &mut [u8; N]) -> Self {
        let mut boxed = Box::new([0u8; N]);
        boxed.copy_from_slice(bytes.as_slice());
        bytes.zeroize();
        Self(boxed)
    }

    /// A secret that `fill` writes in place, so that no copy is left behind.
    pub fn filled_by(fill: impl FnOnce(&mut [u8; N])) -> Self {
        let mut boxed = Box::new([0u8; N]);
        fill(&mut boxed);
        Self(boxed)
    }

    /// `None` if `bytes` is not exactly `N` bytes long.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let array: &[u8; N] = bytes.try_into().ok()?;
        // Not `Box::new(*array)`: that makes a copy on the stack first.
        Some(Self::filled_by(|out| out.copy_from_slice(array)))
    }

    /// The bytes, for the primitive that needs them. Do not copy them.
    #[must_use]
    pub fn expose(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> ConstantTimeEq for Secret<N> {
    fn ct_eq(&self, other: &Self) -> subtle::Choice {
        self.0.as_slice().ct_eq(other.0.as_slice())
    }
}

impl<const N: usize> PartialEq for Secret<N> {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}
impl<const N: usize> Eq for Secret<N> {}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret<{N}>(redacted)")
    }
}

/// Memory that secrets pass through, or are given out in, wiped on drop. For
/// large buffers: `Zeroizing` wipes them byte by byte, which takes several times as
/// long as decrypting them.
#[derive(Clone, Default)]
pub struct Wiped(Vec<u8>);

impl Wiped {
    /// `len` bytes, zero.
    #[must_use]
    pub fn new(len: usize) -> Self {
        Self(vec![0; len])
    }

    /// These bytes, taken over.
    #[must_use]
    pub fn from_vec(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes, given away; nobody wipes them.
    #[must_use]
    pub fn into_vec(mut self) -> Vec<u8> {
        core::mem::take(&mut self.0)
    }

    /// Hides what is after the first `len` bytes. It is wiped with the rest.
    pub fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }
}

impl core::ops::Deref for Wiped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl core::ops::DerefMut for Wiped {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl AsMut<[u8]> for Wiped {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        // What was hidden, too. There is room for it, so nothing moves.
        self.0.clear();
        self.0.resize(self.0.capacity(), 0);
        zeroize::optimization_barrier(self.0.as_slice());
    }
}

impl fmt::Debug for Wiped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wiped({} bytes)", self.0.len())
    }
}

/// Overwrites the stack that the calls made so far by the caller have used, as
/// far down as 32 KiB.
///
/// For libraries that wipe what they return but not their own local variables:
/// x-wing 0.1 leaves the expanded private key there. What the caller itself
/// keeps on the stack is not touched; copies in registers that were spilled
/// elsewhere may stay.
#[inline(never)]
pub(crate) fn scrub_stack() {
    let mut area = [0u8; 32 * 1024];
    area.zeroize();
    core::hint::black_box(&area);
}

/// Constant-time comparison of two byte strings; lengths are not secret.
#[must_use]
pub fn ct_eq(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}
