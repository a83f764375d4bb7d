//! As whom somebody may act and read in a chain: by themselves, and as groups
//! that they are in (docs/spec/group.md).

use crate::app::App;
use crate::operator::{self, OperatorWord};
use crate::problem::ApiError;
use crate::storage::ChainRef;
use plico_protocol::format::ids::{ChainId, Kind, Recipient};
use plico_protocol::rights::{MAX_HEIGHT, SessionState};
use plico_protocol::wire::access::access;

/// The recipients of `state` that `identity` is, or is in, now.
///
/// # Errors
/// As [`access`] says of the identity itself, if there is none; `ACCESS_WITHDRAWN`.
pub(crate) async fn readers(
    app: &App,
    state: &SessionState,
    word: &OperatorWord,
    identity: ChainId,
    now_ms: u64,
) -> Result<Vec<Recipient>, ApiError> {
    let me = Recipient::identity(identity);
    let own = access(state, &me, now_ms).and_then(|_| word.allows(me));
    let mut readers: Vec<Recipient> = own.iter().copied().collect();
    if !state.ended() && !state.over_at(now_ms) && !word.destroyed {
        for (recipient, member) in state.members() {
            let may = recipient.kind == Kind::Group
                && !member.expired_at(now_ms)
                && word.allows(*recipient).is_ok();
            let chain = recipient.chain();
            if may && is_in(app, state.tenant_id(), chain, me, now_ms, MAX_HEIGHT).await? {
                readers.push(*recipient);
            }
        }
    }
    if readers.is_empty() {
        own?;
    }
    Ok(readers)
}

/// Whether `who` is in the group now, by a path of at most `depth` groups.
pub(crate) async fn is_in(
    app: &App,
    tenant: ChainId,
    group: ChainId,
    who: Recipient,
    now_ms: u64,
    depth: u8,
) -> Result<bool, ApiError> {
    let Some(depth) = depth.checked_sub(1) else {
        return Ok(false);
    };
    let at = ChainRef {
        tenant,
        chain: group,
    };
    let state = app.cache.session(&*app.storage, at).await?;
    let Some(state) = state.filter(|it| it.is_group() && !it.ended()) else {
        return Ok(false);
    };
    let word = operator::word(&*app.storage, at).await?;
    if access(&state, &who, now_ms).is_ok() && word.allows(who).is_ok() {
        return Ok(true);
    }
    for (recipient, member) in state.members() {
        let may = !member.expired_at(now_ms) && word.allows(*recipient).is_ok();
        if recipient.kind == Kind::Group && may {
            let inner = is_in(app, tenant, recipient.chain(), who, now_ms, depth);
            if Box::pin(inner).await? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// How many groups there are around `who` at most, one in the other.
pub(crate) async fn above(
    app: &App,
    tenant: ChainId,
    who: Recipient,
    depth: u8,
) -> Result<u8, ApiError> {
    let Some(depth) = depth.checked_sub(1) else {
        return Ok(0);
    };
    let mut most = 0;
    let mut after = None;
    loop {
        let page = app.storage.chains_of(tenant, who, Kind::Group, None, after);
        let page = page.await?;
        let Some(last) = page.last() else { break };
        after = Some(*last);
        for group in page {
            let outer = above(app, tenant, Recipient::group(group), depth);
            most = most.max(1 + Box::pin(outer).await?);
        }
    }
    Ok(most)
}

/// The longest path of groups that begins with this one, as things are now.
pub(crate) async fn height(
    app: &App,
    tenant: ChainId,
    group: ChainId,
    depth: u8,
) -> Result<u8, ApiError> {
    let at = ChainRef {
        tenant,
        chain: group,
    };
    let state = app.cache.session(&*app.storage, at).await?;
    let (Some(state), Some(depth)) = (state, depth.checked_sub(1)) else {
        return Ok(1);
    };
    let mut most = 0;
    for (recipient, _) in state.members() {
        if recipient.kind == Kind::Group {
            let inner = height(app, tenant, recipient.chain(), depth);
            most = most.max(Box::pin(inner).await?);
        }
    }
    Ok(most + 1)
}
