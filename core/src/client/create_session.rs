//! Making a session.

use super::account::Account;
use super::commit::draft_error;
use super::ids::SessionId;
use super::options::{Grant, Recipient, SessionOptions};
use super::os_rng;
use super::session::EncryptionSession;
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::format::bodies;
use plico_protocol::format::ids::ChainId;
use plico_protocol::identity::IdentityState;
use plico_protocol::rights::draft::{Writer, create, recipient_key};
use std::sync::Arc;

impl Account {
    /// Makes a session for this account and `options`' recipients: a list of
    /// [`Recipient`]s, who may read, or [`SessionOptions`].
    ///
    /// # Errors
    /// `NOT_REGISTERED`; `RECIPIENTS_NOT_FOUND` with all who have no account;
    /// `INVALID_ARGUMENT` for a recipient that is named twice.
    pub async fn create_session(
        &self,
        options: impl Into<SessionOptions>,
    ) -> Result<EncryptionSession> {
        let options = options.into();
        let inner = &self.inner;
        let record = inner.registered()?;
        let author = inner.author().await?;
        let recipients: Vec<Recipient> = options
            .recipients
            .iter()
            .map(|(recipient, _)| recipient.clone())
            .collect();
        let resolved = self.resolve(&recipients).await?;
        let mut grants = Vec::with_capacity(resolved.len());
        for (identity, (_, grant)) in resolved.iter().zip(&options.recipients) {
            // The creator is an owner already, whatever the list says.
            if identity.id() != record.identity {
                grants.push(to_protocol(identity, *grant));
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
        let plico = &inner.plico.inner;
        let writer = Writer {
            author,
            key: &record.device.signing,
            now_ms: plico.now_ms(),
        };
        let suite = options.suite.to_byte();
        let known = inner.known();
        let draft = create(
            &writer,
            plico.tenant_id,
            suite,
            grants,
            &known,
            &mut os_rng(),
        )
        .map_err(draft_error)?;
        let id = draft.entry.entry.chain_id;
        inner
            .send(id, "/sessions", std::slice::from_ref(&draft))
            .await?;
        let session = EncryptionSession {
            account: self.clone(),
            id: SessionId(id),
        };
        session.refresh().await?;
        Ok(session)
    }

    /// The identities of `recipients`, verified, in the same order.
    pub(crate) async fn resolve(
        &self,
        recipients: &[Recipient],
    ) -> Result<Vec<Arc<IdentityState>>> {
        let inner = &self.inner;
        let mut user_ids = Vec::new();
        let mut ids = Vec::new();
        for recipient in recipients {
            match recipient {
                Recipient::User(user_id) => user_ids.push(user_id.clone()),
                Recipient::Identity(id) => ids.push(id.0),
            }
        }
        let mut users = inner.resolve_users(&user_ids, false).await?.into_iter();
        inner.fetch_identities(&ids).await?;
        let known = inner.known();
        recipients
            .iter()
            .map(|recipient| {
                let state = match recipient {
                    Recipient::User(_) => users.next(),
                    Recipient::Identity(id) => known.get(&ChainId(*id.as_bytes())).cloned(),
                };
                state.ok_or_else(|| ErrorCode::IdentityNotFound.into())
            })
            .collect()
    }
}

pub(crate) fn to_protocol(identity: &IdentityState, grant: Grant) -> bodies::Grant {
    bodies::Grant {
        key: recipient_key(identity),
        rights: grant.rights.0,
        expires_ms: grant.expires_ms,
    }
}
