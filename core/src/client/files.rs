//! Encrypting and decrypting files, in constant memory, on threads of their own.

use super::account::{Account, AccountInner};
use super::cancel::CancelToken;
use super::file_key::off_thread;
use super::options::{FileOptions, Progress};
use super::os_rng;
use super::output::{Unfinished, io_error, sync_name};
use super::session::EncryptionSession;
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::envelope::{EnvelopeKey, open_parallel, seal_parallel};
use plico_protocol::format::header::{HEADER_LEN, Header};
use std::fs::File;
use std::io::{self, Read, Seek};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// When the work on a file ends early.
#[derive(Clone)]
pub(super) struct Stop {
    /// By the app's word.
    cancel: CancelToken,
    /// Because nobody waits any more.
    gone: CancelToken,
}

impl Stop {
    pub(super) fn is_asked_for(&self) -> bool {
        self.cancel.is_cancelled() || self.gone.is_cancelled()
    }
}

struct GoneOnDrop(CancelToken);

impl Drop for GoneOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Runs `work` on a thread. `work` sees whether anybody still waits for it.
pub(super) async fn on_thread<T: Send + 'static>(
    options: &FileOptions,
    work: impl FnOnce(&FileOptions, &Stop) -> Result<T> + Send + 'static,
) -> Result<T> {
    let stop = Stop {
        cancel: options.cancel.clone(),
        gone: CancelToken::new(),
    };
    let _guard = GoneOnDrop(stop.gone.clone());
    let (sender, receiver) = futures_channel::oneshot::channel();
    let (inner, until) = (options.clone(), stop.clone());
    std::thread::Builder::new()
        .name("plico-file".into())
        .spawn(move || {
            // Nobody waits any more: then what was made goes with the message.
            let _ = sender.send(work(&inner, &until));
        })
        .map_err(|error| io_error("no thread could be started", &error))?;
    let made = receiver.await.map_err(|_| ErrorCode::Io)??;
    if stop.is_asked_for() {
        return Err(ErrorCode::Cancelled.into());
    }
    Ok(made)
}

/// Makes a file on a thread and puts it in place. The caller does that last step
/// itself: one who has gone away gets no output.
pub(super) async fn make_file(
    account: &AccountInner,
    options: &FileOptions,
    target: PathBuf,
    work: impl FnOnce(&mut File, &FileOptions, &Stop) -> Result<()> + Send + 'static,
) -> Result<()> {
    let beside = target.clone();
    let made = on_thread(options, move |options, stop| {
        let mut file = Unfinished::beside(&beside)?;
        work(file.file(), options, stop)?;
        file.flush()?;
        Ok(file)
    });
    let placed = async {
        made.await?.publish(&target)?;
        off_thread(move || sync_name(&target)).await?
    };
    account.while_open(placed).await
}

/// Tells the app how far the work is, and the work whether to stop.
pub(super) fn reporter(
    options: &FileOptions,
    stop: &Stop,
    total: u64,
) -> impl FnMut(u64) -> ControlFlow<()> + Send + use<> {
    let on_progress = options.on_progress.clone();
    let stop = stop.clone();
    move |done| {
        if let Some(report) = &on_progress {
            report(Progress { done, total });
        }
        if stop.is_asked_for() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

fn unreadable(error: io::Error) -> Error {
    io_error("the input can't be read", &error)
}

/// An envelope in a file, of which the header has been read.
pub(super) struct SealedFile {
    pub(super) file: File,
    pub(super) header: Header,
    length: u64,
}

impl SealedFile {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut file = File::open(path).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len();
        let mut start = Vec::with_capacity(HEADER_LEN);
        let read = (&mut file).take(HEADER_LEN as u64).read_to_end(&mut start);
        read.map_err(unreadable)?;
        let header = super::encrypt::header_of(&start)?;
        file.rewind().map_err(unreadable)?;
        Ok(Self {
            file,
            header,
            length,
        })
    }

    /// How long the plaintext is, padding included, if the envelope is whole.
    pub(super) fn total(&self) -> u64 {
        let body = self.length.saturating_sub(HEADER_LEN as u64 + 56);
        // Each chunk of 16 KiB has a tag of 16 bytes.
        body - 16 * body.div_ceil(16_400).min(body / 16)
    }
}

impl EncryptionSession {
    /// The key of the envelope with this header, which must be of this session.
    pub(super) async fn key_of(
        &self,
        header: &Header,
        options: &FileOptions,
    ) -> Result<EnvelopeKey> {
        if !self.id.as_bytes().starts_with(&header.session_handle) {
            return Err(ErrorCode::WrongSession.into());
        }
        let key = self.account.key_for(self.id.0, header.epoch);
        Ok(options.cancel.run(key).await?.1)
    }

    /// Encrypts the file `source` into `target`, which appears only when it is
    /// whole and on the disk. An existing `target` is replaced. Memory does not
    /// grow with the file; its length is not hidden.
    ///
    /// # Errors
    /// `IO`, `CANCELLED`, and as [`Self::encrypt`].
    pub async fn encrypt_file(
        &self,
        source: impl AsRef<Path>,
        target: impl AsRef<Path>,
        options: FileOptions,
    ) -> Result<()> {
        let key = options.cancel.run(self.writing_key()).await?;
        let (source, target) = (source.as_ref().to_owned(), target.as_ref().to_owned());
        let account = &self.account.inner;
        make_file(account, &options, target, move |out, options, stop| {
            let file = File::open(source).map_err(unreadable)?;
            let total = file.metadata().map_err(unreadable)?.len();
            let mut report = reporter(options, stop, total);
            let (stream, rng) = (options.whole(), &mut os_rng());
            seal_parallel(&key, file, out, &stream, rng, &mut report)?;
            Ok(())
        })
        .await
    }

    /// Decrypts the file `source` of this session into `target`, which appears
    /// only when every byte is authenticated and on the disk.
    ///
    /// # Errors
    /// `IO`, `CANCELLED`, and as [`Self::decrypt`].
    pub async fn decrypt_file(
        &self,
        source: impl AsRef<Path>,
        target: impl AsRef<Path>,
        options: FileOptions,
    ) -> Result<()> {
        self.account.inner.check_open()?;
        let source = SealedFile::open(source.as_ref())?;
        let key = self.key_of(&source.header, &options).await?;
        decrypt(&self.account, key, source, target.as_ref(), &options).await
    }
}

async fn decrypt(
    account: &Account,
    key: EnvelopeKey,
    source: SealedFile,
    target: &Path,
    options: &FileOptions,
) -> Result<()> {
    let target = target.to_owned();
    make_file(
        &account.inner,
        options,
        target,
        move |out, options, stop| {
            let mut report = reporter(options, stop, source.total());
            open_parallel(&key, source.file, out, &options.whole(), &mut report)?;
            Ok(())
        },
    )
    .await
}

impl Account {
    /// Decrypts a file of any session that this account may open.
    ///
    /// # Errors
    /// As [`EncryptionSession::decrypt_file`].
    pub async fn decrypt_file(
        &self,
        source: impl AsRef<Path>,
        target: impl AsRef<Path>,
        options: FileOptions,
    ) -> Result<()> {
        self.inner.check_open()?;
        let source = SealedFile::open(source.as_ref())?;
        let key = self.key_of(&source.header, &options).await?;
        decrypt(self, key, source, target.as_ref(), &options).await
    }

    /// How much of the file `source`, which may be a part of an envelope, is
    /// authentic: that many of its bytes, from the first on, need not be
    /// downloaded again. Reads the file; writes nothing.
    ///
    /// A whole envelope gives its length. Otherwise the answer is a place to go
    /// on from: what comes after it was not there, or was not right.
    ///
    /// # Errors
    /// `IO`, `CANCELLED`, and as [`Self::decrypt`], for what concerns header,
    /// session and context; damage further on is no error.
    pub async fn authentic_length(
        &self,
        source: impl AsRef<Path>,
        options: FileOptions,
    ) -> Result<u64> {
        self.inner.check_open()?;
        let source = SealedFile::open(source.as_ref())?;
        let key = self.key_of(&source.header, &options).await?;
        let work = on_thread(&options, move |options, stop| {
            let mut opened = 0;
            let mut report = reporter(options, stop, source.total());
            let mut count = |done| {
                opened += 1;
                report(done)
            };
            let (stream, length) = (options.whole(), source.length);
            let sink = io::sink();
            use plico_protocol::envelope::EnvelopeError as E;
            match open_parallel(&key, source.file, sink, &stream, &mut count) {
                Ok(_) => Ok(length),
                Err(E::ChunkUnauthentic(_) | E::Truncated) if opened == 0 => {
                    Ok(length.min(HEADER_LEN as u64 + 56))
                }
                Err(E::ChunkUnauthentic(_) | E::Truncated) => {
                    Ok(HEADER_LEN as u64 + 56 + 16_400 * opened)
                }
                Err(error) => Err(error.into()),
            }
        });
        self.inner.while_open(work).await
    }
}
