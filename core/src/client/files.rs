//! Encrypting and decrypting files, in constant memory, on a thread of their own.

use super::account::Account;
use super::cancel::CancelToken;
use super::ids::SessionId;
use super::options::{FileOptions, Progress};
use super::os_rng;
use super::session::EncryptionSession;
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::envelope::{
    EnvelopeError, EnvelopeKey, StreamPadding, open_stream, seal_stream,
};
use plico_protocol::format::header::{HEADER_LEN, Header};
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek};
use std::ops::ControlFlow;
use std::path::Path;
use tempfile::NamedTempFile;

const BUFFER: usize = 256 * 1024;

fn io_error(what: &str, error: &std::io::Error) -> Error {
    // The path may name a person; the kind does not.
    Error::new(ErrorCode::Io).with_detail(format!("{what}: {}", error.kind()))
}

/// When the work on a file ends early.
#[derive(Clone)]
struct Stop {
    /// By the app's word.
    cancel: CancelToken,
    /// Because nobody waits any more.
    gone: CancelToken,
}

impl Stop {
    fn is_asked_for(&self) -> bool {
        self.cancel.is_cancelled() || self.gone.is_cancelled()
    }
}

struct GoneOnDrop(CancelToken);

impl Drop for GoneOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Runs `work` on a thread and puts the file that it has made in place. The
/// caller does that last step itself: one who has gone away gets no output.
async fn on_thread(
    options: &FileOptions,
    target: &Path,
    work: impl FnOnce(&FileOptions, &Stop) -> Result<NamedTempFile> + Send + 'static,
) -> Result<()> {
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
            // Nobody waits any more: then the file goes with the message.
            let _ = sender.send(work(&inner, &until));
        })
        .map_err(|error| io_error("no thread could be started", &error))?;
    let made = receiver.await.map_err(|_| Error::new(ErrorCode::Io))?;
    let file = made?;
    if stop.is_asked_for() {
        return Err(ErrorCode::Cancelled.into());
    }
    file.persist(target)
        .map_err(|error| io_error("the output can't be put in place", &error.error))?;
    Ok(())
}

/// Writes a temporary file beside `target`, whole and flushed to the disk.
fn write_whole(
    target: &Path,
    work: impl FnOnce(&mut BufWriter<&mut File>) -> std::result::Result<u64, EnvelopeError>,
) -> Result<NamedTempFile> {
    let folder = target.parent().filter(|it| !it.as_os_str().is_empty());
    let mut file = tempfile::Builder::new()
        .prefix(".plico-")
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .map_err(|error| io_error("the output can't be created", &error))?;
    {
        let mut writer = BufWriter::with_capacity(BUFFER, file.as_file_mut());
        work(&mut writer)?;
        writer
            .into_inner()
            .map_err(|error| io_error("the output can't be written", error.error()))?;
    }
    file.as_file()
        .sync_all()
        .map_err(|error| io_error("the output can't be flushed", &error))?;
    Ok(file)
}

fn reporter(options: &FileOptions, stop: &Stop, total: u64) -> impl FnMut(u64) -> ControlFlow<()> {
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

fn open_input(path: &Path) -> Result<(File, u64)> {
    let failed = |error: std::io::Error| io_error("the input can't be read", &error);
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    Ok((file, length))
}

fn seal_file(
    key: &EnvelopeKey,
    source: &Path,
    target: &Path,
    options: &FileOptions,
    stop: &Stop,
) -> Result<NamedTempFile> {
    let (file, total) = open_input(source)?;
    let mut report = reporter(options, stop, total);
    write_whole(target, |writer| {
        let reader = BufReader::with_capacity(BUFFER, file);
        let context = options.context.as_ref();
        let none = StreamPadding::None;
        seal_stream(
            key,
            reader,
            writer,
            context,
            none,
            &mut os_rng(),
            &mut report,
        )
    })
}

fn open_file(
    key: &EnvelopeKey,
    mut file: File,
    total: u64,
    target: &Path,
    options: &FileOptions,
    stop: &Stop,
) -> Result<NamedTempFile> {
    let rewound = file.rewind();
    rewound.map_err(|error| io_error("the input can't be read", &error))?;
    let mut report = reporter(options, stop, total);
    write_whole(target, |writer| {
        let reader = BufReader::with_capacity(BUFFER, file);
        open_stream(key, reader, writer, options.context.as_ref(), &mut report)
    })
}

fn read_header(file: &mut File) -> Result<Header> {
    let mut bytes = Vec::with_capacity(HEADER_LEN);
    file.take(HEADER_LEN as u64)
        .read_to_end(&mut bytes)
        .map_err(|error| io_error("the input can't be read", &error))?;
    super::encrypt::header_of(&bytes)
}

impl EncryptionSession {
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
        let beside = target.clone();
        let work = on_thread(&options, &target, move |options, stop| {
            seal_file(&key, &source, &beside, options, stop)
        });
        self.account.inner.while_open(work).await
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
        let (mut file, length) = open_input(source.as_ref())?;
        let header = read_header(&mut file)?;
        if !self.id.as_bytes().starts_with(&header.session_handle) {
            return Err(ErrorCode::WrongSession.into());
        }
        self.decrypt_opened(file, length, header, target.as_ref(), options)
            .await
    }

    async fn decrypt_opened(
        &self,
        file: File,
        length: u64,
        header: Header,
        target: &Path,
        options: FileOptions,
    ) -> Result<()> {
        let key = self.account.key_for(self.id.0, header.epoch);
        let (_, key) = options.cancel.run(key).await?;
        let beside = target.to_owned();
        let body = length.saturating_sub(HEADER_LEN as u64 + 56);
        // Each chunk of 16 KiB has a tag of 16 bytes.
        let total = body - 16 * body.div_ceil(16_400).min(body / 16);
        let work = on_thread(&options, target, move |options, stop| {
            open_file(&key, file, total, &beside, options, stop)
        });
        self.account.inner.while_open(work).await
    }
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
        let (mut file, length) = open_input(source.as_ref())?;
        let header = read_header(&mut file)?;
        let id = options.cancel.run(self.find(&header)).await?;
        let session = self.session(SessionId(id));
        session
            .decrypt_opened(file, length, header, target.as_ref(), options)
            .await
    }
}
