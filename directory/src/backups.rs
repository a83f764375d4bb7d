//! Backups as they are stored, and the bound on tries at them.

use crate::app::App;
use crate::problem::ApiError;
use crate::storage::{Expected, RecordChange, RecordKind, StorageError, WriteError};
use plico_protocol::format::decode;
use plico_protocol::format::ids::ChainId;
use plico_protocol::format::opaque::Opaque;
use plico_protocol::identity::backup::BackupKind;
use plico_protocol::wire::ErrorCode;
use tls_codec::{TlsDeserializeBytes, TlsSerializeBytes, TlsSize};

/// Tries at one backup that may come at once.
const BURST: u64 = 5;
/// After how long there is one more, in milliseconds: 48 a day.
const INTERVAL_MS: u64 = 30 * 60 * 1000;
/// How often a try is counted anew when another one comes in between.
const RACES: usize = 16;

/// A backup, as stored.
#[derive(TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub(crate) struct StoredBackup {
    pub(crate) access_hash: [u8; 32],
    pub(crate) device: [u8; 32],
    pub(crate) generation: u32,
    pub(crate) mark: [u8; 32],
    pub(crate) stored_ms: u64,
    pub(crate) backup: Opaque,
}

/// The key of its records.
pub(crate) fn key(identity: ChainId, kind: BackupKind) -> Vec<u8> {
    [identity.0.as_slice(), &[kind.to_u8()]].concat()
}

pub(crate) async fn read(
    app: &App,
    tenant: ChainId,
    identity: ChainId,
    kind: BackupKind,
) -> Result<Option<StoredBackup>, ApiError> {
    let bytes = app
        .storage
        .record(tenant, RecordKind::Backup, &key(identity, kind))
        .await?;
    let read = |bytes: Vec<u8>| {
        decode("backup", &bytes).map_err(|_| StorageError::Damaged("a backup").into())
    };
    bytes.map(read).transpose()
}

/// Counts a try before its outcome is known, so that no number of tries at the
/// same time, and no restart, gives more of them.
pub(crate) async fn count_try(app: &App, tenant: ChainId, key: &[u8]) -> Result<(), ApiError> {
    const KIND: RecordKind = RecordKind::BackupTries;
    for _ in 0..RACES {
        let now_ms = app.clock.now_ms();
        let stored = app.storage.record(tenant, KIND, key).await?;
        let used_ms = match &stored {
            Some(bytes) => u64::from_be_bytes(
                bytes
                    .as_slice()
                    .try_into()
                    .map_err(|_| StorageError::Damaged("tries at a backup"))?,
            ),
            None => 0,
        };
        let used_ms = used_ms.max(now_ms).saturating_add(INTERVAL_MS);
        if used_ms - now_ms > BURST * INTERVAL_MS {
            return Err(ErrorCode::TooManyTries.into());
        }
        let change = RecordChange {
            expected: stored.map_or(Expected::Nothing, Expected::Value),
            expires_ms: used_ms,
            ..RecordChange::put(KIND, key, used_ms.to_be_bytes().to_vec())
        };
        match app.storage.put_records(tenant, None, &[change]).await {
            Err(WriteError::Conflict) => {}
            done => return Ok(done?),
        }
    }
    Err(ErrorCode::Unavailable.into())
}

/// The right secret was given: all tries are there again.
pub(crate) async fn forgive(app: &App, tenant: ChainId, key: &[u8]) -> Result<(), ApiError> {
    let change = RecordChange::delete(RecordKind::BackupTries, key);
    Ok(app.storage.put_records(tenant, None, &[change]).await?)
}
