//! Bounds of tokens and user ids, to the byte (docs/mutants.md).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::world::*;
use plico_protocol::identity::attestation::check_user_id;
use plico_protocol::identity::{Attestation, AttestationError};
use plico_protocol::wire::b64;

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
