//! From the app's own names to identities.

use crate::answers::{self, Budget};
use crate::app::App;
use crate::openapi::KeyProblems;
use crate::problem::{ApiError, json};
use crate::request::Raw;
use crate::standing;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use plico_protocol::format::ids::ChainId;
use plico_protocol::identity::attestation::check_user_id;
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::limits::MAX_LOOKUP;
use plico_protocol::wire::rest::{UserFound, UsersFound, UsersLookup};
use std::sync::Arc;

fn gone_to_none(id: Result<ChainId, ApiError>) -> Result<Option<ChainId>, ApiError> {
    match id {
        Ok(id) => Ok(Some(id)),
        Err(error) => match error.code() {
            ErrorCode::IdentityDisabled
            | ErrorCode::IdentityDeleted
            | ErrorCode::IdentityNotFound => Ok(None),
            _ => Err(error),
        },
    }
}

/// Find identities by user id.
///
/// Each answer holds the opening with the app backend's attestation, which the
/// client verifies: the directory's word alone counts for nothing.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant}/users/lookup",
    operation_id = "lookUpUsers",
    tag = "identities",
    security(("signature" = []), ("service" = [])),
    params(("tenant" = B64x32, Path, description = "The tenant's id")),
    request_body = UsersLookup,
    responses((status = 200, description = "Those that there are", body = UsersFound), KeyProblems),
)]
pub(crate) async fn handle(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    raw.no_query()?;
    let (tenant, asker) = raw.asker(&app).await?;
    let body: UsersLookup = raw.json()?;
    if body.user_ids.len() > MAX_LOOKUP {
        return Err(ApiError::from(ErrorCode::TooLarge).detail("at most 256 user ids at a time"));
    }
    for user_id in &body.user_ids {
        check_user_id(user_id).map_err(|error| ApiError::bad_request(error.to_string()))?;
    }
    let mut answer = UsersFound {
        found: Vec::new(),
        missing: Vec::new(),
    };
    let mut budget = Budget::lookup();
    for user_id in body.user_ids {
        let found = app.storage.user(tenant.id(), &user_id).await?;
        let active = match found {
            // Nothing new is to be shared with somebody who is disabled.
            Some(id) => standing::check(&app, tenant.id(), id).await.map(|()| id),
            None => Err(ErrorCode::IdentityNotFound.into()),
        };
        let identity = match gone_to_none(active)? {
            Some(id) => {
                answers::identity(&app, &tenant, asker.device(), id, 0, &mut budget).await?
            }
            None => None,
        };
        match identity {
            Some(identity) => answer.found.push(UserFound { user_id, identity }),
            None => answer.missing.push(user_id),
        }
    }
    Ok(json(StatusCode::OK, &answer))
}
