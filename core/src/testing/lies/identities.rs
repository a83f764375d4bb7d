//! Lies about an identity's chain: devices and keys.

use super::answer::Answer;
use super::liar::{Liar, bytes_of, flip, position_of};
use super::list::Lie;
use crate::error::Result;
use crate::testing::accomplice::{Accomplice, Puppet};
use crate::testing::kit_error;
use plico_directory::random;
use plico_protocol::chain::possession::Possession;
use plico_protocol::chain::{Replay as _, replay, sign_entry};
use plico_protocol::format::bodies::{AddDevice, BindUserId, IdentityBody, WrapsRef};
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::ChainId;
use plico_protocol::format::keys::DeviceKeys;
use plico_protocol::format::opaque::Opaque;
use plico_protocol::identity::draft::{DeviceSecret, user_key_epoch};
use plico_protocol::identity::{IdentityState, state::device_hash};
use plico_protocol::keyring::{EpochContext, EpochSecret};
use plico_protocol::wire::b64::{B64, B64x32};
use plico_protocol::wire::rest::IdentityAnswer;

pub(super) async fn tell(lie: Lie, liar: &Liar<'_>, answer: &mut Answer) -> Result<bool> {
    match (lie, &mut *answer) {
        (Lie::IdentitiesExtra, Answer::Identities(answer)) => {
            let puppet = liar.puppet()?;
            answer.found.push(liar.show(liar.tenant, &puppet, 0));
            return Ok(true);
        }
        (Lie::IdentityMissing, Answer::Identities(answer)) => {
            let gone = std::mem::take(&mut answer.found);
            let lied = !gone.is_empty();
            answer.missing.extend(gone.iter().map(|it| it.identity_id));
            return Ok(lied);
        }
        (Lie::IdentitiesExtra | Lie::IdentityMissing, _) => return Ok(false),
        _ => {}
    }
    // A lie about the client's own chain is the same lie.
    let (lie, own) = match lie {
        Lie::OwnIdentitySwapped => (Lie::IdentitySwapped, true),
        Lie::OwnIdentityShortened => (Lie::IdentityShortened, true),
        other => (other, false),
    };
    let mut lied = false;
    for identity in answer.identities() {
        if liar.is_asker(&identity.identity_id) == own {
            lied |= about(lie, liar, identity).await?;
        }
    }
    Ok(lied)
}

async fn about(lie: Lie, liar: &Liar<'_>, answer: &mut IdentityAnswer) -> Result<bool> {
    let id = ChainId(answer.identity_id.0);
    match lie {
        Lie::IdentitySwapped | Lie::IdentityRelabelled => {
            let puppet = liar.puppet()?;
            *answer = liar.show(liar.tenant, &puppet, answer.from);
            if lie == Lie::IdentitySwapped {
                answer.identity_id = B64x32(id.0);
            }
        }
        Lie::IdentityCut => return Ok(answer.entries.pop().is_some()),
        Lie::IdentityReordered => {
            let [first, second, ..] = answer.entries.as_mut_slice() else {
                return Ok(false);
            };
            std::mem::swap(first, second);
        }
        Lie::IdentityAltered => {
            return Ok(answer.entries.last_mut().is_some_and(|it| flip(&mut it.0)));
        }
        Lie::IdentityBeginningMissing => {
            if answer.from != 0 || answer.entries.len() < 2 {
                return Ok(false);
            }
            answer.entries.remove(0);
        }
        Lie::IdentityFromWrong => answer.from += 1,
        Lie::IdentityEndless => {
            answer.entries.clear();
            answer.more = true;
        }
        Lie::IdentityFutureEntry => {
            let entries = liar.entries(id).await?;
            let Some(last) = entries.last() else {
                return Ok(false);
            };
            let mut future = last.clone();
            future.entry.version += 1;
            future.entry.seq += 1;
            answer.entries.push(B64(future.to_bytes()));
        }
        _ => return another_chain(lie, liar, answer, id).await,
    }
    Ok(true)
}

/// Lies that show another whole chain.
async fn another_chain(
    lie: Lie,
    liar: &Liar<'_>,
    answer: &mut IdentityAnswer,
    id: ChainId,
) -> Result<bool> {
    let mut entries = liar.entries(id).await?;
    let accomplice = liar.accomplice(&id.0);
    match (lie, accomplice) {
        (Lie::IdentityShortened, _) => {
            if entries.len() < 2 {
                return Ok(false);
            }
            entries.pop();
            answer.opening = None;
        }
        (Lie::IdentityDeviceForged | Lie::IdentityUserKeyForged, _) => {
            let state = state_of(&entries)?;
            entries.push(forged(lie, liar, &state)?);
        }
        (_, None) => return Ok(false),
        (Lie::IdentityForked | Lie::IdentityRewritten, Some(accomplice)) => {
            entries.pop();
            let other = binding(liar, &accomplice, &entries, 11)?;
            entries.push(other);
            if lie == Lie::IdentityRewritten {
                let more = binding(liar, &accomplice, &entries, 12)?;
                entries.push(more);
            }
            answer.opening = None;
        }
        (Lie::IdentityUnknownEntry, Some(accomplice)) => {
            let state = state_of(&entries)?;
            let body = (99, vec![1, 2, 3]);
            entries.push(accomplice.puppet.next_entry(&state, body, liar.now_ms));
        }
        (_, Some(accomplice)) => {
            let state = state_of(&entries)?;
            let key = if lie == Lie::IdentityKeyWeak {
                SMALL_ORDER
            } else {
                NOT_CANONICAL
            };
            entries.push(bad_key(liar, &accomplice, &state, key)?);
        }
    }
    answer.entries = bytes_of(&entries, answer.from);
    answer.head = liar.head(liar.tenant, id, position_of(&entries));
    Ok(true)
}

/// The neutral element: every signature of a certain form verifies under it.
const SMALL_ORDER: [u8; 32] = {
    let mut point = [0; 32];
    point[0] = 1;
    point
};

/// y = p + 1, another encoding of the neutral element.
const NOT_CANONICAL: [u8; 32] = {
    let mut point = [0xff; 32];
    point[0] = 0xee;
    point[31] = 0x7f;
    point
};

fn state_of(entries: &[SignedEntry]) -> Result<IdentityState> {
    replay(None, entries, &()).map_err(|error| kit_error("an identity", error))
}

fn binding(
    liar: &Liar<'_>,
    accomplice: &Accomplice,
    entries: &[SignedEntry],
    number: u64,
) -> Result<SignedEntry> {
    let body = IdentityBody::BindUserId(BindUserId {
        number,
        commitment: [7; 32],
    });
    let state = state_of(entries)?;
    Ok(accomplice
        .puppet
        .next_entry(&state, body.encode(), liar.now_ms))
}

/// What a new device of this kind commits to; nobody has such a wrap.
const SOME_WRAP: WrapsRef = WrapsRef {
    count: 1,
    root: [7; 32],
};

fn device(state: &IdentityState, device: &DeviceSecret) -> Result<AddDevice> {
    let keys = device.keys().map_err(|error| kit_error("a key", error))?;
    let head = state.tip().head;
    let possession = Possession {
        chain_id: state.id(),
        seq: head.seq + 1,
        prev: head.hash,
        key_id: device_hash(&keys),
    };
    Ok(AddDevice {
        possession: Opaque::new(possession.prove(&device.signing)),
        keys,
        wraps: SOME_WRAP,
    })
}

/// An entry in the name of the identity's own device, without its key.
fn forged(lie: Lie, liar: &Liar<'_>, state: &IdentityState) -> Result<SignedEntry> {
    let thief: Puppet = liar.puppet()?;
    let body = if lie == Lie::IdentityDeviceForged {
        IdentityBody::AddDevice(device(state, &thief.device)?)
    } else {
        let (generation, _) = state.user_key();
        let context = EpochContext {
            tenant_id: state.tenant_id(),
            chain_id: state.id(),
            epoch: generation + 1,
        };
        let secret = EpochSecret::generate(context, &mut random::system());
        let mut epoch = user_key_epoch(&secret, Vec::new(), &thief.wraps)
            .map_err(|error| kit_error("a user key", error))?;
        epoch.epoch.wraps.count = u32::try_from(state.active_devices().count()).unwrap_or(1);
        IdentityBody::RotateUserKey(epoch)
    };
    let signer = state.active_devices().next().map(|(id, _)| *id);
    let author = state.author(signer.unwrap_or_else(|| thief.device.id()));
    let entry = state.tip().next_entry(author, liar.now_ms, body.encode());
    Ok(sign_entry(entry, &thief.device.signing))
}

/// A device with a signing key that nobody should accept.
fn bad_key(
    liar: &Liar<'_>,
    accomplice: &Accomplice,
    state: &IdentityState,
    point: [u8; 32],
) -> Result<SignedEntry> {
    let new = DeviceSecret::generate(&mut random::system());
    let mut body = device(state, &new)?;
    let mut signing = body.keys.signing.clone();
    signing.key = Opaque::new(point.to_vec());
    body.keys = DeviceKeys {
        signing,
        kem: body.keys.kem,
    };
    let body = IdentityBody::AddDevice(body).encode();
    Ok(accomplice.puppet.next_entry(state, body, liar.now_ms))
}
