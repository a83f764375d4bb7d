//! Reading everything that is stored, page by page, also what no request would
//! ever ask for: what [`crate::fsck`] looks at.

use super::{ChainRef, Page, StorageError, StoredEntry};
use async_trait::async_trait;
use plico_protocol::format::ids::{ChainId, EntryHash};
use plico_protocol::keyring::merkle::Hash;
use plico_protocol::wire::accept::{AcceptedBackLink, AcceptedWrap};

/// A chain, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainRecord {
    /// The storage's own number for it; ascending.
    pub no: i64,
    /// The chain.
    pub at: ChainRef,
    /// The kind's number.
    pub kind: i64,
    /// The last entry's number, as stored beside the chain.
    pub seq: i64,
    /// The last entry's hash, as stored beside the chain.
    pub hash: EntryHash,
    /// The metadata blob.
    pub metadata: Option<Vec<u8>>,
    /// When its time is over, in milliseconds since 1970-01-01 UTC; 0 = never.
    pub ends_ms: u64,
    /// The tag, and its TagOpening.
    pub tag: Option<(String, Vec<u8>)>,
}

/// A wrap, as it is stored.
#[derive(Clone, Debug)]
pub struct WrapRecord {
    /// The wrap.
    pub wrap: AcceptedWrap,
    /// When it is deleted, in milliseconds since 1970-01-01 UTC; 0 = never.
    pub expires_ms: u64,
    /// The leaf at its place among those stored with its entry.
    pub leaf: Option<Hash>,
}

/// A user id, as it is stored: personal data.
#[derive(Clone)]
pub struct OpeningRecord {
    /// The tenant.
    pub tenant: ChainId,
    /// The user id.
    pub user_id: Vec<u8>,
    /// Whose it is.
    pub identity: ChainId,
    /// The binding's number.
    pub number: u64,
    /// UserIdOpening.
    pub opening: Vec<u8>,
}

impl core::fmt::Debug for OpeningRecord {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "OpeningRecord(number {}, redacted)", self.number)
    }
}

/// The last wrap of a page: kind, recipient, epoch. The next page comes after it.
pub type WrapCursor = (u8, [u8; 32], u32);

/// See the module. Pages come in a fixed order; one without rows is the end.
#[async_trait]
pub trait Audit: super::Storage {
    /// What the database's own checks find, and rows that belong to nothing;
    /// one sentence each, with ids but without user ids. Several hundred at most.
    async fn integrity(&self) -> Result<Vec<String>, StorageError>;

    /// Chains after the one with this number; 0 for the first ones.
    async fn chains(&self, after: i64) -> Result<Vec<ChainRecord>, StorageError>;

    /// One chain as it is now.
    async fn chain(&self, no: i64) -> Result<Option<ChainRecord>, StorageError>;

    /// Entries of a chain, also beyond its head.
    async fn chain_entries(&self, no: i64, page: Page) -> Result<Vec<StoredEntry>, StorageError>;

    /// Wraps of a chain, ascending by recipient and epoch.
    async fn chain_wraps(
        &self,
        no: i64,
        after: Option<WrapCursor>,
    ) -> Result<Vec<WrapRecord>, StorageError>;

    /// Back-links of a chain after this epoch and target, ascending by both.
    async fn chain_back_links(
        &self,
        no: i64,
        after: Option<(u32, u32)>,
    ) -> Result<Vec<AcceptedBackLink>, StorageError>;

    /// User ids, ascending by tenant and user id.
    async fn openings(
        &self,
        after: Option<(ChainId, Vec<u8>)>,
    ) -> Result<Vec<OpeningRecord>, StorageError>;
}
