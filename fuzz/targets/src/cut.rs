//! Cutting a fuzzer's bytes into parts.

/// What is left of the input. Past its end everything is zero and empty.
#[derive(Clone, Copy, Debug)]
pub struct Cut<'a>(pub &'a [u8]);

impl<'a> Cut<'a> {
    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    /// The next two bytes, big-endian.
    pub fn number(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// The next `len` bytes, or what there is.
    pub fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Bytes with their length in front, in two bytes; `None` at the end.
    pub fn block(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let len = usize::from(self.number());
        Some(self.take(len))
    }

    /// All blocks that are left.
    pub fn blocks(&mut self) -> Vec<&'a [u8]> {
        core::iter::from_fn(|| self.block()).collect()
    }
}

/// The bytes that [`Cut::block`] gives back.
#[must_use]
pub fn block(bytes: &[u8]) -> Vec<u8> {
    let len = u16::try_from(bytes.len()).expect("seeds are small");
    [&len.to_be_bytes(), bytes].concat()
}
