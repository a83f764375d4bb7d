//! The ways to seal and open are one format: in bytes and streams, pushed and
//! pulled, on one thread and on several, whole and in parts, by each back end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{TestRng, data};
use core::ops::ControlFlow;
use plico_protocol::envelope::{
    EnvelopeError, EnvelopeKey, EnvelopeReader, OpenReader, OpenWriter, Padding, SealReader,
    SealWriter, StreamOptions, StreamPadding, Threads, open, open_on, open_parallel, seal, seal_on,
    seal_parallel,
};
use plico_protocol::format::context::AppContext;
use plico_protocol::format::header::{HEADER_LEN, Header};
use plico_protocol::format::suite::Suite;
use plico_protocol::primitives::aead::Backend;
use plico_protocol::primitives::secret::Secret;
use std::io::{self, Cursor, ErrorKind, Read, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicUsize, Ordering};

const CHUNK: usize = 16_384;
const FRAME: usize = CHUNK + 16;
/// Around the ends of chunks, of the first batches (1, 4 and 16 chunks), and
/// of two full ones.
const SIZES: [usize; 12] = [
    0,
    1,
    CHUNK - 9,
    CHUNK - 8,
    CHUNK - 1,
    CHUNK,
    CHUNK + 1,
    3 * CHUNK,
    5 * CHUNK + 5,
    21 * CHUNK,
    37 * CHUNK - 8,
    70 * CHUNK + 77,
];

fn key(suite: Suite) -> EnvelopeKey {
    EnvelopeKey::new(Secret::new(&mut [7; 32]), [1; 32], [2; 32], 5, suite)
}

fn go_on(_: u64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn options(padding: Padding, length: usize, threads: usize) -> StreamOptions<'static> {
    let length = length as u64;
    StreamOptions {
        padding: match padding {
            Padding::None => StreamPadding::None,
            Padding::Padme => StreamPadding::Padme { length },
        },
        threads: Threads::new(threads),
        ..StreamOptions::default()
    }
}

/// Gives and takes at most so many bytes at a time.
struct Pieces<T>(T, usize);

impl<T: Read> Read for Pieces<T> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let len = out.len().min(self.1);
        self.0.read(&mut out[..len])
    }
}

impl<T: Write> Write for Pieces<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(&bytes[..bytes.len().min(self.1)])
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[test]
fn every_way_to_seal_gives_the_same_envelope() {
    for (suite, backend) in Suite::ALL.into_iter().zip(Backend::ALL.iter().cycle()) {
        let key = key(suite).on_backend(*backend);
        for size in SIZES {
            for padding in [Padding::None, Padding::Padme] {
                let plain = data(size);
                let rng = || TestRng(9);
                let envelope = seal(&key, &plain, None, padding, &mut rng()).unwrap();
                for other in Backend::ALL {
                    let key = key.clone().on_backend(*other);
                    let threads = Threads::new(3);
                    let same = seal_on(&key, &plain, None, padding, &mut rng(), threads);
                    assert!(same.unwrap() == envelope, "{suite:?} {other} {size}");
                }
                for threads in [1, 2, 5] {
                    let options = options(padding, size, threads);
                    let mut out = Vec::new();
                    let reader = Pieces(plain.as_slice(), 9_999);
                    let writer = Pieces(&mut out, 7_777);
                    let read =
                        seal_parallel(&key, reader, writer, &options, &mut rng(), &mut go_on);
                    assert_eq!(read, Ok(size as u64));
                    assert!(out == envelope, "{threads} threads, {size} bytes");

                    let mut pushed =
                        SealWriter::new(&key, Vec::new(), &options, &mut rng()).unwrap();
                    for piece in plain.chunks(10_001) {
                        pushed.write_all(piece).unwrap();
                    }
                    assert_eq!(pushed.taken(), size as u64);
                    assert!(pushed.finish().unwrap() == envelope, "pushed, {size} bytes");

                    let reader = plain.as_slice();
                    let mut pulled = SealReader::new(&key, reader, &options, &mut rng()).unwrap();
                    let mut out = Vec::new();
                    io::copy(&mut Pieces(&mut pulled, 8_191), &mut out).unwrap();
                    assert!(out == envelope, "pulled, {size} bytes");
                }
            }
        }
    }
}

#[test]
fn every_way_to_open_gives_the_same_data() {
    for (suite, backend) in Suite::ALL.into_iter().zip(Backend::ALL.iter().cycle()) {
        let key = key(suite);
        for size in SIZES {
            for padding in [Padding::None, Padding::Padme] {
                let plain = data(size);
                let envelope = seal(&key, &plain, None, padding, &mut TestRng(9)).unwrap();
                let key = key.clone().on_backend(*backend);
                assert!(*open(&key, &envelope, None).unwrap() == plain);
                let header = Header::decode(&envelope).unwrap();
                for threads in [1, 2, 5] {
                    let options = options(padding, size, threads);
                    let message = &envelope[HEADER_LEN..];
                    let opened = open_on(&key, &header, message, None, options.threads);
                    assert!(*opened.unwrap() == plain, "{threads} threads, {size} bytes");

                    let mut out = Vec::new();
                    let reader = Pieces(envelope.as_slice(), 9_999);
                    let writer = Pieces(&mut out, 7_777);
                    let written = open_parallel(&key, reader, writer, &options, &mut go_on);
                    assert_eq!(written, Ok(size as u64));
                    assert!(out == plain, "{threads} threads, {size} bytes");

                    let mut pushed = OpenWriter::new(&key, Vec::new(), &options);
                    for piece in envelope.chunks(10_001) {
                        pushed.write_all(piece).unwrap();
                    }
                    assert!(pushed.finish().unwrap() == plain, "pushed, {size} bytes");

                    let reader = envelope.as_slice();
                    let mut pulled = OpenReader::new(&key, reader, &options).unwrap();
                    let mut out = Vec::new();
                    io::copy(&mut Pieces(&mut pulled, 8_191), &mut out).unwrap();
                    assert!(out == plain, "pulled, {size} bytes");

                    let source = Cursor::new(&envelope);
                    let mut sought = EnvelopeReader::new(&key, source, &options).unwrap();
                    assert_eq!(sought.len(), size as u64);
                    let mut out = Vec::new();
                    sought.read_to_end(&mut out).unwrap();
                    assert!(out == plain, "sought, {size} bytes");
                }
            }
        }
    }
}

/// Counts the bytes that are read, and remembers nothing else.
struct Counting<'a>(Cursor<&'a [u8]>, &'a AtomicUsize);

impl Read for Counting<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let len = self.0.read(out)?;
        self.1.fetch_add(len, Ordering::SeqCst);
        Ok(len)
    }
}

impl Seek for Counting<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn a_range_reads_the_chunks_that_cover_it_and_no_others() {
    let key = key(Suite::default());
    let plain = data(40 * CHUNK + 123);
    for padding in [Padding::None, Padding::Padme] {
        let envelope = seal(&key, &plain, None, padding, &mut TestRng(9)).unwrap();
        let before = if padding == Padding::None { 0 } else { 8 };
        let read = AtomicUsize::new(0);
        let source = Counting(Cursor::new(&envelope), &read);
        let mut reader = EnvelopeReader::new(&key, source, &StreamOptions::default()).unwrap();
        let last = (envelope.len() - 82) % FRAME;
        let first = if before == 0 { 0 } else { FRAME };
        assert_eq!(read.swap(0, Ordering::SeqCst), 82 + last + first);
        let mut random = 12_345u64;
        for _ in 0..200 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let start = (random >> 33) as usize % plain.len();
            let len = 1 + (random >> 20) as usize % (3 * CHUNK);
            let end = plain.len().min(start + len);
            reader.seek(SeekFrom::Start(0)).unwrap();
            reader.seek(SeekFrom::Current(start as i64)).unwrap();
            let mut out = vec![0; end - start];
            reader.read_exact(&mut out).unwrap();
            assert!(out == plain[start..end], "{start}..{end}");
            let chunks = (before + end).div_ceil(CHUNK) - (before + start) / CHUNK;
            let all = chunks * FRAME;
            let got = read.swap(0, Ordering::SeqCst);
            assert!(got <= all, "{got} bytes for {chunks} chunks");
        }
        // Small reads in order fetch every chunk once.
        reader.seek(SeekFrom::Start(0)).unwrap();
        read.store(0, Ordering::SeqCst);
        let mut out = Vec::new();
        io::copy(&mut Pieces(&mut reader, 1_000), &mut out).unwrap();
        assert!(out == plain);
        assert!(read.load(Ordering::SeqCst) <= envelope.len() - 82);
        // Where there is nothing.
        assert_eq!(
            reader.seek(SeekFrom::End(5)).unwrap(),
            plain.len() as u64 + 5
        );
        assert_eq!(reader.read(&mut [0; 9]).unwrap(), 0);
        let error = reader.seek(SeekFrom::End(-(plain.len() as i64) - 1));
        assert_eq!(error.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(
            reader.seek(SeekFrom::End(-2)).unwrap(),
            plain.len() as u64 - 2
        );
        let mut out = Vec::new();
        reader.read_to_end(&mut out).unwrap();
        assert_eq!(out, plain[plain.len() - 2..]);
    }
}

#[test]
fn stated_lengths_and_contexts_hold_for_pushing_and_pulling() {
    let key = key(Suite::default());
    for (length, given) in [
        (0, 1),
        (1, 0),
        (100, 101),
        (40_000, CHUNK),
        (CHUNK - 8, CHUNK),
    ] {
        let options = options(Padding::Padme, length, 1);
        let mut writer = SealWriter::new(&key, Vec::new(), &options, &mut TestRng(3)).unwrap();
        let pushed = writer.push(&data(given)).and_then(|()| writer.finish());
        assert_eq!(pushed.unwrap_err(), EnvelopeError::LengthMismatch);
        let plain = data(given);
        let mut reader =
            SealReader::new(&key, plain.as_slice(), &options, &mut TestRng(3)).unwrap();
        let error = io::copy(&mut reader, &mut io::sink()).unwrap_err();
        assert_eq!(EnvelopeError::from(error), EnvelopeError::LengthMismatch);
    }
    let context = AppContext::raw(b"row 1").unwrap();
    let with = StreamOptions {
        context: Some(&context),
        ..StreamOptions::default()
    };
    let writer = SealWriter::new(&key, Vec::new(), &with, &mut TestRng(3)).unwrap();
    let envelope = writer.finish().unwrap();
    assert_eq!(open(&key, &envelope, Some(&context)).unwrap().len(), 0);
    let without = StreamOptions::default();
    let pulled = OpenReader::new(&key, envelope.as_slice(), &without);
    assert_eq!(pulled.unwrap_err(), EnvelopeError::ContextRequired);
    let sought = EnvelopeReader::new(&key, Cursor::new(&envelope), &without);
    assert_eq!(sought.unwrap_err(), EnvelopeError::ContextRequired);
    let mut pushed = OpenWriter::new(&key, Vec::new(), &without);
    assert_eq!(pushed.push(&envelope), Err(EnvelopeError::ContextRequired));
    assert_eq!(pushed.push(b"more"), Err(EnvelopeError::ContextRequired));
    assert_eq!(pushed.finish(), Err(EnvelopeError::ContextRequired));
}

#[test]
fn threads_are_counted_and_one_starts_none() {
    assert_eq!(Threads::new(0), Threads::ONE);
    assert_eq!(Threads::new(7).get(), 7);
    assert_eq!(Threads::new(usize::MAX).get(), 64);
    assert!(Threads::all().get() >= 1);
    // Reader and progress see the caller's thread only.
    struct Here(std::thread::ThreadId, usize);
    impl Read for Here {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            assert_eq!(std::thread::current().id(), self.0);
            let len = self.1.min(out.len());
            self.1 -= len;
            Ok(len)
        }
    }
    let here = std::thread::current().id();
    let key = key(Suite::default());
    let options = options(Padding::None, 0, 1);
    let mut progress = |_: u64| {
        assert_eq!(std::thread::current().id(), here);
        ControlFlow::Continue(())
    };
    let reader = Here(here, 1_000_000);
    let rng = &mut TestRng(1);
    let sealed = seal_parallel(&key, reader, io::sink(), &options, rng, &mut progress);
    assert_eq!(sealed, Ok(1_000_000));
}
