//! `accept(state, uploads, now) -> effects`: the directory's rules.
//!
//! The directory applies the same replay as every client, and on top of it
//! what only it can: its own clock, that authors stand at the head of their
//! chains, and that everything an entry commits to has really been uploaded.

mod identity;
mod restore;
mod session;

pub use identity::{Enrolled, accept_enrolment, accept_identity};
pub use restore::{
    Restored, StoredAlready, Window, accept_restore_identity, accept_restore_session,
};
pub use session::accept_session;

use super::ErrorCode;
use crate::chain::ChainError;
use crate::format::bodies::{BackLinkRef, TagOpening, WrapsRef};
use crate::format::codec::FormatError;
use crate::format::entry::{Author, SignedEntry};
use crate::format::ids::{ChainId, EntryHash, KeyId, Recipient};
use crate::identity::{AttestationError, IdentityError};
use crate::keyring::merkle::Hash;
use crate::keyring::wraps::{Wrap, WrapPlace, commit};
use crate::keyring::{KeyringError, back_link_hash};
use crate::rights::{Need, RightsError};
use crate::wire::upload::Upload;
use thiserror::Error;

/// Why uploads were not accepted.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum AcceptError {
    /// A body is not canonical.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// An identity's rule.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A session's rule.
    #[error(transparent)]
    Rights(#[from] RightsError),
    /// Wraps or back-links are not those that the entry commits to.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The app backend's word is missing or wrong.
    #[error(transparent)]
    Attestation(#[from] AttestationError),
    /// The token is not valid now.
    #[error("the enrolment token is not valid now")]
    TokenExpired,
    /// An entry was not written by whoever sent it.
    #[error("an entry was not written by the identity that sent it")]
    Requester,
    /// The author does not name the head of its chain.
    #[error("an entry does not name the head of its author's chain")]
    AuthorBehind,
    /// An entry that is handed back is by a device that was revoked since.
    #[error("an entry's device has been revoked since")]
    AuthorRevoked,
    /// Expiry depends on this entry's time, and that is not now.
    #[error("an entry's time is more than five minutes from the directory's")]
    Skew,
    /// A grant that has ended before it begins.
    #[error("a grant's end lies in the past")]
    PastExpiry,
    /// The author's own grant has ended.
    #[error("the author's own grant has ended")]
    AuthorExpired,
    /// The operator has withdrawn the author.
    #[error("the tenant's operator has withdrawn the author")]
    AuthorWithdrawn,
    /// The operator has withdrawn a recipient of a grant.
    #[error("the tenant's operator has withdrawn a recipient")]
    RecipientWithdrawn,
    /// A new epoch leaves out, or takes in, others than the operator says.
    #[error(
        "the new epoch does not leave out exactly those whom the tenant's operator has withdrawn"
    )]
    NotAsWithdrawn,
    /// The entry does not follow the head.
    #[error("the entry does not follow the head of the chain")]
    Conflict,
    /// Chains that the directory must load first.
    #[error("chains of other identities are needed")]
    Needs(Vec<Need>),
}

impl From<ChainError> for AcceptError {
    fn from(error: ChainError) -> Self {
        Self::Rights(error.into())
    }
}

impl AcceptError {
    /// The code of the problem document.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        use ChainError as C;
        let chain = |error: &ChainError| match error {
            C::Format(FormatError::NeedsNewerClient(_)) => ErrorCode::NeedsNewerClient,
            C::Format(FormatError::TooLarge(_)) | C::Full => ErrorCode::TooLarge,
            C::Sequence | C::BrokenLink => ErrorCode::Conflict,
            _ => ErrorCode::EntryInvalid,
        };
        match self {
            Self::Format(error) => match error {
                FormatError::NeedsNewerClient(_) => ErrorCode::NeedsNewerClient,
                FormatError::TooLarge(_) => ErrorCode::TooLarge,
                _ => ErrorCode::BadRequest,
            },
            Self::Rights(RightsError::Chain(error)) => chain(error),
            Self::Identity(IdentityError::Chain(error)) => chain(error),
            Self::Rights(RightsError::Ended) => ErrorCode::SessionEnded,
            Self::Rights(
                RightsError::NotAllowed | RightsError::ExceedsGrantor | RightsError::Owner,
            ) => ErrorCode::NotAllowed,
            Self::Rights(RightsError::Position | RightsError::BackDated)
            | Self::AuthorBehind
            | Self::AuthorRevoked
            | Self::Needs(_) => ErrorCode::AuthorBehind,
            Self::Rights(_) | Self::Identity(_) | Self::Keyring(_) | Self::PastExpiry => {
                ErrorCode::EntryInvalid
            }
            Self::Attestation(_) => ErrorCode::EnrolmentInvalid,
            Self::TokenExpired => ErrorCode::EnrolmentExpired,
            Self::Requester => ErrorCode::NotAllowed,
            Self::Skew => ErrorCode::ClockSkewed,
            Self::AuthorExpired => ErrorCode::AccessExpired,
            Self::AuthorWithdrawn => ErrorCode::AccessWithdrawn,
            Self::RecipientWithdrawn => ErrorCode::NotAllowed,
            Self::Conflict | Self::NotAsWithdrawn => ErrorCode::Conflict,
        }
    }
}

/// An entry to be stored.
#[derive(Clone, Debug)]
pub struct AcceptedEntry {
    /// Its number.
    pub seq: u64,
    /// Its hash.
    pub hash: EntryHash,
    /// SignedEntry.
    pub bytes: Vec<u8>,
    /// The leaves of its tree of wraps; they stay when wraps are deleted. None
    /// although the entry commits to wraps: it was handed back without them.
    pub leaves: Vec<Hash>,
}

/// An entry that is stored already, and whose leaves have become known.
#[derive(Clone, Debug)]
pub struct FilledEntry {
    /// Its number.
    pub seq: u64,
    /// The leaves of its tree of wraps.
    pub leaves: Vec<Hash>,
}

/// A wrap to be stored; it replaces one for the same recipient and epoch that
/// an earlier entry, or the same, commits to.
#[derive(Clone, Debug)]
pub struct AcceptedWrap {
    /// The entry that commits to it.
    pub seq: u64,
    /// Its place among the leaves.
    pub index: u32,
    /// For whom.
    pub recipient: Recipient,
    /// The epoch.
    pub epoch: u32,
    /// The generation of the recipient's key.
    pub generation: u32,
    /// The id of that key.
    pub key_id: KeyId,
    /// The wrap.
    pub sealed: Vec<u8>,
}

/// A back-link to be stored, unless it is there.
#[derive(Clone, Debug)]
pub struct AcceptedBackLink {
    /// The epoch that holds it.
    pub epoch: u32,
    /// The epoch that it opens.
    pub target: u32,
    /// BackLink.
    pub bytes: Vec<u8>,
}

/// What an append does to the storage, all in one transaction.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// Entries to add, in order.
    pub entries: Vec<AcceptedEntry>,
    /// Wraps to add.
    pub wraps: Vec<AcceptedWrap>,
    /// Back-links to add.
    pub back_links: Vec<AcceptedBackLink>,
    /// The new metadata blob.
    pub metadata: Option<Vec<u8>>,
    /// The stored metadata blob is no longer the current one.
    pub metadata_stale: bool,
    /// The new tag; `Some(None)`: there is none any more.
    pub tag: Option<Option<TagOpening>>,
    /// Stored entries that were bare until now.
    pub filled: Vec<FilledEntry>,
    /// Recipients whose wraps, of every epoch, are deleted. Deletion comes first.
    pub dropped: Vec<Recipient>,
    /// Everything but the log is deleted.
    pub ended: bool,
}

impl Effects {
    fn push(&mut self, entry: &SignedEntry, leaves: Vec<Hash>) {
        self.entries.push(AcceptedEntry {
            seq: entry.entry.seq,
            hash: entry.entry.hash(),
            bytes: entry.to_bytes(),
            leaves,
        });
    }
}

/// Checks that `upload`'s wraps are what the entry commits to, in full, and
/// that each is for a key in `expected` (recipient, epoch) -> (commitment,
/// generation, key id). Adds them to the effects; gives the leaves.
fn accept_wraps(
    upload: &Upload,
    place: WrapPlaceOf,
    committed: Option<&WrapsRef>,
    expected: impl Fn(&Recipient, u32) -> Option<([u8; 32], u32, KeyId)>,
    effects: &mut Effects,
) -> Result<Vec<Hash>, AcceptError> {
    let Some(committed) = committed else {
        return if upload.wraps.is_empty() {
            Ok(Vec::new())
        } else {
            Err(KeyringError::WrapSet.into())
        };
    };
    let place = WrapPlace {
        tenant_id: place.tenant_id,
        chain_id: upload.entry.entry.chain_id,
        author: place.author,
    };
    let mut wraps = Vec::with_capacity(upload.wraps.len());
    for wrap in &upload.wraps {
        let (commitment, generation, key_id) =
            expected(&wrap.recipient, wrap.epoch).ok_or(KeyringError::WrapSet)?;
        if (generation, key_id) != (wrap.generation, wrap.key_id) {
            return Err(KeyringError::WrapSet.into());
        }
        let info = place.info(wrap.epoch, commitment, wrap.recipient, generation, key_id);
        wraps.push(Wrap {
            info,
            sealed: wrap.sealed.clone(),
        });
    }
    if commit(&wraps)? != *committed {
        return Err(KeyringError::WrapSet.into());
    }
    for (index, wrap) in wraps.iter().enumerate() {
        effects.wraps.push(AcceptedWrap {
            seq: upload.entry.entry.seq,
            index: index as u32,
            recipient: wrap.info.recipient,
            epoch: wrap.info.epoch,
            generation: wrap.info.generation,
            key_id: wrap.info.key_id,
            sealed: wrap.sealed.clone(),
        });
    }
    Ok(wraps.iter().map(Wrap::leaf_hash).collect())
}

struct WrapPlaceOf {
    tenant_id: ChainId,
    author: Author,
}

/// Checks that `upload`'s back-links are exactly those that the epoch names.
fn accept_back_links(
    upload: &Upload,
    epoch: Option<(u32, &[BackLinkRef])>,
    effects: &mut Effects,
) -> Result<(), AcceptError> {
    let (epoch, named) = epoch.unwrap_or((0, &[]));
    if named.len() != upload.back_links.len() {
        return Err(KeyringError::BackLink.into());
    }
    for (reference, link) in named.iter().zip(&upload.back_links) {
        if link.epoch != epoch
            || link.target != reference.target
            || back_link_hash(link) != reference.hash
        {
            return Err(KeyringError::BackLink.into());
        }
        effects.back_links.push(AcceptedBackLink {
            epoch,
            target: link.target,
            bytes: crate::format::encode(link),
        });
    }
    Ok(())
}
