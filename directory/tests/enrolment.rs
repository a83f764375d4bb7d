//! New identities: who gets in, under which name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::*;
use plico_directory::random;
use plico_protocol::format::bodies::UserIdOpening;
use plico_protocol::format::decode;
use plico_protocol::format::head::SignedHead;
use plico_protocol::identity::TenantState;
use plico_protocol::primitives::sign::SigningKey;
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::rest::{
    ChainFrom, IdentitiesFound, IdentitiesLookup, IdentityAnswer, TenantAnswer, UsersFound,
    UsersLookup,
};

#[tokio::test]
async fn a_new_identity_is_stored_and_found() {
    let mut world = World::new().await;
    let (person, new) = world.draft_person();
    let body = world.enrol(&person, &new, "dr.a", 1);
    let answer = world.post(&person, "/identities", &body).await;
    assert_eq!(answer.status, 201);
    let first: IdentityAnswer = answer.json();
    assert_eq!(first.identity_id.0, person.id.0);
    assert_eq!((first.entries.len(), first.more), (2, false));
    assert_eq!(first.wraps.len(), 1, "the device's own wrap");
    world.learn(&first);

    // The signed head is that of the tenant's directory key.
    let tenant = world.path("");
    let tenant: TenantAnswer = world
        .http
        .get(format!("{}{tenant}", world.url))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let entries: Vec<_> = tenant.entries.iter().map(|it| entry(&it.0)).collect();
    let state: TenantState = plico_protocol::chain::replay(None, &entries, &()).unwrap();
    let head: SignedHead = decode("head", &first.head.0).unwrap();
    state.verify_head(&head).unwrap();
    assert_eq!((head.head.seq, head.head.time_ms), (1, world.now()));
    state
        .verify_head(&decode("head", &tenant.head.0).unwrap())
        .unwrap();

    // The same again, long after the token's end, is the same success.
    world.forward(60 * MINUTE);
    let again = world.post(&person, "/identities", &body).await;
    assert_eq!(again.status, 200);
    assert_eq!(again.json::<IdentityAnswer>().entries, first.entries);

    // Other entries of the same identity are not.
    let other = world.enrol(&person, &new, "dr.a", 2);
    let answer = world.post(&person, "/identities", &other).await;
    assert_eq!(answer.code(), "CONFLICT");
}

#[tokio::test]
async fn others_see_the_chain_but_no_wraps() {
    let mut world = World::new().await;
    let doctor = world.person("dr.a").await;
    let patient = world.person("patient.7").await;
    let own: IdentityAnswer = world.get(&doctor, &identity(&doctor)).await.json();
    assert_eq!(own.wraps.len(), 1);
    let others: IdentityAnswer = world.get(&patient, &identity(&doctor)).await.json();
    assert_eq!(others.entries, own.entries);
    assert!(others.wraps.is_empty() && others.back_links.is_empty());
    let opening: UserIdOpening = decode("opening", &others.opening.unwrap().0).unwrap();
    assert_eq!(opening.user_id.as_slice(), b"dr.a");

    let path = format!("{}?from=1", identity(&doctor));
    let end: IdentityAnswer = world.get(&patient, &path).await.json();
    assert_eq!(end.entries, own.entries[1..]);
    let path = format!("{}?from=99", identity(&doctor));
    let beyond: IdentityAnswer = world.get(&patient, &path).await.json();
    assert!(beyond.entries.is_empty() && !beyond.more);
}

#[tokio::test]
async fn one_and_many_are_looked_up() {
    let mut world = World::new().await;
    let doctor = world.person("dr.a").await;
    let patient = world.person("patient.7").await;
    let users = UsersLookup {
        user_ids: vec!["patient.7".into(), "nobody".into(), "dr.a".into()],
    };
    let found: UsersFound = world.post(&doctor, "/users/lookup", &users).await.json();
    let ids: Vec<_> = found
        .found
        .iter()
        .map(|it| (it.user_id.as_str(), it.identity.identity_id.0))
        .collect();
    assert_eq!(ids, [("patient.7", patient.id.0), ("dr.a", doctor.id.0)]);
    assert_eq!(found.missing, ["nobody"]);

    let from = |id, from| ChainFrom {
        id: B64x32(id),
        from,
    };
    let lookup = IdentitiesLookup {
        identities: vec![
            from(doctor.id.0, 0),
            from([9; 32], 0),
            from(patient.id.0, 1),
        ],
    };
    let found: IdentitiesFound = world
        .post(&doctor, "/identities/lookup", &lookup)
        .await
        .json();
    assert_eq!(found.missing, [B64x32([9; 32])]);
    assert_eq!(found.found[0].wraps.len(), 1);
    assert_eq!((found.found[1].from, found.found[1].entries.len()), (1, 1));
    assert!(found.found[1].wraps.is_empty());

    for (user_ids, code) in [
        (vec![String::new()], "BAD_REQUEST"),
        (vec!["x".repeat(257)], "BAD_REQUEST"),
        (vec!["x".into(); 257], "TOO_LARGE"),
    ] {
        let body = UsersLookup { user_ids };
        let answer = world.post(&doctor, "/users/lookup", &body).await;
        assert_eq!(answer.code(), code);
    }
    let answer = world
        .get(&doctor, &format!("/identities/{}", "A".repeat(43)))
        .await;
    assert_eq!(answer.code(), "IDENTITY_NOT_FOUND");
}

#[tokio::test]
async fn a_token_must_fit_tenant_user_identity_and_time() {
    let world = World::new().await;
    let (person, new) = world.draft_person();
    let (other, _) = world.draft_person();
    let good = world.token("dr.a", person.id, 1);
    // In the signature's first half, where all bits count.
    let (at, mut tampered) = (good.len() - 70, good.clone());
    let other_letter = if good[at..].starts_with('A') {
        "B"
    } else {
        "A"
    };
    tampered.replace_range(at..=at, other_letter);
    let foreign = World::new().await.token("dr.a", person.id, 1);
    let mut forger = World::new().await;
    forger.tenant = world.tenant;
    forger.enrolment = SigningKey::generate(&mut random::system());
    for (what, user_id, number, token) in [
        ("another user id", "dr.b", 1, good.clone()),
        ("another number", "dr.a", 2, good.clone()),
        (
            "another identity",
            "dr.a",
            1,
            world.token("dr.a", other.id, 1),
        ),
        ("a tampered token", "dr.a", 1, tampered),
        ("another tenant", "dr.a", 1, foreign),
        (
            "an unknown key",
            "dr.a",
            1,
            forger.token("dr.a", person.id, 1),
        ),
        ("no token", "dr.a", 1, "x".into()),
        ("no user id", "", 1, world.token("", person.id, 1)),
    ] {
        let body = world.enrol_with(&person, &new, user_id, number, &token);
        let answer = world.post(&person, "/identities", &body).await;
        assert_eq!(answer.code(), "ENROLMENT_INVALID", "{what}");
    }
    world.forward(7 * MINUTE);
    let body = world.enrol_with(&person, &new, "dr.a", 1, &good);
    let answer = world.post(&person, "/identities", &body).await;
    assert_eq!(answer.code(), "ENROLMENT_EXPIRED");

    // Nothing of all that was stored, so it still works.
    let body = world.enrol(&person, &new, "dr.a", 1);
    let answer = world.post(&person, "/identities", &body).await;
    assert_eq!(answer.status, 201);
}

#[tokio::test]
async fn a_user_id_moves_only_with_a_higher_number() {
    let mut world = World::new().await;
    let old = world.person("dr.a").await;
    let (person, new) = world.draft_person();
    let body = world.enrol(&person, &new, "dr.a", 1);
    let answer = world.post(&person, "/identities", &body).await;
    assert_eq!(answer.code(), "USER_ID_TAKEN");
    let answer = world.get(&old, &identity(&person)).await;
    assert_eq!(answer.code(), "IDENTITY_NOT_FOUND", "nothing was stored");

    let body = world.enrol(&person, &new, "dr.a", 2);
    let answer = world.post(&person, "/identities", &body).await;
    assert_eq!(answer.status, 201);
    let users = UsersLookup {
        user_ids: vec!["dr.a".into()],
    };
    let found: UsersFound = world.post(&old, "/users/lookup", &users).await.json();
    assert_eq!(found.found[0].identity.identity_id.0, person.id.0);
    let old_one: IdentityAnswer = world.get(&old, &identity(&old)).await.json();
    assert_eq!(old_one.opening, None, "the name is the new identity's");
}

#[tokio::test]
async fn only_the_device_of_entry_0_enrols() {
    let world = World::new().await;
    let (person, new) = world.draft_person();
    let (other, other_new) = world.draft_person();
    let body = world.enrol(&person, &new, "dr.a", 1);
    let answer = world.post(&other, "/identities", &body).await;
    assert_eq!(answer.code(), "SIGNATURE_INVALID");

    // Another's binding behind one's own entry 0.
    let mut mixed = body.clone();
    mixed.entries[0] = world.enrol(&other, &other_new, "dr.b", 1).entries[0].clone();
    let answer = world.post(&other, "/identities", &mixed).await;
    assert_ne!(answer.status, 201);

    let mut short = body.clone();
    short.entries.truncate(1);
    let answer = world.post(&person, "/identities", &short).await;
    assert_eq!(answer.code(), "CONFLICT");

    let mut without = body;
    without.entries[0].wraps.clear();
    let answer = world.post(&person, "/identities", &without).await;
    assert_eq!(answer.code(), "ENTRY_INVALID");
}
