//! Offline files: see `docs/spec/offline-file.md`.

use super::codec::{FormatError, decode, encode, strictly_ascending};
use super::ids::{ChainId, KeyId, Recipient};
use crate::format::opaque::Opaque;
use tls_codec::{DeserializeBytes, TlsDeserializeBytes, TlsSerializeBytes, TlsSize};

const MAGIC: &[u8; 4] = b"PLCO";
/// A file of a session that names no group.
pub const OFFLINE_VERSION: u16 = 1;
/// The same with groups at its end.
pub const OFFLINE_VERSION_GROUPS: u16 = 2;
const WHAT: &str = "offline file";

/// A chain as the directory has stated it.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct StatedChain {
    /// Its id.
    pub id: ChainId,
    /// SignedEntry, all of them.
    pub entries: Vec<Opaque>,
    /// SignedHead.
    pub head: Opaque,
    /// UserIdOpening of an identity; empty if there is none.
    pub opening: Opaque,
}

/// A wrap with its proof.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct StatedWrap {
    /// For whom.
    pub recipient: Recipient,
    /// The epoch whose secret it is.
    pub epoch: u32,
    /// The generation of the recipient's key.
    pub generation: u32,
    /// The id of that key.
    pub key_id: KeyId,
    /// The entry that commits to it.
    pub seq: u64,
    /// Its place among the leaves.
    pub index: u32,
    /// The audit path, from the leaf upwards.
    pub proof: Vec<[u8; 32]>,
    /// The wrap.
    pub sealed: Opaque,
}

/// The newest generation of the reader's user key, wrapped to one of the
/// reader's devices by another one of them.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct DeviceWrap {
    /// The device.
    pub device: KeyId,
    /// The signing key of the device that has made the wrap.
    pub author_key: KeyId,
    /// The wrap.
    pub sealed: Opaque,
}

/// A group's log, with what of it the reader opens.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct StatedGroup {
    /// The group.
    pub chain: StatedChain,
    /// Wraps of its epochs to the reader, and to groups that the reader is in.
    pub wraps: Vec<StatedWrap>,
    /// Its back-links.
    pub links: Vec<Opaque>,
}

/// All that one recipient needs to open one envelope without a network.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct OfflineFile {
    /// 1, or 2 if there are groups.
    pub version: u16,
    /// The tenant.
    pub tenant: StatedChain,
    /// The identities that the logs name, the reader's own too.
    pub identities: Vec<StatedChain>,
    /// The reader's identity.
    pub reader: ChainId,
    /// The generation of the reader's user key that is wrapped here.
    pub generation: u32,
    /// That generation, to each of the reader's devices.
    pub device_wraps: Vec<DeviceWrap>,
    /// Back-links of the reader's user key.
    pub reader_links: Vec<Opaque>,
    /// The session.
    pub session: StatedChain,
    /// Wraps of the session's epochs to the reader, and to groups that it is in.
    pub wraps: Vec<StatedWrap>,
    /// The session's back-links.
    pub links: Vec<Opaque>,
    /// The envelope.
    pub envelope: Opaque,
    /// The groups that the logs name, strictly ascending by id; in version 2,
    /// and there at least one.
    #[tls_codec(skip)]
    pub groups: Vec<StatedGroup>,
}

impl OfflineFile {
    /// The file's bytes: "PLCO", the struct, and in version 2 the groups.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let groups = match self.version {
            OFFLINE_VERSION_GROUPS => encode(&self.groups),
            _ => Vec::new(),
        };
        [MAGIC.as_slice(), &encode(self), &groups].concat()
    }

    /// Reads a file. Nothing in it is verified by that.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormatError> {
        let rest = bytes
            .strip_prefix(MAGIC.as_slice())
            .ok_or(FormatError::Malformed(WHAT))?;
        let version = rest.first_chunk::<2>().map(|it| u16::from_be_bytes(*it));
        match version {
            Some(OFFLINE_VERSION) => decode(WHAT, rest),
            Some(OFFLINE_VERSION_GROUPS) => Self::with_groups(rest),
            Some(_) => Err(FormatError::NeedsNewerClient(WHAT)),
            None => Err(FormatError::Malformed(WHAT)),
        }
    }

    fn with_groups(bytes: &[u8]) -> Result<Self, FormatError> {
        let (mut file, rest) = Self::tls_deserialize_bytes(bytes).map_err(|error| match error {
            tls_codec::Error::UnknownValue(_) => FormatError::NeedsNewerClient(WHAT),
            _ => FormatError::Malformed(WHAT),
        })?;
        file.groups = decode(WHAT, rest)?;
        if file.groups.is_empty() {
            return Err(FormatError::Malformed(WHAT));
        }
        strictly_ascending("groups", file.groups.iter().map(|it| it.chain.id))?;
        Ok(file)
    }
}
