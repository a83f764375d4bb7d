//! An identity's entries, handed back to a directory that has lost them.

use crate::app::{App, Tenant, blocking};
use crate::auth;
use crate::openapi::WriteProblems;
use crate::problem::{ApiError, json};
use crate::request::{Raw, id};
use crate::storage::{Binding, ChainRef, Nonce, Write, WriteError};
use crate::writes::{self, Done, Meeting};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use plico_protocol::chain::Replay as _;
use plico_protocol::format::bodies::{IdentityBody, UserIdOpening};
use plico_protocol::format::ids::{KeyId, Kind};
use plico_protocol::format::keys::Authority;
use plico_protocol::format::{decode, encode};
use plico_protocol::primitives::sign::VerifyingKey;
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::accept::{Window, accept_restore_identity};
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::rest::{Appended, HandBack};
use plico_protocol::wire::upload::Upload;
use std::sync::Arc;

/// How often it is begun anew when the chain moves in between.
const TRIES: usize = 8;

/// Hand back an identity's entries.
///
/// To a directory that was restored from a backup. Entries in a row, of which
/// it may have some already; all or none. Any identity of the tenant may, and
/// devices of this one that are in these entries only.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant}/identities/{identity}/restore",
    operation_id = "restoreIdentity",
    tag = "identities",
    params(
        ("tenant" = B64x32, Path, description = "The tenant's id"),
        ("identity" = B64x32, Path, description = "The identity's id"),
    ),
    request_body = HandBack,
    responses(
        (status = 200, description = "The identity has these entries", body = Appended),
        (status = 201, description = "The identity was not there and now is", body = Appended),
        WriteProblems,
    ),
)]
pub(crate) async fn handle(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    raw.no_query()?;
    let id = id(raw.param("identity"))?;
    let tenant = raw.tenant(&app).await?;
    let at = ChainRef {
        tenant: tenant.id(),
        chain: id,
    };
    let parsed = auth::parse(&raw)?;
    let body: HandBack = raw.json()?;
    let uploads = Arc::new(Upload::hand_back(&body.entries)?);
    let opening: Option<UserIdOpening> = match &body.opening {
        Some(bytes) => Some(decode("opening", &bytes.0)?),
        None => None,
    };
    let key = parsed.params.key;
    let there = app.cache.identity(&*app.storage, at).await?;
    let known_device = there.as_ref().and_then(|it| auth::device_key(it, &key));
    let own = parsed.params.identity == id;
    let from = match known_device {
        _ if !own => From {
            nonce: auth::authenticate_device(&app, &tenant, &raw).await?.nonce,
            device: None,
        },
        Some(known) => From {
            nonce: auth::verify(&app, &raw, &parsed, &known)?,
            device: None,
        },
        // It must come out of these entries as an active device.
        None => {
            let stated = stated_device(&uploads, &key)?.ok_or_else(auth::unknown_key)?;
            From {
                nonce: auth::verify(&app, &raw, &parsed, &stated)?,
                device: Some(key),
            }
        }
    };
    if app.storage.nonce_used(at.tenant, &from.nonce).await? {
        return Err(ErrorCode::RequestReplayed.into());
    }
    for _ in 0..TRIES {
        match restore(&app, &tenant, &from, at, &uploads, opening.as_ref()).await? {
            Ok(done) => {
                let head = tenant.head(id, done.position, app.clock.now_ms());
                return Ok(json(done.status, &Appended { head }));
            }
            Err(WriteError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ErrorCode::Unavailable.into())
}

/// Who has sent them.
struct From {
    nonce: Nonce,
    /// A device that only these entries know.
    device: Option<KeyId>,
}

/// The key of the device `key`, if one of the entries adds it.
fn stated_device(uploads: &[Upload], key: &KeyId) -> Result<Option<VerifyingKey>, ApiError> {
    for upload in uploads {
        let entry = &upload.entry.entry;
        if entry.kind != Kind::Identity {
            continue;
        }
        let device = match IdentityBody::decode(entry.entry_type, entry.body.as_slice())? {
            IdentityBody::Create(body) => match body.core.authority {
                Authority::Device(device) => device,
                _ => continue,
            },
            IdentityBody::AddDevice(body) => body.keys,
            _ => continue,
        };
        if device.signing.id() == *key {
            return Ok(Some(device.signing.verifying_key()?));
        }
    }
    Ok(None)
}

/// One try. A [`WriteError`] says that something moved after it was read.
async fn restore(
    app: &App,
    tenant: &Tenant,
    from: &From,
    at: ChainRef,
    uploads: &Arc<Vec<Upload>>,
    opening: Option<&UserIdOpening>,
) -> Result<Result<Done, WriteError>, ApiError> {
    let state = app.cache.identity(&*app.storage, at).await?;
    let meeting = match &state {
        Some(state) => writes::meet(app, at, state.tip().head, uploads).await?,
        None if uploads.first().is_some_and(|it| it.entry.entry.seq == 0) => Meeting {
            stored: Vec::new(),
            follows: true,
        },
        None => return Err(ErrorCode::IdentityNotFound.into()),
    };
    // A device that nobody knows, and entries that don't follow: not a word more.
    if from.device.is_some() && !meeting.follows {
        return Err(auth::unknown_key());
    }
    let expected = state.as_ref().map(|state| state.tip().head);
    let window = Window {
        now_ms: app.clock.now_ms(),
        restored_from_ms: app.restored_from_ms,
    };
    let accepted = {
        let (tenant, entries) = (Arc::clone(&tenant.state), Arc::clone(uploads));
        let opening = opening.cloned();
        blocking(move || {
            accept_restore_identity(
                &tenant,
                at.chain,
                state.map(Arc::unwrap_or_clone),
                &meeting.stored,
                &entries,
                opening.as_ref(),
                window,
            )
        })
    };
    let restored = accepted
        .await?
        .map_err(|error| ApiError::refused(&error, window.now_ms))?;
    let is_device = |key: &KeyId| restored.state.active_device(key).is_some();
    if !from.device.as_ref().is_none_or(is_device) {
        return Err(auth::unknown_key());
    }
    let mut write = Write::new(at, Kind::Identity, expected, restored.effects);
    write.nonce = Some(from.nonce);
    write.records = writes::recovery_records(None, &restored.state);
    write.binding = match (restored.attestation, opening) {
        (Some(attestation), Some(opening)) => Some(Binding {
            user_id: attestation.user_id,
            number: attestation.number,
            opening: encode(opening),
            may_be_superseded: true,
        }),
        _ => None,
    };
    if let Err(error) = app.storage.apply(&write).await {
        return Ok(Err(error));
    }
    let state = Arc::new(restored.state);
    app.cache.put_identity(at, &state);
    let status = match expected {
        Some(_) => StatusCode::OK,
        None => StatusCode::CREATED,
    };
    Ok(Ok(Done {
        status,
        position: state.tip().head,
    }))
}
