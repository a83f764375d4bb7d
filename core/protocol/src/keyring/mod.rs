//! A secret in numbered epochs: what is derived from it, how it is committed
//! to, wrapped to recipients and linked to earlier epochs.

pub mod merkle;
pub mod sealed;
pub mod wraps;

use crate::format::bodies::BackLinkRef;
use crate::format::codec::{VERSION, encode};
use crate::format::ids::ChainId;
use crate::format::wrap::{BACK_LINK_LEN, BackLink, BackLinkInfo};
use crate::primitives::aead::{AeadAlgorithm, NONCE_LEN, TAG_LEN};
use crate::primitives::hash::ref_hash;
use crate::primitives::kdf::expand_with_label;
use crate::primitives::kem::PrivateKey;
use crate::primitives::random::{CryptoRng, random_secret};
use crate::primitives::secret::{Secret32, ct_eq};
use thiserror::Error;
use tls_codec::{TlsSerializeBytes, TlsSize};

/// Why a secret, a wrap or a back-link was refused.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyringError {
    /// The secret is not the one that the log commits to.
    #[error("the secret does not match the commitment in the log")]
    Commitment,
    /// A wrap is not among those that the log commits to.
    #[error("the wrap is not one that the log commits to")]
    Proof,
    /// A wrap does not open with the recipient's key.
    #[error("the wrap does not open with this key")]
    Unwrap,
    /// A back-link is not the one that the log names, or does not open.
    #[error("the back-link is not the one that the log names, or does not open")]
    BackLink,
    /// A set of wraps is empty, unordered, repeated or incomplete.
    #[error("the wraps are not the complete, ordered set that the entry commits to")]
    WrapSet,
    /// A recipient's public key is not valid.
    #[error("a recipient's public key is not valid")]
    PublicKey,
}

/// Where a secret belongs; the context of every derivation from it:
/// `struct { opaque tenant_id[32]; opaque chain_id[32]; uint32 epoch; } EpochContext;`
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerializeBytes, TlsSize)]
pub struct EpochContext {
    /// The tenant.
    pub tenant_id: ChainId,
    /// The chain.
    pub chain_id: ChainId,
    /// The epoch.
    pub epoch: u32,
}

/// One epoch's secret, 32 uniform bytes, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochSecret {
    context: EpochContext,
    secret: Secret32,
}

impl EpochSecret {
    /// A fresh secret.
    pub fn generate(context: EpochContext, rng: &mut dyn CryptoRng) -> Self {
        Self {
            context,
            secret: random_secret(rng),
        }
    }

    /// The secret of `context`, if it is the one that `commitment` commits to.
    ///
    /// # Errors
    /// [`KeyringError::Commitment`] if not. There is no way to make an
    /// `EpochSecret` from foreign bytes that skips this check.
    pub fn checked(
        context: EpochContext,
        secret: Secret32,
        commitment: &[u8; 32],
    ) -> Result<Self, KeyringError> {
        let this = Self { context, secret };
        if ct_eq(&this.commitment(), commitment) {
            Ok(this)
        } else {
            Err(KeyringError::Commitment)
        }
    }

    /// Where it belongs.
    #[must_use]
    pub fn context(&self) -> &EpochContext {
        &self.context
    }

    /// The raw secret, for wrapping and for storing it encrypted.
    #[must_use]
    pub fn dangerous_secret(&self) -> &Secret32 {
        &self.secret
    }

    fn derive(&self, label: &str) -> Secret32 {
        expand_with_label(&self.secret, label, &encode(&self.context))
    }

    /// ExpandWithLabel(secret, "commitment", context, 32): published in the log.
    #[must_use]
    pub fn commitment(&self) -> [u8; 32] {
        *self.derive("commitment").expose()
    }

    /// ExpandWithLabel(secret, "payload", context, 32).
    #[must_use]
    pub fn payload_key(&self) -> Secret32 {
        self.derive("payload")
    }

    /// ExpandWithLabel(secret, "metadata", context, 32).
    #[must_use]
    pub fn metadata_key(&self) -> Secret32 {
        self.derive("metadata")
    }

    /// The X-Wing key whose seed is ExpandWithLabel(secret, "kem", context, 32):
    /// an identity's user key, or a group's key.
    #[must_use]
    pub fn kem_key(&self) -> PrivateKey {
        PrivateKey::from_seed(self.derive("kem"))
    }

    /// Encrypts an earlier epoch's secret under this one.
    ///
    /// ChaCha20-Poly1305 with the key ExpandWithLabel(secret, "back-link",
    /// context, 32), the nonce `0^8 || uint32 target`, and [`BackLinkInfo`] as
    /// associated data. A key serves at most one plaintext per target.
    #[must_use]
    pub fn seal_back_link(&self, earlier: &Self) -> BackLink {
        let target = earlier.context.epoch;
        let info = self.back_link_info(target, &earlier.commitment());
        let mut ciphertext = [0u8; BACK_LINK_LEN];
        ciphertext[..32].copy_from_slice(earlier.secret.expose());
        let sealed = AeadAlgorithm::ChaCha20Poly1305
            .with_key(self.derive("back-link").expose())
            .seal(
                &back_link_nonce(target),
                &encode(&info),
                &mut ciphertext[..32],
            );
        // A 32-byte message is never too long; if it were, nothing may leak.
        match sealed {
            Ok(tag) => ciphertext[32..].copy_from_slice(&tag),
            Err(_) => ciphertext = [0; BACK_LINK_LEN],
        }
        BackLink::new(self.context.epoch, target, ciphertext)
    }

    /// Opens a back-link: gives the earlier epoch's secret, checked against the
    /// commitment that the log holds for that epoch.
    pub fn open_back_link(
        &self,
        link: &BackLink,
        target_commitment: &[u8; 32],
    ) -> Result<Self, KeyringError> {
        if link.version != VERSION || link.epoch != self.context.epoch {
            return Err(KeyringError::BackLink);
        }
        let info = self.back_link_info(link.target, target_commitment);
        let (ciphertext, tag) = link.ciphertext.split_at(BACK_LINK_LEN - TAG_LEN);
        let tag: &[u8; TAG_LEN] = tag.try_into().map_err(|_| KeyringError::BackLink)?;
        let mut opened = Ok(());
        let secret = Secret32::filled_by(|out| {
            out.copy_from_slice(ciphertext);
            opened = AeadAlgorithm::ChaCha20Poly1305
                .with_key(self.derive("back-link").expose())
                .open(&back_link_nonce(link.target), &encode(&info), out, tag);
        });
        opened.map_err(|_| KeyringError::BackLink)?;
        let context = EpochContext {
            epoch: link.target,
            ..self.context
        };
        Self::checked(context, secret, target_commitment)
    }

    fn back_link_info(&self, target: u32, target_commitment: &[u8; 32]) -> BackLinkInfo {
        BackLinkInfo {
            version: VERSION,
            tenant_id: self.context.tenant_id,
            chain_id: self.context.chain_id,
            epoch: self.context.epoch,
            commitment: self.commitment(),
            target,
            target_commitment: *target_commitment,
        }
    }
}

/// RefHash("back-link", BackLink): how the log names a back-link.
#[must_use]
pub fn back_link_hash(link: &BackLink) -> [u8; 32] {
    ref_hash("back-link", &encode(link))
}

/// What the log says of a back-link.
#[must_use]
pub fn back_link_ref(link: &BackLink) -> BackLinkRef {
    BackLinkRef {
        target: link.target,
        hash: back_link_hash(link),
    }
}

fn back_link_nonce(target: u32) -> [u8; NONCE_LEN] {
    let mut nonce = [0; NONCE_LEN];
    nonce[8..].copy_from_slice(&target.to_be_bytes());
    nonce
}

/// Encrypts a metadata blob under an epoch's metadata key:
/// `salt[24] || ChaCha20-Poly1305(key = ExpandWithLabel(metadata key, "item", salt), nonce = 0, aad = context)`.
pub fn seal_metadata(
    secret: &EpochSecret,
    plaintext: &[u8],
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, KeyringError> {
    let salt: [u8; 24] = crate::primitives::random::random_bytes(rng);
    let key: Secret32 = expand_with_label(&secret.metadata_key(), "item", &salt);
    let mut buffer = plaintext.to_vec();
    let tag = AeadAlgorithm::ChaCha20Poly1305
        .with_key(key.expose())
        .seal(&[0; NONCE_LEN], &encode(&secret.context), &mut buffer)
        .map_err(|_| KeyringError::Commitment)?;
    Ok([salt.as_slice(), &buffer, &tag].concat())
}

/// Opens what [`seal_metadata`] made.
///
/// # Errors
/// [`KeyringError::Commitment`] if it was made under another epoch or altered.
pub fn open_metadata(secret: &EpochSecret, blob: &[u8]) -> Result<Vec<u8>, KeyringError> {
    let (salt, rest) = blob.split_at_checked(24).ok_or(KeyringError::Commitment)?;
    let cut = rest
        .len()
        .checked_sub(TAG_LEN)
        .ok_or(KeyringError::Commitment)?;
    let (ciphertext, tag) = rest.split_at(cut);
    let tag: &[u8; TAG_LEN] = tag.try_into().map_err(|_| KeyringError::Commitment)?;
    let key: Secret32 = expand_with_label(&secret.metadata_key(), "item", salt);
    let mut buffer = ciphertext.to_vec();
    AeadAlgorithm::ChaCha20Poly1305
        .with_key(key.expose())
        .open(&[0; NONCE_LEN], &encode(&secret.context), &mut buffer, tag)
        .map_err(|_| KeyringError::Commitment)?;
    Ok(buffer)
}
