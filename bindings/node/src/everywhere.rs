//! One person in all groups and sessions of an account.

use crate::account::AccountHandle;
use crate::results::FailureOutput;
use crate::runtime::{Cancel, promise_long};
use crate::values::RecipientInput;
use napi::bindgen_prelude::PromiseRaw;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use napi_derive::napi;
use plico::{
    EverywhereIssue, EverywhereOptions, EverywhereProblem, EverywhereProgress, EverywhereSummary,
};
use std::sync::{Arc, Mutex, PoisonError};

type Listener = ThreadsafeFunction<WalkedOutput, (), WalkedOutput, Status, false, true>;

/// What was told last: the listener may hear of it after the call is over.
type Last = Arc<Mutex<Option<WalkedOutput>>>;

/// How far a walk has come.
#[napi(object, object_from_js = false)]
#[derive(Clone)]
pub struct WalkedOutput {
    /// Looked at.
    pub done: f64,
    /// Changed.
    pub changed: f64,
    /// Where it could not be done.
    pub failed: f64,
    /// Where to go on.
    pub cursor: String,
}

impl From<EverywhereProgress> for WalkedOutput {
    fn from(it: EverywhereProgress) -> Self {
        Self {
            done: it.done as f64,
            changed: it.changed as f64,
            failed: it.failed as f64,
            cursor: it.cursor,
        }
    }
}

/// What a walk reaches, and where it begins.
#[napi(object, object_to_js = false)]
pub struct EverywhereInput {
    /// Whether groups are left as they are.
    pub sessions_only: bool,
    /// Whether sessions are walked through that are reached through groups.
    pub through_groups: bool,
    /// Whether those fall to whom the revoked one had granted.
    pub cascade: bool,
    /// Where another walk was.
    pub after: Option<String>,
    /// Who is told how far it is.
    pub on_progress: Option<Listener>,
}

impl EverywhereInput {
    /// `stop` ends the walk between two steps, with a summary.
    fn into_core(self, stop: Option<&Cancel>) -> (EverywhereOptions, Last) {
        let last = Last::default();
        let mut options = EverywhereOptions::new().cancel(Cancel::token(stop));
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
        if let Some(listener) = self.on_progress {
            let last = last.clone();
            options = options.on_progress(move |it| {
                let now = WalkedOutput::from(it);
                *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(now.clone());
                // Not told only if the event loop is ending.
                listener.call(now, ThreadsafeFunctionCallMode::NonBlocking);
            });
        }
        (options, last)
    }
}

/// A session or a group, and what is to be said of it.
#[napi(object, object_from_js = false)]
pub struct IssueOutput {
    /// The session.
    pub session: Option<String>,
    /// The group.
    pub group: Option<String>,
    /// What failed there.
    pub failed: Option<FailureOutput>,
    /// Through which group it is still read.
    pub still_through: Option<String>,
}

impl From<EverywhereIssue> for IssueOutput {
    fn from(it: EverywhereIssue) -> Self {
        let (failed, still_through) = match it.problem {
            EverywhereProblem::Failed(error) => (Some(error.into()), None),
            EverywhereProblem::StillThrough(group) => (None, Some(group.to_string())),
            // Less was given.
            _ => (None, None),
        };
        Self {
            session: it.session.map(|it| it.to_string()),
            group: it.group.map(|it| it.to_string()),
            failed,
            still_through,
        }
    }
}

/// What has come of a walk.
#[napi(object, object_from_js = false)]
pub struct SummaryOutput {
    /// Looked at.
    pub done: f64,
    /// Changed.
    pub changed: f64,
    /// Where it could not be done.
    pub failed: f64,
    /// Still read through a group.
    pub still_through: f64,
    /// Where less was given.
    pub reduced: f64,
    /// The first of these.
    pub issues: Vec<IssueOutput>,
    /// Where to go on.
    pub cursor: Option<String>,
    /// Why it has not come to the end.
    pub interrupted: Option<FailureOutput>,
    /// The last progress, if somebody listens.
    pub last: Option<WalkedOutput>,
}

impl SummaryOutput {
    fn new(it: EverywhereSummary, last: &Last) -> Self {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        Self {
            done: it.done as f64,
            changed: it.changed as f64,
            failed: it.failed as f64,
            still_through: it.still_through as f64,
            reduced: it.reduced as f64,
            issues: it.issues.into_iter().map(Into::into).collect(),
            cursor: it.cursor,
            interrupted: it.interrupted.map(Into::into),
            last: last.take(),
        }
    }
}

#[napi]
impl AccountHandle {
    /// Takes somebody out of everything.
    #[napi]
    pub fn revoke_everywhere<'env>(
        &self,
        env: &'env Env,
        recipient: RecipientInput,
        input: EverywhereInput,
        stop: Option<&Cancel>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, SummaryOutput>> {
        let (account, (options, last)) = (self.account.clone(), input.into_core(stop));
        promise_long(env, cancel, async move {
            let recipient = recipient.into_core()?;
            let summary = account.revoke_everywhere(recipient, options).await?;
            Ok(SummaryOutput::new(summary, &last))
        })
    }

    /// Gives one all that another has.
    #[napi]
    pub fn give_all_of<'env>(
        &self,
        env: &'env Env,
        from: RecipientInput,
        to: RecipientInput,
        input: EverywhereInput,
        stop: Option<&Cancel>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, SummaryOutput>> {
        let (account, (options, last)) = (self.account.clone(), input.into_core(stop));
        promise_long(env, cancel, async move {
            let (from, to) = (from.into_core()?, to.into_core()?);
            let summary = account.give_all_of(from, to, options).await?;
            Ok(SummaryOutput::new(summary, &last))
        })
    }
}
