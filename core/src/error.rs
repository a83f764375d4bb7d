//! The public error: a stable code and a sentence, without secrets and
//! without personal data.

use plico_protocol::envelope::EnvelopeError;
use plico_protocol::format::codec::FormatError;
use plico_protocol::format::context::ContextError;
pub use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::Problem;

/// Characters of a directory's own words that an error repeats.
const MAX_DETAIL: usize = 200;

/// What every fallible call returns.
pub type Result<T> = core::result::Result<T, Error>;

/// Something went wrong. Branch on [`Error::code`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    code: ErrorCode,
    detail: Option<String>,
    recipients: Vec<String>,
    directory_time_ms: Option<u64>,
}

impl Error {
    /// An error with the code's own sentence.
    #[must_use]
    pub fn new(code: ErrorCode) -> Self {
        Self {
            code,
            detail: None,
            recipients: Vec::new(),
            directory_time_ms: None,
        }
    }

    /// The detail, if there is one.
    pub(crate) fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// The same with a detail: no secret and no personal data may be in it.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// `RECIPIENTS_NOT_FOUND`, with those that the app asked for.
    pub(crate) fn recipients_not_found(recipients: Vec<String>) -> Self {
        Self {
            recipients,
            ..Self::new(ErrorCode::RecipientsNotFound)
        }
    }

    /// The directory's problem document.
    pub(crate) fn from_problem(problem: &Problem) -> Self {
        // A directory can't say in the client's name that it has caught a lie.
        let code = ErrorCode::parse(&problem.code)
            .filter(|code| code.status() != 0)
            .unwrap_or(ErrorCode::ProtocolError);
        Self {
            detail: problem.detail.as_deref().map(one_line),
            directory_time_ms: problem.time_ms,
            ..Self::new(code)
        }
    }

    /// The error that a reader or a writer of this crate gave as an
    /// [`io::Error`](std::io::Error); `IO` for any other, with its kind.
    #[must_use]
    pub fn from_io(error: &std::io::Error) -> Self {
        let inner = error.get_ref().and_then(|it| it.downcast_ref::<Self>());
        inner.cloned().unwrap_or_else(|| {
            // Not its words: they may hold a path, and paths hold names.
            Self::new(ErrorCode::Io).with_detail(error.kind().to_string())
        })
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// With `RECIPIENTS_NOT_FOUND`: the user ids that have no account. They are
    /// not part of the message, so that logging the error logs no person.
    #[must_use]
    pub fn recipients(&self) -> &[String] {
        &self.recipients
    }

    pub(crate) fn directory_time_ms(&self) -> Option<u64> {
        self.directory_time_ms
    }
}

/// What a directory says ends up in the app's log: it gets one line of it.
fn one_line(text: &str) -> String {
    let line = text.chars().take(MAX_DETAIL);
    line.map(|c| if c.is_control() { ' ' } else { c }).collect()
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: {}", self.code, self.code.sentence())?;
        match &self.detail {
            Some(detail) => write!(f, " ({detail})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl From<ErrorCode> for Error {
    fn from(code: ErrorCode) -> Self {
        Self::new(code)
    }
}

impl From<FormatError> for Error {
    fn from(error: FormatError) -> Self {
        let code = match error {
            FormatError::NeedsNewerClient(_) => ErrorCode::NeedsNewerClient,
            FormatError::TooLarge(_) => ErrorCode::TooLarge,
            _ => ErrorCode::HistoryInvalid,
        };
        Self::new(code).with_detail(error.to_string())
    }
}

impl From<ContextError> for Error {
    fn from(error: ContextError) -> Self {
        Self::new(ErrorCode::InvalidArgument).with_detail(error.to_string())
    }
}

impl From<EnvelopeError> for Error {
    fn from(error: EnvelopeError) -> Self {
        use EnvelopeError as E;
        let code = match &error {
            E::NotAnEnvelope => ErrorCode::NotAnEnvelope,
            E::NeedsNewerClient => ErrorCode::NeedsNewerClient,
            E::WrongSession => ErrorCode::WrongSession,
            E::ContextRequired => ErrorCode::ContextRequired,
            E::ContextUnexpected => ErrorCode::ContextUnexpected,
            E::CommitmentMismatch => ErrorCode::ContextMismatch,
            E::Truncated => ErrorCode::EnvelopeTruncated,
            E::Io(_) => ErrorCode::Io,
            E::Cancelled => ErrorCode::Cancelled,
            E::TooLong => ErrorCode::TooLarge,
            _ => ErrorCode::EnvelopeDamaged,
        };
        Self::new(code).with_detail(error.to_string())
    }
}
