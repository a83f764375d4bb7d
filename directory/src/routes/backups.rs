//! An identity's backups: what there are, and changing them.

use crate::app::App;
use crate::backups::{self, StoredBackup};
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::{ApiError, json};
use crate::request::{Raw, id};
use crate::storage::{RecordChange, RecordKind};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use plico_protocol::format::encode;
use plico_protocol::format::ids::{ChainId, KeyId};
use plico_protocol::format::opaque::Opaque;
use plico_protocol::identity::backup::{BackupKind, MAX_BACKUP};
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::rest::{BackupChange, BackupInfo, BackupUpload, Backups};
use std::sync::Arc;

fn kind(number: u8) -> Result<BackupKind, ApiError> {
    BackupKind::from_u8(number).ok_or_else(|| ErrorCode::NeedsNewerClient.into())
}

async fn list(app: &App, tenant: ChainId, identity: ChainId) -> Result<Backups, ApiError> {
    let mut answer = Backups {
        backups: Vec::new(),
    };
    for kind in BackupKind::ALL {
        if let Some(stored) = backups::read(app, tenant, identity, kind).await? {
            answer.backups.push(BackupInfo {
                kind: kind.to_u8(),
                device: B64x32(stored.device),
                generation: stored.generation,
                mark: B64x32(stored.mark),
                stored_ms: stored.stored_ms,
            });
        }
    }
    Ok(answer)
}

/// List an identity's backups.
///
/// Only its own devices may. Not the backups themselves.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant}/identities/{identity}/backups",
    operation_id = "listBackups",
    tag = "backups",
    params(
        ("tenant" = B64x32, Path, description = "The tenant's id"),
        ("identity" = B64x32, Path, description = "The identity's id"),
    ),
    responses((status = 200, description = "What there is", body = Backups), ReadProblems),
)]
pub(crate) async fn get(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    raw.no_query()?;
    let id = id(raw.param("identity"))?;
    let (tenant, sender) = raw.sender(&app).await?;
    if sender.id() != id {
        return Err(ErrorCode::NotAllowed.into());
    }
    let answer = list(&app, tenant.id(), id).await?;
    Ok(json(StatusCode::OK, &answer))
}

/// Put or delete backups.
///
/// Only the identity's own devices may. One that is put takes the place of the
/// one of its kind; what is replaced or deleted is gone from the database.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant}/identities/{identity}/backups",
    operation_id = "changeBackups",
    tag = "backups",
    params(
        ("tenant" = B64x32, Path, description = "The tenant's id"),
        ("identity" = B64x32, Path, description = "The identity's id"),
    ),
    request_body = BackupChange,
    responses((status = 200, description = "What there is now", body = Backups), WriteProblems),
)]
pub(crate) async fn post(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    raw.no_query()?;
    let id = id(raw.param("identity"))?;
    let (tenant, sender) = raw.sender(&app).await?;
    if sender.id() != id {
        return Err(ErrorCode::NotAllowed.into());
    }
    let body: BackupChange = raw.json()?;
    let mut changes = Vec::new();
    for number in &body.delete {
        changes.push(RecordChange::delete(
            RecordKind::Backup,
            &backups::key(id, kind(*number)?),
        ));
    }
    if let Some(put) = body.put {
        let device = KeyId(put.device.0);
        if sender.identity.active_device(&device).is_none() {
            return Err(ApiError::bad_request(
                "the backup's device is not an active one of this identity",
            ));
        }
        changes.push(stored(id, put, app.clock.now_ms())?);
    }
    app.storage
        .put_records(tenant.id(), Some(&sender.nonce), &changes)
        .await?;
    let answer = list(&app, tenant.id(), id).await?;
    Ok(json(StatusCode::OK, &answer))
}

fn stored(identity: ChainId, put: BackupUpload, now_ms: u64) -> Result<RecordChange, ApiError> {
    if put.backup.0.len() > MAX_BACKUP {
        return Err(ApiError::from(ErrorCode::TooLarge).detail("a backup has at most 8 KiB"));
    }
    let key = backups::key(identity, kind(put.kind)?);
    let stored = StoredBackup {
        access_hash: put.access_hash.0,
        device: put.device.0,
        generation: put.generation,
        mark: put.mark.0,
        stored_ms: now_ms,
        backup: Opaque::new(put.backup.0),
    };
    Ok(RecordChange::put(RecordKind::Backup, &key, encode(&stored)))
}
