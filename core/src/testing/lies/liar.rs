//! What a lying directory has at hand: everything that is stored, its own key,
//! made-up identities and accomplices.

use super::Memory;
use crate::error::Result;
use crate::ports::Request;
use crate::testing::accomplice::{Accomplice, Puppet};
use crate::testing::directory::{Inner, TenantKeys};
use crate::testing::engine::Core;
use crate::testing::{kit_error, lock};
use plico_directory::random;
use plico_directory::storage::{ChainRef, Page, Storage};
use plico_protocol::chain::replay;
use plico_protocol::format::encode;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::head::{Head, SignedHead};
use plico_protocol::format::ids::{ChainId, EntryHash, Position, Recipient};
use plico_protocol::format::keys::SIGNATURE_ED25519;
use plico_protocol::identity::IdentityState;
use plico_protocol::keyring::merkle;
use plico_protocol::keyring::wraps::Wrap;
use plico_protocol::keyring::{EpochContext, EpochSecret};
use plico_protocol::primitives::sign::{SigningKey, labels};
use plico_protocol::rights::draft::{Draft, Writer, create, recipient_key};
use plico_protocol::rights::{Outcome, SessionState, replay_session};
use plico_protocol::wire::b64::{B64, B64x32};
use plico_protocol::wire::rest::{IdentityAnswer, SessionAnswer, WrapAnswer};
use plico_protocol::wire::signing::ParsedSignature;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

pub(super) type Known = HashMap<ChainId, IdentityState>;

/// The identity of whoever helps where no accomplice of the test's is needed.
const STRANGER: &str = "a stranger of the testing kit";

pub(super) struct Liar<'a> {
    pub core: &'a Core,
    pub inner: &'a Inner,
    pub memory: &'a Memory,
    pub request: &'a Request,
    pub storage: Arc<dyn Storage>,
    pub tenant: &'a TenantKeys,
    /// Who asks, if the request is signed.
    pub asker: Option<ChainId>,
    pub now_ms: u64,
}

fn asker(request: &Request) -> Option<ChainId> {
    let header = |name: &str| {
        let mut headers = request.headers.iter();
        headers
            .find(|(it, _)| it == name)
            .map(|(_, value)| value.as_str())
    };
    ParsedSignature::parse(header("signature-input")?, header("signature")?)
        .ok()
        .map(|parsed| parsed.params.identity)
}

pub(super) fn bytes_of(entries: &[SignedEntry], from: u64) -> Vec<B64> {
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    entries
        .iter()
        .skip(from)
        .map(|entry| B64(entry.to_bytes()))
        .collect()
}

pub(super) fn position_of(entries: &[SignedEntry]) -> Position {
    entries.last().map_or(
        Position {
            seq: 0,
            hash: EntryHash::ZERO,
        },
        |entry| entry.entry.position(),
    )
}

/// Flips the last bit of the last byte; whether there was one.
pub(super) fn flip(bytes: &mut [u8]) -> bool {
    match bytes.last_mut() {
        Some(byte) => {
            *byte ^= 1;
            true
        }
        None => false,
    }
}

/// A head, signed with `keys`' directory key or another one.
pub(super) fn sign_head(key: &SigningKey, head: Head) -> B64 {
    let signature = key.sign(labels::HEAD, &encode(&head));
    B64(encode(&SignedHead {
        head,
        algorithm: SIGNATURE_ED25519,
        signature: signature.to_vec().into(),
    }))
}

/// A session that nobody has ever stored.
pub(super) struct Decoy {
    pub draft: Draft,
    pub id: ChainId,
}

impl<'a> Liar<'a> {
    pub async fn new(
        core: &'a Core,
        inner: &'a Inner,
        memory: &'a Memory,
        request: &'a Request,
    ) -> Result<Self> {
        let storage = core.serving().await?.storage.clone();
        Ok(Self {
            core,
            inner,
            memory,
            request,
            storage,
            tenant: &inner.tenant,
            asker: asker(request),
            now_ms: core.now_ms(),
        })
    }

    /// The tenant next door.
    pub async fn foreign(&self) -> Result<&TenantKeys> {
        let make = || TenantKeys::create(self.core);
        self.inner.foreign.get_or_try_init(make).await
    }

    pub fn is_asker(&self, id: &B64x32) -> bool {
        self.asker.is_some_and(|asker| asker.0 == id.0)
    }

    // ---- heads ----

    pub fn head(&self, keys: &TenantKeys, chain_id: ChainId, at: Position) -> B64 {
        self.head_of_time(keys, chain_id, at, self.now_ms)
    }

    pub fn head_of_time(
        &self,
        keys: &TenantKeys,
        chain_id: ChainId,
        at: Position,
        time_ms: u64,
    ) -> B64 {
        let head = Head {
            version: 1,
            tenant_id: keys.id,
            chain_id,
            seq: at.seq,
            hash: at.hash,
            time_ms,
        };
        sign_head(&keys.directory, head)
    }

    // ---- what is stored ----

    pub async fn entries(&self, chain: ChainId) -> Result<Vec<SignedEntry>> {
        self.entries_of(self.tenant.id, chain).await
    }

    pub async fn entries_of(&self, tenant: ChainId, chain: ChainId) -> Result<Vec<SignedEntry>> {
        let at = ChainRef { tenant, chain };
        let page = Page {
            from: 0,
            entries: usize::MAX / 2,
            bytes: usize::MAX / 2,
        };
        let entries = self.storage.entries(at, page).await;
        entries
            .map_err(|error| kit_error("entries", error))?
            .iter()
            .map(|bytes| {
                SignedEntry::from_bytes(bytes).map_err(|error| kit_error("entries", error))
            })
            .collect()
    }

    pub async fn identity(&self, id: ChainId) -> Result<IdentityState> {
        let entries = self.entries(id).await?;
        replay(None, &entries, &()).map_err(|error| kit_error("an identity", error))
    }

    /// Replays a log with whatever identities it needs.
    pub async fn session(&self, entries: &[SignedEntry]) -> Result<(SessionState, Known)> {
        let mut known = Known::new();
        for _ in 0..8 {
            let outcome = replay_session(None, entries, &known)
                .map_err(|error| kit_error("a session", error))?;
            match outcome {
                Outcome::Done(state) => return Ok((*state, known)),
                Outcome::Needs(needs) => {
                    for need in needs {
                        known.insert(need.chain, self.identity(need.chain).await?);
                    }
                }
            }
        }
        Err(kit_error("a session", "an identity is missing"))
    }

    // ---- who helps ----

    /// Somebody registered who is in no session.
    pub async fn stranger(&self) -> Result<Arc<Accomplice>> {
        let there = lock(&self.inner.accomplices)
            .values()
            .find(|it| it.user_id() == STRANGER)
            .cloned();
        match there {
            Some(stranger) => Ok(stranger),
            None => Accomplice::enrol(self.core, self.inner, STRANGER).await,
        }
    }

    pub fn accomplice(&self, id: &[u8; 32]) -> Option<Arc<Accomplice>> {
        lock(&self.inner.accomplices).get(&ChainId(*id)).cloned()
    }

    /// The accomplice among a session's recipients.
    pub fn accomplice_in(&self, state: &SessionState) -> Option<Arc<Accomplice>> {
        state
            .members()
            .find_map(|(recipient, _)| self.accomplice(&recipient.id))
    }

    /// Writes as `who`, who stands in `known`.
    pub async fn writer<'b>(&self, who: &'b Accomplice, known: &mut Known) -> Result<Writer<'b>> {
        let id = who.puppet.id;
        let state = match known.entry(id) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(free) => free.insert(self.identity(id).await?),
        };
        Ok(Writer {
            author: state.author(who.puppet.device.id()),
            key: &who.puppet.device.signing,
            now_ms: self.now_ms,
        })
    }

    // ---- made-up things ----

    /// An identity that nobody has registered.
    pub fn puppet(&self) -> Result<Puppet> {
        Puppet::new(self.tenant.id, self.now_ms)
    }

    /// How the directory would show a made-up identity of `keys`' tenant.
    pub fn show(&self, keys: &TenantKeys, puppet: &Puppet, from: u64) -> IdentityAnswer {
        IdentityAnswer {
            identity_id: B64x32(puppet.id.0),
            from,
            entries: bytes_of(&puppet.entries, from),
            head: self.head(keys, puppet.id, position_of(&puppet.entries)),
            opening: puppet.opening.as_ref().map(|it| B64(encode(it))),
            wraps: Vec::new(),
            back_links: Vec::new(),
            more: false,
        }
    }

    /// A secret of a session's epoch that is not the true one, which the
    /// directory does not have.
    pub fn made_up_secret(&self, state: &SessionState) -> EpochSecret {
        let context = EpochContext {
            tenant_id: state.tenant_id(),
            chain_id: state.id(),
            epoch: state.current_epoch(),
        };
        EpochSecret::generate(context, &mut random::system())
    }

    /// Another session, made by a stranger for whoever asks.
    pub async fn decoy(&self) -> Result<Decoy> {
        let stranger = self.stranger().await?;
        let mut known = Known::new();
        let writer = self.writer(&stranger, &mut known).await?;
        let mut grants = Vec::new();
        if let Some(asker) = self.asker {
            let state = self.identity(asker).await?;
            grants.push(super::sessions::reading(recipient_key(&state)));
            known.insert(asker, state);
        }
        let rng = &mut random::system();
        let draft = create(&writer, self.tenant.id, 1, grants, &known, rng)
            .map_err(|error| kit_error("a session", error))?;
        Ok(Decoy {
            id: draft.entry.entry.chain_id,
            draft,
        })
    }

    /// How the directory would show `wraps` of entry `seq` to whoever asks.
    pub fn show_wraps(&self, wraps: &[Wrap], seq: u64) -> Vec<WrapAnswer> {
        let me = self.asker.map(Recipient::identity);
        let leaves: Vec<_> = wraps.iter().map(Wrap::leaf_hash).collect();
        wraps
            .iter()
            .enumerate()
            .filter(|(_, wrap)| Some(wrap.info.recipient) == me)
            .map(|(index, wrap)| WrapAnswer {
                kind: wrap.info.recipient.kind.to_u8(),
                id: B64x32(wrap.info.recipient.id),
                epoch: wrap.info.epoch,
                generation: wrap.info.generation,
                key_id: B64x32(wrap.info.key_id.0),
                sealed: B64(wrap.sealed.clone()),
                seq,
                index: u32::try_from(index).unwrap_or(u32::MAX),
                proof: merkle::proof(&leaves, index)
                    .unwrap_or_default()
                    .into_iter()
                    .map(B64x32)
                    .collect(),
            })
            .collect()
    }

    /// Shows a session answer with `entries` as the whole log.
    pub fn show_log(&self, answer: &mut SessionAnswer, id: ChainId, entries: &[SignedEntry]) {
        answer.entries = bytes_of(entries, answer.from);
        answer.head = self.head(self.tenant, id, position_of(entries));
        answer.more = false;
    }
}
