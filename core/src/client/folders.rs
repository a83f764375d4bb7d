//! Whole folders as one envelope: a tar archive, encrypted as it is made and
//! unpacked as it is decrypted, in constant memory.

use super::account::Account;
use super::archive::{self, Plan, refused};
use super::file_key::off_thread;
use super::files::{SealedFile, make_file, on_thread, reporter};
use super::options::FileOptions;
use super::os_rng;
use super::output::{UnfinishedFolder, sync_name};
use super::session::EncryptionSession;
use crate::error::{Error, Result};
use plico_protocol::envelope::{EnvelopeError, OpenReader, SealWriter};
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;

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
    /// As [`Self::decrypt_file`]; `ARCHIVE_INVALID` for such an archive, or if
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
}
