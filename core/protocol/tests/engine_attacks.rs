//! What is altered, cut or moved is refused on every path: in parallel, pushed,
//! pulled and by seeking, for the same reason as ever, and nothing that is not
//! authentic gets out. Readers, writers and callbacks that fail, or panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{TestRng, data};
use core::ops::ControlFlow;
use plico_protocol::envelope::EnvelopeError::{self, *};
use plico_protocol::envelope::{
    EnvelopeKey, EnvelopeReader, OpenReader, OpenWriter, Padding, StreamOptions, Threads,
    open_parallel, open_stream, seal, seal_parallel,
};
use plico_protocol::format::suite::Suite;
use plico_protocol::primitives::aead::Backend;
use plico_protocol::primitives::secret::Secret;
use std::io::{self, Cursor, ErrorKind, Read, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicUsize, Ordering};

const CHUNK: usize = 16_384;
const FRAME: usize = CHUNK + 16;
const START: usize = 82;

fn key(suite: Suite) -> EnvelopeKey {
    EnvelopeKey::new(Secret::new(&mut [7; 32]), [1; 32], [2; 32], 5, suite)
}

fn go_on(_: u64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn threads(count: usize) -> StreamOptions<'static> {
    StreamOptions {
        threads: Threads::new(count),
        ..StreamOptions::default()
    }
}

struct Fixture {
    key: EnvelopeKey,
    plain: Vec<u8>,
    envelope: Vec<u8>,
}

fn fixture(suite: Suite, backend: Backend, len: usize) -> Fixture {
    let key = key(suite).on_backend(backend);
    let plain = data(len);
    let envelope = seal(&key, &plain, None, Padding::None, &mut TestRng(1)).unwrap();
    Fixture {
        key,
        plain,
        envelope,
    }
}

impl Fixture {
    /// One after the other on one thread: what the others are compared with.
    fn expected(&self, envelope: &[u8]) -> (EnvelopeError, Vec<u8>) {
        let mut out = Vec::new();
        let opened = open_stream(&self.key, envelope, &mut out, None, &mut go_on);
        assert!(self.plain.starts_with(&out), "only authentic bytes get out");
        assert!(out.len().is_multiple_of(CHUNK));
        (opened.expect_err("must be refused"), out)
    }

    fn parallel(&self, envelope: &[u8], count: usize) -> (EnvelopeError, Vec<u8>) {
        let mut out = Vec::new();
        let opened = open_parallel(&self.key, envelope, &mut out, &threads(count), &mut go_on);
        (opened.expect_err("must be refused"), out)
    }

    fn pushed(&self, envelope: &[u8], count: usize, piece: usize) -> (EnvelopeError, Vec<u8>) {
        let mut out = Vec::new();
        let mut writer = OpenWriter::new(&self.key, &mut out, &threads(count));
        let pushed = envelope.chunks(piece).try_for_each(|it| writer.push(it));
        let error = pushed.and_then(|()| writer.finish().map(drop));
        (error.expect_err("must be refused"), out)
    }

    fn pulled(&self, envelope: &[u8], count: usize) -> (EnvelopeError, Vec<u8>) {
        let mut out = Vec::new();
        let read = match OpenReader::new(&self.key, envelope, &threads(count)) {
            Ok(mut reader) => {
                let read = reader.read_to_end(&mut out).map_err(EnvelopeError::from);
                assert_eq!(reader.error(), read.err());
                assert!(reader.read(&mut [0]).is_err(), "and nothing more");
                read
            }
            Err(error) => Err(error),
        };
        (read.expect_err("must be refused"), out)
    }

    #[track_caller]
    fn refused_everywhere(&self, envelope: &[u8]) {
        let expected = self.expected(envelope);
        for count in [2, 3] {
            assert!(self.parallel(envelope, count) == expected, "{expected:?}");
        }
        for count in [1, 2] {
            assert!(self.pulled(envelope, count) == expected);
            assert!(self.pushed(envelope, count, 40_000) == expected);
        }
        assert!(self.pushed(envelope, 1, 999) == expected);
    }

    /// Reads every chunk by seeking. Those that are right come, or none.
    fn sought(&self, envelope: &[u8]) -> Result<Vec<usize>, EnvelopeError> {
        let source = Cursor::new(envelope);
        let mut reader = EnvelopeReader::new(&self.key, source, &threads(1))?;
        assert_eq!(
            reader.len(),
            self.plain.len() as u64,
            "the length is proven"
        );
        let mut bad = Vec::new();
        for (number, chunk) in self.plain.chunks(CHUNK).enumerate() {
            let mut out = vec![0; chunk.len()];
            reader
                .seek(SeekFrom::Start((number * CHUNK) as u64))
                .unwrap();
            match reader.read_exact(&mut out) {
                Ok(()) => assert!(out == chunk, "only authentic bytes"),
                Err(error) => {
                    assert!(out.iter().all(|it| *it == 0), "nothing is given");
                    let expected = ChunkUnauthentic(number as u64);
                    assert_eq!(EnvelopeError::from(error), expected);
                    bad.push(number);
                }
            }
        }
        Ok(bad)
    }
}

#[test]
fn every_byte_flipped_on_every_path() {
    for (suite, backend) in Suite::ALL.into_iter().zip(Backend::ALL.iter().cycle()) {
        let fixture = fixture(suite, *backend, CHUNK + 100);
        let mut envelope = fixture.envelope.clone();
        let last = START + FRAME;
        for at in 0..envelope.len() {
            // Every byte but of the middle of the full frame: of that, a part.
            if (START + 40..last - 40).contains(&at) && at % 13 != 0 {
                continue;
            }
            envelope[at] ^= 1 << (at % 8);
            let expected = fixture.expected(&envelope);
            assert!(fixture.parallel(&envelope, 2) == expected, "byte {at}");
            assert!(fixture.pulled(&envelope, 1) == expected, "byte {at}");
            assert!(
                fixture.pushed(&envelope, 1, 30_000) == expected,
                "byte {at}"
            );
            match fixture.sought(&envelope) {
                Ok(bad) => assert_eq!(bad, [(at - START) / FRAME], "byte {at}"),
                Err(error) => assert!(error == expected.0 && !(START..last).contains(&at)),
            }
            envelope[at] ^= 1 << (at % 8);
        }
    }
}

#[test]
fn every_truncation_on_every_path() {
    for (suite, backend) in Suite::ALL.into_iter().zip(Backend::ALL.iter().cycle()) {
        let fixture = fixture(suite, *backend, CHUNK + 100);
        for len in 0..fixture.envelope.len() {
            if (START + 40..START + FRAME - 40).contains(&len) && len % 13 != 0 {
                continue;
            }
            let envelope = &fixture.envelope[..len];
            let expected = fixture.expected(envelope);
            assert!(fixture.parallel(envelope, 2) == expected, "{len} bytes");
            assert!(fixture.pulled(envelope, 1) == expected, "{len} bytes");
            assert!(
                fixture.pushed(envelope, 1, 30_000) == expected,
                "{len} bytes"
            );
            // Refused before anything can be read: the last frame is not one.
            let error = fixture.sought(envelope).unwrap_err();
            assert_eq!(error, expected.0, "{len} bytes");
        }
        for extra in [1, 15, 16, 17, FRAME, 2 * FRAME, 40 * FRAME] {
            let longer = [fixture.envelope.as_slice(), &data(extra)].concat();
            fixture.refused_everywhere(&longer);
            assert!(fixture.sought(&longer).is_err());
        }
    }
}

#[test]
fn chunks_moved_in_a_long_envelope() {
    for (suite, backend) in Suite::ALL.into_iter().zip(Backend::ALL.iter().cycle()) {
        // Over the ends of batches.
        let fixture = fixture(suite, *backend, 70 * CHUNK + 9);
        let frames: Vec<&[u8]> = fixture.envelope[START..].chunks(FRAME).collect();
        let start = &fixture.envelope[..START];
        let mut bad = Vec::new();
        for (one, other) in [(0, 1), (14, 15), (15, 31), (30, 47), (0, 69), (63, 64)] {
            let mut moved = frames.clone();
            moved.swap(one, other);
            bad.push((moved, vec![one, other]));
        }
        for at in [0, 1, 30, 31, 46, 69] {
            let mut missing = frames.clone();
            missing.remove(at);
            bad.push((missing, vec![]));
            let mut twice = frames.clone();
            twice.insert(at, frames[at]);
            bad.push((twice, vec![]));
            let mut copied = frames.clone();
            copied[at] = frames[(at + 16) % 70];
            bad.push((copied, vec![at]));
            bad.push((frames[..at].to_vec(), vec![]));
        }
        for (frames, unauthentic) in bad {
            let envelope = [start, &frames.concat()].concat();
            fixture.refused_everywhere(&envelope);
            match fixture.sought(&envelope) {
                Ok(bad) => assert_eq!(bad, unauthentic),
                Err(_) => assert!(unauthentic.is_empty()),
            }
        }
        // Several wrong places: the first one is named, as on one thread.
        let mut envelope = fixture.envelope.clone();
        for at in [20, 21, 40, 60] {
            envelope[START + at * FRAME] ^= 1;
        }
        fixture.refused_everywhere(&envelope);
        let (error, released) = fixture.expected(&envelope);
        assert_eq!((error, released.len()), (ChunkUnauthentic(20), 20 * CHUNK));
    }
}

/// Works for so many bytes; what then happens is told by the kind.
struct Failing(usize, Option<ErrorKind>);

impl Failing {
    fn next(&mut self, wanted: usize) -> io::Result<usize> {
        let len = wanted.min(self.0);
        self.0 -= len;
        match (len, self.1) {
            (0, Some(kind)) => Err(io::Error::new(kind, "/home/erika/secret.txt")),
            (0, None) => panic!("the host's own mistake"),
            _ => Ok(len),
        }
    }
}

impl Read for Failing {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.next(out.len())
    }
}

impl Write for Failing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.next(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn readers_and_writers_that_fail() {
    let key = key(Suite::default());
    let fixture = fixture(Suite::default(), Backend::in_use(), 80 * CHUNK);
    let full = ErrorKind::StorageFull;
    for at in [0, 40, 82, 90, 20_000, 500_000, 1_000_000] {
        for count in [1, 2, 4] {
            let options = threads(count);
            let bad = || Failing(at, Some(full));
            let good = fixture.plain.as_slice();
            let rng = &mut TestRng(1);
            let sealed = seal_parallel(&key, bad(), io::sink(), &options, rng, &mut go_on);
            assert_eq!(sealed, Err(Io(full)));
            assert!(!Io(full).to_string().contains("erika"));
            let sealed = seal_parallel(&key, good, bad(), &options, rng, &mut go_on);
            assert_eq!(sealed, Err(Io(full)));
            let envelope = fixture.envelope.as_slice();
            let opened = open_parallel(&key, envelope, bad(), &options, &mut go_on);
            assert_eq!(opened, Err(Io(full)));
            // What comes out of a reader that fails is the same on one thread, and so is
            // what is told.
            let outs = [1, count].map(|count| {
                let (mut out, mut told) = (Vec::new(), Vec::new());
                let reader = fixture.plain[..at].chain(Failing(0, Some(full)));
                let (rng, options) = (&mut TestRng(1), threads(count));
                let mut report = |done| {
                    told.push(done);
                    ControlFlow::Continue(())
                };
                let sealed = seal_parallel(&key, reader, &mut out, &options, rng, &mut report);
                assert_eq!(sealed, Err(Io(full)));
                (out, told)
            });
            assert_eq!(outs[0].0.len(), 82 + at / CHUNK * FRAME);
            assert!(outs[0] == outs[1], "{at}, {count}");
            let mut outs = [1, count].map(|count| {
                let mut out = Vec::new();
                let reader = envelope[..at].chain(Failing(0, Some(full)));
                let opened = open_parallel(&key, reader, &mut out, &threads(count), &mut go_on);
                assert_eq!(opened, Err(Io(full)));
                out
            });
            assert!(outs[0] == outs[1] && fixture.plain.starts_with(&outs[0]));
            outs[0].clear();
        }
    }
}

#[test]
fn panics_of_the_host_come_through_and_nobody_waits_for_ever() {
    let fixture = fixture(Suite::default(), Backend::in_use(), 80 * CHUNK);
    let key = &fixture.key;
    let panics = |work: &(dyn Fn() + std::panic::RefUnwindSafe)| {
        std::panic::catch_unwind(work).expect_err("the panic is the caller's");
    };
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    for count in [1, 2, 4] {
        for at in [0, 90, 500_000] {
            let (plain, envelope) = (&fixture.plain, &fixture.envelope);
            panics(&|| {
                let rng = &mut TestRng(1);
                let reader = Failing(at, None);
                let _ = seal_parallel(key, reader, io::sink(), &threads(count), rng, &mut go_on);
            });
            panics(&|| {
                let (rng, writer) = (&mut TestRng(1), Failing(at, None));
                let reader = plain.as_slice();
                let _ = seal_parallel(key, reader, writer, &threads(count), rng, &mut go_on);
            });
            panics(&|| {
                let reader = envelope.as_slice();
                let mut report = |done: u64| {
                    assert!((done as usize) < at, "the host's own mistake");
                    ControlFlow::Continue(())
                };
                let _ = open_parallel(key, reader, io::sink(), &threads(count), &mut report);
            });
        }
    }
    std::panic::set_hook(hook);
}

#[test]
fn cancelled_in_the_middle_on_several_threads() {
    let fixture = fixture(Suite::default(), Backend::in_use(), 80 * CHUNK);
    let key = &fixture.key;
    for stop in (0..80).map(|it| it * CHUNK as u64 + 1) {
        let mut stopped = false;
        let mut report = |done: u64| {
            assert!(!stopped, "nothing is reported after it");
            stopped = done >= stop;
            if stopped {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        };
        let mut out = Vec::new();
        let reader = fixture.envelope.as_slice();
        let opened = open_parallel(key, reader, &mut out, &threads(3), &mut report);
        assert_eq!(opened, Err(Cancelled));
        assert_eq!(out.len() as u64, stop.next_multiple_of(CHUNK as u64));
        assert!(fixture.plain.starts_with(&out));
    }
}

/// So many frames for each thread, and no reading ahead of a writer that is slow.
#[test]
fn memory_is_bounded_by_the_threads() {
    struct Lead<'a>(&'a AtomicUsize, &'a AtomicUsize, usize);
    impl Read for Lead<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let read = self.0.fetch_add(out.len(), Ordering::SeqCst) + out.len();
            // Tags are written, and not read.
            let lead = read.saturating_sub(self.1.load(Ordering::SeqCst));
            assert!(lead <= self.2 * FRAME, "{lead} bytes are ahead");
            Ok(if read > 20_000_000 { 0 } else { out.len() })
        }
    }
    struct Slow<'a>(&'a AtomicUsize, usize);
    impl Write for Slow<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 += 1;
            if self.1.is_multiple_of(8) {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            self.0.fetch_add(bytes.len(), Ordering::SeqCst);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    for (count, frames) in [(1, 4), (2, 128), (3, 192), (9, 288)] {
        let (read, written) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let sealed = seal_parallel(
            &key(Suite::default()),
            Lead(&read, &written, frames),
            Slow(&written, 0),
            &threads(count),
            &mut TestRng(1),
            &mut go_on,
        );
        assert!(sealed.unwrap() > 19_000_000);
    }
}
