//! A tenant's chain, and the directory's key of it.

use super::walk::Walk;
use super::{Finding, Grade};
use crate::cache::Cache;
use crate::storage::audit::Audit;
use crate::storage::{ChainRef, StorageError};
use plico_protocol::chain::{Replay as _, replay};
use plico_protocol::format::keys::KeyRecord;
use plico_protocol::identity::TenantState;
use plico_protocol::wire::b64;

pub(super) async fn check(mut walk: Walk<'_>) -> Result<(u64, Vec<Finding>), StorageError> {
    let mut state: Option<TenantState> = None;
    loop {
        let page = match walk.next().await? {
            Ok(page) => page,
            Err(what) => return Ok(walk.done(what)),
        };
        if page.is_empty() {
            break;
        }
        for (entry, leaves) in page {
            let seq = entry.entry.seq;
            match replay(state.take(), std::slice::from_ref(&entry), &()) {
                Ok(next) => state = Some(next),
                Err(error) => return Ok(walk.done(format!("entry {seq}: {error}"))),
            }
            walk.check_leaves(seq, None, &leaves);
        }
    }
    let Some(state) = state else {
        return Ok(walk.done("it has no entries"));
    };
    walk.check_head(state.tip());
    let no = walk.record.no;
    if !walk.storage.chain_wraps(no, None).await?.is_empty() {
        walk.problem("a tenant has no wraps");
    }
    if !walk.storage.chain_back_links(no, None).await?.is_empty() {
        walk.problem("a tenant has no back-links");
    }
    if walk.record.metadata.is_some() {
        walk.problem("a tenant has no metadata");
    }
    Ok(walk.end())
}

/// Whether the directory holds the key that each tenant's chain names.
pub(super) async fn rows(storage: &dyn Audit, cache: &Cache) -> Result<Vec<Finding>, StorageError> {
    let mut found = Vec::new();
    for row in storage.tenants().await? {
        // A chain that is not there or does not replay was told of before.
        let Ok(Some(tenant)) = cache.tenant(storage, row.id).await else {
            continue;
        };
        if KeyRecord::signing(&tenant.key.verifying_key()) != *tenant.state.directory_key() {
            found.push(Finding {
                grade: Grade::Problem,
                at: Some(ChainRef {
                    tenant: row.id,
                    chain: row.id,
                }),
                what: format!(
                    "the key that signs heads is not the one that the chain names, {}",
                    b64::encode(&tenant.state.directory_key().id().0)
                ),
            });
        }
    }
    Ok(found)
}
