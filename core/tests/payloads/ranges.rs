use crate::{Desk, code, data};
use plico::ports::{BoxFuture, RangedSource};
use plico::{Context, Error, ErrorCode, FileOptions};
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex};

/// An object store, which remembers what it was asked for, and may lie.
pub struct Bucket {
    pub object: Mutex<Vec<u8>>,
    pub asked: Mutex<Vec<(u64, u64)>>,
    claimed: Mutex<Option<u64>>,
}

impl Bucket {
    pub fn new(object: Vec<u8>) -> Arc<Self> {
        Arc::new(Self {
            object: Mutex::new(object),
            asked: Mutex::default(),
            claimed: Mutex::default(),
        })
    }
}

impl RangedSource for Bucket {
    fn length(&self) -> BoxFuture<'_, io::Result<u64>> {
        let claimed = *self.claimed.lock().unwrap();
        let length = claimed.unwrap_or(self.object.lock().unwrap().len() as u64);
        Box::pin(async move { Ok(length) })
    }

    fn read(&self, offset: u64, len: u64) -> BoxFuture<'_, io::Result<Vec<u8>>> {
        self.asked.lock().unwrap().push((offset, len));
        let object = self.object.lock().unwrap();
        let end = (offset + len).min(object.len() as u64);
        let start = offset.min(end);
        let part = object[start as usize..end as usize].to_vec();
        Box::pin(async move { Ok(part) })
    }
}

#[tokio::test]
async fn ranges_from_an_object_store() {
    let desk = Desk::new().await;
    let plain = data(6_000_000);
    let place = Context::raw(b"scan 1").unwrap();
    let options = || FileOptions::new().context(place.clone());
    // Padded, as bytes are, and not, as files are.
    std::fs::write(desk.at("in"), &plain).unwrap();
    let done = desk
        .session
        .encrypt_file(desk.at("in"), desk.at("sealed"), options());
    done.await.unwrap();
    let file = std::fs::read(desk.at("sealed")).unwrap();
    let bytes = desk.session.encrypt(&plain, Some(&place)).await.unwrap();
    for (envelope, before, opening) in [(file, 0, 2), (bytes, 8, 3)] {
        let bucket = Bucket::new(envelope.clone());
        let reader = desk.account.decrypt_ranges(bucket.clone(), options()).await;
        let reader = reader.unwrap();
        assert_eq!(reader.len(), 6_000_000);
        let asked = std::mem::take(&mut *bucket.asked.lock().unwrap());
        assert_eq!(asked.len(), opening);
        assert_eq!(asked[0], (0, 82));
        for (start, end) in [
            (0, 1),
            (16_375, 16_377),
            (2_000_000, 3_048_576),
            (5_999_999, 7_000_000),
            (0, 6_000_000),
            (9, 9),
            (8_000_000, 9_000_000),
        ] {
            let part = reader.read(start..end).await.unwrap();
            let end = end.min(6_000_000).max(start.min(6_000_000));
            let start = start.min(end);
            assert!(
                part == plain[start as usize..end as usize],
                "{start}..{end}"
            );
            let asked = std::mem::take(&mut *bucket.asked.lock().unwrap());
            let chunks = match start == end {
                true => 0,
                false => (end + before).div_ceil(16_384) - (start + before) / 16_384,
            };
            let got: u64 = asked.iter().map(|(_, len)| len.div_ceil(16_400)).sum();
            assert_eq!(got, chunks, "{start}..{end}: {asked:?}");
            assert!(asked.iter().all(|(_, len)| *len <= 257 * 16_400));
        }
        // A bucket that gives something else.
        bucket.object.lock().unwrap()[82 + 16_400 * 3] ^= 1;
        let damaged = reader.read(3 * 16_384..3 * 16_384 + 5).await;
        assert_eq!(code(damaged), ErrorCode::EnvelopeDamaged);
        let whole = reader.read(0..6_000_000).await;
        assert_eq!(code(whole), ErrorCode::EnvelopeDamaged);
        assert!(
            reader.read(0..100).await.is_ok(),
            "what is right can be read"
        );
        bucket.object.lock().unwrap().truncate(82 + 16_400 * 2);
        let cut = reader.read(3 * 16_384..3 * 16_384 + 5).await;
        assert_eq!(code(cut), ErrorCode::EnvelopeTruncated);
        // Another envelope of the same session in its place.
        let other = desk.session.encrypt(&plain, Some(&place)).await.unwrap();
        *bucket.object.lock().unwrap() = other;
        assert_eq!(code(reader.read(0..100).await), ErrorCode::EnvelopeDamaged);
    }
}

#[tokio::test]
async fn a_length_that_is_not_true_is_refused_before_anything_is_read() {
    let desk = Desk::new().await;
    std::fs::write(desk.at("in"), data(100_000)).unwrap();
    let sealing = desk
        .session
        .encrypt_file(desk.at("in"), desk.at("sealed"), FileOptions::new());
    sealing.await.unwrap();
    let envelope = std::fs::read(desk.at("sealed")).unwrap();
    let bucket = Bucket::new(envelope.clone());
    for claimed in [
        0,
        26,
        81,
        82,
        98,
        82 + 16_400,
        82 + 16_416,
        envelope.len() as u64 - 1,
        envelope.len() as u64 + 1,
        envelope.len() as u64 + 16_400,
        u64::MAX,
        1 << 62,
    ] {
        *bucket.claimed.lock().unwrap() = Some(claimed);
        let opened = desk
            .account
            .decrypt_ranges(bucket.clone(), FileOptions::new());
        let code = code(opened.await);
        let expected = [
            ErrorCode::NotAnEnvelope,
            ErrorCode::EnvelopeTruncated,
            ErrorCode::EnvelopeDamaged,
            ErrorCode::TooLarge,
        ];
        assert!(expected.contains(&code), "{claimed}: {code}");
    }
    // Cut where a frame ends, so that the last one is a full one.
    let cut = Cursor::new(&envelope[..82 + 16_400 * 2]);
    let opened = desk.account.decrypt_seeker(cut, FileOptions::new()).await;
    assert_eq!(code(opened), ErrorCode::EnvelopeTruncated);
}

#[tokio::test]
async fn reads_and_seeks_like_a_file() {
    let desk = Desk::new().await;
    let plain = data(1_000_000);
    let envelope = desk.session.encrypt(&plain, None).await.unwrap();
    let options = FileOptions::new();
    let seeker = desk.account.decrypt_seeker(Cursor::new(&envelope), options);
    let mut seeker = seeker.await.unwrap();
    let mut file = Cursor::new(&plain);
    assert_eq!(seeker.len(), 1_000_000);
    let mut random = 99u64;
    for _ in 0..300 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let by = (random >> 40) as i64 % 1_100_000;
        let to = match random >> 33 & 3 {
            0 => SeekFrom::Start(by as u64),
            1 => SeekFrom::End(-by),
            _ => SeekFrom::Current(by - 500_000),
        };
        match (seeker.seek(to), file.seek(to)) {
            (Ok(one), Ok(other)) => assert_eq!(one, other),
            (one, other) => assert!(one.is_err() && other.is_err()),
        }
        let mut parts = [vec![0; 40_000], vec![0; 40_000]];
        let one = read_some(&mut seeker, &mut parts[0]);
        let other = read_some(&mut file, &mut parts[1]);
        assert_eq!(one, other);
        assert!(parts[0] == parts[1]);
    }
    desk.account.close();
    seeker.seek(SeekFrom::Start(0)).unwrap();
    let error = seeker.read(&mut [0; 9]).unwrap_err();
    assert_eq!(Error::from_io(&error).code(), ErrorCode::Closed);
}

fn read_some(reader: &mut impl Read, out: &mut [u8]) -> usize {
    let mut filled = 0;
    while filled < out.len() {
        match reader.read(&mut out[filled..]).unwrap() {
            0 => break,
            len => filled += len,
        }
    }
    filled
}

#[tokio::test]
async fn where_a_broken_download_goes_on() {
    let desk = Desk::new().await;
    std::fs::write(desk.at("in"), data(300_000)).unwrap();
    let options = FileOptions::new;
    let sealing = desk
        .session
        .encrypt_file(desk.at("in"), desk.at("sealed"), options());
    sealing.await.unwrap();
    let envelope = std::fs::read(desk.at("sealed")).unwrap();
    let length = async |bytes: &[u8]| {
        std::fs::write(desk.at("part"), bytes).unwrap();
        desk.account
            .authentic_length(desk.at("part"), options())
            .await
    };
    assert_eq!(length(&envelope).await.unwrap(), envelope.len() as u64);
    for have in [
        26,
        82,
        83,
        16_481,
        16_482,
        40_000,
        82 + 16_400 * 5,
        envelope.len() - 1,
    ] {
        let good = match have {
            0..82 => have,
            _ => 82 + (have - 82) / 16_400 * 16_400,
        };
        assert_eq!(length(&envelope[..have]).await.unwrap(), good as u64);
        // What was there is kept, and only the rest is fetched.
        let resumed = [&envelope[..good], &envelope[good..]].concat();
        assert!(desk.account.decrypt(&resumed, None).await.is_ok());
    }
    // A part that was damaged on the way is fetched again, with all after it.
    let mut damaged = envelope.clone();
    damaged[82 + 16_400 * 7 + 5] ^= 1;
    assert_eq!(length(&damaged).await.unwrap(), 82 + 16_400 * 7);
    damaged[30] ^= 1;
    assert_eq!(code(length(&damaged).await), ErrorCode::ContextMismatch);
    assert_eq!(
        code(length(&envelope[..25]).await),
        ErrorCode::NotAnEnvelope
    );
    assert_eq!(desk.names(), ["in", "part", "sealed"], "nothing is written");
}
