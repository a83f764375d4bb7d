//! A store of the app's.

use super::{AsyncFunction, ask};
use napi::bindgen_prelude::{Buffer, Uint8Array};
use napi_derive::napi;
use plico::ErrorCode;
use plico::ports::{Batch, BoxFuture, Change, Expected, Pairs, Store, StoreError, StoreFailure};

/// A name with its value; `None`: nothing there.
#[napi(object)]
pub struct StoreEntry {
    /// The name.
    pub key: String,
    /// The value.
    pub value: Option<Buffer>,
}

/// Changes, and what must be there for them to happen.
#[napi(object, object_from_js = false)]
pub struct StoreBatch {
    /// To be set, or deleted.
    pub changes: Vec<StoreEntry>,
    /// To be there, or not.
    pub expected: Vec<StoreEntry>,
}

/// What the store answered.
#[napi(object, object_to_js = false)]
pub struct StoreAnswer {
    /// The code of what failed: one of those that begin with `STORE`.
    pub failed: Option<String>,
    /// What was asked for with `get`.
    pub value: Option<Uint8Array>,
    /// What was asked for with `scan`.
    pub pairs: Option<Vec<StorePair>>,
}

/// A name with its value.
#[napi(object, object_to_js = false)]
pub struct StorePair {
    /// The name.
    pub key: String,
    /// The value.
    pub value: Uint8Array,
}

/// A store's functions, as the package wraps them.
#[napi(object, object_to_js = false)]
pub struct StoreInput {
    /// The value of a name.
    pub get: AsyncFunction<String, StoreAnswer>,
    /// All pairs whose name begins so.
    pub scan: AsyncFunction<String, StoreAnswer>,
    /// All changes or none.
    pub commit: AsyncFunction<StoreBatch, StoreAnswer>,
}

/// A store of the app's.
pub(crate) struct HostStore(pub StoreInput);

fn failed(failure: StoreFailure) -> StoreError {
    StoreError {
        failure,
        detail: "the app's own store".into(),
    }
}

/// The kind of failure that a code stands for.
fn kind(code: &str) -> StoreFailure {
    match ErrorCode::parse(code) {
        Some(ErrorCode::StoreDamaged) => StoreFailure::Damaged,
        Some(ErrorCode::StoreWrongKey) => StoreFailure::WrongKey,
        Some(ErrorCode::StoreFull) => StoreFailure::Full,
        Some(ErrorCode::StoreReadOnly) => StoreFailure::ReadOnly,
        Some(ErrorCode::StoreBusy) => StoreFailure::Busy,
        Some(ErrorCode::StoreCopied) => StoreFailure::Copied,
        // Not an error that an app ever sees: the SDK reads again and goes on.
        _ if code == "STORE_CONFLICT" => StoreFailure::Conflict,
        _ => StoreFailure::Io,
    }
}

fn checked(answer: napi::Result<StoreAnswer>) -> Result<StoreAnswer, StoreError> {
    let answer = answer.map_err(|_| failed(StoreFailure::Io))?;
    match &answer.failed {
        Some(code) => Err(failed(kind(code))),
        None => Ok(answer),
    }
}

fn entry((key, value): (String, Option<Vec<u8>>)) -> StoreEntry {
    StoreEntry {
        key,
        value: value.map(Into::into),
    }
}

impl Store for HostStore {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        Box::pin(async move {
            let answer = checked(ask(&self.0.get, key.to_owned()).await)?;
            Ok(answer.value.map(|value| value.to_vec()))
        })
    }

    fn scan<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Pairs, StoreError>> {
        Box::pin(async move {
            let answer = checked(ask(&self.0.scan, prefix.to_owned()).await)?;
            let pairs = answer.pairs.unwrap_or_default().into_iter();
            Ok(pairs.map(|it| (it.key, it.value.to_vec())).collect())
        })
    }

    fn commit(&self, batch: Batch, expected: Expected) -> BoxFuture<'_, Result<(), StoreError>> {
        let change = |it| match it {
            Change::Put(key, value) => (key, Some(value)),
            Change::Delete(key) => (key, None),
        };
        let batch = StoreBatch {
            changes: batch.into_iter().map(change).map(entry).collect(),
            expected: expected.into_iter().map(entry).collect(),
        };
        Box::pin(async move { checked(ask(&self.0.commit, batch).await).map(drop) })
    }
}
