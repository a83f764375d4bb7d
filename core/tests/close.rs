//! What was closed says so, whatever it is asked; calls under way end.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/ward.rs"]
mod ward;

use plico::ports::{BoxFuture, ByteSink, ByteSource, RangedSource};
use plico::testing::TestDirectory;
use plico::{
    Account, AccountOptions, DeviceId, EncryptionSession, ErrorCode, EverywhereOptions, Expiry,
    FileKey, FileOptions, Grant, Group, GroupId, GroupOptions, GroupRole, Plico, Recipient,
    RecoverOptions, RecoveryKey, RegisterOptions, RevokeOptions, SessionId, SessionOptions,
    SnapshotOptions,
};
use std::collections::BTreeSet;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;
use ward::code;

type Call<'a> = Pin<Box<dyn Future<Output = plico::Result<()>> + Send + 'a>>;

/// What a call may be given, from before the account was closed.
struct Things {
    sealed: Vec<u8>,
    text: String,
    json: String,
    out: PathBuf,
    sealed_file: PathBuf,
    key: FileKey,
    recovery: RecoveryKey,
    sessions: Vec<SessionId>,
    grants: Vec<(Recipient, Grant)>,
    recipients: Vec<Recipient>,
}

fn call<'a, T>(work: impl Future<Output = plico::Result<T>> + Send + 'a) -> Call<'a> {
    Box::pin(async move { work.await.map(drop) })
}

/// Every call of an account, by its name.
fn of_account<'a>(account: &'a Account, things: &'a Things) -> Vec<(&'static str, Call<'a>)> {
    let register = RegisterOptions::new("dr.a", |_| async { Ok(String::new()) });
    let (out, files) = (&things.out, FileOptions::new());
    let session = account.session_of(&things.sealed);
    vec![
        ("register", call(account.register(register))),
        ("create_session", call(account.create_session([]))),
        ("prefetch", call(account.prefetch(&[]))),
        ("settle", call(account.settle())),
        (
            "accept_identity_change",
            call(account.accept_identity_change("patient.7")),
        ),
        ("decrypt", call(account.decrypt(&things.sealed, None))),
        ("decrypt", call(account.decrypt(b"no envelope", None))),
        (
            "decrypt_text",
            call(account.decrypt_text(&things.text, None)),
        ),
        (
            "decrypt_text",
            call(account.decrypt_text("no envelope", None)),
        ),
        (
            "decrypt_json",
            call(account.decrypt_json::<u8>(&things.json, None)),
        ),
        ("session_of", call(session)),
        ("session_of", call(account.session_of(b""))),
        (
            "decrypt_file",
            call(account.decrypt_file(&things.sealed_file, out, files)),
        ),
        (
            "decrypt_file",
            call(account.decrypt_file("no such file", "x", FileOptions::new())),
        ),
        (
            "snapshot",
            call(account.snapshot(&[7; 32], SnapshotOptions::all())),
        ),
        (
            "create_group",
            call(account.create_group(GroupOptions::new())),
        ),
        (
            "create_sessions",
            call(account.create_sessions(vec![SessionOptions::new()])),
        ),
        (
            "grant_many",
            call(account.grant_many(&things.sessions, &things.grants)),
        ),
        (
            "revoke_many",
            call(account.revoke_many(
                &things.sessions,
                &things.recipients,
                RevokeOptions::default(),
            )),
        ),
        (
            "revoke_everywhere",
            call(account.revoke_everywhere(Recipient::user("patient.7"), EverywhereOptions::new())),
        ),
        (
            "give_all_of",
            call(account.give_all_of(
                Recipient::user("patient.7"),
                Recipient::user("dr.b"),
                EverywhereOptions::new(),
            )),
        ),
        (
            "open_sealed",
            call(account.open_sealed(&things.sealed, None)),
        ),
        ("groups", call(account.groups(None))),
        ("sessions", call(account.sessions(None))),
        (
            "sessions_tagged",
            call(account.sessions_tagged("a tag", None)),
        ),
        (
            "sessions_of_group",
            call(account.sessions_of_group(GroupId::from([9; 32]), None)),
        ),
        (
            "decrypt_signed",
            call(account.decrypt_signed(&things.sealed, None, None)),
        ),
        ("devices", call(account.devices())),
        (
            "name_device",
            call(account.name_device(DeviceId::from([9; 32]), "phone")),
        ),
        (
            "revoke_device",
            call(account.revoke_device(DeviceId::from([9; 32]))),
        ),
        ("rotate_user_key", call(account.rotate_user_key())),
        (
            "export_identity",
            call(account.export_identity(&things.key)),
        ),
        (
            "decrypt_folder",
            call(account.decrypt_folder(&things.sealed_file, out, FileOptions::new())),
        ),
        (
            "open_folder",
            call(account.open_folder(&things.sealed_file, FileOptions::new())),
        ),
        (
            "authentic_length",
            call(account.authentic_length(&things.sealed_file, FileOptions::new())),
        ),
        (
            "decrypt_writer",
            call(account.decrypt_writer(&things.sealed, Vec::new(), FileOptions::new())),
        ),
        (
            "decrypt_reader",
            call(account.decrypt_reader(things.sealed.as_slice(), FileOptions::new())),
        ),
        (
            "decrypt_seeker",
            call(account.decrypt_seeker(std::io::Cursor::new(&things.sealed), FileOptions::new())),
        ),
        (
            "decrypt_stream",
            call(async move {
                let (source, sink) = (&mut Nothing, &mut Nothing);
                account
                    .decrypt_stream(source, sink, FileOptions::new())
                    .await
            }),
        ),
        (
            "open_folder_ranges",
            call(account.open_folder_ranges(std::sync::Arc::new(Nothing), FileOptions::new())),
        ),
        (
            "decrypt_ranges",
            call(account.decrypt_ranges(std::sync::Arc::new(Nothing), FileOptions::new())),
        ),
        ("decrypt_many", call(account.decrypt_many(&[]))),
        ("offline_file", call(account.offline_file(&things.sealed))),
        ("pairing_code", call(account.pairing_code())),
        ("join_by_pairing", call(account.join_by_pairing())),
        ("approve_pairing", call(account.approve_pairing("no code"))),
        ("fingerprint", call(account.fingerprint("patient.7"))),
        (
            "verify_fingerprint",
            call(account.verify_fingerprint("patient.7", "1")),
        ),
        ("is_verified", call(account.is_verified("patient.7"))),
        ("delete_identity", call(account.delete_identity())),
        ("store_backup", call(account.store_backup(&things.key))),
        ("backups", call(account.backups())),
        ("delete_backups", call(account.delete_backups())),
        (
            "restore_backup",
            call(account.restore_backup("dr.a", &things.key)),
        ),
        ("recovery_key_set_at", call(account.recovery_key_set_at())),
        (
            "set_recovery_key",
            call(account.set_recovery_key(&things.recovery, None)),
        ),
        ("recover", call(account.recover(&things.recovery))),
        (
            "recover_with",
            call(account.recover_with(&things.recovery, RecoverOptions::new())),
        ),
        (
            "import_identity",
            call(account.import_identity(b"no file", &things.key)),
        ),
    ]
}

/// Streams and ranges that never answer.
struct Nothing;

impl ByteSource for Nothing {
    fn read(&mut self) -> BoxFuture<'_, std::io::Result<Vec<u8>>> {
        Box::pin(std::future::pending())
    }
}

impl ByteSink for Nothing {
    fn write(&mut self, _: Vec<u8>) -> BoxFuture<'_, std::io::Result<()>> {
        Box::pin(std::future::pending())
    }
    fn finish(&mut self) -> BoxFuture<'_, std::io::Result<()>> {
        Box::pin(std::future::pending())
    }
}

impl RangedSource for Nothing {
    fn length(&self) -> BoxFuture<'_, std::io::Result<u64>> {
        Box::pin(std::future::pending())
    }
    fn read(&self, _: u64, _: u64) -> BoxFuture<'_, std::io::Result<Vec<u8>>> {
        Box::pin(std::future::pending())
    }
}

/// Every call of a session, by its name.
fn of_session<'a>(
    session: &'a EncryptionSession,
    things: &'a Things,
) -> Vec<(&'static str, Call<'a>)> {
    let patient = || Recipient::user("patient.7");
    let (sealed, out) = (&things.sealed_file, &things.out);
    vec![
        ("forget", call(session.forget())),
        ("refresh", call(session.refresh())),
        ("rotate", call(session.rotate())),
        ("encrypt", call(session.encrypt("x", None))),
        ("encrypt_text", call(session.encrypt_text("x", None))),
        ("encrypt_json", call(session.encrypt_json(&7, None))),
        (
            "encrypt_file",
            call(session.encrypt_file(sealed, out, FileOptions::new())),
        ),
        (
            "encrypt_folder",
            call(session.encrypt_folder(sealed, out, FileOptions::new())),
        ),
        (
            "encrypt_writer",
            call(session.encrypt_writer(Vec::new(), FileOptions::new())),
        ),
        (
            "encrypt_reader",
            call(session.encrypt_reader(std::io::empty(), FileOptions::new())),
        ),
        (
            "encrypt_stream",
            call(async move {
                let (source, sink) = (&mut Nothing, &mut Nothing);
                session
                    .encrypt_stream(source, sink, FileOptions::new())
                    .await
            }),
        ),
        ("encrypt_many", call(session.encrypt_many(&[]))),
        ("decrypt", call(session.decrypt(&things.sealed, None))),
        ("decrypt", call(session.decrypt(b"no envelope", None))),
        (
            "decrypt_text",
            call(session.decrypt_text(&things.text, None)),
        ),
        (
            "decrypt_json",
            call(session.decrypt_json::<u8>(&things.json, None)),
        ),
        (
            "decrypt_file",
            call(session.decrypt_file(sealed, out, FileOptions::new())),
        ),
        (
            "decrypt_file",
            call(session.decrypt_file("no such file", "x", FileOptions::new())),
        ),
        ("grant", call(session.grant(patient(), Grant::read()))),
        ("revoke", call(session.revoke(patient()))),
        (
            "revoke_with",
            call(session.revoke_with(patient(), RevokeOptions::cascade())),
        ),
        ("leave", call(session.leave())),
        ("who_may_read", call(session.who_may_read())),
        ("encrypt_signed", call(session.encrypt_signed("x", None))),
        ("sign", call(session.sign(&things.sealed, None))),
        (
            "decrypt_signed",
            call(session.decrypt_signed(&things.sealed, None, None)),
        ),
        ("transfer", call(session.transfer(patient(), None))),
        ("end", call(session.end())),
        ("set_metadata", call(session.set_metadata(&[0; 9000]))),
        ("metadata", call(session.metadata())),
        ("recipients", call(session.recipients())),
        ("grant_all", call(session.grant_all(&things.grants))),
        (
            "revoke_all",
            call(session.revoke_all(&things.recipients, RevokeOptions::default())),
        ),
        ("set_expiry", call(session.set_expiry(Expiry::never()))),
        ("expiry", call(session.expiry())),
        ("ends_at", call(session.ends_at())),
        ("set_tag", call(session.set_tag(Some("a tag")))),
        ("tag", call(session.tag())),
    ]
}

struct Scene {
    directory: TestDirectory,
    plico: Plico,
    account: Account,
    session: EncryptionSession,
    things: Things,
    connection: std::sync::Arc<plico::testing::TestConnection>,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Self {
        let (directory, doctor, _, _) = ward::ward().await;
        let connection = directory.connection();
        let plico = directory.builder().transport(connection.clone());
        let plico = plico.open().await.unwrap();
        let options = AccountOptions::with_store(doctor.store().clone());
        let account = plico.account(options).await.unwrap();
        let patient = [Recipient::user("patient.7")];
        let session = account.create_session(patient).await.unwrap();
        session.set_metadata(b"a title").await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (plain, sealed_file) = (folder.path().join("plain"), folder.path().join("sealed"));
        std::fs::write(&plain, [7; 100_000]).unwrap();
        session
            .encrypt_file(&plain, &sealed_file, FileOptions::new())
            .await
            .unwrap();
        let things = Things {
            sealed: session.encrypt("x", None).await.unwrap(),
            text: session.encrypt_text("x", None).await.unwrap(),
            json: session.encrypt_json(&7, None).await.unwrap(),
            out: folder.path().join("out"),
            sealed_file,
            key: FileKey::passphrase("short"),
            recovery: RecoveryKey::generate(),
            sessions: vec![session.id()],
            grants: vec![(Recipient::user("patient.7"), Grant::read())],
            recipients: vec![Recipient::user("patient.7")],
        };
        Self {
            directory,
            plico,
            account,
            session,
            things,
            connection,
            _folder: folder,
        }
    }

    fn views(&self) -> [(Account, EncryptionSession); 4] {
        let (account, session) = (&self.account, &self.session);
        [
            (account.clone(), session.clone()),
            (account.offline(), session.offline()),
            (
                account.max_staleness(Duration::ZERO),
                session.max_staleness(Duration::ZERO),
            ),
            (account.clone(), account.session(session.id())),
        ]
    }

    async fn everything_is_closed(&self) {
        let requests = self.connection.requests();
        for (account, session) in &self.views() {
            let calls = of_account(account, &self.things);
            let calls = calls.into_iter().chain(of_session(session, &self.things));
            let group = account.group(GroupId::from([9; 32]));
            for (name, call) in calls.chain(of_group(&group)) {
                let result = call.await;
                assert_eq!(code(result), ErrorCode::Closed, "{name} of {account:?}");
            }
            assert_eq!(account.identity_id(), None);
        }
        assert_eq!(self.connection.requests(), requests, "nothing was asked");
        assert!(!self.things.out.exists());
    }
}

#[tokio::test]
async fn every_call_after_close_says_so() {
    let scene = Scene::new().await;
    scene.account.close();
    scene.everything_is_closed().await;
    // The connection to the directory is still open for other accounts.
    let other = scene
        .plico
        .account(AccountOptions::in_memory())
        .await
        .unwrap();
    assert_eq!(code(other.settle().await), ErrorCode::NotRegistered);
}

#[tokio::test]
async fn closing_plico_closes_its_accounts_and_opens_no_more() {
    let scene = Scene::new().await;
    let other = scene
        .plico
        .account(AccountOptions::in_memory())
        .await
        .unwrap();
    scene.plico.clone().close();
    scene.everything_is_closed().await;
    assert_eq!(code(other.settle().await), ErrorCode::Closed);
    let requests = scene.connection.requests();
    let again = scene.plico.account(AccountOptions::in_memory()).await;
    assert_eq!(code(again), ErrorCode::Closed);
    assert_eq!(scene.connection.requests(), requests);
    scene.plico.close();
    // Other programs go on.
    scene.directory.person("somebody").await.unwrap();
}

#[tokio::test]
async fn calls_under_way_end_when_it_is_closed() {
    let names = |scene: &Scene| {
        let account = of_account(&scene.account, &scene.things).len();
        account + of_session(&scene.session, &scene.things).len()
    };
    let first = Scene::new().await;
    let count = names(&first);
    drop(first);
    let mut pending = 0;
    for index in 0..count {
        let scene = Scene::new().await;
        // Nobody answers within this test.
        scene.connection.slow(Duration::from_secs(3600));
        let account = scene.account.max_staleness(Duration::ZERO);
        let session = scene.session.max_staleness(Duration::ZERO);
        let calls = of_account(&account, &scene.things).into_iter();
        let mut calls = calls.chain(of_session(&session, &scene.things));
        let (name, mut call) = calls.nth(index).unwrap();
        let early = tokio::time::timeout(Duration::from_millis(20), &mut call).await;
        if early.is_ok() {
            continue; // it needs nobody
        }
        pending += 1;
        if index % 2 == 0 {
            scene.account.close();
        } else {
            scene.plico.close();
        }
        let ended = tokio::time::timeout(Duration::from_secs(60), call).await;
        assert_eq!(code(ended.unwrap()), ErrorCode::Closed, "{name}");
    }
    assert!(pending >= 15, "{pending}");
}

#[tokio::test]
async fn an_account_that_is_being_opened_is_not_opened_after_close() {
    let directory = TestDirectory::start().await.unwrap();
    let connection = directory.connection();
    let builder = directory.builder().transport(connection.clone());
    let plico = builder.start_offline().open().await.unwrap();
    connection.slow(Duration::from_secs(3600));
    let mut opening = Box::pin(plico.account(AccountOptions::in_memory()));
    let early = tokio::time::timeout(Duration::from_millis(20), &mut opening).await;
    assert!(early.is_err(), "it waits for the tenant");
    plico.close();
    let ended = tokio::time::timeout(Duration::from_secs(60), opening).await;
    assert_eq!(code(ended.unwrap()), ErrorCode::Closed);
}

/// Every call of a group, none of which may go on after the end.
fn of_group(group: &Group) -> Vec<(&'static str, Call<'_>)> {
    let role = GroupRole::Member;
    vec![
        ("refresh", call(group.refresh())),
        ("name", call(group.name())),
        ("rename", call(group.rename("x"))),
        ("members", call(group.members())),
        ("add", call(group.add(Recipient::user("patient.7"), role))),
        (
            "add_until",
            call(group.add_until(
                Recipient::user("patient.7"),
                role,
                std::time::SystemTime::now(),
            )),
        ),
        ("remove", call(group.remove(Recipient::user("patient.7")))),
        (
            "remove_with",
            call(group.remove_with(Recipient::user("patient.7"), RevokeOptions::cascade())),
        ),
        ("add_members", call(group.add_members(&[]))),
        ("remove_members", call(group.remove_members(&[]))),
        (
            "remove_members_with",
            call(group.remove_members_with(&[], RevokeOptions::cascade())),
        ),
        ("leave", call(group.leave())),
        (
            "transfer",
            call(group.transfer(Recipient::user("patient.7"), None)),
        ),
        ("rotate", call(group.rotate())),
        ("delete", call(group.delete())),
    ]
}

/// The `pub async fn`s in the source of `type_name`.
fn public_calls(type_name: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/client");
    let mut names = BTreeSet::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let source = std::fs::read_to_string(path).unwrap();
        let mut inside = false;
        for line in source.lines() {
            if line.starts_with("impl ") {
                inside = line == format!("impl {type_name} {{");
            }
            if let Some(rest) = line.strip_prefix("    pub async fn ")
                && inside
            {
                let end = rest.find(['(', '<']).unwrap();
                names.insert(rest[..end].to_owned());
            }
        }
    }
    names
}

#[tokio::test]
async fn no_call_is_left_out() {
    let scene = Scene::new().await;
    let names = |calls: Vec<(&str, Call<'_>)>| -> BTreeSet<String> {
        calls.into_iter().map(|it| it.0.to_owned()).collect()
    };
    let (account, session) = (&scene.account, &scene.session);
    assert_eq!(
        names(of_account(account, &scene.things)),
        public_calls("Account")
    );
    let listed = names(of_session(session, &scene.things));
    assert_eq!(listed, public_calls("EncryptionSession"));
    let group = account.group(GroupId::from([9; 32]));
    assert_eq!(names(of_group(&group)), public_calls("Group"));
}
