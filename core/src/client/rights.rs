//! Granting, revoking, handing over, ending.

use super::commit::{Drafting, Intent, draft_error};
use super::create_session::to_protocol;
use super::options::{Grant, Recipient, RevokeOptions, Rights};
use super::os_rng;
use super::session::EncryptionSession;
use super::terms::check_metadata;
use super::view::View;
use crate::error::{Error, ErrorCode, Result};
use crate::ports::BoxFuture;
use plico_protocol::format::bodies::{SessionBody, SessionRevoke};
use plico_protocol::format::ids;
use plico_protocol::keyring::{EpochSecret, open_metadata};
use plico_protocol::rights::draft::{grant, set_metadata, transfer};
use plico_protocol::rights::newest_key;
use std::sync::Arc;

struct GrantTo {
    to: ids::Recipient,
    grant: Grant,
}

impl Drafting<'_> {
    /// The newest secret of each segment that this account may open, ascending.
    pub(crate) fn segment_secrets(&self) -> Result<Vec<EpochSecret>> {
        let member = self.state.member(&self.acting.recipient);
        let member = member.ok_or(ErrorCode::NotAllowed)?;
        let current = self.state.current_epoch();
        let newest = member.segments.iter();
        let newest = newest.filter_map(|segment| self.state.newest_epoch_of(*segment));
        let secret = |epoch: u32| match self.secret_of(epoch) {
            // Of a segment that went on while this account was suspended.
            Err(error) if error.code() == ErrorCode::EpochUnavailable && epoch != current => None,
            secret => Some(secret),
        };
        newest.filter_map(secret).collect()
    }
}

impl Intent for GrantTo {
    fn draft<'a>(&'a self, drafting: &'a mut Drafting<'_>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            // A new recipient gets the newest epoch: first lock out who has left.
            let is_new = drafting.state.member(&self.to).is_none();
            let from_now_on = is_new && !drafting.state.opens_history();
            let secrets = if from_now_on {
                drafting.begin_segment().await?;
                vec![drafting.secret_of(drafting.state.current_epoch())?]
            } else {
                drafting.rotate_if_due().await?;
                drafting.segment_secrets()?
            };
            let secrets: Vec<&EpochSecret> = secrets.iter().collect();
            let known = drafting.account.known();
            let known = known.as_ref();
            let key = newest_key(&self.to, known).ok_or(ErrorCode::IdentityNotFound)?;
            let grants = vec![to_protocol(key, self.grant)];
            let (writer, state) = (&drafting.writer, &drafting.state);
            let draft = grant(writer, state, grants, &secrets, known, &mut os_rng())
                .map_err(draft_error)?;
            drafting.push(draft).await
        })
    }
}

struct Revoke {
    recipient: ids::Recipient,
    options: RevokeOptions,
}

impl Intent for Revoke {
    fn draft<'a>(&'a self, drafting: &'a mut Drafting<'_>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            if drafting.state.member(&self.recipient).is_none() {
                // Somebody else was faster; what was wanted is so.
                return Ok(());
            }
            if self.recipient.id == drafting.record.identity.0 {
                // Leaving needs no right.
                drafting.act_as_oneself();
            }
            drafting
                .push_plain(&SessionBody::Revoke(SessionRevoke {
                    recipients: vec![self.recipient],
                    cascade: u8::from(self.options.cascade),
                }))
                .await?;
            if self.recipient == drafting.acting.recipient {
                Ok(())
            } else {
                drafting.rotate().await
            }
        })
    }
}

struct HandOver {
    to: ids::Recipient,
    keep: Option<Rights>,
}

impl Intent for HandOver {
    fn draft<'a>(&'a self, drafting: &'a mut Drafting<'_>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            drafting.rotate_if_due().await?;
            let secrets = drafting.segment_secrets()?;
            let secrets: Vec<&EpochSecret> = secrets.iter().collect();
            let remaining = self.keep.map_or(0, |rights| rights.0.0);
            let known = drafting.account.known();
            let known = known.as_ref();
            let (writer, state) = (&drafting.writer, &drafting.state);
            let to = newest_key(&self.to, known).ok_or(ErrorCode::IdentityNotFound)?;
            let draft = transfer(writer, state, to, remaining, &secrets, known, &mut os_rng())
                .map_err(draft_error)?;
            drafting.push(draft).await
        })
    }
}

struct End;

impl Intent for End {
    fn draft<'a>(&'a self, drafting: &'a mut Drafting<'_>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { drafting.push_plain(&SessionBody::Tombstone).await })
    }
}

struct SetMetadata {
    plaintext: zeroize::Zeroizing<Vec<u8>>,
}

impl Intent for SetMetadata {
    fn draft<'a>(&'a self, drafting: &'a mut Drafting<'_>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            drafting.rotate_if_due().await?;
            let secret = drafting.secret_of(drafting.state.current_epoch())?;
            let (writer, state) = (&drafting.writer, &drafting.state);
            let draft = set_metadata(writer, state, &secret, &self.plaintext, &mut os_rng())
                .map_err(draft_error)?;
            drafting.push(draft).await
        })
    }
}

impl EncryptionSession {
    /// The session, as fresh as this handle asks for.
    pub(crate) async fn known(&self) -> Result<Arc<View>> {
        let inner = &self.account.inner;
        let known = inner.view_to_read(self.id.0, self.account.freshness);
        inner.while_open(known).await
    }

    async fn one(&self, recipient: Recipient) -> Result<ids::Recipient> {
        let inner = self.online()?;
        let recipients = [recipient];
        let resolved = inner.while_open(self.account.resolve(&recipients)).await?;
        if !resolved.missing.is_empty() {
            return Err(Error::recipients_not_found(resolved.missing));
        }
        let found = resolved.found.into_iter().next().flatten();
        let key = found.ok_or(ErrorCode::IdentityNotFound)?;
        Ok(key.recipient)
    }

    /// The same, for what nobody can do for themselves.
    async fn another(&self, recipient: Recipient) -> Result<ids::Recipient> {
        let found = self.one(recipient).await?;
        if found == self.account.inner.me()? {
            return Err(Error::new(ErrorCode::InvalidArgument)
                .with_detail("the recipient is this account itself"));
        }
        Ok(found)
    }

    /// Gives `recipient` rights, in place of those that it had. It opens all
    /// that this account can open, also what was encrypted before. Not one
    /// byte of any envelope changes.
    ///
    /// # Errors
    /// `NOT_ALLOWED` without the right to forward, or for more than this
    /// account has; `RECIPIENTS_NOT_FOUND`; `ENTRY_INVALID` for an end in the
    /// past; `INVALID_ARGUMENT` for this account itself; as [`Self::refresh`].
    pub async fn grant(&self, recipient: Recipient, grant: Grant) -> Result<()> {
        let to = self.another(recipient).await?;
        self.commit(&GrantTo { to, grant }).await
    }

    /// Takes all rights from `recipient` and begins a new epoch, in one step.
    ///
    /// It opens nothing that is written from now on by a writer who has seen
    /// this; others may write under the old key until their knowledge is older
    /// than the freshness bound. What it could open before, it may have kept.
    ///
    /// # Errors
    /// `NOT_ALLOWED` without the right to revoke, or for an owner; as [`Self::refresh`].
    pub async fn revoke(&self, recipient: Recipient) -> Result<()> {
        self.revoke_with(recipient, RevokeOptions::default()).await
    }

    /// The same, with a word on those to whom the revoked one had granted.
    ///
    /// # Errors
    /// As [`Self::revoke`].
    pub async fn revoke_with(&self, recipient: Recipient, options: RevokeOptions) -> Result<()> {
        let recipient = match &recipient {
            Recipient::Identity(id) => ids::Recipient::identity(id.0),
            Recipient::Group(id) => ids::Recipient::group(id.0),
            Recipient::User(user_id) => ids::Recipient::identity(self.member_named(user_id).await?),
        };
        let view = self.known().await?;
        if view.state.member(&recipient).is_none() {
            self.refresh().await?;
            let view = self.known().await?;
            if view.state.member(&recipient).is_none() {
                return Err(Error::new(ErrorCode::InvalidArgument)
                    .with_detail("not a recipient of this session"));
            }
        }
        self.commit(&Revoke { recipient, options }).await
    }

    /// Whom a user id means in this session: the member that bears the name,
    /// even if the app has since given it to another identity.
    async fn member_named(&self, user_id: &str) -> Result<ids::ChainId> {
        let inner = &self.account.inner;
        let view = self.known().await?;
        let named = {
            let names = super::lock(&inner.names);
            view.state
                .members()
                .map(|(recipient, _)| ids::ChainId(recipient.id))
                .find(|id| names.get(id).is_some_and(|name| name == user_id))
        };
        match named {
            Some(id) => Ok(id),
            None => Ok(self.one(Recipient::user(user_id)).await?.chain()),
        }
    }

    /// Leaves the session. The last owner hands over first.
    ///
    /// # Errors
    /// `NOT_ALLOWED` for the last owner; as [`Self::refresh`].
    pub async fn leave(&self) -> Result<()> {
        let me = ids::Recipient::identity(self.account.inner.registered()?.identity);
        let revoke = Revoke {
            recipient: me,
            options: RevokeOptions::default(),
        };
        self.commit(&revoke).await
    }

    /// Makes `to` an owner; this account keeps `keep`, or leaves.
    ///
    /// # Errors
    /// `NOT_ALLOWED` for whoever is not an owner; as [`Self::grant`].
    pub async fn transfer(&self, to: Recipient, keep: Option<Rights>) -> Result<()> {
        let to = self.another(to).await?;
        self.commit(&HandOver { to, keep }).await
    }

    /// Ends the session for ever: the directory deletes all wrapped keys, and
    /// nobody opens it again through the directory, its owner included.
    ///
    /// # Errors
    /// `NOT_ALLOWED` for whoever is not an owner; as [`Self::refresh`].
    pub async fn end(&self) -> Result<()> {
        self.commit(&End).await
    }

    /// Keeps up to 8 KiB beside the session (a title, the app's own id),
    /// encrypted for its recipients. Needs the rights to forward and to revoke.
    ///
    /// # Errors
    /// `NOT_ALLOWED`, `TOO_LARGE`; as [`Self::refresh`].
    pub async fn set_metadata(&self, plaintext: &[u8]) -> Result<()> {
        self.account.inner.check_open()?;
        check_metadata(plaintext)?;
        let plaintext = zeroize::Zeroizing::new(plaintext.to_vec());
        self.commit(&SetMetadata { plaintext }).await
    }

    /// What [`Self::set_metadata`] has kept; `None` if nothing.
    ///
    /// # Errors
    /// As [`Self::refresh`]; `ANSWER_MISMATCH` if the directory withholds it.
    pub async fn metadata(&self) -> Result<Option<Vec<u8>>> {
        let view = self.known().await?;
        let Some(metadata) = view.state.metadata() else {
            return Ok(None);
        };
        // The log names some: "none" would be a lie.
        let blob = view.metadata.as_ref().ok_or(ErrorCode::AnswerMismatch)?;
        let secret = view.secret(metadata.epoch)?;
        open_metadata(&secret, blob)
            .map(Some)
            .map_err(|_| ErrorCode::EnvelopeDamaged.into())
    }
}
