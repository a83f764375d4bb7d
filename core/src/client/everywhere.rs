//! One person, everywhere: taken out of all that this account may change, or
//! given all that another one has.
//!
//! A walk goes by pages and in steps, and remembers nothing but where it is: it
//! may be stopped anywhere, and doing a step again changes nothing more.

use super::account::Account;
use super::bulk::AT_ONCE;
use super::bulk_intents::Whom;
use super::everywhere_deeds::{Deed, Step};
use super::everywhere_options::{
    EverywhereIssue, EverywhereOptions, EverywhereProblem, EverywhereProgress, EverywhereSummary,
    MAX_ISSUES,
};
use super::ids::{GroupId, SessionId};
use super::options::{Recipient, RevokeOptions};
use super::plico::is_unreachable;
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::format::ids::{ChainId, Kind};
use plico_protocol::rights::MAX_HEIGHT;
use plico_protocol::wire::b64;
use std::collections::BTreeSet;

/// Groups that an account is in, by whatever path, that a walk knows.
const MAX_GROUPS: usize = 65_536;

/// Where a walk is: what it has looked at last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In the account's groups.
    Groups(Option<ChainId>),
    /// In the sessions that it may open itself.
    Sessions(Option<ChainId>),
    /// In the sessions of one of its groups.
    Through(Option<ChainId>, Option<ChainId>),
}

impl Place {
    fn write(self) -> String {
        let id = |id: Option<ChainId>| id.map(|id| b64::encode(&id.0)).unwrap_or_default();
        match self {
            Self::Groups(last) => format!("g.{}", id(last)),
            Self::Sessions(last) => format!("s.{}", id(last)),
            Self::Through(group, last) => format!("t.{}.{}", id(group), id(last)),
        }
    }

    fn read(text: &str) -> Result<Self> {
        let id = |text: &str| match text {
            "" => Some(None),
            text => b64::decode_array(text).map(|id| Some(ChainId(id))),
        };
        let parts: Vec<&str> = text.split('.').collect();
        let place = match parts.as_slice() {
            ["g", last] => id(last).map(Self::Groups),
            ["s", last] => id(last).map(Self::Sessions),
            ["t", group, last] => id(group).zip(id(last)).map(|it| Self::Through(it.0, it.1)),
            _ => None,
        };
        place.ok_or_else(|| {
            Error::new(ErrorCode::InvalidArgument).with_detail("this is no cursor of such a walk")
        })
    }
}

impl Account {
    /// Takes `recipient` out of everything that this account may change: the
    /// groups that it manages, then the sessions; page by page, in few requests.
    /// Doing it again changes nothing more.
    ///
    /// **Read the summary.** It lists the sessions where this account has no
    /// right to do so (`Failed`), and those that the person still reads through
    /// a group (`StillThrough`). Sessions that this account can't open are not
    /// in it at all, and what could be opened before may have been kept.
    ///
    /// # Errors
    /// `NOT_REGISTERED`, `OFFLINE`; `INVALID_ARGUMENT` for this account itself
    /// and for a cursor that is none; `RECIPIENTS_NOT_FOUND`. What goes wrong on
    /// the way is in the summary.
    pub async fn revoke_everywhere(
        &self,
        recipient: Recipient,
        options: EverywhereOptions,
    ) -> Result<EverywhereSummary> {
        self.check_online()?;
        let work = async {
            let whom = self.whom_alone(recipient).await?;
            if whom.all(&self.inner).contains(&self.inner.me()?) {
                return Err(Error::new(ErrorCode::InvalidArgument)
                    .with_detail("the recipient is this account itself"));
            }
            let revoke = RevokeOptions {
                cascade: options.cascade,
            };
            self.walk(&Deed::Revoke(whom, revoke), &options).await
        };
        self.inner.while_open(work).await
    }

    /// Gives `to` all that `from` has: in each group and session where `from`
    /// has rights of its own, the same rights until the same end, but no more
    /// than this account may grant there. What `to` has already is never made
    /// less. Through a group, `to` gets what `from` has by becoming a member.
    ///
    /// The summary lists where it was less (`Reduced`), and where this account
    /// may not grant at all (`Failed`). Doing it again changes nothing more.
    ///
    /// # Errors
    /// As [`Self::revoke_everywhere`], for `to`.
    pub async fn give_all_of(
        &self,
        from: Recipient,
        to: Recipient,
        options: EverywhereOptions,
    ) -> Result<EverywhereSummary> {
        self.check_online()?;
        let work = async {
            let from = self.whom_alone(from).await?;
            let to = self.whom_alone(to).await?.resolved;
            let to = to.ok_or(ErrorCode::IdentityNotFound)?;
            if to == self.inner.me()? {
                return Err(Error::new(ErrorCode::InvalidArgument)
                    .with_detail("the recipient is this account itself"));
            }
            self.walk(&Deed::Give { from, to }, &options).await
        };
        self.inner.while_open(work).await
    }

    async fn whom_alone(&self, recipient: Recipient) -> Result<Whom> {
        let whom = self.whom(&[recipient]).await?.into_iter().next();
        whom.unwrap_or_else(|| Err(ErrorCode::IdentityNotFound.into()))
    }

    async fn walk(&self, deed: &Deed, options: &EverywhereOptions) -> Result<EverywhereSummary> {
        let begin = match &options.after {
            Some(cursor) => Place::read(cursor)?,
            None => Place::Groups(None),
        };
        let mut walk = Walk {
            account: self,
            deed,
            options,
            summary: EverywhereSummary::default(),
            place: begin,
            stopped: false,
        };
        if let Err(error) = walk.all().await {
            walk.summary.interrupted = Some(error);
            walk.stopped = true;
        }
        walk.summary.cursor = walk.stopped.then(|| walk.place.write());
        Ok(walk.summary)
    }
}

struct Walk<'a> {
    account: &'a Account,
    deed: &'a Deed,
    options: &'a EverywhereOptions,
    summary: EverywhereSummary,
    place: Place,
    stopped: bool,
}

impl Walk<'_> {
    async fn all(&mut self) -> Result<()> {
        if let Place::Groups(last) = self.place {
            if !self.options.sessions_only {
                let groups: Vec<ChainId> = self.groups().await?.into_iter().collect();
                let rest: Vec<ChainId> = groups
                    .into_iter()
                    .filter(|id| last.is_none_or(|last| *id > last))
                    .collect();
                self.chains(&rest, |id| Place::Groups(Some(id))).await?;
            }
            self.go_to(Place::Sessions(None));
        }
        if let Place::Sessions(last) = self.place {
            self.sessions(None, last).await?;
            if self.options.through_groups {
                self.go_to(Place::Through(None, None));
            }
        }
        if let Place::Through(begun, mut last) = self.place {
            let groups = self.groups().await?;
            for group in groups {
                if begun.is_some_and(|begun| group < begun) || self.stopped {
                    continue;
                }
                // Only of the group that another walk has left in the middle.
                let after = last.take().filter(|_| begun == Some(group));
                self.go_to(Place::Through(Some(group), after));
                self.sessions(Some(group), after).await?;
            }
        }
        Ok(())
    }

    /// Unless it was stopped before.
    fn go_to(&mut self, place: Place) {
        if !self.stopped {
            self.place = place;
        }
    }

    /// All groups that this account is in, by whatever path.
    async fn groups(&self) -> Result<BTreeSet<ChainId>> {
        let mut all = BTreeSet::new();
        let mut above: Vec<Option<ChainId>> = vec![None];
        for _ in 0..MAX_HEIGHT {
            let mut next = Vec::new();
            for group in above {
                let mut after = None;
                loop {
                    let page = self.account.list(Kind::Group, group, after).await?;
                    for id in page.chains.iter().map(|id| ChainId(id.0)) {
                        after = Some(id);
                        if all.insert(id) {
                            next.push(Some(id));
                        }
                    }
                    if all.len() > MAX_GROUPS {
                        return Err(Error::new(ErrorCode::TooLarge).with_detail("too many groups"));
                    }
                    if !page.more || page.chains.is_empty() {
                        break;
                    }
                }
            }
            above = next;
        }
        Ok(all)
    }

    async fn sessions(&mut self, group: Option<ChainId>, last: Option<ChainId>) -> Result<()> {
        let mut after = last;
        while !self.stopped {
            let page = self.account.list(Kind::Session, group, after);
            let page = match page.await {
                // This account has lost the group meanwhile.
                Err(error) if error.code() == ErrorCode::GroupNotFound => return Ok(()),
                page => page?,
            };
            let ids: Vec<ChainId> = page.chains.iter().map(|id| ChainId(id.0)).collect();
            let place = |id| match group {
                None => Place::Sessions(Some(id)),
                Some(_) => Place::Through(group, Some(id)),
            };
            self.chains(&ids, place).await?;
            // A directory that gives the same page for ever is not followed.
            let next = ids.last().copied().filter(|next| Some(*next) > after);
            match next.filter(|_| page.more) {
                Some(next) => after = Some(next),
                None => return Ok(()),
            }
        }
        Ok(())
    }

    /// What the deed does in each of `ids`, a step at a time.
    async fn chains(&mut self, ids: &[ChainId], place: impl Fn(ChainId) -> Place) -> Result<()> {
        for some in ids.chunks(AT_ONCE) {
            if self.options.cancel.is_cancelled() {
                self.stopped = true;
                return Ok(());
            }
            let inner = &*self.account.inner;
            let deed = self.deed;
            let steps = some.iter().map(|id| inner.step(*id, deed));
            let steps = inner.together(steps).await;
            let ends = |step: &Result<Step>| match step {
                Err(error) if ends_all(error.code()) => Some(error.clone()),
                _ => None,
            };
            if let Some(error) = steps.iter().find_map(ends) {
                return Err(error);
            }
            for (id, step) in some.iter().zip(steps) {
                self.count(*id, &self.place_kind(&place, *id), step);
            }
            if let Some(last) = some.last() {
                self.place = place(*last);
            }
            self.tell();
        }
        Ok(())
    }

    fn place_kind(&self, place: &impl Fn(ChainId) -> Place, id: ChainId) -> Kind {
        match place(id) {
            Place::Groups(_) => Kind::Group,
            _ => Kind::Session,
        }
    }

    fn count(&mut self, id: ChainId, kind: &Kind, step: Result<Step>) {
        let summary = &mut self.summary;
        summary.done += 1;
        let step = step.unwrap_or_else(|error| Step {
            changed: false,
            problem: Some(EverywhereProblem::Failed(error)),
        });
        summary.changed += u64::from(step.changed);
        let Some(problem) = step.problem else { return };
        match &problem {
            EverywhereProblem::Failed(_) => summary.failed += 1,
            EverywhereProblem::StillThrough(_) => summary.still_through += 1,
            EverywhereProblem::Reduced => summary.reduced += 1,
        }
        if summary.issues.len() < MAX_ISSUES {
            let is_group = *kind == Kind::Group;
            summary.issues.push(EverywhereIssue {
                session: (!is_group).then_some(SessionId(id)),
                group: is_group.then_some(GroupId(id)),
                problem,
            });
        }
    }

    fn tell(&self) {
        if let Some(tell) = &self.options.on_progress {
            tell(EverywhereProgress {
                done: self.summary.done,
                changed: self.summary.changed,
                failed: self.summary.failed,
                cursor: self.place.write(),
            });
        }
    }
}

/// What is not about one session: going on would fail everywhere.
fn ends_all(code: ErrorCode) -> bool {
    is_unreachable(code)
        || matches!(
            code,
            ErrorCode::Closed
                | ErrorCode::NotRegistered
                | ErrorCode::DeviceRevoked
                | ErrorCode::IdentityDisabled
                | ErrorCode::IdentityDeleted
        )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn cursors_come_back_and_nothing_else_is_one() {
        let (one, two) = (Some(ChainId([1; 32])), Some(ChainId([255; 32])));
        for place in [
            Place::Groups(None),
            Place::Groups(one),
            Place::Sessions(None),
            Place::Sessions(two),
            Place::Through(None, None),
            Place::Through(one, None),
            Place::Through(one, two),
        ] {
            assert_eq!(Place::read(&place.write()).unwrap(), place);
        }
        for wrong in ["", "g", "s.x", "t.", "t..x", "u.", "g..", "s.AAAA"] {
            let error = Place::read(wrong).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidArgument, "{wrong}");
        }
    }
}
