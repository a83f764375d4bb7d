//! What an account has seen once, it holds a directory to: heads of chains,
//! and which identity stands behind a user id.

use super::events::Event;
use super::plico::PlicoInner;
use super::saves::Saves;
use super::{lock, stored};
use crate::error::{Error, ErrorCode, Result};
use crate::ports::Store;
use plico_protocol::chain::Tip;
use plico_protocol::format::codec::decode;
use plico_protocol::format::encode;
use plico_protocol::format::head::{Head, SignedHead};
use plico_protocol::format::ids::{ChainId, EntryHash};
use plico_protocol::identity::TenantState;
use plico_protocol::wire::b64::{self, B64};
use std::collections::HashMap;
use std::sync::Mutex;
use tls_codec::{TlsDeserializeBytes, TlsSerializeBytes, TlsSize};

/// The newest head that was seen of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pin {
    pub seq: u64,
    pub hash: EntryHash,
    pub time_ms: u64,
}

impl From<&Head> for Pin {
    fn from(head: &Head) -> Self {
        Self {
            seq: head.seq,
            hash: head.hash,
            time_ms: head.time_ms,
        }
    }
}

/// Who was seen behind a user id.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub(crate) struct UserPin {
    version: u16,
    pub identity: ChainId,
    pub number: u64,
}

impl UserPin {
    pub fn new(identity: ChainId, number: u64) -> Self {
        Self {
            version: 1,
            identity,
            number,
        }
    }
}

pub(crate) fn decode_head(bytes: &B64) -> Result<SignedHead> {
    decode("signed head", &bytes.0).map_err(|_| Error::new(ErrorCode::HeadInvalid))
}

/// The head must be signed by the tenant's directory, be of this chain, and be
/// where the entries that came with it end.
pub(crate) fn check_head(head: &SignedHead, tenant: &TenantState, tip: &Tip) -> Result<()> {
    tenant
        .verify_head(head)
        .map_err(|error| Error::new(ErrorCode::HeadInvalid).with_detail(error.to_string()))?;
    let Head {
        chain_id,
        seq,
        hash,
        ..
    } = &head.head;
    if *chain_id != tip.chain_id {
        return Err(ErrorCode::AnswerMismatch.into());
    }
    if (*seq, *hash) != (tip.head.seq, tip.head.hash) {
        return Err(ErrorCode::HeadInvalid.into());
    }
    Ok(())
}

/// A pin in memory, and what the store is known to hold for it.
struct Held {
    pin: Pin,
    stored: Option<Vec<u8>>,
}

impl Held {
    /// Up to where the store holds it.
    fn stored_seq(&self) -> Option<u64> {
        let head = decode::<Head>("pin", self.stored.as_ref()?);
        head.ok().map(|head| head.seq)
    }
}

/// All pins of an account: in memory, and in its store.
#[derive(Default)]
pub(crate) struct Pins {
    heads: Mutex<HashMap<ChainId, Held>>,
}

/// What the names of pins begin with; the rest is 32 bytes in base64url.
pub(crate) const HEAD_PINS: &str = "pin/head/";
pub(crate) const USER_PINS: &str = "pin/user/";

fn head_key(chain: ChainId) -> String {
    format!("{HEAD_PINS}{}", b64::encode(&chain.0))
}

/// The head in a stored pin.
pub(crate) fn head_of_pin(bytes: &[u8]) -> Option<Head> {
    decode("pin", bytes).ok()
}

/// Whether these bytes are a stored pin of a user id.
pub(crate) fn is_user_pin(bytes: &[u8]) -> bool {
    decode::<UserPin>("pin", bytes).is_ok_and(|pin| pin.version == 1)
}

/// User ids are personal: the store's names hold only their hash.
fn user_key(user_id: &str) -> String {
    let hash = plico_protocol::primitives::hash::ref_hash("user-pin", user_id.as_bytes());
    format!("{USER_PINS}{}", b64::encode(&hash))
}

impl Pins {
    pub async fn head(&self, store: &dyn Store, chain: ChainId) -> Result<Option<Pin>> {
        if let Some(held) = lock(&self.heads).get(&chain) {
            return Ok(Some(held.pin));
        }
        self.read(store, chain).await
    }

    /// The number of the newest entry that the store has seen of a chain,
    /// by this program or another one.
    pub async fn newest_seen(&self, store: &dyn Store, chain: ChainId) -> Result<Option<u64>> {
        Ok(self.read(store, chain).await?.map(|pin| pin.seq))
    }

    /// Reads a pin from the store. What is pinned in memory never moves back by it.
    async fn read(&self, store: &dyn Store, chain: ChainId) -> Result<Option<Pin>> {
        let Some(bytes) = store.get(&head_key(chain)).await.map_err(store_error)? else {
            return Ok(None);
        };
        let head: Head = decode("pin", &bytes).map_err(|_| ErrorCode::StoreDamaged)?;
        let mut heads = lock(&self.heads);
        let held = heads.entry(chain).or_insert(Held {
            pin: Pin::from(&head),
            stored: None,
        });
        if head.seq > held.pin.seq {
            held.pin = Pin::from(&head);
        }
        held.stored = Some(bytes);
        Ok(Some(held.pin))
    }

    /// Checks a verified head against what was seen before, and remembers it:
    /// in memory at once, in the store with `saves`. `hash_at` gives the hash
    /// that the shown history has at a number; `fits` says whether that
    /// history ends with this head.
    ///
    /// # Errors
    /// `HISTORY_SHORTENED`, `HISTORY_FORKED`, `ANSWER_REPLAYED`, `HEAD_INVALID`.
    /// Nothing is remembered then.
    pub async fn hold(
        &self,
        plico: &PlicoInner,
        store: &dyn Store,
        head: &Head,
        hash_at: impl Fn(u64) -> Option<EntryHash>,
        fits: bool,
        saves: &mut Saves,
    ) -> Result<()> {
        let chain = head.chain_id;
        let pin = self.head(store, chain).await?;
        let age_ms = plico.answer_age_ms();
        if let Some(pin) = pin {
            if head.seq < pin.seq {
                let event = Event::HistoryShortened { chain: chain.0 };
                plico.wire.hooks.event(event);
                return Err(ErrorCode::HistoryShortened.into());
            }
            let other_head = head.seq == pin.seq && head.hash != pin.hash;
            let shown = hash_at(pin.seq);
            if shown.is_none() && !other_head {
                // The history is shorter than its own head says.
                return Err(ErrorCode::HeadInvalid.into());
            }
            if other_head || shown != Some(pin.hash) {
                let event = Event::ForkSeen { chain: chain.0 };
                plico.wire.hooks.event(event);
                return Err(ErrorCode::HistoryForked.into());
            }
            // Two answers may cross on their way; an older one than the bound is a replay.
            if head.time_ms.saturating_add(age_ms) < pin.time_ms {
                return Err(ErrorCode::AnswerReplayed.into());
            }
        }
        if plico.wire.directory_now_ms().abs_diff(head.time_ms) > age_ms {
            return Err(ErrorCode::AnswerReplayed.into());
        }
        if !fits {
            return Err(ErrorCode::HeadInvalid.into());
        }
        let time_ms = pin.map_or(head.time_ms, |pin| pin.time_ms.max(head.time_ms));
        let new = Pin {
            time_ms,
            ..Pin::from(head)
        };
        let mut heads = lock(&self.heads);
        let held = heads.entry(chain).or_insert(Held {
            pin: new,
            stored: None,
        });
        held.pin = new;
        // Also if it was to be stored before, and was not.
        if held.stored_seq().is_none_or(|stored| stored < head.seq) {
            saves.heads.push(head.clone());
        }
        Ok(())
    }

    /// Adds the heads that are newer than what the store holds to a batch.
    pub fn put_heads(
        &self,
        heads: &[Head],
        batch: &mut crate::ports::Batch,
        expected: &mut crate::ports::Expected,
    ) {
        let held = lock(&self.heads);
        for head in heads {
            let held = held.get(&head.chain_id);
            let stored_seq = held.and_then(Held::stored_seq);
            if stored_seq.is_none_or(|stored| stored < head.seq) {
                let stored = held.and_then(|it| it.stored.clone());
                let key = head_key(head.chain_id);
                batch.push(crate::ports::Change::Put(key.clone(), encode(head)));
                expected.push((key, stored));
            }
        }
    }

    /// The store holds these now.
    pub fn heads_put(&self, heads: &[Head]) {
        let mut held = lock(&self.heads);
        for head in heads {
            if let Some(held) = held.get_mut(&head.chain_id) {
                held.stored = Some(encode(head));
            }
        }
    }

    /// Reads the heads again, after another process has written. Whether one
    /// of them was another.
    pub async fn read_again(&self, store: &dyn Store, heads: &[Head]) -> Result<bool> {
        let mut changed = false;
        for head in heads {
            let before = lock(&self.heads)
                .get(&head.chain_id)
                .and_then(|it| it.stored.clone());
            self.read(store, head.chain_id).await?;
            let after = lock(&self.heads)
                .get(&head.chain_id)
                .and_then(|it| it.stored.clone());
            changed |= before != after;
        }
        Ok(changed)
    }

    pub async fn user(&self, store: &dyn Store, user_id: &str) -> Result<Option<UserPin>> {
        let bytes = store.get(&user_key(user_id)).await.map_err(store_error)?;
        bytes.map(stored::read).transpose()
    }

    pub fn put_user(user_id: &str, pin: &UserPin, saves: &mut Saves) {
        saves.put(user_key(user_id), stored::write(pin));
    }
}

impl PlicoInner {
    /// How old an answer's signed head may be: the freshness bound, and at
    /// least the 5 minutes by which honest clocks may differ.
    fn answer_age_ms(&self) -> u64 {
        self.max_staleness_ms.max(300_000)
    }
}

pub(crate) fn store_error(error: crate::ports::StoreError) -> Error {
    use crate::ports::StoreFailure as F;
    let code = match error.failure {
        F::Damaged => ErrorCode::StoreDamaged,
        F::WrongKey => ErrorCode::StoreWrongKey,
        F::NewerVersion => ErrorCode::NeedsNewerClient,
        F::Full => ErrorCode::StoreFull,
        F::ReadOnly => ErrorCode::StoreReadOnly,
        F::Busy => ErrorCode::StoreBusy,
        F::Copied => ErrorCode::StoreCopied,
        F::Io | F::Conflict => ErrorCode::Store,
    };
    Error::new(code).with_detail(error.detail)
}
