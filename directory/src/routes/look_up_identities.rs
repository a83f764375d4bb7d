//! Several identities at once.

use crate::answers::{self, Budget};
use crate::app::App;
use crate::openapi::KeyProblems;
use crate::problem::{ApiError, json};
use crate::request::Raw;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use plico_protocol::format::ids::ChainId;
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::limits::MAX_LOOKUP;
use plico_protocol::wire::rest::{IdentitiesFound, IdentitiesLookup};
use std::sync::Arc;

/// Read several identities' chains.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant}/identities/lookup",
    operation_id = "lookUpIdentities",
    tag = "identities",
    security(("signature" = []), ("service" = [])),
    params(("tenant" = B64x32, Path, description = "The tenant's id")),
    request_body = IdentitiesLookup,
    responses((status = 200, description = "Those that there are", body = IdentitiesFound), KeyProblems),
)]
pub(crate) async fn handle(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    raw.no_query()?;
    let (tenant, asker) = raw.asker(&app).await?;
    let body: IdentitiesLookup = raw.json()?;
    if body.identities.len() > MAX_LOOKUP {
        return Err(ApiError::from(ErrorCode::TooLarge).detail("at most 256 identities at a time"));
    }
    let mut answer = IdentitiesFound {
        found: Vec::new(),
        missing: Vec::new(),
    };
    let mut budget = Budget::lookup();
    for wanted in body.identities {
        let id = ChainId(wanted.id.0);
        let found =
            answers::identity(&app, &tenant, asker.device(), id, wanted.from, &mut budget).await?;
        match found {
            Some(identity) => answer.found.push(identity),
            None => answer.missing.push(wanted.id),
        }
    }
    Ok(json(StatusCode::OK, &answer))
}
