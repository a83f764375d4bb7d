//! One session's log.

use crate::answers::{self, Budget};
use crate::app::App;
use crate::openapi::KeyProblems;
use crate::problem::{ApiError, json};
use crate::request::{Raw, SessionName};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::rest::SessionAnswer;
use std::sync::Arc;

/// Read a session's log.
///
/// With the wraps and back-links of the segments that the asking identity may
/// open. Only for recipients; a group's log is for everybody in the tenant, and
/// for the app's backend.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant}/sessions/{session}",
    operation_id = "getSession",
    tag = "sessions",
    security(("signature" = []), ("service" = [])),
    params(
        ("tenant" = B64x32, Path, description = "The tenant's id"),
        ("session" = String, Path, description = "The session's id, or the first 16 bytes of it as an envelope's header has them, in base64url"),
        ("from" = Option<u64>, Query, description = "The first entry wanted; 0 if absent"),
    ),
    responses((status = 200, description = "The log, or a page of it", body = SessionAnswer), KeyProblems),
)]
pub(crate) async fn handle(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    let from = raw.from()?;
    let name = SessionName::from_text(raw.param("session"))?;
    let (tenant, asker) = raw.asker(&app).await?;
    let asker = asker.device().map(|it| &*it.identity);
    let at = answers::find_session(&app, &tenant, &name).await?;
    let budget = &mut Budget::page();
    let answer = answers::session(&app, &tenant, asker, at, from, budget).await?;
    Ok(json(StatusCode::OK, &answer))
}
