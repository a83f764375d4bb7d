//! A small world with groups in it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::world::*;
use plico_protocol::format::bodies::{Grant, RightsBits, SessionBody, SessionRevoke, Step};
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::{ChainId, Recipient};
use plico_protocol::keyring::EpochSecret;
use plico_protocol::rights::draft::{self, Draft};
use plico_protocol::rights::{
    Chains, Outcome, RightsError, SessionState, Withdrawn, newest_key, replay_session,
};
use std::collections::HashMap;
use std::sync::Arc;

/// A world with groups in it.
pub struct Place {
    pub world: World,
    pub chains: Chains,
    /// The writers' clock.
    pub now: u64,
}

/// A chain with what its members know.
pub struct Ring {
    pub id: ChainId,
    pub state: SessionState,
    pub drafts: Vec<Draft>,
    pub secrets: HashMap<u32, EpochSecret>,
}

impl Ring {
    pub fn secret(&self) -> &EpochSecret {
        &self.secrets[&self.state.current_epoch()]
    }
    pub fn entries(&self) -> Vec<SignedEntry> {
        self.drafts.iter().map(|it| it.entry.clone()).collect()
    }
    pub fn recipient(&self) -> Recipient {
        Recipient::group(self.id)
    }
    pub fn step(&self) -> Step {
        Step {
            group: self.id,
            position: self.state.tip().head,
        }
    }
}

impl Place {
    pub fn new(seed: u64) -> Self {
        Self {
            world: World::new(seed),
            chains: Chains::default(),
            now: T0,
        }
    }

    pub fn person(&mut self) -> Person {
        let person = self.world.person();
        self.learn(&person);
        person
    }

    pub fn learn(&mut self, person: &Person) {
        let state = Arc::new(self.world.state(person).clone());
        self.chains.identities.insert(person.id, state);
    }

    pub fn publish(&mut self, ring: &Ring) {
        if ring.state.is_group() {
            let state = Arc::new(ring.state.clone());
            self.chains.groups.insert(ring.id, state);
        }
    }

    pub fn grant_of(&self, to: Recipient, rights: u8) -> Grant {
        Grant {
            key: newest_key(&to, &self.chains).unwrap(),
            rights: RightsBits(rights),
            expires_ms: 0,
        }
    }

    pub fn replay(
        &self,
        state: Option<SessionState>,
        entries: &[SignedEntry],
    ) -> Result<SessionState, RightsError> {
        match replay_session(state, entries, &self.chains)? {
            Outcome::Done(state) => Ok(*state),
            Outcome::Needs(needs) => panic!("{needs:?}"),
        }
    }

    pub fn begun(&mut self, draft: Draft) -> Ring {
        let state = self
            .replay(None, std::slice::from_ref(&draft.entry))
            .unwrap();
        let ring = Ring {
            id: state.id(),
            secrets: draft.secret.iter().map(|it| (0, it.clone())).collect(),
            state,
            drafts: vec![draft],
        };
        self.publish(&ring);
        ring
    }

    pub fn group(&mut self, owner: &Person, history: bool, grants: Vec<Grant>) -> Ring {
        let (writer, tenant) = (self.world.writer(owner, self.now), self.world.tenant_id());
        let rng = &mut self.world.rng();
        let draft = draft::create_group(&writer, tenant, history, grants, &self.chains, rng);
        self.begun(draft.unwrap())
    }

    pub fn session(&mut self, owner: &Person, grants: Vec<Grant>) -> Ring {
        let (writer, tenant) = (self.world.writer(owner, self.now), self.world.tenant_id());
        let rng = &mut self.world.rng();
        let draft = draft::create(&writer, tenant, 1, grants, &self.chains, rng);
        self.begun(draft.unwrap())
    }

    pub fn try_push(&mut self, ring: &mut Ring, draft: Draft) -> Result<(), RightsError> {
        let entries = std::slice::from_ref(&draft.entry);
        ring.state = self.replay(Some(ring.state.clone()), entries)?;
        if let Some(secret) = &draft.secret {
            ring.secrets.insert(secret.context().epoch, secret.clone());
        }
        ring.drafts.push(draft);
        self.publish(ring);
        Ok(())
    }

    pub fn granting(&self, ring: &Ring, by: &Person, grant: Grant) -> Draft {
        self.granting_all(ring, by, grant, &[ring.secret().clone()])
    }

    /// A grant of the epochs with these secrets, ascending.
    pub fn granting_all(
        &self,
        ring: &Ring,
        by: &Person,
        grant: Grant,
        secrets: &[EpochSecret],
    ) -> Draft {
        let (writer, rng) = (self.world.writer(by, self.now), &mut self.world.rng());
        let secrets: Vec<&EpochSecret> = secrets.iter().collect();
        draft::grant(
            &writer,
            &ring.state,
            vec![grant],
            &secrets,
            &self.chains,
            rng,
        )
        .unwrap()
    }

    pub fn grant(&mut self, ring: &mut Ring, by: &Person, grant: Grant) {
        let draft = self.granting(ring, by, grant);
        self.try_push(ring, draft).unwrap();
    }

    pub fn rotating(&self, ring: &Ring, by: &Person, back: bool) -> Draft {
        self.rotating_without(ring, by, back, &Withdrawn::Unknown)
    }

    pub fn rotating_without(
        &self,
        ring: &Ring,
        by: &Person,
        back: bool,
        withdrawn: &Withdrawn,
    ) -> Draft {
        let writer = self.world.writer(by, self.now);
        let earlier: Vec<_> = back.then(|| ring.secret()).into_iter().collect();
        draft::rotate_without(
            &writer,
            &ring.state,
            &earlier,
            withdrawn,
            &self.chains,
            &mut self.world.rng(),
        )
        .unwrap()
    }

    pub fn rotate(&mut self, ring: &mut Ring, by: &Person, back: bool) {
        let draft = self.rotating(ring, by, back);
        self.try_push(ring, draft).unwrap();
    }

    pub fn revoking(&self, ring: &Ring, by: &Person, whom: Recipient) -> Draft {
        self.revoking_with(ring, by, whom, false)
    }

    pub fn revoking_with(&self, ring: &Ring, by: &Person, whom: Recipient, cascade: bool) -> Draft {
        let body = SessionBody::Revoke(SessionRevoke {
            recipients: vec![whom],
            cascade: u8::from(cascade),
        });
        self.world.writer(by, self.now).plain(&ring.state, &body)
    }
}
