//! Handing a backup out to somebody who has no device.

use crate::app::App;
use crate::auth::check_media_type;
use crate::backups;
use crate::openapi::BackupProblems;
use crate::problem::{ApiError, json};
use crate::request::Raw;
use crate::standing;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use plico_protocol::identity::attestation::check_user_id;
use plico_protocol::identity::backup::{BackupKind, is_access};
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::b64::{B64, B64x32};
use plico_protocol::wire::rest::{BackupFetch, BackupFound};
use std::sync::Arc;

/// Fetch a backup.
///
/// Not signed: who asks has no device. Against the access secret that comes
/// from the same passphrase, or host's secret, as the backup's key. Five wrong
/// tries, then one more every half hour, whatever happens to the directory in
/// the meantime.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant}/backups/fetch",
    operation_id = "fetchBackup",
    tag = "backups",
    security(()),
    params(("tenant" = B64x32, Path, description = "The tenant's id")),
    request_body = BackupFetch,
    responses((status = 200, description = "The backup", body = BackupFound), BackupProblems),
)]
pub(crate) async fn handle(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    raw.no_query()?;
    let tenant = raw.tenant(&app).await?.id();
    check_media_type(&raw.headers)?;
    let body: BackupFetch = raw.json()?;
    check_user_id(&body.user_id).map_err(|error| ApiError::bad_request(error.to_string()))?;
    let kind = BackupKind::from_u8(body.kind).ok_or(ErrorCode::NeedsNewerClient)?;
    let refused = || ApiError::from(ErrorCode::BackupRefused);
    let identity = app.storage.user(tenant, &body.user_id).await?;
    let identity = identity.ok_or_else(refused)?;
    let key = backups::key(identity, kind);
    let stored = backups::read(&app, tenant, identity, kind).await?;
    let stored = stored.ok_or_else(refused)?;
    backups::count_try(&app, tenant, &key).await?;
    if !is_access(&stored.access_hash, &body.access.0) {
        return Err(refused());
    }
    backups::forgive(&app, tenant, &key).await?;
    standing::check(&app, tenant, identity).await?;
    let answer = BackupFound {
        backup: B64(stored.backup.as_slice().to_vec()),
    };
    Ok(json(StatusCode::OK, &answer))
}
