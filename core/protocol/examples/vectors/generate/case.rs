//! What a case is made of.

use plico_protocol::format::encode;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::primitives::hash::ref_hash;
use plico_protocol::wire::upload::Upload;
use serde_json::{Value, json};

/// A case; `fields` is an object.
pub fn case(kind: &str, name: &str, expect: &str, fields: Value) -> Value {
    let mut case = fields;
    case["kind"] = kind.into();
    case["name"] = name.into();
    case["expect"] = expect.into();
    case
}

pub fn ok(kind: &str, name: &str, fields: Value) -> Value {
    case(kind, name, "ok", fields)
}

/// The case with one field changed, which must be refused.
pub fn refused(good: &Value, name: &str, field: &str, value: Value) -> Value {
    let mut bad = good.clone();
    bad[field] = value;
    bad["name"] = name.into();
    bad["expect"] = "refused".into();
    bad
}

/// The case with one item of the list `field` changed.
pub fn item(good: &Value, name: &str, field: &str, at: usize, value: Value) -> Value {
    let mut list = good[field].clone();
    list[at] = value;
    refused(good, name, field, list)
}

pub fn without(good: &Value, name: &str, field: &str, at: usize) -> Value {
    let mut list = good[field].as_array().unwrap().clone();
    list.remove(at);
    refused(good, name, field, list.into())
}

pub fn hex(bytes: impl AsRef<[u8]>) -> Value {
    hex::encode(bytes).into()
}

/// The same hex with one bit of one byte changed.
pub fn flipped(hex: &Value, byte: usize) -> Value {
    flipped_bit(hex, byte, 1)
}

pub fn flipped_bit(hex: &Value, byte: usize, bit: u8) -> Value {
    let mut bytes = hex::decode(hex.as_str().unwrap()).unwrap();
    bytes[byte] ^= bit;
    hex::encode(bytes).into()
}

pub fn hashed(label: &str, name: &str, value: &[u8]) -> Value {
    ok(
        "ref_hash",
        name,
        json!({"label": label, "value": hex(value), "output": hex(ref_hash(label, value))}),
    )
}

pub fn log_hex(log: &[SignedEntry]) -> Vec<Value> {
    log.iter().map(|entry| hex(entry.to_bytes())).collect()
}

pub fn wraps_json(upload: &Upload) -> Value {
    let wraps = upload.wraps.iter().map(|wrap| {
        json!({
            "recipient_kind": wrap.recipient.kind.to_u8(),
            "recipient_id": hex(wrap.recipient.id),
            "epoch": wrap.epoch,
            "generation": wrap.generation,
            "key_id": hex(wrap.key_id.0),
            "sealed": hex(&wrap.sealed),
        })
    });
    let mut json = json!({
        "wraps": wraps.collect::<Vec<_>>(),
        "back_links": upload.back_links.iter().map(|it| hex(encode(it))).collect::<Vec<_>>(),
        "metadata": upload.metadata.as_ref().map(hex),
    });
    if let Some(opening) = &upload.tag {
        json["tag"] = hex(opening.to_bytes());
    }
    json
}

/// Puts the refused cases that stand before a good one into its `altered`: a
/// list of `{name, changes}`, each change a path and what is there instead
/// (nothing: the item is taken out).
pub fn fold(cases: Vec<Value>) -> Vec<Value> {
    let mut folded = Vec::new();
    let mut waiting: Vec<Value> = Vec::new();
    for mut case in cases {
        if case["expect"] == "refused" {
            waiting.push(case);
            continue;
        }
        let altered: Vec<Value> = waiting
            .drain(..)
            .map(|mut bad| {
                assert_eq!(bad["kind"], case["kind"]);
                let name = bad["name"].take();
                for same in ["name", "expect"] {
                    bad[same] = case[same].clone();
                }
                let mut changes = Vec::new();
                differences(&case, &bad, &mut Vec::new(), &mut changes);
                assert!(!changes.is_empty(), "{name}");
                json!({"name": name, "changes": changes})
            })
            .collect();
        if !altered.is_empty() {
            case["altered"] = altered.into();
        }
        folded.push(case);
    }
    assert!(waiting.is_empty());
    folded
}

pub fn differences(good: &Value, bad: &Value, path: &mut Vec<Value>, out: &mut Vec<Value>) {
    let mut inside = |key: Value, good: &Value, bad: &Value| {
        path.push(key);
        differences(good, bad, path, out);
        path.pop();
    };
    match (good, bad) {
        (Value::Object(old), Value::Object(new)) if old.len() == new.len() => {
            for (key, value) in old {
                inside(key.as_str().into(), value, &new[key]);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (at, value) in old.iter().enumerate() {
                inside(at.into(), value, &new[at]);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() + 1 => {
            let at = old
                .iter()
                .zip(new)
                .take_while(|(old, new)| old == new)
                .count();
            assert_eq!(old[at + 1..], new[at..]);
            path.push(at.into());
            out.push(json!({"at": path}));
            path.pop();
        }
        _ if good != bad => out.push(json!({"at": path, "to": bad})),
        _ => {}
    }
}
