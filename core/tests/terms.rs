//! Until when sessions last, the tag by which they are found, and what the
//! tenant's operator takes away and gives back.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/ward.rs"]
mod ward;

use plico::testing::{TestDirectory, TestPerson};
use plico::{
    EncryptionSession, ErrorCode, Event, Expiry, Grant, GroupOptions, GroupRole, MemberId,
    Recipient, Rights, SessionOptions,
};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use ward::code;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

async fn people<const N: usize>(names: [&str; N]) -> (TestDirectory, [TestPerson; N]) {
    let directory = TestDirectory::start().await.unwrap();
    let mut people = Vec::new();
    for name in names {
        people.push(directory.person(name).await.unwrap());
    }
    let Ok(people) = people.try_into() else {
        panic!("as many as there are names");
    };
    (directory, people)
}

fn to(user_id: &str) -> SessionOptions {
    SessionOptions::new().recipient(Recipient::user(user_id), Grant::read())
}

async fn refused(who: &TestPerson, sealed: &[u8]) -> ErrorCode {
    let account = who.account().max_staleness(Duration::ZERO);
    code(account.decrypt(sealed, None).await)
}

fn handle_of(who: &TestPerson, session: &EncryptionSession) -> EncryptionSession {
    let account = who.account().max_staleness(Duration::ZERO);
    account.session(session.id())
}

#[tokio::test]
async fn a_session_ends_at_its_time_for_everybody_and_its_keys_are_deleted() {
    let (directory, [doctor, patient]) = people(["dr.a", "patient.7"]).await;
    let end = directory.clock().now() + 31 * DAY;
    let options = to("patient.7").expiry(Expiry::at(end)).metadata(b"title");
    let session = doctor.account().create_session(options).await.unwrap();
    let sealed = session.encrypt("finding", None).await.unwrap();
    assert_eq!(session.expiry().await.unwrap(), Expiry::at(end));
    let ends = handle_of(&patient, &session).ends_at().await.unwrap();
    assert_eq!(ends, Some(end));
    patient.account().decrypt(&sealed, None).await.unwrap();

    directory.clock().advance(31 * DAY);
    // By the clients' own clocks first, also where the directory can't be reached.
    directory.down(true);
    let offline = patient.account().offline().decrypt(&sealed, None).await;
    assert_eq!(code(offline), ErrorCode::SessionEnded);
    directory.down(false);
    for who in [&doctor, &patient] {
        assert_eq!(refused(who, &sealed).await, ErrorCode::SessionEnded);
    }
    assert_eq!(
        code(session.encrypt("more", None).await),
        ErrorCode::SessionEnded
    );
    // It does not come back: not by moving the end, not by a clock that goes back.
    let moved = session.set_expiry(Expiry::never()).await;
    assert_eq!(code(moved), ErrorCode::SessionEnded);
    // After the purge nothing is left to come back with.
    directory.restart().await.unwrap();
    directory.clock().back(2 * DAY);
    let again = doctor.restart().await.unwrap();
    let opened = again.account().decrypt(&sealed, None).await;
    assert_eq!(code(opened), ErrorCode::EpochUnavailable);
    assert!(session.metadata().await.is_err());
}

#[tokio::test]
async fn the_end_is_moved_both_ways_and_taken_away_by_owners_only() {
    let (directory, [doctor, patient]) = people(["dr.a", "patient.7"]).await;
    let soon = directory.clock().now() + HOUR;
    let late = directory.clock().now() + 10 * DAY;
    let options = SessionOptions::new().recipient(
        Recipient::user("patient.7"),
        Grant::new(Rights::read().and_forward().and_revoke()),
    );
    let session = doctor.account().create_session(options).await.unwrap();
    assert_eq!(session.ends_at().await.unwrap(), None);
    let theirs = handle_of(&patient, &session);
    assert_eq!(
        code(theirs.set_expiry(Expiry::at(late)).await),
        ErrorCode::NotAllowed
    );
    session.set_expiry(Expiry::at(soon)).await.unwrap();
    session.set_expiry(Expiry::at(late)).await.unwrap();
    directory.clock().advance(DAY);
    let sealed = session.encrypt("x", None).await.unwrap();
    session.set_expiry(Expiry::never()).await.unwrap();
    directory.clock().advance(20 * DAY);
    patient.account().decrypt(&sealed, None).await.unwrap();
    // Into the past is no end.
    let past = directory.clock().now() - HOUR;
    assert_eq!(
        code(session.set_expiry(Expiry::at(past)).await),
        ErrorCode::EntryInvalid
    );
    let short = Expiry::after_idle(Duration::from_secs(59));
    assert_eq!(
        code(session.set_expiry(short).await),
        ErrorCode::InvalidArgument
    );
    // The session goes on after all of these.
    session.encrypt("y", None).await.unwrap();
    let group = doctor.account().create_group(GroupOptions::new()).await;
    drop(group.unwrap());
}

#[tokio::test]
async fn use_keeps_a_session_and_disuse_ends_it() {
    let (directory, [doctor, patient]) = people(["dr.a", "patient.7"]).await;
    let options = to("patient.7").expiry(Expiry::after_idle(10 * DAY));
    let session = doctor.account().create_session(options).await.unwrap();
    let sealed = session.encrypt("finding", None).await.unwrap();
    // Opening is use, for two months.
    for _ in 0..20 {
        directory.clock().advance(3 * DAY);
        patient.account().decrypt(&sealed, None).await.unwrap();
    }
    // So is writing.
    for _ in 0..4 {
        directory.clock().advance(9 * DAY);
        session.encrypt("more", None).await.unwrap();
    }
    // Using it often costs few entries: one for each quarter of the time.
    let before = patient.connection().exchanges().len();
    for _ in 0..50 {
        patient.account().decrypt(&sealed, None).await.unwrap();
    }
    assert!(patient.connection().exchanges().len() - before <= 4);
    directory.clock().advance(10 * DAY);
    for who in [&doctor, &patient] {
        assert_eq!(refused(who, &sealed).await, ErrorCode::SessionEnded);
    }
}

#[tokio::test]
async fn what_is_destroyed_or_over_is_not_handed_back_to_a_restored_directory() {
    let (directory, [doctor, patient]) = people(["dr.a", "patient.7"]).await;
    let session = doctor.account().create_session(to("patient.7")).await;
    let session = session.unwrap();
    let sealed = session.encrypt("finding", None).await.unwrap();
    directory.destroy(session.id()).await.unwrap();
    directory.destroy(session.id()).await.unwrap();
    for who in [&doctor, &patient] {
        assert_eq!(refused(who, &sealed).await, ErrorCode::SessionEnded);
    }
    assert_eq!(
        code(session.encrypt("more", None).await),
        ErrorCode::SessionEnded
    );
    let again = session.grant(Recipient::user("patient.7"), Grant::read());
    assert_eq!(code(again.await), ErrorCode::SessionEnded);
    assert!(
        doctor
            .account()
            .sessions(None)
            .await
            .unwrap()
            .items
            .is_empty()
    );
}

#[tokio::test]
async fn tags_find_sessions_for_members_and_for_the_backend() {
    let (directory, [doctor, patient]) = people(["dr.a", "patient.7"]).await;
    let tagged = |tag: &str| to("patient.7").tag(tag);
    let first = doctor.account().create_session(tagged("ward 3")).await;
    let (first, second) = (
        first.unwrap(),
        doctor
            .account()
            .create_session(to("patient.7"))
            .await
            .unwrap(),
    );
    assert_eq!(first.tag().await.unwrap().as_deref(), Some("ward 3"));
    assert_eq!(second.tag().await.unwrap(), None);
    // From the store alone, too, once the directory was asked.
    let again = doctor.restart().await.unwrap();
    let again = again.account().session(first.id());
    assert_eq!(again.tag().await.unwrap().as_deref(), Some("ward 3"));
    let found = patient.account().sessions_tagged("ward 3", None).await;
    assert_eq!(found.unwrap().items, [first.id()]);
    second.set_tag(Some("ward 3")).await.unwrap();
    let mut both = [first.id(), second.id()];
    both.sort();
    let by_backend = directory.find_sessions("ward 3", None).await.unwrap();
    assert_eq!(by_backend, both);
    let rest = directory.find_sessions("ward 3", Some(both[0])).await;
    assert_eq!(rest.unwrap(), both[1..]);
    first.set_tag(Some("ward 4")).await.unwrap();
    second.set_tag(None).await.unwrap();
    assert_eq!(second.tag().await.unwrap(), None);
    assert!(
        directory
            .find_sessions("ward 3", None)
            .await
            .unwrap()
            .is_empty()
    );
    // Bounds, rights, and others' sessions.
    let long = "x".repeat(129);
    assert_eq!(code(first.set_tag(Some(&long)).await), ErrorCode::TooLarge);
    assert_eq!(
        code(first.set_tag(Some("")).await),
        ErrorCode::InvalidArgument
    );
    let theirs = handle_of(&patient, &first);
    assert_eq!(
        code(theirs.set_tag(Some("mine")).await),
        ErrorCode::NotAllowed
    );
    let outsider = directory.person("locum.c").await.unwrap();
    let found = outsider.account().sessions_tagged("ward 4", None).await;
    assert!(found.unwrap().items.is_empty());
    // With the session its tag goes.
    first.end().await.unwrap();
    assert!(
        directory
            .find_sessions("ward 4", None)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn the_operator_withdraws_and_lifts_and_gives_nobody_more_than_they_had() {
    let (directory, [doctor, insurer, patient]) = people(["dr.a", "insurer.3", "patient.7"]).await;
    let options = to("insurer.3").recipient(Recipient::user("patient.7"), Grant::read());
    let session = doctor.account().create_session(options).await.unwrap();
    let before = session.encrypt("before", None).await.unwrap();
    let who = MemberId::Identity(insurer.account().identity_id().unwrap());
    insurer.account().decrypt(&before, None).await.unwrap();

    directory.withdraw(session.id(), who).await.unwrap();
    assert_eq!(refused(&insurer, &before).await, ErrorCode::AccessWithdrawn);
    // They may write nothing, either.
    let theirs = handle_of(&insurer, &session);
    assert_eq!(code(theirs.rotate().await), ErrorCode::AccessWithdrawn);
    // The next writer begins an epoch without them.
    let writer = handle_of(&doctor, &session);
    let list = writer.who_may_read().await.unwrap();
    let entry = list.may_read.iter().find(|it| it.who == who).unwrap();
    assert!(entry.withdrawn);
    assert!(list.to_string().contains("withdrawn by the operator"));
    let during = writer.encrypt("during", None).await.unwrap();
    assert_ne!(during[..26], before[..26], "another epoch");
    patient.account().decrypt(&during, None).await.unwrap();
    // Nobody gives it back but the operator.
    let regrant = writer.grant(Recipient::user("insurer.3"), Grant::read());
    assert_eq!(code(regrant.await), ErrorCode::NotAllowed);
    assert_eq!(refused(&insurer, &during).await, ErrorCode::AccessWithdrawn);

    directory.clock().advance(HOUR);
    directory.lift(session.id(), who).await.unwrap();
    // What it had is served again at once; what came meanwhile when another
    // recipient has looked at the session.
    let opened = insurer.account().decrypt(&before, None).await.unwrap();
    assert_eq!(opened.bytes(), b"before");
    assert_eq!(
        refused(&insurer, &during).await,
        ErrorCode::EpochUnavailable
    );
    let early = handle_of(&insurer, &session).encrypt("early", None).await;
    assert_eq!(code(early), ErrorCode::AccessWithdrawn);
    handle_of(&patient, &session).refresh().await.unwrap();
    let account = insurer.account().max_staleness(Duration::ZERO);
    let opened = account.decrypt(&during, None).await.unwrap();
    assert_eq!(opened.bytes(), b"during");
    // With the rights that it had, no more.
    let theirs = handle_of(&insurer, &session);
    theirs.encrypt("again", None).await.unwrap();
    let more = theirs.grant(Recipient::user("patient.7"), Grant::read());
    assert_eq!(code(more.await), ErrorCode::NotAllowed);
    let list = writer.who_may_read().await.unwrap();
    assert!(list.may_read.iter().all(|it| !it.withdrawn));
}

#[tokio::test]
async fn an_owner_can_be_withdrawn_and_a_revocation_outlasts_the_lifting() {
    let (directory, [doctor, manager]) = people(["dr.a", "dr.b"]).await;
    let manage = Grant::new(Rights::read().and_forward().and_revoke());
    let options = SessionOptions::new().recipient(Recipient::user("dr.b"), manage);
    let session = doctor.account().create_session(options).await.unwrap();
    let owner = MemberId::Identity(doctor.account().identity_id().unwrap());
    directory.withdraw(session.id(), owner).await.unwrap();
    let theirs = handle_of(&manager, &session);
    let sealed = theirs.encrypt("x", None).await.unwrap();
    assert_eq!(refused(&doctor, &sealed).await, ErrorCode::AccessWithdrawn);
    assert_eq!(code(session.end().await), ErrorCode::AccessWithdrawn);
    // A manager does not become an owner by it.
    assert_eq!(code(theirs.end().await), ErrorCode::NotAllowed);
    assert_eq!(
        code(theirs.revoke(Recipient::user("dr.a")).await),
        ErrorCode::NotAllowed
    );
    directory.clock().advance(HOUR);
    directory.lift(session.id(), owner).await.unwrap();
    theirs.refresh().await.unwrap();
    let again = handle_of(&doctor, &session);
    again.encrypt("y", None).await.unwrap();
    // Withdrawn, revoked, lifted: revoked.
    let who = MemberId::Identity(manager.account().identity_id().unwrap());
    directory.withdraw(session.id(), who).await.unwrap();
    again.revoke(Recipient::user("dr.b")).await.unwrap();
    directory.clock().advance(HOUR);
    directory.lift(session.id(), who).await.unwrap();
    again.encrypt("z", None).await.unwrap();
    assert_eq!(refused(&manager, &sealed).await, ErrorCode::AccessRevoked);
}

#[tokio::test]
async fn a_member_of_a_group_and_a_group_are_withdrawn_as_well() {
    let (directory, [doctor, nurse, patient]) = people(["dr.a", "nurse.b", "patient.7"]).await;
    let options = GroupOptions::new().member(Recipient::user("nurse.b"), GroupRole::Member);
    let group = doctor.account().create_group(options).await.unwrap();
    let options = SessionOptions::new().recipient(Recipient::group(group.id()), Grant::read());
    let session = patient.account().create_session(options).await.unwrap();
    let first = session.encrypt("first", None).await.unwrap();
    nurse.account().decrypt(&first, None).await.unwrap();
    let who = MemberId::Identity(nurse.account().identity_id().unwrap());
    directory.withdraw(group.id(), who).await.unwrap();
    assert_eq!(refused(&nurse, &first).await, ErrorCode::SessionNotFound);
    // A member who looks gives the group a key without them.
    group.refresh().await.unwrap();
    group.rotate().await.unwrap();
    let writer = handle_of(&patient, &session);
    let second = writer.encrypt("second", None).await.unwrap();
    doctor
        .account()
        .max_staleness(Duration::ZERO)
        .decrypt(&second, None)
        .await
        .unwrap();
    directory.clock().advance(HOUR);
    directory.lift(group.id(), who).await.unwrap();
    group.refresh().await.unwrap();
    let account = nurse.account().max_staleness(Duration::ZERO);
    account.decrypt(&second, None).await.unwrap();

    let all = MemberId::Group(group.id());
    directory.withdraw(session.id(), all).await.unwrap();
    for who in [&doctor, &nurse] {
        assert!(matches!(
            refused(who, &second).await,
            ErrorCode::AccessWithdrawn | ErrorCode::SessionNotFound
        ));
    }
    let third = writer.encrypt("third", None).await.unwrap();
    directory.clock().advance(HOUR);
    directory.lift(session.id(), all).await.unwrap();
    writer.refresh().await.unwrap();
    account.decrypt(&third, None).await.unwrap();
}

#[tokio::test]
async fn the_app_is_told_what_the_directory_says_of_withdrawals() {
    let directory = TestDirectory::start().await.unwrap();
    let insurer = directory.person("insurer.3").await.unwrap();
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    let plico = directory
        .builder()
        .on_event(move |it| seen.lock().unwrap().push(it));
    let plico = plico.open().await.unwrap();
    let account = plico
        .account(plico::AccountOptions::in_memory())
        .await
        .unwrap();
    let backend = directory.clone();
    let options = plico::RegisterOptions::new("dr.a", move |request: plico::EnrolmentRequest| {
        let token = backend.enrol("dr.a", request.identity_id);
        async move { Ok(token) }
    });
    account.register(options).await.unwrap();
    let session = account.create_session(to("insurer.3")).await.unwrap();
    let who = MemberId::Identity(insurer.account().identity_id().unwrap());
    let id = session.id();
    let told = |wanted: Event| {
        let events = events.lock().unwrap();
        events.iter().filter(|it| **it == wanted).count()
    };
    directory.withdraw(id, who).await.unwrap();
    for _ in 0..3 {
        session.refresh().await.unwrap();
    }
    assert_eq!(told(Event::RecipientWithdrawn { session: id }), 1);
    directory.clock().advance(HOUR);
    directory.lift(id, who).await.unwrap();
    for _ in 0..3 {
        session.refresh().await.unwrap();
    }
    assert_eq!(told(Event::WithdrawalLifted { session: id }), 1);
}

#[tokio::test]
async fn words_of_the_operator_are_for_one_thing_and_the_latest_counts() {
    let (directory, [doctor, insurer]) = people(["dr.a", "insurer.3"]).await;
    let session = doctor
        .account()
        .create_session(to("insurer.3"))
        .await
        .unwrap();
    let who = MemberId::Identity(insurer.account().identity_id().unwrap());
    directory.withdraw(session.id(), who).await.unwrap();
    // The same word again is the same; another one of the same second is none.
    directory.withdraw(session.id(), who).await.unwrap();
    assert_eq!(
        code(directory.lift(session.id(), who).await),
        ErrorCode::Conflict
    );
    let group = doctor
        .account()
        .create_group(GroupOptions::new())
        .await
        .unwrap();
    let nobody = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
    let nobody: plico::SessionId = nobody.parse().unwrap();
    assert_eq!(
        code(directory.withdraw(nobody, who).await),
        ErrorCode::SessionNotFound
    );
    directory.destroy(group.id()).await.unwrap();
    assert!(group.rotate().await.is_err());
}
