//! Many sessions, or many recipients, in one call and few requests.
//!
//! What is done for several sessions at the same time travels together
//! (`posts.rs`, `fetch.rs`); here it is only begun together, so many at a time
//! that memory stays bounded however many are asked for.

use super::account::{Account, AccountInner};
use super::bulk_intents::{GrantAll, RevokeAll, ToGrant, Whom};
use super::freshness::Freshness;
use super::ids::SessionId;
use super::options::{Grant, Recipient, RevokeOptions, SessionOptions};
use super::plico::is_unreachable;
use super::session::EncryptionSession;
use crate::error::{Error, ErrorCode, Result};
use futures_util::future::join_all;
use plico_protocol::format::ids::{self, ChainId};
use std::collections::BTreeSet;

/// Sessions that are worked on at a time.
pub(crate) const AT_ONCE: usize = 64;
/// Recipients of one entry: with 16 segments each, their wraps still fit into
/// the parts that may be staged, beside those of a new epoch for all.
const GRANTS_AT_ONCE: usize = 1_024;

impl Account {
    /// Makes many sessions, in few requests; each with its own result, in the
    /// order given. Those with the same recipients are made all the same.
    ///
    /// # Errors
    /// `NOT_REGISTERED`, `OFFLINE`. The results are those of [`Self::create_session`].
    pub async fn create_sessions(
        &self,
        sessions: Vec<SessionOptions>,
    ) -> Result<Vec<Result<EncryptionSession>>> {
        self.check_online()?;
        let work = async {
            let mut results = Vec::with_capacity(sessions.len());
            let mut sessions = sessions.into_iter();
            loop {
                let some = sessions.by_ref().take(AT_ONCE);
                let made = self.inner.together(some.map(|options| self.make(options)));
                let made = made.await;
                if made.is_empty() {
                    return Ok(results);
                }
                results.extend(made);
            }
        };
        self.inner.while_open(work).await
    }

    /// Gives `recipients` rights in each of `sessions`, with one write for each
    /// session, in few requests. The results are by session and recipient:
    /// `results[session][recipient]`, in the orders given.
    ///
    /// # Errors
    /// `NOT_REGISTERED`, `OFFLINE`; `NETWORK` if nobody can be looked up. The
    /// results are those of [`EncryptionSession::grant`].
    pub async fn grant_many(
        &self,
        sessions: &[SessionId],
        recipients: &[(Recipient, Grant)],
    ) -> Result<Vec<Vec<Result<()>>>> {
        self.check_online()?;
        let work = async {
            let to = self.resolve_each(recipients).await?;
            let mut results = Vec::with_capacity(sessions.len());
            for some in sessions.chunks(AT_ONCE) {
                let grants = some.iter().map(|id| self.grant_to(id.0, &to, recipients));
                results.extend(self.inner.together(grants).await);
            }
            Ok(results)
        };
        self.inner.while_open(work).await
    }

    /// Takes all rights from `recipients` in each of `sessions`, with one write
    /// and one new epoch for each session, in few requests. The results are by
    /// session and recipient: `results[session][recipient]`, in the orders given.
    /// Whoever is not a recipient of a session counts as done there.
    ///
    /// # Errors
    /// `NOT_REGISTERED`, `OFFLINE`; `NETWORK` if nobody can be looked up. The
    /// results are those of [`EncryptionSession::revoke`].
    pub async fn revoke_many(
        &self,
        sessions: &[SessionId],
        recipients: &[Recipient],
        options: RevokeOptions,
    ) -> Result<Vec<Vec<Result<()>>>> {
        self.check_online()?;
        let work = async {
            let whom = self.whom(recipients).await?;
            let mut results = Vec::with_capacity(sessions.len());
            for some in sessions.chunks(AT_ONCE) {
                let revocations = some.iter().map(|id| self.revoke_from(id.0, &whom, options));
                results.extend(self.inner.together(revocations).await);
            }
            Ok(results)
        };
        self.inner.while_open(work).await
    }

    pub(crate) fn check_online(&self) -> Result<&AccountInner> {
        self.inner.registered()?;
        match self.freshness {
            Freshness::Offline => Err(ErrorCode::Offline.into()),
            Freshness::Within(_) => Ok(&self.inner),
        }
    }

    /// Whom each of `recipients` means: verified, others than this account, and
    /// none twice.
    async fn resolve_each(
        &self,
        recipients: &[(Recipient, Grant)],
    ) -> Result<Vec<Result<ids::Recipient>>> {
        let list: Vec<Recipient> = recipients.iter().map(|it| it.0.clone()).collect();
        let mut found = self.look_up_each(&list).await?;
        let me = self.inner.me()?;
        let mut seen = BTreeSet::new();
        for result in &mut found {
            let Ok(recipient) = result else { continue };
            let wrong = if *recipient == me {
                "the recipient is this account itself"
            } else if seen.insert(*recipient) {
                continue;
            } else {
                "a recipient is named twice"
            };
            *result = Err(Error::new(ErrorCode::InvalidArgument).with_detail(wrong));
        }
        Ok(found)
    }

    /// All in one look-up; one by one only if one of them is the reason that
    /// this fails.
    async fn look_up_each(&self, list: &[Recipient]) -> Result<Vec<Result<ids::Recipient>>> {
        match self.look_up_all(list).await {
            Ok(found) => Ok(found),
            Err(error) if is_unreachable(error.code()) => Err(error),
            Err(_) => {
                let mut found = Vec::with_capacity(list.len());
                for some in list.chunks(AT_ONCE) {
                    let each = some.iter().map(|it| async move {
                        let one = self.look_up_all(std::slice::from_ref(it)).await?;
                        let first = one.into_iter().next();
                        first.unwrap_or_else(|| Err(ErrorCode::IdentityNotFound.into()))
                    });
                    found.extend(join_all(each).await);
                }
                Ok(found)
            }
        }
    }

    async fn look_up_all(&self, list: &[Recipient]) -> Result<Vec<Result<ids::Recipient>>> {
        let resolved = self.resolve(list).await?;
        let found = resolved.found.into_iter().zip(list);
        Ok(found
            .map(|(key, recipient)| match (key, recipient) {
                (Some(key), _) => Ok(key.recipient),
                (None, Recipient::User(user_id)) => {
                    Err(Error::recipients_not_found(vec![user_id.clone()]))
                }
                (None, _) => Err(ErrorCode::IdentityNotFound.into()),
            })
            .collect())
    }

    /// Whom a revocation means: what the directory says now is not all of it.
    pub(crate) async fn whom(&self, recipients: &[Recipient]) -> Result<Vec<Result<Whom>>> {
        let found = self.look_up_each(recipients).await?;
        let found = found.into_iter().zip(recipients);
        Ok(found
            .map(|(resolved, recipient)| {
                let whom = |resolved| Whom {
                    recipient: recipient.clone(),
                    resolved,
                };
                match resolved {
                    Ok(resolved) => Ok(whom(Some(resolved))),
                    // A name or a group that is gone may still be in sessions.
                    Err(error) if whom(None).all(&self.inner).is_empty() => Err(error),
                    Err(_) => Ok(whom(None)),
                }
            })
            .collect())
    }

    /// The results for one session.
    async fn grant_to(
        &self,
        id: ChainId,
        to: &[Result<ids::Recipient>],
        recipients: &[(Recipient, Grant)],
    ) -> Vec<Result<()>> {
        let now_ms = self.inner.plico.inner.wire.directory_now_ms();
        let mut results: Vec<Result<()>> = Vec::with_capacity(to.len());
        let mut grants: Vec<ToGrant> = Vec::with_capacity(to.len());
        for (index, (to, (_, grant))) in to.iter().zip(recipients).enumerate() {
            results.push(match to {
                Ok(_) if grant.expires_ms != 0 && grant.expires_ms <= now_ms => {
                    Err(Error::new(ErrorCode::EntryInvalid).with_detail("the end lies in the past"))
                }
                Ok(to) => {
                    grants.push((index, *to, *grant));
                    Ok(())
                }
                Err(error) => Err(error.clone()),
            });
        }
        let chunks = grants.chunks(GRANTS_AT_ONCE).rev();
        let mut waiting: Vec<Vec<ToGrant>> = chunks.map(<[ToGrant]>::to_vec).collect();
        while let Some(some) = waiting.pop() {
            let intent = GrantAll::new(some);
            let done = self.inner.commit(id, &intent).await.map(drop);
            let refused = intent.refused();
            let grants = intent.grants;
            // What only the directory can see: which of them it is must be found out.
            let unclear = [ErrorCode::EntryInvalid, ErrorCode::NotAllowed];
            if let Err(error) = &done
                && unclear.contains(&error.code())
                && refused.is_empty()
                && grants.len() > 1
            {
                let (first, second) = grants.split_at(grants.len() / 2);
                waiting.push(second.to_vec());
                waiting.push(first.to_vec());
                continue;
            }
            for (index, ..) in grants {
                if let Some(result) = results.get_mut(index) {
                    *result = match refused.get(&index) {
                        Some(error) => Err(error.clone()),
                        None => done.clone(),
                    };
                }
            }
        }
        results
    }

    async fn revoke_from(
        &self,
        id: ChainId,
        whom: &[Result<Whom>],
        options: RevokeOptions,
    ) -> Vec<Result<()>> {
        let (places, sure): (Vec<usize>, Vec<Whom>) = whom
            .iter()
            .enumerate()
            .filter_map(|(place, it)| Some((place, it.as_ref().ok()?.clone())))
            .unzip();
        let mut results: Vec<Result<()>> = whom
            .iter()
            .map(|it| it.as_ref().map(drop).map_err(Clone::clone))
            .collect();
        if sure.is_empty() {
            return results;
        }
        let intent = RevokeAll::new(sure, options);
        let done = self.inner.commit(id, &intent).await.map(drop);
        let refused = intent.refused();
        for (index, place) in places.into_iter().enumerate() {
            if let Some(result) = results.get_mut(place) {
                *result = match refused.get(&index) {
                    Some(error) => Err(error.clone()),
                    None => done.clone(),
                };
            }
        }
        results
    }
}

impl AccountInner {
    /// Carries out many calls at the same time; their writes travel together.
    pub async fn together<F: Future>(&self, calls: impl Iterator<Item = F>) -> Vec<F::Output> {
        let calls = calls.map(|call| {
            let here = self.crowd.call();
            async move {
                let done = call.await;
                drop(here);
                done
            }
        });
        join_all(calls).await
    }
}

impl EncryptionSession {
    /// Gives many recipients rights, with one write for up to 1,024 of them;
    /// each with its own result, in the order given.
    ///
    /// # Errors
    /// `NOT_REGISTERED`, `OFFLINE`; `NETWORK` if nobody can be looked up. The
    /// results are those of [`Self::grant`].
    pub async fn grant_all(&self, recipients: &[(Recipient, Grant)]) -> Result<Vec<Result<()>>> {
        let all = self.account.grant_many(&[self.id], recipients).await?;
        Ok(all.into_iter().next().unwrap_or_default())
    }

    /// Takes all rights from many recipients and begins one new epoch, in one
    /// step; each with its own result, in the order given. Whoever is not a
    /// recipient counts as done.
    ///
    /// # Errors
    /// `NOT_REGISTERED`, `OFFLINE`; `NETWORK` if nobody can be looked up. The
    /// results are those of [`Self::revoke`].
    pub async fn revoke_all(
        &self,
        recipients: &[Recipient],
        options: RevokeOptions,
    ) -> Result<Vec<Result<()>>> {
        let sessions = [self.id];
        let all = self.account.revoke_many(&sessions, recipients, options);
        Ok(all.await?.into_iter().next().unwrap_or_default())
    }
}
