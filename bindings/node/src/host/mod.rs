//! What the app supplies. The package wraps each of its functions so that none
//! throws: a failure comes as an answer that says so.

mod hooks;
mod ranges;
mod store;
mod transport;

pub(crate) use hooks::{EventListener, LogListener, on_event, on_log};
pub(crate) use ranges::{HostRanges, ReadFunction};
pub(crate) use store::{HostStore, StoreInput};
pub(crate) use transport::{HostTransport, TransportFunction};

use napi::Status;
use napi::bindgen_prelude::{FromNapiValue, JsValuesTupleIntoVec, Promise};
use napi::threadsafe_function::ThreadsafeFunction;

/// An async function of the app's. It does not keep the process alive: the
/// call that waits for it does.
pub(crate) type AsyncFunction<A, R> = ThreadsafeFunction<A, Promise<R>, A, Status, false, true>;

/// Calls it on the event loop's thread, and waits. The error says why nothing
/// came: the event loop is ending, or the wrapper is not what it should be.
pub(crate) async fn ask<A, R>(function: &AsyncFunction<A, R>, arguments: A) -> napi::Result<R>
where
    A: JsValuesTupleIntoVec + Send + 'static,
    R: FromNapiValue + Send + 'static,
{
    function.call_async_catch(arguments).await?.await
}
