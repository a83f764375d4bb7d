//! Whole logs, and what may not be in one.

use super::case::*;
use super::story::Story;
use crate::common::world::*;
use serde_json::{Value, json};

pub fn logs(story: &Story) -> Vec<Value> {
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
