//! Writing: everything here runs in one transaction of the one writer.

use super::{array, int, read};
use crate::storage::{Binding, ChainRef, Nonce, StorageError, Write, WriteError};
use plico_protocol::format::bodies::TagOpening;
use plico_protocol::format::ids::{ChainId, Kind, Recipient};
use plico_protocol::wire::accept::{AcceptedEntry, AcceptedWrap, Effects};
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;

pub(super) async fn apply(
    connection: &mut SqliteConnection,
    write: &Write,
) -> Result<(), WriteError> {
    for (identity, position) in &write.authors {
        let at = ChainRef {
            tenant: write.at.tenant,
            chain: *identity,
        };
        let there = read::chain(connection, at).await?;
        if there.is_none_or(|chain| chain.head.position != *position) {
            return Err(WriteError::AuthorBehind);
        }
    }
    let no = move_head(connection, write).await?;
    if let Some(tenant) = &write.tenant {
        sqlx::query(
            "INSERT INTO tenants (id, name, directory_seed, created_ms) VALUES (?, ?, ?, ?)",
        )
        .bind(tenant.id.0.as_slice())
        .bind(&tenant.name)
        .bind(tenant.directory_seed.expose().as_slice())
        .bind(int(tenant.created_ms))
        .execute(&mut *connection)
        .await?;
    }
    delete(connection, no, &write.effects).await?;
    for entry in &write.effects.entries {
        insert_entry(connection, no, entry).await?;
    }
    for entry in &write.effects.filled {
        sqlx::query("UPDATE entries SET leaves = ? WHERE chain = ? AND seq = ?")
            .bind(entry.leaves.concat())
            .bind(no)
            .bind(int(entry.seq))
            .execute(&mut *connection)
            .await?;
    }
    for wrap in &write.effects.wraps {
        let expires_ms = write.expiries.get(&wrap.recipient).copied().unwrap_or(0);
        insert_wrap(connection, no, wrap, expires_ms).await?;
    }
    for (recipient, expires_ms) in &write.expiries {
        set_expiry(connection, no, recipient, *expires_ms).await?;
    }
    for link in &write.effects.back_links {
        sqlx::query(
            "INSERT INTO back_links (chain, epoch, target, bytes) VALUES (?, ?, ?, ?)
             ON CONFLICT DO NOTHING",
        )
        .bind(no)
        .bind(i64::from(link.epoch))
        .bind(i64::from(link.target))
        .bind(&link.bytes)
        .execute(&mut *connection)
        .await?;
    }
    if let Some(blob) = &write.effects.metadata {
        sqlx::query("UPDATE chains SET metadata = ? WHERE no = ?")
            .bind(blob)
            .bind(no)
            .execute(&mut *connection)
            .await?;
    }
    if let Some(tag) = &write.effects.tag {
        sqlx::query("UPDATE chains SET tag = ?, tag_opening = ? WHERE no = ?")
            .bind(tag.as_ref().map(TagOpening::tag))
            .bind(tag.as_ref().map(TagOpening::to_bytes))
            .bind(no)
            .execute(&mut *connection)
            .await?;
    }
    sqlx::query("UPDATE chains SET ends_ms = ?1 WHERE no = ?2 AND ends_ms <> ?1")
        .bind(int(write.ends_ms))
        .bind(no)
        .execute(&mut *connection)
        .await?;
    if let Some(binding) = &write.binding {
        bind(connection, write.at, binding).await?;
    }
    if write.unbind {
        sqlx::query("DELETE FROM openings WHERE tenant = ? AND identity = ?")
            .bind(write.at.tenant.0.as_slice())
            .bind(write.at.chain.0.as_slice())
            .execute(&mut *connection)
            .await?;
    }
    super::records::put(connection, write.at.tenant, &write.records).await
}

/// Compare-and-set on the head; gives the chain's row.
async fn move_head(connection: &mut SqliteConnection, write: &Write) -> Result<i64, WriteError> {
    let there = read::chain(connection, write.at).await?;
    let last = write.effects.entries.last();
    match (there, write.expected, last) {
        (None, None, Some(last)) => {
            let done = sqlx::query(
                "INSERT INTO chains (tenant, id, kind, seq, hash) VALUES (?, ?, ?, ?, ?)",
            )
            .bind(write.at.tenant.0.as_slice())
            .bind(write.at.chain.0.as_slice())
            .bind(i64::from(write.kind.to_u8()))
            .bind(int(last.seq))
            .bind(last.hash.0.as_slice())
            .execute(connection)
            .await?;
            Ok(done.last_insert_rowid())
        }
        (Some(chain), Some(expected), last)
            if chain.head.position == expected && chain.head.kind == write.kind =>
        {
            if let Some(last) = last {
                sqlx::query("UPDATE chains SET seq = ?, hash = ? WHERE no = ?")
                    .bind(int(last.seq))
                    .bind(last.hash.0.as_slice())
                    .bind(chain.no)
                    .execute(connection)
                    .await?;
            }
            Ok(chain.no)
        }
        _ => Err(WriteError::Conflict),
    }
}

async fn delete(
    connection: &mut SqliteConnection,
    no: i64,
    effects: &Effects,
) -> Result<(), sqlx::Error> {
    for gone in &effects.dropped {
        sqlx::query("DELETE FROM wraps WHERE chain = ? AND kind = ? AND recipient = ?")
            .bind(no)
            .bind(i64::from(gone.kind.to_u8()))
            .bind(gone.id.as_slice())
            .execute(&mut *connection)
            .await?;
    }
    if effects.metadata_stale {
        sqlx::query("UPDATE chains SET metadata = NULL WHERE no = ?")
            .bind(no)
            .execute(&mut *connection)
            .await?;
    }
    if effects.ended {
        for all in [
            "DELETE FROM wraps WHERE chain = ?",
            "DELETE FROM back_links WHERE chain = ?",
            "UPDATE chains SET metadata = NULL, tag = NULL, tag_opening = NULL WHERE no = ?",
        ] {
            sqlx::query(all).bind(no).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

async fn insert_entry(
    connection: &mut SqliteConnection,
    no: i64,
    entry: &AcceptedEntry,
) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO entries (chain, seq, bytes, leaves) VALUES (?, ?, ?, ?)")
        .bind(no)
        .bind(int(entry.seq))
        .bind(&entry.bytes)
        .bind(entry.leaves.concat())
        .execute(connection)
        .await?;
    Ok(())
}

async fn insert_wrap(
    connection: &mut SqliteConnection,
    no: i64,
    wrap: &AcceptedWrap,
    expires_ms: u64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO wraps
           (chain, kind, recipient, epoch, seq, place, generation, key_id, sealed, expires_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (chain, kind, recipient, epoch) DO UPDATE SET
           seq = excluded.seq, place = excluded.place, generation = excluded.generation,
           key_id = excluded.key_id, sealed = excluded.sealed, expires_ms = excluded.expires_ms
         WHERE excluded.seq >= wraps.seq",
    )
    .bind(no)
    .bind(i64::from(wrap.recipient.kind.to_u8()))
    .bind(wrap.recipient.id.as_slice())
    .bind(i64::from(wrap.epoch))
    .bind(int(wrap.seq))
    .bind(i64::from(wrap.index))
    .bind(i64::from(wrap.generation))
    .bind(wrap.key_id.0.as_slice())
    .bind(&wrap.sealed)
    .bind(int(expires_ms))
    .execute(connection)
    .await?;
    Ok(())
}

async fn set_expiry(
    connection: &mut SqliteConnection,
    no: i64,
    recipient: &Recipient,
    expires_ms: u64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE wraps SET expires_ms = ?1
         WHERE chain = ?2 AND kind = ?3 AND recipient = ?4 AND expires_ms <> ?1",
    )
    .bind(int(expires_ms))
    .bind(no)
    .bind(i64::from(recipient.kind.to_u8()))
    .bind(recipient.id.as_slice())
    .execute(connection)
    .await?;
    Ok(())
}

/// Gives a user id to an identity, if nobody else has it with this number or a higher one.
async fn bind(
    connection: &mut SqliteConnection,
    at: ChainRef,
    binding: &Binding,
) -> Result<(), WriteError> {
    let row = sqlx::query("SELECT identity, number FROM openings WHERE tenant = ? AND user_id = ?")
        .bind(at.tenant.0.as_slice())
        .bind(binding.user_id.as_bytes())
        .fetch_optional(&mut *connection)
        .await?;
    if let Some(row) = row {
        let identity: Vec<u8> = row.try_get("identity")?;
        let number = u64::from_be_bytes(array(row.try_get("number")?)?);
        if identity != at.chain.0 && binding.number <= number {
            return if binding.may_be_superseded && binding.number < number {
                Ok(())
            } else {
                Err(WriteError::UserIdTaken)
            };
        }
    }
    sqlx::query(
        "INSERT OR REPLACE INTO openings (tenant, user_id, identity, number, opening)
         VALUES (?, ?, ?, ?, ?)",
    )
    .bind(at.tenant.0.as_slice())
    .bind(binding.user_id.as_bytes())
    .bind(at.chain.0.as_slice())
    .bind(binding.number.to_be_bytes().as_slice())
    .bind(&binding.opening)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn nonce(
    connection: &mut SqliteConnection,
    tenant: ChainId,
    nonce: &Nonce,
) -> Result<(), WriteError> {
    let done = sqlx::query(
        "INSERT INTO nonces (tenant, key, nonce, expires_ms) VALUES (?, ?, ?, ?)
         ON CONFLICT DO NOTHING",
    )
    .bind(tenant.0.as_slice())
    .bind(nonce.key.0.as_slice())
    .bind(nonce.nonce.as_slice())
    .bind(int(nonce.expires_ms))
    .execute(connection)
    .await?;
    if done.rows_affected() == 0 {
        return Err(WriteError::Replayed);
    }
    Ok(())
}

pub(super) async fn purge(
    connection: &mut SqliteConnection,
    now_ms: u64,
) -> Result<(), StorageError> {
    for over in ["wraps", "back_links"] {
        let ended = "SELECT no FROM chains WHERE ends_ms <> 0 AND ends_ms <= ?";
        let delete = format!("DELETE FROM {over} WHERE chain IN ({ended})");
        sqlx::query(sqlx::AssertSqlSafe(delete))
            .bind(int(now_ms))
            .execute(&mut *connection)
            .await?;
    }
    for expired in [
        "UPDATE chains SET metadata = NULL, tag = NULL, tag_opening = NULL
         WHERE ends_ms <> 0 AND ends_ms <= ?
           AND (metadata IS NOT NULL OR tag IS NOT NULL)",
        "DELETE FROM wraps WHERE expires_ms <> 0 AND expires_ms <= ?",
        "DELETE FROM nonces WHERE expires_ms <= ?",
        "DELETE FROM records WHERE expires_ms <> 0 AND expires_ms <= ?",
    ] {
        sqlx::query(expired)
            .bind(int(now_ms))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

const _: () = assert!(Kind::Session as u8 == 4); // the numbers are stored
