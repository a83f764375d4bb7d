//! What is stored beside a chain's entries: wraps and back-links.

use super::walk::Walk;
use crate::storage::StorageError;
use crate::storage::audit::WrapRecord;
use plico_protocol::format::bodies::{BackLinkRef, WrapsRef};
use plico_protocol::format::decode;
use plico_protocol::format::entry::Author;
use plico_protocol::format::ids::{ChainId, Recipient};
use plico_protocol::format::wrap::BackLink;
use plico_protocol::keyring::back_link_hash;
use plico_protocol::keyring::wraps::{Wrap, WrapPlace};
use plico_protocol::wire::b64;
use std::collections::BTreeSet;

/// What a replayed chain says of its wraps and back-links.
pub(super) trait Keyring {
    fn tenant_id(&self) -> ChainId;
    /// What the entry commits to, and its author.
    fn wraps_at(&self, seq: u64) -> Option<&(WrapsRef, Author)>;
    /// The epoch's commitment, the entry that began it, and its back-links.
    fn epoch(&self, epoch: u32) -> Option<([u8; 32], u64, &[BackLinkRef])>;
    /// How many epochs there are.
    fn epochs(&self) -> u32;
    /// Whether everything but the log was deleted.
    fn ended(&self) -> bool;
    /// Whether it may have been, since its time may be over.
    fn may_be_over(&self) -> bool;
    /// When a wrap of this recipient, of entry `seq`, is deleted; `None`: it
    /// must not be there.
    fn expires(&self, recipient: &Recipient, seq: u64) -> Option<u64>;
}

/// How a finding names a wrap.
fn name(recipient: &Recipient, epoch: u32) -> String {
    format!(
        "the wrap of epoch {epoch} for {}",
        b64::encode(&recipient.id)
    )
}

/// Checks all wraps; gives whose there are of which of the epochs in `wanted`.
pub(super) async fn check_wraps<K: Keyring>(
    walk: &mut Walk<'_>,
    state: &K,
    wanted: &BTreeSet<u32>,
) -> Result<BTreeSet<(Recipient, u32)>, StorageError> {
    let mut there = BTreeSet::new();
    let mut after = None;
    loop {
        let page = match walk.storage.chain_wraps(walk.record.no, after).await {
            Err(StorageError::Damaged(what)) => {
                walk.problem(format!("its wraps can't be read: {what}"));
                return Ok(there);
            }
            page => page?,
        };
        let Some(WrapRecord { wrap: last, .. }) = page.last() else {
            return Ok(there);
        };
        after = Some((last.recipient.kind.to_u8(), last.recipient.id, last.epoch));
        for record in &page {
            if let Err(what) = check_wrap(walk, state, record) {
                let wrap = &record.wrap;
                walk.problem(format!("{} {what}", name(&wrap.recipient, wrap.epoch)));
            }
            if wanted.contains(&record.wrap.epoch) {
                there.insert((record.wrap.recipient, record.wrap.epoch));
            }
        }
    }
}

fn check_wrap<K: Keyring>(walk: &Walk<'_>, state: &K, record: &WrapRecord) -> Result<(), String> {
    let wrap = &record.wrap;
    if state.ended() {
        return Err("is there although the session was ended".into());
    }
    let Some(expires_ms) = state.expires(&wrap.recipient, wrap.seq) else {
        return Err("is there although it must have been deleted".into());
    };
    let (Some((_, author)), Some((commitment, _, _))) =
        (state.wraps_at(wrap.seq), state.epoch(wrap.epoch))
    else {
        return Err(format!("is of entry {}, which commits to none", wrap.seq));
    };
    let place = WrapPlace {
        tenant_id: state.tenant_id(),
        chain_id: walk.record.at.chain,
        author: *author,
    };
    let leaf = Wrap {
        info: place.info(
            wrap.epoch,
            commitment,
            wrap.recipient,
            wrap.generation,
            wrap.key_id,
        ),
        sealed: wrap.sealed.clone(),
    }
    .leaf_hash();
    if record.leaf != Some(leaf) {
        return Err(format!("is not the one that entry {} commits to", wrap.seq));
    }
    if record.expires_ms != expires_ms {
        return Err(format!(
            "ends at {} ms, but its grant at {expires_ms} ms",
            record.expires_ms
        ));
    }
    Ok(())
}

/// A wrap that `recipient` must have; a note if its entry came without.
pub(super) fn missing_wrap<K: Keyring>(
    walk: &mut Walk<'_>,
    state: &K,
    recipient: &Recipient,
    epoch: u32,
) {
    let since = state.epoch(epoch).map_or(0, |(_, seq, _)| seq);
    let what = format!("{} is not there", name(recipient, epoch));
    if walk.bare.range(since..).next().is_some() {
        walk.note(what);
    } else {
        walk.problem(what);
    }
}

/// Checks all back-links: those that are there, and that none is missing.
pub(super) async fn check_back_links<K: Keyring>(
    walk: &mut Walk<'_>,
    state: &K,
) -> Result<(), StorageError> {
    let mut there = BTreeSet::new();
    let mut after = None;
    loop {
        let page = match walk.storage.chain_back_links(walk.record.no, after).await {
            Err(StorageError::Damaged(what)) => {
                walk.problem(format!("its back-links can't be read: {what}"));
                return Ok(());
            }
            page => page?,
        };
        let Some(last) = page.last() else { break };
        after = Some((last.epoch, last.target));
        for link in page {
            let hash = decode::<BackLink>("back-link", &link.bytes)
                .map(|it| back_link_hash(&it))
                .ok();
            let named = state.epoch(link.epoch).is_some_and(|(_, _, named)| {
                let mut named = named.iter();
                named.any(|it| it.target == link.target && Some(it.hash) == hash)
            });
            let name = format!("the back-link from epoch {} to {}", link.epoch, link.target);
            if state.ended() {
                walk.problem(format!("{name} is there although the session was ended"));
            } else if !named {
                walk.problem(format!("{name} is not the one that the log names"));
            }
            there.insert((link.epoch, link.target));
        }
    }
    if state.ended() || state.may_be_over() {
        return Ok(());
    }
    for number in 0..state.epochs() {
        let Some((_, seq, named)) = state.epoch(number) else {
            continue;
        };
        for link in named {
            // An entry that came without its wraps may have come without these.
            if !there.contains(&(number, link.target)) && !walk.bare.contains(&seq) {
                walk.problem(format!(
                    "the back-link from epoch {number} to {} is not there",
                    link.target
                ));
            }
        }
    }
    Ok(())
}
