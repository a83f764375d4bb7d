//! Sessions with an end and a tag, and a recipient whom the operator withdraws.

use super::case::{flipped, hex, item, log_hex, ok, refused, without, wraps_json};
use crate::common::place::{Place, Ring};
use crate::common::world::{DAY, MINUTE, Person, READ, draft_upload};
use plico_protocol::format::bodies::{SessionBody, SessionSetExpiry, TagOpening};
use plico_protocol::rights::draft::{self, Draft};
use plico_protocol::rights::{SessionState, Withdrawn};
use serde_json::{Value, json};

fn plain(place: &Place, by: &Person, ring: &Ring, body: &SessionBody) -> Draft {
    place.world.writer(by, place.now).plain(&ring.state, body)
}

fn push(place: &mut Place, ring: &mut Ring, draft: Draft) {
    place.now += MINUTE;
    place.try_push(ring, draft).unwrap();
}

fn case(place: &Place, people: &[Person], name: &str, ring: &Ring) -> Value {
    let log = |it: &Person| (hex::encode(it.id.0), log_hex(&it.log).into());
    let identities: serde_json::Map<String, Value> = people.iter().map(log).collect();
    let uploads = ring.drafts.iter().map(|it| wraps_json(&draft_upload(it)));
    ok(
        "session_log",
        name,
        json!({
            "tenant_id": hex(place.world.tenant_id().0),
            "session_id": hex(ring.id.0),
            "identities": identities,
            "entries": log_hex(&ring.entries()),
            "uploads": uploads.collect::<Vec<_>>(),
        }),
    )
}

/// One that replay refuses, signed as it should be, in place of the last entry.
fn forced(place: &Place, good: &Value, before: &SessionState, draft: &Draft, name: &str) -> Value {
    let entries = std::slice::from_ref(&draft.entry);
    let replayed = place.replay(Some(before.clone()), entries);
    assert!(replayed.is_err(), "{name}");
    let last = good["entries"].as_array().unwrap().len() - 1;
    item(good, name, "entries", last, hex(draft.entry.to_bytes()))
}

pub fn cases() -> Vec<Value> {
    let mut place = Place::new(12);
    let (owner, insurer) = (place.person(), place.person());
    let grants = vec![place.grant_of(insurer.recipient(), READ)];
    let mut ring = place.session(&owner, grants);

    let expiry = SessionSetExpiry {
        ends_ms: place.now + 31 * DAY,
        idle_ms: 7 * DAY,
    };
    let set = plain(&place, &owner, &ring, &SessionBody::SetExpiry(expiry));
    push(&mut place, &mut ring, set);
    let tag = TagOpening::new("ward 3", [7; 32]).unwrap();
    let tagged = |place: &Place, ring: &Ring, tag: Option<TagOpening>| {
        draft::set_tag(&place.world.writer(&owner, place.now), &ring.state, tag)
    };
    let set = tagged(&place, &ring, Some(tag));
    push(&mut place, &mut ring, set);
    let used = plain(&place, &insurer, &ring, &SessionBody::InUse);
    push(&mut place, &mut ring, used);
    // Withdrawn, and taken in again.
    for all in [vec![insurer.recipient()], Vec::new()] {
        let withdrawn = Withdrawn::Exactly(all.into_iter().collect());
        let rotated = place.rotating_without(&ring, &owner, true, &withdrawn);
        push(&mut place, &mut ring, rotated);
    }
    let set = tagged(&place, &ring, None);
    push(&mut place, &mut ring, set);

    let people = [owner.clone(), insurer.clone()];
    let good = case(
        &place,
        &people,
        "an end, a tag, and a recipient withdrawn and taken in again",
        &ring,
    );
    let mut cases = Vec::new();
    for at in 0..ring.drafts.len() {
        let altered = flipped(&good["entries"][at], 190);
        let name = format!("a session with an end, entry {at} altered");
        cases.push(item(&good, &name, "entries", at, altered));
    }
    let mut uploads = good["uploads"].clone();
    uploads[2]["tag"] = flipped(&uploads[2]["tag"], 33);
    cases.push(refused(
        &good,
        "another tag than the log names",
        "uploads",
        uploads,
    ));
    let mut uploads = good["uploads"].clone();
    uploads[2].as_object_mut().unwrap().remove("tag");
    cases.push(refused(
        &good,
        "a tag that is not there",
        "uploads",
        uploads,
    ));
    for (at, what) in [(4, "withdrawn"), (5, "taken in again")] {
        let name = format!("the rotation that has a recipient {what} is missing");
        let mut bad = without(&good, &name, "entries", at);
        bad["uploads"].as_array_mut().unwrap().remove(at);
        cases.push(bad);
    }
    cases.push(good);

    let kept = place.now;
    place.now += 8 * DAY;
    let late = plain(&place, &owner, &ring, &SessionBody::InUse);
    place.now = kept;
    let theirs = plain(&place, &insurer, &ring, &SessionBody::SetExpiry(expiry));
    let before = ring.state.clone();
    let right = plain(&place, &owner, &ring, &SessionBody::SetExpiry(expiry));
    push(&mut place, &mut ring, right);
    let good = case(&place, &people, "an end is set anew", &ring);
    let name = "an entry after the session has ended without use";
    cases.push(forced(&place, &good, &before, &late, name));
    let name = "an end set by one who is no owner";
    cases.push(forced(&place, &good, &before, &theirs, name));
    cases.push(good);

    let withdrawn = Withdrawn::Exactly([insurer.recipient()].into());
    let rotated = place.rotating_without(&ring, &owner, true, &withdrawn);
    push(&mut place, &mut ring, rotated);
    let theirs = plain(&place, &insurer, &ring, &SessionBody::InUse);
    let before = ring.state.clone();
    let right = plain(&place, &owner, &ring, &SessionBody::InUse);
    push(&mut place, &mut ring, right);
    let good = case(&place, &people, "use while a recipient is suspended", &ring);
    let name = "an entry by a recipient who is suspended";
    cases.push(forced(&place, &good, &before, &theirs, name));
    cases.push(good);
    cases
}
