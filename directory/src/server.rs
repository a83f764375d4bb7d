//! The server, for the binary and for whoever embeds it.

use crate::admin::{self, AdminError};
use crate::app::App;
use crate::cache::Cache;
use crate::clock::Clock;
use crate::routes;
use crate::seen::Seen;
use crate::staging;
use crate::storage::sqlite::SqliteStorage;
use crate::storage::{Storage, StorageError};
use crate::trace;
use axum::middleware::from_fn;
use plico_protocol::format::ids::ChainId;
use plico_protocol::primitives::sign::SigningKey;
use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;

const PURGE_EVERY: Duration = Duration::from_secs(60);
/// How long requests may take to end after the shutdown has begun.
const GRACE: Duration = Duration::from_secs(20);

/// Where the data are kept.
#[derive(Clone, Debug)]
pub enum DatabaseConfig {
    /// An SQLite file, made if it isn't there.
    File(PathBuf),
    /// In memory, for tests: gone with the server.
    Memory,
}

/// What makes a development server.
#[derive(Clone, Debug)]
pub struct DevConfig {
    /// The key with which `POST /dev/tenants/{tenant}/enrolment` signs tokens
    /// for anybody. A tenant of this key is made if there is none.
    pub enrolment_key: SigningKey,
}

/// How a server is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The URL that clients use and sign, without a path; by default
    /// `http://` and the address.
    pub public_url: Option<String>,
    /// Where the data are kept.
    pub database: DatabaseConfig,
    /// The clock.
    pub clock: Clock,
    /// From when the backup is that the database was restored from, in
    /// milliseconds since 1970-01-01 UTC. Clients may then hand back what was
    /// written since even if its author's device, grant or token has ended in
    /// the meantime. Only for a day or so after a restore.
    pub restored_from_ms: Option<u64>,
    /// Requests that are carried out at a time; more are refused with
    /// `UNAVAILABLE`. Each may hold a body of 16 MiB.
    pub max_in_flight: usize,
    /// Never in production.
    pub dev: Option<DevConfig>,
}

/// [`Config::max_in_flight`] unless configured otherwise.
pub const MAX_IN_FLIGHT: usize = 256;

impl Config {
    /// A server at `listen` over the SQLite file `database`.
    #[must_use]
    pub fn new(listen: SocketAddr, database: &Path) -> Self {
        Self {
            listen,
            public_url: None,
            database: DatabaseConfig::File(database.to_owned()),
            clock: Clock::system(),
            restored_from_ms: None,
            max_in_flight: MAX_IN_FLIGHT,
            dev: None,
        }
    }

    /// The same with another clock, in milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn with_clock(mut self, now_ms: Arc<dyn Fn() -> u64 + Send + Sync>) -> Self {
        self.clock = Clock::new(move || now_ms());
        self
    }

    /// The same with the URL that clients use.
    #[must_use]
    pub fn with_public_url(mut self, url: &str) -> Self {
        self.public_url = Some(url.to_owned());
        self
    }

    /// The same as a development server; see [`DevConfig`].
    #[must_use]
    pub fn with_dev(mut self, enrolment_key: SigningKey) -> Self {
        self.dev = Some(DevConfig { enrolment_key });
        self
    }

    /// In memory, on a free port of the loopback interface.
    #[must_use]
    pub fn in_memory() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            public_url: None,
            database: DatabaseConfig::Memory,
            clock: Clock::system(),
            restored_from_ms: None,
            max_in_flight: MAX_IN_FLIGHT,
            dev: None,
        }
    }
}

/// Why a server could not start or stopped.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The address can't be had.
    #[error("can't listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        error: std::io::Error,
    },
    /// The public URL is not one.
    #[error(
        "the public URL must be http:// or https:// with a host and without a path, such as https://keys.example.org"
    )]
    PublicUrl,
    /// See [`StorageError`].
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The development tenant could not be made.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The listener failed.
    #[error("the server failed: {0}")]
    Io(#[from] std::io::Error),
}

/// A server that listens, and answers once it [runs](Self::run_until).
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    app: Arc<App>,
    dev_tenant: Option<ChainId>,
}

impl core::fmt::Debug for Server {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Server({})", self.address)
    }
}

/// Checks a public URL and takes the slash at its end away.
pub(crate) fn check_url(url: &str) -> Option<String> {
    let url = url.strip_suffix('/').unwrap_or(url);
    let host = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))?;
    let sound =
        !host.is_empty() && !host.contains(|c: char| "/?#@".contains(c) || c.is_whitespace());
    sound.then(|| url.to_owned())
}

impl Server {
    /// Opens the database and listens.
    ///
    /// # Errors
    /// [`ServerError`], with a sentence for the operator.
    pub async fn bind(config: Config) -> Result<Self, ServerError> {
        let storage: Arc<dyn Storage> = match &config.database {
            DatabaseConfig::File(path) => Arc::new(SqliteStorage::open(path).await?),
            DatabaseConfig::Memory => Arc::new(SqliteStorage::in_memory().await?),
        };
        Self::bind_with(config, storage).await
    }

    /// The same with a storage of one's own; `config.database` is not looked at.
    ///
    /// # Errors
    /// [`ServerError`].
    pub async fn bind_with(config: Config, storage: Arc<dyn Storage>) -> Result<Self, ServerError> {
        let given = match &config.public_url {
            Some(url) => Some(check_url(url).ok_or(ServerError::PublicUrl)?),
            None => None,
        };
        let failed = |error| ServerError::Listen {
            address: config.listen,
            error,
        };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr()?;
        let public_url = given.unwrap_or_else(|| format!("http://{address}"));
        let dev_tenant = match &config.dev {
            Some(dev) => Some(dev_tenant(&*storage, &dev.enrolment_key, &config.clock).await?),
            None => None,
        };
        storage.purge(config.clock.now_ms()).await?;
        let app = Arc::new(App {
            storage,
            cache: Cache::new(),
            seen: Seen::new(),
            clock: config.clock,
            public_url,
            restored_from_ms: config.restored_from_ms,
            permits: Semaphore::new(config.max_in_flight.clamp(1, Semaphore::MAX_PERMITS)),
            staged: Semaphore::new(staging::AT_ONCE),
            dev: config.dev.map(|dev| dev.enrolment_key),
        });
        Ok(Self {
            listener,
            address,
            app,
            dev_tenant,
        })
    }

    /// The address that it listens on.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The URL that clients use and sign.
    #[must_use]
    pub fn public_url(&self) -> &str {
        &self.app.public_url
    }

    /// The storage, for [`crate::admin`].
    #[must_use]
    pub fn storage(&self) -> Arc<dyn Storage> {
        Arc::clone(&self.app.storage)
    }

    /// The development server's tenant.
    #[must_use]
    pub fn dev_tenant(&self) -> Option<ChainId> {
        self.dev_tenant
    }

    /// Makes a tenant; see [`admin::create_tenant`].
    ///
    /// # Errors
    /// [`AdminError`].
    pub async fn create_tenant(
        &self,
        name: &str,
        enrolment: &SigningKey,
    ) -> Result<ChainId, AdminError> {
        admin::create_tenant(&*self.app.storage, name, enrolment, &self.app.clock).await
    }

    /// The key that signs a tenant's heads, for tests that forge them.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], [`AdminError::Storage`].
    pub async fn directory_key(&self, tenant: ChainId) -> Result<SigningKey, AdminError> {
        let row = self.app.storage.tenant(tenant).await?;
        let row = row.ok_or(AdminError::NotFound)?;
        Ok(SigningKey::from_seed(&row.directory_seed))
    }

    /// Answers until `shutdown` is done, then lets requests that have begun
    /// end, for at most 20 seconds, and closes the database.
    ///
    /// # Errors
    /// [`ServerError::Io`] if the listener fails.
    pub async fn run_until(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServerError> {
        let router = routes::router(Arc::clone(&self.app))
            .layer(CatchPanicLayer::custom(trace::panicked))
            .layer(from_fn(trace::trace));
        let purging = tokio::spawn(purge(Arc::clone(&self.app)));
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let serve = axum::serve(self.listener, router).with_graceful_shutdown(async move {
            shutdown.await;
            tracing::info!("shutting down");
            let _ = begun.send(());
        });
        let too_long = async {
            // An error says that the server has ended by itself.
            let _ = has_begun.await;
            tokio::time::sleep(GRACE).await;
        };
        let result = tokio::select! {
            result = serve => result.map_err(ServerError::from),
            () = too_long => {
                tracing::warn!("some requests did not end in time");
                Ok(())
            }
        };
        purging.abort();
        self.app.storage.close().await;
        result
    }
}

async fn purge(app: Arc<App>) {
    loop {
        tokio::time::sleep(PURGE_EVERY).await;
        if let Err(error) = app.storage.purge(app.clock.now_ms()).await {
            tracing::error!(%error, "could not delete what has expired");
        }
    }
}

/// The tenant of this enrolment key, made if there is none.
async fn dev_tenant(
    storage: &dyn Storage,
    key: &SigningKey,
    clock: &Clock,
) -> Result<ChainId, AdminError> {
    let id = admin::key_id(key);
    for tenant in admin::tenants(storage).await? {
        let ours = tenant.state.enrolment_key(&id);
        if ours.is_some_and(|key| key.revoked_ms.is_none()) {
            return Ok(tenant.state.id());
        }
    }
    admin::create_tenant(storage, "dev", key, clock).await
}

#[cfg(test)]
mod tests {
    use super::check_url;

    #[test]
    fn public_urls() {
        for good in ["http://127.0.0.1:8200", "https://keys.example.org/"] {
            assert_eq!(check_url(good).as_deref(), Some(good.trim_end_matches('/')));
        }
        for bad in [
            "",
            "keys.example.org",
            "https://",
            "https://a/b",
            "https://a?b",
            "ftp://a",
        ] {
            assert_eq!(check_url(bad), None, "{bad}");
        }
    }
}
