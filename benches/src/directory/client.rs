//! One connection, and the person who uses it.

use plico_benches::measure::Outcome;
use plico_directory::{Clock, random};
use plico_protocol::format::ids::ChainId;
use plico_protocol::identity::draft::DeviceSecret;
use plico_protocol::primitives::random::random_bytes;
use plico_protocol::wire::signing::{
    CONTENT_TYPE, RequestParts, SignatureParams, content_digest, sign_request,
};

/// A request, not signed yet.
#[derive(Clone)]
pub struct Shot {
    pub method: &'static str,
    pub url: String,
    pub body: Vec<u8>,
}

impl Shot {
    /// The same for another server.
    pub fn at(&self, from: &str, to: &str) -> Self {
        Self {
            url: self.url.replacen(from, to, 1),
            ..self.clone()
        }
    }
}

/// Clones share the connection.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    identity: ChainId,
    device: DeviceSecret,
}

impl Client {
    pub fn new(identity: ChainId, device: DeviceSecret) -> Outcome<Self> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self {
            http,
            identity,
            device,
        })
    }

    /// Signs and sends; gives the body of the answer, which must be a success.
    pub async fn send(&self, shot: &Shot) -> Outcome<Vec<u8>> {
        let digest = content_digest(&shot.body);
        let parts = RequestParts {
            method: shot.method,
            target_uri: &shot.url,
            content_digest: &digest,
            content_type: CONTENT_TYPE,
        };
        let created_s = Clock::system().now_ms() / 1000;
        let params = SignatureParams {
            created_s,
            expires_s: created_s + 60,
            nonce: random_bytes(&mut random::system()),
            identity: self.identity,
            key: self.device.id(),
        };
        let (input, signature) = sign_request(&parts, &params, &self.device.signing);
        let response = self
            .http
            .request(shot.method.parse()?, &shot.url)
            .header("content-type", CONTENT_TYPE)
            .header("content-digest", &digest)
            .header("signature-input", input)
            .header("signature", signature)
            .body(shot.body.clone())
            .send()
            .await?;
        let status = response.status();
        let body = response.bytes().await?.to_vec();
        if status.is_success() {
            Ok(body)
        } else {
            let what = String::from_utf8_lossy(&body);
            Err(format!("{} {}: {status} {what}", shot.method, shot.url).into())
        }
    }
}
