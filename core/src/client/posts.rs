//! How a write leaves: alone, together with others that come at the same time,
//! or after its wraps if these are too many for one request.

use super::account::AccountInner;
use super::heal::bare;
use super::journal::{Upload, What};
use crate::error::{Error, ErrorCode, Result};
use futures_util::future::{Either, select};
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::limits::{MAX_BODY, MAX_PARTS, MAX_WRITES};
use plico_protocol::wire::rest::{Append, Appended, Staged, StagedWraps, WritesDone};
use std::borrow::Cow;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// A wrap in JSON is at least so long: 1,168 bytes in base64url.
const WRAP_IN_JSON: usize = 1_558;
/// How long a request waits for the next of many writes.
const GATHER: Duration = Duration::from_millis(20);
/// What stands around the writes of a batch, with room to spare.
const AROUND: usize = 64;

/// A write that waits for its request.
#[derive(Clone)]
pub(crate) struct Outgoing {
    path: String,
    body: Arc<[u8]>,
}

/// A write whose wraps go ahead of it.
struct Parted {
    parts: Vec<StagedWraps>,
    /// The request without wraps.
    body: Vec<u8>,
}

fn read(body: &[u8]) -> Result<Append> {
    serde_json::from_slice(body).map_err(|_| ErrorCode::StoreDamaged.into())
}

/// Whether a request has more than `size` wraps; then what it holds.
fn with_many_wraps(body: &[u8], size: usize) -> Result<Option<Append>> {
    if body.len() <= size.saturating_mul(WRAP_IN_JSON) {
        return Ok(None);
    }
    let append = read(body)?;
    let count: usize = append.entries.iter().map(|it| it.wraps.len()).sum();
    Ok((count > size).then_some(append))
}

fn part(mut append: Append, size: usize) -> Result<Parted> {
    let mut parts = Vec::new();
    for upload in &mut append.entries {
        let entry = SignedEntry::from_bytes(&upload.entry.0)?.entry.hash();
        let wraps = std::mem::take(&mut upload.wraps);
        for (part, wraps) in (0u16..).zip(wraps.chunks(size)) {
            upload.staged_parts = part + 1;
            parts.push(StagedWraps {
                entry_hash: B64x32(entry.0),
                part,
                wraps: wraps.to_vec(),
            });
        }
    }
    if parts.len() > MAX_PARTS {
        return Err(Error::new(ErrorCode::TooLarge).with_detail("too many wraps for one write"));
    }
    let body = serde_json::to_vec(&append).map_err(|_| ErrorCode::InvalidArgument)?;
    Ok(Parted { parts, body })
}

/// Lets whoever else is ready put its question down first, so that what comes
/// at the same time goes into one request.
pub(crate) async fn let_others_ask() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl AccountInner {
    /// Sends a journalled request.
    pub async fn post_upload(&self, upload: &Upload) -> Result<Appended> {
        if upload.what == What::Own {
            return self.post_alone(&upload.path(), upload.body.clone()).await;
        }
        let size = self.plico.inner.wraps_per_part;
        match with_many_wraps(&upload.body, size)? {
            Some(append) => {
                let parted = part(append, size)?;
                for part in &parted.parts {
                    self.stage(part).await?;
                }
                self.post_alone(&upload.path(), parted.body).await
            }
            None => self.post_together(upload).await,
        }
    }

    /// Sends the same bytes again. Gives whether they are in the chain now.
    pub async fn post_again(&self, upload: &Upload) -> Result<bool> {
        let is_conflict = |sent: &Result<Appended>| matches!(sent, Err(error) if error.code() == ErrorCode::Conflict);
        let size = self.plico.inner.wraps_per_part;
        let parted = match upload.what {
            What::Own => None,
            _ => with_many_wraps(&upload.body, size)?,
        };
        let mut sent = match parted {
            None => self.post_upload(upload).await,
            // If the entry is there, or its parts still are, they need not go again.
            Some(append) => {
                let alone = part(append, size)?.body;
                let first = self.post_alone(&upload.path(), alone).await;
                if is_conflict(&first) {
                    self.post_upload(upload).await
                } else {
                    first
                }
            }
        };
        if is_conflict(&sent) {
            // The first copy may have been on its way until now, and have won
            // against this one: then the same bytes are welcome once more.
            sent = self.post_upload(upload).await;
        }
        match sent {
            Ok(_) => Ok(true),
            Err(error) if super::journal::outcome_is_unknown(error.code()) => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// What is kept of a request to be handed back one day: all of it, or, if
    /// its wraps would not fit into one request, the entries without theirs.
    pub fn kept_body<'a>(&self, body: &'a [u8]) -> Result<Cow<'a, [u8]>> {
        let size = self.plico.inner.wraps_per_part;
        let Some(mut append) = with_many_wraps(body, size)? else {
            return Ok(Cow::Borrowed(body));
        };
        for upload in &mut append.entries {
            *upload = bare(upload.entry.clone());
        }
        let body = serde_json::to_vec(&append).map_err(|_| ErrorCode::InvalidArgument)?;
        Ok(Cow::Owned(body))
    }

    async fn post_alone(&self, path: &str, body: Vec<u8>) -> Result<Appended> {
        let record = self.registered()?;
        let wire = &self.plico.inner.wire;
        wire.post_bytes(record.signer(), path, body).await
    }

    async fn stage(&self, part: &StagedWraps) -> Result<Staged> {
        let record = self.registered()?;
        let wire = &self.plico.inner.wire;
        wire.post(record.signer(), "/wraps", part).await
    }

    /// Writes that come while up to four requests are under way go together
    /// into the next one. Each has its own bytes in the journal; a request that
    /// was lost is sent again as it was.
    async fn post_together(&self, upload: &Upload) -> Result<Appended> {
        let mut ticket = self.outgoing.ask(Outgoing {
            path: upload.path(),
            body: upload.body.as_slice().into(),
        });
        self.crowd.changed.notify(usize::MAX);
        while !self.outgoing.is_answered(&mut ticket) {
            let turn = self.write_turns.acquire().await;
            self.gather().await;
            if self.outgoing.is_answered(&mut ticket) {
                break;
            }
            let room = MAX_BODY - AROUND;
            let mut taken = self
                .outgoing
                .take_fitting(MAX_WRITES, room, |it| it.body.len() + 1);
            let _under_way = self.crowd.leave(taken.len());
            if taken.is_empty() {
                // Somebody else has taken ours along.
                drop(turn);
                ticket.wait().await;
                continue;
            }
            if taken.len() < 2 {
                for asked in taken.drain(..) {
                    let Outgoing { path, body } = &asked.key;
                    let result = self.post_alone(path, body.to_vec()).await;
                    asked.answer(result);
                }
                continue;
            }
            let bodies: Vec<Arc<[u8]>> = taken.iter().map(|it| it.key.body.clone()).collect();
            match self.post_many(&bodies).await {
                Ok(results) => {
                    for (asked, result) in taken.into_iter().zip(results) {
                        asked.answer(result);
                    }
                }
                Err(error) => taken
                    .into_iter()
                    .for_each(|it| it.answer(Err(error.clone()))),
            }
        }
        ticket.result()
    }

    /// Waits until all of many calls have put their writes down, as long as one
    /// comes after the other.
    async fn gather(&self) {
        let_others_ask().await;
        loop {
            let changed = self.crowd.changed.listen();
            if self.outgoing.len() >= self.crowd.awaited().min(MAX_WRITES) {
                return;
            }
            let pause = self.plico.inner.wire.runtime.sleep(GATHER);
            if let Either::Right(_) = select(changed, pause).await {
                return;
            }
        }
    }

    /// One request, each write with its own result, in their order.
    async fn post_many(&self, bodies: &[Arc<[u8]>]) -> Result<Vec<Result<Appended>>> {
        let record = self.registered()?;
        let mut body = br#"{"writes":["#.to_vec();
        body.extend_from_slice(&bodies.join(&b','));
        body.extend_from_slice(b"]}");
        let wire = &self.plico.inner.wire;
        let path = "/sessions/batch";
        let done: WritesDone = wire.post_bytes(record.signer(), path, body).await?;
        if done.results.len() != bodies.len() {
            // Whatever it has done: the outcome of none of them is known.
            return Err(Error::new(ErrorCode::ProtocolError)
                .with_detail("the directory has answered another number of writes"));
        }
        let results = done.results.into_iter();
        Ok(results
            .map(|result| match (result.head, result.problem) {
                (Some(head), None) => Ok(Appended { head }),
                (None, Some(problem)) => Err(Error::from_problem(&problem)),
                _ => Err(ErrorCode::ProtocolError.into()),
            })
            .collect())
    }
}
