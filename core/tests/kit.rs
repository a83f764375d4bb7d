//! The testing kit itself: its clock, its people, and everything that can go
//! wrong between an app and its directory.

#![allow(clippy::unwrap_used, clippy::panic)]

use plico::ports::Method;
use plico::testing::{Lie, TestDirectory, TestPerson};
use plico::{AccountOptions, ErrorCode, Grant, Recipient, RegisterOptions, Result};
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll, Wake};
use std::time::{Duration, Instant};

const DAY: Duration = Duration::from_secs(86_400);

fn code<T>(result: Result<T>) -> ErrorCode {
    match result {
        Ok(_) => panic!("it went through"),
        Err(error) => error.code(),
    }
}

async fn pair() -> (TestDirectory, TestPerson, TestPerson) {
    let directory = TestDirectory::start().await.unwrap();
    let doctor = directory.person("dr.a").await.unwrap();
    let patient = directory.person("patient.7").await.unwrap();
    (directory, doctor, patient)
}

#[tokio::test]
async fn people_share_and_start_again() {
    let (directory, doctor, patient) = pair().await;
    assert_eq!(doctor.user_id(), "dr.a");
    let to = [Recipient::user("patient.7")];
    let session = doctor.account().create_session(to).await.unwrap();
    let sealed = session.encrypt("findings", None).await.unwrap();
    let again = patient.restart().await.unwrap();
    let opened = again.account().decrypt(&sealed, None).await.unwrap();
    assert_eq!(opened.bytes(), b"findings");
    assert_eq!(
        again.account().identity_id(),
        patient.account().identity_id()
    );
    // The directory's program, too.
    directory.restart().await.unwrap();
    session.refresh().await.unwrap();
}

#[tokio::test]
async fn the_apps_own_program_connects_and_enrols() {
    let directory = TestDirectory::start().await.unwrap();
    let connection = directory.connection();
    let plico = directory.builder().transport(connection.clone());
    let plico = plico.open().await.unwrap();
    assert_eq!(plico.tenant_id(), directory.tenant());
    let account = plico.account(AccountOptions::in_memory()).await.unwrap();
    let backend = directory.clone();
    let options = RegisterOptions::new("dr.a", move |request| {
        let token = backend.enrol("dr.a", request.identity_id);
        async move { Ok(token) }
    });
    account.register(options).await.unwrap();
    let urls = connection.urls();
    assert_eq!(urls.len(), connection.requests());
    assert!(urls[0].starts_with(&format!("GET {}/v1/tenants/", directory.url())));
    let exchanges = connection.exchanges();
    let (request, response) = exchanges
        .iter()
        .find(|(request, _)| request.method == Method::Post)
        .unwrap();
    assert!(request.url.ends_with("/identities"));
    assert_eq!(response.as_ref().unwrap().status, 201);
}

#[tokio::test]
async fn the_clock_moves_for_all_but_a_wrong_device() {
    let (directory, doctor, _) = pair().await;
    // The device's clock is wrong by a day, and requests work all the same.
    let clock = directory.clock().ahead(DAY);
    let hasty = directory.person_with("hasty", &clock).await.unwrap();
    let clock = directory.clock().behind(DAY);
    let slow = directory.person_with("slow", &clock).await.unwrap();
    assert_eq!(hasty.clock().now(), slow.clock().now() + DAY + DAY);

    let end = directory.clock().now() + 30 * DAY;
    let session = doctor.account().create_session([]).await.unwrap();
    for person in [&hasty, &slow] {
        let to = Recipient::user(person.user_id());
        session.grant(to, Grant::read().until(end)).await.unwrap();
    }
    let sealed = session.encrypt("x", None).await.unwrap();
    for person in [&hasty, &slow] {
        person.account().decrypt(&sealed, None).await.unwrap();
    }
    // For the hasty one it is over by its own clock, for the slow one by the directory's.
    directory.clock().advance(29 * DAY + DAY / 2);
    let hastily = hasty.account().decrypt(&sealed, None).await;
    assert_eq!(code(hastily), ErrorCode::AccessExpired);
    slow.account().decrypt(&sealed, None).await.unwrap();
    directory.clock().advance(DAY);
    let slowly = slow.account().decrypt(&sealed, None).await;
    assert_eq!(code(slowly), ErrorCode::AccessExpired);
    directory.clock().back(DAY);
    assert!(directory.clock().now() < end);
}

#[tokio::test]
async fn requests_and_replies_are_lost() {
    let (_, doctor, _) = pair().await;
    let session = doctor.account().create_session([]).await.unwrap();
    for lose in [
        |person: &TestPerson| person.connection().lose_requests(2),
        |person: &TestPerson| person.connection().lose_replies(2),
    ] {
        let before = doctor.connection().requests();
        lose(&doctor);
        session.refresh().await.unwrap();
        assert_eq!(
            doctor.connection().requests(),
            before + 4,
            "two, and two again"
        );
        lose(&doctor);
        session.rotate().await.unwrap();
    }
    // What the directory has not seen has no answer; what was lost on the way back has.
    let exchanges = doctor.connection().exchanges();
    assert_eq!(exchanges.iter().filter(|(_, it)| it.is_none()).count(), 4);

    doctor.connection().unavailable(1);
    session.refresh().await.unwrap();
    doctor.connection().unavailable(4);
    assert_eq!(code(session.refresh().await), ErrorCode::Unavailable);
    session.refresh().await.unwrap();
}

#[tokio::test]
async fn the_directory_is_down_or_a_program_offline() {
    let (directory, doctor, patient) = pair().await;
    let to = [Recipient::user("patient.7")];
    let session = doctor.account().create_session(to).await.unwrap();
    let theirs = patient.account().session(session.id());
    theirs.refresh().await.unwrap();

    doctor.connection().down(true);
    assert_eq!(code(session.refresh().await), ErrorCode::Network);
    theirs.refresh().await.unwrap();
    doctor.connection().down(false);
    session.refresh().await.unwrap();

    directory.down(true);
    assert_eq!(code(session.refresh().await), ErrorCode::Network);
    assert_eq!(code(theirs.refresh().await), ErrorCode::Network);
    directory.down(false);
    session.refresh().await.unwrap();
}

#[tokio::test]
async fn answers_take_their_time() {
    let (_, doctor, _) = pair().await;
    let session = doctor.account().create_session([]).await.unwrap();
    doctor.connection().slow(Duration::from_millis(30));
    let begun = Instant::now();
    session.refresh().await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(60));
    doctor.connection().slow(Duration::ZERO);
    session.refresh().await.unwrap();
}

#[tokio::test]
async fn a_directory_restored_from_a_backup_has_lost_what_came_after() {
    let (directory, doctor, patient) = pair().await;
    let to = [Recipient::user("patient.7")];
    let session = doctor.account().create_session(to).await.unwrap();
    let theirs = patient.account().session(session.id());
    theirs.refresh().await.unwrap();
    let older = directory.backup().await.unwrap();
    let before = session.encrypt("before", None).await.unwrap();
    session.rotate().await.unwrap();
    let after = session.encrypt("after", None).await.unwrap();
    let newer = directory.backup().await.unwrap();

    directory.restore(&older).await.unwrap();
    // The patient has not seen the rotation, but meets an envelope of it.
    theirs.refresh().await.unwrap();
    patient.account().decrypt(&before, None).await.unwrap();
    let opened = patient.account().decrypt(&after, None).await;
    assert_eq!(code(opened), ErrorCode::SessionBehindEnvelope);
    // Nobody has lost anything.
    directory.restore(&newer).await.unwrap();
    session.refresh().await.unwrap();
    patient.account().decrypt(&after, None).await.unwrap();
}

#[tokio::test]
async fn lies_are_told_to_one_or_to_all_and_counted() {
    let (directory, doctor, patient) = pair().await;
    let to = [Recipient::user("patient.7")];
    let session = doctor.account().create_session(to).await.unwrap();
    let theirs = patient.account().session(session.id());
    doctor.connection().tell(Lie::HeadMissing);
    assert_eq!(code(session.refresh().await), ErrorCode::HeadInvalid);
    assert_eq!(doctor.connection().told(), 1);
    theirs.refresh().await.unwrap();
    doctor.connection().honest();
    session.refresh().await.unwrap();

    directory.tell(Lie::HeadMissing);
    assert_eq!(directory.told(), 0);
    assert_eq!(code(session.refresh().await), ErrorCode::HeadInvalid);
    assert_eq!(code(theirs.refresh().await), ErrorCode::HeadInvalid);
    assert_eq!(directory.told(), 2);
    // One's own comes first.
    patient.connection().tell(Lie::BodyEmpty);
    assert_eq!(code(theirs.refresh().await), ErrorCode::ProtocolError);
    directory.honest();
    patient.connection().honest();
    theirs.refresh().await.unwrap();

    // A lie of the test's own.
    patient.connection().alter(|request, response| {
        if request.url.contains("/sessions/") {
            response.status = 500;
            response.body.clear();
        }
    });
    assert_eq!(code(theirs.refresh().await), ErrorCode::Unavailable);
    patient.connection().honest();
    theirs.refresh().await.unwrap();
}

#[tokio::test]
async fn a_lie_that_finds_nothing_to_apply_to_changes_nothing() {
    let (directory, doctor, _) = pair().await;
    let session = doctor.account().create_session([]).await.unwrap();
    // There is no accomplice.
    directory.tell(Lie::SessionForked);
    session.refresh().await.unwrap();
    assert_eq!(directory.told(), 0);
    let tried = directory.smuggle(Lie::SessionEnded, session.id()).await;
    assert_eq!(code(tried), ErrorCode::Internal);

    let crook = directory.accomplice("crook").await.unwrap();
    assert_eq!(crook.user_id(), "crook");
    session
        .grant(Recipient::identity(crook.identity_id()), Grant::read())
        .await
        .unwrap();
    session.rotate().await.unwrap();
    assert_eq!(code(session.refresh().await), ErrorCode::HistoryForked);
}

struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The smallest executor that there can be.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn any_executor_will_do_and_several_may_share_a_directory() {
    let directory = block_on(TestDirectory::start()).unwrap();
    let doctor = block_on(directory.person("dr.a")).unwrap();
    for builder in [
        &mut tokio::runtime::Builder::new_current_thread(),
        &mut tokio::runtime::Builder::new_multi_thread(),
    ] {
        let runtime = builder.build().unwrap();
        let session = runtime.block_on(doctor.account().create_session([]));
        runtime.block_on(session.unwrap().refresh()).unwrap();
    }
    block_on(doctor.account().create_session([])).unwrap();
}

#[test]
fn codes_and_names_of_lies_are_told_apart() {
    let mut names: Vec<_> = Lie::ALL.iter().map(|lie| lie.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Lie::ALL.len());
    for lie in Lie::ALL {
        assert!(!lie.caught_as().is_empty() || lie.limit().is_some());
    }
}
