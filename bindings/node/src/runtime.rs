//! Where calls run: on napi's multi-threaded tokio runtime, never on the event
//! loop's thread.

use crate::failure::thrown;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use napi::Env;
use napi::bindgen_prelude::{PromiseRaw, ToNapiValue};
use napi_derive::napi;
use plico::{CancelToken, Error, ErrorCode, Result};
use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::sync::LazyLock;
use std::task::Poll;
use tokio::sync::Semaphore;
use tokio::task::block_in_place;

/// From this many bytes on, a payload keeps a thread busy for so long that
/// other calls must not wait behind it.
const LARGE: usize = 256 * 1024;

/// An `AbortSignal`, as far as it concerns this side.
#[napi]
#[derive(Default)]
pub struct Cancel {
    token: CancelToken,
}

#[napi]
impl Cancel {
    /// Not cancelled yet.
    #[napi(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The calls that were given this end with `CANCELLED`.
    #[napi]
    pub fn cancel(&self) {
        self.token.cancel();
    }

    pub(crate) fn token(cancel: Option<&Self>) -> CancelToken {
        cancel.map_or_else(CancelToken::new, |it| it.token.clone())
    }
}

/// Boxed as soon as it is there: the SDK's futures are large, and every function
/// that hands one on by value would need that much of the event loop's stack.
type Work<T> = BoxFuture<'static, Result<T>>;

/// A promise of what `work` gives.
pub(crate) fn promise<'env, T: Send + ToNapiValue + 'static>(
    env: &'env Env,
    cancel: Option<&Cancel>,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> napi::Result<PromiseRaw<'env, T>> {
    spawn(env, cancel, Box::pin(work))
}

/// The same for `work` that computes for long at a stretch.
pub(crate) fn promise_long<'env, T: Send + ToNapiValue + 'static>(
    env: &'env Env,
    cancel: Option<&Cancel>,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> napi::Result<PromiseRaw<'env, T>> {
    let work: Work<T> = Box::pin(work);
    spawn(env, cancel, Box::pin(in_turn(work)))
}

/// The same for `work` on so many bytes.
pub(crate) fn promise_sized<'env, T: Send + ToNapiValue + 'static>(
    env: &'env Env,
    cancel: Option<&Cancel>,
    size: usize,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> napi::Result<PromiseRaw<'env, T>> {
    if size < LARGE {
        promise(env, cancel, work)
    } else {
        promise_long(env, cancel, work)
    }
}

fn spawn<'env, T: Send + ToNapiValue + 'static>(
    env: &'env Env,
    cancel: Option<&Cancel>,
    work: Work<T>,
) -> napi::Result<PromiseRaw<'env, T>> {
    let token = Cancel::token(cancel);
    // A panic is a bug of ours. It ends this call and nothing else.
    let guarded = AssertUnwindSafe(async move { token.run(work).await })
        .catch_unwind()
        .map(|result| Ok(result.unwrap_or_else(|_| Err(bug()))));
    env.spawn_future_with_callback(guarded, |env, result| {
        result.map_err(|error| thrown(env, &error))
    })
}

fn bug() -> Error {
    Error::new(ErrorCode::Internal).with_detail("a bug in this SDK: please report it")
}

/// Drives `work`, which computes for long between two waits. While it does,
/// the runtime goes on with other calls on another thread; and no more such
/// calls compute at a time than there are processors. One that waits, for an
/// answer say, keeps nobody else waiting.
async fn in_turn<T>(mut work: Work<T>) -> Result<T> {
    static TURNS: LazyLock<Semaphore> = LazyLock::new(|| {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Semaphore::new(processors)
    });
    loop {
        // An error only if it is closed, which nobody does.
        let turn = TURNS.acquire().await;
        let polled = poll_fn(|context| {
            let step = || work.as_mut().poll(context);
            Poll::Ready(block_in_place(step))
        })
        .await;
        drop(turn);
        if let Poll::Ready(done) = polled {
            return done;
        }
        woken().await;
    }
}

/// Is ready when the task is woken next: `work` has left its waker by then.
async fn woken() {
    let mut before = true;
    poll_fn(|_| {
        if std::mem::take(&mut before) {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
}
