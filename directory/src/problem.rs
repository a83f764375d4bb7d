//! Errors as problem documents (RFC 9457).

use crate::storage::{StorageError, WriteError};
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use plico_protocol::format::codec::FormatError;
use plico_protocol::wire::accept::AcceptError;
use plico_protocol::wire::{ErrorCode, Problem};

/// Why a request was refused. What a client sees is the problem document;
/// `cause` goes to the log only.
#[derive(Debug)]
pub struct ApiError {
    code: ErrorCode,
    detail: Option<String>,
    time_ms: Option<u64>,
    cause: Option<String>,
}

impl ApiError {
    /// The error with this code.
    #[must_use]
    pub fn new(code: ErrorCode) -> Self {
        Self {
            code,
            detail: None,
            time_ms: None,
            cause: None,
        }
    }

    /// `BAD_REQUEST`, with what is wrong; no part of the request may be in it.
    #[must_use]
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(ErrorCode::BadRequest).detail(detail)
    }

    /// `INTERNAL`; the cause is logged.
    #[must_use]
    pub fn internal(cause: impl Into<String>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::new(ErrorCode::Internal)
        }
    }

    /// The same with a detail for the client.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// `CLOCK_SKEWED` with the directory's time.
    #[must_use]
    pub fn skewed(now_ms: u64) -> Self {
        Self {
            time_ms: Some(now_ms),
            ..Self::new(ErrorCode::ClockSkewed)
        }
    }

    /// What the protocol's rules refused, at this time.
    #[must_use]
    pub fn refused(error: &AcceptError, now_ms: u64) -> Self {
        let code = error.code();
        let error = Self::new(code).detail(error.to_string());
        if code == ErrorCode::ClockSkewed {
            return Self {
                time_ms: Some(now_ms),
                ..error
            };
        }
        error
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The document.
    #[must_use]
    pub fn problem(&self) -> Problem {
        Problem {
            detail: self.detail.clone(),
            time_ms: self.time_ms,
            ..Problem::new(self.code)
        }
    }
}

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        Self::new(code)
    }
}

impl From<FormatError> for ApiError {
    fn from(error: FormatError) -> Self {
        Self::refused(&AcceptError::Format(error), 0)
    }
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        let code = match &error {
            StorageError::Unavailable(_) => ErrorCode::Unavailable,
            _ => ErrorCode::Internal,
        };
        Self {
            cause: Some(error.to_string()),
            ..Self::new(code)
        }
    }
}

impl From<WriteError> for ApiError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Conflict => ErrorCode::Conflict.into(),
            WriteError::AuthorBehind => ErrorCode::AuthorBehind.into(),
            WriteError::Replayed => ErrorCode::RequestReplayed.into(),
            WriteError::UserIdTaken => ErrorCode::UserIdTaken.into(),
            WriteError::Storage(error) => error.into(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Some(cause) = &self.cause {
            tracing::error!(code = self.code.as_str(), cause, "the request failed");
        }
        let status =
            StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = json(status, &self.problem());
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if self.code == ErrorCode::TooManyTries {
            let half_an_hour = HeaderValue::from_static("1800");
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, half_an_hour);
        }
        response.extensions_mut().insert(self.code);
        response
    }
}

/// An answer in JSON, never to be cached on the way.
pub fn json<T: serde::Serialize>(status: StatusCode, body: &T) -> Response {
    // Our bodies are structs of strings, numbers and lists: they always serialise.
    let bytes = serde_json::to_vec(body).unwrap_or_default();
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
