//! Who may read a session, and by which path.

use crate::runtime::{Cancel, promise_long};
use crate::session::SessionHandle;
use crate::values::{MemberIdOutput, to_ms};
use napi::Env;
use napi::bindgen_prelude::PromiseRaw;
use napi_derive::napi;
use plico::{Access, AccessEnd, AccessList, FormerAccess};

/// One way by which somebody may read.
#[napi(object, object_from_js = false)]
pub struct AccessOutput {
    /// A person, or a group.
    pub who: MemberIdOutput,
    /// The app's own name for a person.
    pub user_id: Option<String>,
    /// The groups by which it came.
    pub path: Vec<String>,
    /// May grant what it has.
    pub forward: bool,
    /// May take rights away.
    pub revoke: bool,
    /// May do everything.
    pub owner: bool,
    /// By whom.
    pub granted_by: String,
    /// The app's own name for them.
    pub granted_by_user_id: Option<String>,
    /// Since when.
    pub granted_at_ms: f64,
    /// Until when.
    pub expires_at_ms: Option<f64>,
    /// Whether the operator has suspended it.
    pub withdrawn: bool,
}

impl From<Access> for AccessOutput {
    fn from(it: Access) -> Self {
        Self {
            who: it.who.into(),
            user_id: it.user_id,
            path: it.path.iter().map(ToString::to_string).collect(),
            forward: it.rights.may_forward(),
            revoke: it.rights.may_revoke(),
            owner: it.rights.is_owner(),
            granted_by: it.granted_by.to_string(),
            granted_by_user_id: it.granted_by_user_id,
            granted_at_ms: to_ms(it.granted_at),
            expires_at_ms: it.expires_at.map(to_ms),
            withdrawn: it.withdrawn,
        }
    }
}

/// Somebody who may read no more.
#[napi(object, object_from_js = false)]
pub struct FormerAccessOutput {
    /// A person, or a group.
    pub who: MemberIdOutput,
    /// The app's own name for a person.
    pub user_id: Option<String>,
    /// Why.
    pub cause: String,
    /// Who has signed it.
    pub by: String,
    /// When.
    pub at_ms: f64,
}

impl From<FormerAccess> for FormerAccessOutput {
    fn from(it: FormerAccess) -> Self {
        let cause = match it.cause {
            AccessEnd::Cascade => "cascade",
            AccessEnd::Left => "left",
            AccessEnd::Expired => "expired",
            _ => "revoked",
        };
        Self {
            who: it.who.into(),
            user_id: it.user_id,
            cause: cause.to_owned(),
            by: it.by.to_string(),
            at_ms: to_ms(it.at),
        }
    }
}

/// Who may read.
#[napi(object, object_from_js = false)]
pub struct AccessListOutput {
    /// Everybody, and the groups in between.
    pub may_read: Vec<AccessOutput>,
    /// Those who no longer may.
    pub former: Vec<FormerAccessOutput>,
    /// When the directory was asked.
    pub as_of_ms: f64,
    /// All of it as text.
    pub tree: String,
}

impl From<AccessList> for AccessListOutput {
    fn from(it: AccessList) -> Self {
        Self {
            tree: it.to_string(),
            may_read: it.may_read.into_iter().map(Into::into).collect(),
            former: it.former.into_iter().map(Into::into).collect(),
            as_of_ms: to_ms(it.as_of),
        }
    }
}

#[napi]
impl SessionHandle {
    /// Who may read it, through groups, too.
    #[napi]
    pub fn who_may_read<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, AccessListOutput>> {
        let session = self.session.clone();
        promise_long(env, cancel, async move {
            Ok(session.who_may_read().await?.into())
        })
    }
}
