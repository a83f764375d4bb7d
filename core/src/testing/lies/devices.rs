//! Lies about devices: their revocation, recovery keys, backups and pairing.

use super::answer::Answer;
use super::liar::{Liar, bytes_of, flip, position_of};
use super::list::Lie;
use crate::error::Result;
use crate::ports::Response;
use crate::testing::accomplice::Accomplice;
use crate::testing::kit_error;
use plico_directory::random;
use plico_protocol::chain::{Replay as _, replay, sign_entry};
use plico_protocol::format::bodies::IdentityBody;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::ChainId;
use plico_protocol::identity::IdentityState;
use plico_protocol::identity::backup::BackupRoot;
use plico_protocol::identity::devices::{IdentityDraft, OwnWriter};
use plico_protocol::identity::draft::{DeviceSecret, next_own_entry};
use plico_protocol::identity::file::{IdentityFile, Protection};
use plico_protocol::identity::pairing::{Done, NewDevice, Offer, PairingCode};
use plico_protocol::keyring::{EpochContext, EpochSecret, KeyringError};
use plico_protocol::primitives::random::{random_bytes, random_secret};
use plico_protocol::wire::b64::{self, B64, B64x32};
use plico_protocol::wire::rest::{IdentityAnswer, Pairing};

/// Where the cost stands in a backup: after magic, version and kind.
const COST_AT: usize = 7;

pub(super) async fn tell(lie: Lie, liar: &Liar<'_>, answer: &mut Answer) -> Result<bool> {
    match answer {
        Answer::Recovery(found) if lie == Lie::RecoveryMisdirected => {
            found.identity_id = B64x32(liar.stranger().await?.puppet.id.0);
            Ok(true)
        }
        Answer::Backup(found) => backup(lie, liar, &mut found.backup.0),
        Answer::Pairing(pairing) => message(lie, liar, pairing),
        _ => {
            let mut lied = false;
            for identity in answer.identities() {
                lied |= chain(lie, liar, identity).await?;
            }
            Ok(lied)
        }
    }
}

/// The rest of a lie: whoever was sent to another identity is shown its chain,
/// which an honest directory would not do for a key that is not in it.
pub(super) async fn answer(lie: Lie, liar: &Liar<'_>) -> Result<Option<Response>> {
    if lie != Lie::RecoveryMisdirected {
        return Ok(None);
    }
    let stranger = liar.stranger().await?;
    let id = stranger.puppet.id;
    let path = format!("/identities/{}?", b64::encode(&id.0));
    if liar.asker != Some(id) || !liar.request.url.contains(&path) {
        return Ok(None);
    }
    let shown = liar.show(liar.tenant, &stranger.puppet, 0);
    Ok(Some(Response {
        status: 200,
        body: serde_json::to_vec(&shown).unwrap_or_default(),
    }))
}

// ---- chains ----

async fn chain(lie: Lie, liar: &Liar<'_>, answer: &mut IdentityAnswer) -> Result<bool> {
    let id = ChainId(answer.identity_id.0);
    let mut entries = liar.entries(id).await?;
    match lie {
        Lie::DeviceRevocationWithheld => {
            let Some(at) = entries.iter().rposition(is_revocation) else {
                return Ok(false);
            };
            entries.truncate(at);
        }
        Lie::RecoveryReplayed => {
            let used = entries.iter().find(|it| it.entry.entry_type == 6).cloned();
            let Some(used) = used else { return Ok(false) };
            let tip = state_of(&entries)?.tip().clone();
            let mut again = used;
            again.entry.seq = tip.head.seq + 1;
            again.entry.prev = tip.head.hash;
            entries.push(again);
        }
        Lie::RecoveryForged => {
            let state = state_of(&entries)?;
            if liar.accomplice(&id.0).is_some() || state.recovery().is_none() {
                return Ok(false);
            }
            entries.push(forged_recovery(liar, &state)?);
        }
        Lie::DeviceRevived | Lie::DeviceRevokedSigns | Lie::RecoveryKeyReplaced => {
            let Some(thief) = liar.accomplice(&id.0) else {
                return Ok(false);
            };
            stolen(lie, liar, &thief, &mut entries)?;
        }
        _ => return Ok(false),
    }
    answer.entries = bytes_of(&entries, answer.from);
    answer.head = liar.head(liar.tenant, id, position_of(&entries));
    Ok(true)
}

fn is_revocation(entry: &SignedEntry) -> bool {
    entry.entry.entry_type == 3
}

fn state_of(entries: &[SignedEntry]) -> Result<IdentityState> {
    replay(None, entries, &()).map_err(|error| kit_error("an identity", error))
}

/// A secret of the user key's that is not the true one.
fn some_secret(state: &IdentityState) -> EpochSecret {
    let context = EpochContext {
        tenant_id: state.tenant_id(),
        chain_id: state.id(),
        epoch: state.user_key().0,
    };
    EpochSecret::generate(context, &mut random::system())
}

fn drafted(draft: core::result::Result<IdentityDraft, KeyringError>) -> Result<SignedEntry> {
    let draft = draft.map_err(|error| kit_error("an entry", error))?;
    Ok(draft.entry)
}

/// A use of a recovery key that the identity has never set.
fn forged_recovery(liar: &Liar<'_>, state: &IdentityState) -> Result<SignedEntry> {
    let rng = &mut random::system();
    let (key, device) = (DeviceSecret::generate(rng), DeviceSecret::generate(rng));
    let writer = OwnWriter {
        key: &key.signing,
        now_ms: liar.now_ms,
    };
    let mut entry = drafted(writer.use_recovery(state, &device, true, &some_secret(state), rng))?;
    // In the name of the true one.
    if let Some(true_key) = state.recovery() {
        entry.entry.author.key = true_key.id;
    }
    Ok(sign_entry(entry.entry, &key.signing))
}

/// What a thief writes with a stolen device's key, after its owner has acted.
fn stolen(
    lie: Lie,
    liar: &Liar<'_>,
    thief: &Accomplice,
    entries: &mut Vec<SignedEntry>,
) -> Result<()> {
    let rng = &mut random::system();
    let stolen = &thief.puppet.device;
    let theirs = OwnWriter {
        key: &stolen.signing,
        now_ms: liar.now_ms,
    };
    let owners = DeviceSecret::generate(rng);
    let mut push = |entry: SignedEntry| -> Result<IdentityState> {
        entries.push(entry);
        state_of(entries)
    };
    let state = thief.puppet.state()?;
    let secret = some_secret(&state);
    if lie == Lie::RecoveryKeyReplaced {
        let set = theirs.set_recovery(&state, &owners, None, &secret, rng);
        let state = push(drafted(set)?)?;
        let other = DeviceSecret::generate(rng);
        let replaced = theirs.set_recovery(&state, &other, None, &secret, rng);
        entries.push(drafted(replaced)?);
        return Ok(());
    }
    let state = push(drafted(theirs.add_device(&state, &owners, &secret, rng))?)?;
    let owner = OwnWriter {
        key: &owners.signing,
        now_ms: liar.now_ms,
    };
    let state = push(owner.revoke_device(&state, stolen.id()).entry)?;
    entries.push(if lie == Lie::DeviceRevived {
        drafted(owner.add_device(&state, stolen, &secret, rng))?
    } else {
        let body = IdentityBody::RevokeDevice(owners.id()).encode();
        next_own_entry(state.tip(), body, liar.now_ms, &stolen.signing)
    });
    Ok(())
}

// ---- backups ----

fn backup(lie: Lie, liar: &Liar<'_>, backup: &mut Vec<u8>) -> Result<bool> {
    match lie {
        Lie::BackupAltered => return Ok(flip(backup)),
        Lie::BackupWeaker => {
            let Some(cost) = backup.get_mut(COST_AT..COST_AT + 12) else {
                return Ok(false);
            };
            // 8 KiB, one pass, one lane.
            cost.copy_from_slice(&[0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 1]);
        }
        Lie::BackupOfAnother => {
            let rng = &mut random::system();
            let other = liar.puppet()?;
            let file = IdentityFile {
                tenant_id: liar.tenant.id,
                identity: other.id,
                device: other.device.clone(),
                position: position_of(&other.entries),
                user_id: "somebody else".to_owned(),
            };
            let secret = random_secret(rng);
            let root = BackupRoot::derive(liar.tenant.id, &file.user_id, Protection::Host(&secret));
            let sealed = root.and_then(|root| root.seal(&file, rng));
            *backup = sealed.map_err(|error| kit_error("a backup", error))?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

// ---- pairing ----

/// Puts a message of the directory's own in the place of one of the two devices'.
fn message(lie: Lie, liar: &Liar<'_>, pairing: &mut Pairing) -> Result<bool> {
    let rng = &mut random::system();
    let bad = |error| kit_error("a message", error);
    let new = NewDevice::new(
        DeviceSecret::generate(rng),
        random_bytes(rng),
        liar.tenant.id,
    )
    .map_err(bad)?;
    // It does not know the code that is shown.
    let code: &PairingCode = new.code();
    let own = liar.puppet()?;
    let position = position_of(&own.entries);
    let offer = Offer {
        identity: own.id,
        position,
        user_id: b"dr.a".to_vec().into(),
    };
    match lie {
        Lie::PairingOfferReplaced => {
            pairing.offer = B64(code.seal_offer(pairing.round, &offer, rng));
        }
        Lie::PairingAnswerReplaced => {
            if pairing.answer.is_none() {
                return Ok(false);
            }
            pairing.answer = Some(B64(new.seal_answer(pairing.round, &offer, rng)));
        }
        Lie::PairingEndReplaced => {
            if pairing.done.is_none() {
                return Ok(false);
            }
            let done = Done::new(position, Vec::new()).map_err(bad)?;
            pairing.done = Some(B64(code.seal_done(pairing.round, &done, rng)));
        }
        Lie::PairingRoundMoved => pairing.round = pairing.round.wrapping_add(1),
        _ => return Ok(false),
    }
    Ok(true)
}
