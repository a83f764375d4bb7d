//! Identity files, and the words of an app's backend.

use super::case::*;
use super::story::Story;
use crate::common::world::*;
use plico_protocol::chain::Replay;
use plico_protocol::identity::file::{IdentityFile, Protection};
use plico_protocol::primitives::secret::Secret32;
use serde_json::{Value, json};

/// What is in the identity files and backups of `owner`.
pub fn file_of(world: &World, owner: &Person) -> IdentityFile {
    IdentityFile {
        tenant_id: world.tenant_id(),
        identity: owner.id,
        device: owner.devices[0].clone(),
        position: world.state(owner).tip().head,
        user_id: "dr.a".into(),
    }
}

/// The fields of a case that say what is in it.
pub fn fields_of(file: &IdentityFile) -> Value {
    json!({
        "tenant_id": hex(file.tenant_id.0),
        "identity_id": hex(file.identity.0),
        "signing_seed": hex(file.device.signing.dangerous_seed().expose()),
        "kem_seed": hex(file.device.kem.dangerous_seed().expose()),
        "seq": file.position.seq,
        "hash": hex(file.position.hash.0),
        "user_id": file.user_id,
    })
}

/// Ways to protect them: the case's name, the protection, the field that holds it, what
/// is right there, and what is wrong.
pub fn protections(
    secret: &Secret32,
) -> [(&'static str, Protection<'_>, &'static str, Value, Value); 2] {
    let wrong = [secret.expose()[0] ^ 1; 32];
    [
        (
            "under a secret of the host",
            Protection::Host(secret),
            "secret",
            hex(secret.expose()),
            hex(wrong),
        ),
        (
            "under a passphrase",
            Protection::Passphrase("correct horse battery"),
            "passphrase",
            "correct horse battery".into(),
            "correct horse batterz".into(),
        ),
    ]
}

/// The case with one byte of `field` changed, once for each of these places.
pub fn bytes_flipped(good: &Value, field: &str, places: &[(&str, usize)]) -> Vec<Value> {
    let flip = |&(name, at): &(&str, usize)| refused(good, name, field, flipped(&good[field], at));
    places.iter().map(flip).collect()
}

pub fn identity_files(story: &Story) -> Vec<Value> {
    let file = file_of(&story.world, &story.owner);
    let secret = Secret32::from_slice(&[9; 32]).expect("32 bytes");
    let mut cases = Vec::new();
    for (name, protection, field, right, wrong) in protections(&secret) {
        let sealed = file.seal(protection, &mut story.world.rng()).unwrap();
        let mut fields = fields_of(&file);
        fields["file"] = hex(&sealed);
        fields[field] = right;
        let good = ok("identity_file", name, fields);
        let places = [
            ("another magic", 0),
            ("another version", 5),
            ("less memory", 8),
            ("another salt", 20),
            ("another commitment", 60),
            ("another ciphertext", sealed.len() - 20),
            ("another tag", sealed.len() - 1),
        ];
        cases.extend(bytes_flipped(&good, "file", &places));
        cases.push(refused(&good, "protected by another", field, wrong));
        cases.push(good);
    }
    cases
}

pub fn attestations(story: &Story) -> Vec<Value> {
    let binding = story.world.state(&story.owner).binding().unwrap();
    let good = ok(
        "binding",
        "a user id's binding",
        json!({
            "tenant_id": hex(story.world.tenant_id().0),
            "tenant_entries": log_hex(&story.world.tenant_log),
            "identity_id": hex(story.owner.id.0),
            "number": binding.body.number,
            "commitment": hex(binding.body.commitment),
            "claimed_ms": binding.claimed_ms,
            "opening": hex(&story.opening),
            "user_id": "dr.a",
        }),
    );
    let last = story.opening.len() - 1;
    let mut cases = vec![
        refused(&good, "another number", "number", 2.into()),
        refused(
            &good,
            "another identity",
            "identity_id",
            hex(story.reader.id.0),
        ),
        refused(
            &good,
            "too late",
            "claimed_ms",
            (T0 + 10 * MINUTE + 1).into(),
        ),
        refused(
            &good,
            "too early",
            "claimed_ms",
            (T0 - 5 * MINUTE - 1).into(),
        ),
        refused(
            &good,
            "another salt",
            "opening",
            flipped(&good["opening"], 0),
        ),
        refused(
            &good,
            "another user id",
            "opening",
            flipped(&good["opening"], 34),
        ),
        refused(
            &good,
            "another signature",
            "opening",
            flipped(&good["opening"], last - 9),
        ),
    ];
    cases.push(good);
    cases
}
