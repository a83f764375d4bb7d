//! The app's backend disables an identity, or lets it be active again.

use crate::app::App;
use crate::auth::{check_media_type, check_token_life, invalid_token};
use crate::openapi::StandingProblems;
use crate::problem::{ApiError, json};
use crate::request::{Raw, id};
use crate::standing::{self, Stored};
use crate::storage::ChainRef;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use plico_protocol::identity::standing::StandingToken;
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::rest::{StandingAnswer, StandingChange};
use std::sync::Arc;

/// Disable an identity, or lift that.
///
/// Not signed: the app's backend vouches by a token. A disabled identity can do
/// nothing and is given no wraps; its chain and all that it has signed stay,
/// and so does its hold on the user id. The same token again gives the same
/// success; one that was issued before the last is a `CONFLICT`.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant}/identities/{identity}/standing",
    operation_id = "setStanding",
    tag = "identities",
    security(()),
    params(
        ("tenant" = B64x32, Path, description = "The tenant's id"),
        ("identity" = B64x32, Path, description = "The identity's id"),
    ),
    request_body = StandingChange,
    responses((status = 200, description = "What it is now", body = StandingAnswer), StandingProblems),
)]
pub(crate) async fn handle(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    raw.no_query()?;
    let identity = id(raw.param("identity"))?;
    let tenant = raw.tenant(&app).await?;
    check_media_type(&raw.headers)?;
    let body: StandingChange = raw.json()?;
    let token = StandingToken::verify(&body.token, &tenant.state);
    let token = token.map_err(|error| invalid_token(&error))?;
    if token.identity != identity {
        return Err(ErrorCode::EnrolmentInvalid.into());
    }
    check_token_life(&app, token.issued_ms, token.expires_ms)?;
    let at = ChainRef {
        tenant: tenant.id(),
        chain: identity,
    };
    if app.cache.identity(&*app.storage, at).await?.is_none() {
        return Err(ErrorCode::IdentityNotFound.into());
    }
    let before = standing::read(&*app.storage, at.tenant, identity).await?;
    let after = Stored::By(token.standing, token.issued_ms);
    match before {
        Some(Stored::Deleted) => return Err(ErrorCode::IdentityDeleted.into()),
        Some(before) if before == after => {}
        Some(Stored::By(_, at_ms)) if at_ms >= token.issued_ms => {
            return Err(ErrorCode::Conflict.into());
        }
        _ => {
            let change = after.change(identity, before);
            app.storage.put_records(at.tenant, None, &[change]).await?;
        }
    }
    let answer = StandingAnswer {
        standing: after.name().to_owned(),
    };
    Ok(json(StatusCode::OK, &answer))
}
