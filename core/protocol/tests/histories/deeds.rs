//! What each kind of entry demands and changes.

use super::model::{
    Deed, Epoch, FORWARD, Gone, Member, Model, OWNER, Party, REVOKE, To, VALID, Why,
};
use std::collections::BTreeSet;

fn ends_later(end: u64, than: u64) -> bool {
    than != 0 && (end == 0 || end > than)
}

impl Model {
    pub fn put(&mut self, by: Party, to: &To, segments: BTreeSet<u32>) {
        self.members.insert(
            to.party,
            Member {
                rights: to.rights,
                end: to.end,
                by,
                generation: to.key.generation,
                segments,
            },
        );
    }

    /// The current epoch, to all who are there.
    pub fn begin(&mut self, segment: u32, false_for: &[Party]) {
        let epoch = self.epochs.len() as Epoch;
        self.epochs.push(segment);
        self.left = false;
        for party in 0..self.people.len() {
            if let Some(member) = self.members.get_mut(&party) {
                member.segments.insert(segment);
                self.wrap(party, epoch, false_for);
            } else {
                self.closed.insert((party, epoch));
            }
        }
    }

    pub fn wrap(&mut self, party: Party, epoch: Epoch, false_for: &[Party]) {
        let opens = !false_for.contains(&party);
        self.wraps.insert((party, epoch), opens);
        if opens {
            let generation = self.members[&party].generation;
            self.ever_wrapped.insert((party, generation, epoch));
        }
    }

    pub fn grant(
        &mut self,
        me: Party,
        author: &Member,
        to: &[To],
        epochs: &[Epoch],
        false_for: &[Party],
    ) -> Result<(), Why> {
        if !author.may(FORWARD) {
            return Err("may not forward");
        }
        self.may_give(author, epochs)?;
        for to in to {
            valid(to)?;
            if to.party == me {
                return Err("to oneself");
            }
            if !author.may(to.rights) || ends_later(to.end, author.end) {
                return Err("more than the author has");
            }
            if let Some(old) = self.members.get(&to.party) {
                if old.may(OWNER) && !author.may(OWNER) {
                    return Err("an owner's grant is for owners to replace");
                }
                let takes = old.rights & !to.rights != 0 || ends_later(old.end, to.end);
                if takes && !author.may(REVOKE) {
                    return Err("a revocation in part");
                }
                if !author.may(OWNER) && self.above(me).contains(&to.party) {
                    return Err("to somebody above");
                }
            }
            self.give(me, to, epochs, false_for)?;
        }
        Ok(())
    }

    /// Only the newest epochs of the author's own segments, and always the current one.
    pub fn may_give(&self, author: &Member, epochs: &[Epoch]) -> Result<(), Why> {
        for epoch in epochs {
            let segment = self.segment(*epoch).ok_or("no such epoch")?;
            if self.newest_of(segment) != Some(*epoch) || !author.segments.contains(&segment) {
                return Err("not the newest epoch of a segment of the author's");
            }
        }
        match epochs.last() {
            Some(last) if *last == self.current() => Ok(()),
            _ => Err("without the current epoch"),
        }
    }

    pub fn give(
        &mut self,
        me: Party,
        to: &To,
        epochs: &[Epoch],
        false_for: &[Party],
    ) -> Result<(), Why> {
        self.names(to.party, to.key)?;
        let given: BTreeSet<u32> = epochs.iter().filter_map(|it| self.segment(*it)).collect();
        let mut segments = given.clone();
        if let Some(old) = self.members.get(&to.party) {
            segments.extend(&old.segments);
            // Its old key opens the current epoch, too.
            self.left |= to.key.generation > old.generation;
        }
        self.put(me, to, segments);
        for epoch in epochs {
            self.wrap(to.party, *epoch, false_for);
        }
        let epochs = self.epochs.clone();
        self.closed.retain(|(party, epoch)| {
            *party != to.party || !given.contains(&epochs[*epoch as usize])
        });
        Ok(())
    }

    pub fn revoke(
        &mut self,
        me: Party,
        author: &Member,
        whom: &[Party],
        cascade: bool,
    ) -> Result<(), Why> {
        let only_me = whom == [me] && !cascade;
        if !author.may(REVOKE) && !only_me {
            return Err("may not revoke");
        }
        let mut falls = whom.to_vec();
        if cascade {
            let below = |it: &Party| self.above(*it).iter().any(|up| whom.contains(up));
            let below: Vec<Party> = self.members.keys().copied().filter(below).collect();
            falls.extend(below.into_iter().filter(|it| !whom.contains(it)));
        }
        for party in &falls {
            let member = self.members.get(party).ok_or("not a recipient")?;
            if member.may(OWNER) && !author.may(OWNER) {
                return Err("only owners act on owners");
            }
            if *party == me && !whom.contains(&me) {
                return Err("a cascade that reaches its author");
            }
        }
        self.leave(&falls, Gone::Taken, Some(me));
        if !self.members.values().any(|it| it.may(OWNER)) {
            return Err("without an owner");
        }
        Ok(())
    }

    /// They go; what they had granted and stays has somebody else above it.
    pub fn leave(&mut self, who: &[Party], why: Gone, heir: Option<Party>) {
        let before = self.clone();
        for party in who {
            self.members.remove(party);
            self.gone.insert(*party, why);
            self.wraps.retain(|(to, _), _| to != party);
            self.left = true;
        }
        let stays = |party: &Party| !who.contains(party) && before.members.contains_key(party);
        let first_owner = self.members.iter().find(|(_, it)| it.may(OWNER));
        let first_owner = first_owner.map(|(party, _)| *party);
        for (party, member) in &mut self.members {
            if !who.contains(&member.by) {
                continue;
            }
            let heir = heir.filter(|heir| {
                stays(heir) && heir != party && !before.above(*heir).contains(party)
            });
            let next_above = || before.above(*party).into_iter().find(stays);
            member.by = heir
                .or_else(next_above)
                .or(first_owner)
                .unwrap_or(member.by);
        }
    }

    pub fn rotate(&mut self, author: &Member, claimed: u64, deed: &Deed) -> Result<(), Why> {
        let Deed::Rotate {
            epoch,
            links,
            updates,
            removals,
            left_out,
            slipped_in,
            false_for,
            false_links,
        } = deed
        else {
            return Err("not a rotation");
        };
        let over = |(party, member): (&Party, &Member)| member.over(claimed).then_some(*party);
        let over: BTreeSet<Party> = self.members.iter().filter_map(over).collect();
        if over != removals.iter().copied().collect() {
            return Err("others are left out than those whose time is over");
        }
        self.leave(removals, Gone::TimeOver, None);
        for (party, key) in updates {
            let recorded = self.members.get(party).ok_or("not a recipient")?.generation;
            self.names(*party, *key)?;
            if key.generation < recorded {
                return Err("an earlier key");
            }
            if let Some(member) = self.members.get_mut(party) {
                member.generation = key.generation;
            }
        }
        // Replay sees how many wraps there are, not for whom.
        if left_out.is_some() != slipped_in.is_some() {
            return Err("too few or too many wraps");
        }
        if *epoch != self.current() + 1 {
            return Err("not the next epoch");
        }
        let current = self.epochs[self.current() as usize];
        if links.is_empty() && !author.may(REVOKE) {
            return Err("a new segment needs the right to revoke");
        }
        if links.iter().any(|it| self.segment(*it) != Some(current)) {
            return Err("a back-link out of the segment");
        }
        let segment = if links.is_empty() {
            current + 1
        } else {
            current
        };
        self.begin(segment, false_for);
        if !*false_links {
            self.links.extend(links.iter().map(|to| (*epoch, *to)));
            self.ever_linked
                .extend(links.iter().map(|to| (*epoch, *to)));
        }
        Ok(())
    }

    pub fn transfer(
        &mut self,
        me: Party,
        author: &Member,
        to: &To,
        remaining: u8,
        epochs: &[Epoch],
    ) -> Result<(), Why> {
        if !author.may(OWNER) || to.party == me {
            return Err("only owners hand over, and not to themselves");
        }
        if remaining != 0 && !VALID.contains(&remaining) {
            return Err("rights that do not exist");
        }
        self.may_give(author, epochs)?;
        self.give(to.party, to, epochs, &[])?;
        if remaining == 0 {
            self.leave(&[me], Gone::Taken, Some(to.party));
        } else if let Some(member) = self.members.get_mut(&me) {
            member.rights = remaining;
            if remaining != OWNER {
                member.by = to.party;
            }
        }
        Ok(())
    }
}

/// Rights that there are, and no owner with an end.
pub fn valid(to: &To) -> Result<(), Why> {
    if !VALID.contains(&to.rights) {
        return Err("rights that do not exist");
    }
    if to.rights == OWNER && to.end != 0 {
        return Err("an owner with an end");
    }
    Ok(())
}
