//! A directory that was restored from an older backup: who holds what it has
//! lost hands it back, who does not waits, and nobody signs a fork.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/ward.rs"]
mod ward;

use plico::{ErrorCode, Event, Grant, Recipient};
use std::sync::{Arc, Mutex};
use ward::{code, ward};

fn patient_7() -> [Recipient; 1] {
    [Recipient::user("patient.7")]
}

#[tokio::test]
async fn the_author_hands_back_a_grant_and_a_revocation() {
    let (directory, doctor, patient, insurer) = ward().await;
    let session = doctor.account().create_session(patient_7()).await.unwrap();
    let backup = directory.backup().await.unwrap();
    let reader = Recipient::user("insurer.3");
    session.grant(reader.clone(), Grant::read()).await.unwrap();
    session.revoke(Recipient::user("patient.7")).await.unwrap();
    let sealed = session.encrypt("after", None).await.unwrap();
    insurer.account().decrypt(&sealed, None).await.unwrap();
    directory.restore(&backup).await.unwrap();

    // The revoked one knows no better than what the directory has left.
    let theirs = patient.account().session(session.id());
    theirs.refresh().await.unwrap();
    // The author hands it back by itself, at its next step.
    session.refresh().await.unwrap();
    let fresh = insurer.restart().await.unwrap();
    let opened = fresh.account().decrypt(&sealed, None).await.unwrap();
    assert_eq!(opened.bytes(), b"after");
    // The revoked one has not come back with the backup.
    assert_eq!(
        code(patient.account().decrypt(&sealed, None).await),
        ErrorCode::AccessRevoked
    );
    let who = session.recipients().await.unwrap();
    assert_eq!(who.len(), 2);
}

#[tokio::test]
async fn a_session_that_was_made_in_the_lost_time_comes_back() {
    let (directory, doctor, patient, _) = ward().await;
    let backup = directory.backup().await.unwrap();
    let session = doctor.account().create_session(patient_7()).await.unwrap();
    let sealed = session.encrypt("x", None).await.unwrap();
    directory.restore(&backup).await.unwrap();
    assert_eq!(
        code(patient.account().decrypt(&sealed, None).await),
        ErrorCode::SessionNotFound
    );
    // The program was started anew meanwhile: all it needs is in its store.
    let doctor = doctor.restart().await.unwrap();
    let session = doctor.account().session(session.id());
    session.refresh().await.unwrap();
    patient.account().decrypt(&sealed, None).await.unwrap();
}

#[tokio::test]
async fn a_reader_hands_back_and_a_new_epoch_lets_everybody_in() {
    let (directory, doctor, patient, insurer) = ward().await;
    let session = doctor
        .account()
        .create_session([Recipient::user("patient.7"), Recipient::user("insurer.3")])
        .await
        .unwrap();
    let before = session.encrypt("before", None).await.unwrap();
    let backup = directory.backup().await.unwrap();
    session.rotate().await.unwrap();
    let after = session.encrypt("after", None).await.unwrap();
    patient.account().decrypt(&after, None).await.unwrap();
    directory.restore(&backup).await.unwrap();
    // The author's phone is at the bottom of a lake; the patient has the log,
    // but not the insurer's wrap.
    let lost = insurer.account().decrypt(&after, None).await;
    assert_eq!(code(lost), ErrorCode::SessionBehindEnvelope);
    patient
        .account()
        .session(session.id())
        .refresh()
        .await
        .unwrap();
    let insurer = insurer.restart().await.unwrap();
    insurer
        .account()
        .session(session.id())
        .refresh()
        .await
        .unwrap();
    for (sealed, text) in [(&before, "before"), (&after, "after")] {
        let opened = insurer.account().decrypt(sealed, None).await.unwrap();
        assert_eq!(opened.bytes(), text.as_bytes());
    }
}

#[tokio::test]
async fn nobody_signs_a_fork() {
    let (directory, doctor, patient, _) = ward().await;
    let session = doctor.account().create_session(patient_7()).await.unwrap();
    let backup = directory.backup().await.unwrap();
    session.rotate().await.unwrap();
    directory.restore(&backup).await.unwrap();
    // The patient has not seen the doctor's epoch and, in good faith, goes on
    // where the restored directory stands: two histories now exist.
    let theirs = patient.account().session(session.id());
    theirs.rotate().await.unwrap();
    assert_eq!(code(session.refresh().await), ErrorCode::HistoryForked);
    assert_eq!(code(session.rotate().await), ErrorCode::HistoryForked);
    assert_eq!(
        code(session.encrypt("x", None).await),
        ErrorCode::HistoryForked
    );
    // The other side is not disturbed by it.
    theirs.encrypt("x", None).await.unwrap();
}

#[tokio::test]
async fn an_identity_of_the_lost_time_comes_back_within_its_tokens_life() {
    let (directory, doctor, _, _) = ward().await;
    let backup = directory.backup().await.unwrap();
    let newcomer = directory.person("newcomer").await.unwrap();
    let own = newcomer.account().create_session([]).await.unwrap();
    let sealed = own.encrypt("x", None).await.unwrap();
    let shared = doctor
        .account()
        .create_session([Recipient::user("newcomer")])
        .await
        .unwrap();
    directory.restore(&backup).await.unwrap();
    own.refresh().await.unwrap();
    newcomer.account().decrypt(&sealed, None).await.unwrap();
    let made = shared.refresh().await;
    made.unwrap();
    let sealed = shared.encrypt("y", None).await.unwrap();
    newcomer.account().decrypt(&sealed, None).await.unwrap();
}

#[tokio::test]
async fn the_app_is_told() {
    let (directory, doctor, _, _) = ward().await;
    let seen: Arc<Mutex<Vec<Event>>> = Arc::default();
    let tell = seen.clone();
    let plico = directory
        .builder()
        .on_event(move |event| tell.lock().unwrap().push(event))
        .open()
        .await
        .unwrap();
    let options = plico::AccountOptions::with_store(doctor.store().clone());
    let account = plico.account(options).await.unwrap();
    let session = account.create_session(patient_7()).await.unwrap();
    let backup = directory.backup().await.unwrap();
    session.rotate().await.unwrap();
    directory.restore(&backup).await.unwrap();
    session.refresh().await.unwrap();
    let chain = *session.id().as_bytes();
    let seen = seen.lock().unwrap();
    assert!(seen.contains(&Event::HistoryShortened { chain }));
    assert!(seen.contains(&Event::HandedBack { chain, entries: 1 }));
}
