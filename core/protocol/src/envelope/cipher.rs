//! The AEAD of one message, for one chunk or for many that follow one another,
//! on as many threads as there shall be.

use super::chunked::{CHUNK_LEN, ChunkedError, FRAME_LEN, MAX_CHUNKS};
use super::fork::{Threads, share_out};
use crate::primitives::aead::{Aead, AeadError, NONCE_LEN, TAG_LEN};

/// How many frames a thread takes at a time.
const PORTION: usize = 16;

/// The AEAD of one message, for chunks in any order. It knows nothing of the
/// last chunk: [`Sealer`](super::chunked::Sealer) and
/// [`Opener`](super::chunked::Opener) do.
pub struct ChunkCipher {
    aead: Box<dyn Aead>,
    base_nonce: [u8; NONCE_LEN],
}

impl core::fmt::Debug for ChunkCipher {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ChunkCipher(redacted)")
    }
}

impl ChunkCipher {
    pub(super) fn new(aead: Box<dyn Aead>, base_nonce: [u8; NONCE_LEN]) -> Self {
        Self { aead, base_nonce }
    }

    /// Seals `frame`, which holds the chunk and 16 bytes of room for the tag,
    /// in place. No index may be used twice.
    pub(super) fn seal_chunk(&self, index: u64, frame: &mut [u8]) -> Result<(), ChunkedError> {
        let (chunk, tag) = split_frame(frame)?;
        let made = self
            .aead
            .seal(&self.nonce(index)?, b"", chunk)
            .map_err(|_| ChunkedError::TooLong)?;
        tag.copy_from_slice(&made);
        Ok(())
    }

    /// Opens `frame` (chunk and tag) in place and gives the chunk. After an
    /// error `frame` holds ciphertext or zeros.
    ///
    /// # Errors
    /// [`ChunkedError::Unauthentic`], [`ChunkedError::ChunkLength`] for a frame
    /// of fewer than 16 or more than 16,400 bytes, [`ChunkedError::TooLong`]
    /// for an index of 2^38 or more.
    pub fn open_chunk<'a>(
        &self,
        index: u64,
        frame: &'a mut [u8],
    ) -> Result<&'a mut [u8], ChunkedError> {
        let (chunk, tag) = split_frame(frame)?;
        match self.aead.open(&self.nonce(index)?, b"", chunk, tag) {
            Ok(()) => Ok(chunk),
            Err(AeadError::TooLong) => Err(ChunkedError::TooLong),
            Err(_) => Err(ChunkedError::Unauthentic(index)),
        }
    }

    /// Opens `frame` into `chunk`, which is as long as the frame without its
    /// tag. After an error `chunk` holds ciphertext or zeros.
    fn open_into(&self, index: u64, frame: &[u8], chunk: &mut [u8]) -> Result<(), ChunkedError> {
        let (sealed, tag) = frame
            .split_last_chunk::<TAG_LEN>()
            .filter(|(sealed, _)| sealed.len() == chunk.len())
            .ok_or(ChunkedError::ChunkLength)?;
        chunk.copy_from_slice(sealed);
        match self.aead.open(&self.nonce(index)?, b"", chunk, tag) {
            Ok(()) => Ok(()),
            Err(AeadError::TooLong) => Err(ChunkedError::TooLong),
            Err(_) => Err(ChunkedError::Unauthentic(index)),
        }
    }

    /// Seals all of `frames`, which follow one another, the first with the
    /// number `first`, on up to `threads` threads. `prepare` may first write
    /// each chunk, and is told which of `frames` it is for.
    pub(super) fn seal_frames(
        &self,
        first: u64,
        frames: &mut [u8],
        threads: Threads,
        prepare: impl Fn(usize, &mut [u8]) + Sync,
    ) -> Result<(), ChunkedError> {
        let mut all = Ok(());
        let work = |at: usize, portion: &mut [u8]| {
            for (number, frame) in (at / FRAME_LEN..).zip(portion.chunks_mut(FRAME_LEN)) {
                let room = frame.len().saturating_sub(TAG_LEN);
                prepare(number, &mut frame[..room]);
                self.seal_chunk(first.saturating_add(number as u64), frame)?;
            }
            Ok(())
        };
        let take = |result| all = all.and(result);
        share_out(frames, PORTION * FRAME_LEN, threads, work, take);
        all
    }

    /// Opens all of `frames` in place, which follow one another, the first with
    /// the number `first`, on up to `threads` threads. Gives how many opened
    /// before the first one that did not, and why that one did not. Frames after
    /// it may have been opened, too: they must not be looked at.
    pub(super) fn open_frames(
        &self,
        first: u64,
        frames: &mut [u8],
        threads: Threads,
    ) -> (usize, Result<(), ChunkedError>) {
        let mut all = Opened::default();
        let work = |at: usize, portion: &mut [u8]| {
            let numbers = first.saturating_add((at / FRAME_LEN) as u64)..;
            let frames = portion.chunks_mut(FRAME_LEN).zip(numbers);
            Opened::of(frames.map(|(frame, number)| self.open_chunk(number, frame).map(drop)))
        };
        share_out(frames, PORTION * FRAME_LEN, threads, work, |next| {
            all.then(next);
        });
        (all.good, all.result)
    }

    /// The same for `frames` that stay as they are; the chunks stand one after
    /// the other in `out`, which is as long as all of them.
    pub(super) fn open_frames_into(
        &self,
        first: u64,
        frames: &[u8],
        out: &mut [u8],
        threads: Threads,
    ) -> (usize, Result<(), ChunkedError>) {
        let mut all = Opened::default();
        let work = |at: usize, portion: &mut [u8]| {
            let before = at / CHUNK_LEN;
            let numbers = first.saturating_add(before as u64)..;
            let frames = frames.chunks(FRAME_LEN).skip(before);
            let parts = frames.zip(portion.chunks_mut(CHUNK_LEN)).zip(numbers);
            Opened::of(parts.map(|((frame, chunk), number)| self.open_into(number, frame, chunk)))
        };
        share_out(out, PORTION * CHUNK_LEN, threads, work, |next| {
            all.then(next);
        });
        // A last chunk of no bytes takes no part of `out`.
        if frames.len() % FRAME_LEN == TAG_LEN {
            let number = first.saturating_add((frames.len() / FRAME_LEN) as u64);
            let tag = &frames[frames.len() - TAG_LEN..];
            all.then(Opened::of(
                [self.open_into(number, tag, &mut [])].into_iter(),
            ));
        }
        (all.good, all.result)
    }

    /// The base nonce XOR the index as a big-endian integer.
    fn nonce(&self, index: u64) -> Result<[u8; NONCE_LEN], ChunkedError> {
        if index >= MAX_CHUNKS {
            return Err(ChunkedError::TooLong);
        }
        let mut nonce = self.base_nonce;
        for (byte, counter) in nonce[NONCE_LEN - 8..].iter_mut().zip(index.to_be_bytes()) {
            *byte ^= counter;
        }
        Ok(nonce)
    }
}

/// How many frames opened before the first that did not, and why that one did not.
struct Opened {
    good: usize,
    result: Result<(), ChunkedError>,
}

impl Default for Opened {
    fn default() -> Self {
        Self {
            good: 0,
            result: Ok(()),
        }
    }
}

impl Opened {
    /// Stops at the first that does not open.
    fn of(frames: impl Iterator<Item = Result<(), ChunkedError>>) -> Self {
        let mut opened = Self::default();
        for result in frames {
            if result.is_err() {
                opened.result = result;
                break;
            }
            opened.good += 1;
        }
        opened
    }

    /// The same of these frames and of those that follow them.
    fn then(&mut self, next: Self) {
        if self.result.is_ok() {
            self.good += next.good;
            self.result = next.result;
        }
    }
}

fn split_frame(frame: &mut [u8]) -> Result<(&mut [u8], &mut [u8; TAG_LEN]), ChunkedError> {
    if frame.len() > FRAME_LEN {
        return Err(ChunkedError::ChunkLength);
    }
    frame
        .split_last_chunk_mut()
        .ok_or(ChunkedError::ChunkLength)
}
