//! Envelopes that nobody attacks: sizes, padding, streams, texts, signatures.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{TestRng, data};
use core::ops::ControlFlow;
use plico_protocol::envelope::padding::padded_len;
use plico_protocol::envelope::{
    Author, EnvelopeError, EnvelopeKey, EnvelopeSignature, Padding, StreamPadding, envelope_hash,
    envelope_hash_stream, open, open_stream, seal, seal_stream, signed, text,
};
use plico_protocol::format::context::AppContext;
use plico_protocol::format::header::Header;
use plico_protocol::format::suite::Suite;
use plico_protocol::primitives::secret::Secret;
use plico_protocol::primitives::sign::SigningKey;
use std::io::{self, ErrorKind, Read, Write};

const SIZES: [usize; 16] = [
    0, 1, 8, 23, 24, 25, 31, 32, 1000, 16_375, 16_376, 16_383, 16_384, 16_385, 32_768, 50_000,
];

fn key(suite: Suite) -> EnvelopeKey {
    EnvelopeKey::new(Secret::new(&mut [7; 32]), [1; 32], [2; 32], 5, suite)
}

fn go_on(_: u64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn opened_stream(key: &EnvelopeKey, envelope: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
    let mut out = Vec::new();
    let written = open_stream(key, envelope, &mut out, None, &mut go_on)?;
    assert_eq!(written, out.len() as u64);
    Ok(out)
}

#[test]
fn bytes_and_streams_are_the_same_envelope() {
    for suite in Suite::ALL {
        let key = key(suite);
        for size in SIZES {
            let plain = data(size);
            for (padding, stream_padding, total) in [
                (Padding::None, StreamPadding::None, size as u64),
                (
                    Padding::Padme,
                    StreamPadding::Padme {
                        length: size as u64,
                    },
                    padded_len(size as u64).unwrap(),
                ),
            ] {
                let envelope = seal(&key, &plain, None, padding, &mut TestRng(9)).unwrap();
                let chunks = total / 16_384 + 1;
                assert_eq!(envelope.len() as u64, 26 + 56 + total + 16 * chunks);

                let mut streamed = Vec::new();
                let read = seal_stream(
                    &key,
                    Stingy(&plain, 0),
                    &mut streamed,
                    None,
                    stream_padding,
                    &mut TestRng(9),
                    &mut go_on,
                );
                assert_eq!(read, Ok(size as u64));
                assert_eq!(streamed, envelope, "{suite:?} {size}");

                assert_eq!(*open(&key, &envelope, None).unwrap(), plain);
                assert_eq!(opened_stream(&key, &envelope), Ok(plain.clone()));
                let mut out = Vec::new();
                open_stream(&key, Stingy(&envelope, 0), &mut out, None, &mut go_on).unwrap();
                assert_eq!(out, plain);
            }
        }
    }
}

/// Gives 1 to 977 bytes at a time, and `Interrupted` between.
struct Stingy<'a>(&'a [u8], usize);

impl Read for Stingy<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 += 1;
        if self.1.is_multiple_of(3) {
            return Err(ErrorKind::Interrupted.into());
        }
        let len = buffer.len().min(self.1 * 131 % 977 + 1);
        self.0.read(&mut buffer[..len])
    }
}

/// Works for a number of bytes, then fails.
struct Failing(usize);

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.0.min(buffer.len());
        self.0 -= len;
        match len {
            0 => Err(io::Error::other("/home/erika/secret.txt")),
            len => Ok(len),
        }
    }
}

impl Write for Failing {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let len = self.0.min(buffer.len());
        self.0 -= len;
        match len {
            0 => Err(ErrorKind::StorageFull.into()),
            len => Ok(len),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Claims to have read more than there was room for.
struct Liar;

impl Read for Liar {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(buffer.len() + 1)
    }
}

#[test]
fn failing_readers_and_writers() {
    let key = key(Suite::default());
    let none = StreamPadding::None;
    let envelope = seal(&key, &data(40_000), None, Padding::None, &mut TestRng(1)).unwrap();
    for at in [0, 10, 16_384, 20_000] {
        let sealed = seal_stream(
            &key,
            Failing(at),
            Vec::new(),
            None,
            none,
            &mut TestRng(1),
            &mut go_on,
        );
        let error = sealed.unwrap_err();
        assert_eq!(error, EnvelopeError::Io(ErrorKind::Other));
        assert!(!error.to_string().contains("erika"));
        let sealed = seal_stream(
            &key,
            data(40_000).as_slice(),
            Failing(at),
            None,
            none,
            &mut TestRng(1),
            &mut go_on,
        );
        assert_eq!(sealed, Err(EnvelopeError::Io(ErrorKind::StorageFull)));
        assert_eq!(
            open_stream(&key, envelope.as_slice(), Failing(at), None, &mut go_on),
            Err(EnvelopeError::Io(ErrorKind::StorageFull))
        );
    }
    let broken = open_stream(
        &key,
        envelope[..20_000].chain(Failing(0)),
        Vec::new(),
        None,
        &mut go_on,
    );
    assert_eq!(broken, Err(EnvelopeError::Io(ErrorKind::Other)));
    assert_eq!(
        open_stream(&key, Liar, Vec::new(), None, &mut go_on),
        Err(EnvelopeError::Io(ErrorKind::InvalidData))
    );
    assert_eq!(
        envelope_hash_stream(Failing(99)),
        Err(EnvelopeError::Io(ErrorKind::Other))
    );
}

#[test]
fn progress_and_cancellation() {
    let key = key(Suite::default());
    let plain = data(900_000);
    let steps = (1..=54).map(|it| it * 16_384).chain([900_000]);
    let steps: Vec<u64> = steps.collect();
    for stop_at in [None, Some(16_384), Some(49_152), Some(507_904)] {
        let mut seen = Vec::new();
        let mut progress = |done| {
            seen.push(done);
            match stop_at {
                Some(stop) if done >= stop => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        };
        let mut envelope = Vec::new();
        let sealed = seal_stream(
            &key,
            plain.as_slice(),
            &mut envelope,
            None,
            StreamPadding::None,
            &mut TestRng(2),
            &mut progress,
        );
        match stop_at {
            None => {
                assert_eq!(sealed, Ok(900_000));
                assert_eq!(seen, steps);
            }
            Some(stop) => {
                assert_eq!(sealed, Err(EnvelopeError::Cancelled));
                assert_eq!(seen.last(), Some(&stop));
                assert_eq!(
                    opened_stream(&key, &envelope),
                    Err(EnvelopeError::Truncated)
                );
            }
        }
    }
    let envelope = seal(&key, &plain, None, Padding::Padme, &mut TestRng(2)).unwrap();
    let mut out = Vec::new();
    let opened = open_stream(&key, envelope.as_slice(), &mut out, None, &mut |done| {
        assert_eq!(done, 16_376);
        ControlFlow::Break(())
    });
    assert_eq!(opened, Err(EnvelopeError::Cancelled));
    assert_eq!(out, plain[..16_376]);
}

#[test]
fn a_stated_length_must_be_true() {
    let key = key(Suite::default());
    for (length, given) in [
        (0, 1),
        (1, 0),
        (100, 99),
        (100, 101),
        (16_376, 16_377),
        (16_384, 16_383),
        (40_000, 16_384),
    ] {
        let sealed = seal_stream(
            &key,
            data(given).as_slice(),
            Vec::new(),
            None,
            StreamPadding::Padme { length },
            &mut TestRng(3),
            &mut go_on,
        );
        assert_eq!(sealed, Err(EnvelopeError::LengthMismatch), "{length}");
    }
    let sealed = seal_stream(
        &key,
        io::empty(),
        Vec::new(),
        None,
        StreamPadding::Padme { length: u64::MAX },
        &mut TestRng(3),
        &mut go_on,
    );
    assert_eq!(sealed, Err(EnvelopeError::TooLong));
}

#[test]
fn header_and_salt() {
    let key = key(Suite::Aes256GcmSha512);
    let context = AppContext::raw(b"x").unwrap();
    let mut rng = TestRng(4);
    let one = seal(&key, b"same", Some(&context), Padding::Padme, &mut rng).unwrap();
    let two = seal(&key, b"same", Some(&context), Padding::Padme, &mut rng).unwrap();
    let header = Header::decode(&one).unwrap();
    assert_eq!(header, key.header(true, true));
    assert_eq!(header.session_handle, [2; 16]);
    assert_eq!(header.epoch, 5);
    assert_eq!(one[..26], two[..26]);
    assert_ne!(one[26..50], two[26..50]);
    assert_ne!(one[82..], two[82..]);
}

#[test]
fn text_form_of_an_envelope() {
    let key = key(Suite::default());
    let envelope = seal(&key, b"note", None, Padding::Padme, &mut TestRng(5)).unwrap();
    let text = text::to_text(&envelope);
    assert!(text.starts_with("plc1.UExDMQE"));
    assert_eq!(text::from_text(&text), Ok(envelope));
}

#[test]
fn signatures() {
    use signed::SignatureError::{Invalid, NeedsNewerClient, NotASignature};
    let envelope = data(70_000);
    let subject = signed::Subject {
        tenant_id: [1; 32],
        chain_id: [2; 32],
        envelope_hash: envelope_hash(&envelope),
        app_context_hash: AppContext::hash_of(None),
    };
    assert_eq!(
        envelope_hash_stream(Stingy(&envelope, 0)),
        Ok(subject.envelope_hash)
    );
    let author = Author {
        identity: [3; 32],
        key: [4; 32],
        seq: 5,
        head: [6; 32],
    };
    let device = SigningKey::generate(&mut TestRng(6));
    let signature = EnvelopeSignature::sign(&device, author, 1_700_000_000_000, &subject).unwrap();
    let bytes = signature.encode().unwrap();
    assert_eq!(bytes.len(), signed::ENCODED_LEN);
    let decoded = EnvelopeSignature::decode(&bytes).unwrap();
    assert_eq!(decoded, signature);
    assert_eq!(decoded.author(), &author);
    assert_eq!(decoded.claimed_ms(), 1_700_000_000_000);
    assert_eq!(decoded.verify(&device.verifying_key(), &subject), Ok(()));

    let stranger = SigningKey::generate(&mut TestRng(7)).verifying_key();
    assert_eq!(decoded.verify(&stranger, &subject), Err(Invalid));
    for change in [
        |subject: &mut signed::Subject| subject.tenant_id[31] ^= 1,
        |subject: &mut signed::Subject| subject.chain_id[31] ^= 1,
        |subject: &mut signed::Subject| subject.envelope_hash[63] ^= 1,
        |subject: &mut signed::Subject| subject.app_context_hash[0] ^= 1,
    ] {
        let mut other = subject;
        change(&mut other);
        assert_eq!(
            decoded.verify(&device.verifying_key(), &other),
            Err(Invalid)
        );
    }
    // Every byte counts: it is either not read or not verified.
    for at in 0..bytes.len() {
        for flip in [1, 0x80] {
            let mut altered = bytes.clone();
            altered[at] ^= flip;
            let verified = EnvelopeSignature::decode(&altered)
                .and_then(|read| read.verify(&device.verifying_key(), &subject));
            assert!(verified.is_err(), "{at}");
        }
    }
    for len in 0..bytes.len() {
        assert_eq!(EnvelopeSignature::decode(&bytes[..len]), Err(NotASignature));
    }
    let longer = [bytes.as_slice(), b"\0"].concat();
    assert_eq!(EnvelopeSignature::decode(&longer), Err(NotASignature));
    let mut algorithm = bytes.clone();
    algorithm[116] = 2;
    assert_eq!(EnvelopeSignature::decode(&algorithm), Err(NeedsNewerClient));
    let mut version = bytes;
    version[3] = b'2';
    assert_eq!(EnvelopeSignature::decode(&version), Err(NeedsNewerClient));
}
