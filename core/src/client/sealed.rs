//! Opening what was sealed for this account by somebody without an identity.

use super::account::{Account, AccountInner};
use super::freshness::Freshness;
use super::group::MemberId;
use super::group_logs::is_epochs_key;
use super::lock;
use super::plico::is_unreachable;
use super::seal_for::payload_key;
use super::signed::WrittenBy;
use crate::error::{Error, ErrorCode, Result};
use core::fmt;
use plico_protocol::envelope::open;
use plico_protocol::format::codec::FormatError;
use plico_protocol::format::context::AppContext;
use plico_protocol::format::ids::{ChainId, Kind, Recipient};
use plico_protocol::format::sealed::{SealedItem, SealedWrap};
use plico_protocol::identity::IdentityState;
use plico_protocol::keyring::EpochSecret;
use plico_protocol::keyring::sealed::unseal;
use plico_protocol::primitives::secret::Wiped;

/// What was in a sealed item. Wiped on drop.
#[derive(Clone)]
pub struct OpenedSealed {
    data: Wiped,
    recipients: Vec<MemberId>,
    opened_as: MemberId,
}

impl fmt::Debug for OpenedSealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bytes, recipients) = (self.data.len(), self.recipients.len());
        write!(f, "OpenedSealed({bytes} bytes, {recipients} recipients)")
    }
}

impl OpenedSealed {
    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.data
    }

    /// The bytes, taken over; they are wiped no more.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.data.into_vec()
    }

    /// Who wrote it: [`WrittenBy::Unsigned`], always. Everybody who knows the
    /// recipients' public keys can have made it; nothing in it says who did.
    #[must_use]
    pub fn written_by(&self) -> WrittenBy {
        WrittenBy::Unsigned
    }

    /// All for whom it was sealed. Nobody can have added or taken away one of
    /// them without being able to open it.
    #[must_use]
    pub fn recipients(&self) -> &[MemberId] {
        &self.recipients
    }

    /// As whom this account has opened it: itself, or a group that it is in.
    #[must_use]
    pub fn opened_as(&self) -> MemberId {
        self.opened_as
    }
}

fn damaged(why: &str) -> Error {
    Error::new(ErrorCode::EnvelopeDamaged).with_detail(why)
}

fn format_error(bytes: &[u8], error: &FormatError) -> Error {
    let code = match error {
        FormatError::NeedsNewerClient(_) => ErrorCode::NeedsNewerClient,
        FormatError::TooLarge(_) => ErrorCode::TooLarge,
        _ if !bytes.starts_with(b"PLR") => ErrorCode::NotAnEnvelope,
        _ => ErrorCode::EnvelopeDamaged,
    };
    Error::new(code).with_detail(error.to_string())
}

impl Account {
    /// Opens what [`Service::seal_for`](super::Service::seal_for) has sealed for
    /// this account, or for a group that it is in, directly or through groups.
    /// What was sealed under an older key opens, too.
    ///
    /// # Errors
    /// `NOT_ALLOWED` if it was sealed for others; `WRONG_TENANT`;
    /// `NOT_AN_ENVELOPE`, `NEEDS_NEWER_CLIENT`, `TOO_LARGE`;
    /// `ENVELOPE_DAMAGED`, `ENVELOPE_TRUNCATED`; `CONTEXT_REQUIRED`,
    /// `CONTEXT_UNEXPECTED`, `CONTEXT_MISMATCH`; `NOT_REGISTERED`; `NETWORK`,
    /// or `OFFLINE` with [`Self::offline`], if a key must be fetched first; what a
    /// lying directory is caught with, if nothing else opens it.
    pub async fn open_sealed(
        &self,
        sealed: &[u8],
        context: Option<&AppContext>,
    ) -> Result<OpenedSealed> {
        let inner = &self.inner;
        inner.check_open()?;
        let item = SealedItem::from_bytes(sealed).map_err(|error| format_error(sealed, &error))?;
        if item.head.tenant_id != inner.plico.inner.wire.tenant_id {
            return Err(ErrorCode::WrongTenant.into());
        }
        let online = self.freshness != Freshness::Offline;
        let (opened_as, secret) = inner.while_open(inner.unseal(&item, online)).await?;
        let key = payload_key(&item.head, &secret)?;
        let data = open(&key, item.envelope, context).map_err(|error| {
            match Error::from(error) {
                // There is no other session here: the head was changed.
                it if it.code() == ErrorCode::WrongSession => {
                    damaged("the recipients, or the payload's header, were changed")
                }
                it => it,
            }
        })?;
        let recipients = item.head.wraps.iter();
        Ok(OpenedSealed {
            data,
            recipients: recipients
                .map(|it| MemberId::of(&it.to.recipient))
                .collect(),
            opened_as: MemberId::of(&opened_as),
        })
    }
}

impl AccountInner {
    /// The item's secret, and as whom this account has it.
    async fn unseal(
        &self,
        item: &SealedItem<'_>,
        online: bool,
    ) -> Result<(Recipient, EpochSecret)> {
        let me = self.me()?;
        let mut failed = None;
        if let Some(wrap) = item.head.wrap_for(&me) {
            match self.unseal_as_myself(item, wrap, me.chain(), online).await {
                Ok(secret) => return Ok((me, secret)),
                Err(error) if is_unreachable(error.code()) => return Err(error),
                // The sealer may have made it wrong for one and right for another.
                Err(error) => failed = Some(error),
            }
        }
        let wraps = item.head.wraps.iter();
        let to_groups = wraps.filter(|it| it.to.recipient.kind == Kind::Group);
        // Groups that this account is known to be in first: the others' logs are
        // fetched only if none of these opens it.
        let (known, others): (Vec<_>, Vec<_>) =
            to_groups.partition(|it| self.is_in(it.to.recipient.chain()));
        for wraps in [known, others] {
            for (wrap, mine) in self.which_are_mine(wraps, online).await {
                let opened = match mine {
                    Ok(true) => self.unseal_as_group(item, wrap).await,
                    Ok(false) => continue,
                    Err(error) => Err(error),
                };
                match opened {
                    Ok(Some(secret)) => return Ok((wrap.to.recipient, secret)),
                    Ok(None) => {
                        failed = failed.or(Some(damaged("the wrap for a group does not open")));
                    }
                    // What is wrong with one group hides no other.
                    Err(error) => failed = failed.or(Some(error)),
                }
            }
        }
        Err(failed.unwrap_or_else(|| {
            Error::new(ErrorCode::NotAllowed).with_detail("it was not sealed for this identity")
        }))
    }

    async fn unseal_as_myself(
        &self,
        item: &SealedItem<'_>,
        wrap: &SealedWrap,
        me: ChainId,
        online: bool,
    ) -> Result<EpochSecret> {
        let generation = wrap.to.generation;
        let is_mine = |state: &IdentityState| {
            let key = state.user_keys().get(generation as usize);
            key.is_some_and(|it| it.id == wrap.to.key_id)
        };
        let known = self.kept_identity(me).await?;
        let held = lock(&self.user_secrets).get(&generation).cloned();
        let secret = match held.filter(|_| known.is_some_and(|it| is_mine(&it))) {
            Some(secret) => secret,
            None if !online => return Err(ErrorCode::Offline.into()),
            None => {
                // A device of the same person may have made a newer one.
                if !is_mine(self.myself().await?.as_ref()) {
                    return Err(damaged("it names a key that this identity never had"));
                }
                self.user_secret(generation).await?
            }
        };
        unseal(&item.head, wrap, &secret.kem_key())
            .map_err(|_| damaged("the wrap for this identity does not open"))
    }

    /// Which of these are to groups that this account is in now. If the directory
    /// can't be reached, what is known has to do.
    async fn which_are_mine<'a>(
        &self,
        wraps: Vec<&'a SealedWrap>,
        online: bool,
    ) -> Vec<(&'a SealedWrap, Result<bool>)> {
        // They ask at once, and so go together into few requests.
        let all = wraps.iter().map(|wrap| async move {
            let group = wrap.to.recipient.chain();
            if !online {
                return Ok(self.is_in(group));
            }
            match self.refresh_groups(vec![group]).await {
                Err(error) if error.code() == ErrorCode::GroupNotFound => Ok(false),
                Err(error) if is_unreachable(error.code()) && self.is_in(group) => Ok(true),
                result => result.map(|()| self.is_in(group)),
            }
        });
        let mine = futures_util::future::join_all(all).await;
        wraps.into_iter().zip(mine).collect()
    }

    async fn unseal_as_group(
        &self,
        item: &SealedItem<'_>,
        wrap: &SealedWrap,
    ) -> Result<Option<EpochSecret>> {
        let (group, generation) = (wrap.to.recipient.chain(), wrap.to.generation);
        let known = self.known();
        let state = known.groups.get(&group);
        let epoch = state.and_then(|it| it.epoch(generation));
        let named = epoch.and_then(|it| it.key.as_ref());
        if named.is_none_or(|it| it.id != wrap.to.key_id) {
            return Ok(None);
        }
        let secret = self.group_secret(group, generation, &[]).await?;
        let secret = secret.filter(|it| epoch.is_some_and(|epoch| is_epochs_key(epoch, it)));
        let opened = secret.map(|it| unseal(&item.head, wrap, &it.kem_key()));
        Ok(opened.and_then(core::result::Result::ok))
    }
}
