//! Backups at the directory: who gets them back, who does not, what is deleted.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/ward.rs"]
mod ward;

use plico::testing::{TestDirectory, TestPerson};
use plico::{AccountOptions, DeviceId, ErrorCode, FileKey, Plico, Recipient, RecoveryKey};
use std::sync::Arc;
use std::time::Duration;
use ward::code;

/// Argon2id takes its time: where the kind of protection does not matter, this.
fn host(byte: u8) -> FileKey {
    FileKey::host_secret(&[byte; 32]).unwrap()
}

async fn active(person: &TestPerson) -> Vec<DeviceId> {
    let devices = person.account().devices().await.unwrap();
    let active = devices.iter().filter(|device| !device.revoked);
    active.map(|device| device.id).collect()
}

#[tokio::test]
async fn a_passphrase_brings_everything_back() {
    let directory = TestDirectory::start().await.unwrap();
    let phone = directory.person("patient.7").await.unwrap();
    let doctor = directory.person("dr.a").await.unwrap();
    let readers = [Recipient::user("patient.7")];
    let session = doctor.account().create_session(readers).await.unwrap();
    let sealed = session.encrypt("finding", None).await.unwrap();
    assert!(phone.account().backups().await.unwrap().is_empty());
    assert_eq!(
        code(
            phone
                .account()
                .store_backup(&FileKey::passphrase("short"))
                .await
        ),
        ErrorCode::InvalidArgument
    );
    let passphrase = FileKey::passphrase(&FileKey::generate_passphrase());
    phone.account().store_backup(&passphrase).await.unwrap();
    // Under a secret of the host as well: neither opens the other.
    phone.account().store_backup(&host(1)).await.unwrap();
    let backups = phone.account().backups().await.unwrap();
    let kinds: Vec<bool> = backups.iter().map(|it| it.passphrase).collect();
    assert_eq!(kinds, [true, false]);

    for (user_id, wrong) in [
        ("patient.7", FileKey::passphrase("another passphrase")),
        ("patient.7", host(2)),
        ("dr.a", passphrase.clone()),
        ("nobody", passphrase.clone()),
    ] {
        let visitor = directory.visitor("patient.7").await.unwrap();
        let refused = visitor.account().restore_backup(user_id, &wrong).await;
        assert_eq!(code(refused), ErrorCode::BackupRefused);
        assert_eq!(visitor.account().identity_id(), None);
    }
    for key in [&passphrase, &host(1)] {
        let tablet = directory.visitor("patient.7").await.unwrap();
        let restored = tablet.account().restore_backup("patient.7", key).await;
        assert_eq!(Some(restored.unwrap()), phone.account().identity_id());
        let opened = tablet.account().decrypt(&sealed, None).await.unwrap();
        assert_eq!(opened.bytes(), b"finding");
        assert_eq!(
            code(tablet.account().restore_backup("patient.7", key).await),
            ErrorCode::AlreadyRegistered
        );
    }
}

#[tokio::test]
async fn a_changed_passphrase_leaves_nothing_of_the_old_one() {
    let directory = TestDirectory::start().await.unwrap();
    let phone = directory.person("patient.7").await.unwrap();
    let account = phone.account();
    account.store_backup(&host(1)).await.unwrap();
    let first = active(&phone).await;
    account.store_backup(&host(2)).await.unwrap();
    let second = active(&phone).await;
    // One device for the phone and one for its backup: another one.
    assert_eq!((first.len(), second.len()), (2, 2));
    assert_ne!(first, second);
    let visitor = directory.visitor("patient.7").await.unwrap();
    let old = visitor
        .account()
        .restore_backup("patient.7", &host(1))
        .await;
    assert_eq!(code(old), ErrorCode::BackupRefused);
    let new = visitor
        .account()
        .restore_backup("patient.7", &host(2))
        .await;
    new.unwrap();

    account.delete_backups().await.unwrap();
    account.delete_backups().await.unwrap();
    assert!(account.backups().await.unwrap().is_empty());
    let left = active(&phone).await;
    assert_eq!(left.len(), 2, "the phone and the visitor");
    let visitor = directory.visitor("patient.7").await.unwrap();
    let gone = visitor
        .account()
        .restore_backup("patient.7", &host(2))
        .await;
    assert_eq!(code(gone), ErrorCode::BackupRefused);
}

/// Not even a directory that has kept a copy of the old backup helps whoever
/// knows the old passphrase.
#[tokio::test]
async fn a_copy_of_an_old_backup_is_worth_nothing() {
    let directory = TestDirectory::start().await.unwrap();
    let phone = directory.person("patient.7").await.unwrap();
    phone.account().store_backup(&host(1)).await.unwrap();
    let copy = {
        let visitor = directory.visitor("patient.7").await.unwrap();
        let account = visitor.account();
        account.restore_backup("patient.7", &host(1)).await.unwrap();
        let exchanges = visitor.connection().exchanges();
        let fetched = exchanges
            .into_iter()
            .find(|(request, _)| request.url.ends_with("/backups/fetch"));
        fetched.unwrap().1.unwrap()
    };
    phone.account().store_backup(&host(2)).await.unwrap();
    let thief = directory.visitor("patient.7").await.unwrap();
    thief.connection().alter(move |request, response| {
        if request.url.ends_with("/backups/fetch") {
            response.status = 200;
            response.body = copy.body.clone();
        }
    });
    let stolen = thief.account().restore_backup("patient.7", &host(1)).await;
    assert_eq!(code(stolen), ErrorCode::DeviceRevoked);
    assert_eq!(thief.account().identity_id(), None);
}

/// What a directory may hand out instead: another person's, an altered one.
#[tokio::test]
async fn a_false_backup_is_refused() {
    let directory = TestDirectory::start().await.unwrap();
    for user_id in ["patient.7", "patient.8"] {
        let person = directory.person(user_id).await.unwrap();
        person.account().store_backup(&host(1)).await.unwrap();
    }
    let get = async |user_id: &str| {
        let visitor = directory.visitor(user_id).await.unwrap();
        visitor
            .account()
            .restore_backup(user_id, &host(1))
            .await
            .unwrap();
        let exchanges = visitor.connection().exchanges();
        let mut found = exchanges.into_iter();
        let found = found.find(|(request, _)| request.url.ends_with("/backups/fetch"));
        found.unwrap().1.unwrap().body
    };
    let (own, others) = (get("patient.7").await, get("patient.8").await);
    let altered = |at: usize| {
        let mut text = String::from_utf8(own.clone()).unwrap();
        let start = text.find(":\"").unwrap() + 2 + at;
        let other = if text.as_bytes()[start] == b'A' {
            "B"
        } else {
            "A"
        };
        text.replace_range(start..=start, other);
        text.into_bytes()
    };
    // Another person's; magic, cost, salt, commitment, ciphertext.
    for body in [
        others,
        altered(0),
        altered(12),
        altered(40),
        altered(80),
        altered(200),
    ] {
        let visitor = directory.visitor("patient.7").await.unwrap();
        let body = Arc::new(body);
        visitor.connection().alter(move |request, response| {
            if request.url.ends_with("/backups/fetch") {
                response.body = body.to_vec();
            }
        });
        let refused = visitor
            .account()
            .restore_backup("patient.7", &host(1))
            .await;
        assert_eq!(code(refused), ErrorCode::BackupInvalid);
        assert_eq!(visitor.account().identity_id(), None);
    }
}

#[tokio::test]
async fn guessing_is_slow_and_stays_slow() {
    let directory = TestDirectory::start().await.unwrap();
    let phone = directory.person("patient.7").await.unwrap();
    phone.account().store_backup(&host(0)).await.unwrap();
    let thief = directory.visitor("patient.7").await.unwrap();
    let guess = async |byte: u8| {
        let key = host(byte);
        code(thief.account().restore_backup("patient.7", &key).await)
    };
    for byte in 1..=5 {
        assert_eq!(guess(byte).await, ErrorCode::BackupRefused);
    }
    assert_eq!(guess(6).await, ErrorCode::TooManyTries);
    // The right one does not help, either, and a restart of the directory.
    assert_eq!(guess(0).await, ErrorCode::TooManyTries);
    directory.restart().await.unwrap();
    assert_eq!(guess(0).await, ErrorCode::TooManyTries);
    directory.clock().advance(Duration::from_secs(30 * 60));
    assert_eq!(guess(7).await, ErrorCode::BackupRefused);
    assert_eq!(guess(8).await, ErrorCode::TooManyTries);
    directory.clock().advance(Duration::from_secs(30 * 60));
    let owner = directory.visitor("patient.7").await.unwrap();
    owner
        .account()
        .restore_backup("patient.7", &host(0))
        .await
        .unwrap();
    // And all tries are there again.
    assert_eq!(guess(9).await, ErrorCode::BackupRefused);
    assert_eq!(guess(10).await, ErrorCode::BackupRefused);
}

/// A directory that names a device of its choice as the backup's does not get
/// it revoked.
#[tokio::test]
async fn the_directory_can_not_have_a_device_revoked() {
    let directory = TestDirectory::start().await.unwrap();
    let phone = directory.person("patient.7").await.unwrap();
    let laptop = directory.visitor("patient.7").await.unwrap();
    let key = RecoveryKey::generate();
    phone.account().set_recovery_key(&key, None).await.unwrap();
    phone.account().store_backup(&host(1)).await.unwrap();
    laptop
        .account()
        .restore_backup("patient.7", &host(1))
        .await
        .unwrap();
    let victim = laptop.account().device_id().unwrap().to_string();
    phone.connection().alter(move |request, response| {
        if request.url.ends_with("/backups") {
            let mut body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
            if let Some(backup) = body["backups"].get_mut(0) {
                backup["device"] = victim.clone().into();
            }
            response.body = serde_json::to_vec(&body).unwrap();
        }
    });
    phone.account().delete_backups().await.unwrap();
    laptop.account().devices().await.unwrap();
}

/// Wherever a reply is lost, or the program ends, calling again ends in the
/// one right state.
#[tokio::test]
async fn broken_off_changes_are_finished() {
    let directory = TestDirectory::start().await.unwrap();
    for number in 0..14 {
        let user_id = format!("person.{number}");
        let mut phone = directory.person(&user_id).await.unwrap();
        phone.account().store_backup(&host(1)).await.unwrap();
        let mut seen = 0;
        phone.connection().alter(move |_, response| {
            if seen == number {
                response.body = b"cut off".to_vec();
            }
            seen += 1;
        });
        for key in [Some(host(2)), None] {
            let mut tries = 0;
            loop {
                let account = phone.account();
                let done = match &key {
                    Some(key) => account.store_backup(key).await,
                    None => account.delete_backups().await,
                };
                let Err(error) = done else { break };
                assert_eq!(error.code(), ErrorCode::ProtocolError, "{number}");
                tries += 1;
                assert!(tries < 3, "{number}");
                // The program is started again on what it has written down.
                phone = phone.restart().await.unwrap();
            }
            if key.is_some() {
                let visitor = directory.visitor(&user_id).await.unwrap();
                let old = visitor.account().restore_backup(&user_id, &host(1)).await;
                assert_eq!(code(old), ErrorCode::BackupRefused);
                let new = visitor.account().restore_backup(&user_id, &host(2)).await;
                new.unwrap();
            }
        }
        phone = phone.restart().await.unwrap();
        assert_eq!(active(&phone).await.len(), 2, "{number}");
        assert!(phone.account().backups().await.unwrap().is_empty());
    }
}

/// Without a backup, the directory has nothing of a private key.
#[tokio::test]
async fn an_identity_lives_without_any_backup() {
    let directory = TestDirectory::start().await.unwrap();
    let person = directory.person("dr.a").await.unwrap();
    let plico: Plico = directory.builder().open().await.unwrap();
    let visitor = plico.account(AccountOptions::in_memory()).await.unwrap();
    let refused = visitor.restore_backup("dr.a", &host(1)).await;
    assert_eq!(code(refused), ErrorCode::BackupRefused);
    assert!(person.account().backups().await.unwrap().is_empty());
    person.account().delete_backups().await.unwrap();
}
