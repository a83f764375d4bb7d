//! Names of chains, keys, entries and recipients: 32 bytes each.

use tls_codec::{TlsDeserializeBytes, TlsSerializeBytes, TlsSize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            TlsSerializeBytes, TlsDeserializeBytes, TlsSize,
        )]
        pub struct $name(pub [u8; 32]);

        impl $name {
            /// All zeros: "none".
            pub const ZERO: Self = Self([0; 32]);

            /// The 32 bytes.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, concat!(stringify!($name), "("))?;
                for byte in &self.0[..4] {
                    write!(f, "{byte:02x}")?;
                }
                write!(f, "..)")
            }
        }

        impl From<[u8; 32]> for $name {
            fn from(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }
        }
    };
}

id! {
    /// SHA-256 of a chain's [`Core`](super::keys::Core). A tenant, an
    /// identity and a session are each named by the id of their chain.
    ChainId
}
id! {
    /// SHA-256 of an entry's unsigned bytes.
    EntryHash
}
id! {
    /// RefHash("key", KeyRecord).
    KeyId
}

/// What kind of chain, or of recipient.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    TlsSerializeBytes,
    TlsDeserializeBytes,
    TlsSize,
)]
#[repr(u8)]
#[non_exhaustive]
pub enum Kind {
    /// One app or institution.
    Tenant = 1,
    /// A person or a service.
    Identity = 2,
    /// A named set of members.
    Group = 3,
    /// An encryption session.
    Session = 4,
    /// A link with a key in it. Reserved.
    Link = 5,
    /// One device of an identity; a recipient only of its identity's own wraps.
    Device = 6,
    /// An identity's recovery key; a recipient only of its identity's own wraps.
    Recovery = 7,
}

impl Kind {
    /// The number in encodings.
    #[must_use]
    pub fn to_u8(self) -> u8 {
        self as u8
    }

    /// The kind with this number.
    #[must_use]
    pub fn from_u8(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Tenant,
            2 => Self::Identity,
            3 => Self::Group,
            4 => Self::Session,
            5 => Self::Link,
            6 => Self::Device,
            7 => Self::Recovery,
            _ => return None,
        })
    }
}

/// Anything that a secret can be wrapped to.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    TlsSerializeBytes,
    TlsDeserializeBytes,
    TlsSize,
)]
pub struct Recipient {
    /// Identity, group, link, device or recovery key.
    pub kind: Kind,
    /// Its chain id; for a device and a recovery key the id of its signing key.
    pub id: [u8; 32],
}

impl Recipient {
    /// The identity whose chain is `id`.
    #[must_use]
    pub fn identity(id: ChainId) -> Self {
        Self {
            kind: Kind::Identity,
            id: id.0,
        }
    }

    /// The group whose chain is `id`.
    #[must_use]
    pub fn group(id: ChainId) -> Self {
        Self {
            kind: Kind::Group,
            id: id.0,
        }
    }

    /// Its chain, if it has one of its own.
    #[must_use]
    pub fn chain(&self) -> ChainId {
        ChainId(self.id)
    }

    /// The device whose signing key is `id`.
    #[must_use]
    pub fn device(id: KeyId) -> Self {
        Self {
            kind: Kind::Device,
            id: id.0,
        }
    }

    /// The recovery key whose signing key is `id`.
    #[must_use]
    pub fn recovery(id: KeyId) -> Self {
        Self {
            kind: Kind::Recovery,
            id: id.0,
        }
    }
}

/// A place in a chain: the entry with this number has this hash.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, TlsSerializeBytes, TlsDeserializeBytes, TlsSize,
)]
pub struct Position {
    /// The entry's number, from 0.
    pub seq: u64,
    /// The entry's hash.
    pub hash: EntryHash,
}
