//! Cancelling from outside.

use plico::CancelToken;

/// Cancels the calls that it was given to. For languages whose own
/// cancellation does not reach a library, and for files.
#[derive(Debug, Default, uniffi::Object)]
pub struct CancelHandle {
    pub(crate) token: CancelToken,
}

#[uniffi::export]
impl CancelHandle {
    /// Not cancelled yet.
    #[uniffi::constructor]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The calls end with `CANCELLED`. What a call has sent may have taken place.
    pub fn cancel(&self) {
        self.token.cancel();
    }

    /// Whether [`Self::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.token.is_cancelled()
    }
}
