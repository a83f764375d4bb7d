//! Sessions in the store: what is needed to open without the directory.

use super::account::AccountInner;
use super::decode_entries;
use super::pins::store_error;
use super::saves::{Saved, Saves};
use super::stored::{self, PAGE, StoredPage, StoredSent, StoredSession};
use super::view::View;
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::format::encode;
use plico_protocol::format::ids::ChainId;
use plico_protocol::format::opaque::Opaque;
use plico_protocol::keyring::{EpochContext, EpochSecret};
use plico_protocol::wire::b64::B64;
use plico_protocol::wire::rest::Append;
use std::collections::HashMap;

/// What an account has sent is kept for so long, in milliseconds.
const SENT_FOR_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// And so many requests of one session.
const SENT_AT_MOST: usize = 32;

/// Whether the store has all of the view but its time.
fn is_same(kept: &StoredSession, view: &View) -> bool {
    let metadata = kept.metadata.as_ref().map(Opaque::as_slice);
    kept.id == view.state.id()
        && kept.length == view.length()
        && kept.sent == view.sent
        && metadata == view.metadata.as_deref()
        && kept.back_links.len() == view.back_links.len()
        && kept.secrets as usize == view.secrets.len()
}

fn damaged() -> Error {
    ErrorCode::StoreDamaged.into()
}

impl AccountInner {
    async fn read_session(&self, name: &str) -> Result<Option<(StoredSession, Vec<u8>)>> {
        let Some(bytes) = self.store.get(name).await.map_err(store_error)? else {
            return Ok(None);
        };
        Ok(Some((stored::read(bytes.clone())?, bytes)))
    }

    /// The id of a session that is kept, by its handle.
    pub async fn kept_id(&self, handle: &[u8; 16]) -> Result<Option<ChainId>> {
        let name = stored::session_name_by_handle(handle);
        let kept = self.read_session(&name).await?;
        Ok(kept
            .map(|(session, _)| session.id)
            .filter(|id| id.0.starts_with(handle)))
    }

    /// Entries of a kept log, as they were verified.
    pub async fn kept_log(&self, id: ChainId, from: u64, length: u64) -> Result<Vec<B64>> {
        let mut entries = Vec::new();
        for page in from / PAGE..length.div_ceil(PAGE) {
            let name = stored::page_name(id, page);
            let bytes = self.store.get(&name).await.map_err(store_error)?;
            let page_of: StoredPage = stored::read(bytes.ok_or_else(damaged)?)?;
            let first = page * PAGE;
            for (seq, entry) in (first..).zip(page_of.entries) {
                if (from..length).contains(&seq) {
                    entries.push(B64(entry.into()));
                }
            }
        }
        if entries.len() as u64 == length.saturating_sub(from) {
            Ok(entries)
        } else {
            Err(damaged())
        }
    }

    /// The session as the store has it, replayed and checked again.
    /// `online`: chains of other identities that are missing may be fetched.
    pub async fn kept_view(&self, id: ChainId, online: bool) -> Result<Option<View>> {
        let Some((kept, _)) = self.read_session(&stored::session_name(id)).await? else {
            return Ok(None);
        };
        if kept.id != id {
            return Ok(None);
        }
        let log = self.kept_log(id, 0, kept.length).await?;
        let entries = decode_entries(&log).map_err(|_| damaged())?;
        let state = self.replay(None, &entries, online).await?;
        if state.id() != id || state.tenant_id() != self.plico.inner.wire.tenant_id {
            return Err(damaged());
        }
        let hashes: HashMap<_, _> = entries
            .iter()
            .map(|it| (it.entry.seq, it.entry.hash()))
            .collect();
        let mut view = View::new(state, hashes, kept.refreshed_ms);
        let secrets = self.store.get(&stored::secrets_name(id)).await;
        let secrets = secrets.map_err(store_error)?.ok_or_else(damaged)?;
        stored::read_secrets(secrets, |number, secret| {
            let epoch = view.state.epoch(number).ok_or_else(damaged)?;
            let context = EpochContext {
                tenant_id: view.state.tenant_id(),
                chain_id: id,
                epoch: number,
            };
            let secret =
                EpochSecret::checked(context, secret, &epoch.commitment).map_err(|_| damaged())?;
            view.secrets.insert(number, secret);
            Ok(())
        })?;
        for link in &kept.back_links {
            view.keep_back_link(link.as_slice())
                .map_err(|_| damaged())?;
        }
        if let Some(blob) = &kept.metadata {
            if !view.is_metadata(blob.as_slice()) {
                return Err(damaged());
            }
            view.metadata = Some(blob.as_slice().to_vec());
        }
        view.sent.clone_from(&kept.sent);
        Ok(Some(view))
    }

    /// Adds the session to `saves`, with its log from `first` on. `false`: the
    /// store knows more of it, by another process; then it stays as it is.
    pub async fn keep_view(
        &self,
        view: &mut View,
        first: u64,
        new: &[B64],
        saves: &mut Saves,
    ) -> Result<bool> {
        let id = view.state.id();
        let name = stored::session_name(id);
        let (kept_length, before) = match self.read_session(&name).await? {
            Some((kept, bytes)) if kept.id == id => {
                self.merge_sent(view, &kept.sent, saves);
                if is_same(&kept, view) {
                    // Only the time is new: not worth a write to the disk.
                    return Ok(true);
                }
                (kept.length, Some(bytes))
            }
            other => (0, other.map(|(_, bytes)| bytes)),
        };
        // Longer: another process has seen more. Too short: it has forgotten it.
        if kept_length > view.length() || kept_length < first {
            return Ok(false);
        }
        let mut value = StoredSession::new(id, view.length(), view.refreshed_ms);
        value.secrets = view.secrets.len() as u32;
        value.back_links = view
            .back_links
            .values()
            .map(|link| encode(link).into())
            .collect();
        value.metadata = view.metadata.as_ref().map(|it| it.as_slice().into());
        value.sent.clone_from(&view.sent);
        saves.put(name.clone(), stored::write(&value));
        saves.expect(name, before);
        let secrets = stored::write_secrets(&view.secrets);
        saves.put(stored::secrets_name(id), secrets);
        self.keep_log(id, kept_length, first, new, saves).await?;
        Ok(true)
    }

    /// Writes the pages that the new entries are on.
    async fn keep_log(
        &self,
        id: ChainId,
        kept_length: u64,
        first: u64,
        new: &[B64],
        saves: &mut Saves,
    ) -> Result<()> {
        let end = first + new.len() as u64;
        if kept_length >= end {
            return Ok(());
        }
        let first_page = kept_length / PAGE;
        let mut all = self.kept_log(id, first_page * PAGE, kept_length).await?;
        let skip = usize::try_from(kept_length - first).unwrap_or(usize::MAX);
        all.extend_from_slice(new.get(skip..).unwrap_or_default());
        for (page, entries) in (first_page..).zip(all.chunks(PAGE as usize)) {
            let entries: Vec<Opaque> = stored::opaques(entries);
            let value = stored::write(&StoredPage::new(entries));
            saves.put(stored::page_name(id, page), value);
        }
        Ok(())
    }

    /// Remembers a request that was accepted.
    pub fn keep_sent(
        &self,
        view: &mut View,
        seq: u64,
        body: &[u8],
        saves: &mut Saves,
    ) -> Result<()> {
        let id = view.state.id();
        let now_ms = self.plico.inner.wire.now_ms();
        view.sent.push(StoredSent { seq, at_ms: now_ms });
        let value = stored::StoredUpload::new(&self.kept_body(body)?);
        saves.put(stored::sent_name(id, seq), stored::write(&value));
        Ok(())
    }

    /// The same for a request of an earlier call, of which only now it is known
    /// that it was accepted. Gives all that is kept of the session so.
    pub async fn keep_settled(
        &self,
        id: ChainId,
        body: &[u8],
        saves: &mut Saves,
    ) -> Result<Option<Vec<StoredSent>>> {
        let name = stored::session_name(id);
        let kept = self.read_session(&name).await?;
        let Some((mut kept, before)) = kept.filter(|(kept, _)| kept.id == id) else {
            return Ok(None);
        };
        let append: Append = serde_json::from_slice(body).map_err(|_| damaged())?;
        let entries: Vec<B64> = append.entries.into_iter().map(|it| it.entry).collect();
        let entries = decode_entries(&entries).map_err(|_| damaged())?;
        let Some(seq) = entries.first().map(|it| it.entry.seq) else {
            return Ok(None);
        };
        if kept.sent.iter().all(|sent| sent.seq != seq) {
            let at_ms = self.plico.inner.wire.now_ms();
            kept.sent.push(StoredSent { seq, at_ms });
            let value = stored::StoredUpload::new(&self.kept_body(body)?);
            saves.put(stored::sent_name(id, seq), stored::write(&value));
            saves.put(name.clone(), stored::write(&kept));
            saves.expect(name, Some(before));
        }
        Ok(Some(kept.sent))
    }

    /// What another process has sent, or a call that was given up, is there to
    /// be handed back, too. Old requests are forgotten.
    fn merge_sent(&self, view: &mut View, kept: &[StoredSent], saves: &mut Saves) {
        let id = view.state.id();
        let now_ms = self.plico.inner.wire.now_ms();
        let new = |it: &&StoredSent| view.sent.iter().all(|mine| mine.seq != it.seq);
        let others: Vec<StoredSent> = kept.iter().filter(new).copied().collect();
        view.sent.extend(others);
        view.sent.sort_by_key(|sent| sent.seq);
        let excess = view.sent.len().saturating_sub(SENT_AT_MOST);
        let mut index = 0;
        view.sent.retain(|sent| {
            index += 1;
            let stays = index > excess && now_ms.abs_diff(sent.at_ms) < SENT_FOR_MS;
            if !stays {
                saves.delete(stored::sent_name(id, sent.seq));
            }
            stays
        });
    }

    /// Deletes all that is kept of a session.
    pub async fn forget_kept(&self, id: ChainId) -> Result<()> {
        let name = stored::session_name(id);
        let Some((kept, _)) = self.read_session(&name).await? else {
            return Ok(());
        };
        let mut saves = Saves::default();
        saves.delete(name);
        saves.delete(stored::secrets_name(id));
        for page in 0..kept.length.div_ceil(PAGE) {
            saves.delete(stored::page_name(id, page));
        }
        for sent in &kept.sent {
            saves.delete(stored::sent_name(id, sent.seq));
        }
        match self.save(saves).await? {
            Saved::Yes | Saved::Conflict => Ok(()),
        }
    }
}
