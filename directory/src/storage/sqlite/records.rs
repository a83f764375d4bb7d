//! Small records that no chain holds.

use super::int;
use crate::storage::{Expected, RecordChange, RecordKind, StorageError, WriteError};
use plico_protocol::format::ids::ChainId;
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqlitePool};

pub(super) async fn get(
    pool: &SqlitePool,
    tenant: ChainId,
    kind: RecordKind,
    key: &[u8],
) -> Result<Option<Vec<u8>>, StorageError> {
    let row = sqlx::query("SELECT value FROM records WHERE tenant = ? AND kind = ? AND key = ?")
        .bind(tenant.0.as_slice())
        .bind(kind.number())
        .bind(key)
        .fetch_optional(pool)
        .await?;
    Ok(row.map(|row| row.try_get("value")).transpose()?)
}

pub(super) async fn with_prefix(
    pool: &SqlitePool,
    tenant: ChainId,
    kind: RecordKind,
    prefix: &[u8],
) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StorageError> {
    let rows = sqlx::query(
        "SELECT key, value FROM records
         WHERE tenant = ?1 AND kind = ?2 AND key >= ?3 AND substr(key, 1, length(?3)) = ?3
         ORDER BY key LIMIT 4096",
    )
    .bind(tenant.0.as_slice())
    .bind(kind.number())
    .bind(prefix)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| Ok((row.try_get("key")?, row.try_get("value")?)))
        .collect()
}

pub(super) async fn put(
    connection: &mut SqliteConnection,
    tenant: ChainId,
    changes: &[RecordChange],
) -> Result<(), WriteError> {
    for change in changes {
        let there =
            sqlx::query("SELECT value FROM records WHERE tenant = ? AND kind = ? AND key = ?")
                .bind(tenant.0.as_slice())
                .bind(change.kind.number())
                .bind(&change.key)
                .fetch_optional(&mut *connection)
                .await?;
        let there: Option<Vec<u8>> = there.map(|row| row.try_get("value")).transpose()?;
        let as_expected = match &change.expected {
            Expected::Anything => true,
            Expected::Nothing => there.is_none(),
            Expected::Value(value) => there.as_ref() == Some(value),
        };
        if !as_expected {
            return Err(WriteError::Conflict);
        }
        match &change.value {
            Some(value) => {
                sqlx::query(
                    "INSERT OR REPLACE INTO records (tenant, kind, key, value, expires_ms)
                     VALUES (?, ?, ?, ?, ?)",
                )
                .bind(tenant.0.as_slice())
                .bind(change.kind.number())
                .bind(&change.key)
                .bind(value)
                .bind(int(change.expires_ms))
                .execute(&mut *connection)
                .await?;
            }
            None => {
                sqlx::query("DELETE FROM records WHERE tenant = ? AND kind = ? AND key = ?")
                    .bind(tenant.0.as_slice())
                    .bind(change.kind.number())
                    .bind(&change.key)
                    .execute(&mut *connection)
                    .await?;
            }
        }
    }
    Ok(())
}
