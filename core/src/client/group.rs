//! Groups: the ward, the practice, the study's data managers. A group is a
//! recipient like a person; who belongs to it changes without touching a session.

use super::account::Account;
use super::commit::{Drafting, Intent};
use super::create_session::New;
use super::ids::{GroupId, IdentityId, SessionId};
use super::lock;
use super::options::{Grant, Recipient, RevokeOptions, Rights, SessionOptions};
use super::recipients::time;
use super::session::EncryptionSession;
use crate::error::{Error, ErrorCode, Result};
use crate::ports::BoxFuture;
use plico_protocol::format::bodies::{MAX_RECIPIENTS_PER_ENTRY, SessionBody, SessionRevoke};
use plico_protocol::format::ids::{self, Kind};
use std::time::SystemTime;

/// What somebody may do in a group. What the group may do in a session, each of
/// its members may do there, whatever their role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GroupRole {
    /// Belongs to it.
    Member,
    /// Adds and removes members, too, and renames the group.
    Manager,
    /// Everything; owners alone act on owners.
    Owner,
}

impl GroupRole {
    fn rights(self) -> Rights {
        match self {
            Self::Member => Rights::read(),
            Self::Manager => Rights::read().and_forward().and_revoke(),
            Self::Owner => Rights::owner(),
        }
    }

    fn of(rights: Rights) -> Self {
        match rights {
            it if it == Rights::owner() => Self::Owner,
            it if it == Rights::read() => Self::Member,
            _ => Self::Manager,
        }
    }
}

/// How a group is made.
#[derive(Clone, Debug, Default)]
pub struct GroupOptions {
    members: Vec<(Recipient, GroupRole)>,
    from_now_on: bool,
    name: Option<String>,
}

impl GroupOptions {
    /// A group of this account alone, which owns it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What members see as its name, at most 4,096 bytes. The directory can't read it.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Somebody, or all of another group, who belongs to it from the beginning.
    #[must_use]
    pub fn member(mut self, recipient: Recipient, role: GroupRole) -> Self {
        self.members.push((recipient, role));
        self
    }

    /// Whoever is added later opens only what comes from then on; otherwise,
    /// all that the group may open. Fixed for ever.
    #[must_use]
    pub fn from_now_on(mut self) -> Self {
        self.from_now_on = true;
        self
    }
}

/// Somebody who belongs to a group, by its signed log.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupMember {
    /// Who: a person, or another group.
    pub who: MemberId,
    /// The app's own name for a person, if the app's backend vouches for one.
    pub user_id: Option<String>,
    /// What they may do in the group.
    pub role: GroupRole,
    /// Who has added them, or changed their role last.
    pub added_by: IdentityId,
    /// Since when, by the clock of whoever added them.
    pub added_at: SystemTime,
    /// Until when; `None`: without end.
    pub expires_at: Option<SystemTime>,
}

/// A person or a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MemberId {
    /// A person, or a service.
    Identity(IdentityId),
    /// All who are in this group.
    Group(GroupId),
}

impl MemberId {
    pub(crate) fn of(recipient: &ids::Recipient) -> Self {
        match recipient.kind {
            Kind::Group => Self::Group(GroupId(recipient.chain())),
            _ => Self::Identity(IdentityId(recipient.chain())),
        }
    }
}

impl core::fmt::Debug for GroupMember {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "GroupMember({:?}, {:?}, user id redacted)",
            self.who, self.role
        )
    }
}

/// A group as one account sees it. Clones share it.
#[derive(Clone)]
pub struct Group {
    log: EncryptionSession,
}

impl core::fmt::Debug for Group {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Group({})", self.id())
    }
}

/// All others out, a key that they never had, and the end.
struct Delete;

impl Intent for Delete {
    fn draft<'a>(&'a self, drafting: &'a mut Drafting<'_>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let me = drafting.acting.recipient;
            let others: Vec<ids::Recipient> = drafting
                .state
                .members()
                .map(|(it, _)| *it)
                .filter(|it| *it != me)
                .collect();
            for recipients in others.chunks(MAX_RECIPIENTS_PER_ENTRY) {
                let revoke = SessionBody::Revoke(SessionRevoke {
                    recipients: recipients.to_vec(),
                    cascade: 0,
                });
                drafting.push_plain(&revoke).await?;
            }
            drafting.rotate().await?;
            drafting.push_plain(&SessionBody::Tombstone).await
        })
    }
}

impl Account {
    /// Makes a group that this account owns. A session, or another group, takes
    /// it as a [`Recipient::group`]: for one wrapped key, however many belong to it.
    ///
    /// # Errors
    /// As [`Self::create_session`]; `GROUP_NOT_FOUND`; `ENTRY_INVALID` if groups
    /// would be nested more than four deep; `TOO_LARGE` for a name of over 4,096 bytes.
    pub async fn create_group(&self, options: GroupOptions) -> Result<Group> {
        self.inner.check_open()?;
        check_name(options.name.as_deref().unwrap_or_default())?;
        let history = !options.from_now_on;
        let mut made = SessionOptions::new();
        for (recipient, role) in options.members {
            made = made.recipient(recipient, Grant::new(role.rights()));
        }
        if let Some(name) = &options.name {
            made = made.metadata(name.as_bytes());
        }
        let log = self.make_for(New::Group { history }, made);
        let log = self.inner.while_open(log).await?;
        Ok(Group { log })
    }

    /// The group with this id. Nobody is asked yet.
    #[must_use]
    pub fn group(&self, id: GroupId) -> Group {
        Group {
            log: self.session(SessionId(id.0)),
        }
    }
}

fn check_name(name: &str) -> Result<()> {
    if name.len() > 4_096 {
        return Err(ErrorCode::TooLarge.into());
    }
    Ok(())
}

impl Group {
    /// The group's id.
    #[must_use]
    pub fn id(&self) -> GroupId {
        GroupId(self.log.id.0)
    }

    /// Asks the directory for what is new.
    ///
    /// # Errors
    /// `GROUP_NOT_FOUND`; `NETWORK`; whatever a lying directory is caught with.
    pub async fn refresh(&self) -> Result<()> {
        self.log.refresh().await
    }

    /// Its name; `None` if it has none.
    ///
    /// # Errors
    /// `EPOCH_UNAVAILABLE` for whoever does not belong to it; as [`Self::refresh`].
    pub async fn name(&self) -> Result<Option<String>> {
        let Some(bytes) = self.log.metadata().await? else {
            return Ok(None);
        };
        let name = String::from_utf8(bytes);
        name.map(Some).map_err(|_| {
            Error::new(ErrorCode::HistoryInvalid).with_detail("the group's name is not text")
        })
    }

    /// Gives it another name, of at most 4,096 bytes.
    ///
    /// # Errors
    /// `NOT_ALLOWED` for plain members; `TOO_LARGE`; as [`Self::refresh`].
    pub async fn rename(&self, name: &str) -> Result<()> {
        self.log.account.inner.check_open()?;
        check_name(name)?;
        self.log.set_metadata(name.as_bytes()).await
    }

    /// Who belongs to it: people and groups, as its signed log says.
    ///
    /// # Errors
    /// As [`Self::refresh`].
    pub async fn members(&self) -> Result<Vec<GroupMember>> {
        let inner = &self.log.account.inner;
        let view = self.log.known().await?;
        let now_ms = inner.plico.inner.wire.now_ms();
        let names = lock(&inner.names);
        let members = view
            .state
            .members()
            .filter(|(_, member)| !member.expired_at(now_ms))
            .map(|(recipient, member)| GroupMember {
                who: MemberId::of(recipient),
                user_id: names.get(&recipient.chain()).cloned(),
                role: GroupRole::of(Rights(member.rights)),
                added_by: IdentityId(member.signed_by),
                added_at: time(member.granted_ms),
                expires_at: (member.expires_ms != 0).then(|| time(member.expires_ms)),
            });
        Ok(members.collect())
    }

    /// Adds somebody, or all of another group, or changes their role. All that the
    /// group may open they may open from now on, and no session is touched for it;
    /// unless the group was made "from now on".
    ///
    /// # Errors
    /// `NOT_ALLOWED` for plain members, and for a role above one's own;
    /// `ENTRY_INVALID` for a group that contains this one, or too deep nesting;
    /// `RECIPIENTS_NOT_FOUND`, `GROUP_NOT_FOUND`; as [`Self::refresh`].
    pub async fn add(&self, recipient: Recipient, role: GroupRole) -> Result<()> {
        self.log.grant(recipient, Grant::new(role.rights())).await
    }

    /// The same for a time: until `end` they belong to it.
    ///
    /// # Errors
    /// As [`Self::add`]; `NOT_ALLOWED` for an owner, who has no end.
    pub async fn add_until(
        &self,
        recipient: Recipient,
        role: GroupRole,
        end: SystemTime,
    ) -> Result<()> {
        let grant = Grant::new(role.rights()).until(end);
        self.log.grant(recipient, grant).await
    }

    /// Removes somebody and gives the group a new key, in one step. They open
    /// nothing that is wrapped to the group from now on; sessions are due, and
    /// their next writer begins an epoch without them. What they could open
    /// before, they may have kept.
    ///
    /// # Errors
    /// `NOT_ALLOWED` for plain members, and for an owner unless by an owner;
    /// `INVALID_ARGUMENT` for whoever does not belong to it; as [`Self::refresh`].
    pub async fn remove(&self, recipient: Recipient) -> Result<()> {
        self.log.revoke(recipient).await
    }

    /// The same, with a word on those whom the removed one had added.
    ///
    /// # Errors
    /// As [`Self::remove`].
    pub async fn remove_with(&self, recipient: Recipient, options: RevokeOptions) -> Result<()> {
        self.log.revoke_with(recipient, options).await
    }

    /// Adds many, or changes their roles, in one write for up to 1,024 of them;
    /// each with its own result, in the order given.
    ///
    /// # Errors
    /// As [`EncryptionSession::grant_all`]; the results are those of [`Self::add`].
    pub async fn add_members(&self, members: &[(Recipient, GroupRole)]) -> Result<Vec<Result<()>>> {
        let grant = |role: &GroupRole| Grant::new(role.rights());
        let members = members.iter().map(|(who, role)| (who.clone(), grant(role)));
        let members: Vec<(Recipient, Grant)> = members.collect();
        self.log.grant_all(&members).await
    }

    /// Removes many and gives the group one new key, in one step; each with its
    /// own result, in the order given. Whoever does not belong to it counts as done.
    ///
    /// # Errors
    /// As [`EncryptionSession::revoke_all`].
    pub async fn remove_members(&self, members: &[Recipient]) -> Result<Vec<Result<()>>> {
        self.remove_members_with(members, RevokeOptions::default())
            .await
    }

    /// The same, with a word on those whom the removed ones had added.
    ///
    /// # Errors
    /// As [`Self::remove_members`].
    pub async fn remove_members_with(
        &self,
        members: &[Recipient],
        options: RevokeOptions,
    ) -> Result<Vec<Result<()>>> {
        self.log.revoke_all(members, options).await
    }

    /// Leaves the group. The last owner hands over first.
    ///
    /// # Errors
    /// `NOT_ALLOWED` for the last owner; as [`Self::refresh`].
    pub async fn leave(&self) -> Result<()> {
        self.log.leave().await
    }

    /// Makes `to` an owner; this account keeps `keep`, or leaves.
    ///
    /// # Errors
    /// `NOT_ALLOWED` for whoever is not an owner; as [`Self::add`].
    pub async fn transfer(&self, to: Recipient, keep: Option<GroupRole>) -> Result<()> {
        self.log.transfer(to, keep.map(GroupRole::rights)).await
    }

    /// Gives the group a new key. Removing somebody does it by itself.
    ///
    /// # Errors
    /// As [`Self::refresh`].
    pub async fn rotate(&self) -> Result<()> {
        self.log.rotate().await
    }

    /// Deletes the group: all others leave, and nobody opens anything through it
    /// any more. Sessions that it was in go on without it; their next writer
    /// begins an epoch.
    ///
    /// # Errors
    /// `NOT_ALLOWED` for whoever is not an owner; as [`Self::refresh`].
    pub async fn delete(&self) -> Result<()> {
        self.log.commit(&Delete).await
    }
}
