//! Who may read this? From verified statements alone: every person with rights,
//! by which path of groups, from whom, since when, until when; and who no more.

use super::group::MemberId;
use super::ids::{GroupId, IdentityId};
use super::lock;
use super::options::Rights;
use super::recipients::time;
use super::session::EncryptionSession;
use crate::error::Result;
use core::fmt;
use plico_protocol::format::ids::{ChainId, Kind, Recipient};
use plico_protocol::rights::{MAX_HEIGHT, RemovalCause, SessionState};
use std::collections::HashMap;
use std::time::SystemTime;

/// One way by which a person may read, or a group that leads to some.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Access {
    /// A person, or a group.
    pub who: MemberId,
    /// The app's own name for a person, if the app's backend vouches for one.
    pub user_id: Option<String>,
    /// The groups by which it came, the session's own recipient first; empty: by
    /// a grant of its own.
    pub path: Vec<GroupId>,
    /// What the grant allows in the session; in a group, what the group was granted.
    pub rights: Rights,
    /// Who has signed the grant, or the membership.
    pub granted_by: IdentityId,
    /// The app's own name for them.
    pub granted_by_user_id: Option<String>,
    /// Since when, by their clock.
    pub granted_at: SystemTime,
    /// Until when, by the earliest end on the path; `None`: without end.
    pub expires_at: Option<SystemTime>,
    /// The tenant's operator has suspended it, or a group on the path, says the
    /// directory. Nobody has signed that; the grant itself stands.
    pub withdrawn: bool,
}

/// Somebody who had rights of their own once, and has none now.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FormerAccess {
    /// A person, or a group.
    pub who: MemberId,
    /// The app's own name for a person.
    pub user_id: Option<String>,
    /// Why.
    pub cause: AccessEnd,
    /// Who has signed it.
    pub by: IdentityId,
    /// When, by their clock.
    pub at: SystemTime,
}

/// Why a right has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccessEnd {
    /// It was revoked.
    Revoked,
    /// Whoever had granted it was revoked, with all below them.
    Cascade,
    /// It left, or handed over.
    Left,
    /// Its time was over.
    Expired,
}

impl AccessEnd {
    fn words(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Cascade => "fell with whoever had granted",
            Self::Left => "left",
            Self::Expired => "expired",
        }
    }
}

/// What [`EncryptionSession::who_may_read`] gives. As text it is a tree, with
/// names in it: not for logs.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessList {
    /// Everybody, and the groups in between, in the order of a tree.
    pub may_read: Vec<Access>,
    /// Those who no longer may by a grant of their own, in the order in which they left.
    pub former: Vec<FormerAccess>,
    /// When the directory was asked, by this device's clock.
    pub as_of: SystemTime,
}

impl fmt::Debug for AccessList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (now, former) = (self.may_read.len(), self.former.len());
        write!(f, "AccessList({now} now, {former} former, names redacted)")
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let depth = self.path.len();
        write!(f, "Access({:?} at depth {depth}, names redacted)", self.who)
    }
}

impl fmt::Debug for FormerAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FormerAccess({:?}, {:?})", self.who, self.cause)
    }
}

fn name(who: &MemberId, user_id: Option<&str>) -> String {
    match (who, user_id) {
        (_, Some(user_id)) => user_id.to_owned(),
        (MemberId::Identity(id), None) => format!("identity {id}"),
        (MemberId::Group(id), None) => format!("group {id}"),
    }
}

impl fmt::Display for AccessList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for it in &self.may_read {
            let indent = "  ".repeat(it.path.len());
            let who = name(&it.who, it.user_id.as_deref());
            let by = MemberId::Identity(it.granted_by);
            let by = name(&by, it.granted_by_user_id.as_deref());
            let rights = it.rights.words();
            let ago = days(it.granted_at, self.as_of);
            write!(f, "{indent}{who}: {rights}, by {by}, {ago} days ago")?;
            if let Some(end) = it.expires_at {
                write!(f, ", for {} more days", days(self.as_of, end))?;
            }
            if it.withdrawn {
                write!(f, ", withdrawn by the operator, says the directory")?;
            }
            writeln!(f)?;
        }
        for it in &self.former {
            let who = name(&it.who, it.user_id.as_deref());
            let (cause, ago) = (it.cause, days(it.at, self.as_of));
            writeln!(f, "no more: {who}, {}, {ago} days ago", cause.words())?;
        }
        Ok(())
    }
}

/// Whole days from one time to another.
fn days(from: SystemTime, to: SystemTime) -> u64 {
    to.duration_since(from)
        .map_or(0, |it| it.as_secs() / 86_400)
}

/// What a walk through the groups needs.
struct Walk<'a> {
    groups: &'a HashMap<ChainId, std::sync::Arc<SessionState>>,
    names: &'a HashMap<ChainId, String>,
    /// Recipients of the session whom the directory says to be withdrawn.
    withdrawn: std::collections::BTreeSet<Recipient>,
    now_ms: u64,
    found: Vec<Access>,
}

/// On whose terms a group's members have access.
#[derive(Clone)]
struct Through {
    path: Vec<GroupId>,
    rights: Rights,
    expires_ms: u64,
    withdrawn: bool,
}

impl Walk<'_> {
    fn all(&mut self, state: &SessionState, through: Option<&Through>) {
        for (recipient, member) in state.members() {
            if member.expired_at(self.now_ms) {
                continue;
            }
            let ends = [member.expires_ms, through.map_or(0, |it| it.expires_ms)];
            let expires_ms = ends.into_iter().filter(|it| *it != 0).min().unwrap_or(0);
            let path = through.map(|it| it.path.clone()).unwrap_or_default();
            let rights = through.map_or(Rights(member.rights), |it| it.rights);
            let withdrawn = through.map_or_else(
                || self.withdrawn.contains(recipient),
                |it| it.withdrawn || member.is_suspended(),
            );
            let id = recipient.chain();
            self.found.push(Access {
                who: MemberId::of(recipient),
                user_id: self.names.get(&id).cloned(),
                path: path.clone(),
                rights,
                granted_by: IdentityId(member.signed_by),
                granted_by_user_id: self.names.get(&member.signed_by).cloned(),
                granted_at: time(member.granted_ms),
                expires_at: (expires_ms != 0).then(|| time(expires_ms)),
                withdrawn,
            });
            let here = GroupId(id);
            let may_go_on = recipient.kind == Kind::Group
                && path.len() < usize::from(MAX_HEIGHT)
                && !path.contains(&here);
            let inner = self.groups.get(&id).filter(|it| may_go_on && !it.ended());
            if let Some(inner) = inner {
                let through = Through {
                    path: path.into_iter().chain([here]).collect(),
                    rights,
                    expires_ms,
                    withdrawn,
                };
                self.all(inner, Some(&through));
            }
        }
    }
}

impl EncryptionSession {
    /// Who may read this session, through groups, too; from the signed logs as
    /// the directory shows them now.
    ///
    /// # Errors
    /// As [`Self::refresh`].
    pub async fn who_may_read(&self) -> Result<AccessList> {
        let inner = self.online()?;
        inner.registered()?;
        let view = inner.while_open(inner.refresh_view(self.id.0)).await?;
        let known = inner.known();
        let names = lock(&inner.names).clone();
        let mut walk = Walk {
            groups: &known.groups,
            names: &names,
            withdrawn: view.withdrawn_members(),
            now_ms: inner.plico.inner.wire.now_ms(),
            found: Vec::new(),
        };
        walk.all(&view.state, None);
        let may_read = walk.found;
        let gone = view.state.removed().iter();
        let gone = gone.filter(|it| view.state.member(&it.recipient).is_none());
        let former = gone.map(|it| FormerAccess {
            who: MemberId::of(&it.recipient),
            user_id: names.get(&it.recipient.chain()).cloned(),
            cause: match it.cause {
                RemovalCause::Cascade => AccessEnd::Cascade,
                RemovalCause::Left => AccessEnd::Left,
                RemovalCause::Expired => AccessEnd::Expired,
                _ => AccessEnd::Revoked,
            },
            by: IdentityId(it.by),
            at: time(it.at_ms),
        });
        let former = former.collect();
        Ok(AccessList {
            may_read,
            former,
            as_of: time(view.refreshed_ms),
        })
    }
}
