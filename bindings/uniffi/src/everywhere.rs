//! A walk through everything that an account may open.

use crate::account::AccountHandle;
use crate::bulk::ItemFailure;
use crate::cancel::CancelHandle;
use crate::failure::Failure;
use crate::host::HostFailure;
use crate::run::run;
use crate::values::PlicoRecipient;
use plico::{
    EverywhereIssue, EverywhereOptions, EverywhereProblem, EverywhereProgress, EverywhereSummary,
};
use std::sync::Arc;

/// How far a walk has come.
#[derive(Clone, uniffi::Record)]
pub struct PlicoEverywhereProgress {
    /// Groups and sessions that were looked at.
    pub done: u64,
    /// Those of them that were changed.
    pub changed: u64,
    /// Those of them where what was wanted could not be done.
    pub failed: u64,
    /// Where to go on from here.
    pub cursor: String,
}

impl From<EverywhereProgress> for PlicoEverywhereProgress {
    fn from(it: EverywhereProgress) -> Self {
        Self {
            done: it.done,
            changed: it.changed,
            failed: it.failed,
            cursor: it.cursor,
        }
    }
}

/// Is told how far a walk has come. Called on a thread of this library: it must
/// be quick.
#[uniffi::export(with_foreign)]
pub trait EverywhereListener: Send + Sync {
    /// After each step.
    fn progress(&self, progress: PlicoEverywhereProgress) -> Result<(), HostFailure>;
}

/// What a walk reaches, and where it begins.
#[derive(Clone, uniffi::Record)]
pub struct EverywhereCall {
    /// Whether memberships in groups are left as they are.
    pub sessions_only: bool,
    /// Whether sessions that are opened through groups are walked through, too.
    pub through_groups: bool,
    /// For a revocation: whether those fall with it to whom the revoked one had granted.
    pub cascade: bool,
    /// Where another walk was.
    pub after: Option<String>,
    /// Who is told how far it is.
    pub progress: Option<Arc<dyn EverywhereListener>>,
}

impl EverywhereCall {
    fn into_core(self) -> EverywhereOptions {
        let mut options = EverywhereOptions::new();
        if self.sessions_only {
            options = options.sessions_only();
        }
        if self.through_groups {
            options = options.through_groups();
        }
        if self.cascade {
            options = options.cascade();
        }
        if let Some(cursor) = self.after {
            options = options.after(cursor);
        }
        if let Some(listener) = self.progress {
            options = options.on_progress(move |progress| {
                // Whoever listens badly does not stop the walk.
                let _ = listener.progress(progress.into());
            });
        }
        options
    }
}

/// What is to be said of one session or group: one of the last three is set.
#[derive(Clone, uniffi::Record)]
pub struct PlicoEverywhereIssue {
    /// The session; none if it is a group.
    pub session_id: Option<String>,
    /// The group; none if it is a session.
    pub group_id: Option<String>,
    /// It could not be done there.
    pub failure: Option<ItemFailure>,
    /// Whoever was revoked still reads through this group.
    pub still_through: Option<String>,
    /// Less was given than the other one has there.
    pub reduced: bool,
}

impl PlicoEverywhereIssue {
    /// `None` for a kind that this border does not know yet.
    fn from_core(it: EverywhereIssue) -> Option<Self> {
        let mut issue = Self {
            session_id: it.session.map(|id| id.to_string()),
            group_id: it.group.map(|id| id.to_string()),
            failure: None,
            still_through: None,
            reduced: false,
        };
        match it.problem {
            EverywhereProblem::Failed(error) => issue.failure = Some(error.into()),
            EverywhereProblem::StillThrough(group) => {
                issue.still_through = Some(group.to_string());
            }
            EverywhereProblem::Reduced => issue.reduced = true,
            _ => return None,
        }
        Some(issue)
    }
}

/// What has come of a walk.
#[derive(Clone, uniffi::Record)]
pub struct PlicoEverywhereSummary {
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
    /// The first 1,000 of these.
    pub issues: Vec<PlicoEverywhereIssue>,
    /// Where to go on; none: it has come to the end.
    pub cursor: Option<String>,
    /// Why it has not come to the end.
    pub interrupted: Option<ItemFailure>,
}

impl From<EverywhereSummary> for PlicoEverywhereSummary {
    fn from(it: EverywhereSummary) -> Self {
        let issues = it.issues.into_iter();
        Self {
            done: it.done,
            changed: it.changed,
            failed: it.failed,
            still_through: it.still_through,
            reduced: it.reduced,
            issues: issues.filter_map(PlicoEverywhereIssue::from_core).collect(),
            cursor: it.cursor,
            interrupted: it.interrupted.map(Into::into),
        }
    }
}

#[uniffi::export]
impl AccountHandle {
    /// Takes a recipient out of everything that this account may change.
    pub async fn revoke_everywhere(
        &self,
        recipient: PlicoRecipient,
        options: EverywhereCall,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<PlicoEverywhereSummary, Failure> {
        let account = self.account.clone();
        run(cancel, async move {
            let walk = account.revoke_everywhere(recipient.into_core()?, options.into_core());
            Ok(walk.await?.into())
        })
        .await
    }

    /// Gives one recipient all that another has.
    pub async fn give_all_of(
        &self,
        from: PlicoRecipient,
        to: PlicoRecipient,
        options: EverywhereCall,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<PlicoEverywhereSummary, Failure> {
        let account = self.account.clone();
        run(cancel, async move {
            let (from, to) = (from.into_core()?, to.into_core()?);
            let walk = account.give_all_of(from, to, options.into_core());
            Ok(walk.await?.into())
        })
        .await
    }
}
