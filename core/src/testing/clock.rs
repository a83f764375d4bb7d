//! A clock that the test moves.

use crate::ports::Clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// A clock that stands still until it is moved. Clones show the same time.
///
/// A directory's clock begins at the system's time, so that an app's own
/// `SystemTime::now()` and the kit's agree until the first move.
#[derive(Clone)]
pub struct TestClock {
    shared_ms: Arc<AtomicU64>,
    skew_ms: i64,
}

impl core::fmt::Debug for TestClock {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "TestClock({} ms)", self.now_ms())
    }
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn signed_ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl TestClock {
    pub(super) fn start() -> Self {
        // Whole seconds: tokens and signatures count in seconds.
        let now_ms = crate::ports::SystemClock.now_ms() / 1000 * 1000;
        Self {
            shared_ms: Arc::new(AtomicU64::new(now_ms)),
            skew_ms: 0,
        }
    }

    /// Moves the time on, for everybody who shares it.
    pub fn advance(&self, by: Duration) {
        self.shared_ms.fetch_add(ms(by), Ordering::SeqCst);
    }

    /// Moves the time back, for everybody who shares it.
    pub fn back(&self, by: Duration) {
        self.shared_ms.fetch_sub(ms(by), Ordering::SeqCst);
    }

    /// A clock that always shows `by` more than this one and moves with it:
    /// for a person whose device is wrong.
    #[must_use]
    pub fn ahead(&self, by: Duration) -> Self {
        Self {
            shared_ms: self.shared_ms.clone(),
            skew_ms: self.skew_ms.saturating_add(signed_ms(by)),
        }
    }

    /// A clock that always shows `by` less than this one and moves with it.
    #[must_use]
    pub fn behind(&self, by: Duration) -> Self {
        Self {
            shared_ms: self.shared_ms.clone(),
            skew_ms: self.skew_ms.saturating_sub(signed_ms(by)),
        }
    }

    /// What it shows, in milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.shared_ms
            .load(Ordering::SeqCst)
            .saturating_add_signed(self.skew_ms)
    }

    /// What it shows, for [`Grant::until`](crate::Grant::until).
    #[must_use]
    pub fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.now_ms())
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> u64 {
        Self::now_ms(self)
    }
}
