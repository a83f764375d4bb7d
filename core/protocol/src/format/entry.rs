//! Entries of a chain, with the signature that stands outside.

use super::codec::{FormatError, VERSION, decode, encode};
use super::ids::{ChainId, EntryHash, KeyId, Kind, Position};
use crate::format::opaque::Opaque;
use crate::primitives::hash::sha256;
use tls_codec::{TlsDeserializeBytes, TlsSerializeBytes, TlsSize};

/// Upper bound on an encoded signed entry, in bytes.
pub const MAX_ENTRY_LEN: usize = 512 * 1024;

/// Who wrote an entry, and where their own chain stood then:
///
/// ```text
/// struct { opaque identity[32]; opaque key[32]; uint64 seq; opaque hash[32]; } Author;
/// ```
///
/// In a tenant's and an identity's own chain, `identity` is the chain itself
/// and the position is that of the previous entry (0 and zeros in entry 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct Author {
    /// The author's identity (a tenant's own id in its chain).
    pub identity: ChainId,
    /// The id of the signing key.
    pub key: KeyId,
    /// The head of the author's identity chain as the author knew it.
    pub position: Position,
}

/// The signed part of an entry:
///
/// ```text
/// struct {
///   uint16 version = 1;  uint8 kind;  uint16 type;  opaque chain_id[32];
///   uint64 seq;  opaque prev[32];  Author author;  uint64 claimed_ms;  opaque body<V>;
/// } Entry;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct Entry {
    /// Always [`VERSION`].
    pub version: u16,
    /// The kind of the chain.
    pub kind: Kind,
    /// The type of the body; its meaning depends on the kind.
    pub entry_type: u16,
    /// The chain.
    pub chain_id: ChainId,
    /// The entry's number, from 0.
    pub seq: u64,
    /// The hash of the previous entry; zeros in entry 0.
    pub prev: EntryHash,
    /// Who wrote it.
    pub author: Author,
    /// The author's clock, in milliseconds since 1970-01-01 UTC: a claim.
    pub claimed_ms: u64,
    /// The body, encoded.
    pub body: Opaque,
}

impl Entry {
    /// SHA-256 of the encoded entry: its name.
    #[must_use]
    pub fn hash(&self) -> EntryHash {
        EntryHash(sha256(&[&encode(self)]))
    }

    /// Where this entry stands.
    #[must_use]
    pub fn position(&self) -> Position {
        Position {
            seq: self.seq,
            hash: self.hash(),
        }
    }
}

/// An entry with its signature:
/// `struct { Entry entry; uint8 algorithm; opaque signature<V>; } SignedEntry;`
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct SignedEntry {
    /// What is signed.
    pub entry: Entry,
    /// The registered key's signature algorithm.
    pub algorithm: u8,
    /// The signature over SignContent("entry", Entry).
    pub signature: Opaque,
}

impl SignedEntry {
    /// Decodes one signed entry, refusing other versions and sizes over the bound.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormatError> {
        if bytes.len() > MAX_ENTRY_LEN {
            return Err(FormatError::TooLarge("entry"));
        }
        // The version is looked at first: everything after it may have another shape.
        match bytes.first_chunk() {
            Some(version) if u16::from_be_bytes(*version) != VERSION => {
                Err(FormatError::NeedsNewerClient("entry"))
            }
            _ => decode("entry", bytes),
        }
    }

    /// The encoded form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(self)
    }
}
