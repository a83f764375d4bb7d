//! What a service keeps: what it holds the directory to, and nothing that can be
//! fetched again, so that its memory grows by some hundred bytes a recipient.

use super::pins::{HEAD_PINS, USER_PINS};
use super::stored;
use crate::ports::{Batch, BoxFuture, Change, Expected, Pairs, Store, StoreError};
use crate::store::MemoryStore;

/// A store in memory for pins and the tenant's chain; other entries are not kept.
#[derive(Default)]
pub(crate) struct PinsOnly(MemoryStore);

fn is_kept(key: &str) -> bool {
    key == stored::TENANT || key.starts_with(HEAD_PINS) || key.starts_with(USER_PINS)
}

impl Store for PinsOnly {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        self.0.get(key)
    }

    fn scan<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Pairs, StoreError>> {
        self.0.scan(prefix)
    }

    fn commit(
        &self,
        mut batch: Batch,
        expected: Expected,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        batch.retain(|change| match change {
            Change::Put(key, _) => is_kept(key),
            Change::Delete(_) => true,
        });
        self.0.commit(batch, expected)
    }
}
