//! Sealed items: for an identity, for a group, for many; and what is refused.

use super::case::{flipped, hex, ok, refused};
use crate::common::world::{Person, World};
use plico_protocol::chain::Replay as _;
use plico_protocol::envelope::{EnvelopeKey, Padding, seal};
use plico_protocol::format::bodies::RecipientKey;
use plico_protocol::format::context::{AppContext, ContextValue};
use plico_protocol::format::ids::{ChainId, Recipient};
use plico_protocol::format::keys::KeyRecord;
use plico_protocol::format::sealed::{SEALED_EPOCH, SealedItem};
use plico_protocol::format::suite::Suite;
use plico_protocol::keyring::sealed::seal_head;
use plico_protocol::keyring::{EpochContext, EpochSecret};
use plico_protocol::primitives::kem::PublicKey;
use plico_protocol::rights::draft::recipient_key;
use serde_json::{Value, json};

/// Somebody who can open an item: the key's name, and the secret behind it.
struct Reader {
    key: RecipientKey,
    secret: EpochSecret,
}

impl Reader {
    fn person(world: &World, person: &Person) -> Self {
        Self {
            key: recipient_key(world.state(person)),
            secret: person.secrets.last().unwrap().clone(),
        }
    }

    /// A group of which nothing but a generation of its key matters here.
    fn group(world: &World, position: &RecipientKey) -> Self {
        let context = EpochContext {
            tenant_id: world.tenant_id(),
            chain_id: ChainId([0x67; 32]),
            epoch: 3,
        };
        let secret = EpochSecret::generate(context, &mut world.rng());
        let public = secret.kem_key().public_key().unwrap();
        let key = RecipientKey {
            recipient: Recipient::group(context.chain_id),
            generation: context.epoch,
            key_id: KeyRecord::kem(&public).id(),
            position: position.position,
        };
        Self { key, secret }
    }

    fn public(&self) -> (RecipientKey, PublicKey) {
        (self.key, self.secret.kem_key().public_key().unwrap())
    }
}

struct Made {
    bytes: Vec<u8>,
    envelope: usize,
    secret: EpochSecret,
}

fn made(world: &World, to: &[&Reader], suite: Suite, context: Option<&AppContext>) -> Made {
    let to = to.iter().map(|it| it.public()).collect();
    let (head, secret) = seal_head(world.tenant_id(), suite, to, &mut world.rng()).unwrap();
    let (tenant, hash) = (head.tenant_id.0, head.hash());
    let key = EnvelopeKey::new(secret.payload_key(), tenant, hash, SEALED_EPOCH, suite);
    let plain = b"haemoglobin 13.2";
    let envelope = seal(&key, plain, context, Padding::Padme, &mut world.rng()).unwrap();
    let item = SealedItem {
        head,
        envelope: &envelope,
    };
    let bytes = item.to_bytes();
    Made {
        envelope: bytes.len() - envelope.len(),
        bytes,
        secret,
    }
}

fn good(
    world: &World,
    name: &str,
    made: &Made,
    to: &Reader,
    context: Option<&AppContext>,
) -> Value {
    let item = SealedItem::from_bytes(&made.bytes).unwrap();
    let secret = made.secret.dangerous_secret().expose();
    ok(
        "sealed_item",
        name,
        json!({
            "tenant_id": hex(world.tenant_id().0),
            "recipient_kind": to.key.recipient.kind.to_u8(),
            "recipient_id": hex(to.key.recipient.id),
            "recipient_secret": hex(to.secret.dangerous_secret().expose()),
            "sealed": hex(&made.bytes),
            "app_context": context.map(|it| hex(it.encode())),
            "item_id": hex(item.head.item_id.0),
            "hash": hex(item.head.hash()),
            "secret": hex(secret),
            "plaintext": hex(b"haemoglobin 13.2"),
        }),
    )
}

pub fn cases() -> Vec<Value> {
    let mut world = World::new(30);
    let (mut patient, doctor) = (world.person(), world.person());
    world.rotate_user_key(&mut patient);
    let (patient, doctor) = (
        Reader::person(&world, &patient),
        Reader::person(&world, &doctor),
    );
    assert_eq!(
        patient.key.position,
        world.known[&patient.key.recipient.chain()].tip().head
    );
    let practice = Reader::group(&world, &doctor.key);
    let context = AppContext::fields([("row", ContextValue::from(7))]).unwrap();
    let all = [&patient, &doctor, &practice];
    let both = made(
        &world,
        &[&patient, &practice],
        Suite::default(),
        Some(&context),
    );
    let mut cases = refusals(&world, &both, &all, &context);
    for (name, to) in [("for a person", &patient), ("for a group", &practice)] {
        cases.push(good(&world, name, &both, to, Some(&context)));
    }
    let one = made(&world, &[&doctor], Suite::Aes256GcmSha512, None);
    let plain = good(
        &world,
        "for one, with AES, without a context",
        &one,
        &doctor,
        None,
    );
    cases.push(refused(
        &plain,
        "a context too many",
        "app_context",
        hex(context.encode()),
    ));
    let again = SealedItem::from_bytes(&one.bytes).unwrap();
    let relabelled = SealedItem {
        head: plico_protocol::format::sealed::SealedHead {
            suite: Suite::default().to_byte(),
            ..again.head.clone()
        },
        ..again
    };
    cases.push(refused(
        &plain,
        "another suite",
        "sealed",
        hex(relabelled.to_bytes()),
    ));
    cases.push(plain);
    cases
}

/// What must not open, of the first good case.
fn refusals(world: &World, whole: &Made, all: &[&Reader; 3], context: &AppContext) -> Vec<Value> {
    let [patient, doctor, practice] = all;
    let good = good(world, "for a person", whole, patient, Some(context));
    let item = SealedItem::from_bytes(&whole.bytes).unwrap();
    let other = made(world, &[patient, practice], Suite::default(), Some(context));
    let other_item = SealedItem::from_bytes(&other.bytes).unwrap();
    let three = made(
        world,
        &[patient, doctor, practice],
        Suite::default(),
        Some(context),
    );
    let three_item = SealedItem::from_bytes(&three.bytes).unwrap();
    let with = |change: &dyn Fn(&mut SealedItem<'_>)| {
        let mut bad = item.clone();
        change(&mut bad);
        hex(bad.to_bytes())
    };
    let of = |reader: &Reader| {
        let wraps = item.head.wraps.iter();
        let mut wraps = wraps.enumerate();
        let found = wraps.find(|(_, it)| it.to.recipient == reader.key.recipient);
        found.unwrap().0
    };
    let theirs = of(practice);
    let doctors = three_item.head.wrap_for(&doctor.key.recipient).unwrap();
    let head = |bytes: &[u8], at: usize| [&bytes[..at], &whole.bytes[whole.envelope..]].concat();
    let mut bad = vec![
        (
            "a recipient stripped",
            with(&|it| {
                it.head.wraps.remove(theirs);
            }),
        ),
        (
            "a recipient added",
            with(&|it| {
                it.head.wraps.push(doctors.clone());
                it.head.wraps.sort_by_key(|it| it.to.recipient);
            }),
        ),
        (
            "another's wrap exchanged for that of another item",
            with(&|it| it.head.wraps[theirs] = other_item.head.wraps[theirs].clone()),
        ),
        (
            "two recipients' wraps exchanged",
            with(&|it| {
                let (one, two) = (it.head.wraps[0].sealed, it.head.wraps[1].sealed);
                it.head.wraps[0].sealed = two;
                it.head.wraps[1].sealed = one;
            }),
        ),
        (
            "recipients out of order",
            with(&|it| it.head.wraps.reverse()),
        ),
        (
            "a recipient twice",
            with(&|it| it.head.wraps.push(it.head.wraps[1].clone())),
        ),
        ("nobody", with(&|it| it.head.wraps.clear())),
        (
            "another generation of another's key",
            with(&|it| it.head.wraps[theirs].to.generation += 1),
        ),
        (
            "another place of another's chain",
            with(&|it| it.head.wraps[theirs].to.position.seq += 1),
        ),
        (
            "the head of another item",
            hex(head(&other.bytes, other.envelope)),
        ),
        ("an item's head alone", hex(&whole.bytes[..whole.envelope])),
        (
            "cut inside the head",
            hex(&whole.bytes[..whole.envelope / 2]),
        ),
        ("cut at the end", hex(&whole.bytes[..whole.bytes.len() - 1])),
        (
            "a byte too many",
            hex([whole.bytes.as_slice(), b"\0"].concat()),
        ),
    ];
    let wrap = 4 + 2 + 1 + 32 + 32 + 32 + 2;
    for (name, at) in [
        ("another magic", 0),
        ("a later version", 3),
        ("another version", 5),
        ("an unknown suite", 6),
        ("another tenant inside", 7),
        ("another item id", 39),
        ("another commitment", 71),
        ("another length of the list", wrap - 1),
        ("an unknown kind of recipient", wrap),
        ("another recipient", wrap + 1),
        ("a wrap altered", wrap + 109 + 600),
        ("the payload's suite", whole.envelope + 4),
        ("the payload's flags", whole.envelope + 5),
        ("the payload's handle", whole.envelope + 6),
        ("the payload's epoch", whole.envelope + 25),
        ("the payload's salt", whole.envelope + 26),
        ("the payload's commitment", whole.envelope + 50),
        ("the payload", whole.envelope + 82),
    ] {
        bad.push((name, flipped(&good["sealed"], at)));
    }
    let mut cases: Vec<Value> = bad
        .into_iter()
        .map(|(name, sealed)| refused(&good, name, "sealed", sealed))
        .collect();
    let tenant = flipped(&good["tenant_id"], 0);
    cases.push(refused(&good, "another tenant", "tenant_id", tenant));
    let key = hex(doctor.secret.dangerous_secret().expose());
    cases.push(refused(&good, "another's key", "recipient_secret", key));
    let id = hex(doctor.key.recipient.id);
    cases.push(refused(&good, "not a recipient", "recipient_id", id));
    cases.push(refused(
        &good,
        "without a context",
        "app_context",
        Value::Null,
    ));
    let context = AppContext::fields([("row", ContextValue::from(8))]).unwrap();
    let context = hex(context.encode());
    cases.push(refused(&good, "another context", "app_context", context));
    cases
}
