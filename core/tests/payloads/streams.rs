use crate::{Desk, code, data};
use plico::ports::{BoxFuture, ByteSink, ByteSource};
use plico::{Backend, CancelToken, Context, Error, ErrorCode, FileOptions, Suite};
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Gives pieces, then perhaps fails.
struct Pieces {
    bytes: Vec<u8>,
    at: usize,
    piece: usize,
    fails: bool,
}

impl Pieces {
    fn new(bytes: &[u8], piece: usize) -> Self {
        Self {
            bytes: bytes.to_vec(),
            at: 0,
            piece,
            fails: false,
        }
    }
}

impl ByteSource for Pieces {
    fn read(&mut self) -> BoxFuture<'_, io::Result<Vec<u8>>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let end = self.bytes.len().min(self.at + self.piece);
            if self.fails && end == self.bytes.len() {
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            let now = self.bytes[self.at..end].to_vec();
            self.at = end;
            Ok(now)
        })
    }
}

#[derive(Default)]
struct Sink {
    bytes: Vec<u8>,
    finished: bool,
    room: Option<usize>,
}

impl ByteSink for Sink {
    fn write(&mut self, bytes: Vec<u8>) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            // 16 frames for each of three threads.
            assert!(
                bytes.len() <= 48 * 16_400 + 82,
                "in pieces: {}",
                bytes.len()
            );
            if self
                .room
                .is_some_and(|room| self.bytes.len() + bytes.len() > room)
            {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.bytes.extend_from_slice(&bytes);
            Ok(())
        })
    }

    fn finish(&mut self) -> BoxFuture<'_, io::Result<()>> {
        self.finished = true;
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test]
async fn every_way_in_and_out_fits_every_other() {
    for suite in [Suite::ChaCha20Poly1305Sha512, Suite::Aes256GcmSha512] {
        let desk = Desk::with(suite).await;
        let place = Context::raw(b"row 1").unwrap();
        for len in [0, 1, 16_384, 1_000_000] {
            let plain = data(len);
            for threads in [1, 3] {
                let options = || FileOptions::new().context(place.clone()).threads(threads);
                let mut sealed = Vec::new();
                let session = &desk.session;
                let mut writer = session.encrypt_writer(Vec::new(), options()).await.unwrap();
                writer.write_all(&plain).unwrap();
                sealed.push(writer.finish().unwrap());
                let reader = session.encrypt_reader(plain.as_slice(), options()).await;
                let mut out = Vec::new();
                reader.unwrap().read_to_end(&mut out).unwrap();
                sealed.push(out);
                let (mut source, mut sink) = (Pieces::new(&plain, 300_000), Sink::default());
                let done = session.encrypt_stream(&mut source, &mut sink, options());
                assert_eq!(done.await.unwrap(), len as u64);
                assert!(sink.finished);
                sealed.push(sink.bytes);
                std::fs::write(desk.at("in"), &plain).unwrap();
                let done = session.encrypt_file(desk.at("in"), desk.at("sealed"), options());
                done.await.unwrap();
                sealed.push(std::fs::read(desk.at("sealed")).unwrap());
                for envelope in &sealed {
                    assert_eq!(envelope[4], suite.to_byte());
                    opens_every_way(&desk, envelope, &plain, &options).await;
                }
            }
        }
    }
    assert_eq!(Backend::in_use().name(), "AWS-LC", "the tests' features");
}

async fn opens_every_way(
    desk: &Desk,
    envelope: &[u8],
    plain: &[u8],
    options: &dyn Fn() -> FileOptions,
) {
    let account = &desk.account;
    let context = Context::raw(b"row 1").unwrap();
    let opened = account.decrypt(envelope, Some(&context)).await.unwrap();
    assert!(opened.bytes() == plain);
    let writer = account.decrypt_writer(envelope, Vec::new(), options());
    let mut writer = writer.await.unwrap();
    for piece in envelope.chunks(70_000) {
        writer.write_all(piece).unwrap();
    }
    assert!(writer.finish().unwrap() == plain);
    let reader = account.decrypt_reader(envelope, options()).await;
    let mut out = Vec::new();
    reader.unwrap().read_to_end(&mut out).unwrap();
    assert!(out == plain);
    // Pieces shorter than a header, too.
    let piece = if envelope.len() < 1_000 { 7 } else { 90_000 };
    let (mut source, mut sink) = (Pieces::new(envelope, piece), Sink::default());
    let done = account.decrypt_stream(&mut source, &mut sink, options());
    assert_eq!(done.await.unwrap(), plain.len() as u64);
    assert!(sink.finished && sink.bytes == plain);
}

#[tokio::test]
async fn what_fails_is_not_finished() {
    let desk = Desk::new().await;
    let plain = data(2_000_000);
    let envelope = desk.session.encrypt(&plain, None).await.unwrap();
    let broken = |bytes: &[u8]| Pieces {
        fails: true,
        ..Pieces::new(bytes, 100_000)
    };
    let full = || Sink {
        room: Some(700_000),
        ..Sink::default()
    };
    let options = FileOptions::new;
    for (mut source, mut sink) in [
        (broken(&plain), Sink::default()),
        (Pieces::new(&plain, 100_000), full()),
    ] {
        let done = desk
            .session
            .encrypt_stream(&mut source, &mut sink, options());
        assert_eq!(code(done.await), ErrorCode::Io);
        assert!(!sink.finished);
    }
    for (mut source, mut sink) in [
        (broken(&envelope), Sink::default()),
        (Pieces::new(&envelope, 100_000), full()),
    ] {
        let done = desk
            .account
            .decrypt_stream(&mut source, &mut sink, options());
        assert_eq!(code(done.await), ErrorCode::Io);
        assert!(!sink.finished && plain.starts_with(&sink.bytes));
    }
    let mut wrong = envelope.clone();
    *wrong.last_mut().unwrap() ^= 1;
    let cases: [(&[u8], ErrorCode); 4] = [
        (&wrong, ErrorCode::EnvelopeDamaged),
        (&envelope[..82 + 3 * 16_400], ErrorCode::EnvelopeTruncated),
        (&envelope[..20], ErrorCode::NotAnEnvelope),
        (&[], ErrorCode::NotAnEnvelope),
    ];
    for (bytes, expected) in cases {
        let (mut source, mut sink) = (Pieces::new(bytes, 99_999), Sink::default());
        let done = desk
            .account
            .decrypt_stream(&mut source, &mut sink, options());
        assert_eq!(code(done.await), expected);
        assert!(!sink.finished && plain.starts_with(&sink.bytes));
        let Ok(mut reader) = desk.account.decrypt_reader(bytes, options()).await else {
            continue;
        };
        let mut out = Vec::new();
        let error = reader.read_to_end(&mut out).unwrap_err();
        assert_eq!(Error::from_io(&error).code(), expected);
        assert!(plain.starts_with(&out));
    }
}

#[tokio::test]
async fn cancelled_and_closed_streams_end() {
    let desk = Desk::new().await;
    let plain = data(3_000_000);
    let token = CancelToken::new();
    let (stop, done) = (token.clone(), Arc::new(AtomicU64::new(0)));
    let seen = done.clone();
    let options = FileOptions::new()
        .cancel(token)
        .on_progress(move |progress| {
            assert_eq!(progress.total, 0);
            seen.store(progress.done, Ordering::SeqCst);
            if progress.done > 1_000_000 {
                stop.cancel();
            }
        });
    let (mut source, mut sink) = (Pieces::new(&plain, 65_536), Sink::default());
    let work = desk.session.encrypt_stream(&mut source, &mut sink, options);
    assert_eq!(code(work.await), ErrorCode::Cancelled);
    assert!(!sink.finished && done.load(Ordering::SeqCst) < 1_200_000);

    let token = CancelToken::new();
    let options = FileOptions::new().cancel(token.clone());
    let writer = desk.session.encrypt_writer(Vec::new(), options).await;
    let mut writer = writer.unwrap();
    writer.write_all(&plain).unwrap();
    token.cancel();
    let error = writer.write_all(b"more").unwrap_err();
    assert_eq!(Error::from_io(&error).code(), ErrorCode::Cancelled);
    assert_eq!(code(writer.finish()), ErrorCode::Cancelled);

    let options = FileOptions::new();
    let reader = desk.session.encrypt_reader(plain.as_slice(), options).await;
    let mut reader = reader.unwrap();
    reader.read_exact(&mut [0; 500]).unwrap();
    desk.account.close();
    let error = reader.read(&mut [0; 500]).unwrap_err();
    assert_eq!(Error::from_io(&error).code(), ErrorCode::Closed);
}
