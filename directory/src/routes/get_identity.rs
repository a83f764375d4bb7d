//! One identity's chain.

use crate::answers::{self, Budget};
use crate::app::App;
use crate::openapi::KeyProblems;
use crate::problem::{ApiError, json};
use crate::request::{Raw, id};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::rest::IdentityAnswer;
use std::sync::Arc;

/// Read an identity's chain.
///
/// The identity's own devices, and its recovery key, get their wraps and the
/// back-links too.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant}/identities/{identity}",
    operation_id = "getIdentity",
    tag = "identities",
    security(("signature" = []), ("service" = [])),
    params(
        ("tenant" = B64x32, Path, description = "The tenant's id"),
        ("identity" = B64x32, Path, description = "The identity's id"),
        ("from" = Option<u64>, Query, description = "The first entry wanted; 0 if absent"),
    ),
    responses((status = 200, description = "The chain, or a page of it", body = IdentityAnswer), KeyProblems),
)]
pub(crate) async fn handle(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    let (from, id) = (raw.from()?, id(raw.param("identity"))?);
    let (tenant, asker) = raw.owner_or_backend(&app).await?;
    let asker = asker.device();
    if asker.is_some_and(|it| it.by_recovery && it.id() != id) {
        return Err(ErrorCode::NotAllowed.into());
    }
    let answer = answers::identity(&app, &tenant, asker, id, from, &mut Budget::page()).await?;
    let answer = answer.ok_or(ErrorCode::IdentityNotFound)?;
    Ok(json(StatusCode::OK, &answer))
}
