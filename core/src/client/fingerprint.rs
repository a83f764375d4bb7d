//! Knowing who: what two people compare, and what is remembered of it.

use super::account::{Account, AccountInner};
use super::pins::store_error;
use super::saves::Saves;
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::format::ids::ChainId;
use plico_protocol::identity::fingerprint::Fingerprint as Pair;
use plico_protocol::wire::b64;

/// What a mark holds: its version.
pub(crate) const MARK: [u8; 2] = [0, 1];
/// What the names of marks begin with; the rest is the identity in base64url.
pub(crate) const VERIFIED: &str = "verified/";

fn mark_name(identity: ChainId) -> String {
    format!("{VERIFIED}{}", b64::encode(&identity.0))
}

/// Your identity and another person's, as this account sees them, to be
/// compared with what the other sees: by voice, on paper, or with a camera.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fingerprint {
    /// 40 digits in eight groups of five: the same on both sides.
    pub digits: String,
    /// What to show as a QR code, 138 characters; the other person's app gives
    /// what it reads to [`Account::verify_fingerprint`].
    pub to_scan: String,
}

impl Account {
    /// The fingerprint of this identity and that of `user_id`.
    ///
    /// # Errors
    /// `RECIPIENTS_NOT_FOUND`, `IDENTITY_CHANGED`, `ATTESTATION_INVALID`;
    /// `NOT_REGISTERED`; `NETWORK`.
    pub async fn fingerprint(&self, user_id: &str) -> Result<Fingerprint> {
        let made = async {
            let pair = self.inner.pair_with(user_id).await?.0;
            Ok(Fingerprint {
                digits: pair.digits(),
                to_scan: pair.to_scan(),
            })
        };
        self.inner.while_open(made).await
    }

    /// Compares what the other person's app shows, digits or scanned code, with
    /// what this one sees, and remembers the identity of `user_id` as verified.
    ///
    /// # Errors
    /// `FINGERPRINT_MISMATCH`: one of you is shown somebody else; nothing is
    /// remembered, and an earlier mark is taken away. Otherwise as [`Self::fingerprint`].
    pub async fn verify_fingerprint(&self, user_id: &str, shown: &str) -> Result<()> {
        let verified = async {
            let (pair, other) = self.inner.pair_with(user_id).await?;
            let mut saves = Saves::default();
            let matches = pair.matches(shown);
            if matches {
                saves.put(mark_name(other), MARK.to_vec());
            } else {
                saves.delete(mark_name(other));
            }
            self.inner.save(saves).await?;
            match matches {
                true => Ok(()),
                false => Err(ErrorCode::FingerprintMismatch.into()),
            }
        };
        self.inner.while_open(verified).await
    }

    /// Whether the identity that stands behind `user_id` now was verified on
    /// this device. One that has changed was not.
    ///
    /// # Errors
    /// As [`Self::fingerprint`].
    pub async fn is_verified(&self, user_id: &str) -> Result<bool> {
        let looked_up = async {
            let (_, other) = self.inner.pair_with(user_id).await?;
            let mark = self.inner.store.get(&mark_name(other)).await;
            Ok(mark.map_err(store_error)?.is_some())
        };
        self.inner.while_open(looked_up).await
    }
}

impl AccountInner {
    async fn pair_with(&self, user_id: &str) -> Result<(Pair, ChainId)> {
        let own = self.registered()?.identity;
        let found = self.find_users(&[user_id.to_owned()], false).await?;
        let other = found
            .into_iter()
            .next()
            .flatten()
            .ok_or_else(|| Error::recipients_not_found(vec![user_id.to_owned()]))?
            .id();
        let tenant = self.plico.inner.wire.tenant_id;
        Ok((Pair::new(tenant, own, other), other))
    }
}
