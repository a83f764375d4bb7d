//! Sealed items: the published vectors open, and everything that is altered in
//! them is refused; tokens of services are no other tokens.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::world::{MINUTE, T0, World, key_id};
use plico_protocol::envelope::{EnvelopeKey, open};
use plico_protocol::format::codec::FormatError;
use plico_protocol::format::context::AppContext;
use plico_protocol::format::ids::{ChainId, Kind, Recipient};
use plico_protocol::format::sealed::{MAX_SEALED_RECIPIENTS, SEALED_EPOCH, SealedItem};
use plico_protocol::format::suite::Suite;
use plico_protocol::identity::service::{ServiceToken, ServiceUse};
use plico_protocol::identity::standing::{Standing, StandingToken};
use plico_protocol::identity::{Attestation, AttestationError};
use plico_protocol::keyring::sealed::{seal_head, unseal};
use plico_protocol::keyring::{EpochContext, EpochSecret, KeyringError};
use plico_protocol::primitives::secret::Secret32;
use plico_protocol::primitives::sign::SigningKey;
use plico_protocol::rights::draft::recipient_key;
use serde_json::Value;

fn bytes(case: &Value, name: &str) -> Vec<u8> {
    hex::decode(case[name].as_str().unwrap()).unwrap()
}

fn id(case: &Value, name: &str) -> [u8; 32] {
    bytes(case, name).try_into().unwrap()
}

/// What a reader does with the fields of a case, and no more.
fn opened(case: &Value) -> Option<Vec<u8>> {
    let sealed = bytes(case, "sealed");
    let item = SealedItem::from_bytes(&sealed).ok()?;
    assert_eq!(item.to_bytes(), sealed, "another encoding of the same item");
    let head = &item.head;
    if head.tenant_id.0 != id(case, "tenant_id") {
        return None;
    }
    let kind = case["recipient_kind"]
        .as_u64()
        .and_then(|it| u8::try_from(it).ok());
    let recipient = Recipient {
        kind: Kind::from_u8(kind.unwrap()).unwrap(),
        id: id(case, "recipient_id"),
    };
    let wrap = head.wrap_for(&recipient)?;
    let place = EpochContext {
        tenant_id: head.tenant_id,
        chain_id: recipient.chain(),
        epoch: wrap.to.generation,
    };
    // The reader has its own secret, and its commitment from its own chain.
    let secret = Secret32::from_slice(&bytes(case, "recipient_secret")).unwrap();
    let commitment = commitment_of(place, &secret);
    let own = EpochSecret::checked(place, secret, &commitment).unwrap();
    let secret = unseal(head, wrap, &own.kem_key()).ok()?;
    let suite = Suite::from_byte(head.suite).ok()?;
    let (tenant, hash) = (head.tenant_id.0, head.hash());
    let key = EnvelopeKey::new(secret.payload_key(), tenant, hash, SEALED_EPOCH, suite);
    let context = case["app_context"].as_str();
    let context = context.map(|it| AppContext::decode(&hex::decode(it).unwrap()).unwrap());
    Some(open(&key, item.envelope, context.as_ref()).ok()?.to_vec())
}

fn commitment_of(place: EpochContext, secret: &Secret32) -> [u8; 32] {
    use plico_protocol::primitives::kdf::expand_with_label;
    let context = plico_protocol::format::encode(&place);
    *expand_with_label::<32>(secret, "commitment", &context).expose()
}

#[test]
fn the_vectors_open_and_what_is_altered_does_not() {
    let file = include_str!("../testdata/sealed.json");
    let cases: Vec<Value> = serde_json::from_str(file).unwrap();
    let mut refused = 0;
    for case in &cases {
        assert_eq!(
            opened(case),
            Some(bytes(case, "plaintext")),
            "{}",
            case["name"]
        );
        for altered in case["altered"].as_array().into_iter().flatten() {
            let mut bad = case.clone();
            for change in altered["changes"].as_array().unwrap() {
                let field = change["at"][0].as_str().unwrap();
                bad[field] = change["to"].clone();
            }
            assert_eq!(opened(&bad), None, "{}", altered["name"]);
            refused += 1;
        }
    }
    assert!(cases.len() >= 3 && refused > 30);
}

#[test]
fn recipients_are_few_distinct_and_of_two_kinds() {
    let mut world = World::new(31);
    let person = world.person();
    let key = recipient_key(world.state(&person));
    let public = || person.secrets[0].kem_key().public_key().unwrap();
    let seal = |to| seal_head(world.tenant_id(), Suite::default(), to, &mut world.rng());
    assert_eq!(seal(vec![]).map(drop), Err(KeyringError::WrapSet));
    let twice = vec![(key, public()), (key, public())];
    assert_eq!(seal(twice).map(drop), Err(KeyringError::WrapSet));
    let device = Recipient {
        kind: Kind::Device,
        ..key.recipient
    };
    let device = plico_protocol::format::bodies::RecipientKey {
        recipient: device,
        ..key
    };
    assert_eq!(
        seal(vec![(device, public())]).map(drop),
        Err(KeyringError::WrapSet)
    );
    let many = |count: usize| {
        let to = |n: usize| {
            let mut to = key;
            to.recipient.id[..8].copy_from_slice(&(n as u64).to_be_bytes());
            (to, public())
        };
        (0..count).rev().map(to).collect::<Vec<_>>()
    };
    let refused = seal(many(MAX_SEALED_RECIPIENTS + 1));
    assert_eq!(refused.map(drop), Err(KeyringError::WrapSet));

    // The most that there may be is read, one more is not.
    let (mut head, secret) = seal(many(MAX_SEALED_RECIPIENTS)).unwrap();
    assert_ne!(head.item_id, ChainId::ZERO);
    assert_eq!(secret.commitment(), head.commitment);
    let item = |head| SealedItem {
        head,
        envelope: b"",
    };
    let whole = item(head.clone()).to_bytes();
    assert_eq!(SealedItem::from_bytes(&whole), Ok(item(head.clone())));
    let mut last = head.wraps[MAX_SEALED_RECIPIENTS - 1].clone();
    last.to.recipient.id = [0xff; 32];
    head.wraps.push(last);
    assert_eq!(
        SealedItem::from_bytes(&item(head.clone()).to_bytes()),
        Err(FormatError::TooLarge("sealed item"))
    );
    head.wraps.truncate(2);
    head.wraps.reverse();
    assert_eq!(
        SealedItem::from_bytes(&item(head).to_bytes()),
        Err(FormatError::Order("recipients"))
    );
}

#[test]
fn nobody_is_the_author_of_a_wrap() {
    let mut world = World::new(32);
    let (one, two) = (world.person(), world.person());
    let public = |it: &common::world::Person| {
        let key = recipient_key(world.state(it));
        (key, it.secrets[0].kem_key().public_key().unwrap())
    };
    let to = vec![public(&one), public(&two)];
    let (head, secret) =
        seal_head(world.tenant_id(), Suite::default(), to, &mut world.rng()).unwrap();
    let wrap = head.wrap_for(&one.recipient()).unwrap();
    let info = head.wrap_info(&wrap.to);
    assert_eq!(info.author_identity, ChainId::ZERO);
    assert_eq!(info.author_key.0, [0; 32]);
    assert_eq!(unseal(&head, wrap, &one.secrets[0].kem_key()), Ok(secret));
    // Each recipient's wrap is theirs alone, of this item alone.
    assert_eq!(
        unseal(&head, wrap, &two.secrets[0].kem_key()),
        Err(KeyringError::Unwrap)
    );
    for change in 0..3 {
        let mut other = head.clone();
        match change {
            0 => other.item_id.0[0] ^= 1,
            1 => other.tenant_id.0[0] ^= 1,
            _ => other.commitment[0] ^= 1,
        }
        assert!(unseal(&other, wrap, &one.secrets[0].kem_key()).is_err());
    }
}

#[test]
fn a_services_token_is_for_one_tenant_one_use_and_five_minutes() {
    let mut world = World::new(33);
    let person = world.person();
    let (tenant, key) = (world.tenant_id(), &world.enrolment);
    let token = ServiceToken::read_keys(T0 + 999);
    assert_eq!(token.issued_ms, T0);
    assert_eq!(token.expires_ms, T0 + 5 * MINUTE);
    assert_eq!(token.service_use, ServiceUse::ReadKeys);
    let text = token.sign(tenant, key_id(key), key);
    assert_eq!(ServiceToken::verify(&text, &world.tenant), Ok(token));
    // It is no word about anybody, and no such word is one.
    assert_eq!(
        Attestation::verify(&text, &world.tenant),
        Err(AttestationError::Malformed)
    );
    assert_eq!(
        StandingToken::verify(&text, &world.tenant),
        Err(AttestationError::Malformed)
    );
    let standing = StandingToken {
        identity: person.id,
        standing: Standing::Active,
        issued_ms: T0,
        expires_ms: T0 + MINUTE,
    };
    for other in [
        standing.sign(tenant, key_id(key), key),
        world.token(&world.attestation(&person, "dr.a", 1)),
    ] {
        assert_eq!(
            ServiceToken::verify(&other, &world.tenant),
            Err(AttestationError::Malformed)
        );
    }
    let refused = |token: ServiceToken, tenant, key: &SigningKey| {
        ServiceToken::verify(&token.sign(tenant, key_id(key), key), &world.tenant).unwrap_err()
    };
    let longer = ServiceToken {
        expires_ms: T0 + 301_000,
        ..token
    };
    assert_eq!(refused(longer, tenant, key), AttestationError::Lifetime);
    let backwards = ServiceToken {
        expires_ms: T0,
        ..token
    };
    assert_eq!(refused(backwards, tenant, key), AttestationError::Lifetime);
    let elsewhere = ChainId([1; 32]);
    assert_eq!(refused(token, elsewhere, key), AttestationError::Audience);
    let stranger = SigningKey::generate(&mut world.rng());
    assert_eq!(
        refused(token, tenant, &stranger),
        AttestationError::UnknownKey
    );
}
