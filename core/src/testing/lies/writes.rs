//! Success that is claimed for what was not done, and the other way round.

use super::answer::is_write;
use super::liar::{Known, Liar, position_of};
use super::list::Lie;
use crate::error::{ErrorCode, Result};
use crate::ports::Response;
use crate::testing::kit_error;
use plico_directory::storage::{ChainRef, Write};
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::{ChainId, Kind};
use plico_protocol::wire::Problem;
use plico_protocol::wire::accept::{AcceptError, accept_session};
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::rest::{
    Append, Appended, Enrol, EntryUpload, IdentityAnswer, WriteBatch, WriteResult, WritesDone,
};
use plico_protocol::wire::upload::Upload;
use serde::Serialize;

/// Refusals of what was carried out.
pub(super) fn refuse(lie: Lie, liar: &Liar<'_>, shown: &mut Response) -> bool {
    if matches!(lie, Lie::BatchResultsMissing | Lie::BatchResultsSwapped) {
        return confuse(lie, liar, shown);
    }
    let code = match lie {
        Lie::WriteDenied => ErrorCode::NotAllowed,
        Lie::WriteCalledConflict => ErrorCode::Conflict,
        _ => return false,
    };
    if !is_write(liar.request) || !(200..300).contains(&shown.status) {
        return false;
    }
    let problem = Problem::new(code);
    shown.status = problem.status;
    shown.body = serde_json::to_vec(&problem).unwrap_or_default();
    true
}

/// Other results of several writes than those that they have.
fn confuse(lie: Lie, liar: &Liar<'_>, shown: &mut Response) -> bool {
    let done = serde_json::from_slice::<WritesDone>(&shown.body);
    let Some(mut done) = done.ok().filter(|_| is_write(liar.request)) else {
        return false;
    };
    let results = &mut done.results;
    if results.len() < 2 {
        return false;
    }
    match lie {
        Lie::BatchResultsMissing => drop(results.pop()),
        _ => results.swap(0, 1),
    }
    shown.body = serde_json::to_vec(&done).unwrap_or_default();
    true
}

/// Stores the first write of several as the directory would, and answers as if
/// it had stored all of them.
async fn cut_short(liar: &Liar<'_>, batch: &WriteBatch) -> Result<Option<Response>> {
    let mut results = Vec::with_capacity(batch.writes.len());
    for (index, write) in batch.writes.iter().enumerate() {
        if index == 0 && !store(liar, write).await? {
            return Ok(None);
        }
        let entries = decode(&write.entries)?;
        let id = entries.first().map(|it| it.entry.chain_id);
        let Some(id) = id else { return Ok(None) };
        results.push(WriteResult {
            head: Some(liar.head(liar.tenant, id, position_of(&entries))),
            problem: None,
        });
    }
    Ok(ok(200, &WritesDone { results }))
}

/// Whether it is one that the directory would have taken.
async fn store(liar: &Liar<'_>, write: &Append) -> Result<bool> {
    let bad = |error: &dyn core::fmt::Display| kit_error("a write", error);
    let uploads = Upload::batch(&write.entries).map_err(|error| bad(&error))?;
    let first = uploads.first().map(|it| it.entry.entry.chain_id);
    let (Some(chain), Some(asker)) = (first, liar.asker) else {
        return Ok(false);
    };
    let there = liar.entries(chain).await?;
    let (state, mut known) = if there.is_empty() {
        (None, Known::new())
    } else {
        let (state, known) = liar.session(&there).await?;
        (Some(state), known)
    };
    let expected = state.as_ref().map(|state| state.tip().head);
    known.insert(asker, liar.identity(asker).await?);
    for _ in 0..8 {
        match accept_session(
            state.clone(),
            &uploads,
            asker,
            &std::collections::BTreeSet::new(),
            &known,
            liar.now_ms,
        ) {
            Ok((_, effects)) => {
                let tenant = liar.tenant.id;
                let at = ChainRef { tenant, chain };
                let write = Write::new(at, Kind::Session, expected, effects);
                let stored = liar.storage.apply(&write).await;
                return stored.map(|()| true).map_err(|error| bad(&error));
            }
            Err(AcceptError::Needs(needs)) => {
                for need in needs {
                    known.insert(need.chain, liar.identity(need.chain).await?);
                }
            }
            Err(_) => return Ok(false),
        }
    }
    Ok(false)
}

fn decode(uploads: &[EntryUpload]) -> Result<Vec<SignedEntry>> {
    uploads
        .iter()
        .map(|upload| {
            SignedEntry::from_bytes(&upload.entry.0).map_err(|error| kit_error("an entry", error))
        })
        .collect()
}

fn ok(status: u16, body: &impl Serialize) -> Option<Response> {
    let body = serde_json::to_vec(body).ok()?;
    Some(Response { status, body })
}

pub(super) async fn tell(lie: Lie, liar: &Liar<'_>) -> Result<Option<Response>> {
    if !is_write(liar.request) {
        return Ok(None);
    }
    let body = &liar.request.body;
    if lie == Lie::BatchCutShort && !liar.request.url.ends_with("/restore") {
        return match serde_json::from_slice::<WriteBatch>(body) {
            Ok(batch) if batch.writes.len() > 1 => cut_short(liar, &batch).await,
            _ => Ok(None),
        };
    }
    if lie == Lie::EnrolmentClaimed {
        let Ok(enrol) = serde_json::from_slice::<Enrol>(body) else {
            return Ok(None);
        };
        let entries = decode(&enrol.entries)?;
        let id = entries
            .first()
            .map_or(ChainId::ZERO, |it| it.entry.chain_id);
        let answer = IdentityAnswer {
            identity_id: B64x32(id.0),
            from: 0,
            entries: super::liar::bytes_of(&entries, 0),
            head: liar.head(liar.tenant, id, position_of(&entries)),
            opening: Some(enrol.opening),
            wraps: Vec::new(),
            back_links: Vec::new(),
            more: false,
        };
        return Ok(ok(201, &answer));
    }
    let Ok(append) = serde_json::from_slice::<Append>(body) else {
        return Ok(None);
    };
    let entries = decode(&append.entries)?;
    let Some(first) = entries.first().map(|it| &it.entry) else {
        return Ok(None);
    };
    let creates = first.seq == 0;
    let id = first.chain_id;
    let at = match lie {
        Lie::CreationClaimed if creates => position_of(&entries),
        // What is handed back is claimed, too.
        Lie::BatchCutShort => position_of(&entries),
        Lie::WriteForgotten if !creates => position_of(&entries),
        Lie::WriteClaimed if !creates => position_of(&liar.entries(id).await?),
        _ => return Ok(None),
    };
    let head = liar.head(liar.tenant, id, at);
    Ok(ok(if creates { 201 } else { 200 }, &Appended { head }))
}
