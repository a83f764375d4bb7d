//! Many sessions, or many recipients, in one call: a result for each.

use crate::account::{AccountHandle, NewSession};
use crate::cancel::CancelHandle;
use crate::failure::Failure;
use crate::group::{GroupHandle, RecipientRole};
use crate::run::run;
use crate::session::{SessionHandle, revoke_options};
use crate::values::{PlicoRecipient, RecipientGrant};
use plico::{Error, Grant, GroupRole, Recipient, SessionId};
use std::sync::Arc;

/// What failed for one of many: the same as a [`Failure`], as a value.
#[derive(Clone, uniffi::Record)]
pub struct ItemFailure {
    /// The stable code.
    pub code: String,
    /// Code, sentence and detail; no secret and no personal data.
    pub reason: String,
    /// With `RECIPIENTS_NOT_FOUND`: the user ids that have no account.
    pub recipients: Vec<String>,
}

impl From<Error> for ItemFailure {
    fn from(error: Error) -> Self {
        let Failure::Plico {
            code,
            reason,
            recipients,
        } = error.into();
        Self {
            code,
            reason,
            recipients,
        }
    }
}

/// How it went with one of many.
#[derive(Clone, uniffi::Record)]
pub struct ItemResult {
    /// Why it was not done; none: it was.
    pub failure: Option<ItemFailure>,
}

impl From<plico::Result<()>> for ItemResult {
    fn from(result: plico::Result<()>) -> Self {
        Self {
            failure: result.err().map(Into::into),
        }
    }
}

/// A session of many, or why there is none: one of both is there.
#[derive(Clone, uniffi::Record)]
pub struct MadeSession {
    /// The session.
    pub session: Option<Arc<SessionHandle>>,
    /// Why it was not made.
    pub failure: Option<ItemFailure>,
}

fn told(results: Vec<plico::Result<()>>) -> Vec<ItemResult> {
    results.into_iter().map(Into::into).collect()
}

fn ids(session_ids: &[String]) -> plico::Result<Vec<SessionId>> {
    session_ids.iter().map(|id| id.parse()).collect()
}

fn grants(all: Vec<RecipientGrant>) -> plico::Result<Vec<(Recipient, Grant)>> {
    let all = all.into_iter();
    all.map(|it| Ok((it.recipient.into_core()?, it.grant.into())))
        .collect()
}

fn recipients(all: Vec<PlicoRecipient>) -> plico::Result<Vec<Recipient>> {
    all.into_iter().map(PlicoRecipient::into_core).collect()
}

#[uniffi::export]
impl AccountHandle {
    /// Makes many sessions.
    pub async fn create_sessions(
        &self,
        sessions: Vec<NewSession>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Vec<MadeSession>, Failure> {
        let account = self.account.clone();
        run(cancel, async move {
            let sessions = sessions.into_iter().map(NewSession::into_core);
            let sessions = sessions.collect::<plico::Result<_>>()?;
            let made = account.create_sessions(sessions).await?.into_iter();
            Ok(made
                .map(|made| match made {
                    Ok(session) => MadeSession {
                        session: Some(Arc::new(SessionHandle { session })),
                        failure: None,
                    },
                    Err(error) => MadeSession {
                        session: None,
                        failure: Some(error.into()),
                    },
                })
                .collect())
        })
        .await
    }

    /// Gives recipients rights in sessions; the results are by session and recipient.
    pub async fn grant_many(
        &self,
        session_ids: Vec<String>,
        to: Vec<RecipientGrant>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Vec<Vec<ItemResult>>, Failure> {
        let account = self.account.clone();
        run(cancel, async move {
            let (sessions, to) = (ids(&session_ids)?, grants(to)?);
            let results = account.grant_many(&sessions, &to).await?;
            Ok(results.into_iter().map(told).collect())
        })
        .await
    }

    /// Takes all rights from recipients in sessions; likewise.
    pub async fn revoke_many(
        &self,
        session_ids: Vec<String>,
        from: Vec<PlicoRecipient>,
        cascade: bool,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Vec<Vec<ItemResult>>, Failure> {
        let account = self.account.clone();
        run(cancel, async move {
            let (sessions, from) = (ids(&session_ids)?, recipients(from)?);
            let results = account.revoke_many(&sessions, &from, revoke_options(cascade));
            Ok(results.await?.into_iter().map(told).collect())
        })
        .await
    }
}

#[uniffi::export]
impl SessionHandle {
    /// Gives many recipients rights.
    pub async fn grant_all(
        &self,
        to: Vec<RecipientGrant>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Vec<ItemResult>, Failure> {
        let session = self.session.clone();
        run(cancel, async move {
            Ok(told(session.grant_all(&grants(to)?).await?))
        })
        .await
    }

    /// Takes all rights from many recipients.
    pub async fn revoke_all(
        &self,
        from: Vec<PlicoRecipient>,
        cascade: bool,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Vec<ItemResult>, Failure> {
        let session = self.session.clone();
        run(cancel, async move {
            let from = recipients(from)?;
            let results = session.revoke_all(&from, revoke_options(cascade)).await?;
            Ok(told(results))
        })
        .await
    }
}

#[uniffi::export]
impl GroupHandle {
    /// Adds many, or changes their roles.
    pub async fn add_members(
        &self,
        members: Vec<RecipientRole>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Vec<ItemResult>, Failure> {
        let group = self.group.clone();
        run(cancel, async move {
            let members = members.into_iter();
            let members = members
                .map(|it| Ok((it.recipient.into_core()?, it.role.into())))
                .collect::<plico::Result<Vec<(Recipient, GroupRole)>>>()?;
            Ok(told(group.add_members(&members).await?))
        })
        .await
    }

    /// Removes many; with `cascade` also those whom they had added.
    pub async fn remove_members(
        &self,
        members: Vec<PlicoRecipient>,
        cascade: bool,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Vec<ItemResult>, Failure> {
        let group = self.group.clone();
        run(cancel, async move {
            let members = recipients(members)?;
            let removed = group.remove_members_with(&members, revoke_options(cascade));
            Ok(told(removed.await?))
        })
        .await
    }
}
