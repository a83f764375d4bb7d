//! Without the network: what is kept opens, what is written says so, and what
//! is known is not stepped over.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/ward.rs"]
mod ward;

#[path = "common/fuse.rs"]
#[allow(dead_code)]
mod fuse;

use fuse::{Hurry, LosesWrites};
use plico::testing::{TestDirectory, TestPerson};
use plico::{
    AccountOptions, Context, ErrorCode, Grant, OnMissing, Plico, Recipient, SessionOptions,
    Snapshot, SnapshotOptions,
};
use std::sync::Arc;
use std::time::Duration;
use ward::{code, ward};

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// The same person's program, started without the network on the same store.
async fn started_offline(directory: &TestDirectory, person: &TestPerson) -> plico::Account {
    let connection = directory.connection();
    connection.down(true);
    let plico = directory
        .builder()
        .transport(connection)
        .clock(Arc::new(person.clock().clone()))
        .start_offline()
        .open()
        .await
        .unwrap();
    let options = AccountOptions::with_store(person.store().clone());
    plico.account(options).await.unwrap()
}

#[tokio::test]
async fn a_cold_start_without_network_opens_what_is_kept() {
    let (directory, doctor, patient, _) = ward().await;
    let session = doctor
        .account()
        .create_session([Recipient::user("patient.7")])
        .await
        .unwrap();
    let context = Context::fields([("table", "notes".into()), ("row", 1.into())]).unwrap();
    let first = session.encrypt("first", Some(&context)).await.unwrap();
    session.rotate().await.unwrap();
    let second = session.encrypt_text("second", None).await.unwrap();
    patient.account().prefetch(&[session.id()]).await.unwrap();
    assert!(
        patient
            .account()
            .decrypt(&first, Some(&context))
            .await
            .is_ok()
    );

    let cold = started_offline(&directory, &patient).await.offline();
    let opened = cold.decrypt(&first, Some(&context)).await.unwrap();
    assert_eq!(opened.bytes(), b"first");
    assert!(!opened.written_offline());
    assert_eq!(cold.decrypt_text(&second, None).await.unwrap(), "second");
    let recipients = cold.session(session.id()).recipients().await.unwrap();
    let mut names: Vec<_> = recipients
        .into_iter()
        .map(|it| it.user_id.unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["dr.a", "patient.7"]);
    // Without saying so, too: the directory can't be reached.
    let cold = started_offline(&directory, &patient).await;
    directory.clock().advance(DAY);
    let opened = cold.decrypt(&first, Some(&context)).await.unwrap();
    assert!(opened.known_at() <= directory.clock().now() - DAY);
}

#[tokio::test]
async fn what_is_not_kept_is_not_opened_offline() {
    let (directory, doctor, patient, _) = ward().await;
    let session = doctor
        .account()
        .create_session([Recipient::user("patient.7")])
        .await
        .unwrap();
    let sealed = session.encrypt("x", None).await.unwrap();
    let cold = started_offline(&directory, &patient).await;
    assert_eq!(
        code(cold.offline().decrypt(&sealed, None).await),
        ErrorCode::Offline
    );
    assert_eq!(code(cold.decrypt(&sealed, None).await), ErrorCode::Network);
    // An account that is new knows nothing of the tenant.
    let connection = directory.connection();
    connection.down(true);
    let plico = directory
        .builder()
        .transport(connection)
        .attempts(1)
        .open()
        .await
        .unwrap();
    assert_eq!(
        code(plico.account(AccountOptions::in_memory()).await),
        ErrorCode::Network
    );
}

#[tokio::test]
async fn offline_writes_are_marked_and_only_made_on_request() {
    let (directory, doctor, patient, _) = ward().await;
    let session = doctor
        .account()
        .create_session([Recipient::user("patient.7")])
        .await
        .unwrap();
    doctor.connection().down(true);
    directory.clock().advance(6 * MINUTE);
    assert_eq!(code(session.encrypt("x", None).await), ErrorCode::Network);
    let offline = session.offline();
    let sealed = offline.encrypt("in the tunnel", None).await.unwrap();
    let text = offline.encrypt_text("text", None).await.unwrap();
    for change in [
        code(offline.rotate().await),
        code(offline.refresh().await),
        code(offline.grant(Recipient::user("x"), Grant::read()).await),
        code(offline.revoke(Recipient::user("patient.7")).await),
        code(offline.end().await),
        code(doctor.account().offline().create_session([]).await),
    ] {
        assert_eq!(change, ErrorCode::Offline);
    }
    let opened = patient.account().decrypt(&sealed, None).await.unwrap();
    assert!(opened.written_offline());
    assert_eq!(opened.bytes(), b"in the tunnel");
    assert_eq!(
        patient.account().decrypt_text(&text, None).await.unwrap(),
        "text"
    );
    // The mark can't be taken away.
    let mut unmarked = sealed.clone();
    unmarked[5] &= !4;
    assert_eq!(
        code(patient.account().decrypt(&unmarked, None).await),
        ErrorCode::ContextMismatch
    );
    // Back online, writes are not marked.
    doctor.connection().down(false);
    let sealed = session.encrypt("y", None).await.unwrap();
    let opened = patient.account().decrypt(&sealed, None).await.unwrap();
    assert!(!opened.written_offline());
}

#[tokio::test]
async fn a_known_revocation_is_not_stepped_over() {
    let (directory, doctor, _patient, insurer) = ward().await;
    let session = doctor
        .account()
        .create_session([Recipient::user("patient.7"), Recipient::user("insurer.3")])
        .await
        .unwrap();
    insurer.account().prefetch(&[session.id()]).await.unwrap();
    // The revocation is sent, its reply lost, and the network with it.
    let loses = Arc::new(LosesWrites::new(doctor.connection(), usize::MAX));
    let builder = directory.builder().transport(loses.clone());
    let plico = builder.runtime(Arc::new(Hurry)).open().await.unwrap();
    let options = AccountOptions::with_store(doctor.store().clone());
    let account = plico.account(options).await.unwrap();
    let session = account.session(session.id());
    session.encrypt("x", None).await.unwrap();
    assert_eq!(
        code(session.revoke(Recipient::user("insurer.3")).await),
        ErrorCode::Network
    );
    loses.lose(0);
    doctor.connection().down(true);
    assert_eq!(code(session.encrypt("x", None).await), ErrorCode::Network);
    assert_eq!(
        code(session.offline().encrypt("x", None).await),
        ErrorCode::Unsettled
    );
    // The same after a restart of the program.
    let cold = started_offline(&directory, &doctor).await.offline();
    assert_eq!(
        code(cold.session(session.id()).encrypt("x", None).await),
        ErrorCode::Unsettled
    );
    // Online it is settled before anything is written.
    doctor.connection().down(false);
    let sealed = session.encrypt("x", None).await.unwrap();
    let insurer_offline = insurer.account().offline();
    assert_eq!(
        code(insurer_offline.decrypt(&sealed, None).await),
        ErrorCode::SessionBehindEnvelope
    );
    assert_eq!(
        code(insurer.account().decrypt(&sealed, None).await),
        ErrorCode::AccessRevoked
    );
    // And with the right to open it, what was kept of it is gone.
    let sealed_before = session.encrypt("y", None).await.unwrap();
    assert_eq!(
        code(insurer_offline.decrypt(&sealed_before, None).await),
        ErrorCode::Offline
    );
}

#[tokio::test]
async fn an_epoch_that_is_known_to_be_due_stops_offline_writes() {
    let (directory, doctor, _patient, _) = ward().await;
    let end = directory.clock().now() + DAY;
    let session = doctor
        .account()
        .create_session(
            SessionOptions::new().recipient(Recipient::user("patient.7"), Grant::read().until(end)),
        )
        .await
        .unwrap();
    doctor.connection().down(true);
    session.offline().encrypt("x", None).await.unwrap();
    directory.clock().advance(2 * DAY);
    assert_eq!(
        code(session.offline().encrypt("x", None).await),
        ErrorCode::EpochDue
    );
}

#[tokio::test]
async fn access_ends_offline_by_the_devices_own_clock() {
    let (directory, doctor, patient, _) = ward().await;
    let end = directory.clock().now() + DAY;
    let session = doctor
        .account()
        .create_session(
            SessionOptions::new().recipient(Recipient::user("patient.7"), Grant::read().until(end)),
        )
        .await
        .unwrap();
    let sealed = session.encrypt("x", None).await.unwrap();
    patient.account().prefetch(&[session.id()]).await.unwrap();
    let key = [7; 32];
    let snapshot = patient
        .account()
        .snapshot(&key, SnapshotOptions::all())
        .await
        .unwrap();
    let clock = Arc::new(patient.clock().clone());
    let snapshot = Snapshot::open_with_clock(&snapshot, &key, clock).unwrap();
    assert_eq!(snapshot.decrypt(&sealed, None).unwrap().bytes(), b"x");
    directory.clock().advance(2 * DAY);
    assert_eq!(
        code(snapshot.decrypt(&sealed, None)),
        ErrorCode::AccessExpired
    );
    let offline = started_offline(&directory, &patient).await.offline();
    assert_eq!(
        code(offline.decrypt(&sealed, None).await),
        ErrorCode::AccessExpired
    );
}

#[tokio::test]
async fn a_snapshot_opens_its_sessions_and_nothing_else() {
    let (directory, doctor, patient, _) = ward().await;
    let account = doctor.account();
    let mut sealed = Vec::new();
    let mut sessions = Vec::new();
    for text in ["one", "two"] {
        let session = account
            .create_session([Recipient::user("patient.7")])
            .await
            .unwrap();
        sealed.push(session.encrypt(text, None).await.unwrap());
        sessions.push(session);
    }
    let ids = sessions.iter().map(plico::EncryptionSession::id);
    let results = patient.account().prefetch(&ids.collect::<Vec<_>>()).await;
    assert!(results.unwrap().iter().all(Result::is_ok));
    let key = [9; 32];
    let options = SnapshotOptions::sessions([sessions[0].id()]).valid_for(DAY);
    let bytes = patient.account().snapshot(&key, options).await.unwrap();
    assert!(bytes.len() < 400, "{} bytes", bytes.len());
    let clock = Arc::new(directory.clock().clone());
    let open = |bytes: &[u8], key: &[u8; 32]| Snapshot::open_with_clock(bytes, key, clock.clone());
    let snapshot = open(&bytes, &key).unwrap();
    assert_eq!(snapshot.sessions(), [sessions[0].id()]);
    assert_eq!(snapshot.decrypt(&sealed[0], None).unwrap().bytes(), b"one");
    assert_eq!(
        code(snapshot.decrypt(&sealed[1], None)),
        ErrorCode::SessionNotFound
    );
    // A later epoch is not in it.
    sessions[0].rotate().await.unwrap();
    let later = sessions[0].encrypt("later", None).await.unwrap();
    assert_eq!(
        code(snapshot.decrypt(&later, None)),
        ErrorCode::EpochUnavailable
    );
    // Its time ends, also while it is open.
    directory.clock().advance(2 * DAY);
    assert_eq!(
        code(snapshot.decrypt(&sealed[0], None)),
        ErrorCode::AccessExpired
    );
    assert_eq!(code(open(&bytes, &key)), ErrorCode::AccessExpired);
    directory.clock().back(2 * DAY);
    // Wrong key, every byte altered, cut short.
    assert_eq!(code(open(&bytes, &[8; 32])), ErrorCode::StoreWrongKey);
    for at in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[at] ^= 0x40;
        open(&altered, &key).unwrap_err();
        open(&bytes[..at], &key).unwrap_err();
    }
    let mut newer = bytes.clone();
    newer[3] = b'2';
    assert_eq!(code(open(&newer, &key)), ErrorCode::NeedsNewerClient);
}

#[tokio::test]
async fn recipients_without_an_account_are_listed_or_skipped() {
    let (_directory, doctor, patient, _) = ward().await;
    let wanted = SessionOptions::from([
        Recipient::user("nobody.1"),
        Recipient::user("patient.7"),
        Recipient::user("nobody.2"),
    ]);
    let error = doctor
        .account()
        .create_session(wanted.clone())
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::RecipientsNotFound);
    assert_eq!(error.recipients(), ["nobody.1", "nobody.2"]);
    assert!(!error.to_string().contains("nobody"));
    let session = doctor
        .account()
        .create_session(wanted.on_missing(OnMissing::Skip))
        .await
        .unwrap();
    assert_eq!(session.missing_recipients(), ["nobody.1", "nobody.2"]);
    let sealed = session.encrypt("x", None).await.unwrap();
    patient.account().decrypt(&sealed, None).await.unwrap();
    assert_eq!(session.recipients().await.unwrap().len(), 2);
}

#[tokio::test]
async fn freshness_can_be_asked_for() {
    let (directory, doctor, _patient, _) = ward().await;
    let session = doctor.account().create_session([]).await.unwrap();
    let before = doctor.connection().requests();
    session.encrypt("x", None).await.unwrap();
    assert_eq!(doctor.connection().requests(), before, "it is fresh");
    let strict = session.max_staleness(Duration::ZERO);
    strict.encrypt("x", None).await.unwrap();
    assert!(doctor.connection().requests() > before);
    let lax = session.max_staleness(100 * DAY);
    directory.clock().advance(DAY);
    let before = doctor.connection().requests();
    lax.encrypt("x", None).await.unwrap();
    assert_eq!(doctor.connection().requests(), before);
    session.encrypt("x", None).await.unwrap();
    assert!(doctor.connection().requests() > before);
    // What was forgotten is fetched again.
    session.forget().await.unwrap();
    assert_eq!(
        code(session.offline().encrypt("x", None).await),
        ErrorCode::Offline
    );
    session.encrypt("x", None).await.unwrap();
}

#[tokio::test]
async fn a_directory_of_another_tenant_is_not_believed_by_a_kept_account() {
    let (directory, doctor, _patient, _) = ward().await;
    let other = TestDirectory::start().await.unwrap();
    let plico = Plico::builder(directory.url(), &other.tenant().to_string())
        .transport(other.connection())
        .clock(Arc::new(other.clock().clone()))
        .start_offline()
        .open()
        .await
        .unwrap();
    let options = AccountOptions::with_store(doctor.store().clone());
    assert_eq!(code(plico.account(options).await), ErrorCode::WrongTenant);
}

/// The published snapshot opens. `PLICO_WRITE_SNAPSHOT=1` makes a new one,
/// which only a change of the format calls for.
#[tokio::test]
async fn the_published_snapshot_opens() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/protocol/testdata/snapshots.json"
    );
    if std::env::var_os("PLICO_WRITE_SNAPSHOT").is_some() {
        let cases = published_snapshot().await;
        let text = serde_json::to_string_pretty(&cases).unwrap() + "\n";
        std::fs::write(path, text).unwrap();
    }
    let cases: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut opened = 0;
    for case in cases.as_array().unwrap() {
        let field = |name: &str| hex::decode(case[name].as_str().unwrap()).unwrap();
        let key: [u8; 32] = field("key").try_into().unwrap();
        let result = Snapshot::open(&field("snapshot"), &key)
            .and_then(|snapshot| snapshot.decrypt(&field("envelope"), None));
        match result {
            Ok(data) => {
                assert_eq!(data.bytes(), field("plaintext"));
                assert_eq!(case["expect"], "ok");
                opened += 1;
            }
            Err(_) => assert_eq!(case["expect"], "refused"),
        }
    }
    assert_eq!(opened, 2);
}

async fn published_snapshot() -> serde_json::Value {
    let (_directory, doctor, _, _) = ward().await;
    let session = doctor.account().create_session([]).await.unwrap();
    let first = session.encrypt("first", None).await.unwrap();
    session.rotate().await.unwrap();
    let second = session.encrypt("second", None).await.unwrap();
    let key = [0x2a; 32];
    let options = SnapshotOptions::all();
    let snapshot = doctor.account().snapshot(&key, options).await.unwrap();
    let case = |name: &str, expect: &str, key: &[u8], bytes: &[u8], envelope: &[u8], text: &str| {
        serde_json::json!({
            "kind": "snapshot", "name": name, "expect": expect, "key": hex::encode(key),
            "snapshot": hex::encode(bytes), "envelope": hex::encode(envelope),
            "app_context": null, "plaintext": hex::encode(text),
        })
    };
    let mut cases = vec![
        case(
            "an envelope of the first epoch",
            "ok",
            &key,
            &snapshot,
            &first,
            "first",
        ),
        case(
            "an envelope of the second epoch",
            "ok",
            &key,
            &snapshot,
            &second,
            "second",
        ),
        case(
            "another key",
            "refused",
            &[0x2b; 32],
            &snapshot,
            &first,
            "first",
        ),
    ];
    for at in [3, 4, 36, 68, snapshot.len() - 1] {
        let mut altered = snapshot.clone();
        altered[at] ^= 1;
        let name = format!("byte {at} altered");
        cases.push(case(&name, "refused", &key, &altered, &first, "first"));
    }
    cases.into()
}
