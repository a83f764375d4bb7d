//! Requests to the directory: signed, repeated where that is safe, answers parsed.

use super::{PlicoInner, os_rng};
use crate::error::{Error, ErrorCode, Result};
use crate::ports::{Method, Request, Response, Transport};
use plico_protocol::format::ids::{ChainId, KeyId};
use plico_protocol::primitives::random::random_bytes;
use plico_protocol::primitives::sign::SigningKey;
use plico_protocol::wire::rest::TenantAnswer;
use plico_protocol::wire::signing::{
    CONTENT_TYPE, RequestParts, SignatureParams, content_digest, sign_request,
};
use plico_protocol::wire::{Problem, b64};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::atomic::Ordering;

/// How often a request without an answer is tried. The content is the same
/// each time, and the directory gives the same content the same success.
const ATTEMPTS: usize = 3;

/// Whose signature a request carries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signer<'a> {
    pub identity: ChainId,
    pub key_id: KeyId,
    pub key: &'a SigningKey,
}

/// The tenant's chain from `from` on; anybody may ask.
pub(crate) async fn get_tenant(
    transport: &dyn Transport,
    base: &str,
    tenant_id: ChainId,
    from: u64,
) -> Result<TenantAnswer> {
    let url = format!(
        "{base}/v1/tenants/{}?from={from}",
        b64::encode(&tenant_id.0)
    );
    let request = Request {
        method: Method::Get,
        url,
        headers: Vec::new(),
        body: Vec::new(),
    };
    let mut last = None;
    for _ in 0..ATTEMPTS {
        match transport.send(request.clone()).await {
            Ok(response) => return parse(&response),
            Err(error) => last = Some(error),
        }
    }
    Err(unreachable_directory(last))
}

fn unreachable_directory(error: Option<crate::ports::TransportError>) -> Error {
    let detail = error.map_or_else(String::new, |error| error.to_string());
    Error::new(ErrorCode::Network).with_detail(detail)
}

fn parse<T: DeserializeOwned>(response: &Response) -> Result<T> {
    if (200..300).contains(&response.status) {
        return serde_json::from_slice(&response.body).map_err(|_| {
            Error::new(ErrorCode::ProtocolError).with_detail("the answer is not what it should be")
        });
    }
    match serde_json::from_slice::<Problem>(&response.body) {
        Ok(problem) => Err(Error::from_problem(&problem)),
        Err(_) if response.status >= 500 => {
            Err(Error::new(ErrorCode::Unavailable)
                .with_detail(format!("status {}", response.status)))
        }
        Err(_) => {
            Err(Error::new(ErrorCode::ProtocolError)
                .with_detail(format!("status {}", response.status)))
        }
    }
}

impl PlicoInner {
    /// GET below the tenant's address.
    pub async fn get<T: DeserializeOwned>(&self, signer: Signer<'_>, path: &str) -> Result<T> {
        self.exchange(signer, Method::Get, path, Vec::new()).await
    }

    /// POST below the tenant's address.
    pub async fn post<T: DeserializeOwned>(
        &self,
        signer: Signer<'_>,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T> {
        let body = serde_json::to_vec(body).map_err(|_| ErrorCode::InvalidArgument)?;
        self.post_bytes(signer, path, body).await
    }

    /// The same with a body that is ready: a journalled one goes out as it was written.
    pub async fn post_bytes<T: DeserializeOwned>(
        &self,
        signer: Signer<'_>,
        path: &str,
        body: Vec<u8>,
    ) -> Result<T> {
        self.exchange(signer, Method::Post, path, body).await
    }

    async fn exchange<T: DeserializeOwned>(
        &self,
        signer: Signer<'_>,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<T> {
        let url = format!(
            "{}/v1/tenants/{}{path}",
            self.base,
            b64::encode(&self.tenant_id.0)
        );
        let mut last = None;
        let mut clock_set = false;
        let mut attempt = 0;
        while attempt < ATTEMPTS {
            attempt += 1;
            // Signed anew each time: a signature serves one request.
            let request = self.signed(signer, method, &url, body.clone());
            match self.transport.send(request).await {
                Ok(response) => match parse(&response) {
                    Err(error) if error.code() == ErrorCode::ClockSkewed && !clock_set => {
                        let Some(time_ms) = error.directory_time_ms() else {
                            return Err(error);
                        };
                        self.learn_clock(time_ms);
                        clock_set = true;
                    }
                    result => return result,
                },
                Err(error) => last = Some(error),
            }
        }
        Err(unreachable_directory(last))
    }

    fn learn_clock(&self, directory_ms: u64) {
        let offset = i128::from(directory_ms) - i128::from(self.now_ms());
        let offset = i64::try_from(offset).unwrap_or(0);
        self.offset_ms.store(offset, Ordering::Relaxed);
    }

    fn signed(&self, signer: Signer<'_>, method: Method, url: &str, body: Vec<u8>) -> Request {
        let digest = content_digest(&body);
        let created_s = self.directory_now_ms() / 1000;
        let params = SignatureParams {
            created_s,
            expires_s: created_s + 60,
            nonce: random_bytes(&mut os_rng()),
            identity: signer.identity,
            key: signer.key_id,
        };
        let parts = RequestParts {
            method: method.as_str(),
            target_uri: url,
            content_digest: &digest,
            content_type: CONTENT_TYPE,
        };
        let (input, signature) = sign_request(&parts, &params, signer.key);
        let header = |name: &str, value: String| (name.to_owned(), value);
        Request {
            method,
            url: url.to_owned(),
            headers: vec![
                header("content-type", CONTENT_TYPE.to_owned()),
                header("content-digest", digest),
                header("signature-input", input),
                header("signature", signature),
            ],
            body,
        }
    }
}
