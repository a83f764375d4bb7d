//! An identity deletes itself.

use crate::app::App;
use crate::backups;
use crate::openapi::WriteProblems;
use crate::problem::{ApiError, json};
use crate::request::{Raw, id};
use crate::standing::{self, Stored};
use crate::storage::{ChainRef, RecordChange, RecordKind, Write};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use plico_protocol::chain::Replay as _;
use plico_protocol::format::ids::Kind;
use plico_protocol::identity::backup::BackupKind;
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::accept::Effects;
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::rest::StandingAnswer;
use std::sync::Arc;

/// Delete an identity.
///
/// Only one of its own devices may. Its wraps, back-links, backups and the
/// opening of its user id are deleted; the chain stays, without a name, so that
/// what it has signed can still be verified. There is no way back.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant}/identities/{identity}/delete",
    operation_id = "deleteIdentity",
    tag = "identities",
    params(
        ("tenant" = B64x32, Path, description = "The tenant's id"),
        ("identity" = B64x32, Path, description = "The identity's id"),
    ),
    responses((status = 200, description = "It is deleted", body = StandingAnswer), WriteProblems),
)]
pub(crate) async fn handle(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    raw.no_query()?;
    let identity = id(raw.param("identity"))?;
    let (tenant, sender) = raw.sender(&app).await?;
    if sender.id() != identity {
        return Err(ErrorCode::NotAllowed.into());
    }
    let at = ChainRef {
        tenant: tenant.id(),
        chain: identity,
    };
    let before = standing::read(&*app.storage, at.tenant, identity).await?;
    let effects = Effects {
        ended: true,
        ..Effects::default()
    };
    let head = sender.identity.tip().head;
    let mut write = Write::new(at, Kind::Identity, Some(head), effects);
    write.nonce = Some(sender.nonce);
    write.unbind = true;
    write.records = vec![Stored::Deleted.change(identity, before)];
    for kind in BackupKind::ALL {
        let key = backups::key(identity, kind);
        write
            .records
            .push(RecordChange::delete(RecordKind::Backup, &key));
        let tries = RecordChange::delete(RecordKind::BackupTries, &key);
        write.records.push(tries);
    }
    for recovery in sender.identity.recoveries() {
        let key = recovery.id.as_bytes();
        let gone = RecordChange::delete(RecordKind::RecoveryKey, key);
        write.records.push(gone);
    }
    for (device, _) in sender.identity.devices() {
        let key = [identity.0, device.0].concat();
        for kind in [RecordKind::DeviceSeen, RecordKind::DeviceLabel] {
            write.records.push(RecordChange::delete(kind, &key));
        }
    }
    app.storage.apply(&write).await?;
    let answer = StandingAnswer {
        standing: Stored::Deleted.name().to_owned(),
    };
    Ok(json(StatusCode::OK, &answer))
}
