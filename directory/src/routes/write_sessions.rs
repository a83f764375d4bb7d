//! Entries for several sessions and groups at once.

use crate::app::{App, Tenant};
use crate::auth::Sender;
use crate::memberships;
use crate::openapi::WriteProblems;
use crate::operator;
use crate::problem::{ApiError, json};
use crate::request::Raw;
use crate::routes::add_session_entries::{Prepared, prepare};
use crate::staging;
use crate::storage::{ChainRef, Write};
use crate::writes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use plico_protocol::format::ids::{ChainId, EntryHash, Position};
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::b64::{B64, B64x32};
use plico_protocol::wire::limits::{MAX_PARTS, MAX_WRITES};
use plico_protocol::wire::rest::{Append, WriteBatch, WriteResult, WritesDone};
use plico_protocol::wire::upload::Upload;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Write to several sessions and groups.
///
/// Each write as by `createSession` or `addSessionEntries`, with its own result;
/// all that are accepted are stored in one transaction. None sees what another
/// one of the same request changes. Sending the same again gives the same
/// successes.
#[utoipa::path(
    post,
    path = "/v1/tenants/{tenant}/sessions/batch",
    operation_id = "writeSessions",
    tag = "sessions",
    params(("tenant" = B64x32, Path, description = "The tenant's id")),
    request_body = WriteBatch,
    responses((status = 200, description = "One result for each, in the order of the writes", body = WritesDone), WriteProblems),
)]
pub(crate) async fn handle(State(app): State<Arc<App>>, raw: Raw) -> Result<Response, ApiError> {
    raw.no_query()?;
    let (tenant, sender) = raw.sender(&app).await?;
    let body: WriteBatch = raw.json()?;
    let items = items(tenant.id(), &body.writes)?;
    drop(body);
    writes::check_nonce(&app, tenant.id(), &sender).await?;
    let staged: Vec<EntryHash> = items
        .iter()
        .flatten()
        .flat_map(|item| staging::staged(&item.uploads))
        .collect();
    let _turn = staging::turn(&app, &staged).await?;
    let mut outcomes = Vec::with_capacity(items.len());
    for item in items {
        let outcome = match item {
            Ok(item) => one(&app, &sender, item).await,
            Err(error) => Err(error),
        };
        match outcome {
            Err(error) if error.code().status() >= 500 => return Err(error),
            outcome => outcomes.push(outcome),
        }
    }
    let done = store(&app, &tenant, &sender, outcomes).await?;
    staging::discard(&app, tenant.id(), sender.id(), &staged).await;
    Ok(json(StatusCode::OK, &done))
}

/// One write of the request.
struct Item {
    at: ChainRef,
    uploads: Vec<Upload>,
}

/// What has become of it so far.
enum Outcome {
    /// It is to be stored.
    Accepted(ChainRef, Box<Prepared>),
    /// It was stored before.
    There(ChainRef),
}

/// Decodes the writes. What one of them is wrong with is its own result; that
/// two are for one chain is wrong with the request.
fn items(tenant: ChainId, writes: &[Append]) -> Result<Vec<Result<Item, ApiError>>, ApiError> {
    if writes.is_empty() {
        return Err(ApiError::bad_request("there are no writes"));
    }
    if writes.len() > MAX_WRITES {
        return Err(ApiError::from(ErrorCode::TooLarge).detail("at most 64 writes at a time"));
    }
    let entries = writes.iter().flat_map(|write| &write.entries);
    let parts: usize = entries.map(|it| usize::from(it.staged_parts)).sum();
    if parts > MAX_PARTS {
        return Err(ApiError::from(ErrorCode::TooLarge).detail("at most 16 staged parts at a time"));
    }
    let mut chains = BTreeSet::new();
    let mut items = Vec::with_capacity(writes.len());
    for write in writes {
        let item = writes::session_uploads(&write.entries).and_then(|uploads| {
            let first = uploads.first().ok_or(ErrorCode::BadRequest)?;
            let at = ChainRef {
                tenant,
                chain: first.entry.entry.chain_id,
            };
            Ok(Item { at, uploads })
        });
        if let Ok(item) = &item
            && !chains.insert(item.at.chain)
        {
            return Err(ApiError::bad_request("two writes are for the same session"));
        }
        items.push(item);
    }
    Ok(items)
}

/// Accepts one write on top of what is stored now.
async fn one(app: &App, sender: &Sender, item: Item) -> Result<Outcome, ApiError> {
    let Item { at, uploads } = item;
    let creates = uploads.first().is_some_and(|it| it.entry.entry.seq == 0);
    let state = app.cache.session(&*app.storage, at).await?;
    let is_there = state.is_some();
    if is_there && writes::is_resend(app, at, sender.id(), &uploads).await? {
        return Ok(Outcome::There(at));
    }
    let word = operator::word(&*app.storage, at).await?;
    match &state {
        Some(_) if creates => return Err(ErrorCode::Conflict.into()),
        None if !creates => return Err(ErrorCode::SessionNotFound.into()),
        Some(state) => {
            memberships::readers(app, state, &word, sender.id(), app.clock.now_ms()).await?;
        }
        None => {}
    }
    let prepared = prepare(app, sender, at, state, word, uploads).await?;
    Ok(Outcome::Accepted(at, Box::new(prepared)))
}

/// Stores all that was accepted, together with the request's nonce.
async fn store(
    app: &App,
    tenant: &Tenant,
    sender: &Sender,
    outcomes: Vec<Result<Outcome, ApiError>>,
) -> Result<WritesDone, ApiError> {
    let mut to_store: Vec<Write> = Vec::new();
    let mut rest = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        rest.push(outcome.map(|outcome| match outcome {
            Outcome::Accepted(at, prepared) => {
                to_store.push(prepared.write);
                (at, Some(prepared.state))
            }
            Outcome::There(at) => (at, None),
        }));
    }
    let stored = app
        .storage
        .apply_many(tenant.id(), &sender.nonce, &to_store);
    let mut stored = stored.await?.into_iter();
    let mut results = Vec::with_capacity(rest.len());
    for outcome in rest {
        let position: Result<(ChainRef, Position), ApiError> = match outcome {
            Err(error) => Err(error),
            Ok((at, None)) => {
                let head = app.storage.head(at).await?;
                Ok((at, head.ok_or(ErrorCode::Internal)?.position))
            }
            Ok((at, Some(state))) => match stored.next() {
                Some(Ok(())) => {
                    app.cache.put_session(at, &state);
                    Ok((at, state.tip().head))
                }
                Some(Err(refused)) => Err(refused.into()),
                None => return Err(ApiError::internal("a write has no result")),
            },
        };
        results.push(result(tenant, position, app.clock.now_ms()));
    }
    Ok(WritesDone { results })
}

fn result(
    tenant: &Tenant,
    position: Result<(ChainRef, Position), ApiError>,
    now_ms: u64,
) -> WriteResult {
    let head: Result<B64, ApiError> =
        position.map(|(at, position)| tenant.head(at.chain, position, now_ms));
    match head {
        Ok(head) => WriteResult {
            head: Some(head),
            problem: None,
        },
        Err(error) => WriteResult {
            head: None,
            problem: Some(error.problem()),
        },
    }
}
