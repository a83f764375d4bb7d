//! Encrypted folders of which members are listed and read one by one, by seeking:
//! in a file, or somewhere else of which parts can be fetched.

use super::account::Account;
use super::archive::{self, Member, Members};
use super::fetched::{Fetched, feeding};
use super::files::{SealedFile, Stop, make_file, on_thread, reporter};
use super::options::FileOptions;
use super::ranges::{DecryptSeeker, MAX_FETCH, RangeReader, sought};
use crate::error::{Error, ErrorCode, Result};
use crate::ports::RangedSource;
use core::ops::ControlFlow;
use plico_protocol::envelope::EnvelopeKey;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What is fetched at once while headers are looked for: they are seldom close together.
const HEADERS_AHEAD: u64 = 16 * 1024;

/// A file that several read from, each at its own place.
#[derive(Clone, Debug)]
struct Shared {
    file: Arc<File>,
    position: u64,
}

impl Shared {
    fn new(file: File) -> Self {
        let file = Arc::new(file);
        Self { file, position: 0 }
    }
}

impl Read for Shared {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        #[cfg(unix)]
        let len = std::os::unix::fs::FileExt::read_at(&*self.file, out, self.position)?;
        #[cfg(windows)]
        let len = std::os::windows::fs::FileExt::seek_read(&*self.file, out, self.position)?;
        #[cfg(not(any(unix, windows)))]
        let len = {
            let mut file = &*self.file;
            file.seek(SeekFrom::Start(self.position))?;
            file.read(out)?
        };
        self.position += len as u64;
        Ok(len)
    }
}

impl Seek for Shared {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = sought(to, self.position, self.file.metadata()?.len())?;
        Ok(self.position)
    }
}

/// An encrypted folder of which members are listed, and read one by one, by
/// seeking.
pub struct SealedFolder {
    place: Place,
    account: Account,
    options: FileOptions,
    members: Members,
}

/// Where the envelope is.
enum Place {
    Here(Shared, EnvelopeKey),
    Elsewhere(RangeReader),
}

impl core::fmt::Debug for SealedFolder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SealedFolder({} members)", self.members.all().len())
    }
}

/// The content of one member, as something that reads and seeks.
#[derive(Debug)]
pub struct MemberReader {
    inner: DecryptSeeker<Shared>,
    start: u64,
    size: u64,
    position: u64,
}

impl Read for MemberReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = self.size.saturating_sub(self.position);
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(out.len());
        self.inner
            .seek(SeekFrom::Start(self.start.saturating_add(self.position)))?;
        let len = self.inner.read(&mut out[..most])?;
        if len == 0 && most > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.position += len as u64;
        Ok(len)
    }
}

impl Seek for MemberReader {
    /// Beyond the end there is nothing to read; before the start is an error.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = sought(to, self.position, self.size)?;
        Ok(self.position)
    }
}

impl SealedFolder {
    /// Everything in it, in the order of the archive.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        self.members.all()
    }

    fn member(&self, path: &str) -> Result<&Member> {
        let none = "there is no such file in the folder";
        let found = self.members.file(path);
        found.ok_or_else(|| Error::new(ErrorCode::InvalidArgument).with_detail(none))
    }

    /// Reads the file with this path, without the others, as something that reads and
    /// seeks. Of a folder from [`Account::open_folder`]; of one that is somewhere else,
    /// [`Self::read`] reads.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if there is none, or if the folder is somewhere else; `IO`,
    /// `CLOSED`.
    pub fn reader(&self, path: &str) -> Result<MemberReader> {
        self.account.inner.check_open()?;
        self.content(self.member(path)?)
    }

    fn content(&self, member: &Member) -> Result<MemberReader> {
        let Place::Here(file, key) = &self.place else {
            let elsewhere = "the folder is read from a ranged source: use `read`";
            return Err(Error::new(ErrorCode::InvalidArgument).with_detail(elsewhere));
        };
        Ok(MemberReader {
            inner: self.account.seeker(key, file.clone(), &self.options)?,
            start: member.offset,
            size: member.size,
            position: 0,
        })
    }

    /// The bytes in `range` of the file with this path; what lies beyond its end is
    /// left out. Reads, or fetches, the chunks of 16 KiB that cover them and no others.
    /// All of it is in memory.
    ///
    /// # Errors
    /// As [`RangeReader::read`]; `INVALID_ARGUMENT` if there is no such file.
    pub async fn read(&self, path: &str, range: Range<u64>) -> Result<Vec<u8>> {
        let member = self.member(path)?;
        let end = range.end.min(member.size);
        let start = range.start.min(end);
        let len = usize::try_from(end - start).map_err(|_| ErrorCode::TooLarge)?;
        let truncated = || Error::from(ErrorCode::EnvelopeTruncated);
        if let Place::Elsewhere(reader) = &self.place {
            let place = |at: u64| member.offset.checked_add(at).ok_or_else(truncated);
            let data = reader.read(place(start)?..place(end)?).await?;
            return match data.len() == len {
                true => Ok(data),
                false => Err(truncated()),
            };
        }
        self.account.inner.check_open()?;
        let mut reader = self.content(member)?;
        let work = on_thread(&self.options, move |_, _| {
            let failed = |error: io::Error| Error::from_io(&error);
            let mut data = Zeroizing::new(Vec::new());
            let room = data.try_reserve_exact(len);
            room.map_err(|_| ErrorCode::TooLarge)?;
            reader.seek(SeekFrom::Start(start)).map_err(failed)?;
            let read = reader.take(len as u64).read_to_end(&mut data);
            read.map_err(failed)?;
            Ok(std::mem::take(&mut *data))
        });
        self.account.inner.while_open(work).await
    }

    /// Decrypts the file with this path into `target`, which appears only when
    /// it is whole and on the disk. An existing `target` is replaced.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if there is no such file; `IO`, `CLOSED`, `ENVELOPE_DAMAGED`,
    /// `ENVELOPE_TRUNCATED`, `CANCELLED`.
    pub async fn extract(
        &self,
        path: &str,
        target: impl AsRef<Path>,
        options: FileOptions,
    ) -> Result<()> {
        let member = self.member(path)?;
        let (start, size) = (member.offset, member.size);
        let (account, target) = (&self.account.inner, target.as_ref().to_owned());
        let reader = match &self.place {
            Place::Elsewhere(reader) => reader,
            Place::Here(..) => {
                self.account.inner.check_open()?;
                let content = self.content(member)?;
                return make_file(account, &options, target, move |out, options, stop| {
                    copy_out(content, size, out, options, stop)
                })
                .await;
            }
        };
        let work = feeding(reader, MAX_FETCH, async |mut all: Fetched| {
            make_file(account, &options, target, move |out, options, stop| {
                let failed = |error: io::Error| Error::from_io(&error);
                all.seek(SeekFrom::Start(start)).map_err(failed)?;
                copy_out(all.take(size), size, out, options, stop)
            })
            .await
        });
        options.cancel.run(work).await
    }
}

/// Writes the `size` bytes that `content` gives.
fn copy_out(
    mut content: impl Read,
    size: u64,
    out: &mut File,
    options: &FileOptions,
    stop: &Stop,
) -> Result<()> {
    let mut report = reporter(options, stop, size);
    let told = |done| match report(done) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(ErrorCode::Cancelled.into()),
    };
    archive::copy(&mut content, size, out, Error::from_io, told)
}

impl Account {
    /// Lists what is in an encrypted folder, and then reads members one by one,
    /// by seeking: only the chunks of 16 KiB that hold the archive's headers are
    /// decrypted for the list.
    ///
    /// The list is authentic as far as it goes: every chunk that was read is,
    /// and so is the length of the envelope.
    ///
    /// # Errors
    /// As [`Self::decrypt_folder`].
    pub async fn open_folder(
        &self,
        source: impl AsRef<Path>,
        options: FileOptions,
    ) -> Result<SealedFolder> {
        self.inner.check_open()?;
        let source = SealedFile::open(source.as_ref())?;
        let key = self.key_of(&source.header, &options).await?;
        let (account, lister) = (self.clone(), key.clone());
        let work = on_thread(&options, move |options, _| {
            let file = Shared::new(source.file);
            let mut seeker = account.seeker(&lister, file.clone(), options)?;
            let (listed, seeker) = archive::list(&mut seeker);
            if let Some(error) = seeker.failure() {
                return Err(error);
            }
            Ok((file, listed?))
        });
        let (file, members) = self.inner.while_open(work).await?;
        Ok(SealedFolder {
            place: Place::Here(file, key),
            account: self.clone(),
            options,
            members,
        })
    }

    /// The same for an encrypted folder that is somewhere else, such as in an object
    /// store. The list takes a request of 16 or 32 KiB for each member that is not
    /// small, one after the other.
    ///
    /// # Errors
    /// As [`Self::decrypt_ranges`]; `ARCHIVE_INVALID`.
    pub async fn open_folder_ranges(
        &self,
        source: Arc<dyn RangedSource>,
        options: FileOptions,
    ) -> Result<SealedFolder> {
        let reader = self.decrypt_ranges(source, options.clone()).await?;
        let list = feeding(&reader, HEADERS_AHEAD, async |mut all: Fetched| {
            on_thread(&options, move |_, _| {
                let (listed, all) = archive::list(&mut all);
                all.failure().map_or(listed, Err)
            })
            .await
        });
        let members = options.cancel.run(self.inner.while_open(list)).await?;
        Ok(SealedFolder {
            place: Place::Elsewhere(reader),
            account: self.clone(),
            options,
            members,
        })
    }
}
