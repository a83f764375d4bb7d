//! What fails in the kit.

use plico::Error;

/// A failure of the kit, or the directory's refusal.
#[derive(Debug, thiserror::Error, uniffi::Error)]
pub enum KitFailure {
    /// The one kind.
    #[error("{reason}")]
    Kit {
        /// The stable code.
        code: String,
        /// Code, sentence and detail.
        reason: String,
    },
}

impl From<Error> for KitFailure {
    fn from(error: Error) -> Self {
        Self::Kit {
            code: error.code().as_str().to_owned(),
            reason: error.to_string(),
        }
    }
}

/// `INVALID_ARGUMENT` with what is wrong.
pub(crate) fn invalid(what: &str) -> KitFailure {
    Error::new(plico::ErrorCode::InvalidArgument)
        .with_detail(what)
        .into()
}
