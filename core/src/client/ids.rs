//! Ids as apps see them: 32 bytes, as text base64url without padding.

use crate::error::{Error, ErrorCode};
use core::fmt;
use core::str::FromStr;
use plico_protocol::format::ids::ChainId;
use plico_protocol::wire::b64;

macro_rules! public_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub(crate) ChainId);

        impl $name {
            /// The 32 bytes.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 32] {
                self.0.as_bytes()
            }
        }

        impl From<[u8; 32]> for $name {
            fn from(bytes: [u8; 32]) -> Self {
                Self(ChainId(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&b64::encode(self.0.as_bytes()))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                b64::decode_array(text).map(|bytes| Self(ChainId(bytes))).ok_or_else(|| {
                    Error::new(ErrorCode::InvalidArgument)
                        .with_detail("an id is 43 characters of base64url without padding")
                })
            }
        }
    };
}

public_id! {
    /// A tenant: one app or institution.
    TenantId
}
public_id! {
    /// An identity: a person or a service.
    IdentityId
}
public_id! {
    /// An encryption session.
    SessionId
}
public_id! {
    /// A group of identities and other groups.
    GroupId
}
public_id! {
    /// A device of an identity.
    DeviceId
}
