//! The embedded database: SQLite in WAL mode, every commit synced to disk,
//! deleted content overwritten. One connection writes, a few read.

mod audit;
mod read;
mod records;
mod write;

use super::{
    ChainHead, ChainRef, Nonce, Page, Read, RecordChange, RecordKind, Rows, Storage, StorageError,
    StoredEntry, TenantRow, Write, WriteError,
};
use async_trait::async_trait;
use plico_protocol::format::ids::{ChainId, Kind, Recipient};
use sqlx::Connection as _;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use std::path::Path;
use std::time::Duration;

/// The steps that lead to the schema of this release; the database counts them
/// in its `user_version`.
const MIGRATIONS: &[&str] = &[
    include_str!("schema_1.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
];
/// "Plic": marks the file as ours.
const APPLICATION_ID: i64 = 0x506c_6963;
const READERS: u32 = 4;

/// See the module.
#[derive(Clone, Debug)]
pub struct SqliteStorage {
    reader: SqlitePool,
    writer: SqlitePool,
}

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => {
                Self::Unavailable(error.to_string())
            }
            sqlx::Error::Database(inner) => {
                let code = inner.code().and_then(|code| code.parse::<i64>().ok());
                match code.map(|code| code & 0xff) {
                    // BUSY, LOCKED, IOERR, FULL
                    Some(5 | 6 | 10 | 13) => Self::Unavailable(error.to_string()),
                    _ => Self::Failed(error.to_string()),
                }
            }
            _ => Self::Failed(error.to_string()),
        }
    }
}

impl From<sqlx::Error> for WriteError {
    fn from(error: sqlx::Error) -> Self {
        Self::Storage(error.into())
    }
}

impl SqliteStorage {
    /// Opens a file, or makes it (mode 0600: it holds the tenants' directory
    /// keys) if it isn't there; its folder must be.
    ///
    /// # Errors
    /// [`StorageError::Open`] with the system's reason, [`StorageError::Newer`].
    pub async fn open(path: &Path) -> Result<Self, StorageError> {
        Self::open_with(path, SqliteSynchronous::Full).await
    }

    /// The same without syncing, for tests: the program may be killed, but a
    /// power cut can damage the file.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_unsynced(path: &Path) -> Result<Self, StorageError> {
        Self::open_with(path, SqliteSynchronous::Off).await
    }

    async fn open_with(path: &Path, synchronous: SqliteSynchronous) -> Result<Self, StorageError> {
        let failed = |reason: String| StorageError::Open {
            path: path.display().to_string(),
            reason,
        };
        create_private(path).map_err(|error| failed(error.to_string()))?;
        let options = options()
            .filename(path)
            .synchronous(synchronous)
            .journal_mode(SqliteJournalMode::Wal);
        let writer = pool(1)
            .connect_with(options.clone())
            .await
            .map_err(|error| failed(error.to_string()))?;
        migrate(&writer, &failed).await?;
        let reader = pool(READERS)
            .connect_with(options.pragma("query_only", "ON"))
            .await
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self { reader, writer })
    }

    /// Opens a file for reading only, beside a running server if need be.
    ///
    /// # Errors
    /// [`StorageError::Open`] also for one that an older release wrote and no
    /// server of this one has opened yet; [`StorageError::Newer`].
    pub async fn open_for_reading(path: &Path) -> Result<Self, StorageError> {
        let failed = |reason: String| StorageError::Open {
            path: path.display().to_string(),
            reason,
        };
        // Not SQLite's read-only mode: that can't recover a log after a crash.
        let options = options().filename(path).pragma("query_only", "ON");
        let reader = pool(READERS)
            .connect_with(options)
            .await
            .map_err(|error| failed(error.to_string()))?;
        let (found, application) = marks(&reader, &failed).await?;
        let known = newest_version();
        if application != APPLICATION_ID {
            return Err(failed("it is another program's database".into()));
        }
        if found > known {
            return Err(StorageError::Newer { found, known });
        }
        if found < known {
            return Err(failed(
                "an older release wrote it; start the server once".into(),
            ));
        }
        Ok(Self {
            writer: reader.clone(),
            reader,
        })
    }

    /// A database in memory, for tests. It ends with the value.
    pub async fn in_memory() -> Result<Self, StorageError> {
        let writer = pool(1).connect_with(options().in_memory(true)).await?;
        migrate(&writer, &|reason| StorageError::Failed(reason)).await?;
        Ok(Self {
            reader: writer.clone(),
            writer,
        })
    }
}

fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn options() -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .synchronous(SqliteSynchronous::Full)
        .pragma("secure_delete", "ON")
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(Duration::from_secs(10))
}

fn newest_version() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// The schema's version, and whose file it is.
async fn marks(
    connection: impl sqlx::SqliteExecutor<'_>,
    failed: &(dyn Fn(String) -> StorageError + Sync),
) -> Result<(i64, i64), StorageError> {
    sqlx::query_as(
        "SELECT (SELECT user_version FROM pragma_user_version),
                (SELECT application_id FROM pragma_application_id)",
    )
    .fetch_one(connection)
    .await
    .map_err(|error| failed(error.to_string()))
}

/// Brings the schema to this release's version, or refuses a foreign or newer file.
async fn migrate(
    writer: &SqlitePool,
    failed: &(dyn Fn(String) -> StorageError + Sync),
) -> Result<(), StorageError> {
    let known = newest_version();
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
    let (version, application) = marks(&mut *tx, failed).await?;
    let (tables,): (i64,) = sqlx::query_as("SELECT count(*) FROM sqlite_schema")
        .fetch_one(&mut *tx)
        .await?;
    if application != APPLICATION_ID && tables != 0 {
        return Err(failed("it is another program's database".into()));
    }
    if version > known {
        return Err(StorageError::Newer {
            found: version,
            known,
        });
    }
    let done = usize::try_from(version).unwrap_or_default();
    for step in MIGRATIONS.iter().skip(done) {
        sqlx::raw_sql(*step).execute(&mut *tx).await?;
    }
    if version < known {
        let marks =
            format!("PRAGMA user_version = {known}; PRAGMA application_id = {APPLICATION_ID}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(marks))
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Unsigned numbers as SQLite's signed ones. Beyond its range nothing is stored.
fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], StorageError> {
    bytes
        .try_into()
        .map_err(|_| StorageError::Damaged("a value of the wrong length"))
}

fn number<T: TryFrom<i64>>(number: i64) -> Result<T, StorageError> {
    T::try_from(number).map_err(|_| StorageError::Damaged("a number out of range"))
}

#[async_trait]
impl Storage for SqliteStorage {
    async fn ping(&self) -> Result<(), StorageError> {
        sqlx::query("SELECT 1 FROM tenants LIMIT 1")
            .fetch_optional(&self.reader)
            .await?;
        Ok(())
    }

    async fn tenants(&self) -> Result<Vec<TenantRow>, StorageError> {
        read::tenants(&self.reader).await
    }

    async fn tenant(&self, id: ChainId) -> Result<Option<TenantRow>, StorageError> {
        read::tenant(&self.reader, id).await
    }

    async fn head(&self, at: ChainRef) -> Result<Option<ChainHead>, StorageError> {
        let mut connection = self.reader.acquire().await?;
        Ok(read::chain(&mut connection, at).await?.map(|row| row.head))
    }

    async fn session_by_handle(
        &self,
        tenant: ChainId,
        handle: [u8; 16],
    ) -> Result<Option<ChainId>, StorageError> {
        read::session_by_handle(&self.reader, tenant, handle).await
    }

    async fn chains_of(
        &self,
        tenant: ChainId,
        recipient: Recipient,
        kind: Kind,
        tag: Option<&str>,
        after: Option<ChainId>,
    ) -> Result<Vec<ChainId>, StorageError> {
        read::chains_of(&self.reader, tenant, recipient, kind, tag, after).await
    }

    async fn chains_tagged(
        &self,
        tenant: ChainId,
        kind: Kind,
        tag: &str,
        after: Option<ChainId>,
    ) -> Result<Vec<ChainId>, StorageError> {
        read::chains_tagged(&self.reader, tenant, kind, tag, after).await
    }

    async fn entries(&self, at: ChainRef, page: Page) -> Result<Vec<Vec<u8>>, StorageError> {
        let mut connection = self.reader.acquire().await?;
        match read::chain(&mut connection, at).await? {
            Some(row) => Ok(read::entries(&mut connection, &row, page).await?.0),
            None => Ok(Vec::new()),
        }
    }

    async fn stored(&self, at: ChainRef, page: Page) -> Result<Vec<StoredEntry>, StorageError> {
        let mut tx = self.reader.begin().await?;
        let entries = match read::chain(&mut tx, at).await? {
            Some(row) => read::stored(&mut tx, row.no, page).await?,
            None => Vec::new(),
        };
        tx.rollback().await?;
        Ok(entries)
    }

    async fn read(&self, at: ChainRef, wanted: Read) -> Result<Option<Rows>, StorageError> {
        let mut tx = self.reader.begin().await?;
        let rows = read::rows(&mut tx, at, &wanted).await?;
        tx.rollback().await?;
        Ok(rows)
    }

    async fn user(&self, tenant: ChainId, user_id: &str) -> Result<Option<ChainId>, StorageError> {
        read::user(&self.reader, tenant, user_id).await
    }

    async fn nonce_used(&self, tenant: ChainId, nonce: &Nonce) -> Result<bool, StorageError> {
        read::nonce_used(&self.reader, tenant, nonce).await
    }

    async fn use_nonce(&self, tenant: ChainId, nonce: &Nonce) -> Result<(), WriteError> {
        let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        write::nonce(&mut tx, tenant, nonce).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn apply(&self, write: &Write) -> Result<(), WriteError> {
        let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        if let Some(used) = &write.nonce {
            write::nonce(&mut tx, write.at.tenant, used).await?;
        }
        write::apply(&mut tx, write).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn apply_many(
        &self,
        tenant: ChainId,
        nonce: &Nonce,
        writes: &[Write],
    ) -> Result<Vec<Result<(), WriteError>>, WriteError> {
        let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        write::nonce(&mut tx, tenant, nonce).await?;
        let mut results = Vec::with_capacity(writes.len());
        for one in writes {
            // Within the transaction: a savepoint.
            let mut savepoint = tx.begin().await?;
            match write::apply(&mut savepoint, one).await {
                Ok(()) => {
                    savepoint.commit().await?;
                    results.push(Ok(()));
                }
                Err(WriteError::Storage(error)) => return Err(error.into()),
                Err(refused) => {
                    savepoint.rollback().await?;
                    results.push(Err(refused));
                }
            }
        }
        tx.commit().await?;
        Ok(results)
    }

    async fn record(
        &self,
        tenant: ChainId,
        kind: RecordKind,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, StorageError> {
        records::get(&self.reader, tenant, kind, key).await
    }

    async fn records(
        &self,
        tenant: ChainId,
        kind: RecordKind,
        prefix: &[u8],
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StorageError> {
        records::with_prefix(&self.reader, tenant, kind, prefix).await
    }

    async fn put_records(
        &self,
        tenant: ChainId,
        nonce: Option<&Nonce>,
        changes: &[RecordChange],
    ) -> Result<(), WriteError> {
        let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        if let Some(nonce) = nonce {
            write::nonce(&mut tx, tenant, nonce).await?;
        }
        records::put(&mut tx, tenant, changes).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn purge(&self, now_ms: u64) -> Result<(), StorageError> {
        let mut tx = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        write::purge(&mut tx, now_ms).await?;
        tx.commit().await?;
        // What was deleted may still stand in older frames of the log.
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn conforms_on_disk_and_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let storage = SqliteStorage::open(&folder.path().join("a.sqlite"))
            .await
            .unwrap();
        super::super::conformance::run(&storage).await;
        super::super::conformance::run(&SqliteStorage::in_memory().await.unwrap()).await;
    }

    #[tokio::test]
    async fn newer_and_foreign_databases_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite");
        let storage = SqliteStorage::open(&path).await.unwrap();
        sqlx::raw_sql("PRAGMA user_version = 99")
            .execute(&storage.writer)
            .await
            .unwrap();
        storage.close().await;
        let error = SqliteStorage::open(&path).await.unwrap_err().to_string();
        assert!(error.contains("version 99"), "{error}");

        let path = folder.path().join("b.sqlite");
        std::fs::write(&path, b"this is no database, but long enough to be one").unwrap();
        let error = SqliteStorage::open(&path).await.unwrap_err().to_string();
        assert!(error.contains("b.sqlite"), "{error}");

        let path = folder.path().join("no/such/folder.sqlite");
        let error = SqliteStorage::open(&path).await.unwrap_err().to_string();
        assert!(error.contains("folder.sqlite"), "{error}");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite");
        SqliteStorage::open(&path).await.unwrap().close().await;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
