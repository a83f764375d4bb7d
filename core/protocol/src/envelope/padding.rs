//! Padding that hides a length (envelope spec, "Padding"): Padmé, from Nikitin
//! et al., "Reducing Metadata Leakage from Encrypted Files and Communication
//! with PURBs" (PoPETs 2019, §4), with a floor of 32 bytes.
//!
//! ```text
//! padded plaintext = true length (u64, big-endian) ‖ data ‖ zeros
//! total            = max(32, padme(8 + true length))
//! ```

use super::chunked::MAX_MESSAGE_LEN;
use super::error::EnvelopeError;
use super::slots::Slots;
use core::ops::Range;

/// The shortest padded plaintext in bytes.
pub const MIN_PADDED_LEN: u64 = 32;
/// Length of the true length in bytes.
pub const LENGTH_LEN: usize = 8;

/// Padmé: the next length of which only the top `floor(log2(E)) + 1` bits
/// below the leading one may be set, where `E = floor(log2(len))`. At most 12 %
/// more, and it leaks `O(log log len)` bits. `None` on overflow.
#[must_use]
pub fn padme(len: u64) -> Option<u64> {
    if len < 2 {
        return Some(len);
    }
    let exponent = len.ilog2();
    let kept_bits = exponent.ilog2() + 1;
    let mask = (1u64 << (exponent - kept_bits)) - 1;
    len.checked_add(mask).map(|sum| sum & !mask)
}

/// Length of the padded plaintext for data of this length. `None` if it does
/// not fit into one envelope.
#[must_use]
pub fn padded_len(true_len: u64) -> Option<u64> {
    let padded = padme(true_len.checked_add(LENGTH_LEN as u64)?)?.max(MIN_PADDED_LEN);
    (padded <= MAX_MESSAGE_LEN).then_some(padded)
}

/// Puts length and zeros around the data of an envelope that is padded, and
/// nothing around that of one that is not.
pub(super) struct Padder {
    padded: Option<Padded>,
    given: u64,
}

struct Padded {
    length: u64,
    total: u64,
    position: u64,
}

impl Padder {
    /// With `length`, the plaintext is padded and exactly that many bytes of
    /// data must be given.
    pub(super) fn new(length: Option<u64>) -> Result<Self, EnvelopeError> {
        let padded = match length {
            None => None,
            Some(length) => Some(Padded {
                length,
                total: padded_len(length).ok_or(EnvelopeError::TooLong)?,
                position: 0,
            }),
        };
        Ok(Self { padded, given: 0 })
    }

    /// How many bytes of data were given.
    pub(super) fn given(&self) -> u64 {
        self.given
    }

    /// What stands before the data; to be called before any is put there.
    pub(super) fn before<B: AsMut<[u8]>>(&mut self, slots: &mut Slots<B>) {
        if let Some(padded) = self.padded.as_mut().filter(|it| it.position == 0) {
            // A slot has always room for it at the start.
            padded.position = slots.put(&padded.length.to_be_bytes()) as u64;
        }
    }

    /// So many bytes of data are put.
    pub(super) fn accept(&mut self, len: usize) -> Result<(), EnvelopeError> {
        let given = self.given.saturating_add(len as u64);
        if let Some(padded) = &mut self.padded {
            if given > padded.length {
                return Err(EnvelopeError::LengthMismatch);
            }
            padded.position = padded.position.saturating_add(len as u64);
        }
        self.given = given;
        Ok(())
    }

    /// What stands after the data, as far as there is room for it. `true` when
    /// all of it was put.
    pub(super) fn after<B: AsMut<[u8]>>(
        &mut self,
        slots: &mut Slots<B>,
    ) -> Result<bool, EnvelopeError> {
        let Some(padded) = &mut self.padded else {
            return Ok(true);
        };
        if self.given != padded.length {
            return Err(EnvelopeError::LengthMismatch);
        }
        while padded.position < padded.total && !slots.is_full() {
            let room = slots.room();
            let zeros = clamp(padded.total - padded.position, room.len());
            room[..zeros].fill(0);
            slots.advance(zeros);
            padded.position += zeros as u64;
        }
        Ok(padded.position == padded.total)
    }
}

/// Takes length and zeros off again, chunk by chunk, and checks them.
pub(super) struct Unpadder {
    padded: bool,
    length: Option<u64>,
    total: u64,
    position: u64,
}

impl Unpadder {
    pub(super) fn new(padded: bool) -> Self {
        Self {
            padded,
            length: None,
            total: 0,
            position: 0,
        }
    }

    /// Which part of the next authenticated chunk is the caller's data.
    pub(super) fn accept(&mut self, chunk: &[u8]) -> Result<Range<usize>, EnvelopeError> {
        if !self.padded {
            return Ok(0..chunk.len());
        }
        let length = match self.length {
            Some(length) => length,
            None => {
                // The floor is below a chunk, so the length is in the first one.
                let bytes = chunk
                    .first_chunk::<LENGTH_LEN>()
                    .ok_or(EnvelopeError::PaddingInvalid)?;
                let length = u64::from_be_bytes(*bytes);
                self.total = padded_len(length).ok_or(EnvelopeError::PaddingInvalid)?;
                *self.length.insert(length)
            }
        };
        let start = clamp(
            (LENGTH_LEN as u64).saturating_sub(self.position),
            chunk.len(),
        );
        let end = clamp(
            (LENGTH_LEN as u64 + length).saturating_sub(self.position),
            chunk.len(),
        );
        self.position += chunk.len() as u64;
        if self.position > self.total || chunk[end..].iter().any(|&byte| byte != 0) {
            return Err(EnvelopeError::PaddingInvalid);
        }
        Ok(start..end)
    }

    /// To be asked after the last chunk: is the total that of the true length?
    pub(super) fn finish(&self) -> Result<(), EnvelopeError> {
        if self.padded && self.position != self.total {
            return Err(EnvelopeError::PaddingInvalid);
        }
        Ok(())
    }
}

fn clamp(value: u64, limit: usize) -> usize {
    usize::try_from(value).map_or(limit, |value| value.min(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padme_values() {
        // By hand, after the paper's algorithm 1.
        for (len, padded) in [
            (0, 0),
            (1, 1),
            (2, 2),
            (8, 8),
            (9, 10),
            (15, 16),
            (16, 16),
            (17, 18),
            (33, 36),
            (100, 104),
            (1000, 1024),
            (1025, 1088),
            (16_384, 16_384),
            (16_385, 17_408),
            (1_000_000, 1_015_808),
            (u64::MAX / 2 + 1, u64::MAX / 2 + 1),
        ] {
            assert_eq!(padme(len), Some(padded), "{len}");
        }
        assert_eq!(padme(u64::MAX), None);
    }

    #[test]
    fn padme_grows_little_and_never_shrinks() {
        let mut last = 0;
        for len in 0..200_000u64 {
            let padded = padme(len).unwrap();
            assert!(padded >= len && padded >= last);
            assert!((padded - len) * 100 <= len * 12, "{len} -> {padded}");
            assert_eq!(padme(padded), Some(padded));
            last = padded;
        }
    }

    #[test]
    fn padded_lengths() {
        for len in 0..=24 {
            assert_eq!(padded_len(len), Some(32));
        }
        assert_eq!(padded_len(25), Some(36));
        assert_eq!(padded_len(u64::MAX), None);
        assert_eq!(padded_len(u64::MAX - 8), None);
        assert_eq!(padded_len(MAX_MESSAGE_LEN), None);
    }
}
