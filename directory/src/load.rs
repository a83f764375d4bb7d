//! A bound on the requests that are carried out at a time: each holds memory
//! and a place in the queue for the database, and a client that is told to
//! come again is served better than one that waits until it has given up.

use crate::app::App;
use crate::problem::ApiError;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use plico_protocol::wire::ErrorCode;
use std::sync::Arc;

/// Seconds after which a client that was sent away may come again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// Refuses what is over the bound, before anything of it is read.
pub(crate) async fn shed(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let Ok(_permit) = app.permits.try_acquire() else {
        let busy = ApiError::new(ErrorCode::Unavailable).detail("too many requests at a time");
        let mut response = busy.into_response();
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, RETRY_AFTER);
        return response;
    };
    next.run(request).await
}
