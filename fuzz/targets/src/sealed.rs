//! Sealed items: what decodes is canonical, and only what was sealed opens.

use crate::fixture::{Bytes, fixture};
use plico_protocol::envelope::{EnvelopeKey, Padding, open, seal};
use plico_protocol::format::sealed::{MAX_SEALED_RECIPIENTS, SEALED_EPOCH, SealedHead, SealedItem};
use plico_protocol::format::suite::Suite;
use plico_protocol::keyring::EpochSecret;
use plico_protocol::keyring::sealed::{seal_head, unseal};
use plico_protocol::rights::draft::recipient_key;
use std::sync::OnceLock;

const PLAIN: &[u8] = b"for two of them";

fn key(head: &SealedHead, secret: &EpochSecret) -> Option<EnvelopeKey> {
    let suite = Suite::from_byte(head.suite).ok()?;
    let (tenant, hash) = (head.tenant_id.0, head.hash());
    let payload = secret.payload_key();
    Some(EnvelopeKey::new(payload, tenant, hash, SEALED_EPOCH, suite))
}

/// The one item that there is, for the first two people.
pub fn item() -> &'static [u8] {
    static ITEM: OnceLock<Vec<u8>> = OnceLock::new();
    ITEM.get_or_init(|| {
        let world = fixture();
        let mut rng = Bytes(30);
        let to = world.people.iter().take(2).map(|person| {
            let key = recipient_key(&world.known[&person.id]);
            let secret = &person.secrets[key.generation as usize];
            (key, secret.kem_key().public_key().expect("has one"))
        });
        let tenant = world.tenant.id();
        let (head, secret) =
            seal_head(tenant, Suite::default(), to.collect(), &mut rng).expect("two people");
        let key = key(&head, &secret).expect("a known suite");
        let envelope = seal(&key, PLAIN, None, Padding::Padme, &mut rng).expect("is short");
        let envelope = &*envelope;
        SealedItem { head, envelope }.to_bytes()
    })
}

/// An item with other bytes.
pub fn sealed_item(data: &[u8]) {
    let Ok(given) = SealedItem::from_bytes(data) else {
        return;
    };
    assert_eq!(given.to_bytes(), data, "another encoding of the same item");
    let wraps = &given.head.wraps;
    assert!((1..=MAX_SEALED_RECIPIENTS).contains(&wraps.len()));
    let ordered = |pair: &[_]| {
        let [one, two]: &[plico_protocol::format::sealed::SealedWrap; 2] =
            pair.try_into().expect("two");
        one.to.recipient < two.to.recipient
    };
    assert!(wraps.windows(2).all(ordered));
    for person in fixture().people.iter().take(3) {
        let me = plico_protocol::format::ids::Recipient::identity(person.id);
        let Some(wrap) = given.head.wrap_for(&me) else {
            continue;
        };
        let Some(secret) = person.secrets.get(wrap.to.generation as usize) else {
            continue;
        };
        let opened = unseal(&given.head, wrap, &secret.kem_key()).ok();
        let key = opened.and_then(|secret| key(&given.head, &secret));
        let opened = key.and_then(|key| open(&key, given.envelope, None).ok());
        assert_eq!(opened.is_some(), data == item());
        assert!(opened.is_none_or(|it| *it == *PLAIN));
    }
}
