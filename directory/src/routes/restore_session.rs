//! A session's entries, handed back to a directory that has lost them.

use crate::app::{App, Tenant, blocking};
use crate::auth::Sender;
use crate::cache::Known;
use crate::openapi::WriteProblems;
use crate::operator;
use crate::problem::{ApiError, json};
use crate::request::{Raw, id};
use crate::routes::add_session_entries::{expiries, kind_of};
use crate::storage::{ChainRef, Write, WriteError};
use crate::writes::{self, Done, Meeting};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use plico_protocol::chain::Replay as _;
use plico_protocol::format::ids::{ChainId, Position, Recipient};
use plico_protocol::rights::SessionState;
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::accept::{Effects, Window, accept_restore_session};
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::rest::{Appended, HandBack};
use plico_protocol::wire::upload::Upload;
use std::sync::Arc;

/// How often it is begun anew when a chain moves in between.
const TRIES: usize = 8;

/// Hand back a session's entries.
///
/// To a directory that was restored from a backup. Entries in a row, of which
/// it may have some already; all or none. Recipients and authors may.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant}/sessions/{session}/restore",
    operation_id = "restoreSession",
    tag = "sessions",
    params(
        ("tenant" = B64x32, Path, description = "The tenant's id"),
        ("session" = B64x32, Path, description = "The session's id"),
    ),
    request_body = HandBack,
    responses(
        (status = 200, description = "The session has these entries", body = Appended),
        (status = 201, description = "The session was not there and now is", body = Appended),
        WriteProblems,
    ),
)]
pub(crate) async fn handle(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    raw.no_query()?;
    let id = id(raw.param("session"))?;
    let (tenant, sender) = raw.sender(&app).await?;
    let body: HandBack = raw.json()?;
    if body.opening.is_some() {
        return Err(ApiError::bad_request("a session has no opening"));
    }
    let uploads = Arc::new(Upload::hand_back(&body.entries)?);
    writes::check_nonce(&app, tenant.id(), &sender).await?;
    let at = ChainRef {
        tenant: tenant.id(),
        chain: id,
    };
    for _ in 0..TRIES {
        match restore(&app, &tenant, &sender, at, &uploads).await? {
            Ok(done) => {
                let head = tenant.head(id, done.position, app.clock.now_ms());
                return Ok(json(done.status, &Appended { head }));
            }
            Err(WriteError::Conflict | WriteError::AuthorBehind) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ErrorCode::Unavailable.into())
}

/// One try. A [`WriteError`] says that something moved after it was read.
async fn restore(
    app: &App,
    tenant: &Tenant,
    sender: &Sender,
    at: ChainRef,
    uploads: &Arc<Vec<Upload>>,
) -> Result<Result<Done, WriteError>, ApiError> {
    if operator::word(&*app.storage, at).await?.destroyed {
        return Err(ErrorCode::SessionEnded.into());
    }
    let state = app.cache.session(&*app.storage, at).await?;
    let meeting = match &state {
        Some(state) => writes::meet(app, at, state.tip().head, uploads).await?,
        None if uploads.first().is_some_and(|it| it.entry.entry.seq == 0) => Meeting {
            stored: Vec::new(),
            follows: true,
        },
        None => return Err(ErrorCode::SessionNotFound.into()),
    };
    // Whoever knows nothing of the session isn't told that there is one.
    let me = Recipient::identity(sender.id());
    let stranger = !meeting.follows
        && state
            .as_ref()
            .is_some_and(|state| state.member(&me).is_none() && state.was_removed(&me).is_none());
    let expected = state.as_ref().map(|state| state.tip().head);
    let accepted = accept(app, sender.id(), at, state, meeting, uploads).await;
    let (state, effects, authors) = match accepted {
        Err(_) if stranger => return Err(ErrorCode::SessionNotFound.into()),
        accepted => accepted?,
    };
    if state.tenant_id() != tenant.id() || state.id() != at.chain {
        return Err(ErrorCode::EntryInvalid.into());
    }
    let expiries = expiries(&state, &effects);
    let mut write = Write::new(at, kind_of(&state), expected, effects);
    write.expiries = expiries;
    write.ends_ms = state.ends_ms();
    write.authors = authors;
    write.nonce = Some(sender.nonce);
    if let Err(error) = app.storage.apply(&write).await {
        return Ok(Err(error));
    }
    let state = Arc::new(state);
    app.cache.put_session(at, &state);
    let status = match expected {
        Some(_) => StatusCode::OK,
        None => StatusCode::CREATED,
    };
    Ok(Ok(Done {
        status,
        position: state.tip().head,
    }))
}

/// The authors of the new entries, and where their chains were found.
type Authors = Vec<(ChainId, Position)>;

/// Applies the protocol's rules, with the identities that they ask for.
async fn accept(
    app: &App,
    requester: ChainId,
    at: ChainRef,
    state: Option<Arc<SessionState>>,
    meeting: Meeting,
    uploads: &Arc<Vec<Upload>>,
) -> Result<(SessionState, Effects, Authors), ApiError> {
    let stored = Arc::new(meeting.stored);
    let mut known = Arc::new(Known::default());
    loop {
        let window = Window {
            now_ms: app.clock.now_ms(),
            restored_from_ms: app.restored_from_ms,
        };
        let (start, entries) = (state.clone(), Arc::clone(uploads));
        let (stored, with) = (Arc::clone(&stored), Arc::clone(&known));
        let accepted = blocking(move || {
            let start = start.map(Arc::unwrap_or_clone);
            accept_restore_session(
                at.chain, start, &stored, &entries, requester, &*with, window,
            )
        });
        let error = match accepted.await? {
            Ok((state, effects)) => {
                let authors = known
                    .identities
                    .iter()
                    .filter(|(id, _)| {
                        let mut all = uploads.iter();
                        all.any(|upload| upload.entry.entry.author.identity == **id)
                    })
                    .map(|(id, identity)| (*id, identity.tip().head))
                    .collect();
                return Ok((state, effects, authors));
            }
            Err(error) => error,
        };
        let more = Arc::make_mut(&mut known);
        writes::provide(app, at.tenant, more, error, window.now_ms).await?;
    }
}
