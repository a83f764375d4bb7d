//! Groups.

use crate::account::AccountHandle;
use crate::cancel::CancelHandle;
use crate::failure::Failure;
use crate::run::run;
use crate::session::revoke_options;
use crate::values::{PlicoMemberId, PlicoRecipient};
use plico::{Group, GroupId, GroupMember, GroupOptions, GroupRole};
use std::sync::Arc;
use std::time::SystemTime;

/// What somebody may do in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum PlicoGroupRole {
    /// Belongs to it.
    Member,
    /// Adds and removes, too.
    Manager,
    /// Everything.
    Owner,
}

impl From<PlicoGroupRole> for GroupRole {
    fn from(role: PlicoGroupRole) -> Self {
        match role {
            PlicoGroupRole::Member => Self::Member,
            PlicoGroupRole::Manager => Self::Manager,
            PlicoGroupRole::Owner => Self::Owner,
        }
    }
}

impl From<GroupRole> for PlicoGroupRole {
    fn from(role: GroupRole) -> Self {
        match role {
            GroupRole::Owner => Self::Owner,
            GroupRole::Manager => Self::Manager,
            _ => Self::Member,
        }
    }
}

/// Somebody who is in a new group.
#[derive(Clone, uniffi::Record)]
pub struct RecipientRole {
    /// Who.
    pub recipient: PlicoRecipient,
    /// As what.
    pub role: PlicoGroupRole,
}

/// What a group is made with.
#[derive(Clone, uniffi::Record)]
pub struct NewGroup {
    /// Its name.
    pub name: Option<String>,
    /// Who is in it.
    pub members: Vec<RecipientRole>,
    /// Whether whoever is added later opens only what comes from then on.
    pub from_now_on: bool,
}

impl NewGroup {
    fn into_core(self) -> plico::Result<GroupOptions> {
        let mut options = GroupOptions::new();
        if let Some(name) = self.name {
            options = options.name(name);
        }
        for it in self.members {
            options = options.member(it.recipient.into_core()?, it.role.into());
        }
        if self.from_now_on {
            options = options.from_now_on();
        }
        Ok(options)
    }
}

/// Somebody who belongs to a group.
#[derive(Clone, uniffi::Record)]
pub struct PlicoGroupMember {
    /// A person, or another group.
    pub who: PlicoMemberId,
    /// The app's own name for a person.
    pub user_id: Option<String>,
    /// As what.
    pub role: PlicoGroupRole,
    /// By whom.
    pub added_by: String,
    /// Since when.
    pub added_at: SystemTime,
    /// Until when.
    pub expires_at: Option<SystemTime>,
}

impl From<GroupMember> for PlicoGroupMember {
    fn from(it: GroupMember) -> Self {
        Self {
            who: it.who.into(),
            user_id: it.user_id,
            role: it.role.into(),
            added_by: it.added_by.to_string(),
            added_at: it.added_at,
            expires_at: it.expires_at,
        }
    }
}

/// A group as one account sees it.
#[derive(Debug, uniffi::Object)]
pub struct GroupHandle {
    pub(crate) group: Group,
}

#[uniffi::export]
impl AccountHandle {
    /// Makes a group.
    pub async fn create_group(
        &self,
        options: NewGroup,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Arc<GroupHandle>, Failure> {
        let account = self.account.clone();
        run(cancel, async move {
            let group = account.create_group(options.into_core()?).await?;
            Ok(Arc::new(GroupHandle { group }))
        })
        .await
    }

    /// The group with this id, whether or not it exists.
    pub fn group(&self, group_id: &str) -> Result<Arc<GroupHandle>, Failure> {
        let id: GroupId = group_id.parse()?;
        let group = self.account.group(id);
        Ok(Arc::new(GroupHandle { group }))
    }
}

#[uniffi::export]
impl GroupHandle {
    /// The group's id.
    pub fn id(&self) -> String {
        self.group.id().to_string()
    }

    /// Asks the directory for what is new.
    pub async fn refresh(&self, cancel: Option<Arc<CancelHandle>>) -> Result<(), Failure> {
        let group = self.group.clone();
        run(cancel, async move { group.refresh().await }).await
    }

    /// Its name.
    pub async fn name(&self, cancel: Option<Arc<CancelHandle>>) -> Result<Option<String>, Failure> {
        let group = self.group.clone();
        run(cancel, async move { group.name().await }).await
    }

    /// Gives it another name.
    pub async fn rename(
        &self,
        name: String,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<(), Failure> {
        let group = self.group.clone();
        run(cancel, async move { group.rename(&name).await }).await
    }

    /// Who belongs to it.
    pub async fn members(
        &self,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Vec<PlicoGroupMember>, Failure> {
        let group = self.group.clone();
        run(cancel, async move {
            let all = group.members().await?;
            Ok(all.into_iter().map(Into::into).collect())
        })
        .await
    }

    /// Adds somebody, or changes their role; until a time, if there is one.
    pub async fn add(
        &self,
        recipient: PlicoRecipient,
        role: PlicoGroupRole,
        expires_at: Option<SystemTime>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<(), Failure> {
        let group = self.group.clone();
        run(cancel, async move {
            let recipient = recipient.into_core()?;
            match expires_at {
                Some(end) => group.add_until(recipient, role.into(), end).await,
                None => group.add(recipient, role.into()).await,
            }
        })
        .await
    }

    /// Removes somebody; with `cascade` also those whom they had added.
    pub async fn remove(
        &self,
        recipient: PlicoRecipient,
        cascade: bool,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<(), Failure> {
        let group = self.group.clone();
        run(cancel, async move {
            let recipient = recipient.into_core()?;
            group.remove_with(recipient, revoke_options(cascade)).await
        })
        .await
    }

    /// Leaves it.
    pub async fn leave(&self, cancel: Option<Arc<CancelHandle>>) -> Result<(), Failure> {
        let group = self.group.clone();
        run(cancel, async move { group.leave().await }).await
    }

    /// Makes somebody an owner; `keep` is what this account still is.
    pub async fn transfer(
        &self,
        to: PlicoRecipient,
        keep: Option<PlicoGroupRole>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<(), Failure> {
        let group = self.group.clone();
        run(cancel, async move {
            group.transfer(to.into_core()?, keep.map(Into::into)).await
        })
        .await
    }

    /// Gives it a new key.
    pub async fn rotate(&self, cancel: Option<Arc<CancelHandle>>) -> Result<(), Failure> {
        let group = self.group.clone();
        run(cancel, async move { group.rotate().await }).await
    }

    /// Deletes it.
    pub async fn delete(&self, cancel: Option<Arc<CancelHandle>>) -> Result<(), Failure> {
        let group = self.group.clone();
        run(cancel, async move { group.delete().await }).await
    }
}
