//! Offline files: of a session that was granted directly (version 1), and of one
//! to which a group in a group leads (version 2).

use super::case::{hex, ok, refused};
use super::groups::{Ring, Stage};
use crate::common::world::{DAY, FORWARD, MINUTE, Person, READ, T0};
use plico_protocol::chain::{Replay as _, Tip};
use plico_protocol::envelope::{EnvelopeKey, Padding, seal};
use plico_protocol::format::context::AppContext;
use plico_protocol::format::encode;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::head::{Head, SignedHead};
use plico_protocol::format::ids::{ChainId, Recipient};
use plico_protocol::format::offline::{
    DeviceWrap, OFFLINE_VERSION, OFFLINE_VERSION_GROUPS, OfflineFile, StatedChain, StatedGroup,
    StatedWrap,
};
use plico_protocol::format::opaque::Opaque;
use plico_protocol::format::suite::Suite;
use plico_protocol::keyring::merkle;
use plico_protocol::keyring::wraps::Wrap;
use plico_protocol::primitives::sign::labels;
use plico_protocol::rights::draft;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

const PLAIN: &[u8] = b"for a court, an archive, a safe";

/// A chain as the directory states it.
fn stated(stage: &Stage, tip: &Tip, entries: &[SignedEntry], opening: Vec<u8>) -> StatedChain {
    let head = Head {
        version: 1,
        tenant_id: stage.world.tenant_id(),
        chain_id: tip.chain_id,
        seq: tip.head.seq,
        hash: tip.head.hash,
        time_ms: T0 + DAY,
    };
    let signature = stage.world.directory.sign(labels::HEAD, &encode(&head));
    let head = SignedHead {
        head,
        algorithm: 1,
        signature: signature.to_vec().into(),
    };
    StatedChain {
        id: tip.chain_id,
        entries: entries
            .iter()
            .map(|it| Opaque::new(it.to_bytes()))
            .collect(),
        head: Opaque::new(encode(&head)),
        opening: Opaque::new(opening),
    }
}

/// The wraps to one recipient, with their proofs.
fn wraps_to(ring: &Ring, recipient: Recipient) -> Vec<StatedWrap> {
    let mut found = Vec::new();
    for draft in &ring.drafts {
        let leaves: Vec<merkle::Hash> = draft.wraps.iter().map(Wrap::leaf_hash).collect();
        for (index, wrap) in draft.wraps.iter().enumerate() {
            if wrap.info.recipient == recipient {
                found.push(StatedWrap {
                    recipient,
                    epoch: wrap.info.epoch,
                    generation: wrap.info.generation,
                    key_id: wrap.info.key_id,
                    seq: draft.entry.entry.seq,
                    index: index as u32,
                    proof: merkle::proof(&leaves, index).unwrap(),
                    sealed: Opaque::new(wrap.sealed.clone()),
                });
            }
        }
    }
    found
}

fn links(ring: &Ring) -> Vec<Opaque> {
    let links = ring.drafts.iter().flat_map(|it| &it.back_links);
    links.map(|it| Opaque::new(encode(it))).collect()
}

fn log(stage: &Stage, ring: &Ring) -> StatedChain {
    stated(stage, ring.state.tip(), &ring.entries(), Vec::new())
}

/// Epoch 0 of the session, of which the reader is a recipient by `way`.
struct Way<'a> {
    session: &'a Ring,
    to: Recipient,
    groups: Vec<StatedGroup>,
}

fn file(
    stage: &Stage,
    reader: &Person,
    people: &[(&Person, &[u8])],
    way: Way<'_>,
    context: Option<&AppContext>,
) -> OfflineFile {
    let session = way.session;
    let first = session.drafts[0].secret.as_ref().unwrap();
    let (tenant, chain) = (stage.world.tenant_id(), session.state.id());
    let key = EnvelopeKey::new(first.payload_key(), tenant.0, chain.0, 0, Suite::default());
    let envelope = seal(&key, PLAIN, context, Padding::Padme, &mut stage.world.rng()).unwrap();
    let identities: BTreeMap<ChainId, StatedChain> = people
        .iter()
        .map(|(person, opening)| {
            let tip = stage.world.state(person).tip();
            let chain = stated(stage, tip, &person.log, opening.to_vec());
            (person.id, chain)
        })
        .collect();
    let newest = reader.secrets.last().unwrap();
    let device = &reader.devices[0];
    let wraps = stage.world.device_wraps(reader, newest, &reader.devices);
    let reader_links = reader.uploads.iter().flat_map(|it| &it.back_links);
    let mut groups = way.groups;
    groups.sort_by_key(|it| it.chain.id);
    OfflineFile {
        version: match groups.is_empty() {
            true => OFFLINE_VERSION,
            false => OFFLINE_VERSION_GROUPS,
        },
        tenant: stated(
            stage,
            stage.world.tenant.tip(),
            &stage.world.tenant_log,
            Vec::new(),
        ),
        identities: identities.into_values().collect(),
        reader: reader.id,
        generation: newest.context().epoch,
        device_wraps: vec![DeviceWrap {
            device: device.id(),
            author_key: device.id(),
            sealed: Opaque::new(wraps[0].sealed.clone()),
        }],
        reader_links: reader_links.map(|it| Opaque::new(encode(it))).collect(),
        session: log(stage, session),
        wraps: wraps_to(session, way.to),
        links: links(session),
        envelope: Opaque::new(envelope),
        groups,
    }
}

/// Where `part` begins in the file.
fn at(bytes: &[u8], part: &[u8]) -> usize {
    let mut windows = bytes.windows(part.len());
    windows.position(|it| it == part).unwrap()
}

fn case(name: &str, file: &OfflineFile, reader: &Person, context: Option<&AppContext>) -> Value {
    let bytes = file.to_bytes();
    assert_eq!(OfflineFile::from_bytes(&bytes).as_ref(), Ok(file));
    let mut flips = vec![0, 5, 7, bytes.len() / 2];
    let wraps = file.wraps.iter();
    let inner = file.groups.iter().flat_map(|it| &it.wraps);
    let mut parts: Vec<&[u8]> = vec![
        file.tenant.head.as_slice(),
        file.session.head.as_slice(),
        file.device_wraps[0].sealed.as_slice(),
        file.envelope.as_slice(),
    ];
    parts.extend(wraps.chain(inner).map(|it| it.sealed.as_slice()));
    let of_groups = file.groups.iter().map(|it| &it.chain);
    let chains = file
        .identities
        .iter()
        .chain(of_groups)
        .chain([&file.session]);
    let all: Vec<&StatedChain> = chains.collect();
    parts.extend(all.iter().map(|it| it.head.as_slice()));
    parts.extend(
        all.iter()
            .flat_map(|it| it.entries.iter().map(Opaque::as_slice)),
    );
    flips.extend(
        parts
            .into_iter()
            .map(|it| at(&bytes, it) + 60.min(it.len() - 1)),
    );
    flips.sort_unstable();
    flips.dedup();
    let device = &reader.devices[0];
    ok(
        "offline_file",
        name,
        json!({
            "file": hex(&bytes),
            "tenant_id": hex(file.tenant.id.0),
            "identity_id": hex(reader.id.0),
            "device": hex(device.id().0),
            "signing_seed": hex(device.signing.dangerous_seed().expose()),
            "kem_seed": hex(device.kem.dangerous_seed().expose()),
            "app_context": context.map(|it| hex(it.encode())),
            "flips": flips,
            "as_of_ms": T0 + DAY,
            "plaintext": hex(PLAIN),
        }),
    )
}

pub fn cases() -> Vec<Value> {
    let mut stage = Stage::new(8);
    let (mut owner, mut member) = (stage.person(), stage.person());
    let openings = [
        encode(&stage.world.bind(&mut owner, "dr.a", 1)),
        encode(&stage.world.bind(&mut member, "nurse.b", 1)),
    ];
    for person in [&owner, &member] {
        stage.learn(person);
    }
    let ward = vec![stage.grant(member.recipient(), READ)];
    let mut ward = stage.group(&owner, true, ward);
    let practice = vec![stage.grant(ward.recipient(), READ)];
    let mut practice = stage.group(&owner, true, practice);
    let to_practice = vec![stage.grant(practice.recipient(), FORWARD)];
    let mut session = stage.session(&owner, to_practice);
    let to_member = vec![stage.grant(member.recipient(), READ)];
    let mut direct = stage.session(&owner, to_member);
    // Everything moves on: the reader's key, the groups' keys, the epochs.
    stage.world.rotate_user_key(&mut member);
    stage.learn(&member);
    for ring in [&mut ward, &mut practice] {
        let rotated = stage.rotating(ring, &owner, true);
        stage.push(ring, rotated);
    }
    let path = [practice.step(), ward.step()];
    let writer = stage.world.writer(&member, T0 + MINUTE);
    let rotated = stage.rotating(&session, &member, true);
    let rotated = draft::through(&writer, rotated, &path);
    stage.push(&mut session, rotated);
    let rotated = stage.rotating(&direct, &owner, true);
    stage.push(&mut direct, rotated);

    let people = [(&owner, &*openings[0]), (&member, &*openings[1])];
    let groups = [(&ward, member.recipient()), (&practice, ward.recipient())];
    let groups = groups.map(|(ring, to)| StatedGroup {
        chain: log(&stage, ring),
        wraps: wraps_to(ring, to),
        links: links(ring),
    });
    let context = AppContext::raw(b"a place").unwrap();
    let by_groups = Way {
        session: &session,
        to: practice.recipient(),
        groups: groups.to_vec(),
    };
    let by_groups = file(&stage, &member, &people, by_groups, Some(&context));
    let by_itself = Way {
        session: &direct,
        to: member.recipient(),
        groups: Vec::new(),
    };
    let by_itself = file(&stage, &member, &people, by_itself, None);

    let first = case("a session granted directly", &by_itself, &member, None);
    let name = "a session granted to a group in a group";
    let second = case(name, &by_groups, &member, Some(&context));
    let with = |change: &dyn Fn(&mut OfflineFile)| {
        let mut bad = by_groups.clone();
        change(&mut bad);
        hex(bad.to_bytes())
    };
    let mut cases = Vec::new();
    cases.push(refused(&first, "another device", "device", hex([1; 32])));
    let seed = hex(owner.devices[0].kem.dangerous_seed().expose());
    cases.push(refused(&first, "another device's key", "kem_seed", seed));
    cases.push(first);
    for (name, bytes) in [
        ("a group missing", with(&|it| it.groups.truncate(1))),
        ("groups out of order", with(&|it| it.groups.reverse())),
        (
            "no groups, and yet of version 2",
            with(&|it| it.groups.clear()),
        ),
    ] {
        cases.push(refused(&second, name, "file", bytes));
    }
    let owner = hex(owner.id.0);
    cases.push(refused(&second, "another reader", "identity_id", owner));
    cases.push(second);
    cases
}

impl Stage {
    /// What is known of `person` from now on.
    fn learn(&mut self, person: &Person) {
        let state = Arc::new(self.world.state(person).clone());
        self.chains.identities.insert(person.id, state);
    }
}
