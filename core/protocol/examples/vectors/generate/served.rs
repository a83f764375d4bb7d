//! What the directory signs, and what is signed for it.

use super::case::*;
use super::story::Story;
use crate::common::world::*;
use plico_protocol::format::encode;
use plico_protocol::format::head::{Head, SignedHead};
use plico_protocol::primitives::sign::labels;
use plico_protocol::wire::signing::{
    CONTENT_TYPE, RequestParts, SignatureParams, content_digest, sign_request,
};
use serde_json::{Value, json};

pub fn heads(story: &Story) -> Vec<Value> {
    let tip = story.session.state.tip();
    let head = Head {
        version: 1,
        tenant_id: story.world.tenant_id(),
        chain_id: tip.chain_id,
        seq: tip.head.seq,
        hash: tip.head.hash,
        time_ms: T0 + DAY,
    };
    let signature = story
        .world
        .directory
        .sign(labels::HEAD, &encode(&head))
        .to_vec();
    let signed = SignedHead {
        head,
        algorithm: 1,
        signature: signature.into(),
    };
    story.world.tenant.verify_head(&signed).unwrap();
    let good = ok(
        "head",
        "a signed head",
        json!({
            "tenant_id": hex(story.world.tenant_id().0),
            "tenant_entries": log_hex(&story.world.tenant_log),
            "head": hex(encode(&signed)),
            "chain_id": hex(tip.chain_id.0),
            "seq": tip.head.seq,
            "hash": hex(tip.head.hash.0),
            "time_ms": T0 + DAY,
        }),
    );
    let mut cases: Vec<Value> = [1, 5, 40, 70, 80, 112, 114, 150]
        .map(|byte| {
            let name = format!("a signed head, byte {byte} altered");
            refused(&good, &name, "head", flipped(&good["head"], byte))
        })
        .to_vec();
    cases.push(without(
        &good,
        "a signed head by the former key",
        "tenant_entries",
        3,
    ));
    let entries = good["tenant_entries"].as_array().unwrap()[..2].to_vec();
    cases.last_mut().unwrap()["tenant_entries"] = entries.into();
    cases.push(good);
    cases
}

pub fn requests(story: &Story) -> Vec<Value> {
    let key = &story.owner.devices[0].signing;
    let mut cases = Vec::new();
    for (method, uri, body) in [
        (
            "POST",
            "https://keys.example.org/v1/sessions?from=1",
            &b"{\"a\":1}"[..],
        ),
        ("GET", "https://keys.example.org/v1/tenant", b""),
    ] {
        let digest = content_digest(body);
        let parts = RequestParts {
            method,
            target_uri: uri,
            content_digest: &digest,
            content_type: CONTENT_TYPE,
        };
        let params = SignatureParams {
            created_s: T0 / 1000,
            expires_s: T0 / 1000 + 60,
            nonce: [7; 16],
            identity: story.owner.id,
            key: story.owner.devices[0].id(),
        };
        let (input, signature) = sign_request(&parts, &params, key);
        let good = ok(
            "request",
            &format!("a signed {method}"),
            json!({
                "method": method,
                "target_uri": uri,
                "content_type": CONTENT_TYPE,
                "content_digest": digest,
                "body": hex(body),
                "signature_input": input,
                "signature": signature,
                "base": format!(
                    "\"@method\": {method}\n\"@target-uri\": {uri}\n\"content-digest\": {digest}\n\
                     \"content-type\": {CONTENT_TYPE}\n\"@signature-params\": {}",
                    input.strip_prefix("plico=").unwrap()
                ),
                "public_key": hex(key.verifying_key().to_bytes()),
                "identity_id": hex(story.owner.id.0),
                "key_id": hex(story.owner.devices[0].id().0),
                "now_s": T0 / 1000,
            }),
        );
        cases.push(refused(&good, "another method", "method", "PUT".into()));
        cases.push(refused(
            &good,
            "another address",
            "target_uri",
            format!("{uri}x").into(),
        ));
        cases.push(refused(&good, "another body", "body", hex(b"{}")));
        cases.push(refused(
            &good,
            "another type",
            "content_type",
            "text/plain".into(),
        ));
        cases.push(refused(&good, "too late", "now_s", (T0 / 1000 + 61).into()));
        cases.push(refused(
            &good,
            "too early",
            "now_s",
            (T0 / 1000 - 31).into(),
        ));
        let shorter = input.replace(" \"content-digest\"", "");
        cases.push(refused(
            &good,
            "a component missing",
            "signature_input",
            shorter.into(),
        ));
        let tag = input.replace("tag=\"plico\"", "tag=\"other\"");
        cases.push(refused(&good, "another tag", "signature_input", tag.into()));
        cases.push(good);
    }
    cases
}
