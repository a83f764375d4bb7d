//! The connection to a directory.

use crate::account::AccountHandle;
use crate::host::{
    EventListener, HostStore, HostTransport, LogListener, StoreInput, TransportFunction, on_event,
    on_log,
};
use crate::runtime::{Cancel, promise};
use crate::values::duration;
use napi::Env;
use napi::bindgen_prelude::{PromiseRaw, Uint8Array};
use napi_derive::napi;
use plico::store::{DiskStore, DiskStoreOptions};
use plico::{AccountOptions, Plico, PlicoBuilder, Result, StoreKey};
use std::sync::Arc;

/// Settings; what is not set has the SDK's default.
#[napi(object, object_to_js = false)]
pub struct PlicoInput {
    /// How old knowledge may be.
    pub max_staleness_ms: Option<f64>,
    /// How long one try of a request may take.
    pub request_timeout_ms: Option<f64>,
    /// How often a request is tried in all.
    pub attempts: Option<u32>,
    /// How many requests may be under way at a time.
    pub parallel_requests: Option<u32>,
    /// Whether to start without asking the directory.
    pub start_offline: Option<bool>,
    /// The app's own way for requests to travel.
    pub transport: Option<TransportFunction>,
    /// Who is told of events.
    pub on_event: Option<EventListener>,
    /// Who gets the log.
    pub on_log: Option<LogListener>,
}

impl PlicoInput {
    pub(crate) fn apply(self, mut builder: PlicoBuilder) -> Result<PlicoBuilder> {
        if let Some(ms) = self.max_staleness_ms {
            builder = builder.max_staleness(duration(ms)?);
        }
        if let Some(ms) = self.request_timeout_ms {
            builder = builder.request_timeout(duration(ms)?);
        }
        if let Some(attempts) = self.attempts {
            builder = builder.attempts(attempts);
        }
        if let Some(count) = self.parallel_requests {
            builder = builder.parallel_requests(usize::try_from(count).unwrap_or(usize::MAX));
        }
        if self.start_offline == Some(true) {
            builder = builder.start_offline();
        }
        if let Some(transport) = self.transport {
            builder = builder.transport(Arc::new(HostTransport(transport)));
        }
        if let Some(listener) = self.on_event {
            builder = builder.on_event(on_event(listener));
        }
        if let Some(listener) = self.on_log {
            builder = builder.on_log(on_log(listener));
        }
        Ok(builder)
    }
}

/// Where an account lives: a file, a store of the app's, or memory.
#[napi(object, object_to_js = false)]
pub struct AccountInput {
    /// The file.
    pub path: Option<String>,
    /// Its key, 32 bytes.
    pub key: Option<Uint8Array>,
    /// Whether a copy may be used.
    pub accept_copy: Option<bool>,
    /// What the machine has and its disk does not.
    pub bound_to: Option<Uint8Array>,
    /// A store of the app's.
    pub store: Option<StoreInput>,
}

impl AccountInput {
    fn into_core(self) -> Result<AccountOptions> {
        if let Some(store) = self.store {
            return Ok(AccountOptions::with_store(Arc::new(HostStore(store))));
        }
        let Some(path) = self.path else {
            return Ok(AccountOptions::in_memory());
        };
        let key = StoreKey::from_slice(self.key.as_deref().unwrap_or_default())?;
        let mut options = DiskStoreOptions::new(path, key);
        if let Some(accept) = self.accept_copy {
            options = options.accept_copy(accept);
        }
        if let Some(machine) = self.bound_to {
            options = options.bound_to(machine.to_vec());
        }
        Ok(AccountOptions::with_store(Arc::new(DiskStore::new(
            options,
        ))))
    }
}

/// A connection to one tenant at one directory.
#[napi]
pub struct PlicoHandle {
    pub(crate) plico: Plico,
}

impl PlicoHandle {
    pub(crate) fn new(plico: Plico) -> Self {
        Self { plico }
    }
}

/// Opens a connection.
#[napi]
pub fn open_plico<'env>(
    env: &'env Env,
    directory: String,
    tenant: String,
    input: PlicoInput,
    cancel: Option<&Cancel>,
) -> napi::Result<PromiseRaw<'env, PlicoHandle>> {
    let builder = input.apply(Plico::builder(&directory, &tenant));
    promise(env, cancel, async move {
        Ok(PlicoHandle::new(builder?.open().await?))
    })
}

#[napi]
impl PlicoHandle {
    /// The tenant's id.
    #[napi]
    pub fn tenant_id(&self) -> String {
        self.plico.tenant_id().to_string()
    }

    /// Opens an account.
    #[napi]
    pub fn account<'env>(
        &self,
        env: &'env Env,
        input: AccountInput,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, AccountHandle>> {
        let (plico, options) = (self.plico.clone(), input.into_core());
        promise(env, cancel, async move {
            Ok(AccountHandle::new(plico.account(options?).await?))
        })
    }

    /// Closes it, and its accounts.
    #[napi]
    pub fn close(&self) {
        self.plico.close();
    }
}
