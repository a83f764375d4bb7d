//! Many sessions and many recipients in one call: each with its own result, in
//! few requests, and whole whatever happens on the way.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/fuse.rs"]
#[allow(dead_code)]
mod fuse;

use fuse::{Dies, Fuse, FusedStore, FusedTransport, Hurry};
use plico::testing::{TestDirectory, TestPerson};
use plico::{
    Account, AccountOptions, EncryptionSession, ErrorCode, Grant, GroupOptions, GroupRole,
    Recipient, Result, RevokeOptions, Rights, SessionId, SessionOptions,
};
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::wire::rest::{Append, WriteBatch};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

const MANY: usize = 100;
/// Requests for so many: some six to twelve, and more where drafting is slow, since
/// what is ready waits 20 ms for the next.
const FEW: usize = MANY / 4;

#[track_caller]
fn code<T>(result: &Result<T>) -> ErrorCode {
    match result {
        Ok(_) => panic!("it went through"),
        Err(error) => error.code(),
    }
}

fn user(name: &str) -> Recipient {
    Recipient::user(name)
}

fn reader(name: &str) -> (Recipient, Grant) {
    (user(name), Grant::read())
}

fn for_patient() -> SessionOptions {
    SessionOptions::from([user("patient.7")])
}

/// The paths below the tenant's that were asked for while `work` was done.
async fn asked<T>(person: &TestPerson, work: impl Future<Output = T>) -> (T, Vec<String>) {
    let before = person.connection().requests();
    let done = work.await;
    let urls = person.connection().urls().split_off(before);
    let below = |url: String| url.splitn(7, '/').nth(6).unwrap_or_default().to_owned();
    (done, urls.into_iter().map(below).collect())
}

struct Ward {
    directory: TestDirectory,
    doctor: TestPerson,
    patient: TestPerson,
    insurer: TestPerson,
}

impl Ward {
    async fn new() -> Self {
        let directory = TestDirectory::start().await.unwrap();
        let person = async |name: &str| directory.person(name).await.unwrap();
        Self {
            doctor: person("dr.a").await,
            patient: person("patient.7").await,
            insurer: person("insurer.3").await,
            directory,
        }
    }

    async fn sessions(&self, count: usize) -> Vec<EncryptionSession> {
        let options = (0..count).map(|_| for_patient()).collect();
        let made = self.doctor.account().create_sessions(options).await;
        made.unwrap().into_iter().map(Result::unwrap).collect()
    }
}

fn ids(sessions: &[EncryptionSession]) -> Vec<SessionId> {
    sessions.iter().map(EncryptionSession::id).collect()
}

async fn opens(who: &TestPerson, sealed: &[u8]) -> Result<()> {
    let account = who.account().max_staleness(Duration::ZERO);
    account.decrypt(sealed, None).await.map(drop)
}

#[tokio::test]
async fn a_hundred_sessions_are_made_granted_fetched_and_revoked_in_few_requests() {
    let ward = Ward::new().await;
    let account = ward.doctor.account();
    let (sessions, urls) = asked(&ward.doctor, ward.sessions(MANY)).await;
    assert_eq!(ids(&sessions).iter().collect::<BTreeSet<_>>().len(), MANY);
    // Two for the writes, and a few look-ups of the patient.
    assert!(urls.len() <= FEW, "{urls:?}");
    let ids = ids(&sessions);

    let to = [reader("insurer.3"), reader("nobody"), reader("dr.a")];
    let (granted, urls) = asked(&ward.doctor, account.grant_many(&ids, &to)).await;
    let granted = granted.unwrap();
    assert_eq!(granted.len(), MANY);
    for results in &granted {
        assert_eq!(results[0], Ok(()));
        assert_eq!(code(&results[1]), ErrorCode::RecipientsNotFound);
        assert_eq!(code(&results[2]), ErrorCode::InvalidArgument);
    }
    let writes = |urls: &[String]| urls.iter().filter(|url| *url == "sessions/batch").count();
    assert!((2..=FEW / 2).contains(&writes(&urls)), "{urls:?}");
    assert!(urls.len() <= FEW, "{} {urls:?}", urls.len());

    let (fetched, urls) = asked(&ward.insurer, ward.insurer.account().prefetch(&ids)).await;
    assert!(fetched.unwrap().iter().all(Result::is_ok));
    assert!(urls.len() <= FEW, "{urls:?}");
    let mut sealed = Vec::new();
    for session in &sessions {
        sealed.push(session.encrypt("x", None).await.unwrap());
    }
    let none = asked(&ward.insurer, async {
        for sealed in &sealed {
            ward.insurer.account().decrypt(sealed, None).await.unwrap();
        }
    });
    assert!(none.await.1.is_empty(), "they were fetched already");

    // One write and one epoch for both.
    let gone = [user("insurer.3"), user("patient.7")];
    let revoke = account.revoke_many(&ids, &gone, RevokeOptions::default());
    let (revoked, urls) = asked(&ward.doctor, revoke).await;
    assert!(
        revoked
            .unwrap()
            .iter()
            .all(|it| *it == vec![Ok(()), Ok(())])
    );
    assert!((2..=FEW / 2).contains(&writes(&urls)), "{urls:?}");
    assert!(urls.len() <= FEW, "{} {urls:?}", urls.len());
    for session in [&sessions[0], &sessions[MANY - 1]] {
        let later = session.encrypt("later", None).await.unwrap();
        for person in [&ward.insurer, &ward.patient] {
            let refused = opens(person, &later).await;
            assert_eq!(code(&refused), ErrorCode::AccessRevoked);
        }
    }
    // Whoever is out already counts as done, and nothing is written for it.
    let again = account.revoke_many(&ids, &gone, RevokeOptions::default());
    let (again, urls) = asked(&ward.doctor, again).await;
    assert!(again.unwrap().into_iter().flatten().all(|it| it.is_ok()));
    assert_eq!(writes(&urls), 0);
}

#[tokio::test]
async fn each_session_has_its_own_result() {
    let ward = Ward::new().await;
    let account = ward.doctor.account();
    let mine = ward.sessions(2).await;
    let theirs = ward
        .patient
        .account()
        .create_session([user("dr.a")])
        .await
        .unwrap();
    let unknown = SessionId::from([9; 32]);
    let all = [mine[0].id(), unknown, theirs.id(), mine[1].id()];
    let whom = [reader("insurer.3")];
    let granted = account.grant_many(&all, &whom).await.unwrap();
    assert_eq!((&granted[0][0], &granted[3][0]), (&Ok(()), &Ok(())));
    assert_eq!(code(&granted[1][0]), ErrorCode::SessionNotFound);
    assert_eq!(code(&granted[2][0]), ErrorCode::NotAllowed);
    let whom = [user("insurer.3"), user("nobody")];
    let revoked = account.revoke_many(&all, &whom, RevokeOptions::default());
    let revoked = revoked.await.unwrap();
    assert_eq!((&revoked[0][0], &revoked[3][0]), (&Ok(()), &Ok(())));
    assert_eq!(code(&revoked[0][1]), ErrorCode::RecipientsNotFound);
    assert_eq!(code(&revoked[1][0]), ErrorCode::SessionNotFound);
    // Not a recipient there, so there is nothing to take.
    assert_eq!(revoked[2][0], Ok(()));

    let options = vec![
        for_patient(),
        SessionOptions::from([user("nobody")]),
        SessionOptions::from([user("insurer.3"), user("insurer.3")]),
    ];
    let made = account.create_sessions(options).await.unwrap();
    assert!(made[0].is_ok());
    assert_eq!(code(&made[1]), ErrorCode::RecipientsNotFound);
    assert_eq!(code(&made[2]), ErrorCode::InvalidArgument);
}

#[tokio::test]
async fn what_a_rule_forbids_for_one_does_not_hold_up_the_others() {
    let ward = Ward::new().await;
    for name in ["a", "b", "c"] {
        ward.directory.person(name).await.unwrap();
    }
    let manager = Grant::new(Rights::read().and_forward().and_revoke());
    let options = SessionOptions::new().recipient(user("insurer.3"), manager);
    let session = ward.doctor.account().create_session(options).await.unwrap();
    let sealed = session.encrypt("x", None).await.unwrap();
    let theirs = ward.insurer.account().session(session.id());
    let past = ward.directory.clock().now() - Duration::from_secs(1);
    let wanted = [
        reader("a"),
        (user("b"), Grant::new(Rights::owner())),
        (user("c"), Grant::read().until(past)),
        reader("patient.7"),
    ];
    let (granted, urls) = asked(&ward.insurer, theirs.grant_all(&wanted)).await;
    let granted = granted.unwrap();
    assert_eq!((&granted[0], &granted[3]), (&Ok(()), &Ok(())));
    assert_eq!(code(&granted[1]), ErrorCode::NotAllowed);
    assert_eq!(code(&granted[2]), ErrorCode::EntryInvalid);
    let writes = urls.iter().filter(|url| url.ends_with("/entries"));
    assert_eq!(writes.count(), 1, "{urls:?}");
    opens(&ward.patient, &sealed).await.unwrap();

    // Nobody but an owner takes an owner out.
    let out = [
        user("dr.a"),
        user("a"),
        user("patient.7"),
        user("insurer.3"),
    ];
    let revoked = theirs.revoke_all(&out, RevokeOptions::default()).await;
    let revoked = revoked.unwrap();
    assert_eq!(code(&revoked[0]), ErrorCode::NotAllowed);
    assert_eq!((&revoked[1], &revoked[2]), (&Ok(()), &Ok(())));
    assert_eq!(code(&revoked[3]), ErrorCode::InvalidArgument);
    let there = session.max_staleness(Duration::ZERO).recipients().await;
    assert_eq!(there.unwrap().len(), 2);
    let later = theirs.encrypt("later", None).await.unwrap();
    let refused = opens(&ward.patient, &later).await;
    assert_eq!(code(&refused), ErrorCode::AccessRevoked);
    // Without any right, all of them are refused, and nothing is written.
    session.grant(user("c"), Grant::read()).await.unwrap();
    let plain = ward.directory.person("d").await.unwrap();
    session.grant(user("d"), Grant::read()).await.unwrap();
    let plainly = plain.account().session(session.id());
    let refused = plainly.grant_all(&[reader("a"), reader("b")]).await;
    let refused = refused.unwrap();
    assert!(refused.iter().all(|it| code(it) == ErrorCode::NotAllowed));
    let options = RevokeOptions::default();
    let refused = plainly.revoke_all(&[user("c")], options).await;
    assert_eq!(code(&refused.unwrap()[0]), ErrorCode::NotAllowed);
}

#[tokio::test]
async fn groups_take_many_members_at_once() {
    let ward = Ward::new().await;
    let names: Vec<String> = (0..8).map(|number| format!("nurse.{number}")).collect();
    let mut nurses = Vec::new();
    for name in &names {
        nurses.push(ward.directory.person(name).await.unwrap());
    }
    for options in [GroupOptions::new(), GroupOptions::new().from_now_on()] {
        let account = ward.doctor.account();
        let group = account.create_group(options).await.unwrap();
        let to_group = [Recipient::group(group.id())];
        let session = account.create_session(to_group).await.unwrap();
        let mut members: Vec<(Recipient, GroupRole)> = names
            .iter()
            .map(|name| (user(name), GroupRole::Member))
            .collect();
        members.push((Recipient::group(group.id()), GroupRole::Member));
        let (added, urls) = asked(&ward.doctor, group.add_members(&members)).await;
        let added = added.unwrap();
        assert!(added[..8].iter().all(Result::is_ok), "{added:?}");
        assert_eq!(code(&added[8]), ErrorCode::EntryInvalid);
        let writes = urls.iter().filter(|url| url.ends_with("/entries"));
        assert!(writes.count() <= 2, "{urls:?}");
        let sealed = session.encrypt("x", None).await.unwrap();
        for nurse in &nurses {
            opens(nurse, &sealed).await.unwrap();
        }
        let gone: Vec<Recipient> = names[..7].iter().map(|name| user(name)).collect();
        let removed = group.remove_members(&gone).await.unwrap();
        assert!(removed.iter().all(Result::is_ok));
        session.refresh().await.unwrap();
        let later = session.encrypt("later", None).await.unwrap();
        opens(&nurses[7], &later).await.unwrap();
        opens(&nurses[0], &later).await.unwrap_err();
    }
}

// ---- what happens on the way ----

/// At each place of each log one entry only, whatever was sent how often.
fn check_one_entry_for_each_place(programs: &[&TestPerson]) {
    let mut places: BTreeMap<([u8; 32], u64), BTreeSet<[u8; 32]>> = BTreeMap::new();
    let exchanges = programs.iter().flat_map(|it| it.connection().exchanges());
    for (request, _) in exchanges {
        let mut appends = Vec::new();
        if let Ok(batch) = serde_json::from_slice::<WriteBatch>(&request.body) {
            appends.extend(batch.writes);
        } else if let Ok(append) = serde_json::from_slice::<Append>(&request.body) {
            appends.push(append);
        }
        for upload in appends.into_iter().flat_map(|it| it.entries) {
            let entry = SignedEntry::from_bytes(&upload.entry.0).unwrap().entry;
            let hashes = places.entry((entry.chain_id.0, entry.seq)).or_default();
            hashes.insert(entry.hash().0);
        }
    }
    assert!(!places.is_empty());
    assert!(places.values().all(|hashes| hashes.len() == 1));
}

async fn journal_is_empty(person: &TestPerson) {
    let journal = plico::ports::Store::scan(&**person.store(), "journal/").await;
    assert!(journal.unwrap().is_empty());
}

#[tokio::test]
async fn a_lost_reply_is_followed_by_the_same_writes() {
    let ward = Ward::new().await;
    let sessions = ids(&ward.sessions(5).await);
    let account = ward.doctor.account();
    account.prefetch(&sessions).await.unwrap();
    account.fingerprint("insurer.3").await.unwrap();
    let before = ward.doctor.connection().requests();
    let lost = Arc::new(std::sync::Mutex::new(Some(())));
    ward.doctor.connection().alter(move |request, response| {
        if request.url.ends_with("/batch") && lost.lock().unwrap().take().is_some() {
            response.status = 503;
            response.body.clear();
        }
    });
    let granted = account.grant_many(&sessions, &[reader("insurer.3")]).await;
    assert!(granted.unwrap().into_iter().flatten().all(|it| it.is_ok()));
    let sent = ward.doctor.connection().exchanges().split_off(before);
    let batches: Vec<&Vec<u8>> = sent
        .iter()
        .filter(|(request, _)| request.url.ends_with("/batch"))
        .map(|(request, _)| &request.body)
        .collect();
    assert_eq!(batches.len(), 2);
    assert_eq!(batches[0], batches[1]);
    journal_is_empty(&ward.doctor).await;
    check_one_entry_for_each_place(&[&ward.doctor]);
}

#[tokio::test]
async fn sessions_whose_creation_was_lost_are_not_made_twice() {
    let ward = Ward::new().await;
    ward.doctor
        .account()
        .fingerprint("patient.7")
        .await
        .unwrap();
    let connection = ward.doctor.connection().clone();
    let options = || (0..4).map(|_| for_patient()).collect::<Vec<_>>();
    let plico = ward.directory.builder().transport(connection.clone());
    let plico = plico.runtime(Arc::new(Hurry)).open().await.unwrap();
    let store = AccountOptions::with_store(ward.doctor.store().clone());
    let account = plico.account(store).await.unwrap();
    account.fingerprint("patient.7").await.unwrap();
    connection.alter(|request, response| {
        if request.url.ends_with("/batch") || request.url.ends_with("/sessions") {
            response.status = 503;
            response.body.clear();
        }
    });
    let made = account.create_sessions(options()).await.unwrap();
    assert!(made.iter().all(|it| code(it) == ErrorCode::Unavailable));
    connection.honest();
    let made = account.create_sessions(options()).await.unwrap();
    let made: BTreeSet<SessionId> = made.into_iter().map(|it| it.unwrap().id()).collect();
    let listed = account.sessions(None).await.unwrap().items;
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), made);
    assert_eq!(made.len(), 4);
}

/// The person's program, started on their store, with a fuse.
async fn start(ward: &Ward, fuse: &Arc<Fuse>, wraps_per_part: usize) -> Result<Account> {
    let transport = FusedTransport {
        connection: ward.doctor.connection().clone(),
        fuse: fuse.clone(),
    };
    let store = FusedStore {
        store: ward.doctor.store().clone(),
        fuse: fuse.clone(),
    };
    let builder = ward.directory.builder().transport(Arc::new(transport));
    let plico = builder
        .runtime(Arc::new(Hurry))
        .wraps_per_part(wraps_per_part)
        .start_offline()
        .open()
        .await?;
    let options = AccountOptions::with_store(Arc::new(store));
    plico.account(options).await
}

#[tokio::test]
async fn dying_in_the_middle_leaves_each_session_whole() {
    let ward = Ward::new().await;
    let mut deaths = 0;
    for dies in [Dies::Before, Dies::After] {
        for step in 0.. {
            assert!(step < 60, "it does not end");
            let sessions = ids(&ward.sessions(3).await);
            let fuse = Fuse::new(step, dies);
            let work = async {
                let account = start(&ward, &fuse, 2_048).await?;
                let to = [reader("insurer.3")];
                let granted = account.grant_many(&sessions, &to).await?;
                granted.into_iter().flatten().collect::<Result<Vec<_>>>()?;
                let out = [user("patient.7")];
                let revoked = account.revoke_many(&sessions, &out, RevokeOptions::default());
                revoked.await?.into_iter().flatten().collect::<Result<()>>()
            };
            let done = work.await;
            assert_eq!(done.is_err(), fuse.burnt(), "{done:?}");
            // Started anew, the program settles what was open, and asks for the
            // same again.
            let again = ward.doctor.restart().await.unwrap();
            again.account().settle().await.unwrap();
            journal_is_empty(&again).await;
            let to = [reader("insurer.3")];
            let granted = again.account().grant_many(&sessions, &to).await.unwrap();
            assert!(granted.into_iter().flatten().all(|it| it.is_ok()));
            let out = [user("patient.7")];
            let account = again.account();
            let revoked = account.revoke_many(&sessions, &out, RevokeOptions::default());
            assert!(
                revoked
                    .await
                    .unwrap()
                    .into_iter()
                    .flatten()
                    .all(|it| it.is_ok())
            );
            for id in &sessions {
                let sealed = account.session(*id).encrypt("x", None).await.unwrap();
                opens(&ward.insurer, &sealed).await.unwrap();
                opens(&ward.patient, &sealed).await.unwrap_err();
            }
            check_one_entry_for_each_place(&[&ward.doctor, &again]);
            if !fuse.burnt() {
                break;
            }
            deaths += 1;
        }
    }
    assert!(deaths >= 10, "it died only {deaths} times");
}

// ---- wraps in parts ----

/// Twelve readers besides the patient, named.
async fn readers(ward: &Ward) -> (Vec<(Recipient, Grant)>, Vec<TestPerson>) {
    let mut people = Vec::new();
    for number in 0..12 {
        let name = format!("reader.{number}");
        people.push(ward.directory.person(&name).await.unwrap());
    }
    let grants = people.iter().map(|it| reader(it.user_id())).collect();
    (grants, people)
}

#[tokio::test]
async fn wraps_that_do_not_fit_are_staged_first() {
    let ward = Ward::new().await;
    let (grants, people) = readers(&ward).await;
    let builder = ward.directory.builder();
    let builder = builder.transport(ward.doctor.connection().clone());
    let plico = builder.wraps_per_part(5).open().await.unwrap();
    let store = AccountOptions::with_store(ward.doctor.store().clone());
    let account = plico.account(store).await.unwrap();
    let session = account.create_session([user("patient.7")]).await.unwrap();
    let old = session.encrypt("old", None).await.unwrap();

    let (granted, urls) = asked(&ward.doctor, session.grant_all(&grants)).await;
    assert!(granted.unwrap().iter().all(Result::is_ok));
    let staged = |urls: &[String]| urls.iter().filter(|url| *url == "wraps").count();
    assert_eq!(staged(&urls), 3, "{urls:?}");
    for person in &people {
        opens(person, &old).await.unwrap();
    }
    let (rotated, urls) = asked(&ward.doctor, session.rotate()).await;
    rotated.unwrap();
    assert_eq!(staged(&urls), 3, "{urls:?}");
    let new = session.encrypt("new", None).await.unwrap();
    for person in people.iter().chain([&ward.patient]) {
        opens(person, &new).await.unwrap();
    }
    // A restored directory has lost them. What is handed back has no wraps any
    // more; a new epoch lets everybody in again.
    let backup = ward.directory.backup().await.unwrap();
    session.rotate().await.unwrap();
    let newest = session.encrypt("newest", None).await.unwrap();
    ward.directory.restore(&backup).await.unwrap();
    session.refresh().await.unwrap();
    let after = session.encrypt("after", None).await.unwrap();
    for sealed in [&newest, &after] {
        opens(&people[11], sealed).await.unwrap();
    }
}

/// With the parts that are used in earnest.
#[tokio::test]
async fn more_members_than_one_part_holds() {
    let ward = Ward::new().await;
    let people = ward.directory.seed_people("member", 2_100).await.unwrap();
    let grant = |id| (Recipient::identity(id), Grant::read());
    let grants: Vec<_> = people.into_iter().map(grant).collect();
    let account = ward.doctor.account();
    let session = account.create_session([user("patient.7")]).await.unwrap();
    let granted = session.grant_all(&grants).await.unwrap();
    assert!(granted.iter().all(Result::is_ok));
    let gone: Vec<Recipient> = grants[..20].iter().map(|it| it.0.clone()).collect();
    let revoke = session.revoke_all(&gone, RevokeOptions::default());
    let (revoked, urls) = asked(&ward.doctor, revoke).await;
    assert!(revoked.unwrap().iter().all(Result::is_ok));
    let staged = urls.iter().filter(|url| *url == "wraps");
    assert_eq!(staged.count(), 2, "{urls:?}");
    assert_eq!(session.recipients().await.unwrap().len(), 2_082);
    let sealed = session.encrypt("x", None).await.unwrap();
    opens(&ward.patient, &sealed).await.unwrap();
}

#[tokio::test]
async fn dying_while_wraps_are_staged() {
    let ward = Ward::new().await;
    let (grants, people) = readers(&ward).await;
    let mut deaths = 0;
    for dies in [Dies::Before, Dies::After] {
        for step in 0.. {
            assert!(step < 40, "it does not end");
            let account = ward.doctor.account();
            let session = account.create_session([user("patient.7")]).await.unwrap();
            let fuse = Fuse::new(step, dies);
            let work = async {
                let account = start(&ward, &fuse, 5).await?;
                let granted = account.session(session.id()).grant_all(&grants).await?;
                granted.into_iter().collect::<Result<()>>()
            };
            let done = work.await;
            assert_eq!(done.is_err(), fuse.burnt(), "{done:?}");
            let quiet = Fuse::new(usize::MAX, Dies::Before);
            let again = start(&ward, &quiet, 5).await.unwrap();
            again.settle().await.unwrap();
            journal_is_empty(&ward.doctor).await;
            let session = again.session(session.id());
            let granted = session.grant_all(&grants).await.unwrap();
            assert!(granted.iter().all(Result::is_ok));
            let sealed = session.encrypt("x", None).await.unwrap();
            for person in [&people[0], &people[11], &ward.patient] {
                opens(person, &sealed).await.unwrap();
            }
            session.refresh().await.unwrap();
            if !fuse.burnt() {
                break;
            }
            deaths += 1;
        }
    }
    assert!(deaths >= 8, "it died only {deaths} times");
}
