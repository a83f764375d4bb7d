//! Bodies of a tenant's chain.

use crate::format::codec::{FormatError, decode, encode};
use crate::format::ids::KeyId;
use crate::format::keys::{Core, KeyRecord};
use crate::format::opaque::Opaque;
use tls_codec::{TlsDeserializeBytes, TlsSerializeBytes, TlsSize};

/// Bodies of a tenant's chain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TenantBody {
    /// Type 1, entry 0.
    Create(TenantCreate),
    /// Type 2: one more enrolment key.
    AddKey(ProvenKey),
    /// Type 3: an enrolment key attests nothing more.
    RevokeKey(KeyId),
    /// Type 4: a new directory key.
    SetDirectoryKey(ProvenKey),
    /// Type 5: what clients of this tenant do by themselves.
    SetPolicy(TenantPolicy),
}

/// `struct { uint32 user_key_days; } TenantPolicy;`
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize,
)]
pub struct TenantPolicy {
    /// After how many days of 86,400 seconds a client renews its identity's
    /// user key; 0: never by itself.
    pub user_key_days: u32,
}

/// `struct { Core core; ProvenKey directory_key; } TenantCreate;`
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct TenantCreate {
    /// Its authority is the first enrolment key.
    pub core: Core,
    /// The key that signs heads.
    pub directory_key: ProvenKey,
}

/// A key with its proof of possession:
/// `struct { KeyRecord key; opaque possession<V>; } ProvenKey;`
///
/// The proof is a signature by the new key over SignContent("possession",
/// `struct { opaque chain_id[32]; uint64 seq; opaque prev[32]; opaque key_id[32]; }`).
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct ProvenKey {
    /// The new key.
    pub key: KeyRecord,
    /// The signature.
    pub possession: Opaque,
}

impl TenantBody {
    /// Decodes a body of `entry_type`.
    pub fn decode(entry_type: u16, bytes: &[u8]) -> Result<Self, FormatError> {
        Ok(match entry_type {
            1 => Self::Create(decode("tenant create", bytes)?),
            2 => Self::AddKey(decode("add key", bytes)?),
            3 => Self::RevokeKey(decode("revoke key", bytes)?),
            4 => Self::SetDirectoryKey(decode("set directory key", bytes)?),
            5 => Self::SetPolicy(decode("set policy", bytes)?),
            _ => return Err(FormatError::NeedsNewerClient("tenant entry")),
        })
    }

    /// The type's number and the encoded body.
    #[must_use]
    pub fn encode(&self) -> (u16, Vec<u8>) {
        match self {
            Self::Create(body) => (1, encode(body)),
            Self::AddKey(body) => (2, encode(body)),
            Self::RevokeKey(body) => (3, encode(body)),
            Self::SetDirectoryKey(body) => (4, encode(body)),
            Self::SetPolicy(body) => (5, encode(body)),
        }
    }
}
