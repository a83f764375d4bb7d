//! Request ids and the access log. Neither paths nor bodies are logged: only
//! the route, the status and how long it took.

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use plico_protocol::wire::{ErrorCode, b64};
use std::any::Any;
use std::time::Instant;
use tracing::Instrument as _;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

fn is_sound(id: &HeaderValue) -> bool {
    let bytes = id.as_bytes();
    let sound = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=64).contains(&bytes.len()) && bytes.iter().all(sound)
}

fn fresh_id() -> HeaderValue {
    let mut random = [0; 12];
    // Without randomness an id of zeros is still an id.
    let _ = getrandom::fill(&mut random);
    HeaderValue::from_str(&b64::encode(&random)).unwrap_or(HeaderValue::from_static("none"))
}

/// Gives each request an id (the caller's own, if it is sound), in the log and
/// in the answer.
pub(crate) async fn trace(request: Request, next: Next) -> Response {
    let given = request.headers().get(REQUEST_ID).filter(|id| is_sound(id));
    let id = given.cloned().unwrap_or_else(fresh_id);
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("-", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", id = id.to_str().unwrap_or_default());
    let method = request.method().clone();
    let begun = Instant::now();
    async move {
        let mut response = next.run(request).await;
        let code = response.extensions().get::<ErrorCode>();
        tracing::info!(
            method = method.as_str(),
            route,
            status = response.status().as_u16(),
            code = code.map(|code| code.as_str()),
            ms = begun.elapsed().as_millis() as u64,
            "answered"
        );
        response.headers_mut().insert(REQUEST_ID, id);
        response
    }
    .instrument(span)
    .await
}

/// What a panic is answered with. Its message may hold anything, so it stays out.
pub(crate) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    crate::problem::ApiError::internal("a handler panicked; see the message before").into_response()
}
