//! Stores and transports that misbehave as a host's code does: at any time, for
//! once. Each failure has a code, and the same account goes on afterwards.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/verbs.rs"]
#[allow(dead_code)]
mod verbs;

use plico::ports::{
    Batch, BoxFuture, Expected, Pairs, Request, Response, Runtime, Store, StoreError, StoreFailure,
    Transport, TransportError,
};
use plico::store::MemoryStore;
use plico::testing::TestConnection;
use plico::{Account, AccountOptions, ErrorCode, SessionId};
use std::future::{pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use verbs::{Verb, Ward, carry_out, carry_out_again, check_end, check_one_entry_for_each_place};

/// More steps than any call here has.
const MANY: usize = 300;
/// How long a store may take, and a try of a request here.
const STORE_LIMIT: Duration = Duration::from_secs(60);
const REQUEST_LIMIT: Duration = Duration::from_secs(61);

/// Counts down to the operation that goes wrong, counted from 0.
struct Fault {
    left: AtomicUsize,
    silent: Notify,
}

impl Fault {
    /// Nothing goes wrong yet.
    fn new() -> Arc<Self> {
        Arc::new(Self {
            left: AtomicUsize::new(usize::MAX),
            silent: Notify::new(),
        })
    }

    fn set(&self, number: usize) {
        self.left.store(number + 1, Ordering::SeqCst);
    }

    /// Never answers, and lets the time pass that one waits for an answer.
    async fn silence<T>(&self) -> T {
        self.silent.notify_one();
        pending().await
    }

    fn is_now(&self) -> bool {
        let count = |left: usize| left.checked_sub(1);
        let counted = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, count);
        counted == Ok(1)
    }

    fn is_over(&self) -> bool {
        self.left.load(Ordering::SeqCst) == 0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BadStore {
    /// It fails, and has done nothing.
    Fails,
    /// It fails, and has done it.
    FailsLate,
    /// What it gives is empty, or cut off, or something else.
    Garbage,
    /// It never answers.
    Silent,
    /// The disk is full.
    Full,
}

const BAD_STORES: [BadStore; 5] = [
    BadStore::Fails,
    BadStore::FailsLate,
    BadStore::Garbage,
    BadStore::Silent,
    BadStore::Full,
];

struct FaultyStore {
    store: Arc<MemoryStore>,
    fault: Arc<Fault>,
    bad: BadStore,
}

fn garbled(value: Vec<u8>, salt: usize) -> Vec<u8> {
    match salt % 3 {
        0 => Vec::new(),
        1 => value[..value.len() / 2].to_vec(),
        _ => value
            .iter()
            .map(|byte| byte.wrapping_mul(167) ^ 0xa5)
            .collect(),
    }
}

impl FaultyStore {
    fn failure(&self) -> StoreError {
        let failure = match self.bad {
            BadStore::Full => StoreFailure::Full,
            _ => StoreFailure::Io,
        };
        StoreError {
            failure,
            detail: "the host's code failed".into(),
        }
    }

    async fn read<T>(
        &self,
        work: BoxFuture<'_, Result<T, StoreError>>,
        garble: impl FnOnce(T) -> T,
    ) -> Result<T, StoreError> {
        if !self.fault.is_now() {
            return work.await;
        }
        match self.bad {
            BadStore::Silent => self.fault.silence().await,
            BadStore::Garbage => work.await.map(garble),
            _ => Err(self.failure()),
        }
    }
}

impl Store for FaultyStore {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        let garble = |value: Option<Vec<u8>>| value.map(|it| garbled(it, key.len()));
        Box::pin(self.read(self.store.get(key), garble))
    }

    fn scan<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Pairs, StoreError>> {
        let garble = |pairs: Pairs| {
            let garble = |(key, value): (String, Vec<u8>)| (key.clone(), garbled(value, key.len()));
            pairs.into_iter().map(garble).collect()
        };
        Box::pin(self.read(self.store.scan(prefix), garble))
    }

    fn commit(&self, batch: Batch, expected: Expected) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            // A commit gives nothing that could be garbage.
            if self.bad == BadStore::Garbage || !self.fault.is_now() {
                return self.store.commit(batch, expected).await;
            }
            match self.bad {
                BadStore::Silent => self.fault.silence().await,
                BadStore::FailsLate => {
                    self.store.commit(batch, expected).await?;
                    Err(self.failure())
                }
                _ => Err(self.failure()),
            }
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BadTransport {
    Fails,
    /// It was carried out, but the answer was lost.
    FailsLate,
    Silent,
    Empty,
    NotJson,
    OtherJson,
    Redirect,
    ServerError,
    NotFound,
    NoStatus,
    /// 70 MiB.
    Huge,
}

const BAD_TRANSPORTS: [BadTransport; 11] = [
    BadTransport::Fails,
    BadTransport::FailsLate,
    BadTransport::Silent,
    BadTransport::Empty,
    BadTransport::NotJson,
    BadTransport::OtherJson,
    BadTransport::Redirect,
    BadTransport::ServerError,
    BadTransport::NotFound,
    BadTransport::NoStatus,
    BadTransport::Huge,
];

struct FaultyTransport {
    connection: Arc<TestConnection>,
    fault: Arc<Fault>,
    bad: BadTransport,
}

impl Transport for FaultyTransport {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            if !self.fault.is_now() {
                return self.connection.send(request).await;
            }
            let (status, body) = match self.bad {
                BadTransport::Fails => {
                    return Err(TransportError("the host's code failed".into()));
                }
                BadTransport::FailsLate => {
                    self.connection.send(request).await?;
                    return Err(TransportError("the host's code failed".into()));
                }
                BadTransport::Silent => self.fault.silence().await,
                BadTransport::Empty => (200, Vec::new()),
                BadTransport::NotJson => (200, b"<html>Sign in</html>".to_vec()),
                BadTransport::OtherJson => (200, b"{\"results\":[null],\"found\":7}".to_vec()),
                BadTransport::Redirect => (302, Vec::new()),
                BadTransport::ServerError => (500, b"<html>".to_vec()),
                BadTransport::NotFound => (404, b"<html>".to_vec()),
                BadTransport::NoStatus => (0, b"{}".to_vec()),
                BadTransport::Huge => (200, vec![b'['; 70 << 20]),
            };
            Ok(Response { status, body })
        })
    }
}

/// Time passes only where it is waited for something that does not come.
struct Impatient(Arc<Fault>);

impl Runtime for Impatient {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        if duration != STORE_LIMIT && duration != REQUEST_LIMIT {
            return Box::pin(ready(())); // a pause between two tries
        }
        let fault = self.0.clone();
        Box::pin(async move { fault.silent.notified().await })
    }
}

async fn open(
    ward: &Ward,
    fault: &Arc<Fault>,
    transport: Arc<dyn Transport>,
    store: Arc<dyn Store>,
) -> Account {
    let builder = ward.directory.builder().transport(transport);
    let builder = builder
        .runtime(Arc::new(Impatient(fault.clone())))
        .attempts(1);
    let builder = builder.request_timeout(REQUEST_LIMIT).start_offline();
    let plico = builder.open().await.unwrap();
    plico
        .account(AccountOptions::with_store(store))
        .await
        .unwrap()
}

/// The same account does what it was to do once the host behaves again.
async fn go_on(ward: &Ward, verb: Verb, account: &Account, id: SessionId, what: &str) {
    let work = async {
        let end = carry_out_again(verb, account, id).await;
        check_end(ward, verb, &account.session(end)).await;
        account.settle().await.unwrap();
        let journal = ward.doctor.store().scan("journal/").await.unwrap();
        assert!(journal.is_empty(), "{what}");
    };
    let done = tokio::time::timeout(Duration::from_secs(120), work).await;
    assert!(done.is_ok(), "{what}: it hangs");
}

async fn stores(verb: Verb, bad: BadStore) {
    let ward = Ward::new().await;
    let mut seen = 0;
    for number in 0..=MANY {
        let what = format!("{verb:?} {bad:?} {number}");
        assert!(number < MANY, "{what}: it does not end");
        let id = ward.prepared(verb).await;
        let fault = Fault::new();
        let store = FaultyStore {
            store: ward.doctor.store().clone(),
            fault: fault.clone(),
            bad,
        };
        let account = open(
            &ward,
            &fault,
            ward.doctor.connection().clone(),
            Arc::new(store),
        )
        .await;
        fault.set(number);
        let first = carry_out(verb, &account, id).await;
        if !fault.is_over() {
            first.unwrap();
            break;
        }
        match (first.map(drop).map_err(|error| error.code()), bad) {
            (Ok(()), _) => {} // it could do without
            (Err(ErrorCode::StoreFull), BadStore::Full) => seen += 1,
            (Err(ErrorCode::StoreDamaged | ErrorCode::NeedsNewerClient), BadStore::Garbage)
            | (Err(ErrorCode::Store), BadStore::Fails | BadStore::FailsLate | BadStore::Silent) => {
                seen += 1
            }
            (Err(code), _) => panic!("{what}: {code}"),
        }
        go_on(&ward, verb, &account, id, &what).await;
    }
    check_one_entry_for_each_place(&[&ward.doctor]);
    assert!(seen >= 3, "{verb:?} {bad:?}: {seen}");
}

async fn transports(verb: Verb, bad: BadTransport) {
    let ward = Ward::new().await;
    let mut seen = 0;
    for number in 0..=MANY {
        let what = format!("{verb:?} {bad:?} {number}");
        assert!(number < MANY, "{what}: it does not end");
        let id = ward.prepared(verb).await;
        let fault = Fault::new();
        let transport = FaultyTransport {
            connection: ward.doctor.connection().clone(),
            fault: fault.clone(),
            bad,
        };
        let account = open(
            &ward,
            &fault,
            Arc::new(transport),
            ward.doctor.store().clone(),
        )
        .await;
        fault.set(number);
        let first = carry_out(verb, &account, id).await;
        if !fault.is_over() {
            first.unwrap();
            break;
        }
        let expected = match bad {
            BadTransport::Fails
            | BadTransport::FailsLate
            | BadTransport::Silent
            | BadTransport::Huge => ErrorCode::Network,
            BadTransport::ServerError => ErrorCode::Unavailable,
            _ => ErrorCode::ProtocolError,
        };
        if let Err(error) = first {
            assert_eq!(error.code(), expected, "{what}");
            seen += 1;
        }
        go_on(&ward, verb, &account, id, &what).await;
    }
    check_one_entry_for_each_place(&[&ward.doctor]);
    assert!(seen >= 2, "{verb:?} {bad:?}: {seen}");
}

#[tokio::test]
async fn a_store_that_fails_for_once() {
    for verb in [Verb::Create, Verb::Revoke, Verb::EncryptWhenDue] {
        stores(verb, BadStore::Fails).await;
    }
}

#[tokio::test]
async fn a_store_that_fails_after_it_has_done_it() {
    for verb in [Verb::Create, Verb::Revoke, Verb::EncryptWhenDue] {
        stores(verb, BadStore::FailsLate).await;
    }
}

#[tokio::test]
async fn a_store_that_gives_garbage() {
    for verb in [Verb::Grant, Verb::Revoke] {
        stores(verb, BadStore::Garbage).await;
    }
}

#[tokio::test]
async fn a_store_that_never_answers() {
    stores(Verb::Revoke, BadStore::Silent).await;
}

#[tokio::test]
async fn a_store_that_is_full() {
    stores(Verb::Grant, BadStore::Full).await;
}

#[test]
fn every_bad_store_is_tried() {
    let source = include_str!("hosts.rs");
    for bad in BAD_STORES {
        assert!(source.contains(&format!(", BadStore::{bad:?}).await")));
    }
}

#[tokio::test]
async fn transports_that_misbehave() {
    for (verb, bad) in [Verb::Create, Verb::Revoke, Verb::EncryptWhenDue]
        .into_iter()
        .cycle()
        .zip(BAD_TRANSPORTS)
    {
        transports(verb, bad).await;
    }
}
