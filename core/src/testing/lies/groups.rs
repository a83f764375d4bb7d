//! Lies about groups: who is in them, their keys, and acting as one.

use super::answer::Answer;
use super::liar::Liar;
use super::list::Lie;
use crate::error::Result;
use crate::testing::kit_error;
use plico_directory::random;
use plico_protocol::format::bodies::{
    BackLinkRef, EpochStart, Grant, GroupRotate, RightsBits, SessionBody, SessionGrant,
    SessionRotate, SessionThrough, Step, WrapsRef,
};
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::{ChainId, Kind};
use plico_protocol::rights::SessionState;
use plico_protocol::rights::draft::{Draft, Writer, create_group, recipient_key, rotate};
use plico_protocol::wire::rest::SessionAnswer;

pub(super) async fn tell(lie: Lie, liar: &Liar<'_>, answer: &mut Answer) -> Result<bool> {
    let mut lied = false;
    for log in answer.sessions() {
        lied |= about(lie, liar, log).await?;
    }
    Ok(lied)
}

async fn about(lie: Lie, liar: &Liar<'_>, answer: &mut SessionAnswer) -> Result<bool> {
    let id = ChainId(answer.session_id.0);
    let mut entries = liar.entries(id).await?;
    let is_group = entries
        .first()
        .is_some_and(|it| it.entry.kind == Kind::Group);
    let in_session = matches!(lie, Lie::GroupPathForged | Lie::GroupKeyRevived);
    if is_group == in_session {
        return Ok(false);
    }
    match lie {
        Lie::GroupRemovalHidden => {
            let removal = entries.iter().rposition(|it| it.entry.entry_type == 3);
            let Some(at) = removal else { return Ok(false) };
            entries.truncate(at);
            answer.wraps.retain(|wrap| wrap.seq < at as u64);
        }
        Lie::GroupSwapped => {
            entries = vec![another_group(liar).await?.entry];
        }
        Lie::GroupKeyRevived => {
            let Some(entry) = key_revived(liar, id).await? else {
                return Ok(false);
            };
            entries.push(entry);
        }
        Lie::GroupPathForged => {
            let Some(entry) = path_forged(liar, id).await? else {
                return Ok(false);
            };
            entries.push(entry);
        }
        _ => {
            let Some(entry) = added(lie, liar, &entries).await? else {
                return Ok(false);
            };
            entries.push(entry);
        }
    }
    liar.show_log(answer, id, &entries);
    Ok(true)
}

/// A group of a stranger's.
async fn another_group(liar: &Liar<'_>) -> Result<Draft> {
    let stranger = liar.stranger().await?;
    let mut known = super::liar::Known::new();
    let writer = liar.writer(&stranger, &mut known).await?;
    let (tenant, rng) = (liar.tenant.id, &mut random::system());
    create_group(&writer, tenant, true, Vec::new(), &known, rng)
        .map_err(|error| kit_error("a group", error))
}

fn some_wraps(count: usize) -> WrapsRef {
    WrapsRef {
        count: u32::try_from(count).unwrap_or(u32::MAX),
        root: [7; 32],
    }
}

/// One more entry of a group's log.
async fn added(lie: Lie, liar: &Liar<'_>, entries: &[SignedEntry]) -> Result<Option<SignedEntry>> {
    let (state, mut known) = liar.session(entries).await?;
    if lie == Lie::GroupKeyForged {
        // In an owner's name, without its key.
        let owner = state.members().find(|(_, it)| it.is_owner());
        let Some(owner) = owner.map(|(it, _)| it.chain()) else {
            return Ok(None);
        };
        let thief = liar.puppet()?;
        let identity = liar.identity(owner).await?;
        let device = identity.active_devices().next().map(|(id, _)| *id);
        let writer = Writer {
            author: identity.author(device.unwrap_or_else(|| thief.device.id())),
            key: &thief.device.signing,
            now_ms: liar.now_ms,
        };
        let secret = liar.made_up_secret(&state);
        let rng = &mut random::system();
        let forged = rotate(&writer, &state, &[&secret], &known, rng);
        let forged = forged.map_err(|error| kit_error("an epoch", error))?;
        return Ok(Some(forged.entry));
    }
    let Some(crook) = liar.accomplice_in(&state) else {
        return Ok(None);
    };
    let writer = liar.writer(&crook, &mut known).await?;
    let body = match lie {
        Lie::GroupCircle => {
            let Some(key) = state.group_key() else {
                return Ok(None);
            };
            granting(&state, key)
        }
        Lie::GroupMemberLetIn => {
            let stranger = liar.stranger().await?;
            let stranger = liar.identity(stranger.puppet.id).await?;
            granting(&state, recipient_key(&stranger))
        }
        _ => {
            let secret = liar.made_up_secret(&state);
            let rng = &mut random::system();
            let draft = rotate(&writer, &state, &[&secret], &known, rng);
            let draft = draft.map_err(|error| kit_error("an epoch", error))?;
            let body = draft.entry.entry;
            let decoded = SessionBody::decode(body.entry_type, body.body.as_slice());
            let Ok(SessionBody::GroupRotate(GroupRotate { mut rotate, key })) = decoded else {
                return Ok(None);
            };
            rotate.epoch.wraps.count -= 1;
            SessionBody::GroupRotate(GroupRotate { rotate, key })
        }
    };
    Ok(Some(writer.plain(&state, &body).entry))
}

fn granting(
    state: &SessionState,
    key: plico_protocol::format::bodies::RecipientKey,
) -> SessionBody {
    SessionBody::Grant(SessionGrant {
        grants: vec![Grant {
            key,
            rights: RightsBits(RightsBits::READ),
            expires_ms: 0,
        }],
        epochs: vec![state.current_epoch()],
        wraps: some_wraps(1),
    })
}

/// The epoch that a false rotation begins, linked to the current one.
fn false_epoch(epoch: u32, wraps: usize) -> EpochStart {
    EpochStart {
        epoch,
        commitment: [9; 32],
        back_links: vec![BackLinkRef {
            target: epoch - 1,
            hash: [8; 32],
        }],
        wraps: some_wraps(wraps),
    }
}

/// The next entry of a log: a new epoch, begun as the group.
fn rotated_through(
    entries: &[SignedEntry],
    writer: &Writer<'_>,
    step: Step,
    rotate: SessionRotate,
) -> SignedEntry {
    let body = SessionBody::Through(Box::new(SessionThrough {
        path: vec![step],
        body: SessionBody::Rotate(rotate),
    }));
    let (entry_type, bytes) = body.encode();
    let mut entry = entries[entries.len() - 1].entry.clone();
    entry.prev = entry.hash();
    entry.seq += 1;
    entry.entry_type = entry_type;
    entry.author = writer.author;
    entry.claimed_ms = writer.now_ms;
    entry.body = bytes.into();
    plico_protocol::chain::sign_entry(entry, writer.key)
}

/// The group that a session was made for.
fn first_group(entries: &[SignedEntry]) -> Option<ChainId> {
    let first = &entries.first()?.entry;
    let body = SessionBody::decode(first.entry_type, first.body.as_slice());
    let groups = body.map(|it| it.groups()).unwrap_or_default();
    groups.first().map(|(group, _)| *group)
}

/// An epoch of a session that is wrapped to the key that a group had before its last one.
async fn key_revived(liar: &Liar<'_>, session: ChainId) -> Result<Option<SignedEntry>> {
    let entries = liar.entries(session).await?;
    let Some(group) = first_group(&entries) else {
        return Ok(None);
    };
    let log = liar.entries(group).await?;
    let Some(last) = log.iter().rposition(|it| it.entry.entry_type == 20) else {
        return Ok(None);
    };
    let (old, _) = liar.session(&log[..last]).await?;
    let (now, _) = liar.session(&log).await?;
    let (Some(key), Some(crook)) = (old.group_key(), liar.accomplice_in(&now)) else {
        return Ok(None);
    };
    let writer = liar.writer(&crook, &mut super::liar::Known::new()).await?;
    let step = Step {
        group,
        position: super::liar::position_of(&log),
    };
    // The first entry has begun an epoch, and so has each rotation.
    let begins = |it: &&SignedEntry| matches!(it.entry.entry_type, 1 | 4);
    let epochs = entries.iter().filter(begins).count();
    let rotate = SessionRotate {
        epoch: false_epoch(u32::try_from(epochs).unwrap_or(u32::MAX), 2),
        updates: vec![key],
        removals: Vec::new(),
    };
    Ok(Some(rotated_through(&entries, &writer, step, rotate)))
}

/// An epoch of a session by somebody who is not in the group that is named.
async fn path_forged(liar: &Liar<'_>, session: ChainId) -> Result<Option<SignedEntry>> {
    let entries = liar.entries(session).await?;
    let Some(group) = first_group(&entries) else {
        return Ok(None);
    };
    let log = liar.entries(group).await?;
    let stranger = liar.stranger().await?;
    let mut known = super::liar::Known::new();
    let writer = liar.writer(&stranger, &mut known).await?;
    let rotate = SessionRotate {
        epoch: false_epoch(1, 2),
        updates: Vec::new(),
        removals: Vec::new(),
    };
    let step = Step {
        group,
        position: super::liar::position_of(&log),
    };
    Ok(Some(rotated_through(&entries, &writer, step, rotate)))
}
