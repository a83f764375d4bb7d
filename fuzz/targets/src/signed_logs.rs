//! Bodies that nobody would write, but rightly linked and signed: what a
//! member (or a device) that has gone bad can append. The rules are reached.

use crate::cut::Cut;
use crate::fixture::{T0, author_of, fixture};
use plico_protocol::chain::{Replay as _, sign_entry};
use plico_protocol::format::ids::{ChainId, Recipient};
use plico_protocol::identity::IdentityState;
use plico_protocol::identity::draft::next_own_entry;
use plico_protocol::rights::Withdrawn;
use plico_protocol::rights::state::{MAX_MEMBERS, MAX_SEGMENTS};
use plico_protocol::rights::{Outcome, SessionState, due, replay_session};
use plico_protocol::wire::accept::accept_session;
use plico_protocol::wire::access::access;
use plico_protocol::wire::upload::Upload;
use std::collections::BTreeSet;

/// Blocks of `author, minutes (2), type (2), body`.
pub fn session(data: &[u8]) {
    let mut cut = Cut(data);
    let world = fixture();
    // From the beginning, or from where something has happened.
    let log = world.session_log();
    let from = usize::from(cut.byte()) % (log.len() - 1) + 1;
    let mut state = match replay_session(None, &log[..from], &world.known) {
        Ok(Outcome::Done(state)) => *state,
        other => panic!("the fixture's own log: {other:?}"),
    };
    for block in cut.blocks().into_iter().take(12) {
        let mut cut = Cut(block);
        let person = usize::from(cut.byte()) % world.people.len();
        let now = T0 + u64::from(cut.number()) * 60_000;
        let body = (cut.number(), cut.0.to_vec());
        let entry = state.tip().next_entry(author_of(person), now, body);
        let entry = sign_entry(entry, &world.people[person].device.signing);
        let upload = Upload {
            entry: entry.clone(),
            staged_parts: 0,
            wraps: Vec::new(),
            back_links: Vec::new(),
            metadata: None,
            tag: None,
        };
        let id = world.people[person].id;
        let before = Some(state.clone());
        let accepted = accept_session(before, &[upload], id, &BTreeSet::new(), &world.known, now);
        let replayed = replay_session(Some(state.clone()), &[entry], &world.known);
        match replayed {
            Ok(Outcome::Done(next)) => {
                promises(&state, &next, id, now);
                state = *next;
            }
            _ => assert!(accepted.is_err(), "accepted, but not replayed"),
        }
    }
}

/// What holds after whatever entry.
fn promises(before: &SessionState, after: &SessionState, author: ChainId, now: u64) {
    assert!(!before.ended(), "after the end");
    let me = Recipient::identity(author);
    let was = before.member(&me).expect("only members write");
    assert!(!was.expired_at(now));
    let owners = || after.members().filter(|(_, it)| it.is_owner());
    assert!(owners().count() > 0, "no owner");
    assert!(owners().all(|(_, it)| it.expires_ms == 0));
    assert!(after.members().count() <= MAX_MEMBERS);
    assert!(after.current_segment() < MAX_SEGMENTS);
    assert_eq!(after.tip().head.seq, before.tip().head.seq + 1);
    for (recipient, member) in after.members() {
        let by = member.granted_by;
        assert!(after.member(&by).is_some(), "nobody answers for a grant");
        assert!(member.rights.check().is_ok());
        assert!(member.segments.contains(&after.current_segment()));
        assert!(access(after, recipient, 0).is_ok() != after.ended());
        // Nobody has more than before but by somebody who had it.
        let old = before.member(recipient);
        let gained = member.rights.0 & !old.map_or(0, |it| it.rights.0);
        assert_eq!(gained & !was.rights.0, 0, "more rights than the grantor's");
        let new_segments = after.epochs().len() > before.epochs().len();
        for segment in &member.segments {
            let had = old.is_some_and(|it| it.segments.contains(segment));
            let begun = new_segments && *segment == after.current_segment();
            assert!(had || begun || was.segments.contains(segment));
        }
    }
    // Owners fall by owners only, and who is gone is gone.
    for (recipient, member) in before.members() {
        let gone = after.member(recipient).is_none();
        assert!(!(gone && member.is_owner()) || was.is_owner());
        if gone {
            assert!(after.was_removed(recipient).is_some());
            assert!(access(after, recipient, 0).is_err());
        }
    }
    let begun = after.epochs().len() - before.epochs().len();
    assert!(begun <= 1);
    let fewer = before.members().any(|(it, _)| after.member(it).is_none());
    if fewer && begun == 0 {
        assert!(
            due(after, &fixture().known, &Withdrawn::Unknown, now).is_some(),
            "not due"
        );
    }
}

/// Blocks of `type (2), body`, in a new identity's chain.
pub fn identity(data: &[u8]) {
    let world = fixture();
    let person = &world.people[0];
    let mut state: IdentityState = world.known[&person.id].clone();
    for block in Cut(data).blocks().into_iter().take(12) {
        let mut cut = Cut(block);
        let body = (cut.number(), cut.0.to_vec());
        let key = &person.device.signing;
        let entry = next_own_entry(state.tip(), body, T0, key);
        let mut next = state.clone();
        if next.apply(&entry, &()).is_err() {
            // The device itself is revoked, or the body is not one.
            continue;
        }
        assert_eq!(next.tip().head.hash, entry.entry.hash());
        let active = next.active_devices().count();
        assert!((1..=32).contains(&active));
        let generations = next.user_keys().len() - state.user_keys().len();
        assert!(generations <= 1);
        assert!(generations == 1 || next.user_key().0 == state.user_key().0);
        for (seq, hash) in (0..=state.tip().head.seq).map(|seq| (seq, state.hash_at(seq))) {
            assert_eq!(next.hash_at(seq), hash, "the past has changed");
        }
        state = next;
    }
}
