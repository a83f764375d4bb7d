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
use super::io::read_full;
use core::ops::Range;
use std::io::Read;

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

/// The plaintext of an envelope, made from a reader: its bytes as they are, or
/// with length and zeros around them.
pub(super) struct Source<R> {
    reader: R,
    padded: Option<Padded>,
    delivered: u64,
}

struct Padded {
    length: u64,
    total: u64,
    position: u64,
    probed: bool,
}

impl<R: Read> Source<R> {
    /// With `length`, the plaintext is padded and the reader must give exactly
    /// that many bytes.
    pub(super) fn new(reader: R, length: Option<u64>) -> Result<Self, EnvelopeError> {
        let padded = match length {
            None => None,
            Some(length) => Some(Padded {
                length,
                total: padded_len(length).ok_or(EnvelopeError::TooLong)?,
                position: 0,
                probed: false,
            }),
        };
        Ok(Self {
            reader,
            padded,
            delivered: 0,
        })
    }

    /// How many bytes the reader gave.
    pub(super) fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Fills `chunk`, or as much of it as there is plaintext left.
    pub(super) fn fill(&mut self, chunk: &mut [u8]) -> Result<usize, EnvelopeError> {
        let Some(padded) = &mut self.padded else {
            let filled = read_full(&mut self.reader, chunk)?;
            self.delivered += filled as u64;
            return Ok(filled);
        };
        let mut filled = 0;
        while filled < chunk.len() && padded.position < padded.total {
            let data_end = LENGTH_LEN as u64 + padded.length;
            let room = &mut chunk[filled..];
            let written = if padded.position < LENGTH_LEN as u64 {
                let prefix = &padded.length.to_be_bytes()[padded.position as usize..];
                let written = prefix.len().min(room.len());
                room[..written].copy_from_slice(&prefix[..written]);
                written
            } else if padded.position < data_end {
                let wanted = clamp(data_end - padded.position, room.len());
                if read_full(&mut self.reader, &mut room[..wanted])? < wanted {
                    return Err(EnvelopeError::LengthMismatch);
                }
                self.delivered += wanted as u64;
                wanted
            } else {
                let zeros = clamp(padded.total - padded.position, room.len());
                room[..zeros].fill(0);
                zeros
            };
            filled += written;
            padded.position += written as u64;
        }
        if padded.position >= LENGTH_LEN as u64 + padded.length && !padded.probed {
            padded.probed = true;
            if read_full(&mut self.reader, &mut [0u8; 1])? != 0 {
                return Err(EnvelopeError::LengthMismatch);
            }
        }
        Ok(filled)
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
