//! Calls that are known to be many: whoever sends a request waits a moment for
//! the others, so that their writes go along.

use event_listener::Event;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many there are.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    /// Calls that have not ended.
    calls: AtomicUsize,
    /// Writes that are under way.
    under_way: AtomicUsize,
    /// Told when one has come, or has ended.
    pub changed: Event,
}

/// Counts until it is dropped.
#[derive(Debug)]
pub(crate) struct Counted<'a> {
    crowd: &'a Crowd,
    counter: &'a AtomicUsize,
    count: usize,
}

impl Crowd {
    /// One of many calls begins.
    pub fn call(&self) -> Counted<'_> {
        self.count(&self.calls, 1)
    }

    /// So many writes leave.
    pub fn leave(&self, count: usize) -> Counted<'_> {
        self.count(&self.under_way, count)
    }

    /// Calls whose writes may still come.
    pub fn awaited(&self) -> usize {
        let calls = self.calls.load(Ordering::SeqCst);
        calls.saturating_sub(self.under_way.load(Ordering::SeqCst))
    }

    fn count<'a>(&'a self, counter: &'a AtomicUsize, count: usize) -> Counted<'a> {
        counter.fetch_add(count, Ordering::SeqCst);
        Counted {
            crowd: self,
            counter,
            count,
        }
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.counter.fetch_sub(self.count, Ordering::SeqCst);
        self.crowd.changed.notify(usize::MAX);
    }
}
