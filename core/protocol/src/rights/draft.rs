//! Making a session's entries: everything that a member needs to write one.

use super::due::Withdrawn;
use super::known::{Known, newest_key, public_key};
use super::state::{RightsError, SessionState};
use crate::chain::{first_entry, sign_entry};
use crate::format::bodies::{
    EpochStart, Grant, GroupCreate, GroupRotate, RecipientKey, Removal, RemovalReason, RightsBits,
    SessionBody, SessionCreate, SessionGrant, SessionRotate, SessionSetMetadata, SessionSetTag,
    SessionThrough, SessionTransfer, Step, TagOpening,
};
use crate::format::codec::VERSION;
use crate::format::entry::{Author, SignedEntry};
use crate::format::ids::{ChainId, Kind, Recipient};
use crate::format::keys::{Authority, Core, KeyRecord};
use crate::format::wrap::BackLink;
use crate::identity::IdentityState;
use crate::keyring::wraps::{Wrap, WrapTo, commit, seal_all};
use crate::keyring::{EpochContext, EpochSecret, KeyringError, back_link_ref, seal_metadata};
use crate::primitives::hash::ref_hash;
use crate::primitives::random::{CryptoRng, random_bytes};
use crate::primitives::sign::SigningKey;
use thiserror::Error;

/// Why a draft could not be made.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum DraftError {
    /// A rule of the session forbids it.
    #[error(transparent)]
    Rights(#[from] RightsError),
    /// A secret that the draft needs is missing or wrong.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
}

/// A signed entry with what it commits to.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The entry.
    pub entry: SignedEntry,
    /// Its wraps, in the order of the tree.
    pub wraps: Vec<Wrap>,
    /// Its back-links.
    pub back_links: Vec<BackLink>,
    /// Its metadata blob.
    pub metadata: Option<Vec<u8>>,
    /// The opening of its tag.
    pub tag: Option<TagOpening>,
    /// The secret of the epoch that it begins.
    pub secret: Option<EpochSecret>,
}

/// Who writes, when, with which key.
#[derive(Clone, Copy, Debug)]
pub struct Writer<'a> {
    /// Identity, device key and the position of the identity's chain.
    pub author: Author,
    /// The device's signing key.
    pub key: &'a SigningKey,
    /// The writer's clock, in milliseconds since 1970-01-01 UTC.
    pub now_ms: u64,
}

impl Writer<'_> {
    fn sign(&self, state: &SessionState, body: &SessionBody) -> SignedEntry {
        sign_entry(
            state
                .tip()
                .next_entry(self.author, self.now_ms, body.encode()),
            self.key,
        )
    }

    /// An entry that commits to nothing: a revocation, a tombstone.
    #[must_use]
    pub fn plain(&self, state: &SessionState, body: &SessionBody) -> Draft {
        Draft {
            entry: self.sign(state, body),
            wraps: Vec::new(),
            back_links: Vec::new(),
            metadata: None,
            tag: None,
            secret: None,
        }
    }
}

/// A recipient's newest key, with the place of its chain where it was read.
#[must_use]
pub fn recipient_key(identity: &IdentityState) -> RecipientKey {
    use crate::chain::Replay as _;
    let (generation, user_key) = identity.user_key();
    RecipientKey {
        recipient: Recipient::identity(identity.id()),
        generation,
        key_id: user_key.id,
        position: identity.tip().head,
    }
}

fn wrap_to(key: &RecipientKey, known: &dyn Known) -> Result<WrapTo, DraftError> {
    let record = public_key(key, known).ok_or(RightsError::RecipientKey)?;
    Ok(WrapTo {
        recipient: key.recipient,
        generation: key.generation,
        key_id: key.key_id,
        key: record.kem_key().map_err(|_| KeyringError::PublicKey)?,
    })
}

fn wrap_all(
    writer: &Writer<'_>,
    secrets: &[&EpochSecret],
    keys: &[RecipientKey],
    known: &dyn Known,
    rng: &mut dyn CryptoRng,
) -> Result<Vec<Wrap>, DraftError> {
    let to = keys
        .iter()
        .map(|key| wrap_to(key, known))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(seal_all(secrets, &writer.author, &to, rng)?)
}

/// A new session. `grants` are the recipients besides the creator, in any order.
pub fn create(
    writer: &Writer<'_>,
    tenant_id: ChainId,
    suite: u8,
    grants: Vec<Grant>,
    known: &dyn Known,
    rng: &mut dyn CryptoRng,
) -> Result<Draft, DraftError> {
    let (core, body, draft) = begin(writer, tenant_id, Kind::Session, suite, grants, known, rng)?;
    Ok(draft.signed(writer, &core, &SessionBody::Create(body)))
}

/// A new group; `history`: whether those who come later open what came before.
pub fn create_group(
    writer: &Writer<'_>,
    tenant_id: ChainId,
    history: bool,
    grants: Vec<Grant>,
    known: &dyn Known,
    rng: &mut dyn CryptoRng,
) -> Result<Draft, DraftError> {
    let (core, create, begun) = begin(writer, tenant_id, Kind::Group, 0, grants, known, rng)?;
    let body = GroupCreate {
        create,
        key: group_key(&begun.secret)?,
        history: u8::from(history),
    };
    Ok(begun.signed(writer, &core, &SessionBody::GroupCreate(body)))
}

/// The public key of the generation that `secret` is, of a group or an identity.
pub fn group_key(secret: &EpochSecret) -> Result<KeyRecord, KeyringError> {
    let public = secret.kem_key().public_key();
    Ok(KeyRecord::kem(
        &public.map_err(|_| KeyringError::PublicKey)?,
    ))
}

/// An entry 0 that is not signed yet.
struct Begun {
    wraps: Vec<Wrap>,
    secret: EpochSecret,
}

impl Begun {
    fn signed(self, writer: &Writer<'_>, core: &Core, body: &SessionBody) -> Draft {
        let entry = first_entry(core, writer.author, writer.now_ms, body.encode());
        Draft {
            entry: sign_entry(entry, writer.key),
            wraps: self.wraps,
            back_links: Vec::new(),
            metadata: None,
            tag: None,
            secret: Some(self.secret),
        }
    }
}

fn begin(
    writer: &Writer<'_>,
    tenant_id: ChainId,
    kind: Kind,
    suite: u8,
    mut grants: Vec<Grant>,
    known: &dyn Known,
    rng: &mut dyn CryptoRng,
) -> Result<(Core, SessionCreate, Begun), DraftError> {
    let creator = writer.author.identity;
    let identity = known.identity(&creator).ok_or(RightsError::Recipient)?;
    grants.push(Grant {
        key: recipient_key(identity),
        rights: RightsBits(RightsBits::ALL),
        expires_ms: 0,
    });
    grants.sort_by_key(|grant| grant.key.recipient);
    let core = Core {
        version: VERSION,
        tenant_id,
        kind,
        authority: Authority::Creator(creator),
        suite,
        random: random_bytes(rng),
    };
    let context = EpochContext {
        tenant_id,
        chain_id: core.chain_id(),
        epoch: 0,
    };
    let secret = EpochSecret::generate(context, rng);
    let keys: Vec<RecipientKey> = grants.iter().map(|grant| grant.key).collect();
    let wraps = wrap_all(writer, &[&secret], &keys, known, rng)?;
    let epoch = EpochStart {
        epoch: 0,
        commitment: secret.commitment(),
        back_links: Vec::new(),
        wraps: commit(&wraps)?,
    };
    let body = SessionCreate {
        core: core.clone(),
        grants,
        epoch,
    };
    Ok((core, body, Begun { wraps, secret }))
}

/// What is drafted for a group's right to do it, done by a member of that group.
#[must_use]
pub fn through(writer: &Writer<'_>, draft: Draft, path: &[Step]) -> Draft {
    let mut entry = draft.entry.entry.clone();
    let decoded = SessionBody::decode(entry.entry_type, entry.body.as_slice());
    let Ok(body) = decoded else {
        return draft; // it was encoded here
    };
    let (entry_type, bytes) = SessionBody::Through(Box::new(SessionThrough {
        path: path.to_vec(),
        body,
    }))
    .encode();
    entry.entry_type = entry_type;
    entry.body = bytes.into();
    Draft {
        entry: sign_entry(entry, writer.key),
        ..draft
    }
}

/// A grant of the epochs whose `secrets` are given: the newest of each segment
/// granted, ascending, the current epoch last.
pub fn grant(
    writer: &Writer<'_>,
    state: &SessionState,
    mut grants: Vec<Grant>,
    secrets: &[&EpochSecret],
    known: &dyn Known,
    rng: &mut dyn CryptoRng,
) -> Result<Draft, DraftError> {
    grants.sort_by_key(|grant| grant.key.recipient);
    let keys: Vec<RecipientKey> = grants.iter().map(|grant| grant.key).collect();
    let wraps = wrap_all(writer, secrets, &keys, known, rng)?;
    let body = SessionBody::Grant(SessionGrant {
        grants,
        epochs: secrets
            .iter()
            .map(|secret| secret.context().epoch)
            .collect(),
        wraps: commit(&wraps)?,
    });
    Ok(Draft {
        wraps,
        ..writer.plain(state, &body)
    })
}

/// A hand-over to a new owner; see [`grant`] for `secrets`.
pub fn transfer(
    writer: &Writer<'_>,
    state: &SessionState,
    to: RecipientKey,
    remaining_rights: u8,
    secrets: &[&EpochSecret],
    known: &dyn Known,
    rng: &mut dyn CryptoRng,
) -> Result<Draft, DraftError> {
    let wraps = wrap_all(writer, secrets, &[to], known, rng)?;
    let body = SessionBody::Transfer(SessionTransfer {
        to: Grant {
            key: to,
            rights: RightsBits(RightsBits::ALL),
            expires_ms: 0,
        },
        remaining_rights,
        epochs: secrets
            .iter()
            .map(|secret| secret.context().epoch)
            .collect(),
        wraps: commit(&wraps)?,
    });
    Ok(Draft {
        wraps,
        ..writer.plain(state, &body)
    })
}

/// A new epoch for everybody who is a recipient of `state` and whose grant has
/// not ended at the writer's time, to their newest known keys.
///
/// `earlier` are the secrets to link back to; none starts a new segment, which
/// needs the right to revoke. Those who are suspended stay so.
pub fn rotate(
    writer: &Writer<'_>,
    state: &SessionState,
    earlier: &[&EpochSecret],
    known: &dyn Known,
    rng: &mut dyn CryptoRng,
) -> Result<Draft, DraftError> {
    rotate_without(writer, state, earlier, &Withdrawn::Unknown, known, rng)
}

/// The same, leaving out those who are `withdrawn` and taking in again those who
/// were and no longer are.
pub fn rotate_without(
    writer: &Writer<'_>,
    state: &SessionState,
    earlier: &[&EpochSecret],
    withdrawn: &Withdrawn,
    known: &dyn Known,
    rng: &mut dyn CryptoRng,
) -> Result<Draft, DraftError> {
    let mut crosses = false;
    let mut updates = Vec::new();
    let mut removals = Vec::new();
    let mut keys = Vec::new();
    for (recipient, member) in state.members() {
        if member.expired_at(writer.now_ms) {
            removals.push(Removal {
                recipient: *recipient,
                reason: RemovalReason::Expired,
            });
            continue;
        }
        if withdrawn.leaves_out(recipient, member) {
            if !member.is_suspended() {
                removals.push(Removal {
                    recipient: *recipient,
                    reason: RemovalReason::Withdrawn,
                });
            }
            continue;
        }
        let newest = newest_key(recipient, known).ok_or(RightsError::Recipient)?;
        if newest.generation > member.key.generation || member.is_suspended() {
            crosses |= SessionState::crosses_segment(&member.key, &newest, known);
            updates.push(newest);
            keys.push(newest);
        } else {
            keys.push(member.key);
        }
    }
    let context = EpochContext {
        tenant_id: state.tenant_id(),
        chain_id: state.id(),
        epoch: state.current_epoch() + 1,
    };
    let secret = EpochSecret::generate(context, rng);
    let wraps = wrap_all(writer, &[&secret], &keys, known, rng)?;
    // What a group's newest members must not see, no back-link may open.
    let mut earlier = if crosses {
        Vec::new()
    } else {
        earlier.to_vec()
    };
    earlier.sort_by_key(|secret| secret.context().epoch);
    let back_links: Vec<BackLink> = earlier
        .iter()
        .map(|earlier| secret.seal_back_link(earlier))
        .collect();
    let epoch = EpochStart {
        epoch: context.epoch,
        commitment: secret.commitment(),
        back_links: back_links.iter().map(back_link_ref).collect(),
        wraps: commit(&wraps)?,
    };
    let rotate = SessionRotate {
        epoch,
        updates,
        removals,
    };
    let body = if state.is_group() {
        SessionBody::GroupRotate(GroupRotate {
            rotate,
            key: group_key(&secret)?,
        })
    } else {
        SessionBody::Rotate(rotate)
    };
    Ok(Draft {
        wraps,
        back_links,
        secret: Some(secret),
        ..writer.plain(state, &body)
    })
}

/// New metadata, encrypted under the current epoch.
pub fn set_metadata(
    writer: &Writer<'_>,
    state: &SessionState,
    secret: &EpochSecret,
    plaintext: &[u8],
    rng: &mut dyn CryptoRng,
) -> Result<Draft, DraftError> {
    let blob = seal_metadata(secret, plaintext, rng)?;
    let body = SessionBody::SetMetadata(SessionSetMetadata {
        epoch: secret.context().epoch,
        blob_hash: ref_hash("metadata", &blob),
    });
    Ok(Draft {
        metadata: Some(blob),
        ..writer.plain(state, &body)
    })
}

/// A tag that the app's backend may see; `None` takes it away.
#[must_use]
pub fn set_tag(writer: &Writer<'_>, state: &SessionState, tag: Option<TagOpening>) -> Draft {
    let tag_hash = tag.as_ref().map_or([0; 32], TagOpening::commitment);
    Draft {
        tag,
        ..writer.plain(state, &SessionBody::SetTag(SessionSetTag { tag_hash }))
    }
}
