//! The development server's stand-in for an app's backend.

use crate::app::App;
use crate::auth::check_media_type;
use crate::openapi::DevProblems;
use crate::problem::{ApiError, json};
use crate::request::Raw;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use plico_protocol::format::ids::ChainId;
use plico_protocol::format::keys::KeyRecord;
use plico_protocol::identity::Attestation;
use plico_protocol::identity::attestation::{MAX_LIFETIME_S, check_user_id};
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::rest::{DevEnrolment, DevToken};
use std::sync::Arc;

/// Sign an enrolment token for whoever asks.
///
/// Only where the directory runs as `plico-directory dev`. In production the
/// app's backend does this, for a user that has logged in there.
#[utoipa::path(
    post,
    path = "/dev/tenants/{tenant}/enrolment",
    operation_id = "devEnrolment",
    tag = "development",
    security(()),
    params(("tenant" = B64x32, Path, description = "The tenant's id")),
    request_body = DevEnrolment,
    responses((status = 200, description = "A token, valid for five minutes", body = DevToken), DevProblems),
)]
pub(crate) async fn handle(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    raw.no_query()?;
    let tenant = raw.tenant(&app).await?;
    check_media_type(&raw.headers)?;
    let body: DevEnrolment = raw.json()?;
    check_user_id(&body.user_id).map_err(|error| ApiError::bad_request(error.to_string()))?;
    let key = app.dev.as_ref().ok_or(ErrorCode::NotFound)?;
    let key_id = KeyRecord::signing(&key.verifying_key()).id();
    let ours = tenant.state.enrolment_key(&key_id);
    if ours.is_none_or(|key| key.revoked_ms.is_some()) {
        return Err(ErrorCode::TenantNotFound.into());
    }
    let issued_ms = app.clock.now_ms();
    let attestation = Attestation {
        user_id: body.user_id,
        identity: ChainId(body.identity_id.0),
        number: body.number.unwrap_or(1),
        issued_ms,
        expires_ms: issued_ms.saturating_add(MAX_LIFETIME_S * 1000),
    };
    let token = attestation.sign(tenant.id(), key_id, key);
    Ok(json(StatusCode::OK, &DevToken { token }))
}
