//! What this account knows of a session, and how it is brought up to date.

use super::account::AccountInner;
use super::keys::proven_wrap;
use super::resolve::chain_error;
use super::{decode_entries, lock};
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::format::codec::decode;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::{ChainId, EntryHash, Recipient};
use plico_protocol::format::wrap::{BackLink, WrapPurpose};
use plico_protocol::keyring::wraps::WrapPlace;
use plico_protocol::keyring::{EpochSecret, back_link_hash};
use plico_protocol::rights::{Outcome, RightsError, SessionState, replay_session};
use plico_protocol::wire::b64;
use plico_protocol::wire::rest::{SessionAnswer, WrapAnswer};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

/// One session: its view, and a gate so that answers are judged one by one.
#[derive(Default)]
pub(crate) struct SessionCell {
    pub gate: async_lock::Mutex<()>,
    pub view: Mutex<Option<Arc<View>>>,
}

/// A session at one point of its log. Secrets are wiped with the last clone.
#[derive(Clone)]
pub(crate) struct View {
    pub state: Arc<SessionState>,
    /// Every entry's hash: what a pin is compared with.
    pub hashes: HashMap<u64, EntryHash>,
    pub refreshed_ms: u64,
    pub secrets: BTreeMap<u32, EpochSecret>,
    /// Epochs whose wrap the log commits to, but which does not open.
    pub false_wraps: BTreeSet<u32>,
    pub back_links: BTreeMap<(u32, u32), BackLink>,
    pub metadata: Option<Vec<u8>>,
}

/// How a session is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SessionName {
    Id(ChainId),
    Handle([u8; 16]),
}

impl SessionName {
    fn text(&self) -> String {
        match self {
            Self::Id(id) => b64::encode(&id.0),
            Self::Handle(handle) => b64::encode(handle),
        }
    }

    fn fits(&self, id: &[u8; 32]) -> bool {
        match self {
            Self::Id(wanted) => wanted.0 == *id,
            Self::Handle(handle) => id.starts_with(handle),
        }
    }
}

pub(crate) fn rights_error(error: &RightsError, known: bool) -> Error {
    let code = match error {
        RightsError::Chain(error) => return chain_error(error, known),
        RightsError::NotAllowed | RightsError::Owner => ErrorCode::RightsViolation,
        RightsError::ExceedsGrantor => ErrorCode::GrantExceedsGrantor,
        RightsError::Position => ErrorCode::HistoryForked,
        _ => ErrorCode::HistoryInvalid,
    };
    Error::new(code).with_detail(error.to_string())
}

impl View {
    /// The secret of `epoch`: unwrapped, or opened through back-links.
    pub fn secret(&self, epoch: u32) -> Result<EpochSecret> {
        let wanted = self
            .state
            .epoch(epoch)
            .ok_or(ErrorCode::SessionBehindEnvelope)?;
        if let Some(secret) = self.secrets.get(&epoch) {
            return Ok(secret.clone());
        }
        // Downwards from what is known; a false link is stepped over if another leads on.
        let mut open = self.secrets.clone();
        let mut found_false = false;
        for (&(from, target), link) in self.back_links.iter().rev() {
            if target < epoch || open.contains_key(&target) {
                continue;
            }
            let (Some(secret), Some(earlier)) = (open.get(&from), self.state.epoch(target)) else {
                continue;
            };
            match secret.open_back_link(link, &earlier.commitment) {
                Ok(secret) => {
                    open.insert(target, secret);
                }
                Err(_) => found_false = true,
            }
        }
        open.remove(&epoch).ok_or_else(|| {
            let newest = self.state.newest_epoch_of(wanted.segment);
            let code = if found_false {
                ErrorCode::BackLinkFalse
            } else if newest.is_some_and(|newest| self.false_wraps.contains(&newest)) {
                ErrorCode::WrapFalse
            } else {
                ErrorCode::EpochUnavailable
            };
            code.into()
        })
    }
}

impl AccountInner {
    pub fn cell(&self, id: ChainId) -> Arc<SessionCell> {
        lock(&self.sessions).entry(id).or_default().clone()
    }

    /// The session, no older than the freshness bound.
    ///
    /// # Errors
    /// `ACCESS_EXPIRED` also by this device's own clock: what was fetched
    /// before is not used past the grant's end.
    pub async fn fresh_view(&self, id: ChainId) -> Result<Arc<View>> {
        let me = Recipient::identity(self.registered()?.identity);
        let now_ms = self.plico.inner.now_ms();
        let cell = self.cell(id);
        let view = lock(&cell.view).clone();
        if let Some(view) = view
            && now_ms.abs_diff(view.refreshed_ms) < self.plico.inner.max_staleness_ms
        {
            if !view
                .state
                .member(&me)
                .is_some_and(|it| it.expired_at(now_ms))
            {
                return Ok(view);
            }
            *lock(&cell.view) = None;
        }
        let view = self.refresh_view(id).await?;
        if view
            .state
            .member(&me)
            .is_some_and(|it| it.expired_at(now_ms))
        {
            *lock(&cell.view) = None;
            return Err(ErrorCode::AccessExpired.into());
        }
        Ok(view)
    }

    /// The session, as the directory shows it now, with its recipients' heads.
    pub async fn refresh_view(&self, id: ChainId) -> Result<Arc<View>> {
        let cell = self.cell(id);
        let _one_at_a_time = cell.gate.lock().await;
        self.refresh_cell(id, &cell).await
    }

    /// The same for whoever holds the gate.
    pub async fn refresh_cell(&self, id: ChainId, cell: &SessionCell) -> Result<Arc<View>> {
        let old = lock(&cell.view).clone();
        let view = match self.fetch(id, old, None).await {
            Ok(view) => Arc::new(view),
            Err(error) => {
                let denied = matches!(
                    error.code(),
                    ErrorCode::AccessRevoked
                        | ErrorCode::AccessExpired
                        | ErrorCode::SessionEnded
                        | ErrorCode::SessionNotFound
                );
                if denied {
                    // What was known must not outlive the right to know it.
                    *lock(&cell.view) = None;
                }
                return Err(error);
            }
        };
        let members: Vec<ChainId> = view
            .state
            .members()
            .map(|(recipient, _)| ChainId(recipient.id))
            .collect();
        self.fetch_identities(&members).await?;
        *lock(&cell.view) = Some(view.clone());
        Ok(view)
    }

    /// The session whose id begins with `handle`.
    pub async fn find(&self, handle: [u8; 16]) -> Result<ChainId> {
        self.registered()?;
        let cached = lock(&self.sessions)
            .keys()
            .find(|id| id.0.starts_with(&handle))
            .copied();
        if let Some(id) = cached {
            return Ok(id);
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
        if lock(&cell.view).is_none() {
            match self.fetch(id, None, Some(answer)).await {
                Ok(view) => *lock(&cell.view) = Some(Arc::new(view)),
                Err(error) => {
                    lock(&self.sessions).remove(&id);
                    return Err(error);
                }
            }
        }
        Ok(id)
    }

    async fn ask(&self, name: SessionName, from: u64) -> Result<SessionAnswer> {
        let record = self.registered()?;
        let path = format!("/sessions/{}?from={from}", name.text());
        self.plico.inner.get(record.signer(), &path).await
    }

    /// Fetches what is new, page by page, and verifies all of it.
    /// `first` is an answer that is there already.
    async fn fetch(
        &self,
        id: ChainId,
        old: Option<Arc<View>>,
        mut first: Option<SessionAnswer>,
    ) -> Result<View> {
        let name = SessionName::Id(id);
        let record = self.registered()?;
        let mut state = old.as_ref().map(|view| (*view.state).clone());
        let mut hashes = old
            .as_ref()
            .map(|view| view.hashes.clone())
            .unwrap_or_default();
        let answer = loop {
            let from = state.as_ref().map_or(0, |state| state.tip().head.seq + 1);
            let answer = match first.take() {
                Some(answer) => answer,
                None => self.ask(name, from).await?,
            };
            if !name.fits(&answer.session_id.0) || answer.from != from {
                return Err(ErrorCode::AnswerMismatch.into());
            }
            let entries = decode_entries(&answer.entries)?;
            for entry in &entries {
                hashes.insert(entry.entry.seq, entry.entry.hash());
            }
            let next = self.replay(state, &entries).await?;
            if next.id().0 != answer.session_id.0 {
                return Err(ErrorCode::AnswerMismatch.into());
            }
            if next.tenant_id() != self.plico.inner.tenant_id {
                return Err(ErrorCode::WrongTenant.into());
            }
            if answer.more && entries.is_empty() {
                return Err(ErrorCode::ProtocolError.into());
            }
            state = Some(next);
            if !answer.more {
                break answer;
            }
        };
        let state = state.ok_or(ErrorCode::ProtocolError)?;
        let hash_at = |seq: u64| hashes.get(&seq).copied();
        self.hold_head(&answer.head, state.tip(), hash_at).await?;
        let mut view = View {
            hashes,
            refreshed_ms: self.plico.inner.now_ms(),
            secrets: old
                .as_ref()
                .map(|view| view.secrets.clone())
                .unwrap_or_default(),
            false_wraps: BTreeSet::new(),
            back_links: BTreeMap::new(),
            metadata: checked_metadata(&state, &answer)?,
            state: Arc::new(state),
        };
        self.open_wraps(
            &mut view,
            Recipient::identity(record.identity),
            &answer.wraps,
        )
        .await?;
        keep_back_links(&mut view, &answer)?;
        Ok(view)
    }

    /// Replays, fetching other chains as they are needed.
    pub async fn replay(
        &self,
        state: Option<SessionState>,
        entries: &[SignedEntry],
    ) -> Result<SessionState> {
        if entries.is_empty() {
            return state.ok_or_else(|| ErrorCode::HistoryInvalid.into());
        }
        let known = state.is_some();
        for _ in 0..2 {
            match replay_session(state.clone(), entries, &self.known())
                .map_err(|error| rights_error(&error, known))?
            {
                Outcome::Done(state) => return Ok(*state),
                Outcome::Needs(needs) => self.fetch_needs(&needs).await?,
            }
        }
        Err(ErrorCode::HistoryInvalid.into())
    }

    async fn open_wraps(&self, view: &mut View, me: Recipient, wraps: &[WrapAnswer]) -> Result<()> {
        for answer in wraps {
            let state = view.state.clone();
            let epoch = state.epoch(answer.epoch).ok_or(ErrorCode::WrapInvalid)?;
            let (committed, author) = state.wraps_at(answer.seq).ok_or(ErrorCode::WrapInvalid)?;
            let place = WrapPlace {
                tenant_id: state.tenant_id(),
                chain_id: state.id(),
                purpose: WrapPurpose::Epoch,
                author: *author,
            };
            let wrap = proven_wrap(answer, &place, committed, epoch.commitment)?;
            if wrap.info.recipient != me {
                return Err(ErrorCode::WrapInvalid.into());
            }
            if view.secrets.contains_key(&answer.epoch) {
                continue;
            }
            let key = self.user_secret(answer.generation).await?.kem_key();
            // The log commits to it: if it does not open, a member has lied, not
            // the directory. Other epochs may still open.
            match wrap.open(&key) {
                Ok(secret) => {
                    view.secrets.insert(answer.epoch, secret);
                }
                Err(_) => {
                    view.false_wraps.insert(answer.epoch);
                }
            }
        }
        Ok(())
    }
}

fn checked_metadata(state: &SessionState, answer: &SessionAnswer) -> Result<Option<Vec<u8>>> {
    let Some(blob) = &answer.metadata else {
        return Ok(None);
    };
    let hash = plico_protocol::primitives::hash::ref_hash("metadata", &blob.0);
    match state.metadata() {
        Some(metadata) if metadata.blob_hash == hash => Ok(Some(blob.0.clone())),
        _ => Err(ErrorCode::AnswerMismatch.into()),
    }
}

/// Keeps the back-links that the log names; any other is a lie of the directory's.
fn keep_back_links(view: &mut View, answer: &SessionAnswer) -> Result<()> {
    for bytes in &answer.back_links {
        let link: BackLink =
            decode("back-link", &bytes.0).map_err(|_| ErrorCode::BackLinkInvalid)?;
        let hash = back_link_hash(&link);
        let named = view.state.epoch(link.epoch).is_some_and(|epoch| {
            epoch
                .back_links
                .iter()
                .any(|it| it.target == link.target && it.hash == hash)
        });
        if !named {
            return Err(ErrorCode::BackLinkInvalid.into());
        }
        view.back_links.insert((link.epoch, link.target), link);
    }
    Ok(())
}
