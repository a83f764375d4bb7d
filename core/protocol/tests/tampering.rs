//! Every byte of every entry counts, and no bytes make a decoder panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::TestRng;
use common::world::*;
use plico_protocol::chain::Replay;
use plico_protocol::envelope::EnvelopeSignature;
use plico_protocol::format::bodies::{
    IdentityBody, SessionBody, SessionRevoke, TenantBody, UserIdOpening,
};
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::head::SignedHead;
use plico_protocol::format::keys::{Core, KeyRecord};
use plico_protocol::format::wrap::{BackLink, WrapInfo};
use plico_protocol::format::{decode, encode};
use plico_protocol::identity::{Attestation, IdentityState, TenantState};
use plico_protocol::primitives::sign::SigningKey;
use plico_protocol::rights::draft::{self, recipient_key};
use plico_protocol::rights::{Outcome, SessionState, replay_session};
use plico_protocol::wire::signing::ParsedSignature;
use rand_core::TryRng;

/// A log of each kind, with every type of entry.
struct Logs {
    world: World,
    person: Person,
    opening: UserIdOpening,
    session: Log,
}

fn logs() -> Logs {
    let mut world = World::new(40);
    let second = SigningKey::generate(&mut world.rng());
    world.append_tenant(&TenantBody::AddKey(world.prove(&second)), T0);
    world.append_tenant(&TenantBody::SetDirectoryKey(world.prove(&second)), T0);
    world.append_tenant(&TenantBody::RevokeKey(key_id(&second)), T0);

    let mut person = world.person();
    let device = world.add_device(&mut person);
    let opening = world.bind(&mut person, "dr.a", 1);
    world.revoke_device(&mut person, device);
    world.rotate_user_key(&mut person);

    let (reader, heir) = (world.person(), world.person());
    let mut session = world.create(&person, vec![]);
    world.grant(
        &mut session,
        &person,
        world.grant_to(&reader, READ, T0 + DAY),
    );
    world.rotate(&mut session, &person, T0);
    let secret = session.secret().clone();
    let writer = world.writer(&person, T0);
    let state = &session.state;
    let draft = draft::set_metadata(&writer, state, &secret, b"x", &mut world.rng()).unwrap();
    world.push(&mut session, draft);
    let revoke = SessionBody::Revoke(SessionRevoke {
        recipients: vec![reader.recipient()],
        cascade: 1,
    });
    world.push_body(&mut session, &person, T0, &revoke);
    let draft = draft::transfer(
        &writer,
        &session.state,
        recipient_key(world.state(&heir)),
        0,
        &[&secret],
        &world.known,
        &mut world.rng(),
    );
    world.push(&mut session, draft.unwrap());
    world.push_body(&mut session, &heir, T0, &SessionBody::Tombstone);
    Logs {
        world,
        person,
        opening,
        session,
    }
}

/// Flips one bit of each byte of each entry, cuts and extends it; `apply` says
/// whether an entry is taken after those before it.
fn tamper(log: &[SignedEntry], apply: impl Fn(usize, &SignedEntry) -> bool) {
    for (at, entry) in log.iter().enumerate() {
        let bytes = entry.to_bytes();
        let taken = |bytes: &[u8]| SignedEntry::from_bytes(bytes).is_ok_and(|it| apply(at, &it));
        assert!(taken(&bytes));
        for byte in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[byte] ^= 1 << (byte % 8);
            assert!(!taken(&bad), "entry {at}, byte {byte}");
            assert!(SignedEntry::from_bytes(&bytes[..byte]).is_err());
        }
        assert!(SignedEntry::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    }
}

fn states<R: Replay<Known = ()> + Clone>(log: &[SignedEntry]) -> Vec<R>
where
    R::Error: std::fmt::Debug,
{
    let mut states = vec![R::start(&log[0], &()).unwrap()];
    for entry in &log[1..] {
        let mut next = states.last().unwrap().clone();
        next.apply(entry, &()).unwrap();
        states.push(next);
    }
    states
}

#[test]
fn every_byte_of_a_tenants_log() {
    let Logs { world, .. } = logs();
    let states = states::<TenantState>(&world.tenant_log);
    let id = world.tenant_id();
    tamper(&world.tenant_log, |at, entry| match at.checked_sub(1) {
        // A client knows the id of its tenant.
        None => TenantState::start(entry, &()).is_ok_and(|it| it.id() == id),
        Some(before) => states[before].clone().apply(entry, &()).is_ok(),
    });
}

#[test]
fn every_byte_of_an_identitys_log() {
    let Logs { person, .. } = logs();
    let states = states::<IdentityState>(&person.log);
    tamper(&person.log, |at, entry| match at.checked_sub(1) {
        None => IdentityState::start(entry, &()).is_ok(),
        Some(before) => states[before].clone().apply(entry, &()).is_ok(),
    });
}

#[test]
fn every_byte_of_a_sessions_log() {
    let Logs { world, session, .. } = logs();
    let log = session.entries();
    let states: Vec<SessionState> = (1..=log.len())
        .map(|end| world.replay(None, &log[..end]).unwrap())
        .collect();
    tamper(&log, |at, entry| {
        let before = at.checked_sub(1).map(|before| states[before].clone());
        let entry = std::slice::from_ref(entry);
        matches!(
            replay_session(before, entry, &world.known),
            Ok(Outcome::Done(_))
        )
    });
}

#[test]
fn an_entry_dropped_repeated_or_moved() {
    let Logs { world, session, .. } = logs();
    let log = session.entries();
    for at in 0..log.len() {
        let mut dropped = log.clone();
        dropped.remove(at);
        let whole = dropped.len() == at; // cutting the end off is another, older log
        assert_eq!(
            matches!(
                replay_session(None, &dropped, &world.known),
                Ok(Outcome::Done(_))
            ),
            whole
        );
        let mut repeated = log.clone();
        repeated.insert(at, log[at].clone());
        assert!(replay_session(None, &repeated, &world.known).is_err());
        if at > 0 {
            let mut moved = log.clone();
            moved.swap(at - 1, at);
            assert!(replay_session(None, &moved, &world.known).is_err());
        }
    }
}

/// Encodings of every format, with a decoder that says whether it encodes back
/// to the same bytes; `None` if the bytes are refused.
type Case = (Vec<u8>, Box<dyn Fn(&[u8]) -> Option<Vec<u8>>>);

fn cases(logs: &Logs) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for entry in logs.world.tenant_log.iter().chain(&logs.person.log) {
        cases.push(entry_case(entry));
    }
    for entry in logs.session.entries() {
        cases.push(entry_case(&entry));
    }
    macro_rules! body {
        ($body:ty, $entries:expr) => {
            for entry in $entries {
                let kind = entry.entry.entry_type;
                cases.push((
                    entry.entry.body.as_slice().to_vec(),
                    Box::new(move |bytes| {
                        <$body>::decode(kind, bytes).ok().map(|it| it.encode().1)
                    }),
                ));
            }
        };
    }
    body!(TenantBody, &logs.world.tenant_log);
    body!(IdentityBody, &logs.person.log);
    body!(SessionBody, &logs.session.entries());
    macro_rules! plain {
        ($type:ty, $value:expr) => {
            cases.push((
                encode(&$value),
                Box::new(|bytes| decode::<$type>("case", bytes).ok().map(|it| encode(&it))),
            ));
        };
    }
    let link = logs
        .session
        .drafts
        .iter()
        .find_map(|it| it.back_links.first());
    plain!(BackLink, *link.unwrap());
    plain!(WrapInfo, logs.session.drafts[0].wraps[0].info);
    plain!(UserIdOpening, logs.opening);
    plain!(KeyRecord, logs.person.devices[0].keys().unwrap().kem);
    plain!(Core, logs.world.tenant.core().clone());
    let head = plico_protocol::format::head::Head {
        version: 1,
        tenant_id: logs.world.tenant_id(),
        chain_id: logs.person.id,
        seq: 1,
        hash: logs.session.state.head_hash(),
        time_ms: T0,
    };
    plain!(
        SignedHead,
        SignedHead {
            head,
            algorithm: 1,
            signature: vec![3; 64].into(),
        }
    );
    cases
}

fn entry_case(entry: &SignedEntry) -> Case {
    (
        entry.to_bytes(),
        Box::new(|bytes| SignedEntry::from_bytes(bytes).ok().map(|it| it.to_bytes())),
    )
}

#[test]
fn whatever_decodes_encodes_to_the_same_bytes() {
    let logs = logs();
    let mut rng = TestRng(1);
    let mut accepted = 0;
    for (bytes, again) in cases(&logs) {
        assert_eq!(again(&bytes).as_ref(), Some(&bytes));
        for end in (0..bytes.len()).rev().take(300) {
            assert_eq!(again(&bytes[..end]), None);
        }
        assert_eq!(again(&[&bytes[..], &[0]].concat()), None);
        for _ in 0..1_500 {
            let bad = mutate(&bytes, &mut rng);
            if let Some(back) = again(&bad) {
                assert_eq!(back, bad);
                accepted += 1;
            }
        }
    }
    assert!(accepted > 1_000, "the mutations are too coarse: {accepted}");
}

/// One to four changes, most of them near the beginning, where the lengths are.
fn mutate(bytes: &[u8], rng: &mut TestRng) -> Vec<u8> {
    let mut number = |below: usize| rng.try_next_u64().unwrap() as usize % below.max(1);
    let mut out = bytes.to_vec();
    for _ in 0..=number(3) {
        let reach = if number(2) == 0 {
            out.len()
        } else {
            out.len().min(64)
        };
        let at = number(reach);
        match number(6) {
            0 if !out.is_empty() => out[at] ^= 1 << number(8),
            1 if !out.is_empty() => out[at] = [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xff][number(8)],
            2 => out.truncate(at),
            3 => out.insert(at, number(256) as u8),
            4 if !out.is_empty() => drop(out.remove(at)),
            _ => {
                let end = out.len().min(at + 1 + number(40));
                let piece = out[at..end].to_vec();
                out.extend(piece);
            }
        }
    }
    out
}

#[test]
fn texts_from_outside_never_panic() {
    let logs = logs();
    let token = String::from_utf8(logs.opening.attestation.as_slice().to_vec()).unwrap();
    let input = "plico=(\"@method\" \"@target-uri\" \"content-digest\" \"content-type\")\
                 ;created=1;expires=2;nonce=\"AQEBAQEBAQEBAQEBAQEBAQ\";keyid=\"a.b\";tag=\"plico\"";
    let mut rng = TestRng(2);
    for _ in 0..10_000 {
        let text = String::from_utf8_lossy(&mutate(token.as_bytes(), &mut rng)).into_owned();
        if text != token {
            // The last character's unused bits and everything else are checked.
            assert!(
                Attestation::verify(&text, &logs.world.tenant).is_err(),
                "{text}"
            );
        }
        let text = String::from_utf8_lossy(&mutate(input.as_bytes(), &mut rng)).into_owned();
        assert!(ParsedSignature::parse(&text, "plico=:AAAA:").is_err());
        let _ = ParsedSignature::parse("plico=()", &text);
        let _ =
            EnvelopeSignature::decode(&mutate(&[b"PLS1".as_slice(), &[0; 179]].concat(), &mut rng));
    }
}
