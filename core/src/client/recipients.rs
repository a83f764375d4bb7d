//! Who may read: from verified statements alone.

use super::ids::IdentityId;
use super::lock;
use super::options::Rights;
use super::session::EncryptionSession;
use crate::error::Result;
use plico_protocol::format::ids::{ChainId, Kind};
use std::time::{Duration, SystemTime};

/// One recipient of a session.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecipientInfo {
    /// Who.
    pub identity: IdentityId,
    /// The app's own name for it, if the app's backend vouches for one.
    pub user_id: Option<String>,
    /// What it may do.
    pub rights: Rights,
    /// By whom.
    pub granted_by: IdentityId,
    /// Since when, by the grantor's clock.
    pub granted_at: SystemTime,
    /// Until when; `None`: without end.
    pub expires_at: Option<SystemTime>,
}

impl core::fmt::Debug for RecipientInfo {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "RecipientInfo({}, {:?}, user id redacted)",
            self.identity, self.rights
        )
    }
}

pub(super) fn time(ms: u64) -> SystemTime {
    // A signed claim may be any number; one beyond the calendar is shown as its end.
    SystemTime::UNIX_EPOCH
        .checked_add(Duration::from_millis(ms))
        .unwrap_or(SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(u32::MAX) * 64))
}

impl EncryptionSession {
    /// All people who have rights of their own now: who, what, by whom, until when;
    /// those who have them through a group are in
    /// [`who_may_read`](Self::who_may_read). Grants whose
    /// end has come by this device's clock are left out.
    ///
    /// # Errors
    /// As [`Self::refresh`].
    pub async fn recipients(&self) -> Result<Vec<RecipientInfo>> {
        let inner = &self.account.inner;
        let view = self.known().await?;
        let now_ms = inner.plico.inner.wire.now_ms();
        let names = lock(&inner.names);
        let recipients = view
            .state
            .members()
            .filter(|(it, member)| it.kind == Kind::Identity && !member.expired_at(now_ms))
            .map(|(recipient, member)| RecipientInfo {
                identity: IdentityId(ChainId(recipient.id)),
                user_id: names.get(&ChainId(recipient.id)).cloned(),
                rights: Rights(member.rights),
                granted_by: IdentityId(member.signed_by),
                granted_at: time(member.granted_ms),
                expires_at: (member.expires_ms != 0).then(|| time(member.expires_ms)),
            })
            .collect();
        Ok(recipients)
    }
}
