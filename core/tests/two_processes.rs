//! Two programs on one store (an app and its notification extension), and
//! races between people.

#![allow(clippy::unwrap_used, clippy::panic)]

use plico::testing::TestDirectory;
use plico::{Grant, Recipient, RegisterOptions};

#[tokio::test]
async fn two_programs_on_one_store_do_not_get_in_each_others_way() {
    let directory = TestDirectory::start().await.unwrap();
    let doctor = directory.person("dr.a").await.unwrap();
    directory.person("patient.7").await.unwrap();
    let other = doctor.restart().await.unwrap();
    let session = doctor
        .account()
        .create_session([Recipient::user("patient.7")])
        .await
        .unwrap();
    let theirs = other.account().session(session.id());
    for round in 0..10 {
        let (one, two) = tokio::join!(session.rotate(), theirs.set_metadata(b"a title"));
        one.unwrap();
        two.unwrap();
        let (one, two) = tokio::join!(session.encrypt("one", None), theirs.encrypt("two", None));
        for sealed in [one.unwrap(), two.unwrap()] {
            session.decrypt(&sealed, None).await.unwrap();
            theirs.decrypt(&sealed, None).await.unwrap();
        }
        assert!(round < 10);
    }
    let journal = plico::ports::Store::scan(&**doctor.store(), "journal/").await;
    assert!(journal.unwrap().is_empty());
    // A third one, started on what the two have written, knows it all.
    let third = doctor.restart().await.unwrap();
    third.connection().down(true);
    let session = third.account().offline().session(session.id());
    let metadata = session.metadata().await.unwrap();
    assert_eq!(metadata.as_deref(), Some(&b"a title"[..]));
}

#[tokio::test]
async fn a_revocation_that_one_program_has_seen_is_known_to_the_other() {
    let directory = TestDirectory::start().await.unwrap();
    let doctor = directory.person("dr.a").await.unwrap();
    let patient = directory.person("patient.7").await.unwrap();
    let session = doctor
        .account()
        .create_session([Recipient::user("patient.7")])
        .await
        .unwrap();
    let extension = doctor.restart().await.unwrap();
    let theirs = extension.account().session(session.id());
    theirs.encrypt("both know the session", None).await.unwrap();
    session.revoke(Recipient::user("patient.7")).await.unwrap();
    // Within the freshness bound, and even offline, it is not stepped over.
    directory.clock().advance(std::time::Duration::from_secs(2));
    for theirs in [theirs.clone(), theirs.offline()] {
        let sealed = theirs.encrypt("after", None).await.unwrap();
        let header: [u8; 4] = sealed[22..26].try_into().unwrap();
        assert_eq!(u32::from_be_bytes(header), 1);
        let opened = patient.account().decrypt(&sealed, None).await;
        assert_eq!(opened.unwrap_err().code(), plico::ErrorCode::AccessRevoked);
    }
}

#[tokio::test]
async fn two_programs_that_register_at_once_make_one_identity() {
    let directory = TestDirectory::start().await.unwrap();
    let one = directory.visitor("dr.a").await.unwrap();
    let two = one.restart().await.unwrap();
    let (first, second) = tokio::join!(one.register(1), two.register(1));
    // At least one has made it; whoever lost the race finds it there.
    let ids = [first.ok(), second.ok()];
    let made = ids.into_iter().flatten().next().unwrap();
    assert!(ids.into_iter().flatten().all(|id| id == made));
    let again = one.restart().await.unwrap();
    let backend = directory.clone();
    let options = RegisterOptions::new("dr.a", move |request| {
        let token = backend.enrol("dr.a", request.identity_id);
        async move { Ok(token) }
    });
    assert_eq!(again.account().register(options).await.unwrap(), made);
}

#[tokio::test]
async fn many_writers_race_and_all_get_through() {
    let directory = TestDirectory::start().await.unwrap();
    let doctor = directory.person("dr.a").await.unwrap();
    let mut deputies = Vec::new();
    let mut options = plico::SessionOptions::new();
    for number in 0..4 {
        let name = format!("deputy.{number}");
        deputies.push(directory.person(&name).await.unwrap());
        let all = Grant::new(plico::Rights::owner());
        options = options.recipient(Recipient::user(name), all);
        directory.person(&format!("p.{number}")).await.unwrap();
    }
    let session = doctor.account().create_session(options).await.unwrap();
    let grants = deputies.iter().enumerate().map(|(number, deputy)| {
        let session = deputy.account().session(session.id());
        async move {
            let to = Recipient::user(format!("p.{number}"));
            session.grant(to, Grant::read()).await
        }
    });
    for granted in futures_util::future::join_all(grants).await {
        granted.unwrap();
    }
    session.refresh().await.unwrap();
    assert_eq!(session.recipients().await.unwrap().len(), 9);
}
