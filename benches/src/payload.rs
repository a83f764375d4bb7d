//! Payloads: sealing and opening against the raw AEAD of the same back end, two
//! threads against one, a range of a large envelope, and many small fields.

use crate::Effort;
use crate::measure::{Compared, Outcome, Show, compare, head, line};
use core::ops::ControlFlow;
use plico_protocol::envelope::{
    EnvelopeKey, EnvelopeReader, Padding, StreamOptions, StreamPadding, Threads, open, open_on,
    open_parallel, open_stream, seal, seal_on, seal_parallel, seal_stream,
};
use plico_protocol::format::header::{HEADER_LEN, Header};
use plico_protocol::format::suite::Suite;
use plico_protocol::primitives::aead::{Aead, Backend, TAG_LEN};
use plico_protocol::primitives::secret::Secret;
use std::cell::Cell;
use std::fs::File;
use std::hint::black_box;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::time::{Duration, Instant};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const GIB: usize = 1024 * MIB;
const CHUNK: usize = 16 * KIB;

fn rng() -> rand_core::UnwrapErr<getrandom::SysRng> {
    rand_core::UnwrapErr(getrandom::SysRng)
}

fn key(suite: Suite, backend: Backend) -> EnvelopeKey {
    let payload_key = Secret::new(&mut [7; 32]);
    EnvelopeKey::new(payload_key, [1; 32], [2; 32], 5, suite).on_backend(backend)
}

fn go_on(_: u64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Gives bytes out of one megabyte, over and over: a large input that does not
/// have to be in memory.
struct Endless<'a> {
    bytes: &'a [u8],
    at: usize,
    left: usize,
}

impl Read for Endless<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let rest = &self.bytes[self.at..];
        let len = rest.len().min(out.len()).min(self.left);
        out[..len].copy_from_slice(&rest[..len]);
        self.at = (self.at + len) % self.bytes.len();
        self.left -= len;
        Ok(len)
    }
}

/// Looks at what it gets, and keeps nothing.
struct Sink;

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        black_box(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How often a round repeats what takes so many bytes.
fn times(len: usize) -> u32 {
    u32::try_from((64 * MIB / len).clamp(1, 2_000)).unwrap_or(1)
}

fn timed(count: u32, mut work: impl FnMut() -> Outcome<()>) -> Outcome<Duration> {
    let start = Instant::now();
    for _ in 0..count {
        work()?;
    }
    Ok(start.elapsed() / count)
}

/// How long it takes to make something, without what it takes to give it back to
/// the system.
fn until_made<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<Duration> {
    let start = Instant::now();
    let made = work()?;
    let took = start.elapsed();
    drop(black_box(made));
    Ok(took)
}

/// The least that has to be done: take each chunk from the input, run the AEAD
/// over it in place, and hand it on.
fn raw_seal(cipher: &dyn Aead, source: &[u8], len: usize) -> Outcome<()> {
    let mut input = Endless {
        bytes: source,
        at: 0,
        left: len,
    };
    let mut frame = vec![0u8; CHUNK + TAG_LEN];
    let mut number = 0u64;
    loop {
        let room = &mut frame[..CHUNK];
        let mut filled = 0;
        while filled < CHUNK {
            match input.read(&mut room[filled..])? {
                0 => break,
                got => filled += got,
            }
        }
        let tag = cipher.seal(&nonce(number), b"", &mut room[..filled]);
        let tag = tag.map_err(|error| error.to_string())?;
        frame[filled..filled + TAG_LEN].copy_from_slice(&tag);
        Sink.write_all(&frame[..filled + TAG_LEN])?;
        number += 1;
        if filled < CHUNK {
            return Ok(());
        }
    }
}

fn raw_open(cipher: &dyn Aead, sealed: &[u8]) -> Outcome<()> {
    let mut frame = vec![0u8; CHUNK + TAG_LEN];
    for (number, from) in (0u64..).zip(sealed.chunks(CHUNK + TAG_LEN)) {
        frame[..from.len()].copy_from_slice(from);
        let (data, tag) = frame[..from.len()]
            .split_last_chunk_mut::<TAG_LEN>()
            .ok_or("a frame without a tag")?;
        let opened = cipher.open(&nonce(number), b"", data, tag);
        opened.map_err(|error| error.to_string())?;
        Sink.write_all(data)?;
    }
    Ok(())
}

fn nonce(number: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&number.to_be_bytes());
    nonce
}

/// The frames that the raw AEAD opens.
fn raw_sealed(cipher: &dyn Aead, plain: &[u8]) -> Outcome<Vec<u8>> {
    let mut out = Vec::with_capacity(plain.len() + plain.len() / KIB + 64);
    for (number, chunk) in (0u64..).zip(plain.chunks(CHUNK)) {
        let at = out.len();
        out.extend_from_slice(chunk);
        let tag = cipher.seal(&nonce(number), b"", &mut out[at..]);
        out.extend_from_slice(&tag.map_err(|error| error.to_string())?);
    }
    Ok(out)
}

fn title(suite: Suite) -> &'static str {
    match suite {
        Suite::ChaCha20Poly1305Sha512 => "ChaCha20-Poly1305",
        Suite::Aes256GcmSha512 => "AES-256-GCM",
    }
}

fn name(len: usize) -> String {
    match len {
        GIB.. => format!("{} GiB", len / GIB),
        MIB.. => format!("{} MiB", len / MIB),
        _ => format!("{} KiB", len / KIB),
    }
}

/// `bytes/s` of both sides, and how much of the peer's speed it is.
fn speed(what: &str, len: usize, compared: &Compared) {
    line(what, Show::Speed(len as f64), compared);
}

fn against_raw(effort: Effort) -> Outcome<()> {
    head(
        "Streams, one thread",
        "the raw AEAD of the same back end: each chunk taken, encrypted in place, handed on",
    );
    let source: Vec<u8> = (0..MIB).map(|it| (it * 7) as u8).collect();
    let sizes = match effort.quick {
        true => vec![16 * KIB, MIB],
        false => vec![16 * KIB, 128 * KIB, MIB, 16 * MIB, 256 * MIB, GIB],
    };
    for suite in Suite::ALL {
        for backend in Backend::ALL.iter().copied() {
            let key = key(suite, backend);
            let cipher = suite.aead().with_key_on(backend, &[9; 32]);
            for len in sizes.iter().copied() {
                let count = times(len);
                let rounds = effort.rounds(if len > 100 * MIB { 7 } else { 21 });
                let label =
                    |verb: &str| format!("{verb} {}, {}, {backend}", name(len), title(suite));
                let ours = || {
                    timed(count, || {
                        let input = Endless {
                            bytes: &source,
                            at: 0,
                            left: len,
                        };
                        let none = StreamPadding::None;
                        let (rng, told) = (&mut rng(), &mut go_on);
                        seal_stream(&key, input, Sink, None, none, rng, told)?;
                        Ok(())
                    })
                };
                let peer = || timed(count, || raw_seal(&*cipher, &source, len));
                speed(&label("seal"), len, &compare(rounds, ours, peer)?);
                // Opening needs an envelope; one of a gigabyte is one of 256 MiB, four times.
                let held = len.min(256 * MIB);
                let plain: Vec<u8> = source.iter().copied().cycle().take(held).collect();
                let envelope = seal(&key, &plain, None, Padding::None, &mut rng())?;
                let raw = raw_sealed(&*cipher, &plain)?;
                drop(plain);
                let again = count * u32::try_from(len / held)?;
                let ours = || {
                    timed(again, || {
                        open_stream(&key, envelope.as_slice(), Sink, None, &mut go_on)?;
                        Ok(())
                    })
                };
                let peer = || timed(again, || raw_open(&*cipher, &raw));
                speed(&label("open"), held, &compare(rounds, ours, peer)?);
            }
        }
    }
    println!();
    Ok(())
}

/// What two threads can have on this machine: the raw AEAD, each thread with a
/// buffer of its own, against one thread that does as much.
fn apart(suite: Suite, backend: Backend, len: usize, rounds: usize) -> Outcome<()> {
    let cipher = suite.aead().with_key_on(backend, &[9; 32]);
    let half = || {
        let mut buffer = vec![7u8; CHUNK];
        for number in 0..(len / 2 / CHUNK) as u64 {
            black_box(cipher.seal(&nonce(number), b"", &mut buffer).is_ok());
        }
    };
    let two = || {
        timed(1, || {
            std::thread::scope(|scope| {
                scope.spawn(half);
                half();
            });
            Ok(())
        })
    };
    let one = || {
        timed(1, || {
            half();
            half();
            Ok(())
        })
    };
    let what = format!("(raw, apart) {}, {}, {backend}", name(len), title(suite));
    speed(&what, len, &compare(rounds, two, one)?);
    Ok(())
}

/// Two threads against one.
///
/// # Errors
/// What fails; nothing should.
pub fn two_threads(effort: Effort) -> Outcome<()> {
    head("Two threads", "one thread");
    let source: Vec<u8> = (0..MIB).map(|it| (it * 7) as u8).collect();
    let len = if effort.quick { 8 * MIB } else { 512 * MIB };
    let plain: Vec<u8> = source.iter().copied().cycle().take(len).collect();
    for suite in Suite::ALL {
        for backend in Backend::ALL.iter().copied() {
            let rounds = effort.rounds(9);
            apart(suite, backend, len, rounds)?;
            let key = key(suite, backend);
            let envelope = seal(&key, &plain, None, Padding::None, &mut rng())?;
            let on = |count: usize| StreamOptions {
                threads: Threads::new(count),
                ..StreamOptions::default()
            };
            let sealing = |count: usize| {
                timed(1, || {
                    let (input, rng) = (plain.as_slice(), &mut rng());
                    seal_parallel(&key, input, Sink, &on(count), rng, &mut go_on)?;
                    Ok(())
                })
            };
            let opening = |count: usize| {
                timed(1, || {
                    open_parallel(&key, envelope.as_slice(), Sink, &on(count), &mut go_on)?;
                    Ok(())
                })
            };
            let label = |verb: &str| format!("{verb} {}, {}, {backend}", name(len), title(suite));
            let compared = compare(rounds, || sealing(2), || sealing(1))?;
            speed(&label("seal"), len, &compared);
            let compared = compare(rounds, || opening(2), || opening(1))?;
            speed(&label("open"), len, &compared);
            // From memory into memory, where nothing has to be done in turns.
            let sealing = |count: usize| {
                until_made(|| {
                    let (rng, threads) = (&mut rng(), Threads::new(count));
                    Ok(seal_on(&key, &plain, None, Padding::None, rng, threads)?)
                })
            };
            let header = Header::decode(&envelope)?;
            let message = &envelope[HEADER_LEN..];
            let opening = |count: usize| {
                until_made(|| {
                    let threads = Threads::new(count);
                    Ok(open_on(&key, &header, message, None, threads)?)
                })
            };
            let compared = compare(rounds, || sealing(2), || sealing(1))?;
            speed(&label("bytes: seal"), len, &compared);
            let compared = compare(rounds, || opening(2), || opening(1))?;
            speed(&label("bytes: open"), len, &compared);
        }
    }
    println!();
    Ok(())
}

/// Counts what is read of a file.
struct Counted<'a>(File, &'a Cell<u64>);

impl Read for Counted<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let len = self.0.read(out)?;
        self.1.set(self.1.get() + len as u64);
        Ok(len)
    }
}

impl Seek for Counted<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

fn range(effort: Effort) -> Outcome<()> {
    println!("### 1 MiB at a random place\n");
    let len = if effort.quick { 64 * MIB } else { 10 * GIB };
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("sealed");
    let key = key(Suite::default(), Backend::in_use());
    let zeros = io::repeat(0).take(len as u64);
    let options = StreamOptions::default();
    let out = File::create(&path)?;
    seal_parallel(&key, zeros, out, &options, &mut rng(), &mut go_on)?;
    let (mut took, mut read) = (Vec::new(), Vec::new());
    let mut part = vec![0u8; MIB];
    let mut random = [0u8; 8];
    for _ in 0..effort.rounds(101) {
        rand_core::Rng::fill_bytes(&mut rng(), &mut random);
        let place = u64::from_be_bytes(random) % (len - MIB) as u64;
        let start = Instant::now();
        let count = Cell::new(0);
        let file = Counted(File::open(&path)?, &count);
        let mut reader = EnvelopeReader::new(&key, file, &options)?;
        reader.seek(SeekFrom::Start(place))?;
        reader.read_exact(&mut part)?;
        took.push(start.elapsed().as_secs_f64());
        read.push(count.get() as f64);
    }
    took.sort_by(f64::total_cmp);
    read.sort_by(f64::total_cmp);
    let middle = took.len() / 2;
    println!(
        "An envelope of {}, {} rounds, each from opening the file: {:.2} ms; {:.0} bytes read \
         ({:.0} to {:.0}), which is the start, the last frame, and {:.0} chunks; 1 MiB in whole \
         chunks is 64 or 65.\n",
        name(len),
        took.len(),
        took[middle] * 1e3,
        read[middle],
        read[0],
        read[read.len() - 1],
        ((read[middle] - 98.0) / 16_400.0).round(),
    );
    Ok(())
}

/// The whole of a field's life in memory, against libsodium's secretbox if it is
/// there.
fn fields(effort: Effort) -> Outcome<()> {
    let count = if effort.quick { 2_000 } else { 1_000_000 };
    println!("### {count} fields of 20 bytes\n");
    let field = b"blood pressure 12080";
    for suite in Suite::ALL {
        for backend in Backend::ALL.iter().copied() {
            let key = key(suite, backend);
            let mut envelopes = Vec::with_capacity(count);
            let start = Instant::now();
            let rng = &mut rng();
            for _ in 0..count {
                envelopes.push(seal(&key, field, None, Padding::Padme, rng)?);
            }
            let sealing = start.elapsed().as_secs_f64() / count as f64;
            let start = Instant::now();
            for envelope in &envelopes {
                black_box(open(&key, envelope, None)?);
            }
            let opening = start.elapsed().as_secs_f64() / count as f64;
            let bytes = envelopes[0].len();
            println!(
                "- {}, {backend}: seal {:.2} µs, open {:.2} µs, {bytes} bytes ({} more)",
                title(suite),
                sealing * 1e6,
                opening * 1e6,
                bytes - field.len(),
            );
        }
    }
    println!();
    Ok(())
}

/// Against the raw AEAD, a range of a large envelope, and many small fields.
///
/// # Errors
/// What fails; nothing should.
pub fn run(effort: Effort) -> Outcome<()> {
    println!(
        "Back ends: {:?}; in use: {}.\n",
        Backend::ALL,
        Backend::in_use()
    );
    against_raw(effort)?;
    range(effort)?;
    fields(effort)
}
