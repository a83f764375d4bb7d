//! New sessions.

use crate::app::App;
use crate::openapi::WriteProblems;
use crate::operator;
use crate::problem::{ApiError, json};
use crate::request::Raw;
use crate::routes::add_session_entries::accept_and_store;
use crate::staging;
use crate::storage::ChainRef;
use crate::writes::{self, Done};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::rest::{Append, Appended};
use std::sync::Arc;

/// Create a session.
///
/// Entry 0, and more entries after it if wanted: all or none. Sending the same
/// entries again gives the same success with 200.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant}/sessions",
    operation_id = "createSession",
    tag = "sessions",
    params(("tenant" = B64x32, Path, description = "The tenant's id")),
    request_body = Append,
    responses(
        (status = 200, description = "It was created before with these entries", body = Appended),
        (status = 201, description = "Created", body = Appended),
        WriteProblems,
    ),
)]
pub(crate) async fn handle(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    raw.no_query()?;
    let (tenant, sender) = raw.sender(&app).await?;
    let body: Append = raw.json()?;
    let uploads = writes::session_uploads(&body.entries)?;
    writes::check_nonce(&app, tenant.id(), &sender).await?;
    let first = uploads.first().map(|upload| &upload.entry.entry);
    let Some(first) = first.filter(|entry| entry.seq == 0) else {
        return Err(ApiError::from(ErrorCode::EntryInvalid).detail("there is no entry 0"));
    };
    let at = ChainRef {
        tenant: tenant.id(),
        chain: first.chain_id,
    };
    let done = match app.cache.session(&*app.storage, at).await? {
        Some(_) if writes::is_resend(&app, at, sender.id(), &uploads).await? => {
            staging::discard(&app, at.tenant, sender.id(), &staging::staged(&uploads)).await;
            Done {
                status: StatusCode::OK,
                position: writes::resent(&app, at, &sender).await?,
            }
        }
        Some(_) => return Err(ErrorCode::Conflict.into()),
        None => Done {
            status: StatusCode::CREATED,
            position: {
                let word = operator::word(&*app.storage, at).await?;
                accept_and_store(&app, &sender, at, None, word, uploads).await?
            },
        },
    };
    let head = tenant.head(at.chain, done.position, app.clock.now_ms());
    Ok(json(done.status, &Appended { head }))
}
