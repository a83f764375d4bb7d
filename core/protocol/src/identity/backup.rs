//! Backups at the directory: see `docs/spec/backup.md`.

use super::file::{COST, FileError, IdentityFile, Protection};
use crate::format::codec::{FormatError, decode, encode};
use crate::format::ids::{ChainId, KeyId};
use crate::format::opaque::Opaque;
use crate::keyring::EpochSecret;
use crate::primitives::hash::ref_hash;
use crate::primitives::kdf::expand_with_label;
use crate::primitives::passphrase::argon2id;
use crate::primitives::random::{CryptoRng, random_bytes};
use crate::primitives::secret::{Secret32, ct_eq};
use tls_codec::{TlsDeserializeBytes, TlsSerializeBytes, TlsSize};

const MAGIC: [u8; 4] = *b"PLCB";
const VERSION: u16 = 1;
/// Bytes of a backup.
pub const MAX_BACKUP: usize = 8 * 1024;

/// By what a backup is protected. An identity has at most one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
pub enum BackupKind {
    /// A passphrase.
    Passphrase = 1,
    /// A secret that the host keeps.
    Host = 2,
}

impl BackupKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Passphrase, Self::Host];

    /// The number in encodings.
    #[must_use]
    pub fn to_u8(self) -> u8 {
        self as u8
    }

    /// The kind with this number.
    #[must_use]
    pub fn from_u8(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.to_u8() == number)
    }
}

#[derive(TlsSerializeBytes, TlsSize)]
struct Owner {
    tenant_id: ChainId,
    user_id: Opaque,
}

#[derive(TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
struct Head {
    magic: [u8; 4],
    version: u16,
    kind: u8,
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

/// What a passphrase, or a host's secret, gives for one person: two keys that
/// tell nothing of each other, one for the directory and one for the backup.
/// Nothing that the directory says goes into it.
#[derive(Clone, Debug)]
pub struct BackupRoot {
    kind: BackupKind,
    root: Secret32,
}

impl BackupRoot {
    /// Derives it; under a passphrase by Argon2id at [`COST`], which takes
    /// tenths of a second.
    pub fn derive(
        tenant: ChainId,
        user_id: &str,
        protection: Protection<'_>,
    ) -> Result<Self, FileError> {
        let owner = encode(&Owner {
            tenant_id: tenant,
            user_id: Opaque::new(user_id.as_bytes().to_vec()),
        });
        let salt = ref_hash("backup-salt", &owner);
        Ok(match protection {
            Protection::Passphrase(text) => Self {
                kind: BackupKind::Passphrase,
                root: argon2id(text.as_bytes(), &salt, COST).map_err(|_| FileError::Cost)?,
            },
            Protection::Host(secret) => Self {
                kind: BackupKind::Host,
                root: expand_with_label(secret, "backup host", &salt),
            },
        })
    }

    /// By what it is protected.
    #[must_use]
    pub fn kind(&self) -> BackupKind {
        self.kind
    }

    /// What the directory is told to hand the backup out.
    #[must_use]
    pub fn access(&self) -> Secret32 {
        expand_with_label(&self.root, "backup access", &[])
    }

    fn head(&self, salt: [u8; 32]) -> Head {
        let (memory_kib, passes, lanes) = match self.kind {
            BackupKind::Passphrase => (COST.memory_kib, COST.passes, COST.lanes),
            BackupKind::Host => (0, 0, 0),
        };
        Head {
            magic: MAGIC,
            version: VERSION,
            kind: self.kind.to_u8(),
            memory_kib,
            passes,
            lanes,
            salt,
        }
    }

    /// The backup's bytes.
    ///
    /// # Errors
    /// [`FileError::Format`] for a user id that is too long.
    pub fn seal(&self, file: &IdentityFile, rng: &mut dyn CryptoRng) -> Result<Vec<u8>, FileError> {
        let head = self.head(random_bytes(rng));
        let (commitment, sealed) = file.seal_under(&self.root, "backup", &encode(&head))?;
        Ok(encode(&Wire {
            head,
            commitment,
            sealed: Opaque::new(sealed),
        }))
    }

    /// Opens a backup that was made with the same passphrase or secret, at the
    /// very cost at which this root was derived.
    ///
    /// # Errors
    /// [`FileError::Cost`] for one that names another cost,
    /// [`FileError::Protection`] for another kind, [`FileError::Wrong`] for
    /// another person's or another passphrase's, [`FileError::Unauthentic`].
    pub fn open(&self, bytes: &[u8]) -> Result<IdentityFile, FileError> {
        if bytes.len() > MAX_BACKUP {
            return Err(FormatError::TooLarge("backup").into());
        }
        if !bytes.starts_with(&MAGIC) {
            return Err(FormatError::Malformed("backup").into());
        }
        if bytes
            .get(4..6)
            .is_some_and(|it| it != VERSION.to_be_bytes())
        {
            return Err(FormatError::NeedsNewerClient("backup").into());
        }
        let wire: Wire = decode("backup", bytes)?;
        if wire.head.kind != self.kind.to_u8() {
            return Err(FileError::Protection);
        }
        let head = encode(&wire.head);
        if head != encode(&self.head(wire.head.salt)) {
            return Err(FileError::Cost);
        }
        let sealed = wire.sealed.as_slice();
        IdentityFile::open_under(&self.root, "backup", &head, &wire.commitment, sealed)
    }
}

/// RefHash("backup-access", access): all that the directory keeps of it.
#[must_use]
pub fn access_hash(access: &[u8; 32]) -> [u8; 32] {
    ref_hash("backup-access", access)
}

/// Whether `access` is what `hash` was made of.
#[must_use]
pub fn is_access(hash: &[u8; 32], access: &[u8; 32]) -> bool {
    ct_eq(&access_hash(access), hash)
}

/// The owner's own mark that `device` was made for a backup, by a generation of
/// the user key: ExpandWithLabel(metadata key, "backup device", key id, 32). A
/// directory that could choose would have other devices revoked.
#[must_use]
pub fn device_mark(user_secret: &EpochSecret, device: &KeyId) -> [u8; 32] {
    *expand_with_label::<32>(
        &user_secret.metadata_key(),
        "backup device",
        device.as_bytes(),
    )
    .expose()
}
