//! Wrapping epochs to recipients, and the tree that an entry commits to.

use super::merkle::{self, Hash};
use super::{EpochContext, EpochSecret, KeyringError};
use crate::format::bodies::WrapsRef;
use crate::format::codec::{VERSION, encode};
use crate::format::entry::Author;
use crate::format::ids::{ChainId, KeyId, Recipient};
use crate::format::wrap::{WRAP_LEN, WrapInfo, WrapPurpose};
use crate::primitives::kem::{PrivateKey, PublicKey};
use crate::primitives::random::CryptoRng;

/// For whom a wrap is made: the recipient and the key that is used.
#[derive(Clone, Debug)]
pub struct WrapTo {
    /// Who.
    pub recipient: Recipient,
    /// The key's generation (0 for a device and a recovery key).
    pub generation: u32,
    /// The id of the key's record.
    pub key_id: KeyId,
    /// The key.
    pub key: PublicKey,
}

/// A wrap with the info that it is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrap {
    /// HPKE's info.
    pub info: WrapInfo,
    /// Encapsulated key, ciphertext and tag: exactly 1,168 bytes.
    pub sealed: Vec<u8>,
}

impl Wrap {
    /// Wraps `secret` to one recipient.
    pub fn seal(
        secret: &EpochSecret,
        author: &Author,
        to: &WrapTo,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, KeyringError> {
        let context = secret.context();
        let info = WrapInfo {
            version: VERSION,
            purpose: WrapPurpose::of(to.recipient.kind),
            tenant_id: context.tenant_id,
            chain_id: context.chain_id,
            epoch: context.epoch,
            commitment: secret.commitment(),
            author_identity: author.identity,
            author_key: author.key,
            recipient: to.recipient,
            generation: to.generation,
            key_id: to.key_id,
        };
        let sealed = to
            .key
            .seal(&encode(&info), secret.dangerous_secret().expose(), rng)
            .map_err(|_| KeyringError::PublicKey)?;
        Ok(Self { info, sealed })
    }

    /// SHA-256(0x00 ‖ info ‖ wrap).
    #[must_use]
    pub fn leaf_hash(&self) -> Hash {
        merkle::leaf_hash(&[&encode(&self.info), &self.sealed])
    }

    /// Opens the wrap and checks the secret against the commitment in its info,
    /// which the caller has taken from the log.
    pub fn open(&self, key: &PrivateKey) -> Result<EpochSecret, KeyringError> {
        if self.sealed.len() != WRAP_LEN {
            return Err(KeyringError::Unwrap);
        }
        let secret = key
            .open(&encode(&self.info), &self.sealed)
            .map_err(|_| KeyringError::Unwrap)?;
        let context = EpochContext {
            tenant_id: self.info.tenant_id,
            chain_id: self.info.chain_id,
            epoch: self.info.epoch,
        };
        EpochSecret::checked(context, secret, &self.info.commitment)
    }

    /// Checks that the log commits to this wrap.
    pub fn check_proof(
        &self,
        committed: &WrapsRef,
        index: u32,
        path: &[Hash],
    ) -> Result<(), KeyringError> {
        let root = merkle::root_from_proof(self.leaf_hash(), index, committed.count, path);
        if root == Some(committed.root) {
            Ok(())
        } else {
            Err(KeyringError::Proof)
        }
    }
}

/// Wraps several epochs to several recipients, in the order of the tree.
pub fn seal_all(
    secrets: &[&EpochSecret],
    author: &Author,
    recipients: &[WrapTo],
    rng: &mut dyn CryptoRng,
) -> Result<Vec<Wrap>, KeyringError> {
    let mut wraps = Vec::with_capacity(secrets.len() * recipients.len());
    for to in recipients {
        for secret in secrets {
            wraps.push(Wrap::seal(secret, author, to, rng)?);
        }
    }
    wraps.sort_by_key(|wrap| wrap.info.order());
    Ok(wraps)
}

/// What an entry commits to: the count and the root over `wraps`, which must
/// be strictly ascending by recipient and epoch.
pub fn commit(wraps: &[Wrap]) -> Result<WrapsRef, KeyringError> {
    let ordered = wraps
        .windows(2)
        .all(|pair| pair[0].info.order() < pair[1].info.order());
    let leaves: Vec<Hash> = wraps.iter().map(Wrap::leaf_hash).collect();
    match (ordered, merkle::root(&leaves), u32::try_from(leaves.len())) {
        (true, Some(root), Ok(count)) => Ok(WrapsRef { count, root }),
        _ => Err(KeyringError::WrapSet),
    }
}

/// What a wrap's info says besides its place in the log, for rebuilding it.
#[derive(Clone, Copy, Debug)]
pub struct WrapPlace {
    /// The tenant.
    pub tenant_id: ChainId,
    /// The chain.
    pub chain_id: ChainId,
    /// The author of the entry that commits to the wrap.
    pub author: Author,
}

impl WrapPlace {
    /// The info of a wrap of `epoch` (with its commitment from the log) to a recipient.
    #[must_use]
    pub fn info(
        &self,
        epoch: u32,
        commitment: [u8; 32],
        recipient: Recipient,
        generation: u32,
        key_id: KeyId,
    ) -> WrapInfo {
        WrapInfo {
            version: VERSION,
            purpose: WrapPurpose::of(recipient.kind),
            tenant_id: self.tenant_id,
            chain_id: self.chain_id,
            epoch,
            commitment,
            author_identity: self.author.identity,
            author_key: self.author.key,
            recipient,
            generation,
            key_id,
        }
    }
}
