//! Groups: logs with keys, groups in groups, and what members do as a group.

use super::case::{flipped, hex, item, log_hex, ok, refused, without, wraps_json};
use crate::common::world::{FORWARD, Person, READ, T0, World, draft_upload};
use plico_protocol::format::bodies::{Grant, RightsBits, Step};
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::Recipient;
use plico_protocol::keyring::EpochSecret;
use plico_protocol::rights::draft::{self, Draft, group_key};
use plico_protocol::rights::{Chains, Outcome, SessionState, newest_key, replay_session};
use serde_json::{Value, json};
use std::sync::Arc;

/// A chain in the making.
pub struct Ring {
    pub state: SessionState,
    pub drafts: Vec<Draft>,
    secret: EpochSecret,
}

impl Ring {
    pub fn recipient(&self) -> Recipient {
        Recipient::group(self.state.id())
    }

    pub fn step(&self) -> Step {
        Step {
            group: self.state.id(),
            position: self.state.tip().head,
        }
    }

    pub fn entries(&self) -> Vec<SignedEntry> {
        self.drafts.iter().map(|it| it.entry.clone()).collect()
    }

    fn uploads(&self) -> Vec<Value> {
        let uploads = self.drafts.iter().map(draft_upload);
        uploads.map(|it| wraps_json(&it)).collect()
    }
}

pub struct Stage {
    pub world: World,
    pub chains: Chains,
}

impl Stage {
    pub fn new(seed: u64) -> Self {
        Self {
            world: World::new(seed),
            chains: Chains::default(),
        }
    }

    pub fn person(&mut self) -> Person {
        let person = self.world.person();
        let state = Arc::new(self.world.state(&person).clone());
        self.chains.identities.insert(person.id, state);
        person
    }

    pub fn grant(&self, to: Recipient, rights: u8) -> Grant {
        Grant {
            key: newest_key(&to, &self.chains).unwrap(),
            rights: RightsBits(rights),
            expires_ms: 0,
        }
    }

    fn replay(&self, state: Option<SessionState>, draft: &Draft) -> SessionState {
        let entries = std::slice::from_ref(&draft.entry);
        match replay_session(state, entries, &self.chains).unwrap() {
            Outcome::Done(state) => *state,
            Outcome::Needs(needs) => panic!("{needs:?}"),
        }
    }

    fn publish(&mut self, ring: &Ring) {
        if ring.state.is_group() {
            let state = Arc::new(ring.state.clone());
            self.chains.groups.insert(ring.state.id(), state);
        }
    }

    fn begin(&mut self, draft: Draft) -> Ring {
        let ring = Ring {
            state: self.replay(None, &draft),
            secret: draft.secret.clone().unwrap(),
            drafts: vec![draft],
        };
        self.publish(&ring);
        ring
    }

    pub fn group(&mut self, owner: &Person, history: bool, grants: Vec<Grant>) -> Ring {
        let (writer, tenant) = (self.world.writer(owner, T0), self.world.tenant_id());
        let rng = &mut self.world.rng();
        let draft = draft::create_group(&writer, tenant, history, grants, &self.chains, rng);
        self.begin(draft.unwrap())
    }

    pub fn session(&mut self, owner: &Person, grants: Vec<Grant>) -> Ring {
        let (writer, tenant) = (self.world.writer(owner, T0), self.world.tenant_id());
        let rng = &mut self.world.rng();
        let draft = draft::create(&writer, tenant, 1, grants, &self.chains, rng);
        self.begin(draft.unwrap())
    }

    pub fn push(&mut self, ring: &mut Ring, draft: Draft) {
        ring.state = self.replay(Some(ring.state.clone()), &draft);
        if let Some(secret) = &draft.secret {
            ring.secret = secret.clone();
        }
        ring.drafts.push(draft);
        self.publish(ring);
    }

    pub fn rotating(&self, ring: &Ring, by: &Person, back: bool) -> Draft {
        let (writer, rng) = (self.world.writer(by, T0), &mut self.world.rng());
        let earlier: Vec<_> = back.then_some(&ring.secret).into_iter().collect();
        draft::rotate(&writer, &ring.state, &earlier, &self.chains, rng).unwrap()
    }

    fn granting(&self, ring: &Ring, by: &Person, grant: Grant) -> Draft {
        let (writer, rng) = (self.world.writer(by, T0), &mut self.world.rng());
        let secrets = [&ring.secret];
        draft::grant(
            &writer,
            &ring.state,
            vec![grant],
            &secrets,
            &self.chains,
            rng,
        )
        .unwrap()
    }
}

pub fn cases() -> Vec<Value> {
    let mut stage = Stage::new(6);
    let (owner, member, late) = (stage.person(), stage.person(), stage.person());
    let ward = vec![stage.grant(member.recipient(), READ)];
    let mut ward = stage.group(&owner, false, ward);
    let practice = vec![stage.grant(ward.recipient(), READ)];
    let mut practice = stage.group(&owner, true, practice);
    let (writer, tenant) = (stage.world.writer(&owner, T0), stage.world.tenant_id());
    let to_practice = vec![stage.grant(practice.recipient(), FORWARD)];
    let rng = &mut stage.world.rng();
    let draft = draft::create(&writer, tenant, 1, to_practice, &stage.chains, rng);
    let mut session = stage.begin(draft.unwrap());

    // A member of the inner group grants for the outer one.
    let path = [practice.step(), ward.step()];
    let writer = stage.world.writer(&member, T0);
    let granted = stage.granting(&session, &member, stage.grant(late.recipient(), READ));
    let granted = draft::through(&writer, granted, &path);
    stage.push(&mut session, granted);
    // Somebody comes "from now on", which the epochs of all that the group is in show.
    let begun = stage.rotating(&ward, &owner, false);
    stage.push(&mut ward, begun);
    let added = stage.granting(&ward, &owner, stage.grant(late.recipient(), READ));
    stage.push(&mut ward, added);
    let rotated = stage.rotating(&practice, &owner, true);
    stage.push(&mut practice, rotated);
    let path = [practice.step(), ward.step()];
    let writer = stage.world.writer(&late, T0);
    let rotated = stage.rotating(&session, &late, true);
    let rotated = draft::through(&writer, rotated, &path);
    stage.push(&mut session, rotated);

    let identities: serde_json::Map<String, Value> = [&owner, &member, &late]
        .iter()
        .map(|it| (hex::encode(it.id.0), log_hex(&it.log).into()))
        .collect();
    let groups: serde_json::Map<String, Value> = [&ward, &practice]
        .iter()
        .map(|it| {
            let log = json!({"entries": log_hex(&it.entries()), "uploads": it.uploads()});
            (hex::encode(it.state.id().0), log)
        })
        .collect();
    let mut cases = Vec::new();
    let good = ok(
        "group_session_log",
        "a session for a group in a group, from now on",
        json!({
            "tenant_id": hex(tenant.0),
            "session_id": hex(session.state.id().0),
            "identities": identities,
            "groups": groups,
            "entries": log_hex(&session.entries()),
            "uploads": session.uploads(),
        }),
    );
    for at in 0..session.drafts.len() {
        let altered = flipped(&good["entries"][at], 190);
        let name = format!("a session for a group, entry {at} altered");
        cases.push(item(&good, &name, "entries", at, altered));
    }
    let (inner, outer) = (
        hex::encode(ward.state.id().0),
        hex::encode(practice.state.id().0),
    );
    for (name, group) in [("inner", &inner), ("outer", &outer)] {
        let mut cut = good["groups"].clone();
        for field in ["entries", "uploads"] {
            cut[group][field].as_array_mut().unwrap().pop();
        }
        let title = format!("a session for a group, the {name} group's log cut short");
        cases.push(refused(&good, &title, "groups", cut));
        let mut gone = good["groups"].clone();
        gone.as_object_mut().unwrap().remove(group);
        let title = format!("a session for a group, the {name} group is missing");
        cases.push(refused(&good, &title, "groups", gone));
    }
    let name = "a session for a group, an entry through it missing";
    let mut bad = without(&good, name, "entries", 1);
    bad["uploads"].as_array_mut().unwrap().remove(1);
    cases.push(bad);
    cases.push(good);

    for ring in [&ward, &practice] {
        let secret = &ring.secret;
        let good = ok(
            "group_key",
            "the key of a group's generation",
            json!({
                "tenant_id": hex(tenant.0),
                "chain_id": hex(secret.context().chain_id.0),
                "epoch": secret.context().epoch,
                "secret": hex(secret.dangerous_secret().expose()),
                "commitment": hex(secret.commitment()),
                "key_id": hex(group_key(secret).unwrap().id().0),
            }),
        );
        let name = "the key of another generation";
        cases.push(refused(&good, name, "key_id", flipped(&good["key_id"], 0)));
        cases.push(good);
    }
    cases
}
