//! Several sessions at once.

use crate::answers::{self, Budget};
use crate::app::{App, Tenant};
use crate::auth::Sender;
use crate::openapi::KeyProblems;
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
/// ask for the rest again. The app's backend reads groups' logs here, and no
/// session.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant}/sessions/lookup",
    operation_id = "lookUpSessions",
    tag = "sessions",
    security(("signature" = []), ("service" = [])),
    params(("tenant" = B64x32, Path, description = "The tenant's id")),
    request_body = SessionsLookup,
    responses((status = 200, description = "One result for each, in the order asked for", body = SessionsFound), KeyProblems),
)]
pub(crate) async fn handle(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    raw.no_query()?;
    let (tenant, asker) = raw.asker(&app).await?;
    let asker = asker.device();
    let body: SessionsLookup = raw.json()?;
    if body.sessions.len() > MAX_SESSION_LOOKUP {
        return Err(ApiError::from(ErrorCode::TooLarge).detail("at most 64 sessions at a time"));
    }
    let mut results = Vec::with_capacity(body.sessions.len());
    let mut budget = Budget::lookup();
    for wanted in body.sessions {
        let (answer, problem) = match one(&app, &tenant, asker, &wanted, &mut budget).await {
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
    asker: Option<&Sender>,
    wanted: &SessionFrom,
    budget: &mut Budget,
) -> Result<SessionAnswer, ApiError> {
    let name = SessionName::from_bytes(&wanted.session.0)?;
    if budget.is_spent() {
        return Err(ApiError::from(ErrorCode::TooLarge)
            .detail("the answer is full; ask for this one again"));
    }
    let at = answers::find_session(app, tenant, &name).await?;
    let asker = asker.map(|it| &*it.identity);
    answers::session(app, tenant, asker, at, wanted.from, budget).await
}
