//! A host's store does not hold a call for ever.

use super::wire::within;
use crate::ports::{Batch, BoxFuture, Expected, Pairs, Runtime, Store, StoreError, StoreFailure};
use std::sync::Arc;
use std::time::Duration;

/// How long one operation may take: longer than a store that waits for another
/// process, and than a slow disk.
const LIMIT: Duration = Duration::from_secs(60);

/// A store whose operations end, whatever the host does.
pub(crate) struct PatientStore {
    store: Arc<dyn Store>,
    runtime: Arc<dyn Runtime>,
}

impl PatientStore {
    pub fn new(store: Arc<dyn Store>, runtime: Arc<dyn Runtime>) -> Self {
        Self { store, runtime }
    }

    async fn wait<T>(&self, work: BoxFuture<'_, Result<T, StoreError>>) -> Result<T, StoreError> {
        within(self.runtime.as_ref(), LIMIT, work)
            .await
            .unwrap_or_else(|| {
                Err(StoreError {
                    failure: StoreFailure::Io,
                    detail: format!("the store has not answered within {} s", LIMIT.as_secs()),
                })
            })
    }
}

impl Store for PatientStore {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        Box::pin(self.wait(self.store.get(key)))
    }

    fn scan<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Pairs, StoreError>> {
        Box::pin(self.wait(self.store.scan(prefix)))
    }

    fn commit(&self, batch: Batch, expected: Expected) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.wait(self.store.commit(batch, expected)))
    }
}
