//! A sealed item's secret: one that belongs to no chain, wrapped by nobody in
//! particular (`docs/spec/sealed.md`).

use super::wraps::Wrap;
use super::{EpochContext, EpochSecret, KeyringError};
use crate::format::bodies::RecipientKey;
use crate::format::codec::{VERSION, encode};
use crate::format::ids::{ChainId, Kind};
use crate::format::sealed::{MAX_SEALED_RECIPIENTS, SEALED_EPOCH, SealedHead, SealedWrap};
use crate::format::suite::Suite;
use crate::primitives::kem::{PrivateKey, PublicKey};
use crate::primitives::random::{CryptoRng, random_bytes};

/// Makes a secret for a new item and wraps it to `recipients`, in any order.
///
/// # Errors
/// [`KeyringError::WrapSet`] for none, more than 256, one that is named twice,
/// or one that is neither an identity nor a group; [`KeyringError::PublicKey`].
pub fn seal_head(
    tenant_id: ChainId,
    suite: Suite,
    mut recipients: Vec<(RecipientKey, PublicKey)>,
    rng: &mut dyn CryptoRng,
) -> Result<(SealedHead, EpochSecret), KeyringError> {
    recipients.sort_by_key(|(key, _)| key.recipient);
    let same = |pair: &[(RecipientKey, PublicKey)]| pair[0].0.recipient == pair[1].0.recipient;
    let may = |(key, _): &(RecipientKey, PublicKey)| {
        matches!(key.recipient.kind, Kind::Identity | Kind::Group)
    };
    if recipients.is_empty()
        || recipients.len() > MAX_SEALED_RECIPIENTS
        || recipients.windows(2).any(same)
        || !recipients.iter().all(may)
    {
        return Err(KeyringError::WrapSet);
    }
    let item_id = ChainId(random_bytes(rng));
    let context = EpochContext {
        tenant_id,
        chain_id: item_id,
        epoch: SEALED_EPOCH,
    };
    let secret = EpochSecret::generate(context, rng);
    let mut head = SealedHead {
        version: VERSION,
        suite: suite.to_byte(),
        tenant_id,
        item_id,
        commitment: secret.commitment(),
        wraps: Vec::with_capacity(recipients.len()),
    };
    for (to, key) in recipients {
        let info = encode(&head.wrap_info(&to));
        let sealed = key
            .seal(&info, secret.dangerous_secret().expose(), rng)
            .map_err(|_| KeyringError::PublicKey)?;
        let sealed = sealed.try_into().map_err(|_| KeyringError::PublicKey)?;
        head.wraps.push(SealedWrap { to, sealed });
    }
    Ok((head, secret))
}

/// Opens one of an item's wraps and checks the secret against its commitment.
///
/// # Errors
/// [`KeyringError::Unwrap`] if it is not for this key, or was altered;
/// [`KeyringError::Commitment`] if the sealer gave this recipient another secret.
pub fn unseal(
    head: &SealedHead,
    wrap: &SealedWrap,
    key: &PrivateKey,
) -> Result<EpochSecret, KeyringError> {
    let wrap = Wrap {
        info: head.wrap_info(&wrap.to),
        sealed: wrap.sealed.to_vec(),
    };
    wrap.open(key)
}
