//! Who may read a session, and by which path.

use crate::cancel::CancelHandle;
use crate::failure::Failure;
use crate::run::run;
use crate::session::SessionHandle;
use crate::values::{PlicoMemberId, PlicoRights};
use plico::{Access, AccessEnd, AccessList, FormerAccess};
use std::sync::Arc;
use std::time::SystemTime;

/// One way by which somebody may read.
#[derive(Clone, uniffi::Record)]
pub struct PlicoAccess {
    /// A person, or a group.
    pub who: PlicoMemberId,
    /// The app's own name for a person.
    pub user_id: Option<String>,
    /// The groups by which it came.
    pub path: Vec<String>,
    /// What it may do.
    pub rights: PlicoRights,
    /// By whom.
    pub granted_by: String,
    /// The app's own name for them.
    pub granted_by_user_id: Option<String>,
    /// Since when.
    pub granted_at: SystemTime,
    /// Until when.
    pub expires_at: Option<SystemTime>,
    /// Whether the operator has suspended it, says the directory.
    pub withdrawn: bool,
}

impl From<Access> for PlicoAccess {
    fn from(it: Access) -> Self {
        Self {
            who: it.who.into(),
            user_id: it.user_id,
            path: it.path.iter().map(ToString::to_string).collect(),
            rights: it.rights.into(),
            granted_by: it.granted_by.to_string(),
            granted_by_user_id: it.granted_by_user_id,
            granted_at: it.granted_at,
            expires_at: it.expires_at,
            withdrawn: it.withdrawn,
        }
    }
}

/// Why a right has ended.
#[derive(Clone, Copy, uniffi::Enum)]
pub enum PlicoAccessEnd {
    /// It was revoked.
    Revoked,
    /// Whoever had granted it was.
    Cascade,
    /// It left.
    Left,
    /// Its time was over.
    Expired,
}

/// Somebody who may read no more.
#[derive(Clone, uniffi::Record)]
pub struct PlicoFormerAccess {
    /// A person, or a group.
    pub who: PlicoMemberId,
    /// The app's own name for a person.
    pub user_id: Option<String>,
    /// Why.
    pub cause: PlicoAccessEnd,
    /// Who has signed it.
    pub by: String,
    /// When.
    pub at: SystemTime,
}

impl From<FormerAccess> for PlicoFormerAccess {
    fn from(it: FormerAccess) -> Self {
        Self {
            who: it.who.into(),
            user_id: it.user_id,
            cause: match it.cause {
                AccessEnd::Cascade => PlicoAccessEnd::Cascade,
                AccessEnd::Left => PlicoAccessEnd::Left,
                AccessEnd::Expired => PlicoAccessEnd::Expired,
                _ => PlicoAccessEnd::Revoked,
            },
            by: it.by.to_string(),
            at: it.at,
        }
    }
}

/// Who may read.
#[derive(Clone, uniffi::Record)]
pub struct PlicoAccessList {
    /// Everybody, and the groups in between.
    pub may_read: Vec<PlicoAccess>,
    /// Those who no longer may.
    pub former: Vec<PlicoFormerAccess>,
    /// When the directory was asked.
    pub as_of: SystemTime,
    /// All of it as text.
    pub tree: String,
}

impl From<AccessList> for PlicoAccessList {
    fn from(it: AccessList) -> Self {
        Self {
            tree: it.to_string(),
            may_read: it.may_read.into_iter().map(Into::into).collect(),
            former: it.former.into_iter().map(Into::into).collect(),
            as_of: it.as_of,
        }
    }
}

#[uniffi::export]
impl SessionHandle {
    /// Who may read it, through groups, too.
    pub async fn who_may_read(
        &self,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<PlicoAccessList, Failure> {
        let session = self.session.clone();
        run(
            cancel,
            async move { Ok(session.who_may_read().await?.into()) },
        )
        .await
    }
}
