//! What is answered about a chain: entries, a signed head, and of wraps only
//! those that the asker may have.

use crate::app::{App, Tenant};
use crate::auth::Sender;
use crate::memberships;
use crate::operator;
use crate::problem::ApiError;
use crate::request::SessionName;
use crate::storage::{ChainRef, Page, Read, Rows, StoredWrap};
use plico_protocol::format::ids::{ChainId, Recipient};
use plico_protocol::identity::IdentityState;
use plico_protocol::keyring::merkle;
use plico_protocol::rights::{Member, SessionState};
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::b64::{B64, B64x32};
use plico_protocol::wire::limits::{MAX_PAGE_BYTES, MAX_PAGE_ENTRIES, WRAPS_PER_SEGMENT};
use plico_protocol::wire::rest::{IdentityAnswer, SessionAnswer, WrapAnswer};

/// How often a read is begun anew when the chain moves in between.
const TRIES: usize = 8;

/// How many bytes of entries one request may still be given.
pub(crate) struct Budget(usize);

impl Budget {
    /// One page.
    pub(crate) fn page() -> Self {
        Self(MAX_PAGE_BYTES)
    }

    /// Several chains in one answer.
    pub(crate) fn lookup() -> Self {
        Self(4 * MAX_PAGE_BYTES)
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.0 == 0
    }

    pub(crate) fn next(&self, from: u64) -> Page {
        Page {
            from,
            entries: MAX_PAGE_ENTRIES,
            bytes: self.0.min(MAX_PAGE_BYTES),
        }
    }

    fn spend(&mut self, rows: &Rows) {
        let entries = rows.entries.iter().map(Vec::len);
        let wraps = rows.wraps.iter().map(|it| it.wrap.sealed.len());
        let links = rows.back_links.iter().map(|link| link.bytes.len());
        let spent: usize = entries.chain(wraps).chain(links).sum();
        self.0 = self.0.saturating_sub(spent);
    }
}

fn wrap_answer(stored: StoredWrap) -> Option<WrapAnswer> {
    let StoredWrap { wrap, leaves } = stored;
    let proof = merkle::proof(&leaves, wrap.index as usize)?;
    Some(WrapAnswer {
        kind: wrap.recipient.kind.to_u8(),
        id: B64x32(wrap.recipient.id),
        epoch: wrap.epoch,
        generation: wrap.generation,
        key_id: B64x32(wrap.key_id.0),
        sealed: B64(wrap.sealed),
        seq: wrap.seq,
        index: wrap.index,
        proof: proof.into_iter().map(B64x32).collect(),
    })
}

fn wraps(rows: &mut Rows) -> Result<Vec<WrapAnswer>, ApiError> {
    rows.wraps
        .drain(..)
        .map(wrap_answer)
        .collect::<Option<_>>()
        .ok_or_else(|| ApiError::internal("a wrap's leaf is not stored"))
}

fn entries(rows: &mut Rows) -> Vec<B64> {
    rows.entries.drain(..).map(B64).collect()
}

fn back_links(rows: &mut Rows) -> Vec<B64> {
    rows.back_links.drain(..).map(|it| B64(it.bytes)).collect()
}

/// An identity's chain from `from` on, for `asker`; `None`: there is none.
/// Wraps and back-links are for its own devices.
pub(crate) async fn identity(
    app: &App,
    tenant: &Tenant,
    asker: Option<&Sender>,
    id: ChainId,
    from: u64,
    budget: &mut Budget,
) -> Result<Option<IdentityAnswer>, ApiError> {
    let at = ChainRef {
        tenant: tenant.id(),
        chain: id,
    };
    let own = asker.filter(|it| it.id() == id);
    let now_ms = app.clock.now_ms();
    let read = Read {
        page: budget.next(from),
        readers: own
            .map(|it| (it.recipient(), vec![(0, u32::MAX)]))
            .into_iter()
            .collect(),
        wraps_per_range: WRAPS_PER_SEGMENT,
        now_ms,
    };
    let Some(mut rows) = app.storage.read(at, read).await? else {
        return Ok(None);
    };
    if rows.head.kind != plico_protocol::format::ids::Kind::Identity {
        return Ok(None);
    }
    budget.spend(&rows);
    Ok(Some(IdentityAnswer {
        identity_id: B64x32(id.0),
        from,
        entries: entries(&mut rows),
        head: tenant.head(id, rows.head.position, now_ms),
        opening: rows.opening.take().map(B64),
        wraps: wraps(&mut rows)?,
        back_links: back_links(&mut rows),
        more: rows.more,
    }))
}

/// The session that is named, if there is one.
pub(crate) async fn find_session(
    app: &App,
    tenant: &Tenant,
    name: &SessionName,
) -> Result<ChainRef, ApiError> {
    let id = match name {
        SessionName::Id(id) => Some(*id),
        SessionName::Handle(handle) => app.storage.session_by_handle(tenant.id(), *handle).await?,
    };
    Ok(ChainRef {
        tenant: tenant.id(),
        chain: id.ok_or(ErrorCode::SessionNotFound)?,
    })
}

/// First and last epoch of each segment that `member` may open.
fn ranges(state: &SessionState, member: &Member) -> Vec<(u32, u32)> {
    let first_of = |segment: u32| {
        let epochs = state.epochs();
        epochs.partition_point(|epoch| epoch.segment < segment) as u32
    };
    let range = |segment: &u32| Some((first_of(*segment), state.newest_epoch_of(*segment)?));
    member.segments.iter().filter_map(range).collect()
}

/// A session's log from `from` on, with what `asker`'s identity may open. The
/// app's backend is no identity: it is shown groups' logs, and no session is
/// there for it.
pub(crate) async fn session(
    app: &App,
    tenant: &Tenant,
    asker: Option<&IdentityState>,
    at: ChainRef,
    from: u64,
    budget: &mut Budget,
) -> Result<SessionAnswer, ApiError> {
    for _ in 0..TRIES {
        let now_ms = app.clock.now_ms();
        let state = app.cache.session(&*app.storage, at).await?;
        let state = state.ok_or(ErrorCode::SessionNotFound)?;
        let word = operator::word(&*app.storage, at).await?;
        let readers = match asker {
            Some(asker) => memberships::readers(app, &state, &word, asker.id(), now_ms).await,
            None => Err(ErrorCode::SessionNotFound.into()),
        };
        let readers = match readers {
            // A group's log is for everybody, as identities' chains are.
            Err(_) if state.is_group() => Vec::new(),
            readers => readers?,
        };
        let is_inside = !readers.is_empty();
        let with_ranges = |it: Recipient| Some((it, ranges(&state, state.member(&it)?)));
        let read = Read {
            page: budget.next(from),
            readers: readers.into_iter().filter_map(with_ranges).collect(),
            wraps_per_range: WRAPS_PER_SEGMENT,
            now_ms,
        };
        let rows = app.storage.read(at, read).await?;
        let Some(mut rows) = rows else {
            return Err(ErrorCode::SessionNotFound.into());
        };
        // Access was decided on `state`; what was read must be of the same moment.
        if rows.head.position != state.tip().head {
            continue;
        }
        budget.spend(&rows);
        return Ok(SessionAnswer {
            session_id: B64x32(at.chain.0),
            from,
            entries: entries(&mut rows),
            head: tenant.head(at.chain, rows.head.position, now_ms),
            wraps: wraps(&mut rows)?,
            back_links: back_links(&mut rows),
            metadata: rows.metadata.take().filter(|_| is_inside).map(B64),
            tag: rows.tag.take().filter(|_| is_inside).map(B64),
            withdrawn: word.names().filter(|_| is_inside).collect(),
            more: rows.more,
        });
    }
    Err(ErrorCode::Unavailable.into())
}
