//! What a session's log says, once replayed.

use crate::chain::{ChainError, Tip};
use crate::format::bodies::{
    BackLinkRef, RecipientKey, RightsBits, SessionSetExpiry, SessionSetMetadata, WrapsRef,
};
use crate::format::codec::FormatError;
use crate::format::entry::Author;
use crate::format::ids::{ChainId, EntryHash, Recipient};
use crate::format::keys::Core;
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// Recipients that one session may have.
pub const MAX_MEMBERS: usize = 10_000;
/// Segments that one session may have.
pub const MAX_SEGMENTS: u32 = 1_024;

/// Why a session's entry was refused.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RightsError {
    /// See [`ChainError`].
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The author lacks the right for what the entry does.
    #[error("the entry's author does not have the right to do this")]
    NotAllowed,
    /// A grant gives more, or for longer, than its grantor has.
    #[error("a grant gives more, or for longer, than the grantor has")]
    ExceedsGrantor,
    /// Only owners act on owners; the last owner names a successor first.
    #[error("only an owner may act on an owner, and the last owner can't leave")]
    Owner,
    /// The recipient is not in the session, or not one that can be.
    #[error("the recipient is not in the session, or can't be")]
    Recipient,
    /// A named position is not in that identity's chain.
    #[error("an entry names a history of an identity that does not exist")]
    Position,
    /// An entry names an earlier position of a chain than an entry before it.
    #[error("an entry names an earlier position of an identity's chain than one before it")]
    BackDated,
    /// The key is not the recipient's newest at the named position.
    #[error("a recipient's key is not that identity's user key")]
    RecipientKey,
    /// The epoch is not the next, its set of recipients is not complete, or
    /// its back-links lead elsewhere.
    #[error(
        "the new epoch is not the next one, or its recipients or back-links are not those that they must be"
    )]
    Epoch,
    /// The session was ended by its owner, or its time was over.
    #[error("the session was ended by its owner, or its time was over")]
    Ended,
    /// A group would be in itself.
    #[error("the group contains, directly or not, the group that it would be added to")]
    Circle,
    /// Groups in groups beyond the bound.
    #[error("groups are nested more than four deep")]
    TooDeep,
    /// A bound on recipients or segments.
    #[error("the session would have more recipients or segments than the protocol allows")]
    TooMany,
}

impl From<FormatError> for RightsError {
    fn from(error: FormatError) -> Self {
        Self::Chain(error.into())
    }
}

/// A current recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The key that the current epoch is wrapped to.
    pub key: RecipientKey,
    /// What it may do.
    pub rights: RightsBits,
    /// Until when, in milliseconds since 1970-01-01 UTC; 0 = without end.
    pub expires_ms: u64,
    /// Who answers for the grant: an identity, or a group.
    pub granted_by: Recipient,
    /// The identity that has signed it.
    pub signed_by: ChainId,
    /// The entry of the grant.
    pub granted_seq: u64,
    /// That entry's signed time.
    pub granted_ms: u64,
    /// The segments that it may open.
    pub segments: BTreeSet<u32>,
    /// The rotation that has left it out as withdrawn by the operator. It is
    /// suspended: not wrapped to, and may do nothing.
    pub suspended_seq: Option<u64>,
}

impl Member {
    /// Whether the grant had ended at `ms`.
    #[must_use]
    pub fn expired_at(&self, ms: u64) -> bool {
        self.expires_ms != 0 && ms >= self.expires_ms
    }

    /// Whether the log has suspended it: the operator withdrew it.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        self.suspended_seq.is_some()
    }

    /// Whether it may do what its rights say at `ms`.
    #[must_use]
    pub fn may_act_at(&self, ms: u64) -> bool {
        !self.expired_at(ms) && !self.is_suspended()
    }

    /// Whether it is an owner.
    #[must_use]
    pub fn is_owner(&self) -> bool {
        self.rights.contains(RightsBits::OWNER)
    }
}

/// Why somebody is no longer a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemovalCause {
    /// By a revocation.
    Revoked,
    /// By a revocation of somebody who had granted to it.
    Cascade,
    /// It left, or handed over.
    Left,
    /// Its grant had ended.
    Expired,
}

/// A former recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovedMember {
    /// Who.
    pub recipient: Recipient,
    /// Why.
    pub cause: RemovalCause,
    /// The identity that wrote the entry.
    pub by: ChainId,
    /// The entry.
    pub seq: u64,
    /// The entry's signed time.
    pub at_ms: u64,
}

/// An epoch, as the log states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Epoch {
    /// The commitment to its secret.
    pub commitment: [u8; 32],
    /// The run of epochs, joined by back-links, that it is in.
    pub segment: u32,
    /// The entry that began it.
    pub seq: u64,
    /// The earlier epochs that it opens.
    pub back_links: Vec<BackLinkRef>,
    /// Of a group: this generation's key.
    pub key: Option<super::groups::GroupKey>,
}

/// A session's log, replayed.
#[derive(Clone, Debug)]
pub struct SessionState {
    pub(super) tip: Tip,
    pub(super) core: Core,
    pub(super) members: BTreeMap<Recipient, Member>,
    pub(super) removed: Vec<RemovedMember>,
    pub(super) epochs: Vec<Epoch>,
    pub(super) wraps: BTreeMap<u64, (WrapsRef, Author)>,
    /// The latest position named of each identity's chain.
    pub(super) positions: BTreeMap<ChainId, u64>,
    pub(super) metadata: Option<SessionSetMetadata>,
    pub(super) tag: Option<[u8; 32]>,
    pub(super) expiry: SessionSetExpiry,
    /// The latest signed time of an entry: when the session was last in use.
    pub(super) active_ms: u64,
    pub(super) someone_left: bool,
    pub(super) ended: bool,
    /// Of a group only.
    pub(super) group: Option<super::groups::GroupPart>,
}

impl SessionState {
    /// The session's id.
    #[must_use]
    pub fn id(&self) -> ChainId {
        self.tip.chain_id
    }

    /// The tenant.
    #[must_use]
    pub fn tenant_id(&self) -> ChainId {
        self.tip.tenant_id
    }

    /// The last entry's hash.
    #[must_use]
    pub fn head_hash(&self) -> EntryHash {
        self.tip.head.hash
    }

    /// Where the log stands.
    #[must_use]
    pub fn tip(&self) -> &Tip {
        &self.tip
    }

    /// The payload suite's number, fixed when the session was created.
    #[must_use]
    pub fn suite(&self) -> u8 {
        self.core.suite
    }

    /// All current recipients.
    pub fn members(&self) -> impl Iterator<Item = (&Recipient, &Member)> {
        self.members.iter()
    }

    /// One current recipient.
    #[must_use]
    pub fn member(&self, recipient: &Recipient) -> Option<&Member> {
        self.members.get(recipient)
    }

    /// Former recipients, in the order in which they left.
    #[must_use]
    pub fn removed(&self) -> &[RemovedMember] {
        &self.removed
    }

    /// All epochs; there is always one.
    #[must_use]
    pub fn epochs(&self) -> &[Epoch] {
        &self.epochs
    }

    /// One epoch.
    #[must_use]
    pub fn epoch(&self, epoch: u32) -> Option<&Epoch> {
        self.epochs.get(epoch as usize)
    }

    /// The number of the newest epoch.
    #[must_use]
    pub fn current_epoch(&self) -> u32 {
        self.epochs.len() as u32 - 1 // entry 0 has made epoch 0
    }

    /// The newest segment.
    #[must_use]
    pub fn current_segment(&self) -> u32 {
        self.epochs.last().map_or(0, |epoch| epoch.segment)
    }

    /// The newest epoch of a segment.
    #[must_use]
    pub fn newest_epoch_of(&self, segment: u32) -> Option<u32> {
        let end = self
            .epochs
            .partition_point(|epoch| epoch.segment <= segment);
        let last = end.checked_sub(1)?;
        (self.epochs[last].segment == segment).then_some(last as u32)
    }

    /// What entry `seq` commits to by way of wraps, and its author.
    #[must_use]
    pub fn wraps_at(&self, seq: u64) -> Option<&(WrapsRef, Author)> {
        self.wraps.get(&seq)
    }

    /// The metadata's epoch and hash.
    #[must_use]
    pub fn metadata(&self) -> Option<&SessionSetMetadata> {
        self.metadata.as_ref()
    }

    /// What the tag's opening hashes to; `None`: it has no tag.
    #[must_use]
    pub fn tag(&self) -> Option<[u8; 32]> {
        self.tag
    }

    /// What an owner has set: an end, a time without use.
    #[must_use]
    pub fn expiry(&self) -> SessionSetExpiry {
        self.expiry
    }

    /// The latest signed time of an entry, in milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn active_ms(&self) -> u64 {
        self.active_ms
    }

    /// When the session ends if nothing else is written, in milliseconds since
    /// 1970-01-01 UTC; 0 = never.
    #[must_use]
    pub fn ends_ms(&self) -> u64 {
        let SessionSetExpiry { ends_ms, idle_ms } = self.expiry;
        let idle_ends = match idle_ms {
            0 => 0,
            idle_ms => self.active_ms.saturating_add(idle_ms),
        };
        let ends = [ends_ms, idle_ends].into_iter().filter(|it| *it != 0);
        ends.min().unwrap_or(0)
    }

    /// Whether the session's time was over at `ms`.
    #[must_use]
    pub fn over_at(&self, ms: u64) -> bool {
        let ends_ms = self.ends_ms();
        ends_ms != 0 && ms >= ends_ms
    }

    /// Whether somebody left, or was given a newer key, since the newest epoch began.
    #[must_use]
    pub fn someone_left(&self) -> bool {
        self.someone_left
    }

    /// Whether the owner ended the session.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Whether `recipient` was in the session once, and is not now.
    #[must_use]
    pub fn was_removed(&self, recipient: &Recipient) -> Option<&RemovedMember> {
        if self.members.contains_key(recipient) {
            return None;
        }
        self.removed
            .iter()
            .rev()
            .find(|removed| removed.recipient == *recipient)
    }

    /// Recipients who are not suspended.
    pub(super) fn active(&self) -> impl Iterator<Item = &Member> {
        self.members
            .values()
            .filter(|member| !member.is_suspended())
    }

    /// Owners who can act.
    pub(super) fn owners(&self) -> usize {
        self.active().filter(|member| member.is_owner()).count()
    }
}
