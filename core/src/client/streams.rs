//! Encrypting and decrypting streams: pushed, pulled, or pumped from one end to
//! the other, by threads or by the host's own asynchronous I/O.

use super::account::Account;
use super::cancel::CancelToken;
use super::encrypt::header_of;
use super::options::{FileOptions, Progress};
use super::os_rng;
use super::session::EncryptionSession;
use crate::error::{Error, ErrorCode, Result};
use crate::ports::{ByteSink, ByteSource};
use plico_protocol::envelope::{
    EnvelopeError, EnvelopeKey, OpenReader, OpenWriter, SealReader, SealWriter,
};
use plico_protocol::format::header::{HEADER_LEN, Header};
use std::io::{self, Read, Write};

/// The most that is given to a [`ByteSink`] at once.
const PIECE: usize = 256 * 1024;

fn io_failed(error: &io::Error) -> Error {
    Error::new(ErrorCode::Io).with_detail(error.kind().to_string())
}

/// Whether work may go on.
#[derive(Clone)]
struct Gate {
    account: Account,
    cancel: CancelToken,
}

impl Gate {
    fn check(&self) -> Result<()> {
        self.account.inner.check_open()?;
        if self.cancel.is_cancelled() {
            return Err(ErrorCode::Cancelled.into());
        }
        Ok(())
    }
}

macro_rules! stream {
    ($(#[$doc:meta])* $name:ident wraps $inner:ident over $bound:ident) => {
        $(#[$doc])*
        pub struct $name<T: $bound> {
            inner: $inner<T>,
            gate: Gate,
        }

        impl<T: $bound> core::fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

stream! {
    /// Encrypts what is written to it, into the writer that it was made with.
    /// Memory does not grow with the length.
    ///
    /// What was written is an envelope only after [`Self::finish`]. After an
    /// error, or dropped without it, it must be discarded.
    EncryptWriter wraps SealWriter over Write
}
stream! {
    /// Gives the envelope of what the reader that it was made with gives, made
    /// as it is read. Memory does not grow with the length.
    ///
    /// After an error, what it gave is no envelope and must be discarded.
    EncryptReader wraps SealReader over Read
}
stream! {
    /// Decrypts what is written to it, into the writer that it was made with.
    /// Memory does not grow with the length.
    ///
    /// Only what is authentic is written, but that it is all is known only after
    /// [`Self::finish`]. **After an error, or dropped without it, what was
    /// written must be discarded.**
    DecryptWriter wraps OpenWriter over Write
}
stream! {
    /// Gives what is in the envelope that the reader that it was made with
    /// gives. Memory does not grow with the length.
    ///
    /// Only what is authentic is given, but that it is all is known only at the
    /// end. **After an error, what was given must be discarded.**
    DecryptReader wraps OpenReader over Read
}

impl<W: Write> EncryptWriter<W> {
    /// Encrypts what is left and flushes. Gives the writer back.
    ///
    /// # Errors
    /// `IO`, `CANCELLED`, `CLOSED`; `TOO_LARGE` above 4 PiB.
    pub fn finish(self) -> Result<W> {
        self.gate.check()?;
        Ok(self.inner.finish()?)
    }

    /// The writer, say to take out of a `Vec<u8>` what is ready.
    pub fn get_mut(&mut self) -> &mut W {
        self.inner.get_mut()
    }
}

impl<W: Write> DecryptWriter<W> {
    /// To be called at the end of the envelope: says whether it was whole.
    /// Gives the writer back, flushed.
    ///
    /// # Errors
    /// As [`EncryptionSession::decrypt`]; `IO`, `CANCELLED`, `CLOSED`.
    pub fn finish(self) -> Result<W> {
        self.gate.check()?;
        Ok(self.inner.finish()?)
    }

    /// The writer, say to take out of a `Vec<u8>` what is ready.
    pub fn get_mut(&mut self) -> &mut W {
        self.inner.get_mut()
    }
}

impl<W: Write> Write for EncryptWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.gate.check().map_err(io::Error::other)?;
        self.inner.write(bytes).map_err(public)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<W: Write> Write for DecryptWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.gate.check().map_err(io::Error::other)?;
        self.inner.write(bytes).map_err(public)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: Read> Read for EncryptReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.gate.check().map_err(io::Error::other)?;
        self.inner.read(out).map_err(public)
    }
}

impl<R: Read> Read for DecryptReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.gate.check().map_err(io::Error::other)?;
        self.inner.read(out).map_err(public)
    }
}

/// With the error of this crate inside, so that its code can be had.
pub(super) fn public(error: io::Error) -> io::Error {
    let kind = error.kind();
    io::Error::new(kind, Error::from(EnvelopeError::from(error)))
}

impl EncryptionSession {
    fn gate(&self, options: &FileOptions) -> Gate {
        self.account.gate(options)
    }

    /// Something to write to: what is written comes out encrypted at `writer`.
    ///
    /// Of `options`, it looks at the context, the threads and the token.
    ///
    /// # Errors
    /// `IO`, `CANCELLED`, and as [`Self::encrypt`].
    pub async fn encrypt_writer<W: Write>(
        &self,
        writer: W,
        options: FileOptions,
    ) -> Result<EncryptWriter<W>> {
        let key = options.cancel.run(self.writing_key()).await?;
        let inner = SealWriter::new(&key, writer, &options.part(), &mut os_rng())?;
        let gate = self.gate(&options);
        Ok(EncryptWriter { inner, gate })
    }

    /// Something to read from: the envelope of what `reader` gives.
    ///
    /// Of `options`, it looks at the context, the threads and the token.
    ///
    /// # Errors
    /// `CANCELLED`, and as [`Self::encrypt`].
    pub async fn encrypt_reader<R: Read>(
        &self,
        reader: R,
        options: FileOptions,
    ) -> Result<EncryptReader<R>> {
        let key = options.cancel.run(self.writing_key()).await?;
        let inner = SealReader::new(&key, reader, &options.part(), &mut os_rng())?;
        let gate = self.gate(&options);
        Ok(EncryptReader { inner, gate })
    }

    /// Encrypts all of `source` into `sink`, and says how many bytes of data
    /// that were. It encrypts on whatever polls this.
    ///
    /// # Errors
    /// `IO` if the source or the sink fails, `CANCELLED`, and as
    /// [`Self::encrypt`]. Then the sink was not finished.
    pub async fn encrypt_stream(
        &self,
        source: &mut dyn ByteSource,
        sink: &mut dyn ByteSink,
        options: FileOptions,
    ) -> Result<u64> {
        let work = async {
            let mut writer = self.encrypt_writer(Vec::new(), options.clone()).await?;
            let mut done = 0;
            loop {
                let bytes = source.read().await.map_err(|error| io_failed(&error))?;
                if bytes.is_empty() {
                    break;
                }
                for piece in bytes.chunks(PIECE) {
                    writer.write_all(piece).map_err(|it| Error::from_io(&it))?;
                    done += piece.len() as u64;
                    give(sink, writer.get_mut()).await?;
                    told(&options, done);
                }
            }
            give(sink, &mut writer.finish()?).await?;
            finish(sink).await?;
            Ok(done)
        };
        let work = options.cancel.run(work);
        self.account.inner.while_open(work).await
    }
}

/// What is ready goes to the sink, which takes the memory over.
async fn give(sink: &mut dyn ByteSink, ready: &mut Vec<u8>) -> Result<()> {
    if ready.is_empty() {
        return Ok(());
    }
    let taken = sink.write(std::mem::take(ready)).await;
    taken.map_err(|error| io_failed(&error))
}

async fn finish(sink: &mut dyn ByteSink) -> Result<()> {
    sink.finish().await.map_err(|error| io_failed(&error))
}

fn told(options: &FileOptions, done: u64) {
    if let Some(report) = &options.on_progress {
        report(Progress { done, total: 0 });
    }
}

impl Account {
    /// The key of the envelope with this header, in whatever session it is.
    pub(super) async fn key_of(
        &self,
        header: &Header,
        options: &FileOptions,
    ) -> Result<EnvelopeKey> {
        let id = options.cancel.run(self.find(header)).await?;
        let key = options.cancel.run(self.key_for(id, header.epoch)).await?;
        Ok(key.1)
    }

    fn gate(&self, options: &FileOptions) -> Gate {
        Gate {
            account: self.clone(),
            cancel: options.cancel.clone(),
        }
    }

    /// Something to write the envelope to that begins with `header`: what is in
    /// it comes out at `writer`. `header` is at least the first 26 bytes; all of
    /// the envelope must be written, these bytes too.
    ///
    /// Of `options`, it looks at the context, the threads and the token.
    ///
    /// # Errors
    /// `CANCELLED`, and as [`EncryptionSession::decrypt`].
    pub async fn decrypt_writer<W: Write>(
        &self,
        header: &[u8],
        writer: W,
        options: FileOptions,
    ) -> Result<DecryptWriter<W>> {
        self.inner.check_open()?;
        let key = self.key_of(&header_of(header)?, &options).await?;
        let inner = OpenWriter::new(&key, writer, &options.part());
        let gate = self.gate(&options);
        Ok(DecryptWriter { inner, gate })
    }

    /// Something to read from: what is in the envelope that `reader` gives. The
    /// first 82 bytes are read at once, on whatever polls this.
    ///
    /// Of `options`, it looks at the context, the threads and the token.
    ///
    /// # Errors
    /// `IO`, `CANCELLED`, and as [`EncryptionSession::decrypt`].
    pub async fn decrypt_reader<R: Read>(
        &self,
        mut reader: R,
        options: FileOptions,
    ) -> Result<DecryptReader<impl Read + use<R>>> {
        self.inner.check_open()?;
        let mut start = Vec::with_capacity(HEADER_LEN);
        let read = (&mut reader)
            .take(HEADER_LEN as u64)
            .read_to_end(&mut start);
        read.map_err(|error| io_failed(&error))?;
        let key = self.key_of(&header_of(&start)?, &options).await?;
        let whole = io::Cursor::new(start).chain(reader);
        let inner = OpenReader::new(&key, whole, &options.part())?;
        let gate = self.gate(&options);
        Ok(DecryptReader { inner, gate })
    }

    /// Decrypts all of `source` into `sink`, and says how many bytes of data
    /// that were. It decrypts on whatever polls this.
    ///
    /// # Errors
    /// `IO` if the source or the sink fails, `CANCELLED`, and as
    /// [`EncryptionSession::decrypt`]. Then the sink was not finished, and what
    /// it was given must be discarded.
    pub async fn decrypt_stream(
        &self,
        source: &mut dyn ByteSource,
        sink: &mut dyn ByteSink,
        options: FileOptions,
    ) -> Result<u64> {
        let work = async {
            let mut start = Vec::new();
            while start.len() < HEADER_LEN {
                let bytes = source.read().await.map_err(|error| io_failed(&error))?;
                if bytes.is_empty() {
                    break;
                }
                start.extend_from_slice(&bytes);
            }
            let opening = self.decrypt_writer(&start, Vec::new(), options.clone());
            let (mut writer, mut bytes, mut done) = (opening.await?, start, 0);
            while !bytes.is_empty() {
                for piece in bytes.chunks(PIECE) {
                    writer.write_all(piece).map_err(|it| Error::from_io(&it))?;
                    done += writer.get_mut().len() as u64;
                    give(sink, writer.get_mut()).await?;
                    told(&options, done);
                }
                bytes = source.read().await.map_err(|error| io_failed(&error))?;
            }
            let mut rest = writer.finish()?;
            done += rest.len() as u64;
            give(sink, &mut rest).await?;
            finish(sink).await?;
            Ok(done)
        };
        let work = options.cancel.run(work);
        self.inner.while_open(work).await
    }
}
