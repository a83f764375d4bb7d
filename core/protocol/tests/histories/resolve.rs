//! From what was made up ("some member, some segments") to what it means at
//! this point of the history.

use super::actions::{Crooked, End, Grantee, KeyOf, Links, Past, Rights, Sender, What, Who};
use super::common::world::MINUTE;
use super::model::{Deed, Epoch, Key, Model, OWNER, Party, Signer, To};
use std::collections::BTreeMap;

fn nth<T: Copy>(all: &[T], number: u8) -> Option<T> {
    all.get(usize::from(number) % all.len().max(1)).copied()
}

fn bit(mask: u8, place: usize) -> bool {
    mask & (1 << (place % 8)) != 0
}

impl Model {
    pub fn pick(&self, who: Who) -> Party {
        let members: Vec<Party> = self.members.keys().copied().collect();
        let enrolled = (0..self.people.len()).filter(|it| self.people[*it].enrolled);
        let enrolled: Vec<Party> = enrolled.collect();
        let most = members.iter().map(|it| self.members[it].rights).max();
        let (number, wanted): (u8, Vec<Party>) = match who {
            Who::Anybody(number) => (number, enrolled),
            Who::Member(number) => (number, members.clone()),
            Who::Strong(number) => {
                let strong = |it: &Party| self.members[it].rights | 0x80 >= most.unwrap_or(0);
                (number, members.iter().copied().filter(strong).collect())
            }
            Who::Weak(number) => {
                let weak = |it: &Party| !self.members[it].may(OWNER);
                (number, members.iter().copied().filter(weak).collect())
            }
            Who::Stranger(number) => {
                let stranger = |it: &Party| !self.members.contains_key(it);
                (number, enrolled.into_iter().filter(stranger).collect())
            }
        };
        nth(&wanted, number)
            .or_else(|| nth(&members, number))
            .unwrap_or(0)
    }

    /// A device, 0 being the first that is not revoked.
    pub fn device(&self, party: Party, number: u8) -> usize {
        let person = &self.people[party];
        match number {
            0 => *person.active().first().expect("there is always one"),
            _ => usize::from(number) % person.devices.len(),
        }
    }

    pub fn signer(&self, sender: Sender, now: u64) -> Signer {
        let party = self.pick(sender.who);
        let head = self.people[party].head;
        Signer {
            party,
            device: self.device(party, sender.device),
            place: head.saturating_sub(u64::from(sender.behind)),
            claimed: now.saturating_add_signed(i64::from(sender.skew) * MINUTE as i64),
        }
    }

    fn key(&self, party: Party, which: KeyOf) -> Key {
        let person = &self.people[party];
        let newest = person.newest();
        match which {
            KeyOf::Newest => newest,
            KeyOf::Behind(by) => {
                let place = person.head.saturating_sub(u64::from(by));
                Key {
                    generation: person.generation_at(place),
                    place,
                }
            }
            KeyOf::Earlier => Key {
                generation: newest.generation.saturating_sub(1),
                ..newest
            },
        }
    }

    /// Grantees, each once, in the order of their ids.
    pub fn grantees(&self, by: Party, to: &[Grantee], now: u64) -> Vec<To> {
        let author = self.members.get(&by);
        let limit = author.map_or(0, |it| it.end);
        let mut all = BTreeMap::new();
        for grantee in to {
            let party = self.pick(grantee.who);
            let end = match grantee.end {
                End::Never => 0,
                End::AsAuthor => limit,
                End::In(minutes) => now + minutes * MINUTE,
                End::Past => now - MINUTE,
            };
            let rights = match grantee.rights {
                Rights::These(rights) => rights,
                Rights::OfMine(rights) => rights & author.map_or(OWNER, |it| it.rights),
            };
            let end = if rights == OWNER && !matches!(grantee.rights, Rights::These(_)) {
                0
            } else {
                end
            };
            let to = To {
                party,
                rights,
                end,
                key: self.key(party, grantee.key),
            };
            all.insert(party, to);
        }
        all.into_values().collect()
    }

    fn granted_epochs(&self, by: Party, past: Past) -> Vec<Epoch> {
        let current = self.current();
        let here = self.epochs[current as usize];
        let author = self.members.get(&by);
        let has = |segment: u32| author.is_none_or(|it| it.segments.contains(&segment));
        let chosen: Vec<u32> = match past {
            Past::All => (0..=here).filter(|it| has(*it)).collect(),
            Past::Now => vec![here],
            Past::Some(mask) => {
                let some = |it: &u32| *it == here || bit(mask, *it as usize);
                (0..=here).filter(some).collect()
            }
            Past::NotNow if here > 0 => (0..here).collect(),
            Past::Stale if current > 0 && self.segment(current - 1) == Some(here) => {
                return vec![current - 1, current];
            }
            Past::NotNow | Past::Stale => vec![here],
        };
        let newest = chosen.into_iter().filter_map(|it| self.newest_of(it));
        newest.collect()
    }

    fn links(&self, links: Links) -> Vec<Epoch> {
        let current = self.current();
        let here = self.segment(current);
        let first = (0..=current).find(|it| self.segment(*it) == here);
        let first = first.unwrap_or(current);
        match links {
            Links::Newest => vec![current],
            Links::Several(many) => {
                let from = (current + 1).saturating_sub(u32::from(many));
                (from.max(first)..=current).collect()
            }
            Links::StepOver => vec![current.saturating_sub(1).max(first)],
            Links::None => Vec::new(),
            Links::Any(mask) => (0..=current)
                .filter(|it| bit(mask, *it as usize))
                .take(8)
                .collect(),
        }
    }

    fn rotation(&self, claimed: u64, links: Links, crooked: Crooked) -> Deed {
        let over = |party: &Party| self.members[party].over(claimed);
        let all: Vec<Party> = self.members.keys().copied().collect();
        let mut removals: Vec<Party> = all.iter().copied().filter(over).collect();
        let stay: Vec<Party> = all.iter().copied().filter(|it| !over(it)).collect();
        let newer = |it: &Party| self.people[*it].newest().generation > self.members[it].generation;
        let with_key = |it: Party| (it, self.people[it].newest());
        let mut updates: Vec<(Party, Key)> =
            stay.iter().copied().filter(newer).map(with_key).collect();
        let strangers: Vec<Party> = (0..self.people.len())
            .filter(|it| self.people[*it].enrolled && !stay.contains(it))
            .collect();
        let (mut left_out, mut slipped_in, mut epoch) = (None, None, self.current() + 1);
        let (mut false_for, mut false_links) = (Vec::new(), false);
        match crooked {
            Crooked::No => {}
            Crooked::Updates(mask) => {
                let some = stay.iter().copied().enumerate();
                let some = some.filter(|(place, _)| bit(mask, *place));
                updates = some.map(|(_, it)| with_key(it)).collect();
            }
            Crooked::EarlierKey(number) => {
                if let Some(party) = nth(&stay, number) {
                    let generation = self.members[&party].generation.saturating_sub(1);
                    let since = self.people[party].generations[generation as usize].since;
                    let key = Key {
                        generation,
                        place: since,
                    };
                    updates = vec![(party, key)];
                }
            }
            Crooked::Removes(number) => {
                let chosen = nth(&all, number).expect("somebody is there");
                if removals.contains(&chosen) {
                    removals.retain(|it| *it != chosen);
                } else {
                    removals.push(chosen);
                    removals.sort_unstable();
                    updates.retain(|(it, _)| *it != chosen);
                }
            }
            Crooked::Keeps => removals.clear(),
            Crooked::TooFew(number) if stay.len() > 1 => left_out = nth(&stay, number),
            Crooked::TooMany(number) => slipped_in = nth(&strangers, number),
            Crooked::Swapped(out, within) => {
                if let Some(stranger) = nth(&strangers, within) {
                    left_out = nth(&stay, out);
                    slipped_in = Some(stranger);
                }
            }
            Crooked::FalseWraps(mask) => {
                let some = stay.iter().copied().enumerate();
                let some = some.filter(|(place, _)| bit(mask, *place));
                false_for = some.map(|(_, it)| it).collect();
            }
            Crooked::FalseLinks => false_links = true,
            Crooked::OtherEpoch => epoch += 1,
            Crooked::TooFew(_) => {}
        }
        Deed::Rotate {
            epoch,
            links: self.links(links),
            updates,
            removals,
            left_out,
            slipped_in,
            false_for,
            false_links,
        }
    }

    pub fn deed(&self, signer: &Signer, what: &What, now: u64) -> Deed {
        match what {
            What::Grant { to, past, crooked } => {
                let to = self.grantees(signer.party, to, now);
                let first = to.first().filter(|_| *crooked);
                Deed::Grant {
                    epochs: self.granted_epochs(signer.party, *past),
                    false_for: first.iter().map(|to| to.party).collect(),
                    to,
                }
            }
            What::Revoke { whom, cascade } => {
                let mut whom: Vec<Party> = whom.iter().map(|who| self.pick(*who)).collect();
                whom.sort_unstable();
                whom.dedup();
                Deed::Revoke {
                    whom,
                    cascade: *cascade,
                }
            }
            What::Rotate { links, crooked } => self.rotation(signer.claimed, *links, *crooked),
            What::Transfer {
                to,
                remaining,
                past,
            } => {
                let to = self.pick(*to);
                Deed::Transfer {
                    to,
                    key: self.people[to].newest(),
                    remaining: *remaining,
                    epochs: self.granted_epochs(signer.party, *past),
                }
            }
            What::Metadata { earlier } => Deed::Metadata {
                epoch: self.current().saturating_sub(u32::from(*earlier)),
            },
            What::End => Deed::End,
        }
    }
}
