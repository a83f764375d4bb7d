//! Reading everything, for an audit.

use super::{SqliteStorage, array, number, read};
use crate::storage::audit::{Audit, ChainRecord, OpeningRecord, WrapCursor, WrapRecord};
use crate::storage::{ChainRef, Page, StorageError, StoredEntry};
use async_trait::async_trait;
use plico_protocol::format::ids::{ChainId, EntryHash, KeyId, Kind, Recipient};
use plico_protocol::wire::accept::{AcceptedBackLink, AcceptedWrap};
use plico_protocol::wire::b64;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

/// Rows of a page. A wrap is about 1.3 kB, a metadata blob at most 8.
const ROWS: i64 = 512;

/// What belongs to nothing: a sentence, and a query for the first ids.
const ORPHANS: &[(&str, &str)] = &[
    (
        "a chain's tenant is not there: chain",
        "SELECT id FROM chains WHERE tenant NOT IN (SELECT id FROM tenants) LIMIT 100",
    ),
    (
        "a tenant has no chain: tenant",
        "SELECT id FROM tenants t WHERE NOT EXISTS
           (SELECT 1 FROM chains WHERE tenant = t.id AND id = t.id) LIMIT 100",
    ),
    (
        "a user id's identity is not there: identity",
        "SELECT identity FROM openings o WHERE NOT EXISTS
           (SELECT 1 FROM chains WHERE tenant = o.tenant AND id = o.identity AND kind = 2) LIMIT 100",
    ),
    (
        "a nonce's tenant is not there: tenant",
        "SELECT DISTINCT tenant FROM nonces
           WHERE tenant NOT IN (SELECT id FROM tenants) LIMIT 100",
    ),
];

fn record(row: &SqliteRow) -> Result<ChainRecord, StorageError> {
    let tag: Option<String> = row.try_get("tag")?;
    let opening: Option<Vec<u8>> = row.try_get("tag_opening")?;
    Ok(ChainRecord {
        no: row.try_get("no")?,
        at: ChainRef {
            tenant: ChainId(array(row.try_get("tenant")?)?),
            chain: ChainId(array(row.try_get("id")?)?),
        },
        kind: row.try_get("kind")?,
        seq: row.try_get("seq")?,
        hash: EntryHash(array(row.try_get("hash")?)?),
        metadata: row.try_get("metadata")?,
        ends_ms: number(row.try_get("ends_ms")?)?,
        tag: tag.zip(opening),
    })
}

fn wrap(row: &SqliteRow) -> Result<WrapRecord, StorageError> {
    let kind = u8::try_from(row.try_get::<i64, _>("kind")?).ok();
    let kind = kind.and_then(Kind::from_u8);
    let leaf: Vec<u8> = row.try_get("leaf")?;
    Ok(WrapRecord {
        wrap: AcceptedWrap {
            seq: number(row.try_get("seq")?)?,
            index: number(row.try_get("place")?)?,
            recipient: Recipient {
                kind: kind.ok_or(StorageError::Damaged("a recipient's kind"))?,
                id: array(row.try_get("recipient")?)?,
            },
            epoch: number(row.try_get("epoch")?)?,
            generation: number(row.try_get("generation")?)?,
            key_id: KeyId(array(row.try_get("key_id")?)?),
            sealed: row.try_get("sealed")?,
        },
        expires_ms: number(row.try_get("expires_ms")?)?,
        leaf: leaf.try_into().ok(),
    })
}

#[async_trait]
impl Audit for SqliteStorage {
    async fn integrity(&self) -> Result<Vec<String>, StorageError> {
        let mut found: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check(100)")
            .fetch_all(&self.reader)
            .await?;
        found.retain(|line| line != "ok");
        // Rows whose chain is not there, by table.
        let foreign =
            sqlx::query("SELECT \"table\", rowid FROM pragma_foreign_key_check LIMIT 100")
                .fetch_all(&self.reader)
                .await?;
        for row in &foreign {
            let (table, row): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
            found.push(format!("a row belongs to no chain: {table} {row}"));
        }
        for (what, query) in ORPHANS {
            let ids: Vec<Vec<u8>> = sqlx::query_scalar(*query).fetch_all(&self.reader).await?;
            found.extend(ids.iter().map(|id| format!("{what} {}", b64::encode(id))));
        }
        Ok(found)
    }

    async fn chains(&self, after: i64) -> Result<Vec<ChainRecord>, StorageError> {
        let rows = sqlx::query("SELECT * FROM chains WHERE no > ? ORDER BY no LIMIT ?")
            .bind(after)
            .bind(ROWS)
            .fetch_all(&self.reader)
            .await?;
        rows.iter().map(record).collect()
    }

    async fn chain(&self, no: i64) -> Result<Option<ChainRecord>, StorageError> {
        let row = sqlx::query("SELECT * FROM chains WHERE no = ?")
            .bind(no)
            .fetch_optional(&self.reader)
            .await?;
        row.as_ref().map(record).transpose()
    }

    async fn chain_entries(&self, no: i64, page: Page) -> Result<Vec<StoredEntry>, StorageError> {
        let mut tx = self.reader.begin().await?;
        let entries = read::stored(&mut tx, no, page).await?;
        tx.rollback().await?;
        Ok(entries)
    }

    async fn chain_wraps(
        &self,
        no: i64,
        after: Option<WrapCursor>,
    ) -> Result<Vec<WrapRecord>, StorageError> {
        let (kind, recipient, epoch) = match after {
            Some((kind, id, epoch)) => (i64::from(kind), id.to_vec(), i64::from(epoch)),
            None => (-1, Vec::new(), 0),
        };
        let rows = sqlx::query(
            "SELECT w.*, coalesce(substr(e.leaves, w.place * 32 + 1, 32), x'') AS leaf
             FROM wraps w LEFT JOIN entries e ON e.chain = w.chain AND e.seq = w.seq
             WHERE w.chain = ? AND (w.kind, w.recipient, w.epoch) > (?, ?, ?)
             ORDER BY w.kind, w.recipient, w.epoch LIMIT ?",
        )
        .bind(no)
        .bind(kind)
        .bind(recipient)
        .bind(epoch)
        .bind(ROWS)
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(wrap).collect()
    }

    async fn chain_back_links(
        &self,
        no: i64,
        after: Option<(u32, u32)>,
    ) -> Result<Vec<AcceptedBackLink>, StorageError> {
        let (epoch, target) = match after {
            Some((epoch, target)) => (i64::from(epoch), i64::from(target)),
            None => (-1, 0),
        };
        let rows = sqlx::query(
            "SELECT epoch, target, bytes FROM back_links
             WHERE chain = ? AND (epoch, target) > (?, ?) ORDER BY epoch, target LIMIT ?",
        )
        .bind(no)
        .bind(epoch)
        .bind(target)
        .bind(ROWS)
        .fetch_all(&self.reader)
        .await?;
        let link = |row: &SqliteRow| {
            Ok(AcceptedBackLink {
                epoch: number(row.try_get("epoch")?)?,
                target: number(row.try_get("target")?)?,
                bytes: row.try_get("bytes")?,
            })
        };
        rows.iter().map(link).collect()
    }

    async fn openings(
        &self,
        after: Option<(ChainId, Vec<u8>)>,
    ) -> Result<Vec<OpeningRecord>, StorageError> {
        let (tenant, user_id) = match after {
            Some((tenant, user_id)) => (tenant.0.to_vec(), user_id),
            None => (Vec::new(), Vec::new()),
        };
        let rows = sqlx::query(
            "SELECT * FROM openings WHERE (tenant, user_id) > (?, ?)
             ORDER BY tenant, user_id LIMIT ?",
        )
        .bind(tenant)
        .bind(user_id)
        .bind(ROWS)
        .fetch_all(&self.reader)
        .await?;
        let opening = |row: &SqliteRow| {
            Ok(OpeningRecord {
                tenant: ChainId(array(row.try_get("tenant")?)?),
                user_id: row.try_get("user_id")?,
                identity: ChainId(array(row.try_get("identity")?)?),
                number: u64::from_be_bytes(array(row.try_get("number")?)?),
                opening: row.try_get("opening")?,
            })
        };
        rows.iter().map(opening).collect()
    }
}

const _: () = assert!(Kind::Identity as u8 == 2); // as in the queries
