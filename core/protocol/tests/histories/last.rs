//! When a history is over: the whole log again, forged logs, what a stolen
//! device opens together with a directory that keeps everything, and answers
//! that were changed on the way.

use super::check::{epochs, members};
use super::model::Party;
use super::play::Play;
use super::shelf::{Opened, follow, open_link, open_wrap};
use super::stage::PARTIES;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::keyring::KeyringError;
use plico_protocol::rights::{Outcome, SessionState, replay_session};
use std::collections::BTreeSet;

impl Play {
    pub fn end(&mut self, number: u64) {
        self.replay_again(number);
        self.forged_logs(number);
        self.forged_answers(number);
        for party in 0..PARTIES {
            if self.model.people[party].enrolled {
                self.stolen_devices(party);
            }
        }
    }

    fn replay(&self, state: Option<SessionState>, log: &[SignedEntry]) -> Option<SessionState> {
        match replay_session(state, log, &self.stage.known) {
            Ok(Outcome::Done(state)) => Some(*state),
            Ok(Outcome::Needs(needs)) => panic!("all chains are known: {needs:?}"),
            Err(_) => None,
        }
    }

    /// From nothing, and in two pieces: what was, and what is.
    fn replay_again(&self, number: u64) {
        let cut = number as usize % self.log.len() + 1;
        let (early, late) = self.log.split_at(cut);
        let state = self.replay(None, early).expect("an honest log");
        // In the middle of a batch nothing was looked at.
        if !self.snapshots[cut - 1].is_empty() {
            assert_eq!(members(&self.stage, &state), self.snapshots[cut - 1]);
        }
        let state = self.replay(Some(state), late).expect("an honest log");
        assert_eq!(members(&self.stage, &state), self.model.members);
        assert_eq!(state.epochs(), self.state.epochs());
        assert_eq!(state.removed(), self.state.removed());
        assert_eq!(state.tip(), self.state.tip());
    }

    /// A log with an entry left out, repeated, moved, or changed by one bit.
    fn forged_logs(&self, number: u64) {
        let many = self.log.len();
        let at = (number >> 8) as usize % many;
        let mut forged = self.log.clone();
        match number % 4 {
            0 if at + 1 < many => drop(forged.remove(at)),
            1 if at + 1 < many => forged.swap(at, at + 1),
            2 => forged.insert(at, self.log[at].clone()),
            _ => {
                let mut bytes = self.log[at].to_bytes();
                let bit = (number >> 16) as usize % (bytes.len() * 8);
                bytes[bit / 8] ^= 1 << (bit % 8);
                match SignedEntry::from_bytes(&bytes) {
                    Ok(entry) => forged[at] = entry,
                    Err(_) => return,
                }
            }
        }
        let replayed = replay_session(None, &forged, &self.stage.known);
        let believed = matches!(replayed, Ok(Outcome::Done(_)));
        assert!(!believed, "a forged log is believed: {number:#x}");
    }

    /// Another wrap or back-link in the place of the true one is noticed before
    /// it is opened.
    fn forged_answers(&self, number: u64) {
        let all: Vec<_> = self.shelf.wraps.values().collect();
        if let Some(wrap) = all.get(number as usize % all.len().max(1)) {
            let mut forged = (*wrap).clone();
            let other = all[(number >> 4) as usize % all.len()];
            match number >> 12 & 3 {
                0 => forged.sealed[(number >> 16) as usize % 1168] ^= 0x20,
                1 => forged.index = other.index + 1,
                2 => forged.epoch += 1,
                _ => forged.sealed.clone_from(&other.sealed),
            }
            if (forged.sealed != wrap.sealed) || number >> 12 & 3 == 1 || number >> 12 & 3 == 2 {
                let leaves = &self.shelf.leaves[&wrap.seq];
                let same = number >> 12 & 3 == 1 && forged.index == wrap.index;
                let opened = open_wrap(&self.stage, &self.state, leaves, &forged);
                assert!(same || opened == Err(KeyringError::Proof), "{number:#x}");
            }
        }
        for link in self.shelf.links.values() {
            let mut forged = link.clone();
            forged.ciphertext[number as usize % 48] ^= 1;
            let from = &self.secrets[link.epoch as usize];
            let opened = open_link(&self.state, &forged, from);
            assert_eq!(opened, Err(KeyringError::BackLink));
        }
    }

    /// Each device's keys, with everything that was ever uploaded: as if the
    /// directory had kept it all and helped a thief.
    fn stolen_devices(&mut self, party: Party) {
        let chain = self.stage.identity(party);
        let commitments = chain.user_keys().iter().map(|it| it.epoch.commitment);
        let commitments: Vec<[u8; 32]> = commitments.collect();
        let recipient = self.stage.parties[party].recipient();
        let person = &self.model.people[party];
        let untouched = person.devices.len() == 1 && person.generations.len() == 1;
        for device in 0..person.devices.len() {
            let generations = if untouched {
                BTreeSet::from([0]) // as the stage was made
            } else {
                let keys = self.stage.parties[party].opens(device, &commitments);
                keys.keys().copied().collect()
            };
            assert_eq!(generations, self.model.people[party].opens(device));
            let mut open = Opened::new();
            for wrap in &self.ever {
                if wrap.recipient != recipient || !generations.contains(&wrap.generation) {
                    continue;
                }
                let leaves = &self.shelf.leaves[&wrap.seq];
                let secret = self.tried.open(&self.stage, &self.state, leaves, wrap);
                open.extend(secret.map(|secret| (wrap.epoch, secret)));
            }
            let opened = epochs(&follow(&self.state, open, self.links.iter()));
            let newest = generations.last().copied().unwrap_or(0);
            assert_eq!(opened, self.model.ever_opens(party, newest));
            let closed = |epoch: &u32| self.model.closed.contains(&(party, *epoch));
            assert!(
                !opened.iter().any(closed),
                "{party} opens what was closed to it"
            );
        }
    }
}
