//! Fetching a session, and believing nothing of the answer that does not verify.

use super::account::AccountInner;
use super::decode_entries;
use super::group_logs::is_epochs_key;
use super::keys::proven_wrap;
use super::posts::let_others_ask;
use super::saves::{Saved, Saves};
use super::view::{View, rights_error};
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::{ChainId, Kind, Recipient};
use plico_protocol::keyring::wraps::WrapPlace;
use plico_protocol::rights::{Outcome, SessionState, replay_session};
use plico_protocol::wire::b64::{self, B64};
use plico_protocol::wire::limits::MAX_SESSION_LOOKUP;
use plico_protocol::wire::rest::{
    SessionAnswer, SessionFrom, SessionsFound, SessionsLookup, WrapAnswer,
};
use std::sync::Arc;

/// How a session is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum SessionName {
    Id(ChainId),
    Handle([u8; 16]),
}

impl SessionName {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Id(id) => &id.0,
            Self::Handle(handle) => handle,
        }
    }

    pub fn fits(&self, id: &[u8; 32]) -> bool {
        id.starts_with(self.bytes())
    }
}

/// A session, from an entry on.
pub(crate) type AskedSession = (SessionName, u64);

impl AccountInner {
    /// One page of a session. Up to four requests are under way at a time; what
    /// is asked for while they are goes together into the next one.
    pub async fn ask(&self, name: SessionName, from: u64) -> Result<SessionAnswer> {
        let mut ticket = self.asked_sessions.ask((name, from));
        while !self.asked_sessions.is_answered(&mut ticket) {
            let turn = self.session_turns.acquire().await;
            if self.crowd.awaited() > 0 {
                let_others_ask().await;
            }
            if self.asked_sessions.is_answered(&mut ticket) {
                break;
            }
            let mut asked = self.asked_sessions.take(MAX_SESSION_LOOKUP);
            if asked.is_empty() {
                // Somebody else has taken our question along.
                drop(turn);
                ticket.wait().await;
                continue;
            }
            if asked.len() < 2 {
                for asked in asked.drain(..) {
                    let (name, from) = asked.key;
                    asked.answer(self.ask_one(name, from).await);
                }
                continue;
            }
            let wanted: Vec<AskedSession> = asked.iter().map(|it| it.key).collect();
            match self.ask_many(&wanted).await {
                Ok(results) => {
                    for (asked, result) in asked.into_iter().zip(results) {
                        asked.answer(result);
                    }
                }
                Err(error) => asked
                    .into_iter()
                    .for_each(|it| it.answer(Err(error.clone()))),
            }
        }
        match ticket.result() {
            // The answer to many was full.
            Err(error) if error.code() == ErrorCode::TooLarge => self.ask_one(name, from).await,
            result => result,
        }
    }

    async fn ask_one(&self, name: SessionName, from: u64) -> Result<SessionAnswer> {
        let path = format!("/sessions/{}?from={from}", b64::encode(name.bytes()));
        self.get(&path).await
    }

    /// One request, each session with its own result, in the order asked for.
    async fn ask_many(&self, wanted: &[AskedSession]) -> Result<Vec<Result<SessionAnswer>>> {
        let sessions = wanted
            .iter()
            .map(|(name, from)| SessionFrom {
                session: B64(name.bytes().to_vec()),
                from: *from,
            })
            .collect();
        let body = SessionsLookup { sessions };
        let found: SessionsFound = self.post("/sessions/lookup", &body).await?;
        if found.results.len() != wanted.len() {
            return Err(ErrorCode::AnswerMismatch.into());
        }
        let results = found.results.into_iter();
        Ok(results
            .map(|result| match (result.answer, result.problem) {
                (Some(answer), None) => Ok(answer),
                (None, Some(problem)) => Err(Error::from_problem(&problem)),
                _ => Err(ErrorCode::ProtocolError.into()),
            })
            .collect())
    }

    /// Fetches what is new, page by page, verifies all of it, and keeps it in
    /// the store. `first` is an answer that is there already. The caller holds
    /// the session's gate.
    pub async fn fetch(
        &self,
        id: ChainId,
        old: Option<Arc<View>>,
        mut first: Option<SessionAnswer>,
        via: &[ChainId],
    ) -> Result<View> {
        let name = SessionName::Id(id);
        let record = self.registered()?;
        let begin = old.as_ref().map_or(0, |view| view.length());
        let mut state = old.as_ref().map(|view| (*view.state).clone());
        let mut hashes = old
            .as_ref()
            .map(|view| view.hashes.clone())
            .unwrap_or_default();
        let mut new: Vec<B64> = Vec::new();
        let (state, answer) = loop {
            let from = state.as_ref().map_or(0, |state| state.tip().head.seq + 1);
            let mut answer = match first.take() {
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
            let next = self.replay(state, &entries, true).await?;
            if next.id().0 != answer.session_id.0 {
                return Err(ErrorCode::AnswerMismatch.into());
            }
            if next.tenant_id() != self.plico.inner.wire.tenant_id {
                return Err(ErrorCode::WrongTenant.into());
            }
            if answer.more && entries.is_empty() {
                return Err(ErrorCode::ProtocolError.into());
            }
            new.append(&mut answer.entries);
            if !answer.more {
                break (next, answer);
            }
            state = Some(next);
        };
        let mut saves = Saves::default();
        let hash_at = |seq: u64| hashes.get(&seq).copied();
        self.hold_head(&answer.head, state.tip(), hash_at, &mut saves)
            .await?;
        let now_ms = self.plico.inner.wire.now_ms();
        let mut view = View::new(state, hashes, now_ms);
        if let Some(old) = &old {
            view.secrets.clone_from(&old.secrets);
            view.sent.clone_from(&old.sent);
        }
        view.metadata = view.checked_metadata(&answer)?;
        if let (None, Some(old)) = (&view.metadata, &old) {
            // What was given once need not be given again.
            let kept = old.metadata.clone();
            view.metadata = kept.filter(|blob| view.is_metadata(blob));
        }
        view.tag = view.checked_tag(&answer)?;
        view.withdrawn = View::withdrawn_of(&answer)?;
        self.tell_of_withdrawals(old.as_deref(), &view);
        if view.state.is_group() {
            self.remember_group(view.state.clone());
        }
        let me = Recipient::identity(record.identity);
        self.open_wraps(&mut view, me, &answer.wraps, via).await?;
        for link in &answer.back_links {
            view.keep_back_link(&link.0)?;
        }
        if self.keep_view(&mut view, begin, &new, &mut saves).await?
            && self.save(saves).await? == Saved::Yes
        {
            return Ok(view);
        }
        // Another process has kept something meanwhile: the longer log counts.
        match self.kept_view(id, true).await? {
            Some(kept) if kept.length() > view.length() => Ok(kept),
            _ => Ok(view),
        }
    }

    /// Replays, providing other chains as they are needed.
    pub async fn replay(
        &self,
        state: Option<SessionState>,
        entries: &[SignedEntry],
        online: bool,
    ) -> Result<SessionState> {
        if entries.is_empty() {
            return state.ok_or_else(|| ErrorCode::HistoryInvalid.into());
        }
        let known = state.is_some();
        for _ in 0..2 {
            match replay_session(state.clone(), entries, self.known().as_ref())
                .map_err(|error| rights_error(&error, known))?
            {
                Outcome::Done(state) => return Ok(*state),
                Outcome::Needs(needs) => self.provide(&needs, online).await?,
            }
        }
        Err(ErrorCode::HistoryInvalid.into())
    }

    async fn open_wraps(
        &self,
        view: &mut View,
        me: Recipient,
        wraps: &[WrapAnswer],
        via: &[ChainId],
    ) -> Result<()> {
        for answer in wraps {
            let state = view.state.clone();
            let epoch = state.epoch(answer.epoch).ok_or(ErrorCode::WrapInvalid)?;
            let (committed, author) = state.wraps_at(answer.seq).ok_or(ErrorCode::WrapInvalid)?;
            let place = WrapPlace {
                tenant_id: state.tenant_id(),
                chain_id: state.id(),
                author: *author,
            };
            let wrap = proven_wrap(answer, &place, committed, epoch.commitment)?;
            let to = wrap.info.recipient;
            if to != me && to.kind != Kind::Group {
                return Err(ErrorCode::WrapInvalid.into());
            }
            if view.secrets.contains_key(&answer.epoch) {
                continue;
            }
            let secret = if to == me {
                Some(self.user_secret(answer.generation).await?)
            } else {
                let mut via = via.to_vec();
                via.push(state.id());
                Box::pin(self.group_secret(to.chain(), answer.generation, &via)).await?
            };
            let Some(secret) = secret else { continue };
            // The log commits to it: if it does not open, a member has lied, not
            // the directory. Other epochs may still open.
            let opened = wrap.open(&secret.kem_key());
            match opened.ok().filter(|it| is_epochs_key(epoch, it)) {
                Some(secret) => {
                    view.secrets.insert(answer.epoch, secret);
                }
                None => {
                    view.false_wraps.insert(answer.epoch);
                }
            }
        }
        Ok(())
    }
}
