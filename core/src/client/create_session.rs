//! Making a session.

use super::account::{Account, AccountInner};
use super::commit::{draft_error, upload_body};
use super::freshness::Freshness;
use super::ids::{GroupId, SessionId};
use super::journal::{Upload, What, outcome_is_unknown};
use super::options::{Grant, OnMissing, Recipient, SessionOptions};
use super::plico::is_unreachable;
use super::saves::{Saved, Saves};
use super::session::EncryptionSession;
use super::terms::Terms;
use super::view::View;
use super::{lock, os_rng};
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::format::bodies::{self, RecipientKey};
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::{self, ChainId};
use plico_protocol::primitives::hash::sha256;
use plico_protocol::rights::draft::{Draft, Writer, create, create_group, recipient_key};
use plico_protocol::rights::newest_key;
use plico_protocol::wire::b64::B64;
use plico_protocol::wire::rest::Appended;
use std::sync::Arc;

/// What is made.
#[derive(Clone, Copy, Debug)]
pub(crate) enum New {
    /// A session with this suite.
    Session(u8),
    /// A group, whose new members open what came before or not.
    Group { history: bool },
}

/// Recipients, and the user ids that have no account.
pub(crate) struct Resolved {
    pub found: Vec<Option<RecipientKey>>,
    pub missing: Vec<String>,
}

/// A creation. Unless its outcome gets known it is remembered on drop, so that
/// asking for the same again finishes it.
struct Lost<'a> {
    inner: &'a AccountInner,
    intent: [u8; 32],
    id: ChainId,
    is_known: bool,
}

impl<'a> Lost<'a> {
    fn new(inner: &'a AccountInner, intent: [u8; 32], id: ChainId) -> Self {
        Self {
            inner,
            intent,
            id,
            is_known: false,
        }
    }
}

impl Drop for Lost<'_> {
    fn drop(&mut self) {
        if !self.is_known {
            let mut lost = lock(&self.inner.lost_creations);
            lost.entry(self.intent).or_default().push(self.id);
        }
    }
}

impl Account {
    /// Makes a session for this account and `options`' recipients: a list of
    /// [`Recipient`]s, who may read, or [`SessionOptions`].
    ///
    /// After `NETWORK`, and if the call was cancelled, the session may have been
    /// made all the same: asking for the same again finishes it instead of
    /// making another one.
    ///
    /// # Errors
    /// `NOT_REGISTERED`; `RECIPIENTS_NOT_FOUND` with all who have no account,
    /// unless they are to be skipped; `INVALID_ARGUMENT` for a recipient that
    /// is named twice; `TOO_LARGE` for more than 2,047.
    pub async fn create_session(
        &self,
        options: impl Into<SessionOptions>,
    ) -> Result<EncryptionSession> {
        self.inner.while_open(self.make(options.into())).await
    }

    pub(crate) async fn make(&self, options: SessionOptions) -> Result<EncryptionSession> {
        let what = New::Session(options.suite.to_byte());
        self.make_for(what, options).await
    }

    /// The same for a group, whose log is as a session's.
    pub(crate) async fn make_for(
        &self,
        what: New,
        options: SessionOptions,
    ) -> Result<EncryptionSession> {
        let inner = &self.inner;
        inner.registered()?;
        if self.freshness == Freshness::Offline {
            return Err(ErrorCode::Offline.into());
        }
        let recipients: Vec<Recipient> = options
            .recipients
            .iter()
            .map(|(recipient, _)| recipient.clone())
            .collect();
        let resolved = self.resolve(&recipients).await?;
        if options.on_missing == OnMissing::Fail && !resolved.missing.is_empty() {
            return Err(Error::recipients_not_found(resolved.missing));
        }
        let grants = self.grants(&options, &resolved)?;
        let terms = Terms::of(&options)?;
        let id = self.make_chain(what, grants, &terms).await?;
        Ok(EncryptionSession {
            missing: resolved.missing,
            ..self.session(SessionId(id))
        })
    }

    async fn make_chain(
        &self,
        what: New,
        grants: Vec<bodies::Grant>,
        terms: &Terms,
    ) -> Result<ChainId> {
        let intent = intent_of(what, &grants, terms);
        match self.finish_lost(&intent).await? {
            Some(id) => Ok(id),
            None => self.create(what, grants, terms, intent).await,
        }
    }

    /// What is asked for again after its outcome was lost is not made twice.
    async fn finish_lost(&self, intent: &[u8; 32]) -> Result<Option<ChainId>> {
        let id = {
            let mut lost = lock(&self.inner.lost_creations);
            let id = lost.get_mut(intent).and_then(Vec::pop);
            if lost.get(intent).is_some_and(Vec::is_empty) {
                lost.remove(intent);
            }
            id
        };
        let Some(id) = id else { return Ok(None) };
        let mut lost = Lost::new(&self.inner, *intent, id);
        let done = {
            let cell = self.inner.cell(id);
            let _one_at_a_time = cell.gate.lock().await;
            self.inner.settle(id, &cell).await?
        };
        let found = match done {
            Some(false) => Ok(None),
            // Settled now, or in between; or never even written down.
            _ => match self.inner.refresh_view(id).await {
                Err(error) if error.code() == ErrorCode::SessionNotFound => Ok(None),
                Err(error) if is_unreachable(error.code()) => return Err(error),
                result => result.map(|_| Some(id)),
            },
        };
        lost.is_known = true;
        found
    }

    async fn create(
        &self,
        what: New,
        grants: Vec<bodies::Grant>,
        terms: &Terms,
        intent: [u8; 32],
    ) -> Result<ChainId> {
        let inner = &self.inner;
        // A wrong time is told by the directory once; then it is right.
        for _ in 0..2 {
            let record = inner.registered()?;
            let writer = Writer {
                author: inner.author().await?,
                key: &record.device.signing,
                now_ms: inner.plico.inner.wire.directory_now_ms(),
            };
            let tenant_id = inner.plico.inner.wire.tenant_id;
            let known = inner.known();
            let (grants, known) = (grants.clone(), known.as_ref());
            let rng = &mut os_rng();
            let draft = match what {
                New::Session(suite) => create(&writer, tenant_id, suite, grants, known, rng),
                New::Group { history } => {
                    create_group(&writer, tenant_id, history, grants, known, rng)
                }
            };
            let drafts = terms.after(draft.map_err(draft_error)?, &writer, known)?;
            let Some(first) = drafts.first() else {
                return Err(ErrorCode::Internal.into()); // there is entry 0
            };
            let upload = Upload {
                id: first.entry.entry.chain_id,
                what: What::Creates,
                body: upload_body(&drafts)?,
            };
            let mut lost = Lost::new(inner, intent, upload.id);
            if inner.journal(&upload).await? == Saved::Conflict {
                lost.is_known = true;
                // Only if the random id is that of another session.
                return Err(ErrorCode::Conflict.into());
            }
            match inner.post_upload(&upload).await {
                Ok(appended) => {
                    inner.created(&upload, &drafts, &appended).await?;
                    lost.is_known = true;
                    return Ok(upload.id);
                }
                Err(error) if outcome_is_unknown(error.code()) => return Err(error),
                Err(error) => {
                    inner.drop_journal(&upload).await?;
                    lost.is_known = true;
                    match error.code() {
                        ErrorCode::ClockSkewed => {}
                        ErrorCode::AuthorBehind => drop(inner.myself().await?),
                        // Another program on this store has sent it for us.
                        ErrorCode::Conflict => {
                            inner.refresh_view(upload.id).await?;
                            return Ok(upload.id);
                        }
                        _ => return Err(error),
                    }
                }
            }
        }
        Err(ErrorCode::ClockSkewed.into())
    }

    fn grants(&self, options: &SessionOptions, resolved: &Resolved) -> Result<Vec<bodies::Grant>> {
        let me = self.inner.registered()?.identity;
        let mut grants = Vec::with_capacity(resolved.found.len());
        for (key, (_, grant)) in resolved.found.iter().zip(&options.recipients) {
            // The creator is an owner already, whatever the list says.
            if let Some(key) = key.filter(|it| it.recipient.chain() != me) {
                grants.push(to_protocol(key, *grant));
            }
        }
        grants.sort_by_key(|grant| grant.key.recipient);
        if grants
            .windows(2)
            .any(|pair| pair[0].key.recipient == pair[1].key.recipient)
        {
            return Err(
                Error::new(ErrorCode::InvalidArgument).with_detail("a recipient is named twice")
            );
        }
        if grants.len() + 1 > bodies::MAX_RECIPIENTS_PER_ENTRY {
            return Err(ErrorCode::TooLarge.into());
        }
        Ok(grants)
    }

    /// The identities of `recipients`, verified, in the same order; `None` for
    /// user ids that have no account.
    ///
    /// # Errors
    /// `IDENTITY_NOT_FOUND` for an identity that does not exist.
    pub(crate) async fn resolve(&self, recipients: &[Recipient]) -> Result<Resolved> {
        let inner = &self.inner;
        let mut user_ids = Vec::new();
        let mut ids = Vec::new();
        let mut groups = Vec::new();
        for recipient in recipients {
            match recipient {
                Recipient::User(user_id) => user_ids.push(user_id.clone()),
                Recipient::Identity(id) => ids.push(id.0),
                Recipient::Group(id) => groups.push(id.0),
            }
        }
        let users = inner.find_users(&user_ids, false).await?;
        inner.fetch_identities(&ids).await?;
        inner.refresh_groups(groups).await?;
        let missing = user_ids
            .iter()
            .zip(&users)
            .filter(|(_, found)| found.is_none())
            .map(|(user_id, _)| user_id.clone())
            .collect();
        let known = inner.known();
        let is_over = |id: &GroupId| known.groups.get(&id.0).is_some_and(|it| it.ended());
        if recipients
            .iter()
            .any(|it| matches!(it, Recipient::Group(id) if is_over(id)))
        {
            return Err(Error::new(ErrorCode::GroupNotFound).with_detail("the group was deleted"));
        }
        let mut users = users.into_iter();
        let found = recipients.iter().map(|recipient| match recipient {
            Recipient::User(_) => users.next().flatten().map(|it| recipient_key(&it)),
            Recipient::Identity(id) => newest_key(&ids::Recipient::identity(id.0), known.as_ref()),
            Recipient::Group(id) => newest_key(&ids::Recipient::group(id.0), known.as_ref()),
        });
        Ok(Resolved {
            found: found.collect(),
            missing,
        })
    }
}

impl AccountInner {
    /// The session is there: its first view is our own entry.
    async fn created(&self, upload: &Upload, drafts: &[Draft], appended: &Appended) -> Result<()> {
        let entries: Vec<SignedEntry> = drafts.iter().map(|it| it.entry.clone()).collect();
        let state = self.replay(None, &entries, true).await?;
        if state.is_group() {
            self.remember_group(Arc::new(state.clone()));
        }
        let hashes = entries.iter().map(|it| (it.entry.seq, it.entry.hash()));
        let hashes = hashes.collect();
        let mut view = View::new(state, hashes, self.plico.inner.wire.now_ms());
        for draft in drafts {
            if let Some(secret) = &draft.secret {
                view.secrets.insert(0, secret.clone());
            }
            if draft.metadata.is_some() {
                view.metadata.clone_from(&draft.metadata);
            }
            if draft.tag.is_some() {
                view.tag.clone_from(&draft.tag);
            }
        }
        let mut saves = Saves::default();
        let hash_at = |seq: u64| view.hashes.get(&seq).copied();
        self.hold_head(&appended.head, view.state.tip(), hash_at, &mut saves)
            .await?;
        Self::clear_journal(upload, &mut saves);
        self.keep_sent(&mut view, 0, &upload.body, &mut saves)?;
        let log: Vec<B64> = entries.iter().map(|it| B64(it.to_bytes())).collect();
        self.keep_view(&mut view, 0, &log, &mut saves).await?;
        self.save(saves).await?;
        self.show(&self.cell(upload.id), Some(Arc::new(view)));
        Ok(())
    }
}

/// Two calls that ask for the same have the same intent.
fn intent_of(what: New, grants: &[bodies::Grant], terms: &Terms) -> [u8; 32] {
    let mut parts = vec![match what {
        New::Session(suite) => vec![0, suite],
        New::Group { history } => vec![1, u8::from(history)],
    }];
    for grant in grants {
        let mut part = vec![grant.key.recipient.kind as u8, grant.rights.0];
        part.extend_from_slice(&grant.key.recipient.id);
        part.extend_from_slice(&grant.expires_ms.to_be_bytes());
        parts.push(part);
    }
    parts.push(terms.fingerprint().to_vec());
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    sha256(&parts)
}

pub(crate) fn to_protocol(key: RecipientKey, grant: Grant) -> bodies::Grant {
    bodies::Grant {
        key,
        rights: grant.rights.0,
        expires_ms: grant.expires_ms,
    }
}
