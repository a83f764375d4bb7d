//! Reading.

use super::{array, int, number};
use crate::storage::{
    ChainHead, ChainRef, Nonce, Page, Read, Rows, StorageError, StoredEntry, StoredWrap, TenantRow,
};
use plico_protocol::format::ids::{ChainId, EntryHash, KeyId, Kind, Position, Recipient};
use plico_protocol::keyring::merkle::Hash;
use plico_protocol::primitives::secret::Secret32;
use plico_protocol::wire::accept::{AcceptedBackLink, AcceptedWrap};
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnection, SqlitePool, SqliteRow};
use zeroize::Zeroize as _;

type SqliteQuery<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

/// A row of `chains`.
pub(super) struct ChainRow {
    pub(super) no: i64,
    pub(super) head: ChainHead,
    metadata: Option<Vec<u8>>,
    tag_opening: Option<Vec<u8>>,
}

fn tenant_row(row: &SqliteRow) -> Result<TenantRow, StorageError> {
    let mut seed: Vec<u8> = row.try_get("directory_seed")?;
    let directory_seed =
        Secret32::from_slice(&seed).ok_or(StorageError::Damaged("a directory key"))?;
    seed.zeroize();
    Ok(TenantRow {
        id: ChainId(array(row.try_get("id")?)?),
        name: row.try_get("name")?,
        directory_seed,
        created_ms: number(row.try_get("created_ms")?)?,
    })
}

pub(super) async fn tenants(pool: &SqlitePool) -> Result<Vec<TenantRow>, StorageError> {
    let rows = sqlx::query("SELECT * FROM tenants ORDER BY created_ms, id")
        .fetch_all(pool)
        .await?;
    rows.iter().map(tenant_row).collect()
}

pub(super) async fn tenant(
    pool: &SqlitePool,
    id: ChainId,
) -> Result<Option<TenantRow>, StorageError> {
    let row = sqlx::query("SELECT * FROM tenants WHERE id = ?")
        .bind(id.0.as_slice())
        .fetch_optional(pool)
        .await?;
    row.as_ref().map(tenant_row).transpose()
}

pub(super) async fn chain(
    connection: &mut SqliteConnection,
    at: ChainRef,
) -> Result<Option<ChainRow>, StorageError> {
    let row = sqlx::query(
        "SELECT no, kind, seq, hash, metadata, tag_opening FROM chains WHERE tenant = ? AND id = ?",
    )
    .bind(at.tenant.0.as_slice())
    .bind(at.chain.0.as_slice())
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let kind = Kind::from_u8(number(row.try_get("kind")?)?)
        .ok_or(StorageError::Damaged("a chain's kind"))?;
    let position = Position {
        seq: number(row.try_get("seq")?)?,
        hash: EntryHash(array(row.try_get("hash")?)?),
    };
    Ok(Some(ChainRow {
        no: row.try_get("no")?,
        head: ChainHead { kind, position },
        metadata: row.try_get("metadata")?,
        tag_opening: row.try_get("tag_opening")?,
    }))
}

pub(super) async fn session_by_handle(
    pool: &SqlitePool,
    tenant: ChainId,
    handle: [u8; 16],
) -> Result<Option<ChainId>, StorageError> {
    let lowest = [handle, [0x00; 16]].concat();
    let highest = [handle, [0xff; 16]].concat();
    let row = sqlx::query(
        "SELECT id FROM chains WHERE tenant = ? AND id BETWEEN ? AND ? AND kind = ? LIMIT 1",
    )
    .bind(tenant.0.as_slice())
    .bind(lowest)
    .bind(highest)
    .bind(i64::from(Kind::Session.to_u8()))
    .fetch_optional(pool)
    .await?;
    row.map(|row| Ok(ChainId(array(row.try_get("id")?)?)))
        .transpose()
}

/// How many entries go onto the page. The lengths are asked for first: what
/// doesn't go onto it isn't read.
async fn fitting(
    lengths: SqliteQuery<'_>,
    connection: &mut SqliteConnection,
    no: i64,
    page: Page,
) -> Result<u64, StorageError> {
    let lengths = lengths
        .bind(no)
        .bind(int(page.from))
        .bind(int(page.entries.max(1) as u64))
        .fetch_all(connection)
        .await?;
    let mut bytes = 0usize;
    let mut count = 0u64;
    for row in &lengths {
        bytes = bytes.saturating_add(number(row.try_get("length")?)?);
        if count > 0 && bytes > page.bytes {
            break;
        }
        count += 1;
    }
    Ok(count)
}

/// Entries from `page.from` on, and whether there are more.
pub(super) async fn entries(
    connection: &mut SqliteConnection,
    chain: &ChainRow,
    page: Page,
) -> Result<(Vec<Vec<u8>>, bool), StorageError> {
    let lengths = sqlx::query(
        "SELECT length(bytes) AS length FROM entries WHERE chain = ? AND seq >= ? ORDER BY seq LIMIT ?",
    );
    let count = fitting(lengths, connection, chain.no, page).await?;
    let rows =
        sqlx::query("SELECT bytes FROM entries WHERE chain = ? AND seq >= ? ORDER BY seq LIMIT ?")
            .bind(chain.no)
            .bind(int(page.from))
            .bind(int(count))
            .fetch_all(connection)
            .await?;
    let entries: Vec<Vec<u8>> = rows
        .iter()
        .map(|row| row.try_get("bytes"))
        .collect::<Result<_, _>>()?;
    let next = page.from.saturating_add(entries.len() as u64);
    Ok((entries, next <= chain.head.position.seq))
}

/// Entries from `page.from` on with their leaves, which count among the bytes.
pub(super) async fn stored(
    connection: &mut SqliteConnection,
    no: i64,
    page: Page,
) -> Result<Vec<StoredEntry>, StorageError> {
    let lengths = sqlx::query(
        "SELECT length(bytes) + length(leaves) AS length FROM entries
         WHERE chain = ? AND seq >= ? ORDER BY seq LIMIT ?",
    );
    let count = fitting(lengths, connection, no, page).await?;
    let rows = sqlx::query(
        "SELECT bytes, leaves FROM entries WHERE chain = ? AND seq >= ? ORDER BY seq LIMIT ?",
    )
    .bind(no)
    .bind(int(page.from))
    .bind(int(count))
    .fetch_all(connection)
    .await?;
    let stored = |row: &SqliteRow| {
        let leaves: Vec<u8> = row.try_get("leaves")?;
        Ok(StoredEntry {
            bytes: row.try_get("bytes")?,
            leaves: hashes(&leaves)?,
        })
    };
    rows.iter().map(stored).collect()
}

pub(super) async fn rows(
    connection: &mut SqliteConnection,
    at: ChainRef,
    wanted: &Read,
) -> Result<Option<Rows>, StorageError> {
    let Some(chain) = chain(connection, at).await? else {
        return Ok(None);
    };
    let (entries, more) = entries(connection, &chain, wanted.page).await?;
    let mut wraps = Vec::new();
    let mut back_links = Vec::new();
    for (recipient, ranges) in &wanted.readers {
        for range in ranges {
            wraps.extend(read_wraps(connection, &chain, recipient, *range, wanted).await?);
            back_links.extend(read_back_links(connection, &chain, *range).await?);
        }
    }
    wraps.sort_by_key(|stored| stored.wrap.epoch);
    back_links.sort_by_key(|link| (link.epoch, link.target));
    back_links.dedup_by_key(|link| (link.epoch, link.target));
    let opening = if chain.head.kind == Kind::Identity {
        opening(connection, at).await?
    } else {
        None
    };
    Ok(Some(Rows {
        head: chain.head,
        entries,
        more,
        wraps,
        back_links,
        metadata: chain.metadata,
        tag: chain.tag_opening,
        opening,
    }))
}

async fn read_wraps(
    connection: &mut SqliteConnection,
    chain: &ChainRow,
    recipient: &Recipient,
    range: (u32, u32),
    wanted: &Read,
) -> Result<Vec<StoredWrap>, StorageError> {
    let rows = sqlx::query(
        "SELECT epoch, w.seq AS seq, place, generation, key_id, sealed, leaves
         FROM wraps w JOIN entries e ON e.chain = w.chain AND e.seq = w.seq
         WHERE w.chain = ? AND kind = ? AND recipient = ? AND epoch BETWEEN ? AND ?
           AND (expires_ms = 0 OR expires_ms > ?)
         ORDER BY epoch DESC LIMIT ?",
    )
    .bind(chain.no)
    .bind(i64::from(recipient.kind.to_u8()))
    .bind(recipient.id.as_slice())
    .bind(i64::from(range.0))
    .bind(i64::from(range.1))
    .bind(int(wanted.now_ms))
    .bind(int(wanted.wraps_per_range as u64))
    .fetch_all(connection)
    .await?;
    let stored = |row: &SqliteRow| -> Result<StoredWrap, StorageError> {
        let leaves: Vec<u8> = row.try_get("leaves")?;
        let wrap = AcceptedWrap {
            seq: number(row.try_get("seq")?)?,
            index: number(row.try_get("place")?)?,
            recipient: *recipient,
            epoch: number(row.try_get("epoch")?)?,
            generation: number(row.try_get("generation")?)?,
            key_id: KeyId(array(row.try_get("key_id")?)?),
            sealed: row.try_get("sealed")?,
        };
        Ok(StoredWrap {
            wrap,
            leaves: hashes(&leaves)?,
        })
    };
    rows.iter().map(stored).collect()
}

pub(super) fn hashes(bytes: &[u8]) -> Result<Vec<Hash>, StorageError> {
    bytes.chunks(32).map(array).collect()
}

async fn read_back_links(
    connection: &mut SqliteConnection,
    chain: &ChainRow,
    (first, last): (u32, u32),
) -> Result<Vec<AcceptedBackLink>, StorageError> {
    let rows = sqlx::query(
        "SELECT epoch, target, bytes FROM back_links
         WHERE chain = ? AND epoch BETWEEN ? AND ? AND target >= ?",
    )
    .bind(chain.no)
    .bind(i64::from(first))
    .bind(i64::from(last))
    .bind(i64::from(first))
    .fetch_all(connection)
    .await?;
    let link = |row: &SqliteRow| -> Result<AcceptedBackLink, StorageError> {
        Ok(AcceptedBackLink {
            epoch: number(row.try_get("epoch")?)?,
            target: number(row.try_get("target")?)?,
            bytes: row.try_get("bytes")?,
        })
    };
    rows.iter().map(link).collect()
}

async fn opening(
    connection: &mut SqliteConnection,
    at: ChainRef,
) -> Result<Option<Vec<u8>>, StorageError> {
    let row = sqlx::query("SELECT opening FROM openings WHERE tenant = ? AND identity = ? LIMIT 1")
        .bind(at.tenant.0.as_slice())
        .bind(at.chain.0.as_slice())
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|row| row.try_get("opening")).transpose()?)
}

pub(super) async fn chains_of(
    pool: &SqlitePool,
    tenant: ChainId,
    recipient: Recipient,
    kind: Kind,
    tag: Option<&str>,
    after: Option<ChainId>,
) -> Result<Vec<ChainId>, StorageError> {
    // Nothing is below an id of zeros, which no chain has.
    let after = after.unwrap_or(ChainId::ZERO);
    let rows = sqlx::query(
        "SELECT id FROM chains WHERE tenant = ?1 AND kind = ?2 AND id > ?3 AND no IN
           (SELECT chain FROM wraps WHERE recipient = ?4 AND kind = ?5)
           AND (?6 IS NULL OR tag = ?6)
         ORDER BY id LIMIT 1024",
    )
    .bind(tenant.0.as_slice())
    .bind(i64::from(kind.to_u8()))
    .bind(after.0.as_slice())
    .bind(recipient.id.as_slice())
    .bind(i64::from(recipient.kind.to_u8()))
    .bind(tag)
    .fetch_all(pool)
    .await?;
    ids(&rows)
}

fn ids(rows: &[SqliteRow]) -> Result<Vec<ChainId>, StorageError> {
    let id = |row: &SqliteRow| Ok(ChainId(array(row.try_get("id")?)?));
    rows.iter().map(id).collect()
}

pub(super) async fn chains_tagged(
    pool: &SqlitePool,
    tenant: ChainId,
    kind: Kind,
    tag: &str,
    after: Option<ChainId>,
) -> Result<Vec<ChainId>, StorageError> {
    let after = after.unwrap_or(ChainId::ZERO);
    let rows = sqlx::query(
        "SELECT id FROM chains WHERE tenant = ? AND tag = ? AND kind = ? AND id > ?
         ORDER BY id LIMIT 1024",
    )
    .bind(tenant.0.as_slice())
    .bind(tag)
    .bind(i64::from(kind.to_u8()))
    .bind(after.0.as_slice())
    .fetch_all(pool)
    .await?;
    ids(&rows)
}

pub(super) async fn user(
    pool: &SqlitePool,
    tenant: ChainId,
    user_id: &str,
) -> Result<Option<ChainId>, StorageError> {
    let row = sqlx::query("SELECT identity FROM openings WHERE tenant = ? AND user_id = ?")
        .bind(tenant.0.as_slice())
        .bind(user_id.as_bytes())
        .fetch_optional(pool)
        .await?;
    row.map(|row| Ok(ChainId(array(row.try_get("identity")?)?)))
        .transpose()
}

pub(super) async fn nonce_used(
    pool: &SqlitePool,
    tenant: ChainId,
    nonce: &Nonce,
) -> Result<bool, StorageError> {
    let row = sqlx::query("SELECT 1 FROM nonces WHERE tenant = ? AND key = ? AND nonce = ?")
        .bind(tenant.0.as_slice())
        .bind(nonce.key.0.as_slice())
        .bind(nonce.nonce.as_slice())
        .fetch_optional(pool)
        .await?;
    Ok(row.is_some())
}
