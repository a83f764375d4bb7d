//! Recovery keys: their words, and an identity's chain with all that they do.

use super::case::{flipped, hex, item, log_hex, ok, refused, without, wraps_json};
use crate::common::world::{Person, T0, World};
use plico_protocol::chain::Replay as _;
use plico_protocol::identity::RecoverySecret;
use plico_protocol::identity::devices::{IdentityDraft, OwnWriter};
use plico_protocol::identity::draft::DeviceSecret;
use plico_protocol::primitives::secret::Secret32;
use plico_protocol::primitives::sign::SigningKey;
use plico_protocol::wire::upload::{Upload, identity_draft_to_rest};
use serde_json::{Value, json};

/// 32 bytes, their words, and the keys that they give in a tenant.
fn words(world: &World) -> Vec<Value> {
    let mut cases = Vec::new();
    for (name, byte) in [("zeros", 0), ("7f", 0x7f), ("ff", 0xff)] {
        let entropy = [byte; 32];
        let secret = RecoverySecret::from_bytes(Secret32::from_slice(&entropy).unwrap());
        let keys = secret.keys(world.tenant_id());
        let good = ok(
            "recovery_words",
            &format!("a recovery key of {name}"),
            json!({
                "entropy": hex(entropy),
                "words": *secret.words(),
                "tenant_id": hex(world.tenant_id().0),
                "signing_key_id": hex(keys.id().0),
                "kem_key_id": hex(keys.keys().unwrap().kem.id().0),
            }),
        );
        let text = good["words"].as_str().unwrap();
        let short = text.rsplit_once(' ').unwrap().0.to_owned();
        cases.push(refused(&good, "23 words", "words", short.into()));
        let swapped = text.replacen(text.split(' ').next().unwrap(), "about", 1);
        cases.push(refused(&good, "another word", "words", swapped.into()));
        let tenant = flipped(&good["tenant_id"], 0);
        cases.push(refused(&good, "another tenant", "tenant_id", tenant));
        cases.push(good);
    }
    cases
}

/// An identity, written to by draft after draft.
struct Chain {
    world: World,
    person: Person,
}

impl Chain {
    fn push(&mut self, draft: IdentityDraft) {
        let upload = Upload::from_rest(&identity_draft_to_rest(&draft)).unwrap();
        self.world.append(&mut self.person, upload);
        self.person.secrets.extend(draft.secret);
    }

    fn by<'a>(key: &'a SigningKey) -> OwnWriter<'a> {
        OwnWriter { key, now_ms: T0 }
    }

    fn set(&mut self, new: &DeviceSecret, old: Option<&DeviceSecret>) {
        let phone = self.person.devices[0].clone();
        let (state, secret) = (self.world.state(&self.person), self.person.secrets.last());
        let draft = Self::by(&phone.signing).set_recovery(
            state,
            new,
            old,
            secret.unwrap(),
            &mut self.world.rng(),
        );
        self.push(draft.unwrap());
    }

    fn used(&mut self, key: &DeviceSecret, revokes: bool) -> DeviceSecret {
        let device = DeviceSecret::generate(&mut self.world.rng());
        let (state, secret) = (self.world.state(&self.person), self.person.secrets.last());
        let draft = Self::by(&key.signing).use_recovery(
            state,
            &device,
            revokes,
            secret.unwrap(),
            &mut self.world.rng(),
        );
        self.push(draft.unwrap());
        device
    }

    fn rotate(&mut self, by: &DeviceSecret) {
        let (state, secret) = (self.world.state(&self.person), self.person.secrets.last());
        let draft =
            Self::by(&by.signing).rotate_user_key(state, secret.unwrap(), &mut self.world.rng());
        self.push(draft.unwrap());
    }
}

pub fn cases() -> Vec<Value> {
    let mut world = World::new(0x706c_6963_6f02);
    let mut cases = words(&world);
    let person = world.person();
    let mut chain = Chain { world, person };
    let new = |world: &World| RecoverySecret::generate(&mut world.rng()).keys(world.tenant_id());
    let (first, second) = (new(&chain.world), new(&chain.world));
    let phone = chain.person.devices[0].clone();
    chain.set(&first, None);
    chain.world.add_device(&mut chain.person);
    chain.set(&second, Some(&first));
    chain.rotate(&phone);
    let tablet = chain.used(&second, true);
    chain.rotate(&tablet);
    chain.used(&second, false);

    let (person, state) = (&chain.person, chain.world.state(&chain.person));
    let good = ok(
        "identity_log",
        "an identity with recovery keys",
        json!({
            "tenant_id": hex(chain.world.tenant_id().0),
            "identity_id": hex(person.id.0),
            "entries": log_hex(&person.log),
            "uploads": person.uploads.iter().map(wraps_json).collect::<Vec<_>>(),
            "generation": state.user_key().0,
            "user_key_id": hex(state.user_key().1.id.0),
        }),
    );
    assert_eq!(state.tip().head.seq, 7);
    for at in [1, 3, 4, 5, 7] {
        let bytes = person.log[at].to_bytes();
        // Of set_recovery, the byte before the wraps is the consent's last.
        for byte in [200, bytes.len() - 66 - 40, bytes.len() - 3] {
            let altered = flipped(&good["entries"][at], byte);
            let name = format!("a recovery, entry {at}, byte {byte} altered");
            cases.push(item(&good, &name, "entries", at, altered));
        }
        if at < 7 {
            let name = format!("a recovery, entry {at} missing");
            cases.push(without(&good, &name, "entries", at));
        }
    }
    let replayed = good["entries"][5].clone();
    cases.push(item(&good, "a recovery replayed", "entries", 7, replayed));
    let mut uploads = good["uploads"].clone();
    let sealed = flipped(&uploads[6]["wraps"][1]["sealed"], 5);
    uploads[6]["wraps"][1]["sealed"] = sealed;
    cases.push(refused(
        &good,
        "the recovery key's wrap altered",
        "uploads",
        uploads,
    ));
    cases.push(good);
    cases
}
