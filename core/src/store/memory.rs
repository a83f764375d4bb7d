//! A store in memory: for tests, and for services that register anew at each start.

use crate::ports::{Batch, BoxFuture, Change, Expected, Pairs, Store, StoreError, StoreFailure};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

type Map = BTreeMap<String, Zeroizing<Vec<u8>>>;

/// Keeps everything in memory, and wipes it on drop.
#[derive(Default)]
pub struct MemoryStore {
    map: Mutex<Map>,
}

impl core::fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("MemoryStore(..)")
    }
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn map(&self) -> MutexGuard<'_, Map> {
        // No code below can panic while it holds the lock half-way through a change.
        self.map.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        let value = self.map().get(key).map(|value| value.to_vec());
        Box::pin(async move { Ok(value) })
    }

    fn scan<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Pairs, StoreError>> {
        let pairs = self
            .map()
            .range(prefix.to_owned()..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .map(|(key, value)| (key.clone(), value.to_vec()))
            .collect();
        Box::pin(async move { Ok(pairs) })
    }

    fn commit(&self, batch: Batch, expected: Expected) -> BoxFuture<'_, Result<(), StoreError>> {
        let mut map = self.map();
        let holds = expected
            .iter()
            .all(|(key, value)| map.get(key).map(|value| value.as_slice()) == value.as_deref());
        let result = if holds {
            for change in batch {
                match change {
                    Change::Put(key, value) => map.insert(key, Zeroizing::new(value)),
                    Change::Delete(key) => map.remove(&key),
                };
            }
            Ok(())
        } else {
            Err(StoreError {
                failure: StoreFailure::Conflict,
                detail: "somebody else has written in between".into(),
            })
        };
        drop(map);
        Box::pin(async move { result })
    }
}
