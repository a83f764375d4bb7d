//! Offline files: see `docs/spec/offline-file.md`.

use super::codec::{FormatError, decode, encode};
use super::ids::{ChainId, KeyId, Recipient};
use crate::format::opaque::Opaque;
use tls_codec::{TlsDeserializeBytes, TlsSerializeBytes, TlsSize};

const MAGIC: &[u8; 4] = b"PLCO";
/// The version of this release.
pub const OFFLINE_VERSION: u16 = 1;

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

/// All that one recipient needs to open one envelope without a network.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct OfflineFile {
    /// Always 1.
    pub version: u16,
    /// The tenant.
    pub tenant: StatedChain,
    /// The identities that the session's log names, the reader's own too.
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
    /// The reader's wraps of the session's epochs.
    pub wraps: Vec<StatedWrap>,
    /// The session's back-links.
    pub links: Vec<Opaque>,
    /// The envelope.
    pub envelope: Opaque,
}

impl OfflineFile {
    /// The file's bytes: "PLCO" and the struct.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [MAGIC.as_slice(), &encode(self)].concat()
    }

    /// Reads a file. Nothing in it is verified by that.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormatError> {
        let rest = bytes
            .strip_prefix(MAGIC.as_slice())
            .ok_or(FormatError::Malformed("offline file"))?;
        let version = rest.first_chunk::<2>().map(|it| u16::from_be_bytes(*it));
        match version {
            Some(OFFLINE_VERSION) => decode("offline file", rest),
            Some(_) => Err(FormatError::NeedsNewerClient("offline file")),
            None => Err(FormatError::Malformed("offline file")),
        }
    }
}
