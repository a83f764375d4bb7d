//! A store that the host keeps.

use async_trait::async_trait;
use plico::ports::{Batch, BoxFuture, Change, Expected, Pairs, Store, StoreError, StoreFailure};
use std::sync::Arc;

/// Why a host's store failed.
#[derive(Debug, thiserror::Error, uniffi::Error)]
pub enum HostStoreFailure {
    /// It could not be read or written.
    #[error("it could not be read or written")]
    Io,
    /// It holds something that was not written by it.
    #[error("it is damaged")]
    Damaged,
    /// What was expected was not there: somebody else has written in between.
    #[error("somebody else has written in between")]
    Conflict,
    /// There is no room left.
    #[error("there is no room left")]
    Full,
    /// It can be read but not written.
    #[error("it can't be written")]
    ReadOnly,
    /// Somebody else holds it.
    #[error("somebody else holds it")]
    Busy,
}

impl From<uniffi::UnexpectedUniFFICallbackError> for HostStoreFailure {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Io
    }
}

impl From<HostStoreFailure> for StoreError {
    fn from(failure: HostStoreFailure) -> Self {
        use HostStoreFailure as H;
        let kind = match failure {
            H::Io => StoreFailure::Io,
            H::Damaged => StoreFailure::Damaged,
            H::Conflict => StoreFailure::Conflict,
            H::Full => StoreFailure::Full,
            H::ReadOnly => StoreFailure::ReadOnly,
            H::Busy => StoreFailure::Busy,
        };
        Self {
            failure: kind,
            detail: format!("the host's store: {failure}"),
        }
    }
}

/// A name and its value.
#[derive(Clone, uniffi::Record)]
pub struct HostPair {
    /// The name.
    pub key: String,
    /// The value.
    pub value: Vec<u8>,
}

/// One change of a batch.
#[derive(Clone, uniffi::Record)]
pub struct HostChange {
    /// The name.
    pub key: String,
    /// The new value; none: the name goes.
    pub value: Option<Vec<u8>>,
}

/// What must be there for a batch to happen.
#[derive(Clone, uniffi::Record)]
pub struct HostExpected {
    /// The name.
    pub key: String,
    /// Its value; none: it must not be there.
    pub value: Option<Vec<u8>>,
}

/// Where an account keeps its state. Values hold secrets: an implementation
/// encrypts names and values. See `plico::ports::Store` for what it guarantees.
#[uniffi::export(with_foreign)]
#[async_trait]
pub trait HostStore: Send + Sync {
    /// The value of `key`, if any.
    async fn get(&self, key: String) -> Result<Option<Vec<u8>>, HostStoreFailure>;

    /// All pairs whose key begins with `prefix`, in the order of the keys' UTF-8 bytes.
    async fn scan(&self, prefix: String) -> Result<Vec<HostPair>, HostStoreFailure>;

    /// All of `changes`, if everything `expected` holds; otherwise `Conflict`
    /// and none of them. Once it has returned, the changes survive a crash.
    async fn commit(
        &self,
        changes: Vec<HostChange>,
        expected: Vec<HostExpected>,
    ) -> Result<(), HostStoreFailure>;
}

/// [`HostStore`] as the SDK asks for it.
pub(crate) struct Keeper(pub Arc<dyn HostStore>);

impl Store for Keeper {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        Box::pin(async move { Ok(self.0.get(key.to_owned()).await?) })
    }

    fn scan<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Pairs, StoreError>> {
        Box::pin(async move {
            let pairs = self.0.scan(prefix.to_owned()).await?.into_iter();
            Ok(pairs.map(|pair| (pair.key, pair.value)).collect())
        })
    }

    fn commit(&self, batch: Batch, expected: Expected) -> BoxFuture<'_, Result<(), StoreError>> {
        let change = |change| match change {
            Change::Put(key, value) => HostChange {
                key,
                value: Some(value),
            },
            Change::Delete(key) => HostChange { key, value: None },
        };
        let changes = batch.into_iter().map(change).collect();
        let expected = expected.into_iter();
        let expected = expected
            .map(|(key, value)| HostExpected { key, value })
            .collect();
        Box::pin(async move { Ok(self.0.commit(changes, expected).await?) })
    }
}
