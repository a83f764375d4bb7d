//! How requests travel.

use super::BoxFuture;
use thiserror::Error;

/// The methods that Plico uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
}

impl Method {
    /// Upper case, as on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// One request. Everything in it is signed; a transport must send it as it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The whole URL.
    pub url: String,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body; empty for GET.
    pub body: Vec<u8>,
}

impl core::fmt::Debug for Request {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Bodies hold user ids.
        write!(
            f,
            "Request({} {}, {} bytes)",
            self.method.as_str(),
            self.url,
            self.body.len()
        )
    }
}

/// What came back, whatever the status.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The whole body, at most 64 MiB.
    pub body: Vec<u8>,
}

impl core::fmt::Debug for Response {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Response({}, {} bytes)", self.status, self.body.len())
    }
}

/// There was no (whole) answer. The request may or may not have been carried
/// out: Plico repeats it with the same content, which is safe.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no answer from the directory: {0}")]
pub struct TransportError(
    /// Why, without addresses of persons or content.
    pub String,
);

/// Carries requests to the directory.
///
/// An implementation follows no redirects (the signature covers the URL),
/// adds no credentials, and gives up after a time of its own. If it does not, the
/// future is dropped after
/// [`request_timeout`](crate::PlicoBuilder::request_timeout), as it is when a
/// call is cancelled; the request may be carried out all the same.
pub trait Transport: Send + Sync {
    /// Sends one request and reads the whole answer.
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>>;
}
