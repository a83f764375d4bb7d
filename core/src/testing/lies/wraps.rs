//! Lies about wrapped secrets and the links between epochs.

use super::answer::{Answer, is_write};
use super::liar::{Liar, flip};
use super::list::Lie;
use super::sessions::{Log, show_decoy};
use crate::error::Result;
use crate::testing::kit_error;
use plico_directory::random;
use plico_directory::storage::{ChainRef, Page, Read};
use plico_protocol::format::bodies::{BackLinkRef, EpochStart, SessionBody, SessionRotate};
use plico_protocol::format::encode;
use plico_protocol::format::ids::{ChainId, Recipient};
use plico_protocol::format::wrap::{BACK_LINK_LEN, BackLink};
use plico_protocol::keyring::back_link_hash;
use plico_protocol::keyring::merkle;
use plico_protocol::keyring::wraps::commit;
use plico_protocol::rights::draft::{Draft, rotate};
use plico_protocol::wire::b64::{self, B64, B64x32};
use plico_protocol::wire::rest::{Append, SessionAnswer, SessionsLookup, WrapAnswer};
use plico_protocol::wire::upload::draft_to_rest;

pub(super) async fn tell(lie: Lie, liar: &Liar<'_>, answer: &mut Answer) -> Result<bool> {
    let mut lied = false;
    for own in answer.identities() {
        if liar.is_asker(&own.identity_id) && !own.wraps.is_empty() {
            lied |= match lie {
                Lie::UserKeyWrapAltered => own.wraps.iter_mut().any(|it| flip(&mut it.sealed.0)),
                Lie::UserKeyWrapWithheld => {
                    own.wraps.clear();
                    true
                }
                _ => false,
            };
        }
    }
    for session in answer.sessions() {
        lied |= about(lie, liar, session).await?;
    }
    Ok(lied)
}

async fn about(lie: Lie, liar: &Liar<'_>, answer: &mut SessionAnswer) -> Result<bool> {
    let id = ChainId(answer.session_id.0);
    let Some(first) = answer.wraps.first_mut() else {
        return Ok(false);
    };
    match lie {
        Lie::WrapsOfAnotherRecipient | Lie::WrapSealedForAnother => {
            let theirs = others(liar, id).await?;
            let Some(their_first) = theirs.first() else {
                return Ok(false);
            };
            if lie == Lie::WrapSealedForAnother {
                first.sealed = their_first.sealed.clone();
            } else {
                answer.wraps = theirs;
            }
        }
        Lie::WrapOfAnotherSession => {
            let mut other = answer.clone();
            show_decoy(liar, &mut other, &liar.decoy().await?);
            answer.wraps = other.wraps;
        }
        Lie::WrapsOfEpochsSwapped => {
            let [first, second, ..] = answer.wraps.as_mut_slice() else {
                return Ok(false);
            };
            std::mem::swap(&mut first.sealed, &mut second.sealed);
        }
        Lie::WrapRelabelled => first.epoch = first.epoch.wrapping_sub(1),
        Lie::WrapAltered => return Ok(flip(&mut first.sealed.0)),
        Lie::WrapProofAltered => match first.proof.first_mut() {
            Some(hash) => hash.0[0] ^= 1,
            // A tree of one leaf has no path.
            None => first.index += 1,
        },
        Lie::WrapsWithheld => answer.wraps.clear(),
        Lie::BackLinkAltered => {
            return Ok(answer
                .back_links
                .last_mut()
                .is_some_and(|it| flip(&mut it.0)));
        }
        Lie::BackLinkOfAnother => {
            let link = BackLink::new(1, 0, [7; BACK_LINK_LEN]);
            answer.back_links.push(B64(encode(&link)));
        }
        Lie::BackLinksWithheld => {
            if answer.back_links.is_empty() {
                return Ok(false);
            }
            answer.back_links.clear();
        }
        // Told when the entry was written.
        Lie::WrapFalse | Lie::BackLinkFalse => return written(liar, id).await,
        _ => return Ok(false),
    }
    Ok(true)
}

/// The stored wraps of a session for `recipient`, as they would be shown to it.
async fn stored(liar: &Liar<'_>, id: ChainId, recipient: Recipient) -> Result<Vec<WrapAnswer>> {
    let read = Read {
        page: Page {
            from: 0,
            entries: 1,
            bytes: 1,
        },
        readers: vec![(recipient, vec![(0, u32::MAX)])],
        wraps_per_range: usize::from(u16::MAX),
        now_ms: liar.now_ms,
    };
    let at = ChainRef {
        tenant: liar.tenant.id,
        chain: id,
    };
    let rows = liar.storage.read(at, read).await;
    let rows = rows.map_err(|error| kit_error("wraps", error))?;
    let wraps = rows.map(|rows| rows.wraps).unwrap_or_default();
    Ok(wraps
        .into_iter()
        .map(|stored| WrapAnswer {
            kind: stored.wrap.recipient.kind.to_u8(),
            id: B64x32(stored.wrap.recipient.id),
            epoch: stored.wrap.epoch,
            generation: stored.wrap.generation,
            key_id: B64x32(stored.wrap.key_id.0),
            seq: stored.wrap.seq,
            index: stored.wrap.index,
            proof: merkle::proof(&stored.leaves, stored.wrap.index as usize)
                .unwrap_or_default()
                .into_iter()
                .map(B64x32)
                .collect(),
            sealed: B64(stored.wrap.sealed),
        })
        .collect())
}

/// The wraps of some recipient who is not the one that asks.
async fn others(liar: &Liar<'_>, id: ChainId) -> Result<Vec<WrapAnswer>> {
    let log = Log::read(liar, id).await?;
    let me = liar.asker.map(Recipient::identity);
    for (recipient, _) in log.state.members() {
        if Some(*recipient) != me {
            let wraps = stored(liar, id, *recipient).await?;
            if !wraps.is_empty() {
                return Ok(wraps);
            }
        }
    }
    Ok(Vec::new())
}

/// Whether the newest epoch is one that the accomplice has begun.
async fn written(liar: &Liar<'_>, id: ChainId) -> Result<bool> {
    let log = Log::read(liar, id).await?;
    let newest = log.state.epochs().last().map_or(0, |epoch| epoch.seq);
    let author = log
        .state
        .wraps_at(newest)
        .map(|(_, author)| author.identity);
    Ok(newest != 0 && author.is_some_and(|author| liar.accomplice(&author.0).is_some()))
}

/// Before a session is read: lets the accomplice among its recipients begin a
/// false epoch, once. The directory can't see that it is false.
pub(super) async fn write(lie: Lie, liar: &Liar<'_>) -> Result<()> {
    if !matches!(lie, Lie::WrapFalse | Lie::BackLinkFalse) || is_write(liar.request) {
        return Ok(());
    }
    for id in asked(liar).await? {
        begin_false_epoch(lie, liar, id).await?;
    }
    Ok(())
}

/// The sessions that a request is about, by id or by handle.
async fn asked(liar: &Liar<'_>) -> Result<Vec<ChainId>> {
    let names = match serde_json::from_slice::<SessionsLookup>(&liar.request.body) {
        Ok(lookup) => lookup.sessions.into_iter().map(|it| it.session.0).collect(),
        Err(_) => {
            let rest = liar.request.url.split("/sessions/").nth(1);
            let name = rest.and_then(|rest| rest.split('?').next());
            Vec::from_iter(name.and_then(b64::decode))
        }
    };
    let mut ids = Vec::new();
    for name in names {
        if let Ok(handle) = name.as_slice().try_into() {
            let found = liar.storage.session_by_handle(liar.tenant.id, handle).await;
            ids.extend(found.map_err(|error| kit_error("a session", error))?);
        } else if let Ok(id) = name.as_slice().try_into() {
            ids.push(ChainId(id));
        }
    }
    Ok(ids)
}

async fn begin_false_epoch(lie: Lie, liar: &Liar<'_>, id: ChainId) -> Result<()> {
    if liar.entries(id).await?.is_empty() || written(liar, id).await? {
        return Ok(());
    }
    let log = Log::read(liar, id).await?;
    let Some(accomplice) = liar.accomplice_in(&log.state) else {
        return Ok(());
    };
    let mut known = log.known.clone();
    let writer = liar.writer(&accomplice, &mut known).await?;
    let secret = liar.made_up_secret(&log.state);
    let rng = &mut random::system();
    let honest = rotate(&writer, &log.state, &[&secret], &known, rng)
        .map_err(|error| kit_error("a rotation", error))?;
    let mut wraps = honest.wraps.clone();
    if lie == Lie::WrapFalse {
        for wrap in &mut wraps {
            flip(&mut wrap.sealed);
        }
    }
    // Its back-link holds a made-up secret: false in either case.
    let epoch = EpochStart {
        epoch: log.state.current_epoch() + 1,
        commitment: honest
            .secret
            .as_ref()
            .map_or([0; 32], |secret| secret.commitment()),
        back_links: honest
            .back_links
            .iter()
            .map(|link| BackLinkRef {
                target: link.target,
                hash: back_link_hash(link),
            })
            .collect(),
        wraps: commit(&wraps).map_err(|error| kit_error("wraps", error))?,
    };
    let body = SessionBody::Rotate(SessionRotate {
        epoch,
        updates: Vec::new(),
        removals: Vec::new(),
    });
    let draft = Draft {
        wraps,
        back_links: honest.back_links,
        ..writer.plain(&log.state, &body)
    };
    let append = Append {
        entries: vec![draft_to_rest(&draft)],
    };
    let body = serde_json::to_vec(&append).map_err(|error| kit_error("a request", error))?;
    let path = format!("/sessions/{}/entries", b64::encode(&id.0));
    accomplice.post(liar.core, liar.tenant, &path, body).await
}
