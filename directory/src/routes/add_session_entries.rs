//! A session's entries: grants, revocations, rotations, hand-overs, the end.

use crate::answers;
use crate::app::{App, blocking};
use crate::auth::Sender;
use crate::cache::Known;
use crate::memberships;
use crate::openapi::WriteProblems;
use crate::operator::{self, OperatorWord};
use crate::problem::{ApiError, json};
use crate::request::{Raw, SessionName};
use crate::staging;
use crate::storage::{ChainRef, Write};
use crate::writes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use plico_protocol::format::bodies::SessionBody;
use plico_protocol::format::ids::{ChainId, Kind, Position, Recipient};
use plico_protocol::rights::{MAX_HEIGHT, SessionState};
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::accept::{Effects, accept_session};
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::rest::{Append, Appended};
use plico_protocol::wire::upload::Upload;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Append to a session's log.
///
/// All entries or none, compare-and-set on the head. Sending entries again
/// that are already there gives the same success.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant}/sessions/{session}/entries",
    operation_id = "addSessionEntries",
    tag = "sessions",
    params(
        ("tenant" = B64x32, Path, description = "The tenant's id"),
        ("session" = String, Path, description = "The session's id, or the first 16 bytes of it, in base64url"),
    ),
    request_body = Append,
    responses((status = 200, description = "Appended", body = Appended), WriteProblems),
)]
pub(crate) async fn handle(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    raw.no_query()?;
    let name = SessionName::from_text(raw.param("session"))?;
    let (tenant, sender) = raw.sender(&app).await?;
    let body: Append = raw.json()?;
    let uploads = writes::session_uploads(&body.entries)?;
    writes::check_nonce(&app, tenant.id(), &sender).await?;
    let at = answers::find_session(&app, &tenant, &name).await?;
    let state = app.cache.session(&*app.storage, at).await?;
    let state = state.ok_or(ErrorCode::SessionNotFound)?;
    let position = if writes::is_resend(&app, at, sender.id(), &uploads).await? {
        staging::discard(&app, at.tenant, sender.id(), &staging::staged(&uploads)).await;
        writes::resent(&app, at, &sender).await?
    } else {
        let word = operator::word(&*app.storage, at).await?;
        memberships::readers(&app, &state, &word, sender.id(), app.clock.now_ms()).await?;
        accept_and_store(&app, &sender, at, Some(state), word, uploads).await?
    };
    let head = tenant.head(at.chain, position, app.clock.now_ms());
    Ok(json(StatusCode::OK, &Appended { head }))
}

/// Accepts entries on top of `state` and stores them; gives the new head. `word`
/// is what the operator has said of the chain.
pub(crate) async fn accept_and_store(
    app: &App,
    sender: &Sender,
    at: ChainRef,
    state: Option<Arc<SessionState>>,
    word: OperatorWord,
    uploads: Vec<Upload>,
) -> Result<Position, ApiError> {
    let staged = staging::staged(&uploads);
    let _turn = staging::turn(app, &staged).await?;
    let stored = async {
        let prepared = prepare(app, sender, at, state, word, uploads).await?;
        let mut write = prepared.write;
        write.nonce = Some(sender.nonce);
        app.storage.apply(&write).await?;
        app.cache.put_session(at, &prepared.state);
        Ok(prepared.state.tip().head)
    };
    let stored: Result<Position, ApiError> = stored.await;
    if stored
        .as_ref()
        .err()
        .is_none_or(|error| error.code().status() < 500)
    {
        staging::discard(app, at.tenant, sender.id(), &staged).await;
    }
    stored
}

/// What is to be stored, and the log after it.
pub(super) struct Prepared {
    pub(super) write: Write,
    pub(super) state: Arc<SessionState>,
}

/// Accepts entries on top of `state`; nothing is stored yet.
pub(super) async fn prepare(
    app: &App,
    sender: &Sender,
    at: ChainRef,
    state: Option<Arc<SessionState>>,
    word: OperatorWord,
    mut uploads: Vec<Upload>,
) -> Result<Prepared, ApiError> {
    let expected = state.as_ref().map(|state| state.tip().head);
    let groups = named_groups(&uploads)?;
    let records = staging::take(app, at.tenant, sender.id(), &mut uploads).await?;
    let (state, effects) = accept(app, sender, at, state, word, uploads).await?;
    if state.is_group() {
        check_nesting(app, at, &groups).await?;
    }
    if state.tenant_id() != at.tenant || state.id() != at.chain {
        return Err(ErrorCode::EntryInvalid.into());
    }
    let expiries = expiries(&state, &effects);
    let mut write = Write::new(at, kind_of(&state), expected, effects);
    write.expiries = expiries;
    write.ends_ms = state.ends_ms();
    write.authors = vec![sender.position()];
    write.authors.extend(groups);
    write.records = records;
    Ok(Prepared {
        write,
        state: Arc::new(state),
    })
}

/// As what its chain is stored.
pub(super) fn kind_of(state: &SessionState) -> Kind {
    if state.is_group() {
        Kind::Group
    } else {
        Kind::Session
    }
}

/// The groups that new entries are written through or grant to, and where the
/// entries say that these stand: there they must stand when the entries are
/// stored, else two groups could come to be in each other at the same moment.
fn named_groups(uploads: &[Upload]) -> Result<Vec<(ChainId, Position)>, ApiError> {
    let mut groups = BTreeMap::new();
    for upload in uploads {
        let entry = &upload.entry.entry;
        let body = SessionBody::decode(entry.entry_type, entry.body.as_slice());
        let body = body?;
        for (group, position) in body.groups() {
            groups.insert(group, position);
        }
    }
    Ok(groups.into_iter().collect())
}

/// Replay sees only what entries name; here all chains are as they are now.
async fn check_nesting(
    app: &App,
    at: ChainRef,
    groups: &[(ChainId, Position)],
) -> Result<(), ApiError> {
    let me = Recipient::group(at.chain);
    let now_ms = app.clock.now_ms();
    let above = memberships::above(app, at.tenant, me, MAX_HEIGHT).await?;
    for (group, _) in groups {
        let inside = memberships::is_in(app, at.tenant, *group, me, now_ms, MAX_HEIGHT);
        if *group == at.chain || inside.await? {
            return Err(ApiError::from(ErrorCode::EntryInvalid)
                .detail("the group contains the one that it would be added to"));
        }
        let below = memberships::height(app, at.tenant, *group, MAX_HEIGHT + 1).await?;
        if above + 1 + below > MAX_HEIGHT {
            return Err(ApiError::from(ErrorCode::EntryInvalid)
                .detail("groups would be nested more than four deep"));
        }
    }
    Ok(())
}

/// Applies the protocol's rules, with the identities that they ask for.
async fn accept(
    app: &App,
    sender: &Sender,
    at: ChainRef,
    state: Option<Arc<SessionState>>,
    word: OperatorWord,
    uploads: Vec<Upload>,
) -> Result<(SessionState, Effects), ApiError> {
    let requester = sender.id();
    if word.destroyed {
        return Err(ErrorCode::SessionEnded.into());
    }
    let withdrawn = Arc::new(word.withdrawn);
    let uploads = Arc::new(uploads);
    let mut known = Known::default();
    known
        .identities
        .insert(requester, Arc::clone(&sender.identity));
    let mut known = Arc::new(known);
    // Each entry asks for what it needs at once; a round that brings nothing ends it.
    loop {
        let now_ms = app.clock.now_ms();
        let (start, entries, with) = (state.clone(), uploads.clone(), known.clone());
        let without = withdrawn.clone();
        let accepted = blocking(move || {
            let start = start.map(Arc::unwrap_or_clone);
            accept_session(start, &entries, requester, &without, &*with, now_ms)
        });
        let error = match accepted.await? {
            Ok(accepted) => return Ok(accepted),
            Err(error) => error,
        };
        let more = Arc::make_mut(&mut known);
        writes::provide(app, at.tenant, more, error, now_ms).await?;
    }
}

/// The ends of all grants that the new entries have made, or wrapped for.
pub(super) fn expiries(state: &SessionState, effects: &Effects) -> BTreeMap<Recipient, u64> {
    let first = effects.entries.first().map_or(u64::MAX, |entry| entry.seq);
    let granted = state
        .members()
        .filter(|(_, member)| member.granted_seq >= first)
        .map(|(recipient, member)| (*recipient, member.expires_ms));
    let wrapped = effects.wraps.iter().filter_map(|wrap| {
        let member = state.member(&wrap.recipient)?;
        Some((wrap.recipient, member.expires_ms))
    });
    granted.chain(wrapped).collect()
}
