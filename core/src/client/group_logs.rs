//! Groups' logs as everybody may read them: fetched, verified, kept; and what
//! this account is in, and opens, through them.

use super::account::AccountInner;
use super::commit::Acting;
use super::events::LogLevel;
use super::fetch::SessionName;
use super::pins::store_error;
use super::saves::Saves;
use super::session::RotateIfDue;
use super::stored::{self, StoredIdentity};
use super::view::{View, rights_error};
use super::{decode_entries, lock};
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::format::bodies::Step;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::{ChainId, Kind, Recipient};
use plico_protocol::keyring::EpochSecret;
use plico_protocol::rights::draft::group_key;
use plico_protocol::rights::{
    Epoch, MAX_HEIGHT, Outcome, SessionState, Withdrawn, due, replay_session,
};
use plico_protocol::wire::b64::B64;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Whether `secret` gives the key that its epoch publishes, if that is a group's.
pub(crate) fn is_epochs_key(epoch: &Epoch, secret: &EpochSecret) -> bool {
    match &epoch.key {
        None => true,
        Some(key) => group_key(secret).is_ok_and(|record| record.id() == key.id),
    }
}

/// A log's bytes, from entry 0 on; nothing of them counts before it is replayed.
#[derive(Default)]
struct Raw {
    entries: Vec<SignedEntry>,
    bytes: Vec<B64>,
    /// How many the store has.
    kept: usize,
    /// The directory was asked: its signed head.
    head: Option<B64>,
}

/// One resolution: groups name places of each other's logs, so that one can't
/// be replayed to its end before the other; each is taken just as far as
/// something names it.
struct Resolving<'a> {
    inner: &'a AccountInner,
    online: bool,
    raws: async_lock::Mutex<HashMap<ChainId, Raw>>,
}

impl Resolving<'_> {
    /// The group's state at least up to entry `until`, or at its head, for
    /// which the directory is asked.
    async fn to(&self, id: ChainId, until: Option<u64>) -> Result<Arc<SessionState>> {
        let inner = self.inner;
        loop {
            let known = inner.known();
            let base = known.groups.get(&id).cloned();
            let next = base.as_ref().map_or(0, |state| state.tip().head.seq + 1);
            if let (Some(base), Some(until)) = (&base, until)
                && next > until
            {
                return Ok(base.clone());
            }
            let entries = self.entries(id, next, until).await?;
            if entries.is_empty() {
                return self.at_head(id, base).await;
            }
            let knows = base.is_some();
            let base = base.map(|state| (*state).clone());
            let outcome = replay_session(base, &entries, known.as_ref());
            match outcome.map_err(|error| rights_error(&error, knows))? {
                Outcome::Done(state) => {
                    if state.id() != id || !state.is_group() {
                        return Err(ErrorCode::AnswerMismatch.into());
                    }
                    if state.tenant_id() != inner.plico.inner.wire.tenant_id {
                        return Err(ErrorCode::WrongTenant.into());
                    }
                    inner.remember_group(Arc::from(state));
                }
                Outcome::Needs(needs) => {
                    let (groups, others): (Vec<_>, Vec<_>) =
                        needs.into_iter().partition(|need| need.kind == Kind::Group);
                    for need in groups {
                        let state = Box::pin(self.to(need.chain, Some(need.seq))).await?;
                        if state.tip().head.seq < need.seq {
                            return Err(ErrorCode::HistoryShortened.into());
                        }
                    }
                    inner.provide(&others, self.online).await?;
                }
            }
        }
    }

    /// Those from `next` on, up to `until` or the head.
    async fn entries(
        &self,
        id: ChainId,
        next: u64,
        until: Option<u64>,
    ) -> Result<Vec<SignedEntry>> {
        let mut raws = self.raws.lock().await;
        let raw = match raws.entry(id) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(free) => free.insert(self.inner.kept_group(id).await?),
        };
        let there = raw.entries.len() as u64;
        let wanted = until.is_none_or(|until| until >= there);
        if wanted && raw.head.is_none() {
            if self.online {
                self.inner.fetch_raw(id, raw).await?;
            } else if until.is_some() {
                return Err(ErrorCode::Offline.into());
            }
        }
        let end = until.map_or(raw.entries.len() as u64, |until| until + 1);
        let from = usize::try_from(next).unwrap_or(usize::MAX);
        let to = usize::try_from(end)
            .unwrap_or(usize::MAX)
            .min(raw.entries.len());
        Ok(raw.entries.get(from..to).unwrap_or_default().to_vec())
    }

    /// Nothing more is there: what the directory signs must be just this.
    async fn at_head(
        &self,
        id: ChainId,
        base: Option<Arc<SessionState>>,
    ) -> Result<Arc<SessionState>> {
        let state = base.ok_or_else(|| Error::new(ErrorCode::GroupNotFound))?;
        let mut raws = self.raws.lock().await;
        let raw = raws.entry(id).or_default();
        let Some(head) = &raw.head else {
            return Ok(state);
        };
        let mut saves = Saves::default();
        let hash_at = |seq: u64| state.hash_at(seq);
        let held = self.inner.hold_head(head, state.tip(), hash_at, &mut saves);
        held.await?;
        if raw.entries.len() > raw.kept {
            let kept = StoredIdentity::new(id, stored::opaques(&raw.bytes), None);
            saves.put(stored::group_name(id), stored::write(&kept));
            raw.kept = raw.entries.len();
        }
        self.inner.save(saves).await?;
        Ok(state)
    }
}

impl AccountInner {
    fn resolving(&self, online: bool) -> Resolving<'_> {
        Resolving {
            inner: self,
            online,
            raws: async_lock::Mutex::default(),
        }
    }

    /// Never in place of more.
    pub fn remember_group(&self, state: Arc<SessionState>) {
        let mut known = lock(&self.identities);
        let there = known.groups.get(&state.id());
        if there.is_some_and(|it| it.tip().head.seq > state.tip().head.seq) {
            return;
        }
        Arc::make_mut(&mut known).groups.insert(state.id(), state);
    }

    async fn kept_group(&self, id: ChainId) -> Result<Raw> {
        let bytes = self.store.get(&stored::group_name(id)).await;
        let Some(bytes) = bytes.map_err(store_error)? else {
            return Ok(Raw::default());
        };
        let kept: StoredIdentity = stored::read(bytes)?;
        let entries = stored::signed(&kept.entries)?;
        Ok(Raw {
            bytes: kept
                .entries
                .iter()
                .map(|it| B64(it.as_slice().to_vec()))
                .collect(),
            kept: entries.len(),
            entries,
            head: None,
        })
    }

    async fn fetch_raw(&self, id: ChainId, raw: &mut Raw) -> Result<()> {
        loop {
            let from = raw.entries.len() as u64;
            let answer = self.ask(SessionName::Id(id), from).await;
            let mut answer = answer.map_err(|error| match error.code() {
                ErrorCode::SessionNotFound => ErrorCode::GroupNotFound.into(),
                _ => error,
            })?;
            if answer.session_id.0 != id.0 || answer.from != from {
                return Err(ErrorCode::AnswerMismatch.into());
            }
            let entries = decode_entries(&answer.entries)?;
            if answer.more && entries.is_empty() {
                return Err(ErrorCode::ProtocolError.into());
            }
            raw.entries.extend(entries);
            raw.bytes.append(&mut answer.entries);
            if !answer.more {
                raw.head = Some(answer.head);
                return Ok(());
            }
        }
    }

    /// Groups that a replay asks for, at least up to the places that it names.
    ///
    /// # Errors
    /// `HISTORY_SHORTENED` if a log is shorter than somebody's signature says it is.
    pub async fn provide_groups(&self, needs: &[(ChainId, u64)], online: bool) -> Result<()> {
        let resolving = self.resolving(online);
        for (id, seq) in needs {
            let state = resolving.to(*id, Some(*seq)).await?;
            if state.tip().head.seq < *seq {
                return Err(ErrorCode::HistoryShortened.into());
            }
        }
        if online {
            for (id, _) in needs {
                resolving.to(*id, None).await?;
            }
        }
        Ok(())
    }

    /// Brings groups, and the groups in them, up to the directory's head.
    pub async fn refresh_groups(&self, groups: Vec<ChainId>) -> Result<()> {
        let mut wanted = groups;
        let mut seen = HashSet::new();
        for _ in 0..MAX_HEIGHT {
            wanted.retain(|id| seen.insert(*id));
            if wanted.is_empty() {
                break;
            }
            // They ask at once, and so go together into one request.
            let all = wanted.iter().map(|id| async move {
                let resolving = self.resolving(true);
                resolving.to(*id, None).await
            });
            let states = futures_util::future::try_join_all(all).await?;
            let inner = states.iter().flat_map(|state| state.members());
            let inner = inner.filter(|(it, _)| it.kind == Kind::Group);
            wanted = inner.map(|(it, _)| it.chain()).collect();
        }
        Ok(())
    }

    /// The secret of a generation of a group's key, if this account is in that
    /// group; `via`: what is being opened with it, so that a circle ends.
    pub async fn group_secret(
        &self,
        group: ChainId,
        generation: u32,
        via: &[ChainId],
    ) -> Result<Option<EpochSecret>> {
        if via.contains(&group) || via.len() > usize::from(MAX_HEIGHT) {
            return Ok(None);
        }
        let cell = self.cell(group);
        let of = |view: &View| {
            let epoch = view.state.epoch(generation)?;
            let secret = view.secret(generation).ok()?;
            is_epochs_key(epoch, &secret).then_some(secret)
        };
        if let Some(secret) = cell.known().and_then(|view| of(&view)) {
            return Ok(Some(secret));
        }
        let view = Box::pin(self.refresh_view_via(group, via)).await?;
        Ok(of(&view))
    }

    /// By what path of groups `me` is in `group`, by what is known.
    fn path_from(
        &self,
        group: ChainId,
        me: &Recipient,
        now_ms: u64,
        depth: u8,
    ) -> Option<Vec<Step>> {
        let depth = depth.checked_sub(1)?;
        let known = self.known();
        let state = known.groups.get(&group).filter(|it| !it.ended())?;
        let step = Step {
            group,
            position: state.tip().head,
        };
        if state.member(me).is_some_and(|it| it.may_act_at(now_ms)) {
            return Some(vec![step]);
        }
        let inner = state
            .members()
            .filter(|(it, member)| it.kind == Kind::Group && member.may_act_at(now_ms));
        inner
            .filter_map(|(it, _)| self.path_from(it.chain(), me, now_ms, depth))
            .min_by_key(Vec::len)
            .map(|rest| std::iter::once(step).chain(rest).collect())
    }

    /// Whether this account is in the group now, by whatever path; by what is known.
    pub fn is_in(&self, group: ChainId) -> bool {
        let now_ms = self.expiry_now_ms();
        let path = |me| self.path_from(group, &me, now_ms, MAX_HEIGHT);
        self.me().ok().and_then(path).is_some()
    }

    /// As whom this account acts in a chain: itself, or the group through which
    /// it may do most.
    pub fn acting_in(&self, state: &SessionState, me: &Recipient) -> Acting {
        let now_ms = self.expiry_now_ms();
        let own = state.member(me).filter(|it| it.may_act_at(now_ms));
        let mut best = Acting {
            recipient: *me,
            path: Vec::new(),
        };
        let mut rights = own.map_or(0, |it| it.rights.0);
        for (recipient, member) in state.members() {
            let more = recipient.kind == Kind::Group && member.rights.0 > rights;
            if more && member.may_act_at(now_ms) {
                let path = self.path_from(recipient.chain(), me, now_ms, MAX_HEIGHT);
                if let Some(path) = path {
                    rights = member.rights.0;
                    best = Acting {
                        recipient: *recipient,
                        path,
                    };
                }
            }
        }
        best
    }

    /// Only members can rotate a group: whoever sees that it is due does it. If it
    /// fails, the next sight is the next try.
    pub async fn rotate_due_groups(&self, view: &View) {
        let Ok(me) = self.me() else { return };
        let members = view.state.members().map(|(it, _)| *it);
        let mut groups: Vec<Recipient> = members.filter(|it| it.kind == Kind::Group).collect();
        if view.state.is_group() {
            groups.push(view.state.as_recipient());
        }
        for group in groups {
            let known = self.known();
            let Some(state) = known.groups.get(&group.chain()) else {
                continue;
            };
            let mine = state.member(&me).is_some() && !state.ended();
            let seen = self.cell(group.chain()).known();
            let withdrawn = seen.map_or(Withdrawn::Unknown, |view| view.withdrawn.clone());
            let now_ms = self.expiry_now_ms();
            if !mine || due(state, known.as_ref(), &withdrawn, now_ms).is_none() {
                continue;
            }
            let rotated = Box::pin(self.commit(group.chain(), &RotateIfDue)).await;
            if let Err(error) = rotated {
                self.plico.inner.wire.hooks.log(LogLevel::Warn, || {
                    let code = error.code();
                    format!("a group's rotation that is due was not made: {code}")
                });
            }
        }
    }

    /// When this account's access ends, in milliseconds since 1970, by the session's
    /// own end and the earliest one on the path by which it has it; 0: never.
    pub fn access_ends_ms(&self, state: &SessionState, me: &Recipient) -> u64 {
        let acting = self.acting_in(state, me);
        let end = |state: &SessionState, who: &Recipient| {
            state.member(who).map_or(0, |member| member.expires_ms)
        };
        let known = self.known();
        let mut ends = vec![state.ends_ms(), end(state, &acting.recipient)];
        let inner = acting.path.iter().skip(1);
        let inner = inner.map(|step| Recipient::group(step.group)).chain([*me]);
        for (step, who) in acting.path.iter().zip(inner) {
            let group = known.groups.get(&step.group);
            ends.push(group.map_or(0, |group| end(group, &who)));
        }
        ends.into_iter().filter(|it| *it != 0).min().unwrap_or(0)
    }

    /// Refuses what this device's clock says has ended, whatever anybody else says.
    pub fn check_access(&self, view: &View, me: &Recipient) -> Result<()> {
        let now_ms = self.plico.inner.wire.now_ms();
        let may = |recipient: &Recipient| {
            recipient == me
                || (recipient.kind == Kind::Group
                    && self
                        .path_from(recipient.chain(), me, 0, MAX_HEIGHT)
                        .is_some())
        };
        let mut mine = view.state.members().filter(|(it, _)| may(it)).peekable();
        let ended = mine.peek().is_some() && mine.all(|(_, it)| it.expired_at(now_ms));
        if ended {
            return Err(ErrorCode::AccessExpired.into());
        }
        if view.state.over_at(now_ms) {
            return Err(ErrorCode::SessionEnded.into());
        }
        Ok(())
    }
}
