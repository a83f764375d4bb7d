//! Requests: bounded in time and number, repeated with pauses, together where
//! they come together; clocks that are wrong; what the hooks are told.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/fuse.rs"]
#[allow(dead_code)]
mod fuse;

use fuse::Hurry;
use plico::ports::{BoxFuture, Request, Response, Runtime, Transport, TransportError};
use plico::testing::{TestConnection, TestDirectory, TestPerson};
use plico::{
    AccountOptions, ErrorCode, Event, Grant, LogLevel, Recipient, RegisterOptions, SessionOptions,
};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

#[track_caller]
fn code<T>(result: plico::Result<T>) -> ErrorCode {
    match result {
        Ok(_) => panic!("it went through"),
        Err(error) => error.code(),
    }
}

async fn registered(
    directory: &TestDirectory,
    user_id: &str,
    plico: &plico::Plico,
) -> plico::Account {
    let account = plico.account(AccountOptions::in_memory()).await.unwrap();
    let (backend, name) = (directory.clone(), user_id.to_owned());
    account
        .register(RegisterOptions::new(user_id, move |request| {
            let token = backend.enrol(&name, request.identity_id);
            async move { Ok(token) }
        }))
        .await
        .unwrap();
    account
}

/// Writes down how long it was asked to wait, and does not.
#[derive(Default)]
struct Waits(Mutex<Vec<Duration>>);

impl Runtime for Waits {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        if duration == Duration::from_secs(60) {
            return Box::pin(std::future::pending()); // a try's own limit
        }
        self.0.lock().unwrap().push(duration);
        Box::pin(std::future::ready(()))
    }
}

#[tokio::test]
async fn pauses_between_tries_grow_and_end() {
    let directory = TestDirectory::start().await.unwrap();
    let connection = directory.connection();
    let waits = Arc::new(Waits::default());
    let plico = directory
        .builder()
        .transport(connection.clone())
        .runtime(waits.clone())
        .attempts(9)
        .open()
        .await
        .unwrap();
    let account = registered(&directory, "dr.a", &plico).await;
    assert!(waits.0.lock().unwrap().is_empty());
    let session = account.create_session([]).await.unwrap();
    let before = connection.requests();
    connection.down(true);
    assert_eq!(code(session.refresh().await), ErrorCode::Network);
    assert_eq!(connection.requests(), before + 9);
    let waits: Vec<u128> = waits
        .0
        .lock()
        .unwrap()
        .iter()
        .map(Duration::as_millis)
        .collect();
    assert_eq!(waits.len(), 8);
    for (tried, wait) in waits.iter().enumerate() {
        let least = (100 << tried).min(5_000);
        assert!((least..=2 * least).contains(wait), "{tried}: {wait} ms");
    }
}

/// A directory that never answers.
struct Silent;

impl Transport for Silent {
    fn send(&self, _: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn a_directory_that_never_answers_does_not_hang_the_app() {
    let directory = TestDirectory::start().await.unwrap();
    let plico = directory
        .builder()
        .transport(Arc::new(Silent))
        .request_timeout(Duration::from_millis(30))
        .attempts(2)
        .open()
        .await
        .unwrap();
    let account = plico.account(AccountOptions::in_memory()).await;
    assert_eq!(code(account), ErrorCode::Network);
}

/// Counts how many requests are under way at a time.
struct Crowd {
    connection: Arc<TestConnection>,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Transport for Crowd {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(2)).await;
            let response = self.connection.send(request).await;
            self.now.fetch_sub(1, Ordering::SeqCst);
            response
        })
    }
}

#[tokio::test]
async fn look_ups_travel_together_and_not_too_many_at_a_time() {
    let directory = TestDirectory::start().await.unwrap();
    for number in 0..20 {
        directory
            .person(&format!("patient.{number}"))
            .await
            .unwrap();
    }
    let connection = directory.connection();
    let crowd = Arc::new(Crowd {
        connection: connection.clone(),
        now: AtomicUsize::new(0),
        most: AtomicUsize::new(0),
    });
    let plico = directory
        .builder()
        .transport(crowd.clone())
        .parallel_requests(3)
        .open()
        .await
        .unwrap();
    let account = registered(&directory, "dr.a", &plico).await;
    let before = connection.requests();
    let sessions: Vec<_> = (0..20)
        .map(|number| account.create_session([Recipient::user(format!("patient.{number}"))]))
        .collect();
    let sessions = futures_util::future::join_all(sessions).await;
    let ids: Vec<_> = sessions.into_iter().map(|it| it.unwrap().id()).collect();
    // 20 creations and their look-ups, in far fewer requests than 20.
    let sent = connection.requests() - before;
    assert!(sent <= 8, "{sent} requests");
    // What can't travel together goes at the same time, but not all of it.
    let lists = (0..20).map(|_| account.groups(None));
    for list in futures_util::future::join_all(lists).await {
        list.unwrap();
    }
    assert_eq!(crowd.most.load(Ordering::SeqCst), 3);

    let before = connection.requests();
    let results = account.prefetch(&ids).await.unwrap();
    assert!(results.iter().all(Result::is_ok));
    let sent = connection.requests() - before;
    assert!(sent <= 10, "{sent} requests for 20 sessions");
    // Each has its own result.
    let mut mixed = ids[..3].to_vec();
    mixed.push(plico::SessionId::from([7; 32]));
    let results = account.prefetch(&mixed).await.unwrap();
    assert!(results[..3].iter().all(Result::is_ok));
    assert_eq!(code(results[3].clone()), ErrorCode::SessionNotFound);
    // Concurrent look-ups with an error: each gets its own.
    let (good, bad) = tokio::join!(
        account.create_session([Recipient::user("patient.1")]),
        account.create_session([Recipient::user("nobody")]),
    );
    good.unwrap();
    assert_eq!(code(bad), ErrorCode::RecipientsNotFound);
}

#[tokio::test]
async fn a_look_up_that_is_given_up_holds_nobody_up() {
    let directory = TestDirectory::start().await.unwrap();
    directory.person("patient.7").await.unwrap();
    let doctor = directory.person("dr.a").await.unwrap();
    doctor.connection().slow(Duration::from_millis(100));
    let account = doctor.account();
    let first = account.create_session([Recipient::user("patient.7")]);
    let second = account.create_session([Recipient::user("patient.7")]);
    let impatient = async {
        // The first takes both questions along, and is dropped with them.
        let _ = tokio::time::timeout(Duration::from_millis(30), first).await;
    };
    let (_, second) = tokio::join!(impatient, second);
    second.unwrap();
}

#[tokio::test]
async fn a_clock_that_is_off_by_a_day_does_not_matter_to_requests() {
    for ahead in [true, false] {
        let directory = TestDirectory::start().await.unwrap();
        let clock = if ahead {
            directory.clock().ahead(DAY)
        } else {
            directory.clock().behind(DAY)
        };
        let patient = directory.person("patient.7").await.unwrap();
        let doctor = directory.person_with("dr.a", &clock).await.unwrap();
        let session = doctor
            .account()
            .create_session([Recipient::user("patient.7")])
            .await
            .unwrap();
        let insurer = directory.person("insurer.3").await.unwrap();
        let end = directory.clock().now() + 3 * DAY;
        let grant = Grant::read().until(end);
        session
            .grant(Recipient::user("insurer.3"), grant)
            .await
            .unwrap();
        let sealed = session.encrypt("x", None).await.unwrap();
        insurer.account().decrypt(&sealed, None).await.unwrap();
        patient.account().decrypt(&sealed, None).await.unwrap();
        session.revoke(Recipient::user("patient.7")).await.unwrap();
        // A program that starts on the same store learns the difference again.
        let again = doctor.restart().await.unwrap();
        again.account().decrypt(&sealed, None).await.unwrap();
        again
            .account()
            .session(session.id())
            .rotate()
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn expiry_is_not_the_directorys_word_alone() {
    let directory = TestDirectory::start().await.unwrap();
    directory.person("insurer.3").await.unwrap();
    let fast = directory.clock().ahead(DAY);
    let doctor = directory.person_with("dr.a", &fast).await.unwrap();
    let end = directory.clock().now() + DAY / 2;
    let options =
        SessionOptions::new().recipient(Recipient::user("insurer.3"), Grant::read().until(end));
    let session = doctor.account().create_session(options).await.unwrap();
    // By the doctor's clock the grant is over, by the directory's it is not:
    // nothing is written to somebody who may have no right any more.
    assert_eq!(
        code(session.encrypt("x", None).await),
        ErrorCode::ClockSkewed
    );
    // By the directory's clock it is over, by this one's it is not: nobody is
    // locked out on the directory's word, though it withholds.
    let slow = directory.clock().behind(DAY);
    let nurse = directory.person_with("nurse", &slow).await.unwrap();
    let options =
        SessionOptions::new().recipient(Recipient::user("insurer.3"), Grant::read().until(end));
    let session = nurse.account().create_session(options).await.unwrap();
    directory.clock().advance(DAY * 3 / 4);
    session.encrypt("x", None).await.unwrap();
    assert_eq!(session.recipients().await.unwrap().len(), 2);
    // Both agree: the next writer locks out.
    directory.clock().advance(DAY);
    session.encrypt("x", None).await.unwrap();
    assert_eq!(session.recipients().await.unwrap().len(), 1);
}

async fn told(
    directory: &TestDirectory,
    person: &TestPerson,
) -> (
    plico::Account,
    Arc<Mutex<Vec<Event>>>,
    Arc<Mutex<Vec<String>>>,
) {
    let events: Arc<Mutex<Vec<Event>>> = Arc::default();
    let logs: Arc<Mutex<Vec<String>>> = Arc::default();
    let (tell, log) = (events.clone(), logs.clone());
    let plico = directory
        .builder()
        .transport(person.connection().clone())
        .runtime(Arc::new(Hurry))
        .on_event(move |event| tell.lock().unwrap().push(event))
        .on_log(move |record| {
            assert!(record.level >= LogLevel::Debug);
            log.lock().unwrap().push(record.to_string());
        })
        .open()
        .await
        .unwrap();
    let options = AccountOptions::with_store(person.store().clone());
    (plico.account(options).await.unwrap(), events, logs)
}

#[tokio::test]
async fn the_hooks_are_told_and_hold_nothing_personal_or_secret() {
    let directory = TestDirectory::start().await.unwrap();
    let doctor = directory.visitor("MARKER-doctor").await.unwrap();
    directory.person("MARKER-patient").await.unwrap();
    let (account, events, logs) = told(&directory, &doctor).await;
    let backend = directory.clone();
    let tokens: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = tokens.clone();
    account
        .register(RegisterOptions::new("MARKER-doctor", move |request| {
            let token = backend.enrol("MARKER-doctor", request.identity_id);
            kept.lock().unwrap().push(token.clone());
            async move { Ok(token) }
        }))
        .await
        .unwrap();
    let session = account
        .create_session([Recipient::user("MARKER-patient")])
        .await
        .unwrap();
    let context = plico::Context::fields([("MARKER-table", "MARKER-row".into())]).unwrap();
    let sealed = session
        .encrypt("MARKER-text", Some(&context))
        .await
        .unwrap();
    session.set_metadata(b"MARKER-title").await.unwrap();
    account.decrypt(&sealed, Some(&context)).await.unwrap();
    session
        .revoke(Recipient::user("MARKER-patient"))
        .await
        .unwrap();
    let missing = account
        .create_session([Recipient::user("MARKER-nobody")])
        .await;
    let error = missing.unwrap_err();
    doctor.connection().down(true);
    session.refresh().await.unwrap_err();
    doctor.connection().down(false);
    session.refresh().await.unwrap();

    let seen = events.lock().unwrap().clone();
    let id = session.id();
    let begun =
        |event: &Event| matches!(event, Event::EpochBegun { session, epoch: 1 } if *session == id);
    assert!(seen.iter().any(begun));
    let offline = seen.iter().position(|it| *it == Event::Offline).unwrap();
    let online = seen.iter().rposition(|it| *it == Event::Online).unwrap();
    assert!(offline < online);

    let mut haystack = logs.lock().unwrap().join("\n");
    assert!(haystack.contains("try 1 of a GET") && haystack.contains("answer 200"));
    haystack += &format!("{seen:?} {account:?} {session:?} {error} {error:?}");
    // `recipients` of the error is there for the app, and only there.
    let haystack = haystack.replace(&format!("{:?}", error.recipients()), "");
    assert!(!haystack.contains("MARKER"), "{haystack}");
    for token in tokens.lock().unwrap().iter() {
        assert!(!haystack.contains(token.as_str()));
    }
    let record = plico::ports::Store::get(&**doctor.store(), "account").await;
    let record = record.unwrap().unwrap();
    for window in record.windows(32) {
        let hex: String = window.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(!haystack.contains(&hex));
    }
}

#[tokio::test]
async fn events_name_what_has_happened() {
    let directory = TestDirectory::start().await.unwrap();
    let doctor = directory.person("dr.a").await.unwrap();
    let patient = directory.person("patient.7").await.unwrap();
    let (account, events, _) = told(&directory, &patient).await;
    let session = doctor
        .account()
        .create_session([Recipient::user("patient.7")])
        .await
        .unwrap();
    let sealed = session.encrypt("x", None).await.unwrap();
    account.decrypt(&sealed, None).await.unwrap();
    session.revoke(Recipient::user("patient.7")).await.unwrap();
    let theirs = account.session(session.id());
    assert_eq!(code(theirs.refresh().await), ErrorCode::AccessRevoked);
    let session = session.id();
    assert!(
        events
            .lock()
            .unwrap()
            .contains(&Event::AccessEnded { session })
    );

    let own = account
        .create_session([Recipient::user("dr.a")])
        .await
        .unwrap();
    drop(own);
    let again = directory.visitor("dr.a").await.unwrap();
    let identity = again.register(2).await.unwrap();
    let changed = account.create_session([Recipient::user("dr.a")]).await;
    assert_eq!(code(changed), ErrorCode::IdentityChanged);
    assert!(
        events
            .lock()
            .unwrap()
            .contains(&Event::IdentityChanged { identity })
    );
}
