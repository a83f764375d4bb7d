//! Enrolment.

use crate::answers::{self, Budget};
use crate::app::{App, Tenant};
use crate::auth::{self, Sender};
use crate::openapi::WriteProblems;
use crate::problem::{ApiError, json};
use crate::request::Raw;
use crate::storage::{Binding, ChainRef, Write};
use crate::writes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use plico_protocol::format::bodies::{IdentityBody, UserIdOpening};
use plico_protocol::format::ids::{ChainId, KeyId, Kind};
use plico_protocol::format::keys::Authority;
use plico_protocol::format::{decode, encode};
use plico_protocol::primitives::sign::VerifyingKey;
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::accept::{AcceptError, Enrolled, accept_enrolment};
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::rest::{Enrol, IdentityAnswer};
use plico_protocol::wire::upload::Upload;
use std::sync::Arc;

/// Enrol a new identity.
///
/// Entry 0 and the binding of a user id, with the token of the app's backend
/// in the opening. Signed by the new identity's own device. Sending the same
/// entries again gives the same success with 200.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant}/identities",
    operation_id = "createIdentity",
    tag = "identities",
    params(("tenant" = B64x32, Path, description = "The tenant's id")),
    request_body = Enrol,
    responses(
        (status = 200, description = "It was enrolled before with these entries", body = IdentityAnswer),
        (status = 201, description = "Enrolled", body = IdentityAnswer),
        WriteProblems,
    ),
)]
pub(crate) async fn handle(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    raw.no_query()?;
    let tenant = raw.tenant(&app).await?;
    let parsed = auth::parse(&raw)?;
    let body: Enrol = raw.json()?;
    let uploads = writes::uploads(&body.entries)?;
    let opening: UserIdOpening = decode("opening", &body.opening.0)?;
    let (id, key_id, key) = first_device(&uploads)?;
    if parsed.params.identity != id || parsed.params.key != key_id {
        return Err(ApiError::from(ErrorCode::SignatureInvalid)
            .detail("an enrolment is signed by the device of its entry 0"));
    }
    let nonce = auth::verify(&app, &raw, &parsed, &key)?;
    let at = ChainRef {
        tenant: tenant.id(),
        chain: id,
    };
    let (status, sender) = match app.cache.identity(&*app.storage, at).await? {
        Some(identity) => {
            // Enrolled before: the key must still be one of its devices'.
            auth::device_key(&identity, &key_id).ok_or_else(auth::unknown_key)?;
            let sender = Sender {
                identity,
                key: key_id,
                by_recovery: false,
                nonce,
            };
            writes::check_nonce(&app, at.tenant, &sender).await?;
            if !writes::is_resend(&app, at, id, &uploads).await? {
                return Err(ErrorCode::Conflict.into());
            }
            app.storage.use_nonce(at.tenant, &nonce).await?;
            (StatusCode::OK, sender)
        }
        None => {
            let enrolled = accept(&app, &tenant, &uploads, &opening)?;
            let mut write = Write::new(at, Kind::Identity, None, enrolled.effects);
            write.nonce = Some(nonce);
            write.binding = Some(Binding {
                user_id: enrolled.attestation.user_id,
                number: enrolled.attestation.number,
                opening: encode(&opening),
                may_be_superseded: false,
            });
            app.storage.apply(&write).await?;
            let identity = Arc::new(enrolled.state);
            app.cache.put_identity(at, &identity);
            let sender = Sender {
                identity,
                key: key_id,
                by_recovery: false,
                nonce,
            };
            (StatusCode::CREATED, sender)
        }
    };
    let answer =
        answers::identity(&app, &tenant, Some(&sender), id, 0, &mut Budget::page()).await?;
    let answer = answer.ok_or_else(|| ApiError::internal("the new identity is not there"))?;
    Ok(json(status, &answer))
}

/// The id and the key that entry 0 states.
fn first_device(uploads: &[Upload]) -> Result<(ChainId, KeyId, VerifyingKey), ApiError> {
    let invalid = || ApiError::from(ErrorCode::EntryInvalid).detail("there is no entry 0");
    let entry = &uploads.first().ok_or_else(invalid)?.entry.entry;
    if entry.kind != Kind::Identity || entry.seq != 0 {
        return Err(invalid());
    }
    let IdentityBody::Create(body) = IdentityBody::decode(entry.entry_type, entry.body.as_slice())?
    else {
        return Err(invalid());
    };
    let Authority::Device(device) = &body.core.authority else {
        return Err(invalid());
    };
    let key = device.signing.verifying_key()?;
    Ok((body.core.chain_id(), device.signing.id(), key))
}

fn accept(
    app: &App,
    tenant: &Tenant,
    uploads: &[Upload],
    opening: &UserIdOpening,
) -> Result<Enrolled, ApiError> {
    let now_ms = app.clock.now_ms();
    accept_enrolment(&tenant.state, uploads, opening, now_ms)
        .map_err(|error: AcceptError| ApiError::refused(&error, now_ms))
}
