//! Replayed states in memory. They are made of committed entries only, so
//! they are never ahead of the database; each use asks it for the head first,
//! so they are never behind it either, whoever else writes there.

use crate::app::{Tenant, blocking};
use crate::problem::ApiError;
use crate::storage::{ChainRef, Page, Storage, StorageError};
use lru::LruCache;
use plico_protocol::chain::Replay;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::{ChainId, Kind, Position};
use plico_protocol::identity::{IdentityState, TenantState};
use plico_protocol::primitives::sign::SigningKey;
use plico_protocol::rights::{Chains, Need, Outcome, SessionState, replay_session};
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

const TENANTS: usize = 1_024;
const IDENTITIES: usize = 16_384;
const SESSIONS: usize = 4_096;
/// Entries that are read and replayed at a time.
const STEP: usize = 512;
const STEP_BYTES: usize = 16 * 1024 * 1024;

/// Verified chains, as a session's replay takes them.
pub(crate) type Known = Chains;

struct Shelf<K: Hash + Eq, V>(Mutex<LruCache<K, V>>);

impl<K: Hash + Eq, V: Clone> Shelf<K, V> {
    fn new(size: usize) -> Self {
        let size = NonZeroUsize::new(size).unwrap_or(NonZeroUsize::MIN);
        Self(Mutex::new(LruCache::new(size)))
    }

    fn get(&self, key: &K) -> Option<V> {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cache.get(key).cloned()
    }

    /// Puts `value` in unless what is there `is_newer`.
    fn put(&self, key: K, value: V, is_newer: impl Fn(&V) -> bool) {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !cache.peek(&key).is_some_and(is_newer) {
            cache.put(key, value);
        }
    }
}

pub(crate) struct Cache {
    tenants: Shelf<ChainId, Tenant>,
    identities: Shelf<ChainRef, Arc<IdentityState>>,
    sessions: Shelf<ChainRef, Arc<SessionState>>,
}

fn damaged<E: core::fmt::Display>(error: E) -> ApiError {
    ApiError::internal(format!("a stored chain does not replay: {error}"))
}

async fn step(
    storage: &dyn Storage,
    at: ChainRef,
    from: u64,
) -> Result<Vec<SignedEntry>, ApiError> {
    let page = Page {
        from,
        entries: STEP,
        bytes: STEP_BYTES,
    };
    let entries = storage.entries(at, page).await?;
    entries
        .iter()
        .map(|bytes| SignedEntry::from_bytes(bytes).map_err(damaged))
        .collect()
}

/// What is cached, brought up to `head` with entries from the database.
async fn replay_to<S>(
    storage: &dyn Storage,
    at: ChainRef,
    head: Position,
    cached: Option<Arc<S>>,
) -> Result<Arc<S>, ApiError>
where
    S: Replay<Known = ()> + Clone + Send + Sync + 'static,
    S::Error: core::fmt::Display + Send,
{
    let mut state = cached;
    loop {
        let from = match &state {
            Some(state) if state.tip().head.seq >= head.seq => return Ok(Arc::clone(state)),
            Some(state) => state.tip().head.seq + 1,
            None => 0,
        };
        let entries = step(storage, at, from).await?;
        if entries.is_empty() {
            return Err(StorageError::Damaged("a chain is shorter than its head says").into());
        }
        let next = blocking(move || {
            let start = state.map(Arc::unwrap_or_clone);
            plico_protocol::chain::replay(start, &entries, &())
        });
        state = Some(Arc::new(next.await?.map_err(damaged)?));
    }
}

impl Cache {
    pub(crate) fn new() -> Self {
        Self {
            tenants: Shelf::new(TENANTS),
            identities: Shelf::new(IDENTITIES),
            sessions: Shelf::new(SESSIONS),
        }
    }

    /// The tenant as it is now.
    pub(crate) async fn tenant(
        &self,
        storage: &dyn Storage,
        id: ChainId,
    ) -> Result<Option<Tenant>, ApiError> {
        let at = ChainRef {
            tenant: id,
            chain: id,
        };
        let Some(head) = storage.head(at).await? else {
            return Ok(None);
        };
        let cached = self.tenants.get(&id);
        if let Some(cached) = &cached
            && cached.state.tip().head == head.position
        {
            return Ok(Some(cached.clone()));
        }
        let Some(row) = storage.tenant(id).await? else {
            return Ok(None);
        };
        let cached = cached.map(|cached| cached.state);
        let state: Arc<TenantState> = replay_to(storage, at, head.position, cached).await?;
        let tenant = Tenant {
            state,
            key: SigningKey::from_seed(&row.directory_seed),
        };
        let seq = tenant.state.tip().head.seq;
        self.tenants
            .put(id, tenant.clone(), |it| it.state.tip().head.seq > seq);
        Ok(Some(tenant))
    }

    /// The identity as it is now.
    pub(crate) async fn identity(
        &self,
        storage: &dyn Storage,
        at: ChainRef,
    ) -> Result<Option<Arc<IdentityState>>, ApiError> {
        let Some(head) = storage.head(at).await? else {
            return Ok(None);
        };
        if head.kind != Kind::Identity {
            return Ok(None);
        }
        let state = replay_to(storage, at, head.position, self.identities.get(&at)).await?;
        self.put_identity(at, &state);
        Ok(Some(state))
    }

    /// Remembers a state that is in the database.
    pub(crate) fn put_identity(&self, at: ChainRef, state: &Arc<IdentityState>) {
        let seq = state.tip().head.seq;
        self.identities
            .put(at, Arc::clone(state), |it| it.tip().head.seq > seq);
    }

    /// Adds the chains that are `needed`, at least up to where; whether any came.
    pub(crate) async fn provide(
        &self,
        storage: &dyn Storage,
        tenant: ChainId,
        known: &mut Known,
        needed: &[Need],
    ) -> Result<bool, ApiError> {
        let mut came = false;
        for need in needed {
            let at = ChainRef {
                tenant,
                chain: need.chain,
            };
            if need.kind == Kind::Group {
                let before = known.groups.get(&need.chain);
                let before = before.map(|state| state.tip().head.seq);
                // Not to its head: that may name a later place of the chain that
                // is being replayed here.
                let group = Box::pin(self.log(storage, at, Some(need.seq))).await?;
                if let Some(state) = group.filter(|it| it.is_group()) {
                    came |= before.is_none_or(|seq| state.tip().head.seq > seq);
                    known.groups.insert(need.chain, state);
                }
                continue;
            }
            let before = known.identities.get(&need.chain);
            let before = before.map(|state| state.tip().head.seq);
            if let Some(state) = self.identity(storage, at).await? {
                came |= before.is_none_or(|seq| state.tip().head.seq > seq);
                known.identities.insert(need.chain, state);
            }
        }
        Ok(came)
    }

    /// The session, or the group, as it is now.
    pub(crate) async fn session(
        &self,
        storage: &dyn Storage,
        at: ChainRef,
    ) -> Result<Option<Arc<SessionState>>, ApiError> {
        self.log(storage, at, None).await
    }

    /// The same at its head, or at least up to an entry.
    async fn log(
        &self,
        storage: &dyn Storage,
        at: ChainRef,
        until: Option<u64>,
    ) -> Result<Option<Arc<SessionState>>, ApiError> {
        let Some(head) = storage.head(at).await? else {
            return Ok(None);
        };
        if !matches!(head.kind, Kind::Session | Kind::Group) {
            return Ok(None);
        }
        let last = head.position.seq;
        let until = until.map_or(last, |until| until.min(last));
        let mut state = self.sessions.get(&at);
        let mut known = Arc::new(Known::default());
        loop {
            let from = match &state {
                Some(state) if state.tip().head.seq >= until => break,
                Some(state) => state.tip().head.seq + 1,
                None => 0,
            };
            let mut entries = step(storage, at, from).await?;
            entries.truncate(usize::try_from(until - from + 1).unwrap_or(usize::MAX));
            let entries = Arc::new(entries);
            if entries.is_empty() {
                return Err(StorageError::Damaged("a log is shorter than its head says").into());
            }
            state = Some(loop {
                let (start, entries, with) = (state.clone(), entries.clone(), known.clone());
                let outcome = blocking(move || {
                    replay_session(start.map(Arc::unwrap_or_clone), &entries, &*with)
                });
                match outcome.await?.map_err(damaged)? {
                    Outcome::Done(next) => break Arc::from(next),
                    Outcome::Needs(needs) => {
                        let more = Arc::make_mut(&mut known);
                        if !self.provide(storage, at.tenant, more, &needs).await? {
                            return Err(damaged("a chain is missing"));
                        }
                    }
                }
            });
        }
        if let Some(state) = &state {
            self.put_session(at, state);
        }
        Ok(state)
    }

    /// Remembers a state that is in the database.
    pub(crate) fn put_session(&self, at: ChainRef, state: &Arc<SessionState>) {
        let seq = state.tip().head.seq;
        self.sessions
            .put(at, Arc::clone(state), |it| it.tip().head.seq > seq);
    }
}
