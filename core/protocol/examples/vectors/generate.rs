//! The cases, each an object with `kind`, `name`, `expect` and fields in hex,
//! in the shape that `tools/verify/verify.py` reads.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "backups.rs"]
mod backups;
#[path = "groups.rs"]
mod groups;
#[path = "offline.rs"]
mod offline;
#[path = "pairing.rs"]
mod pairing;
#[path = "recovery.rs"]
mod recovery;
#[path = "sealed.rs"]
mod sealed;
#[path = "terms.rs"]
mod terms;

use crate::common::world::*;
use plico_protocol::chain::Replay;
use plico_protocol::chain::possession::Possession;
use plico_protocol::envelope::signed::{Author, EnvelopeSignature, Subject};
use plico_protocol::envelope::{EnvelopeKey, Padding, envelope_hash, seal};
use plico_protocol::format::bodies::{SessionBody, SessionRevoke, TenantBody};
use plico_protocol::format::context::AppContext;
use plico_protocol::format::encode;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::head::{Head, SignedHead};
use plico_protocol::format::suite::Suite;
use plico_protocol::format::wrap::BackLink;
use plico_protocol::identity::file::{IdentityFile, Protection};
use plico_protocol::identity::state::device_hash;
use plico_protocol::keyring::wraps::Wrap;
use plico_protocol::keyring::{EpochSecret, back_link_hash, merkle};
use plico_protocol::primitives::hash::ref_hash;
use plico_protocol::primitives::kdf::expand_with_label;
use plico_protocol::primitives::secret::Secret32;
use plico_protocol::primitives::sign::{SigningKey, labels};
use plico_protocol::rights::draft::{self, Draft, recipient_key};
use plico_protocol::wire::signing::{
    CONTENT_TYPE, RequestParts, SignatureParams, content_digest, sign_request,
};
use plico_protocol::wire::upload::Upload;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Where the vectors are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

/// Whether the file at `path` holds exactly `cases`.
pub fn is_same(path: &Path, cases: &[Value]) -> bool {
    let Ok(bytes) = std::fs::read(path) else {
        return false;
    };
    serde_json::from_slice::<Vec<Value>>(&bytes).is_ok_and(|file| file == cases)
}

/// All files.
pub fn files() -> Vec<(&'static str, Vec<Value>)> {
    let story = Story::new();
    vec![
        ("keys.json", keys(&story)),
        ("entries.json", entries(&story)),
        ("logs.json", logs(&story)),
        ("derivations.json", derivations(&story)),
        ("wraps.json", wraps(&story)),
        ("attestations.json", attestations(&story)),
        ("heads.json", heads(&story)),
        ("requests.json", requests(&story)),
        ("session_envelopes.json", envelopes(&story)),
        ("identity_files.json", identity_files(&story)),
        ("groups.json", groups::cases()),
        ("terms.json", terms::cases()),
        ("recovery.json", recovery::cases()),
        ("sealed.json", sealed::cases()),
        ("offline_files.json", offline::cases()),
        (
            "pairing.json",
            pairing::cases(&story.world, &story.owner, &story.reader),
        ),
        ("backups.json", backups::cases(&story.world, &story.owner)),
    ]
    .into_iter()
    .map(|(name, cases)| (name, fold(cases)))
    .collect()
}

/// Puts the refused cases that stand before a good one into its `altered`: a
/// list of `{name, changes}`, each change a path and what is there instead
/// (nothing: the item is taken out).
fn fold(cases: Vec<Value>) -> Vec<Value> {
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

fn differences(good: &Value, bad: &Value, path: &mut Vec<Value>, out: &mut Vec<Value>) {
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

/// A tenant, three people and a session with every type of entry.
struct Story {
    world: World,
    owner: Person,
    reader: Person,
    heir: Person,
    opening: Vec<u8>,
    session: Log,
}

impl Story {
    fn new() -> Self {
        let mut world = World::new(0x706c_6963_6f01);
        let second = SigningKey::generate(&mut world.rng());
        world.append_tenant(&TenantBody::AddKey(world.prove(&second)), T0);
        let directory = SigningKey::generate(&mut world.rng());
        world.append_tenant(&TenantBody::SetDirectoryKey(world.prove(&directory)), T0);
        world.directory = directory;

        let mut owner = world.person();
        let opening = encode(&world.bind(&mut owner, "dr.a", 1));
        world.append_tenant(&TenantBody::RevokeKey(key_id(&second)), T0 + MINUTE);
        let lost = world.add_device(&mut owner);
        world.revoke_device(&mut owner, lost);
        world.rotate_user_key(&mut owner);
        let (mut reader, heir) = (world.person(), world.person());

        let first = [world.grant_to(&heir, READ, 0)].to_vec();
        let mut session = world.create(&owner, first);
        world.grant(
            &mut session,
            &owner,
            world.grant_to(&reader, FORWARD, T0 + DAY),
        );
        world.rotate_user_key(&mut reader);
        world.rotate(&mut session, &owner, T0 + MINUTE);
        let writer = world.writer(&owner, T0 + MINUTE);
        let secret = session.secret().clone();
        let state = &session.state;
        let title =
            draft::set_metadata(&writer, state, &secret, b"title", &mut world.rng()).unwrap();
        world.push(&mut session, title);
        let revoke = SessionBody::Revoke(SessionRevoke {
            recipients: vec![reader.recipient()],
            cascade: 1,
        });
        world.push_body(&mut session, &owner, T0 + MINUTE, &revoke);
        // Two back-links: over epoch 1 to epoch 0.
        let earlier = [session.secrets[0].clone(), session.secrets[1].clone()];
        let linked = draft::rotate(
            &writer,
            &session.state,
            &[&earlier[0], &earlier[1]],
            &world.known,
            &mut world.rng(),
        );
        world.push(&mut session, linked.unwrap());
        // A new segment, granted together with the one before.
        let segment = draft::rotate(&writer, &session.state, &[], &world.known, &mut world.rng());
        world.push(&mut session, segment.unwrap());
        let both = [session.secrets[2].clone(), session.secrets[3].clone()];
        let grant = draft::grant(
            &writer,
            &session.state,
            vec![world.grant_to(&reader, READ, 0)],
            &[&both[0], &both[1]],
            &world.known,
            &mut world.rng(),
        );
        world.push(&mut session, grant.unwrap());
        let transfer = draft::transfer(
            &writer,
            &session.state,
            recipient_key(world.state(&heir)),
            0,
            &[&both[1]],
            &world.known,
            &mut world.rng(),
        );
        world.push(&mut session, transfer.unwrap());
        world.push_body(&mut session, &heir, T0 + MINUTE, &SessionBody::Tombstone);
        Self {
            world,
            owner,
            reader,
            heir,
            opening,
            session,
        }
    }

    fn people(&self) -> [&Person; 3] {
        [&self.owner, &self.reader, &self.heir]
    }
}

/// A case; `fields` is an object.
fn case(kind: &str, name: &str, expect: &str, fields: Value) -> Value {
    let mut case = fields;
    case["kind"] = kind.into();
    case["name"] = name.into();
    case["expect"] = expect.into();
    case
}

fn ok(kind: &str, name: &str, fields: Value) -> Value {
    case(kind, name, "ok", fields)
}

/// The case with one field changed, which must be refused.
fn refused(good: &Value, name: &str, field: &str, value: Value) -> Value {
    let mut bad = good.clone();
    bad[field] = value;
    bad["name"] = name.into();
    bad["expect"] = "refused".into();
    bad
}

fn hex(bytes: impl AsRef<[u8]>) -> Value {
    hex::encode(bytes).into()
}

/// The same hex with one bit of one byte changed.
fn flipped(hex: &Value, byte: usize) -> Value {
    flipped_bit(hex, byte, 1)
}

fn flipped_bit(hex: &Value, byte: usize, bit: u8) -> Value {
    let mut bytes = hex::decode(hex.as_str().unwrap()).unwrap();
    bytes[byte] ^= bit;
    hex::encode(bytes).into()
}

fn hashed(label: &str, name: &str, value: &[u8]) -> Value {
    ok(
        "ref_hash",
        name,
        json!({"label": label, "value": hex(value), "output": hex(ref_hash(label, value))}),
    )
}

fn keys(story: &Story) -> Vec<Value> {
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

fn entries(story: &Story) -> Vec<Value> {
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

fn log_hex(log: &[SignedEntry]) -> Vec<Value> {
    log.iter().map(|entry| hex(entry.to_bytes())).collect()
}

fn wraps_json(upload: &Upload) -> Value {
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

/// The case with one item of the list `field` changed.
fn item(good: &Value, name: &str, field: &str, at: usize, value: Value) -> Value {
    let mut list = good[field].clone();
    list[at] = value;
    refused(good, name, field, list)
}

fn without(good: &Value, name: &str, field: &str, at: usize) -> Value {
    let mut list = good[field].as_array().unwrap().clone();
    list.remove(at);
    refused(good, name, field, list.into())
}

fn logs(story: &Story) -> Vec<Value> {
    let tenant = ok(
        "tenant_log",
        "a tenant",
        json!({
            "tenant_id": hex(story.world.tenant_id().0),
            "entries": log_hex(&story.world.tenant_log),
            "directory_key": hex(story.world.directory.verifying_key().to_bytes()),
        }),
    );
    let mut cases = Vec::new();
    for at in 0..4 {
        let altered = flipped(&tenant["entries"][at], 230);
        cases.push(item(
            &tenant,
            &format!("a tenant, entry {at} altered"),
            "entries",
            at,
            altered,
        ));
    }
    for at in 0..3 {
        cases.push(without(
            &tenant,
            &format!("a tenant, entry {at} missing"),
            "entries",
            at,
        ));
    }
    cases.push(tenant);

    let mut identities = serde_json::Map::new();
    for person in story.people() {
        let state = story.world.state(person);
        let good = ok(
            "identity_log",
            "an identity",
            json!({
                "tenant_id": hex(story.world.tenant_id().0),
                "identity_id": hex(person.id.0),
                "entries": log_hex(&person.log),
                "uploads": person.uploads.iter().map(wraps_json).collect::<Vec<_>>(),
                "generation": state.user_key().0,
                "user_key_id": hex(state.user_key().1.id.0),
            }),
        );
        identities.insert(hex::encode(person.id.0), log_hex(&person.log).into());
        if person.id == story.owner.id {
            for at in 0..person.log.len() {
                let bytes = person.log[at].to_bytes();
                for byte in [40, 200, bytes.len() - 3] {
                    let altered = flipped(&good["entries"][at], byte);
                    let name = format!("an identity, entry {at}, byte {byte} altered");
                    cases.push(item(&good, &name, "entries", at, altered));
                }
                if at + 1 < person.log.len() {
                    let name = format!("an identity, entry {at} missing");
                    cases.push(without(&good, &name, "entries", at));
                }
            }
            let mut uploads = good["uploads"].clone();
            let sealed = flipped(&uploads[4]["wraps"][0]["sealed"], 5);
            uploads[4]["wraps"][0]["sealed"] = sealed;
            cases.push(refused(
                &good,
                "an identity, a wrap altered",
                "uploads",
                uploads,
            ));
        }
        cases.push(good);
    }

    let session = &story.session;
    let uploads: Vec<Value> = session
        .drafts
        .iter()
        .map(|draft| wraps_json(&draft_upload(draft)))
        .collect();
    let good = ok(
        "session_log",
        "a session",
        json!({
            "tenant_id": hex(story.world.tenant_id().0),
            "session_id": hex(session.state.id().0),
            "identities": identities,
            "entries": log_hex(&session.entries()),
            "uploads": uploads,
        }),
    );
    for at in 0..session.drafts.len() {
        let altered = flipped(&good["entries"][at], 182);
        cases.push(item(
            &good,
            &format!("a session, entry {at} altered"),
            "entries",
            at,
            altered,
        ));
        if at + 1 < session.drafts.len() {
            let name = format!("a session, entry {at} missing");
            let mut bad = without(&good, &name, "entries", at);
            bad["uploads"].as_array_mut().unwrap().remove(at);
            cases.push(bad);
        }
    }
    let change = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut uploads = good["uploads"].clone();
        change(&mut uploads);
        refused(&good, name, "uploads", uploads)
    };
    cases.push(change("a session, a wrap altered", &|it| {
        it[0]["wraps"][1]["sealed"] = flipped(&it[0]["wraps"][1]["sealed"], 1_167);
    }));
    cases.push(change("a session, a wrap missing", &|it| {
        it[2]["wraps"].as_array_mut().unwrap().pop();
    }));
    cases.push(change("a session, wraps swapped", &|it| {
        it[0]["wraps"].as_array_mut().unwrap().swap(0, 1);
    }));
    cases.push(change("a session, a wrap for another generation", &|it| {
        it[0]["wraps"][0]["generation"] = 9.into();
    }));
    cases.push(change("a session, a back-link altered", &|it| {
        it[2]["back_links"][0] = flipped(&it[2]["back_links"][0], 20);
    }));
    cases.push(change("a session, a back-link missing", &|it| {
        it[5]["back_links"].as_array_mut().unwrap().pop();
    }));
    cases.push(change("a session, metadata altered", &|it| {
        it[3]["metadata"] = flipped(&it[3]["metadata"], 0);
    }));
    // The author's chain, cut before the place that it wrote from.
    let mut cut = good["identities"].clone();
    cut[hex::encode(story.owner.id.0)]
        .as_array_mut()
        .unwrap()
        .pop();
    cases.push(refused(
        &good,
        "a session, an author's chain cut short",
        "identities",
        cut,
    ));
    cases.push(good);
    cases
}

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

fn place(secret: &EpochSecret) -> Value {
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

fn derivations(story: &Story) -> Vec<Value> {
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

fn wraps(story: &Story) -> Vec<Value> {
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

fn identity_files(story: &Story) -> Vec<Value> {
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

fn attestations(story: &Story) -> Vec<Value> {
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

fn heads(story: &Story) -> Vec<Value> {
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

fn requests(story: &Story) -> Vec<Value> {
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

fn envelopes(story: &Story) -> Vec<Value> {
    let mut cases = Vec::new();
    let context = AppContext::raw(b"notes/42").unwrap();
    let (chacha, aes) = (Suite::ChaCha20Poly1305Sha512, Suite::Aes256GcmSha512);
    for (secret, context, padding, suite) in [
        (&story.session.secrets[0], None, Padding::Padme, chacha),
        (
            &story.session.secrets[2],
            Some(&context),
            Padding::None,
            chacha,
        ),
        (
            &story.session.secrets[3],
            Some(&context),
            Padding::Padme,
            chacha,
        ),
        (&story.session.secrets[0], None, Padding::None, aes),
        (
            &story.session.secrets[1],
            Some(&context),
            Padding::Padme,
            aes,
        ),
    ] {
        let place_of = secret.context();
        let key = EnvelopeKey::new(
            secret.payload_key(),
            place_of.tenant_id.0,
            place_of.chain_id.0,
            place_of.epoch,
            suite,
        );
        let plaintext = b"what only the session's recipients read";
        let sealed = seal(&key, plaintext, context, padding, &mut story.world.rng()).unwrap();
        let mut fields = place(secret);
        fields["envelope"] = hex(&sealed);
        fields["app_context"] = context.map_or(Value::Null, |it| hex(it.encode()));
        fields["plaintext"] = hex(plaintext);
        let good = ok("session_envelope", "an envelope of a session", fields);
        for byte in [4, 6, 25, 26, 50, 82] {
            let name = format!("an envelope of a session, byte {byte} altered");
            cases.push(refused(
                &good,
                &name,
                "envelope",
                flipped(&good["envelope"], byte),
            ));
        }
        cases.push(refused(
            &good,
            "under another secret",
            "secret",
            flipped(&good["secret"], 0),
        ));
        cases.push(good);
        cases.push(signed_envelope(story, secret, &sealed, context));
    }
    cases.extend(offline_envelope(story));
    cases
}

/// The same, written offline: the mark can't be taken away.
fn offline_envelope(story: &Story) -> [Value; 2] {
    let secret = &story.session.secrets[0];
    let of = secret.context();
    let (tenant, chain) = (of.tenant_id.0, of.chain_id.0);
    let suite = Suite::ChaCha20Poly1305Sha512;
    let key = EnvelopeKey::new(secret.payload_key(), tenant, chain, of.epoch, suite).offline();
    let plaintext = b"written in a tunnel";
    let rng = &mut story.world.rng();
    let mut fields = place(secret);
    fields["envelope"] = hex(seal(&key, plaintext, None, Padding::Padme, rng).unwrap());
    fields["app_context"] = Value::Null;
    fields["plaintext"] = hex(plaintext);
    let good = ok("session_envelope", "an envelope written offline", fields);
    let cleared = flipped_bit(&good["envelope"], 5, 0x04);
    let name = "an envelope written offline, its mark taken away";
    [refused(&good, name, "envelope", cleared), good]
}

fn signed_envelope(
    story: &Story,
    secret: &EpochSecret,
    sealed: &[u8],
    context: Option<&AppContext>,
) -> Value {
    let device = &story.owner.devices[0];
    let author = Author {
        identity: story.owner.id.0,
        key: device.id().0,
        seq: 1,
        head: story.owner.log[1].entry.hash().0,
    };
    let subject = Subject {
        tenant_id: secret.context().tenant_id.0,
        chain_id: secret.context().chain_id.0,
        envelope_hash: envelope_hash(sealed),
        app_context_hash: AppContext::hash_of(context),
    };
    let signature =
        EnvelopeSignature::sign(&device.signing, author, 1_800_000_000_000, &subject).unwrap();
    ok(
        "envelope_signature",
        "a detached signature over an envelope",
        json!({
            "tenant_id": hex(subject.tenant_id),
            "chain_id": hex(subject.chain_id),
            "envelope": hex(sealed),
            "app_context": context.map_or(Value::Null, |it| hex(it.encode())),
            "public_key": hex(device.signing.verifying_key().to_bytes()),
            "key_id": hex(author.key),
            "signature": hex(signature.encode().unwrap()),
        }),
    )
}
