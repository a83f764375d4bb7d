//! Writing to this identity's own chain: journaled, and begun anew when another
//! of its devices was faster.

use super::account::AccountInner;
use super::journal::{Upload, What, outcome_is_unknown};
use super::record::Record;
use super::saves::{Saved, Saves};
use super::stored::{self, StoredUpload};
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::chain::Replay as _;
use plico_protocol::identity::IdentityState;
use plico_protocol::identity::devices::{IdentityDraft, OwnWriter};
use plico_protocol::keyring::EpochSecret;
use plico_protocol::keyring::KeyringError;
use plico_protocol::primitives::sign::SigningKey;
use plico_protocol::wire::rest::{Append, EntryUpload};
use plico_protocol::wire::upload::identity_draft_to_rest;

/// How often a lost race is run again.
const RACES: usize = 16;

/// What a change of the own chain starts from.
pub(crate) struct Own<'a> {
    /// The chain, and after each draft what it will be.
    pub state: IdentityState,
    /// The secret of the newest generation that `state` has.
    pub secret: EpochSecret,
    pub writer: OwnWriter<'a>,
    drafts: Vec<IdentityDraft>,
}

impl Own<'_> {
    /// Takes a draft in, if the rules allow it.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if they do not.
    pub fn push(&mut self, draft: IdentityDraft) -> Result<()> {
        self.state.apply(&draft.entry, &()).map_err(|error| {
            Error::new(ErrorCode::InvalidArgument).with_detail(error.to_string())
        })?;
        if let Some(secret) = &draft.secret {
            self.secret = secret.clone();
        }
        self.drafts.push(draft);
        Ok(())
    }

    /// The next generation of the user key, for the devices that there are now.
    pub fn rotate(&mut self) -> Result<()> {
        self.rotate_as(self.writer.key)
    }

    /// The same by another device: one that has been added just now.
    pub fn rotate_as(&mut self, key: &SigningKey) -> Result<()> {
        let writer = OwnWriter {
            key,
            now_ms: self.writer.now_ms,
        };
        let drafted = writer.rotate_user_key(&self.state, &self.secret, &mut super::os_rng());
        self.push(drafted.map_err(own_draft_error)?)
    }
}

/// A key in our own chain that can't be used: it was verified when it came in.
pub(crate) fn own_draft_error(error: KeyringError) -> Error {
    Error::new(ErrorCode::Internal).with_detail(error.to_string())
}

impl AccountInner {
    /// Drafts entries with `draft` and appends them as one batch; again, if
    /// another device has written meanwhile. No draft: nothing is to be done.
    pub async fn commit_own(
        &self,
        draft: impl Fn(&mut Own<'_>) -> Result<()> + Send + Sync,
    ) -> Result<()> {
        let _one_at_a_time = self.own_gate.lock().await;
        self.settle_own().await?;
        for _ in 0..RACES {
            let state = self.myself().await?;
            let record = self.registered()?;
            let me = record.device.id();
            let by_recovery = state.recovery().is_some_and(|it| it.id == me);
            if state.active_device(&me).is_none() && !by_recovery {
                return Err(ErrorCode::NotAllowed.into());
            }
            let upload = {
                let mut own = Own {
                    secret: self.user_secret(state.user_key().0).await?,
                    state: (*state).clone(),
                    writer: OwnWriter {
                        key: &record.device.signing,
                        now_ms: self.plico.inner.wire.directory_now_ms(),
                    },
                    drafts: Vec::new(),
                };
                draft(&mut own)?;
                if own.drafts.is_empty() {
                    return Ok(());
                }
                own_upload(&record, &own.drafts)?
            };
            if self.send_own(&upload, state.tip().head.seq + 1).await? {
                // Seen as everybody else sees it: through the directory.
                return self.myself().await.map(drop);
            }
        }
        Err(ErrorCode::Conflict.into())
    }

    /// Journals a request and sends it. Gives whether it was taken; a lost race
    /// was not.
    async fn send_own(&self, upload: &Upload, first: u64) -> Result<bool> {
        if self.journal(upload).await? == Saved::Conflict {
            self.settle_own().await?;
            return Ok(false);
        }
        let error = match self.post_upload(upload).await {
            Ok(_) => {
                self.settled_own(upload, Some(first)).await?;
                return Ok(true);
            }
            Err(error) => error,
        };
        if outcome_is_unknown(error.code()) {
            return Err(error);
        }
        self.drop_journal(upload).await?;
        match error.code() {
            ErrorCode::Conflict | ErrorCode::AuthorBehind | ErrorCode::ClockSkewed => Ok(false),
            _ => Err(error),
        }
    }

    /// Settles a write to the own chain whose outcome is not known. The caller
    /// holds the gate of the own chain.
    pub async fn settle_own(&self) -> Result<Option<bool>> {
        let id = self.registered()?.identity;
        let Some(upload) = self.journaled(id).await? else {
            return Ok(None);
        };
        if upload.what != What::Own {
            return Err(ErrorCode::StoreDamaged.into());
        }
        let done = self.post_again(&upload).await?;
        let first = first_of(&upload)?;
        self.settled_own(&upload, done.then_some(first)).await?;
        if done {
            self.myself().await?;
        }
        Ok(Some(done))
    }

    /// Its outcome is known. What was taken is kept, with its wraps: a directory
    /// that is restored from a backup may lose it.
    async fn settled_own(&self, upload: &Upload, taken: Option<u64>) -> Result<()> {
        let mut saves = Saves::default();
        Self::clear_journal(upload, &mut saves);
        if let Some(first) = taken {
            let name = stored::sent_name(upload.id, first);
            saves.put(name, stored::write(&StoredUpload::new(&upload.body)));
        }
        // A conflict: another process has settled it.
        self.save(saves).await.map(drop)
    }
}

fn own_upload(record: &Record, drafts: &[IdentityDraft]) -> Result<Upload> {
    let entries: Vec<EntryUpload> = drafts.iter().map(identity_draft_to_rest).collect();
    let body = serde_json::to_vec(&Append { entries }).map_err(|_| ErrorCode::InvalidArgument)?;
    Ok(Upload {
        id: record.identity,
        what: What::Own,
        body,
    })
}

/// The place of an upload's first entry.
fn first_of(upload: &Upload) -> Result<u64> {
    let append: Append =
        serde_json::from_slice(&upload.body).map_err(|_| ErrorCode::StoreDamaged)?;
    let entries: Vec<_> = append.entries.into_iter().map(|it| it.entry).collect();
    let entries = super::decode_entries(&entries)?;
    let first = entries.first().ok_or(ErrorCode::StoreDamaged)?;
    Ok(first.entry.seq)
}
