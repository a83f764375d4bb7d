//! What the directory refuses on top of replay, and what it stores.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::world::*;
use plico_protocol::chain::Replay;
use plico_protocol::format::bodies::{IdentityBody, SessionBody, SessionRevoke};
use plico_protocol::format::ids::Recipient;
use plico_protocol::identity::IdentityState;
use plico_protocol::identity::draft::{DeviceSecret, bind_user_id};
use plico_protocol::keyring::KeyringError;
use plico_protocol::keyring::wraps::commit;
use plico_protocol::rights::SessionState;
use plico_protocol::rights::draft::{self, Draft};
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::accept::{
    AcceptError, Effects, accept_enrolment, accept_identity, accept_session,
};
use plico_protocol::wire::access::access;
use plico_protocol::wire::upload::{Upload, draft_to_rest};
use std::collections::BTreeSet;

struct Scene {
    world: World,
    owner: Person,
    people: Vec<Person>,
    log: Log,
}

fn scene() -> Scene {
    let mut world = World::new(30);
    let owner = world.person();
    let people: Vec<Person> = (0..3).map(|_| world.person()).collect();
    let log = world.create(&owner, vec![world.grant_to(&people[0], MANAGE, 0)]);
    Scene {
        world,
        owner,
        people,
        log,
    }
}

impl Scene {
    fn accept(
        &self,
        uploads: &[Upload],
        by: &Person,
        now: u64,
    ) -> Result<(SessionState, Effects), AcceptError> {
        let state = Some(self.log.state.clone());
        accept_session(
            state,
            uploads,
            by.id,
            &BTreeSet::new(),
            &self.world.known,
            now,
        )
    }
    fn grant(&self, to: &Person, rights: u8, expires: u64, now: u64) -> Draft {
        draft::grant(
            &self.world.writer(&self.owner, now),
            &self.log.state,
            vec![self.world.grant_to(to, rights, expires)],
            &[self.log.secret()],
            &self.world.known,
            &mut self.world.rng(),
        )
        .unwrap()
    }
    fn rotate(&self, now: u64) -> Draft {
        draft::rotate(
            &self.world.writer(&self.owner, now),
            &self.log.state,
            &[self.log.secret()],
            &self.world.known,
            &mut self.world.rng(),
        )
        .unwrap()
    }
    fn plain(&self, by: &Person, now: u64, body: &SessionBody) -> Upload {
        draft_upload(&self.world.writer(by, now).plain(&self.log.state, body))
    }
}

fn revoke(of: &Person) -> SessionBody {
    SessionBody::Revoke(SessionRevoke {
        recipients: vec![of.recipient()],
        cascade: 0,
    })
}

#[test]
fn a_draft_survives_the_wire_and_is_accepted() {
    let scene = scene();
    let first = draft_to_rest(&scene.log.drafts[0]);
    let json = serde_json::to_vec(&first).unwrap();
    let first = Upload::from_rest(&serde_json::from_slice(&json).unwrap()).unwrap();
    let known = &scene.world.known;
    let (state, effects) =
        accept_session(None, &[first], scene.owner.id, &BTreeSet::new(), known, T0).unwrap();
    assert_eq!(state.tip(), scene.log.state.tip());
    assert_eq!((effects.entries.len(), effects.wraps.len()), (1, 2));
    assert_eq!(effects.entries[0].leaves.len(), 2);
    let (_, effects) = scene
        .accept(&[draft_upload(&scene.rotate(T0))], &scene.owner, T0)
        .unwrap();
    assert_eq!((effects.wraps.len(), effects.back_links.len()), (2, 1));
    let secret = scene.log.secret();
    let writer = scene.world.writer(&scene.owner, T0);
    let draft = draft::set_metadata(
        &writer,
        &scene.log.state,
        secret,
        b"x",
        &mut scene.world.rng(),
    )
    .unwrap();
    let (_, effects) = scene
        .accept(&[draft_upload(&draft)], &scene.owner, T0)
        .unwrap();
    assert_eq!(effects.metadata, draft.metadata);
}

#[test]
fn wraps_and_links_are_exactly_those_that_the_entry_commits_to() {
    let scene = scene();
    let good = draft_upload(&scene.rotate(T0));
    let refused = |change: &dyn Fn(&mut Upload)| {
        let mut upload = good.clone();
        change(&mut upload);
        scene.accept(&[upload], &scene.owner, T0).unwrap_err()
    };
    let set = AcceptError::Keyring(KeyringError::WrapSet);
    let link = AcceptError::Keyring(KeyringError::BackLink);
    assert_eq!(refused(&|it| drop(it.wraps.pop())), set);
    assert_eq!(refused(&|it| it.wraps.clear()), set);
    assert_eq!(refused(&|it| it.wraps.push(it.wraps[1].clone())), set);
    assert_eq!(refused(&|it| it.wraps.swap(0, 1)), set);
    assert_eq!(
        refused(&|it| {
            let sealed = it.wraps[0].sealed.clone();
            it.wraps[0].sealed = it.wraps[1].sealed.clone();
            it.wraps[1].sealed = sealed;
        }),
        set
    );
    assert_eq!(refused(&|it| it.wraps[0].sealed[0] ^= 1), set);
    assert_eq!(refused(&|it| it.wraps[0].epoch = 0), set);
    assert_eq!(refused(&|it| it.wraps[0].generation = 1), set);
    assert_eq!(refused(&|it| it.wraps[0].key_id.0[0] ^= 1), set);
    let stranger = scene.people[1].recipient();
    assert_eq!(refused(&|it| it.wraps[0].recipient = stranger), set);
    assert_eq!(refused(&|it| it.metadata = Some(vec![1])), set);
    assert_eq!(refused(&|it| it.back_links.clear()), link);
    assert_eq!(
        refused(&|it| it.back_links.push(it.back_links[0].clone())),
        link
    );
    assert_eq!(refused(&|it| it.back_links[0].target = 1), link);
    assert_eq!(refused(&|it| it.back_links[0].epoch = 0), link);
    assert_eq!(refused(&|it| it.back_links[0].ciphertext[0] ^= 1), link);
    assert_eq!(
        AcceptError::from(KeyringError::WrapSet).code(),
        ErrorCode::EntryInvalid
    );
    // Wraps where there are none to be.
    let mut upload = scene.plain(&scene.owner, T0, &revoke(&scene.people[0]));
    upload.wraps = good.wraps.clone();
    assert_eq!(scene.accept(&[upload], &scene.owner, T0).unwrap_err(), set);
    // Metadata that is missing, or another.
    let writer = scene.world.writer(&scene.owner, T0);
    let secret = scene.log.secret();
    let mut rng = scene.world.rng();
    let draft = draft::set_metadata(&writer, &scene.log.state, secret, b"x", &mut rng).unwrap();
    for metadata in [None, Some(vec![0; 41])] {
        let mut upload = draft_upload(&draft);
        upload.metadata = metadata;
        assert_eq!(scene.accept(&[upload], &scene.owner, T0).unwrap_err(), set);
    }
}

#[test]
fn clocks_matter_where_something_expires() {
    let mut scene = scene();
    let (five, code) = (5 * MINUTE, AcceptError::code);
    // Without any end, a wrong clock does no harm.
    let upload = draft_upload(&scene.rotate(T0));
    scene.accept(&[upload], &scene.owner, T0 + DAY).unwrap();
    // A grant with an end: five minutes, and not in the past.
    let end = T0 + 60 * MINUTE;
    let upload = draft_upload(&scene.grant(&scene.people[1], READ, end, T0));
    for now in [T0 - five, T0 + five] {
        scene
            .accept(std::slice::from_ref(&upload), &scene.owner, now)
            .unwrap();
    }
    for now in [T0 - five - 1, T0 + five + 1] {
        let error = scene
            .accept(std::slice::from_ref(&upload), &scene.owner, now)
            .unwrap_err();
        assert_eq!(
            (&error, code(&error)),
            (&AcceptError::Skew, ErrorCode::ClockSkewed)
        );
    }
    for expires in [T0 - 1, T0] {
        let upload = draft_upload(&scene.grant(&scene.people[1], READ, expires, T0));
        let error = scene.accept(&[upload], &scene.owner, T0).unwrap_err();
        assert_eq!(error, AcceptError::PastExpiry);
    }
    // A rotation that writes an expiry down can't be ahead of time.
    let draft = scene.grant(&scene.people[1], MANAGE, end, T0);
    scene.world.push(&mut scene.log, draft);
    let early = draft_upload(&scene.rotate(end));
    let now = end - five - 1;
    let error = scene.accept(&[early], &scene.owner, now).unwrap_err();
    assert_eq!(error, AcceptError::Skew);
    let upload = draft_upload(&scene.rotate(end));
    let (state, effects) = scene.accept(&[upload], &scene.owner, end + 1).unwrap();
    assert_eq!(effects.dropped, [scene.people[1].recipient()]);
    assert_eq!(
        access(&state, &scene.people[1].recipient(), end),
        Err(ErrorCode::AccessExpired)
    );
    // Whoever has expired writes nothing, whatever time it claims.
    let upload = scene.plain(&scene.people[1], end - 1, &revoke(&scene.people[0]));
    let error = scene.accept(&[upload], &scene.people[1], end).unwrap_err();
    assert_eq!(
        (&error, code(&error)),
        (&AcceptError::AuthorExpired, ErrorCode::AccessExpired)
    );
    let member = scene.people[1].recipient();
    assert_eq!(
        access(&scene.log.state, &member, end).err(),
        Some(ErrorCode::AccessExpired)
    );
    assert!(access(&scene.log.state, &member, end - 1).is_ok());
    let never = scene.people[2].recipient();
    assert_eq!(
        access(&scene.log.state, &never, end).err(),
        Some(ErrorCode::SessionNotFound)
    );
}

#[test]
fn authors_send_their_own_entries_from_their_head() {
    let mut scene = scene();
    let upload = scene.plain(&scene.owner, T0, &revoke(&scene.people[0]));
    let error = scene
        .accept(std::slice::from_ref(&upload), &scene.people[0], T0)
        .unwrap_err();
    assert_eq!(
        (&error, error.code()),
        (&AcceptError::Requester, ErrorCode::NotAllowed)
    );
    // The author's chain has moved on.
    let mut owner = scene.owner.clone();
    scene.world.rotate_user_key(&mut owner);
    let error = scene.accept(&[upload], &owner, T0).unwrap_err();
    assert_eq!(
        (&error, error.code()),
        (&AcceptError::AuthorBehind, ErrorCode::AuthorBehind)
    );
    // Lost the race.
    let stale = scene.plain(&owner, T0, &revoke(&scene.people[0]));
    let draft = scene.grant(&scene.people[1], READ, 0, T0);
    scene.world.push(&mut scene.log, draft);
    let error = scene.accept(&[stale], &owner, T0).unwrap_err();
    assert_eq!(
        (&error, error.code()),
        (&AcceptError::Conflict, ErrorCode::Conflict)
    );
    // Chains that are not loaded.
    let draft = scene.grant(&scene.people[2], READ, 0, T0);
    scene.world.known.remove(&scene.people[2].id);
    let error = scene
        .accept(&[draft_upload(&draft)], &owner, T0)
        .unwrap_err();
    assert!(matches!(error, AcceptError::Needs(needs) if needs[0].chain == scene.people[2].id));
    assert_eq!(scene.accept(&[], &owner, T0).unwrap().1.entries.len(), 0);
    let none = accept_session(
        None,
        &[],
        owner.id,
        &BTreeSet::new(),
        &scene.world.known,
        T0,
    );
    assert!(none.is_err());
}

#[test]
fn a_batch_is_taken_whole_or_not_at_all() {
    let scene = scene();
    let first = scene
        .world
        .writer(&scene.owner, T0)
        .plain(&scene.log.state, &revoke(&scene.people[0]));
    let mut after = scene.log.clone();
    scene.world.push(&mut after, first.clone());
    let rotate = Scene {
        log: after,
        world: scene.world,
        owner: scene.owner.clone(),
        people: scene.people.clone(),
    }
    .rotate(T0);
    let world = World::new(30);
    let mut known = world;
    for _ in 0..4 {
        known.person();
    }
    let accept = |uploads: &[Upload]| {
        let state = Some(scene.log.state.clone());
        accept_session(
            state,
            uploads,
            scene.owner.id,
            &BTreeSet::new(),
            &known.known,
            T0,
        )
    };
    let (state, effects) = accept(&[draft_upload(&first), draft_upload(&rotate)]).unwrap();
    assert_eq!((effects.entries.len(), effects.wraps.len()), (2, 1));
    assert_eq!(effects.dropped, [scene.people[0].recipient()]);
    assert_eq!(
        access(&state, &scene.people[0].recipient(), T0).err(),
        Some(ErrorCode::AccessRevoked)
    );
    let mut bad = draft_upload(&rotate);
    bad.wraps.clear();
    assert!(accept(&[draft_upload(&first), bad]).is_err());
    // In the other order, and twice the same.
    assert!(accept(&[draft_upload(&rotate), draft_upload(&first)]).is_err());
    assert!(accept(&[draft_upload(&first), draft_upload(&first)]).is_err());
}

#[test]
fn who_is_granted_and_revoked_in_one_batch_gets_nothing_stored() {
    let mut scene = scene();
    let grant = scene.grant(&scene.people[1], READ, 0, T0);
    let before = scene.log.clone();
    scene.world.push(&mut scene.log, grant.clone());
    let gone = scene.plain(&scene.owner, T0, &revoke(&scene.people[1]));
    scene.log = before;
    let (_, effects) = scene
        .accept(&[draft_upload(&grant), gone], &scene.owner, T0)
        .unwrap();
    assert!(effects.wraps.is_empty());
    assert_eq!(effects.dropped, [scene.people[1].recipient()]);
}

#[test]
fn the_end_deletes_all_but_the_log() {
    let scene = scene();
    let upload = scene.plain(&scene.owner, T0, &SessionBody::Tombstone);
    let (state, effects) = scene.accept(&[upload], &scene.owner, T0).unwrap();
    assert!(effects.ended && effects.wraps.is_empty() && effects.entries.len() == 1);
    let owner = scene.owner.recipient();
    assert_eq!(
        access(&state, &owner, T0).err(),
        Some(ErrorCode::SessionEnded)
    );
    let upload = scene.plain(&scene.owner, T0, &SessionBody::Tombstone);
    let after = accept_session(
        Some(state),
        &[upload],
        scene.owner.id,
        &BTreeSet::new(),
        &scene.world.known,
        T0,
    );
    assert_eq!(after.unwrap_err().code(), ErrorCode::Conflict);
}

#[test]
fn identities_with_their_wraps() {
    let mut world = World::new(31);
    let mut person = world.person();
    let device = world.add_device(&mut person);
    world.rotate_user_key(&mut person);
    world.revoke_device(&mut person, device);
    world.rotate_user_key(&mut person);
    let (state, effects) = accept_identity(None, &person.uploads).unwrap();
    assert_eq!(state.tip(), world.state(&person).tip());
    // Nothing is stored for the device that is gone already.
    assert!(effects.dropped.is_empty());
    assert_eq!(effects.wraps.len(), 3);
    assert!(
        effects
            .wraps
            .iter()
            .all(|it| it.recipient != Recipient::device(device))
    );
    assert_eq!(effects.back_links.len(), 2);
    // What was stored for it earlier is deleted.
    let (before, _) = accept_identity(None, &person.uploads[..3]).unwrap();
    let (_, effects) = accept_identity(Some(before), &person.uploads[3..]).unwrap();
    assert_eq!(effects.dropped, [Recipient::device(device)]);

    let set = AcceptError::Keyring(KeyringError::WrapSet);
    let refused = |at: usize, change: &dyn Fn(&mut Upload)| {
        let mut uploads = person.uploads.clone();
        change(&mut uploads[at]);
        accept_identity(None, &uploads).unwrap_err()
    };
    for at in [0, 1, 2] {
        assert_eq!(refused(at, &|it| drop(it.wraps.pop())), set);
        assert_eq!(refused(at, &|it| it.wraps[0].sealed[9] ^= 1), set);
        assert_eq!(refused(at, &|it| it.wraps[0].epoch += 1), set);
        assert_eq!(refused(at, &|it| it.metadata = Some(vec![])), set);
    }
    assert_eq!(refused(2, &|it| it.wraps.swap(0, 1)), set);
    let link = AcceptError::Keyring(KeyringError::BackLink);
    assert_eq!(refused(2, &|it| it.back_links.clear()), link);
    assert_eq!(refused(4, &|it| it.back_links[0].ciphertext[0] ^= 1), link);
    assert!(accept_identity(None, &[]).is_err());
}

#[test]
fn a_new_devices_wrap_is_for_that_device() {
    let mut world = World::new(32);
    let person = world.person();
    let device = DeviceSecret::generate(&mut world.rng());
    let (mut body, _) = world.add_device_body(&person, &device);
    // The one wrap goes to the old device: the new one would be locked out.
    let wraps = world.device_wraps(&person, &person.secrets[0], &person.devices);
    body.wraps = commit(&wraps).unwrap();
    let entry = world.identity_entry(&person, &IdentityBody::AddDevice(body));
    let state = world.state(&person).clone();
    assert_eq!(
        accept_identity(Some(state), &[upload(&entry, &wraps, &[])]).unwrap_err(),
        AcceptError::Keyring(KeyringError::WrapSet)
    );
}

#[test]
fn enrolment_is_two_entries_and_a_token_of_now() {
    let mut world = World::new(33);
    let mut person = world.person();
    let opening = world.bind(&mut person, "dr.a", 1);
    let accept = |uploads: &[Upload], now| accept_enrolment(&world.tenant, uploads, &opening, now);
    let enrolled = accept(&person.uploads, T0).unwrap();
    assert_eq!(enrolled.attestation.user_id, "dr.a");
    assert_eq!(enrolled.effects.entries.len(), 2);
    for (now, ok) in [
        (T0 - MINUTE, true),
        (T0 - MINUTE - 1, false),
        (T0 + 6 * MINUTE, true),
        (T0 + 6 * MINUTE + 1, false),
    ] {
        match accept(&person.uploads, now) {
            Ok(_) => assert!(ok),
            Err(error) => assert!(!ok && error == AcceptError::TokenExpired),
        }
    }
    assert_eq!(
        AcceptError::TokenExpired.code(),
        ErrorCode::EnrolmentExpired
    );
    assert!(accept(&person.uploads[..1], T0).is_err());
    let three = [&person.uploads[..], &person.uploads[1..]].concat();
    assert!(accept(&three, T0).is_err());
    // Another tenant's directory.
    let other = World::new(34);
    assert!(accept_enrolment(&other.tenant, &person.uploads, &opening, T0).is_err());
    // A token for another identity.
    let (device, new) = world.new_identity();
    let state = IdentityState::start(&new.entry, &()).unwrap();
    let token = world.token(&world.attestation(&person, "dr.a", 1));
    let (entry, stolen) = bind_user_id(
        &state,
        "dr.a",
        1,
        &token,
        T0,
        &device.signing,
        &mut world.rng(),
    );
    let uploads = [
        upload(&new.entry, &new.wraps, &[]),
        upload(&entry, &[], &[]),
    ];
    let error = accept_enrolment(&world.tenant, &uploads, &stolen, T0).unwrap_err();
    assert_eq!(error.code(), ErrorCode::EnrolmentInvalid);
}
