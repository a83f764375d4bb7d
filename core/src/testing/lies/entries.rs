//! Entries that break a rule: forged, or signed by a colluding recipient.

use super::liar::Liar;
use super::list::Lie;
use super::sessions::{Log, reading};
use crate::error::Result;
use crate::testing::accomplice::Accomplice;
use crate::testing::kit_error;
use plico_directory::random;
use plico_protocol::chain::sign_entry;
use plico_protocol::format::bodies::{
    Grant, RightsBits, SessionBody, SessionRevoke, SessionSetExpiry,
};
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::{Position, Recipient};
use plico_protocol::keyring::wraps::commit;
use plico_protocol::primitives::sign::SigningKey;
use plico_protocol::rights::Member;
use plico_protocol::rights::draft::{Draft, grant, recipient_key, rotate};

/// An entry that nobody has signed rightly.
pub(super) fn forged(lie: Lie, liar: &Liar<'_>, log: &Log) -> Option<SignedEntry> {
    let last = log.entries.last()?;
    let thief = SigningKey::generate(&mut random::system());
    let tip = log.state.tip();
    // In the name of whoever has written last.
    let author = last.entry.author;
    let body = if lie == Lie::SessionUnknownEntry {
        (99, vec![1, 2, 3])
    } else {
        SessionBody::Tombstone.encode()
    };
    let mut entry = tip.next_entry(author, liar.now_ms, body);
    if lie == Lie::SessionFutureEntry {
        entry.version += 1;
    }
    Some(sign_entry(entry, &thief))
}

fn me(accomplice: &Accomplice) -> Recipient {
    Recipient::identity(accomplice.puppet.id)
}

/// Whether the accomplice has not the right that the lie is to be without.
fn fits(lie: Lie, member: &Member) -> bool {
    let has = |bit| member.rights.contains(bit);
    match lie {
        Lie::SessionRecipientAdded => !has(RightsBits::FORWARD),
        Lie::SessionGrantWidened => has(RightsBits::FORWARD) && !has(RightsBits::REVOKE),
        Lie::SessionGrantProlonged => has(RightsBits::FORWARD) && member.expires_ms != 0,
        Lie::SessionRevocationForged => !has(RightsBits::REVOKE),
        Lie::SessionEnded | Lie::SessionExpiryMoved => !member.is_owner(),
        _ => true,
    }
}

/// An entry of the accomplice among the recipients; `None` if there is none,
/// or one with rights that make no lie of it.
pub(super) async fn by_accomplice(lie: Lie, liar: &Liar<'_>, log: &Log) -> Result<Option<Draft>> {
    let Some(accomplice) = liar.accomplice_in(&log.state) else {
        return Ok(None);
    };
    let me = me(&accomplice);
    let state = &log.state;
    if !state.member(&me).is_some_and(|member| fits(lie, member)) {
        return Ok(None);
    }
    let mut known = log.known.clone();
    let mut writer = liar.writer(&accomplice, &mut known).await?;
    let draft = match lie {
        Lie::SessionRecipientAdded | Lie::SessionGrantWidened | Lie::SessionGrantProlonged => {
            let stranger = liar.stranger().await?;
            // For its chain.
            liar.writer(&stranger, &mut known).await?;
            let key = known.get(&stranger.puppet.id).map(recipient_key);
            let mut new = reading(key.ok_or_else(|| kit_error("a stranger", "is missing"))?);
            if lie == Lie::SessionGrantWidened {
                let end = state.member(&me).map_or(0, |member| member.expires_ms);
                new = Grant {
                    rights: RightsBits(RightsBits::READ | RightsBits::REVOKE),
                    expires_ms: end,
                    ..new
                };
            }
            let secret = liar.made_up_secret(state);
            let rng = &mut random::system();
            grant(&writer, state, vec![new], &[&secret], &known, rng)
                .map_err(|error| kit_error("a grant", error))?
        }
        Lie::SessionRevocationForged => {
            let other = state.members().map(|(it, _)| *it).find(|it| *it != me);
            let Some(other) = other else {
                return Ok(None);
            };
            let body = SessionBody::Revoke(SessionRevoke {
                recipients: vec![other],
                cascade: 0,
            });
            writer.plain(state, &body)
        }
        Lie::SessionExpiryMoved => {
            let body = SessionBody::SetExpiry(SessionSetExpiry {
                ends_ms: liar.now_ms + 1_000,
                idle_ms: 0,
            });
            writer.plain(state, &body)
        }
        Lie::SessionRotationLetsIn => {
            let stranger = liar.stranger().await?;
            liar.writer(&stranger, &mut known).await?;
            let key = known.get(&stranger.puppet.id).map(recipient_key);
            let key = key.ok_or_else(|| kit_error("a stranger", "is missing"))?;
            let secret = liar.made_up_secret(state);
            let draft = rotate(&writer, state, &[&secret], &known, &mut random::system())
                .map_err(|error| kit_error("a rotation", error))?;
            let body = &draft.entry.entry;
            let body = SessionBody::decode(body.entry_type, body.body.as_slice());
            let Ok(SessionBody::Rotate(mut body)) = body else {
                return Ok(None);
            };
            body.updates.push(key);
            body.updates.sort_by_key(|key| key.recipient);
            body.epoch.wraps.count += 1;
            Draft {
                back_links: draft.back_links.clone(),
                ..writer.plain(state, &SessionBody::Rotate(body))
            }
        }
        Lie::SessionBackDated => {
            let Some(first) = accomplice.puppet.entries.first() else {
                return Ok(None);
            };
            writer.author.position = Position {
                seq: 0,
                hash: first.entry.hash(),
            };
            let secret = liar.made_up_secret(state);
            rotate(&writer, state, &[&secret], &known, &mut random::system())
                .map_err(|error| kit_error("a rotation", error))?
        }
        Lie::SessionRecipientLeftOut => {
            let secret = liar.made_up_secret(state);
            let draft = rotate(&writer, state, &[&secret], &known, &mut random::system())
                .map_err(|error| kit_error("a rotation", error))?;
            let body = &draft.entry.entry;
            let body = SessionBody::decode(body.entry_type, body.body.as_slice());
            let Ok(SessionBody::Rotate(mut body)) = body else {
                return Ok(None);
            };
            let [_, rest @ ..] = draft.wraps.as_slice() else {
                return Ok(None);
            };
            body.epoch.wraps = commit(rest).map_err(|error| kit_error("wraps", error))?;
            Draft {
                wraps: rest.to_vec(),
                back_links: draft.back_links.clone(),
                ..writer.plain(state, &SessionBody::Rotate(body))
            }
        }
        _ => writer.plain(state, &SessionBody::Tombstone),
    };
    Ok(Some(draft))
}

/// Another end of the log, of the same length or one entry longer: rotations,
/// which every recipient may write.
pub(super) async fn fork(lie: Lie, liar: &Liar<'_>, log: &Log) -> Result<Option<Vec<SignedEntry>>> {
    let Some(mut before) = log.without_last(liar).await? else {
        return Ok(None);
    };
    let Some(accomplice) = liar.accomplice_in(&before.state) else {
        return Ok(None);
    };
    let more = if lie == Lie::SessionRewritten { 2 } else { 1 };
    for _ in 0..more {
        let mut known = before.known.clone();
        let writer = liar.writer(&accomplice, &mut known).await?;
        let secret = liar.made_up_secret(&before.state);
        let rng = &mut random::system();
        let draft = rotate(&writer, &before.state, &[&secret], &known, rng)
            .map_err(|error| kit_error("a rotation", error))?;
        let mut entries = before.entries;
        entries.push(draft.entry);
        before = Log::of(liar, entries).await?;
    }
    Ok(Some(before.entries))
}
