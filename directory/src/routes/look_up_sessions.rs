//! Several sessions at once.

use crate::answers::{self, Budget};
use crate::app::{App, Tenant};
use crate::auth::Sender;
use crate::openapi::ReadProblems;
use crate::problem::{ApiError, json};
use crate::request::{Raw, SessionName};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::limits::MAX_SESSION_LOOKUP;
use plico_protocol::wire::rest::{
    SessionAnswer, SessionFrom, SessionResult, SessionsFound, SessionsLookup,
};
use std::sync::Arc;

/// Read several sessions' logs.
///
/// Each has its own result. `TOO_LARGE` in one says that the answer is full:
/// ask for the rest again.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant}/sessions/lookup",
    operation_id = "lookUpSessions",
    tag = "sessions",
    params(("tenant" = B64x32, Path, description = "The tenant's id")),
    request_body = SessionsLookup,
    responses((status = 200, description = "One result for each, in the order asked for", body = SessionsFound), ReadProblems),
)]
pub(crate) async fn handle(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    raw.no_query()?;
    let (tenant, sender) = raw.sender(&app).await?;
    let body: SessionsLookup = raw.json()?;
    if body.sessions.len() > MAX_SESSION_LOOKUP {
        return Err(ApiError::from(ErrorCode::TooLarge).detail("at most 64 sessions at a time"));
    }
    let mut results = Vec::with_capacity(body.sessions.len());
    let mut budget = Budget::lookup();
    for wanted in body.sessions {
        let (answer, problem) = match one(&app, &tenant, &sender, &wanted, &mut budget).await {
            Ok(answer) => (Some(answer), None),
            Err(error) if error.code().status() >= 500 => return Err(error),
            Err(error) => (None, Some(error.problem())),
        };
        results.push(SessionResult { answer, problem });
    }
    Ok(json(StatusCode::OK, &SessionsFound { results }))
}

async fn one(
    app: &App,
    tenant: &Tenant,
    sender: &Sender,
    wanted: &SessionFrom,
    budget: &mut Budget,
) -> Result<SessionAnswer, ApiError> {
    let name = SessionName::from_bytes(&wanted.session.0)?;
    if budget.is_spent() {
        return Err(ApiError::from(ErrorCode::TooLarge)
            .detail("the answer is full; ask for this one again"));
    }
    let at = answers::find_session(app, tenant, &name).await?;
    answers::session(app, tenant, &sender.identity, at, wanted.from, budget).await
}
