//! Parts of an envelope, without the rest: from a file, from anything that reads
//! and seeks, and from a source of ranges that the host supplies.

use super::account::Account;
use super::encrypt::header_of;
use super::options::FileOptions;
use super::streams::public;
use crate::error::{Error, ErrorCode, Result};
use crate::ports::RangedSource;
use plico_protocol::envelope::range::{RangeOpener, RangeStart};
use plico_protocol::envelope::seal::START_LEN;
use plico_protocol::envelope::{EnvelopeKey, EnvelopeReader, Threads};
use plico_protocol::format::header::HEADER_LEN;
use plico_protocol::primitives::secret::Wiped;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The most of an envelope that is asked of a source at once: 4 MiB and tags.
pub(super) const MAX_FETCH: u64 = 256 * 16_384;

fn failed(error: &io::Error) -> Error {
    Error::new(ErrorCode::Io).with_detail(error.kind().to_string())
}

/// Where a seek leads: beyond the end is a place, before the start is none.
#[cfg(all(feature = "folders", not(target_arch = "wasm32")))]
pub(super) fn sought(to: SeekFrom, position: u64, len: u64) -> io::Result<u64> {
    let place = match to {
        SeekFrom::Start(at) => Some(at),
        SeekFrom::End(by) => len.checked_add_signed(by),
        SeekFrom::Current(by) => position.checked_add_signed(by),
    };
    place.ok_or(io::ErrorKind::InvalidInput.into())
}

/// What is in an envelope, as something that reads and seeks. It reads those
/// chunks of 16 KiB that are asked for and no others, and gives only what is
/// authentic. In memory it holds 1 MiB at most.
///
/// Length and position are those of the data.
pub struct DecryptSeeker<S: Read + Seek> {
    inner: EnvelopeReader<S>,
    account: Account,
    failed: Option<Error>,
}

impl<S: Read + Seek> core::fmt::Debug for DecryptSeeker<S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("DecryptSeeker(..)")
    }
}

impl<S: Read + Seek> DecryptSeeker<S> {
    /// How many bytes of data there are. It is proven.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.inner.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// Why reading failed last: some readers keep only half of an error.
    #[cfg(all(feature = "folders", not(target_arch = "wasm32")))]
    pub(super) fn failure(&mut self) -> Option<Error> {
        self.failed.take()
    }
}

impl<S: Read + Seek> Read for DecryptSeeker<S> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.account.inner.check_open().map_err(io::Error::other)?;
        let read = self.inner.read(out).map_err(public);
        self.failed = read.as_ref().err().map(Error::from_io);
        read
    }
}

impl<S: Read + Seek> Seek for DecryptSeeker<S> {
    /// Beyond the end there is nothing to read; before the start is an error.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

/// Reads parts of an envelope that is somewhere else.
pub struct RangeReader {
    source: Arc<dyn RangedSource>,
    opener: RangeOpener,
    account: Account,
    threads: Threads,
}

impl core::fmt::Debug for RangeReader {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("RangeReader(..)")
    }
}

impl RangeReader {
    /// How many bytes of data there are. It is proven.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.opener.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.opener.is_empty()
    }

    /// The data in `range`, in bytes; what lies beyond the end is left out.
    /// Fetches the chunks of 16 KiB that cover it and no others, at most 4 MiB
    /// in one request. All of it is in memory.
    ///
    /// # Errors
    /// `IO` if the source fails; `ENVELOPE_DAMAGED`, `ENVELOPE_TRUNCATED` if it
    /// gives something else than what was sealed; `CLOSED`.
    pub async fn read(&self, range: Range<u64>) -> Result<Vec<u8>> {
        let end = range.end.min(self.len());
        let start = range.start.min(end);
        let room = usize::try_from(end - start).map_err(|_| ErrorCode::TooLarge)?;
        let mut out = Zeroizing::new(Vec::new());
        let reserved = out.try_reserve_exact(room);
        reserved.map_err(|_| ErrorCode::TooLarge)?;
        let work = async {
            let mut at = start;
            while at < end {
                // As far as whole chunks go, so that none is fetched twice.
                let whole = self.opener.widened(at..end.min(at + MAX_FETCH));
                let part = at..end.min(whole.end);
                let cover = self.opener.covering(part.clone())?;
                let mut frames = fetch(&*self.source, cover.envelope.clone()).await?;
                let data = self.opener.open(&cover, &mut frames, self.threads)?;
                out.extend_from_slice(data);
                at = part.end;
            }
            Ok(())
        };
        self.account.inner.while_open(work).await?;
        Ok(std::mem::take(&mut *out))
    }
}

/// Frames that will be opened where they are.
async fn fetch(source: &dyn RangedSource, place: Range<u64>) -> Result<Wiped> {
    let len = place.end.saturating_sub(place.start);
    if len == 0 {
        return Ok(Wiped::default());
    }
    let bytes = source.read(place.start, len).await;
    let bytes = bytes.map_err(|error| failed(&error))?;
    if bytes.len() as u64 != len {
        return Err(Error::new(ErrorCode::EnvelopeTruncated)
            .with_detail("the source gave more or fewer bytes than asked for"));
    }
    Ok(Wiped::from_vec(bytes))
}

impl Account {
    /// Reads and seeks in what is in the envelope that `source` is, from its
    /// first byte to its last. Header, commitment and length are verified before
    /// this returns; they are read on whatever polls this.
    ///
    /// If the envelope is padded, those zeros are verified that are in chunks
    /// which are read.
    ///
    /// # Errors
    /// `IO`, and as [`decrypt`](super::EncryptionSession::decrypt).
    pub async fn decrypt_seeker<S: Read + Seek>(
        &self,
        mut source: S,
        options: FileOptions,
    ) -> Result<DecryptSeeker<S>> {
        self.inner.check_open()?;
        source.rewind().map_err(|error| failed(&error))?;
        let mut start = Vec::with_capacity(HEADER_LEN);
        let read = (&mut source)
            .take(HEADER_LEN as u64)
            .read_to_end(&mut start);
        read.map_err(|error| failed(&error))?;
        let key = self.key_of(&header_of(&start)?, &options).await?;
        self.seeker(&key, source, &options)
    }

    pub(super) fn seeker<S: Read + Seek>(
        &self,
        key: &EnvelopeKey,
        source: S,
        options: &FileOptions,
    ) -> Result<DecryptSeeker<S>> {
        Ok(DecryptSeeker {
            inner: EnvelopeReader::new(key, source, &options.part())?,
            account: self.clone(),
            failed: None,
        })
    }

    /// Reads parts of what is in the envelope that `source` is. Header,
    /// commitment and length are verified before this returns, with two requests,
    /// or three if the envelope is padded.
    ///
    /// # Errors
    /// As [`Self::decrypt_seeker`].
    pub async fn decrypt_ranges(
        &self,
        source: Arc<dyn RangedSource>,
        options: FileOptions,
    ) -> Result<RangeReader> {
        let work = async {
            let length = source.length().await.map_err(|error| failed(&error))?;
            let start = fetch(&*source, 0..length.min(START_LEN as u64)).await?;
            let key = self.key_of(&header_of(&start)?, &options).await?;
            let context = options.context.as_ref();
            let start = RangeStart::new(&key, &start, length, context)?;
            let mut last = fetch(&*source, start.last_frame()).await?;
            let mut first = match start.first_frame() {
                Some(place) => Some(fetch(&*source, place).await?),
                None => None,
            };
            let first = first.as_deref_mut();
            let opener = start.confirm(&mut last, first)?;
            Ok(RangeReader {
                source: source.clone(),
                opener,
                account: self.clone(),
                threads: options.part().threads,
            })
        };
        let work = options.cancel.run(work);
        self.inner.while_open(work).await
    }
}
