//! The rules of tenants and identities, and the app backend's attestation.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use common::world::*;
use plico_protocol::chain::{ChainError, Replay, sign_entry};
use plico_protocol::format::bodies::{BindUserId, IdentityBody, TenantBody, UserIdOpening};
use plico_protocol::format::codec::FormatError;
use plico_protocol::format::entry::{Entry, SignedEntry};
use plico_protocol::format::head::{Head, SignedHead};
use plico_protocol::format::opaque::Opaque;
use plico_protocol::identity::attestation::{binding_commitment, verify_binding};
use plico_protocol::identity::draft::{DeviceSecret, next_own_entry, prove_key, user_key_epoch};
use plico_protocol::identity::{
    Attestation, AttestationError, IdentityError, IdentityState, TenantError, TenantState,
};
use plico_protocol::primitives::sign::{SigningKey, labels};

fn refused(world: &World, person: &Person, body: &IdentityBody) -> IdentityError {
    let entry = world.identity_entry(person, body);
    apply(world.state(person), &entry).unwrap_err()
}

fn apply(state: &IdentityState, entry: &SignedEntry) -> Result<IdentityState, IdentityError> {
    let mut state = state.clone();
    state.apply(entry, &())?;
    Ok(state)
}

fn newer(error: &IdentityError) -> bool {
    matches!(
        error,
        IdentityError::Chain(ChainError::Format(FormatError::NeedsNewerClient(_)))
    )
}

#[test]
fn an_identity_through_its_life() {
    let mut world = World::new(3);
    let mut person = world.person();
    assert_eq!(world.state(&person).user_key().0, 0);
    let laptop = world.add_device(&mut person);
    assert_eq!(world.state(&person).active_devices().count(), 2);
    world.rotate_user_key(&mut person);
    world.revoke_device(&mut person, laptop);
    assert!(world.state(&person).rotation_due());
    world.rotate_user_key(&mut person);
    let state = world.state(&person);
    assert!(!state.rotation_due());
    assert_eq!(state.user_key().0, 2);
    assert_eq!(state.device_at(&laptop, 1).map(|it| it.added), Some(1));
    assert!(state.device_at(&laptop, 0).is_none() && state.device_at(&laptop, 3).is_none());
    assert!(state.active_device(&laptop).is_none());
    let at: Vec<u32> = (0..=4)
        .map(|seq| state.user_key_at(seq).unwrap().0)
        .collect();
    assert_eq!(at, [0, 0, 1, 1, 2]);
    world.bind(&mut person, "dr.a", 1);
    world.bind(&mut person, "dr.a", 3);
    let again = replay_identity(&person.log).unwrap();
    assert_eq!(again.tip(), world.state(&person).tip());
    assert_eq!(again.binding().unwrap().body.number, 3);
}

#[test]
fn devices_prove_what_they_hold() {
    let mut world = World::new(4);
    let mut person = world.person();
    let device = DeviceSecret::generate(&mut world.rng());
    let (body, _) = world.add_device_body(&person, &device);
    let with = |change: &dyn Fn(&mut plico_protocol::format::bodies::AddDevice)| {
        let mut body = body.clone();
        change(&mut body);
        let entry = world.identity_entry(&person, &IdentityBody::AddDevice(body));
        apply(world.state(&person), &entry)
    };
    assert!(with(&|_| {}).is_ok());
    // No proof, somebody else's, a damaged one; another KEM key than was proved.
    let mallory = DeviceSecret::generate(&mut world.rng());
    let other = world.add_device_body(&person, &mallory).0;
    for proof in [
        Opaque::new(vec![]),
        Opaque::new(vec![0; 64]),
        other.possession,
    ] {
        let error = with(&|it| it.possession = proof.clone()).unwrap_err();
        assert_eq!(error, IdentityError::Possession);
    }
    let error = with(&|it| it.keys.kem = other.keys.kem.clone()).unwrap_err();
    assert_eq!(error, IdentityError::Possession);
    // Two wraps, or none.
    for count in [0, 2] {
        let error = with(&|it| it.wraps.count = count).unwrap_err();
        assert_eq!(error, IdentityError::Device);
    }
    // A proof for another place: the same body once the chain has moved on.
    world.rotate_user_key(&mut person);
    let stale = IdentityBody::AddDevice(body);
    assert_eq!(refused(&world, &person, &stale), IdentityError::Possession);
    // Twice the same device, and again after it was revoked.
    let id = world.add_device(&mut person);
    let again = world.add_device_body(&person, &person.devices[1]).0;
    let again = IdentityBody::AddDevice(again);
    assert_eq!(refused(&world, &person, &again), IdentityError::Device);
    let gone = person.devices[1].clone();
    world.revoke_device(&mut person, id);
    let again = IdentityBody::AddDevice(world.add_device_body(&person, &gone).0);
    assert_eq!(refused(&world, &person, &again), IdentityError::Device);
}

#[test]
fn at_most_32_devices() {
    let mut world = World::new(5);
    let mut person = world.person();
    for _ in 1..32 {
        world.add_device(&mut person);
    }
    let device = DeviceSecret::generate(&mut world.rng());
    let body = IdentityBody::AddDevice(world.add_device_body(&person, &device).0);
    assert_eq!(refused(&world, &person, &body), IdentityError::Device);
}

#[test]
fn revoked_devices_and_strangers_write_nothing() {
    let mut world = World::new(6);
    let mut person = world.person();
    let only = person.devices[0].id();
    let last = IdentityBody::RevokeDevice(only);
    assert_eq!(refused(&world, &person, &last), IdentityError::Device);
    let id = world.add_device(&mut person);
    let gone = person.devices[1].clone();
    world.revoke_device(&mut person, id);
    let again = IdentityBody::RevokeDevice(id);
    assert_eq!(refused(&world, &person, &again), IdentityError::Device);
    let tip = world.state(&person).tip().clone();
    let stranger = SigningKey::generate(&mut world.rng());
    for key in [&gone.signing, &stranger] {
        let body = IdentityBody::RevokeDevice(only).encode();
        let entry = next_own_entry(&tip, body, T0, key);
        assert_eq!(
            apply(world.state(&person), &entry).unwrap_err(),
            IdentityError::Chain(ChainError::Author)
        );
    }
    // The author is the chain itself, where it stood.
    let other = world.person();
    let entry = world.identity_entry(&person, &last);
    let signed = |change: &dyn Fn(&mut Entry)| {
        let mut entry = entry.entry.clone();
        change(&mut entry);
        let entry = sign_entry(entry, &person.devices[0].signing);
        apply(world.state(&person), &entry).unwrap_err()
    };
    let author = IdentityError::Chain(ChainError::Author);
    assert_eq!(signed(&|it| it.author.identity = other.id), author);
    assert_eq!(signed(&|it| it.author.position.seq -= 1), author);
    assert!(newer(&signed(&|it| it.entry_type = 8)));
    assert!(newer(&signed(&|it| it.entry_type = 99)));
    assert!(newer(&signed(&|it| it.version = 7)));
}

#[test]
fn generations_of_the_user_key() {
    let mut world = World::new(7);
    let mut person = world.person();
    world.add_device(&mut person);
    let (upload, secret) = world.user_key_upload(&person);
    let IdentityBody::RotateUserKey(body) =
        IdentityBody::decode(4, upload.entry.entry.body.as_slice()).unwrap()
    else {
        panic!()
    };
    let with = |change: &dyn Fn(&mut plico_protocol::format::bodies::UserKeyEpoch)| {
        let mut body = body.clone();
        change(&mut body);
        refused(&world, &person, &IdentityBody::RotateUserKey(body))
    };
    let epoch = IdentityError::Epoch;
    // Left out, one too many; no back-link; a gap; a key that was there before.
    for count in [0, 1, 3] {
        assert_eq!(with(&|it| it.epoch.wraps.count = count), epoch);
    }
    assert_eq!(with(&|it| it.epoch.back_links.clear()), epoch);
    assert_eq!(with(&|it| it.epoch.epoch = 2), epoch);
    let old = world.state(&person).user_keys()[0].record.clone();
    assert_eq!(with(&|it| it.user_key = old.clone()), epoch);
    // A back-link to the epoch itself, and two to one target.
    let malformed =
        |error: IdentityError| matches!(error, IdentityError::Chain(ChainError::Format(_)));
    assert!(malformed(with(&|it| it.epoch.back_links[0].target = 1)));
    assert!(malformed(with(&|it| {
        let link = it.epoch.back_links[0];
        it.epoch.back_links.push(link);
    })));
    // A key that is none.
    let signing = person.devices[0].keys().unwrap().signing;
    assert!(malformed(with(&|it| it.user_key = signing.clone())));
    // The true one.
    world.append(&mut person, upload);
    // Entry 0 has no back-links.
    let device = &person.devices[0];
    let (_, new) = world.new_identity();
    let mut first = new.entry;
    let IdentityBody::Create(mut create) =
        IdentityBody::decode(1, first.entry.body.as_slice()).unwrap()
    else {
        panic!()
    };
    create.epoch = user_key_epoch(&secret, vec![], &[]).unwrap_or(create.epoch);
    create.epoch.epoch.wraps = some_wraps(2);
    first.entry.body = Opaque::new(IdentityBody::Create(create).encode().1);
    let first = sign_entry(first.entry, &device.signing);
    assert!(IdentityState::start(&first, &()).is_err());
}

#[test]
fn binding_numbers_only_rise() {
    let mut world = World::new(8);
    let mut person = world.person();
    world.bind(&mut person, "dr.a", 5);
    for number in [0, 4, 5] {
        let body = IdentityBody::BindUserId(BindUserId {
            number,
            commitment: [0; 32],
        });
        assert_eq!(
            refused(&world, &person, &body),
            IdentityError::BindingNumber
        );
    }
    world.bind(&mut person, "dr.a", 6);
}

// --- the tenant

fn tenant_refused(world: &World, body: &TenantBody, key: &SigningKey) -> TenantError {
    let entry = world.tenant_entry(body, T0, key);
    world.tenant.clone().apply(&entry, &()).unwrap_err()
}

#[test]
fn a_tenant_through_its_life() {
    let mut world = World::new(9);
    let first = world.enrolment.clone();
    let second = SigningKey::generate(&mut world.rng());
    // The last key stays.
    let revoke_first = TenantBody::RevokeKey(key_id(&first));
    assert_eq!(
        tenant_refused(&world, &revoke_first, &first),
        TenantError::Key
    );
    // Proofs: of another key, of another place.
    let mut wrong = world.prove(&second);
    wrong.possession = world.prove(&first).possession;
    for body in [
        TenantBody::AddKey(wrong.clone()),
        TenantBody::SetDirectoryKey(wrong),
        TenantBody::AddKey(prove_key(
            world.tenant_id(),
            2,
            world.tenant.tip().head.hash,
            &second,
        )),
    ] {
        assert_eq!(
            tenant_refused(&world, &body, &first),
            TenantError::Possession
        );
    }
    // A key that is not enrolled writes nothing, the directory's neither.
    let add = TenantBody::AddKey(world.prove(&second));
    for key in [&second, &world.directory.clone()] {
        assert_eq!(
            tenant_refused(&world, &add, key),
            TenantError::Chain(ChainError::Author)
        );
    }
    world.append_tenant(&add, T0);
    let again = TenantBody::AddKey(world.prove(&second));
    assert_eq!(tenant_refused(&world, &again, &first), TenantError::Key);
    let old_directory = world.tenant.directory_key().id();
    let directory = SigningKey::generate(&mut world.rng());
    world.append_tenant(&TenantBody::SetDirectoryKey(world.prove(&directory)), T0);
    assert_ne!(world.tenant.directory_key().id(), old_directory);
    world.enrolment = second;
    world.append_tenant(&revoke_first, T0);
    assert_eq!(
        tenant_refused(&world, &TenantBody::RevokeKey(key_id(&first)), &first),
        TenantError::Chain(ChainError::Author)
    );
    let unknown = world.tenant_entry(&revoke_first, T0, &world.enrolment);
    let mut entry = unknown.entry.clone();
    entry.entry_type = 99;
    let error = world
        .tenant
        .clone()
        .apply(&sign_entry(entry, &world.enrolment), &());
    assert!(matches!(
        error,
        Err(TenantError::Chain(ChainError::Format(
            FormatError::NeedsNewerClient(_)
        )))
    ));
    let again: TenantState = plico_protocol::chain::replay(None, &world.tenant_log, &()).unwrap();
    assert_eq!(again.tip(), world.tenant.tip());
}

#[test]
fn heads_are_the_directorys() {
    let world = World::new(10);
    let other = World::new(11);
    let tip = world.tenant.tip();
    let head = Head {
        version: 1,
        tenant_id: world.tenant_id(),
        chain_id: world.tenant_id(),
        seq: tip.head.seq,
        hash: tip.head.hash,
        time_ms: T0,
    };
    let sign = |head: &Head, key: &SigningKey, label| SignedHead {
        head: head.clone(),
        algorithm: 1,
        signature: Opaque::new(
            key.sign(label, &plico_protocol::format::encode(head))
                .to_vec(),
        ),
    };
    let good = sign(&head, &world.directory, labels::HEAD);
    assert_eq!(world.tenant.verify_head(&good), Ok(()));
    for bad in [
        sign(&head, &world.enrolment, labels::HEAD),
        sign(&head, &world.directory, labels::ENTRY),
        SignedHead {
            head: Head {
                time_ms: T0 + 1,
                ..head.clone()
            },
            ..good.clone()
        },
    ] {
        assert_eq!(world.tenant.verify_head(&bad), Err(TenantError::Head));
    }
    assert_eq!(other.tenant.verify_head(&good), Err(TenantError::Head));
    let mut newer = good.clone();
    newer.algorithm = 2;
    assert!(world.tenant.verify_head(&newer).is_err());
    let mut newer = good;
    newer.head.version = 2;
    assert!(world.tenant.verify_head(&newer).is_err());
}

// --- the attestation

struct Bound {
    world: World,
    person: Person,
    good: Attestation,
}

fn bound() -> Bound {
    let mut world = World::new(12);
    let person = world.person();
    let good = world.attestation(&person, "dr.a", 1);
    Bound {
        world,
        person,
        good,
    }
}

/// A token with these parts in JSON, signed by `key`.
fn raw(header: &str, claims: &str, key: &SigningKey) -> String {
    let signed = format!("{}.{}", BASE64.encode(header), BASE64.encode(claims));
    format!(
        "{signed}.{}",
        BASE64.encode(key.sign_raw(signed.as_bytes()))
    )
}

#[test]
fn tokens_that_are_not_what_plico_asks_for() {
    let Bound {
        world,
        person,
        good,
    } = bound();
    let check = |token: &str| Attestation::verify(token, &world.tenant);
    assert_eq!(check(&world.token(&good)), Ok(good.clone()));
    let kid = BASE64.encode(key_id(&world.enrolment).0);
    let header = |rest: &str| format!(r#"{{"typ":"plico-enrolment+jwt","kid":"{kid}",{rest}}}"#);
    let aud = BASE64.encode(world.tenant_id().0);
    let identity = BASE64.encode(person.id.0);
    let claims = |rest: &str| {
        format!(r#"{{"aud":"{aud}","plico_identity":"{identity}","sub":"dr.a",{rest}}}"#)
    };
    let times = r#""iat":1700000000,"exp":1700000300"#;
    let key = &world.enrolment;
    let with = |h: &str, c: &str| check(&raw(&header(h), &claims(c), key)).map(|it| it.number);
    let eddsa = r#""alg":"EdDSA""#;
    assert_eq!(with(eddsa, times), Ok(1));
    assert_eq!(with(r#""alg":"Ed25519""#, times), Ok(1));
    assert_eq!(
        with(eddsa, &format!(r#"{times},"plico_number":7,"x":1"#)),
        Ok(7)
    );
    let malformed = Err(AttestationError::Malformed);
    // Algorithms, critical extensions, members twice.
    for bad in [
        r#""alg":"none""#,
        r#""alg":"HS256""#,
        r#""alg":"eddsa""#,
        r#""alg":"EdDSA","crit":["exp"]"#,
        r#""alg":"EdDSA","alg":"EdDSA""#,
        r#""alg":"EdDSA","typ":"plico-enrolment+jwt""#,
    ] {
        assert_eq!(with(bad, times), malformed, "{bad}");
    }
    for bad in [
        format!(r#"{times},"sub":"dr.b""#),
        format!(r#"{times},"exp":1700000300"#),
        format!(r#"{times},"plico_number":1,"plico_number":2"#),
        r#""iat":1700000000"#.into(),
        r#""exp":1700000300"#.into(),
        r#""iat":-1,"exp":200"#.into(),
        r#""iat":1700000000.5,"exp":1700000300"#.into(),
        r#""iat":"1700000000","exp":1700000300"#.into(),
    ] {
        assert_eq!(with(eddsa, &bad), malformed, "{bad}");
    }
    let other_type = format!(r#"{{"typ":"JWT","alg":"EdDSA","kid":"{kid}"}}"#);
    assert_eq!(
        check(&raw(&other_type, &claims(times), key)),
        Err(AttestationError::Malformed)
    );
    let no_kid = r#"{"typ":"plico-enrolment+jwt","alg":"EdDSA"}"#;
    assert_eq!(
        check(&raw(no_kid, &claims(times), key)),
        Err(AttestationError::Malformed)
    );
    // Lifetimes.
    for bad in [
        r#""iat":1700000000,"exp":1700000301"#,
        r#""iat":1700000000,"exp":1700000000"#,
        r#""iat":1700000000,"exp":1699999999"#,
        r#""iat":18446744073709551000,"exp":18446744073709551100"#,
    ] {
        assert_eq!(with(eddsa, bad), Err(AttestationError::Lifetime), "{bad}");
    }
    // Shapes.
    let token = world.token(&good);
    for bad in [
        "",
        "..",
        "a.b.c",
        &token.replacen('.', "", 1),
        &format!("{token}.x"),
        &format!("{token}="),
        &format!(" {token}"),
        &"a".repeat(5_000),
    ] {
        assert_eq!(check(bad), Err(AttestationError::Malformed), "{bad}");
    }
    // An unsigned token, and one whose claims were changed.
    let unsigned = token.rsplit_once('.').unwrap().0;
    assert_eq!(
        check(&format!("{unsigned}.")),
        Err(AttestationError::Signature)
    );
    let parts: Vec<&str> = token.split('.').collect();
    let other = BASE64.encode(claims(times).replace("dr.a", "dr.b"));
    let forged = format!("{}.{other}.{}", parts[0], parts[2]);
    assert_eq!(check(&forged), Err(AttestationError::Signature));
    for user_id in [String::new(), "x".repeat(257)] {
        let long = Attestation {
            user_id,
            ..good.clone()
        };
        assert_eq!(check(&world.token(&long)), Err(AttestationError::UserId));
    }
}

#[test]
fn only_the_tenants_keys_attest_and_only_while_they_stand() {
    let Bound {
        mut world, good, ..
    } = bound();
    let mallory = SigningKey::generate(&mut world.rng());
    let tenant = world.tenant_id();
    let forged = good.sign(tenant, key_id(&mallory), &mallory);
    let check = |world: &World, token: &str| Attestation::verify(token, &world.tenant).map(|_| ());
    assert_eq!(check(&world, &forged), Err(AttestationError::UnknownKey));
    let forged = good.sign(tenant, key_id(&world.enrolment), &mallory);
    assert_eq!(check(&world, &forged), Err(AttestationError::Signature));
    // The directory's key is none of them.
    let forged = good.sign(tenant, key_id(&world.directory), &world.directory);
    assert_eq!(check(&world, &forged), Err(AttestationError::UnknownKey));
    let elsewhere = World::new(99).tenant_id();
    let other = good.sign(elsewhere, key_id(&world.enrolment), &world.enrolment);
    assert_eq!(check(&world, &other), Err(AttestationError::Audience));

    // Revoked: what it attested before stays, what it attests after does not.
    let old = world.enrolment.clone();
    world.append_tenant(&TenantBody::AddKey(world.prove(&mallory)), T0);
    world.enrolment = mallory;
    world.append_tenant(&TenantBody::RevokeKey(key_id(&old)), T0 + MINUTE);
    let before = good.sign(tenant, key_id(&old), &old);
    assert_eq!(check(&world, &before), Ok(()));
    let late = Attestation {
        issued_ms: T0 + MINUTE,
        ..good
    };
    let late = late.sign(tenant, key_id(&old), &old);
    assert_eq!(check(&world, &late), Err(AttestationError::UnknownKey));
}

#[test]
fn a_binding_says_what_its_attestation_says() {
    let Bound {
        world,
        person,
        good,
    } = bound();
    let opening = |attestation: &Attestation, user_id: &str| UserIdOpening {
        salt: [5; 32],
        user_id: Opaque::new(user_id.as_bytes().to_vec()),
        attestation: Opaque::new(world.token(attestation).into_bytes()),
    };
    let check = |opening: &UserIdOpening, number, claimed| {
        let body = BindUserId {
            number,
            commitment: binding_commitment(opening),
        };
        verify_binding(&world.tenant, person.id, &body, claimed, opening).map(|it| it.user_id)
    };
    let mismatch = Err(AttestationError::Mismatch);
    let true_one = opening(&good, "dr.a");
    assert_eq!(check(&true_one, 1, T0), Ok("dr.a".into()));
    // The number, the user id, the identity.
    assert_eq!(check(&true_one, 2, T0), mismatch);
    assert_eq!(check(&opening(&good, "dr.b"), 1, T0), mismatch);
    let other = Attestation {
        identity: World::new(50).person().id,
        ..good.clone()
    };
    assert_eq!(check(&opening(&other, "dr.a"), 1, T0), mismatch);
    // The signed time and the token's life, five minutes around.
    for (claimed, ok) in [
        (T0 - 5 * MINUTE - 1, false),
        (T0 - 5 * MINUTE, true),
        (T0 + 10 * MINUTE, true),
        (T0 + 10 * MINUTE + 1, false),
        (0, false),
        (u64::MAX, false),
    ] {
        assert_eq!(check(&true_one, 1, claimed).is_ok(), ok, "{claimed}");
    }
    // Another opening than the one that the log names.
    let body = BindUserId {
        number: 1,
        commitment: binding_commitment(&true_one),
    };
    let mut salted = true_one;
    salted.salt[0] ^= 1;
    assert_eq!(
        verify_binding(&world.tenant, person.id, &body, T0, &salted),
        Err(AttestationError::Mismatch)
    );
    assert_eq!(format!("{salted:?}"), "UserIdOpening(redacted)");
    assert!(!format!("{good:?}").contains("dr.a"));
}
