//! How a client waits.

use super::BoxFuture;
use std::time::Duration;

/// Waiting: between two tries of a request, and for an answer that does not
/// come. Nothing else is asked of a host's runtime; Plico spawns no tasks.
pub trait Runtime: Send + Sync {
    /// Is ready after `duration`, and may be dropped before.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// Timers on one thread of their own natively, `setTimeout` on the web: works
/// under every executor.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRuntime;

impl Runtime for SystemRuntime {
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(futures_timer::Delay::new(duration))
    }
}
