//! Sealing bytes and streams.

use super::Progress;
use super::chunked::{
    CHUNK_LEN, ChunkCipher, Count, FRAME_LEN, PREFIX_LEN, SALT_LEN, Sealer, message_len,
};
use super::error::EnvelopeError;
use super::fork::Threads;
use super::io::read_full;
use super::key::EnvelopeKey;
use super::padding::{Padder, padded_len};
use super::pipe::{Pipe, one_by_one, side_by_side, single};
use super::slots::Slots;
use crate::format::context::AppContext;
use crate::format::header::HEADER_LEN;
use crate::primitives::random::{CryptoRng, random_bytes};
use crate::primitives::secret::Wiped;
use core::marker::PhantomData;
use core::ops::ControlFlow;
use std::io::{Read, Write};

/// Header, salt and commitment: what stands before the first frame.
pub const START_LEN: usize = HEADER_LEN + PREFIX_LEN;

/// Whether to hide the length of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Padding {
    /// Padmé with a floor of 32 bytes: the default for messages.
    #[default]
    Padme,
    /// None: the envelope's length tells the exact length.
    None,
}

/// Whether to hide the length of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StreamPadding {
    /// None, the default for files.
    #[default]
    None,
    /// Padmé. The length stands first, so it must be known.
    Padme {
        /// How many bytes the reader will give, exactly.
        length: u64,
    },
}

impl StreamPadding {
    pub(super) fn length(self) -> Option<u64> {
        match self {
            Self::None => None,
            Self::Padme { length } => Some(length),
        }
    }
}

/// How a stream is sealed or opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct StreamOptions<'a> {
    /// The place that the envelope belongs to.
    pub context: Option<&'a AppContext>,
    /// Whether sealing hides the length. Opening does not look at it.
    pub padding: StreamPadding,
    /// How many threads may work.
    pub threads: Threads,
}

/// Header, salt and commitment, and what seals the chunks.
///
/// The salt is drawn here and nowhere else, and there is no way to bring one:
/// so nothing is ever sealed under the salt of another envelope.
pub(super) fn begin(
    key: &EnvelopeKey,
    context: Option<&AppContext>,
    padded: bool,
    rng: &mut dyn CryptoRng,
) -> Result<([u8; START_LEN], Sealer), EnvelopeError> {
    let header = key.header(padded, context.is_some());
    let salt = random_bytes::<SALT_LEN>(rng);
    let keys = key.message_keys(&header, context, &salt)?;
    let mut start = [0u8; START_LEN];
    start[..HEADER_LEN].copy_from_slice(&header.encode());
    start[HEADER_LEN..HEADER_LEN + SALT_LEN].copy_from_slice(&salt);
    start[HEADER_LEN + SALT_LEN..].copy_from_slice(keys.commitment());
    Ok((start, keys.sealer()))
}

/// Seals `plaintext`. The envelope is 98 bytes longer than the (padded)
/// plaintext, and 16 more for each 16 KiB. `rng` gives the 24-byte salt.
///
/// # Errors
/// [`EnvelopeError::TooLong`] above 4 PiB or this machine's memory.
pub fn seal(
    key: &EnvelopeKey,
    plaintext: &[u8],
    context: Option<&AppContext>,
    padding: Padding,
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, EnvelopeError> {
    seal_on(key, plaintext, context, padding, rng, Threads::ONE)
}

/// The same on up to `threads` threads: worth it from 1 MiB on.
///
/// # Errors
/// As [`seal`].
pub fn seal_on(
    key: &EnvelopeKey,
    plaintext: &[u8],
    context: Option<&AppContext>,
    padding: Padding,
    rng: &mut dyn CryptoRng,
    threads: Threads,
) -> Result<Vec<u8>, EnvelopeError> {
    let true_len = plaintext.len() as u64;
    let (length, total) = match padding {
        Padding::None => (None, true_len),
        Padding::Padme => (
            Some(true_len),
            padded_len(true_len).ok_or(EnvelopeError::TooLong)?,
        ),
    };
    let envelope_len = message_len(total)
        .and_then(|message| usize::try_from(message).ok())
        .and_then(|message| message.checked_add(HEADER_LEN))
        .ok_or(EnvelopeError::TooLong)?;

    let (start, sealer) = begin(key, context, length.is_some(), rng)?;
    let mut envelope = vec![0u8; envelope_len];
    envelope[..START_LEN].copy_from_slice(&start);
    let frames = &mut envelope[START_LEN..];
    let prefix = length.map(u64::to_be_bytes);
    let prefix = prefix.as_ref().map_or(&[][..], <[u8; 8]>::as_slice);
    let (cipher, mut count) = sealer.into_parts();
    let first = count.take(frames.len())?;
    // Each chunk is copied to where its frame belongs and sealed there.
    cipher.seal_frames(first, frames, threads, |number, chunk| {
        lay_out(chunk, number * CHUNK_LEN, prefix, plaintext);
    })?;
    Ok(envelope)
}

/// The part of `prefix ‖ data ‖ zeros` that begins at `at`, into `chunk`, which
/// is zero. The prefix is shorter than a chunk.
fn lay_out(chunk: &mut [u8], at: usize, prefix: &[u8], data: &[u8]) {
    let before = prefix.len().saturating_sub(at).min(chunk.len());
    chunk[..before].copy_from_slice(&prefix[..before]);
    let rest = data
        .get(at.saturating_sub(prefix.len())..)
        .unwrap_or_default();
    let len = rest.len().min(chunk.len() - before);
    chunk[before..before + len].copy_from_slice(&rest[..len]);
}

/// Seals everything that `reader` gives into `writer`, in constant memory (one
/// frame, 16,400 bytes), and flushes. Gives the number of bytes read. `progress` is
/// told that number chunk by chunk. Reader and writer are called for each frame:
/// [`seal_parallel`], also on one thread, calls files less often.
///
/// After an error, what was written is not an envelope: discard it.
///
/// # Errors
/// [`EnvelopeError::Io`] if reading or writing fails,
/// [`EnvelopeError::LengthMismatch`] if a length was stated and is wrong,
/// [`EnvelopeError::Cancelled`], [`EnvelopeError::TooLong`] above 4 PiB.
pub fn seal_stream<R: Read, W: Write>(
    key: &EnvelopeKey,
    reader: R,
    writer: W,
    context: Option<&AppContext>,
    padding: StreamPadding,
    rng: &mut dyn CryptoRng,
    progress: Progress<'_>,
) -> Result<u64, EnvelopeError> {
    let length = padding.length();
    let (pipe, mut input, mut output) =
        connect(key, reader, writer, context, length, rng, progress)?;
    one_by_one(&pipe, &mut input, &mut output, single)?;
    output.writer.flush()?;
    Ok(input.padder.given())
}

/// The same envelope, on as many threads as `options` say, with two batches
/// of memory for each; on one thread with one batch of at most 4 frames (65,600
/// bytes). Reader, writer and `progress` are used by one thread at a
/// time, in the order of the stream, but not always by the same one.
///
/// # Errors
/// As [`seal_stream`].
pub fn seal_parallel<R: Read + Send, W: Write + Send>(
    key: &EnvelopeKey,
    reader: R,
    writer: W,
    options: &StreamOptions<'_>,
    rng: &mut dyn CryptoRng,
    progress: &mut (dyn FnMut(u64) -> ControlFlow<()> + Send),
) -> Result<u64, EnvelopeError> {
    let length = options.padding.length();
    let context = options.context;
    let (pipe, mut input, mut output) =
        connect(key, reader, writer, context, length, rng, progress)?;
    side_by_side(&pipe, &mut input, &mut output, options.threads)?;
    output.writer.flush()?;
    Ok(input.padder.given())
}

type Connected<R, W, G> = (Sealing<R, W, G>, Input<R>, Output<W, G>);

/// Writes the start of the envelope and sets up what seals the rest.
fn connect<R: Read, W: Write, G: FnMut(u64) -> ControlFlow<()>>(
    key: &EnvelopeKey,
    reader: R,
    mut writer: W,
    context: Option<&AppContext>,
    length: Option<u64>,
    rng: &mut dyn CryptoRng,
    progress: G,
) -> Result<Connected<R, W, G>, EnvelopeError> {
    let padder = Padder::new(length)?;
    let (start, sealer) = begin(key, context, length.is_some(), rng)?;
    writer.write_all(&start)?;
    let (cipher, count) = sealer.into_parts();
    let pipe = Sealing {
        cipher,
        of: PhantomData,
    };
    let input = Input {
        reader,
        padder,
        ended: false,
        count,
    };
    let output = Output {
        writer,
        progress,
        told: 0,
    };
    Ok((pipe, input, output))
}

/// Fills `slots` with what the reader gives, as far as there is room. `true` if
/// all of the plaintext was put, and its last chunk is short. After an error the
/// full chunks are those that came before it.
pub(super) fn fill<R: Read, B: AsMut<[u8]>>(
    reader: &mut R,
    padder: &mut Padder,
    ended: &mut bool,
    slots: &mut Slots<B>,
) -> Result<bool, EnvelopeError> {
    padder.before(slots);
    while !*ended && !slots.is_full() {
        let room = slots.room();
        let wanted = room.len();
        let got = read_full(reader, room)?;
        padder.accept(got)?;
        slots.advance(got);
        *ended = got < wanted;
    }
    Ok(*ended && padder.after(slots)? && !slots.is_full())
}

struct Sealing<R, W, G> {
    cipher: ChunkCipher,
    of: PhantomData<fn(R, W, G)>,
}

struct Input<R> {
    reader: R,
    padder: Padder,
    ended: bool,
    count: Count,
}

struct Output<W, G> {
    writer: W,
    progress: G,
    told: u64,
}

/// Frames that are being made, and what has become of them.
struct Batch {
    slots: Slots<Wiped>,
    capacity: usize,
    first: u64,
    last: bool,
    /// How many bytes of data were read with this batch.
    given: u64,
    /// Why nothing follows, if that is not the end.
    end: Result<(), EnvelopeError>,
    sealed: Result<(), EnvelopeError>,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            slots: Slots::new(Wiped::default()),
            capacity: 0,
            first: 0,
            last: false,
            given: 0,
            end: Ok(()),
            sealed: Ok(()),
        }
    }
}

impl<R: Read, W: Write, G: FnMut(u64) -> ControlFlow<()>> Pipe for Sealing<R, W, G> {
    type Input = Input<R>;
    type Output = Output<W, G>;
    type Batch = Batch;

    fn fill(
        &self,
        input: &mut Self::Input,
        frames: usize,
        batch: &mut Batch,
    ) -> Result<bool, EnvelopeError> {
        let capacity = frames * FRAME_LEN;
        if batch.capacity < capacity {
            batch.slots = Slots::new(Wiped::new(capacity));
            batch.capacity = capacity;
        }
        batch.slots.clear();
        let slots = &mut batch.slots;
        let filled = fill(
            &mut input.reader,
            &mut input.padder,
            &mut input.ended,
            slots,
        );
        // What comes out before an error does not depend on how much is read at a time.
        batch.last = filled.unwrap_or(false);
        batch.end = filled.map(drop);
        batch.first = input.count.take(slots.frames(batch.last).len())?;
        batch.given = input.padder.given();
        Ok(filled.unwrap_or(true))
    }

    fn work(&self, batch: &mut Batch) {
        let frames = batch.slots.frames(batch.last);
        let sealed = self
            .cipher
            .seal_frames(batch.first, frames, Threads::ONE, |_, _| {});
        batch.sealed = sealed.map_err(Into::into);
    }

    fn release(&self, output: &mut Self::Output, batch: &mut Batch) -> Result<(), EnvelopeError> {
        batch.sealed?;
        let frames = batch.slots.frames(batch.last);
        if frames.is_empty() {
            return batch.end;
        }
        output.writer.write_all(frames)?;
        // Told chunk by chunk, as opening does.
        loop {
            let next = output.told.saturating_add(CHUNK_LEN as u64);
            output.told = next.min(batch.given);
            if (output.progress)(output.told).is_break() {
                return Err(EnvelopeError::Cancelled);
            }
            if output.told >= batch.given {
                return batch.end;
            }
        }
    }
}
