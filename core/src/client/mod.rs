//! What an app uses: [`Plico`] → [`Account`] → [`EncryptionSession`].
//!
//! One file a verb. `resolve` fetches and verifies what a replay needs;
//! `commit` is the one way by which anything is written.

mod account;
mod api;
mod commit;
mod create_session;
mod encrypt;
#[cfg(not(target_arch = "wasm32"))]
mod files;
mod ids;
mod keys;
mod options;
mod pins;
mod recipients;
mod record;
mod register;
mod resolve;
mod rights;
mod session;
mod sessions;

pub use account::Account;
pub use encrypt::Decrypted;
pub use ids::{IdentityId, SessionId, TenantId};
pub use options::{
    AccountOptions, CancelToken, EnrolmentRequest, FileOptions, Grant, Progress, Recipient,
    RegisterOptions, RevokeOptions, Rights, SessionOptions,
};
pub use plico_protocol::format::context::{AppContext as Context, ContextValue};
pub use plico_protocol::format::suite::Suite;
pub use recipients::RecipientInfo;
pub use session::EncryptionSession;

use crate::error::{Error, ErrorCode, Result};
use crate::ports::{Clock, SystemClock, Transport};
use plico_protocol::chain::replay;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::ChainId;
use plico_protocol::identity::TenantState;
use plico_protocol::wire::limits::{PROTOCOL_MAX, PROTOCOL_MIN};
use plico_protocol::wire::rest::TenantAnswer;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A lock that is never held across an await.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection to one tenant at one directory. One a process is enough; clones share it.
#[derive(Clone)]
pub struct Plico {
    pub(crate) inner: Arc<PlicoInner>,
}

pub(crate) struct PlicoInner {
    pub transport: Arc<dyn Transport>,
    pub clock: Arc<dyn Clock>,
    pub base: String,
    pub tenant_id: ChainId,
    pub tenant: Mutex<Arc<TenantState>>,
    /// The directory's clock less ours, as learned from a refusal. For
    /// requests and for the age of answers; never for expiry.
    pub offset_ms: AtomicI64,
    pub max_staleness_ms: u64,
}

impl core::fmt::Debug for Plico {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Plico({}, {:?})", self.inner.base, self.inner.tenant_id)
    }
}

/// Settings of a [`Plico`].
pub struct PlicoBuilder {
    directory: String,
    tenant: String,
    transport: Option<Arc<dyn Transport>>,
    clock: Arc<dyn Clock>,
    max_staleness: Duration,
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

    /// How old the knowledge of a session and its recipients may be when
    /// something is written or opened; 5 minutes if not set. A revocation is
    /// seen at the latest after this time.
    #[must_use]
    pub fn max_staleness(mut self, age: Duration) -> Self {
        self.max_staleness = age;
        self
    }

    /// Fetches and verifies the tenant's chain.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `NETWORK`, `PROTOCOL_ERROR`, `TENANT_NOT_FOUND`, and
    /// whatever a lying directory is caught with.
    pub async fn open(self) -> Result<Plico> {
        let tenant_id: TenantId = self.tenant.parse()?;
        let base = self.directory.trim_end_matches('/').to_owned();
        if !(base.starts_with("https://") || base.starts_with("http://")) {
            return Err(Error::new(ErrorCode::InvalidArgument)
                .with_detail("the directory is a URL that begins with https:// or http://"));
        }
        let transport = match self.transport {
            Some(transport) => transport,
            None => default_transport()?,
        };
        let mut tenant = None;
        loop {
            let from = tenant.as_ref().map_or(0, next_seq);
            let answer = api::get_tenant(transport.as_ref(), &base, tenant_id.0, from).await?;
            check_page(&answer)?;
            let done = verify_tenant(tenant, &answer, tenant_id.0)?;
            if !answer.more {
                tenant = Some(done);
                break;
            }
            tenant = Some(done);
        }
        let tenant = tenant.ok_or(ErrorCode::ProtocolError)?;
        Ok(Plico {
            inner: Arc::new(PlicoInner {
                transport,
                clock: self.clock,
                base,
                tenant_id: tenant_id.0,
                tenant: Mutex::new(Arc::new(tenant)),
                offset_ms: AtomicI64::new(0),
                max_staleness_ms: u64::try_from(self.max_staleness.as_millis()).unwrap_or(u64::MAX),
            }),
        })
    }
}

fn next_seq(tenant: &TenantState) -> u64 {
    use plico_protocol::chain::Replay as _;
    tenant.tip().head.seq + 1
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

/// "There is more" with nothing given would be asked for without end.
fn check_page(answer: &TenantAnswer) -> Result<()> {
    if answer.more && answer.entries.is_empty() {
        return Err(ErrorCode::ProtocolError.into());
    }
    Ok(())
}

fn verify_tenant(
    state: Option<TenantState>,
    answer: &TenantAnswer,
    tenant_id: ChainId,
) -> Result<TenantState> {
    if answer.protocol_min > PROTOCOL_MAX || answer.protocol_max < PROTOCOL_MIN {
        return Err(Error::new(ErrorCode::ProtocolError)
            .with_detail("the directory and this client have no protocol version in common"));
    }
    if answer.tenant_id.0 != tenant_id.0 {
        return Err(ErrorCode::WrongTenant.into());
    }
    let entries = decode_entries(&answer.entries)?;
    let more = answer.more;
    let state = replay(state, &entries, &())
        .map_err(|error| Error::new(ErrorCode::HistoryInvalid).with_detail(error.to_string()))?;
    // The id is the hash of the core: a chain of another tenant can't have it.
    if state.id() != tenant_id {
        return Err(ErrorCode::WrongTenant.into());
    }
    if !more {
        let head = pins::decode_head(&answer.head)?;
        pins::check_head(&head, &state, plico_protocol::chain::Replay::tip(&state))?;
    }
    Ok(state)
}

pub(crate) fn decode_entries(
    entries: &[plico_protocol::wire::b64::B64],
) -> Result<Vec<SignedEntry>> {
    entries
        .iter()
        .map(|bytes| Ok(SignedEntry::from_bytes(&bytes.0)?))
        .collect()
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
            max_staleness: Duration::from_secs(300),
        }
    }

    /// The tenant's id.
    #[must_use]
    pub fn tenant_id(&self) -> TenantId {
        TenantId(self.inner.tenant_id)
    }

    /// Opens the account that `options.store` holds; a new one if it holds none.
    ///
    /// # Errors
    /// `STORE`, `STORE_DAMAGED`; `HISTORY_SHORTENED` or `HISTORY_FORKED` if the
    /// tenant's chain is not the one that this account knows.
    pub async fn account(&self, options: AccountOptions) -> Result<Account> {
        Account::open(self.clone(), options).await
    }
}

impl PlicoInner {
    pub fn tenant(&self) -> Arc<TenantState> {
        lock(&self.tenant).clone()
    }

    /// Our clock.
    pub fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// What the directory's clock should say.
    pub fn directory_now_ms(&self) -> u64 {
        self.now_ms()
            .saturating_add_signed(self.offset_ms.load(Ordering::Relaxed))
    }

    /// Reads the tenant's chain on: new enrolment keys, a new directory key.
    pub async fn refresh_tenant(&self) -> Result<Arc<TenantState>> {
        loop {
            let old = self.tenant();
            let from = next_seq(&old);
            let answer =
                api::get_tenant(self.transport.as_ref(), &self.base, self.tenant_id, from).await?;
            check_page(&answer)?;
            let more = answer.more;
            let new = if answer.entries.is_empty() {
                old
            } else {
                Arc::new(verify_tenant(
                    Some((*old).clone()),
                    &answer,
                    self.tenant_id,
                )?)
            };
            *lock(&self.tenant) = new.clone();
            if !more {
                return Ok(new);
            }
        }
    }
}

/// The operating system's generator. Panics only where there is none.
pub(crate) fn os_rng() -> rand_core::UnwrapErr<getrandom::SysRng> {
    rand_core::UnwrapErr(getrandom::SysRng)
}
