//! False refusals: problem documents for what the directory could have done.

use super::answer::is_write;
use super::liar::Liar;
use super::list::Lie;
use crate::error::ErrorCode;
use crate::ports::Response;
use plico_protocol::wire::Problem;

/// How wrong the time is that a false `CLOCK_SKEWED` tells.
const A_YEAR_MS: u64 = 365 * 86_400_000;

pub(super) fn tell(lie: Lie, liar: &Liar<'_>) -> Option<Response> {
    // Only what a person has asked for can be refused to that person.
    liar.asker?;
    let mut status = None;
    let problem = match lie {
        Lie::ProblemAccessRevoked => Problem::new(ErrorCode::AccessRevoked),
        Lie::ProblemAccessExpired => Problem::new(ErrorCode::AccessExpired),
        Lie::ProblemAccessWithdrawn => Problem::new(ErrorCode::AccessWithdrawn),
        Lie::ProblemSessionEnded => Problem::new(ErrorCode::SessionEnded),
        Lie::ProblemSessionNotFound => Problem::new(ErrorCode::SessionNotFound),
        Lie::ProblemIdentityDisabled => Problem::new(ErrorCode::IdentityDisabled),
        Lie::ProblemConflict if is_write(liar.request) => Problem::new(ErrorCode::Conflict),
        Lie::ProblemRequestReplayed if is_write(liar.request) => {
            Problem::new(ErrorCode::RequestReplayed)
        }
        Lie::ProblemConflict | Lie::ProblemRequestReplayed => return None,
        Lie::ProblemOfClient => {
            status = Some(403);
            Problem::new(ErrorCode::IdentityChanged)
        }
        Lie::ProblemVerbose => {
            let line = "\nERROR the app's key has leaked\u{7}\u{1b}[2J";
            Problem::new(ErrorCode::NotAllowed).with_detail(line.repeat(40_000))
        }
        Lie::ProblemUnknown => Problem {
            code: "LOOK_BEHIND_YOU".into(),
            ..Problem::new(ErrorCode::NotAllowed)
        },
        _ => Problem {
            time_ms: Some(liar.now_ms.saturating_add(A_YEAR_MS)),
            ..Problem::new(ErrorCode::ClockSkewed)
        },
    };
    Some(Response {
        status: status.unwrap_or(problem.status),
        body: serde_json::to_vec(&problem).unwrap_or_default(),
    })
}
