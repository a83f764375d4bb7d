//! A session's log.

use super::Finding;
use super::derived::{Keyring, check_back_links, check_wraps, missing_wrap};
use super::walk::Walk;
use crate::cache::Known;
use crate::operator;
use crate::storage::StorageError;
use plico_protocol::format::bodies::{BackLinkRef, SessionBody, TagOpening, WrapsRef};
use plico_protocol::format::entry::{Author, SignedEntry};
use plico_protocol::format::ids::{ChainId, Kind, Recipient};
use plico_protocol::primitives::hash::ref_hash;
use plico_protocol::rights::{Outcome, SessionState, needs, replay_session};
use plico_protocol::wire::b64;
use std::collections::{BTreeMap, BTreeSet};

pub(super) async fn check(mut walk: Walk<'_>) -> Result<(u64, Vec<Finding>), StorageError> {
    let mut state: Option<SessionState> = None;
    let mut known = Known::default();
    // Whose wraps may have ended once.
    let mut limited = BTreeSet::new();
    loop {
        let page = match walk.next().await? {
            Ok(page) => page,
            Err(what) => return Ok(walk.done(what)),
        };
        if page.is_empty() {
            break;
        }
        for (entry, leaves) in page {
            let seq = entry.entry.seq;
            if let Some(what) = provide(&walk, &entry, &mut known).await? {
                return Ok(walk.done(format!("entry {seq}: {what}")));
            }
            let next = match replay_session(state.take(), std::slice::from_ref(&entry), &known) {
                Ok(Outcome::Done(next)) => *next,
                Ok(Outcome::Needs(_)) => {
                    return Ok(walk.done(format!("entry {seq}: an identity is missing")));
                }
                Err(error) => return Ok(walk.done(format!("entry {seq}: {error}"))),
            };
            let committed = next.wraps_at(seq).map(|(committed, _)| committed);
            walk.check_leaves(seq, committed, &leaves);
            limited.extend(limited_by(&entry));
            state = Some(next);
        }
    }
    let Some(state) = state else {
        return Ok(walk.done("it has no entries"));
    };
    let kind = if state.is_group() {
        Kind::Group
    } else {
        Kind::Session
    };
    if walk.record.kind != i64::from(kind.to_u8()) {
        return Ok(walk.done("it is stored as another kind than it is"));
    }
    walk.check_head(state.tip());
    let word = operator::word(walk.storage, walk.record.at).await;
    let state = Session::new(state, word?.destroyed);
    let state_of = &state.state;
    let newest: BTreeSet<u32> = (0..=state_of.current_segment())
        .filter_map(|segment| state_of.newest_epoch_of(segment))
        .collect();
    let there = check_wraps(&mut walk, &state, &newest).await?;
    if !state.ended() && !state.may_be_over() {
        for (recipient, member) in state_of.members() {
            let epochs = member
                .segments
                .iter()
                .filter_map(|segment| state_of.newest_epoch_of(*segment));
            for epoch in epochs {
                if !there.contains(&(*recipient, epoch)) && !limited.contains(recipient) {
                    missing_wrap(&mut walk, &state, recipient, epoch);
                }
            }
        }
    }
    check_back_links(&mut walk, &state).await?;
    check_metadata(&mut walk, &state);
    check_tag(&mut walk, &state);
    if walk.record.ends_ms != state_of.ends_ms() && !state.ended() {
        let (stored, named) = (walk.record.ends_ms, state_of.ends_ms());
        walk.problem(format!(
            "it ends at {stored} ms, but by its log at {named} ms"
        ));
    }
    Ok(walk.end())
}

/// Loads the identities that an entry needs; what is wrong if that can't be.
async fn provide(
    walk: &Walk<'_>,
    entry: &SignedEntry,
    known: &mut Known,
) -> Result<Option<String>, StorageError> {
    let needs = match needs(std::slice::from_ref(entry), known) {
        Ok(needs) => needs,
        Err(error) => return Ok(Some(error.to_string())),
    };
    for need in needs {
        let tenant = walk.record.at.tenant;
        let one = std::slice::from_ref(&need);
        let came = walk.cache.provide(walk.storage, tenant, known, one).await;
        if !matches!(came, Ok(true)) {
            // The identity's own findings say why.
            return Ok(Some(format!(
                "identity {} is missing, too short, or does not replay",
                b64::encode(&need.chain.0)
            )));
        }
    }
    Ok(None)
}

/// Recipients whom the entry grants something for a time, or leaves out for a time.
fn limited_by(entry: &SignedEntry) -> Vec<Recipient> {
    let body = SessionBody::decode(entry.entry.entry_type, entry.entry.body.as_slice());
    let grants = match body.map(SessionBody::deed) {
        Ok(SessionBody::Rotate(body)) => {
            return body.removals.iter().map(|it| it.recipient).collect();
        }
        Ok(SessionBody::Create(body)) => body.grants,
        Ok(SessionBody::Grant(body)) => body.grants,
        _ => Vec::new(),
    };
    let limited = grants.iter().filter(|grant| grant.expires_ms != 0);
    limited.map(|grant| grant.key.recipient).collect()
}

fn check_metadata(walk: &mut Walk<'_>, session: &Session) {
    let blob = walk.record.metadata.take();
    match (session.state.metadata(), blob) {
        (_, Some(_)) if session.ended() => {
            walk.problem("metadata are there although the session was ended");
        }
        (None, Some(_)) => walk.problem("metadata are there, but the log names none"),
        (Some(named), Some(blob)) if ref_hash("metadata", &blob) != named.blob_hash => {
            walk.problem("the metadata are not those that the log names");
        }
        (Some(_), None) if !session.ended() && !session.may_be_over() => {
            walk.note("the metadata that the log names are not there");
        }
        _ => {}
    }
}

fn check_tag(walk: &mut Walk<'_>, session: &Session) {
    let stored = walk.record.tag.take();
    match (session.state.tag(), stored) {
        (_, Some(_)) if session.ended() => {
            walk.problem("a tag is there although the session was ended");
        }
        (None, Some(_)) => walk.problem("a tag is there, but the log names none"),
        (Some(named), Some((tag, opening))) => {
            let opening = TagOpening::from_bytes(&opening);
            if !opening.is_ok_and(|it| it.commitment() == named && it.tag() == tag) {
                walk.problem("the tag is not the one that the log names");
            }
        }
        (Some(_), None) if !session.ended() && !session.may_be_over() => {
            walk.note("the tag that the log names is not there");
        }
        _ => {}
    }
}

struct Session {
    state: SessionState,
    destroyed: bool,
    /// The last entry at which somebody left.
    left: BTreeMap<Recipient, u64>,
}

impl Session {
    fn new(state: SessionState, destroyed: bool) -> Self {
        let left = state.removed().iter();
        let left = left.map(|gone| (gone.recipient, gone.seq)).collect();
        Self {
            state,
            destroyed,
            left,
        }
    }
}

impl Keyring for Session {
    fn tenant_id(&self) -> ChainId {
        self.state.tenant_id()
    }

    fn wraps_at(&self, seq: u64) -> Option<&(WrapsRef, Author)> {
        self.state.wraps_at(seq)
    }

    fn epoch(&self, epoch: u32) -> Option<([u8; 32], u64, &[BackLinkRef])> {
        let epoch = self.state.epoch(epoch)?;
        Some((epoch.commitment, epoch.seq, &epoch.back_links))
    }

    fn epochs(&self) -> u32 {
        self.state.current_epoch() + 1
    }

    fn ended(&self) -> bool {
        self.state.ended() || self.destroyed
    }

    fn may_be_over(&self) -> bool {
        self.state.ends_ms() != 0
    }

    fn expires(&self, recipient: &Recipient, seq: u64) -> Option<u64> {
        if self.left.get(recipient).is_some_and(|left| seq <= *left) {
            return None;
        }
        self.state.member(recipient).map(|member| member.expires_ms)
    }
}
