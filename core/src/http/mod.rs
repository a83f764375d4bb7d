//! The default [`Transport`]: reqwest, with rustls natively and `fetch` on the web.

use crate::ports::{BoxFuture, Method, Request, Response, Transport, TransportError};
use plico_protocol::wire::limits::MAX_ANSWER;

/// Keeps connections open between requests; follows no redirects.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    client: reqwest::Client,
}

impl HttpTransport {
    /// A transport with timeouts of 10 s to connect and 60 s for a request.
    ///
    /// # Errors
    /// If the platform's TLS roots can't be loaded.
    pub fn new() -> Result<Self, TransportError> {
        let builder = reqwest::Client::builder();
        #[cfg(not(target_arch = "wasm32"))]
        let builder = builder
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(std::time::Duration::from_secs(10))
            .timeout(std::time::Duration::from_secs(60));
        let client = builder.build().map_err(|error| failed(&error))?;
        Ok(Self { client })
    }

    async fn exchange(&self, request: Request) -> Result<Response, TransportError> {
        let mut builder = match request.method {
            Method::Get => self.client.get(&request.url),
            Method::Post => self.client.post(&request.url),
        };
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        let answer = builder
            .body(request.body)
            .send()
            .await
            .map_err(|error| failed(&error))?;
        let status = answer.status().as_u16();
        let body = read(answer).await?;
        Ok(Response { status, body })
    }
}

/// Reads the body, and stops at the bound whatever the other side goes on sending.
#[cfg(not(target_arch = "wasm32"))]
async fn read(mut answer: reqwest::Response) -> Result<Vec<u8>, TransportError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| failed(&error))? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(TransportError("the answer is too long".into()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[cfg(target_arch = "wasm32")]
async fn read(answer: reqwest::Response) -> Result<Vec<u8>, TransportError> {
    let body = answer.bytes().await.map_err(|error| failed(&error))?;
    if body.len() > MAX_ANSWER {
        return Err(TransportError("the answer is too long".into()));
    }
    Ok(body.to_vec())
}

/// The kind of failure; reqwest's own message would hold the URL.
fn failed(error: &reqwest::Error) -> TransportError {
    let what = if error.is_timeout() {
        "timed out"
    } else if error.is_builder() {
        "not a valid URL, or TLS could not be set up"
    } else if error.is_body() || error.is_decode() {
        "the answer was cut off"
    } else {
        "could not connect, or the connection was lost"
    };
    TransportError(what.into())
}

impl Transport for HttpTransport {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(self.exchange(request))
    }
}
