//! One identity on one device.

use super::batcher::Batcher;
use super::cancel::CancelToken;
use super::crowd::Crowd;
use super::fetch::AskedSession;
use super::freshness::Freshness;
use super::identities::Known;
use super::ids::{IdentityId, SessionId};
use super::options::AccountOptions;
use super::patience::PatientStore;
use super::pins::{Pins, store_error};
use super::posts::Outgoing;
use super::record::{self, Record};
use super::saves::Saves;
use super::service_token::ServiceTokens;
use super::session::EncryptionSession;
use super::sessions::Sessions;
use super::stored::{self, StoredTenant};
use super::users::{AskedUser, FoundUser};
use super::wire::Signer;
use super::{Plico, lock};
use crate::error::{Error, ErrorCode, Result};
use crate::ports::Store;
use plico_protocol::chain::{Replay as _, replay};
use plico_protocol::format::head::Head;
use plico_protocol::format::ids::ChainId;
use plico_protocol::identity::TenantState;
use plico_protocol::keyring::EpochSecret;
use plico_protocol::wire::rest::{Appended, SessionAnswer};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};

/// An identity's account on this device. Clones share it.
#[derive(Clone)]
pub struct Account {
    pub(crate) inner: Arc<AccountInner>,
    pub(crate) freshness: Freshness,
}

pub(crate) struct AccountInner {
    pub plico: Plico,
    pub store: Arc<dyn Store>,
    /// The app's backend asks, by its tokens: there is no identity then.
    pub service: Option<ServiceTokens>,
    pub record: Mutex<Option<Arc<Record>>>,
    pub pins: Pins,
    /// Verified chains of identities.
    pub identities: Mutex<Arc<Known>>,
    /// User ids that the app's backend vouches for, verified.
    pub names: Mutex<HashMap<ChainId, String>>,
    /// One fetch of identities at a time: answers are checked in order.
    pub gate: async_lock::Mutex<()>,
    pub asked_ids: Batcher<ChainId, ()>,
    pub asked_users: Batcher<AskedUser, FoundUser>,
    pub asked_sessions: Batcher<AskedSession, SessionAnswer>,
    /// Writes to sessions and groups that wait for their request.
    pub outgoing: Batcher<Outgoing, Appended>,
    pub write_turns: async_lock::Semaphore,
    pub crowd: Crowd,
    /// One change of this identity's own chain at a time.
    pub own_gate: async_lock::Mutex<()>,
    /// One change of this identity's backups at a time.
    pub backing_up: async_lock::Mutex<()>,
    /// Whether this identity's own chain, as last shown, asks for a rotation.
    pub own_due: AtomicBool,
    /// The renewal of the user key that the app was told of last.
    pub told_renewal_ms: AtomicU64,
    pub session_turns: async_lock::Semaphore,
    /// Secrets of this identity's user key, by generation.
    pub user_secrets: Mutex<BTreeMap<u32, EpochSecret>>,
    pub sessions: Sessions,
    /// Sessions whose creation has no known outcome, by what was asked for.
    pub lost_creations: Mutex<HashMap<[u8; 32], Vec<ChainId>>>,
    /// One registration at a time.
    pub registering: async_lock::Mutex<()>,
    /// Cancelled when the account is closed.
    pub closing: CancelToken,
}

impl core::fmt::Debug for Account {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Account({:?})", self.identity_id())
    }
}

impl Account {
    /// `service`: what looks keys up for the app's backend, and is no identity.
    pub(super) async fn open(
        plico: Plico,
        options: AccountOptions,
        service: Option<ServiceTokens>,
    ) -> Result<Self> {
        let freshness = Freshness::Within(plico.inner.max_staleness_ms);
        let runtime = plico.inner.wire.runtime.clone();
        let inner = AccountInner {
            plico,
            store: Arc::new(PatientStore::new(options.store, runtime)),
            service,
            record: Mutex::default(),
            pins: Pins::default(),
            identities: Mutex::default(),
            names: Mutex::default(),
            gate: async_lock::Mutex::new(()),
            asked_ids: Batcher::default(),
            asked_users: Batcher::default(),
            asked_sessions: Batcher::default(),
            outgoing: Batcher::default(),
            write_turns: async_lock::Semaphore::new(4),
            crowd: Crowd::default(),
            own_gate: async_lock::Mutex::new(()),
            backing_up: async_lock::Mutex::new(()),
            own_due: AtomicBool::new(false),
            told_renewal_ms: AtomicU64::new(0),
            session_turns: async_lock::Semaphore::new(4),
            user_secrets: Mutex::default(),
            sessions: Sessions::default(),
            lost_creations: Mutex::default(),
            registering: async_lock::Mutex::new(()),
            closing: CancelToken::new(),
        };
        *lock(&inner.record) = inner.kept_record().await?;
        inner.hold_tenant().await?;
        Ok(Self {
            inner: Arc::new(inner),
            freshness,
        })
    }

    /// The identity, once registered; `None` again after [`Self::close`].
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
            missing: Vec::new(),
        }
    }

    /// Brings these sessions up to date and keeps what is needed to open them
    /// without the network, all in few requests; each with its own result, in
    /// the order given.
    ///
    /// # Errors
    /// `NOT_REGISTERED`. The results are those of [`EncryptionSession::refresh`].
    pub async fn prefetch(&self, sessions: &[SessionId]) -> Result<Vec<Result<()>>> {
        self.inner.registered()?;
        let ids: Vec<ChainId> = sessions.iter().map(|id| id.0).collect();
        let work = async { Ok(self.inner.prefetch(&ids).await) };
        self.inner.while_open(work).await
    }
}

impl AccountInner {
    /// The account's record as the store has it.
    pub async fn kept_record(&self) -> Result<Option<Arc<Record>>> {
        let bytes = self.store.get(record::KEY).await.map_err(store_error)?;
        Ok(bytes.map(Record::decode).transpose()?.map(Arc::new))
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
    /// If the directory has not told it, the store does.
    async fn hold_tenant(&self) -> Result<()> {
        let plico = &self.plico.inner;
        let kept = self.kept_tenant().await?;
        let told = match (plico.tenant(), kept) {
            (Ok(told), _) => told,
            (Err(_), Some(kept)) => {
                plico.learn_tenant(kept)?;
                return Ok(());
            }
            (Err(_), None) => plico.refresh_tenant().await?,
        };
        let tip = told.tip();
        // Head and signature were checked when the tenant was opened.
        let head = Head {
            version: 1,
            tenant_id: told.id(),
            chain_id: told.id(),
            seq: tip.head.seq,
            hash: tip.head.hash,
            time_ms: plico.wire.directory_now_ms(),
        };
        let mut saves = Saves::default();
        let store = self.store.as_ref();
        self.pins
            .hold(
                plico,
                store,
                &head,
                |seq| told.hash_at(seq),
                true,
                &mut saves,
            )
            .await?;
        if !saves.heads.is_empty() {
            let value = StoredTenant::new(told.id(), &told.entries);
            saves.put(stored::TENANT.to_owned(), stored::write(&value));
        }
        self.save(saves).await.map(drop)
    }

    /// The tenant as the directory shows it now, pinned and kept.
    pub async fn newer_tenant(&self) -> Result<Arc<super::tenant::Tenant>> {
        let tenant = self.plico.inner.refresh_tenant().await?;
        self.hold_tenant().await?;
        Ok(tenant)
    }

    /// The tenant's chain as the store has it, verified again.
    async fn kept_tenant(&self) -> Result<Option<super::tenant::Tenant>> {
        let bytes = self.store.get(stored::TENANT).await.map_err(store_error)?;
        let Some(bytes) = bytes else { return Ok(None) };
        let kept: StoredTenant = stored::read(bytes)?;
        let damaged = || Error::new(ErrorCode::StoreDamaged);
        let entries = stored::signed(&kept.entries)?;
        let state: TenantState = replay(None, &entries, &()).map_err(|_| damaged())?;
        if state.id() != kept.id {
            return Err(damaged());
        }
        Ok(Some(super::tenant::Tenant::new(state, &entries)))
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
