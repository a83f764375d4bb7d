//! What the model allows and forbids, and what follows.

use super::deeds::valid;
use super::model::{Deed, FORWARD, Key, Model, OWNER, Party, REVOKE, SKEW, Signer, To, Why};
use super::people::Person;
use std::collections::{BTreeMap, BTreeSet};

impl Model {
    /// A new session by `signer`, or why there can't be one.
    pub fn create(people: Vec<Person>, signer: &Signer, grants: &[To]) -> Result<Self, Why> {
        let hoard = vec![BTreeSet::new(); people.len()];
        let mut new = Self {
            people,
            members: BTreeMap::new(),
            gone: BTreeMap::new(),
            epochs: Vec::new(),
            left: false,
            ended: false,
            metadata: None,
            named: BTreeMap::new(),
            wraps: BTreeMap::new(),
            links: BTreeSet::new(),
            ever_wrapped: BTreeSet::new(),
            ever_linked: BTreeSet::new(),
            closed: BTreeSet::new(),
            hoard,
        };
        new.sign(signer)?;
        let creator = To {
            party: signer.party,
            rights: OWNER,
            end: 0,
            key: new.people[signer.party].newest(),
        };
        for to in grants.iter().chain([&creator]) {
            new.names(to.party, to.key)?;
            valid(to)?;
            new.put(signer.party, to, BTreeSet::new());
        }
        new.begin(0, &[]);
        Ok(new)
    }

    /// The session after `deed`, or why the rules forbid it.
    pub fn after(&self, signer: &Signer, deed: &Deed) -> Result<Self, Why> {
        let mut next = self.clone();
        if self.ended {
            return Err("after the end");
        }
        next.sign(signer)?;
        let author = match self.members.get(&signer.party) {
            Some(author) if !author.over(signer.claimed) => author,
            _ => return Err("the author is no recipient, or its time is over"),
        };
        match deed {
            Deed::Grant {
                to,
                epochs,
                false_for,
            } => next.grant(signer.party, author, to, epochs, false_for)?,
            Deed::Revoke { whom, cascade } => next.revoke(signer.party, author, whom, *cascade)?,
            Deed::Rotate { .. } => next.rotate(author, signer.claimed, deed)?,
            Deed::Transfer {
                to,
                key,
                remaining,
                epochs,
            } => {
                let to = To {
                    party: *to,
                    rights: OWNER,
                    end: 0,
                    key: *key,
                };
                next.transfer(signer.party, author, &to, *remaining, epochs)?;
            }
            Deed::Metadata { epoch } => {
                if !author.may(FORWARD) || !author.may(REVOKE) || *epoch != self.current() {
                    return Err("metadata: only managers, only under the current epoch");
                }
                next.metadata = Some(*epoch);
            }
            Deed::End => {
                if !author.may(OWNER) {
                    return Err("only owners end a session");
                }
                next.ended = true;
                next.wraps.clear();
                next.links.clear();
                next.metadata = None;
            }
        }
        Ok(next)
    }

    /// What the directory refuses besides; `self` is what was before.
    pub fn directory(
        &self,
        after: &Self,
        signer: &Signer,
        deed: &Deed,
        sent_by: Party,
        now: u64,
    ) -> Result<(), Why> {
        if sent_by != signer.party {
            return Err("somebody else's entry");
        }
        if signer.place != self.people[signer.party].head {
            return Err("the author is not at its head");
        }
        if self.members.get(&sent_by).is_some_and(|it| it.over(now)) {
            return Err("the author's time is over");
        }
        let removes = matches!(deed, Deed::Rotate { removals, .. } if !removals.is_empty());
        let ends = after.members.values().any(|it| it.end != 0);
        if (removes || ends) && signer.claimed.abs_diff(now) > SKEW {
            return Err("the claimed time is off");
        }
        match deed {
            Deed::Grant { to, .. } if to.iter().any(|to| to.end != 0 && to.end <= now) => {
                Err("a grant that is over already")
            }
            Deed::Rotate {
                slipped_in: Some(_),
                ..
            } => Err("a wrap for somebody else"),
            _ => Ok(()),
        }
    }

    fn sign(&mut self, signer: &Signer) -> Result<(), Why> {
        let person = &self.people[signer.party];
        if !person.enrolled || !person.could_sign(signer.device, signer.place) {
            return Err("a device that could not sign there");
        }
        self.name(signer.party, signer.place)
    }

    pub fn name(&mut self, party: Party, place: u64) -> Result<(), Why> {
        let latest = self.named.entry(party).or_default();
        if place < *latest {
            return Err("back in a chain");
        }
        *latest = place;
        Ok(())
    }

    pub fn names(&mut self, party: Party, key: Key) -> Result<(), Why> {
        if self.people[party].generation_at(key.place) != key.generation {
            return Err("not the newest key there");
        }
        self.name(party, key.place)
    }
}
