//! Where somebody is a recipient.

use crate::app::App;
use crate::memberships;
use crate::openapi::ReadProblems;
use crate::problem::{ApiError, json};
use crate::request::Raw;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use plico_protocol::format::ids::{ChainId, Kind, Recipient};
use plico_protocol::rights::MAX_HEIGHT;
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::rest::{Memberships, MembershipsLookup};
use std::sync::Arc;

/// As many as the storage gives at a time.
const PAGE: usize = 1_024;

/// List sessions or groups.
///
/// Those in which the asking identity is a recipient now; or a group, which the
/// identity must be in. With `tag`, only those that have it.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant}/memberships/lookup",
    operation_id = "lookUpMemberships",
    tag = "sessions",
    params(("tenant" = B64x32, Path, description = "The tenant's id")),
    request_body = MembershipsLookup,
    responses((status = 200, description = "A page of ids", body = Memberships), ReadProblems),
)]
pub(crate) async fn handle(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    raw.no_query()?;
    let (tenant, sender) = raw.sender(&app).await?;
    let body: MembershipsLookup = raw.json()?;
    let kind = Kind::from_u8(body.kind).filter(|it| matches!(it, Kind::Group | Kind::Session));
    let kind = kind.ok_or_else(|| ApiError::bad_request("`kind` is 3 or 4"))?;
    let me = Recipient::identity(sender.id());
    let of = match body.group {
        None => me,
        Some(group) => {
            let (group, now_ms) = (ChainId(group.0), app.clock.now_ms());
            let inside = memberships::is_in(&app, tenant.id(), group, me, now_ms, MAX_HEIGHT);
            if !inside.await? {
                return Err(ErrorCode::GroupNotFound.into());
            }
            Recipient::group(group)
        }
    };
    let after = body.after.map(|it| ChainId(it.0));
    let tag = body.tag.as_deref();
    let chains = app.storage.chains_of(tenant.id(), of, kind, tag, after);
    let chains = chains.await?;
    let found = Memberships {
        more: chains.len() == PAGE,
        chains: chains.into_iter().map(|it| B64x32(it.0)).collect(),
    };
    Ok(json(StatusCode::OK, &found))
}
