//! Where calls run: on threads of this library.
//!
//! A foreign executor polls a future on whatever thread it likes, often the
//! one that draws. Encrypting, replaying and wrapping take processor time, so
//! the foreign side only ever waits for a task.

use crate::cancel::CancelHandle;
use crate::failure::Failure;
use plico::{CancelToken, Error, ErrorCode};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

/// From this size on, one payload may hold a thread for so long that it gets
/// one of its own: others would wait behind it.
const LARGE: usize = 1024 * 1024;
/// More would not fit into one array of the other side, once it is encrypted.
const LARGEST: usize = 2_000_000_000;

fn runtime() -> Result<&'static Runtime, Error> {
    static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();
    let start = || {
        Builder::new_multi_thread()
            .thread_name("plico")
            .build()
            .ok()
    };
    RUNTIME
        .get_or_init(start)
        .as_ref()
        .ok_or_else(|| Error::new(ErrorCode::Internal).with_detail("no thread could be started"))
}

fn token_of(cancel: Option<Arc<CancelHandle>>) -> CancelToken {
    cancel.map_or_else(CancelToken::new, |handle| handle.token.clone())
}

/// What a call does. On the heap from the start: these futures are tens of
/// kilobytes long, and a host's thread may have a stack of half a megabyte.
type Work<T> = Pin<Box<dyn Future<Output = plico::Result<T>> + Send>>;

/// Runs `work` until it is done or cancelled; dropped, it drops `work`.
pub(crate) fn run<T: Send + 'static>(
    cancel: Option<Arc<CancelHandle>>,
    work: impl Future<Output = plico::Result<T>> + Send + 'static,
) -> impl Future<Output = Result<T, Failure>> {
    let work: Work<T> = Box::pin(work);
    async move {
        let token = token_of(cancel);
        let mut tasks = JoinSet::new();
        tasks.spawn_on(async move { token.run(work).await }, runtime()?.handle());
        finish(tasks).await
    }
}

/// The same for `size` bytes of payload.
pub(crate) fn run_sized<T: Send + 'static>(
    size: usize,
    cancel: Option<Arc<CancelHandle>>,
    work: impl Future<Output = plico::Result<T>> + Send + 'static,
) -> impl Future<Output = Result<T, Failure>> {
    let work: Work<T> = Box::pin(work);
    async move {
        if size < LARGE {
            return run(cancel, work).await;
        }
        if size > LARGEST {
            let error = Error::new(ErrorCode::TooLarge);
            return Err(error
                .with_detail("over 2,000,000,000 bytes: use a file")
                .into());
        }
        let token = token_of(cancel);
        // Nothing aborts a thread: whoever drops this call cancels the work.
        let dropped = CancelToken::new();
        let _guard = CancelOnDrop(dropped.clone());
        let handle = runtime()?.handle();
        let mut tasks = JoinSet::new();
        let blocking = handle.clone();
        let work = async move { token.run(dropped.run(work)).await };
        tasks.spawn_blocking_on(move || blocking.block_on(work), handle);
        finish(tasks).await
    }
}

struct CancelOnDrop(CancelToken);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

async fn finish<T: Send + 'static>(mut tasks: JoinSet<plico::Result<T>>) -> Result<T, Failure> {
    match tasks.join_next().await {
        Some(Ok(result)) => Ok(result?),
        // A panic is a bug of ours. It ends this call and nothing else.
        _ => Err(ErrorCode::Internal.into()),
    }
}
