//! Envelopes: only what was sealed opens, however the bytes arrive.

use crate::cut::Cut;
use crate::fixture::Bytes;
use core::ops::ControlFlow;
use plico_protocol::envelope::chunked::{
    COMMITMENT_LEN, FRAME_LEN, MessageKeys, PREFIX_LEN, SALT_LEN,
};
use plico_protocol::envelope::text::{TEXT_PREFIX, from_text, to_text};
use plico_protocol::envelope::{
    EnvelopeError, EnvelopeKey, EnvelopeReader, OpenReader, OpenWriter, Padding, StreamOptions,
    StreamPadding, Threads,
};
use plico_protocol::envelope::{open, open_parallel, open_stream, seal, seal_stream};
use plico_protocol::format::context::AppContext;
use plico_protocol::format::suite::Suite;
use plico_protocol::primitives::secret::Secret;
use std::collections::HashMap;
use std::io::{Read, Result as IoResult};
use std::sync::OnceLock;

/// The one key of each suite.
#[must_use]
pub fn key(suite: Suite) -> EnvelopeKey {
    let mut payload = [suite.to_byte(); 32];
    EnvelopeKey::new(Secret::new(&mut payload), [1; 32], [2; 32], 3, suite)
}

fn suite(byte: u8) -> Suite {
    Suite::ALL[usize::from(byte & 1)]
}

/// None, or one of two contexts.
#[must_use]
pub fn context(byte: u8) -> Option<AppContext> {
    let raw = |bytes: &[u8]| AppContext::raw(bytes).expect("is short");
    match byte >> 1 & 3 {
        0 => None,
        1 => Some(raw(b"row 1")),
        _ => Some(raw(b"row 2")),
    }
}

/// Selector and envelope, with the plaintext.
pub type Sealed = HashMap<(u8, Vec<u8>), Vec<u8>>;

/// What was ever sealed under the fixed keys.
pub fn sealed() -> &'static Sealed {
    static SEALED: OnceLock<Sealed> = OnceLock::new();
    SEALED.get_or_init(|| {
        let mut all = HashMap::new();
        for select in 0..6 {
            for (number, len) in [0, 1, 40, FRAME_LEN - 16, FRAME_LEN]
                .into_iter()
                .enumerate()
            {
                let plaintext = vec![number as u8 ^ 0x55; len];
                let padding = if number % 2 == 0 {
                    Padding::None
                } else {
                    Padding::Padme
                };
                let mut rng = Bytes(u64::from(select) << 8 | number as u64 | 0x10_0000);
                let context = context(select);
                let key = key(suite(select));
                let envelope = seal(&key, &plaintext, context.as_ref(), padding, &mut rng);
                all.insert((select, envelope.expect("seals")), plaintext);
            }
        }
        all
    })
}

fn never(_: u64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// `suite and context, envelope`.
pub fn open_any(data: &[u8]) {
    let mut cut = Cut(data);
    let select = cut.byte() % 6;
    let context = context(select);
    let opened = open(&key(suite(select)), cut.0, context.as_ref());
    let wanted = sealed().get(&(select, cut.0.to_vec()));
    let got = opened.as_deref().ok();
    assert_eq!(got, wanted.map(Vec::as_slice), "{opened:?}");
    let mut out = Vec::new();
    let key = key(suite(select));
    let wanted = opened.as_ref().map(|it| it.to_vec()).map_err(|it| *it);
    other_ways(&key, cut.0, context.as_ref(), wanted);
    let streamed = open_stream(&key, cut.0, &mut out, context.as_ref(), &mut never);
    match (opened, streamed) {
        (Ok(plaintext), Ok(len)) => {
            assert_eq!(*plaintext, out);
            assert_eq!(len, out.len() as u64);
        }
        (Err(_), Err(_)) => assert!(out.len() <= cut.0.len()),
        (whole, streamed) => panic!("{:?}, {streamed:?}", whole.map(|it| it.len())),
    }
}

/// Two threads, a writer, a reader and seeking say what opening at once says.
/// A reader that seeks does not see all of the padding.
fn other_ways(
    key: &EnvelopeKey,
    envelope: &[u8],
    context: Option<&AppContext>,
    wanted: Result<Vec<u8>, EnvelopeError>,
) {
    let options = StreamOptions {
        context,
        threads: Threads::new(2),
        ..StreamOptions::default()
    };
    let mut out = Vec::new();
    let parallel = open_parallel(key, envelope, &mut out, &options, &mut never);
    assert_eq!(parallel.map(|_| out), wanted);
    let mut writer = OpenWriter::new(key, Vec::new(), &options);
    let pushed = envelope.chunks(777).try_for_each(|it| writer.push(it));
    assert_eq!(pushed.and_then(|()| writer.finish()), wanted);
    let pulled = OpenReader::new(key, envelope, &options).and_then(|mut reader| {
        let mut out = Vec::new();
        reader.read_to_end(&mut out)?;
        Ok(out)
    });
    assert_eq!(pulled, wanted);
    let source = std::io::Cursor::new(envelope);
    let sought = EnvelopeReader::new(key, source, &options).and_then(|mut reader| {
        let mut out = Vec::new();
        reader.read_to_end(&mut out)?;
        Ok(out)
    });
    // It names the first wrong frame that it looks at, which may be another one.
    assert!(
        sought.ok() == wanted.as_ref().ok().cloned()
            || wanted == Err(EnvelopeError::PaddingInvalid)
    );
}

/// Gives its bytes in pieces of the lengths that it is told.
struct Pieces<'a> {
    bytes: &'a [u8],
    lengths: std::iter::Cycle<std::slice::Iter<'a, u8>>,
}

impl<'a> Pieces<'a> {
    fn new(bytes: &'a [u8], lengths: &'a [u8]) -> Self {
        let lengths = if lengths.is_empty() { &[7] } else { lengths };
        Self {
            bytes,
            lengths: lengths.iter().cycle(),
        }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> IoResult<usize> {
        let piece = self.lengths.next().copied().unwrap_or(1);
        // Short pieces, some interruptions, and now and then a long one.
        let len = match piece {
            0 => return Err(std::io::ErrorKind::Interrupted.into()),
            255 => 20_000,
            short => usize::from(short),
        };
        let len = len.min(out.len()).min(self.bytes.len());
        let (now, later) = self.bytes.split_at(len);
        out[..len].copy_from_slice(now);
        self.bytes = later;
        Ok(len)
    }
}

/// `suite and context, how many lengths, lengths, repeat, plaintext`: sealing
/// and opening in arbitrary pieces is the same as in one.
pub fn stream(data: &[u8]) {
    let mut cut = Cut(data);
    let select = cut.byte() % 6;
    let many = usize::from(cut.byte() % 9);
    // An input of nothing but interruptions would never end.
    let lengths = cut.take(many);
    let lengths = if lengths.iter().all(|it| *it == 0) {
        &[][..]
    } else {
        lengths
    };
    let repeat = usize::from(cut.byte() % 16) + 1;
    let (change, at) = (cut.byte(), cut.number());
    let plaintext = cut.0[..cut.0.len().min(4_096)].repeat(repeat);
    let (key, context) = (key(suite(select)), context(select));
    let mut envelope = Vec::new();
    let padding = if change & 1 == 0 {
        StreamPadding::None
    } else {
        let length = plaintext.len() as u64;
        StreamPadding::Padme { length }
    };
    let read = seal_stream(
        &key,
        Pieces::new(&plaintext, lengths),
        &mut envelope,
        context.as_ref(),
        padding,
        &mut Bytes(77),
        &mut never,
    );
    assert_eq!(read.ok(), Some(plaintext.len() as u64));
    let whole = match padding {
        StreamPadding::None => Padding::None,
        StreamPadding::Padme { .. } => Padding::Padme,
    };
    let same = seal(&key, &plaintext, context.as_ref(), whole, &mut Bytes(77));
    assert_eq!(same.ok().as_ref(), Some(&envelope));
    let mut out = Vec::new();
    let pieces = Pieces::new(&envelope, lengths);
    open_stream(&key, pieces, &mut out, context.as_ref(), &mut never).expect("opens");
    assert_eq!(out, plaintext);
    // One bit, or the end, is not what it was.
    if change & 2 == 0 {
        let place = usize::from(at) % envelope.len();
        envelope[place] ^= 1 << (change >> 5);
    } else {
        envelope.truncate(usize::from(at) % envelope.len());
    }
    let pieces = Pieces::new(&envelope, lengths);
    let opened = open_stream(&key, pieces, &mut Vec::new(), context.as_ref(), &mut never);
    assert!(opened.is_err(), "a changed envelope opens");
}

/// `suite and context, padding, place, bit, plaintext`: what is sealed opens,
/// under its own context only, and not after a change.
pub fn seal_any(data: &[u8]) {
    let mut cut = Cut(data);
    let select = cut.byte() % 6;
    let padding = [Padding::None, Padding::Padme][usize::from(cut.byte() & 1)];
    let (at, bit) = (cut.number(), cut.byte() & 7);
    let (key, context) = (key(suite(select)), context(select));
    let plaintext = cut.0;
    let sealed = seal(&key, plaintext, context.as_ref(), padding, &mut Bytes(99));
    let mut envelope = sealed.expect("seals");
    assert!(envelope.len() >= plaintext.len() + 98);
    assert!(envelope.len() <= plaintext.len() + plaintext.len() / 8 + 1_024);
    let opened = open(&key, &envelope, context.as_ref()).expect("opens");
    assert_eq!(*opened, *plaintext);
    let other = crate::envelopes::context(select.wrapping_add(2) % 6);
    assert!(other == context || open(&key, &envelope, other.as_ref()).is_err());
    let text = to_text(&envelope);
    assert_eq!(from_text(&text).as_deref(), Ok(envelope.as_slice()));
    let place = usize::from(at) % envelope.len();
    envelope[place] ^= 1 << bit;
    assert!(open(&key, &envelope, context.as_ref()).is_err());
}

/// `suite, message`: C2SP chunked encryption without Plico's header, frame by
/// frame and in any order.
pub fn chunks(data: &[u8]) {
    let mut cut = Cut(data);
    let aead = suite(cut.byte()).aead();
    let Some((prefix, frames)) = cut.0.split_first_chunk::<PREFIX_LEN>() else {
        return;
    };
    let salt: [u8; SALT_LEN] = prefix[..SALT_LEN].try_into().expect("its length");
    let commitment: [u8; COMMITMENT_LEN] = prefix[SALT_LEN..].try_into().expect("its length");
    let keys = || MessageKeys::derive(aead, &[9; 32], &salt, b"fuzz").expect("32 bytes");
    // With the right commitment, which no fuzzer guesses, we look further.
    let _ = keys().opener(&commitment);
    let right: [u8; COMMITMENT_LEN] = keys().commitment().try_into().expect("its length");
    let mut opener = keys().opener(&right).expect("its own commitment");
    for frame in frames.chunks(FRAME_LEN) {
        let mut frame = frame.to_vec();
        let at_random = opener.cipher().open_chunk(u64::MAX, &mut frame).is_err();
        assert!(at_random, "an index that there is not");
        if opener.open_next(&mut frame).is_err() {
            assert!(!opener.is_finished());
            break;
        }
    }
    // The frames sealed anew, as plaintext: they open in order, and moved they don't.
    let mut sealer = keys().sealer();
    let mut message = Vec::new();
    while !sealer.is_finished() {
        let at = message.len() / FRAME_LEN * (FRAME_LEN - 16);
        let chunk = frames.get(at..).unwrap_or_default();
        let mut frame = chunk[..chunk.len().min(FRAME_LEN - 16)].to_vec();
        frame.extend_from_slice(&[0; 16]);
        sealer.seal_next(&mut frame).expect("in order");
        message.extend_from_slice(&frame);
    }
    let mut opener = keys().opener(&right).expect("its own commitment");
    let mut plaintext = Vec::new();
    for (number, frame) in message.chunks(FRAME_LEN).enumerate() {
        let mut moved = frame.to_vec();
        assert!(
            opener
                .cipher()
                .open_chunk(number as u64 + 1, &mut moved)
                .is_err()
        );
        let mut frame = frame.to_vec();
        plaintext.extend_from_slice(opener.open_next(&mut frame).expect("in order"));
    }
    assert!(opener.is_finished());
    assert_eq!(plaintext, frames);
}

/// The text form: one text for an envelope.
pub fn text(data: &[u8]) {
    assert_eq!(from_text(&to_text(data)).as_deref(), Ok(data));
    let Ok(text) = core::str::from_utf8(data) else {
        return;
    };
    for text in [text.to_owned(), format!("{TEXT_PREFIX}{text}")] {
        if let Ok(bytes) = from_text(&text) {
            assert_eq!(to_text(&bytes), text);
            assert!(bytes.len() < text.len());
        }
    }
}
