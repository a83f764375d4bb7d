//! The connection to one tenant at one directory, and its settings.

use super::account::{Account, AccountInner};
use super::cancel::CancelToken;
use super::events::{Event, Hooks, LogRecord};
use super::ids::TenantId;
use super::options::AccountOptions;
use super::service_token::ServiceTokens;
use super::tenant::Tenant;
use super::wire::Wire;
use crate::error::{Error, ErrorCode, Result};
use crate::ports::{Clock, Runtime, SystemClock, SystemRuntime, Transport};
use plico_protocol::wire::limits::MAX_PART_WRAPS;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

/// A connection to one tenant at one directory. One a process is enough; clones share it.
#[derive(Clone)]
pub struct Plico {
    pub(crate) inner: Arc<PlicoInner>,
}

pub(crate) struct PlicoInner {
    pub wire: Wire,
    /// `None` until the directory has answered, or a store has told.
    pub tenant: Mutex<Option<Arc<Tenant>>>,
    pub max_staleness_ms: u64,
    /// Wraps in one staged part; a write with more has its wraps staged.
    pub wraps_per_part: usize,
    /// Cancelled when this is closed.
    pub closing: CancelToken,
    /// What is closed with this.
    pub accounts: Mutex<Vec<Weak<AccountInner>>>,
}

impl core::fmt::Debug for Plico {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Plico({}, {})", self.inner.wire.base, self.tenant_id())
    }
}

/// Settings of a [`Plico`].
pub struct PlicoBuilder {
    directory: String,
    tenant: String,
    transport: Option<Arc<dyn Transport>>,
    clock: Arc<dyn Clock>,
    runtime: Arc<dyn Runtime>,
    hooks: Hooks,
    max_staleness: Duration,
    request_timeout: Duration,
    attempts: u32,
    parallel_requests: usize,
    offline: bool,
    wraps_per_part: usize,
}

impl core::fmt::Debug for PlicoBuilder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "PlicoBuilder({})", self.directory)
    }
}

impl PlicoBuilder {
    /// Another way for requests to travel.
    #[must_use]
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Another clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Another way to wait.
    #[must_use]
    pub fn runtime(mut self, runtime: Arc<dyn Runtime>) -> Self {
        self.runtime = runtime;
        self
    }

    /// How old the knowledge of a session and its recipients may be when
    /// something is written or opened; 5 minutes if not set. A revocation is
    /// seen at the latest after this time, or when the directory can next be
    /// reached. [`Account::max_staleness`] sets it for some calls only.
    #[must_use]
    pub fn max_staleness(mut self, age: Duration) -> Self {
        self.max_staleness = age;
        self
    }

    /// How long one try of a request may take; 60 s if not set. It covers the
    /// upload of up to 16 MiB.
    #[must_use]
    pub fn request_timeout(mut self, time: Duration) -> Self {
        self.request_timeout = time;
        self
    }

    /// How often a request that gets no answer (or `UNAVAILABLE`) is tried in
    /// all; 4 if not set, at least 1. The waits between are about 0.1 s, 0.2 s,
    /// 0.4 s and so on up to 5 s, and up to twice that at random.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// How many requests may be under way at a time; 8 if not set, at least 1.
    /// More wait for their turn.
    #[must_use]
    pub fn parallel_requests(mut self, count: usize) -> Self {
        self.parallel_requests = count.max(1);
        self
    }

    /// Is told what concerns the app's users. Must be quick and must not call
    /// Plico from inside.
    #[must_use]
    pub fn on_event(mut self, tell: impl Fn(Event) + Send + Sync + 'static) -> Self {
        self.hooks.on_event = Some(Arc::new(tell));
        self
    }

    /// Is told what goes on, for developers: no secret, no user id, no content.
    #[must_use]
    pub fn on_log(mut self, tell: impl Fn(LogRecord<'_>) + Send + Sync + 'static) -> Self {
        self.hooks.on_log = Some(Arc::new(tell));
        self
    }

    /// Starts without asking the directory: accounts know the tenant from
    /// their store, or ask for it when it is needed.
    #[must_use]
    pub fn start_offline(mut self) -> Self {
        self.offline = true;
        self
    }

    /// For tests of what is uploaded in parts: so many wraps in one, from 1 to
    /// 2,048, instead of 2,048.
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    #[must_use]
    pub fn wraps_per_part(mut self, count: usize) -> Self {
        self.wraps_per_part = count.clamp(1, MAX_PART_WRAPS);
        self
    }

    /// Fetches and verifies the tenant's chain. If the directory can't be
    /// reached, this succeeds all the same: accounts then know the tenant from
    /// their store, and one that is new asks again.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `PROTOCOL_ERROR`, `TENANT_NOT_FOUND`, and whatever a
    /// lying directory is caught with.
    pub async fn open(self) -> Result<Plico> {
        let tenant_id: TenantId = self.tenant.parse()?;
        let base = self.directory.trim_end_matches('/').to_owned();
        check_base(&base)?;
        let transport = match self.transport {
            Some(transport) => transport,
            None => default_transport()?,
        };
        let wire = Wire {
            transport,
            runtime: self.runtime,
            clock: self.clock,
            hooks: self.hooks,
            base,
            tenant_id: tenant_id.0,
            timeout: self.request_timeout,
            attempts: self.attempts,
            permits: async_lock::Semaphore::new(self.parallel_requests),
            offset_ms: AtomicI64::new(0),
            failed_ms: AtomicU64::new(0),
        };
        let inner = PlicoInner {
            wire,
            tenant: Mutex::new(None),
            max_staleness_ms: millis(self.max_staleness),
            wraps_per_part: self.wraps_per_part,
            closing: CancelToken::new(),
            accounts: Mutex::default(),
        };
        if !self.offline {
            match inner.refresh_tenant().await {
                Err(error) if is_unreachable(error.code()) => {}
                result => drop(result?),
            }
        }
        Ok(Plico {
            inner: Arc::new(inner),
        })
    }
}

/// Whether nothing was heard of the directory.
pub(crate) fn is_unreachable(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::Network | ErrorCode::Unavailable)
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(feature = "http")]
fn default_transport() -> Result<Arc<dyn Transport>> {
    let transport = crate::http::HttpTransport::new()
        .map_err(|error| Error::new(ErrorCode::Network).with_detail(error.to_string()))?;
    Ok(Arc::new(transport))
}

#[cfg(not(feature = "http"))]
fn default_transport() -> Result<Arc<dyn Transport>> {
    Err(Error::new(ErrorCode::InvalidArgument)
        .with_detail("without the feature `http`, give a transport"))
}

/// Paths are appended to the directory's URL, and it is signed with each request:
/// nothing that gets lost on the way, or is a secret, may be in it.
fn check_base(base: &str) -> Result<()> {
    let invalid = |why: &str| Err(Error::new(ErrorCode::InvalidArgument).with_detail(why));
    let rest = base
        .strip_prefix("https://")
        .or_else(|| base.strip_prefix("http://"));
    let Some(rest) = rest else {
        return invalid("the directory is a URL that begins with https:// or http://");
    };
    let host = rest.split('/').next().unwrap_or_default();
    if host.is_empty() {
        return invalid("the directory's URL names no host");
    }
    if host.contains('@') {
        return invalid("the directory's URL holds a user name or password");
    }
    if rest.contains(|it: char| matches!(it, '?' | '#') || it.is_whitespace() || it.is_control()) {
        return invalid("the directory's URL holds a query, a fragment or white space");
    }
    Ok(())
}

impl Plico {
    /// Connects to `directory` (its public URL) for the tenant with this id,
    /// with the default transport.
    ///
    /// # Errors
    /// As [`PlicoBuilder::open`].
    pub async fn open(directory: &str, tenant: &str) -> Result<Self> {
        Self::builder(directory, tenant).open().await
    }

    /// Settings first, then [`PlicoBuilder::open`].
    #[must_use]
    pub fn builder(directory: &str, tenant: &str) -> PlicoBuilder {
        PlicoBuilder {
            directory: directory.to_owned(),
            tenant: tenant.to_owned(),
            transport: None,
            clock: Arc::new(SystemClock),
            runtime: Arc::new(SystemRuntime),
            hooks: Hooks::default(),
            max_staleness: Duration::from_secs(300),
            request_timeout: Duration::from_secs(60),
            attempts: 4,
            parallel_requests: 8,
            offline: false,
            wraps_per_part: MAX_PART_WRAPS,
        }
    }

    /// The tenant's id.
    #[must_use]
    pub fn tenant_id(&self) -> TenantId {
        TenantId(self.inner.wire.tenant_id)
    }

    /// Opens the account that `options.store` holds; a new one if it holds none.
    ///
    /// # Errors
    /// The store's own; `HISTORY_SHORTENED` or `HISTORY_FORKED` if the
    /// tenant's chain is not the one that this account knows; `NETWORK` if the
    /// tenant is known neither from the store nor from the directory;
    /// `CLOSED` after [`Self::close`].
    pub async fn account(&self, options: AccountOptions) -> Result<Account> {
        self.open_account(options, None).await
    }

    pub(crate) async fn open_account(
        &self,
        options: AccountOptions,
        service: Option<ServiceTokens>,
    ) -> Result<Account> {
        let opening = Account::open(self.clone(), options, service);
        let account = self.inner.closing.until_cancelled(opening).await;
        let account = account.unwrap_or_else(|| Err(ErrorCode::Closed.into()))?;
        self.inner.register_account(&account.inner)?;
        Ok(account)
    }
}
