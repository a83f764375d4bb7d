//! What a walk does at each place: takes one person out, or gives to another what
//! it has.

use super::account::AccountInner;
use super::bulk_intents::{RevokeAll, ToGrant, Whom};
use super::commit::{Drafting, Intent};
use super::everywhere_options::EverywhereProblem;
use super::ids::GroupId;
use super::options::{Grant, RevokeOptions, Rights};
use crate::error::Result;
use crate::ports::BoxFuture;
use plico_protocol::format::bodies::RightsBits;
use plico_protocol::format::ids::{self, ChainId, Kind};
use plico_protocol::rights::{MAX_HEIGHT, Member, SessionState};
use std::sync::atomic::{AtomicBool, Ordering};

/// What was done in one chain.
#[derive(Default)]
pub(super) struct Step {
    pub changed: bool,
    pub problem: Option<EverywhereProblem>,
}

/// What a walk does in each chain.
pub(super) enum Deed {
    Revoke(Whom, RevokeOptions),
    Give { from: Whom, to: ids::Recipient },
}

impl AccountInner {
    pub(super) async fn step(&self, id: ChainId, deed: &Deed) -> Result<Step> {
        match deed {
            Deed::Revoke(whom, options) => {
                let intent = RevokeAll::new(vec![whom.clone()], *options);
                let view = self.commit(id, &intent).await?;
                if let Some(error) = intent.refused().into_values().next() {
                    return Err(error);
                }
                let through = self.reads_through(&view.state, whom);
                Ok(Step {
                    changed: intent.changed(),
                    problem: through.map(EverywhereProblem::StillThrough),
                })
            }
            Deed::Give { from, to } => {
                let intent = GiveAll {
                    from: from.clone(),
                    to: *to,
                    changed: AtomicBool::new(false),
                    reduced: AtomicBool::new(false),
                };
                self.commit(id, &intent).await?;
                let reduced = intent.reduced.load(Ordering::Relaxed);
                Ok(Step {
                    changed: intent.changed.load(Ordering::Relaxed),
                    problem: reduced.then_some(EverywhereProblem::Reduced),
                })
            }
        }
    }

    /// The member group through which somebody has access, if there is one.
    fn reads_through(&self, state: &SessionState, whom: &Whom) -> Option<GroupId> {
        let targets = whom.all(self);
        let now_ms = self.plico.inner.wire.now_ms();
        let known = self.known();
        let of = |id: &ChainId| known.groups.get(id).map(AsRef::as_ref);
        groups_in(state, now_ms)
            .find(|group| {
                of(group).is_some_and(|inner| {
                    is_inside(inner, &targets, now_ms, usize::from(MAX_HEIGHT), &of)
                })
            })
            .map(GroupId)
    }
}

/// The member groups of a log.
fn groups_in(state: &SessionState, now_ms: u64) -> impl Iterator<Item = ChainId> + '_ {
    state
        .members()
        .filter(move |(it, member)| it.kind == Kind::Group && !member.expired_at(now_ms))
        .map(|(it, _)| it.chain())
}

fn is_inside<'a>(
    group: &SessionState,
    targets: &[ids::Recipient],
    now_ms: u64,
    height: usize,
    of: &dyn Fn(&ChainId) -> Option<&'a SessionState>,
) -> bool {
    if height == 0 || group.ended() {
        return false;
    }
    let has = |it: &ids::Recipient| group.member(it).is_some_and(|it| !it.expired_at(now_ms));
    targets.iter().any(has)
        || groups_in(group, now_ms).any(|inner| {
            of(&inner).is_some_and(|inner| is_inside(inner, targets, now_ms, height - 1, of))
        })
}

/// In one chain, to one what the other has.
struct GiveAll {
    from: Whom,
    to: ids::Recipient,
    changed: AtomicBool,
    reduced: AtomicBool,
}

/// The later of two ends; 0 = without end.
fn later(one: u64, two: u64) -> u64 {
    if one == 0 || two == 0 {
        0
    } else {
        one.max(two)
    }
}

/// The earlier of two ends; 0 = without end.
fn earlier(one: u64, two: u64) -> u64 {
    match (one, two) {
        (0, end) | (end, 0) => end,
        (one, two) => one.min(two),
    }
}

impl GiveAll {
    /// What is to be granted, if anything, and whether it is less than was asked for.
    fn wanted(
        from: &[&Member],
        has: Option<&Member>,
        mine: Option<&Member>,
    ) -> (Option<Grant>, bool) {
        let rights = from.iter().fold(0, |rights, it| rights | it.rights.0);
        let end = from.iter().map(|it| it.expires_ms).reduce(later);
        let (Some(end), Some(mine)) = (end, mine) else {
            return (None, false);
        };
        let given = rights & mine.rights.0;
        // An owner has no end, and nobody else's end goes beyond the granter's.
        let given_end = if given & RightsBits::OWNER != 0 {
            0
        } else {
            earlier(end, mine.expires_ms)
        };
        let reduced = given != rights || given_end != end;
        let (had, had_end) = has.map_or((0, None), |it| (it.rights.0, Some(it.expires_ms)));
        let all = given | had;
        let all_end = had_end.map_or(given_end, |had_end| later(given_end, had_end));
        let same = had_end == Some(all_end) && all == had;
        let grant = Grant {
            rights: Rights(RightsBits(all)),
            expires_ms: all_end,
        };
        ((!same).then_some(grant), reduced)
    }
}

impl Intent for GiveAll {
    fn draft<'a>(&'a self, drafting: &'a mut Drafting<'_>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.changed.store(false, Ordering::Relaxed);
            self.reduced.store(false, Ordering::Relaxed);
            let now_ms = drafting.account.expiry_now_ms();
            let state = &drafting.state;
            let valid = |it: &ids::Recipient| state.member(it).filter(|it| !it.expired_at(now_ms));
            let from = self.from.all(drafting.account);
            let from: Vec<&Member> = from.iter().filter_map(valid).collect();
            if from.is_empty() || self.to.chain() == state.id() {
                return Ok(());
            }
            let mine = valid(&drafting.acting.recipient);
            let (grant, reduced) = Self::wanted(&from, valid(&self.to), mine);
            if let Some(grant) = grant {
                let grants: [ToGrant; 1] = [(0, self.to, grant)];
                if let Some(error) = drafting.grant_many(&grants).await?.into_values().next() {
                    return Err(error);
                }
                self.changed.store(true, Ordering::Relaxed);
            }
            self.reduced.store(reduced, Ordering::Relaxed);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_compared_with_none_as_the_last() {
        assert_eq!((later(0, 5), later(5, 0), later(3, 5)), (0, 0, 5));
        assert_eq!((earlier(0, 5), earlier(5, 0), earlier(3, 5)), (5, 5, 3));
        assert_eq!((later(0, 0), earlier(0, 0)), (0, 0));
    }
}
