//! Whose recovery key this is.

use crate::app::App;
use crate::openapi::FindProblems;
use crate::problem::{ApiError, json};
use crate::request::{Raw, id};
use crate::storage::{RecordKind, StorageError};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::rest::RecoveryFound;
use std::sync::Arc;

/// Find the identity that a recovery key belongs to.
///
/// Not signed: whoever knows the key's id has the key, or has read the
/// identity's chain. The client verifies the answer: the chain must hold the
/// key's own proof.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant}/recovery/{key}",
    operation_id = "findRecovery",
    tag = "identities",
    security(()),
    params(
        ("tenant" = B64x32, Path, description = "The tenant's id"),
        ("key" = B64x32, Path, description = "The id of the recovery key's signing key"),
    ),
    responses((status = 200, description = "Its identity", body = RecoveryFound), FindProblems),
)]
pub(crate) async fn handle(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    raw.no_query()?;
    let key = id(raw.param("key"))?;
    let tenant = raw.tenant(&app).await?;
    let found = app
        .storage
        .record(tenant.id(), RecordKind::RecoveryKey, key.as_bytes());
    let found = found.await?.ok_or(ErrorCode::RecoveryKeyUnknown)?;
    let found = found
        .try_into()
        .map_err(|_| StorageError::Damaged("a recovery key's identity"))?;
    let answer = RecoveryFound {
        identity_id: B64x32(found),
    };
    Ok(json(StatusCode::OK, &answer))
}
