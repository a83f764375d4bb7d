//! The one way by which a session's log is written:
//! draft → journal → send → reconcile.
//!
//! A draft is applied to our own copy of the log first: what a rule forbids is
//! never sent. The bytes are journalled before they go out; a lost reply is
//! followed by the same bytes; and only a refusal that proves that another
//! entry stands there leads to a new draft, made from the intent anew.

use super::account::AccountInner;
use super::events::Event;
use super::ids::SessionId;
use super::journal::{Upload, What, outcome_is_unknown};
use super::os_rng;
use super::pins::decode_head;
use super::record::Record;
use super::saves::{Saved, Saves};
use super::sessions::SessionCell;
use super::view::{View, rights_error};
use crate::error::{Error, ErrorCode, Result};
use crate::ports::BoxFuture;
use plico_protocol::format::bodies::{SessionBody, Step};
use plico_protocol::format::ids::{ChainId, EntryHash, Recipient};
use plico_protocol::keyring::EpochSecret;
use plico_protocol::primitives::random::random_bytes;
use plico_protocol::rights::draft::{Draft, DraftError, Writer, rotate_without, through};
use plico_protocol::rights::{RightsError, SessionState, due};
use plico_protocol::wire::b64::B64;
use plico_protocol::wire::rest::{Append, Appended, EntryUpload};
use plico_protocol::wire::upload::draft_to_rest;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often a lost race is run again.
const RACES: u32 = 24;
/// By how much longer the wait before it may be each time.
const PAUSE: Duration = Duration::from_millis(20);

/// As whom an account acts in a chain.
#[derive(Clone, Debug)]
pub(crate) struct Acting {
    /// The recipient whose rights count.
    pub recipient: Recipient,
    /// From that group to the one that the account is in; empty: it is itself.
    pub path: Vec<Step>,
}

/// Entries in the making: each is applied to a copy of the log at once, so
/// that the next one is made on top of it.
pub(crate) struct Drafting<'a> {
    pub account: &'a AccountInner,
    pub view: &'a View,
    pub state: SessionState,
    pub record: &'a Record,
    pub writer: Writer<'a>,
    pub acting: Acting,
    drafts: Vec<Draft>,
}

pub(crate) fn draft_error(error: DraftError) -> Error {
    match error {
        DraftError::Rights(error) => rights_error(&error, false),
        DraftError::Keyring(error) => {
            Error::new(ErrorCode::InvalidArgument).with_detail(error.to_string())
        }
        _ => ErrorCode::InvalidArgument.into(),
    }
}

/// Whether a replay was refused for how groups would be nested.
fn is_nesting(error: &Error) -> bool {
    let nesting = [RightsError::Circle, RightsError::TooDeep];
    let mut details = nesting.iter().map(ToString::to_string);
    details.any(|it| error.detail() == Some(it.as_str()))
}

impl Drafting<'_> {
    /// Takes a draft in, if the session's rules allow it.
    ///
    /// # Errors
    /// `NOT_ALLOWED` if this account lacks the right.
    pub async fn push(&mut self, draft: Draft) -> Result<()> {
        let (draft, next) = self.tried(draft).await?;
        self.state = next;
        self.drafts.push(draft);
        Ok(())
    }

    /// Whether a draft would be allowed; it is not taken in.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub async fn check(&self, draft: Draft) -> Result<()> {
        self.tried(draft).await.map(drop)
    }

    /// The draft as it is sent, and the log after it.
    async fn tried(&self, mut draft: Draft) -> Result<(Draft, SessionState)> {
        if !self.acting.path.is_empty() {
            draft = through(&self.writer, draft, &self.acting.path);
        }
        let entries = std::slice::from_ref(&draft.entry);
        let next = self
            .account
            .replay(Some(self.state.clone()), entries, true)
            .await;
        let next = next.map_err(|error| match error.code() {
            // Our own entry: not a lie that was found, but a thing that we may not do.
            ErrorCode::RightsViolation | ErrorCode::GrantExceedsGrantor => {
                Error::new(ErrorCode::NotAllowed)
            }
            // Nor a history that is wrong, but one that we may not make.
            ErrorCode::HistoryInvalid if is_nesting(&error) => ErrorCode::EntryInvalid.into(),
            _ => error,
        })?;
        Ok((draft, next))
    }

    /// Does what follows as this account itself, if it is a recipient.
    pub fn act_as_oneself(&mut self) {
        let me = Recipient::identity(self.record.identity);
        if self.state.member(&me).is_some() {
            self.acting = Acting {
                recipient: me,
                path: Vec::new(),
            };
        }
    }

    /// An entry that commits to no wraps.
    pub async fn push_plain(&mut self, body: &SessionBody) -> Result<()> {
        let draft = self.writer.plain(&self.state, body);
        self.push(draft).await
    }

    /// A new epoch, if one is due.
    pub async fn rotate_if_due(&mut self) -> Result<()> {
        let now_ms = self.account.expiry_now_ms();
        let (known, withdrawn) = (self.account.known(), &self.view.withdrawn);
        if due(&self.state, known.as_ref(), withdrawn, now_ms).is_none() {
            return Ok(());
        }
        self.rotate().await
    }

    /// A new epoch that opens none of those before.
    pub async fn begin_segment(&mut self) -> Result<()> {
        let known = self.account.known();
        let known = known.as_ref();
        let (writer, without) = (&self.writer, &self.view.withdrawn);
        let draft = rotate_without(writer, &self.state, &[], without, known, &mut os_rng());
        self.push(draft.map_err(draft_error)?).await
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
        let known = known.as_ref();
        let (writer, without) = (&self.writer, &self.view.withdrawn);
        let earlier = [&earlier];
        let draft = rotate_without(writer, &self.state, &earlier, without, known, &mut os_rng());
        self.push(draft.map_err(draft_error)?).await
    }

    /// The secret of an epoch, one that is only just being begun included.
    pub fn secret_of(&self, epoch: u32) -> Result<EpochSecret> {
        let mut mine = self.drafts.iter().filter_map(|draft| draft.secret.as_ref());
        match mine.find(|secret| secret.context().epoch == epoch) {
            Some(secret) => Ok(secret.clone()),
            None => self.view.secret(epoch),
        }
    }

    fn upload(&self, id: ChainId) -> Result<Upload> {
        Ok(Upload {
            id,
            what: What::Appends,
            body: upload_body(&self.drafts)?,
        })
    }

    fn last(&self) -> Option<(u64, EntryHash)> {
        let last = &self.drafts.last()?.entry.entry;
        Some((last.seq, last.hash()))
    }
}

pub(crate) fn upload_body(drafts: &[Draft]) -> Result<Vec<u8>> {
    let entries: Vec<EntryUpload> = drafts.iter().map(draft_to_rest).collect();
    serde_json::to_vec(&Append { entries }).map_err(|_| ErrorCode::InvalidArgument.into())
}

/// What a commit does with the log: drafts entries, or finds nothing to do.
pub(crate) trait Intent: Send + Sync {
    /// Drafts what is still to be done, given the log as it is now.
    fn draft<'a>(&'a self, drafting: &'a mut Drafting<'_>) -> BoxFuture<'a, Result<()>>;
}

enum Sent {
    Accepted(Appended),
    /// Somebody else wrote first, or another process's write was in the way.
    Lost,
}

impl AccountInner {
    /// The time by which grants are judged when something is written: whether
    /// one has ended, both clocks must say. By the directory's alone it could
    /// lock people out early, by ours alone it would refuse the entry.
    pub fn expiry_now_ms(&self) -> u64 {
        let wire = &self.plico.inner.wire;
        wire.now_ms().min(wire.directory_now_ms())
    }

    /// Where our clock says that a recipient's grant has ended, and the
    /// directory's that it has not, nothing is written: one of them is wrong.
    pub fn check_clocks(&self, state: &SessionState) -> Result<()> {
        let (ours, both) = (self.plico.inner.wire.now_ms(), self.expiry_now_ms());
        let disputed = state
            .members()
            .any(|(_, member)| member.expired_at(ours) && !member.expired_at(both));
        if disputed {
            return Err(Error::new(ErrorCode::ClockSkewed).with_detail(
                "a recipient's access has ended by this device's clock, but not by the directory's",
            ));
        }
        Ok(())
    }

    /// Carries out `intent` on a session and gives the session after it.
    pub async fn commit(&self, id: ChainId, intent: &dyn Intent) -> Result<Arc<View>> {
        let cell = self.cell(id);
        let _one_at_a_time = cell.gate.lock().await;
        self.load(id, &cell, true).await?;
        self.settle(id, &cell).await?;
        let mut view = self.refresh_cell(id, &cell).await?;
        for race in 0..RACES {
            self.check_clocks(&view.state)?;
            let record = self.registered()?;
            let author = self.author().await?;
            let mut drafting = Drafting {
                account: self,
                view: &view,
                state: (*view.state).clone(),
                record: &record,
                writer: Writer {
                    author,
                    key: &record.device.signing,
                    now_ms: self.plico.inner.wire.directory_now_ms(),
                },
                acting: self.acting_in(&view.state, &Recipient::identity(record.identity)),
                drafts: Vec::new(),
            };
            if cell.rewrap.load(Ordering::Relaxed) {
                drafting.rotate().await?;
            }
            intent.draft(&mut drafting).await?;
            if drafting.drafts.is_empty() {
                return Ok(view);
            }
            let upload = drafting.upload(id)?;
            let sent = self.send(&upload, &cell).await?;
            if let Sent::Accepted(appended) = sent {
                cell.rewrap.store(false, Ordering::Relaxed);
                return self.adopt(&cell, drafting, &upload, &appended).await;
            }
            let ours = drafting.last();
            drop(drafting);
            // So that many who were refused together do not come back together.
            let random = u32::from(random_bytes::<1>(&mut os_rng())[0]);
            let pause = PAUSE * race * random / u32::from(u8::MAX);
            self.plico.inner.wire.runtime.sleep(pause).await;
            self.myself().await?;
            view = self.refresh_cell(id, &cell).await?;
            // The refusal was of a second copy, or a lie: ours stands there.
            if ours.is_some_and(|(seq, hash)| view.hashes.get(&seq) == Some(&hash)) {
                return Ok(view);
            }
        }
        Err(ErrorCode::Conflict.into())
    }

    /// Journals a request and sends it.
    async fn send(&self, upload: &Upload, cell: &SessionCell) -> Result<Sent> {
        // Before it is written down, too: that may be given up half-way.
        cell.unsettled.store(true, Ordering::Relaxed);
        if self.journal(upload).await? == Saved::Conflict {
            self.settle(upload.id, cell).await?;
            return Ok(Sent::Lost);
        }
        cell.unsettled.store(true, Ordering::Relaxed);
        let error = match self.post_upload(upload).await {
            Ok(appended) => return Ok(Sent::Accepted(appended)),
            Err(error) => error,
        };
        if outcome_is_unknown(error.code()) {
            return Err(error);
        }
        self.drop_journal(upload).await?;
        cell.unsettled.store(false, Ordering::Relaxed);
        match error.code() {
            // Also if our time was wrong: by now the directory has told it.
            ErrorCode::Conflict | ErrorCode::AuthorBehind | ErrorCode::ClockSkewed => {
                Ok(Sent::Lost)
            }
            _ => Err(error),
        }
    }

    /// Takes our own entries into the view.
    async fn adopt(
        &self,
        cell: &SessionCell,
        drafting: Drafting<'_>,
        upload: &Upload,
        appended: &Appended,
    ) -> Result<Arc<View>> {
        let mut view = drafting.view.clone();
        let first = view.length();
        let epoch_before = view.state.current_epoch();
        view.state = Arc::new(drafting.state);
        let mut new = Vec::with_capacity(drafting.drafts.len());
        for draft in &drafting.drafts {
            let entry = &draft.entry;
            new.push(B64(entry.to_bytes()));
            view.hashes.insert(entry.entry.seq, entry.entry.hash());
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
            if draft.tag.is_some() {
                view.tag.clone_from(&draft.tag);
            }
        }
        let mut saves = Saves::default();
        // From here on the directory is held to what it has just confirmed. If
        // others have written since, the next refresh judges their entries first.
        let tip = view.state.tip();
        if decode_head(&appended.head)?.head.seq <= tip.head.seq {
            let hash_at = |seq: u64| view.hashes.get(&seq).copied();
            self.hold_head(&appended.head, tip, hash_at, &mut saves)
                .await?;
        }
        Self::clear_journal(upload, &mut saves);
        let me = &drafting.acting.recipient;
        let stays = view.state.member(me).is_some() && !view.state.ended();
        if view.state.is_group() {
            self.remember_group(view.state.clone());
        }
        if stays {
            self.keep_sent(&mut view, first, &upload.body, &mut saves)?;
            self.keep_view(&mut view, first, &new, &mut saves).await?;
        }
        // A conflict: another process has written; it knows no less than we do.
        if self.save(saves).await? == Saved::Conflict {
            self.drop_journal(upload).await?;
        }
        cell.unsettled.store(false, Ordering::Relaxed);
        let epoch = view.state.current_epoch();
        if epoch != epoch_before {
            let session = SessionId(view.state.id());
            let event = Event::EpochBegun { session, epoch };
            self.plico.inner.wire.hooks.event(event);
        }
        let view = Arc::new(view);
        self.show(cell, stays.then(|| view.clone()));
        if !stays {
            self.forget_kept(view.state.id()).await?;
        }
        Ok(view)
    }
}
