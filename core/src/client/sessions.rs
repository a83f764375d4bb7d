//! Which sessions are held in memory, and when they are brought up to date.

use super::account::AccountInner;
use super::events::{Event, LogLevel};
use super::fetch::SessionName;
use super::freshness::Freshness;
use super::ids::SessionId;
use super::lock;
use super::plico::is_unreachable;
use super::view::View;
use crate::error::{ErrorCode, Result};
use plico_protocol::format::ids::{ChainId, Kind, Recipient};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Sessions that are held in memory; those that were used longest ago are
/// read from the store again when they are wanted.
const MAX_IN_MEMORY: usize = 512;
/// How often the store is asked what other programs have seen, in milliseconds.
const LOOK_EVERY_MS: u64 = 1_000;
/// Sessions that are prefetched at a time.
const PREFETCH: usize = 256;

/// One session: its view, and a gate so that answers are judged one by one.
#[derive(Default)]
pub(crate) struct SessionCell {
    pub gate: async_lock::Mutex<()>,
    pub view: Mutex<Option<Arc<View>>>,
    /// The store was asked.
    loaded: AtomicBool,
    /// A write's outcome is not known: nothing is written on top of it before
    /// it is settled.
    pub unsettled: AtomicBool,
    /// Entries were handed back without their wraps: a new epoch gives
    /// everybody a way in again.
    pub rewrap: AtomicBool,
    used: AtomicU64,
    /// When the store was last asked what other programs have seen.
    looked_ms: AtomicU64,
    /// When it was last tried to say that the session is in use.
    pub used_ms: AtomicU64,
}

impl SessionCell {
    pub fn known(&self) -> Option<Arc<View>> {
        lock(&self.view).clone()
    }

    pub fn forget(&self) {
        *lock(&self.view) = None;
    }
}

/// All cells of an account.
#[derive(Default)]
pub(crate) struct Sessions {
    cells: Mutex<HashMap<ChainId, Arc<SessionCell>>>,
    uses: AtomicU64,
}

impl Sessions {
    fn cell(&self, id: ChainId) -> Arc<SessionCell> {
        let mut cells = lock(&self.cells);
        if cells.len() >= MAX_IN_MEMORY && !cells.contains_key(&id) {
            // A cell that somebody holds keeps its gate.
            let idle = |cell: &Arc<SessionCell>| Arc::strong_count(cell) == 1;
            let oldest = cells
                .iter()
                .filter(|(_, cell)| idle(cell))
                .min_by_key(|(_, cell)| cell.used.load(Ordering::Relaxed))
                .map(|(id, _)| *id);
            oldest.and_then(|id| cells.remove(&id));
        }
        let cell = cells.entry(id).or_default();
        let now = self.uses.fetch_add(1, Ordering::Relaxed);
        cell.used.store(now, Ordering::Relaxed);
        cell.clone()
    }

    fn by_handle(&self, handle: &[u8; 16]) -> Option<ChainId> {
        let cells = lock(&self.cells);
        // One without a view may be of an answer that was never verified.
        let known = |(id, cell): &(&ChainId, &Arc<SessionCell>)| {
            id.0.starts_with(handle) && cell.known().is_some()
        };
        cells.iter().find(known).map(|(id, _)| *id)
    }

    pub fn remove(&self, id: ChainId) {
        lock(&self.cells).remove(&id);
    }

    #[cfg(test)]
    pub fn holds_nothing(&self) -> bool {
        let cells = lock(&self.cells);
        cells.values().all(|cell| cell.known().is_none())
    }

    /// Also for those who hold a cell.
    pub fn clear(&self) {
        for (_, cell) in lock(&self.cells).drain() {
            cell.forget();
        }
    }
}

/// Codes by which a directory says that this account may not open the session.
fn is_denial(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::AccessRevoked
            | ErrorCode::AccessExpired
            | ErrorCode::AccessWithdrawn
            | ErrorCode::SessionEnded
    )
}

impl AccountInner {
    pub fn cell(&self, id: ChainId) -> Arc<SessionCell> {
        self.sessions.cell(id)
    }

    /// From now on this is what is known of the session.
    pub fn show(&self, cell: &SessionCell, view: Option<Arc<View>>) {
        self.hold_secret(&cell.view, view);
    }

    pub fn me(&self) -> Result<Recipient> {
        Ok(Recipient::identity(self.registered()?.identity))
    }

    /// Reads the session from the store, once. The caller holds the gate.
    pub async fn load(&self, id: ChainId, cell: &SessionCell, online: bool) -> Result<()> {
        if cell.known().is_some() || cell.loaded.load(Ordering::Relaxed) {
            return Ok(());
        }
        cell.unsettled
            .store(self.has_journal(id).await?, Ordering::Relaxed);
        let view = self.kept_view(id, online).await?;
        self.show(cell, view.map(Arc::new));
        cell.loaded.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// The session for opening something. If the directory can't be reached,
    /// what is known has to do.
    ///
    /// # Errors
    /// `ACCESS_EXPIRED` also by this device's own clock: what was fetched
    /// before is not used past the grant's end. `OFFLINE` if nothing is known
    /// and the directory must not be asked.
    pub async fn view_to_read(&self, id: ChainId, freshness: Freshness) -> Result<Arc<View>> {
        let me = self.me()?;
        let wire = &self.plico.inner.wire;
        let (cell, known) = self.known_view(id, freshness).await?;
        let view = match (freshness, known) {
            (Freshness::Offline, known) => known.ok_or(ErrorCode::Offline)?,
            (Freshness::Within(age_ms), Some(known)) => {
                if self.is_fresh(&known, age_ms) {
                    known
                } else if wire.is_down() {
                    self.tell_of_old(&known);
                    known
                } else {
                    match self.refresh_view(id).await {
                        Err(error) if is_unreachable(error.code()) => {
                            self.tell_of_old(&known);
                            known
                        }
                        result => result?,
                    }
                }
            }
            (Freshness::Within(_), None) => self.refresh_view(id).await?,
        };
        if let Err(error) = self.check_access(&view, &me) {
            // The grant may have been extended since.
            let renewed = match freshness {
                Freshness::Within(_) => self.refresh_view(id).await.ok(),
                Freshness::Offline => None,
            };
            return match renewed {
                Some(view) if self.check_access(&view, &me).is_ok() => Ok(view),
                _ => {
                    self.end_access(id, &cell).await?;
                    Err(error)
                }
            };
        }
        Ok(view)
    }

    /// The session for writing, or for changing it: no older than it may be.
    ///
    /// # Errors
    /// As [`Self::view_to_read`]; `NETWORK` if it is older and the directory
    /// can't be reached.
    pub async fn view_to_write(&self, id: ChainId, freshness: Freshness) -> Result<Arc<View>> {
        let (cell, known) = self.known_view(id, freshness).await?;
        let known = self.unless_outdated(id, &cell, known, freshness).await?;
        if let (Freshness::Within(age_ms), known) = (freshness, known)
            && !known.is_some_and(|known| self.is_fresh(&known, age_ms))
        {
            self.refresh_view(id).await?;
        }
        self.view_to_read(id, freshness).await
    }

    /// What is in memory, unless another program on the same store has seen
    /// more (a revocation, say). Looked up at most once a second.
    async fn unless_outdated(
        &self,
        id: ChainId,
        cell: &SessionCell,
        known: Option<Arc<View>>,
        freshness: Freshness,
    ) -> Result<Option<Arc<View>>> {
        let Some(view) = known else { return Ok(None) };
        let now_ms = self.plico.inner.wire.now_ms();
        if now_ms.abs_diff(cell.looked_ms.swap(now_ms, Ordering::Relaxed)) < LOOK_EVERY_MS {
            return Ok(Some(view));
        }
        let seen = self.pins.newest_seen(self.store.as_ref(), id).await?;
        if seen.is_none_or(|seq| seq < view.length()) {
            return Ok(Some(view));
        }
        let _one_at_a_time = cell.gate.lock().await;
        cell.forget();
        cell.loaded.store(false, Ordering::Relaxed);
        self.load(id, cell, freshness != Freshness::Offline).await?;
        Ok(cell.known())
    }

    async fn known_view(
        &self,
        id: ChainId,
        freshness: Freshness,
    ) -> Result<(Arc<SessionCell>, Option<Arc<View>>)> {
        let cell = self.cell(id);
        if let Some(view) = cell.known() {
            return Ok((cell, Some(view)));
        }
        {
            let _one_at_a_time = cell.gate.lock().await;
            let online = freshness != Freshness::Offline;
            match self.load(id, &cell, online).await {
                Err(error) if online && is_unreachable(error.code()) => return Err(error),
                result => result?,
            }
        }
        let known = cell.known();
        Ok((cell, known))
    }

    fn is_fresh(&self, view: &View, age_ms: u64) -> bool {
        self.plico.inner.wire.now_ms().abs_diff(view.refreshed_ms) < age_ms
    }

    fn tell_of_old(&self, view: &View) {
        let wire = &self.plico.inner.wire;
        wire.hooks.log(LogLevel::Warn, || {
            let age_ms = wire.now_ms().abs_diff(view.refreshed_ms);
            format!("opening by what was known {} s ago", age_ms / 1000)
        });
    }

    /// The session, as the directory shows it now, with its recipients' heads.
    pub async fn refresh_view(&self, id: ChainId) -> Result<Arc<View>> {
        self.refresh_view_via(id, &[]).await
    }

    /// The same for whoever is opening `via`, one for the next.
    pub async fn refresh_view_via(&self, id: ChainId, via: &[ChainId]) -> Result<Arc<View>> {
        let cell = self.cell(id);
        let view = {
            let _one_at_a_time = cell.gate.lock().await;
            self.refresh_cell_via(id, &cell, via).await?
        };
        if cell.rewrap.load(Ordering::Relaxed) {
            return Box::pin(self.commit(id, &super::session::RotateIfDue)).await;
        }
        if via.is_empty() {
            Box::pin(self.rotate_due_groups(&view)).await;
            if let Some(view) = Box::pin(self.take_in_again(&view)).await {
                return Ok(view);
            }
        }
        Ok(view)
    }

    /// The same for whoever holds the gate.
    pub async fn refresh_cell(&self, id: ChainId, cell: &SessionCell) -> Result<Arc<View>> {
        self.refresh_cell_via(id, cell, &[]).await
    }

    async fn refresh_cell_via(
        &self,
        id: ChainId,
        cell: &SessionCell,
        via: &[ChainId],
    ) -> Result<Arc<View>> {
        self.load(id, cell, true).await?;
        let old = cell.known();
        let fetched = match Box::pin(self.fetch(id, old.clone(), None, via)).await {
            Err(error) if is_denial(error.code()) => {
                self.end_access(id, cell).await?;
                return Err(error);
            }
            Err(error) => self.hand_back(id, cell, old.clone(), error).await,
            fetched => fetched,
        };
        if let (Err(error), Some(old)) = (&fetched, old)
            && error.code() == ErrorCode::HistoryForked
        {
            // With two histories about, no knowledge counts as fresh.
            let mut doubtful = (*old).clone();
            doubtful.refreshed_ms = 0;
            self.show(cell, Some(Arc::new(doubtful)));
        }
        let view = Arc::new(fetched?);
        self.refresh_members(&view).await?;
        self.show(cell, Some(view.clone()));
        Ok(view)
    }

    /// Brings the recipients' chains up to date: a newer key makes an epoch due.
    pub async fn refresh_members(&self, view: &View) -> Result<()> {
        let of = |kind: Kind| {
            let members = view.state.members().filter(move |(it, _)| it.kind == kind);
            members.map(|(recipient, _)| recipient.chain())
        };
        let (people, groups): (Vec<_>, Vec<_>) =
            (of(Kind::Identity).collect(), of(Kind::Group).collect());
        self.fetch_identities(&people).await?;
        Box::pin(self.refresh_groups(groups)).await
    }

    /// What was known must not outlive the right to know it.
    async fn end_access(&self, id: ChainId, cell: &SessionCell) -> Result<()> {
        cell.forget();
        let event = Event::AccessEnded {
            session: SessionId(id),
        };
        self.plico.inner.wire.hooks.event(event);
        self.forget_kept(id).await
    }

    /// The session whose id begins with `handle`.
    pub async fn find(&self, handle: [u8; 16], freshness: Freshness) -> Result<ChainId> {
        self.registered()?;
        if let Some(id) = self.sessions.by_handle(&handle) {
            return Ok(id);
        }
        if let Some(id) = self.kept_id(&handle).await? {
            return Ok(id);
        }
        if freshness == Freshness::Offline {
            return Err(ErrorCode::Offline.into());
        }
        // The answer only tells which session it is, until it is verified below,
        // behind the session's gate.
        let name = SessionName::Handle(handle);
        let answer = self.ask(name, 0).await?;
        if !name.fits(&answer.session_id.0) {
            return Err(ErrorCode::AnswerMismatch.into());
        }
        let id = ChainId(answer.session_id.0);
        let cell = self.cell(id);
        let _one_at_a_time = cell.gate.lock().await;
        if cell.known().is_none() {
            match Box::pin(self.fetch(id, None, Some(answer), &[])).await {
                Ok(view) => self.show(&cell, Some(Arc::new(view))),
                Err(error) => {
                    self.sessions.remove(id);
                    return Err(error);
                }
            }
        }
        Ok(id)
    }

    /// Each session brought up to date, all in few requests; each with its own result.
    pub async fn prefetch(&self, ids: &[ChainId]) -> Vec<Result<()>> {
        // They ask at once, and so go together into requests of up to 64.
        let mut results = Vec::with_capacity(ids.len());
        for ids in ids.chunks(PREFETCH) {
            let refreshes = ids.iter().map(|id| self.refresh_view(*id));
            let done = self.together(refreshes).await;
            results.extend(done.into_iter().map(|it| it.map(drop)));
        }
        results
    }
}
