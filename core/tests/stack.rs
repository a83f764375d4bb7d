//! Calls need little stack. A thread of a foreign executor may have half a
//! megabyte of it, with the app's own frames on it.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/verbs.rs"]
#[allow(dead_code)]
mod verbs;

use plico::testing::TestDirectory;
use plico::{FileOptions, Recipient, SnapshotOptions};
use std::time::Duration;
use verbs::{VERBS, Ward, carry_out};

/// In builds without optimisation, where frames are largest. Whatever needs
/// more than this aborts the test's process.
const STACK: usize = 256 * 1024;

fn on_a_small_stack(work: impl Future<Output = ()> + Send + 'static) {
    let work = Box::pin(work);
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(work);
    };
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(run);
    thread.unwrap().join().unwrap();
}

#[test]
fn all_that_changes_a_session() {
    on_a_small_stack(async {
        let ward = Ward::new().await;
        for verb in VERBS {
            let id = ward.prepared(verb).await;
            carry_out(verb, ward.doctor.account(), id).await.unwrap();
        }
    });
}

#[test]
fn all_that_uses_a_session() {
    on_a_small_stack(async {
        let directory = TestDirectory::start().await.unwrap();
        let doctor = directory.person("dr.a").await.unwrap();
        let insurer = directory.person("insurer.3").await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("plain"), vec![7; 100_000]).unwrap();

        let readers = [Recipient::user("insurer.3")];
        let made = doctor.account().create_session(readers).await.unwrap();
        let sealed = made.encrypt("x", None).await.unwrap();
        let files = FileOptions::new;
        let sealing = made.encrypt_file(at("plain"), at("sealed"), files());
        sealing.await.unwrap();

        // Each from nothing, as after the program's start.
        for freshness in [Duration::ZERO, Duration::from_secs(60)] {
            let reader = insurer.restart().await.unwrap();
            let account = reader.account().max_staleness(freshness);
            let opened = account.decrypt(&sealed, None).await.unwrap();
            assert_eq!(opened.bytes(), b"x");
            let reader = insurer.restart().await.unwrap();
            let account = reader.account().max_staleness(freshness);
            let opening = account.decrypt_file(at("sealed"), at("opened"), files());
            opening.await.unwrap();
            assert_eq!(std::fs::read(at("opened")).unwrap(), vec![7; 100_000]);
        }
        let account = insurer.account();
        let session = account.session_of(&sealed).await.unwrap();
        assert_eq!(session.recipients().await.unwrap().len(), 2);
        assert_eq!(session.metadata().await.unwrap(), None);
        for result in account.prefetch(&[made.id()]).await.unwrap() {
            result.unwrap();
        }
        account.settle().await.unwrap();
        let options = SnapshotOptions::sessions([made.id()]);
        account.snapshot(&[7; 32], options).await.unwrap();
        session.forget().await.unwrap();
    });
}
