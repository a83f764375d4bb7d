//! Success that is claimed for what was not done, and the other way round.

use super::answer::is_write;
use super::liar::{Liar, position_of};
use super::list::Lie;
use crate::error::{ErrorCode, Result};
use crate::ports::Response;
use crate::testing::kit_error;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::ChainId;
use plico_protocol::wire::Problem;
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::rest::{Append, Appended, Enrol, EntryUpload, IdentityAnswer};
use serde::Serialize;

/// Refusals of what was carried out.
pub(super) fn refuse(lie: Lie, liar: &Liar<'_>, shown: &mut Response) -> bool {
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
        Lie::WriteForgotten if !creates => position_of(&entries),
        Lie::WriteClaimed if !creates => position_of(&liar.entries(id).await?),
        _ => return Ok(None),
    };
    let head = liar.head(liar.tenant, id, at);
    Ok(ok(if creates { 201 } else { 200 }, &Appended { head }))
}
