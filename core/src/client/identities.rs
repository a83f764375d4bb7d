//! Other people's chains: fetched, verified, kept.

use super::account::AccountInner;
use super::events::Event;
use super::ids::IdentityId;
use super::saves::Saves;
use super::stored::{self, StoredIdentity};
use super::{decode_entries, lock, pins};
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::chain::{ChainError, Replay as _, replay};
use plico_protocol::format::codec::FormatError;
use plico_protocol::format::ids::{ChainId, EntryHash, Kind};
use plico_protocol::identity::{IdentityError, IdentityState};
use plico_protocol::rights::Need;
use plico_protocol::wire::b64::{self, B64, B64x32};
use plico_protocol::wire::limits::MAX_LOOKUP;
use plico_protocol::wire::rest::{ChainFrom, IdentitiesFound, IdentitiesLookup, IdentityAnswer};
use std::collections::HashMap;
use std::sync::Arc;

/// Chains that are held in memory; beyond it they are read from the store again.
const MAX_IN_MEMORY: usize = 16_384;

/// Verified chains, shared with the replays that are using them.
pub(crate) type Known = plico_protocol::rights::Chains;

/// A chain error in what a directory showed. `known`: entries were to follow
/// what this client already holds.
pub(crate) fn chain_error(error: &ChainError, known: bool) -> Error {
    let code = match error {
        ChainError::Format(FormatError::NeedsNewerClient(_)) => ErrorCode::NeedsNewerClient,
        ChainError::OtherChain => ErrorCode::AnswerMismatch,
        ChainError::BrokenLink | ChainError::Sequence if known => ErrorCode::HistoryForked,
        _ => ErrorCode::HistoryInvalid,
    };
    Error::new(code).with_detail(error.to_string())
}

fn identity_error(error: &IdentityError, known: bool) -> Error {
    match error {
        IdentityError::Chain(error) => chain_error(error, known),
        other => Error::new(ErrorCode::HistoryInvalid).with_detail(other.to_string()),
    }
}

impl AccountInner {
    /// All identities and groups known so far, for a replay.
    pub fn known(&self) -> Arc<Known> {
        lock(&self.identities).clone()
    }

    fn cached(&self, id: ChainId) -> Option<Arc<IdentityState>> {
        lock(&self.identities).identities.get(&id).cloned()
    }

    /// Never in place of more.
    pub fn remember(&self, state: Arc<IdentityState>) {
        let mut identities = lock(&self.identities);
        let more = |known: &Arc<IdentityState>| known.tip().head.seq > state.tip().head.seq;
        if identities.identities.get(&state.id()).is_some_and(more) {
            return;
        }
        let known = Arc::make_mut(&mut identities);
        if known.identities.len() >= MAX_IN_MEMORY {
            known.identities.clear();
        }
        known.identities.insert(state.id(), state);
    }

    /// The chain, from memory or from the store.
    pub async fn kept_identity(&self, id: ChainId) -> Result<Option<Arc<IdentityState>>> {
        if let Some(state) = self.cached(id) {
            return Ok(Some(state));
        }
        let Some(kept) = self.read_identity(id).await? else {
            return Ok(None);
        };
        let entries = stored::signed(&kept.entries)?;
        let state: IdentityState =
            replay(None, &entries, &()).map_err(|_| Error::new(ErrorCode::StoreDamaged))?;
        if state.id() != id || state.tenant_id() != self.plico.inner.wire.tenant_id {
            return Err(ErrorCode::StoreDamaged.into());
        }
        let state = Arc::new(state);
        self.remember(state.clone());
        if let Some(opening) = kept.opening {
            // The tenant may not be known yet; then the name is not, either.
            let opening = B64(opening.into());
            if let Ok(attestation) = self.name_by_what_is_known(&state, &opening) {
                lock(&self.names).insert(id, attestation.user_id);
            }
        }
        Ok(Some(state))
    }

    pub async fn read_identity(&self, id: ChainId) -> Result<Option<StoredIdentity>> {
        let name = stored::identity_name(id);
        let bytes = self.store.get(&name).await.map_err(pins::store_error)?;
        bytes.map(stored::read).transpose()
    }

    /// Provides the chains that a replay asks for: from the store, and what is
    /// not there from the directory, unless that must not be asked.
    ///
    /// # Errors
    /// `HISTORY_SHORTENED` if a chain is shown shorter than somebody's signature says it is.
    pub async fn provide(&self, needs: &[Need], online: bool) -> Result<()> {
        let mut wanted = Vec::new();
        let mut groups = Vec::new();
        for need in needs {
            if need.kind == Kind::Group {
                groups.push((need.chain, need.seq));
                continue;
            }
            let kept = self.kept_identity(need.chain).await?;
            if kept.and_then(|it| it.hash_at(need.seq)).is_none() {
                wanted.push(need.chain);
            }
        }
        if !groups.is_empty() {
            Box::pin(self.provide_groups(&groups, online)).await?;
        }
        if wanted.is_empty() {
            return Ok(());
        }
        if !online {
            return Err(ErrorCode::Offline.into());
        }
        self.fetch_identities(&wanted).await?;
        for need in needs.iter().filter(|need| need.kind != Kind::Group) {
            let there = self
                .cached(need.chain)
                .and_then(|state| state.hash_at(need.seq));
            if there.is_none() {
                return Err(ErrorCode::HistoryShortened.into());
            }
        }
        Ok(())
    }

    /// Brings the chains of `ids` up to the directory's head. Calls that come
    /// while one is under way go together into the next request.
    pub async fn fetch_identities(&self, ids: &[ChainId]) -> Result<()> {
        let mut tickets: Vec<_> = ids.iter().map(|id| self.asked_ids.ask(*id)).collect();
        while !self.asked_ids.are_answered(&mut tickets) {
            let _one_at_a_time = self.gate.lock().await;
            if self.asked_ids.are_answered(&mut tickets) {
                break;
            }
            let asked = self.asked_ids.take(MAX_LOOKUP);
            let ids = asked.iter().map(|it| it.key).collect();
            let results = self.look_up(ids).await;
            for asked in asked {
                let result = match &results {
                    Ok(results) => results.get(&asked.key).cloned(),
                    Err(error) => Some(Err(error.clone())),
                };
                asked.answer(result.unwrap_or_else(|| Err(ErrorCode::IdentityNotFound.into())));
            }
        }
        tickets
            .into_iter()
            .try_for_each(super::batcher::Ticket::result)
    }

    /// One request, each identity with its own result. The caller holds the gate.
    async fn look_up(&self, mut ids: Vec<ChainId>) -> Result<HashMap<ChainId, Result<()>>> {
        ids.sort_unstable();
        ids.dedup();
        let mut identities = Vec::with_capacity(ids.len());
        for id in &ids {
            let kept = self.kept_identity(*id).await?;
            let from = kept.map_or(0, |state| state.tip().head.seq + 1);
            identities.push(ChainFrom {
                id: B64x32(id.0),
                from,
            });
        }
        let body = IdentitiesLookup { identities };
        let found: IdentitiesFound = self.post("/identities/lookup", &body).await?;
        let mut answers: HashMap<ChainId, IdentityAnswer> = found
            .found
            .into_iter()
            .map(|it| (ChainId(it.identity_id.0), it))
            .collect();
        let mut results = HashMap::new();
        let mut saves = Saves::default();
        for id in ids {
            let result = match answers.remove(&id) {
                Some(answer) => self.accept_identity(id, answer, &mut saves).await,
                None => Err(self.missing_identity(id).await),
            };
            results.insert(id, result.map(drop));
        }
        self.save(saves).await?;
        Ok(results)
    }

    /// A chain that this account has seen does not go away by itself.
    async fn missing_identity(&self, id: ChainId) -> Error {
        match self.pins.head(self.store.as_ref(), id).await {
            Ok(None) => ErrorCode::IdentityNotFound.into(),
            Ok(Some(_)) => {
                let event = Event::HistoryShortened { chain: id.0 };
                self.plico.inner.wire.hooks.event(event);
                ErrorCode::HistoryShortened.into()
            }
            Err(error) => error,
        }
    }

    /// Verifies an identity's chain, page by page. The caller holds the gate and
    /// writes `saves`; then it is remembered.
    pub async fn accept_identity(
        &self,
        id: ChainId,
        mut answer: IdentityAnswer,
        saves: &mut Saves,
    ) -> Result<(Arc<IdentityState>, IdentityAnswer)> {
        let mut state = None;
        let first = answer.from;
        let mut new: Vec<B64> = Vec::new();
        let state = loop {
            if answer.identity_id.0 != id.0 {
                return Err(ErrorCode::AnswerMismatch.into());
            }
            let base = match state.take() {
                None if answer.from == 0 => None,
                None => self.cached(id).map(|state| (*state).clone()),
                continued => continued,
            };
            if answer.from != base.as_ref().map_or(0, |state| state.tip().head.seq + 1) {
                return Err(ErrorCode::AnswerMismatch.into());
            }
            let known = base.is_some();
            let entries = decode_entries(&answer.entries)?;
            let next =
                replay(base, &entries, &()).map_err(|error| identity_error(&error, known))?;
            if next.id() != id {
                return Err(ErrorCode::AnswerMismatch.into());
            }
            new.append(&mut answer.entries);
            if !answer.more {
                break next;
            }
            if entries.is_empty() {
                return Err(ErrorCode::ProtocolError.into());
            }
            let from = next.tip().head.seq + 1;
            state = Some(next);
            answer = self.get_identity(id, from).await?;
        };
        if state.tenant_id() != self.plico.inner.wire.tenant_id {
            return Err(ErrorCode::WrongTenant.into());
        }
        let hash_at = |seq| state.hash_at(seq);
        self.hold_head(&answer.head, state.tip(), hash_at, saves)
            .await?;
        let state = Arc::new(state);
        self.tell_of_devices(&state);
        self.note_what_is_due(&state);
        if let Some(opening) = &answer.opening {
            let attestation = self.verify_name(&state, opening).await?;
            lock(&self.names).insert(id, attestation.user_id);
        }
        self.keep_identity(&state, first, &new, answer.opening.as_ref(), saves)
            .await?;
        saves.identities.push(state.clone());
        Ok((state, answer))
    }

    async fn keep_identity(
        &self,
        state: &IdentityState,
        first: u64,
        new: &[B64],
        opening: Option<&B64>,
        saves: &mut Saves,
    ) -> Result<()> {
        let id = state.id();
        if new.is_empty() {
            return Ok(()); // it was kept when it was new
        }
        let kept = self.read_identity(id).await?;
        let (mut entries, kept_opening) = match kept {
            Some(mut kept) => (std::mem::take(&mut kept.entries), kept.opening.take()),
            None => (Vec::new(), None),
        };
        let known = entries.len() as u64;
        let opening = opening.map(|it| it.0.clone().into());
        if known > state.tip().head.seq && (opening.is_none() || opening == kept_opening) {
            return Ok(());
        }
        let skip = usize::try_from(known.saturating_sub(first)).unwrap_or(usize::MAX);
        if known < first {
            return Ok(()); // another process has tidied the store; the next fetch begins anew
        }
        entries.extend(stored::opaques(new.get(skip..).unwrap_or_default()));
        let value = StoredIdentity::new(id, entries, opening.or(kept_opening));
        saves.put(stored::identity_name(id), stored::write(&value));
        Ok(())
    }

    /// A device more or less of one's own is something to tell of.
    fn tell_of_devices(&self, state: &IdentityState) {
        let mine = lock(&self.record).as_ref().map(|it| it.identity) == Some(state.id());
        let Some(before) = self.cached(state.id()).filter(|_| mine) else {
            return;
        };
        let identity = IdentityId(state.id());
        let hooks = &self.plico.inner.wire.hooks;
        for (key, _) in state.active_devices() {
            if before.device_at(key, before.tip().head.seq).is_none() {
                hooks.event(Event::NewDevice { identity });
            }
        }
        if state.recoveries_used() > before.recoveries_used() {
            hooks.event(Event::RecoveryUsed { identity });
        }
        for (key, _) in before.active_devices() {
            if state.active_device(key).is_none() {
                hooks.event(Event::DeviceRevoked { identity });
            }
        }
    }

    /// Checks a signed head against the history shown, the pins and the clock.
    pub async fn hold_head(
        &self,
        head: &B64,
        tip: &plico_protocol::chain::Tip,
        hash_at: impl Fn(u64) -> Option<EntryHash>,
        saves: &mut Saves,
    ) -> Result<()> {
        let plico = &self.plico.inner;
        let head = pins::decode_head(head)?;
        let mut tenant = plico.some_tenant().await?;
        if tenant.verify_head(&head).is_err() {
            // The directory's key may have been replaced since.
            tenant = self.newer_tenant().await?;
        }
        tenant
            .verify_head(&head)
            .map_err(|error| Error::new(ErrorCode::HeadInvalid).with_detail(error.to_string()))?;
        if head.head.chain_id != tip.chain_id {
            return Err(ErrorCode::AnswerMismatch.into());
        }
        // A true head behind what is known: the history was cut. That is found first.
        let fits = (head.head.seq, head.head.hash) == (tip.head.seq, tip.head.hash);
        let store = self.store.as_ref();
        self.pins
            .hold(plico, store, &head.head, hash_at, fits, saves)
            .await
    }

    pub async fn get_identity(&self, id: ChainId, from: u64) -> Result<IdentityAnswer> {
        self.get(&format!("/identities/{}?from={from}", b64::encode(&id.0)))
            .await
    }
}
