//! Reading a part of an envelope without the rest (envelope spec, "Ranges").
//!
//! [`RangeOpener`] says which bytes of the envelope it needs and opens them,
//! whoever fetches them; [`EnvelopeReader`] fetches them from anything that
//! reads and seeks.

use super::chunked::{CHUNK_LEN, ChunkCipher, FRAME_LEN, PREFIX_LEN, plaintext_len};
use super::error::EnvelopeError;
use super::fork::Threads;
use super::io::read_full;
use super::key::EnvelopeKey;
use super::open::opener_for;
use super::padding::{LENGTH_LEN, padded_len};
use super::seal::{START_LEN, StreamOptions};
use crate::format::context::AppContext;
use crate::format::header::{HEADER_LEN, Header};
use crate::primitives::aead::TAG_LEN;
use crate::primitives::secret::Wiped;
use core::ops::Range;
use std::io::{self, Read, Seek, SeekFrom};

/// The most frames that an [`EnvelopeReader`] fetches at once: 1 MiB.
const MAX_WINDOW: u64 = 64;

/// An envelope of which header and commitment are right, but not yet how long
/// it is.
#[derive(Debug)]
pub struct RangeStart {
    cipher: ChunkCipher,
    padded: bool,
    envelope_len: u64,
    /// What the chunks hold together, padding included.
    total: u64,
}

impl RangeStart {
    /// `start` are the first 82 bytes, `envelope_len` is how long the envelope
    /// is said to be.
    ///
    /// # Errors
    /// Those of [`EnvelopeError`] that concern header, context, commitment and
    /// length.
    pub fn new(
        key: &EnvelopeKey,
        start: &[u8],
        envelope_len: u64,
        context: Option<&AppContext>,
    ) -> Result<Self, EnvelopeError> {
        let header = Header::decode(start)?;
        key.check_header(&header, context)?;
        let prefix = start
            .get(HEADER_LEN..)
            .and_then(|it| it.first_chunk::<PREFIX_LEN>())
            .ok_or(EnvelopeError::Truncated)?;
        let frames_len = envelope_len
            .checked_sub(START_LEN as u64)
            .ok_or(EnvelopeError::Truncated)?;
        let opener = opener_for(prefix, |salt| key.message_keys(&header, context, salt))?;
        let (cipher, _) = opener.into_parts();
        Ok(Self {
            cipher,
            padded: header.padded,
            envelope_len,
            total: plaintext_len(frames_len)?,
        })
    }

    /// Where the last frame is. It is short, and a short frame authenticates
    /// only as the last one, under its own number: opening it proves how long
    /// the envelope is.
    #[must_use]
    pub fn last_frame(&self) -> Range<u64> {
        let number = self.total / CHUNK_LEN as u64;
        START_LEN as u64 + number * FRAME_LEN as u64..self.envelope_len
    }

    /// Where the first frame is, if the envelope is padded: the true length is
    /// in it. It may be the last one.
    #[must_use]
    pub fn first_frame(&self) -> Option<Range<u64>> {
        let start = START_LEN as u64;
        let end = self.envelope_len.min(start + FRAME_LEN as u64);
        self.padded.then_some(start..end)
    }

    /// `last` and `first` are the bytes at [`Self::last_frame`] and
    /// [`Self::first_frame`].
    ///
    /// # Errors
    /// [`EnvelopeError::ChunkUnauthentic`] for altered bytes or a wrong length,
    /// [`EnvelopeError::PaddingInvalid`]; [`EnvelopeError::Truncated`] for
    /// fewer bytes than there must be.
    pub fn confirm(
        self,
        last: &mut [u8],
        first: Option<&mut [u8]>,
    ) -> Result<RangeOpener, EnvelopeError> {
        let number = self.total / CHUNK_LEN as u64;
        let expected = self.last_frame();
        if last.len() as u64 != expected.end - expected.start {
            return Err(EnvelopeError::Truncated);
        }
        self.cipher.open_chunk(number, last)?;
        let mut data = 0..self.total;
        if self.padded {
            let first = first.ok_or(EnvelopeError::Truncated)?;
            let chunk = self.cipher.open_chunk(0, first)?;
            let length = chunk
                .first_chunk::<LENGTH_LEN>()
                .ok_or(EnvelopeError::PaddingInvalid)?;
            let length = u64::from_be_bytes(*length);
            if padded_len(length) != Some(self.total) {
                return Err(EnvelopeError::PaddingInvalid);
            }
            data = LENGTH_LEN as u64..LENGTH_LEN as u64 + length;
        }
        Ok(RangeOpener {
            cipher: self.cipher,
            envelope_len: self.envelope_len,
            data,
        })
    }
}

/// Opens any part of one envelope, chunk by chunk. Its commitment and its length
/// have been verified.
#[derive(Debug)]
pub struct RangeOpener {
    cipher: ChunkCipher,
    envelope_len: u64,
    /// Where the data is in what the chunks hold together.
    data: Range<u64>,
}

/// Which chunks cover a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cover {
    /// The bytes of the envelope that are needed: whole frames.
    pub envelope: Range<u64>,
    /// The number of the first of these frames.
    first: u64,
    /// Which part of their chunks is wanted, put together.
    wanted: Range<usize>,
}

impl Cover {
    /// How many chunks there are to fetch.
    #[must_use]
    pub fn chunks(&self) -> u64 {
        (self.envelope.end - self.envelope.start).div_ceil(FRAME_LEN as u64)
    }
}

impl RangeOpener {
    /// How many bytes of data there are in the envelope.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.data.end - self.data.start
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// The frames that `range` of the data is in, no more and no fewer; none for
    /// an empty range. What lies beyond the end is left out.
    ///
    /// # Errors
    /// [`EnvelopeError::TooLong`] if this machine can't address so much.
    pub fn covering(&self, range: Range<u64>) -> Result<Cover, EnvelopeError> {
        let end = range.end.min(self.len());
        let start = range.start.min(end);
        let frame = FRAME_LEN as u64;
        let chunk = CHUNK_LEN as u64;
        let (from, to) = (self.data.start + start, self.data.start + end);
        let (first, behind) = match start == end {
            true => (0, 0),
            false => (from / chunk, to.div_ceil(chunk)),
        };
        let place = |number: u64| (START_LEN as u64 + number * frame).min(self.envelope_len);
        let offset = usize::try_from(from - first * chunk).map_err(|_| EnvelopeError::TooLong);
        let len = usize::try_from(to - from).map_err(|_| EnvelopeError::TooLong)?;
        let offset = if len == 0 { 0 } else { offset? };
        let end = offset.checked_add(len).ok_or(EnvelopeError::TooLong)?;
        Ok(Cover {
            envelope: place(first)..place(behind),
            first,
            wanted: offset..end,
        })
    }

    /// All the data that is in the chunks that cover `range`.
    #[must_use]
    pub fn widened(&self, range: Range<u64>) -> Range<u64> {
        let chunk = CHUNK_LEN as u64;
        let end = range.end.min(self.len());
        let start = range.start.min(end);
        if start == end {
            return start..end;
        }
        let from = (self.data.start + start) / chunk * chunk;
        let to = (self.data.start + end).div_ceil(chunk) * chunk;
        from.max(self.data.start) - self.data.start..to.min(self.data.end) - self.data.start
    }

    /// Opens `frames`, the bytes at [`Cover::envelope`], in place and gives the
    /// data that is wanted. If any of them is not authentic, nothing is given.
    ///
    /// # Errors
    /// [`EnvelopeError::ChunkUnauthentic`]; [`EnvelopeError::Truncated`] for
    /// fewer or more bytes than asked for.
    pub fn open<'a>(
        &self,
        cover: &Cover,
        frames: &'a mut [u8],
        threads: Threads,
    ) -> Result<&'a [u8], EnvelopeError> {
        if frames.len() as u64 != cover.envelope.end - cover.envelope.start {
            return Err(EnvelopeError::Truncated);
        }
        let (_, opened) = self.cipher.open_frames(cover.first, frames, threads);
        opened?;
        // The chunks are moved together, over the tags between them.
        let mut len = 0;
        let mut at = 0;
        while at < frames.len() {
            let end = (at + FRAME_LEN).min(frames.len()) - TAG_LEN;
            frames.copy_within(at..end, len);
            len += end - at;
            at += FRAME_LEN;
        }
        frames
            .get(cover.wanted.clone())
            .filter(|_| cover.wanted.end <= len)
            .ok_or(EnvelopeError::Truncated)
    }
}

/// The data of an envelope as something that reads and seeks. It fetches the
/// chunks that are read and no others, and gives only what is authentic.
///
/// In memory it holds what was fetched last: at most 64 frames, 1,049,600 bytes.
pub struct EnvelopeReader<S: Read + Seek> {
    source: S,
    opener: RangeOpener,
    threads: Threads,
    position: u64,
    /// Data that was opened, and where in the envelope's data it begins.
    window: Wiped,
    window_at: u64,
    /// What of the window is data.
    window_data: Range<usize>,
}

impl<S: Read + Seek> core::fmt::Debug for EnvelopeReader<S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("EnvelopeReader(..)")
    }
}

impl<S: Read + Seek> EnvelopeReader<S> {
    /// `source` is an envelope from its first byte to its last. Checks header
    /// and commitment, then the length, before anything can be read.
    ///
    /// # Errors
    /// [`EnvelopeError::Io`], and those of [`RangeStart`].
    pub fn new(
        key: &EnvelopeKey,
        mut source: S,
        options: &StreamOptions<'_>,
    ) -> Result<Self, EnvelopeError> {
        let envelope_len = source.seek(SeekFrom::End(0))?;
        let start_len = envelope_len.min(START_LEN as u64);
        let start = fetch(&mut source, &(0..start_len))?;
        let start = RangeStart::new(key, &start, envelope_len, options.context)?;
        let mut last = fetch(&mut source, &start.last_frame())?;
        let mut first = match start.first_frame() {
            Some(place) => Some(fetch(&mut source, &place)?),
            None => None,
        };
        let opener = start.confirm(&mut last, first.as_deref_mut())?;
        Ok(Self {
            source,
            opener,
            threads: options.threads,
            position: 0,
            window: Wiped::default(),
            window_at: 0,
            window_data: 0..0,
        })
    }

    /// How many bytes of data there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.opener.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.opener.is_empty()
    }

    /// The chunks from the position on that hold the next `wanted` bytes, as far
    /// as one window goes.
    fn load(&mut self, wanted: usize) -> Result<(), EnvelopeError> {
        // What is held must not be given for anything else, should this fail.
        self.window_data = 0..0;
        let most = (MAX_WINDOW - 1) * CHUNK_LEN as u64;
        let end = self.position.saturating_add(most.min(wanted as u64));
        let whole = self.opener.widened(self.position..end);
        let cover = self.opener.covering(whole.clone())?;
        self.window = fetch(&mut self.source, &cover.envelope)?;
        let opened = self.opener.open(&cover, &mut self.window, self.threads)?;
        let len = opened.len();
        self.window_at = whole.start;
        self.window_data = cover.wanted.start..cover.wanted.start + len;
        Ok(())
    }

    /// What of the window lies at the position.
    fn held(&self) -> &[u8] {
        let held = &self.window[self.window_data.clone()];
        let skip = self.position.checked_sub(self.window_at);
        let skip = skip.and_then(|it| usize::try_from(it).ok());
        skip.and_then(|it| held.get(it..)).unwrap_or_default()
    }
}

/// Exactly these bytes of the source.
fn fetch<S: Read + Seek>(source: &mut S, place: &Range<u64>) -> Result<Wiped, EnvelopeError> {
    let len = usize::try_from(place.end.saturating_sub(place.start))
        .map_err(|_| EnvelopeError::TooLong)?;
    source.seek(SeekFrom::Start(place.start))?;
    let mut bytes = Wiped::new(len);
    if read_full(source, &mut bytes)? < len {
        return Err(EnvelopeError::Truncated);
    }
    Ok(bytes)
}

impl<S: Read + Seek> Read for EnvelopeReader<S> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() || self.position >= self.len() {
            return Ok(0);
        }
        if self.held().is_empty() {
            self.load(out.len())?;
        }
        let held = self.held();
        let len = held.len().min(out.len());
        out[..len].copy_from_slice(&held[..len]);
        self.position += len as u64;
        Ok(len)
    }
}

impl<S: Read + Seek> Seek for EnvelopeReader<S> {
    /// Beyond the end there is nothing to read; before the start is an error.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.len().checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
