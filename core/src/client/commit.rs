//! The one way by which a session's log is written:
//! draft → journal → send → reconcile.
//!
//! A draft is applied to our own copy of the log first: what a rule forbids is
//! never sent. The bytes are journalled before they go out; a lost reply is
//! followed by the same bytes; and only a refusal that proves that another
//! entry stands there leads to a new draft, made from the intent anew.

use super::account::AccountInner;
use super::pins::store_error;
use super::record::Record;
use super::sessions::{SessionCell, View};
use super::{lock, os_rng};
use crate::error::{Error, ErrorCode, Result};
use crate::ports::Change;
use plico_protocol::format::bodies::SessionBody;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::{ChainId, Recipient};
use plico_protocol::keyring::EpochSecret;
use plico_protocol::rights::draft::{Draft, DraftError, Writer, rotate};
use plico_protocol::rights::{SessionState, due};
use plico_protocol::wire::b64;
use plico_protocol::wire::rest::{Append, Appended, EntryUpload};
use plico_protocol::wire::upload::draft_to_rest;
use std::sync::Arc;

/// How often a lost race is run again.
const RACES: usize = 8;

/// Entries in the making: each is applied to a copy of the log at once, so
/// that the next one is made on top of it.
pub(crate) struct Drafting<'a> {
    pub account: &'a AccountInner,
    pub view: &'a View,
    pub state: SessionState,
    pub record: &'a Record,
    pub writer: Writer<'a>,
    drafts: Vec<Draft>,
}

pub(crate) fn draft_error(error: DraftError) -> Error {
    match error {
        DraftError::Rights(error) => super::sessions::rights_error(&error, false),
        DraftError::Keyring(error) => {
            Error::new(ErrorCode::InvalidArgument).with_detail(error.to_string())
        }
        _ => ErrorCode::InvalidArgument.into(),
    }
}

impl Drafting<'_> {
    /// Takes a draft in, if the session's rules allow it.
    ///
    /// # Errors
    /// `NOT_ALLOWED` if this account lacks the right.
    pub async fn push(&mut self, draft: Draft) -> Result<()> {
        let entries = std::slice::from_ref(&draft.entry);
        let next = self.account.replay(Some(self.state.clone()), entries).await;
        self.state = next.map_err(|error| match error.code() {
            // Our own entry: not a lie that was found, but a thing that we may not do.
            ErrorCode::RightsViolation | ErrorCode::GrantExceedsGrantor => {
                Error::new(ErrorCode::NotAllowed)
            }
            _ => error,
        })?;
        self.drafts.push(draft);
        Ok(())
    }

    /// An entry that commits to no wraps.
    pub async fn push_plain(&mut self, body: &SessionBody) -> Result<()> {
        let draft = self.writer.plain(&self.state, body);
        self.push(draft).await
    }

    /// A new epoch, if one is due.
    pub async fn rotate_if_due(&mut self) -> Result<()> {
        if due(&self.state, &self.account.known(), self.writer.now_ms).is_none() {
            return Ok(());
        }
        self.rotate().await
    }

    /// A new epoch for all who are recipients now, linked to the one before.
    pub async fn rotate(&mut self) -> Result<()> {
        // If an epoch was begun with a false wrap, link to the newest that opens.
        let current = self.state.current_epoch();
        let earlier = self
            .drafts
            .iter()
            .rev()
            .find_map(|draft| draft.secret.clone())
            .or_else(|| {
                (0..=current)
                    .rev()
                    .find_map(|epoch| self.view.secret(epoch).ok())
            })
            .ok_or(ErrorCode::EpochUnavailable)?;
        let known = self.account.known();
        let draft = rotate(
            &self.writer,
            &self.state,
            &[&earlier],
            &known,
            &mut os_rng(),
        )
        .map_err(draft_error)?;
        self.push(draft).await
    }

    /// The secret of an epoch, one that is only just being begun included.
    pub fn secret_of(&self, epoch: u32) -> Result<EpochSecret> {
        let mine = self.drafts.iter().filter_map(|draft| draft.secret.as_ref());
        match mine
            .into_iter()
            .find(|secret| secret.context().epoch == epoch)
        {
            Some(secret) => Ok(secret.clone()),
            None => self.view.secret(epoch),
        }
    }

    fn entries(&self) -> Vec<SignedEntry> {
        self.drafts
            .iter()
            .map(|draft| draft.entry.clone())
            .collect()
    }
}

fn journal_key(session: ChainId) -> String {
    format!("journal/{}", b64::encode(&session.0))
}

fn upload(drafts: &[Draft]) -> Result<Vec<u8>> {
    let entries: Vec<EntryUpload> = drafts.iter().map(draft_to_rest).collect();
    serde_json::to_vec(&Append { entries }).map_err(|_| ErrorCode::InvalidArgument.into())
}

/// What a commit does with the log: drafts entries, or finds nothing to do.
pub(crate) trait Intent: Send + Sync {
    /// Drafts what is still to be done, given the log as it is now.
    fn draft<'a>(
        &'a self,
        drafting: &'a mut Drafting<'_>,
    ) -> crate::ports::BoxFuture<'a, Result<()>>;
}

impl AccountInner {
    /// Carries out `intent` on a session and gives the session after it.
    pub async fn commit(&self, id: ChainId, intent: &dyn Intent) -> Result<Arc<View>> {
        let cell = self.cell(id);
        let _one_at_a_time = cell.gate.lock().await;
        self.reconcile(id).await?;
        let mut view = self.refresh_cell(id, &cell).await?;
        for _ in 0..RACES {
            let record = self.registered()?;
            let author = self.author().await?;
            let now_ms = self.plico.inner.now_ms();
            let mut drafting = Drafting {
                account: self,
                view: &view,
                state: (*view.state).clone(),
                record: &record,
                writer: Writer {
                    author,
                    key: &record.device.signing,
                    now_ms,
                },
                drafts: Vec::new(),
            };
            intent.draft(&mut drafting).await?;
            if drafting.drafts.is_empty() {
                return Ok(view);
            }
            let path = format!("/sessions/{}/entries", b64::encode(&id.0));
            match self.send(id, &path, &drafting.drafts).await {
                Ok(appended) => return self.adopt(&cell, drafting, &appended).await,
                Err(error)
                    if matches!(error.code(), ErrorCode::Conflict | ErrorCode::AuthorBehind) =>
                {
                    let ours = drafting_hash(&drafting.entries());
                    drop(drafting);
                    self.myself().await?;
                    view = self.refresh_cell(id, &cell).await?;
                    if view.state.tip().head.hash == ours {
                        return Ok(view);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(ErrorCode::Conflict.into())
    }

    /// Journals `drafts` and sends them to `path`.
    pub async fn send(&self, id: ChainId, path: &str, drafts: &[Draft]) -> Result<Appended> {
        let record = self.registered()?;
        let body = upload(drafts)?;
        let key = journal_key(id);
        let put = Change::Put(key.clone(), body.clone());
        self.store
            .commit(vec![put], Vec::new())
            .await
            .map_err(store_error)?;
        let sent: Result<Appended> = self
            .plico
            .inner
            .post_bytes(record.signer(), path, body)
            .await;
        let unknown = sent
            .as_ref()
            .is_err_and(|error| outcome_is_unknown(error.code()));
        if !unknown {
            self.store
                .commit(vec![Change::Delete(key)], Vec::new())
                .await
                .map_err(store_error)?;
        }
        sent
    }

    /// Takes our own entries into the view.
    async fn adopt(
        &self,
        cell: &SessionCell,
        drafting: Drafting<'_>,
        appended: &Appended,
    ) -> Result<Arc<View>> {
        let mut view = drafting.view.clone();
        view.state = Arc::new(drafting.state);
        for draft in &drafting.drafts {
            view.hashes
                .insert(draft.entry.entry.seq, draft.entry.entry.hash());
            if let Some(secret) = &draft.secret {
                view.secrets.insert(secret.context().epoch, secret.clone());
            }
            for link in &draft.back_links {
                view.back_links
                    .insert((link.epoch, link.target), link.clone());
            }
            if draft.metadata.is_some() {
                view.metadata.clone_from(&draft.metadata);
            }
        }
        // From here on the directory is held to what it has just confirmed. If
        // others have written since, the next refresh judges their entries first.
        let tip = view.state.tip();
        if super::pins::decode_head(&appended.head)?.head.seq <= tip.head.seq {
            self.hold_head(&appended.head, tip, |seq| view.hashes.get(&seq).copied())
                .await?;
        }
        let me = Recipient::identity(drafting.record.identity);
        let stays = view.state.member(&me).is_some() && !view.state.ended();
        let view = Arc::new(view);
        *lock(&cell.view) = stays.then(|| view.clone());
        Ok(view)
    }

    /// Settles what an earlier write has left open: the same bytes go out
    /// again, and the directory either has them or takes or refuses them.
    pub async fn reconcile(&self, id: ChainId) -> Result<()> {
        let key = journal_key(id);
        let Some(body) = self.store.get(&key).await.map_err(store_error)? else {
            return Ok(());
        };
        let record = self.registered()?;
        let append: Append = serde_json::from_slice(&body).map_err(|_| ErrorCode::StoreDamaged)?;
        let entries = super::decode_entries(
            &append
                .entries
                .iter()
                .map(|it| it.entry.clone())
                .collect::<Vec<_>>(),
        )?;
        let creates = entries.first().is_some_and(|entry| entry.entry.seq == 0);
        let path = if creates {
            "/sessions".to_owned()
        } else {
            format!("/sessions/{}/entries", b64::encode(&id.0))
        };
        let sent: Result<Appended> = self
            .plico
            .inner
            .post_bytes(record.signer(), &path, body)
            .await;
        match sent {
            Err(error) if outcome_is_unknown(error.code()) => Err(error),
            _ => self
                .store
                .commit(vec![Change::Delete(key)], Vec::new())
                .await
                .map_err(store_error),
        }
    }
}

/// Whether the directory may have carried the request out all the same.
fn outcome_is_unknown(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::Network
            | ErrorCode::Unavailable
            | ErrorCode::Internal
            | ErrorCode::ProtocolError
            | ErrorCode::RequestReplayed
    )
}

fn drafting_hash(entries: &[SignedEntry]) -> plico_protocol::format::ids::EntryHash {
    entries
        .last()
        .map_or(plico_protocol::format::ids::EntryHash::ZERO, |entry| {
            entry.entry.hash()
        })
}
