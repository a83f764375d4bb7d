//! Random lives of groups and sessions against a naive model: who can open which
//! epoch is what the model says, for a party that has every byte that anybody
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
use plico_protocol::rights::Withdrawn;
use plico_protocol::rights::{due, newest_key};
use rand_core::Rng as _;
use std::collections::{BTreeMap, BTreeSet, HashMap};

const PEOPLE: usize = 4;
const GROUPS: usize = 3;
const STEPS: usize = 14;

/// Who holds what, told by what was done and not by any key: for each chain and
/// epoch, to whom it was given directly, and in which segment it is.
#[derive(Default)]
struct Model {
    given: BTreeMap<(ChainId, u32), BTreeSet<(Recipient, u32)>>,
    segments: BTreeMap<ChainId, Vec<u32>>,
    /// The members of each chain, with the generation that they were given it at.
    members: BTreeMap<ChainId, BTreeMap<Recipient, u32>>,
}

impl Model {
    /// An epoch begins for whoever is a member now.
    fn begin(&mut self, chain: ChainId, segment: u32, members: BTreeMap<Recipient, u32>) {
        let segments = self.segments.entry(chain).or_default();
        let epoch = segments.len() as u32;
        segments.push(segment);
        let given = members.iter().map(|(it, generation)| (*it, *generation));
        self.given.insert((chain, epoch), given.collect());
        self.members.insert(chain, members);
    }

    fn newest(&self, chain: ChainId) -> u32 {
        self.segments[&chain].len() as u32 - 1
    }

    fn add(&mut self, chain: ChainId, who: Recipient, generation: u32, epochs: &[u32]) {
        self.members
            .get_mut(&chain)
            .unwrap()
            .insert(who, generation);
        for epoch in epochs {
            let given = self.given.get_mut(&(chain, *epoch)).unwrap();
            given.insert((who, generation));
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
            let members = BTreeMap::from([(owner.recipient(), 0)]);
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
        let id = self.rings[at].id;
        let mut members = self.model.members[&id].clone();
        let mut crosses = false;
        for (who, generation) in &mut members {
            if who.kind == Kind::Group {
                let newest = self.model.newest(who.chain());
                let segments = &self.model.segments[&who.chain()];
                crosses |= segments[*generation as usize] != segments[newest as usize];
                *generation = newest;
            }
        }
        let last = *self.model.segments[&id].last().unwrap();
        let next = last + u32::from(segment || crosses);
        self.model.begin(id, next, members);
        let draft = self.place.rotating(&self.rings[at], &owner, !segment);
        self.place.try_push(&mut self.rings[at], draft).unwrap();
        self.tape.record(&self.rings[at]);
    }

    fn add(&mut self, at: usize, who: Recipient) {
        let owner = self.people[0].clone();
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
        let grant = self.place.grant_of(who, READ);
        let secrets: Vec<EpochSecret> = epochs
            .iter()
            .map(|epoch| self.rings[at].secrets[epoch].clone())
            .collect();
        let draft = self
            .place
            .granting_all(&self.rings[at], &owner, grant, &secrets);
        if self.place.try_push(&mut self.rings[at], draft).is_err() {
            return; // a circle, or too deep
        }
        self.tape.record(&self.rings[at]);
        let generation = match who.kind {
            Kind::Group => self.model.newest(who.chain()),
            _ => 0,
        };
        self.model.add(id, who, generation, &epochs);
    }

    fn remove(&mut self, at: usize, who: Recipient) {
        let owner = self.people[0].clone();
        if who == owner.recipient() || self.rings[at].state.member(&who).is_none() {
            return;
        }
        let draft = self.place.revoking(&self.rings[at], &owner, who);
        self.place.try_push(&mut self.rings[at], draft).unwrap();
        self.tape.record(&self.rings[at]);
        let id = self.rings[at].id;
        self.model.members.get_mut(&id).unwrap().remove(&who);
        self.rotate(at, false);
    }

    fn is_due(&self, at: usize) -> bool {
        due(
            &self.rings[at].state,
            &self.place.chains,
            &Withdrawn::Unknown,
            T0,
        )
        .is_some()
    }

    fn step(&mut self) {
        let at = self.below(GROUPS + 1);
        let who = if self.rng.next_u32().is_multiple_of(3) {
            let group = self.below(GROUPS);
            self.rings[group].recipient()
        } else {
            let person = self.below(PEOPLE);
            self.people[person].recipient()
        };
        let deed = self.below(6);
        if deed < 3 {
            if who != self.rings[at].recipient() && who != self.people[0].recipient() {
                self.add(at, who);
            }
        } else if deed == 3 {
            self.remove(at, who);
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
