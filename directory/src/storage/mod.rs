//! Where chains are kept. A host of another database implements [`Storage`]
//! and runs [`conformance`] against it.
//!
//! Nothing here knows a rule of the protocol: what is written was accepted
//! before, and [`Storage::apply`] writes it whole or not at all.

pub mod audit;
pub mod conformance;
pub mod sqlite;

use async_trait::async_trait;
use plico_protocol::format::ids::{ChainId, KeyId, Kind, Position, Recipient};
use plico_protocol::keyring::merkle::Hash;
use plico_protocol::primitives::secret::Secret32;
use plico_protocol::wire::accept::{AcceptedBackLink, AcceptedWrap, Effects};
use std::collections::BTreeMap;
use thiserror::Error;

/// Why the storage failed. Its text goes to the log, never to a client.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StorageError {
    /// Busy, full or out of reach: trying again may help.
    #[error("the database can't answer now: {0}")]
    Unavailable(String),
    /// Something is stored that this program did not write.
    #[error("the database holds something unexpected: {0}")]
    Damaged(&'static str),
    /// The database was written by a newer release.
    #[error(
        "the database has schema version {found}, but this release knows only {known}; use a newer plico-directory"
    )]
    Newer {
        /// The database's version.
        found: i64,
        /// The newest version known here.
        known: i64,
    },
    /// The file can't be opened.
    #[error("can't open the database {path}: {reason}")]
    Open {
        /// The file.
        path: String,
        /// The system's reason.
        reason: String,
    },
    /// Anything else.
    #[error("the database failed: {0}")]
    Failed(String),
}

/// Why a write was refused. Nothing of it was stored.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The chain is not where the write expects it.
    #[error("the chain has moved on")]
    Conflict,
    /// The author's chain is not where the write expects it.
    #[error("the author's chain has moved on")]
    AuthorBehind,
    /// The nonce was used before.
    #[error("the request was carried out before")]
    Replayed,
    /// The user id is bound to another identity with the same or a higher number.
    #[error("the user id is taken")]
    UserIdTaken,
    /// The storage failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// A chain of a tenant. The tenant's own chain has the tenant's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChainRef {
    /// The tenant.
    pub tenant: ChainId,
    /// The chain.
    pub chain: ChainId,
}

/// Where a stored chain stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainHead {
    /// What kind of chain it is.
    pub kind: Kind,
    /// Its last entry.
    pub position: Position,
}

/// A tenant, as stored beside its chain.
#[derive(Clone, Debug)]
pub struct TenantRow {
    /// The id.
    pub id: ChainId,
    /// The operator's name for it.
    pub name: String,
    /// The seed of the key that signs heads.
    pub directory_seed: Secret32,
    /// When it was made, in milliseconds since 1970-01-01 UTC.
    pub created_ms: u64,
}

/// How much of a log one read gives; always at least one entry.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// The first entry.
    pub from: u64,
    /// Entries at most.
    pub entries: usize,
    /// Bytes of entries at most.
    pub bytes: usize,
}

/// What is read of a chain at one moment.
#[derive(Clone, Debug)]
pub struct Read {
    /// The entries.
    pub page: Page,
    /// Whose wraps, if anybody's, and for each the ranges of epochs, both ends
    /// included: the segments. Back-links are read along with them.
    pub readers: Vec<(Recipient, Vec<(u32, u32)>)>,
    /// The newest wraps of each range.
    pub wraps_per_range: usize,
    /// Wraps whose grant has ended at this time are left out.
    pub now_ms: u64,
}

/// A wrap with the leaves of the entry that commits to it.
#[derive(Clone, Debug)]
pub struct StoredWrap {
    /// The wrap.
    pub wrap: AcceptedWrap,
    /// All leaves of that entry.
    pub leaves: Vec<Hash>,
}

/// An entry as it is stored.
#[derive(Clone, Debug)]
pub struct StoredEntry {
    /// SignedEntry.
    pub bytes: Vec<u8>,
    /// The leaves of its tree of wraps. None although the entry commits to
    /// wraps: it was handed back without them.
    pub leaves: Vec<Hash>,
}

/// A chain at one moment.
#[derive(Clone, Debug)]
pub struct Rows {
    /// Where it stands.
    pub head: ChainHead,
    /// SignedEntry, in order.
    pub entries: Vec<Vec<u8>>,
    /// Whether there are more entries.
    pub more: bool,
    /// Ascending by epoch.
    pub wraps: Vec<StoredWrap>,
    /// Ascending by epoch and target.
    pub back_links: Vec<AcceptedBackLink>,
    /// The metadata blob.
    pub metadata: Option<Vec<u8>>,
    /// TagOpening of the tag.
    pub tag: Option<Vec<u8>>,
    /// UserIdOpening of an identity.
    pub opening: Option<Vec<u8>>,
}

/// A request's nonce, kept until the signature has expired.
#[derive(Clone, Copy, Debug)]
pub struct Nonce {
    /// The key that signed.
    pub key: KeyId,
    /// The nonce.
    pub nonce: [u8; 16],
    /// When it may be forgotten, in milliseconds since 1970-01-01 UTC.
    pub expires_ms: u64,
}

/// A user id given to an identity.
#[derive(Clone)]
pub struct Binding {
    /// The user id: personal data.
    pub user_id: String,
    /// The attestation's number.
    pub number: u64,
    /// UserIdOpening.
    pub opening: Vec<u8>,
    /// If another identity has the user id with a higher number, leave it to
    /// that one instead of refusing the write.
    pub may_be_superseded: bool,
}

impl core::fmt::Debug for Binding {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Binding(number {}, redacted)", self.number)
    }
}

/// What a record is about. The numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordKind {
    /// Key: the id of a recovery key; value: the identity that has set it.
    RecoveryKey = 1,
    /// Key: an identity and a backup's kind; value: the backup.
    Backup = 2,
    /// The same key; value: up to when the tries at it are used up.
    BackupTries = 3,
    /// Key: an identity; value: what its backend, or its owner, has said of it.
    Standing = 4,
    /// Key: a mailbox; value: what two devices that are pairing have said.
    Pairing = 5,
    /// Key: an identity and a device; value: when it was seen last, 8 bytes.
    DeviceSeen = 6,
    /// The same key; value: its name, which the directory can't read.
    DeviceLabel = 7,
    /// Key: an identity, an entry's hash and a number; value: a part of the
    /// entry's wraps, while the entry is still to come.
    StagedWraps = 8,
    /// Key: an identity; value: which parts it has staged, until when.
    Staged = 9,
    /// Key: a session, or group, and whom in it; value: what the operator has said.
    Operator = 20,
}

impl RecordKind {
    /// As stored.
    #[must_use]
    pub fn number(self) -> i64 {
        self as i64
    }
}

/// What must be there for a record to be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Whatever there is.
    Anything,
    /// No such record.
    Nothing,
    /// A record with this value.
    Value(Vec<u8>),
}

/// A record, put or deleted.
#[derive(Clone, Debug)]
pub struct RecordChange {
    /// Its kind.
    pub kind: RecordKind,
    /// Its key, at most 256 bytes.
    pub key: Vec<u8>,
    /// What must be there.
    pub expected: Expected,
    /// Its new value; `None`: it is deleted.
    pub value: Option<Vec<u8>>,
    /// When it is deleted, in milliseconds since 1970-01-01 UTC; 0 = never. A
    /// record whose time has come may still be read for a while.
    pub expires_ms: u64,
}

impl RecordChange {
    /// Puts a record in place of any.
    #[must_use]
    pub fn put(kind: RecordKind, key: &[u8], value: Vec<u8>) -> Self {
        Self {
            kind,
            key: key.to_vec(),
            expected: Expected::Anything,
            value: Some(value),
            expires_ms: 0,
        }
    }

    /// Deletes a record, if it is there.
    #[must_use]
    pub fn delete(kind: RecordKind, key: &[u8]) -> Self {
        Self {
            kind,
            key: key.to_vec(),
            expected: Expected::Anything,
            value: None,
            expires_ms: 0,
        }
    }
}

/// One atomic write.
#[derive(Clone, Debug)]
pub struct Write {
    /// The chain.
    pub at: ChainRef,
    /// Its kind.
    pub kind: Kind,
    /// Where it must stand; `None`: it must not be there.
    pub expected: Option<Position>,
    /// What is stored and deleted.
    pub effects: Effects,
    /// When the wraps of these recipients end, in milliseconds since
    /// 1970-01-01 UTC; 0 = never. Applies to all their wraps in this chain.
    pub expiries: BTreeMap<Recipient, u64>,
    /// When the chain's time is over, in milliseconds since 1970-01-01 UTC; 0 =
    /// never. Then everything but its log is deleted.
    pub ends_ms: u64,
    /// The authors' chains and where they must stand.
    pub authors: Vec<(ChainId, Position)>,
    /// The request's nonce.
    pub nonce: Option<Nonce>,
    /// A user id for the chain, which is an identity.
    pub binding: Option<Binding>,
    /// A new tenant, whose chain this is.
    pub tenant: Option<TenantRow>,
    /// Records that change with it.
    pub records: Vec<RecordChange>,
    /// The user id of the chain, which is an identity, is given up and its
    /// opening deleted.
    pub unbind: bool,
}

impl Write {
    /// A write without conditions besides the head.
    #[must_use]
    pub fn new(at: ChainRef, kind: Kind, expected: Option<Position>, effects: Effects) -> Self {
        Self {
            at,
            kind,
            expected,
            effects,
            expiries: BTreeMap::new(),
            ends_ms: 0,
            authors: Vec::new(),
            nonce: None,
            binding: None,
            tenant: None,
            records: Vec::new(),
            unbind: false,
        }
    }
}

/// The directory's database.
#[async_trait]
pub trait Storage: Send + Sync + 'static {
    /// Whether it answers.
    async fn ping(&self) -> Result<(), StorageError>;

    /// All tenants, oldest first.
    async fn tenants(&self) -> Result<Vec<TenantRow>, StorageError>;

    /// One tenant.
    async fn tenant(&self, id: ChainId) -> Result<Option<TenantRow>, StorageError>;

    /// Where a chain stands.
    async fn head(&self, at: ChainRef) -> Result<Option<ChainHead>, StorageError>;

    /// The session whose id begins with `handle`.
    async fn session_by_handle(
        &self,
        tenant: ChainId,
        handle: [u8; 16],
    ) -> Result<Option<ChainId>, StorageError>;

    /// Chains of a kind in which somebody has wraps: where it is a recipient now;
    /// with a tag, if one is given. Ascending by id, those after `after`, at most 1,024.
    async fn chains_of(
        &self,
        tenant: ChainId,
        recipient: Recipient,
        kind: Kind,
        tag: Option<&str>,
        after: Option<ChainId>,
    ) -> Result<Vec<ChainId>, StorageError>;

    /// Chains of a kind that have a tag. Ascending by id, those after `after`, at
    /// most 1,024.
    async fn chains_tagged(
        &self,
        tenant: ChainId,
        kind: Kind,
        tag: &str,
        after: Option<ChainId>,
    ) -> Result<Vec<ChainId>, StorageError>;

    /// Entries of a chain, none if it isn't there.
    async fn entries(&self, at: ChainRef, page: Page) -> Result<Vec<Vec<u8>>, StorageError>;

    /// Entries of a chain with their leaves, which count among the page's
    /// bytes; none if it isn't there.
    async fn stored(&self, at: ChainRef, page: Page) -> Result<Vec<StoredEntry>, StorageError>;

    /// A chain at one moment.
    async fn read(&self, at: ChainRef, read: Read) -> Result<Option<Rows>, StorageError>;

    /// The identity of a user id.
    async fn user(&self, tenant: ChainId, user_id: &str) -> Result<Option<ChainId>, StorageError>;

    /// Whether the nonce was used.
    async fn nonce_used(&self, tenant: ChainId, nonce: &Nonce) -> Result<bool, StorageError>;

    /// Uses up a nonce without writing anything else.
    ///
    /// # Errors
    /// [`WriteError::Replayed`] if it was used before.
    async fn use_nonce(&self, tenant: ChainId, nonce: &Nonce) -> Result<(), WriteError>;

    /// Writes everything or nothing. Deletions come first. When it returns
    /// `Ok`, a crash loses nothing of it; when the future is dropped, or the
    /// program dies, the write has happened whole or not at all.
    async fn apply(&self, write: &Write) -> Result<(), WriteError>;

    /// Several writes to a tenant's chains and a request's nonce in one
    /// transaction: each write whole or not at all, with its own result, those
    /// that are not refused all or none. A write sees what those before it
    /// have changed. `nonce` of the writes themselves is not looked at.
    ///
    /// # Errors
    /// [`WriteError::Replayed`], or a failure of the storage: then nothing
    /// was written.
    async fn apply_many(
        &self,
        tenant: ChainId,
        nonce: &Nonce,
        writes: &[Write],
    ) -> Result<Vec<Result<(), WriteError>>, WriteError>;

    /// A record's value.
    async fn record(
        &self,
        tenant: ChainId,
        kind: RecordKind,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, StorageError>;

    /// The records whose keys begin with `prefix`: key and value, ascending by
    /// key, at most 4,096.
    async fn records(
        &self,
        tenant: ChainId,
        kind: RecordKind,
        prefix: &[u8],
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>, StorageError>;

    /// Changes records, all or none; the request's nonce goes with them.
    ///
    /// # Errors
    /// [`WriteError::Conflict`] if one of them is not as expected.
    async fn put_records(
        &self,
        tenant: ChainId,
        nonce: Option<&Nonce>,
        changes: &[RecordChange],
    ) -> Result<(), WriteError>;

    /// Deletes wraps and records whose time has ended, all but the log of chains
    /// whose time is over, and nonces that may be
    /// forgotten, so that nothing of them stays in the files.
    async fn purge(&self, now_ms: u64) -> Result<(), StorageError>;

    /// Closes the database; nothing can be read or written afterwards.
    async fn close(&self);
}
