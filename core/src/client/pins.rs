//! What an account has seen once, it holds a directory to: heads of chains,
//! and which identity stands behind a user id.

use super::PlicoInner;
use crate::error::{Error, ErrorCode, Result};
use crate::ports::{Change, Store};
use plico_protocol::chain::Tip;
use plico_protocol::format::codec::decode;
use plico_protocol::format::encode;
use plico_protocol::format::head::{Head, SignedHead};
use plico_protocol::format::ids::{ChainId, EntryHash};
use plico_protocol::identity::TenantState;
use plico_protocol::wire::b64::{self, B64};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Mutex;

/// The newest head that was seen of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pin {
    pub seq: u64,
    pub hash: EntryHash,
    pub time_ms: u64,
}

/// Who was seen behind a user id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UserPin {
    pub identity: b64::B64x32,
    pub number: u64,
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

/// All pins of an account: in memory, and in its store.
#[derive(Default)]
pub(crate) struct Pins {
    heads: Mutex<HashMap<ChainId, Pin>>,
}

fn head_key(chain: ChainId) -> String {
    format!("pin/head/{}", b64::encode(&chain.0))
}

/// User ids are personal: the store's names hold only their hash.
fn user_key(user_id: &str) -> String {
    let hash = plico_protocol::primitives::hash::ref_hash("user-pin", user_id.as_bytes());
    format!("pin/user/{}", b64::encode(&hash))
}

impl Pins {
    pub async fn head(&self, store: &dyn Store, chain: ChainId) -> Result<Option<Pin>> {
        if let Some(pin) = super::lock(&self.heads).get(&chain) {
            return Ok(Some(*pin));
        }
        let Some(bytes) = store.get(&head_key(chain)).await.map_err(store_error)? else {
            return Ok(None);
        };
        let head: Head = decode("pin", &bytes).map_err(|_| ErrorCode::StoreDamaged)?;
        let pin = Pin {
            seq: head.seq,
            hash: head.hash,
            time_ms: head.time_ms,
        };
        super::lock(&self.heads).insert(chain, pin);
        Ok(Some(pin))
    }

    /// Checks a verified head against what was seen before, and remembers it.
    /// `hash_at` gives the hash that the shown history has at a number.
    ///
    /// # Errors
    /// `HISTORY_SHORTENED`, `HISTORY_FORKED`, `ANSWER_REPLAYED`.
    pub async fn hold(
        &self,
        plico: &PlicoInner,
        store: &dyn Store,
        head: &Head,
        hash_at: impl Fn(u64) -> Option<EntryHash>,
    ) -> Result<()> {
        let chain = head.chain_id;
        let pin = self.head(store, chain).await?;
        if let Some(pin) = pin {
            if head.seq < pin.seq {
                return Err(ErrorCode::HistoryShortened.into());
            }
            let other_head = head.seq == pin.seq && head.hash != pin.hash;
            if other_head || hash_at(pin.seq) != Some(pin.hash) {
                return Err(ErrorCode::HistoryForked.into());
            }
            // Two answers may cross on their way; an older one than the bound is a replay.
            if head.time_ms.saturating_add(plico.answer_age_ms()) < pin.time_ms {
                return Err(ErrorCode::AnswerReplayed.into());
            }
        }
        if plico.directory_now_ms().abs_diff(head.time_ms) > plico.answer_age_ms() {
            return Err(ErrorCode::AnswerReplayed.into());
        }
        let moved = pin.is_none_or(|pin| pin.seq != head.seq);
        let time_ms = pin.map_or(head.time_ms, |pin| pin.time_ms.max(head.time_ms));
        super::lock(&self.heads).insert(
            chain,
            Pin {
                seq: head.seq,
                hash: head.hash,
                time_ms,
            },
        );
        if moved {
            let put = Change::Put(head_key(chain), encode(head));
            store
                .commit(vec![put], Vec::new())
                .await
                .map_err(store_error)?;
        }
        Ok(())
    }

    pub async fn user(&self, store: &dyn Store, user_id: &str) -> Result<Option<UserPin>> {
        let bytes = store.get(&user_key(user_id)).await.map_err(store_error)?;
        bytes
            .map(|bytes| serde_json::from_slice(&bytes).map_err(|_| ErrorCode::StoreDamaged.into()))
            .transpose()
    }

    pub async fn hold_user(&self, store: &dyn Store, user_id: &str, pin: &UserPin) -> Result<()> {
        let bytes = serde_json::to_vec(pin).map_err(|_| ErrorCode::Store)?;
        let put = Change::Put(user_key(user_id), bytes);
        store
            .commit(vec![put], Vec::new())
            .await
            .map_err(store_error)
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
