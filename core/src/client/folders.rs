//! Whole folders as one envelope: a tar archive, encrypted as it is made and
//! unpacked as it is decrypted, in constant memory.

use super::account::Account;
use super::archive::{self, Member, Plan, refused};
use super::file_key::off_thread;
use super::files::{SealedFile, make_file, on_thread, reporter};
use super::options::FileOptions;
use super::os_rng;
use super::output::{UnfinishedFolder, io_error, sync_name};
use super::ranges::DecryptSeeker;
use super::session::EncryptionSession;
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::envelope::{EnvelopeError, EnvelopeKey, OpenReader, SealWriter};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

impl EncryptionSession {
    /// Encrypts the folder `source`, with all that is in it, into the file
    /// `target`, which appears only when it is whole and on the disk. An
    /// existing `target` is replaced. In the envelope is a tar archive of regular
    /// files and folders: names, sizes and number are hidden, the sum of the
    /// sizes is not. At most 1,000,000 members, whose paths have at most 4,096
    /// bytes in 128 folders.
    ///
    /// Kept are the times of the last change and who may execute a file; not
    /// the owner and the other rights.
    ///
    /// # Errors
    /// As [`Self::encrypt_file`]; `INVALID_ARGUMENT` if the folder holds a link
    /// or something else that is no file, see [`FileOptions::skip_links`], or a
    /// name that is not Unicode; `IO` if a file changes while it is read.
    pub async fn encrypt_folder(
        &self,
        source: impl AsRef<Path>,
        target: impl AsRef<Path>,
        options: FileOptions,
    ) -> Result<()> {
        let key = options.cancel.run(self.writing_key()).await?;
        let (source, target) = (source.as_ref().to_owned(), target.as_ref().to_owned());
        let account = &self.account.inner;
        make_file(account, &options, target, move |out, options, stop| {
            let plan = Plan::new(&source, options.skip_links)?;
            let mut report = reporter(options, stop, plan.total);
            let mut done = 0;
            let mut watch = |len: usize| {
                done += len as u64;
                match report(done) {
                    ControlFlow::Continue(()) => Ok(()),
                    ControlFlow::Break(()) => Err(EnvelopeError::Cancelled.into()),
                }
            };
            let sealer = SealWriter::new(&key, out, &options.whole(), &mut os_rng())?;
            let sealer = plan.write(sealer, &mut watch)?;
            sealer.finish()?;
            Ok(())
        })
        .await
    }
}

/// What a tar archive is read from: it reports, may be stopped, and remembers
/// why it failed, which gets lost on the way through the archive.
struct Watched<R, F> {
    reader: R,
    report: F,
    done: u64,
    failed: Option<Error>,
}

impl<R: Read, F: FnMut(u64) -> ControlFlow<()>> Read for Watched<R, F> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(out).map_err(EnvelopeError::from);
        let read = read.and_then(|len| {
            self.done += len as u64;
            match (self.report)(self.done) {
                ControlFlow::Continue(()) => Ok(len),
                ControlFlow::Break(()) => Err(EnvelopeError::Cancelled),
            }
        });
        read.map_err(|error| {
            self.failed = Some(error.into());
            error.into()
        })
    }
}

/// Unpacks the archive to its end, and the envelope to its.
fn unpack<R: Read, F: FnMut(u64) -> ControlFlow<()>>(
    mut watched: Watched<R, F>,
    folder: &Path,
) -> Result<()> {
    let (unpacked, back) = archive::extract(&mut watched, folder);
    if let Some(error) = back.failed.take() {
        return Err(error);
    }
    unpacked?;
    // Nothing but zeros may follow the archive; and only the end of the
    // envelope says that it was whole.
    let mut rest = [0u8; 8_192];
    loop {
        let len = watched.read(&mut rest);
        let len = len.map_err(|error| watched.failed.take().unwrap_or(Error::from_io(&error)))?;
        if len == 0 {
            return Ok(());
        }
        if rest[..len].iter().any(|it| *it != 0) {
            return Err(refused("something follows the archive"));
        }
    }
}

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
        let position = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.file.metadata()?.len().checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// An encrypted folder of which members are listed, and read one by one, by
/// seeking.
pub struct SealedFolder {
    file: Shared,
    key: EnvelopeKey,
    account: Account,
    options: FileOptions,
    members: Vec<Member>,
}

impl core::fmt::Debug for SealedFolder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SealedFolder({} members)", self.members.len())
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
        let position = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

impl SealedFolder {
    /// Everything in it, in the order of the archive.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    fn member(&self, path: &str) -> Result<&Member> {
        let mut members = self.members.iter();
        let found = members.find(|it| it.path == path && !it.is_folder);
        found.ok_or_else(|| refused("there is no such file in the folder"))
    }

    /// Reads the file with this path, without the others.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if there is none, `IO`, `CLOSED`.
    pub fn reader(&self, path: &str) -> Result<MemberReader> {
        self.account.inner.check_open()?;
        let member = self.member(path)?;
        let file = self.file.clone();
        Ok(MemberReader {
            inner: self.account.seeker(&self.key, file, &self.options)?,
            start: member.offset,
            size: member.size,
            position: 0,
        })
    }

    /// Decrypts the file with this path into `target`, which appears only when
    /// it is whole and on the disk. An existing `target` is replaced.
    ///
    /// # Errors
    /// As [`Self::reader`]; `ENVELOPE_DAMAGED`, `CANCELLED`.
    pub async fn extract(
        &self,
        path: &str,
        target: impl AsRef<Path>,
        options: FileOptions,
    ) -> Result<()> {
        let mut reader = self.reader(path)?;
        let total = reader.size;
        let (account, target) = (&self.account.inner, target.as_ref().to_owned());
        make_file(account, &options, target, move |out, options, stop| {
            let mut report = reporter(options, stop, total);
            let mut buffer = zeroize::Zeroizing::new(vec![0u8; 256 * 1024]);
            let mut done = 0;
            loop {
                let len = reader.read(&mut buffer);
                let len = len.map_err(|error| Error::from_io(&error))?;
                if len == 0 {
                    return Ok(());
                }
                let written = io::Write::write_all(out, &buffer[..len]);
                written.map_err(|error| io_error("the output can't be written", &error))?;
                done += len as u64;
                if report(done).is_break() {
                    return Err(ErrorCode::Cancelled.into());
                }
            }
        })
        .await
    }
}

impl Account {
    /// Decrypts a folder that [`EncryptionSession::encrypt_folder`] made, into
    /// `target`, where there must be nothing yet and which appears only when
    /// every byte is authenticated and on the disk. Files and folders are for
    /// their owner alone.
    ///
    /// Whoever may write to the session may have put anything into the archive:
    /// links, devices, paths that lead out of the folder, two files of one name
    /// and anything after the end are refused, and so is more than
    /// [`EncryptionSession::encrypt_folder`] takes. It is not compressed, so it
    /// can't become larger than the envelope.
    ///
    /// # Errors
    /// As [`Self::decrypt_file`]; `INVALID_ARGUMENT` for such an archive, or if
    /// what is in the envelope is none; `IO` if `target` exists.
    pub async fn decrypt_folder(
        &self,
        source: impl AsRef<Path>,
        target: impl AsRef<Path>,
        options: FileOptions,
    ) -> Result<()> {
        self.inner.check_open()?;
        let source = SealedFile::open(source.as_ref())?;
        let key = self.key_of(&source.header, &options).await?;
        let target = target.as_ref().to_owned();
        let beside = target.clone();
        let made = on_thread(&options, move |options, stop| {
            let folder = UnfinishedFolder::beside(&beside)?;
            let report = reporter(options, stop, source.total());
            let reader = OpenReader::new(&key, source.file, &options.whole())?;
            let watched = Watched {
                reader,
                report,
                done: 0,
                failed: None,
            };
            unpack(watched, folder.path())?;
            Ok(folder)
        });
        let placed = async {
            made.await?.publish(&target)?;
            off_thread(move || sync_name(&target)).await?
        };
        self.inner.while_open(placed).await
    }

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
            file,
            key,
            account: self.clone(),
            options,
            members,
        })
    }
}
