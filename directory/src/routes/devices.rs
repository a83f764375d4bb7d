//! What is known of an identity's devices besides the chain: when they were seen
//! last, and names that the directory can't read.

use crate::app::App;
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::{ApiError, json};
use crate::request::{Raw, id};
use crate::storage::{RecordChange, RecordKind, StorageError};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use plico_protocol::format::ids::{ChainId, KeyId};
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::b64::{B64, B64x32};
use plico_protocol::wire::rest::{DeviceLabel, DeviceNote, DeviceNotes};
use std::collections::BTreeMap;
use std::sync::Arc;

const MAX_LABEL: usize = 512;

async fn notes(app: &App, tenant: ChainId, identity: ChainId) -> Result<DeviceNotes, ApiError> {
    let mut notes: BTreeMap<[u8; 32], DeviceNote> = BTreeMap::new();
    for kind in [RecordKind::DeviceSeen, RecordKind::DeviceLabel] {
        let prefix = identity.as_bytes();
        for (key, value) in app.storage.records(tenant, kind, prefix).await? {
            let device = key.get(32..).and_then(|it| it.try_into().ok());
            let device: [u8; 32] = device.ok_or(StorageError::Damaged("a device's note"))?;
            let note = notes.entry(device).or_insert(DeviceNote {
                device: B64x32(device),
                seen_ms: 0,
                label: None,
            });
            match kind {
                RecordKind::DeviceSeen => {
                    let value = value.try_into();
                    let value = value.map_err(|_| StorageError::Damaged("a device's time"))?;
                    note.seen_ms = u64::from_be_bytes(value);
                }
                _ => note.label = Some(B64(value)),
            }
        }
    }
    Ok(DeviceNotes {
        devices: notes.into_values().collect(),
    })
}

/// List what is noted of an identity's devices.
///
/// Only its own devices may.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant}/identities/{identity}/devices",
    operation_id = "listDevices",
    tag = "identities",
    params(
        ("tenant" = B64x32, Path, description = "The tenant's id"),
        ("identity" = B64x32, Path, description = "The identity's id"),
    ),
    responses((status = 200, description = "What is noted", body = DeviceNotes), ReadProblems),
)]
pub(crate) async fn get(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    raw.no_query()?;
    let identity = id(raw.param("identity"))?;
    let (tenant, sender) = raw.sender(&app).await?;
    if sender.id() != identity {
        return Err(ErrorCode::NotAllowed.into());
    }
    let answer = notes(&app, tenant.id(), identity).await?;
    Ok(json(StatusCode::OK, &answer))
}

/// Name a device.
///
/// Only the identity's own devices may. The name is encrypted.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant}/identities/{identity}/devices/{device}",
    operation_id = "nameDevice",
    tag = "identities",
    params(
        ("tenant" = B64x32, Path, description = "The tenant's id"),
        ("identity" = B64x32, Path, description = "The identity's id"),
        ("device" = B64x32, Path, description = "The device's id"),
    ),
    request_body = DeviceLabel,
    responses((status = 200, description = "What is noted now", body = DeviceNotes), WriteProblems),
)]
pub(crate) async fn post(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    raw.no_query()?;
    let (identity, device) = (id(raw.param("identity"))?, id(raw.param("device"))?);
    let (tenant, sender) = raw.sender(&app).await?;
    if sender.id() != identity {
        return Err(ErrorCode::NotAllowed.into());
    }
    let body: DeviceLabel = raw.json()?;
    if body.label.0.len() > MAX_LABEL {
        return Err(ApiError::from(ErrorCode::TooLarge).detail("a label has at most 512 bytes"));
    }
    if sender.identity.active_device(&KeyId(device.0)).is_none() {
        return Err(ApiError::bad_request(
            "not an active device of this identity",
        ));
    }
    let key = [identity.0, device.0].concat();
    let change = match body.label.0.is_empty() {
        true => RecordChange::delete(RecordKind::DeviceLabel, &key),
        false => RecordChange::put(RecordKind::DeviceLabel, &key, body.label.0),
    };
    app.storage
        .put_records(tenant.id(), Some(&sender.nonce), &[change])
        .await?;
    let answer = notes(&app, tenant.id(), identity).await?;
    Ok(json(StatusCode::OK, &answer))
}
