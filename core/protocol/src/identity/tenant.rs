//! The tenant's chain: enrolment keys, which vouch for user ids, and the
//! directory's key, which signs heads.

use crate::chain::possession::Possession;
use crate::chain::{ChainError, Replay, Tip, verify_entry, verify_signature};
use crate::format::bodies::{ProvenKey, TenantBody, TenantPolicy};
use crate::format::codec::FormatError;
use crate::format::entry::{Entry, SignedEntry};
use crate::format::head::SignedHead;
use crate::format::ids::{ChainId, EntryHash, KeyId};
use crate::format::keys::{Authority, Core, KeyRecord, SIGNATURE_ED25519};
use crate::primitives::sign::{VerifyingKey, labels};
use std::collections::BTreeMap;
use thiserror::Error;

/// Enrolment keys that one tenant may have had.
pub const MAX_ENROLMENT_KEYS: usize = 256;

/// Why a tenant's entry or head was refused.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TenantError {
    /// See [`ChainError`].
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A new key does not prove that its holder has it.
    #[error("a new key's proof of possession does not verify")]
    Possession,
    /// The key is registered already, or not at all, or is the last one.
    #[error("the key is registered already, not registered, or the last one")]
    Key,
    /// A head is not signed by the directory's key, or is of another tenant.
    #[error("the head is not signed by the tenant's directory key")]
    Head,
}

impl From<FormatError> for TenantError {
    fn from(error: FormatError) -> Self {
        Self::Chain(error.into())
    }
}

/// An enrolment key in a tenant's chain.
#[derive(Clone, Debug)]
pub struct EnrolmentKey {
    /// The key.
    pub record: KeyRecord,
    /// The same, validated once for all that it signs.
    pub verifying_key: VerifyingKey,
    /// When it was revoked, by the entry's clock; what it attested earlier stays valid.
    pub revoked_ms: Option<u64>,
}

/// A tenant's chain, replayed.
#[derive(Clone, Debug)]
pub struct TenantState {
    tip: Tip,
    hashes: Vec<EntryHash>,
    core: Core,
    enrolment_keys: BTreeMap<KeyId, EnrolmentKey>,
    directory_key: KeyRecord,
    /// The same, validated once for all heads.
    head_key: VerifyingKey,
    policy: TenantPolicy,
}

impl TenantState {
    /// The tenant's id.
    #[must_use]
    pub fn id(&self) -> ChainId {
        self.tip.chain_id
    }

    /// The hash of entry `seq`, if the chain is that long.
    #[must_use]
    pub fn hash_at(&self, seq: u64) -> Option<EntryHash> {
        self.hashes.get(usize::try_from(seq).ok()?).copied()
    }

    /// The chain's core.
    #[must_use]
    pub fn core(&self) -> &Core {
        &self.core
    }

    /// The directory's key.
    #[must_use]
    pub fn directory_key(&self) -> &KeyRecord {
        &self.directory_key
    }

    /// What clients of this tenant do by themselves.
    #[must_use]
    pub fn policy(&self) -> TenantPolicy {
        self.policy
    }

    /// The enrolment key with this id, revoked or not.
    #[must_use]
    pub fn enrolment_key(&self, id: &KeyId) -> Option<&EnrolmentKey> {
        self.enrolment_keys.get(id)
    }

    /// All enrolment keys.
    pub fn enrolment_keys(&self) -> impl Iterator<Item = (&KeyId, &EnrolmentKey)> {
        self.enrolment_keys.iter()
    }

    /// Checks that the directory's key has signed `head` for this tenant.
    pub fn verify_head(&self, head: &SignedHead) -> Result<(), TenantError> {
        if head.head.version != 1 || head.algorithm != SIGNATURE_ED25519 {
            return Err(FormatError::NeedsNewerClient("head").into());
        }
        if head.head.tenant_id != self.id() {
            return Err(TenantError::Head);
        }
        self.head_key
            .verify(
                labels::HEAD,
                &crate::format::encode(&head.head),
                head.signature.as_slice(),
            )
            .map_err(|_| TenantError::Head)
    }

    /// Checks that its holder has the key; gives it, validated.
    fn check_possession(entry: &Entry, key: &ProvenKey) -> Result<VerifyingKey, TenantError> {
        let possession = Possession {
            chain_id: entry.chain_id,
            seq: entry.seq,
            prev: entry.prev,
            key_id: key.key.id(),
        };
        let verifying_key = key.key.verifying_key()?;
        possession
            .verify(&verifying_key, key.possession.as_slice())
            .map_err(|_| TenantError::Possession)?;
        Ok(verifying_key)
    }

    fn is_active(&self, id: &KeyId) -> bool {
        self.enrolment_keys
            .get(id)
            .is_some_and(|key| key.revoked_ms.is_none())
    }
}

impl Replay for TenantState {
    type Known = ();
    type Error = TenantError;

    fn start(signed: &SignedEntry, _: &()) -> Result<Self, TenantError> {
        let entry = &signed.entry;
        let TenantBody::Create(body) = TenantBody::decode(entry.entry_type, entry.body.as_slice())?
        else {
            return Err(ChainError::Sequence.into());
        };
        let Authority::EnrolmentKey(first) = &body.core.authority else {
            return Err(ChainError::OtherChain.into());
        };
        let tip = Tip::start(&body.core, entry)?;
        if entry.author.identity != tip.chain_id
            || entry.author.position != crate::chain::BEFORE_START
        {
            return Err(ChainError::Author.into());
        }
        let verifying_key = verify_entry(signed, first)?;
        let head_key = Self::check_possession(entry, &body.directory_key)?;
        let enrolment_keys = [(
            first.id(),
            EnrolmentKey {
                record: first.clone(),
                verifying_key,
                revoked_ms: None,
            },
        )]
        .into();
        Ok(Self {
            hashes: vec![tip.head.hash],
            tip,
            enrolment_keys,
            directory_key: body.directory_key.key.clone(),
            head_key,
            policy: TenantPolicy::default(),
            core: body.core,
        })
    }

    fn apply(&mut self, signed: &SignedEntry, _: &()) -> Result<(), TenantError> {
        let entry = &signed.entry;
        self.tip.check_next(entry)?;
        self.tip.check_own_author(entry)?;
        if !self.is_active(&entry.author.key) {
            return Err(ChainError::Author.into());
        }
        let author = &self.enrolment_keys[&entry.author.key];
        verify_signature(signed, &author.verifying_key)?;
        match TenantBody::decode(entry.entry_type, entry.body.as_slice())? {
            TenantBody::Create(_) => return Err(ChainError::Sequence.into()),
            TenantBody::AddKey(key) => {
                let verifying_key = Self::check_possession(entry, &key)?;
                let full = self.enrolment_keys.len() >= MAX_ENROLMENT_KEYS;
                let id = key.key.id();
                if full || self.enrolment_keys.contains_key(&id) {
                    return Err(TenantError::Key);
                }
                let added = EnrolmentKey {
                    record: key.key,
                    verifying_key,
                    revoked_ms: None,
                };
                self.enrolment_keys.insert(id, added);
            }
            TenantBody::RevokeKey(id) => {
                let active = self
                    .enrolment_keys
                    .values()
                    .filter(|k| k.revoked_ms.is_none());
                if active.count() < 2 || !self.is_active(&id) {
                    return Err(TenantError::Key);
                }
                if let Some(key) = self.enrolment_keys.get_mut(&id) {
                    key.revoked_ms = Some(entry.claimed_ms);
                }
            }
            TenantBody::SetDirectoryKey(key) => {
                self.head_key = Self::check_possession(entry, &key)?;
                self.directory_key = key.key;
            }
            TenantBody::SetPolicy(policy) => self.policy = policy,
        }
        self.tip.advance(entry);
        self.hashes.push(self.tip.head.hash);
        Ok(())
    }

    fn tip(&self) -> &Tip {
        &self.tip
    }
}
