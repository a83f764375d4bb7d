//! Errors as they cross the border.

use plico::{Error, ErrorCode, Suite};

/// What failed: the code is the same string in every language.
#[derive(Debug, thiserror::Error, uniffi::Error)]
pub enum Failure {
    /// The one kind: which error it is, the code says.
    #[error("{reason}")]
    Plico {
        /// The stable code.
        code: String,
        /// Code, sentence and detail; no secret and no personal data.
        reason: String,
        /// With `RECIPIENTS_NOT_FOUND`: the user ids that have no account.
        recipients: Vec<String>,
    },
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Plico {
            code: error.code().as_str().to_owned(),
            reason: error.to_string(),
            recipients: error.recipients().to_vec(),
        }
    }
}

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        Error::new(code).into()
    }
}

/// The cipher with this number.
pub(crate) fn known_suite(number: u8) -> plico::Result<Suite> {
    Suite::from_byte(number).map_err(|_| invalid("this suite is not known"))
}

/// `INVALID_ARGUMENT` with what is wrong.
pub(crate) fn invalid(what: &str) -> Error {
    Error::new(ErrorCode::InvalidArgument).with_detail(what)
}

/// A code and its sentence.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct CodeInfo {
    /// The stable code.
    pub code: String,
    /// What happened and what to do.
    pub sentence: String,
}

/// All codes that this library knows.
#[uniffi::export]
pub fn error_codes() -> Vec<CodeInfo> {
    let info = |code: &ErrorCode| CodeInfo {
        code: code.as_str().to_owned(),
        sentence: code.sentence().to_owned(),
    };
    ErrorCode::ALL.iter().map(info).collect()
}
