//! An identity's own entries: devices and user keys.

use crate::app::{App, blocking};
use crate::openapi::WriteProblems;
use crate::problem::{ApiError, json};
use crate::request::{Raw, id};
use crate::storage::{ChainRef, Write};
use crate::writes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use plico_protocol::chain::Replay as _;
use plico_protocol::format::ids::Kind;
use plico_protocol::identity::state::USE_RECOVERY;
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::accept::accept_identity;
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::rest::{Append, Appended};
use std::sync::Arc;

/// Append to an identity's chain.
///
/// Only the identity's own devices may, and its recovery key, to add a device:
/// then the first entry is that. All entries or none; sending entries
/// again that are already there gives the same success.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant}/identities/{identity}/entries",
    operation_id = "addIdentityEntries",
    tag = "identities",
    params(
        ("tenant" = B64x32, Path, description = "The tenant's id"),
        ("identity" = B64x32, Path, description = "The identity's id"),
    ),
    request_body = Append,
    responses((status = 200, description = "Appended", body = Appended), WriteProblems),
)]
pub(crate) async fn handle(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    raw.no_query()?;
    let id = id(raw.param("identity"))?;
    let (tenant, sender) = raw.owner(&app).await?;
    let body: Append = raw.json()?;
    let at = ChainRef {
        tenant: tenant.id(),
        chain: id,
    };
    if sender.id() != id {
        let there = app.cache.identity(&*app.storage, at).await?.is_some();
        return Err(if there {
            ErrorCode::NotAllowed.into()
        } else {
            ErrorCode::IdentityNotFound.into()
        });
    }
    let uploads = writes::uploads(&body.entries)?;
    let first = uploads.first().map(|it| it.entry.entry.entry_type);
    if sender.by_recovery && first != Some(USE_RECOVERY) {
        return Err(ApiError::from(ErrorCode::NotAllowed)
            .detail("a recovery key adds a device, nothing else"));
    }
    writes::check_nonce(&app, at.tenant, &sender).await?;
    let position = if writes::is_resend(&app, at, id, &uploads).await? {
        writes::resent(&app, at, &sender).await?
    } else {
        let before = sender.identity.tip().head;
        let number = |state: &plico_protocol::identity::IdentityState| {
            state.binding().map(|binding| binding.body.number)
        };
        let (old_number, start) = (number(&sender.identity), sender.identity.clone());
        let accepted =
            blocking(move || accept_identity(Some(Arc::unwrap_or_clone(start)), &uploads));
        let now_ms = app.clock.now_ms();
        let (state, effects) = accepted
            .await?
            .map_err(|error| ApiError::refused(&error, now_ms))?;
        if number(&state) != old_number {
            return Err(ApiError::from(ErrorCode::EntryInvalid)
                .detail("a user id is bound at enrolment only"));
        }
        let mut write = Write::new(at, Kind::Identity, Some(before), effects);
        write.nonce = Some(sender.nonce);
        write.records = writes::recovery_records(Some(&sender.identity), &state);
        app.storage.apply(&write).await?;
        let state = Arc::new(state);
        app.cache.put_identity(at, &state);
        state.tip().head
    };
    let head = tenant.head(id, position, app.clock.now_ms());
    Ok(json(StatusCode::OK, &Appended { head }))
}
