//! Thousands of calls on one account at once.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures_util::future::join_all;
use plico::ports::{BoxFuture, Request, Response, Transport, TransportError};
use plico::testing::{TestConnection, TestDirectory, TestPerson};
use plico::{Account, AccountOptions, Context, EncryptionSession, Grant, Recipient};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const CALLS: usize = 2_000;
const SESSIONS: usize = 8;
const PEOPLE: usize = 10;

/// Counts how many requests are under way.
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
            let response = self.connection.send(request).await;
            self.now.fetch_sub(1, Ordering::SeqCst);
            response
        })
    }
}

struct Scene {
    crowd: Arc<Crowd>,
    account: Account,
    insurer: TestPerson,
    sessions: Vec<EncryptionSession>,
    sealed: Vec<Vec<u8>>,
}

/// What a call wrote, and where.
type Written = Option<(usize, Vec<u8>)>;

impl Scene {
    async fn new() -> Arc<Self> {
        let directory = TestDirectory::start().await.unwrap();
        let doctor = directory.person("dr.a").await.unwrap();
        let insurer = directory.person("insurer.3").await.unwrap();
        for number in 0..PEOPLE {
            let name = format!("patient.{number}");
            directory.person(&name).await.unwrap();
        }
        let mut sealed = Vec::new();
        let mut ids = Vec::new();
        for number in 0..SESSIONS {
            let readers = [Recipient::user("insurer.3")];
            let session = doctor.account().create_session(readers).await.unwrap();
            let text = format!("kept {number}");
            sealed.push(session.encrypt(text, None).await.unwrap());
            ids.push(session.id());
        }
        let crowd = Arc::new(Crowd {
            connection: directory.connection(),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        });
        // A program that has just been started, so that all is still to be fetched.
        let plico = directory.builder().transport(crowd.clone());
        let plico = plico.open().await.unwrap();
        let options = AccountOptions::with_store(doctor.store().clone());
        let account = plico.account(options).await.unwrap();
        let sessions = ids.iter().map(|id| account.session(*id)).collect();
        Arc::new(Self {
            crowd,
            account,
            insurer,
            sessions,
            sealed,
        })
    }

    async fn call(self: Arc<Self>, number: usize) -> Written {
        let at = number % SESSIONS;
        let session = &self.sessions[at];
        let session = if number.is_multiple_of(3) {
            session.max_staleness(Duration::ZERO)
        } else {
            session.clone()
        };
        match number / SESSIONS % 20 {
            0 => {
                let who = number / SESSIONS / 20 % PEOPLE;
                let to = Recipient::user(format!("patient.{who}"));
                session.grant(to, Grant::read()).await.unwrap();
                None
            }
            1..=3 => {
                assert!(session.recipients().await.unwrap().len() >= 2);
                None
            }
            4..=11 => {
                let opened = self.account.decrypt(&self.sealed[at], None).await.unwrap();
                assert_eq!(opened.bytes(), format!("kept {at}").as_bytes());
                assert_eq!(opened.session(), session.id());
                None
            }
            _ => {
                let place = Context::fields([("row", (number as i64).into())]).unwrap();
                let text = format!("text {number}");
                let sealed = session.encrypt(text, Some(&place)).await.unwrap();
                Some((number, sealed))
            }
        }
    }

    async fn check(&self, written: Vec<Written>) {
        let most = self.crowd.most.load(Ordering::SeqCst);
        assert!((2..=8).contains(&most), "{most} requests at a time");
        assert_eq!(self.crowd.now.load(Ordering::SeqCst), 0);
        let mut count = 0;
        for (number, sealed) in written.into_iter().flatten() {
            let place = Context::fields([("row", (number as i64).into())]).unwrap();
            let opened = self.insurer.account().decrypt(&sealed, Some(&place)).await;
            assert_eq!(opened.unwrap().bytes(), format!("text {number}").as_bytes());
            count += 1;
        }
        assert!(count > CALLS / 3, "{count}");
        let granted = CALLS.div_ceil(SESSIONS * 20);
        for session in &self.sessions {
            session.refresh().await.unwrap();
            let recipients = session.recipients().await.unwrap();
            assert_eq!(recipients.len(), 2 + granted.min(PEOPLE));
        }
        assert_eq!(self.account.settle().await.unwrap(), 0);
    }
}

async fn in_time<T>(work: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(900);
    tokio::time::timeout(limit, work).await.expect("it hangs")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_thousand_calls_on_many_threads() {
    let scene = Scene::new().await;
    let calls: Vec<_> = (0..CALLS)
        .map(|number| tokio::spawn(scene.clone().call(number)))
        .collect();
    let written = in_time(join_all(calls)).await;
    let written = written.into_iter().map(Result::unwrap).collect();
    in_time(scene.check(written)).await;
}

#[tokio::test]
async fn two_thousand_calls_on_one_thread() {
    let scene = Scene::new().await;
    let calls = (0..CALLS).map(|number| scene.clone().call(number));
    let written = in_time(join_all(calls)).await;
    in_time(scene.check(written)).await;
}
