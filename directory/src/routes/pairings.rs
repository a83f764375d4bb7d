//! A mailbox in which two devices of one person meet. The directory can read
//! nothing of what they say.

use crate::app::App;
use crate::auth::check_media_type;
use crate::openapi::{PairingProblems, WriteProblems};
use crate::problem::{ApiError, json};
use crate::request::{Raw, id};
use crate::storage::{Expected, RecordChange, RecordKind, StorageError};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use plico_protocol::format::ids::ChainId;
use plico_protocol::format::opaque::Opaque;
use plico_protocol::format::{decode, encode};
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::b64::{B64, B64x32};
use plico_protocol::wire::rest::{Pairing, PairingPut, PairingReply};
use std::sync::Arc;
use tls_codec::{TlsDeserializeBytes, TlsSerializeBytes, TlsSize};

/// How long a mailbox stays after its last offer, in milliseconds.
const LIFE_MS: u64 = 10 * 60 * 1000;
const MAX_OFFER: usize = 1024;
const MAX_ANSWER: usize = 4 * 1024;
const MAX_DONE: usize = 64 * 1024;

#[derive(Clone, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
struct Stored {
    /// The identity whose device has read the code.
    owner: ChainId,
    expires_ms: u64,
    round: u8,
    offer: Opaque,
    answer: Option<Opaque>,
    done: Option<Opaque>,
}

impl Stored {
    fn to_rest(&self) -> Pairing {
        let bytes = |it: &Opaque| B64(it.as_slice().to_vec());
        Pairing {
            round: self.round,
            offer: bytes(&self.offer),
            answer: self.answer.as_ref().map(bytes),
            done: self.done.as_ref().map(bytes),
        }
    }
}

struct Mailbox {
    id: ChainId,
    before: Option<Vec<u8>>,
}

impl Mailbox {
    async fn read(
        app: &App,
        tenant: ChainId,
        id: ChainId,
    ) -> Result<(Self, Option<Stored>), ApiError> {
        let record = app
            .storage
            .record(tenant, RecordKind::Pairing, id.as_bytes());
        let before = record.await?;
        let stored = match &before {
            Some(bytes) => {
                let stored: Stored =
                    decode("pairing", bytes).map_err(|_| StorageError::Damaged("a pairing"))?;
                Some(stored).filter(|it| app.clock.now_ms() < it.expires_ms)
            }
            None => None,
        };
        Ok((Self { id, before }, stored))
    }

    fn change(self, stored: &Stored) -> RecordChange {
        RecordChange {
            expected: self.before.map_or(Expected::Nothing, Expected::Value),
            expires_ms: stored.expires_ms,
            ..RecordChange::put(RecordKind::Pairing, self.id.as_bytes(), encode(stored))
        }
    }
}

fn at_most(bytes: Option<&B64>, bound: usize) -> Result<(), ApiError> {
    match bytes {
        Some(bytes) if bytes.0.len() > bound => Err(ErrorCode::TooLarge.into()),
        _ => Ok(()),
    }
}

/// Read what two devices have said to each other.
///
/// Not signed: the mailbox's id is known to the two alone.
#[utoipa::path(
    get,
    path = "/v1/tenants/{tenant}/pairings/{mailbox}",
    operation_id = "getPairing",
    tag = "pairing",
    security(()),
    params(
        ("tenant" = B64x32, Path, description = "The tenant's id"),
        ("mailbox" = B64x32, Path, description = "The mailbox's id"),
    ),
    responses((status = 200, description = "What was said", body = Pairing), PairingProblems),
)]
pub(crate) async fn get(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    raw.no_query()?;
    let id = id(raw.param("mailbox"))?;
    let tenant = raw.tenant(&app).await?.id();
    let (_, stored) = Mailbox::read(&app, tenant, id).await?;
    let stored = stored.ok_or(ErrorCode::PairingNotFound)?;
    Ok(json(StatusCode::OK, &stored.to_rest()))
}

/// Offer to pair, or end it.
///
/// Only devices of the tenant's identities may, and once one has, only that
/// identity's. A new offer has a higher round and clears the answer. A mailbox
/// is deleted ten minutes after its last offer.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant}/pairings/{mailbox}",
    operation_id = "putPairing",
    tag = "pairing",
    params(
        ("tenant" = B64x32, Path, description = "The tenant's id"),
        ("mailbox" = B64x32, Path, description = "The mailbox's id"),
    ),
    request_body = PairingPut,
    responses((status = 200, description = "What was said so far", body = Pairing), WriteProblems),
)]
pub(crate) async fn post(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    raw.no_query()?;
    let id = id(raw.param("mailbox"))?;
    let (tenant, sender) = raw.sender(&app).await?;
    let body: PairingPut = raw.json()?;
    at_most(body.offer.as_ref(), MAX_OFFER)?;
    at_most(body.done.as_ref(), MAX_DONE)?;
    let (mailbox, stored) = Mailbox::read(&app, tenant.id(), id).await?;
    if stored.as_ref().is_some_and(|it| it.owner != sender.id()) {
        return Err(ErrorCode::NotAllowed.into());
    }
    let next = match (stored, body.offer, body.done) {
        (None, Some(offer), None) => Stored {
            owner: sender.id(),
            expires_ms: app.clock.now_ms().saturating_add(LIFE_MS),
            round: body.round,
            offer: Opaque::new(offer.0),
            answer: None,
            done: None,
        },
        (Some(stored), Some(offer), None) if body.round > stored.round => Stored {
            expires_ms: app.clock.now_ms().saturating_add(LIFE_MS),
            round: body.round,
            offer: Opaque::new(offer.0),
            answer: None,
            done: None,
            ..stored
        },
        (Some(stored), None, Some(done)) if body.round == stored.round => Stored {
            done: Some(Opaque::new(done.0)),
            ..stored
        },
        _ => return Err(ErrorCode::Conflict.into()),
    };
    let change = mailbox.change(&next);
    app.storage
        .put_records(tenant.id(), Some(&sender.nonce), &[change])
        .await?;
    Ok(json(StatusCode::OK, &next.to_rest()))
}

/// Answer an offer to pair.
///
/// Not signed: a new device has no identity yet. Once for each round; the same
/// bytes again give the same success.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant}/pairings/{mailbox}/answer",
    operation_id = "answerPairing",
    tag = "pairing",
    security(()),
    params(
        ("tenant" = B64x32, Path, description = "The tenant's id"),
        ("mailbox" = B64x32, Path, description = "The mailbox's id"),
    ),
    request_body = PairingReply,
    responses((status = 200, description = "What was said so far", body = Pairing), PairingProblems),
)]
pub(crate) async fn answer(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    raw.no_query()?;
    let id = id(raw.param("mailbox"))?;
    let tenant = raw.tenant(&app).await?.id();
    check_media_type(&raw.headers)?;
    let body: PairingReply = raw.json()?;
    at_most(Some(&body.answer), MAX_ANSWER)?;
    let (mailbox, stored) = Mailbox::read(&app, tenant, id).await?;
    let stored = stored.ok_or(ErrorCode::PairingNotFound)?;
    let given = Opaque::new(body.answer.0);
    if stored.round != body.round || stored.answer.as_ref().is_some_and(|it| *it != given) {
        return Err(ErrorCode::Conflict.into());
    }
    let next = Stored {
        answer: Some(given),
        ..stored
    };
    let change = mailbox.change(&next);
    app.storage.put_records(tenant, None, &[change]).await?;
    Ok(json(StatusCode::OK, &next.to_rest()))
}
