//! Wraps that are uploaded in parts before the entry that commits to them.
//! Nobody is given them, and nothing follows from them, until the entry comes:
//! then they are stored with it, in its transaction, and the parts deleted.
//!
//! An identity's parts lie under its own id, so that nobody can put any into
//! another one's entry. How many there may be is counted in a record of its
//! own that changes with them.

use crate::app::App;
use crate::auth::Sender;
use crate::problem::ApiError;
use crate::storage::{Expected, RecordChange, RecordKind, StorageError, WriteError};
use plico_protocol::format::ids::{ChainId, EntryHash};
use plico_protocol::format::{decode, encode};
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::limits::{MAX_PARTS, STAGED_FOR_MS};
use plico_protocol::wire::rest::{StagedWraps, WrapUpload};
use plico_protocol::wire::upload::{Upload, UploadedWrap};
use tls_codec::{TlsDeserializeBytes, TlsSerializeBytes, TlsSize};
use tokio::sync::SemaphorePermit;

/// Requests whose staged wraps are in memory at a time: such a request is
/// small, and may bring in 16 parts of four megabytes.
pub(crate) const AT_ONCE: usize = 4;
/// How often the list is tried to be changed while others change it, too.
const RACES: usize = 32;

/// One part that is there.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
struct Slot {
    entry: EntryHash,
    part: u16,
    expires_ms: u64,
}

#[derive(Clone, Debug, Default, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
struct Slots {
    slots: Vec<Slot>,
}

fn part_key(author: ChainId, entry: &EntryHash, part: u16) -> Vec<u8> {
    let part = part.to_be_bytes();
    [author.as_bytes().as_slice(), &entry.0, &part].concat()
}

/// What an identity has staged, and the record as it is stored.
async fn slots(
    app: &App,
    tenant: ChainId,
    author: ChainId,
) -> Result<(Slots, Option<Vec<u8>>), ApiError> {
    let record = app
        .storage
        .record(tenant, RecordKind::Staged, author.as_bytes());
    let Some(bytes) = record.await? else {
        return Ok((Slots::default(), None));
    };
    let mut slots: Slots =
        decode("staged", &bytes).map_err(|_| StorageError::Damaged("what is staged"))?;
    let now_ms = app.clock.now_ms();
    slots.slots.retain(|slot| slot.expires_ms > now_ms);
    Ok((slots, Some(bytes)))
}

fn put_slots(author: ChainId, slots: &Slots, before: Option<Vec<u8>>) -> RecordChange {
    let latest = slots.slots.iter().map(|slot| slot.expires_ms).max();
    let value = latest.map(|_| encode(slots));
    RecordChange {
        kind: RecordKind::Staged,
        key: author.as_bytes().to_vec(),
        expected: before.map_or(Expected::Nothing, Expected::Value),
        value,
        expires_ms: latest.unwrap_or(0),
    }
}

/// Keeps a part until its entry comes, or for an hour; gives when that is over.
/// The same part again takes the place of the one before.
///
/// # Errors
/// `TOO_LARGE` if the identity has staged as much as it may.
pub(crate) async fn stage(
    app: &App,
    tenant: ChainId,
    sender: &Sender,
    body: &StagedWraps,
) -> Result<u64, ApiError> {
    let (author, entry, part) = (sender.id(), EntryHash(body.entry_hash.0), body.part);
    if usize::from(part) >= MAX_PARTS {
        return Err(ApiError::bad_request("parts are numbered from 0 to 15"));
    }
    UploadedWrap::part(&body.wraps)?;
    let value = serde_json::to_vec(&body.wraps)
        .map_err(|error| ApiError::internal(format!("a part does not serialise: {error}")))?;
    let expires_ms = app.clock.now_ms().saturating_add(STAGED_FOR_MS);
    let put = RecordChange {
        expires_ms,
        ..RecordChange::put(
            RecordKind::StagedWraps,
            &part_key(author, &entry, part),
            value,
        )
    };
    for _ in 0..RACES {
        let (mut there, before) = slots(app, tenant, author).await?;
        there
            .slots
            .retain(|slot| (slot.entry, slot.part) != (entry, part));
        if there.slots.len() >= MAX_PARTS {
            return Err(ApiError::from(ErrorCode::TooLarge)
                .detail("this identity has staged 16 parts; their entries come first"));
        }
        there.slots.push(Slot {
            entry,
            part,
            expires_ms,
        });
        let changes = [put_slots(author, &there, before), put.clone()];
        let put = app
            .storage
            .put_records(tenant, Some(&sender.nonce), &changes);
        match put.await {
            Ok(()) => return Ok(expires_ms),
            Err(WriteError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ErrorCode::Unavailable.into())
}

/// The entries whose wraps were staged.
pub(crate) fn staged(uploads: &[Upload]) -> Vec<EntryHash> {
    let staged = uploads.iter().filter(|upload| upload.staged_parts > 0);
    staged.map(|upload| upload.entry.entry.hash()).collect()
}

/// Waits for its turn, if anything was staged for the request. To be held until
/// the write is stored.
pub(crate) async fn turn<'a>(
    app: &'a App,
    staged: &[EntryHash],
) -> Result<Option<SemaphorePermit<'a>>, ApiError> {
    if staged.is_empty() {
        return Ok(None);
    }
    let turn = app.staged.acquire().await;
    turn.map(Some)
        .map_err(|error| ApiError::internal(error.to_string()))
}

/// Puts staged wraps into the uploads that they belong to, and gives the changes
/// that delete the parts, for the write that stores the entries.
///
/// # Errors
/// `CONFLICT` if a part is not there, or no more: another copy of the same
/// request may have used it up.
pub(crate) async fn take(
    app: &App,
    tenant: ChainId,
    author: ChainId,
    uploads: &mut [Upload],
) -> Result<Vec<RecordChange>, ApiError> {
    let parts = uploads.iter().map(|it| usize::from(it.staged_parts));
    match parts.sum() {
        0 => return Ok(Vec::new()),
        1..=MAX_PARTS => {}
        _ => return Err(ErrorCode::TooLarge.into()),
    }
    let missing = || ApiError::from(ErrorCode::Conflict).detail("a staged part is not there");
    let (there, _) = slots(app, tenant, author).await?;
    let mut deletions = Vec::new();
    for upload in uploads.iter_mut().filter(|it| it.staged_parts > 0) {
        let entry = upload.entry.entry.hash();
        let mut wraps = Vec::new();
        for part in 0..upload.staged_parts {
            let mut slots = there.slots.iter();
            if !slots.any(|slot| (slot.entry, slot.part) == (entry, part)) {
                return Err(missing());
            }
            let key = part_key(author, &entry, part);
            let value = app.storage.record(tenant, RecordKind::StagedWraps, &key);
            let value = value.await?.ok_or_else(missing)?;
            let part: Vec<WrapUpload> = serde_json::from_slice(&value)
                .map_err(|_| StorageError::Damaged("a staged part"))?;
            wraps.extend(UploadedWrap::part(&part)?);
            deletions.push(RecordChange::delete(RecordKind::StagedWraps, &key));
        }
        upload.take_staged(wraps);
    }
    Ok(deletions)
}

/// Deletes the parts of entries that have come, or will not. What is left over
/// because this fails goes with the next purge after its hour.
pub(crate) async fn discard(app: &App, tenant: ChainId, author: ChainId, entries: &[EntryHash]) {
    if entries.is_empty() {
        return;
    }
    for _ in 0..RACES {
        match try_discard(app, tenant, author, entries).await {
            Ok(()) => return,
            Err(error) if error.code() == ErrorCode::Conflict => {}
            Err(error) => {
                tracing::warn!(code = error.code().as_str(), "staged parts were left over");
                return;
            }
        }
    }
}

async fn try_discard(
    app: &App,
    tenant: ChainId,
    author: ChainId,
    entries: &[EntryHash],
) -> Result<(), ApiError> {
    let (mut there, before) = slots(app, tenant, author).await?;
    let (gone, stay): (Vec<Slot>, Vec<Slot>) = there
        .slots
        .into_iter()
        .partition(|slot| entries.contains(&slot.entry));
    if gone.is_empty() {
        return Ok(());
    }
    there = Slots { slots: stay };
    let mut changes = vec![put_slots(author, &there, before)];
    changes.extend(gone.iter().map(|slot| {
        let key = part_key(author, &slot.entry, slot.part);
        RecordChange::delete(RecordKind::StagedWraps, &key)
    }));
    Ok(app.storage.put_records(tenant, None, &changes).await?)
}
