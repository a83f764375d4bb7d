//! An envelope and an identity as two files, on a machine without a network.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/ward.rs"]
mod ward;

use plico::{Context, ErrorCode, FileKey, Grant, Recipient, open_offline_file};
use std::time::Duration;
use ward::{code, ward};

fn host(byte: u8) -> FileKey {
    FileKey::host_secret(&[byte; 32]).unwrap()
}

#[tokio::test]
async fn two_files_open_what_was_sealed() {
    let (directory, doctor, patient, insurer) = ward().await;
    let readers = [Recipient::user("patient.7")];
    let session = doctor.account().create_session(readers).await.unwrap();
    session
        .grant(Recipient::user("insurer.3"), Grant::read())
        .await
        .unwrap();
    let context = Context::fields([("table", "notes".into())]).unwrap();
    let old = session.encrypt("before", Some(&context)).await.unwrap();
    let identity = patient.account().export_identity(&host(1)).await.unwrap();
    // Everything moves on: keys, epochs, recipients.
    patient.account().rotate_user_key().await.unwrap();
    session.revoke(Recipient::user("insurer.3")).await.unwrap();
    doctor.account().rotate_user_key().await.unwrap();
    let fresh = session.max_staleness(Duration::ZERO);
    let new = fresh.encrypt("after", None).await.unwrap();

    let mut files = Vec::new();
    for (sealed, context, text) in [(&old, Some(&context), "before"), (&new, None, "after")] {
        let file = patient.account().offline_file(sealed).await.unwrap();
        directory.down(true);
        let opened = open_offline_file(&file, &identity, &host(1), context).await;
        directory.down(false);
        let opened = opened.unwrap();
        assert_eq!(opened.content.bytes(), text.as_bytes());
        let age = directory
            .clock()
            .now()
            .duration_since(opened.as_of)
            .unwrap();
        assert!(age < Duration::from_secs(60));
        files.push(file);
    }
    // Long afterwards it is as good, and says from when it is.
    directory.clock().advance(Duration::from_secs(400 * 86_400));
    let opened = open_offline_file(&files[1], &identity, &host(1), None)
        .await
        .unwrap();
    let age = directory
        .clock()
        .now()
        .duration_since(opened.as_of)
        .unwrap();
    assert!(age > Duration::from_secs(399 * 86_400));

    let open = async |file: &[u8], identity: &[u8], key: &FileKey| {
        code(open_offline_file(file, identity, key, None).await)
    };
    let new = &files[1];
    assert_eq!(
        open(new, &identity, &host(2)).await,
        ErrorCode::WrongPassphrase
    );
    assert_eq!(
        open(b"PLCI", &identity, &host(1)).await,
        ErrorCode::OfflineFileInvalid
    );
    assert_eq!(
        open(new, new, &host(1)).await,
        ErrorCode::IdentityFileInvalid
    );
    assert_eq!(
        open(&files[0], &identity, &host(1)).await,
        ErrorCode::ContextRequired
    );
    let other = insurer.account().export_identity(&host(1)).await.unwrap();
    assert_eq!(
        open(new, &other, &host(1)).await,
        ErrorCode::OfflineFileInvalid
    );
    // Who may not open it can't make the file, either.
    let refused = insurer.account().offline_file(&old).await.map(drop);
    assert!(matches!(
        code(refused),
        ErrorCode::AccessRevoked | ErrorCode::EpochUnavailable
    ));
}

#[tokio::test]
async fn a_withdrawn_identity_opens_no_later_file() {
    let (_directory, doctor, patient, _) = ward().await;
    let readers = [Recipient::user("patient.7")];
    let session = doctor.account().create_session(readers).await.unwrap();
    let sealed = session.encrypt("finding", None).await.unwrap();
    let account = patient.account();
    let identity = account.export_identity(&host(1)).await.unwrap();
    let early = account.offline_file(&sealed).await.unwrap();
    let devices = account.devices().await.unwrap();
    account.revoke_device(devices[1].id).await.unwrap();
    let late = account.offline_file(&sealed).await.unwrap();
    let refused = open_offline_file(&late, &identity, &host(1), None).await;
    assert_eq!(code(refused), ErrorCode::DeviceRevoked);
    // What it could open, it can.
    open_offline_file(&early, &identity, &host(1), None)
        .await
        .unwrap();
}

/// Each byte counts: altered anywhere, the file is refused or says the same.
#[tokio::test]
async fn an_altered_file_is_not_believed() {
    let (_directory, doctor, patient, _) = ward().await;
    let readers = [Recipient::user("patient.7")];
    let session = doctor.account().create_session(readers).await.unwrap();
    let sealed = session.encrypt("finding", None).await.unwrap();
    let account = patient.account();
    let identity = account.export_identity(&host(1)).await.unwrap();
    let file = account.offline_file(&sealed).await.unwrap();
    let mut refused = 0;
    let mut tried = 0;
    for at in (0..file.len()).step_by(file.len() / 150) {
        let mut altered = file.clone();
        altered[at] ^= 1;
        tried += 1;
        match open_offline_file(&altered, &identity, &host(1), None).await {
            Err(error) => {
                refused += 1;
                assert_ne!(error.code(), ErrorCode::Internal, "byte {at}: {error}");
                assert_ne!(error.code(), ErrorCode::Network, "byte {at}: {error}");
            }
            // What nobody needs for this: another device's wrap, a time.
            Ok(opened) => assert_eq!(opened.content.bytes(), b"finding"),
        }
    }
    // The wraps of the reader's two other devices are a good part of a file.
    assert!(refused * 2 > tried, "{refused} of {tried}");
    for length in [0, 3, 6, 100, file.len() - 1] {
        let cut = open_offline_file(&file[..length], &identity, &host(1), None).await;
        assert_eq!(code(cut), ErrorCode::OfflineFileInvalid);
    }
}
