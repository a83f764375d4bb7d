//! Bounds, and corners of the rules that no story reaches: what a change of one
//! sign or one line would get wrong (docs/mutants.md).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::world::*;
use plico_protocol::chain::{BEFORE_START, ChainError, Replay as _, first_entry, sign_entry};
use plico_protocol::format::bodies::{
    Grant, IdentityBody, IdentityCreate, MAX_RECIPIENTS_PER_ENTRY, RightsBits, SessionBody,
    SessionCreate, SessionGrant, SessionRevoke, SessionRotate, SessionTransfer,
};
use plico_protocol::format::codec::VERSION;
use plico_protocol::format::entry::{Author, Entry};
use plico_protocol::format::ids::{ChainId, Kind, Recipient};
use plico_protocol::format::keys::{Authority, Core};
use plico_protocol::identity::{IdentityError, IdentityState};
use plico_protocol::rights::Withdrawn;
use plico_protocol::rights::draft::{create, recipient_key};
use plico_protocol::rights::state::{MAX_MEMBERS, MAX_SEGMENTS};
use plico_protocol::rights::{DueReason, RightsError, SessionState, due};

fn rotation(epoch: u32, targets: &[u32], count: u32) -> SessionBody {
    SessionBody::Rotate(SessionRotate {
        epoch: some_epoch(epoch, targets, count),
        updates: vec![],
        removals: vec![],
    })
}

fn revoke(of: &Person, cascade: u8) -> SessionBody {
    SessionBody::Revoke(SessionRevoke {
        recipients: vec![of.recipient()],
        cascade,
    })
}

#[test]
fn a_session_has_at_most_256_segments() {
    let mut world = World::new(60);
    let owner = world.person();
    let mut log = world.create(&owner, vec![]);
    for epoch in 1..MAX_SEGMENTS {
        world.push_body(&mut log, &owner, T0, &rotation(epoch, &[], 1));
    }
    assert_eq!(log.state.current_segment(), MAX_SEGMENTS - 1);
    let one_more = rotation(MAX_SEGMENTS, &[], 1);
    let refused = world.refusal(&log, &owner, T0, one_more);
    assert_eq!(refused, RightsError::TooMany);
    // Within the segment it goes on.
    let within = rotation(MAX_SEGMENTS, &[MAX_SEGMENTS - 1], 1);
    world.push_body(&mut log, &owner, T0, &within);
}

/// Identities like `person`, with other ids: only as much as replay looks at.
fn crowd(world: &World, person: &Person, many: usize) -> Vec<IdentityState> {
    let IdentityBody::Create(body) = IdentityBody::decode(
        person.log[0].entry.entry_type,
        person.log[0].entry.body.as_slice(),
    )
    .unwrap() else {
        panic!("entry 0 creates");
    };
    let device = &person.devices[0];
    let one = |number: usize| {
        let mut random = [0; 32];
        random[..8].copy_from_slice(&number.to_be_bytes());
        let core = Core {
            random,
            ..body.core.clone()
        };
        let author = Author {
            identity: core.chain_id(),
            key: device.id(),
            position: BEFORE_START,
        };
        let create = IdentityBody::Create(IdentityCreate {
            core: core.clone(),
            epoch: body.epoch.clone(),
        });
        let entry = first_entry(&core, author, T0, create.encode());
        IdentityState::start(&sign_entry(entry, &device.signing), &()).unwrap()
    };
    assert_eq!(body.core.tenant_id, world.tenant_id());
    (0..many).map(one).collect()
}

#[test]
fn a_session_has_at_most_10_000_recipients() {
    let mut world = World::new(61);
    let owner = world.person();
    let all = crowd(&world, &owner, MAX_MEMBERS + 1);
    let ids: Vec<ChainId> = all.iter().map(IdentityState::id).collect();
    world.known.extend(all.into_iter().map(|it| (it.id(), it)));
    let grant_to = |id: &ChainId| Grant {
        key: recipient_key(&world.known[id]),
        rights: RightsBits(READ),
        expires_ms: 0,
    };
    let grants = |ids: &[ChainId]| {
        let mut grants: Vec<Grant> = ids.iter().map(grant_to).collect();
        grants.sort_by_key(|it| it.key.recipient);
        SessionBody::Grant(SessionGrant {
            wraps: some_wraps(grants.len() as u32),
            grants,
            epochs: vec![0],
        })
    };
    let mut log = world.create(&owner, vec![]);
    // The owner is one of them.
    let (fits, more) = ids.split_at(MAX_MEMBERS - 1);
    for some in fits.chunks(MAX_RECIPIENTS_PER_ENTRY) {
        world.push_body(&mut log, &owner, T0, &grants(some));
    }
    assert_eq!(log.state.members().count(), MAX_MEMBERS);
    let refused = |body| world.refusal(&log, &owner, T0, body);
    assert_eq!(refused(grants(&more[..1])), RightsError::TooMany);
    let transfer = |to: &ChainId, remaining_rights| {
        SessionBody::Transfer(SessionTransfer {
            to: Grant {
                rights: RightsBits(OWNER),
                ..grant_to(to)
            },
            remaining_rights,
            epochs: vec![0],
            wraps: some_wraps(1),
        })
    };
    assert_eq!(refused(transfer(&more[0], READ)), RightsError::TooMany);
    // Who takes somebody's place, or was there, is not one more.
    let allowed = |body| {
        let entry = world.writer(&owner, T0).plain(&log.state, &body).entry;
        world.check(&log, &entry).unwrap()
    };
    allowed(transfer(&more[0], 0));
    allowed(transfer(&fits[0], OWNER));
    allowed(grants(&fits[..2]));
    allowed(rotation(1, &[0], MAX_MEMBERS as u32));
}

#[test]
fn a_grant_passes_to_the_nearest_who_stays_not_to_the_first_owner() {
    let mut world = World::new(62);
    let owner = world.person();
    let [a, b, c] = [(); 3].map(|()| world.person());
    let mut log = world.create(&owner, vec![]);
    world.grant(&mut log, &owner, world.grant_to(&a, FORWARD, 0));
    world.grant(&mut log, &a, world.grant_to(&b, FORWARD, 0));
    world.grant(&mut log, &b, world.grant_to(&c, READ, 0));
    world.push_body(&mut log, &b, T0, &revoke(&b, 0));
    let member = log.state.member(&c.recipient()).unwrap();
    assert_eq!(member.granted_by, a.recipient());
}

#[test]
fn a_grant_adds_to_what_was_open_and_a_newer_key_makes_the_epoch_due() {
    let mut world = World::new(63);
    let owner = world.person();
    let mut reader = world.person();
    let mut log = world.create(&owner, vec![world.grant_to(&reader, READ, 0)]);
    world.push_body(&mut log, &owner, T0, &rotation(1, &[], 2));
    let again = |world: &World, reader: &Person| {
        SessionBody::Grant(SessionGrant {
            grants: vec![world.grant_to(reader, FORWARD, 0)],
            epochs: vec![1],
            wraps: some_wraps(1),
        })
    };
    world.push_body(&mut log, &owner, T0, &again(&world, &reader));
    let member = log.state.member(&reader.recipient()).unwrap();
    assert_eq!(member.segments.iter().copied().collect::<Vec<_>>(), [0, 1]);
    assert_eq!(due(&log.state, &world.known, &Withdrawn::Unknown, T0), None);
    world.rotate_user_key(&mut reader);
    world.push_body(&mut log, &owner, T0, &again(&world, &reader));
    assert_eq!(
        due(&log.state, &world.known, &Withdrawn::Unknown, T0),
        Some(DueReason::Left)
    );
}

#[test]
fn a_session_keeps_the_suite_that_it_was_created_with() {
    let mut world = World::new(59);
    let owner = world.person();
    for suite in [1, 2] {
        let writer = world.writer(&owner, T0);
        let tenant = world.tenant_id();
        let mut rng = world.rng();
        let draft = create(&writer, tenant, suite, vec![], &world.known, &mut rng).unwrap();
        let state = world.replay(None, &[draft.entry]).unwrap();
        assert_eq!(state.suite(), suite);
    }
}

#[test]
fn the_first_entry_has_as_many_wraps_as_grants() {
    let mut world = World::new(64);
    let owner = world.person();
    let core = Core {
        version: VERSION,
        tenant_id: world.tenant_id(),
        kind: Kind::Session,
        authority: Authority::Creator(owner.id),
        suite: 1,
        random: [1; 32],
    };
    let writer = world.writer(&owner, T0);
    let created = |count: u32| {
        let body = SessionBody::Create(SessionCreate {
            core: core.clone(),
            grants: vec![world.grant_to(&owner, OWNER, 0)],
            epoch: some_epoch(0, &[], count),
        });
        let entry = first_entry(&core, writer.author, T0, body.encode());
        SessionState::start(&sign_entry(entry, writer.key), &world.known).map(|_| ())
    };
    assert_eq!(created(1), Ok(()));
    assert_eq!(created(0), Err(RightsError::Epoch));
    assert_eq!(created(2), Err(RightsError::Epoch));
}

#[test]
fn who_may_only_forward_adds_but_takes_nothing_away() {
    let mut world = World::new(65);
    let owner = world.person();
    let [a, b] = [(); 2].map(|()| world.person());
    let mut log = world.create(&owner, vec![world.grant_to(&a, FORWARD, 0)]);
    world.grant(&mut log, &owner, world.grant_to(&b, READ, T0 + DAY));
    let by_a = |log: &Log, rights, expires_ms| {
        let body = SessionBody::Grant(SessionGrant {
            grants: vec![world.grant_to(&b, rights, expires_ms)],
            epochs: vec![0],
            wraps: some_wraps(1),
        });
        let entry = world.writer(&a, T0).plain(&log.state, &body).entry;
        world.check(log, &entry).map(|_| ())
    };
    assert_eq!(by_a(&log, READ, T0 + DAY), Ok(()));
    assert_eq!(by_a(&log, FORWARD, T0 + DAY), Ok(()));
    assert_eq!(by_a(&log, READ, T0 + 2 * DAY), Ok(()));
    assert_eq!(by_a(&log, READ, 0), Ok(()));
    let refused = Err(RightsError::NotAllowed);
    assert_eq!(by_a(&log, READ, T0 + DAY - 1), refused);
    world.grant(&mut log, &owner, world.grant_to(&b, FORWARD, T0 + DAY));
    assert_eq!(by_a(&log, READ, T0 + DAY), refused);
    assert_eq!(by_a(&log, FORWARD, T0 + DAY), Ok(()));
}

#[test]
fn a_manager_cascades_below_others_and_an_owner_below_owners() {
    let mut world = World::new(66);
    let owner = world.person();
    let [a, b, c, manager] = [(); 4].map(|()| world.person());
    let mut log = world.create(&owner, vec![world.grant_to(&manager, MANAGE, 0)]);
    world.grant(&mut log, &owner, world.grant_to(&a, FORWARD, 0));
    world.grant(&mut log, &a, world.grant_to(&b, READ, 0));
    world.push_body(&mut log, &manager, T0, &revoke(&a, 1));
    assert_eq!(log.state.members().count(), 2);
    world.grant(&mut log, &owner, world.grant_to(&b, OWNER, 0));
    world.grant(&mut log, &b, world.grant_to(&c, OWNER, 0));
    world.push_body(&mut log, &owner, T0, &revoke(&b, 1));
    assert!(log.state.member(&c.recipient()).is_none());
}

#[test]
fn an_entry_0_names_its_own_chain_and_kind() {
    let mut world = World::new(67);
    let person = world.person();
    let key = &person.devices[0].signing;
    let refused = |change: &dyn Fn(&mut Entry)| {
        let mut entry = person.log[0].entry.clone();
        change(&mut entry);
        IdentityState::start(&sign_entry(entry, key), &()).unwrap_err()
    };
    let other = IdentityError::Chain(ChainError::OtherChain);
    assert_eq!(refused(&|it| it.kind = Kind::Session), other);
    let other_id = |it: &mut Entry| {
        it.chain_id.0[0] ^= 1;
        it.author.identity = it.chain_id;
    };
    assert_eq!(refused(&other_id), other);
    let author = IdentityError::Chain(ChainError::Author);
    assert_eq!(refused(&|it| it.author.identity.0[0] ^= 1), author);
    assert_eq!(refused(&|it| it.author.position.seq = 1), author);
    let link = IdentityError::Chain(ChainError::BrokenLink);
    assert_eq!(refused(&|it| it.prev.0[9] = 1), link);
    let sequence = IdentityError::Chain(ChainError::Sequence);
    assert_eq!(refused(&|it| it.seq = 1), sequence);
}

#[test]
fn a_later_entry_names_its_own_chain_and_kind() {
    let mut world = World::new(68);
    let person = world.person();
    let key = &person.devices[0].signing;
    let revoke = IdentityBody::RevokeDevice(person.devices[0].id());
    let honest = world.identity_entry(&person, &revoke).entry;
    let refused = |change: &dyn Fn(&mut Entry)| {
        let mut entry = honest.clone();
        change(&mut entry);
        let mut state = world.state(&person).clone();
        state.apply(&sign_entry(entry, key), &()).unwrap_err()
    };
    let other = IdentityError::Chain(ChainError::OtherChain);
    assert_eq!(refused(&|it| it.kind = Kind::Tenant), other);
    assert_eq!(refused(&|it| it.chain_id.0[0] ^= 1), other);
    // As it is, only its rule forbids it: the last device stays.
    assert_eq!(refused(&|_| {}), IdentityError::Device);
}

#[test]
fn a_rotation_tells_only_the_keys_that_have_moved_on() {
    let mut world = World::new(69);
    let owner = world.person();
    let mut reader = world.person();
    let mut log = world.create(&owner, vec![world.grant_to(&reader, READ, 0)]);
    let updates = |log: &Log| -> Vec<Recipient> {
        let entry = &log.drafts.last().unwrap().entry.entry;
        match SessionBody::decode(entry.entry_type, entry.body.as_slice()).unwrap() {
            SessionBody::Rotate(body) => body.updates.iter().map(|it| it.recipient).collect(),
            other => panic!("{other:?}"),
        }
    };
    world.rotate(&mut log, &owner, T0);
    assert_eq!(updates(&log), Vec::<Recipient>::new());
    world.rotate_user_key(&mut reader);
    world.rotate(&mut log, &owner, T0);
    assert_eq!(updates(&log), [reader.recipient()]);
}
