//! Disabled and deleted identities, and who is who.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/ward.rs"]
mod ward;

use plico::ports::Store as _;
use plico::{ErrorCode, FileKey, Grant, Recipient, RecoveryKey};
use std::time::Duration;
use ward::{code, ward};

#[tokio::test]
async fn a_disabled_identity_can_do_nothing_and_what_it_signed_stays() {
    let (directory, doctor, patient, insurer) = ward().await;
    let readers = [Recipient::user("patient.7")];
    let session = doctor.account().create_session(readers).await.unwrap();
    let sealed = session.encrypt("finding", None).await.unwrap();
    let id = doctor.account().identity_id().unwrap();
    let host = FileKey::host_secret(&[1; 32]).unwrap();
    doctor.account().store_backup(&host).await.unwrap();
    let words = RecoveryKey::generate();
    doctor
        .account()
        .set_recovery_key(&words, None)
        .await
        .unwrap();

    directory.set_standing(id, false).await.unwrap();
    directory.set_standing(id, false).await.unwrap();
    let fresh = session.max_staleness(Duration::ZERO);
    let visitor = directory.visitor("dr.a").await.unwrap();
    let restarted = doctor.restart().await.unwrap();
    let none = doctor.account().create_session([]).await.map(drop);
    for refused in [
        fresh.refresh().await,
        fresh.encrypt("more", None).await.map(drop),
        session
            .grant(Recipient::user("insurer.3"), Grant::read())
            .await
            .map(drop),
        none,
        doctor.account().devices().await.map(drop),
        doctor.account().rotate_user_key().await,
        restarted.account().devices().await.map(drop),
        visitor.account().recover(&words).await.map(drop),
        visitor
            .account()
            .restore_backup("dr.a", &host)
            .await
            .map(drop),
    ] {
        assert_eq!(refused.unwrap_err().code(), ErrorCode::IdentityDisabled);
    }
    // What it has signed is as valid as ever.
    let opened = patient.account().decrypt(&sealed, None).await.unwrap();
    assert_eq!(opened.bytes(), b"finding");
    // Nothing new is shared with it, and its user id is not given to another.
    let shared = insurer
        .account()
        .create_session([Recipient::user("dr.a")])
        .await;
    assert_eq!(code(shared), ErrorCode::RecipientsNotFound);
    let successor = directory.visitor("dr.a").await.unwrap();
    assert_eq!(code(successor.register(1).await), ErrorCode::UserIdTaken);

    assert_eq!(
        code(directory.set_standing(id, true).await),
        ErrorCode::Conflict,
        "two changes in one second"
    );
    directory.clock().advance(Duration::from_secs(2));
    directory.set_standing(id, true).await.unwrap();
    fresh.encrypt("again", None).await.unwrap();
}

#[tokio::test]
async fn an_identity_deletes_itself() {
    let (directory, doctor, patient, insurer) = ward().await;
    let readers = [Recipient::user("patient.7"), Recipient::user("insurer.3")];
    let session = doctor.account().create_session(readers).await.unwrap();
    let sealed = session.encrypt("finding", None).await.unwrap();
    insurer.account().decrypt(&sealed, None).await.unwrap();
    let host = FileKey::host_secret(&[1; 32]).unwrap();
    insurer.account().store_backup(&host).await.unwrap();
    let words = RecoveryKey::generate();
    insurer
        .account()
        .set_recovery_key(&words, None)
        .await
        .unwrap();
    let id = insurer.account().identity_id().unwrap();

    // The first reply is lost.
    insurer.connection().lose_replies(3);
    let first = insurer.account().delete_identity().await;
    insurer.connection().lose_replies(0);
    if first.is_err() {
        insurer.account().delete_identity().await.unwrap();
    }
    assert_eq!(code(insurer.account().devices().await), ErrorCode::Closed);
    assert!(insurer.store().scan("").await.unwrap().is_empty());
    let again = insurer.restart().await.unwrap();
    assert_eq!(again.account().identity_id(), None);
    assert_eq!(
        code(again.account().recover(&words).await),
        ErrorCode::RecoveryKeyUnknown
    );
    assert_eq!(
        code(again.account().restore_backup("insurer.3", &host).await),
        ErrorCode::BackupRefused
    );
    directory.clock().advance(Duration::from_secs(2));
    assert_eq!(
        code(directory.set_standing(id, true).await),
        ErrorCode::IdentityDeleted
    );
    // The others go on.
    let fresh = session.max_staleness(Duration::ZERO);
    let more = fresh.encrypt("more", None).await.unwrap();
    patient.account().decrypt(&more, None).await.unwrap();
    // Whoever takes the user id is seen to be another one.
    again.register(1).await.unwrap();
    let shared = doctor
        .account()
        .create_session([Recipient::user("insurer.3")])
        .await;
    assert_eq!(code(shared), ErrorCode::IdentityChanged);
}

#[tokio::test]
async fn two_people_compare_and_a_changed_identity_is_not_verified() {
    let (directory, doctor, patient, _) = ward().await;
    let (a, b) = (doctor.account(), patient.account());
    let here = a.fingerprint("patient.7").await.unwrap();
    let there = b.fingerprint("dr.a").await.unwrap();
    assert_eq!(here.digits, there.digits);
    assert_eq!(here.to_scan.len(), 138);
    assert!(!a.is_verified("patient.7").await.unwrap());
    a.verify_fingerprint("patient.7", &there.to_scan)
        .await
        .unwrap();
    b.verify_fingerprint("dr.a", &here.digits.replace(' ', ""))
        .await
        .unwrap();
    let again = doctor.restart().await.unwrap();
    assert!(again.account().is_verified("patient.7").await.unwrap());
    assert!(b.is_verified("dr.a").await.unwrap());
    let other = a.fingerprint("insurer.3").await.unwrap();
    for wrong in [&other.digits, &other.to_scan, &here.to_scan, "12345"] {
        let refused = a.verify_fingerprint("patient.7", wrong).await;
        assert_eq!(code(refused), ErrorCode::FingerprintMismatch);
        assert!(!a.is_verified("patient.7").await.unwrap());
    }
    a.verify_fingerprint("patient.7", &there.digits)
        .await
        .unwrap();
    assert_eq!(
        code(a.fingerprint("nobody").await),
        ErrorCode::RecipientsNotFound
    );

    // Somebody else stands behind the name now.
    let successor = directory.visitor("patient.7").await.unwrap();
    successor.register(2).await.unwrap();
    assert_eq!(
        code(a.is_verified("patient.7").await),
        ErrorCode::IdentityChanged
    );
    a.accept_identity_change("patient.7").await.unwrap();
    assert!(!a.is_verified("patient.7").await.unwrap());
}
