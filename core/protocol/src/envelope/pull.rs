//! Pulling: readers that seal or open what they read themselves, when somebody
//! reads from them.

use super::chunked::{ChunkCipher, Count, FRAME_LEN};
use super::error::EnvelopeError;
use super::fork::Threads;
use super::key::EnvelopeKey;
use super::open::{Batch, read_start};
use super::padding::{Padder, Unpadder};
use super::push::frames_for;
use super::seal::{StreamOptions, begin, fill};
use super::slots::Slots;
use crate::primitives::random::CryptoRng;
use crate::primitives::secret::Wiped;
use core::ops::Range;
use std::io::{self, Read};

/// The envelope of what `R` gives, made as it is read, in constant memory: one
/// frame, or 16 for each thread if there are several.
///
/// After an error it gives nothing more, and what it gave is not an envelope.
pub struct SealReader<R: Read> {
    reader: R,
    cipher: ChunkCipher,
    count: Count,
    padder: Padder,
    slots: Slots<Wiped>,
    start: Vec<u8>,
    ended: bool,
    last: bool,
    /// How much of the start and of the frames was given.
    given: usize,
    threads: Threads,
    failed: Option<EnvelopeError>,
}

impl<R: Read> core::fmt::Debug for SealReader<R> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SealReader(..)")
    }
}

impl<R: Read> SealReader<R> {
    /// Nothing is read yet. `rng` gives the salt.
    ///
    /// # Errors
    /// [`EnvelopeError::TooLong`] for a stated length that does not fit into an
    /// envelope.
    pub fn new(
        key: &EnvelopeKey,
        reader: R,
        options: &StreamOptions<'_>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, EnvelopeError> {
        let length = options.padding.length();
        let padder = Padder::new(length)?;
        let (start, sealer) = begin(key, options.context, length.is_some(), rng)?;
        let (cipher, count) = sealer.into_parts();
        let room = frames_for(options.threads) * FRAME_LEN;
        Ok(Self {
            reader,
            cipher,
            count,
            padder,
            slots: Slots::new(Wiped::new(room)),
            start: start.to_vec(),
            ended: false,
            last: false,
            given: 0,
            threads: options.threads,
            failed: None,
        })
    }

    /// How many bytes of data were read so far.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.padder.given()
    }

    fn next_frames(&mut self) -> Result<(), EnvelopeError> {
        self.start.clear();
        self.given = 0;
        self.slots.clear();
        let slots = &mut self.slots;
        self.last = fill(&mut self.reader, &mut self.padder, &mut self.ended, slots)?;
        let frames = slots.frames(self.last);
        let first = self.count.take(frames.len())?;
        self.cipher
            .seal_frames(first, frames, self.threads, |_, _| {})?;
        Ok(())
    }
}

impl<R: Read> Read for SealReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(error) = self.failed {
                return Err(error.into());
            }
            let ready: &[u8] = match self.start.is_empty() {
                false => &self.start,
                true => self.slots.frames(self.last),
            };
            let rest = &ready[self.given..];
            if !rest.is_empty() || out.is_empty() || self.last {
                let len = rest.len().min(out.len());
                out[..len].copy_from_slice(&rest[..len]);
                self.given += len;
                return Ok(len);
            }
            if let Err(error) = self.next_frames() {
                // Half of it may be plaintext.
                self.slots = Slots::new(Wiped::default());
                self.failed = Some(error);
            }
        }
    }
}

/// What is in the envelope that `R` gives, in constant memory: one frame, or 16
/// for each thread if there are several.
///
/// It gives only chunks that are authentic, but that the envelope is whole is
/// known only when it has come to its end. **After an error what it gave must be
/// discarded**; it gives nothing more.
pub struct OpenReader<R: Read> {
    reader: R,
    cipher: ChunkCipher,
    count: Count,
    unpadder: Unpadder,
    batch: Batch,
    /// The chunk of the batch that comes next.
    next: usize,
    /// What is still to be given of the one before.
    data: Range<usize>,
    ended: bool,
    threads: Threads,
    failed: Option<EnvelopeError>,
}

impl<R: Read> core::fmt::Debug for OpenReader<R> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("OpenReader(..)")
    }
}

impl<R: Read> OpenReader<R> {
    /// Reads the 82 bytes that an envelope begins with, and checks the
    /// commitment.
    ///
    /// # Errors
    /// Those of [`EnvelopeError`] that concern header, context and commitment;
    /// [`EnvelopeError::Io`], [`EnvelopeError::Truncated`].
    pub fn new(
        key: &EnvelopeKey,
        mut reader: R,
        options: &StreamOptions<'_>,
    ) -> Result<Self, EnvelopeError> {
        let (padded, opener) = read_start(key, &mut reader, options.context)?;
        let (cipher, count) = opener.into_parts();
        Ok(Self {
            reader,
            cipher,
            count,
            unpadder: Unpadder::new(padded),
            batch: Batch::default(),
            next: 0,
            data: 0..0,
            ended: false,
            threads: options.threads,
            failed: None,
        })
    }

    /// Why it gives nothing more, if that is not the end.
    #[must_use]
    pub fn error(&self) -> Option<EnvelopeError> {
        self.failed
    }

    /// Looks for the next chunk with data in it; `false` at the end.
    fn advance(&mut self) -> Result<bool, EnvelopeError> {
        loop {
            if let Some(chunk) = self.batch.chunk(self.next) {
                self.data = self.unpadder.accept(chunk)?;
                self.next += 1;
                if !self.data.is_empty() {
                    return Ok(true);
                }
                continue;
            }
            self.batch.result()?;
            if self.ended {
                self.unpadder.finish()?;
                return Ok(false);
            }
            let frames = frames_for(self.threads);
            self.ended = self.batch.fill(&mut self.reader, &mut self.count, frames)?;
            self.batch.open(&self.cipher, self.threads);
            self.next = 0;
        }
    }
}

impl<R: Read> Read for OpenReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if let Some(error) = self.failed {
            return Err(error.into());
        }
        if out.is_empty() {
            return Ok(0);
        }
        if self.data.is_empty() {
            match self.advance() {
                Ok(true) => {}
                Ok(false) => return Ok(0),
                Err(error) => {
                    self.failed = Some(error);
                    return Err(error.into());
                }
            }
        }
        let chunk = self.next.checked_sub(1).and_then(|it| self.batch.chunk(it));
        let data = chunk.and_then(|it| it.get(self.data.clone()));
        let data = data.unwrap_or_default();
        let len = data.len().min(out.len());
        out[..len].copy_from_slice(&data[..len]);
        self.data.start += len;
        Ok(len)
    }
}
