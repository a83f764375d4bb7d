//! What is derived from an epoch's secret, and how it is handed on.

use super::case::*;
use super::story::Story;
use plico_protocol::format::encode;
use plico_protocol::format::wrap::BackLink;
use plico_protocol::keyring::wraps::Wrap;
use plico_protocol::keyring::{EpochSecret, back_link_hash, merkle};
use plico_protocol::primitives::hash::ref_hash;
use plico_protocol::primitives::kdf::expand_with_label;
use plico_protocol::primitives::secret::Secret32;
use plico_protocol::rights::draft::Draft;
use serde_json::{Value, json};

fn expand(name: &str, secret: &EpochSecret, label: &str) -> Value {
    let context = encode(secret.context());
    let output: Secret32 = expand_with_label(secret.dangerous_secret(), label, &context);
    ok(
        "expand_with_label",
        name,
        json!({
            "secret": hex(secret.dangerous_secret().expose()),
            "label": label,
            "context": hex(context),
            "output": hex(output.expose()),
        }),
    )
}

pub fn place(secret: &EpochSecret) -> Value {
    json!({
        "secret": hex(secret.dangerous_secret().expose()),
        "tenant_id": hex(secret.context().tenant_id.0),
        "chain_id": hex(secret.context().chain_id.0),
        "epoch": secret.context().epoch,
        "commitment": hex(secret.commitment()),
    })
}

fn back_link(secrets: &[EpochSecret], link: &BackLink) -> Value {
    let (new, old) = (
        &secrets[link.epoch as usize],
        &secrets[link.target as usize],
    );
    let mut fields = place(new);
    fields["target_commitment"] = hex(old.commitment());
    fields["link"] = hex(encode(link));
    fields["hash"] = hex(back_link_hash(link));
    fields["opened"] = hex(old.dangerous_secret().expose());
    ok("back_link", "an earlier epoch under a later one", fields)
}

pub fn derivations(story: &Story) -> Vec<Value> {
    let mut cases = Vec::new();
    for secret in &story.session.secrets {
        for label in ["commitment", "payload", "back-link", "metadata"] {
            cases.push(expand(&format!("a session's {label} key"), secret, label));
        }
        assert_eq!(
            expand("", secret, "payload")["output"],
            hex(secret.payload_key().expose())
        );
        assert_eq!(
            expand("", secret, "commitment")["output"],
            hex(secret.commitment())
        );
    }
    cases.push(expand(
        "the seed of a user key",
        &story.owner.secrets[0],
        "kem",
    ));
    let links = story.session.drafts.iter().flat_map(|it| &it.back_links);
    for link in links {
        cases.push(back_link(&story.session.secrets, link));
    }
    let uploads = &story.owner.uploads[4];
    let good = back_link(&story.owner.secrets, &uploads.back_links[0]);
    for byte in [1, 5, 9, 10, 57] {
        let name = format!("a back-link, byte {byte} altered");
        cases.push(refused(&good, &name, "link", flipped(&good["link"], byte)));
    }
    let other = flipped(&good["target_commitment"], 0);
    cases.push(refused(
        &good,
        "a back-link to another epoch",
        "target_commitment",
        other,
    ));
    cases.push(good);
    let mut fields = place(&story.session.secrets[1]);
    let blob = story.session.drafts[3].metadata.as_ref().unwrap();
    fields["blob"] = hex(blob);
    fields["hash"] = hex(ref_hash("metadata", blob));
    fields["plaintext"] = hex(b"title");
    let good = ok("metadata", "a metadata blob", fields);
    for byte in [0, 24, blob.len() - 1] {
        let name = format!("a metadata blob, byte {byte} altered");
        cases.push(refused(&good, &name, "blob", flipped(&good["blob"], byte)));
    }
    cases.push(refused(
        &good,
        "a metadata blob of another epoch",
        "epoch",
        2.into(),
    ));
    cases.push(good);
    cases
}

pub fn wraps(story: &Story) -> Vec<Value> {
    let mut cases = Vec::new();
    for Draft { wraps, .. } in &story.session.drafts {
        let leaves: Vec<_> = wraps.iter().map(Wrap::leaf_hash).collect();
        let Some(root) = merkle::root(&leaves) else {
            continue;
        };
        for (index, wrap) in wraps.iter().enumerate() {
            let person = story
                .people()
                .into_iter()
                .find(|it| it.id.0 == wrap.info.recipient.id);
            let user_key = &person.unwrap().secrets[wrap.info.generation as usize];
            let opened = wrap.open(&user_key.kem_key()).unwrap();
            let good = ok(
                "wrap",
                "an epoch to a recipient",
                json!({
                    "info": hex(encode(&wrap.info)),
                    "sealed": hex(&wrap.sealed),
                    "leaf": hex(wrap.leaf_hash()),
                    "index": index,
                    "count": leaves.len(),
                    "proof": merkle::proof(&leaves, index).unwrap().iter().map(hex).collect::<Vec<_>>(),
                    "root": hex(root),
                    "recipient_seed": expand("", user_key, "kem")["output"],
                    "secret": hex(opened.dangerous_secret().expose()),
                }),
            );
            if index == 0 && cases.is_empty() {
                for byte in [2, 3, 70, 90, 150, 170] {
                    let name = format!("a wrap, byte {byte} of its info altered");
                    cases.push(refused(&good, &name, "info", flipped(&good["info"], byte)));
                }
                for byte in [0, 1_100, 1_130, 1_167] {
                    let name = format!("a wrap, byte {byte} altered");
                    cases.push(refused(
                        &good,
                        &name,
                        "sealed",
                        flipped(&good["sealed"], byte),
                    ));
                }
                let other = hex(expand_with_label::<32>(
                    story.heir.secrets[0].dangerous_secret(),
                    "other",
                    b"",
                )
                .expose());
                cases.push(refused(
                    &good,
                    "a wrap for somebody else",
                    "recipient_seed",
                    other,
                ));
                cases.push(refused(&good, "a wrap at another place", "index", 1.into()));
            }
            cases.push(good);
        }
    }
    cases
}
