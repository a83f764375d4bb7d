//! The tenant's own chain, from which clients take whom to believe.

use crate::answers::Budget;
use crate::app::App;
use crate::openapi::OpenProblems;
use crate::problem::{ApiError, json};
use crate::request::Raw;
use crate::storage::{ChainRef, Read};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::b64::{B64, B64x32};
use plico_protocol::wire::limits::{PROTOCOL_MAX, PROTOCOL_MIN};
use plico_protocol::wire::rest::TenantAnswer;
use std::sync::Arc;

/// Read a tenant's chain.
///
/// Not signed: it is what a client reads first.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant}",
    operation_id = "getTenant",
    tag = "tenants",
    security(()),
    params(
        ("tenant" = B64x32, Path, description = "The tenant's id"),
        ("from" = Option<u64>, Query, description = "The first entry wanted; 0 if absent"),
    ),
    responses((status = 200, description = "The chain, or a page of it", body = TenantAnswer), OpenProblems),
)]
pub(crate) async fn handle(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    let from = raw.from()?;
    let tenant = raw.tenant(&app).await?;
    let at = ChainRef {
        tenant: tenant.id(),
        chain: tenant.id(),
    };
    let now_ms = app.clock.now_ms();
    let read = Read {
        page: Budget::page().next(from),
        readers: Vec::new(),
        wraps_per_range: 0,
        now_ms,
    };
    let rows = app.storage.read(at, read).await?;
    let rows = rows.ok_or(ErrorCode::TenantNotFound)?;
    let answer = TenantAnswer {
        tenant_id: B64x32(tenant.id().0),
        protocol_min: PROTOCOL_MIN,
        protocol_max: PROTOCOL_MAX,
        from,
        head: tenant.head(at.chain, rows.head.position, now_ms),
        entries: rows.entries.into_iter().map(B64).collect(),
        more: rows.more,
    };
    Ok(json(StatusCode::OK, &answer))
}
