//! One identity on several devices: files, revoking, rotating.

#![allow(clippy::unwrap_used, clippy::panic)]

use plico::testing::{TestDirectory, TestPerson};
use plico::{AccountOptions, DeviceId, ErrorCode, Event, FileKey, Grant, Recipient};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn code<T>(result: plico::Result<T>) -> ErrorCode {
    match result {
        Err(error) => error.code(),
        Ok(_) => panic!("it succeeded"),
    }
}

/// Argon2id takes its time: where the kind of protection does not matter, this.
fn key() -> FileKey {
    FileKey::host_secret(&[7; 32]).unwrap()
}

/// A second device of `person`, by way of a file.
async fn second(directory: &TestDirectory, person: &TestPerson) -> TestPerson {
    let file = person.account().export_identity(&key()).await.unwrap();
    let other = directory.visitor(person.user_id()).await.unwrap();
    let id = other.account().import_identity(&file, &key()).await;
    assert_eq!(Some(id.unwrap()), person.account().identity_id());
    other
}

async fn active(person: &TestPerson) -> Vec<DeviceId> {
    let devices = person.account().devices().await.unwrap();
    let active = devices.iter().filter(|device| !device.revoked);
    active.map(|device| device.id).collect()
}

#[tokio::test]
async fn a_file_makes_another_device_that_opens_everything() {
    let directory = TestDirectory::start().await.unwrap();
    let phone = directory.person("dr.a").await.unwrap();
    let patient = directory.person("patient.7").await.unwrap();
    let readers = [Recipient::user("patient.7")];
    let session = phone.account().create_session(readers).await.unwrap();
    let before = session.encrypt("before", None).await.unwrap();
    phone.account().rotate_user_key().await.unwrap();

    let passphrase = FileKey::generate_passphrase();
    assert_eq!(passphrase.len(), 23);
    let passphrase = FileKey::passphrase(&passphrase);
    let file = phone.account().export_identity(&passphrase).await.unwrap();
    let laptop = directory.visitor("dr.a").await.unwrap();
    let account = laptop.account();
    let wrong = FileKey::passphrase("not the passphrase");
    assert_eq!(
        code(account.import_identity(&file, &wrong).await),
        ErrorCode::WrongPassphrase
    );
    assert_eq!(
        code(account.import_identity(&file, &key()).await),
        ErrorCode::InvalidArgument
    );
    assert_eq!(account.identity_id(), None);
    account.import_identity(&file, &passphrase).await.unwrap();

    let opened = account.decrypt(&before, None).await.unwrap();
    assert_eq!(opened.bytes(), b"before");
    let after = account.session(session.id()).encrypt("after", None).await;
    let after = after.unwrap();
    for person in [&phone, &patient] {
        let opened = person.account().decrypt(&after, None).await.unwrap();
        assert_eq!(opened.bytes(), b"after");
    }

    // The phone's, the file's and the laptop's own.
    let devices = account.devices().await.unwrap();
    assert_eq!(devices.len(), 3);
    assert!(devices.iter().all(|device| !device.revoked));
    let this: Vec<_> = devices.iter().filter(|device| device.is_this).collect();
    assert_eq!(this.len(), 1);
    assert_eq!(Some(this[0].id), account.device_id());
    assert_eq!(Some(devices[0].id), phone.account().device_id());
    let started_again = laptop.restart().await.unwrap();
    assert_eq!(started_again.account().device_id(), account.device_id());
    let opened = started_again.account().decrypt(&after, None).await;
    assert_eq!(opened.unwrap().bytes(), b"after");
}

#[tokio::test]
async fn a_revoked_device_opens_and_signs_nothing_more() {
    let directory = TestDirectory::start().await.unwrap();
    let laptop = directory.person("dr.a").await.unwrap();
    let patient = directory.person("patient.7").await.unwrap();
    let phone = second(&directory, &laptop).await;
    let readers = [Recipient::user("dr.a")];
    let session = patient.account().create_session(readers).await.unwrap();
    let old = session.encrypt("old", None).await.unwrap();
    phone.account().decrypt(&old, None).await.unwrap();
    let stolen = phone.account().device_id().unwrap();
    assert_eq!(
        code(
            laptop
                .account()
                .revoke_device(laptop.account().device_id().unwrap())
                .await
        ),
        ErrorCode::InvalidArgument
    );
    assert_eq!(
        code(
            laptop
                .account()
                .revoke_device(DeviceId::from([9; 32]))
                .await
        ),
        ErrorCode::InvalidArgument
    );
    laptop.account().revoke_device(stolen).await.unwrap();
    // Again: it is so.
    laptop.account().revoke_device(stolen).await.unwrap();
    assert!(!active(&laptop).await.contains(&stolen));

    // A writer who asks begins an epoch for the new user key.
    let fresh = session.max_staleness(Duration::ZERO);
    let new = fresh.encrypt("new", None).await.unwrap();
    assert_ne!(old[22..26], new[22..26], "another epoch");
    laptop.account().decrypt(&new, None).await.unwrap();

    let thief = phone.account();
    let kept = thief.session(session.id());
    assert_eq!(
        code(thief.decrypt(&new, None).await),
        ErrorCode::DeviceRevoked
    );
    assert_eq!(code(kept.refresh().await), ErrorCode::DeviceRevoked);
    assert_eq!(code(thief.devices().await), ErrorCode::DeviceRevoked);
    assert_eq!(
        code(thief.export_identity(&key()).await),
        ErrorCode::DeviceRevoked
    );
    let own = laptop.account().device_id().unwrap();
    assert_eq!(
        code(thief.revoke_device(own).await),
        ErrorCode::DeviceRevoked
    );
    assert_eq!(
        code(
            kept.grant(Recipient::user("patient.7"), Grant::read())
                .await
        ),
        ErrorCode::DeviceRevoked
    );
    assert_eq!(
        code(
            kept.max_staleness(Duration::ZERO)
                .encrypt("forged", None)
                .await
        ),
        ErrorCode::DeviceRevoked
    );
    // What it had, it has.
    assert_eq!(
        kept.offline().decrypt(&old, None).await.unwrap().bytes(),
        b"old"
    );
    assert!(kept.offline().decrypt(&new, None).await.is_err());
}

#[tokio::test]
async fn a_withdrawn_file_is_worth_nothing() {
    let directory = TestDirectory::start().await.unwrap();
    let doctor = directory.person("dr.a").await.unwrap();
    let before = active(&doctor).await;
    let file = doctor.account().export_identity(&key()).await.unwrap();
    let of_file = active(&doctor).await;
    let of_file = of_file.iter().find(|id| !before.contains(id)).unwrap();
    doctor.account().revoke_device(*of_file).await.unwrap();
    let thief = directory.visitor("dr.a").await.unwrap();
    assert_eq!(
        code(thief.account().import_identity(&file, &key()).await),
        ErrorCode::DeviceRevoked
    );
    assert_eq!(thief.account().identity_id(), None);
    assert_eq!(
        code(thief.account().devices().await),
        ErrorCode::NotRegistered
    );
}

#[tokio::test]
async fn what_is_not_to_be_imported() {
    let directory = TestDirectory::start().await.unwrap();
    let doctor = directory.person("dr.a").await.unwrap();
    let backup = directory.backup().await.unwrap();
    let account = doctor.account();
    assert_eq!(
        code(account.export_identity(&FileKey::passphrase("short")).await),
        ErrorCode::InvalidArgument
    );
    let file = account.export_identity(&key()).await.unwrap();
    assert_eq!(
        code(account.import_identity(&file, &key()).await),
        ErrorCode::AlreadyRegistered
    );
    let elsewhere = TestDirectory::start().await.unwrap();
    let foreign = elsewhere.visitor("dr.a").await.unwrap();
    assert_eq!(
        code(foreign.account().import_identity(&file, &key()).await),
        ErrorCode::WrongTenant
    );
    let visitor = directory.visitor("dr.a").await.unwrap();
    for bytes in [&b""[..], b"PLC1", &file[..file.len() - 1]] {
        assert_eq!(
            code(visitor.account().import_identity(bytes, &key()).await),
            ErrorCode::IdentityFileInvalid
        );
    }
    // A directory that was set back, and does not know the file's device.
    directory.restore(&backup).await.unwrap();
    let refused = code(visitor.account().import_identity(&file, &key()).await);
    assert_eq!(refused, ErrorCode::SignatureInvalid);
    assert_eq!(visitor.account().identity_id(), None);
}

/// Wherever a reply or a request is lost, trying again ends in one right state.
#[tokio::test]
async fn lost_replies_do_not_make_devices_twice() {
    let directory = TestDirectory::start().await.unwrap();
    for number in 0..8 {
        let person = directory.person(&format!("person.{number}")).await.unwrap();
        let file = person.account().export_identity(&key()).await.unwrap();
        let other = directory.visitor(person.user_id()).await.unwrap();
        // The answer with this number does not arrive as it was sent.
        let mut seen = 0;
        other.connection().alter(move |_, response| {
            if seen == number {
                response.body = b"cut off".to_vec();
            }
            seen += 1;
        });
        let mut tries = 0;
        while let Err(error) = other.account().import_identity(&file, &key()).await {
            assert_eq!(error.code(), ErrorCode::ProtocolError);
            assert_eq!(other.account().identity_id(), None);
            tries += 1;
            assert!(tries < 3, "{number}");
        }
        assert_eq!(active(&person).await.len(), 3, "{number}");
        let victim = other.account().device_id().unwrap();
        person.connection().lose_replies(3);
        let first = person.account().revoke_device(victim).await;
        person.connection().lose_replies(0);
        if first.is_err() {
            person.account().revoke_device(victim).await.unwrap();
        }
        let left = active(&person).await;
        assert_eq!(left.len(), 2);
        assert!(!left.contains(&victim));
        let sealed = person.account().create_session([]).await.unwrap();
        sealed.encrypt("x", None).await.unwrap();
    }
}

#[tokio::test]
async fn keys_are_renewed_when_they_are_as_old_as_the_tenant_allows() {
    let directory = TestDirectory::start().await.unwrap();
    directory.set_user_key_days(90).await.unwrap();
    let person = directory.person("dr.a").await.unwrap();
    let events: Arc<Mutex<Vec<Event>>> = Arc::default();
    let heard = events.clone();
    let plico = directory
        .builder()
        .on_event(move |event| heard.lock().unwrap().push(event))
        .open()
        .await
        .unwrap();
    let store = AccountOptions::with_store(person.store().clone());
    let account = plico.account(store).await.unwrap();
    let session = account.create_session([]).await.unwrap();
    let first = session.encrypt("x", None).await.unwrap();
    let day = Duration::from_secs(86_400);
    let told = || {
        let events = events.lock().unwrap();
        let near = |it: &&Event| matches!(it, Event::KeyRenewalNear { .. });
        events.iter().filter(near).count()
    };
    directory.clock().advance(day * 70);
    account.devices().await.unwrap();
    assert_eq!(told(), 0);
    directory.clock().advance(day * 10);
    account.devices().await.unwrap();
    account.devices().await.unwrap();
    assert_eq!(told(), 1, "14 days before, once");
    let before = session.encrypt("x", None).await.unwrap();
    assert_eq!(first[22..26], before[22..26], "the same epoch");
    directory.clock().advance(day * 11);
    account.devices().await.unwrap();
    // Whoever writes next sees the new key, and begins an epoch for it.
    let after = session.max_staleness(Duration::ZERO);
    let after = after.encrypt("x", None).await.unwrap();
    assert_ne!(before[22..26], after[22..26], "another epoch");
    assert_eq!(told(), 1);
    account.decrypt(&first, None).await.unwrap();
}

#[tokio::test]
async fn devices_have_names_that_the_directory_can_not_read() {
    let directory = TestDirectory::start().await.unwrap();
    let phone = directory.person("dr.a").await.unwrap();
    let laptop = second(&directory, &phone).await;
    let id = phone.account().device_id().unwrap();
    phone.account().name_device(id, "Phône").await.unwrap();
    phone.account().rotate_user_key().await.unwrap();
    let other = laptop.account().device_id().unwrap();
    laptop.account().name_device(other, "Laptop").await.unwrap();
    directory.clock().advance(Duration::from_secs(7_200));
    let devices = laptop.account().devices().await.unwrap();
    let name = |id: DeviceId| {
        let mut devices = devices.iter();
        devices.find(|it| it.id == id).unwrap().name.clone()
    };
    assert_eq!(name(id).as_deref(), Some("Phône"));
    assert_eq!(name(other).as_deref(), Some("Laptop"));
    let seen = |id: DeviceId| {
        let mut devices = devices.iter();
        devices.find(|it| it.id == id).unwrap().last_seen.unwrap()
    };
    assert!(seen(id) < seen(other));
    for (request, response) in phone.connection().exchanges() {
        let body = response.map(|it| it.body).unwrap_or_default();
        for body in [request.body, body] {
            assert!(!String::from_utf8_lossy(&body).contains("Ph\u{f4}ne"));
        }
    }
    assert!(!format!("{devices:?}").contains("Laptop"));
    laptop.account().name_device(id, "").await.unwrap();
    let devices = phone.account().devices().await.unwrap();
    assert!(devices.iter().all(|it| it.id != id || it.name.is_none()));
    let long = "x".repeat(129);
    assert_eq!(
        code(phone.account().name_device(id, &long).await),
        ErrorCode::InvalidArgument
    );
    assert_eq!(
        code(
            phone
                .account()
                .name_device(DeviceId::from([9; 32]), "x")
                .await
        ),
        ErrorCode::BadRequest
    );
    // A name under another device's id is none.
    phone.account().name_device(id, "Phone").await.unwrap();
    let (mine, its) = (id.to_string(), other.to_string());
    laptop.connection().alter(move |request, response| {
        if request.url.ends_with("/devices") {
            let text = String::from_utf8(response.body.clone()).unwrap();
            let text = text.replace(&mine, "<swap>").replace(&its, &mine);
            response.body = text.replace("<swap>", &its).into_bytes();
        }
    });
    let devices = laptop.account().devices().await.unwrap();
    assert!(devices.iter().all(|it| it.name.is_none()));
}
