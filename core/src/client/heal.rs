//! Handing back to a directory, restored from an older backup, what it has lost.
//!
//! A restore and a lie look alike at first: the directory shows less than
//! before. If what it shows is the beginning of what this account has
//! verified, the rest is offered to it; it judges each entry by the same rules
//! as ever. If it shows anything else, that is a fork, and nothing is signed.

use super::account::AccountInner;
use super::events::{Event, LogLevel};
use super::fetch::SessionName;
use super::pins::{decode_head, store_error};
use super::sessions::SessionCell;
use super::stored::{self, StoredUpload};
use super::view::View;
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::chain::Replay as _;
use plico_protocol::format::bodies::SessionBody;
use plico_protocol::format::encode;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::{ChainId, EntryHash};
use plico_protocol::wire::b64::{self, B64, B64x32};
use plico_protocol::wire::limits::MAX_LOOKUP;
use plico_protocol::wire::rest::{
    Append, Appended, ChainFrom, Enrol, EntryUpload, HandBack, IdentitiesFound, IdentitiesLookup,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Entries that one request may hand back.
const AT_MOST: usize = 256;

/// What a directory shows when it has lost something.
fn looks_restored(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::HistoryShortened
            | ErrorCode::SessionNotFound
            | ErrorCode::IdentityNotFound
            | ErrorCode::SignatureInvalid
    )
}

pub(crate) fn bare(entry: B64) -> EntryUpload {
    EntryUpload {
        entry,
        wraps: Vec::new(),
        staged_parts: 0,
        back_links: Vec::new(),
        metadata: None,
        tag: None,
    }
}

impl AccountInner {
    /// Tries to mend what `error` tells of, and fetches the session again. If
    /// that can't be done, the error stands.
    pub async fn hand_back(
        &self,
        id: ChainId,
        cell: &SessionCell,
        old: Option<Arc<View>>,
        error: Error,
    ) -> Result<View> {
        let Some(view) = old.filter(|_| looks_restored(error.code())) else {
            return Err(error);
        };
        match self.mend(id, cell, &view).await {
            Ok(true) => Box::pin(self.fetch(id, Some(view), None, &[])).await,
            Ok(false) => Err(error),
            Err(other) if other.code() == ErrorCode::HistoryForked => Err(other),
            Err(other) => {
                let hooks = &self.plico.inner.wire.hooks;
                hooks.log(LogLevel::Warn, || {
                    format!("handing back was refused: {}", other.code())
                });
                let detail = format!("it did not take back what it has lost: {}", other.code());
                Err(Error::new(error.code()).with_detail(detail))
            }
        }
    }

    async fn mend(&self, id: ChainId, cell: &SessionCell, view: &View) -> Result<bool> {
        let mended_myself = self.mend_myself().await?;
        let log = self.kept_log(id, 0, view.length()).await?;
        let mended_others = self.mend_identities(&people_of(view, &log)?).await?;
        let mended_log = self.mend_log(id, cell, view, log).await?;
        Ok(mended_myself || mended_others || mended_log)
    }

    /// The chains of `ids`, where the directory shows less of them than was
    /// seen. Gives whether something was handed back.
    pub async fn mend_identities(&self, ids: &[ChainId]) -> Result<bool> {
        let record = self.registered()?;
        let wire = &self.plico.inner.wire;
        let mut mended = false;
        for ids in ids.chunks(MAX_LOOKUP) {
            let mut known = Vec::with_capacity(ids.len());
            for id in ids {
                known.extend(self.kept_identity(*id).await?);
            }
            let identities = known
                .iter()
                .map(|state| ChainFrom {
                    id: B64x32(state.id().0),
                    from: state.tip().head.seq + 1,
                })
                .collect();
            let body = IdentitiesLookup { identities };
            let found: IdentitiesFound = wire
                .post(record.signer(), "/identities/lookup", &body)
                .await?;
            let mut shown: HashMap<ChainId, u64> = HashMap::new();
            for answer in &found.found {
                let id = ChainId(answer.identity_id.0);
                let state = known.iter().find(|state| state.id() == id);
                let Some(state) = state else { continue };
                let next = self.next_shown(&answer.head, id, |seq| state.hash_at(seq))?;
                shown.insert(id, next);
            }
            for state in &known {
                let next = shown.get(&state.id()).copied().unwrap_or(0);
                if next <= state.tip().head.seq {
                    self.return_identity(state.id(), next).await?;
                    mended = true;
                }
            }
        }
        Ok(mended)
    }

    /// The number of the first entry that the directory does not show.
    ///
    /// # Errors
    /// `HISTORY_FORKED` if what it shows is not the beginning of what is known.
    fn next_shown(
        &self,
        head: &B64,
        id: ChainId,
        hash_at: impl Fn(u64) -> Option<EntryHash>,
    ) -> Result<u64> {
        let head = decode_head(head)?;
        let tenant = self.plico.inner.tenant()?;
        tenant
            .verify_head(&head)
            .map_err(|_| ErrorCode::HeadInvalid)?;
        let head = head.head;
        if head.chain_id != id {
            return Err(ErrorCode::AnswerMismatch.into());
        }
        match hash_at(head.seq) {
            Some(hash) if hash == head.hash => Ok(head.seq + 1),
            Some(_) => {
                let event = Event::ForkSeen { chain: id.0 };
                self.plico.inner.wire.hooks.event(event);
                Err(ErrorCode::HistoryForked.into())
            }
            // It is ahead of us.
            None => Ok(u64::MAX),
        }
    }

    async fn return_identity(&self, id: ChainId, from: u64) -> Result<()> {
        let Some(kept) = self.read_identity(id).await? else {
            return Ok(());
        };
        let mut entries: Vec<EntryUpload> = kept
            .entries
            .iter()
            .map(|it| bare(B64(it.as_slice().to_vec())))
            .collect();
        let mut opening = kept.opening.as_ref().map(|it| B64(it.as_slice().to_vec()));
        // Of our own chain we have all that its beginning commits to.
        if let Some(enrolled) = self.read_sent(id, 0).await? {
            let enrol: Enrol =
                serde_json::from_slice(&enrolled).map_err(|_| ErrorCode::StoreDamaged)?;
            for (entry, whole) in entries.iter_mut().zip(enrol.entries) {
                *entry = whole;
            }
            opening = opening.or(Some(enrol.opening));
        }
        self.put_what_was_sent(id, &mut entries).await?;
        let skip = usize::try_from(from).unwrap_or(usize::MAX);
        let entries: Vec<EntryUpload> = entries.into_iter().skip(skip).collect();
        let path = format!("/identities/{}/restore", b64::encode(&id.0));
        self.post_back(id, &path, entries, opening).await
    }

    /// What this device has added to its own chain, with all its wraps.
    async fn put_what_was_sent(&self, id: ChainId, entries: &mut [EntryUpload]) -> Result<()> {
        if self.registered()?.identity != id {
            return Ok(());
        }
        for seq in 1..entries.len() {
            let Some(body) = self.read_sent(id, seq as u64).await? else {
                continue;
            };
            let append: Append =
                serde_json::from_slice(&body).map_err(|_| ErrorCode::StoreDamaged)?;
            for (entry, whole) in entries.iter_mut().skip(seq).zip(append.entries) {
                if entry.entry == whole.entry {
                    *entry = whole;
                }
            }
        }
        Ok(())
    }

    /// Our own chain, if the directory does not even know who we are.
    async fn mend_myself(&self) -> Result<bool> {
        let record = self.registered()?;
        let id = record.identity;
        match self.get_identity(id, u64::from(u32::MAX)).await {
            Ok(answer) => {
                let Some(state) = self.kept_identity(id).await? else {
                    return Ok(false);
                };
                let next = self.next_shown(&answer.head, id, |seq| state.hash_at(seq))?;
                if next <= state.tip().head.seq {
                    self.return_identity(id, next).await?;
                    return Ok(true);
                }
                Ok(false)
            }
            Err(error)
                if matches!(
                    error.code(),
                    ErrorCode::IdentityNotFound | ErrorCode::SignatureInvalid
                ) =>
            {
                self.return_identity(id, 0).await?;
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    async fn mend_log(
        &self,
        id: ChainId,
        cell: &SessionCell,
        view: &View,
        log: Vec<B64>,
    ) -> Result<bool> {
        let answer = self.ask(SessionName::Id(id), view.length()).await;
        let next = match answer {
            Ok(answer) => {
                self.next_shown(&answer.head, id, |seq| view.hashes.get(&seq).copied())?
            }
            Err(error) if error.code() == ErrorCode::SessionNotFound => 0,
            // Not a recipient yet, by what it has left.
            Err(error) if error.code() == ErrorCode::AccessRevoked => 0,
            Err(error) => return Err(error),
        };
        if next >= view.length() {
            return Ok(false);
        }
        let whole = self.sent_entries(id, view).await?;
        let skip = usize::try_from(next).unwrap_or(usize::MAX);
        let mut entries = Vec::new();
        let mut all_wraps = true;
        for (seq, entry) in (0u64..).zip(log).skip(skip) {
            let upload = match whole.get(&seq) {
                // One that was kept without its wraps is as somebody else's.
                Some(upload)
                    if upload.entry == entry
                        && (!upload.wraps.is_empty() || view.state.wraps_at(seq).is_none()) =>
                {
                    upload.clone()
                }
                _ => {
                    all_wraps &= view.state.wraps_at(seq).is_none();
                    self.without_wraps(view, seq, entry)?
                }
            };
            entries.push(upload);
        }
        // Before it is known whether they have arrived: one epoch too many
        // locks nobody out.
        if !all_wraps {
            cell.rewrap.store(true, Ordering::Relaxed);
        }
        let path = format!("/sessions/{}/restore", b64::encode(&id.0));
        self.post_back(id, &path, entries, None).await?;
        Ok(true)
    }

    /// An entry of somebody else's, with what any recipient has of it.
    fn without_wraps(&self, view: &View, seq: u64, entry: B64) -> Result<EntryUpload> {
        let mut upload = bare(entry);
        let epochs = view.state.epochs();
        if let Some(epoch) = epochs.iter().position(|epoch| epoch.seq == seq) {
            let links = epochs[epoch].back_links.iter().map(|link| {
                let link = view.back_links.get(&(epoch as u32, link.target))?;
                Some(B64(encode(link)))
            });
            upload.back_links = links.collect::<Option<_>>().unwrap_or_default();
        }
        let signed = SignedEntry::from_bytes(&upload.entry.0)?;
        let body = SessionBody::decode(signed.entry.entry_type, signed.entry.body.as_slice())?;
        if let (SessionBody::SetMetadata(body), Some(current)) =
            (body.deed(), view.state.metadata())
            && body.blob_hash == current.blob_hash
        {
            upload.metadata = view.metadata.clone().map(B64);
        }
        Ok(upload)
    }

    /// The body of a request that this account has sent.
    pub async fn read_sent(&self, id: ChainId, seq: u64) -> Result<Option<Vec<u8>>> {
        let name = stored::sent_name(id, seq);
        let bytes = self.store.get(&name).await.map_err(store_error)?;
        let upload: Option<StoredUpload> = bytes.map(stored::read).transpose()?;
        Ok(upload.map(|it| it.body.into()))
    }

    /// The entries that this account has sent itself, with all their wraps.
    async fn sent_entries(&self, id: ChainId, view: &View) -> Result<BTreeMap<u64, EntryUpload>> {
        let mut entries = BTreeMap::new();
        for sent in &view.sent {
            if let Some(body) = self.read_sent(id, sent.seq).await? {
                let append: Append =
                    serde_json::from_slice(&body).map_err(|_| ErrorCode::StoreDamaged)?;
                entries.extend((sent.seq..).zip(append.entries));
            }
        }
        Ok(entries)
    }

    async fn post_back(
        &self,
        id: ChainId,
        path: &str,
        entries: Vec<EntryUpload>,
        opening: Option<B64>,
    ) -> Result<()> {
        let record = self.registered()?;
        let wire = &self.plico.inner.wire;
        let count = entries.len() as u64;
        for entries in entries.chunks(AT_MOST) {
            let body = HandBack {
                entries: entries.to_vec(),
                opening: opening.clone(),
            };
            let _: Appended = wire.post(record.signer(), path, &body).await?;
        }
        wire.hooks.event(Event::HandedBack {
            chain: id.0,
            entries: count,
        });
        Ok(())
    }
}

/// Everybody whose chain the log names: authors and recipients.
fn people_of(view: &View, log: &[B64]) -> Result<Vec<ChainId>> {
    let mut people: BTreeSet<ChainId> = view
        .state
        .members()
        .map(|(recipient, _)| ChainId(recipient.id))
        .collect();
    for entry in log {
        people.insert(SignedEntry::from_bytes(&entry.0)?.entry.author.identity);
    }
    Ok(people.into_iter().collect())
}
