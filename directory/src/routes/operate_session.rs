//! The tenant's operator takes a recipient's access away, gives it back, or
//! destroys a session.

use crate::app::App;
use crate::openapi::OperatorProblems;
use crate::operator::{self, OperatorWord};
use crate::problem::{ApiError, json};
use crate::request::{Raw, id};
use crate::routes::add_session_entries::kind_of;
use crate::storage::{ChainRef, Write};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use plico_protocol::identity::operator::OperatorAction;
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::accept::Effects;
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::rest::{OperatorAnswer, OperatorRequest};
use std::sync::Arc;

/// How often destroying is begun anew when the chain moves in between.
const TRIES: usize = 8;

/// Withdraw a recipient of a session or group, lift that, or destroy it.
///
/// Not signed: the app's backend vouches by a token. Whoever is withdrawn is
/// given no wraps and may write nothing; the next writer begins an epoch without
/// them. Destroying deletes all but the log, for ever. The same token again gives
/// the same success; one that was issued before the last is a `CONFLICT`.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant}/sessions/{session}/operator",
    operation_id = "operateSession",
    tag = "sessions",
    security(()),
    params(
        ("tenant" = B64x32, Path, description = "The tenant's id"),
        ("session" = B64x32, Path, description = "The session's or group's id"),
    ),
    request_body = OperatorRequest,
    responses((status = 200, description = "What the operator has said of it by now", body = OperatorAnswer), OperatorProblems),
)]
pub(crate) async fn handle(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    raw.no_query()?;
    let session = id(raw.param("session"))?;
    let tenant = raw.tenant(&app).await?;
    crate::auth::check_media_type(&raw.headers)?;
    let body: OperatorRequest = raw.json()?;
    let token = operator::verify(&app, &tenant, &body.token)?;
    let (of, change) = match token.action {
        OperatorAction::Withdraw(of, who) => (of, Some((who, true))),
        OperatorAction::Lift(of, who) => (of, Some((who, false))),
        OperatorAction::Destroy(of) => (of, None),
        OperatorAction::Find => return Err(ErrorCode::EnrolmentInvalid.into()),
    };
    if of != session {
        return Err(ErrorCode::EnrolmentInvalid.into());
    }
    let at = ChainRef {
        tenant: tenant.id(),
        chain: session,
    };
    let state = app.cache.session(&*app.storage, at).await?;
    if state.is_none() {
        return Err(ErrorCode::SessionNotFound.into());
    }
    match change {
        Some((who, withdraw)) => {
            let word = operator::word(&*app.storage, at).await?;
            let now_ms = app.clock.now_ms();
            let change = word.change(at, who, withdraw, token.issued_ms, now_ms)?;
            if let Some(change) = change {
                app.storage.put_records(at.tenant, None, &[change]).await?;
            }
        }
        None => destroy(&app, at, token.issued_ms).await?,
    }
    let word = operator::word(&*app.storage, at).await?;
    let answer = OperatorAnswer {
        withdrawn: word.names().collect(),
        destroyed: word.destroyed,
    };
    Ok(json(StatusCode::OK, &answer))
}

async fn destroy(app: &App, at: ChainRef, issued_ms: u64) -> Result<(), ApiError> {
    for _ in 0..TRIES {
        if operator::word(&*app.storage, at).await?.destroyed {
            return Ok(());
        }
        let state = app.cache.session(&*app.storage, at).await?;
        let state = state.ok_or(ErrorCode::SessionNotFound)?;
        let effects = Effects {
            ended: true,
            ..Effects::default()
        };
        let mut write = Write::new(at, kind_of(&state), Some(state.tip().head), effects);
        write.records = vec![OperatorWord::destruction(at, issued_ms)];
        match app.storage.apply(&write).await {
            Err(crate::storage::WriteError::Conflict) => {}
            done => return Ok(done?),
        }
    }
    Err(ErrorCode::Unavailable.into())
}
