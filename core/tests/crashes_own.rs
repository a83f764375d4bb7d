//! The program dies at every step of whatever changes an identity: before or
//! after the step has happened. What is started anew is in one of the two right
//! states, and asking for the same again ends in the new one.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/fuse.rs"]
#[allow(dead_code)]
mod fuse;
#[path = "common/ward.rs"]
mod ward;

use fuse::{Dies, Fuse, FusedStore, FusedTransport};
use plico::ports::{BoxFuture, Runtime};
use plico::testing::{TestDirectory, TestPerson};
use plico::{Account, AccountOptions, DeviceId, ErrorCode, FileKey, RecoveryKey, Result};
use std::sync::Arc;
use std::time::Duration;
use ward::code;

/// Pauses are short, but others get on meanwhile.
struct Brisk;

impl Runtime for Brisk {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let limit = Duration::from_millis(2);
        let pause = if duration < Duration::from_secs(10) {
            duration.min(limit)
        } else {
            duration
        };
        Box::pin(tokio::time::sleep(pause))
    }
}

/// A program on the person's store, with a fuse.
async fn start(
    directory: &TestDirectory,
    person: &TestPerson,
    fuse: &Arc<Fuse>,
) -> Result<Account> {
    let transport = FusedTransport {
        connection: person.connection().clone(),
        fuse: fuse.clone(),
    };
    let store = FusedStore {
        store: person.store().clone(),
        fuse: fuse.clone(),
    };
    let builder = directory.builder().transport(Arc::new(transport));
    let plico = builder
        .runtime(Arc::new(Brisk))
        .start_offline()
        .open()
        .await?;
    plico
        .account(AccountOptions::with_store(Arc::new(store)))
        .await
}

async fn brisk(directory: &TestDirectory, person: &TestPerson) -> Account {
    let builder = directory.builder().transport(person.connection().clone());
    let plico = builder.runtime(Arc::new(Brisk)).open().await.unwrap();
    let store = AccountOptions::with_store(person.store().clone());
    plico.account(store).await.unwrap()
}

/// Both ways of dying, at every step until `work` gets through. `work` is given
/// a number of its own and the fuse, and says whether it has died.
async fn at_every_step(work: impl AsyncFn(String, Arc<Fuse>) -> bool) {
    let mut deaths = 0;
    for dies in [Dies::Before, Dies::After] {
        for step in 0.. {
            assert!(step < 60, "it does not end");
            let name = format!("person.{dies:?}.{step}");
            if !work(name, Fuse::new(step, dies)).await {
                break;
            }
            deaths += 1;
        }
    }
    assert!(deaths >= 6, "it died only {deaths} times");
}

async fn active(account: &Account) -> Vec<DeviceId> {
    let devices = account.devices().await.unwrap();
    let active = devices.iter().filter(|it| !it.revoked);
    active.map(|it| it.id).collect()
}

/// Whatever is sealed for the person opens on the device, new and old.
async fn opens(account: &Account, old: &[u8], text: &str) {
    let opened = account.decrypt(old, None).await.unwrap();
    assert_eq!(opened.bytes(), text.as_bytes());
    let session = account.create_session([]).await.unwrap();
    let new = session.encrypt("new", None).await.unwrap();
    assert_eq!(account.decrypt(&new, None).await.unwrap().bytes(), b"new");
}

async fn journal_is_empty(person: &TestPerson) {
    let journal = plico::ports::Store::scan(&**person.store(), "journal/").await;
    assert!(journal.unwrap().is_empty());
}

/// An identity with something to lose.
async fn owner(directory: &TestDirectory, name: &str) -> (TestPerson, Vec<u8>) {
    let person = directory.person(name).await.unwrap();
    let session = person.account().create_session([]).await.unwrap();
    let sealed = session.encrypt("old", None).await.unwrap();
    (person, sealed)
}

fn host(byte: u8) -> FileKey {
    FileKey::host_secret(&[byte; 32]).unwrap()
}

async fn with_second(directory: &TestDirectory, phone: &TestPerson) -> TestPerson {
    let file = phone.account().export_identity(&host(9)).await.unwrap();
    let laptop = directory.visitor(phone.user_id()).await.unwrap();
    let joined = laptop.account().import_identity(&file, &host(9)).await;
    joined.unwrap();
    laptop
}

#[tokio::test]
async fn dying_while_rotating_the_user_key() {
    let directory = TestDirectory::start().await.unwrap();
    at_every_step(async |name, fuse| {
        let (phone, sealed) = owner(&directory, &name).await;
        let died = match start(&directory, &phone, &fuse).await {
            Ok(account) => account.rotate_user_key().await,
            Err(error) => Err(error),
        };
        assert_eq!(died.is_err(), fuse.burnt());
        let again = phone.restart().await.unwrap();
        again.account().settle().await.unwrap();
        journal_is_empty(&again).await;
        opens(again.account(), &sealed, "old").await;
        again.account().rotate_user_key().await.unwrap();
        opens(again.account(), &sealed, "old").await;
        fuse.burnt()
    })
    .await;
}

#[tokio::test]
async fn dying_while_revoking_a_device() {
    let directory = TestDirectory::start().await.unwrap();
    at_every_step(async |name, fuse| {
        let (phone, sealed) = owner(&directory, &name).await;
        let lost = with_second(&directory, &phone).await;
        let id = lost.account().device_id().unwrap();
        let died = match start(&directory, &phone, &fuse).await {
            Ok(account) => account.revoke_device(id).await,
            Err(error) => Err(error),
        };
        assert_eq!(died.is_err(), fuse.burnt());
        // Revoked with a new user key, or neither: what the phone writes now opens
        // on the lost device if, and only if, that is still one.
        let again = phone.restart().await.unwrap();
        again.account().settle().await.unwrap();
        journal_is_empty(&again).await;
        let is_one = active(again.account()).await.contains(&id);
        let session = again.account().create_session([]).await.unwrap();
        let sealed_now = session.encrypt("x", None).await.unwrap();
        let opened = lost.account().decrypt(&sealed_now, None).await;
        assert_eq!(opened.is_ok(), is_one);
        again.account().revoke_device(id).await.unwrap();
        assert!(!active(again.account()).await.contains(&id));
        assert_eq!(
            code(lost.account().create_session([]).await),
            ErrorCode::DeviceRevoked
        );
        opens(again.account(), &sealed, "old").await;
        fuse.burnt()
    })
    .await;
}

#[tokio::test]
async fn dying_while_replacing_the_recovery_key() {
    let directory = TestDirectory::start().await.unwrap();
    at_every_step(async |name, fuse| {
        let (phone, sealed) = owner(&directory, &name).await;
        let (old, new) = (RecoveryKey::generate(), RecoveryKey::generate());
        phone.account().set_recovery_key(&old, None).await.unwrap();
        let died = match start(&directory, &phone, &fuse).await {
            Ok(account) => account.set_recovery_key(&new, Some(&old)).await,
            Err(error) => Err(error),
        };
        assert_eq!(died.is_err(), fuse.burnt());
        // One of the two brings everything back, whatever has happened.
        let visitor = directory.visitor(&name).await.unwrap();
        let by_old = visitor.account().recover(&old).await;
        if by_old.is_err() {
            assert_eq!(code(by_old), ErrorCode::RecoveryKeyUnknown);
            visitor.account().recover(&new).await.unwrap();
        } else {
            assert!(fuse.burnt());
            let late = directory.visitor(&name).await.unwrap();
            assert_eq!(
                code(late.account().recover(&new).await),
                ErrorCode::RecoveryKeyUnknown
            );
        }
        opens(visitor.account(), &sealed, "old").await;
        fuse.burnt()
    })
    .await;
}

/// A device that is not one yet dies; the words, the file, the backup are used
/// again by what is started anew.
async fn dying_newcomer(
    prepare: impl AsyncFn(&TestPerson),
    come: impl AsyncFn(&Account, &TestPerson) -> Result<()>,
    revokes: bool,
) {
    let directory = TestDirectory::start().await.unwrap();
    at_every_step(async |name, fuse| {
        let (phone, sealed) = owner(&directory, &name).await;
        prepare(&phone).await;
        let before = active(phone.account()).await;
        let new = directory.visitor(&name).await.unwrap();
        let died = match start(&directory, &new, &fuse).await {
            Ok(account) => come(&account, &phone).await,
            Err(error) => Err(error),
        };
        assert_eq!(died.is_err(), fuse.burnt());
        // Nobody yet, or the person.
        let again = new.restart().await.unwrap();
        match again.account().identity_id() {
            None => come(again.account(), &phone).await.unwrap(),
            Some(_) => again.account().settle().await.map(drop).unwrap(),
        }
        assert_eq!(again.account().identity_id(), phone.account().identity_id());
        journal_is_empty(&again).await;
        opens(again.account(), &sealed, "old").await;
        // One device came of it, not two.
        let now = active(again.account()).await;
        let all = again.account().devices().await.unwrap();
        assert!(all.len() == before.len() + 1 || !revokes, "{}", all.len());
        let there = if revokes { 1 } else { before.len() + 1 };
        assert_eq!(now.len(), there);
        fuse.burnt()
    })
    .await;
}

/// One key for all: only who asks and what is lost matters here.
fn words() -> RecoveryKey {
    let text = "void come effort suffer camp survey warrior heavy shoot primary clutch crush \
                open amazing screen patrol group space point ten exist slush involve unfold";
    RecoveryKey::from_words(text).unwrap()
}

#[tokio::test]
async fn dying_while_recovering() {
    let key = std::sync::Mutex::new(words());
    dying_newcomer(
        async |phone| {
            let fresh = RecoveryKey::generate();
            phone
                .account()
                .set_recovery_key(&fresh, None)
                .await
                .unwrap();
            *key.lock().unwrap() = fresh;
        },
        async |account, _| {
            let key = key.lock().unwrap().clone();
            account.recover(&key).await.map(drop)
        },
        true,
    )
    .await;
}

#[tokio::test]
async fn dying_while_restoring_a_backup() {
    dying_newcomer(
        async |phone| phone.account().store_backup(&host(1)).await.unwrap(),
        async |account, phone| {
            let restored = account.restore_backup(phone.user_id(), &host(1)).await;
            restored.map(drop)
        },
        false,
    )
    .await;
}

#[tokio::test]
async fn dying_while_importing_a_file() {
    let file = std::sync::Mutex::new(Vec::new());
    dying_newcomer(
        async |phone| {
            *file.lock().unwrap() = phone.account().export_identity(&host(1)).await.unwrap();
        },
        async |account, _| {
            let file = file.lock().unwrap().clone();
            account.import_identity(&file, &host(1)).await.map(drop)
        },
        false,
    )
    .await;
}

#[tokio::test]
async fn dying_while_exporting() {
    let directory = TestDirectory::start().await.unwrap();
    at_every_step(async |name, fuse| {
        let (phone, sealed) = owner(&directory, &name).await;
        let died = match start(&directory, &phone, &fuse).await {
            Ok(account) => account.export_identity(&host(1)).await.map(drop),
            Err(error) => Err(error),
        };
        assert_eq!(died.is_err(), fuse.burnt());
        let again = phone.restart().await.unwrap();
        again.account().settle().await.unwrap();
        let kept = plico::ports::Store::get(&**again.store(), "export").await;
        let goes_on = kept.unwrap().is_some();
        let file = again.account().export_identity(&host(1)).await.unwrap();
        journal_is_empty(&again).await;
        let new = directory.visitor(&name).await.unwrap();
        new.account()
            .import_identity(&file, &host(1))
            .await
            .unwrap();
        opens(new.account(), &sealed, "old").await;
        // What was begun went on with the same device. Only a file that was whole,
        // and was lost on its way to the app, leaves a device behind.
        let there = active(new.account()).await.len();
        let before = plico::ports::Store::get(&**phone.store(), "export").await;
        assert!(before.unwrap().is_none());
        assert!(there == 3 || (there == 4 && !goes_on), "{there} {goes_on}");
        fuse.burnt()
    })
    .await;
}

/// Of a passphrase and the one that takes its place, one opens the backup at any
/// moment, and in the end the new one alone.
#[tokio::test]
async fn dying_while_changing_a_backup() {
    let directory = TestDirectory::start().await.unwrap();
    at_every_step(async |name, fuse| {
        let (phone, sealed) = owner(&directory, &name).await;
        phone.account().store_backup(&host(1)).await.unwrap();
        let died = match start(&directory, &phone, &fuse).await {
            Ok(account) => account.store_backup(&host(2)).await,
            Err(error) => Err(error),
        };
        assert_eq!(died.is_err(), fuse.burnt());
        let visitor = directory.visitor(&name).await.unwrap();
        let mut restored = visitor.account().restore_backup(&name, &host(1)).await;
        if restored.is_err() {
            restored = visitor.account().restore_backup(&name, &host(2)).await;
        }
        restored.unwrap();
        opens(visitor.account(), &sealed, "old").await;
        // What is started anew carries on.
        let again = phone.restart().await.unwrap();
        again.account().store_backup(&host(2)).await.unwrap();
        journal_is_empty(&again).await;
        let (new, late) = (
            directory.visitor(&name).await.unwrap(),
            directory.visitor(&name).await.unwrap(),
        );
        let by_old = late.account().restore_backup(&name, &host(1)).await;
        assert_eq!(code(by_old), ErrorCode::BackupRefused);
        let by_new = new.account().restore_backup(&name, &host(2)).await;
        by_new.unwrap();
        // The phone, two that were restored, and the one backup's device.
        assert_eq!(active(again.account()).await.len(), 4);
        fuse.burnt()
    })
    .await;
}

#[tokio::test]
async fn dying_while_deleting_backups() {
    let directory = TestDirectory::start().await.unwrap();
    at_every_step(async |name, fuse| {
        let (phone, sealed) = owner(&directory, &name).await;
        phone.account().store_backup(&host(1)).await.unwrap();
        let died = match start(&directory, &phone, &fuse).await {
            Ok(account) => account.delete_backups().await,
            Err(error) => Err(error),
        };
        assert_eq!(died.is_err(), fuse.burnt());
        let again = phone.restart().await.unwrap();
        again.account().delete_backups().await.unwrap();
        journal_is_empty(&again).await;
        assert!(again.account().backups().await.unwrap().is_empty());
        assert_eq!(active(again.account()).await.len(), 1);
        let visitor = directory.visitor(&name).await.unwrap();
        let gone = visitor.account().restore_backup(&name, &host(1)).await;
        assert_eq!(code(gone), ErrorCode::BackupRefused);
        opens(again.account(), &sealed, "old").await;
        fuse.burnt()
    })
    .await;
}

/// One of two devices that pair dies, the other waits or is begun again.
async fn dying_pair(new_dies: bool) {
    let directory = TestDirectory::start().await.unwrap();
    at_every_step(async |name, fuse| {
        let (phone, sealed) = owner(&directory, &name).await;
        let laptop = directory.visitor(&name).await.unwrap();
        let shown = laptop.account().pairing_code().await.unwrap();
        let mortal = if new_dies { &laptop } else { &phone };
        let lasting = if new_dies { &phone } else { &laptop };
        let mortal = start(&directory, mortal, &fuse).await;
        let lasting = brisk(&directory, lasting).await;
        if let Ok(mortal) = &mortal {
            let (old, new) = match new_dies {
                true => (&lasting, mortal),
                false => (mortal, &lasting),
            };
            let approve = async { old.approve_pairing(&shown).await.map(drop) };
            let join = async { new.join_by_pairing().await.map(drop) };
            let both = tokio::try_join!(approve, join);
            assert_eq!(both.is_err(), fuse.burnt());
        }
        drop((mortal, lasting));
        // Both are started anew. The new device is nobody yet, or the person.
        let (phone, laptop) = (
            phone.restart().await.unwrap(),
            laptop.restart().await.unwrap(),
        );
        phone.account().settle().await.unwrap();
        if laptop.account().identity_id().is_none() {
            assert_eq!(laptop.account().pairing_code().await.unwrap(), shown);
            let (old, new) = (
                brisk(&directory, &phone).await,
                brisk(&directory, &laptop).await,
            );
            let approve = async { old.approve_pairing(&shown).await.map(drop) };
            let join = async { new.join_by_pairing().await.map(drop) };
            tokio::try_join!(approve, join).unwrap();
        }
        let laptop = laptop.restart().await.unwrap();
        assert_eq!(
            laptop.account().identity_id(),
            phone.account().identity_id()
        );
        opens(laptop.account(), &sealed, "old").await;
        assert_eq!(active(laptop.account()).await.len(), 2);
        journal_is_empty(&laptop).await;
        journal_is_empty(&phone).await;
        fuse.burnt()
    })
    .await;
}

#[tokio::test]
async fn dying_while_being_paired() {
    dying_pair(true).await;
}

#[tokio::test]
async fn dying_while_approving_a_pairing() {
    dying_pair(false).await;
}

/// The reply to a write is lost and the program lives on: asked again, it finds
/// what it has done.
#[tokio::test]
async fn lost_replies_to_what_changes_an_identity() {
    let directory = TestDirectory::start().await.unwrap();
    for lost in 1..=3 {
        let name = format!("person.{lost}");
        let (phone, sealed) = owner(&directory, &name).await;
        let second = with_second(&directory, &phone).await;
        let second = second.account().device_id().unwrap();
        let loses = Arc::new(fuse::LosesWrites::new(phone.connection(), 0));
        let builder = directory.builder().transport(loses.clone());
        let plico = builder.runtime(Arc::new(Brisk)).open().await.unwrap();
        let store = AccountOptions::with_store(phone.store().clone());
        let account = plico.account(store).await.unwrap();
        let key = RecoveryKey::generate();
        loses.lose(lost);
        let first = account.set_recovery_key(&key, None).await;
        loses.lose(0);
        if first.is_err() {
            account.set_recovery_key(&key, None).await.unwrap();
        }
        loses.lose(lost);
        let first = account.revoke_device(second).await;
        loses.lose(0);
        if first.is_err() {
            account.revoke_device(second).await.unwrap();
        }
        let kept = account.recovery_key_set_at().await.unwrap();
        assert!(kept.is_some());
        assert!(!active(&account).await.contains(&second));
        opens(&account, &sealed, "old").await;
    }
}
