//! Opening bytes and streams.

use super::Progress;
use super::chunked::{
    CHUNK_LEN, COMMITMENT_LEN, ChunkCipher, Count, FRAME_LEN, MessageKeys, Opener, PREFIX_LEN,
    SALT_LEN,
};
use super::error::EnvelopeError;
use super::fork::Threads;
use super::io::{read_full, read_much};
use super::key::EnvelopeKey;
use super::padding::Unpadder;
use super::pipe::{Pipe, one_by_one, side_by_side, single};
use super::seal::StreamOptions;
use crate::format::context::AppContext;
use crate::format::header::{HEADER_LEN, Header};
use crate::primitives::aead::TAG_LEN;
use crate::primitives::secret::Wiped;
use core::marker::PhantomData;
use core::ops::ControlFlow;
use std::io::{Read, Write};

/// Opens `envelope`. Nothing is given out unless header, commitment, every
/// chunk, the end and the padding are right.
///
/// # Errors
/// All of [`EnvelopeError`] but `Io`, `LengthMismatch` and `Cancelled`.
pub fn open(
    key: &EnvelopeKey,
    envelope: &[u8],
    context: Option<&AppContext>,
) -> Result<Wiped, EnvelopeError> {
    let header = Header::decode(envelope)?;
    open_after_header(key, &header, &envelope[HEADER_LEN..], context)
}

/// The same for whoever has read the header already: `message` is what follows
/// its 26 bytes. What `header` says is authenticated with it; and of memory that
/// somebody else may change meanwhile, each byte is read once.
///
/// # Errors
/// As [`open`].
pub fn open_after_header(
    key: &EnvelopeKey,
    header: &Header,
    message: &[u8],
    context: Option<&AppContext>,
) -> Result<Wiped, EnvelopeError> {
    open_on(key, header, message, context, Threads::ONE)
}

/// The same on up to `threads` threads: worth it from 1 MiB on.
///
/// # Errors
/// As [`open`].
pub fn open_on(
    key: &EnvelopeKey,
    header: &Header,
    message: &[u8],
    context: Option<&AppContext>,
    threads: Threads,
) -> Result<Wiped, EnvelopeError> {
    key.check_header(header, context)?;
    let (prefix, frames) = message
        .split_first_chunk::<PREFIX_LEN>()
        .ok_or(EnvelopeError::Truncated)?;
    let opener = opener_for(prefix, |salt| key.message_keys(header, context, salt))?;
    let (cipher, _) = opener.into_parts();
    let (len, end) = frames_in(frames.len(), true);
    let (mut frames, mut first) = (&frames[..len], 0);
    let mut unpadder = Unpadder::new(header.padded);
    // Room for all of it at once: growing would leave copies behind that nobody
    // wipes. Each chunk is opened where it belongs.
    let room = len - len.div_ceil(FRAME_LEN) * TAG_LEN;
    let mut plaintext = Wiped::new(room);
    let mut filled = 0;
    if header.padded && !frames.is_empty() {
        // The first chunk begins with the length, so the others stand before
        // where they would without.
        let (frame, rest) = frames.split_at(len.min(FRAME_LEN));
        let mut frame = Wiped::from_vec(frame.to_vec());
        let chunk = cipher.open_chunk(0, &mut frame)?;
        let data = unpadder.accept(chunk)?;
        filled = data.len();
        plaintext[..filled].copy_from_slice(&chunk[data]);
        (frames, first) = (rest, 1);
    }
    let room = frames.len() - frames.len().div_ceil(FRAME_LEN) * TAG_LEN;
    // In the padded case there is more room than this by the first chunk's.
    let chunks = &mut plaintext[filled..filled + room];
    let (good, opened) = cipher.open_frames_into(first, frames, chunks, threads);
    for chunk in chunks.chunks(CHUNK_LEN).take(good) {
        filled += unpadder.accept(chunk)?.len();
    }
    opened?;
    end?;
    unpadder.finish()?;
    plaintext.truncate(filled);
    Ok(plaintext)
}

/// Opens the envelope that `reader` gives (to its end) into `writer`, in
/// constant memory (one frame, 16,400 bytes), and flushes. Gives the number of
/// bytes written; `progress` is told that number after each chunk. Reader and
/// writer are called for each frame: [`open_parallel`], also on one thread, calls
/// files less often.
///
/// Each chunk is written only after it was authenticated, but that the envelope
/// is whole is known only at the end. **After an error the caller must discard
/// everything that was written.**
///
/// # Errors
/// All of [`EnvelopeError`] but `LengthMismatch`.
pub fn open_stream<R: Read, W: Write>(
    key: &EnvelopeKey,
    mut reader: R,
    writer: W,
    context: Option<&AppContext>,
    progress: Progress<'_>,
) -> Result<u64, EnvelopeError> {
    let (padded, opener) = read_start(key, &mut reader, context)?;
    let mut writing = Writing::new(writer, padded, progress);
    let (pipe, mut input) = connect(opener, reader);
    let mut release = |chunk: &[u8]| writing.write(chunk);
    one_by_one(&pipe, &mut input, &mut release, single)?;
    writing.finish()
}

/// The same on as many threads as `options` say, with two batches of memory
/// for each; on one thread with one batch of at most 4 frames (65,600 bytes).
/// Reader, writer and `progress` are used by one thread at a time, in the order
/// of the stream, but not always by the same one.
///
/// # Errors
/// As [`open_stream`].
pub fn open_parallel<R: Read + Send, W: Write + Send>(
    key: &EnvelopeKey,
    mut reader: R,
    writer: W,
    options: &StreamOptions<'_>,
    progress: &mut (dyn FnMut(u64) -> ControlFlow<()> + Send),
) -> Result<u64, EnvelopeError> {
    let (padded, opener) = read_start(key, &mut reader, options.context)?;
    let mut writing = Writing::new(writer, padded, progress);
    let (pipe, mut input) = connect(opener, reader);
    let mut release = |chunk: &[u8]| writing.write(chunk);
    side_by_side(&pipe, &mut input, &mut release, options.threads)?;
    writing.finish()
}

/// Opens one message of C2SP chunked-encryption: reads salt and commitment,
/// asks `keys` for the keys under that salt, checks the commitment and passes
/// each authenticated chunk to `release`. `Ok` means that the message was whole.
///
/// # Errors
/// Those of `keys` and `release`; [`EnvelopeError::Io`],
/// [`EnvelopeError::Truncated`], [`EnvelopeError::CommitmentMismatch`],
/// [`EnvelopeError::ChunkUnauthentic`], [`EnvelopeError::TooLong`].
pub fn open_message<R: Read>(
    mut reader: R,
    keys: impl FnOnce(&[u8; SALT_LEN]) -> Result<MessageKeys, EnvelopeError>,
    mut release: impl FnMut(&[u8]) -> Result<(), EnvelopeError>,
) -> Result<(), EnvelopeError> {
    let mut prefix = [0u8; PREFIX_LEN];
    if read_full(&mut reader, &mut prefix)? < PREFIX_LEN {
        return Err(EnvelopeError::Truncated);
    }
    let (pipe, mut input) = connect(opener_for(&prefix, keys)?, reader);
    one_by_one(&pipe, &mut input, &mut release, single)
}

/// Salt and commitment: what opens the frames, if the commitment is right.
pub(super) fn opener_for(
    prefix: &[u8; PREFIX_LEN],
    keys: impl FnOnce(&[u8; SALT_LEN]) -> Result<MessageKeys, EnvelopeError>,
) -> Result<Opener, EnvelopeError> {
    let mut salt = [0u8; SALT_LEN];
    let mut commitment = [0u8; COMMITMENT_LEN];
    salt.copy_from_slice(&prefix[..SALT_LEN]);
    commitment.copy_from_slice(&prefix[SALT_LEN..]);
    Ok(keys(&salt)?.opener(&commitment)?)
}

/// Reads header, salt and commitment. Says whether the plaintext is padded.
pub(super) fn read_start<R: Read>(
    key: &EnvelopeKey,
    reader: &mut R,
    context: Option<&AppContext>,
) -> Result<(bool, Opener), EnvelopeError> {
    let mut header = [0u8; HEADER_LEN];
    let len = read_full(reader, &mut header)?;
    let header = Header::decode(&header[..len])?;
    key.check_header(&header, context)?;
    let mut prefix = [0u8; PREFIX_LEN];
    if read_full(reader, &mut prefix)? < PREFIX_LEN {
        return Err(EnvelopeError::Truncated);
    }
    let opener = opener_for(&prefix, |salt| key.message_keys(&header, context, salt))?;
    Ok((header.padded, opener))
}

/// How many of `len` bytes are frames, and whether the message ends as it must
/// if nothing follows.
fn frames_in(len: usize, ended: bool) -> (usize, Result<(), EnvelopeError>) {
    let rest = len % FRAME_LEN;
    if rest >= TAG_LEN {
        return (len, Ok(()));
    }
    let end = if ended {
        Err(EnvelopeError::Truncated)
    } else {
        Ok(())
    };
    (len - rest, end)
}

fn connect<R: Read, F>(opener: Opener, reader: R) -> (Opening<R, F>, Input<R>) {
    let (cipher, count) = opener.into_parts();
    let pipe = Opening {
        cipher,
        of: PhantomData,
    };
    (pipe, Input { reader, count })
}

/// Takes padding off and writes.
struct Writing<W, G> {
    writer: W,
    unpadder: Unpadder,
    written: u64,
    progress: G,
}

impl<W: Write, G: FnMut(u64) -> ControlFlow<()>> Writing<W, G> {
    fn new(writer: W, padded: bool, progress: G) -> Self {
        Self {
            writer,
            unpadder: Unpadder::new(padded),
            written: 0,
            progress,
        }
    }

    fn write(&mut self, chunk: &[u8]) -> Result<(), EnvelopeError> {
        let data = &chunk[self.unpadder.accept(chunk)?];
        self.writer.write_all(data)?;
        self.written += data.len() as u64;
        match (self.progress)(self.written) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(EnvelopeError::Cancelled),
        }
    }

    fn finish(mut self) -> Result<u64, EnvelopeError> {
        self.unpadder.finish()?;
        self.writer.flush()?;
        Ok(self.written)
    }
}

struct Opening<R, F> {
    cipher: ChunkCipher,
    of: PhantomData<fn(R, F)>,
}

struct Input<R> {
    reader: R,
    count: Count,
}

/// Frames that are being opened in place, and what has become of them.
pub(super) struct Batch {
    bytes: Wiped,
    len: usize,
    first: u64,
    /// Why the message can't end after these frames, if it does.
    end: Result<(), EnvelopeError>,
    /// How many opened, and why no more did.
    opened: (usize, Result<(), EnvelopeError>),
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            bytes: Wiped::default(),
            len: 0,
            first: 0,
            end: Ok(()),
            opened: (0, Ok(())),
        }
    }
}

impl Batch {
    /// Takes what the reader gives, up to `frames` frames. `true` if that was
    /// the end of it. Of a reader that fails, the whole frames before are taken, so
    /// that what comes out does not depend on how many are read at a time; why it
    /// has failed is told after them.
    pub(super) fn fill<R: Read>(
        &mut self,
        reader: &mut R,
        count: &mut Count,
        frames: usize,
    ) -> Result<bool, EnvelopeError> {
        let capacity = frames * FRAME_LEN;
        if self.bytes.len() < capacity {
            self.bytes = Wiped::new(capacity);
        }
        // A frame that is not full is the end of the reader, so what might
        // follow the last chunk was read with it and makes it unauthentic.
        let (len, read) = read_much(reader, &mut self.bytes[..capacity]);
        let ended = len < capacity;
        (self.len, self.end) = match read {
            Ok(()) => frames_in(len, ended),
            Err(error) => (len - len % FRAME_LEN, Err(error)),
        };
        self.first = count.take(self.len)?;
        Ok(ended)
    }

    pub(super) fn open(&mut self, cipher: &ChunkCipher, threads: Threads) {
        let bytes = &mut self.bytes[..self.len];
        let (good, result) = cipher.open_frames(self.first, bytes, threads);
        self.opened = (good, result.map_err(EnvelopeError::from).and(self.end));
    }

    /// The chunk with this number in the batch, if it and all before it are
    /// authentic.
    pub(super) fn chunk(&self, number: usize) -> Option<&[u8]> {
        let (good, _) = self.opened;
        let frames = self.bytes[..self.len].chunks(FRAME_LEN).take(good);
        let frame = { frames }.nth(number)?;
        Some(&frame[..frame.len() - TAG_LEN])
    }

    /// Why there are no more chunks in it than there are, if not because the
    /// next batch has them.
    pub(super) fn result(&self) -> Result<(), EnvelopeError> {
        self.opened.1
    }

    /// The authentic chunks in their order, then the error if there is one.
    pub(super) fn release(
        &self,
        mut release: impl FnMut(&[u8]) -> Result<(), EnvelopeError>,
    ) -> Result<(), EnvelopeError> {
        let (good, result) = self.opened;
        for frame in self.bytes[..self.len].chunks(FRAME_LEN).take(good) {
            release(&frame[..frame.len() - TAG_LEN])?;
        }
        result
    }
}

impl<R: Read, F: FnMut(&[u8]) -> Result<(), EnvelopeError>> Pipe for Opening<R, F> {
    type Input = Input<R>;
    type Output = F;
    type Batch = Batch;

    fn fill(
        &self,
        input: &mut Self::Input,
        frames: usize,
        batch: &mut Batch,
    ) -> Result<bool, EnvelopeError> {
        batch.fill(&mut input.reader, &mut input.count, frames)
    }

    fn work(&self, batch: &mut Batch) {
        batch.open(&self.cipher, Threads::ONE);
    }

    fn release(&self, release: &mut F, batch: &mut Batch) -> Result<(), EnvelopeError> {
        batch.release(release)
    }
}
