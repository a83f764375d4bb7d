//! One append-only signed log: linking, signing, verifying, and the skeleton
//! of replay. The tenant's, the identities' and the sessions' chains are all
//! this; each kind adds only its own rules of who may append what.

pub mod possession;

use crate::format::codec::{FormatError, VERSION};
use crate::format::entry::{Author, Entry, SignedEntry};
use crate::format::ids::{ChainId, EntryHash, Kind, Position};
use crate::format::keys::{Core, KeyRecord, SIGNATURE_ED25519};
use crate::format::opaque::Opaque;
use crate::primitives::sign::{SigningKey, VerifyingKey, labels};
use thiserror::Error;

/// Entries that one chain may hold.
pub const MAX_ENTRIES: u64 = 1_000_000;

/// Why an entry does not belong where it stands.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChainError {
    /// The bytes are not a canonical entry.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The entry is of another chain, kind or tenant.
    #[error("the entry belongs to another chain")]
    OtherChain,
    /// The entry's number is not the next one.
    #[error("an entry is missing, repeated or out of order")]
    Sequence,
    /// The entry does not name its predecessor's hash.
    #[error("an entry does not follow the one before it")]
    BrokenLink,
    /// The signature does not verify under the author's key.
    #[error("an entry's signature does not verify")]
    Signature,
    /// The author's key is unknown, revoked, or not one that may write here.
    #[error("an entry's author may not write in this chain")]
    Author,
    /// A chain must have an entry 0.
    #[error("the chain is empty")]
    Empty,
    /// The chain holds as many entries as it may.
    #[error("the chain is full")]
    Full,
}

/// Where a chain stands, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tip {
    /// The tenant (for a tenant's chain, itself).
    pub tenant_id: ChainId,
    /// The chain.
    pub chain_id: ChainId,
    /// Its kind.
    pub kind: Kind,
    /// The last entry.
    pub head: Position,
}

impl Tip {
    /// Checks that `entry` can be entry 0 of the chain with this core.
    pub fn start(core: &Core, entry: &Entry) -> Result<Self, ChainError> {
        core.check()?;
        let chain_id = core.chain_id();
        check_version(entry)?;
        if entry.chain_id != chain_id || entry.kind != core.kind {
            return Err(ChainError::OtherChain);
        }
        if entry.seq != 0 {
            return Err(ChainError::Sequence);
        }
        if entry.prev != EntryHash::ZERO {
            return Err(ChainError::BrokenLink);
        }
        Ok(Self {
            tenant_id: core.tenant(),
            chain_id,
            kind: core.kind,
            head: entry.position(),
        })
    }

    /// Checks that `entry` follows, without moving yet.
    pub fn check_next(&self, entry: &Entry) -> Result<(), ChainError> {
        check_version(entry)?;
        if entry.chain_id != self.chain_id || entry.kind != self.kind {
            return Err(ChainError::OtherChain);
        }
        if entry.seq != self.head.seq + 1 {
            return Err(ChainError::Sequence);
        }
        if entry.seq >= MAX_ENTRIES {
            return Err(ChainError::Full);
        }
        if entry.prev != self.head.hash {
            return Err(ChainError::BrokenLink);
        }
        Ok(())
    }

    /// Moves to `entry`, which [`Self::check_next`] has accepted.
    pub fn advance(&mut self, entry: &Entry) {
        self.head = entry.position();
    }

    /// An unsigned next entry.
    #[must_use]
    pub fn next_entry(&self, author: Author, claimed_ms: u64, body: (u16, Vec<u8>)) -> Entry {
        Entry {
            version: VERSION,
            kind: self.kind,
            entry_type: body.0,
            chain_id: self.chain_id,
            seq: self.head.seq + 1,
            prev: self.head.hash,
            author,
            claimed_ms,
            body: Opaque::new(body.1),
        }
    }

    /// In a tenant's and an identity's chain the author is the chain itself,
    /// standing where the entry before stood.
    pub fn check_own_author(&self, entry: &Entry) -> Result<(), ChainError> {
        if entry.author.identity != self.chain_id || entry.author.position != self.head {
            return Err(ChainError::Author);
        }
        Ok(())
    }
}

/// The position that entry 0 of a tenant's or identity's chain names.
pub const BEFORE_START: Position = Position {
    seq: 0,
    hash: EntryHash::ZERO,
};

/// An unsigned entry 0.
#[must_use]
pub fn first_entry(core: &Core, author: Author, claimed_ms: u64, body: (u16, Vec<u8>)) -> Entry {
    Entry {
        version: VERSION,
        kind: core.kind,
        entry_type: body.0,
        chain_id: core.chain_id(),
        seq: 0,
        prev: EntryHash::ZERO,
        author,
        claimed_ms,
        body: Opaque::new(body.1),
    }
}

fn check_version(entry: &Entry) -> Result<(), ChainError> {
    if entry.version == VERSION {
        Ok(())
    } else {
        Err(FormatError::NeedsNewerClient("entry").into())
    }
}

/// Signs `entry`: Ed25519 over SignContent("entry", entry).
#[must_use]
pub fn sign_entry(entry: Entry, key: &SigningKey) -> SignedEntry {
    let signature = key.sign(labels::ENTRY, &crate::format::encode(&entry));
    SignedEntry {
        entry,
        algorithm: SIGNATURE_ED25519,
        signature: Opaque::new(signature.to_vec()),
    }
}

/// Verifies the signature of `signed` under `key`, whose id the entry must
/// name; gives the key, validated.
pub fn verify_entry(signed: &SignedEntry, key: &KeyRecord) -> Result<VerifyingKey, ChainError> {
    if signed.entry.author.key != key.id() {
        return Err(ChainError::Author);
    }
    check_algorithm(signed)?;
    let key = key.verifying_key()?;
    verify_signature(signed, &key)?;
    Ok(key)
}

/// Verifies the signature of `signed` under `key`, which the caller has found
/// by the id that the entry names. Validating a key costs as much as verifying
/// under it: states keep theirs validated.
pub fn verify_signature(signed: &SignedEntry, key: &VerifyingKey) -> Result<(), ChainError> {
    check_algorithm(signed)?;
    key.verify(
        labels::ENTRY,
        &crate::format::encode(&signed.entry),
        signed.signature.as_slice(),
    )
    .map_err(|_| ChainError::Signature)
}

fn check_algorithm(signed: &SignedEntry) -> Result<(), ChainError> {
    if signed.algorithm == SIGNATURE_ED25519 {
        Ok(())
    } else {
        Err(FormatError::NeedsNewerClient("signature").into())
    }
}

/// What every kind of chain implements; [`replay`] drives it.
pub trait Replay: Sized {
    /// Verified facts from other chains.
    type Known: ?Sized;
    /// The kind's own error.
    type Error: From<ChainError>;

    /// The state after entry 0.
    fn start(entry: &SignedEntry, known: &Self::Known) -> Result<Self, Self::Error>;
    /// Applies the next entry. After an error the state must not be used.
    fn apply(&mut self, entry: &SignedEntry, known: &Self::Known) -> Result<(), Self::Error>;
    /// Where the chain stands.
    fn tip(&self) -> &Tip;
}

/// Applies `entries` to `state`, or begins a chain with them. Pure: the same
/// input gives the same result on a client and on the directory.
///
/// # Errors
/// The first entry that is refused refuses the whole.
pub fn replay<R: Replay>(
    state: Option<R>,
    entries: &[SignedEntry],
    known: &R::Known,
) -> Result<R, R::Error> {
    let (mut state, rest) = match (state, entries) {
        (Some(state), rest) => (state, rest),
        (None, [first, rest @ ..]) => (R::start(first, known)?, rest),
        (None, []) => return Err(ChainError::Empty.into()),
    };
    for entry in rest {
        state.apply(entry, known)?;
    }
    Ok(state)
}
