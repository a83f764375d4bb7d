//! For whatever watches the process.

use crate::app::App;
use crate::openapi::HealthProblems;
use crate::problem::ApiError;
use axum::extract::State;
use axum::http::StatusCode;
use std::sync::Arc;

/// Whether the process runs.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "getHealth",
    tag = "operation",
    security(()),
    responses((status = 204, description = "It runs"), HealthProblems),
)]
pub(crate) async fn live() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Whether the database answers.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "getReadiness",
    tag = "operation",
    security(()),
    responses((status = 204, description = "It answers"), HealthProblems),
)]
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Result<StatusCode, ApiError> {
    app.storage.ping().await?;
    Ok(StatusCode::NO_CONTENT)
}
