//! Envelopes that were altered, cut, mixed or opened with the wrong key. Each
//! must be refused with the right error, and whatever a stream released before
//! must be whole authenticated chunks from the start of the true plaintext.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{TestRng, data};
use core::ops::ControlFlow;
use plico_protocol::envelope::EnvelopeError::{self, *};
use plico_protocol::envelope::chunked::{ChunkedError, MessageKeys};
use plico_protocol::envelope::{EnvelopeKey, Padding, open, open_after_header, open_stream, seal};
use plico_protocol::format::context::AppContext;
use plico_protocol::format::header::{HEADER_LEN, Header};
use plico_protocol::format::suite::Suite;
use plico_protocol::primitives::aead::AeadAlgorithm;
use plico_protocol::primitives::kdf::expand_with_label;
use plico_protocol::primitives::secret::Secret;

const START: usize = 26 + 56;
const FRAME: usize = 16_400;
const LEN: usize = 2 * 16_384 + 100;

struct Fixture {
    key: EnvelopeKey,
    plain: Vec<u8>,
    envelope: Vec<u8>,
}

fn row(n: i64) -> AppContext {
    AppContext::fields([("table", "notes".into()), ("row", n.into())]).unwrap()
}

fn key(suite: Suite) -> EnvelopeKey {
    let mut chain_id = [0xc4; 32];
    chain_id[..16].copy_from_slice(b"session handle 1");
    EnvelopeKey::new(Secret::new(&mut [7; 32]), [1; 32], chain_id, 5, suite)
}

fn fixture(suite: Suite, seed: u64) -> Fixture {
    let key = key(suite);
    let plain = data(LEN + seed as usize);
    let envelope = seal(
        &key,
        &plain,
        Some(&row(42)),
        Padding::None,
        &mut TestRng(seed),
    )
    .unwrap();
    Fixture {
        key,
        plain,
        envelope,
    }
}

impl Fixture {
    /// Streams `envelope`; checks what was released, and gives its length too.
    fn stream(&self, envelope: &[u8], context: &AppContext) -> (EnvelopeError, usize) {
        let mut out = Vec::new();
        let error = open_stream(&self.key, envelope, &mut out, Some(context), &mut |_| {
            ControlFlow::Continue(())
        })
        .expect_err("must be refused");
        assert!(self.plain.starts_with(&out));
        assert!(out.len() % 16_384 == 0 || out.len() == self.plain.len());
        (error, out.len())
    }

    /// Both ways of opening refuse, for the same reason.
    #[track_caller]
    fn refused(&self, envelope: &[u8], expected: EnvelopeError, released: usize) {
        assert_eq!(self.stream(envelope, &row(42)), (expected, released));
        let opened = open(&self.key, envelope, Some(&row(42)));
        assert_eq!(opened.map(|_| ()), Err(expected));
    }
}

/// What must happen if the byte at `at` is wrong.
fn error_at(at: usize, flip: u8) -> (EnvelopeError, usize) {
    let error = match at {
        0..3 => NotAnEnvelope,
        3 if (b'1' ^ flip).is_ascii_digit() => NeedsNewerClient,
        3 => NotAnEnvelope,
        4 => match Suite::from_byte(flip) {
            Ok(_) => WrongSession,
            Err(_) => NeedsNewerClient,
        },
        6..26 => WrongSession,
        26..START => CommitmentMismatch,
        _ => ChunkUnauthentic(((at - START) / FRAME) as u64),
    };
    (error, at.saturating_sub(START) / FRAME * 16_384)
}

#[test]
fn every_byte_flipped() {
    for suite in Suite::ALL {
        let fixture = fixture(suite, 1);
        let mut envelope = fixture.envelope.clone();
        for at in 0..envelope.len() {
            let flip = 1u8 << (at % 8);
            envelope[at] ^= flip;
            let (error, released) = fixture.stream(&envelope, &row(42));
            let expected = match at {
                4 => error_at(4, suite.to_byte() ^ flip),
                // Flags: unknown; or padded, which changes the header's bytes.
                5 if flip > 2 => (NeedsNewerClient, 0),
                _ => error_at(at, flip),
            };
            assert_eq!((error, released), expected, "byte {at}");
            if at < 200 || at % 251 == 0 {
                let opened = open(&fixture.key, &envelope, Some(&row(42)));
                assert_eq!(opened.map(|_| ()), Err(expected.0), "byte {at}");
            }
            envelope[at] ^= flip;
        }
        // All eight bits of the header.
        for at in 0..26 {
            for bit in 0..8 {
                let mut envelope = fixture.envelope.clone();
                envelope[at] ^= 1 << bit;
                let expected = match (at, bit) {
                    (4, _) => error_at(4, envelope[4]).0,
                    (5, 0 | 2) => CommitmentMismatch,
                    (5, 1) => ContextUnexpected,
                    (5, _) => NeedsNewerClient,
                    _ => error_at(at, 1 << bit).0,
                };
                fixture.refused(&envelope, expected, 0);
            }
        }
    }
}

#[test]
fn every_truncation() {
    for suite in Suite::ALL {
        let fixture = fixture(suite, 1);
        for len in 0..fixture.envelope.len() {
            let (error, released) = fixture.stream(&fixture.envelope[..len], &row(42));
            let expected = match len {
                0..26 => (NotAnEnvelope, 0),
                26..START => (Truncated, 0),
                _ => {
                    let (full, rest) = ((len - START) / FRAME, (len - START) % FRAME);
                    let error = match rest {
                        0..16 => Truncated,
                        _ => ChunkUnauthentic(full as u64),
                    };
                    (error, full * 16_384)
                }
            };
            assert_eq!((error, released), expected, "{len} bytes");
            if len % 127 == 0 || len < 200 {
                let opened = open(&fixture.key, &fixture.envelope[..len], Some(&row(42)));
                assert_eq!(opened.map(|_| ()), Err(expected.0), "{len} bytes");
            }
        }
        for extra in [1, 15, 16, 17, FRAME, 2 * FRAME] {
            let longer = [fixture.envelope.as_slice(), &data(extra)].concat();
            fixture.refused(&longer, ChunkUnauthentic(2), 2 * 16_384);
        }
    }
}

#[test]
fn chunks_moved_and_mixed() {
    for suite in Suite::ALL {
        let one = fixture(suite, 1);
        let two = fixture(suite, 2);
        let start = &one.envelope[..START];
        let chunks: Vec<&[u8]> = one.envelope[START..].chunks(FRAME).collect();
        let others: Vec<&[u8]> = two.envelope[START..].chunks(FRAME).collect();
        let (a, b, c) = (chunks[0], chunks[1], chunks[2]);
        let (x, y, z) = (others[0], others[1], others[2]);
        for (frames, bad, released) in [
            (vec![b, a, c], 0, 0),
            (vec![a, a, c], 1, 1),
            (vec![a, a, b, c], 1, 1),
            (vec![a, b, b, c], 2, 2),
            (vec![b, c], 0, 0),
            (vec![a, c], 1, 1),
            (vec![c], 0, 0),
            (vec![a, b, c, c], 2, 2),
            (vec![a, b, c, a, b, c], 2, 2),
            (vec![x, y, z], 0, 0),
            (vec![a, y, z], 1, 1),
            (vec![a, b, z], 2, 2),
            (vec![a, y, c], 1, 1),
        ] {
            let envelope = [start, &frames.concat()].concat();
            one.refused(&envelope, ChunkUnauthentic(bad), released * 16_384);
        }
        for (frames, released) in [(vec![], 0), (vec![a], 1), (vec![a, b], 2)] {
            let envelope = [start, &frames.concat()].concat();
            one.refused(&envelope, Truncated, released * 16_384);
        }
        // The salt of one with the commitment of the other.
        let spliced = [&start[..50], &two.envelope[50..]].concat();
        one.refused(&spliced, CommitmentMismatch, 0);
        // A whole envelope after a whole envelope.
        let both = [one.envelope.as_slice(), &two.envelope].concat();
        one.refused(&both, ChunkUnauthentic(2), 2 * 16_384);
    }
}

#[test]
fn the_wrong_context() {
    for suite in Suite::ALL {
        let one = fixture(suite, 1);
        for context in [
            row(43),
            AppContext::fields([("table", "notes".into())]).unwrap(),
            AppContext::fields([("table", "notes".into()), ("row", "42".into())]).unwrap(),
            AppContext::fields([("table", "bills".into()), ("row", 42.into())]).unwrap(),
            AppContext::raw(b"").unwrap(),
        ] {
            assert_eq!(one.stream(&one.envelope, &context), (CommitmentMismatch, 0));
            let opened = open(&one.key, &one.envelope, Some(&context));
            assert_eq!(opened.map(|_| ()), Err(CommitmentMismatch));
        }
        let opened = open(&one.key, &one.envelope, None);
        assert_eq!(opened.map(|_| ()), Err(ContextRequired));
        let bare = seal(&one.key, b"x", None, Padding::Padme, &mut TestRng(3)).unwrap();
        one.refused(&bare, ContextUnexpected, 0);
    }
}

#[test]
fn the_wrong_key() {
    let envelope = fixture(Suite::default(), 1).envelope;
    let mut chain_id = [0xc4; 32];
    chain_id[..16].copy_from_slice(b"session handle 1");
    let mut same_handle = chain_id;
    same_handle[16] ^= 1;
    let mut other_handle = chain_id;
    other_handle[15] ^= 1;
    let try_key = |secret: u8, tenant: u8, chain: [u8; 32], epoch: u32, suite: Suite| {
        let secret = Secret::new(&mut [secret; 32]);
        let key = EnvelopeKey::new(secret, [tenant; 32], chain, epoch, suite);
        open(&key, &envelope, Some(&row(42))).map(|plain| plain.len())
    };
    let suite = Suite::default();
    assert_eq!(try_key(7, 1, chain_id, 5, suite), Ok(LEN + 1));
    assert_eq!(try_key(8, 1, chain_id, 5, suite), Err(CommitmentMismatch));
    assert_eq!(try_key(7, 2, chain_id, 5, suite), Err(CommitmentMismatch));
    assert_eq!(
        try_key(7, 1, same_handle, 5, suite),
        Err(CommitmentMismatch)
    );
    assert_eq!(try_key(7, 1, other_handle, 5, suite), Err(WrongSession));
    assert_eq!(try_key(7, 1, chain_id, 6, suite), Err(WrongSession));
    let other = Suite::Aes256GcmSha512;
    assert_eq!(try_key(7, 1, chain_id, 5, other), Err(WrongSession));
}

/// A key holder can write an envelope with padding that no honest writer makes.
#[test]
fn dishonest_padding() {
    let key = key(Suite::default());
    let honest = |len: u64, data: usize, zeros: usize| {
        [len.to_be_bytes().to_vec(), vec![1; data], vec![0; zeros]].concat()
    };
    let mut tail = honest(20_000, 20_000, 20_480 - 20_008);
    assert_eq!(write_padded(&key, &tail), Ok(20_000));
    *tail.last_mut().unwrap() = 1;
    assert_eq!(write_padded(&key, &tail), Err(PaddingInvalid));
    assert_eq!(write_padded(&key, &honest(24, 24, 0)), Ok(24));
    for plaintext in [
        vec![],
        vec![0; 7],
        honest(0, 0, 0),
        honest(1, 1, 22),
        honest(1, 1, 24),
        honest(24, 24, 1),
        honest(25, 24, 0),
        honest(25, 25, 0),
        honest(1, 2, 22),
        honest(u64::MAX, 24, 0),
        honest(u64::MAX - 7, 24, 0),
        honest(1 << 52, 24, 0),
        honest(20_000, 20_000, 471),
        honest(20_000, 20_000, 473),
        honest(20_000, 16_376, 0),
    ] {
        assert_eq!(write_padded(&key, &plaintext), Err(PaddingInvalid));
    }
}

/// Writes `plaintext` as it is into an envelope that says it is padded, from
/// the public parts, as the specification has it; and opens it.
fn write_padded(key: &EnvelopeKey, plaintext: &[u8]) -> Result<u64, EnvelopeError> {
    let header = key.header(true, false).encode();
    let salt = [9u8; 24];
    let mut chain_id = [0xc4; 32];
    chain_id[..16].copy_from_slice(b"session handle 1");
    let context = [
        &b"\x10plico/v1/payload"[..],
        &[1; 32],
        &chain_id,
        &header,
        &AppContext::hash_of(None),
    ]
    .concat();
    let item_key = expand_with_label::<32>(&Secret::new(&mut [7; 32]), "item", &salt);
    let keys = MessageKeys::derive(key.suite().aead(), item_key.expose(), &salt, &context)?;
    let mut envelope = [&header[..], &salt, keys.commitment()].concat();
    let mut sealer = keys.sealer();
    let mut rest = plaintext;
    while !sealer.is_finished() {
        let (chunk, after) = rest.split_at(rest.len().min(16_384));
        let mut frame = [chunk, &[0; 16]].concat();
        sealer.seal_next(&mut frame)?;
        envelope.extend_from_slice(&frame);
        rest = after;
    }
    let bytes = open(key, &envelope, None).map(|plain| plain.len() as u64);
    let stream = open_stream(key, envelope.as_slice(), std::io::sink(), None, &mut |_| {
        ControlFlow::Continue(())
    });
    assert_eq!(bytes, stream);
    bytes
}

#[test]
fn the_framing_itself() {
    for aead in [AeadAlgorithm::ChaCha20Poly1305, AeadAlgorithm::Aes256Gcm] {
        let keys = || MessageKeys::derive(aead, &[3; 32], &[4; 24], b"context").unwrap();
        for wrong in [0, 31, 33, 64] {
            let derived = MessageKeys::derive(aead, &vec![3; wrong], &[4; 24], b"");
            assert_eq!(derived.map(|_| ()), Err(ChunkedError::InputKeyLength));
        }
        let commitment: [u8; 32] = keys().commitment().try_into().unwrap();
        let mut sealer = keys().sealer();
        let mut full = vec![0u8; FRAME];
        let mut last = vec![0u8; 20];
        assert_eq!(
            sealer.seal_next(&mut vec![0; FRAME + 1]),
            Err(ChunkedError::ChunkLength)
        );
        assert_eq!(
            sealer.seal_next(&mut [0; 15]),
            Err(ChunkedError::ChunkLength)
        );
        sealer.seal_next(&mut full).unwrap();
        assert!(!sealer.is_finished());
        sealer.seal_next(&mut last).unwrap();
        assert!(sealer.is_finished());
        assert_eq!(
            sealer.seal_next(&mut last.clone()),
            Err(ChunkedError::TrailingChunk(2))
        );

        let mut opener = keys().opener(&commitment).unwrap();
        // Any order, through the cipher.
        assert_eq!(
            opener.cipher().open_chunk(1, &mut last.clone()).unwrap(),
            [0; 4]
        );
        assert_eq!(
            opener
                .cipher()
                .open_chunk(1 << 38, &mut last.clone())
                .map(|_| ()),
            Err(ChunkedError::TooLong)
        );
        let before = full.clone();
        assert_eq!(
            opener.cipher().open_chunk(1, &mut full).map(|_| ()),
            Err(ChunkedError::Unauthentic(1))
        );
        // Ciphertext or zeros, according to the back end.
        let wiped = full[..16_384].iter().all(|it| *it == 0);
        assert!(wiped || full == before, "unauthentic bytes in the buffer");
        full = before;
        assert_eq!(opener.open_next(&mut full).unwrap(), [0; 16_384]);
        assert_eq!(opener.open_next(&mut last).unwrap(), [0; 4]);
        assert!(opener.is_finished());
        assert_eq!(
            opener.open_next(&mut last).map(|_| ()),
            Err(ChunkedError::TrailingChunk(2))
        );
        let mut wrong = commitment;
        wrong[31] ^= 0x80;
        assert!(keys().opener(&wrong).is_err());
    }
}

#[test]
fn a_header_that_was_read_before_is_authenticated_all_the_same() {
    for suite in Suite::ALL {
        let fixture = fixture(suite, 1);
        let (context, message) = (row(42), &fixture.envelope[HEADER_LEN..]);
        let open = |header: &Header| {
            open_after_header(&fixture.key, header, message, Some(&context))
                .map(|plain| plain.to_vec())
        };
        let header = Header::decode(&fixture.envelope).unwrap();
        assert_eq!(open(&header), Ok(fixture.plain.clone()));
        let (mut offline, mut padded, mut epoch) = (header, header, header);
        offline.offline = !header.offline;
        padded.padded = !header.padded;
        epoch.epoch += 1;
        assert_eq!(open(&offline), Err(CommitmentMismatch));
        assert_eq!(open(&padded), Err(CommitmentMismatch));
        assert_eq!(open(&epoch), Err(WrongSession));
    }
}
