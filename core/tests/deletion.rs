//! What is destroyed is really deleted: its bytes are not in the directory's
//! database any more, neither in its tables nor in pages that nobody uses.

#![allow(clippy::unwrap_used, clippy::panic)]

use plico::testing::{TestDirectory, TestPerson};
use plico::{EncryptionSession, Expiry, Grant, Recipient, SessionOptions};
use plico_protocol::wire::rest::{Append, EntryUpload};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// Everything that was uploaded besides entries: wraps, back-links, metadata, tags.
fn uploaded(person: &TestPerson) -> Vec<Vec<u8>> {
    let exchanges = person.connection().exchanges();
    let bodies = exchanges.iter().map(|(request, _)| &request.body);
    let appends = bodies.filter_map(|it| serde_json::from_slice::<Append>(it).ok());
    let parts = |it: EntryUpload| {
        let wraps = it.wraps.into_iter().map(|wrap| wrap.sealed.0);
        let links = it.back_links.into_iter().map(|link| link.0);
        let blobs = [it.metadata, it.tag]
            .into_iter()
            .flatten()
            .map(|blob| blob.0);
        wraps.chain(links).chain(blobs).collect::<Vec<_>>()
    };
    appends.flat_map(|it| it.entries).flat_map(parts).collect()
}

struct Case {
    directory: TestDirectory,
    session: EncryptionSession,
    parts: Vec<Vec<u8>>,
}

impl Case {
    async fn new(expiry: Expiry) -> Self {
        let directory = TestDirectory::start().await.unwrap();
        let doctor = directory.person("dr.a").await.unwrap();
        directory.person("patient.7").await.unwrap();
        let options = SessionOptions::new()
            .recipient(Recipient::user("patient.7"), Grant::read())
            .metadata(b"a title")
            .tag("ward 3, room 12")
            .expiry(expiry);
        let session = doctor.account().create_session(options).await.unwrap();
        session.rotate().await.unwrap();
        let parts = uploaded(&doctor);
        assert_eq!(
            parts.len(),
            2 + 2 + 2 + 1,
            "two epochs' wraps, metadata and tag, a link"
        );
        let case = Self {
            directory,
            session,
            parts,
        };
        assert!(
            case.found().await.iter().all(|it| *it),
            "all of it is there"
        );
        case
    }

    /// Which of the parts are in the database's file.
    async fn found(&self) -> Vec<bool> {
        // It starts the directory again, which deletes what is over.
        let backup = self.directory.backup().await.unwrap();
        let again = self.directory.backup().await.unwrap();
        drop(backup);
        self.parts.iter().map(|part| again.holds(part)).collect()
    }

    async fn is_gone(&self) {
        assert!(!self.found().await.contains(&true));
        let backup = self.directory.backup().await.unwrap();
        assert!(!backup.holds(b"ward 3, room 12"));
    }
}

#[tokio::test]
async fn by_its_owner() {
    let case = Case::new(Expiry::never()).await;
    case.session.end().await.unwrap();
    case.is_gone().await;
}

#[tokio::test]
async fn by_the_operator() {
    let case = Case::new(Expiry::never()).await;
    case.directory.destroy(case.session.id()).await.unwrap();
    case.is_gone().await;
}

#[tokio::test]
async fn by_its_time() {
    let case = Case::new(Expiry::after_idle(DAY)).await;
    case.directory.clock().advance(2 * DAY);
    case.is_gone().await;
}

#[tokio::test]
async fn whoever_is_revoked_leaves_no_wrap_behind() {
    let case = Case::new(Expiry::never()).await;
    case.session
        .revoke(Recipient::user("patient.7"))
        .await
        .unwrap();
    // Its wraps of both epochs; the owner's, the link, metadata and tag stay.
    let found = case.found().await;
    assert_eq!(found.iter().filter(|it| !**it).count(), 2, "{found:?}");
}
