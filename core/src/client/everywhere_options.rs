//! How a walk through everything that an account may open is asked for, and
//! what it says.

use super::cancel::CancelToken;
use super::ids::{GroupId, SessionId};
use crate::error::Error;
use core::fmt;
use std::sync::Arc;

/// Issues that a summary lists; more are counted only.
pub(crate) const MAX_ISSUES: usize = 1_000;

/// How far a walk has come.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EverywhereProgress {
    /// Groups and sessions that were looked at.
    pub done: u64,
    /// Those of them that were changed.
    pub changed: u64,
    /// Those of them where what was wanted could not be done.
    pub failed: u64,
    /// Where to go on from here: for [`EverywhereOptions::after`].
    pub cursor: String,
}

type OnProgress = Arc<dyn Fn(EverywhereProgress) + Send + Sync>;

/// What a walk reaches, where it begins, and how it is stopped.
#[derive(Clone, Default)]
pub struct EverywhereOptions {
    pub(crate) sessions_only: bool,
    pub(crate) through_groups: bool,
    pub(crate) cascade: bool,
    pub(crate) after: Option<String>,
    pub(crate) cancel: CancelToken,
    pub(crate) on_progress: Option<OnProgress>,
}

impl fmt::Debug for EverywhereOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EverywhereOptions(..)")
    }
}

impl EverywhereOptions {
    /// The groups that this account is in, then the sessions that it may open by
    /// a grant of its own; from the beginning, to the end.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Memberships in groups are left as they are.
    #[must_use]
    pub fn sessions_only(mut self) -> Self {
        self.sessions_only = true;
        self
    }

    /// Besides, the sessions that this account may open through its groups. One
    /// that it reaches in several ways is looked at several times.
    #[must_use]
    pub fn through_groups(mut self) -> Self {
        self.through_groups = true;
        self
    }

    /// For a revocation: those to whom the revoked one had granted fall with it.
    #[must_use]
    pub fn cascade(mut self) -> Self {
        self.cascade = true;
        self
    }

    /// Goes on where another walk for the same was: the cursor of its last
    /// progress, or of its summary. It is no secret, and may be stored.
    #[must_use]
    pub fn after(mut self, cursor: impl Into<String>) -> Self {
        self.after = Some(cursor.into());
        self
    }

    /// Stops when the token is cancelled: what was begun, up to 64 sessions, is
    /// ended first, and the summary says where to go on. (Dropping the call's
    /// future, or [`CancelToken::run`], stops at once; then the last progress
    /// says it.)
    #[must_use]
    pub fn cancel(mut self, token: CancelToken) -> Self {
        self.cancel = token;
        self
    }

    /// Is told after each step of up to 64 groups or sessions. Must be quick.
    #[must_use]
    pub fn on_progress(
        mut self,
        report: impl Fn(EverywhereProgress) + Send + Sync + 'static,
    ) -> Self {
        self.on_progress = Some(Arc::new(report));
        self
    }
}

/// What is to be said of one session or group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EverywhereProblem {
    /// It could not be done there: nothing was changed.
    Failed(Error),
    /// Whoever was revoked has no rights of their own there, but still reads
    /// through this group, which this account could not, or was not to, take
    /// them out of.
    StillThrough(GroupId),
    /// Less was given than the other one has there: this account may not grant more.
    Reduced,
}

/// A session or a group, and what is to be said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EverywhereIssue {
    /// The session; `None` if it is a group.
    pub session: Option<SessionId>,
    /// The group; `None` if it is a session.
    pub group: Option<GroupId>,
    /// What is to be said.
    pub problem: EverywhereProblem,
}

/// What has come of a walk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EverywhereSummary {
    /// Groups and sessions that were looked at.
    pub done: u64,
    /// Those of them that were changed.
    pub changed: u64,
    /// Those of them where what was wanted could not be done.
    pub failed: u64,
    /// Those of them that whoever was revoked still reads through a group.
    pub still_through: u64,
    /// Those of them where less was given than the other one has.
    pub reduced: u64,
    /// The first 1,000 of these, with what is to be said of each.
    pub issues: Vec<EverywhereIssue>,
    /// Where to go on; `None`: it has come to the end.
    pub cursor: Option<String>,
    /// Why it has not come to the end, unless it was cancelled: the directory
    /// could not be reached, say.
    pub interrupted: Option<Error>,
}
