//! Work on the parts of one piece of memory, on several threads.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// The most threads that one call uses.
pub const MAX_THREADS: usize = 64;

/// How many threads a call may use, the caller's own among them. With one, no
/// thread is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threads(NonZeroUsize);

impl Threads {
    /// The caller's thread alone.
    pub const ONE: Self = Self(NonZeroUsize::MIN);

    /// `count`, but at least 1 and at most [`MAX_THREADS`].
    #[must_use]
    pub fn new(count: usize) -> Self {
        let count = count.clamp(1, MAX_THREADS);
        Self(NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN))
    }

    /// As many as the system says that this process can use at once.
    #[must_use]
    pub fn all() -> Self {
        Self::new(thread::available_parallelism().map_or(1, usize::from))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> usize {
        self.0.get()
    }
}

impl Default for Threads {
    fn default() -> Self {
        Self::ONE
    }
}

/// Calls `work` for each portion of `bytes`, with where it begins, and then
/// `take` with the results in the order of the portions, on this thread. Where a
/// thread can't be started, the others do its work.
pub(super) fn share_out<T: Send>(
    bytes: &mut [u8],
    portion: usize,
    threads: Threads,
    work: impl Fn(usize, &mut [u8]) -> T + Sync,
    take: impl FnMut(T),
) {
    let portions = bytes.len().div_ceil(portion);
    let all = bytes.chunks_mut(portion).enumerate();
    if threads == Threads::ONE || portions <= 1 {
        let results = all.map(|(number, part)| work(number * portion, part));
        return results.for_each(take);
    }
    let mut results: Vec<Option<T>> = Vec::new();
    results.resize_with(portions, || None);
    {
        let queue = Mutex::new(all.zip(&mut results));
        let worker = || {
            loop {
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some(((number, part), result)) = next else {
                    break;
                };
                *result = Some(work(number * portion, part));
            }
        };
        thread::scope(|scope| {
            for _ in 1..threads.get().min(portions) {
                if spawn(scope, worker).is_err() {
                    break;
                }
            }
            worker();
        });
    }
    results.into_iter().flatten().for_each(take);
}

/// A thread of the pool that this crate never keeps.
pub(super) fn spawn<'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    work: impl FnOnce() + Send + 'scope,
) -> std::io::Result<()> {
    thread::Builder::new()
        .name("plico-chunks".into())
        .spawn_scoped(scope, work)
        .map(drop)
}
