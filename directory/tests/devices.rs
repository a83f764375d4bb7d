//! An identity's own entries: devices come and go.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::devices::{add_device, own, refresh};
use common::*;
use plico_directory::random;
use plico_protocol::format::bodies::{BindUserId, IdentityBody};
use plico_protocol::identity::draft::DeviceSecret;
use plico_protocol::wire::rest::{Append, Appended, EntryUpload, IdentityAnswer};

fn one(entry: EntryUpload) -> Append {
    Append {
        entries: vec![entry],
    }
}

#[tokio::test]
async fn a_device_comes_and_goes() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::on_disk(&folder.path().join("db.sqlite")).await;
    let person = world.person("dr.a").await;
    let path = format!("{}/entries", identity(&person));
    let device = DeviceSecret::generate(&mut random::system());
    let phone = Person {
        device: device.clone(),
        ..person.clone()
    };
    let answer = world.get(&phone, &identity(&person)).await;
    assert_eq!(answer.code(), "SIGNATURE_INVALID", "not added yet");

    let add = one(add_device(&world, &person, &device));
    world.post(&person, &path, &add).await.json::<Appended>();
    // The same bytes again are the same success; from the new device too.
    world.post(&person, &path, &add).await.json::<Appended>();
    world.post(&phone, &path, &add).await.json::<Appended>();
    let theirs: IdentityAnswer = world.get(&phone, &identity(&person)).await.json();
    assert_eq!(theirs.wraps.len(), 1);
    assert_eq!(theirs.wraps[0].id.0, device.id().0);
    let sealed = theirs.wraps[0].sealed.0[100..132].to_vec();
    assert!(is_in_files(folder.path(), &sealed));

    let stale = own(&world, &person, &IdentityBody::RevokeDevice(device.id()));
    let answer = world.post(&person, &path, &one(stale)).await;
    assert_eq!(answer.code(), "CONFLICT");
    refresh(&mut world, &person).await;
    let revoke = one(own(
        &world,
        &person,
        &IdentityBody::RevokeDevice(device.id()),
    ));
    world.post(&person, &path, &revoke).await.json::<Appended>();
    let answer = world.get(&phone, &identity(&person)).await;
    assert_eq!(answer.code(), "DEVICE_REVOKED", "revoked");
    world.storage.purge(world.now()).await.unwrap();
    assert!(!is_in_files(folder.path(), &sealed), "its wrap is gone");
    let own = refresh(&mut world, &person).await;
    assert_eq!((own.entries.len(), own.wraps.len()), (4, 1));
}

#[tokio::test]
async fn nobody_elses_chain_and_no_other_name() {
    let mut world = World::new().await;
    let person = world.person("dr.a").await;
    let other = world.person("dr.b").await;
    let path = format!("{}/entries", identity(&person));
    let device = DeviceSecret::generate(&mut random::system());
    let add = one(add_device(&world, &person, &device));
    let answer = world.post(&other, &path, &add).await;
    assert_eq!(answer.code(), "NOT_ALLOWED");
    let nowhere = format!("/identities/{}/entries", "A".repeat(43));
    let answer = world.post(&person, &nowhere, &add).await;
    assert_eq!(answer.code(), "IDENTITY_NOT_FOUND");
    let elsewhere = one(add_device(&world, &other, &device));
    let answer = world.post(&person, &path, &elsewhere).await;
    assert_eq!(answer.code(), "ENTRY_INVALID");

    let mut without = add.clone();
    without.entries[0].wraps.clear();
    let answer = world.post(&person, &path, &without).await;
    assert_eq!(answer.code(), "ENTRY_INVALID");
    let name = IdentityBody::BindUserId(BindUserId {
        number: 2,
        commitment: [0; 32],
    });
    let answer = world
        .post(&person, &path, &one(own(&world, &person, &name)))
        .await;
    assert_eq!(answer.code(), "ENTRY_INVALID", "no token vouches for it");
    let own = refresh(&mut world, &person).await;
    assert_eq!(own.entries.len(), 2);
    world.post(&person, &path, &add).await.json::<Appended>();
}

#[tokio::test]
async fn an_author_must_stand_at_its_head() {
    let mut world = World::new().await;
    let person = world.person("dr.a").await;
    let session = world.session(&person, vec![]).await;
    let stale = world.rotate(&person, &session);
    let path = format!("{}/entries", identity(&person));
    let device = DeviceSecret::generate(&mut random::system());
    let add = one(add_device(&world, &person, &device));
    world.post(&person, &path, &add).await.json::<Appended>();
    let answer = world.add(&person, &session, &[stale]).await;
    assert_eq!(answer.code(), "AUTHOR_BEHIND");
    refresh(&mut world, &person).await;
    let fresh = world.rotate(&person, &session);
    world
        .add(&person, &session, &[fresh])
        .await
        .json::<Appended>();
}
