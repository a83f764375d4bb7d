//! Bodies of a session's chain.

use super::group::{IN_GROUP, decode_through, encode_through};
use super::{
    EpochStart, GroupCreate, GroupRotate, SessionSetExpiry, SessionSetTag, SessionThrough, WrapsRef,
};
use crate::format::codec::{FormatError, decode, encode, strictly_ascending};
use crate::format::ids::{ChainId, KeyId, Kind, Position, Recipient};
use crate::format::keys::Core;
use tls_codec::{TlsDeserializeBytes, TlsSerializeBytes, TlsSize};

/// Recipients that one entry may add or update.
pub const MAX_RECIPIENTS_PER_ENTRY: usize = 2_048;
/// Epochs that one grant may carry wraps for (one for each segment granted).
pub const MAX_EPOCHS_PER_GRANT: usize = 16;

/// Rights on a session, one byte.
#[derive(Clone, Copy, PartialEq, Eq, Hash, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct RightsBits(pub u8);

impl RightsBits {
    /// May open; every recipient has it.
    pub const READ: u8 = 0x01;
    /// May grant what it has.
    pub const FORWARD: u8 = 0x02;
    /// May take away.
    pub const REVOKE: u8 = 0x04;
    /// May do everything.
    pub const OWNER: u8 = 0x80;
    /// An owner's bits.
    pub const ALL: u8 = 0x87;

    /// An owner has all bits; everybody has `read`; no other bit exists.
    pub fn check(self) -> Result<(), FormatError> {
        if self.0 & !Self::ALL != 0 {
            return Err(FormatError::NeedsNewerClient("rights"));
        }
        let owner_is_whole = self.0 & Self::OWNER == 0 || self.0 == Self::ALL;
        if self.0 & Self::READ == 0 || !owner_is_whole {
            return Err(FormatError::Malformed("rights"));
        }
        Ok(())
    }

    /// Whether all bits of `other` are set.
    #[must_use]
    pub fn contains(self, other: u8) -> bool {
        self.0 & other == other
    }
}

impl core::fmt::Debug for RightsBits {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "RightsBits({:#04x})", self.0)
    }
}

/// A recipient with the key that was used for it:
///
/// ```text
/// struct { Recipient recipient; uint32 generation; opaque key_id[32]; Position position; } RecipientKey;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct RecipientKey {
    /// Who.
    pub recipient: Recipient,
    /// The generation of its key.
    pub generation: u32,
    /// The id of that key.
    pub key_id: KeyId,
    /// The head of the recipient's chain as the author knew it.
    pub position: Position,
}

/// `struct { RecipientKey key; uint8 rights; uint64 expires_ms; } Grant;`
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct Grant {
    /// To whom.
    pub key: RecipientKey,
    /// What it may do.
    pub rights: RightsBits,
    /// Until when, in milliseconds since 1970-01-01 UTC; 0 = without end.
    pub expires_ms: u64,
}

/// Why a rotation leaves somebody out.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, TlsSerializeBytes, TlsDeserializeBytes, TlsSize,
)]
#[repr(u8)]
#[non_exhaustive]
pub enum RemovalReason {
    /// The grant's end has come.
    Expired = 1,
    /// The tenant's operator withdrew it, says the directory: it is suspended.
    Withdrawn = 2,
}

/// `struct { Recipient recipient; uint8 reason; } Removal;`
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct Removal {
    /// Who is left out.
    pub recipient: Recipient,
    /// Why.
    pub reason: RemovalReason,
}

/// Bodies of a session's chain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionBody {
    /// Type 1, entry 0.
    Create(SessionCreate),
    /// Type 2.
    Grant(SessionGrant),
    /// Type 3.
    Revoke(SessionRevoke),
    /// Type 4.
    Rotate(SessionRotate),
    /// Type 5.
    Transfer(SessionTransfer),
    /// Type 6.
    SetMetadata(SessionSetMetadata),
    /// Type 7: the end. The body is empty.
    Tombstone,
    /// Type 10: until when, or until how long without use. Not in groups.
    SetExpiry(SessionSetExpiry),
    /// Type 11: it is in use. The body is empty. Not in groups.
    InUse,
    /// Type 12.
    SetTag(SessionSetTag),
    /// Type 9: what a group may do here, done by a member of it.
    Through(Box<SessionThrough>),
    /// Type 17: entry 0 of a group.
    GroupCreate(GroupCreate),
    /// Type 20: the next generation of a group's key.
    GroupRotate(GroupRotate),
}

/// `struct { Core core; Grant grants<V>; EpochStart epoch; } SessionCreate;`
/// The creator is among the grants, as an owner without end.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct SessionCreate {
    /// Its authority is the creator's identity.
    pub core: Core,
    /// The first recipients, strictly ascending.
    pub grants: Vec<Grant>,
    /// Epoch 0.
    pub epoch: EpochStart,
}

/// `struct { Grant grants<V>; uint32 epochs<V>; WrapsRef wraps; } SessionGrant;`
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct SessionGrant {
    /// Recipients, strictly ascending. Each replaces an earlier grant.
    pub grants: Vec<Grant>,
    /// The newest epoch of each segment granted, strictly ascending; the
    /// current epoch is among them. Each recipient gets one wrap for each.
    pub epochs: Vec<u32>,
    /// `grants × epochs` wraps.
    pub wraps: WrapsRef,
}

/// `struct { Recipient recipients<V>; uint8 cascade; } SessionRevoke;`
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct SessionRevoke {
    /// Whose rights end, strictly ascending.
    pub recipients: Vec<Recipient>,
    /// 1: so do the rights of those that they granted to. 0: those stay, and
    /// count as granted by the author from now on (by whoever is next above
    /// in the line of grants, if the author is gone or below them itself).
    pub cascade: u8,
}

/// `struct { EpochStart epoch; RecipientKey updates<V>; Removal removals<V>; } SessionRotate;`
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct SessionRotate {
    /// The new epoch, wrapped to everybody who stays.
    pub epoch: EpochStart,
    /// Recipients whose key has moved on, with the new key, and those who were
    /// suspended and no longer are; strictly ascending.
    pub updates: Vec<RecipientKey>,
    /// Recipients who are left out; strictly ascending.
    pub removals: Vec<Removal>,
}

/// `struct { Grant to; uint8 remaining_rights; uint32 epochs<V>; WrapsRef wraps; } SessionTransfer;`
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct SessionTransfer {
    /// The new owner.
    pub to: Grant,
    /// What the author keeps; 0: it leaves.
    pub remaining_rights: u8,
    /// As in [`SessionGrant`].
    pub epochs: Vec<u32>,
    /// As in [`SessionGrant`].
    pub wraps: WrapsRef,
}

/// `struct { uint32 epoch; opaque blob_hash[32]; } SessionSetMetadata;`
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct SessionSetMetadata {
    /// The epoch under whose metadata key the blob is encrypted: the current one.
    pub epoch: u32,
    /// RefHash("metadata", blob).
    pub blob_hash: [u8; 32],
}

fn check_grants(grants: &[Grant]) -> Result<(), FormatError> {
    if grants.is_empty() {
        return Err(FormatError::Malformed("grants"));
    }
    if grants.len() > MAX_RECIPIENTS_PER_ENTRY {
        return Err(FormatError::TooLarge("grants"));
    }
    for grant in grants {
        grant.rights.check()?;
    }
    strictly_ascending("grants", grants.iter().map(|grant| grant.key.recipient))
}

fn check_epochs(epochs: &[u32]) -> Result<(), FormatError> {
    if epochs.len() > MAX_EPOCHS_PER_GRANT {
        return Err(FormatError::TooLarge("epochs"));
    }
    strictly_ascending("epochs", epochs.iter())
}

impl SessionBody {
    /// The recipients whose keys the entry states: their chains are needed to
    /// replay it.
    pub fn recipients(&self) -> Box<dyn Iterator<Item = Recipient> + '_> {
        let (grants, updates): (&[Grant], &[RecipientKey]) = match self {
            Self::Create(body) => (&body.grants, &[]),
            Self::Grant(body) => (&body.grants, &[]),
            Self::Transfer(body) => (core::slice::from_ref(&body.to), &[]),
            Self::Rotate(body) => (&[], &body.updates),
            Self::GroupCreate(body) => (&body.create.grants, &[]),
            Self::GroupRotate(body) => (&[], &body.rotate.updates),
            Self::Through(through) => return Box::new(through.body.recipients()),
            _ => (&[], &[]),
        };
        let keys = grants.iter().map(|grant| &grant.key).chain(updates);
        Box::new(keys.map(|key| key.recipient))
    }

    /// What is done, whoever does it, in a session's words: without the path, and
    /// without a group's key.
    #[must_use]
    pub fn deed(self) -> Self {
        match self {
            Self::Through(through) => through.body.deed(),
            Self::GroupCreate(body) => Self::Create(body.create),
            Self::GroupRotate(body) => Self::Rotate(body.rotate),
            other => other,
        }
    }

    /// The groups that the entry is written through, grants to or rotates for,
    /// and the places that it names of their chains.
    pub fn groups(&self) -> Vec<(ChainId, Position)> {
        let of = |key: &RecipientKey| {
            let is_group = key.recipient.kind == Kind::Group;
            is_group.then(|| (key.recipient.chain(), key.position))
        };
        let of_grants = |grants: &[Grant]| grants.iter().filter_map(|it| of(&it.key)).collect();
        match self {
            Self::Create(body) => of_grants(&body.grants),
            Self::GroupCreate(body) => of_grants(&body.create.grants),
            Self::Grant(body) => of_grants(&body.grants),
            Self::Transfer(body) => of(&body.to.key).into_iter().collect(),
            Self::Rotate(body) => body.updates.iter().filter_map(of).collect(),
            Self::GroupRotate(body) => body.rotate.updates.iter().filter_map(of).collect(),
            Self::Through(through) => {
                let steps = through.path.iter().map(|it| (it.group, it.position));
                steps.chain(through.body.groups()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Decodes a body of `entry_type`. Type 8, the checkpoint, is reserved.
    pub fn decode(entry_type: u16, bytes: &[u8]) -> Result<Self, FormatError> {
        Ok(match entry_type {
            1 => {
                let body: SessionCreate = decode("session create", bytes)?;
                check_create(&body)?;
                Self::Create(body)
            }
            2 => {
                let body: SessionGrant = decode("session grant", bytes)?;
                check_grants(&body.grants)?;
                check_epochs(&body.epochs)?;
                Self::Grant(body)
            }
            3 => {
                let body: SessionRevoke = decode("session revoke", bytes)?;
                if body.recipients.is_empty() || body.cascade > 1 {
                    return Err(FormatError::Malformed("session revoke"));
                }
                if body.recipients.len() > MAX_RECIPIENTS_PER_ENTRY {
                    return Err(FormatError::TooLarge("revocations"));
                }
                strictly_ascending("revocations", body.recipients.iter())?;
                Self::Revoke(body)
            }
            4 => {
                let body: SessionRotate = decode("session rotate", bytes)?;
                check_rotate(&body)?;
                Self::Rotate(body)
            }
            5 => {
                let body: SessionTransfer = decode("session transfer", bytes)?;
                check_grants(core::slice::from_ref(&body.to))?;
                check_epochs(&body.epochs)?;
                if body.remaining_rights != 0 {
                    RightsBits(body.remaining_rights).check()?;
                }
                Self::Transfer(body)
            }
            6 => Self::SetMetadata(decode("set metadata", bytes)?),
            7 if bytes.is_empty() => Self::Tombstone,
            7 => return Err(FormatError::Malformed("tombstone")),
            9 => Self::Through(Box::new(decode_through(bytes)?)),
            10 => {
                let body: SessionSetExpiry = decode("set expiry", bytes)?;
                body.check()?;
                Self::SetExpiry(body)
            }
            11 if bytes.is_empty() => Self::InUse,
            11 => return Err(FormatError::Malformed("in use")),
            12 => Self::SetTag(decode("set tag", bytes)?),
            17 => {
                let body: GroupCreate = decode("group create", bytes)?;
                check_create(&body.create)?;
                if body.history > 1 {
                    return Err(FormatError::Malformed("group create"));
                }
                body.key.kem_key()?;
                Self::GroupCreate(body)
            }
            20 => {
                let body: GroupRotate = decode("group rotate", bytes)?;
                check_rotate(&body.rotate)?;
                body.key.kem_key()?;
                Self::GroupRotate(body)
            }
            _ => return Err(FormatError::NeedsNewerClient("session entry")),
        })
    }

    /// The type's number and the encoded body.
    #[must_use]
    pub fn encode(&self) -> (u16, Vec<u8>) {
        match self {
            Self::Create(body) => (1, encode(body)),
            Self::Grant(body) => (2, encode(body)),
            Self::Revoke(body) => (3, encode(body)),
            Self::Rotate(body) => (4, encode(body)),
            Self::Transfer(body) => (5, encode(body)),
            Self::SetMetadata(body) => (6, encode(body)),
            Self::Tombstone => (7, Vec::new()),
            Self::SetExpiry(body) => (10, encode(body)),
            Self::InUse => (11, Vec::new()),
            Self::SetTag(body) => (12, encode(body)),
            Self::Through(through) => (9, encode_through(through)),
            Self::GroupCreate(body) => (1 + IN_GROUP, encode(body)),
            Self::GroupRotate(body) => (4 + IN_GROUP, encode(body)),
        }
    }
}

fn check_create(body: &SessionCreate) -> Result<(), FormatError> {
    check_grants(&body.grants)?;
    body.epoch.check()
}

fn check_rotate(body: &SessionRotate) -> Result<(), FormatError> {
    if body.updates.len() > MAX_RECIPIENTS_PER_ENTRY
        || body.removals.len() > MAX_RECIPIENTS_PER_ENTRY
    {
        return Err(FormatError::TooLarge("session rotate"));
    }
    body.epoch.check()?;
    strictly_ascending("updates", body.updates.iter().map(|key| key.recipient))?;
    strictly_ascending("removals", body.removals.iter().map(|it| it.recipient))
}

/// The kinds that may stand in a grant today. Links are reserved.
pub fn check_recipient_kind(kind: Kind) -> Result<(), FormatError> {
    match kind {
        Kind::Identity | Kind::Group => Ok(()),
        Kind::Link | Kind::Session => Err(FormatError::NeedsNewerClient("recipient kind")),
        Kind::Tenant | Kind::Device | Kind::Recovery => {
            Err(FormatError::Malformed("recipient kind"))
        }
    }
}
