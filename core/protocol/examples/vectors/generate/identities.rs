//! Identity files, and the words of an app's backend.

use super::case::*;
use super::story::Story;
use crate::common::world::*;
use plico_protocol::chain::Replay;
use plico_protocol::identity::file::{IdentityFile, Protection};
use plico_protocol::primitives::secret::Secret32;
use serde_json::{Value, json};

pub fn identity_files(story: &Story) -> Vec<Value> {
    let owner = &story.owner;
    let file = IdentityFile {
        tenant_id: story.world.tenant_id(),
        identity: owner.id,
        device: owner.devices[0].clone(),
        position: story.world.state(owner).tip().head,
        user_id: "dr.a".into(),
    };
    let device = &file.device;
    let fields = json!({
        "tenant_id": hex(file.tenant_id.0),
        "identity_id": hex(file.identity.0),
        "signing_seed": hex(device.signing.dangerous_seed().expose()),
        "kem_seed": hex(device.kem.dangerous_seed().expose()),
        "seq": file.position.seq,
        "hash": hex(file.position.hash.0),
        "user_id": file.user_id,
    });
    let secret = Secret32::from_slice(&[9; 32]).expect("32 bytes");
    let mut cases = Vec::new();
    for (name, protection, field, right, wrong) in [
        (
            "under a secret of the host",
            Protection::Host(&secret),
            "secret",
            hex([9; 32]),
            hex([8; 32]),
        ),
        (
            "under a passphrase",
            Protection::Passphrase("correct horse battery"),
            "passphrase",
            "correct horse battery".into(),
            "correct horse batterz".into(),
        ),
    ] {
        let sealed = file.seal(protection, &mut story.world.rng()).unwrap();
        let mut fields = fields.clone();
        fields["file"] = hex(&sealed);
        fields[field] = right;
        let good = ok("identity_file", name, fields);
        for (name, at) in [
            ("another magic", 0),
            ("another version", 5),
            ("less memory", 8),
            ("another salt", 20),
            ("another commitment", 60),
            ("another ciphertext", sealed.len() - 20),
            ("another tag", sealed.len() - 1),
        ] {
            let altered = flipped(&good["file"], at);
            cases.push(refused(&good, name, "file", altered));
        }
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
