//! Requests to the directory: signed, bounded in time and number, repeated
//! where that is safe, answers parsed.

use super::events::{Event, Hooks, LogLevel};
use super::os_rng;
use crate::error::{Error, ErrorCode, Result};
use crate::ports::{BoxFuture, Clock, Method, Request, Response, Runtime, Transport};
use futures_util::future::{Either, select};
use plico_protocol::format::ids::{ChainId, KeyId};
use plico_protocol::primitives::random::random_bytes;
use plico_protocol::primitives::sign::SigningKey;
use plico_protocol::wire::limits::MAX_ANSWER;
use plico_protocol::wire::signing::{
    CONTENT_TYPE, RequestParts, SignatureParams, content_digest, sign_request,
};
use plico_protocol::wire::{Problem, b64};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

/// The wait before the second try, in milliseconds; it doubles with each.
const FIRST_WAIT_MS: u64 = 100;
/// The longest wait between two tries, in milliseconds.
const LONGEST_WAIT_MS: u64 = 5_000;
/// For so long after a request that nobody answered, what can do without the
/// directory does not try it, in milliseconds.
const COOL_DOWN_MS: u64 = 10_000;

/// Whose signature a request carries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signer<'a> {
    pub identity: ChainId,
    pub key_id: KeyId,
    pub key: &'a SigningKey,
}

/// As whom a request is sent.
#[derive(Clone, Copy)]
enum Caller<'a> {
    Anybody,
    Device(Signer<'a>),
    /// The app's backend, with a token that it has signed.
    Backend(&'a str),
}

/// The way to one tenant at one directory.
pub(crate) struct Wire {
    pub transport: Arc<dyn Transport>,
    pub runtime: Arc<dyn Runtime>,
    pub clock: Arc<dyn Clock>,
    pub hooks: Hooks,
    pub base: String,
    pub tenant_id: ChainId,
    /// How long one try may take.
    pub timeout: Duration,
    /// How often a request without an answer is tried, at least once. The
    /// content is the same each time, and the directory gives the same content
    /// the same success.
    pub attempts: u32,
    /// Requests under way at a time.
    pub permits: async_lock::Semaphore,
    /// The directory's clock less ours, as learned from a refusal. For
    /// requests and for the age of answers; never alone for expiry.
    pub offset_ms: AtomicI64,
    /// When a request was last left without an answer; 0 = the last one had one.
    pub failed_ms: AtomicU64,
}

enum Try<T> {
    Done(Result<T>),
    Again(Error),
    /// At once, with another time.
    Clock(u64),
}

impl Wire {
    /// Our clock.
    pub fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// What the directory's clock should say.
    pub fn directory_now_ms(&self) -> u64 {
        self.now_ms()
            .saturating_add_signed(self.offset_ms.load(Ordering::Relaxed))
    }

    /// Whether the directory could not be reached a moment ago.
    pub fn is_down(&self) -> bool {
        let failed_ms = self.failed_ms.load(Ordering::Relaxed);
        failed_ms != 0 && self.now_ms().abs_diff(failed_ms) < COOL_DOWN_MS
    }

    /// GET below the tenant's address, signed.
    pub async fn get<T: DeserializeOwned>(&self, signer: Signer<'_>, path: &str) -> Result<T> {
        self.exchange(Caller::Device(signer), Method::Get, path, Vec::new())
            .await
    }

    /// GET with a token of the app's backend.
    pub async fn get_with<T: DeserializeOwned>(&self, token: &str, path: &str) -> Result<T> {
        self.exchange(Caller::Backend(token), Method::Get, path, Vec::new())
            .await
    }

    /// POST with a token of the app's backend.
    pub async fn post_with<T: DeserializeOwned>(
        &self,
        token: &str,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T> {
        let body = serde_json::to_vec(body).map_err(|_| ErrorCode::InvalidArgument)?;
        self.exchange(Caller::Backend(token), Method::Post, path, body)
            .await
    }

    /// GET of what anybody may see.
    pub async fn get_unsigned<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        self.exchange(Caller::Anybody, Method::Get, path, Vec::new())
            .await
    }

    /// POST of somebody who has no key to sign with.
    pub async fn post_unsigned<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T> {
        let body = serde_json::to_vec(body).map_err(|_| ErrorCode::InvalidArgument)?;
        self.exchange(Caller::Anybody, Method::Post, path, body)
            .await
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
        self.exchange(Caller::Device(signer), Method::Post, path, body)
            .await
    }

    async fn exchange<T: DeserializeOwned>(
        &self,
        caller: Caller<'_>,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<T> {
        let tenant = b64::encode(&self.tenant_id.0);
        let url = format!("{}/v1/tenants/{tenant}{path}", self.base);
        let _permit = self.permits.acquire().await;
        let mut clock_set = false;
        let mut tried = 0;
        loop {
            // Signed anew each time: a signature serves one request.
            let request = self.request(caller, method, &url, body.clone());
            tried += 1;
            let error = match self.one_try(request, clock_set).await {
                Try::Done(result) => return result,
                Try::Clock(directory_ms) => {
                    self.learn_clock(directory_ms);
                    clock_set = true;
                    continue;
                }
                Try::Again(error) => error,
            };
            self.hooks.log(LogLevel::Warn, || {
                format!("try {tried} of a {}: {}", method.as_str(), error.code())
            });
            if tried >= self.attempts {
                return Err(error);
            }
            self.runtime.sleep(wait_after(tried)).await;
        }
    }

    async fn one_try<T: DeserializeOwned>(&self, request: Request, clock_set: bool) -> Try<T> {
        let sent = self.transport.send(request);
        let response = match within(self.runtime.as_ref(), self.timeout, sent).await {
            Some(Ok(response)) if response.body.len() > MAX_ANSWER => {
                self.unanswered();
                let detail = "the answer is too long";
                return Try::Again(Error::new(ErrorCode::Network).with_detail(detail));
            }
            Some(Ok(response)) => response,
            Some(Err(error)) => {
                self.unanswered();
                return Try::Again(Error::new(ErrorCode::Network).with_detail(error.to_string()));
            }
            None => {
                self.unanswered();
                let detail = format!("no answer within {} s", self.timeout.as_secs_f32());
                return Try::Again(Error::new(ErrorCode::Network).with_detail(detail));
            }
        };
        self.answered();
        self.hooks.log(LogLevel::Debug, || {
            format!(
                "answer {} of {} bytes",
                response.status,
                response.body.len()
            )
        });
        match parse(&response) {
            Err(error) => match (error.code(), error.directory_time_ms()) {
                (ErrorCode::ClockSkewed, Some(time_ms)) if !clock_set => Try::Clock(time_ms),
                // Something on the way has sent our request twice: a new
                // signature tells what became of it.
                (ErrorCode::Unavailable | ErrorCode::RequestReplayed, _) => Try::Again(error),
                _ => Try::Done(Err(error)),
            },
            Ok(answer) => Try::Done(Ok(answer)),
        }
    }

    fn unanswered(&self) {
        let now_ms = self.now_ms().max(1);
        if self.failed_ms.swap(now_ms, Ordering::Relaxed) == 0 {
            self.hooks.event(Event::Offline);
        }
    }

    fn answered(&self) {
        if self.failed_ms.swap(0, Ordering::Relaxed) != 0 {
            self.hooks.event(Event::Online);
        }
    }

    fn learn_clock(&self, directory_ms: u64) {
        let offset = i128::from(directory_ms) - i128::from(self.now_ms());
        let offset_ms = i64::try_from(offset).unwrap_or(0);
        self.offset_ms.store(offset_ms, Ordering::Relaxed);
        self.hooks.event(Event::ClockSkewed { offset_ms });
    }

    fn request(&self, caller: Caller<'_>, method: Method, url: &str, body: Vec<u8>) -> Request {
        let content_type = || ("content-type".to_owned(), CONTENT_TYPE.to_owned());
        let headers = match caller {
            Caller::Device(signer) => self.headers(signer, method, url, &body),
            Caller::Backend(token) => {
                let bearer = format!("Bearer {token}");
                vec![content_type(), ("authorization".to_owned(), bearer)]
            }
            Caller::Anybody if body.is_empty() => Vec::new(),
            Caller::Anybody => vec![content_type()],
        };
        Request {
            method,
            url: url.to_owned(),
            headers,
            body,
        }
    }

    fn headers(
        &self,
        signer: Signer<'_>,
        method: Method,
        url: &str,
        body: &[u8],
    ) -> Vec<(String, String)> {
        let digest = content_digest(body);
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
        vec![
            header("content-type", CONTENT_TYPE.to_owned()),
            header("content-digest", digest),
            header("signature-input", input),
            header("signature", signature),
        ]
    }
}

/// Exponential, with as much again at random, so that many clients that were
/// cut off together do not come back together.
fn wait_after(tried: u32) -> Duration {
    let doubled = FIRST_WAIT_MS.saturating_mul(1 << (tried - 1).min(16));
    let wait_ms = doubled.min(LONGEST_WAIT_MS);
    let random = u64::from_be_bytes(random_bytes(&mut os_rng()));
    Duration::from_millis(wait_ms + random % (wait_ms + 1))
}

/// `None` if `future` is not ready in time. The host need not help with that.
pub(crate) async fn within<T>(
    runtime: &dyn Runtime,
    time: Duration,
    mut future: BoxFuture<'_, T>,
) -> Option<T> {
    // Most of what a store is asked is there at once: that needs no timer.
    let early = poll_fn(|context| Poll::Ready(future.as_mut().poll(context)));
    if let Poll::Ready(value) = early.await {
        return Some(value);
    }
    match select(future, runtime.sleep(time)).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}

fn parse<T: DeserializeOwned>(response: &Response) -> Result<T> {
    if (200..300).contains(&response.status) {
        return serde_json::from_slice(&response.body).map_err(|_| {
            Error::new(ErrorCode::ProtocolError).with_detail("the answer is not what it should be")
        });
    }
    match serde_json::from_slice::<Problem>(&response.body) {
        Ok(problem) => Err(Error::from_problem(&problem)),
        Err(_) => {
            let code = if response.status >= 500 {
                ErrorCode::Unavailable
            } else {
                ErrorCode::ProtocolError
            };
            Err(Error::new(code).with_detail(format!("status {}", response.status)))
        }
    }
}
