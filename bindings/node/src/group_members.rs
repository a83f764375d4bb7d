//! A group: who is in it.

use crate::group::{GroupHandle, role};
use crate::results::reach;
use crate::runtime::{Cancel, promise_long};
use crate::values::{MemberIdOutput, RecipientInput, from_ms, to_ms};
use napi::Env;
use napi::bindgen_prelude::PromiseRaw;
use napi_derive::napi;
use plico::{GroupMember, GroupRole};

/// Somebody who belongs to a group.
#[napi(object, object_from_js = false)]
pub struct GroupMemberOutput {
    /// A person, or another group.
    pub who: MemberIdOutput,
    /// The app's own name for a person.
    pub user_id: Option<String>,
    /// As what.
    pub role: String,
    /// By whom.
    pub added_by: String,
    /// Since when.
    pub added_at_ms: f64,
    /// Until when.
    pub expires_at_ms: Option<f64>,
}

impl From<GroupMember> for GroupMemberOutput {
    fn from(it: GroupMember) -> Self {
        let role = match it.role {
            GroupRole::Owner => "owner",
            GroupRole::Manager => "manager",
            _ => "member",
        };
        Self {
            who: it.who.into(),
            user_id: it.user_id,
            role: role.to_owned(),
            added_by: it.added_by.to_string(),
            added_at_ms: to_ms(it.added_at),
            expires_at_ms: it.expires_at.map(to_ms),
        }
    }
}

#[napi]
impl GroupHandle {
    /// Who belongs to it.
    #[napi]
    pub fn members<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Vec<GroupMemberOutput>>> {
        let group = self.group.clone();
        promise_long(env, cancel, async move {
            let members = group.members().await?;
            Ok(members.into_iter().map(Into::into).collect())
        })
    }

    /// Adds somebody, or changes their role; until a time, if there is one.
    #[napi]
    pub fn add<'env>(
        &self,
        env: &'env Env,
        recipient: RecipientInput,
        as_role: String,
        expires_at_ms: Option<f64>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let group = self.group.clone();
        promise_long(env, cancel, async move {
            let (recipient, role) = (recipient.into_core()?, role(&as_role)?);
            match expires_at_ms {
                Some(ms) => group.add_until(recipient, role, from_ms(ms)?).await,
                None => group.add(recipient, role).await,
            }
        })
    }

    /// Removes somebody, and gives the group a new key.
    #[napi]
    pub fn remove<'env>(
        &self,
        env: &'env Env,
        recipient: RecipientInput,
        cascade: bool,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let group = self.group.clone();
        promise_long(env, cancel, async move {
            group
                .remove_with(recipient.into_core()?, reach(cascade))
                .await
        })
    }

    /// Leaves it.
    #[napi]
    pub fn leave<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let group = self.group.clone();
        promise_long(env, cancel, async move { group.leave().await })
    }

    /// Makes somebody an owner; keeps this role, or leaves.
    #[napi]
    pub fn transfer<'env>(
        &self,
        env: &'env Env,
        recipient: RecipientInput,
        keep: Option<String>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let group = self.group.clone();
        promise_long(env, cancel, async move {
            let keep = keep.as_deref().map(role).transpose()?;
            group.transfer(recipient.into_core()?, keep).await
        })
    }
}
