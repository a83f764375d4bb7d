//! What is compared after every step.

use super::model::{Due, Gone, Member, Party};
use super::play::{Play, Snapshot};
use super::shelf::{Opened, Served, follow};
use super::stage::{PARTIES, Stage};
use plico_protocol::format::ids::Recipient;
use plico_protocol::keyring::open_metadata;
use plico_protocol::rights::Withdrawn;
use plico_protocol::rights::{DueReason, SessionState, due};
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::access::access;
use std::collections::BTreeSet;

impl Play {
    /// What a party opens with an answer and nothing else.
    pub fn open(&mut self, served: &Served) -> Opened {
        let mut open = Opened::new();
        for wrap in &served.wraps {
            let leaves = &self.shelf.leaves[&wrap.seq];
            let secret = self.tried.open(&self.stage, &self.state, leaves, wrap);
            open.extend(secret.map(|secret| (wrap.epoch, secret)));
        }
        follow(&self.state, open, served.links.iter())
    }

    /// Compares everything.
    pub fn check(&mut self) {
        let now = self.now;
        assert_eq!(members(&self.stage, &self.state), self.model.members);
        assert_eq!(self.state.ended(), self.model.ended);
        let segments: Vec<u32> = self.state.epochs().iter().map(|it| it.segment).collect();
        assert_eq!(segments, self.model.epochs);
        let reason =
            due(&self.state, &self.stage.known, &Withdrawn::Unknown, now).map(
                |reason| match reason {
                    DueReason::Left => Due::Left,
                    DueReason::Expired(who) => Due::TimeOver(self.stage.party_of(&who)),
                    DueReason::NewGeneration(who) => Due::NewKey(self.stage.party_of(&who)),
                    other => panic!("{other:?} is new"),
                },
            );
        assert_eq!(reason, self.model.due(now));
        self.model.fetch(now);
        for party in 0..PARTIES {
            self.check_party(party);
        }
    }

    fn check_party(&mut self, party: Party) {
        let now = self.now;
        let recipient = self.stage.parties[party].recipient();
        if self.model.people[party].enrolled {
            assert_eq!(self.stage.head(party), self.model.people[party].head);
            let due = self.stage.identity(party).rotation_due();
            assert_eq!(due, self.model.people[party].rotation_due);
        }
        let allowed = access(&self.state, &recipient, now).map(|_| ());
        let wanted = self.model.access(party, now);
        let wanted = wanted.map(|_| ()).map_err(|gone| match gone {
            Some(Gone::TimeOver) => ErrorCode::AccessExpired,
            Some(Gone::Taken) => ErrorCode::AccessRevoked,
            None if self.model.members.contains_key(&party) => ErrorCode::SessionEnded,
            None => ErrorCode::SessionNotFound,
        });
        assert_eq!(allowed, wanted, "access of {party}");
        // Honest: what it is served now opens exactly what it may open.
        let served = self.shelf.serve(&self.state, &recipient, now);
        let open = self.open(&served);
        assert_eq!(epochs(&open), self.model.opens(party, now), "{party} opens");
        for (epoch, secret) in &open {
            assert_eq!(*secret, self.secrets[*epoch as usize]);
        }
        if let (Some(set), Some(blob)) = (self.state.metadata(), &self.shelf.metadata) {
            let secret = open.get(&set.epoch);
            let read = secret.and_then(|secret| open_metadata(secret, blob).ok());
            assert_eq!(read.is_some(), secret.is_some(), "metadata of its epoch");
            assert_eq!(Some(set.epoch), self.model.metadata);
        }
        // Greedy: everything that it was ever served opens no more than that,
        // and nothing that was begun without it.
        let links = &mut self.hoarded_links[party];
        links.extend(
            served
                .links
                .into_iter()
                .map(|it| ((it.epoch, it.target), it)),
        );
        let mut hoard = std::mem::take(&mut self.hoards[party]);
        hoard.extend(open);
        let hoard = follow(&self.state, hoard, links.values());
        let hoarded = epochs(&hoard);
        assert_eq!(hoarded, self.model.hoard[party], "the hoard of {party}");
        let closed = |epoch: &u32| self.model.closed.contains(&(party, *epoch));
        assert!(
            !hoarded.iter().any(closed),
            "{party} opens what was closed to it"
        );
        self.hoards[party] = hoard;
    }
}

pub fn epochs(open: &Opened) -> BTreeSet<u32> {
    open.keys().copied().collect()
}

/// The members that replay gives, in the model's words.
pub fn members(stage: &Stage, state: &SessionState) -> Snapshot {
    let member = |(recipient, member): (&Recipient, &plico_protocol::rights::Member)| {
        let by = member.granted_by;
        let told = Member {
            rights: member.rights.0,
            end: member.expires_ms,
            by: stage.party_of(&by),
            generation: member.key.generation,
            segments: member.segments.clone(),
        };
        (stage.party_of(recipient), told)
    };
    state.members().map(member).collect()
}
