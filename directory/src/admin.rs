//! Making and changing tenants. An enrolment key comes as a parameter and is
//! never stored; the key that signs heads is made here and never leaves.

use crate::clock::Clock;
use crate::random;
use crate::storage::{ChainRef, Page, Storage, StorageError, TenantRow, Write, WriteError};
use plico_protocol::chain::{MAX_ENTRIES, Replay as _, replay};
use plico_protocol::format::bodies::{TenantBody, TenantPolicy};
use plico_protocol::format::codec::FormatError;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::{ChainId, KeyId, Kind};
use plico_protocol::format::keys::KeyRecord;
use plico_protocol::identity::draft::{self, next_own_entry, prove_key};
use plico_protocol::identity::{TenantError, TenantState};
use plico_protocol::primitives::sign::SigningKey;
use plico_protocol::wire::accept::{AcceptedEntry, Effects};
use thiserror::Error;

/// Why a tenant could not be made or changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AdminError {
    /// There is no such tenant in this database.
    #[error("the database has no tenant with this id")]
    NotFound,
    /// The tenant's chain does not take this change.
    #[error("the change is refused: {0}")]
    Refused(#[from] TenantError),
    /// Somebody else changed the tenant at the same time.
    #[error("the tenant was changed at the same time; try again")]
    Conflict,
    /// See [`StorageError`].
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<FormatError> for AdminError {
    fn from(error: FormatError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<WriteError> for AdminError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Storage(error) => error.into(),
            _ => Self::Conflict,
        }
    }
}

/// A tenant with its chain.
#[derive(Clone, Debug)]
pub struct TenantInfo {
    /// The operator's name for it.
    pub name: String,
    /// When it was made, in milliseconds since 1970-01-01 UTC.
    pub created_ms: u64,
    /// Its chain, replayed.
    pub state: TenantState,
}

/// The id of an enrolment key, as tokens name it.
#[must_use]
pub fn key_id(key: &SigningKey) -> KeyId {
    KeyRecord::signing(&key.verifying_key()).id()
}

fn chain(id: ChainId) -> ChainRef {
    ChainRef {
        tenant: id,
        chain: id,
    }
}

fn effects(entry: &SignedEntry) -> Effects {
    Effects {
        entries: vec![AcceptedEntry {
            seq: entry.entry.seq,
            hash: entry.entry.hash(),
            bytes: entry.to_bytes(),
            leaves: Vec::new(),
        }],
        ..Effects::default()
    }
}

/// Makes a tenant whose first enrolment key is `enrolment`.
///
/// # Errors
/// [`AdminError::Storage`].
pub async fn create_tenant(
    storage: &dyn Storage,
    name: &str,
    enrolment: &SigningKey,
    clock: &Clock,
) -> Result<ChainId, AdminError> {
    let mut rng = random::system();
    let directory = SigningKey::generate(&mut rng);
    let now_ms = clock.now_ms();
    let entry = draft::create_tenant(enrolment, &directory, now_ms, &mut rng);
    let id = TenantState::start(&entry, &())?.id();
    let mut write = Write::new(chain(id), Kind::Tenant, None, effects(&entry));
    write.tenant = Some(TenantRow {
        id,
        name: name.into(),
        directory_seed: directory.dangerous_seed(),
        created_ms: now_ms,
    });
    storage.apply(&write).await?;
    Ok(id)
}

/// One tenant.
///
/// # Errors
/// [`AdminError::NotFound`], [`AdminError::Storage`].
pub async fn tenant(storage: &dyn Storage, id: ChainId) -> Result<TenantInfo, AdminError> {
    let row = storage.tenant(id).await?.ok_or(AdminError::NotFound)?;
    let mut entries = Vec::new();
    loop {
        let page = Page {
            from: entries.len() as u64,
            entries: 512,
            bytes: usize::MAX,
        };
        let more = storage.entries(chain(id), page).await?;
        for bytes in &more {
            entries.push(SignedEntry::from_bytes(bytes)?);
        }
        if more.is_empty() || entries.len() as u64 >= MAX_ENTRIES {
            break;
        }
    }
    Ok(TenantInfo {
        name: row.name,
        created_ms: row.created_ms,
        state: replay(None, &entries, &())?,
    })
}

/// All tenants, oldest first.
///
/// # Errors
/// [`AdminError::Storage`].
pub async fn tenants(storage: &dyn Storage) -> Result<Vec<TenantInfo>, AdminError> {
    let mut all = Vec::new();
    for row in storage.tenants().await? {
        all.push(tenant(storage, row.id).await?);
    }
    Ok(all)
}

/// Adds an enrolment key; an active one signs.
///
/// # Errors
/// [`AdminError::Refused`] if `signer` isn't active or `key` is there already.
pub async fn add_key(
    storage: &dyn Storage,
    id: ChainId,
    signer: &SigningKey,
    key: &SigningKey,
    clock: &Clock,
) -> Result<(), AdminError> {
    let state = tenant(storage, id).await?.state;
    let head = state.tip().head;
    let proven = prove_key(id, head.seq + 1, head.hash, key);
    append(storage, state, TenantBody::AddKey(proven), signer, clock).await
}

/// Revokes an enrolment key; what it attested before stays valid.
///
/// # Errors
/// [`AdminError::Refused`] if `signer` isn't active, or `key` is the last one.
pub async fn revoke_key(
    storage: &dyn Storage,
    id: ChainId,
    signer: &SigningKey,
    key: KeyId,
    clock: &Clock,
) -> Result<(), AdminError> {
    let state = tenant(storage, id).await?.state;
    append(storage, state, TenantBody::RevokeKey(key), signer, clock).await
}

/// Sets what clients of this tenant do by themselves.
///
/// # Errors
/// [`AdminError::Refused`] if `signer` isn't active.
pub async fn set_policy(
    storage: &dyn Storage,
    id: ChainId,
    signer: &SigningKey,
    policy: TenantPolicy,
    clock: &Clock,
) -> Result<(), AdminError> {
    let state = tenant(storage, id).await?.state;
    append(storage, state, TenantBody::SetPolicy(policy), signer, clock).await
}

async fn append(
    storage: &dyn Storage,
    mut state: TenantState,
    body: TenantBody,
    signer: &SigningKey,
    clock: &Clock,
) -> Result<(), AdminError> {
    let (id, head) = (state.id(), state.tip().head);
    let entry = next_own_entry(state.tip(), body.encode(), clock.now_ms(), signer);
    state.apply(&entry, &())?;
    let write = Write::new(chain(id), Kind::Tenant, Some(head), effects(&entry));
    storage.apply(&write).await?;
    Ok(())
}
