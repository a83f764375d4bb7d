//! The clock that a test moves.

use plico::testing::TestClock;
use std::sync::Arc;
use std::time::Duration;

/// A directory's clock, or one that runs apart from it.
#[derive(Debug, uniffi::Object)]
pub struct KitClock {
    pub(crate) clock: TestClock,
}

#[uniffi::export]
impl KitClock {
    /// Milliseconds since 1970-01-01 UTC.
    pub fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Moves it, and all that follow it, forward.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Moves it, and all that follow it, back.
    pub fn back(&self, by: Duration) {
        self.clock.back(by);
    }

    /// A clock that follows this one and is ahead of it.
    pub fn ahead(&self, by: Duration) -> Arc<Self> {
        Arc::new(Self {
            clock: self.clock.ahead(by),
        })
    }

    /// A clock that follows this one and is behind it.
    pub fn behind(&self, by: Duration) -> Arc<Self> {
        Arc::new(Self {
            clock: self.clock.behind(by),
        })
    }
}
