//! Plaintext where its frames will be: a slot for each chunk, with room for the
//! tag behind it, so that nothing is moved before it is sealed in place.

use super::chunked::{CHUNK_LEN, FRAME_LEN};
use crate::primitives::aead::TAG_LEN;

/// Slots in `bytes`, which are filled from the front. Only the last slot may be
/// shorter than 16,400 bytes.
pub(super) struct Slots<B> {
    bytes: B,
    filled: usize,
}

impl<B: AsMut<[u8]>> Slots<B> {
    pub(super) fn new(bytes: B) -> Self {
        Self { bytes, filled: 0 }
    }

    /// The rest of the slot that is being filled; empty if all are full.
    pub(super) fn room(&mut self) -> &mut [u8] {
        let (slot, at) = (self.filled / CHUNK_LEN, self.filled % CHUNK_LEN);
        let bytes = self.bytes.as_mut();
        let end = (slot * FRAME_LEN + CHUNK_LEN).min(bytes.len().saturating_sub(TAG_LEN));
        let start = (slot * FRAME_LEN + at).min(end);
        &mut bytes[start..end]
    }

    /// So many bytes of the room are filled.
    pub(super) fn advance(&mut self, len: usize) {
        self.filled += len;
    }

    pub(super) fn is_full(&mut self) -> bool {
        self.room().is_empty()
    }

    /// Copies as much of `data` as there is room for, and says how much.
    pub(super) fn put(&mut self, data: &[u8]) -> usize {
        let mut put = 0;
        while put < data.len() && !self.is_full() {
            let room = self.room();
            let len = room.len().min(data.len() - put);
            room[..len].copy_from_slice(&data[put..put + len]);
            self.advance(len);
            put += len;
        }
        put
    }

    /// The frames of what was put: all that are full, and with `last` one more,
    /// which is short.
    pub(super) fn frames(&mut self, last: bool) -> &mut [u8] {
        let (full, rest) = (self.filled / CHUNK_LEN, self.filled % CHUNK_LEN);
        let short = if last { rest + TAG_LEN } else { 0 };
        &mut self.bytes.as_mut()[..full * FRAME_LEN + short]
    }

    /// Begins anew, in the same memory.
    pub(super) fn clear(&mut self) {
        self.filled = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_stand_where_their_frames_will() {
        let mut slots = Slots::new(vec![0xee; 2 * FRAME_LEN]);
        assert_eq!(slots.put(&[1; 10]), 10);
        assert_eq!(slots.room().len(), CHUNK_LEN - 10);
        assert_eq!(slots.put(&[2; 2 * CHUNK_LEN]), 2 * CHUNK_LEN - 10);
        assert!(slots.is_full());
        assert_eq!(slots.put(&[3]), 0);
        let frames = slots.frames(false);
        assert_eq!(frames.len(), 2 * FRAME_LEN);
        assert_eq!(frames[..10], [1; 10]);
        assert_eq!(frames[10..CHUNK_LEN], [2; CHUNK_LEN - 10]);
        assert_eq!(frames[CHUNK_LEN..FRAME_LEN], [0xee; TAG_LEN]);
        assert_eq!(frames[FRAME_LEN..FRAME_LEN + CHUNK_LEN], [2; CHUNK_LEN]);
        slots.clear();
        assert_eq!(slots.put(&[4; 5]), 5);
        assert_eq!(slots.frames(true).len(), 5 + TAG_LEN);
        // Exactly as long as it has to be: the last slot is short.
        let mut short = Slots::new(vec![0; FRAME_LEN + 3 + TAG_LEN]);
        assert_eq!(short.put(&[5; CHUNK_LEN + 9]), CHUNK_LEN + 3);
        assert!(short.is_full());
        assert_eq!(short.frames(true).len(), FRAME_LEN + 3 + TAG_LEN);
    }
}
