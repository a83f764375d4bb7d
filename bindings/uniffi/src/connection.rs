//! The connection to a directory.

use crate::account::AccountHandle;
use crate::cancel::CancelHandle;
use crate::failure::Failure;
use crate::host::{Carrier, HostClock, HostListener, HostTransport, Watch, tell_event, tell_log};
use crate::run::run;
use crate::store::{HostStore, Keeper};
use plico::{AccountOptions, Plico, StoreKey};
use std::sync::Arc;
use std::time::Duration;

/// Settings of a connection; what is not set has the SDK's default.
#[derive(Clone, uniffi::Record)]
pub struct OpenOptions {
    /// The directory's public URL.
    pub directory: String,
    /// The tenant's id.
    pub tenant: String,
    /// How old knowledge may be when something is written or opened.
    pub max_staleness: Option<Duration>,
    /// How long one try of a request may take.
    pub request_timeout: Option<Duration>,
    /// How often a request is tried in all.
    pub attempts: Option<u32>,
    /// How many requests may be under way at a time.
    pub parallel_requests: Option<u32>,
    /// Whether to start without asking the directory.
    pub start_offline: bool,
}

/// A connection to one tenant at one directory.
#[derive(Debug, uniffi::Object)]
pub struct PlicoHandle {
    pub(crate) plico: Plico,
}

/// Opens a connection over the host's HTTP client.
#[uniffi::export]
pub async fn open_plico(
    options: OpenOptions,
    transport: Arc<dyn HostTransport>,
    clock: Option<Arc<dyn HostClock>>,
    listener: Option<Arc<dyn HostListener>>,
    cancel: Option<Arc<CancelHandle>>,
) -> Result<Arc<PlicoHandle>, Failure> {
    let mut builder =
        Plico::builder(&options.directory, &options.tenant).transport(Arc::new(Carrier(transport)));
    if let Some(clock) = clock {
        builder = builder.clock(Arc::new(Watch(clock)));
    }
    if let Some(age) = options.max_staleness {
        builder = builder.max_staleness(age);
    }
    if let Some(time) = options.request_timeout {
        builder = builder.request_timeout(time);
    }
    if let Some(attempts) = options.attempts {
        builder = builder.attempts(attempts);
    }
    if let Some(count) = options.parallel_requests {
        builder = builder.parallel_requests(usize::try_from(count).unwrap_or(usize::MAX));
    }
    if options.start_offline {
        builder = builder.start_offline();
    }
    if let Some(listener) = listener {
        let events = listener.clone();
        builder = builder
            .on_event(move |event| tell_event(&events, event))
            .on_log(move |record| tell_log(&listener, record.level, record.message));
    }
    let plico = run(cancel, builder.open()).await?;
    Ok(Arc::new(PlicoHandle { plico }))
}

impl PlicoHandle {
    async fn account(
        &self,
        options: AccountOptions,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Arc<AccountHandle>, Failure> {
        let plico = self.plico.clone();
        let account = run(cancel, async move { plico.account(options).await }).await?;
        Ok(Arc::new(AccountHandle { account }))
    }
}

#[uniffi::export]
impl PlicoHandle {
    /// The tenant's id.
    pub fn tenant_id(&self) -> String {
        self.plico.tenant_id().to_string()
    }

    /// An account that is gone with the process.
    pub async fn account_in_memory(
        &self,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Arc<AccountHandle>, Failure> {
        self.account(AccountOptions::in_memory(), cancel).await
    }

    /// The account in one encrypted file, under a key of 32 bytes.
    pub async fn account_on_disk(
        &self,
        path: String,
        key: Vec<u8>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Arc<AccountHandle>, Failure> {
        let key = store_key(key)?;
        self.account(AccountOptions::on_disk(path, key), cancel)
            .await
    }

    /// The account in a store of the host's own.
    pub async fn account_in(
        &self,
        store: Arc<dyn HostStore>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Arc<AccountHandle>, Failure> {
        let options = AccountOptions::with_store(Arc::new(Keeper(store)));
        self.account(options, cancel).await
    }

    /// Closes the connection and all of its accounts.
    pub fn close(&self) {
        self.plico.close();
    }
}

fn store_key(key: Vec<u8>) -> plico::Result<StoreKey> {
    StoreKey::from_slice(&zeroize::Zeroizing::new(key))
}
