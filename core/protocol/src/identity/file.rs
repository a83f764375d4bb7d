//! Identity files: see `docs/spec/identity-file.md`.

use super::draft::DeviceSecret;
use crate::format::codec::{FormatError, decode, encode};
use crate::format::ids::{ChainId, EntryHash, Position};
use crate::format::opaque::Opaque;
use crate::primitives::aead::{AeadAlgorithm, NONCE_LEN, TAG_LEN};
use crate::primitives::kdf::expand_with_label;
use crate::primitives::kem;
use crate::primitives::passphrase::{Cost, argon2id};
use crate::primitives::random::{CryptoRng, random_bytes};
use crate::primitives::secret::{Secret32, ct_eq};
use crate::primitives::sign::SigningKey;
use thiserror::Error;
use tls_codec::{TlsDeserializeBytes, TlsSerializeBytes, TlsSize};
use zeroize::Zeroizing;

const MAGIC: [u8; 4] = *b"PLCI";
const VERSION: u16 = 1;
/// Bytes of the encrypted part.
const MAX_SEALED: usize = 4096;

/// What writers of this version use, and the least that a reader takes:
/// RFC 9106 §4, the second recommendation.
pub const COST: Cost = Cost {
    memory_kib: 65_536,
    passes: 3,
    lanes: 4,
};
/// The most that a reader takes.
pub const MAX_COST: Cost = Cost {
    memory_kib: 1_048_576,
    passes: 16,
    lanes: 16,
};

/// Why a file was refused.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileError {
    /// It is not an identity file, or damaged.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// Its cost is below the least or above the most.
    #[error("the file asks for a cost of guessing that is too low or too high")]
    Cost,
    /// Written for a passphrase and given a secret of the host, or the reverse.
    #[error("the file is protected in another way: by a passphrase, or by a secret of the host")]
    Protection,
    /// Another passphrase or secret.
    #[error("the passphrase or the secret is not that of the file")]
    Wrong,
    /// Its content was changed.
    #[error("the file was changed after it was written")]
    Unauthentic,
}

/// What protects a file.
#[derive(Clone, Copy)]
pub enum Protection<'a> {
    /// Something that a person remembers.
    Passphrase(&'a str),
    /// 32 uniform bytes that the host keeps.
    Host(&'a Secret32),
}

impl core::fmt::Debug for Protection<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Passphrase(_) => "Passphrase",
            Self::Host(_) => "Host",
        })
    }
}

/// A device that was made for a file, and where its chain stood.
#[derive(Clone, Debug)]
pub struct IdentityFile {
    /// The tenant.
    pub tenant_id: ChainId,
    /// The identity.
    pub identity: ChainId,
    /// The device's private keys.
    pub device: DeviceSecret,
    /// The newest entry of the identity's chain when the file was written.
    pub position: Position,
    /// The app's name for the identity.
    pub user_id: String,
}

#[derive(TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
struct Head {
    magic: [u8; 4],
    version: u16,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: [u8; 32],
}

#[derive(TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
struct Wire {
    head: Head,
    commitment: [u8; 32],
    sealed: Opaque,
}

/// Without the seeds, which stand before it: they never pass through a buffer
/// that nobody wipes.
#[derive(TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
struct Rest {
    seq: u64,
    hash: EntryHash,
    user_id: Opaque,
}

fn within(cost: Cost) -> bool {
    let in_range = |value: u32, least: u32, most: u32| (least..=most).contains(&value);
    in_range(cost.memory_kib, COST.memory_kib, MAX_COST.memory_kib)
        && in_range(cost.passes, COST.passes, MAX_COST.passes)
        && in_range(cost.lanes, COST.lanes, MAX_COST.lanes)
}

impl Head {
    fn cost(&self) -> Option<Cost> {
        let cost = Cost {
            memory_kib: self.memory_kib,
            passes: self.passes,
            lanes: self.lanes,
        };
        let none = Cost {
            memory_kib: 0,
            passes: 0,
            lanes: 0,
        };
        (cost != none).then_some(cost)
    }

    fn root(&self, protection: Protection<'_>) -> Result<Secret32, FileError> {
        match (protection, self.cost()) {
            (Protection::Passphrase(text), Some(cost)) => {
                if !within(cost) {
                    return Err(FileError::Cost);
                }
                argon2id(text.as_bytes(), &self.salt, cost).map_err(|_| FileError::Cost)
            }
            (Protection::Host(secret), None) => {
                Ok(expand_with_label(secret, "identity file host", &self.salt))
            }
            _ => Err(FileError::Protection),
        }
    }
}

fn keys_of(root: &Secret32, label: &str, head: &[u8]) -> (Secret32, Secret32) {
    let key = |what| expand_with_label(root, &format!("{label} {what}"), head);
    (key("key"), key("commitment"))
}

impl IdentityFile {
    /// The file's bytes.
    ///
    /// # Errors
    /// [`FileError::Format`] for a user id that is too long.
    pub fn seal(
        &self,
        protection: Protection<'_>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, FileError> {
        let cost = match protection {
            Protection::Passphrase(_) => COST,
            Protection::Host(_) => Cost {
                memory_kib: 0,
                passes: 0,
                lanes: 0,
            },
        };
        let head = Head {
            magic: MAGIC,
            version: VERSION,
            memory_kib: cost.memory_kib,
            passes: cost.passes,
            lanes: cost.lanes,
            salt: random_bytes(rng),
        };
        let root = head.root(protection)?;
        let bytes = encode(&head);
        let (commitment, sealed) = self.seal_under(&root, "identity file", &bytes)?;
        Ok(encode(&Wire {
            head,
            commitment,
            sealed: Opaque::new(sealed),
        }))
    }

    /// Key and commitment are ExpandWithLabel(root, label ‖ " key" or
    /// " commitment", head): gives the commitment and the ciphertext.
    pub(super) fn seal_under(
        &self,
        root: &Secret32,
        label: &str,
        head: &[u8],
    ) -> Result<([u8; 32], Vec<u8>), FileError> {
        let (key, commitment) = keys_of(root, label, head);
        let rest = encode(&Rest {
            seq: self.position.seq,
            hash: self.position.hash,
            user_id: Opaque::new(self.user_id.as_bytes().to_vec()),
        });
        let length = 4 * 32 + rest.len();
        if length + TAG_LEN > MAX_SEALED {
            return Err(FormatError::TooLarge("identity file").into());
        }
        // All of the room at once: a buffer that grows leaves the seeds behind.
        let mut content = Zeroizing::new(Vec::with_capacity(length + TAG_LEN));
        content.extend_from_slice(self.tenant_id.as_bytes());
        content.extend_from_slice(self.identity.as_bytes());
        content.extend_from_slice(self.device.signing.dangerous_seed().expose());
        content.extend_from_slice(self.device.kem.dangerous_seed().expose());
        content.extend_from_slice(&rest);
        let aead = AeadAlgorithm::ChaCha20Poly1305.with_key(key.expose());
        let tag = aead
            .seal(&[0; NONCE_LEN], head, &mut content)
            .map_err(|_| FormatError::TooLarge("identity file"))?;
        content.extend_from_slice(&tag);
        Ok((*commitment.expose(), std::mem::take(&mut *content)))
    }

    /// The reverse of [`Self::seal_under`].
    pub(super) fn open_under(
        root: &Secret32,
        label: &str,
        head: &[u8],
        commitment: &[u8; 32],
        sealed: &[u8],
    ) -> Result<Self, FileError> {
        if sealed.len() > MAX_SEALED {
            return Err(FormatError::TooLarge("identity file").into());
        }
        let (key, expected) = keys_of(root, label, head);
        if !ct_eq(expected.expose(), commitment) {
            return Err(FileError::Wrong);
        }
        let mut content = Zeroizing::new(sealed.to_vec());
        let at = content
            .len()
            .checked_sub(TAG_LEN)
            .ok_or(FileError::Unauthentic)?;
        let (body, tag) = content.split_at_mut(at);
        let tag: &[u8; TAG_LEN] = (&*tag).try_into().map_err(|_| FileError::Unauthentic)?;
        let aead = AeadAlgorithm::ChaCha20Poly1305.with_key(key.expose());
        aead.open(&[0; NONCE_LEN], head, body, tag)
            .map_err(|_| FileError::Unauthentic)?;
        Self::from_content(body)
    }

    /// Opens a file.
    pub fn open(bytes: &[u8], protection: Protection<'_>) -> Result<Self, FileError> {
        if !bytes.starts_with(&MAGIC) {
            return Err(FormatError::Malformed("identity file").into());
        }
        if bytes
            .get(4..6)
            .is_some_and(|it| it != VERSION.to_be_bytes())
        {
            return Err(FormatError::NeedsNewerClient("identity file").into());
        }
        if bytes.len() > MAX_SEALED + 128 {
            return Err(FormatError::TooLarge("identity file").into());
        }
        let wire: Wire = decode("identity file", bytes)?;
        if wire.sealed.as_slice().len() > MAX_SEALED {
            return Err(FormatError::TooLarge("identity file").into());
        }
        let root = wire.head.root(protection)?;
        let head = encode(&wire.head);
        let sealed = wire.sealed.as_slice();
        Self::open_under(&root, "identity file", &head, &wire.commitment, sealed)
    }

    fn from_content(content: &[u8]) -> Result<Self, FileError> {
        let malformed = || FormatError::Malformed("identity file");
        let (fixed, rest) = content.split_at_checked(4 * 32).ok_or_else(malformed)?;
        let mut parts = fixed.chunks_exact(32);
        let mut public = || -> Result<[u8; 32], FormatError> {
            let part = parts.next().ok_or_else(malformed)?;
            part.try_into().map_err(|_| malformed())
        };
        let (tenant_id, identity) = (ChainId(public()?), ChainId(public()?));
        let mut secret = || {
            let part = parts.next().and_then(Secret32::from_slice);
            part.ok_or_else(malformed)
        };
        let (signing, kem) = (secret()?, secret()?);
        let rest: Rest = decode("identity file", rest)?;
        let user_id = core::str::from_utf8(rest.user_id.as_slice()).map_err(|_| malformed())?;
        Ok(Self {
            tenant_id,
            identity,
            device: DeviceSecret {
                signing: SigningKey::from_seed(&signing),
                kem: kem::PrivateKey::from_seed(kem),
            },
            position: Position {
                seq: rest.seq,
                hash: rest.hash,
            },
            user_id: user_id.to_owned(),
        })
    }
}
