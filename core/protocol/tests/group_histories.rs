//! Random lives of groups and sessions, with grants that end, managers who grant and
//! fall with those below them, and an operator who withdraws and lifts, against a
//! naive model: who can open which epoch is what the model says, for a party that has every byte that anybody
//! ever received: all wraps, all back-links, and its own keys.
//!
//! `PLICO_GROUP_HISTORIES` gives another number of histories, `PLICO_SEED` another seed.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::TestRng;
use common::place::{Place, Ring};
use common::world::*;
use plico_protocol::format::ids::{ChainId, Kind, Recipient};
use plico_protocol::format::wrap::BackLink;
use plico_protocol::keyring::EpochSecret;
use plico_protocol::rights::{Member, Withdrawn, due, newest_key};
use rand_core::Rng as _;
use std::collections::{BTreeMap, BTreeSet, HashMap};

const PEOPLE: usize = 4;
const GROUPS: usize = 3;
const STEPS: usize = 18;

/// A member, as the model has it.
#[derive(Clone, Copy)]
struct Held {
    /// Of its key, when it was given something last.
    generation: u32,
    /// When its grant ends; 0: never.
    ends: u64,
    /// Who answers for it.
    by: Recipient,
}

impl Held {
    fn is_over(&self, now: u64) -> bool {
        self.ends != 0 && now >= self.ends
    }
}

/// Who holds what, told by what was done and not by any key: for each chain and
/// epoch, to whom it was given directly, and in which segment it is.
#[derive(Default)]
struct Model {
    given: BTreeMap<(ChainId, u32), BTreeSet<(Recipient, u32)>>,
    segments: BTreeMap<ChainId, Vec<u32>>,
    members: BTreeMap<ChainId, BTreeMap<Recipient, Held>>,
    /// Whom the operator has withdrawn.
    withdrawn: BTreeMap<ChainId, BTreeSet<Recipient>>,
}

impl Model {
    /// An epoch begins for whoever is a member now and not withdrawn.
    fn begin(&mut self, chain: ChainId, segment: u32, members: BTreeMap<Recipient, Held>) {
        let segments = self.segments.entry(chain).or_default();
        let epoch = segments.len() as u32;
        segments.push(segment);
        let out = self.withdrawn.entry(chain).or_default();
        let given = members.iter().filter(|(it, _)| !out.contains(*it));
        let given = given.map(|(it, held)| (*it, held.generation));
        self.given.insert((chain, epoch), given.collect());
        self.members.insert(chain, members);
    }

    /// Those who answer for `gone` answer for whom it has granted to.
    fn remove(&mut self, chain: ChainId, gone: Recipient) {
        let members = self.members.get_mut(&chain).unwrap();
        let Some(held) = members.remove(&gone) else {
            return;
        };
        for member in members.values_mut().filter(|it| it.by == gone) {
            member.by = held.by;
        }
    }

    /// All whose line of grants leads to `top`, and itself.
    fn below(&self, chain: ChainId, top: Recipient) -> Vec<Recipient> {
        let members = &self.members[&chain];
        let leads = |mut at: Recipient| {
            for _ in 0..=members.len() {
                if at == top {
                    return true;
                }
                at = members.get(&at).map_or(at, |it| it.by);
            }
            false
        };
        members.keys().copied().filter(|it| leads(*it)).collect()
    }

    fn newest(&self, chain: ChainId) -> u32 {
        self.segments[&chain].len() as u32 - 1
    }

    fn add(&mut self, chain: ChainId, who: Recipient, held: Held, epochs: &[u32]) {
        self.members.get_mut(&chain).unwrap().insert(who, held);
        for epoch in epochs {
            let given = self.given.get_mut(&(chain, *epoch)).unwrap();
            given.insert((who, held.generation));
        }
    }

    /// The newest epoch of each segment so far.
    fn ends(&self, chain: ChainId) -> Vec<u32> {
        let segments = &self.segments[&chain];
        let is_end = |epoch: &usize| segments.get(epoch + 1) != Some(&segments[*epoch]);
        (0..segments.len())
            .filter(is_end)
            .map(|it| it as u32)
            .collect()
    }

    /// Given to the person, in this epoch or a later one of its segment, directly
    /// or by a group's generation that the person can open.
    fn opens(&self, person: Recipient, chain: ChainId, epoch: u32) -> bool {
        self.leads(person, chain, epoch, &mut BTreeSet::new())
    }

    fn leads(
        &self,
        person: Recipient,
        chain: ChainId,
        epoch: u32,
        seen: &mut BTreeSet<(ChainId, u32)>,
    ) -> bool {
        // Replay alone does not see all circles.
        if !seen.insert((chain, epoch)) {
            return false;
        }
        let segments = &self.segments[&chain];
        let same = |later: &u32| segments[*later as usize] == segments[epoch as usize];
        (epoch..segments.len() as u32).filter(same).any(|later| {
            self.given[&(chain, later)].iter().any(|(to, generation)| {
                *to == person
                    || (to.kind == Kind::Group && self.leads(person, to.chain(), *generation, seen))
            })
        })
    }
}

/// All that was ever on the wire.
#[derive(Default)]
struct Tape {
    wraps: Vec<plico_protocol::keyring::wraps::Wrap>,
    links: Vec<(ChainId, BackLink)>,
    commitments: HashMap<(ChainId, u32), [u8; 32]>,
}

impl Tape {
    fn record(&mut self, ring: &Ring) {
        let draft = ring.drafts.last().unwrap();
        self.wraps.extend(draft.wraps.iter().cloned());
        self.links
            .extend(draft.back_links.iter().map(|it| (ring.id, it.clone())));
        for (number, epoch) in ring.state.epochs().iter().enumerate() {
            let place = (ring.id, number as u32);
            self.commitments.insert(place, epoch.commitment);
        }
    }

    /// Everything that a person's keys open, to the end.
    fn opened_by(&self, person: &Person) -> HashMap<(ChainId, u32), EpochSecret> {
        let mut open: HashMap<(ChainId, u32), EpochSecret> = HashMap::new();
        loop {
            let before = open.len();
            for wrap in &self.wraps {
                let info = &wrap.info;
                let place = (info.chain_id, info.epoch);
                if open.contains_key(&place) {
                    continue;
                }
                let key = if info.recipient == person.recipient() {
                    Some(person.secrets[info.generation as usize].kem_key())
                } else {
                    let group = (info.recipient.chain(), info.generation);
                    open.get(&group).map(EpochSecret::kem_key)
                };
                if let Some(secret) = key.and_then(|key| wrap.open(&key).ok()) {
                    open.insert(place, secret);
                }
            }
            for (chain, link) in &self.links {
                let target = (*chain, link.target);
                if open.contains_key(&target) {
                    continue;
                }
                if let Some(secret) = open.get(&(*chain, link.epoch)) {
                    let opened = secret.open_back_link(link, &self.commitments[&target]);
                    open.insert(target, opened.unwrap());
                }
            }
            if open.len() == before {
                return open;
            }
        }
    }
}

struct Life {
    place: Place,
    model: Model,
    tape: Tape,
    rng: TestRng,
    /// The first owns everything.
    people: Vec<Person>,
    rings: Vec<Ring>,
}

impl Life {
    fn new(seed: u64) -> Self {
        let mut place = Place::new(seed);
        let people: Vec<Person> = (0..PEOPLE).map(|_| place.person()).collect();
        let mut life = Self {
            place,
            model: Model::default(),
            tape: Tape::default(),
            rng: TestRng(seed ^ 0x5eed),
            people,
            rings: Vec::new(),
        };
        let owner = life.people[0].clone();
        for number in 0..=GROUPS {
            let history = life.rng.next_u32().is_multiple_of(2);
            let ring = if number < GROUPS {
                life.place.group(&owner, history, Vec::new())
            } else {
                life.place.session(&owner, Vec::new())
            };
            let held = Held {
                generation: 0,
                ends: 0,
                by: owner.recipient(),
            };
            let members = BTreeMap::from([(owner.recipient(), held)]);
            life.model.begin(ring.id, 0, members);
            life.tape.record(&ring);
            life.rings.push(ring);
        }
        life
    }

    fn below(&mut self, bound: usize) -> usize {
        self.rng.next_u32() as usize % bound
    }

    /// A new epoch of the ring, as the model and as the code has it.
    fn rotate(&mut self, at: usize, segment: bool) {
        let owner = self.people[0].clone();
        let (id, now) = (self.rings[at].id, self.place.now);
        let over = |(who, held): (&Recipient, &Held)| held.is_over(now).then_some(*who);
        let over: Vec<Recipient> = self.model.members[&id].iter().filter_map(over).collect();
        for who in over {
            self.model.remove(id, who);
        }
        let mut members = self.model.members[&id].clone();
        let mut crosses = false;
        let out = self.model.withdrawn.entry(id).or_default();
        for (who, held) in members.iter_mut().filter(|(it, _)| !out.contains(*it)) {
            if who.kind == Kind::Group {
                let newest = self.model.segments[&who.chain()].len() as u32 - 1;
                let segments = &self.model.segments[&who.chain()];
                crosses |= segments[held.generation as usize] != segments[newest as usize];
                held.generation = newest;
            }
        }
        let last = *self.model.segments[&id].last().unwrap();
        let next = last + u32::from(segment || crosses);
        self.model.begin(id, next, members);
        let withdrawn = Withdrawn::Exactly(self.model.withdrawn[&id].clone());
        let ring = &self.rings[at];
        let draft = self
            .place
            .rotating_without(ring, &owner, !segment, &withdrawn);
        self.place.try_push(&mut self.rings[at], draft).unwrap();
        self.tape.record(&self.rings[at]);
    }

    /// The owner, or somebody who may grant now.
    fn grantor(&mut self, at: usize) -> Person {
        let ring = &self.rings[at];
        let may = |it: &&Person| {
            let member = ring.state.member(&it.recipient());
            let out = self.model.withdrawn[&ring.id].contains(&it.recipient());
            let acts = |it: &Member| it.may_act_at(self.place.now);
            member.is_some_and(|it| acts(it) && it.rights.contains(MANAGE)) && !out
        };
        let mut able: Vec<Person> = self.people.iter().filter(may).cloned().collect();
        let chosen = self.rng.next_u32() as usize % able.len();
        able.swap_remove(chosen)
    }

    fn add(&mut self, at: usize, who: Recipient) {
        if self.model.withdrawn[&self.rings[at].id].contains(&who) {
            return; // the directory would refuse it
        }
        let ring = &self.rings[at];
        let is_new = ring.state.member(&who).is_none();
        let from_now_on = is_new && !ring.state.opens_history();
        if from_now_on {
            self.rotate(at, true);
        } else if self.is_due(at) {
            self.rotate(at, false);
        }
        let id = self.rings[at].id;
        let epochs = if from_now_on {
            vec![self.model.newest(id)]
        } else {
            self.model.ends(id)
        };
        let by = self.grantor(at);
        let mine = self.rings[at].state.member(&by.recipient()).unwrap();
        let (mine, limit) = (mine.segments.clone(), mine.expires_ms);
        let segments = &self.model.segments[&id];
        let has = |epoch: &u32| mine.contains(&segments[*epoch as usize]);
        let epochs: Vec<u32> = epochs.into_iter().filter(has).collect();
        let rights = if self.below(3) == 0 { MANAGE } else { READ };
        let mut grant = self.place.grant_of(who, rights);
        let wanted = match self.below(3) {
            0 => self.place.now + MINUTE * (1 + self.below(6) as u64),
            _ => 0,
        };
        let ends = [wanted, limit].into_iter().filter(|it| *it != 0).min();
        grant.expires_ms = ends.unwrap_or(0);
        let held = Held {
            generation: grant.key.generation,
            ends: grant.expires_ms,
            by: by.recipient(),
        };
        let secrets: Vec<EpochSecret> = epochs
            .iter()
            .map(|epoch| self.rings[at].secrets[epoch].clone())
            .collect();
        let draft = self
            .place
            .granting_all(&self.rings[at], &by, grant, &secrets);
        if self.place.try_push(&mut self.rings[at], draft).is_err() {
            return; // a circle, or too deep, or more than the grantor may
        }
        self.tape.record(&self.rings[at]);
        self.model.add(id, who, held, &epochs);
    }

    /// The operator withdraws somebody, or lifts that.
    fn operate(&mut self, at: usize, who: Recipient) {
        if who == self.people[0].recipient() {
            return; // somebody must write
        }
        let out = self.model.withdrawn.get_mut(&self.rings[at].id).unwrap();
        if !out.remove(&who) {
            out.insert(who);
        }
    }

    fn remove(&mut self, at: usize, who: Recipient, cascade: bool) {
        let owner = self.people[0].clone();
        if who == owner.recipient() || self.rings[at].state.member(&who).is_none() {
            return;
        }
        let ring = &self.rings[at];
        let draft = self.place.revoking_with(ring, &owner, who, cascade);
        self.place.try_push(&mut self.rings[at], draft).unwrap();
        self.tape.record(&self.rings[at]);
        let id = self.rings[at].id;
        let fall = if cascade {
            self.model.below(id, who)
        } else {
            vec![who]
        };
        let members = self.model.members.get_mut(&id).unwrap();
        for gone in &fall {
            members.remove(gone);
        }
        // Without cascade, the author answers for whom they had granted to.
        for member in members.values_mut().filter(|it| fall.contains(&it.by)) {
            member.by = owner.recipient();
        }
        self.rotate(at, false);
    }

    fn is_due(&self, at: usize) -> bool {
        due(
            &self.rings[at].state,
            &self.place.chains,
            &Withdrawn::Exactly(self.model.withdrawn[&self.rings[at].id].clone()),
            self.place.now,
        )
        .is_some()
    }

    fn step(&mut self) {
        self.place.now += MINUTE;
        let at = self.below(GROUPS + 1);
        let who = if self.rng.next_u32().is_multiple_of(3) {
            let group = self.below(GROUPS);
            self.rings[group].recipient()
        } else {
            let person = self.below(PEOPLE);
            self.people[person].recipient()
        };
        let deed = self.below(8);
        if deed < 3 {
            if who != self.rings[at].recipient() && who != self.people[0].recipient() {
                self.add(at, who);
            }
        } else if deed == 3 || deed == 4 {
            self.remove(at, who, deed == 4);
        } else if deed == 5 {
            self.operate(at, who);
        } else if self.is_due(at) {
            // Whoever writes next.
            self.rotate(at, false);
        }
    }

    fn check(&self) {
        for person in &self.people {
            let open = self.tape.opened_by(person);
            for ring in &self.rings {
                for epoch in 0..=ring.state.current_epoch() {
                    let told = self.model.opens(person.recipient(), ring.id, epoch);
                    let opened = open.get(&(ring.id, epoch));
                    assert_eq!(opened.is_some(), told, "epoch {epoch} of {:?}", ring.id);
                    if let Some(secret) = opened {
                        assert_eq!(*secret, ring.secrets[&epoch]);
                    }
                }
            }
        }
        // And what is published is what the model says is newest.
        for ring in self.rings.iter().filter(|it| it.state.is_group()) {
            let key = newest_key(&ring.recipient(), &self.place.chains).unwrap();
            assert_eq!(key.generation, self.model.newest(ring.id));
            let again = self.place.replay(None, &ring.entries()).unwrap();
            assert_eq!(again.group_key(), ring.state.group_key());
        }
        // Who is in, by whose grant, until when, is what the model says.
        for ring in &self.rings {
            let members = ring.state.members();
            let told: Vec<_> = members
                .map(|(it, m)| (*it, m.granted_by, m.expires_ms))
                .collect();
            let held = self.model.members[&ring.id].iter();
            let held: Vec<_> = held.map(|(it, held)| (*it, held.by, held.ends)).collect();
            assert_eq!(told, held);
        }
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |it| it.parse().unwrap())
}

#[test]
fn who_can_open_what_is_what_the_model_says() {
    let (histories, seed) = (
        number("PLICO_GROUP_HISTORIES", 1_000),
        number("PLICO_SEED", 1),
    );
    let workers = std::thread::available_parallelism().map_or(1, |it| it.get() as u64);
    std::thread::scope(|scope| {
        for worker in 0..workers {
            scope.spawn(move || {
                for history in (worker..histories).step_by(workers as usize) {
                    let mut life = Life::new(seed.wrapping_mul(1_000_003) + history);
                    for _ in 0..STEPS {
                        life.step();
                    }
                    life.check();
                }
            });
        }
    });
}
