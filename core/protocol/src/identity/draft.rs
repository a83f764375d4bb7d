//! Making the entries that begin a tenant and an identity.

use super::attestation::binding_commitment;
use super::state::IdentityState;
use crate::chain::possession::Possession;
use crate::chain::{BEFORE_START, Replay, first_entry, sign_entry};
use crate::format::bodies::{
    BindUserId, EpochStart, IdentityBody, IdentityCreate, ProvenKey, TenantBody, TenantCreate,
    UserIdOpening, UserKeyEpoch,
};
use crate::format::codec::VERSION;
use crate::format::entry::{Author, SignedEntry};
use crate::format::ids::{ChainId, EntryHash, KeyId, Kind, Recipient};
use crate::format::keys::{Authority, Core, DeviceKeys, KeyRecord};
use crate::format::opaque::Opaque;
use crate::keyring::wraps::{Wrap, WrapTo, commit, seal_all};
use crate::keyring::{EpochContext, EpochSecret, KeyringError};
use crate::primitives::kem;
use crate::primitives::random::{CryptoRng, random_bytes};
use crate::primitives::sign::SigningKey;

/// The private keys of one device.
#[derive(Clone, Debug)]
pub struct DeviceSecret {
    /// Signs entries and requests.
    pub signing: SigningKey,
    /// Opens the wraps of the identity's user key.
    pub kem: kem::PrivateKey,
}

impl DeviceSecret {
    /// Fresh keys.
    pub fn generate(rng: &mut dyn CryptoRng) -> Self {
        Self {
            signing: SigningKey::generate(rng),
            kem: kem::PrivateKey::generate(rng),
        }
    }

    /// The public keys.
    pub fn keys(&self) -> Result<DeviceKeys, KeyringError> {
        let kem = self.kem.public_key().map_err(|_| KeyringError::PublicKey)?;
        Ok(DeviceKeys {
            signing: KeyRecord::signing(&self.signing.verifying_key()),
            kem: KeyRecord::kem(&kem),
        })
    }

    /// The device's id: that of its signing key.
    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyRecord::signing(&self.signing.verifying_key()).id()
    }
}

/// Entry 0 of a tenant's chain.
#[must_use]
pub fn create_tenant(
    enrolment: &SigningKey,
    directory: &SigningKey,
    now_ms: u64,
    rng: &mut dyn CryptoRng,
) -> SignedEntry {
    let first = KeyRecord::signing(&enrolment.verifying_key());
    let author_key = first.id();
    let core = Core {
        version: VERSION,
        tenant_id: ChainId::ZERO,
        kind: Kind::Tenant,
        authority: Authority::EnrolmentKey(first),
        suite: 0,
        random: random_bytes(rng),
    };
    let chain_id = core.chain_id();
    let directory_key = prove_key(chain_id, 0, EntryHash::ZERO, directory);
    let body = TenantBody::Create(TenantCreate {
        core: core.clone(),
        directory_key,
    });
    let author = Author {
        identity: chain_id,
        key: author_key,
        position: BEFORE_START,
    };
    sign_entry(first_entry(&core, author, now_ms, body.encode()), enrolment)
}

/// A key with its proof of possession, for the entry at this place.
#[must_use]
pub fn prove_key(chain_id: ChainId, seq: u64, prev: EntryHash, key: &SigningKey) -> ProvenKey {
    let record = KeyRecord::signing(&key.verifying_key());
    let possession = Possession {
        chain_id,
        seq,
        prev,
        key_id: record.id(),
    }
    .prove(key);
    ProvenKey {
        key: record,
        possession: Opaque::new(possession),
    }
}

/// The next entry of a tenant's or an identity's chain, signed by a key of its own.
#[must_use]
pub fn next_own_entry(
    tip: &crate::chain::Tip,
    body: (u16, Vec<u8>),
    now_ms: u64,
    key: &SigningKey,
) -> SignedEntry {
    let author = Author {
        identity: tip.chain_id,
        key: KeyRecord::signing(&key.verifying_key()).id(),
        position: tip.head,
    };
    sign_entry(tip.next_entry(author, now_ms, body), key)
}

/// For whom the user key's secret is wrapped: a device, or the recovery key.
pub(super) fn wrap_to(recipient: Recipient, keys: &DeviceKeys) -> Result<WrapTo, KeyringError> {
    Ok(WrapTo {
        recipient,
        generation: 0,
        key_id: keys.kem.id(),
        key: keys.kem.kem_key().map_err(|_| KeyringError::PublicKey)?,
    })
}

/// A new identity: its entry 0, the wrap of its user key's secret to its one
/// device, and that secret.
#[derive(Debug)]
pub struct NewIdentity {
    /// Entry 0.
    pub entry: SignedEntry,
    /// What entry 0 commits to.
    pub wraps: Vec<Wrap>,
    /// Generation 0 of the user key's secret.
    pub secret: EpochSecret,
}

impl NewIdentity {
    /// Makes one.
    pub fn create(
        tenant_id: ChainId,
        device: &DeviceSecret,
        now_ms: u64,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, KeyringError> {
        let keys = device.keys()?;
        let device_id = keys.signing.id();
        let core = Core {
            version: VERSION,
            tenant_id,
            kind: Kind::Identity,
            authority: Authority::Device(keys.clone()),
            suite: 0,
            random: random_bytes(rng),
        };
        let chain_id = core.chain_id();
        let author = Author {
            identity: chain_id,
            key: device_id,
            position: BEFORE_START,
        };
        let secret = EpochSecret::generate(
            EpochContext {
                tenant_id,
                chain_id,
                epoch: 0,
            },
            rng,
        );
        let to = wrap_to(Recipient::device(device_id), &keys)?;
        let wraps = seal_all(&[&secret], &author, &[to], rng)?;
        let epoch = user_key_epoch(&secret, Vec::new(), &wraps)?;
        let body = IdentityBody::Create(IdentityCreate {
            core: core.clone(),
            epoch,
        });
        let entry = sign_entry(
            first_entry(&core, author, now_ms, body.encode()),
            &device.signing,
        );
        Ok(Self {
            entry,
            wraps,
            secret,
        })
    }
}

/// The body of a generation of the user key, from its secret and wraps.
pub fn user_key_epoch(
    secret: &EpochSecret,
    back_links: Vec<crate::format::bodies::BackLinkRef>,
    wraps: &[Wrap],
) -> Result<UserKeyEpoch, KeyringError> {
    let public = secret
        .kem_key()
        .public_key()
        .map_err(|_| KeyringError::PublicKey)?;
    Ok(UserKeyEpoch {
        epoch: EpochStart {
            epoch: secret.context().epoch,
            commitment: secret.commitment(),
            back_links,
            wraps: commit(wraps)?,
        },
        user_key: KeyRecord::kem(&public),
    })
}

/// The entry that binds a user id, and the opening of its commitment.
#[must_use]
pub fn bind_user_id(
    state: &IdentityState,
    user_id: &str,
    number: u64,
    attestation: &str,
    now_ms: u64,
    key: &SigningKey,
    rng: &mut dyn CryptoRng,
) -> (SignedEntry, UserIdOpening) {
    let opening = UserIdOpening {
        salt: random_bytes(rng),
        user_id: Opaque::new(user_id.as_bytes().to_vec()),
        attestation: Opaque::new(attestation.as_bytes().to_vec()),
    };
    let body = BindUserId {
        number,
        commitment: binding_commitment(&opening),
    };
    let body = IdentityBody::BindUserId(body).encode();
    (next_own_entry(state.tip(), body, now_ms, key), opening)
}
