//! Random lives of several identities: devices come and go, keys are rotated,
//! recovery keys set, replaced and used, things are shared with them; and
//! thieves try. Played on the real protocol, with a directory that stores and
//! serves as the rules say, and on a naive model of who can open what.
//!
//! `PLICO_IDENTITY_HISTORIES` – how many in all (default 10,000).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::TestRng;
use common::world::*;
use plico_protocol::chain::Replay as _;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::{ChainId, KeyId, Recipient};
use plico_protocol::format::wrap::BackLink;
use plico_protocol::identity::devices::{IdentityDraft, OwnWriter};
use plico_protocol::identity::draft::{DeviceSecret, NewIdentity, next_own_entry};
use plico_protocol::identity::{IdentityState, RecoverySecret};
use plico_protocol::keyring::EpochSecret;
use plico_protocol::keyring::wraps::Wrap;
use plico_protocol::wire::accept::accept_identity;
use plico_protocol::wire::upload::{Upload, identity_draft_to_rest};
use rand_core::Rng as _;
use std::collections::{BTreeMap, BTreeSet};

/// Somebody who holds keys: a device or a recovery key, in or out of office.
struct Actor {
    keys: DeviceSecret,
    is_recovery: bool,
    /// By the model.
    in_office: bool,
    may_open: BTreeSet<u32>,
    /// In truth: what it has fetched and opened, and never forgets.
    kept: BTreeMap<u32, EpochSecret>,
}

impl Actor {
    fn new(keys: DeviceSecret, is_recovery: bool, generations: u32) -> Self {
        Self {
            keys,
            is_recovery,
            in_office: true,
            may_open: (0..generations).collect(),
            kept: BTreeMap::new(),
        }
    }

    fn recipient(&self) -> Recipient {
        match self.is_recovery {
            true => Recipient::recovery(self.keys.id()),
            false => Recipient::device(self.keys.id()),
        }
    }
}

/// One identity, its directory and its actors.
struct Life {
    tenant: ChainId,
    state: IdentityState,
    actors: Vec<Actor>,
    /// What the directory holds.
    wraps: BTreeMap<(Recipient, u32), Wrap>,
    links: Vec<BackLink>,
    /// Generations so far, by the model.
    generations: u32,
    /// Items that somebody shared: the generation that each is wrapped to.
    items: Vec<(u32, Wrap)>,
    past: Vec<SignedEntry>,
}

#[derive(Default)]
struct Counts {
    taken: BTreeMap<&'static str, usize>,
    refused: BTreeMap<&'static str, usize>,
}

fn writer(keys: &DeviceSecret) -> OwnWriter<'_> {
    OwnWriter {
        key: &keys.signing,
        now_ms: T0,
    }
}

impl Life {
    fn new(tenant: ChainId, rng: &mut TestRng) -> Self {
        let keys = DeviceSecret::generate(rng);
        let new = NewIdentity::create(tenant, &keys, T0, rng).unwrap();
        let state = IdentityState::start(&new.entry, &()).unwrap();
        let mut life = Self {
            tenant,
            state,
            actors: vec![Actor::new(keys, false, 1)],
            wraps: BTreeMap::new(),
            links: Vec::new(),
            generations: 1,
            items: Vec::new(),
            past: vec![new.entry],
        };
        for wrap in new.wraps {
            life.wraps.insert(wrap.info.order(), wrap);
        }
        life
    }

    fn in_office(&self, recovery: bool) -> Vec<usize> {
        let at = |(at, actor): (usize, &Actor)| {
            (actor.in_office && actor.is_recovery == recovery).then_some(at)
        };
        self.actors.iter().enumerate().filter_map(at).collect()
    }

    fn some(&self, recovery: bool, rng: &mut TestRng) -> Option<usize> {
        let those = self.in_office(recovery);
        (!those.is_empty()).then(|| those[rng.next_u32() as usize % those.len()])
    }

    fn secret_of(&self, actor: usize) -> &EpochSecret {
        &self.actors[actor].kept[&(self.generations - 1)]
    }

    /// The directory takes what its rules allow.
    fn send(&mut self, drafts: &[&IdentityDraft]) -> bool {
        let uploads: Vec<Upload> = drafts
            .iter()
            .map(|draft| Upload::from_rest(&identity_draft_to_rest(draft)).unwrap())
            .collect();
        let Ok((state, effects)) = accept_identity(Some(self.state.clone()), &uploads) else {
            return false;
        };
        for gone in &effects.dropped {
            self.wraps.retain(|(recipient, _), _| recipient != gone);
        }
        let kept: BTreeSet<(Recipient, u32)> = effects
            .wraps
            .iter()
            .map(|it| (it.recipient, it.epoch))
            .collect();
        for draft in drafts {
            for wrap in &draft.wraps {
                if kept.contains(&wrap.info.order()) {
                    self.wraps.insert(wrap.info.order(), wrap.clone());
                }
            }
            self.links.extend(draft.back_links.iter().cloned());
            self.past.push(draft.entry.clone());
        }
        self.state = state;
        true
    }

    /// Everybody in office fetches and opens; the rest can't fetch.
    fn fetch(&mut self) {
        for actor in &mut self.actors {
            let recipient = actor.recipient();
            let mut served = self.state.wrap_recipients();
            if !served.any(|(it, _)| it == recipient) {
                continue;
            }
            let mine = self.wraps.range((recipient, 0)..=(recipient, u32::MAX));
            for ((_, epoch), wrap) in mine {
                if !actor.kept.contains_key(epoch) {
                    actor
                        .kept
                        .insert(*epoch, wrap.open(&actor.keys.kem).unwrap());
                }
            }
            for link in self.links.iter().rev() {
                let target = &self.state.user_keys()[link.target as usize];
                if let (false, Some(from)) = (
                    actor.kept.contains_key(&link.target),
                    actor.kept.get(&link.epoch),
                ) {
                    let opened = from.open_back_link(link, &target.epoch.commitment);
                    actor.kept.insert(link.target, opened.unwrap());
                }
            }
        }
    }

    /// The truth is what the model says.
    fn check(&self) {
        for actor in &self.actors {
            let opens: BTreeSet<u32> = actor.kept.keys().copied().collect();
            assert_eq!(opens, actor.may_open, "{:?}", actor.recipient());
            let served = self.state.wrap_recipients();
            let served: Vec<Recipient> = served.map(|(it, _)| it).collect();
            assert_eq!(served.contains(&actor.recipient()), actor.in_office);
            for (generation, item) in &self.items {
                let user_key = actor.kept.get(generation).map(EpochSecret::kem_key);
                let opened = user_key.is_some_and(|key| item.open(&key).is_ok());
                assert_eq!(opened, actor.may_open.contains(generation));
            }
        }
        assert_eq!(self.state.user_keys().len(), self.generations as usize);
    }

    fn new_generation(&mut self) {
        let newest = self.generations;
        self.generations += 1;
        for actor in self.actors.iter_mut().filter(|it| it.in_office) {
            actor.may_open.insert(newest);
        }
    }

    fn rotate(&mut self, by: usize, rng: &mut TestRng) -> bool {
        let draft = writer(&self.actors[by].keys)
            .rotate_user_key(&self.state, self.secret_of(by), rng)
            .unwrap();
        let taken = self.send(&[&draft]);
        if taken {
            self.new_generation();
        }
        taken
    }

    fn add_device(&mut self, by: usize, rng: &mut TestRng) -> bool {
        let new = DeviceSecret::generate(rng);
        let draft = writer(&self.actors[by].keys)
            .add_device(&self.state, &new, self.secret_of(by), rng)
            .unwrap();
        let taken = self.send(&[&draft]);
        if taken {
            self.actors.push(Actor::new(new, false, self.generations));
        }
        taken
    }

    fn revoke(&mut self, by: usize, whom: usize, rotates: bool, rng: &mut TestRng) -> bool {
        let gone = self.actors[whom].keys.id();
        let draft = writer(&self.actors[by].keys).revoke_device(&self.state, gone);
        let taken = self.send(&[&draft]);
        if taken {
            self.actors[whom].in_office = false;
            if rotates && by != whom {
                assert!(self.rotate(by, rng));
            }
        }
        taken
    }

    /// With the consent of `old`: the one that is set, none, or a wrong one.
    fn set_recovery(
        &mut self,
        by: usize,
        old: Option<&DeviceSecret>,
        rotates: bool,
        rng: &mut TestRng,
    ) -> bool {
        let new = RecoverySecret::generate(rng).keys(self.tenant);
        let draft = writer(&self.actors[by].keys)
            .set_recovery(&self.state, &new, old, self.secret_of(by), rng)
            .unwrap();
        let taken = self.send(&[&draft]);
        if taken {
            for old in self.in_office(true) {
                self.actors[old].in_office = false;
            }
            self.actors.push(Actor::new(new, true, self.generations));
            if rotates {
                self.fetch();
                assert!(self.rotate(by, rng));
            }
        }
        taken
    }

    fn use_recovery(&mut self, by: usize, revokes: bool, rotates: bool, rng: &mut TestRng) -> bool {
        let new = DeviceSecret::generate(rng);
        let secret = &self.actors[by].kept[&(self.actors[by].kept.len() as u32 - 1)];
        let draft = writer(&self.actors[by].keys)
            .use_recovery(&self.state, &new, revokes, secret, rng)
            .unwrap();
        let taken = self.send(&[&draft]);
        if taken {
            if revokes {
                for gone in self.in_office(false) {
                    self.actors[gone].in_office = false;
                }
            }
            self.actors.push(Actor::new(new, false, self.generations));
            if rotates {
                self.fetch();
                let new = self.actors.len() - 1;
                assert!(self.rotate(new, rng));
            }
        }
        taken
    }

    /// Somebody shares something: a secret wrapped to the newest user key.
    fn share(&mut self, other: &IdentityState, other_keys: &DeviceSecret, rng: &mut TestRng) {
        let (generation, key) = self.state.user_key();
        let context = plico_protocol::keyring::EpochContext {
            tenant_id: self.tenant,
            chain_id: ChainId([7; 32]),
            epoch: self.items.len() as u32,
        };
        let secret = EpochSecret::generate(context, rng);
        let to = plico_protocol::keyring::wraps::WrapTo {
            recipient: Recipient::identity(self.state.id()),
            generation,
            key_id: key.id,
            key: key.record.kem_key().unwrap(),
        };
        let author = other.author(other_keys.id());
        let wrap = Wrap::seal(&secret, &author, &to, rng).unwrap();
        self.items.push((generation, wrap));
    }

    /// What nobody may do: each must be refused, and change nothing.
    fn attack(&mut self, which: u32, rng: &mut TestRng) -> Option<&'static str> {
        let out = |recovery: bool| {
            let mut actors = self.actors.iter().enumerate();
            let is = move |it: &(usize, &Actor)| !it.1.in_office && it.1.is_recovery == recovery;
            actors.find(is).map(|(at, _)| at)
        };
        let (gone, replaced) = (out(false), out(true));
        let (device, key) = (self.some(false, rng), self.some(true, rng));
        let before = self.state.tip().head;
        let (name, taken) = match which % 7 {
            0 => {
                // A revoked device writes, with the newest secret that it has.
                let gone = gone?;
                let secret = self.actors[gone].kept.values().last()?.clone();
                let new = DeviceSecret::generate(rng);
                let draft = writer(&self.actors[gone].keys)
                    .add_device(&self.state, &new, &secret, rng)
                    .unwrap();
                ("revoked device", self.send(&[&draft]))
            }
            1 => (
                "replaced recovery",
                self.use_recovery(replaced?, true, false, rng),
            ),
            2 => {
                // A stolen device sets words of its own, without or with another's consent.
                key?;
                let forger = RecoverySecret::generate(rng).keys(self.tenant);
                let consent = (rng.next_u32().is_multiple_of(2)).then_some(&forger);
                (
                    "stolen device",
                    self.set_recovery(device?, consent, false, rng),
                )
            }
            3 => {
                // A device in the recovery key's place.
                key?;
                (
                    "device as recovery",
                    self.use_recovery(device?, true, false, rng),
                )
            }
            4 => {
                // The recovery key in a device's place.
                let draft = writer(&self.actors[key?].keys)
                    .revoke_device(&self.state, self.actors[device?].keys.id());
                ("recovery as device", self.send(&[&draft]))
            }
            5 => {
                // An entry of before, once more.
                let at = rng.next_u32() as usize % self.past.len();
                let mut state = self.state.clone();
                ("replay", state.apply(&self.past[at], &()).is_ok())
            }
            _ => {
                // A stranger signs in a device's name.
                let stranger = DeviceSecret::generate(rng);
                let body =
                    plico_protocol::format::bodies::IdentityBody::RevokeDevice(KeyId([1; 32]));
                let entry = next_own_entry(self.state.tip(), body.encode(), T0, &stranger.signing);
                ("stranger", self.state.clone().apply(&entry, &()).is_ok())
            }
        };
        assert!(!taken, "{name} was let in");
        assert_eq!(self.state.tip().head, before);
        Some(name)
    }
}

fn step(lives: &mut [Life], rng: &mut TestRng, counts: &mut Counts) {
    let (at, action) = (rng.next_u32() as usize % lives.len(), rng.next_u32() % 18);
    let rotates = !rng.next_u32().is_multiple_of(3);
    let other = (at + 1) % lives.len();
    let by_other = lives[other].some(false, rng);
    let sharer = by_other.map(|it| {
        let other = &lives[other];
        (other.state.clone(), other.actors[it].keys.clone())
    });
    let life = &mut lives[at];
    let device = life.some(false, rng);
    let recovery = life.some(true, rng);
    let (name, taken) = match (action, device) {
        (0..=1, Some(by)) if life.actors.len() < 6 => ("add device", life.add_device(by, rng)),
        (2..=3, Some(by)) => {
            let whom = life.some(false, rng).unwrap();
            let alone = life.in_office(false).len() < 2;
            let taken = life.revoke(by, whom, rotates, rng);
            assert_eq!(taken, !alone, "the last device stays");
            ("revoke", taken)
        }
        (4..=5, Some(by)) => ("rotate", life.rotate(by, rng)),
        (6..=7, Some(by)) if recovery.is_none() => {
            ("set recovery", life.set_recovery(by, None, rotates, rng))
        }
        (6..=7, Some(by)) => {
            let old = life.actors[recovery.unwrap()].keys.clone();
            (
                "replace recovery",
                life.set_recovery(by, Some(&old), rotates, rng),
            )
        }
        (8..=10, _) if recovery.is_some() && life.actors.len() < 8 => {
            let revokes = !rng.next_u32().is_multiple_of(3);
            let taken = life.use_recovery(recovery.unwrap(), revokes, rotates, rng);
            ("use recovery", taken)
        }
        (11..=12, _) if sharer.is_some() => {
            let (state, keys) = sharer.unwrap();
            life.share(&state, &keys, rng);
            ("share", true)
        }
        _ => {
            // Not every thief finds what it needs; then the next one has a try.
            let first = rng.next_u32();
            let done = (0..7).find_map(|next| life.attack(first.wrapping_add(next), rng));
            *counts.refused.entry(done.unwrap_or("none")).or_default() += 1;
            return;
        }
    };
    assert!(taken || name == "revoke", "{name}");
    *counts.taken.entry(name).or_default() += usize::from(taken);
}

fn play(quarter: u64) {
    let all = std::env::var("PLICO_IDENTITY_HISTORIES");
    let all: u64 = all.map_or(10_000, |it| it.parse().expect("a number"));
    let mut counts = Counts::default();
    let histories = all.div_ceil(4);
    for number in 0..histories {
        // The generator walks in equal steps: neighbours must begin far apart.
        let mut rng = TestRng(TestRng(quarter << 32 | number).next_u64());
        let tenant = ChainId([5; 32]);
        let mut lives = [Life::new(tenant, &mut rng), Life::new(tenant, &mut rng)];
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for life in &mut lives {
                life.fetch();
            }
            for _ in 0..5 + rng.next_u32() % 8 {
                step(&mut lives, &mut rng, &mut counts);
                for life in &mut lives {
                    life.fetch();
                    life.check();
                }
            }
        }));
        if let Err(panic) = result {
            eprintln!("history {number} of quarter {quarter}");
            std::panic::resume_unwind(panic);
        }
    }
    println!(
        "{histories} histories: {:?} refused {:?}",
        counts.taken, counts.refused
    );
    let enough = histories as usize / 200;
    assert_eq!((counts.taken.len(), counts.refused.len()), (7, 7));
    for (name, count) in counts.taken.iter().chain(&counts.refused) {
        assert!(*count >= enough, "{name}: only {count}");
    }
}

#[test]
fn lives_of_identities_1() {
    play(1);
}

#[test]
fn lives_of_identities_2() {
    play(2);
}

#[test]
fn lives_of_identities_3() {
    play(3);
}

#[test]
fn lives_of_identities_4() {
    play(4);
}
