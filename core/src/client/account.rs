//! One identity on one device.

use super::api::Signer;
use super::ids::{IdentityId, SessionId};
use super::options::AccountOptions;
use super::pins::{Pins, store_error};
use super::record::{self, Record};
use super::session::EncryptionSession;
use super::sessions::SessionCell;
use super::{Plico, lock};
use crate::error::{ErrorCode, Result};
use crate::ports::Store;
use plico_protocol::chain::Replay as _;
use plico_protocol::format::head::Head;
use plico_protocol::format::ids::ChainId;
use plico_protocol::identity::IdentityState;
use plico_protocol::keyring::EpochSecret;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// An identity's account on this device. Clones share it.
#[derive(Clone)]
pub struct Account {
    pub(crate) inner: Arc<AccountInner>,
}

pub(crate) struct AccountInner {
    pub plico: Plico,
    pub store: Arc<dyn Store>,
    pub record: Mutex<Option<Arc<Record>>>,
    pub pins: Pins,
    /// Verified chains of identities.
    pub identities: Mutex<HashMap<ChainId, Arc<IdentityState>>>,
    /// User ids that the app's backend vouches for, verified.
    pub names: Mutex<HashMap<ChainId, String>>,
    /// One fetch of identities at a time: answers are checked in order.
    pub gate: async_lock::Mutex<()>,
    /// Secrets of this identity's user key, by generation.
    pub user_secrets: Mutex<BTreeMap<u32, EpochSecret>>,
    pub sessions: Mutex<HashMap<ChainId, Arc<SessionCell>>>,
    pub closed: AtomicBool,
}

impl core::fmt::Debug for Account {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Account({:?})", self.identity_id())
    }
}

impl Account {
    pub(super) async fn open(plico: Plico, options: AccountOptions) -> Result<Self> {
        let bytes = options.store.get(record::KEY).await.map_err(store_error)?;
        let record = bytes.map(Record::decode).transpose()?.map(Arc::new);
        let inner = AccountInner {
            plico,
            store: options.store,
            record: Mutex::new(record),
            pins: Pins::default(),
            identities: Mutex::default(),
            names: Mutex::default(),
            gate: async_lock::Mutex::new(()),
            user_secrets: Mutex::default(),
            sessions: Mutex::default(),
            closed: AtomicBool::new(false),
        };
        inner.hold_tenant().await?;
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The identity, once registered.
    #[must_use]
    pub fn identity_id(&self) -> Option<IdentityId> {
        let record = lock(&self.inner.record).clone()?;
        record
            .pending
            .is_none()
            .then_some(IdentityId(record.identity))
    }

    /// The session with this id. Whether it exists, and whether this account
    /// may open it, shows when it is used.
    #[must_use]
    pub fn session(&self, id: SessionId) -> EncryptionSession {
        EncryptionSession {
            account: self.clone(),
            id,
        }
    }

    /// Forgets all secrets in memory, and does nothing more.
    pub fn close(&self) {
        self.inner.closed.store(true, Ordering::Relaxed);
        lock(&self.inner.sessions).clear();
        lock(&self.inner.user_secrets).clear();
        *lock(&self.inner.record) = None;
    }
}

impl AccountInner {
    pub fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(ErrorCode::Closed.into());
        }
        Ok(())
    }

    /// The account's keys, if it is registered.
    pub fn registered(&self) -> Result<Arc<Record>> {
        self.check_open()?;
        lock(&self.record)
            .clone()
            .filter(|record| record.pending.is_none())
            .ok_or_else(|| ErrorCode::NotRegistered.into())
    }

    /// The tenant's chain must be the one that this account has seen before.
    async fn hold_tenant(&self) -> Result<()> {
        let tenant = self.plico.inner.tenant();
        let tip = tenant.tip();
        // Head and signature were checked when the tenant was opened.
        let head = Head {
            version: 1,
            tenant_id: tenant.id(),
            chain_id: tenant.id(),
            seq: tip.head.seq,
            hash: tip.head.hash,
            time_ms: self.plico.inner.directory_now_ms(),
        };
        self.pins
            .hold(&self.plico.inner, self.store.as_ref(), &head, tip, |seq| {
                tenant.hash_at(seq)
            })
            .await
    }
}

impl Record {
    pub(crate) fn signer(&self) -> Signer<'_> {
        Signer {
            identity: self.identity,
            key_id: self.device.id(),
            key: &self.device.signing,
        }
    }
}
