//! The bodies of entries, kind by kind. No personal data and no free text:
//! user ids and metadata are commitments, their openings live elsewhere.

mod group;
mod identity;
mod session;
mod tenant;
mod terms;

pub use group::*;
pub use identity::*;
pub use session::*;
pub use tenant::*;
pub use terms::*;

use super::codec::{FormatError, strictly_ascending};
use super::wrap::MAX_BACK_LINKS;
use tls_codec::{TlsDeserializeBytes, TlsSerializeBytes, TlsSize};

/// A commitment to a set of wraps: `struct { uint32 count; opaque root[32]; } WrapsRef;`
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct WrapsRef {
    /// How many wraps; at least 1.
    pub count: u32,
    /// The Merkle root over them.
    pub root: [u8; 32],
}

/// A commitment to a back-link: `struct { uint32 target; opaque hash[32]; } BackLinkRef;`
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct BackLinkRef {
    /// The earlier epoch that it opens.
    pub target: u32,
    /// RefHash("back-link", BackLink).
    pub hash: [u8; 32],
}

/// The start of an epoch:
///
/// ```text
/// struct {
///   uint32 epoch;  opaque commitment[32];  BackLinkRef back_links<V>;  WrapsRef wraps;
/// } EpochStart;
/// ```
///
/// No back-link: the epoch starts a new segment.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct EpochStart {
    /// The epoch's number.
    pub epoch: u32,
    /// The commitment to its secret.
    pub commitment: [u8; 32],
    /// At most 8, targets strictly ascending and below `epoch`.
    pub back_links: Vec<BackLinkRef>,
    /// The wraps to all recipients.
    pub wraps: WrapsRef,
}

impl EpochStart {
    pub(super) fn check(&self) -> Result<(), FormatError> {
        if self.back_links.len() > MAX_BACK_LINKS {
            return Err(FormatError::TooLarge("back-links"));
        }
        if self.back_links.iter().any(|link| link.target >= self.epoch) {
            return Err(FormatError::Malformed("back-link target"));
        }
        strictly_ascending("back-links", self.back_links.iter().map(|link| link.target))
    }
}
