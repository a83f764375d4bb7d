//! Writes whose outcome is not known, and how they are settled.

use super::account::{Account, AccountInner};
use super::events::Event;
use super::ids::SessionId;
use super::pins::store_error;
use super::plico::is_unreachable;
use super::saves::{Saved, Saves};
use super::sessions::SessionCell;
use super::stored::{self, APPENDS, CREATES, JOURNAL, JournalRecord, OWN, journal_name};
use crate::error::{ErrorCode, Result};
use plico_protocol::format::ids::ChainId;
use plico_protocol::wire::b64;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Whether the directory may have carried the request out all the same.
pub(crate) fn outcome_is_unknown(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::Network
            | ErrorCode::Unavailable
            | ErrorCode::Internal
            | ErrorCode::ProtocolError
            | ErrorCode::RequestReplayed
            | ErrorCode::SignatureInvalid
    )
}

/// What a request changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// It makes a session.
    Creates,
    /// It changes one.
    Appends,
    /// It changes this identity's own chain.
    Own,
}

/// A request that changes a chain.
pub(crate) struct Upload {
    pub id: ChainId,
    pub what: What,
    pub body: Vec<u8>,
}

impl Upload {
    pub(crate) fn path(&self) -> String {
        let id = b64::encode(&self.id.0);
        match self.what {
            What::Creates => "/sessions".to_owned(),
            What::Appends => format!("/sessions/{id}/entries"),
            What::Own => format!("/identities/{id}/entries"),
        }
    }

    fn record(&self) -> Vec<u8> {
        let what = match self.what {
            What::Creates => CREATES,
            What::Appends => APPENDS,
            What::Own => OWN,
        };
        stored::write(&JournalRecord::new(what, self.id, &self.body))
    }
}

impl AccountInner {
    pub async fn has_journal(&self, id: ChainId) -> Result<bool> {
        let record = self.store.get(&journal_name(id)).await;
        Ok(record.map_err(store_error)?.is_some())
    }

    /// Whether a write's outcome is not known.
    pub async fn is_unsettled(&self, id: ChainId) -> Result<bool> {
        let cell = self.cell(id);
        let mut unsettled = cell.unsettled.load(Ordering::Relaxed);
        // One that was given up may not even have been written down.
        if unsettled && !self.has_journal(id).await? {
            unsettled = false;
            cell.unsettled.store(false, Ordering::Relaxed);
        }
        Ok(unsettled)
    }

    /// Writes the request down before it goes out. [`Saved::Conflict`]: there
    /// is another one, of another process, that must be settled first.
    pub async fn journal(&self, upload: &Upload) -> Result<Saved> {
        let mut saves = Saves::default();
        let name = journal_name(upload.id);
        saves.put(name.clone(), upload.record());
        saves.expect(name, None);
        self.save(saves).await
    }

    /// To be saved when the outcome of `upload` is known.
    pub fn clear_journal(upload: &Upload, saves: &mut Saves) {
        let name = journal_name(upload.id);
        saves.delete(name.clone());
        saves.expect(name, Some(upload.record()));
    }

    /// Removes the record of a request that was refused.
    pub async fn drop_journal(&self, upload: &Upload) -> Result<()> {
        let mut saves = Saves::default();
        Self::clear_journal(upload, &mut saves);
        // A conflict: another process has settled it.
        self.save(saves).await.map(drop)
    }

    /// What an earlier write to this chain has left open.
    pub async fn journaled(&self, id: ChainId) -> Result<Option<Upload>> {
        let bytes = self.store.get(&journal_name(id)).await;
        let Some(bytes) = bytes.map_err(store_error)? else {
            return Ok(None);
        };
        let record: JournalRecord = stored::read(bytes)?;
        let what = match record.what {
            CREATES => What::Creates,
            APPENDS => What::Appends,
            OWN => What::Own,
            _ => return Err(ErrorCode::StoreDamaged.into()),
        };
        if record.chain_id != id {
            return Err(ErrorCode::StoreDamaged.into());
        }
        Ok(Some(Upload {
            id,
            what,
            body: record.body.into(),
        }))
    }

    /// Settles what an earlier write has left open: the same bytes go out
    /// again, and the directory either has them or takes or refuses them.
    /// The caller holds the gate. Gives whether it has taken place, if there
    /// was anything.
    pub async fn settle(&self, id: ChainId, cell: &SessionCell) -> Result<Option<bool>> {
        let Some(upload) = self.journaled(id).await? else {
            cell.unsettled.store(false, Ordering::Relaxed);
            return Ok(None);
        };
        if upload.what == What::Own {
            return Err(ErrorCode::StoreDamaged.into());
        }
        cell.unsettled.store(true, Ordering::Relaxed);
        let done = self.post_again(&upload).await?;
        let mut saves = Saves::default();
        Self::clear_journal(&upload, &mut saves);
        let mut sent = None;
        if done {
            // What was settled is known here before it counts as settled: nothing
            // is written under an epoch that a revocation has just ended.
            match self.refresh_cell(id, cell).await {
                Err(error) if is_unreachable(error.code()) => return Err(error),
                _ => {} // whoever uses the session next is told
            }
            sent = self.keep_settled(id, &upload.body, &mut saves).await?;
        }
        if self.save(saves).await? == Saved::Conflict {
            self.drop_journal(&upload).await?;
        } else if let (Some(sent), Some(view)) = (sent, cell.known()) {
            let mut view = (*view).clone();
            view.sent = sent;
            self.show(cell, Some(Arc::new(view)));
        }
        cell.unsettled.store(false, Ordering::Relaxed);
        let session = SessionId(id);
        let event = Event::Settled { session, done };
        self.plico.inner.wire.hooks.event(event);
        Ok(Some(done))
    }
}

impl Account {
    /// Settles all writes whose outcome is not known, after a crash or a lost
    /// reply. Worth calling when an app starts and when it comes online again;
    /// otherwise each is settled before the next write to its session.
    ///
    /// Gives how many there were.
    ///
    /// # Errors
    /// `NETWORK` if the directory can't be reached: then they stay.
    pub async fn settle(&self) -> Result<usize> {
        self.inner.while_open(self.inner.settle_all()).await
    }
}

impl AccountInner {
    async fn settle_all(&self) -> Result<usize> {
        let me = self.registered()?.identity;
        let records = self.store.scan(JOURNAL).await.map_err(store_error)?;
        let mut count = 0;
        for (_, bytes) in records {
            let record: JournalRecord = stored::read(bytes)?;
            if record.chain_id == me {
                let _one_at_a_time = self.own_gate.lock().await;
                count += usize::from(self.settle_own().await?.is_some());
                continue;
            }
            let cell = self.cell(record.chain_id);
            let _one_at_a_time = cell.gate.lock().await;
            count += usize::from(self.settle(record.chain_id, &cell).await?.is_some());
        }
        Ok(count)
    }
}
