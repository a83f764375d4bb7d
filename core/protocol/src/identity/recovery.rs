//! The recovery key: see `docs/spec/recovery.md`.

use super::draft::DeviceSecret;
use super::state::{IdentityError, IdentityState, possession_of};
use crate::format::bodies::SetRecovery;
use crate::format::encode;
use crate::format::entry::Entry;
use crate::format::ids::{ChainId, KeyId};
use crate::format::keys::DeviceKeys;
use crate::primitives::hash::ref_hash;
use crate::primitives::kdf::expand_with_label;
use crate::primitives::kem;
use crate::primitives::random::{CryptoRng, random_secret};
use crate::primitives::secret::{Secret, Secret32};
use crate::primitives::sign::{SigningKey, VerifyingKey, labels};
use thiserror::Error;
use zeroize::Zeroizing;

/// Words of a recovery key.
pub const WORDS: usize = 24;

/// Why words were refused.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum WordsError {
    /// There are not 24.
    #[error("a recovery key has 24 words, and there are {0}")]
    Count(usize),
    /// One is not in the list.
    #[error("word {0} is not one of the list")]
    Unknown(usize),
    /// The last word's checksum does not fit.
    #[error(
        "the words do not belong together: one of them is another one, or they are in another order"
    )]
    Checksum,
}

/// 32 uniform bytes that a person keeps as 24 words.
#[derive(Clone, Debug)]
pub struct RecoverySecret(Secret32);

impl RecoverySecret {
    /// A fresh one.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        Self(random_secret(rng))
    }

    /// The one with these bytes.
    #[must_use]
    pub fn from_bytes(bytes: Secret32) -> Self {
        Self(bytes)
    }

    /// The 24 words of the English list of BIP-39, with spaces between them.
    #[must_use]
    pub fn words(&self) -> Zeroizing<String> {
        // 32 bytes are a length that BIP-39 has.
        let words = bip39::Mnemonic::from_entropy(self.0.expose()).ok();
        let mut text = Zeroizing::new(String::with_capacity(WORDS * 9));
        for word in words.iter().flat_map(bip39::Mnemonic::words) {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(word);
        }
        text
    }

    /// Reads words: in any case, with any white space between them, and each at
    /// least so far that only one word of the list begins like it.
    pub fn from_words(text: &str) -> Result<Self, WordsError> {
        let list = bip39::Language::English.word_list();
        let mut whole = Zeroizing::new(String::with_capacity(WORDS * 9));
        let mut count = 0;
        for word in text.split_whitespace() {
            count += 1;
            if count > WORDS {
                continue;
            }
            let word = Zeroizing::new(word.to_ascii_lowercase());
            let known = match list.binary_search(&word.as_str()) {
                Ok(at) => Some(list[at]),
                // The list's words differ in their first four letters.
                Err(at) => list
                    .get(at)
                    .copied()
                    .filter(|it| word.len() >= 4 && it.starts_with(word.as_str())),
            };
            let known = known.ok_or(WordsError::Unknown(count))?;
            if count > 1 {
                whole.push(' ');
            }
            whole.push_str(known);
        }
        if count != WORDS {
            return Err(WordsError::Count(count));
        }
        let words = bip39::Mnemonic::parse_in_normalized(bip39::Language::English, &whole)
            .map_err(|_| WordsError::Checksum)?;
        let entropy = Secret::<33>::filled_by(|out| *out = words.to_entropy_array().0);
        let secret = Secret32::from_slice(&entropy.expose()[..32]);
        secret.map(Self).ok_or(WordsError::Checksum)
    }

    /// The recovery key's two keys in a tenant: their seeds are
    /// ExpandWithLabel(secret, "recovery sign" or "recovery kem", tenant id, 32).
    #[must_use]
    pub fn keys(&self, tenant: ChainId) -> DeviceSecret {
        let seed = |label| expand_with_label::<32>(&self.0, label, tenant.as_bytes());
        DeviceSecret {
            signing: SigningKey::from_seed(&seed("recovery sign")),
            kem: kem::PrivateKey::from_seed(seed("recovery kem")),
        }
    }
}

/// RefHash("recovery", DeviceKeys): what the proofs of a recovery key name.
#[must_use]
pub fn recovery_hash(keys: &DeviceKeys) -> KeyId {
    KeyId(ref_hash("recovery", &encode(keys)))
}

/// A recovery key, as the chain states it.
#[derive(Clone, Debug)]
pub struct Recovery {
    /// The id of its signing key.
    pub id: KeyId,
    /// Its public keys.
    pub keys: DeviceKeys,
    /// Its signing key, validated.
    pub verifying_key: VerifyingKey,
    /// The entry that set it.
    pub set: u64,
    /// The signed time of that entry, milliseconds since 1970.
    pub set_ms: u64,
    /// The entry that replaced it.
    pub replaced: Option<u64>,
}

impl IdentityState {
    /// The recovery key, if one is set.
    #[must_use]
    pub fn recovery(&self) -> Option<&Recovery> {
        self.recoveries.last()
    }

    /// All that were set, oldest first.
    #[must_use]
    pub fn recoveries(&self) -> &[Recovery] {
        &self.recoveries
    }

    /// The recovery key whose signing key is `id`, if it was the one at entry `seq`.
    #[must_use]
    pub fn recovery_at(&self, id: &KeyId, seq: u64) -> Option<&Recovery> {
        let mut keys = self.recoveries.iter();
        keys.find(|it| it.id == *id && it.set <= seq && it.replaced.is_none_or(|end| seq < end))
    }

    /// How often a recovery key was used.
    #[must_use]
    pub fn recoveries_used(&self) -> usize {
        let devices = self.devices();
        devices.filter(|(_, device)| device.by_recovery).count()
    }

    pub(super) fn set_recovery(
        &mut self,
        entry: &Entry,
        body: SetRecovery,
    ) -> Result<(), IdentityError> {
        let id = body.keys.signing.id();
        if self.was_used(&id) || body.wraps.count != 1 {
            return Err(IdentityError::Recovery);
        }
        body.keys.kem.kem_key()?;
        let verifying_key = body.keys.signing.verifying_key()?;
        let proof = possession_of(entry, recovery_hash(&body.keys));
        proof
            .verify(&verifying_key, body.possession.as_slice())
            .map_err(|_| IdentityError::Possession)?;
        let consent = body.consent.as_slice();
        match self.recovery() {
            None if consent.is_empty() => {}
            None => return Err(IdentityError::Recovery),
            // A stolen device must not be able to lock its owner out.
            Some(old) => old
                .verifying_key
                .verify(labels::RECOVERY, &encode(&proof), consent)
                .map_err(|_| IdentityError::Recovery)?,
        }
        if let Some(old) = self.recoveries.last_mut() {
            old.replaced = Some(entry.seq);
            self.rotation_due = true;
        }
        self.commit_wraps(entry, body.wraps);
        self.recoveries.push(Recovery {
            id,
            keys: body.keys,
            verifying_key,
            set: entry.seq,
            set_ms: entry.claimed_ms,
            replaced: None,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The first and the last of BIP-39's own English vectors for 32 bytes.
    #[test]
    fn words_are_those_of_bip_39() {
        let zeros = RecoverySecret(Secret32::filled_by(|_| {}));
        let words = zeros.words();
        assert!(words.starts_with("abandon abandon"));
        assert!(words.ends_with(" art"));
        let entropy = "f585c11aec520db57dd353c69554b21a89b20fb0650966fa0a9d6f74fd989d8f";
        let text = "void come effort suffer camp survey warrior heavy shoot primary clutch crush \
                    open amazing screen patrol group space point ten exist slush involve unfold";
        let read = RecoverySecret::from_words(text).unwrap();
        assert_eq!(hex::encode(read.0.expose()), entropy);
        assert_eq!(read.words().as_str(), text);
    }

    #[test]
    fn words_are_read_as_people_write_them() {
        let zeros = RecoverySecret(Secret32::filled_by(|_| {}));
        let shouted = zeros.words().to_uppercase().replace(' ', "\n  ");
        assert_eq!(RecoverySecret::from_words(&shouted).unwrap().0, zeros.0);
        let short = zeros.words().replace("abandon", "aban");
        assert_eq!(RecoverySecret::from_words(&short).unwrap().0, zeros.0);
        let refused = |text: &str| RecoverySecret::from_words(text).unwrap_err();
        assert_eq!(refused(""), WordsError::Count(0));
        assert_eq!(refused(&"abandon ".repeat(24)), WordsError::Checksum);
        assert_eq!(refused(&"abandon ".repeat(25)), WordsError::Count(25));
        assert_eq!(refused("abandon xyz"), WordsError::Unknown(2));
        assert_eq!(refused("aba"), WordsError::Unknown(1));
    }
}
