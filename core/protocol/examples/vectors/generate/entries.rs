//! Keys, and single entries of every type.

use super::case::*;
use super::story::Story;
use plico_protocol::chain::Replay;
use plico_protocol::chain::possession::Possession;
use plico_protocol::format::encode;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::identity::state::device_hash;
use plico_protocol::primitives::kdf::expand_with_label;
use plico_protocol::primitives::sign::{SigningKey, labels};
use serde_json::{Value, json};

pub fn keys(story: &Story) -> Vec<Value> {
    let device = story.owner.devices[0].keys().unwrap();
    let mut cases = vec![
        hashed("key", "key id: Ed25519", &encode(&device.signing)),
        hashed("key", "key id: X-Wing", &encode(&device.kem)),
        hashed("device", "a device's two keys", &encode(&device)),
        hashed("user-id", "the commitment to a user id", &story.opening),
    ];
    // X-Wing key pairs from seeds.
    for person in story.people() {
        for secret in &person.secrets {
            let public = secret.kem_key().public_key().unwrap();
            cases.push(ok(
                "kem_key",
                "a user key from its epoch's secret",
                json!({
                    "seed": hex(expand_with_label::<32>(
                        secret.dangerous_secret(), "kem", &encode(secret.context())).expose()),
                    "public_key": hex(public.to_bytes()),
                }),
            ));
        }
    }
    let place = Possession {
        chain_id: story.owner.id,
        seq: 7,
        prev: story.world.state(&story.owner).tip().head.hash,
        key_id: device_hash(&device),
    };
    let key = &story.owner.devices[0].signing;
    let good = ok(
        "signature",
        "proof of possession",
        json!({
            "public_key": hex(key.verifying_key().to_bytes()),
            "what": labels::POSSESSION,
            "content": hex(encode(&place)),
            "signature": hex(place.prove(key)),
        }),
    );
    cases.push(refused(
        &good,
        "a proof under another label",
        "what",
        "entry".into(),
    ));
    cases.push(refused(
        &good,
        "a proof for another place",
        "content",
        flipped(&good["content"], 39),
    ));
    cases.push(good);
    cases
}

pub fn entries(story: &Story) -> Vec<Value> {
    let mut cases = Vec::new();
    let mut add = |name: &str, entry: &SignedEntry, key: &SigningKey| {
        let good = ok(
            "entry",
            name,
            json!({
                "entry": hex(entry.to_bytes()),
                "hash": hex(entry.entry.hash().0),
                "public_key": hex(key.verifying_key().to_bytes()),
            }),
        );
        let bytes = entry.to_bytes();
        // In the version, in the claimed time, in the body, in the signature.
        for byte in [
            1,
            2 + 1 + 2 + 32 + 8 + 32 + 104 + 7,
            bytes.len() - 70,
            bytes.len() - 1,
        ] {
            let name = format!("{name}, byte {byte} altered");
            cases.push(refused(
                &good,
                &name,
                "entry",
                flipped(&good["entry"], byte),
            ));
        }
        let longer = hex([&bytes[..], &[0]].concat());
        cases.push(refused(
            &good,
            &format!("{name}, a byte too many"),
            "entry",
            longer,
        ));
        let shorter = hex(&bytes[..bytes.len() - 1]);
        cases.push(refused(
            &good,
            &format!("{name}, a byte too few"),
            "entry",
            shorter,
        ));
        cases.push(good);
    };
    for (name, entry) in [
        "tenant create",
        "add key",
        "set directory key",
        "revoke key",
    ]
    .iter()
    .zip(&story.world.tenant_log)
    {
        add(name, entry, &story.world.enrolment);
    }
    let names = [
        "identity create",
        "bind user id",
        "add device",
        "revoke device",
        "rotate user key",
    ];
    for (name, entry) in names.iter().zip(&story.owner.log) {
        add(name, entry, &story.owner.devices[0].signing);
    }
    let names = [
        "session create",
        "grant",
        "rotate",
        "set metadata",
        "revoke",
        "rotate with two back-links",
        "rotate to a new segment",
        "grant of two segments",
        "transfer",
        "tombstone",
    ];
    assert_eq!(names.len(), story.session.drafts.len());
    for (name, draft) in names.iter().zip(&story.session.drafts) {
        let author = draft.entry.entry.author.identity;
        let person = story.people().into_iter().find(|it| it.id == author);
        add(name, &draft.entry, &person.unwrap().devices[0].signing);
    }
    cases
}
