//! A program whose calls can be stopped at every place where they wait: a store
//! and a connection that wait at each step, and one counter for both.

use plico::ports::{
    Batch, BoxFuture, Expected, Pairs, Request, Response, Store, StoreError, Transport,
    TransportError,
};
use plico::store::MemoryStore;
use plico::testing::TestConnection;
use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use tokio::sync::Notify;

#[derive(Default)]
pub struct Steps {
    /// 0: nobody counts.
    left: AtomicUsize,
    reached: Notify,
}

impl Steps {
    /// Whoever takes the step with this number, counted from 0, stays there for ever.
    pub fn stop_at(&self, number: usize) {
        self.left.store(number + 1, Ordering::SeqCst);
    }

    /// From now on nobody stops any more, but for whoever has.
    pub fn go_on(&self) {
        self.left.store(0, Ordering::SeqCst);
    }

    /// Somebody has stopped.
    pub async fn reached(&self) {
        self.reached.notified().await;
    }

    async fn step(&self) {
        tokio::task::yield_now().await;
        let count = |left: usize| left.checked_sub(1);
        let counted = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, count);
        if counted == Ok(1) {
            self.reached.notify_one();
            pending().await
        }
    }
}

pub struct SteppedStore {
    pub store: Arc<MemoryStore>,
    pub steps: Arc<Steps>,
}

impl Store for SteppedStore {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        Box::pin(async move {
            self.steps.step().await;
            self.store.get(key).await
        })
    }

    fn scan<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Pairs, StoreError>> {
        Box::pin(async move {
            self.steps.step().await;
            self.store.scan(prefix).await
        })
    }

    fn commit(&self, batch: Batch, expected: Expected) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            self.steps.step().await;
            let done = self.store.commit(batch, expected).await;
            self.steps.step().await;
            done
        })
    }
}

pub struct SteppedTransport {
    pub connection: Arc<TestConnection>,
    pub steps: Arc<Steps>,
}

impl Transport for SteppedTransport {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            // Before it has left, while it is on its way, and when it is back.
            self.steps.step().await;
            let mut sent = self.connection.send(request);
            let early = poll_fn(|context| match sent.as_mut().poll(context) {
                Poll::Ready(answer) => Poll::Ready(Some(answer)),
                Poll::Pending => Poll::Ready(None),
            })
            .await;
            self.steps.step().await;
            let answer = match early {
                Some(answer) => answer,
                None => sent.await,
            };
            self.steps.step().await;
            answer
        })
    }
}
