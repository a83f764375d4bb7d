//! The rules, told a second time and as plainly as possible: a map of who has
//! which rights and who granted them, and sets of (party, epoch) that say who
//! may open what. Written from `docs/spec/`, not from the rules' code.
//!
//! Parties are numbers, in the order of their identities' ids.

use super::people::Person;
use std::collections::{BTreeMap, BTreeSet};

pub const FORWARD: u8 = 2;
pub const REVOKE: u8 = 4;
pub const OWNER: u8 = 0x87;
/// All bytes that are rights.
pub const VALID: [u8; 5] = [1, 3, 5, 7, OWNER];
/// Newest wraps of a segment that a member is served.
pub const SERVED_WRAPS: usize = 4;
/// How far a claimed time may be off where somebody's rights end.
pub const SKEW: u64 = 300_000;

pub type Party = usize;
pub type Epoch = u32;
/// Why something is forbidden; for whoever reads a failure.
pub type Why = &'static str;

/// A recipient's key as an entry names it: its generation, and the place of
/// its owner's chain.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    pub generation: u32,
    pub place: u64,
}

#[derive(Clone, Copy, Debug)]
pub struct To {
    pub party: Party,
    pub rights: u8,
    /// 0: without end.
    pub end: u64,
    pub key: Key,
}

/// One entry of a session, with all lies that its wraps may hold.
#[derive(Clone, Debug)]
pub enum Deed {
    Grant {
        to: Vec<To>,
        epochs: Vec<Epoch>,
        false_for: Vec<Party>,
    },
    Revoke {
        whom: Vec<Party>,
        cascade: bool,
    },
    Rotate {
        epoch: Epoch,
        links: Vec<Epoch>,
        updates: Vec<(Party, Key)>,
        removals: Vec<Party>,
        /// Gets no wrap, although it stays.
        left_out: Option<Party>,
        /// Gets one, although it is no recipient.
        slipped_in: Option<Party>,
        false_for: Vec<Party>,
        false_links: bool,
    },
    Transfer {
        to: Party,
        key: Key,
        remaining: u8,
        epochs: Vec<Epoch>,
    },
    Metadata {
        epoch: Epoch,
    },
    End,
}

/// Who signs: a party's device, at a place of its chain, at a claimed time.
#[derive(Clone, Copy, Debug)]
pub struct Signer {
    pub party: Party,
    pub device: usize,
    pub place: u64,
    pub claimed: u64,
}

/// A recipient of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub rights: u8,
    pub end: u64,
    pub by: Party,
    pub generation: u32,
    pub segments: BTreeSet<u32>,
}

impl Member {
    pub fn may(&self, right: u8) -> bool {
        self.rights & right == right
    }
    pub fn over(&self, now: u64) -> bool {
        self.end != 0 && now >= self.end
    }
}

/// Why somebody is no recipient any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    Taken,
    TimeOver,
}

/// Why a new epoch is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    Left,
    TimeOver(Party),
    NewKey(Party),
}

#[derive(Clone, Debug)]
pub struct Model {
    pub people: Vec<Person>,
    pub members: BTreeMap<Party, Member>,
    pub gone: BTreeMap<Party, Gone>,
    /// The segment of each epoch.
    pub epochs: Vec<u32>,
    pub left: bool,
    pub ended: bool,
    pub metadata: Option<Epoch>,
    /// The latest place named of each chain.
    pub named: BTreeMap<Party, u64>,
    /// What the directory holds; `false` is a wrap that does not open.
    pub wraps: BTreeMap<(Party, Epoch), bool>,
    pub links: BTreeSet<(Epoch, Epoch)>,
    /// All true wraps that were ever uploaded, with the key's generation.
    pub ever_wrapped: BTreeSet<(Party, u32, Epoch)>,
    pub ever_linked: BTreeSet<(Epoch, Epoch)>,
    /// Epochs that began when the party was no recipient, and that nobody has
    /// granted to it since.
    pub closed: BTreeSet<(Party, Epoch)>,
    /// What a party that keeps everything has ever opened.
    pub hoard: Vec<BTreeSet<Epoch>>,
}

impl Model {
    pub fn current(&self) -> Epoch {
        self.epochs.len() as Epoch - 1
    }

    pub fn segment(&self, epoch: Epoch) -> Option<u32> {
        self.epochs.get(epoch as usize).copied()
    }

    pub fn newest_of(&self, segment: u32) -> Option<Epoch> {
        let of = |epoch: &Epoch| self.segment(*epoch) == Some(segment);
        (0..=self.current()).rev().find(of)
    }

    /// May `party` be served, and if not, why?
    pub fn access(&self, party: Party, now: u64) -> Result<&Member, Option<Gone>> {
        match self.members.get(&party) {
            Some(_) if self.ended => Err(None),
            Some(member) if member.over(now) => Err(Some(Gone::TimeOver)),
            Some(member) => Ok(member),
            None => Err(self.gone.get(&party).copied()),
        }
    }

    /// What `party` opens with what it is served now, and nothing else.
    pub fn opens(&self, party: Party, now: u64) -> BTreeSet<Epoch> {
        let Ok(member) = self.access(party, now) else {
            return BTreeSet::new();
        };
        let mut open = BTreeSet::new();
        for segment in &member.segments {
            let mine = (0..=self.current())
                .rev()
                .filter(|epoch| self.segment(*epoch) == Some(*segment))
                .filter_map(|epoch| Some((epoch, *self.wraps.get(&(party, epoch))?)))
                .take(SERVED_WRAPS);
            open.extend(mine.filter(|(_, true_wrap)| *true_wrap).map(|(it, _)| it));
        }
        follow(open, &self.links)
    }

    /// What somebody opens who holds all that was ever uploaded, and the
    /// private keys of `party` up to a generation.
    pub fn ever_opens(&self, party: Party, generation: u32) -> BTreeSet<Epoch> {
        let mine = self.ever_wrapped.iter();
        let open = mine.filter(|(to, with, _)| *to == party && *with <= generation);
        follow(
            open.map(|(_, _, epoch)| *epoch).collect(),
            &self.ever_linked,
        )
    }

    /// Everybody fetches what they may, and keeps it.
    pub fn fetch(&mut self, now: u64) {
        for party in 0..self.people.len() {
            let opened = self.opens(party, now);
            self.hoard[party].extend(opened);
        }
    }

    pub fn due(&self, now: u64) -> Option<Due> {
        if self.left {
            return Some(Due::Left);
        }
        self.members.iter().find_map(|(party, member)| {
            if member.over(now) {
                Some(Due::TimeOver(*party))
            } else if self.people[*party].newest().generation > member.generation {
                Some(Due::NewKey(*party))
            } else {
                None
            }
        })
    }

    /// Everybody above `party` in the line of grants, the nearest first. Owners
    /// can grant to each other in a ring; then one stands above oneself.
    pub fn above(&self, party: Party) -> Vec<Party> {
        let mut line = Vec::new();
        let mut at = party;
        while let Some(member) = self.members.get(&at) {
            at = member.by;
            if line.contains(&at) {
                break;
            }
            line.push(at);
        }
        line
    }
}

/// All that opens from `open` through `links`.
pub fn follow(mut open: BTreeSet<Epoch>, links: &BTreeSet<(Epoch, Epoch)>) -> BTreeSet<Epoch> {
    // A link leads from a later to an earlier epoch, so one way down is enough.
    for (from, to) in links.iter().rev() {
        if open.contains(from) {
            open.insert(*to);
        }
    }
    open
}
