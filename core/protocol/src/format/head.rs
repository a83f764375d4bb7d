//! The directory's signed statement of where a chain stands.

use super::ids::{ChainId, EntryHash};
use crate::format::opaque::Opaque;
use tls_codec::{TlsDeserializeBytes, TlsSerializeBytes, TlsSize};

/// ```text
/// struct {
///   uint16 version = 1;  opaque tenant_id[32];  opaque chain_id[32];
///   uint64 seq;  opaque hash[32];  uint64 time_ms;
/// } Head;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct Head {
    /// Always 1.
    pub version: u16,
    /// The tenant.
    pub tenant_id: ChainId,
    /// The chain.
    pub chain_id: ChainId,
    /// The last entry's number.
    pub seq: u64,
    /// The last entry's hash.
    pub hash: EntryHash,
    /// The directory's clock when it answered, in milliseconds since 1970-01-01 UTC.
    pub time_ms: u64,
}

/// `struct { Head head; uint8 algorithm; opaque signature<V>; } SignedHead;`
/// The signature is over SignContent("head", Head) with the tenant's directory key.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct SignedHead {
    /// What is signed.
    pub head: Head,
    /// The directory key's signature algorithm.
    pub algorithm: u8,
    /// The signature.
    pub signature: Opaque,
}
