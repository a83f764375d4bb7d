//! A source of ranges of the app's.

use super::{AsyncFunction, ask};
use napi::bindgen_prelude::{FnArgs, Uint8Array};
use napi_derive::napi;
use plico::ports::{BoxFuture, RangedSource};
use std::io;

/// The bytes, or nothing if the source failed.
#[napi(object, object_to_js = false)]
pub struct RangeAnswer {
    /// The bytes.
    pub data: Option<Uint8Array>,
}

/// `read`, as the package wraps it: from where on, and how many.
pub(crate) type ReadFunction = AsyncFunction<FnArgs<(f64, f64)>, RangeAnswer>;

/// A source of ranges of the app's.
pub(crate) struct HostRanges {
    length: u64,
    read: ReadFunction,
}

impl HostRanges {
    /// The app's source, if there is one.
    pub(crate) fn of(length: Option<f64>, read: Option<ReadFunction>) -> Option<Self> {
        let length = length.unwrap_or_default() as u64;
        read.map(|read| Self { length, read })
    }
}

impl RangedSource for HostRanges {
    fn length(&self) -> BoxFuture<'_, io::Result<u64>> {
        Box::pin(async { Ok(self.length) })
    }

    fn read(&self, offset: u64, len: u64) -> BoxFuture<'_, io::Result<Vec<u8>>> {
        Box::pin(async move {
            let answer = ask(&self.read, (offset as f64, len as f64).into()).await;
            let data = answer.ok().and_then(|it| it.data);
            let data = data.ok_or(io::ErrorKind::Other)?;
            Ok(data.to_vec())
        })
    }
}
