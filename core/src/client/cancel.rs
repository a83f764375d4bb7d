//! Giving up: by the app, through a token, or because something was closed.

use crate::error::{ErrorCode, Result};
use event_listener::Event;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

/// Ends calls from outside; clones end the same ones. Any number of calls may
/// run under one token, and a token stays cancelled.
///
/// What is cancelled leaves the account as it was or as it would have been, and
/// usable: nothing is half-done. **A write may have taken place all the same**,
/// if it had left for the directory: [`Account::settle`](super::Account::settle),
/// or the next write to the same session, finds out, and finishes it.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<State>);

#[derive(Debug, Default)]
struct State {
    cancelled: AtomicBool,
    event: Event,
}

impl CancelToken {
    /// A token that has not been cancelled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends everything that runs under this token, or will.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::SeqCst);
        self.0.event.notify(usize::MAX);
    }

    /// Whether it was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::SeqCst)
    }

    /// Carries out `work`, until it is done or the token is cancelled. Then
    /// `work` is dropped where it stands, before this returns.
    ///
    /// Dropping the future of any call of this crate does the same.
    ///
    /// # Errors
    /// `CANCELLED`: also if the token was cancelled before; then `work` is not
    /// begun. Otherwise what `work` gives.
    pub fn run<T>(&self, work: impl Future<Output = Result<T>>) -> impl Future<Output = Result<T>> {
        let work = self.until_cancelled(work);
        async move {
            work.await
                .unwrap_or_else(|| Err(ErrorCode::Cancelled.into()))
        }
    }

    /// `None` if the token was cancelled before `work` was done.
    pub(crate) fn until_cancelled<T>(
        &self,
        work: impl Future<Output = T>,
    ) -> impl Future<Output = Option<T>> {
        // On the heap: what a call does may be tens of kilobytes of state, which
        // unoptimised code copies from frame to frame of a host's small stack.
        let mut work = Box::pin(work);
        async move {
            let mut cancelled = pin!(self.cancelled());
            poll_fn(|context| {
                // Looked at first, so that nothing more is done after it; and a
                // result that was had is not thrown away.
                if self.is_cancelled() {
                    return Poll::Ready(None);
                }
                if let Poll::Ready(done) = work.as_mut().poll(context) {
                    return Poll::Ready(Some(done));
                }
                cancelled.as_mut().poll(context).map(|()| None)
            })
            .await
        }
    }

    async fn cancelled(&self) {
        while !self.is_cancelled() {
            let listener = self.0.event.listen();
            // What comes between the two looks would not be heard.
            if !self.is_cancelled() {
                listener.await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use futures_util::FutureExt as _;
    use futures_util::future::join_all;
    use std::future::{pending, ready};
    use std::sync::atomic::AtomicUsize;
    use std::task::{Context, Wake, Waker};

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn work_that_is_done_gives_its_result_and_a_cancelled_token_begins_nothing() {
        let token = CancelToken::new();
        assert_eq!(token.run(ready(Ok(7))).now_or_never(), Some(Ok(7)));
        token.cancel();
        let never = async { panic!("it was begun") };
        let result: Result<()> = token.run(never).now_or_never().unwrap();
        assert_eq!(result, Err(ErrorCode::Cancelled.into()));
    }

    #[test]
    fn a_waiter_is_woken_once_and_its_work_is_dropped() {
        struct Told(Arc<AtomicUsize>);
        impl Drop for Told {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        let (token, dropped) = (CancelToken::new(), Arc::new(AtomicUsize::new(0)));
        let told = Told(dropped.clone());
        let mut call = Box::pin(token.run(async move {
            let _told = told;
            pending::<Result<()>>().await
        }));
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        let mut context = Context::from_waker(&waker);
        for _ in 0..3 {
            assert!(call.as_mut().poll(&mut context).is_pending());
        }
        assert_eq!(woken.0.load(Ordering::SeqCst), 0, "nobody polls in vain");
        token.clone().cancel();
        assert_eq!(woken.0.load(Ordering::SeqCst), 1);
        let Poll::Ready(result) = call.as_mut().poll(&mut context) else {
            panic!("it goes on")
        };
        assert_eq!(result, Err(ErrorCode::Cancelled.into()));
        assert_eq!(dropped.load(Ordering::SeqCst), 1, "before it returns");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn many_waiters_on_many_threads_all_end() {
        let token = CancelToken::new();
        let calls: Vec<_> = (0..1_000)
            .map(|_| {
                let token = token.clone();
                tokio::spawn(async move { token.run(pending::<Result<()>>()).await })
            })
            .collect();
        tokio::task::yield_now().await;
        token.cancel();
        for result in join_all(calls).await {
            assert_eq!(result.unwrap(), Err(ErrorCode::Cancelled.into()));
        }
    }
}
