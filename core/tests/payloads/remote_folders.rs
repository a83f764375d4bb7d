use crate::folders::make_tree;
use crate::ranges::Bucket;
use crate::{Desk, code, data};
use plico::ports::{BoxFuture, RangedSource};
use plico::{CancelToken, ErrorCode, FileOptions, SealedFolder};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

async fn bucket(desk: &Desk) -> Arc<Bucket> {
    make_tree(&desk.at("in"));
    let options = FileOptions::new();
    let sealing = desk
        .session
        .encrypt_folder(desk.at("in"), desk.at("sealed"), options);
    sealing.await.unwrap();
    let sealed = std::fs::read(desk.at("sealed")).unwrap();
    std::fs::remove_file(desk.at("sealed")).unwrap();
    std::fs::remove_dir_all(desk.at("in")).unwrap();
    Bucket::new(sealed)
}

async fn open(desk: &Desk, source: Arc<dyn RangedSource>) -> plico::Result<SealedFolder> {
    let opening = desk.account.open_folder_ranges(source, FileOptions::new());
    opening.await
}

#[tokio::test]
async fn members_come_from_an_object_store() {
    let desk = Desk::new().await;
    let bucket = bucket(&desk).await;
    let folder = open(&desk, bucket.clone()).await.unwrap();
    let scan = "series/1/scan.dcm";
    let found = folder.members().iter().find(|it| it.path == scan).unwrap();
    assert_eq!(found.size, 700_000);
    let asked = std::mem::take(&mut *bucket.asked.lock().unwrap());
    let bytes: u64 = asked.iter().map(|it| it.1).sum();
    assert!(bytes < 400_000, "only what has the headers: {bytes}");

    let part = folder.read(scan, 500_000..501_000).await.unwrap();
    assert!(part == data(700_000)[500_000..501_000]);
    let asked = std::mem::take(&mut *bucket.asked.lock().unwrap());
    assert!(asked.len() == 1 && asked[0].1 <= 2 * 16_400, "{asked:?}");
    // What is beyond the end is left out, and no byte of the next member is given.
    let end = folder.read(scan, 699_990..800_000).await.unwrap();
    assert!(end == data(700_000)[699_990..]);
    assert_eq!(folder.read("nothing", 0..10).await.unwrap(), b"");
    #[allow(clippy::reversed_empty_ranges)]
    let backwards = folder.read(scan, 10..5).await.unwrap();
    assert_eq!(backwards, b"");
    for (member, content) in [(scan, data(700_000)), ("nothing", vec![])] {
        let extracting = folder.extract(member, desk.at("out"), FileOptions::new());
        extracting.await.unwrap();
        assert!(std::fs::read(desk.at("out")).unwrap() == content);
    }
    assert_eq!(desk.names(), ["out"]);
    for none in ["series", "../sealed", ""] {
        let missing = folder.read(none, 0..1).await;
        assert_eq!(code(missing), ErrorCode::InvalidArgument, "{none}");
        let missing = folder.extract(none, desk.at("new"), FileOptions::new());
        assert_eq!(code(missing.await), ErrorCode::InvalidArgument, "{none}");
    }
    let sync = folder.reader(scan).map(drop);
    assert_eq!(code(sync), ErrorCode::InvalidArgument);
    desk.account.close();
    let closed = folder.read(scan, 0..1).await;
    assert_eq!(code(closed), ErrorCode::Closed);
    let closed = folder.extract(scan, desk.at("new"), FileOptions::new());
    assert_eq!(code(closed.await), ErrorCode::Closed);
    assert_eq!(desk.names(), ["out"]);
}

#[tokio::test]
async fn a_file_here_reads_the_same() {
    let desk = Desk::new().await;
    let bucket = bucket(&desk).await;
    std::fs::write(desk.at("sealed"), &*bucket.object.lock().unwrap()).unwrap();
    let opening = desk
        .account
        .open_folder(desk.at("sealed"), FileOptions::new());
    let here = opening.await.unwrap();
    let there = open(&desk, bucket).await.unwrap();
    assert_eq!(here.members(), there.members());
    for member in here.members().iter().filter(|it| !it.is_folder) {
        for range in [0..u64::MAX, 3..20, 600_000..700_001] {
            let one = here.read(&member.path, range.clone()).await.unwrap();
            let other = there.read(&member.path, range).await.unwrap();
            assert!(one == other, "{}", member.path);
        }
    }
}

#[tokio::test]
async fn a_source_that_alters_withholds_or_changes_is_caught() {
    let desk = Desk::new().await;
    let bucket = bucket(&desk).await;
    let folder = open(&desk, bucket.clone()).await.unwrap();
    let whole = bucket.object.lock().unwrap().clone();
    // In the middle of the scan.
    bucket.object.lock().unwrap()[300_000] ^= 1;
    let extracting = folder.extract("series/1/scan.dcm", desk.at("out"), FileOptions::new());
    assert_eq!(code(extracting.await), ErrorCode::EnvelopeDamaged);
    let reading = folder.read("series/1/scan.dcm", 0..700_000).await;
    assert_eq!(code(reading), ErrorCode::EnvelopeDamaged);
    // Each place once, wherever headers are read.
    for place in (0..whole.len()).step_by(9_973) {
        let mut altered = whole.clone();
        altered[place] ^= 0x80;
        let source = Bucket::new(altered);
        if let Ok(folder) = open(&desk, source).await {
            // It was not where headers are.
            let mut refused = 0;
            for member in folder.members().iter().filter(|it| !it.is_folder) {
                let read = folder.read(&member.path, 0..u64::MAX).await;
                refused += usize::from(read.is_err());
            }
            assert!(refused <= 2, "at {place}");
        }
    }
    for len in [0, 50, 100, 20_000, whole.len() - 1] {
        let source = Bucket::new(whole[..len].to_vec());
        assert!(open(&desk, source).await.is_err(), "{len}");
    }
    // It becomes shorter once it was opened.
    bucket.object.lock().unwrap().truncate(100_000);
    let extracting = folder.extract("series/1/scan.dcm", desk.at("out"), FileOptions::new());
    assert_eq!(code(extracting.await), ErrorCode::EnvelopeTruncated);
    assert_eq!(desk.names(), [""; 0]);
    let no_archive = desk.session.encrypt(&data(5_000), None).await.unwrap();
    let source = Bucket::new(no_archive);
    let opened = open(&desk, source).await;
    assert_eq!(code(opened), ErrorCode::ArchiveInvalid);
}

/// Fails, or answers no more, after so many requests.
struct Tired {
    bucket: Arc<Bucket>,
    left: AtomicU64,
    silent: bool,
}

impl RangedSource for Tired {
    fn length(&self) -> BoxFuture<'_, io::Result<u64>> {
        self.bucket.length()
    }

    fn read(&self, offset: u64, len: u64) -> BoxFuture<'_, io::Result<Vec<u8>>> {
        let left = self.left.load(Ordering::Relaxed);
        self.left.store(left.saturating_sub(1), Ordering::Relaxed);
        match (left, self.silent) {
            (0, true) => Box::pin(std::future::pending()),
            (0, false) => Box::pin(async { Err(io::ErrorKind::TimedOut.into()) }),
            _ => self.bucket.read(offset, len),
        }
    }
}

#[tokio::test]
async fn a_source_that_fails_or_falls_silent_leaves_nothing() {
    let desk = Desk::new().await;
    let bucket = bucket(&desk).await;
    let mut opened = 0;
    for left in 0..40 {
        let tired = |silent| {
            let (bucket, left) = (bucket.clone(), AtomicU64::new(left));
            Arc::new(Tired {
                bucket,
                left,
                silent,
            })
        };
        let failing = tired(false);
        match open(&desk, failing.clone()).await {
            Err(error) => assert_eq!(error.code(), ErrorCode::Io, "{left}"),
            Ok(folder) => {
                failing.left.store(0, Ordering::Relaxed);
                let extracting =
                    folder.extract("series/1/scan.dcm", desk.at("out"), FileOptions::new());
                assert_eq!(code(extracting.await), ErrorCode::Io);
                opened += 1;
            }
        }
        let cancel = CancelToken::new();
        let options = || FileOptions::new().cancel(cancel.clone());
        let silent = tired(true);
        let work = async {
            let opening = desk.account.open_folder_ranges(silent.clone(), options());
            let folder = opening.await?;
            silent.left.store(0, Ordering::Relaxed);
            let extracting = folder.extract("series/1/scan.dcm", desk.at("out"), options());
            extracting.await
        };
        let stop = async {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            cancel.cancel();
        };
        let (ended, ()) = tokio::join!(work, stop);
        assert_eq!(code(ended), ErrorCode::Cancelled, "{left}");
        // The thread may be about to delete what it made.
        for _ in 0..3_000 {
            if desk.names().is_empty() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        assert_eq!(desk.names(), [""; 0], "{left}");
    }
    assert!(opened > 0, "the list takes fewer than 40 requests");
}
