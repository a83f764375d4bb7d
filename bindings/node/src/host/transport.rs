//! The app's own way for requests to travel.

use super::{AsyncFunction, ask};
use napi::bindgen_prelude::{Buffer, Uint8Array};
use napi_derive::napi;
use plico::ports::{BoxFuture, Request, Response, Transport, TransportError};
use std::collections::HashMap;

/// One request.
#[napi(object, object_from_js = false)]
pub struct HostRequest {
    /// `GET` or `POST`.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// By their names in lower case.
    pub headers: HashMap<String, String>,
    /// The body, if there is one.
    pub body: Option<Buffer>,
}

/// What came back, or why nothing did.
#[napi(object, object_to_js = false)]
pub struct HostResponse {
    /// Why nothing came.
    pub failed: Option<String>,
    /// The HTTP status.
    pub status: Option<u32>,
    /// The whole body.
    pub body: Option<Uint8Array>,
}

/// `send`, as the package wraps it.
pub(crate) type TransportFunction = AsyncFunction<HostRequest, HostResponse>;

/// A transport of the app's.
pub(crate) struct HostTransport(pub TransportFunction);

impl HostTransport {
    async fn exchange(&self, request: Request) -> Result<Response, TransportError> {
        let request = HostRequest {
            method: request.method.as_str().to_owned(),
            url: request.url,
            headers: request.headers.into_iter().collect(),
            body: (!request.body.is_empty()).then(|| request.body.into()),
        };
        let answer = ask(&self.0, request).await;
        let answer = answer.map_err(|_| TransportError("the app's transport is gone".into()))?;
        match (answer.failed, answer.status, answer.body) {
            (None, Some(status), Some(body)) => Ok(Response {
                status: u16::try_from(status).unwrap_or(0),
                body: body.to_vec(),
            }),
            (failed, ..) => Err(TransportError(failed.unwrap_or_default())),
        }
    }
}

impl Transport for HostTransport {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(self.exchange(request))
    }
}
