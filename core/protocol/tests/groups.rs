//! Groups: their keys, who may act as one, groups in groups, and what those
//! who come later may see.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::place::{Place, Ring};
use common::world::*;
use plico_protocol::chain::ChainError;
use plico_protocol::format::bodies::{GroupRotate, SessionBody, SessionGrant, SessionRotate, Step};
use plico_protocol::format::ids::Recipient;
use plico_protocol::keyring::wraps::Wrap;
use plico_protocol::rights::Withdrawn;
use plico_protocol::rights::draft::{self, Draft};
use plico_protocol::rights::{DueReason, MAX_HEIGHT, Outcome, RightsError, due, replay_session};

/// The wrap of the newest epoch in `draft` for `to`.
fn wrap_for(draft: &Draft, to: Recipient) -> Wrap {
    let mut wraps = draft.wraps.iter().rev();
    wraps.find(|it| it.info.recipient == to).unwrap().clone()
}

#[test]
fn a_session_for_a_group_costs_one_wrap_and_opens_for_all_its_members() {
    let mut place = Place::new(1);
    let (owner, a, b) = (place.person(), place.person(), place.person());
    let members = vec![place.grant_of(a.recipient(), READ)];
    let mut group = place.group(&owner, true, members);
    assert_eq!(
        (group.state.height(), group.state.opens_history()),
        (1, true)
    );
    let to_group = vec![place.grant_of(group.recipient(), READ)];
    let session = place.session(&owner, to_group);
    assert_eq!(session.drafts[0].wraps.len(), 2);
    let wrap = wrap_for(&session.drafts[0], group.recipient());
    // A member opens it with the group's secret, which its own wrap gave it.
    let own = wrap_for(&group.drafts[0], a.recipient());
    let secret = own.open(&a.secrets[0].kem_key()).unwrap();
    assert_eq!(wrap.open(&secret.kem_key()).unwrap(), *session.secret());
    assert!(wrap.open(&b.secrets[0].kem_key()).is_err());
    // Whoever comes later opens it, and the session is not touched.
    let grant = place.grant_of(b.recipient(), READ);
    place.grant(&mut group, &owner, grant);
    let own = wrap_for(group.drafts.last().unwrap(), b.recipient());
    let secret = own.open(&b.secrets[0].kem_key()).unwrap();
    assert_eq!(wrap.open(&secret.kem_key()).unwrap(), *session.secret());
    assert_eq!(
        due(&session.state, &place.chains, &Withdrawn::Unknown, T0),
        None
    );
    // Whoever goes takes the group's old key along: the group rotates, and the
    // session is due.
    let revoked = place.revoking(&group, &owner, a.recipient());
    place.try_push(&mut group, revoked).unwrap();
    assert_eq!(
        due(&group.state, &place.chains, &Withdrawn::Unknown, T0),
        Some(DueReason::Left)
    );
    place.rotate(&mut group, &owner, true);
    let newer = DueReason::NewGeneration(group.recipient());
    assert_eq!(
        due(&session.state, &place.chains, &Withdrawn::Unknown, T0),
        Some(newer)
    );
    // An older generation opens through the group's back-links.
    let link = &group.drafts.last().unwrap().back_links[0];
    let commitment = group.state.epoch(0).unwrap().commitment;
    let old = group.secret().open_back_link(link, &commitment).unwrap();
    assert_eq!(wrap.open(&old.kem_key()).unwrap(), *session.secret());
    // From nothing it is the same.
    let again = place.replay(None, &group.entries()).unwrap();
    assert_eq!(again.group_key(), group.state.group_key());
}

#[test]
fn members_act_as_the_group_with_the_groups_rights() {
    let mut place = Place::new(2);
    let people: Vec<Person> = (0..4).map(|_| place.person()).collect();
    let [owner, a, b, stranger] = people.as_slice() else {
        unreachable!()
    };
    let members = vec![place.grant_of(a.recipient(), READ)];
    let mut group = place.group(owner, true, members);
    let to_group = vec![place.grant_of(group.recipient(), FORWARD)];
    let mut session = place.session(owner, to_group);

    // Not by itself: the member is no recipient.
    let to_b = place.grant_of(b.recipient(), READ);
    let bare = place.granting(&session, a, to_b);
    let refused = place.try_push(&mut session, bare.clone());
    assert_eq!(refused, Err(RightsError::NotAllowed));
    // As the group, and the grant is the group's.
    let writer = place.world.writer(a, T0);
    let granted = draft::through(&writer, bare.clone(), &[group.step()]);
    place.try_push(&mut session, granted).unwrap();
    let member = session.state.member(&b.recipient()).unwrap();
    assert_eq!(
        (member.granted_by, member.signed_by),
        (group.recipient(), a.id)
    );
    // No more than the group may.
    let revoked = place.revoking(&session, a, b.recipient());
    let revoked = draft::through(&writer, revoked, &[group.step()]);
    let refused = place.try_push(&mut session, revoked);
    assert_eq!(refused, Err(RightsError::NotAllowed));
    // Nor may a member take the whole group out, which would be leaving.
    let left = place.revoking(&session, a, group.recipient());
    let left = draft::through(&writer, left, &[group.step()]);
    let refused = place.try_push(&mut session, left);
    assert_eq!(refused, Err(RightsError::NotAllowed));
    // Somebody who is not in the group; a group that is not in the session.
    let writer = place.world.writer(stranger, T0);
    let bare = place.rotating(&session, stranger, true);
    let forged = draft::through(&writer, bare.clone(), &[group.step()]);
    let refused = place.try_push(&mut session, forged);
    assert_eq!(refused, Err(RightsError::NotAllowed));
    let others = place.group(stranger, true, Vec::new());
    let forged = draft::through(&writer, bare, &[others.step()]);
    let refused = place.try_push(&mut session, forged);
    assert_eq!(refused, Err(RightsError::NotAllowed));

    // One who has left can't go back to when it was a member: a later place of
    // the group has been named since.
    let before = group.step();
    let revoked = place.revoking(&group, owner, a.recipient());
    place.try_push(&mut group, revoked).unwrap();
    let writer = place.world.writer(a, T0);
    let now = draft::through(&writer, place.rotating(&session, a, true), &[group.step()]);
    let refused = place.try_push(&mut session, now);
    assert_eq!(refused, Err(RightsError::NotAllowed));
    place.rotate(&mut group, owner, true);
    place.rotate(&mut session, owner, true);
    let back = draft::through(&writer, place.rotating(&session, a, true), &[before]);
    let refused = place.try_push(&mut session, back);
    assert_eq!(refused, Err(RightsError::BackDated));
}

#[test]
fn groups_in_groups_make_no_circle_and_are_not_too_deep() {
    let mut place = Place::new(3);
    let owner = place.person();
    let mut rings: Vec<Ring> = Vec::new();
    for _ in 0..MAX_HEIGHT {
        let inner = rings.last().map(|it: &Ring| it.recipient());
        let grants = inner
            .map(|it| place.grant_of(it, READ))
            .into_iter()
            .collect();
        rings.push(place.group(&owner, true, grants));
    }
    let heights: Vec<u8> = rings.iter().map(|it| it.state.height()).collect();
    assert_eq!(heights, [1, 2, 3, 4]);
    // One more around it is too deep.
    let mut around = place.group(&owner, true, Vec::new());
    let outermost = place.grant_of(rings[3].recipient(), READ);
    let draft = place.granting(&around, &owner, outermost);
    assert_eq!(
        place.try_push(&mut around, draft),
        Err(RightsError::TooDeep)
    );
    // Any of them into the innermost, itself included, is a circle.
    for outer in 0..4 {
        let grant = place.grant_of(rings[outer].recipient(), READ);
        let draft = place.granting(&rings[0], &owner, grant);
        let refused = place.try_push(&mut rings[0], draft);
        assert_eq!(refused, Err(RightsError::Circle), "{outer}");
    }
    // A member of the innermost acts in a session for the outermost, through all.
    let member = place.person();
    let grant = place.grant_of(member.recipient(), READ);
    place.grant(&mut rings[0], &owner, grant);
    let to_outermost = vec![place.grant_of(rings[3].recipient(), READ)];
    let mut session = place.session(&owner, to_outermost);
    let path: Vec<Step> = rings.iter().rev().map(Ring::step).collect();
    let writer = place.world.writer(&member, T0);
    let draft = draft::through(&writer, place.rotating(&session, &member, true), &path);
    place.try_push(&mut session, draft).unwrap();
    // A path with a gap, or in another order, leads nowhere.
    for path in [
        &path[1..],
        &path[..3],
        &[path[0], path[2], path[1], path[3]],
    ] {
        let draft = draft::through(&writer, place.rotating(&session, &member, true), path);
        let refused = place.try_push(&mut session, draft);
        assert_eq!(refused, Err(RightsError::NotAllowed));
    }
}

/// "From now on": neither the group nor what is wrapped to it opens what was.
#[test]
fn who_comes_from_now_on_sees_nothing_from_before() {
    let mut place = Place::new(4);
    let (owner, late) = (place.person(), place.person());
    let mut group = place.group(&owner, false, Vec::new());
    let to_group = vec![place.grant_of(group.recipient(), READ)];
    let mut session = place.session(&owner, to_group);
    place.rotate(&mut group, &owner, true);
    // Not without a new segment of the group.
    let to_late = place.grant_of(late.recipient(), READ);
    let draft = place.granting(&group, &owner, to_late);
    assert_eq!(place.try_push(&mut group, draft), Err(RightsError::Epoch));
    place.rotate(&mut group, &owner, false);
    place.grant(&mut group, &owner, to_late);
    // Nor one that something else was done in.
    place.rotate(&mut group, &owner, true);
    let later = place.person();
    let to_later = place.grant_of(later.recipient(), READ);
    let draft = place.granting(&group, &owner, to_later);
    assert_eq!(place.try_push(&mut group, draft), Err(RightsError::Epoch));

    // The session's next epoch is not linked to what was before, whoever makes it.
    let mut linked = place.rotating(&session, &owner, true);
    assert!(linked.back_links.is_empty());
    let SessionBody::Rotate(mut body) =
        SessionBody::decode(4, linked.entry.entry.body.as_slice()).unwrap()
    else {
        unreachable!()
    };
    body.epoch.back_links = some_epoch(1, &[0], 1).back_links;
    let writer = place.world.writer(&owner, T0);
    linked = writer.plain(&session.state, &SessionBody::Rotate(body));
    assert_eq!(
        place.try_push(&mut session, linked),
        Err(RightsError::Epoch)
    );
    // Nor does a new grant take the group's newest members back there.
    let again = place.grant_of(group.recipient(), FORWARD);
    let draft = place.granting(&session, &owner, again);
    assert_eq!(place.try_push(&mut session, draft), Err(RightsError::Epoch));
    // A reader may do it, who could not begin a segment otherwise.
    let writer = place.world.writer(&late, T0);
    let rotated = draft::through(
        &writer,
        place.rotating(&session, &late, true),
        &[group.step()],
    );
    place.try_push(&mut session, rotated).unwrap();
    assert_eq!(session.state.current_segment(), 1);
    let own = place.rotating(&session, &late, false);
    let own = draft::through(&writer, own, &[group.step()]);
    assert_eq!(
        place.try_push(&mut session, own),
        Err(RightsError::NotAllowed)
    );
}

#[test]
fn a_group_is_no_session_and_a_session_no_group() {
    let mut place = Place::new(5);
    let owner = place.person();
    let mut group = place.group(&owner, true, Vec::new());
    let mut session = place.session(&owner, Vec::new());
    let writer = place.world.writer(&owner, T0);
    let rotate = SessionRotate {
        epoch: some_epoch(1, &[0], 1),
        updates: Vec::new(),
        removals: Vec::new(),
    };
    let sequence = Err(ChainError::Sequence.into());
    let bare = writer.plain(&group.state, &SessionBody::Rotate(rotate.clone()));
    assert_eq!(place.try_push(&mut group, bare), sequence);
    let key = draft::group_key(group.secret()).unwrap();
    let with_key = SessionBody::GroupRotate(GroupRotate { rotate, key });
    let keyed = writer.plain(&session.state, &with_key);
    assert_eq!(place.try_push(&mut session, keyed), sequence);
    // A session is nothing that a secret could be wrapped to.
    let mut grant = place.grant_of(group.recipient(), READ);
    grant.key.recipient.id = session.id.0;
    let body = SessionBody::Grant(SessionGrant {
        grants: vec![grant],
        epochs: vec![0],
        wraps: some_wraps(1),
    });
    let draft = writer.plain(&session.state, &body);
    let outcome = replay_session(
        Some(session.state.clone()),
        std::slice::from_ref(&draft.entry),
        &place.chains,
    );
    assert!(matches!(outcome, Ok(Outcome::Needs(_))));
    // Another key than the group's newest is refused, and one of another tenant.
    let mut wrong = place.grant_of(group.recipient(), READ);
    wrong.key.key_id.0[0] ^= 1;
    let body = SessionBody::Grant(SessionGrant {
        grants: vec![wrong],
        epochs: vec![0],
        wraps: some_wraps(1),
    });
    let draft = writer.plain(&session.state, &body);
    assert_eq!(
        place.try_push(&mut session, draft),
        Err(RightsError::RecipientKey)
    );
}

/// What is signed and what is refused, byte by byte.
#[test]
fn bodies_are_canonical() {
    let mut place = Place::new(6);
    let owner = place.person();
    let group = place.group(&owner, true, Vec::new());
    let create = group.drafts[0].entry.entry.body.as_slice();
    let decoded = SessionBody::decode(17, create).unwrap();
    assert_eq!(decoded.encode(), (17, create.to_vec()));
    let mut wrong = create.to_vec();
    *wrong.last_mut().unwrap() = 2;
    assert!(SessionBody::decode(17, &wrong).is_err());
    let writer = place.world.writer(&owner, T0);
    let leaves = place.revoking(&group, &owner, owner.recipient());
    let through = draft::through(&writer, leaves, &[group.step()]);
    let bytes = through.entry.entry.body.as_slice();
    let decoded = SessionBody::decode(9, bytes).unwrap();
    assert_eq!(decoded.encode(), (9, bytes.to_vec()));
    // No path, and what can't be done so.
    let mut nested = writer.plain(&group.state, &decoded);
    nested = draft::through(&writer, nested, &[group.step()]);
    assert!(SessionBody::decode(9, nested.entry.entry.body.as_slice()).is_err());
    let empty = draft::through(&writer, group.drafts[0].clone(), &[]);
    assert!(SessionBody::decode(9, empty.entry.entry.body.as_slice()).is_err());
    let long = draft::through(&writer, through, &[group.step(); 5]);
    assert!(SessionBody::decode(9, long.entry.entry.body.as_slice()).is_err());
}
