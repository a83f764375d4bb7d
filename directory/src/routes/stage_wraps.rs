//! Wraps that do not fit into the request of their entry.

use crate::app::App;
use crate::openapi::WriteProblems;
use crate::problem::{ApiError, json};
use crate::request::Raw;
use crate::{staging, writes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::rest::{Staged, StagedWraps};
use std::sync::Arc;

/// Upload a part of an entry's wraps ahead of the entry.
///
/// They take effect with the entry, all at once; until then nobody is given
/// them, and after an hour without it they are deleted. The same part again
/// takes the place of the one before. An identity has at most 16 parts at a time.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant}/wraps",
    operation_id = "stageWraps",
    tag = "sessions",
    params(("tenant" = B64x32, Path, description = "The tenant's id")),
    request_body = StagedWraps,
    responses((status = 200, description = "The part is there", body = Staged), WriteProblems),
)]
pub(crate) async fn handle(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    raw.no_query()?;
    let (tenant, sender) = raw.sender(&app).await?;
    let body: StagedWraps = raw.json()?;
    writes::check_nonce(&app, tenant.id(), &sender).await?;
    let expires_ms = staging::stage(&app, tenant.id(), &sender, &body).await?;
    Ok(json(StatusCode::OK, &Staged { expires_ms }))
}
