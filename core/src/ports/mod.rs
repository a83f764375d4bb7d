//! What a host may supply: how requests travel, where state is kept, what time it is,
//! how to wait.
//!
//! Each trait says what an implementation must guarantee; [`conformance`] tries it.

pub mod conformance;
mod runtime;
mod store;
mod streams;
mod transport;

pub use runtime::{Runtime, SystemRuntime};
pub use store::{Batch, Change, Expected, Pairs, Store, StoreError, StoreFailure};
pub use streams::{ByteSink, ByteSource, RangedSource};
pub use transport::{Method, Request, Response, Transport, TransportError};

use std::future::Future;
use std::pin::Pin;

/// A boxed future: `Send` natively, not on wasm, where nothing is.
#[cfg(not(target_arch = "wasm32"))]
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// A boxed future: `Send` natively, not on wasm, where nothing is.
#[cfg(target_arch = "wasm32")]
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// The host's clock.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970-01-01 UTC.
    fn now_ms(&self) -> u64;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        #[cfg(not(target_arch = "wasm32"))]
        use std::time::{SystemTime, UNIX_EPOCH};
        #[cfg(target_arch = "wasm32")]
        use web_time::{SystemTime, UNIX_EPOCH};
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| {
                u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
            })
    }
}
