//! Pushing: writers that seal or open whatever is written to them. With a
//! `Vec<u8>` behind them they do no I/O at all, so that a caller who awaits its
//! own takes out what is ready.

use super::chunked::{ChunkCipher, Count, FRAME_LEN};
use super::error::EnvelopeError;
use super::fork::Threads;
use super::key::EnvelopeKey;
use super::open::{Batch, read_start};
use super::padding::{Padder, Unpadder};
use super::seal::{START_LEN, StreamOptions, begin};
use super::slots::Slots;
use crate::format::context::AppContext;
use crate::primitives::random::CryptoRng;
use crate::primitives::secret::Wiped;
use std::io::{self, Write};

/// One frame for one thread: what is written leaves at once. More of them only
/// where several threads share the work.
pub(super) fn frames_for(threads: Threads) -> usize {
    match threads.get() {
        1 => 1,
        several => 16 * several,
    }
}

/// Seals what is written to it into `W`, in constant memory: one frame, or 16
/// for each thread if there are several.
///
/// Nothing of it is an envelope before [`Self::finish`] was called. After an
/// error it takes nothing more.
pub struct SealWriter<W: Write> {
    writer: W,
    cipher: ChunkCipher,
    count: Count,
    padder: Padder,
    slots: Slots<Wiped>,
    threads: Threads,
    failed: Option<EnvelopeError>,
}

impl<W: Write> core::fmt::Debug for SealWriter<W> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SealWriter(..)")
    }
}

impl<W: Write> SealWriter<W> {
    /// Writes the 82 bytes that an envelope begins with. `rng` gives the salt.
    ///
    /// # Errors
    /// [`EnvelopeError::Io`] if writing fails, [`EnvelopeError::TooLong`] for a
    /// stated length that does not fit into an envelope.
    pub fn new(
        key: &EnvelopeKey,
        mut writer: W,
        options: &StreamOptions<'_>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, EnvelopeError> {
        let length = options.padding.length();
        let mut padder = Padder::new(length)?;
        let (start, sealer) = begin(key, options.context, length.is_some(), rng)?;
        writer.write_all(&start)?;
        let (cipher, count) = sealer.into_parts();
        let room = frames_for(options.threads) * FRAME_LEN;
        let mut slots = Slots::new(Wiped::new(room));
        padder.before(&mut slots);
        Ok(Self {
            writer,
            cipher,
            count,
            padder,
            slots,
            threads: options.threads,
            failed: None,
        })
    }

    /// Takes all of `data`.
    ///
    /// # Errors
    /// [`EnvelopeError::Io`] if writing fails,
    /// [`EnvelopeError::LengthMismatch`] for more than the stated length,
    /// [`EnvelopeError::TooLong`] above 4 PiB; after that the same again.
    pub fn push(&mut self, data: &[u8]) -> Result<(), EnvelopeError> {
        self.guarded(|this| {
            let mut rest = data;
            while !rest.is_empty() {
                let put = this.slots.put(rest);
                this.padder.accept(put)?;
                rest = &rest[put..];
                if this.slots.is_full() {
                    this.seal(false)?;
                }
            }
            Ok(())
        })
    }

    /// Seals what is left, flushes, and gives the writer back. Now what was
    /// written is an envelope.
    ///
    /// # Errors
    /// As [`Self::push`], and [`EnvelopeError::LengthMismatch`] for fewer bytes
    /// than stated.
    pub fn finish(mut self) -> Result<W, EnvelopeError> {
        self.guarded(|this| {
            while !this.padder.after(&mut this.slots)? || this.slots.is_full() {
                this.seal(false)?;
            }
            this.seal(true)?;
            Ok(this.writer.flush()?)
        })?;
        Ok(self.writer)
    }

    /// How many bytes of data were taken so far.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.padder.given()
    }

    /// What is written to.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.writer
    }

    fn seal(&mut self, last: bool) -> Result<(), EnvelopeError> {
        let frames = self.slots.frames(last);
        let first = self.count.take(frames.len())?;
        let threads = self.threads;
        self.cipher.seal_frames(first, frames, threads, |_, _| {})?;
        self.writer.write_all(frames)?;
        self.slots.clear();
        Ok(())
    }

    fn guarded<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, EnvelopeError>,
    ) -> Result<T, EnvelopeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = work(self);
        self.failed = result.as_ref().err().copied();
        result
    }
}

impl<W: Write> Write for SealWriter<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.push(data)?;
        Ok(data.len())
    }

    /// Flushes what was sealed; a chunk that is not full stays here.
    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Opens the envelope that is written to it into `W`, in constant memory: one
/// frame, or 16 for each thread if there are several.
///
/// Each chunk is written only after it was authenticated, but that the envelope
/// is whole is known only when [`Self::finish`] was successful. **Otherwise
/// what was written must be discarded.** After an error it takes nothing more.
pub struct OpenWriter<W: Write> {
    writer: W,
    key: EnvelopeKey,
    context: Option<AppContext>,
    threads: Threads,
    waiting: Vec<u8>,
    opening: Option<Opening>,
    written: u64,
    failed: Option<EnvelopeError>,
}

struct Opening {
    cipher: ChunkCipher,
    count: Count,
    unpadder: Unpadder,
    batch: Batch,
}

impl<W: Write> core::fmt::Debug for OpenWriter<W> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("OpenWriter(..)")
    }
}

impl<W: Write> OpenWriter<W> {
    /// Nothing is read or written yet.
    #[must_use]
    pub fn new(key: &EnvelopeKey, writer: W, options: &StreamOptions<'_>) -> Self {
        Self {
            writer,
            key: key.clone(),
            context: options.context.cloned(),
            threads: options.threads,
            waiting: Vec::new(),
            opening: None,
            written: 0,
            failed: None,
        }
    }

    /// Takes all of `data`, which is the next part of the envelope, and writes
    /// those chunks that are whole and authentic.
    ///
    /// # Errors
    /// All of [`EnvelopeError`] but `LengthMismatch` and `Cancelled`; after that
    /// the same again.
    pub fn push(&mut self, data: &[u8]) -> Result<(), EnvelopeError> {
        self.guarded(|this| {
            let mut rest = data;
            loop {
                let wanted = match &this.opening {
                    None => START_LEN,
                    // A full frame can't be the last one: that one is short.
                    Some(_) => frames_for(this.threads) * FRAME_LEN,
                };
                let (now, later) = rest.split_at(rest.len().min(wanted - this.waiting.len()));
                this.waiting.extend_from_slice(now);
                rest = later;
                if this.waiting.len() < wanted {
                    return Ok(());
                }
                this.take_waiting(false)?;
            }
        })
    }

    /// To be called at the end of the envelope. `Ok` means that all of it was
    /// there and authentic; gives the writer back, flushed.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn finish(mut self) -> Result<W, EnvelopeError> {
        self.guarded(|this| {
            this.take_waiting(true)?;
            match &this.opening {
                Some(opening) => opening.unpadder.finish()?,
                None => return Err(EnvelopeError::Truncated),
            }
            Ok(this.writer.flush()?)
        })?;
        Ok(self.writer)
    }

    /// How many bytes of data were written so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// What is written to.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.writer
    }

    fn take_waiting(&mut self, ended: bool) -> Result<(), EnvelopeError> {
        let Some(opening) = &mut self.opening else {
            let mut start = self.waiting.as_slice();
            let (padded, opener) = read_start(&self.key, &mut start, self.context.as_ref())?;
            let (cipher, count) = opener.into_parts();
            self.opening = Some(Opening {
                cipher,
                count,
                unpadder: Unpadder::new(padded),
                batch: Batch::default(),
            });
            self.waiting.clear();
            return if ended {
                self.take_waiting(true)
            } else {
                Ok(())
            };
        };
        // One frame more than there is, so that the end is seen.
        let frames = self.waiting.len() / FRAME_LEN + usize::from(ended);
        let mut bytes = self.waiting.as_slice();
        opening.batch.fill(&mut bytes, &mut opening.count, frames)?;
        self.waiting.clear();
        opening.batch.open(&opening.cipher, self.threads);
        let (writer, written) = (&mut self.writer, &mut self.written);
        opening.batch.release(|chunk| {
            let data = &chunk[opening.unpadder.accept(chunk)?];
            writer.write_all(data)?;
            *written += data.len() as u64;
            Ok(())
        })
    }

    fn guarded<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, EnvelopeError>,
    ) -> Result<T, EnvelopeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = work(self);
        self.failed = result.as_ref().err().copied();
        result
    }
}

impl<W: Write> Write for OpenWriter<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.push(data)?;
        Ok(data.len())
    }

    /// Flushes what was opened; what is not a whole frame stays here.
    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
