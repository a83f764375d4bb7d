//! Pairing: codes and messages; and fingerprints.

use super::case::{flipped, hex, ok, refused};
use crate::common::world::{Person, World};
use plico_protocol::format::encode;
use plico_protocol::identity::draft::DeviceSecret;
use plico_protocol::identity::fingerprint::Fingerprint;
use plico_protocol::identity::pairing::{Done, NewDevice, offer_of};
use plico_protocol::primitives::random::random_bytes;
use serde_json::{Value, json};

pub fn cases(world: &World, owner: &Person, other: &Person) -> Vec<Value> {
    let mut rng = world.rng();
    let device = DeviceSecret::generate(&mut rng);
    let new = NewDevice::new(device, random_bytes(&mut rng), world.tenant_id()).unwrap();
    let code = new.code();
    let keys = new.device.keys().unwrap();
    let tenant = hex(world.tenant_id().0);
    let mut cases = Vec::new();
    let good = ok(
        "pairing_code",
        "a code",
        json!({
            "tenant_id": tenant,
            "keys": hex(encode(&keys)),
            "salt": hex(new.salt),
            "code": code.to_text(),
            "mailbox": hex(code.mailbox()),
        }),
    );
    for (name, field) in [
        ("of another salt", "salt"),
        ("of another mailbox", "mailbox"),
        ("in another tenant", "tenant_id"),
    ] {
        cases.push(refused(&good, name, field, flipped(&good[field], 0)));
    }
    let swapped = code.to_text().replace(&code.to_text()[..2], "ZZ");
    cases.push(refused(&good, "another code", "code", swapped.into()));
    cases.push(good);

    let offer = offer_of(world.state(owner), "dr.a");
    let done = Done::new(offer.position, b"pins".to_vec()).unwrap();
    let offered = code.seal_offer(3, &offer, &mut rng);
    let answered = new.seal_answer(3, &offer, &mut rng);
    let answer = code.open_answer(3, &offer, &answered).unwrap();
    let ended = code.seal_done(3, &done, &mut rng);
    for (label, message, content) in [
        ("pairing offer", offered, encode(&offer)),
        ("pairing answer", answered, encode(&answer)),
        ("pairing done", ended, encode(&done)),
    ] {
        let content = content[..content.len().min(4096)].to_vec();
        let good = ok(
            "pairing_message",
            label,
            json!({
                "tenant_id": tenant,
                "code": code.to_text(),
                "label": label,
                "round": 3,
                "message": hex(&message),
                "content_begins": hex(&content),
            }),
        );
        // The last message is long and mostly zeros: once is enough.
        if label != "pairing done" {
            for byte in [0, 40, message.len() - 1] {
                let altered = flipped(&good["message"], byte);
                cases.push(refused(
                    &good,
                    &format!("{label}, byte {byte} altered"),
                    "message",
                    altered,
                ));
            }
        }
        cases.push(refused(&good, "in another round", "round", 4.into()));
        cases.push(refused(
            &good,
            "as another message",
            "label",
            "pairing".into(),
        ));
        cases.push(good);
    }

    let here = Fingerprint::new(world.tenant_id(), owner.id, other.id);
    let good = ok(
        "fingerprint",
        "a fingerprint",
        json!({
            "tenant_id": tenant,
            "own": hex(owner.id.0),
            "other": hex(other.id.0),
            "digits": here.digits(),
            "to_scan": here.to_scan(),
        }),
    );
    let changed = flipped(&good["other"], 9);
    cases.push(refused(&good, "of somebody else", "other", changed));
    cases.push(good);
    cases
}
