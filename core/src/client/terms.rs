//! Until when a session lasts, the tag by which it is found, and what the
//! operator's withdrawals mean for whoever is a recipient.

use super::account::{Account, AccountInner};
use super::commit::{Drafting, Intent, draft_error};
use super::events::{Event, LogLevel};
use super::expiry::Expiry;
use super::groups_of::Page;
use super::ids::SessionId;
use super::options::SessionOptions;
use super::os_rng;
use super::recipients::time;
use super::session::{EncryptionSession, RotateIfDue};
use super::view::View;
use crate::error::{Error, ErrorCode, Result};
use crate::ports::BoxFuture;
use plico_protocol::format::bodies::{MAX_TAG, SessionBody, SessionSetExpiry, TagOpening};
use plico_protocol::format::ids::Kind;
use plico_protocol::primitives::hash::sha256;
use plico_protocol::primitives::random::random_bytes;
use plico_protocol::rights::draft::{Draft, Writer as DraftWriter, set_metadata, set_tag};
use plico_protocol::rights::{
    DueReason, Known, Outcome, RightsError, SessionState, due, replay_session,
};
use plico_protocol::wire::limits::MAX_METADATA;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;
use zeroize::Zeroizing;

/// What sealing metadata adds: a salt of 24 bytes, a tag of 16.
const METADATA_OVERHEAD: usize = 40;

/// What a new session has besides its recipients.
pub(crate) struct Terms {
    expiry: SessionSetExpiry,
    tag: Option<TagOpening>,
    metadata: Option<Zeroizing<Vec<u8>>>,
}

impl Terms {
    pub fn of(options: &SessionOptions) -> Result<Self> {
        if let Some(plaintext) = &options.metadata {
            check_metadata(plaintext)?;
        }
        Ok(Self {
            expiry: options.expiry.to_protocol()?,
            tag: options.tag.as_deref().map(opening_of).transpose()?,
            metadata: options.metadata.clone(),
        })
    }

    /// Entry 0, and what follows it in the same request.
    pub fn after(
        &self,
        first: Draft,
        writer: &DraftWriter<'_>,
        known: &(dyn Known + 'static),
    ) -> Result<Vec<Draft>> {
        let secret = first.secret.clone().ok_or(ErrorCode::Internal)?;
        let mut log = Log {
            state: apply(None, &first, known)?,
            drafts: vec![first],
            known,
        };
        if self.expiry != SessionSetExpiry::default() {
            let body = SessionBody::SetExpiry(self.expiry);
            log.push(writer.plain(&log.state, &body))?;
        }
        if self.tag.is_some() {
            log.push(set_tag(writer, &log.state, self.tag.clone()))?;
        }
        if let Some(plaintext) = &self.metadata {
            let draft = set_metadata(writer, &log.state, &secret, plaintext, &mut os_rng());
            log.push(draft.map_err(draft_error)?)?;
        }
        Ok(log.drafts)
    }

    /// The same for the same terms.
    pub fn fingerprint(&self) -> [u8; 32] {
        let tag = self.tag.as_ref().map(TagOpening::tag).unwrap_or_default();
        let metadata = self.metadata.as_ref().map_or(&[][..], |it| it.as_slice());
        let numbers = [self.expiry.ends_ms, self.expiry.idle_ms].map(u64::to_be_bytes);
        let lengths = [tag.len(), metadata.len()].map(|it| (it as u64).to_be_bytes());
        sha256(&[
            &numbers.concat(),
            &lengths.concat(),
            tag.as_bytes(),
            metadata,
        ])
    }
}

/// A log in the making, all of it ours.
struct Log<'a> {
    state: SessionState,
    drafts: Vec<Draft>,
    known: &'a (dyn Known + 'static),
}

impl Log<'_> {
    fn push(&mut self, draft: Draft) -> Result<()> {
        self.state = apply(Some(self.state.clone()), &draft, self.known)?;
        self.drafts.push(draft);
        Ok(())
    }
}

fn apply(
    state: Option<SessionState>,
    draft: &Draft,
    known: &(dyn Known + 'static),
) -> Result<SessionState> {
    let entries = std::slice::from_ref(&draft.entry);
    let refused = |error: RightsError| match error {
        // Not a history that is wrong, but one that we may not make.
        RightsError::Circle | RightsError::TooDeep => ErrorCode::EntryInvalid.into(),
        error => draft_error(error.into()),
    };
    match replay_session(state, entries, known).map_err(refused)? {
        Outcome::Done(state) => Ok(*state),
        // All that it names was known when it was drafted.
        Outcome::Needs(_) => Err(ErrorCode::Internal.into()),
    }
}

/// # Errors
/// `TOO_LARGE`.
pub(crate) fn check_metadata(plaintext: &[u8]) -> Result<()> {
    if plaintext.len() > MAX_METADATA - METADATA_OVERHEAD {
        return Err(ErrorCode::TooLarge.into());
    }
    Ok(())
}

impl Intent for SessionSetExpiry {
    fn draft<'a>(&'a self, drafting: &'a mut Drafting<'_>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { drafting.push_plain(&SessionBody::SetExpiry(*self)).await })
    }
}

/// A new tag, or none.
struct SetTag(Option<TagOpening>);

impl Intent for SetTag {
    fn draft<'a>(&'a self, drafting: &'a mut Drafting<'_>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let draft = set_tag(&drafting.writer, &drafting.state, self.0.clone());
            drafting.push(draft).await
        })
    }
}

/// Says that the session is in use, if nobody has for a while.
struct InUse;

impl Intent for InUse {
    fn draft<'a>(&'a self, drafting: &'a mut Drafting<'_>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if !wants_use(&drafting.view.state, drafting.writer.now_ms) {
                return Ok(());
            }
            drafting.push_plain(&SessionBody::InUse).await
        })
    }
}

/// Whether a quarter of the time without use is over.
fn wants_use(state: &SessionState, now_ms: u64) -> bool {
    let idle_ms = state.expiry().idle_ms;
    idle_ms != 0 && now_ms.saturating_sub(state.active_ms()) >= idle_ms / 4
}

/// A tag with a fresh salt.
///
/// # Errors
/// `TOO_LARGE`; `INVALID_ARGUMENT` for an empty one.
pub(crate) fn opening_of(tag: &str) -> Result<TagOpening> {
    if tag.len() > MAX_TAG {
        return Err(ErrorCode::TooLarge.into());
    }
    TagOpening::new(tag, random_bytes(&mut os_rng()))
        .map_err(|_| Error::new(ErrorCode::InvalidArgument).with_detail("the tag is empty"))
}

impl AccountInner {
    /// Where a session ends without use, using it is told now and then. If that
    /// fails, the next use is the next try.
    pub async fn say_in_use(&self, view: &View) {
        let wire = &self.plico.inner.wire;
        let now_ms = wire.directory_now_ms();
        if !wants_use(&view.state, now_ms) {
            return;
        }
        let cell = self.cell(view.state.id());
        let pause_ms = view.state.expiry().idle_ms / 16;
        let tried_ms = cell.used_ms.load(Ordering::Relaxed);
        if now_ms.abs_diff(tried_ms) < pause_ms
            || cell.used_ms.swap(now_ms, Ordering::Relaxed) != tried_ms
        {
            return;
        }
        if let Err(error) = Box::pin(self.commit(view.state.id(), &InUse)).await {
            wire.hooks.log(LogLevel::Warn, || {
                let code = error.code();
                format!("it could not be told that a session is in use: {code}")
            });
        }
    }

    /// Whoever sees that a withdrawal was lifted begins an epoch with them again,
    /// since they can't themselves. If it fails, the next sight is the next try.
    pub async fn take_in_again(&self, view: &View) -> Option<Arc<View>> {
        let me = self.me().ok()?;
        let (known, now_ms) = (self.known(), self.expiry_now_ms());
        let reason = due(&view.state, known.as_ref(), &view.withdrawn, now_ms);
        let lifted = matches!(reason, Some(DueReason::Lifted(who)) if who != me);
        if !lifted || view.secrets.is_empty() {
            return None;
        }
        Box::pin(self.commit(view.state.id(), &RotateIfDue))
            .await
            .ok()
    }

    /// Nobody writes under an epoch that they do not know.
    pub fn check_not_suspended(&self, view: &View) -> Result<()> {
        let acting = self.acting_in(&view.state, &self.me()?);
        let member = view.state.member(&acting.recipient);
        if member.is_some_and(|it| it.is_suspended()) {
            return Err(Error::new(ErrorCode::AccessWithdrawn).with_detail(
                "it was given back, but no other recipient has looked at the session since",
            ));
        }
        Ok(())
    }

    /// Tells the app what the operator's word has changed.
    pub fn tell_of_withdrawals(&self, old: Option<&View>, new: &View) {
        let id = SessionId(new.state.id());
        let before = old.map(|view| view.withdrawn_members()).unwrap_or_default();
        let after = new.withdrawn_members();
        let hooks = &self.plico.inner.wire.hooks;
        if after.difference(&before).next().is_some() {
            hooks.event(Event::RecipientWithdrawn { session: id });
        }
        if before.difference(&after).next().is_some() {
            hooks.event(Event::WithdrawalLifted { session: id });
        }
    }
}

impl EncryptionSession {
    /// Says until when the session lasts: until a time, or until nobody has used
    /// it for a while. It replaces what was said before: an end can be moved, and
    /// taken away, until it has come. Then nobody opens the session any more, its
    /// owner included, and the directory deletes everything but the log.
    ///
    /// Changing the session, writing to it and opening it are use, by whoever may;
    /// use while offline is not. Clients tell the directory when a quarter of the
    /// time is over.
    ///
    /// # Errors
    /// `NOT_ALLOWED` for whoever is not an owner; `INVALID_ARGUMENT` for less than
    /// a minute without use; `ENTRY_INVALID` for an end in the past;
    /// `SESSION_ENDED`; as [`Self::refresh`].
    pub async fn set_expiry(&self, expiry: Expiry) -> Result<()> {
        self.commit(&expiry.to_protocol()?).await
    }

    /// What [`Self::set_expiry`] has said.
    ///
    /// # Errors
    /// As [`Self::refresh`].
    pub async fn expiry(&self) -> Result<Expiry> {
        Ok(Expiry::of(self.known().await?.state.expiry()))
    }

    /// When the session ends if nobody uses it; `None`: never.
    ///
    /// # Errors
    /// As [`Self::refresh`].
    pub async fn ends_at(&self) -> Result<Option<SystemTime>> {
        let ends_ms = self.known().await?.state.ends_ms();
        Ok((ends_ms != 0).then(|| time(ends_ms)))
    }

    /// Gives the session a tag of 1 to 128 bytes, in place of an earlier one, or
    /// none: by it the session is found ([`Account::sessions_tagged`]), by its
    /// recipients and by the app's backend. **The directory and the backend can
    /// read it**; for what they must not see there is [`Self::set_metadata`]. Needs
    /// the rights to forward and to revoke.
    ///
    /// # Errors
    /// `NOT_ALLOWED`, `TOO_LARGE`; `INVALID_ARGUMENT` for an empty one; as
    /// [`Self::refresh`].
    pub async fn set_tag(&self, tag: Option<&str>) -> Result<()> {
        self.account.inner.check_open()?;
        let opening = tag.map(opening_of).transpose()?;
        self.commit(&SetTag(opening)).await
    }

    /// The session's tag; `None`: it has none.
    ///
    /// # Errors
    /// As [`Self::refresh`]; `ANSWER_MISMATCH` if the directory withholds it.
    pub async fn tag(&self) -> Result<Option<String>> {
        let mut view = self.known().await?;
        if view.state.tag().is_some() && view.tag.is_none() {
            // What was kept of the session is without.
            self.refresh().await?;
            view = self.known().await?;
        }
        match (view.state.tag(), &view.tag) {
            (None, _) => Ok(None),
            (Some(_), Some(opening)) => Ok(Some(opening.tag().to_owned())),
            // The log names one: "none" would be a lie.
            (Some(_), None) => Err(ErrorCode::AnswerMismatch.into()),
        }
    }
}

impl Account {
    /// The sessions with this tag that this account may open by a grant of its
    /// own, after `after`. The directory says which; each session's own tag is
    /// checked when it is opened.
    ///
    /// # Errors
    /// `NOT_REGISTERED`; `NETWORK`.
    pub async fn sessions_tagged(
        &self,
        tag: &str,
        after: Option<SessionId>,
    ) -> Result<Page<SessionId>> {
        let after = after.map(|it| it.0);
        let listed = self.list_tagged(Kind::Session, None, Some(tag), after);
        let found = self.inner.while_open(listed).await?;
        Ok(super::groups_of::map(found, SessionId))
    }
}
