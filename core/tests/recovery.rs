//! The recovery key: everything comes back, and nobody else gets it.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/ward.rs"]
mod ward;

use plico::testing::{TestDirectory, TestPerson};
use plico::{
    AccountOptions, DeviceId, ErrorCode, Event, FileKey, Recipient, RecoverOptions, RecoveryKey,
};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use ward::code;

async fn active(person: &TestPerson) -> Vec<DeviceId> {
    let devices = person.account().devices().await.unwrap();
    let active = devices.iter().filter(|device| !device.revoked);
    active.map(|device| device.id).collect()
}

/// Another device of `person`, that the key of a file lets in.
async fn second(directory: &TestDirectory, person: &TestPerson) -> TestPerson {
    let key = FileKey::host_secret(&[7; 32]).unwrap();
    let file = person.account().export_identity(&key).await.unwrap();
    let other = directory.visitor(person.user_id()).await.unwrap();
    other.account().import_identity(&file, &key).await.unwrap();
    other
}

#[tokio::test]
async fn the_words_bring_everything_back_and_lock_the_thief_out() {
    let directory = TestDirectory::start().await.unwrap();
    let phone = directory.person("patient.7").await.unwrap();
    let doctor = directory.person("dr.a").await.unwrap();
    let readers = [Recipient::user("patient.7")];
    let session = doctor.account().create_session(readers).await.unwrap();
    let before = session.encrypt("before", None).await.unwrap();
    assert_eq!(phone.account().recovery_key_set_at().await.unwrap(), None);

    let key = RecoveryKey::generate();
    let words = key.words();
    assert_eq!(words.split(' ').count(), 24);
    phone.account().set_recovery_key(&key, None).await.unwrap();
    phone.account().set_recovery_key(&key, None).await.unwrap();
    assert!(
        phone
            .account()
            .recovery_key_set_at()
            .await
            .unwrap()
            .is_some()
    );
    // A generation that is later than the key, too.
    phone.account().rotate_user_key().await.unwrap();
    let between = session
        .max_staleness(Duration::ZERO)
        .encrypt("between", None)
        .await
        .unwrap();

    let thief = &phone;
    let owner = directory.visitor("patient.7").await.unwrap();
    let typed = RecoveryKey::from_words(&words.to_uppercase()).unwrap();
    let id = owner.account().recover(&typed).await.unwrap();
    assert_eq!(Some(id), thief.account().identity_id());
    for (sealed, text) in [(&before, "before"), (&between, "between")] {
        let opened = owner.account().decrypt(sealed, None).await.unwrap();
        assert_eq!(opened.bytes(), text.as_bytes());
    }
    let devices = owner.account().devices().await.unwrap();
    let state: Vec<_> = devices
        .iter()
        .map(|it| (it.revoked, it.by_recovery, it.is_this))
        .collect();
    assert_eq!(state, [(true, false, false), (false, true, true)]);
    // The user id has come back, too: it is not registered under another one.
    assert_eq!(owner.register(1).await.unwrap(), id);

    let after = session
        .max_staleness(Duration::ZERO)
        .encrypt("after", None)
        .await
        .unwrap();
    let opened = owner.account().decrypt(&after, None).await.unwrap();
    assert_eq!(opened.bytes(), b"after");
    let account = thief.account();
    for refused in [
        account.decrypt(&after, None).await.map(drop),
        account.rotate_user_key().await,
        account
            .revoke_device(owner.account().device_id().unwrap())
            .await,
        account
            .set_recovery_key(&RecoveryKey::generate(), Some(&key))
            .await,
    ] {
        assert_eq!(refused.unwrap_err().code(), ErrorCode::DeviceRevoked);
    }
    // Started again, it is the same device.
    let again = owner.restart().await.unwrap();
    assert_eq!(again.account().device_id(), owner.account().device_id());
    again.account().decrypt(&after, None).await.unwrap();
}

/// A stolen phone can't lock its owner out.
#[tokio::test]
async fn only_the_old_words_allow_new_ones() {
    let directory = TestDirectory::start().await.unwrap();
    let phone = directory.person("patient.7").await.unwrap();
    let account = phone.account();
    let (first, second, third) = (
        RecoveryKey::generate(),
        RecoveryKey::generate(),
        RecoveryKey::generate(),
    );
    account.set_recovery_key(&first, None).await.unwrap();
    assert_eq!(
        code(account.set_recovery_key(&second, None).await),
        ErrorCode::RecoveryKeySet
    );
    assert_eq!(
        code(account.set_recovery_key(&second, Some(&third)).await),
        ErrorCode::RecoveryKeyUnknown
    );
    account
        .set_recovery_key(&second, Some(&first))
        .await
        .unwrap();
    // One that was set before is not set again.
    assert_eq!(
        code(account.set_recovery_key(&first, Some(&second)).await),
        ErrorCode::InvalidArgument
    );
    let visitor = directory.visitor("patient.7").await.unwrap();
    for unknown in [&first, &third] {
        assert_eq!(
            code(visitor.account().recover(unknown).await),
            ErrorCode::RecoveryKeyUnknown
        );
        assert_eq!(visitor.account().identity_id(), None);
    }
    visitor.account().recover(&second).await.unwrap();
    assert_eq!(
        code(visitor.account().recover(&second).await),
        ErrorCode::AlreadyRegistered
    );
}

#[tokio::test]
async fn recovery_works_with_as_many_devices_as_there_may_be() {
    let directory = TestDirectory::start().await.unwrap();
    let phone = directory.person("patient.7").await.unwrap();
    let key = RecoveryKey::generate();
    phone.account().set_recovery_key(&key, None).await.unwrap();
    let file_key = FileKey::host_secret(&[7; 32]).unwrap();
    while active(&phone).await.len() < 32 {
        phone.account().export_identity(&file_key).await.unwrap();
    }
    let visitor = directory.visitor("patient.7").await.unwrap();
    let stay = RecoverOptions::new().keep_devices();
    assert_eq!(
        code(visitor.account().recover_with(&key, stay).await),
        ErrorCode::InvalidArgument
    );
    visitor.account().recover(&key).await.unwrap();
    assert_eq!(active(&visitor).await.len(), 1);

    // And with those that are only far away.
    let laptop = second(&directory, &visitor).await;
    let before = active(&visitor).await.len();
    let tablet = directory.visitor("patient.7").await.unwrap();
    tablet.account().recover_with(&key, stay).await.unwrap();
    assert_eq!(active(&laptop).await.len(), before + 1);
}

#[tokio::test]
async fn the_other_devices_are_told() {
    let directory = TestDirectory::start().await.unwrap();
    let phone = directory.person("patient.7").await.unwrap();
    let key = RecoveryKey::generate();
    phone.account().set_recovery_key(&key, None).await.unwrap();
    let events: Arc<Mutex<Vec<Event>>> = Arc::default();
    let heard = events.clone();
    let listening = directory
        .builder()
        .on_event(move |event| heard.lock().unwrap().push(event))
        .open()
        .await
        .unwrap();
    let store = AccountOptions::with_store(phone.store().clone());
    let listening = listening.account(store).await.unwrap();
    listening.devices().await.unwrap();
    let visitor = directory.visitor("patient.7").await.unwrap();
    let stay = RecoverOptions::new().keep_devices();
    visitor.account().recover_with(&key, stay).await.unwrap();
    listening.devices().await.unwrap();
    let identity = listening.identity_id().unwrap();
    let events = events.lock().unwrap();
    assert!(events.contains(&Event::RecoveryUsed { identity }));
    assert!(events.contains(&Event::NewDevice { identity }));
}

/// Wherever a reply is lost, trying again ends in one right state.
#[tokio::test]
async fn lost_replies_do_not_recover_twice() {
    let directory = TestDirectory::start().await.unwrap();
    for number in 0..8 {
        let person = directory.person(&format!("person.{number}")).await.unwrap();
        let key = RecoveryKey::generate();
        person.connection().lose_replies(3);
        let first = person.account().set_recovery_key(&key, None).await;
        person.connection().lose_replies(0);
        if first.is_err() {
            let set = person.account().set_recovery_key(&key, None).await;
            set.unwrap();
        }
        let mut other = directory.visitor(person.user_id()).await.unwrap();
        let mut seen = 0;
        other.connection().alter(move |_, response| {
            if seen == number {
                response.body = b"cut off".to_vec();
            }
            seen += 1;
        });
        let mut tries = 0;
        while let Err(error) = other.account().recover(&key).await {
            assert_eq!(error.code(), ErrorCode::ProtocolError);
            assert_eq!(other.account().identity_id(), None);
            tries += 1;
            assert!(tries < 3, "{number}");
            // The program ends and is started again on what it has written down.
            other = other.restart().await.unwrap();
        }
        other.connection().alter(|_, _| {});
        let devices = other.account().devices().await.unwrap();
        assert_eq!(devices.len(), 2, "{number}");
        assert_eq!(active(&other).await.len(), 1, "{number}");
        let session = other.account().create_session([]).await.unwrap();
        session.encrypt("x", None).await.unwrap();
    }
}
