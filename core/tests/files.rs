//! Files: whole under their final name or not there at all.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{World, code};
use plico::{CancelToken, Context, ErrorCode, FileOptions, SessionOptions};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_file_goes_through_and_failures_leave_nothing() {
    let world = World::new().await;
    let doctor = world.person("dr.a").await;
    let session = doctor
        .account
        .create_session(SessionOptions::new())
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let content: Vec<u8> = (0..3_000_000u32).map(|i| (i * 7 / 3) as u8).collect();
    std::fs::write(at("in"), &content).unwrap();

    let seen = Arc::new(AtomicU64::new(0));
    let report = seen.clone();
    let place = Context::raw(b"row 1").unwrap();
    let options = FileOptions::new()
        .context(place.clone())
        .on_progress(move |progress| {
            assert_eq!(progress.total, 3_000_000);
            report.store(progress.done, Ordering::SeqCst);
        });
    session
        .encrypt_file(at("in"), at("sealed"), options)
        .await
        .unwrap();
    assert_eq!(seen.load(Ordering::SeqCst), 3_000_000);

    let report = seen.clone();
    let options = FileOptions::new()
        .context(place.clone())
        .on_progress(move |progress| {
            assert_eq!(progress.total, 3_000_000);
            report.store(progress.done, Ordering::SeqCst);
        });
    doctor
        .account
        .decrypt_file(at("sealed"), at("out"), options)
        .await
        .unwrap();
    assert_eq!(std::fs::read(at("out")).unwrap(), content);
    assert_eq!(seen.load(Ordering::SeqCst), 3_000_000);

    let before = names(folder.path());
    let place = || FileOptions::new().context(Context::raw(b"row 1").unwrap());
    let mut damaged = std::fs::read(at("sealed")).unwrap();
    *damaged.last_mut().unwrap() ^= 1;
    std::fs::write(at("sealed"), &damaged).unwrap();
    let result = session
        .decrypt_file(at("sealed"), at("never"), place())
        .await;
    assert_eq!(code(result), ErrorCode::EnvelopeDamaged);
    std::fs::write(at("sealed"), &damaged[..82 + 16_400 * 3]).unwrap();
    let result = session
        .decrypt_file(at("sealed"), at("never"), place())
        .await;
    assert_eq!(code(result), ErrorCode::EnvelopeTruncated);
    let result = session
        .encrypt_file(at("missing"), at("never"), FileOptions::new())
        .await;
    assert_eq!(code(result), ErrorCode::Io);
    let result = session
        .encrypt_file(at("in"), at("no/such/folder"), FileOptions::new())
        .await;
    assert_eq!(code(result), ErrorCode::Io);

    let token = CancelToken::new();
    let stop = token.clone();
    let options = FileOptions::new()
        .cancel(token)
        .on_progress(move |progress| {
            if progress.done > 1_000_000 {
                stop.cancel();
            }
        });
    let result = session.encrypt_file(at("in"), at("never"), options).await;
    assert_eq!(code(result), ErrorCode::Cancelled);
    assert_eq!(
        names(folder.path()),
        before,
        "nothing new, and no temporary file"
    );
}
