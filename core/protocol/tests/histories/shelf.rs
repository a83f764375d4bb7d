//! What the directory holds and serves, and what parties make of it.

use super::model::SERVED_WRAPS;
use super::stage::Stage;
use plico_protocol::format::encode;
use plico_protocol::format::ids::Recipient;
use plico_protocol::format::wrap::BackLink;
use plico_protocol::keyring::merkle::{self, Hash};
use plico_protocol::keyring::wraps::{Wrap, WrapPlace};
use plico_protocol::keyring::{EpochSecret, KeyringError, back_link_hash};
use plico_protocol::rights::SessionState;
use plico_protocol::wire::accept::{AcceptedWrap, Effects};
use plico_protocol::wire::access::access;
use std::collections::{BTreeMap, HashMap};

/// What is stored of one session besides its log.
#[derive(Default)]
pub struct Shelf {
    pub wraps: BTreeMap<(Recipient, u32), AcceptedWrap>,
    pub links: BTreeMap<(u32, u32), BackLink>,
    pub metadata: Option<Vec<u8>>,
    /// The leaves of each entry's tree.
    pub leaves: HashMap<u64, Vec<Hash>>,
}

/// An answer to one party.
#[derive(Clone, Default)]
pub struct Served {
    pub wraps: Vec<AcceptedWrap>,
    pub links: Vec<BackLink>,
}

/// Secrets by epoch.
pub type Opened = BTreeMap<u32, EpochSecret>;

impl Shelf {
    pub fn store(&mut self, effects: Effects) {
        for entry in effects.entries {
            self.leaves.insert(entry.seq, entry.leaves);
        }
        self.wraps
            .retain(|(recipient, _), _| !effects.dropped.contains(recipient));
        for wrap in effects.wraps {
            self.wraps.insert((wrap.recipient, wrap.epoch), wrap);
        }
        for link in effects.back_links {
            let decoded = plico_protocol::format::decode("back-link", &link.bytes).unwrap();
            self.links.insert((link.epoch, link.target), decoded);
        }
        self.metadata = effects.metadata.or(self.metadata.take());
        if effects.ended {
            self.wraps.clear();
            self.links.clear();
            self.metadata = None;
        }
    }

    /// What `recipient` is served: of the segments that it may open, the newest
    /// wraps and all back-links.
    pub fn serve(&self, state: &SessionState, recipient: &Recipient, now: u64) -> Served {
        let Ok(member) = access(state, recipient, now) else {
            return Served::default();
        };
        let mut served = Served::default();
        for segment in &member.segments {
            let is_in = |epoch: u32| state.epoch(epoch).is_some_and(|it| it.segment == *segment);
            let mine = self.wraps.range((*recipient, 0)..=(*recipient, u32::MAX));
            let mine = mine.rev().filter(|((_, epoch), _)| is_in(*epoch));
            let newest = mine.take(SERVED_WRAPS).map(|(_, wrap)| wrap.clone());
            served.wraps.extend(newest);
            let links = self.links.iter().filter(|((epoch, _), _)| is_in(*epoch));
            served.links.extend(links.map(|(_, link)| link.clone()));
        }
        served
    }
}

/// Opens `wrap` as its recipient does: rebuilt from the log, proven, opened
/// with the key of its generation, and compared with the commitment.
pub fn open_wrap(
    stage: &Stage,
    state: &SessionState,
    leaves: &[Hash],
    wrap: &AcceptedWrap,
) -> Result<EpochSecret, KeyringError> {
    let (committed, author) = state.wraps_at(wrap.seq).ok_or(KeyringError::Proof)?;
    let place = WrapPlace {
        tenant_id: state.tenant_id(),
        chain_id: state.id(),
        author: *author,
    };
    let epoch = state.epoch(wrap.epoch).ok_or(KeyringError::Proof)?;
    let rebuilt = Wrap {
        info: place.info(
            wrap.epoch,
            epoch.commitment,
            wrap.recipient,
            wrap.generation,
            wrap.key_id,
        ),
        sealed: wrap.sealed.clone(),
    };
    let path = merkle::proof(leaves, wrap.index as usize).ok_or(KeyringError::Proof)?;
    rebuilt.check_proof(committed, wrap.index, &path)?;
    let party = &stage.parties[stage.party_of(&wrap.recipient)];
    let secret = party
        .secrets
        .get(wrap.generation as usize)
        .ok_or(KeyringError::Unwrap)?;
    rebuilt.open(&secret.kem_key())
}

/// Opens a back-link as a reader does: only one that the log names.
pub fn open_link(
    state: &SessionState,
    link: &BackLink,
    from: &EpochSecret,
) -> Result<EpochSecret, KeyringError> {
    let hash = back_link_hash(link);
    let epoch = state.epoch(link.epoch).ok_or(KeyringError::BackLink)?;
    let mut named = epoch.back_links.iter();
    if !named.any(|it| it.target == link.target && it.hash == hash) {
        return Err(KeyringError::BackLink);
    }
    let target = state.epoch(link.target).ok_or(KeyringError::BackLink)?;
    from.open_back_link(link, &target.commitment)
}

/// All that opens from `open` through `links`, in the order of their epochs.
pub fn follow<'a>(
    state: &SessionState,
    mut open: Opened,
    links: impl DoubleEndedIterator<Item = &'a BackLink>,
) -> Opened {
    for link in links.rev() {
        if open.contains_key(&link.target) {
            continue;
        }
        let Some(from) = open.get(&link.epoch) else {
            continue;
        };
        if let Ok(secret) = open_link(state, link, from) {
            open.insert(link.target, secret);
        }
    }
    open
}

/// Wraps that were opened once, so that no key is used twice for the same.
#[derive(Default)]
pub struct Tried(HashMap<[u8; 32], Option<EpochSecret>>);

impl Tried {
    pub fn open(
        &mut self,
        stage: &Stage,
        state: &SessionState,
        leaves: &[Hash],
        wrap: &AcceptedWrap,
    ) -> Option<EpochSecret> {
        let name = merkle::leaf_hash(&[
            &encode(&wrap.recipient),
            &wrap.seq.to_be_bytes(),
            &wrap.index.to_be_bytes(),
        ]);
        self.0
            .entry(name)
            .or_insert_with(|| open_wrap(stage, state, leaves, wrap).ok())
            .clone()
    }
}
