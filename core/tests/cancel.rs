//! A call is given up at every place where it waits; the same account goes on,
//! and ends in one valid state.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/fuse.rs"]
#[allow(dead_code)]
mod fuse;
#[path = "common/steps.rs"]
mod steps;
#[path = "common/verbs.rs"]
mod verbs;

use futures_util::future::{Either, select};
use plico::ports::{BoxFuture, Change, Request, Response, Store, Transport, TransportError};
use plico::testing::{TestConnection, TestPerson};
use plico::{
    Account, AccountOptions, CancelToken, ErrorCode, FileOptions, Recipient, RegisterOptions,
    SessionId, SnapshotOptions,
};
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::wire::rest::Append;
use std::collections::BTreeSet;
use std::future::pending;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use steps::{SteppedStore, SteppedTransport, Steps};
use tokio::sync::Notify;
use verbs::{
    VERBS, Verb, Ward, carry_out, carry_out_again, check_end, check_one_entry_for_each_place,
};

type Result<T, E = plico::Error> = std::result::Result<T, E>;

/// More than any call here takes; less than anybody wants to wait for a test.
const LONG: Duration = Duration::from_secs(120);
/// More steps than any call here has.
const MANY: usize = 400;

/// How a call is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Its future is dropped.
    Drop,
    /// By a token.
    Token,
}

impl Way {
    /// They take turns: a token drops, too.
    fn at(number: usize) -> Self {
        if number.is_multiple_of(2) {
            Self::Drop
        } else {
            Self::Token
        }
    }
}

/// `work`, within a time that means that it hangs.
async fn in_time<T>(what: &str, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(LONG, work).await {
        Ok(done) => done,
        Err(_) => panic!("{what}: it hangs"),
    }
}

/// Begins `work` and gives it up at its step `number`; `at_stop` is done while
/// it stands there. Gives its result if it has fewer steps.
async fn give_up<T>(
    way: Way,
    steps: &Steps,
    number: usize,
    work: impl Future<Output = Result<T>>,
    at_stop: impl FnOnce(),
) -> Option<Result<T>> {
    steps.stop_at(number);
    let token = CancelToken::new();
    let ended = {
        let run = pin!(token.run(work));
        let reached = pin!(steps.reached());
        match in_time("it neither ends nor stops", select(run, reached)).await {
            Either::Left((done, _)) => Some(done),
            Either::Right(((), run)) => {
                steps.go_on();
                at_stop();
                // Those who want what it has are let in to wait for it.
                tokio::time::sleep(Duration::from_millis(2)).await;
                if way == Way::Token {
                    token.cancel();
                    let ended = in_time("it was cancelled", run).await;
                    let error = ended.map(drop).unwrap_err();
                    assert_eq!(error.code(), ErrorCode::Cancelled);
                }
                None
            }
        }
    };
    steps.go_on();
    ended
}

/// The doctor's program, started on the doctor's store.
async fn start(ward: &Ward, doctor: &TestPerson, steps: &Arc<Steps>) -> Account {
    let transport = SteppedTransport {
        connection: doctor.connection().clone(),
        steps: steps.clone(),
    };
    let store = SteppedStore {
        store: doctor.store().clone(),
        steps: steps.clone(),
    };
    let builder = ward.directory.builder().transport(Arc::new(transport));
    let builder = builder.runtime(Arc::new(fuse::Hurry)).start_offline();
    let plico = builder.open().await.unwrap();
    let options = AccountOptions::with_store(Arc::new(store));
    plico.account(options).await.unwrap()
}

/// Others who want the same gates and look-ups: they get what they want.
struct Others(Vec<tokio::task::JoinHandle<Result<()>>>);

impl Others {
    fn begin(account: &Account, id: SessionId) -> Self {
        let session = account.session(id).max_staleness(Duration::ZERO);
        let refresh = tokio::spawn(async move { session.refresh().await });
        let looker = account.clone();
        let look_up = async move { looker.accept_identity_change("insurer.3").await.map(drop) };
        let look_up = tokio::spawn(look_up);
        let user = account.clone();
        let prefetch = async move {
            let results = user.prefetch(&[id]).await?;
            results.into_iter().collect()
        };
        Self(vec![refresh, look_up, tokio::spawn(prefetch)])
    }

    async fn end(self) {
        let gone = [ErrorCode::SessionEnded, ErrorCode::AccessRevoked];
        for other in self.0 {
            if let Err(error) = in_time("somebody else", other).await.unwrap() {
                assert!(gone.contains(&error.code()), "{error}");
            }
        }
    }
}

/// What was written down opens without the network, after a restart.
async fn check_kept(doctor: &TestPerson, id: SessionId, sealed: &[u8]) {
    let again = doctor.restart().await.unwrap();
    again.connection().down(true);
    let account = again.account().offline();
    let opened = account.decrypt(sealed, None).await.unwrap();
    assert_eq!(opened.session(), id);
    assert!(!account.session(id).recipients().await.unwrap().is_empty());
}

/// How many sessions this person ever asked the directory for.
fn sessions_sent(person: &TestPerson) -> usize {
    let mut ids = BTreeSet::new();
    for (request, _) in person.connection().exchanges() {
        if request.url.ends_with("/sessions") {
            let made: Append = serde_json::from_slice(&request.body).unwrap();
            let first = SignedEntry::from_bytes(&made.entries[0].entry.0).unwrap();
            ids.insert(first.entry.chain_id);
        }
    }
    ids.len()
}

async fn campaign(verb: Verb) {
    let ward = Ward::new().await;
    let mut given_up = 0;
    for number in 0..=MANY {
        assert!(number < MANY, "{verb:?} does not end");
        let way = Way::at(number);
        let id = ward.prepared(verb).await;
        let steps = Arc::new(Steps::default());
        let account = start(&ward, &ward.doctor, &steps).await;
        let mut others = None;
        let begin = || others = Some(Others::begin(&account, id));
        let work = carry_out(verb, &account, id);
        if let Some(done) = give_up(way, &steps, number, work, begin).await {
            done.unwrap();
            break;
        }
        given_up += 1;
        others.unwrap().end().await;
        // The same account goes on: the user asks for the same again.
        let go_on = async {
            let end = carry_out_again(verb, &account, id).await;
            let session = account.session(end);
            check_end(&ward, verb, &session).await;
            account.settle().await.unwrap();
            if !matches!(verb, Verb::Leave | Verb::End | Verb::Transfer) {
                let sealed = session.encrypt("kept", None).await.unwrap();
                check_kept(&ward.doctor, end, &sealed).await;
            }
        };
        in_time("going on", go_on).await;
        let journal = ward.doctor.store().scan("journal/").await.unwrap();
        assert!(journal.is_empty(), "{verb:?} {way:?} {number}");
    }
    check_one_entry_for_each_place(&[&ward.doctor]);
    if verb == Verb::Create {
        // One for each that was wanted, and for each to prepare the ward.
        assert_eq!(sessions_sent(&ward.doctor), 2 * (given_up + 1));
    }
    assert!(
        given_up >= 15,
        "{verb:?} was given up only {given_up} times"
    );
}

macro_rules! campaigns {
    ($($name:ident: $verb:ident),*) => {
        $(#[tokio::test]
        async fn $name() {
            campaign(Verb::$verb).await;
        })*

        #[test]
        fn every_verb_has_a_campaign() {
            assert_eq!([$(Verb::$verb),*], VERBS);
        }
    };
}

campaigns!(
    giving_up_a_creation: Create,
    giving_up_a_grant: Grant,
    giving_up_a_revocation: Revoke,
    giving_up_a_rotation: Rotate,
    giving_up_metadata: SetMetadata,
    giving_up_a_hand_over: Transfer,
    giving_up_leaving: Leave,
    giving_up_the_end: End,
    giving_up_writing_when_an_epoch_is_due: EncryptWhenDue
);

/// What changes no log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Encrypt,
    Decrypt,
    SessionOf,
    Metadata,
    Recipients,
    Refresh,
    Prefetch,
    Settle,
    AcceptIdentityChange,
    Snapshot,
    Forget,
    EncryptFile,
    DecryptFile,
}

const USES: [Use; 13] = [
    Use::Encrypt,
    Use::Decrypt,
    Use::SessionOf,
    Use::Metadata,
    Use::Recipients,
    Use::Refresh,
    Use::Prefetch,
    Use::Settle,
    Use::AcceptIdentityChange,
    Use::Snapshot,
    Use::Forget,
    Use::EncryptFile,
    Use::DecryptFile,
];

/// A session of the deputy's that the doctor's program has not yet seen.
struct Shared {
    id: SessionId,
    sealed: Vec<u8>,
    folder: tempfile::TempDir,
}

impl Shared {
    async fn new(ward: &Ward) -> Self {
        let recipients = [Recipient::user("dr.a"), Recipient::user("insurer.3")];
        let deputy = ward.deputy.account();
        let session = deputy.create_session(recipients).await.unwrap();
        session.set_metadata(b"a title").await.unwrap();
        session.rotate().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let plain = folder.path().join("plain");
        std::fs::write(&plain, [7; 100_000]).unwrap();
        let sealed_file = folder.path().join("sealed");
        let options = FileOptions::new();
        let sealing = session.encrypt_file(&plain, &sealed_file, options);
        sealing.await.unwrap();
        Self {
            id: session.id(),
            sealed: session.encrypt("x", None).await.unwrap(),
            folder,
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// After a file was given up, its thread ends by itself, and tidies up.
    async fn no_output(&self) {
        for _ in 0..60_000 {
            if self.names() == ["plain", "sealed"] {
                return;
            }
            assert!(!self.at("out").exists(), "an output that nobody waited for");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("left behind: {:?}", self.names());
    }
}

/// Uses the session, and looks at the result.
fn use_it<'a>(what: Use, account: &'a Account, shared: &'a Shared) -> BoxFuture<'a, Result<()>> {
    let session = account.session(shared.id).max_staleness(Duration::ZERO);
    Box::pin(async move {
        match what {
            Use::Encrypt => {
                let sealed = session.encrypt("y", None).await?;
                assert_eq!(sealed[22..26], [0, 0, 0, 1], "the newest epoch");
            }
            Use::Decrypt => {
                let opened = account.decrypt(&shared.sealed, None).await?;
                assert_eq!(opened.bytes(), b"x");
            }
            Use::SessionOf => {
                let found = account.session_of(&shared.sealed).await?;
                assert_eq!(found.id(), shared.id);
            }
            Use::Metadata => {
                assert_eq!(session.metadata().await?.as_deref(), Some(&b"a title"[..]));
            }
            Use::Recipients => {
                let recipients = session.recipients().await?;
                assert_eq!(recipients.len(), 3);
                assert!(recipients.iter().all(|it| it.user_id.is_some()));
            }
            Use::Refresh => session.refresh().await?,
            Use::Prefetch => {
                for result in account.prefetch(&[shared.id]).await? {
                    result?;
                }
            }
            Use::Settle => drop(account.settle().await?),
            Use::AcceptIdentityChange => {
                account.accept_identity_change("insurer.3").await?;
            }
            Use::Snapshot => {
                session.refresh().await?;
                let options = SnapshotOptions::sessions([shared.id]);
                let snapshot = account.snapshot(&[7; 32], options).await?;
                let snapshot = plico::Snapshot::open(&snapshot, &[7; 32])?;
                assert_eq!(snapshot.decrypt(&shared.sealed, None)?.bytes(), b"x");
            }
            Use::Forget => {
                session.refresh().await?;
                session.forget().await?;
            }
            Use::EncryptFile => {
                let options = FileOptions::new();
                let done = session.encrypt_file(shared.at("plain"), shared.at("out"), options);
                done.await?;
                let sealed = std::fs::read(shared.at("out")).unwrap();
                assert_eq!(sealed[22..26], [0, 0, 0, 1], "the newest epoch");
                std::fs::remove_file(shared.at("out")).unwrap();
            }
            Use::DecryptFile => {
                let options = FileOptions::new();
                let done = account.decrypt_file(shared.at("sealed"), shared.at("out"), options);
                done.await?;
                let opened = std::fs::read(shared.at("out")).unwrap();
                assert_eq!(opened, [7; 100_000]);
                std::fs::remove_file(shared.at("out")).unwrap();
            }
        }
        Ok(())
    })
}

/// As if the doctor's program had never seen anybody.
async fn forget_everybody(doctor: &TestPerson) {
    let mut batch = Vec::new();
    for prefix in ["identity/", "pin/"] {
        let pairs = doctor.store().scan(prefix).await.unwrap();
        batch.extend(pairs.into_iter().map(|(name, _)| Change::Delete(name)));
    }
    doctor.store().commit(batch, Vec::new()).await.unwrap();
}

/// Whoever is known is held to what was seen, also after a restart.
async fn check_pins(doctor: &TestPerson) {
    let known = doctor.store().scan("identity/").await.unwrap();
    assert!(known.len() >= 3);
    for (name, _) in known {
        let pin = name.replacen("identity/", "pin/head/", 1);
        assert!(doctor.store().get(&pin).await.unwrap().is_some(), "{pin}");
    }
}

async fn campaign_of_use(what: Use) {
    let ward = Ward::new().await;
    let mut given_up = 0;
    for number in 0..=MANY {
        assert!(number < MANY, "{what:?} does not end");
        let way = Way::at(number);
        forget_everybody(&ward.doctor).await;
        let shared = Shared::new(&ward).await;
        if what == Use::Settle {
            // The program died when it had just written down a grant.
            leave_journal(&ward, shared.id).await;
        }
        let steps = Arc::new(Steps::default());
        let account = start(&ward, &ward.doctor, &steps).await;
        let mut others = None;
        let begin = || others = Some(Others::begin(&account, shared.id));
        let work = use_it(what, &account, &shared);
        if let Some(done) = give_up(way, &steps, number, work, begin).await {
            done.unwrap();
            break;
        }
        given_up += 1;
        others.unwrap().end().await;
        shared.no_output().await;
        let go_on = async {
            use_it(what, &account, &shared).await.unwrap();
            let session = account.session(shared.id);
            session.rotate().await.unwrap();
            let sealed = session.encrypt("kept", None).await.unwrap();
            let theirs = ward.insurer.account().decrypt(&sealed, None).await;
            assert_eq!(theirs.unwrap().bytes(), b"kept");
            check_kept(&ward.doctor, shared.id, &sealed).await;
            check_pins(&ward.doctor).await;
            account.settle().await.unwrap();
        };
        in_time("going on", go_on).await;
        let journal = ward.doctor.store().scan("journal/").await.unwrap();
        assert!(journal.is_empty(), "{what:?} {way:?} {number}");
    }
    check_one_entry_for_each_place(&[&ward.doctor]);
    assert!(given_up >= 4, "{what:?} was given up only {given_up} times");
}

/// The doctor's program dies when a rotation has just been written down.
async fn leave_journal(ward: &Ward, id: SessionId) {
    for number in 0..MANY {
        let steps = Arc::new(Steps::default());
        let account = start(ward, &ward.doctor, &steps).await;
        let session = account.session(id);
        let ended = give_up(Way::Drop, &steps, number, session.rotate(), || {}).await;
        let journal = ward.doctor.store().scan("journal/").await.unwrap();
        if !journal.is_empty() {
            return;
        }
        assert!(ended.is_none());
    }
}

macro_rules! campaigns_of_use {
    ($($name:ident: $what:ident),*) => {
        $(#[tokio::test]
        async fn $name() {
            campaign_of_use(Use::$what).await;
        })*

        #[test]
        fn every_use_has_a_campaign() {
            assert_eq!([$(Use::$what),*], USES);
        }
    };
}

campaigns_of_use!(
    giving_up_encrypting: Encrypt,
    giving_up_decrypting: Decrypt,
    giving_up_looking_for_a_session: SessionOf,
    giving_up_reading_metadata: Metadata,
    giving_up_listing_recipients: Recipients,
    giving_up_a_refresh: Refresh,
    giving_up_a_prefetch: Prefetch,
    giving_up_settling: Settle,
    giving_up_accepting_an_identity: AcceptIdentityChange,
    giving_up_a_snapshot: Snapshot,
    giving_up_forgetting: Forget,
    giving_up_encrypting_a_file: EncryptFile,
    giving_up_decrypting_a_file: DecryptFile
);

#[tokio::test]
async fn giving_up_registering() {
    let ward = Ward::new().await;
    let mut given_up = 0;
    for number in 0..=MANY {
        assert!(number < MANY, "it does not end");
        let way = Way::at(number);
        let name = format!("person.{way:?}.{number}");
        let person = ward.directory.visitor(&name).await.unwrap();
        let steps = Arc::new(Steps::default());
        let account = start(&ward, &person, &steps).await;
        let register = || {
            let (backend, user_id) = (ward.directory.clone(), name.clone());
            account.register(RegisterOptions::new(&name, move |request| {
                let token = backend.enrol(&user_id, request.identity_id);
                async move { Ok(token) }
            }))
        };
        if let Some(done) = give_up(way, &steps, number, register(), || {}).await {
            done.unwrap();
            break;
        }
        given_up += 1;
        let go_on = async {
            let id = register().await.unwrap();
            assert_eq!(account.identity_id(), Some(id));
            let session = account.create_session([Recipient::user("dr.a")]);
            let sealed = session.await.unwrap().encrypt("x", None).await.unwrap();
            let again = person.restart().await.unwrap();
            assert_eq!(again.account().identity_id(), Some(id));
            again.account().decrypt(&sealed, None).await.unwrap();
            ward.doctor.account().decrypt(&sealed, None).await.unwrap();
        };
        in_time("going on", go_on).await;
        check_one_entry_for_each_place(&[&person]);
    }
    assert!(given_up >= 15, "{given_up}");
}

/// What was sent is kept, with all its wraps, wherever the call was given up:
/// the directory may lose it.
#[tokio::test]
async fn what_was_given_up_can_be_handed_back() {
    let ward = Ward::new().await;
    for number in 0..=MANY {
        assert!(number < MANY, "it does not end");
        let id = ward.prepared(Verb::Revoke).await;
        let backup = ward.directory.backup().await.unwrap();
        let steps = Arc::new(Steps::default());
        let account = start(&ward, &ward.doctor, &steps).await;
        let revoke = carry_out(Verb::Revoke, &account, id);
        let way = Way::at(number);
        let ended = give_up(way, &steps, number, revoke, || {}).await;
        let go_on = async {
            carry_out_again(Verb::Revoke, &account, id).await;
            ward.directory.restore(&backup).await.unwrap();
            let session = account.session(id);
            session.refresh().await.unwrap();
            let sealed = session.encrypt("x", None).await.unwrap();
            // Without its wraps, the epoch would have to be followed by another one.
            assert_eq!(sealed[22..26], [0, 0, 0, 1], "{number}");
            let deputy = ward.deputy.restart().await.unwrap();
            deputy.account().decrypt(&sealed, None).await.unwrap();
        };
        in_time("handing back", go_on).await;
        if ended.is_some() {
            break;
        }
    }
}

/// An answer that nobody has verified leads nowhere once it was given up.
#[tokio::test]
async fn an_unverified_answer_does_not_outlive_its_call() {
    let ward = Ward::new().await;
    for number in 0..=MANY {
        assert!(number < MANY, "it does not end");
        let shared = Shared::new(&ward).await;
        let steps = Arc::new(Steps::default());
        let account = start(&ward, &ward.doctor, &steps).await;
        // The same handle, but not the same session.
        ward.doctor.connection().alter(|_, response| {
            let Ok(mut answer) = serde_json::from_slice::<serde_json::Value>(&response.body) else {
                return;
            };
            if let Some(id) = answer.get_mut("session_id") {
                let text = id.as_str().unwrap();
                *id = format!("{}{}", &text[..30], "A".repeat(text.len() - 30)).into();
                response.body = serde_json::to_vec(&answer).unwrap();
            }
        });
        let work = account.decrypt(&shared.sealed, None);
        let ended = give_up(Way::at(number), &steps, number, work, || {}).await;
        ward.doctor.connection().honest();
        let opened = in_time("opening", account.decrypt(&shared.sealed, None)).await;
        assert_eq!(opened.unwrap().bytes(), b"x");
        if let Some(caught) = ended {
            let error = caught.map(drop).unwrap_err();
            assert_eq!(error.code(), ErrorCode::AnswerMismatch);
            break;
        }
    }
}

/// The thread that works on a file is held at a chunk until the call was given
/// up; then it goes on to its end. A call that is done otherwise gives its output.
#[tokio::test]
async fn a_file_that_is_given_up_leaves_nothing() {
    const CHUNKS: u64 = 7; // 100,000 bytes in chunks of 16 KiB
    let ward = Ward::new().await;
    let shared = Shared::new(&ward).await;
    let account = ward.doctor.account();
    let session = account.session(shared.id);
    session.refresh().await.unwrap();
    for seal in [true, false] {
        for chunk in 1..=CHUNKS {
            for way in ["drop", "run", "option", "close"] {
                let (held, reached) = tokio::sync::oneshot::channel();
                let (let_go, wait) = std::sync::mpsc::channel::<()>();
                let (held, wait) = (Mutex::new(Some(held)), Mutex::new(wait));
                let count = AtomicU64::new(0);
                let (token, option) = (CancelToken::new(), CancelToken::new());
                let person = ward.doctor.restart().await.unwrap();
                let account = person.account().clone();
                let session = account.session(shared.id);
                let options = FileOptions::new().cancel(option.clone());
                let options = options.on_progress(move |_| {
                    if count.fetch_add(1, Ordering::SeqCst) + 1 == chunk {
                        let held = held.lock().unwrap().take().unwrap();
                        held.send(()).unwrap();
                        let _ = wait.lock().unwrap().recv();
                    }
                });
                let (plain, sealed, out) =
                    (shared.at("plain"), shared.at("sealed"), shared.at("out"));
                let work: BoxFuture<'_, Result<()>> = if seal {
                    Box::pin(session.encrypt_file(plain, out, options))
                } else {
                    Box::pin(account.decrypt_file(sealed, out, options))
                };
                let run = Box::pin(token.run(work));
                let Either::Right((_, run)) = select(run, reached).await else {
                    panic!("it did not come to chunk {chunk}");
                };
                let what = format!("{way} at chunk {chunk}");
                let code = match way {
                    "drop" => {
                        drop(run);
                        drop(let_go);
                        None
                    }
                    "run" => {
                        token.cancel();
                        let ended = in_time(&what, run).await;
                        drop(let_go);
                        Some(ended.unwrap_err().code())
                    }
                    "close" => {
                        account.close();
                        let ended = in_time(&what, run).await;
                        drop(let_go);
                        Some(ended.unwrap_err().code())
                    }
                    _ => {
                        option.cancel();
                        drop(let_go);
                        let ended = in_time(&what, run).await;
                        // By this token everything is tidied up before it says so.
                        assert_eq!(shared.names(), ["plain", "sealed"], "{what}");
                        Some(ended.unwrap_err().code())
                    }
                };
                match way {
                    "drop" => assert_eq!(code, None),
                    "close" => assert_eq!(code, Some(ErrorCode::Closed), "{what}"),
                    _ => assert_eq!(code, Some(ErrorCode::Cancelled), "{what}"),
                }
                // The app's own token is the app's: it may serve other files.
                assert_eq!(option.is_cancelled(), way == "option");
                shared.no_output().await;
            }
        }
    }
}

/// The first write that it is given stays on its way, until the next one comes:
/// then it arrives just before it.
struct Late {
    connection: Arc<TestConnection>,
    held: Mutex<Option<Request>>,
    reached: Notify,
}

impl Late {
    fn new(connection: &Arc<TestConnection>) -> Arc<Self> {
        Arc::new(Self {
            connection: connection.clone(),
            held: Mutex::new(None),
            reached: Notify::new(),
        })
    }
}

impl Transport for Late {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            let ends = ["/identities", "/sessions", "/entries"];
            if !ends.iter().any(|end| request.url.ends_with(end)) {
                return self.connection.send(request).await;
            }
            let held = self.held.lock().unwrap().replace(request.clone());
            let Some(first) = held else {
                self.reached.notify_one();
                return pending().await;
            };
            // Both at once: neither has been carried out when they are looked at.
            let (first, second) =
                tokio::join!(self.connection.send(first), self.connection.send(request));
            first.and(second)
        })
    }
}

#[tokio::test]
async fn a_copy_that_arrives_late_is_the_same_write() {
    for round in 0..20 {
        let ward = Ward::new().await;
        let person = ward.directory.visitor("late").await.unwrap();
        let late = Late::new(person.connection());
        let builder = ward.directory.builder().transport(late.clone());
        let plico = builder.runtime(Arc::new(fuse::Hurry)).open().await.unwrap();
        let options = AccountOptions::with_store(person.store().clone());
        let account = plico.account(options).await.unwrap();
        let register = || {
            let backend = ward.directory.clone();
            account.register(RegisterOptions::new("late", move |request| {
                let token = backend.enrol("late", request.identity_id);
                async move { Ok(token) }
            }))
        };
        let give_up = async |work: BoxFuture<'_, Result<()>>| {
            *late.held.lock().unwrap() = None;
            let reached = pin!(late.reached.notified());
            let Either::Right(_) = select(work, reached).await else {
                panic!("{round}: it was not held")
            };
        };
        give_up(Box::pin(async { register().await.map(drop) })).await;
        in_time("registering", register()).await.unwrap();

        let readers = || [Recipient::user("insurer.3")];
        let create = || account.create_session(readers());
        give_up(Box::pin(async { create().await.map(drop) })).await;
        let session = in_time("creating", create()).await.unwrap();
        give_up(Box::pin(session.rotate())).await;
        assert_eq!(in_time("settling", account.settle()).await.unwrap(), 1);
        *late.held.lock().unwrap() = None;
        let sealed = session.encrypt("x", None).await.unwrap();
        assert_eq!(sealed[22..26], [0, 0, 0, 1]);
        let insurer = ward.insurer.account();
        assert_eq!(insurer.decrypt(&sealed, None).await.unwrap().bytes(), b"x");
        assert_eq!(sessions_sent(&person), 1);
        check_one_entry_for_each_place(&[&person]);
    }
}
