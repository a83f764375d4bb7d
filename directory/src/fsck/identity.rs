//! An identity's chain.

use super::Finding;
use super::derived::{Keyring, check_back_links, check_wraps, missing_wrap};
use super::walk::Walk;
use crate::standing::{self, Stored};
use crate::storage::StorageError;
use plico_protocol::chain::{Replay as _, replay};
use plico_protocol::format::bodies::{BackLinkRef, WrapsRef};
use plico_protocol::format::entry::Author;
use plico_protocol::format::ids::{ChainId, Recipient};
use plico_protocol::identity::IdentityState;

pub(super) async fn check(mut walk: Walk<'_>) -> Result<(u64, Vec<Finding>), StorageError> {
    let mut state: Option<IdentityState> = None;
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
            let next = match replay(state.take(), std::slice::from_ref(&entry), &()) {
                Ok(next) => next,
                Err(error) => return Ok(walk.done(format!("entry {seq}: {error}"))),
            };
            let committed = IdentityState::wraps_at(&next, seq).map(|(committed, _)| committed);
            walk.check_leaves(seq, committed, &leaves);
            state = Some(next);
        }
    }
    let Some(state) = state else {
        return Ok(walk.done("it has no entries"));
    };
    walk.check_head(state.tip());
    let at = walk.record.at;
    let said = standing::read(walk.storage, at.tenant, at.chain).await?;
    if said == Some(Stored::Deleted) {
        let there = check_wraps(&mut walk, &state, &(0..=state.user_key().0).collect()).await?;
        if !there.is_empty() {
            walk.problem("wraps are there although the identity was deleted");
        }
        return Ok(walk.end());
    }
    let (newest, _) = state.user_key();
    let there = check_wraps(&mut walk, &state, &[newest].into()).await?;
    for (recipient, _) in state.wrap_recipients() {
        if !there.contains(&(recipient, newest)) {
            missing_wrap(&mut walk, &state, &recipient, newest);
        }
    }
    check_back_links(&mut walk, &state).await?;
    if walk.record.metadata.is_some() {
        walk.problem("an identity has no metadata");
    }
    Ok(walk.end())
}

impl Keyring for IdentityState {
    fn tenant_id(&self) -> ChainId {
        Self::tenant_id(self)
    }

    fn wraps_at(&self, seq: u64) -> Option<&(WrapsRef, Author)> {
        Self::wraps_at(self, seq)
    }

    fn epoch(&self, epoch: u32) -> Option<([u8; 32], u64, &[BackLinkRef])> {
        let key = self.user_keys().get(epoch as usize)?;
        Some((key.epoch.commitment, key.since, &key.epoch.back_links))
    }

    fn epochs(&self) -> u32 {
        self.user_key().0 + 1
    }

    fn ended(&self) -> bool {
        false
    }

    fn may_be_over(&self) -> bool {
        false
    }

    fn expires(&self, recipient: &Recipient, _: u64) -> Option<u64> {
        self.wrap_recipients()
            .any(|(it, _)| it == *recipient)
            .then_some(0)
    }
}
