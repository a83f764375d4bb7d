//! What all writes share: nonces, resends, and the commit.

use crate::app::App;
use crate::auth::Sender;
use crate::problem::ApiError;
use crate::storage::{ChainRef, Page};
use axum::http::StatusCode;
use plico_protocol::format::ids::{ChainId, Position};
use plico_protocol::wire::upload::Upload;
use plico_protocol::wire::{ErrorCode, rest::EntryUpload};

/// Decodes a batch.
pub(crate) fn uploads(entries: &[EntryUpload]) -> Result<Vec<Upload>, ApiError> {
    Ok(Upload::batch(entries)?)
}

/// `REQUEST_REPLAYED` if this very request was carried out before. The commit
/// checks it again; this is so that a replay is called one in any case.
pub(crate) async fn check_nonce(
    app: &App,
    tenant: ChainId,
    sender: &Sender,
) -> Result<(), ApiError> {
    if app.storage.nonce_used(tenant, &sender.nonce).await? {
        return Err(ErrorCode::RequestReplayed.into());
    }
    Ok(())
}

/// Whether exactly these entries are in the chain already, all written by
/// `author`: then the sender has lost our reply and is told it once more.
pub(crate) async fn is_resend(
    app: &App,
    at: ChainRef,
    author: ChainId,
    uploads: &[Upload],
) -> Result<bool, ApiError> {
    let Some(first) = uploads.first() else {
        return Ok(false);
    };
    let consecutive = uploads.iter().enumerate().all(|(index, upload)| {
        let entry = &upload.entry.entry;
        entry.chain_id == at.chain
            && entry.author.identity == author
            && first.entry.entry.seq.checked_add(index as u64) == Some(entry.seq)
    });
    if !consecutive {
        return Ok(false);
    }
    let page = Page {
        from: first.entry.entry.seq,
        entries: uploads.len(),
        bytes: usize::MAX,
    };
    let stored = app.storage.entries(at, page).await?;
    Ok(stored.len() == uploads.len()
        && uploads
            .iter()
            .zip(&stored)
            .all(|(upload, bytes)| upload.entry.to_bytes() == *bytes))
}

/// What a write has come to.
pub(crate) struct Done {
    /// 201 for something new where a chain begins, else 200.
    pub(crate) status: StatusCode,
    /// Where the chain stands.
    pub(crate) position: Position,
}
