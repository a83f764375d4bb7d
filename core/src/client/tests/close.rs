//! Closing, while calls are under way.

use crate::client::lock;
use crate::error::ErrorCode;
use crate::testing::TestDirectory;
use std::time::Duration;

/// On other threads, while it is closed: where the call stands then is
/// another place each time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_secret_comes_back_into_memory_after_close() {
    let directory = TestDirectory::start().await.unwrap();
    let doctor = directory.person("dr.a").await.unwrap();
    let kept = doctor.account().create_session([]).await.unwrap();
    let mut under_way = 0;
    for round in 0..150 {
        let person = doctor.restart().await.unwrap();
        let account = person.account().clone();
        let session = account.session(kept.id()).max_staleness(Duration::ZERO);
        let other = account.clone();
        let calls = [
            tokio::spawn(async move { session.refresh().await }),
            tokio::spawn(async move { other.create_session([]).await.map(drop) }),
        ];
        // The cells are held as somebody who is in the middle holds them.
        let cell = account.inner.cell(kept.id().0);
        tokio::time::sleep(Duration::from_micros(round * 100)).await;
        account.close();
        for call in calls {
            match call.await.unwrap() {
                Ok(()) => {}
                Err(error) => {
                    assert_eq!(error.code(), ErrorCode::Closed);
                    under_way += 1;
                }
            }
        }
        assert!(cell.known().is_none(), "a session's secrets");
        let inner = &account.inner;
        assert!(lock(&inner.user_secrets).is_empty());
        assert!(lock(&inner.record).is_none());
        assert!(inner.sessions.holds_nothing());
    }
    assert!(under_way > 0, "nothing was under way when it closed");
}
