//! The rules of the recovery key: who may set it, what it may sign.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::world::*;
use plico_protocol::chain::{ChainError, Replay, sign_entry};
use plico_protocol::format::bodies::{IdentityBody, SetRecovery, UseRecovery};
use plico_protocol::format::codec::FormatError;
use plico_protocol::format::ids::Recipient;
use plico_protocol::format::opaque::Opaque;
use plico_protocol::identity::devices::{IdentityDraft, OwnWriter, prove_device};
use plico_protocol::identity::draft::{DeviceSecret, next_own_entry};
use plico_protocol::identity::{IdentityError, IdentityState, RecoverySecret};
use plico_protocol::keyring::KeyringError;
use plico_protocol::primitives::sign::SigningKey;
use plico_protocol::wire::accept::{AcceptError, accept_identity};
use plico_protocol::wire::upload::{Upload, identity_draft_to_rest};

struct Scene {
    world: World,
    person: Person,
    key: DeviceSecret,
}

fn writer(key: &SigningKey) -> OwnWriter<'_> {
    OwnWriter { key, now_ms: T0 }
}

fn uploaded(draft: &IdentityDraft) -> Upload {
    Upload::from_rest(&identity_draft_to_rest(draft)).unwrap()
}

impl Scene {
    /// Somebody whose recovery key is set by entry 1.
    fn new(seed: u64) -> Self {
        let mut world = World::new(seed);
        let mut person = world.person();
        let key = RecoverySecret::generate(&mut world.rng()).keys(world.tenant_id());
        let draft = set(&world, &person, &key, None);
        world.append(&mut person, uploaded(&draft));
        Self { world, person, key }
    }

    fn state(&self) -> &IdentityState {
        self.world.state(&self.person)
    }

    fn used(&self, device: &DeviceSecret, revokes: bool) -> IdentityDraft {
        let secret = self.person.secrets.last().unwrap();
        writer(&self.key.signing)
            .use_recovery(self.state(), device, revokes, secret, &mut self.world.rng())
            .unwrap()
    }

    /// What becomes of `body` signed by `key`.
    fn apply(&self, body: &IdentityBody, key: &SigningKey) -> Result<IdentityState, IdentityError> {
        let mut state = self.state().clone();
        let entry = next_own_entry(state.tip(), body.encode(), T0, key);
        state.apply(&entry, &())?;
        Ok(state)
    }

    fn refused(&self, body: &IdentityBody, key: &SigningKey) -> IdentityError {
        self.apply(body, key).unwrap_err()
    }
}

fn set(
    world: &World,
    person: &Person,
    new: &DeviceSecret,
    old: Option<&DeviceSecret>,
) -> IdentityDraft {
    let secret = person.secrets.last().unwrap();
    writer(&person.devices[0].signing)
        .set_recovery(world.state(person), new, old, secret, &mut world.rng())
        .unwrap()
}

fn fresh(world: &World) -> DeviceSecret {
    RecoverySecret::generate(&mut world.rng()).keys(world.tenant_id())
}

fn body_of(draft: &IdentityDraft) -> IdentityBody {
    let entry = &draft.entry.entry;
    IdentityBody::decode(entry.entry_type, entry.body.as_slice()).unwrap()
}

fn set_body(draft: &IdentityDraft, change: impl Fn(&mut SetRecovery)) -> IdentityBody {
    let IdentityBody::SetRecovery(mut body) = body_of(draft) else {
        panic!("another body");
    };
    change(&mut body);
    IdentityBody::SetRecovery(body)
}

fn use_body(draft: &IdentityDraft, change: impl Fn(&mut UseRecovery)) -> IdentityBody {
    let IdentityBody::UseRecovery(mut body) = body_of(draft) else {
        panic!("another body");
    };
    change(&mut body);
    IdentityBody::UseRecovery(body)
}

const AUTHOR: IdentityError = IdentityError::Chain(ChainError::Author);

#[test]
fn it_replaces_all_devices_and_opens_all_generations() {
    let mut scene = Scene::new(40);
    let old = scene.world.add_device(&mut scene.person);
    assert_eq!(scene.state().wrap_recipients().count(), 3);
    let device = DeviceSecret::generate(&mut scene.world.rng());
    let draft = scene.used(&device, true);
    scene.world.append(&mut scene.person, uploaded(&draft));
    let state = scene.state();
    assert!(state.rotation_due());
    assert_eq!(state.recoveries_used(), 1);
    let active: Vec<_> = state.active_devices().map(|(id, _)| *id).collect();
    assert_eq!(active, [device.id()]);
    assert!(state.active_device(&device.id()).unwrap().by_recovery);
    // What was signed before stays signed; now it signs nothing.
    assert!(state.device_at(&old, 2).is_some() && state.device_at(&old, 3).is_none());
    for gone in &scene.person.devices {
        let body = IdentityBody::RevokeDevice(device.id());
        assert_eq!(scene.refused(&body, &gone.signing), AUTHOR);
    }
    // The rotation goes to the new device and to the recovery key.
    let secret = scene.person.secrets.last().unwrap();
    let rotated = writer(&device.signing)
        .rotate_user_key(scene.state(), secret, &mut scene.world.rng())
        .unwrap();
    let to: Vec<_> = rotated.wraps.iter().map(|it| it.info.recipient).collect();
    let expected = [
        Recipient::device(device.id()),
        Recipient::recovery(scene.key.id()),
    ];
    assert_eq!(to, expected);
    let opened = rotated.wraps[1].open(&scene.key.kem).unwrap();
    assert_eq!(&opened, rotated.secret.as_ref().unwrap());
    scene.world.append(&mut scene.person, uploaded(&rotated));
    assert!(!scene.state().rotation_due());
}

#[test]
fn without_revoking_the_others_stay() {
    let scene = Scene::new(41);
    let device = DeviceSecret::generate(&mut scene.world.rng());
    let state = scene
        .apply(&body_of(&scene.used(&device, false)), &scene.key.signing)
        .unwrap();
    assert_eq!(state.active_devices().count(), 2);
    assert!(!state.rotation_due());
}

#[test]
fn a_stolen_device_can_neither_replace_the_recovery_key_nor_use_it() {
    let mut scene = Scene::new(42);
    let thief = scene.person.devices[0].clone();
    let others = fresh(&scene.world);
    // No consent, somebody else's, the new key's own, and one for another place.
    let alone = set(&scene.world, &scene.person, &others, None);
    assert_eq!(
        scene.refused(&body_of(&alone), &thief.signing),
        IdentityError::Recovery
    );
    for consent in [&thief, &others] {
        let forged = set(&scene.world, &scene.person, &others, Some(consent));
        assert_eq!(
            scene.refused(&body_of(&forged), &thief.signing),
            IdentityError::Recovery
        );
    }
    let allowed = set(&scene.world, &scene.person, &others, Some(&scene.key));
    assert!(scene.apply(&body_of(&allowed), &thief.signing).is_ok());
    let IdentityBody::SetRecovery(then) = body_of(&allowed) else {
        panic!("another body");
    };
    scene.world.add_device(&mut scene.person);
    let now = set(&scene.world, &scene.person, &others, None);
    let replayed = set_body(&now, |body| body.consent = then.consent.clone());
    assert_eq!(
        scene.refused(&replayed, &thief.signing),
        IdentityError::Recovery
    );
    // A consent to this key is none to another.
    let third = fresh(&scene.world);
    let consented = set(&scene.world, &scene.person, &others, Some(&scene.key));
    let IdentityBody::SetRecovery(consented) = body_of(&consented) else {
        panic!("another body");
    };
    let swapped = set(&scene.world, &scene.person, &third, None);
    let swapped = set_body(&swapped, |body| body.consent = consented.consent.clone());
    assert_eq!(
        scene.refused(&swapped, &thief.signing),
        IdentityError::Recovery
    );
    // Type 6 is the recovery key's alone.
    let device = DeviceSecret::generate(&mut scene.world.rng());
    let body = body_of(&scene.used(&device, true));
    for key in [&thief.signing, &others.signing, &device.signing] {
        assert_eq!(scene.refused(&body, key), AUTHOR);
    }
    // Signed by a stranger in the recovery key's name.
    let entry = next_own_entry(scene.state().tip(), body.encode(), T0, &scene.key.signing);
    let forged = sign_entry(entry.entry, &thief.signing);
    let refused = scene.state().clone().apply(&forged, &()).unwrap_err();
    assert_eq!(refused, IdentityError::Chain(ChainError::Signature));
}

#[test]
fn the_recovery_key_signs_nothing_else() {
    let scene = Scene::new(43);
    let phone = scene.person.devices[0].id();
    let another = set(
        &scene.world,
        &scene.person,
        &fresh(&scene.world),
        Some(&scene.key),
    );
    for body in [IdentityBody::RevokeDevice(phone), body_of(&another)] {
        assert_eq!(scene.refused(&body, &scene.key.signing), AUTHOR);
    }
}

#[test]
fn a_replaced_recovery_key_is_worth_nothing() {
    let mut scene = Scene::new(44);
    let second = fresh(&scene.world);
    let replaced = set(&scene.world, &scene.person, &second, Some(&scene.key));
    scene.world.append(&mut scene.person, uploaded(&replaced));
    assert!(scene.state().rotation_due());
    assert_eq!(scene.state().recovery().unwrap().id, second.id());
    assert!(scene.state().recovery_at(&scene.key.id(), 1).is_some());
    assert!(scene.state().recovery_at(&scene.key.id(), 2).is_none());
    let device = DeviceSecret::generate(&mut scene.world.rng());
    let body = body_of(&scene.used(&device, true));
    assert_eq!(scene.refused(&body, &scene.key.signing), AUTHOR);
    // Nor does it come back, nor become a device, nor a device a recovery key.
    let back = set(&scene.world, &scene.person, &scene.key, Some(&second));
    let phone = scene.person.devices[0].clone();
    assert_eq!(
        scene.refused(&body_of(&back), &phone.signing),
        IdentityError::Recovery
    );
    let as_recovery = set(&scene.world, &scene.person, &phone, Some(&second));
    assert_eq!(
        scene.refused(&body_of(&as_recovery), &phone.signing),
        IdentityError::Recovery
    );
    let secret = scene.person.secrets.last().unwrap();
    for key in [&scene.key, &second] {
        let as_device = writer(&phone.signing)
            .add_device(scene.state(), key, secret, &mut scene.world.rng())
            .unwrap();
        assert_eq!(
            scene.refused(&body_of(&as_device), &phone.signing),
            IdentityError::Device
        );
    }
}

#[test]
fn proofs_are_for_one_place_one_key_and_one_purpose() {
    let mut world = World::new(45);
    let person = world.person();
    let state = world.state(&person).clone();
    let phone = person.devices[0].clone();
    let key = fresh(&world);
    let good = set(&world, &person, &key, None);
    let apply = |body: &IdentityBody| {
        let entry = next_own_entry(state.tip(), body.encode(), T0, &phone.signing);
        state.clone().apply(&entry, &())
    };
    apply(&body_of(&good)).unwrap();
    let as_device = prove_device(&state, &key.keys().unwrap(), &key.signing);
    let other = set(&world, &person, &fresh(&world), None);
    let IdentityBody::SetRecovery(other) = body_of(&other) else {
        panic!("another body");
    };
    for possession in [
        Opaque::new(as_device),
        other.possession,
        Opaque::new(vec![]),
    ] {
        let body = set_body(&good, |it| it.possession = possession.clone());
        assert_eq!(apply(&body), Err(IdentityError::Possession));
    }
    // Consent where nobody was asked, and another number of wraps.
    let body = set_body(&good, |it| it.consent = Opaque::new(vec![1]));
    assert_eq!(apply(&body), Err(IdentityError::Recovery));
    let body = set_body(&good, |it| it.wraps.count = 2);
    assert_eq!(apply(&body), Err(IdentityError::Recovery));

    let scene = Scene::new(46);
    let device = DeviceSecret::generate(&mut scene.world.rng());
    let used = scene.used(&device, false);
    let body = use_body(&used, |it| it.wraps.count = 2);
    assert_eq!(
        scene.refused(&body, &scene.key.signing),
        IdentityError::Device
    );
    let body = use_body(&used, |it| it.possession = Opaque::new(vec![0; 64]));
    assert_eq!(
        scene.refused(&body, &scene.key.signing),
        IdentityError::Possession
    );
    let body = use_body(&used, |it| it.revokes = 2);
    assert!(matches!(
        scene.refused(&body, &scene.key.signing),
        IdentityError::Chain(ChainError::Format(FormatError::Malformed(_)))
    ));
    // The entry itself, a second time.
    let mut state = scene.state().clone();
    state.apply(&used.entry, &()).unwrap();
    assert_eq!(
        state.apply(&used.entry, &()).unwrap_err(),
        IdentityError::Chain(ChainError::Sequence)
    );
}

#[test]
fn the_directory_keeps_wraps_of_those_who_are_left() {
    let mut scene = Scene::new(47);
    let gone = scene.person.devices[0].id();
    let device = DeviceSecret::generate(&mut scene.world.rng());
    let used = scene.used(&device, true);
    let state = scene.state().clone();
    let (_, effects) = accept_identity(Some(state.clone()), &[uploaded(&used)]).unwrap();
    assert_eq!(effects.dropped, [Recipient::device(gone)]);
    assert_eq!(effects.wraps.len(), 1);
    assert_eq!(effects.wraps[0].recipient, Recipient::device(device.id()));
    // The wrap must be there, and be the new device's.
    let mut bare = uploaded(&used);
    bare.wraps.clear();
    let refused = accept_identity(Some(state.clone()), &[bare]).unwrap_err();
    assert!(matches!(
        refused,
        AcceptError::Keyring(KeyringError::WrapSet)
    ));
    let mut swapped = uploaded(&used);
    swapped.wraps[0].recipient = Recipient::recovery(scene.key.id());
    let refused = accept_identity(Some(state), &[swapped]).unwrap_err();
    assert!(matches!(
        refused,
        AcceptError::Keyring(KeyringError::WrapSet)
    ));

    let second = fresh(&scene.world);
    let replaced = set(&scene.world, &scene.person, &second, Some(&scene.key));
    let upload = uploaded(&replaced);
    let (_, effects) =
        accept_identity(Some(scene.state().clone()), std::slice::from_ref(&upload)).unwrap();
    assert_eq!(effects.dropped, [Recipient::recovery(scene.key.id())]);
    scene.world.append(&mut scene.person, upload);
    // A rotation that leaves the recovery key out is none.
    let (incomplete, _) = scene.world.user_key_upload(&scene.person);
    let refused = accept_identity(Some(scene.state().clone()), &[incomplete]).unwrap_err();
    assert!(matches!(
        refused,
        AcceptError::Identity(IdentityError::Epoch)
    ));
}
