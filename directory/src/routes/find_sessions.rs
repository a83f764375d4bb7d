//! The app's backend finds sessions by the tag that it may see.

use crate::app::App;
use crate::openapi::OperatorProblems;
use crate::operator;
use crate::problem::{ApiError, json};
use crate::request::Raw;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use plico_protocol::format::ids::{ChainId, Kind};
use plico_protocol::identity::operator::OperatorAction;
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::rest::{Memberships, SessionsFind};
use std::sync::Arc;

/// As many as the storage gives at a time.
const PAGE: usize = 1_024;

/// Find sessions by their tag.
///
/// Not signed: the app's backend vouches by a token. It learns their ids and
/// nothing else.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant}/sessions/find",
    operation_id = "findSessions",
    tag = "sessions",
    security(()),
    params(("tenant" = B64x32, Path, description = "The tenant's id")),
    request_body = SessionsFind,
    responses((status = 200, description = "A page of ids", body = Memberships), OperatorProblems),
)]
pub(crate) async fn handle(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    raw.no_query()?;
    let tenant = raw.tenant(&app).await?;
    crate::auth::check_media_type(&raw.headers)?;
    let body: SessionsFind = raw.json()?;
    let token = operator::verify(&app, &tenant, &body.token)?;
    if token.action != OperatorAction::Find {
        return Err(ErrorCode::EnrolmentInvalid.into());
    }
    let after = body.after.map(|it| ChainId(it.0));
    let found = app
        .storage
        .chains_tagged(tenant.id(), Kind::Session, &body.tag, after);
    let chains = found.await?;
    let found = Memberships {
        more: chains.len() == PAGE,
        chains: chains.into_iter().map(|it| B64x32(it.0)).collect(),
    };
    Ok(json(StatusCode::OK, &found))
}
