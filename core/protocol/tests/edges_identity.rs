//! Tokens, user ids and the beginnings of tenants: bounds to the byte, and what
//! no other test tells apart (docs/mutants.md).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::world::*;
use plico_protocol::chain::{ChainError, Replay as _, sign_entry};
use plico_protocol::format::entry::Entry;
use plico_protocol::format::ids::KeyId;
use plico_protocol::identity::attestation::check_user_id;
use plico_protocol::identity::{
    Attestation, AttestationError, Identities as _, IdentityState, TenantError, TenantState,
};
use plico_protocol::wire::b64;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

#[test]
fn a_user_id_has_1_to_256_bytes() {
    let refused = Err(AttestationError::UserId);
    assert_eq!(check_user_id(""), refused);
    assert_eq!(check_user_id("a"), Ok(()));
    assert_eq!(check_user_id(&"a".repeat(256)), Ok(()));
    assert_eq!(check_user_id(&"a".repeat(257)), refused);
    // Bytes, not letters.
    assert_eq!(check_user_id(&"é".repeat(128)), Ok(()));
    assert_eq!(check_user_id(&"é".repeat(129)), refused);
}

#[test]
fn a_token_has_at_most_4096_bytes() {
    let mut world = World::new(70);
    let person = world.person();
    let header = format!(
        r#"{{"alg":"EdDSA","typ":"plico-enrolment+jwt","kid":"{}"}}"#,
        b64::encode(&key_id(&world.enrolment).0)
    );
    let token = |spaces: usize, filler: usize| {
        let claims = format!(
            r#"{{"aud":"{}","sub":"a","plico_identity":"{}","iat":1700000000,"exp":1700000300,"x":"{}"}}"#,
            b64::encode(&world.tenant_id().0),
            b64::encode(&person.id.0),
            "x".repeat(filler)
        );
        let header = format!("{header}{}", " ".repeat(spaces));
        let signed = format!(
            "{}.{}",
            b64::encode(header.as_bytes()),
            b64::encode(claims.as_bytes())
        );
        let signature = world.enrolment.sign_raw(signed.as_bytes());
        format!("{signed}.{}", b64::encode(&signature))
    };
    let of_len = |len: usize| {
        let mut sizes = (0..4).flat_map(|spaces| (2_500..3_100).map(move |it| (spaces, it)));
        let (spaces, filler) = sizes
            .find(|(spaces, filler)| token(*spaces, *filler).len() == len)
            .expect("some filler fits");
        token(spaces, filler)
    };
    let verify = |token: &str| Attestation::verify(token, &world.tenant);
    assert_eq!(verify(&of_len(4_096)).unwrap().identity, person.id);
    for len in [4_097, 4_098] {
        assert_eq!(verify(&of_len(len)), Err(AttestationError::Malformed));
    }
}

#[test]
fn what_is_printed_of_an_attestation_does_not_name_anybody() {
    let mut world = World::new(71);
    let person = world.person();
    let printed = format!("{:?}", world.attestation(&person, "dr.secret", 1));
    assert!(!printed.contains("secret"));
    assert!(printed.contains("redacted") && printed.contains("Attestation"));
}

#[test]
fn a_tenants_entry_0_is_by_the_tenant_itself() {
    let world = World::new(72);
    let refused = |change: &dyn Fn(&mut Entry)| {
        let mut entry = world.tenant_log[0].entry.clone();
        change(&mut entry);
        TenantState::start(&sign_entry(entry, &world.enrolment), &()).unwrap_err()
    };
    let author = TenantError::Chain(ChainError::Author);
    assert_eq!(refused(&|it| it.author.identity.0[0] ^= 1), author);
    assert_eq!(refused(&|it| it.author.position.seq = 1), author);
    assert_eq!(refused(&|it| it.author.position.hash.0[0] = 1), author);
}

#[test]
fn replayed_chains_are_found_by_id_and_their_entries_by_number() {
    let mut world = World::new(73);
    let person = world.person();
    let tenant = &world.tenant;
    let first = world.tenant_log[0].entry.hash();
    assert_eq!(tenant.hash_at(0), Some(first));
    assert_eq!(tenant.hash_at(1), None);
    let state = world.state(&person);
    assert_eq!(state.hash_at(0), Some(person.log[0].entry.hash()));
    assert_eq!(state.hash_at(1), None);
    let shared = HashMap::from([(person.id, Arc::new(state.clone()))]);
    let found = shared.identity(&person.id).map(IdentityState::id);
    assert_eq!(found, Some(person.id));
    assert!(shared.identity(&world.tenant_id()).is_none());
}

#[test]
fn a_chain_lists_its_keys_and_devices_also_those_that_are_gone() {
    let mut world = World::new(74);
    let mut person = world.person();
    let first = person.devices[0].id();
    let second = world.add_device(&mut person);
    world.revoke_device(&mut person, second);
    let state = world.state(&person);
    let all: BTreeSet<KeyId> = state.devices().map(|(id, _)| *id).collect();
    assert_eq!(all, BTreeSet::from([first, second]));
    let active: Vec<KeyId> = state.active_devices().map(|(id, _)| *id).collect();
    assert_eq!(active, [first]);
    let keys: Vec<KeyId> = world.tenant.enrolment_keys().map(|(id, _)| *id).collect();
    assert_eq!(keys, [key_id(&world.enrolment)]);
}
