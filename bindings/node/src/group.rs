//! Groups: making one, its name, its key, its end. Who is in it:
//! [`crate::group_members`]. Replaying and wrapping, as for sessions: long work.

use crate::account::AccountHandle;
use crate::failure::{invalid, thrown};
use crate::runtime::{Cancel, promise_long};
use crate::values::RecipientInput;
use napi::Env;
use napi::bindgen_prelude::PromiseRaw;
use napi_derive::napi;
use plico::{Group, GroupId, GroupOptions, GroupRole, Recipient, Result};

/// A role by its name.
pub(crate) fn role(name: &str) -> Result<GroupRole> {
    match name {
        "member" => Ok(GroupRole::Member),
        "manager" => Ok(GroupRole::Manager),
        "owner" => Ok(GroupRole::Owner),
        _ => Err(invalid("a role is member, manager or owner")),
    }
}

/// Somebody who is in a new group.
#[napi(object, object_to_js = false)]
pub struct NewMember {
    /// Who.
    pub recipient: RecipientInput,
    /// As what.
    pub role: String,
}

/// What a group is made with.
#[napi(object, object_to_js = false)]
pub struct GroupInput {
    /// Its name.
    pub name: Option<String>,
    /// Who is in it.
    pub members: Vec<NewMember>,
    /// Whether whoever is added later opens only what comes from then on.
    pub from_now_on: bool,
}

impl NewMember {
    pub(crate) fn into_core(self) -> Result<(Recipient, GroupRole)> {
        Ok((self.recipient.into_core()?, role(&self.role)?))
    }
}

impl GroupInput {
    fn into_core(self) -> Result<GroupOptions> {
        let mut options = GroupOptions::new();
        if let Some(name) = self.name {
            options = options.name(name);
        }
        for it in self.members {
            let (recipient, role) = it.into_core()?;
            options = options.member(recipient, role);
        }
        if self.from_now_on {
            options = options.from_now_on();
        }
        Ok(options)
    }
}

/// A group as one account sees it.
#[napi]
pub struct GroupHandle {
    pub(crate) group: Group,
}

#[napi]
impl AccountHandle {
    /// Makes a group.
    #[napi]
    pub fn create_group<'env>(
        &self,
        env: &'env Env,
        input: GroupInput,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, GroupHandle>> {
        let (account, options) = (self.account.clone(), input.into_core());
        promise_long(env, cancel, async move {
            let group = account.create_group(options?).await?;
            Ok(GroupHandle { group })
        })
    }

    /// The group with this id, whether or not it exists.
    #[napi]
    pub fn group(&self, env: &Env, id: String) -> napi::Result<GroupHandle> {
        let id: Result<GroupId> = id.parse();
        let id = id.map_err(|error| thrown(env, &error))?;
        let group = self.account.group(id);
        Ok(GroupHandle { group })
    }
}

#[napi]
impl GroupHandle {
    /// The group's id.
    #[napi]
    pub fn id(&self) -> String {
        self.group.id().to_string()
    }

    /// Asks the directory for what is new.
    #[napi]
    pub fn refresh<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let group = self.group.clone();
        promise_long(env, cancel, async move { group.refresh().await })
    }

    /// Its name.
    #[napi]
    pub fn name<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Option<String>>> {
        let group = self.group.clone();
        promise_long(env, cancel, async move { group.name().await })
    }

    /// Gives it another name.
    #[napi]
    pub fn rename<'env>(
        &self,
        env: &'env Env,
        name: String,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let group = self.group.clone();
        promise_long(env, cancel, async move { group.rename(&name).await })
    }

    /// Gives it a new key.
    #[napi]
    pub fn rotate<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let group = self.group.clone();
        promise_long(env, cancel, async move { group.rotate().await })
    }

    /// Deletes it.
    #[napi]
    pub fn delete<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let group = self.group.clone();
        promise_long(env, cancel, async move { group.delete().await })
    }
}
