//! A program that dies at a step of its own: a store and a connection around
//! one fuse. Steps are the store's commits and the requests; from the one at
//! which the fuse burns, nothing goes through any more.

use plico::ports::{
    Batch, BoxFuture, Expected, Pairs, Request, Response, Store, StoreError, StoreFailure,
    Transport, TransportError,
};
use plico::store::MemoryStore;
use plico::testing::TestConnection;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Where in a step the program dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dies {
    /// Nothing of the step happens.
    Before,
    /// It happens, and nobody hears of it.
    After,
}

pub struct Fuse {
    left: AtomicUsize,
    burnt: AtomicBool,
    dies: Dies,
}

impl Fuse {
    /// Burns at step `at`, counted from 0.
    pub fn new(at: usize, dies: Dies) -> Arc<Self> {
        Arc::new(Self {
            left: AtomicUsize::new(at),
            burnt: AtomicBool::new(false),
            dies,
        })
    }

    pub fn burnt(&self) -> bool {
        self.burnt.load(Ordering::SeqCst)
    }

    /// `None`: go on. Otherwise the program is dead, and this says whether the
    /// step still happens.
    fn step(&self) -> Option<bool> {
        if self.burnt() {
            return Some(false);
        }
        let left = self.left.load(Ordering::SeqCst);
        if left > 0 {
            self.left.store(left - 1, Ordering::SeqCst);
            return None;
        }
        self.burnt.store(true, Ordering::SeqCst);
        Some(self.dies == Dies::After)
    }
}

pub struct FusedStore {
    pub store: Arc<MemoryStore>,
    pub fuse: Arc<Fuse>,
}

fn dead() -> StoreError {
    StoreError {
        failure: StoreFailure::Io,
        detail: "the program is dead".into(),
    }
}

impl Store for FusedStore {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        Box::pin(async move {
            if self.fuse.burnt() {
                return Err(dead());
            }
            self.store.get(key).await
        })
    }

    fn scan<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Pairs, StoreError>> {
        Box::pin(async move {
            if self.fuse.burnt() {
                return Err(dead());
            }
            self.store.scan(prefix).await
        })
    }

    fn commit(&self, batch: Batch, expected: Expected) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            match self.fuse.step() {
                None => self.store.commit(batch, expected).await,
                Some(happens) => {
                    if happens {
                        self.store.commit(batch, expected).await?;
                    }
                    Err(dead())
                }
            }
        })
    }
}

pub struct FusedTransport {
    pub connection: Arc<TestConnection>,
    pub fuse: Arc<Fuse>,
}

impl Transport for FusedTransport {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            match self.fuse.step() {
                None => self.connection.send(request).await,
                Some(happens) => {
                    if happens {
                        self.connection.send(request).await?;
                    }
                    Err(TransportError("the program is dead".into()))
                }
            }
        })
    }
}

/// Waits for nothing that is shorter than 10 s, and for ever for the rest: no
/// test waits for a pause between two tries.
pub struct Hurry;

impl plico::ports::Runtime for Hurry {
    fn sleep(&self, duration: std::time::Duration) -> BoxFuture<'static, ()> {
        if duration < std::time::Duration::from_secs(10) {
            Box::pin(std::future::ready(()))
        } else {
            Box::pin(std::future::pending())
        }
    }
}

/// Loses the replies to the next requests that write to a session's log.
pub struct LosesWrites {
    connection: Arc<TestConnection>,
    left: AtomicUsize,
}

impl LosesWrites {
    pub fn new(connection: &Arc<TestConnection>, count: usize) -> Self {
        Self {
            connection: connection.clone(),
            left: AtomicUsize::new(count),
        }
    }

    pub fn lose(&self, count: usize) {
        self.left.store(count, Ordering::SeqCst);
    }
}

impl Transport for LosesWrites {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            let writes = request.url.ends_with("/entries") || request.url.ends_with("/sessions");
            let response = self.connection.send(request).await?;
            let left = self.left.load(Ordering::SeqCst);
            if writes && left > 0 {
                self.left.store(left - 1, Ordering::SeqCst);
                return Err(TransportError("the reply was lost".into()));
            }
            Ok(response)
        })
    }
}
