//! What all writes share: nonces, resends, and the commit.

use crate::app::App;
use crate::auth::Sender;
use crate::cache::Known;
use crate::problem::ApiError;
use crate::storage::{ChainRef, Page, RecordChange, RecordKind, StorageError};
use axum::http::StatusCode;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::{ChainId, Position};
use plico_protocol::identity::{IdentityState, Recovery};
use plico_protocol::wire::accept::{AcceptError, StoredAlready};
use plico_protocol::wire::limits::MAX_BODY;
use plico_protocol::wire::upload::Upload;
use plico_protocol::wire::{ErrorCode, rest::EntryUpload};

/// Decodes entries of an identity's own chain.
pub(crate) fn uploads(entries: &[EntryUpload]) -> Result<Vec<Upload>, ApiError> {
    let uploads = Upload::batch(entries)?;
    if uploads.iter().any(|upload| upload.staged_parts > 0) {
        return Err(ApiError::bad_request(
            "only sessions' and groups' wraps are staged",
        ));
    }
    Ok(uploads)
}

/// Decodes entries of a session's or a group's log.
pub(crate) fn session_uploads(entries: &[EntryUpload]) -> Result<Vec<Upload>, ApiError> {
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

/// Loads the chains that the rules have asked for. Whatever else `error` says,
/// and what a round has brought nothing for, is the refusal.
pub(crate) async fn provide(
    app: &App,
    tenant: ChainId,
    known: &mut Known,
    error: AcceptError,
    now_ms: u64,
) -> Result<(), ApiError> {
    let refused = ApiError::refused(&error, now_ms);
    let AcceptError::Needs(needs) = error else {
        return Err(refused);
    };
    let provided = app.cache.provide(&*app.storage, tenant, known, &needs);
    if provided.await? {
        Ok(())
    } else {
        Err(refused)
    }
}

/// Uses up the nonce of a request that was carried out before. Gives where the
/// chain stands now: a state that was loaded earlier may be older than the entries.
pub(crate) async fn resent(app: &App, at: ChainRef, sender: &Sender) -> Result<Position, ApiError> {
    app.storage.use_nonce(at.tenant, &sender.nonce).await?;
    let head = app.storage.head(at).await?;
    Ok(head.ok_or(ErrorCode::Internal)?.position)
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

/// How entries that are handed back meet the chain that is there.
pub(crate) struct Meeting {
    /// Those that are there already, in the order of the uploads.
    pub(crate) stored: Vec<StoredAlready>,
    /// Whether the first one is there, or names the one before it that is:
    /// its sender has seen this chain.
    pub(crate) follows: bool,
}

/// Compares `uploads` with a chain that stands at `head`.
pub(crate) async fn meet(
    app: &App,
    at: ChainRef,
    head: Position,
    uploads: &[Upload],
) -> Result<Meeting, ApiError> {
    let mut meeting = Meeting {
        stored: Vec::new(),
        follows: false,
    };
    let Some(first) = uploads.first().map(|upload| &upload.entry.entry) else {
        return Ok(meeting);
    };
    // One more in front: the one that the first of them names.
    let mut from = first.seq.saturating_sub(1);
    let end = first
        .seq
        .saturating_add(uploads.len() as u64)
        .min(head.seq.saturating_add(1));
    while from < end {
        let page = Page {
            from,
            entries: usize::try_from(end - from).unwrap_or(usize::MAX),
            bytes: MAX_BODY,
        };
        let page = app.storage.stored(at, page).await?;
        if page.is_empty() {
            return Err(StorageError::Damaged("a chain is shorter than its head says").into());
        }
        for stored in page {
            let entry = SignedEntry::from_bytes(&stored.bytes)
                .map_err(|_| StorageError::Damaged("an entry"))?;
            let hash = entry.entry.hash();
            if from < first.seq {
                meeting.follows = first.prev == hash;
            } else {
                if from == 0 {
                    meeting.follows = first.hash() == hash;
                }
                meeting.stored.push(StoredAlready {
                    hash,
                    leaves_known: !stored.leaves.is_empty(),
                });
            }
            from += 1;
        }
    }
    Ok(meeting)
}

/// By which a recovery key finds its identity.
pub(crate) fn recovery_records(
    before: Option<&IdentityState>,
    after: &IdentityState,
) -> Vec<RecordChange> {
    let current = |state: &IdentityState| state.recovery().map(|it| it.id);
    if before.and_then(current) == current(after) {
        return Vec::new();
    }
    let change = |it: &Recovery| match it.replaced {
        Some(_) => RecordChange::delete(RecordKind::RecoveryKey, it.id.as_bytes()),
        None => {
            let identity = after.id().0.to_vec();
            RecordChange::put(RecordKind::RecoveryKey, it.id.as_bytes(), identity)
        }
    };
    after.recoveries().iter().map(change).collect()
}

/// What a write has come to.
pub(crate) struct Done {
    /// 201 for something new where a chain begins, else 200.
    pub(crate) status: StatusCode,
    /// Where the chain stands.
    pub(crate) position: Position,
}
