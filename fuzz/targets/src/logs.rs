//! Logs of arbitrary entries: blocks, each a signed entry. Nobody but the
//! fixture's people can sign, so only beginnings of true logs replay.

use crate::cut::Cut;
use crate::fixture::fixture;
use plico_protocol::chain::{Replay, replay};
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::identity::{IdentityState, TenantState};
use plico_protocol::rights::{Outcome, replay_session};

/// The entries that decode; the others are skipped, so that one bad entry does
/// not hide the rest.
fn entries(data: &[u8]) -> Vec<SignedEntry> {
    let blocks = Cut(data).blocks();
    let decoded = blocks.iter().take(40).map(|it| SignedEntry::from_bytes(it));
    decoded.filter_map(Result::ok).collect()
}

fn is_beginning(log: &[SignedEntry], of: &[SignedEntry]) -> bool {
    log.len() <= of.len() && log == &of[..log.len()]
}

fn own<R: Replay<Known = ()> + Clone>(data: &[u8], true_logs: &[&[SignedEntry]]) {
    let log = entries(data);
    let whole: Option<R> = replay(None, &log, &()).ok();
    let is_true = true_logs.iter().any(|it| is_beginning(&log, it));
    assert_eq!(whole.is_some(), is_true && !log.is_empty());
    // In pieces it is the same.
    let mut state: Option<R> = None;
    for entry in &log {
        state = match replay(state, core::slice::from_ref(entry), &()) {
            Ok(state) => Some(state),
            Err(_) => return assert!(whole.is_none()),
        };
    }
    assert_eq!(
        state.as_ref().map(|it| it.tip().clone()),
        whole.as_ref().map(|it| it.tip().clone())
    );
}

/// A tenant's log.
pub fn tenant(data: &[u8]) {
    own::<TenantState>(data, &[&fixture().tenant_log]);
}

/// An identity's log.
pub fn identity(data: &[u8]) {
    let logs: Vec<&[SignedEntry]> = fixture().people.iter().map(|it| &*it.log).collect();
    own::<IdentityState>(data, &logs);
}

/// A session's log.
pub fn session(data: &[u8]) {
    let log = entries(data);
    let world = fixture();
    let true_log = world.session_log();
    match replay_session(None, &log, &world.known) {
        Ok(Outcome::Done(state)) => {
            assert!(is_beginning(&log, &true_log));
            assert_eq!(
                Some(state.head_hash()),
                log.last().map(|it| it.entry.hash())
            );
        }
        Ok(Outcome::Needs(needs)) => {
            assert!(!needs.is_empty() && needs.len() <= 1 + log.len() * 2_049);
        }
        Err(_) => assert!(log.is_empty() || !is_beginning(&log, &true_log)),
    }
    // On top of the true session nothing follows but its own end.
    let on_top = replay_session(Some(world.session.clone()), &log, &world.known);
    if let Ok(Outcome::Done(state)) = on_top {
        assert!(log.is_empty() || state.ended());
    }
}
