//! A directory without a socket, for tests in one process: the same routes,
//! rules and storage as the server, called directly.

use crate::app::App;
use crate::cache::Cache;
use crate::server::{Config, ServerError, check_url};
use crate::staging;
use crate::storage::Storage;
use crate::{routes, trace};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::middleware::from_fn;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tower::ServiceExt as _;
use tower_http::catch_panic::CatchPanicLayer;

/// Answers requests that are handed to it; clones share one directory.
#[derive(Clone)]
pub struct InProcess {
    router: Router,
}

impl core::fmt::Debug for InProcess {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("InProcess")
    }
}

impl InProcess {
    /// A directory over `storage`; of `config`, neither address nor database
    /// are looked at, and there are no development routes. Nothing is deleted by
    /// itself when its time has come: see [`Storage::purge`].
    ///
    /// # Errors
    /// [`ServerError::PublicUrl`] if `config` has none, or not a sound one.
    pub fn new(config: &Config, storage: Arc<dyn Storage>) -> Result<Self, ServerError> {
        let public_url = config.public_url.as_deref().and_then(check_url);
        let app = App {
            storage,
            cache: Cache::new(),
            seen: crate::seen::Seen::new(),
            clock: config.clock.clone(),
            public_url: public_url.ok_or(ServerError::PublicUrl)?,
            restored_from_ms: config.restored_from_ms,
            permits: Semaphore::new(config.max_in_flight.clamp(1, Semaphore::MAX_PERMITS)),
            staged: Semaphore::new(staging::AT_ONCE),
            dev: None,
        };
        let router = routes::router(Arc::new(app))
            .layer(CatchPanicLayer::custom(trace::panicked))
            .layer(from_fn(trace::trace));
        Ok(Self { router })
    }

    /// Answers one request with a status and a body. Must be called within a
    /// Tokio runtime. What is not a request at all is answered with 400.
    pub async fn handle(
        &self,
        method: &str,
        path_and_query: &str,
        headers: &[(String, String)],
        body: Vec<u8>,
    ) -> (u16, Vec<u8>) {
        let mut request = Request::builder().method(method).uri(path_and_query);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let Ok(request) = request.body(Body::from(body)) else {
            return (400, Vec::new());
        };
        let answer = match self.router.clone().oneshot(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        };
        let status = answer.status().as_u16();
        match axum::body::to_bytes(answer.into_body(), usize::MAX).await {
            Ok(body) => (status, body.to_vec()),
            // Bodies are made in memory, whole.
            Err(_) => (500, Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::sqlite::SqliteStorage;

    #[tokio::test]
    async fn answers_like_the_server() {
        let storage: Arc<dyn Storage> = Arc::new(SqliteStorage::in_memory().await.unwrap());
        let bare = Config::in_memory();
        assert!(InProcess::new(&bare, storage.clone()).is_err());
        let config = bare.with_public_url("http://directory.test/");
        let directory = InProcess::new(&config, storage).unwrap();
        let ask = |method: &'static str, path: &'static str| {
            let directory = directory.clone();
            async move { directory.handle(method, path, &[], Vec::new()).await }
        };
        assert_eq!(ask("GET", "/readyz").await, (204, Vec::new()));
        assert_eq!(ask("GET", "not a path").await, (400, Vec::new()));
        let (status, body) = ask("GET", "/v1/tenants/none").await;
        assert_eq!(status, 400);
        assert!(String::from_utf8(body).unwrap().contains("BAD_REQUEST"));
        assert_eq!(ask("PUT", "/v1/tenants/none").await.0, 405);
    }
}
