//! The rules of sessions: what each entry does, and each thing that nobody may do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::world::*;
use plico_protocol::chain::{ChainError, sign_entry};
use plico_protocol::format::bodies::{
    Removal, RemovalReason, RightsBits, SessionBody, SessionGrant, SessionRevoke, SessionRotate,
    SessionSetMetadata, SessionTransfer,
};
use plico_protocol::format::codec::FormatError;
use plico_protocol::format::ids::{Kind, Recipient};
use plico_protocol::format::opaque::Opaque;
use plico_protocol::rights::Withdrawn;
use plico_protocol::rights::draft::{self, Draft, recipient_key};
use plico_protocol::rights::{DueReason, Outcome, RemovalCause, RightsError, due, replay_session};

/// An owner, four people, and a session of the owner alone.
struct Scene {
    world: World,
    owner: Person,
    people: Vec<Person>,
    log: Log,
}

fn scene() -> Scene {
    let mut world = World::new(1);
    let owner = world.person();
    let people: Vec<Person> = (0..4).map(|_| world.person()).collect();
    let log = world.create(&owner, vec![]);
    Scene {
        world,
        owner,
        people,
        log,
    }
}

fn revoke(of: &[&Person], cascade: u8) -> SessionBody {
    let mut recipients: Vec<Recipient> = of.iter().map(|it| it.recipient()).collect();
    recipients.sort();
    SessionBody::Revoke(SessionRevoke {
        recipients,
        cascade,
    })
}

fn grant_body(
    world: &World,
    to: &Person,
    rights: u8,
    expires_ms: u64,
    epochs: &[u32],
) -> SessionBody {
    SessionBody::Grant(SessionGrant {
        grants: vec![world.grant_to(to, rights, expires_ms)],
        epochs: epochs.to_vec(),
        wraps: some_wraps(epochs.len() as u32),
    })
}

fn rotate_body(epoch: u32, targets: &[u32], count: u32, removals: &[&Person]) -> SessionBody {
    let mut removals: Vec<Removal> = removals
        .iter()
        .map(|it| Removal {
            recipient: it.recipient(),
            reason: RemovalReason::Expired,
        })
        .collect();
    removals.sort_by_key(|it| it.recipient);
    SessionBody::Rotate(SessionRotate {
        epoch: some_epoch(epoch, targets, count),
        updates: vec![],
        removals,
    })
}

fn transfer_body(world: &World, to: &Person, rights: u8, remaining_rights: u8) -> SessionBody {
    SessionBody::Transfer(SessionTransfer {
        to: world.grant_to(to, rights, 0),
        remaining_rights,
        epochs: vec![0],
        wraps: some_wraps(1),
    })
}

fn newer<T>(result: Result<T, RightsError>) -> bool {
    matches!(
        result,
        Err(RightsError::Chain(ChainError::Format(
            FormatError::NeedsNewerClient(_)
        )))
    )
}

#[test]
fn a_session_through_its_whole_life() {
    let Scene {
        mut world,
        owner,
        mut people,
        mut log,
    } = scene();
    assert_eq!(log.state.suite(), 1);
    assert!(log.state.member(&owner.recipient()).unwrap().is_owner());

    world.grant(&mut log, &owner, world.grant_to(&people[0], MANAGE, 0));
    world.grant(
        &mut log,
        &people[0],
        world.grant_to(&people[1], READ, T0 + DAY),
    );
    let member = log.state.member(&people[1].recipient()).unwrap();
    assert_eq!(
        (member.granted_by, member.granted_seq),
        (people[0].recipient(), 2)
    );
    assert_eq!(due(&log.state, &world.known, &Withdrawn::Unknown, T0), None);

    // An end that has come, and a newer key, make a new epoch due.
    let expired = DueReason::Expired(people[1].recipient());
    assert_eq!(
        due(&log.state, &world.known, &Withdrawn::Unknown, T0 + DAY),
        Some(expired)
    );
    world.rotate_user_key(&mut people[0]);
    let newer = DueReason::NewGeneration(people[0].recipient());
    assert_eq!(
        due(&log.state, &world.known, &Withdrawn::Unknown, T0),
        Some(newer)
    );
    world.rotate(&mut log, &owner, T0 + DAY);
    assert_eq!(
        due(&log.state, &world.known, &Withdrawn::Unknown, T0 + DAY),
        None
    );
    assert_eq!(log.state.current_epoch(), 1);
    let manager = log.state.member(&people[0].recipient()).unwrap();
    assert_eq!(manager.key.generation, 1);
    let removed = log.state.was_removed(&people[1].recipient()).unwrap();
    assert_eq!(removed.cause, RemovalCause::Expired);

    // Metadata, a revocation, and a rotation by somebody who may only read.
    let writer = world.writer(&people[0], T0 + DAY);
    let secret = log.secret().clone();
    let draft =
        draft::set_metadata(&writer, &log.state, &secret, b"title", &mut world.rng()).unwrap();
    world.push(&mut log, draft);
    assert_eq!(log.state.metadata().unwrap().epoch, 1);
    world.grant(&mut log, &owner, world.grant_to(&people[2], READ, 0));
    world.push_body(&mut log, &owner, T0 + DAY, &revoke(&[&people[0]], 0));
    assert_eq!(
        due(&log.state, &world.known, &Withdrawn::Unknown, T0),
        Some(DueReason::Left)
    );
    world.rotate(&mut log, &people[2], T0 + DAY);
    assert_eq!(due(&log.state, &world.known, &Withdrawn::Unknown, T0), None);

    // "From now on only": a new segment; then a grant of both.
    let writer = world.writer(&owner, T0 + DAY);
    let draft = draft::rotate(&writer, &log.state, &[], &world.known, &mut world.rng()).unwrap();
    world.push(&mut log, draft);
    assert_eq!(log.state.current_segment(), 1);
    assert_eq!(log.state.newest_epoch_of(0), Some(2));
    let secrets = [log.secrets[2].clone(), log.secrets[3].clone()];
    let draft = draft::grant(
        &writer,
        &log.state,
        vec![world.grant_to(&people[3], OWNER, 0)],
        &[&secrets[0], &secrets[1]],
        &world.known,
        &mut world.rng(),
    )
    .unwrap();
    assert_eq!(draft.wraps.len(), 2);
    world.push(&mut log, draft);
    let both = &log.state.member(&people[3].recipient()).unwrap().segments;
    assert_eq!(both.iter().copied().collect::<Vec<_>>(), [0, 1]);

    // Handing over, leaving, the end.
    let writer = world.writer(&owner, T0 + DAY);
    let secret = log.secret().clone();
    let draft = draft::transfer(
        &writer,
        &log.state,
        recipient_key(world.state(&people[2])),
        0,
        &[&secret],
        &world.known,
        &mut world.rng(),
    )
    .unwrap();
    world.push(&mut log, draft);
    assert!(log.state.member(&owner.recipient()).is_none());
    assert!(log.state.member(&people[2].recipient()).unwrap().is_owner());
    world.push_body(&mut log, &people[3], T0 + DAY, &revoke(&[&people[3]], 0));
    world.push_body(&mut log, &people[2], T0 + DAY, &SessionBody::Tombstone);
    assert!(log.state.ended());
    for body in [SessionBody::Tombstone, rotate_body(4, &[3], 1, &[])] {
        assert_eq!(
            world.refusal(&log, &people[2], T0 + DAY, body),
            RightsError::Ended
        );
    }

    // The whole replays from nothing to the same state.
    let again = world.replay(None, &log.entries()).unwrap();
    assert_eq!(again.tip(), log.state.tip());
    assert_eq!(again.epochs(), log.state.epochs());
    assert_eq!(again.removed(), log.state.removed());
}

#[test]
fn nobody_grants_more_than_they_have() {
    let Scene {
        world,
        owner,
        people,
        mut log,
    } = scene();
    let end = T0 + DAY;
    world.grant(&mut log, &owner, world.grant_to(&people[0], FORWARD, end));
    world.grant(&mut log, &owner, world.grant_to(&people[1], READ, 0));
    let check = |by: &Person, to: &Person, rights, expires| {
        world.refusal(&log, by, T0, grant_body(&world, to, rights, expires, &[0]))
    };
    let (a, b, c) = (&people[0], &people[1], &people[2]);
    for rights in [MANAGE, REVOKE, OWNER] {
        assert_eq!(check(a, c, rights, end), RightsError::ExceedsGrantor);
    }
    for expires in [0, end + 1] {
        assert_eq!(check(a, c, READ, expires), RightsError::ExceedsGrantor);
    }
    assert_eq!(check(b, c, READ, end), RightsError::NotAllowed);
    assert_eq!(check(c, &people[3], READ, end), RightsError::NotAllowed);
    assert_eq!(check(a, a, READ, end), RightsError::Recipient);
    assert_eq!(check(&owner, &owner, READ, 0), RightsError::Recipient);
    // Giving somebody less is a revocation in part.
    assert_eq!(check(a, b, READ, end), RightsError::NotAllowed);
    assert_eq!(check(a, &owner, READ, end), RightsError::Owner);
    // An owner has no end.
    assert_eq!(check(&owner, c, OWNER, end), RightsError::Owner);
    // And what is allowed is.
    let entry = world
        .writer(a, T0)
        .plain(&log.state, &grant_body(&world, c, FORWARD, end, &[0]));
    world.check(&log, &entry.entry).unwrap();
}

#[test]
fn a_grant_names_its_epochs_and_its_wraps() {
    let Scene {
        world,
        owner,
        people,
        mut log,
    } = scene();
    world.rotate(&mut log, &owner, T0);
    // A new segment, which is all that the newcomer gets.
    world.push_body(&mut log, &owner, T0, &rotate_body(2, &[], 1, &[]));
    world.push_body(
        &mut log,
        &owner,
        T0,
        &grant_body(&world, &people[0], MANAGE, 0, &[2]),
    );
    let check = |by: &Person, epochs: &[u32]| {
        let body = grant_body(&world, &people[1], READ, 0, epochs);
        let entry = world.writer(by, T0).plain(&log.state, &body).entry;
        world.check(&log, &entry).map(|_| ())
    };
    assert_eq!(check(&owner, &[1, 2]), Ok(()));
    assert_eq!(check(&people[0], &[2]), Ok(()));
    assert_eq!(check(&people[0], &[1, 2]), Err(RightsError::ExceedsGrantor));
    for epochs in [&[][..], &[1], &[0, 2], &[2, 3]] {
        assert_eq!(check(&owner, epochs), Err(RightsError::Epoch), "{epochs:?}");
    }
    for count in [0, 2] {
        let body = SessionBody::Grant(SessionGrant {
            grants: vec![world.grant_to(&people[1], READ, 0)],
            epochs: vec![2],
            wraps: some_wraps(count),
        });
        assert_eq!(world.refusal(&log, &owner, T0, body), RightsError::Epoch);
    }
}

#[test]
fn revocation_with_and_without_cascade() {
    let Scene {
        world,
        owner,
        people,
        mut log,
    } = scene();
    let [a, b, c, d] = &people[..] else { panic!() };
    // owner -> a -> b -> c, owner -> d
    world.grant(&mut log, &owner, world.grant_to(a, MANAGE, 0));
    world.grant(&mut log, a, world.grant_to(b, MANAGE, 0));
    world.grant(&mut log, b, world.grant_to(c, READ, 0));
    world.grant(&mut log, &owner, world.grant_to(d, FORWARD, 0));

    let mut with = log.clone();
    world.push_body(&mut with, &owner, T0, &revoke(&[a], 1));
    let left: Vec<_> = with.state.members().map(|(it, _)| *it).collect();
    assert_eq!(left.len(), 2);
    assert!(left.contains(&owner.recipient()) && left.contains(&d.recipient()));
    let cause = |of: &Person| with.state.was_removed(&of.recipient()).unwrap().cause;
    assert_eq!(cause(a), RemovalCause::Revoked);
    assert_eq!(cause(b), RemovalCause::Cascade);
    assert_eq!(cause(c), RemovalCause::Cascade);

    let mut without = log.clone();
    world.push_body(&mut without, &owner, T0, &revoke(&[a], 0));
    let parent = |log: &Log, of: &Person| log.state.member(&of.recipient()).unwrap().granted_by;
    assert_eq!(parent(&without, b), owner.recipient());
    assert_eq!(parent(&without, c), b.recipient());
    // A later cascade begins at whoever answers now.
    world.push_body(&mut without, &owner, T0, &revoke(&[b], 1));
    assert!(without.state.member(&c.recipient()).is_none());

    // Without the right: nobody else, nor oneself with a cascade.
    let refused = |by: &Person, body| world.refusal(&log, by, T0, body);
    assert_eq!(refused(d, revoke(&[c], 0)), RightsError::NotAllowed);
    assert_eq!(refused(d, revoke(&[d], 1)), RightsError::NotAllowed);
    assert_eq!(refused(d, revoke(&[&owner], 0)), RightsError::Owner);
    assert_eq!(refused(b, revoke(&[&owner], 0)), RightsError::Owner);
    // A cascade that would reach the author.
    assert_eq!(refused(b, revoke(&[a], 1)), RightsError::Owner);
    // The last owner.
    assert_eq!(refused(&owner, revoke(&[&owner], 0)), RightsError::Owner);
    assert_eq!(refused(&owner, revoke(&[&owner], 1)), RightsError::Owner);
    // Somebody who is not there.
    let mut twice = log.clone();
    world.push_body(&mut twice, &owner, T0, &revoke(&[c], 0));
    assert_eq!(
        world.refusal(&twice, &owner, T0, revoke(&[c], 0)),
        RightsError::Recipient
    );
    // Leaving needs no right.
    world.push_body(&mut log, d, T0, &revoke(&[d], 0));
    let gone = log.state.was_removed(&d.recipient()).unwrap();
    assert_eq!(gone.cause, RemovalCause::Left);
}

#[test]
fn a_cascade_never_reaches_an_owner_from_below() {
    let Scene {
        world,
        owner,
        people,
        mut log,
    } = scene();
    let [a, b, c, _] = &people[..] else { panic!() };
    world.grant(&mut log, &owner, world.grant_to(a, OWNER, 0));
    world.grant(&mut log, a, world.grant_to(b, OWNER, 0));
    world.grant(&mut log, &owner, world.grant_to(c, MANAGE, 0));
    // a gives up being an owner, so that it is no longer protected itself.
    world.push_body(&mut log, a, T0, &transfer_body(&world, b, OWNER, MANAGE));
    world.grant(&mut log, b, world.grant_to(&people[3], READ, 0));
    let parent = |of: &Person| log.state.member(&of.recipient()).unwrap().granted_by;
    assert_eq!((parent(b), parent(a)), (b.recipient(), b.recipient()));
    assert_eq!(
        world.refusal(&log, c, T0, revoke(&[b], 1)),
        RightsError::Owner
    );
    // Revoking a with cascade leaves b, which answers for itself.
    world.push_body(&mut log, c, T0, &revoke(&[a], 1));
    assert!(log.state.member(&b.recipient()).unwrap().is_owner());
}

#[test]
fn the_line_of_grants_has_no_loops() {
    let Scene {
        world,
        owner,
        people,
        mut log,
    } = scene();
    let [a, b, c, _] = &people[..] else { panic!() };
    world.grant(&mut log, &owner, world.grant_to(a, MANAGE, 0));
    world.grant(&mut log, a, world.grant_to(b, MANAGE, 0));
    world.grant(&mut log, b, world.grant_to(c, MANAGE, 0));
    for above in [a, b] {
        assert_eq!(
            world.refusal(&log, c, T0, grant_body(&world, above, MANAGE, 0, &[0])),
            RightsError::NotAllowed
        );
    }
    // Revoking the one above does not put those between under the author.
    world.push_body(&mut log, c, T0, &revoke(&[a], 0));
    let parent = |of: &Person| log.state.member(&of.recipient()).unwrap().granted_by;
    assert_eq!((parent(b), parent(c)), (owner.recipient(), b.recipient()));
}

#[test]
fn who_leaves_hands_its_grants_to_whoever_granted_to_it() {
    let Scene {
        world,
        owner,
        people,
        mut log,
    } = scene();
    let [a, b, c, _] = &people[..] else { panic!() };
    world.grant(&mut log, &owner, world.grant_to(a, FORWARD, T0 + DAY));
    world.grant(&mut log, a, world.grant_to(b, FORWARD, T0 + DAY));
    world.grant(&mut log, b, world.grant_to(c, READ, T0 + DAY));
    let parent = |log: &Log, of: &Person| log.state.member(&of.recipient()).unwrap().granted_by;
    let mut left = log.clone();
    world.push_body(&mut left, a, T0, &revoke(&[a], 0));
    assert_eq!(parent(&left, b), owner.recipient());
    world.push_body(&mut left, b, T0, &revoke(&[b], 0));
    assert_eq!(parent(&left, c), owner.recipient());

    // Expiry is the same, whoever writes it down.
    let mut expired = world.create(&owner, vec![world.grant_to(c, READ, 0)]);
    world.grant(&mut expired, &owner, world.grant_to(a, FORWARD, T0 + DAY));
    world.grant(&mut expired, a, world.grant_to(b, READ, T0 + DAY));
    let longer = world.grant_to(b, READ, T0 + 2 * DAY);
    world.grant(&mut expired, &owner, longer);
    world.rotate(&mut expired, c, T0 + DAY);
    assert_eq!(parent(&expired, b), owner.recipient());
}

#[test]
fn a_rotation_leaves_out_exactly_who_must_be() {
    let Scene {
        mut world,
        owner,
        mut people,
        mut log,
    } = scene();
    world.grant(&mut log, &owner, world.grant_to(&people[0], READ, T0 + DAY));
    world.grant(&mut log, &owner, world.grant_to(&people[1], READ, 0));
    let refused = |now, body| world.refusal(&log, &people[1], now, body);
    for count in [0, 1, 2, 4] {
        assert_eq!(
            refused(T0, rotate_body(1, &[0], count, &[])),
            RightsError::Epoch
        );
    }
    // Wrapping to somebody whose time is over; removing somebody whose time is not.
    assert_eq!(
        refused(T0 + DAY, rotate_body(1, &[0], 3, &[])),
        RightsError::Epoch
    );
    for unexpired in [&people[0], &owner] {
        let body = rotate_body(1, &[0], 2, &[unexpired]);
        assert_eq!(refused(T0, body), RightsError::Epoch);
    }
    let body = rotate_body(1, &[0], 3, &[&people[2]]);
    assert_eq!(refused(T0, body), RightsError::Recipient);
    // Numbers.
    for epoch in [2, 3] {
        let body = rotate_body(epoch, &[0], 3, &[]);
        assert_eq!(refused(T0, body), RightsError::Epoch);
    }
    // A new segment without `revoke`.
    let body = rotate_body(1, &[], 3, &[]);
    assert_eq!(refused(T0, body), RightsError::NotAllowed);
    // Whose time is over is removed, not suspended; and nobody suspends itself.
    let withdraws = |whom: &Person| {
        let SessionBody::Rotate(mut body) = rotate_body(1, &[0], 2, &[whom]) else {
            panic!()
        };
        body.removals[0].reason = RemovalReason::Withdrawn;
        SessionBody::Rotate(body)
    };
    assert_eq!(refused(T0 + DAY, withdraws(&people[0])), RightsError::Epoch);
    assert_eq!(refused(T0, withdraws(&people[1])), RightsError::Recipient);
    assert_eq!(refused(T0, withdraws(&people[2])), RightsError::Recipient);
    // An expired member writes nothing.
    for body in [
        rotate_body(1, &[0], 2, &[&people[0]]),
        revoke(&[&people[0]], 0),
    ] {
        assert_eq!(
            world.refusal(&log, &people[0], T0 + DAY, body),
            RightsError::NotAllowed
        );
    }

    // A back-link into another segment.
    world.push_body(&mut log, &owner, T0, &rotate_body(1, &[], 3, &[]));
    world.push_body(&mut log, &owner, T0, &rotate_body(2, &[1], 3, &[]));
    for targets in [&[0][..], &[0, 1], &[0, 2]] {
        let body = rotate_body(3, targets, 3, &[]);
        assert_eq!(world.refusal(&log, &owner, T0, body), RightsError::Epoch);
    }
    world.push_body(&mut log, &owner, T0, &rotate_body(3, &[1, 2], 3, &[]));

    // Updates: only to keys that are really there.
    world.rotate_user_key(&mut people[1]);
    let update = |key| {
        SessionBody::Rotate(SessionRotate {
            epoch: some_epoch(4, &[3], 3),
            updates: vec![key],
            removals: vec![],
        })
    };
    let newest = recipient_key(world.state(&people[1]));
    let mut stale = newest;
    stale.generation = 0;
    stale.key_id = world.state(&people[1]).user_keys()[0].id;
    let mut foreign = newest;
    foreign.key_id = recipient_key(world.state(&people[0])).key_id;
    let mut number = newest;
    number.generation = 2;
    for key in [stale, foreign, number] {
        assert_eq!(
            world.refusal(&log, &owner, T0, update(key)),
            RightsError::RecipientKey
        );
    }
    let stranger = recipient_key(world.state(&people[2]));
    assert_eq!(
        world.refusal(&log, &owner, T0, update(stranger)),
        RightsError::Recipient
    );
    world.push_body(&mut log, &owner, T0, &update(newest));
}

#[test]
fn grants_name_the_newest_key_at_a_true_position() {
    let Scene {
        mut world,
        owner,
        mut people,
        log,
    } = scene();
    let before = recipient_key(world.state(&people[0]));
    world.rotate_user_key(&mut people[0]);
    let now = recipient_key(world.state(&people[0]));
    let refused = |key| {
        let mut grant = world.grant_to(&people[0], READ, 0);
        grant.key = key;
        let body = SessionBody::Grant(SessionGrant {
            grants: vec![grant],
            epochs: vec![0],
            wraps: some_wraps(1),
        });
        world.refusal(&log, &owner, T0, body)
    };
    // Another's key, an old generation at a new position, and the other way round.
    let mut swapped = now;
    swapped.key_id = recipient_key(world.state(&people[1])).key_id;
    let mut stale = before;
    stale.position = now.position;
    let mut early = now;
    early.position = before.position;
    for key in [swapped, stale, early] {
        assert_eq!(refused(key), RightsError::RecipientKey);
    }
    // A hash that is not in the chain.
    let mut invented = now;
    invented.position.hash.0[0] ^= 1;
    assert_eq!(refused(invented), RightsError::Position);
    // Kinds.
    for (kind, wants_newer) in [
        (Kind::Link, true),
        (Kind::Session, true),
        (Kind::Tenant, false),
        (Kind::Device, false),
    ] {
        let mut other = now;
        other.recipient.kind = kind;
        assert_eq!(newer::<()>(Err(refused(other))), wants_newer, "{kind:?}");
    }
    // A longer chain than is known here.
    let mut ahead = now;
    ahead.position.seq += 5;
    let mut grant = world.grant_to(&people[0], READ, 0);
    grant.key = ahead;
    let body = SessionBody::Grant(SessionGrant {
        grants: vec![grant],
        epochs: vec![0],
        wraps: some_wraps(1),
    });
    let entry = world.writer(&owner, T0).plain(&log.state, &body).entry;
    match replay_session(Some(log.state.clone()), &[entry], &world.known).unwrap() {
        Outcome::Needs(needs) => {
            assert_eq!((needs[0].chain, needs[0].seq), (people[0].id, 6));
        }
        Outcome::Done(_) => panic!("done"),
    }
}

#[test]
fn a_revoked_device_signs_nothing_and_cannot_go_back() {
    let Scene {
        mut world,
        mut owner,
        people,
        mut log,
    } = scene();
    let phone = world.add_device(&mut owner);
    let thief = owner.devices[1].clone();
    let signer = owner.clone();
    let mut writer = world.writer(&signer, T0);
    writer.author.key = phone;
    writer.key = &thief.signing;
    // While it is valid, it writes.
    let draft = writer.plain(&log.state, &grant_body(&world, &people[0], READ, 0, &[0]));
    world.push(&mut log, draft);
    let earlier = writer.author.position;

    world.revoke_device(&mut owner, phone);
    writer.author.position = world.state(&owner).author(phone).position;
    let entry = writer.plain(&log.state, &SessionBody::Tombstone).entry;
    assert_eq!(
        world.check(&log, &entry).unwrap_err(),
        RightsError::Chain(ChainError::Author)
    );
    // Back-dated to when it was valid: refused as soon as the session has seen more.
    world.rotate(&mut log, &owner, T0);
    writer.author.position = earlier;
    let entry = writer.plain(&log.state, &SessionBody::Tombstone).entry;
    assert_eq!(
        world.check(&log, &entry).unwrap_err(),
        RightsError::BackDated
    );
    // A device that never was one, and a signature by another key.
    let mut writer = world.writer(&owner, T0);
    writer.author.key.0[0] ^= 1;
    let entry = writer.plain(&log.state, &SessionBody::Tombstone).entry;
    assert_eq!(
        world.check(&log, &entry).unwrap_err(),
        RightsError::Chain(ChainError::Author)
    );
    let mut writer = world.writer(&owner, T0);
    writer.key = &thief.signing;
    let entry = writer.plain(&log.state, &SessionBody::Tombstone).entry;
    assert_eq!(
        world.check(&log, &entry).unwrap_err(),
        RightsError::Chain(ChainError::Signature)
    );
}

#[test]
fn identities_of_another_tenant_stay_out() {
    let Scene {
        mut world,
        owner,
        log,
        ..
    } = scene();
    let mut other = World::new(2);
    let stranger = other.person();
    world
        .known
        .insert(stranger.id, other.known[&stranger.id].clone());
    let body = grant_body(&world, &stranger, READ, 0, &[0]);
    let chain = RightsError::Chain(ChainError::OtherChain);
    assert_eq!(world.refusal(&log, &owner, T0, body), chain);
    let body = SessionBody::Tombstone;
    assert_eq!(world.refusal(&log, &stranger, T0, body), chain);
}

#[test]
fn owners_only() {
    let Scene {
        world,
        owner,
        people,
        mut log,
    } = scene();
    world.grant(&mut log, &owner, world.grant_to(&people[0], MANAGE, 0));
    world.grant(&mut log, &owner, world.grant_to(&people[1], FORWARD, 0));
    let refused = |by: &Person, body| world.refusal(&log, by, T0, body);
    let (a, b) = (&people[0], &people[1]);
    assert_eq!(refused(a, SessionBody::Tombstone), RightsError::Owner);
    let hand_over = |rights| transfer_body(&world, b, rights, 0);
    assert_eq!(refused(a, hand_over(OWNER)), RightsError::Owner);
    assert_eq!(refused(&owner, hand_over(MANAGE)), RightsError::Owner);
    let to_self = transfer_body(&world, &owner, OWNER, 0);
    assert_eq!(refused(&owner, to_self), RightsError::Recipient);
    let metadata = |epoch| {
        SessionBody::SetMetadata(SessionSetMetadata {
            epoch,
            blob_hash: [1; 32],
        })
    };
    assert_eq!(refused(b, metadata(0)), RightsError::NotAllowed);
    assert_eq!(refused(a, metadata(1)), RightsError::Epoch);
    world.push_body(&mut log, a, T0, &metadata(0));
}

#[test]
fn what_is_unknown_needs_a_newer_client() {
    let Scene {
        world,
        owner,
        people,
        log,
    } = scene();
    let writer = world.writer(&owner, T0);
    let Draft { entry, .. } =
        writer.plain(&log.state, &grant_body(&world, &people[0], READ, 0, &[0]));
    let key = &owner.devices[0].signing;
    let signed = |change: &dyn Fn(&mut plico_protocol::format::entry::Entry)| {
        let mut entry = entry.entry.clone();
        change(&mut entry);
        world.check(&log, &sign_entry(entry, key))
    };
    assert!(signed(&|_| {}).is_ok());
    for entry_type in [0, 8, 13, 18, 21, 0xffff] {
        assert!(newer(signed(&|it| it.entry_type = entry_type)));
    }
    assert!(newer(signed(&|it| it.version = 2)));
    for rights in [0x09, 0x11, 0x21, 0x41] {
        let body = grant_body(&world, &people[0], rights, 0, &[0]).encode().1;
        assert!(newer(signed(&|it| it.body = Opaque::new(body.clone()))));
    }
    // Bits that are known, but not together.
    for rights in [0, RightsBits::FORWARD, 0x81, 0x83, 0x80] {
        let body = grant_body(&world, &people[0], rights, 0, &[0]).encode().1;
        let result = signed(&|it| it.body = Opaque::new(body.clone()));
        assert!(result.is_err() && !newer(result));
    }
    let mut algorithm = entry.clone();
    algorithm.algorithm = 2;
    assert!(newer(world.check(&log, &algorithm)));
    let mut bytes = entry.to_bytes();
    bytes[1] = 2;
    assert_eq!(
        plico_protocol::format::entry::SignedEntry::from_bytes(&bytes),
        Err(FormatError::NeedsNewerClient("entry"))
    );
    // Links and places.
    let chain = |error| Err(RightsError::Chain(error));
    assert_eq!(
        signed(&|it| it.seq = 2).map(|_| ()),
        chain(ChainError::Sequence)
    );
    assert_eq!(
        signed(&|it| it.prev.0[0] ^= 1).map(|_| ()),
        chain(ChainError::BrokenLink)
    );
    assert_eq!(
        signed(&|it| it.chain_id.0[0] ^= 1).map(|_| ()),
        chain(ChainError::OtherChain)
    );
    assert_eq!(
        signed(&|it| it.kind = Kind::Identity).map(|_| ()),
        chain(ChainError::OtherChain)
    );
    // An unknown payload suite.
    let draft = draft::create(
        &writer,
        world.tenant_id(),
        9,
        vec![],
        &world.known,
        &mut world.rng(),
    );
    assert!(newer(world.replay(None, &[draft.unwrap().entry])));
    assert_eq!(
        world.replay(None, &[]).map(|_| ()),
        chain(ChainError::Empty)
    );
}

#[test]
fn the_first_entry_is_its_creators() {
    let Scene {
        world,
        owner,
        people,
        log,
    } = scene();
    let first = &log.drafts[0].entry;
    let SessionBody::Create(body) = SessionBody::decode(1, first.entry.body.as_slice()).unwrap()
    else {
        panic!()
    };
    let refused = |body: plico_protocol::format::bodies::SessionCreate, by: &Person| {
        let mut entry = first.entry.clone();
        entry.chain_id = body.core.chain_id();
        entry.author = world.writer(by, T0).author;
        entry.body = Opaque::new(SessionBody::Create(body).encode().1);
        let entry = sign_entry(entry, &by.devices[0].signing);
        world.replay(None, &[entry]).unwrap_err()
    };
    // Somebody else begins it; the creator is no owner; there is an end; wrong counts.
    assert_eq!(
        refused(body.clone(), &people[0]),
        RightsError::Chain(ChainError::Author)
    );
    let mut other = body.clone();
    other.grants[0].rights = RightsBits(MANAGE);
    assert_eq!(refused(other, &owner), RightsError::Owner);
    let mut other = body.clone();
    other.grants[0].expires_ms = T0 + DAY;
    assert_eq!(refused(other, &owner), RightsError::Owner);
    let mut other = body.clone();
    other.grants = vec![world.grant_to(&people[0], OWNER, 0)];
    assert_eq!(refused(other, &owner), RightsError::Owner);
    let mut other = body.clone();
    other.epoch.wraps.count = 2;
    assert_eq!(refused(other, &owner), RightsError::Epoch);
    let mut other = body.clone();
    other.epoch.epoch = 1;
    assert_eq!(refused(other, &owner), RightsError::Epoch);
    let mut other = body;
    other.core.suite = 0;
    assert!(matches!(
        refused(other, &owner),
        RightsError::Chain(ChainError::Format(FormatError::Malformed("core")))
    ));
}
