//! Who may be shown what of a session: the directory's part of keeping things back.

use super::ErrorCode;
use crate::format::ids::Recipient;
use crate::rights::{Member, RemovalCause, SessionState};

/// The membership by which `recipient` may read the session at `now_ms`.
///
/// # Errors
/// `SESSION_ENDED`, `ACCESS_REVOKED`, `ACCESS_EXPIRED`, or `SESSION_NOT_FOUND`
/// for one that never was a recipient: it is not told that the session exists.
pub fn access<'a>(
    state: &'a SessionState,
    recipient: &Recipient,
    now_ms: u64,
) -> Result<&'a Member, ErrorCode> {
    match (state.member(recipient), state.was_removed(recipient)) {
        (Some(_), _) if state.ended() || state.over_at(now_ms) => Err(ErrorCode::SessionEnded),
        (Some(member), _) if member.expired_at(now_ms) => Err(ErrorCode::AccessExpired),
        (Some(member), _) => Ok(member),
        (None, Some(removed)) if removed.cause == RemovalCause::Expired => {
            Err(ErrorCode::AccessExpired)
        }
        (None, Some(_)) => Err(ErrorCode::AccessRevoked),
        (None, None) => Err(ErrorCode::SessionNotFound),
    }
}
