//! An envelope that is somewhere else, for a thread that reads and seeks: the thread
//! waits, and the task of the call fetches, with whatever I/O the host has.

use super::ranges::{RangeReader, sought};
use crate::error::{Error, ErrorCode, Result};
use futures_channel::mpsc;
use futures_util::StreamExt as _;
use futures_util::future::join;
use plico_protocol::primitives::secret::Wiped;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::mpsc::SyncSender;

type Wanted = (Range<u64>, SyncSender<Result<Vec<u8>>>);

/// What is in the envelope, as something that reads and seeks. Only for a thread of
/// which [`feeding`] has the other end.
pub(super) struct Fetched {
    wanted: mpsc::UnboundedSender<Wanted>,
    len: u64,
    position: u64,
    /// How much is asked for at once.
    ahead: u64,
    held_at: u64,
    held: Wiped,
    failed: Option<Error>,
}

impl Fetched {
    /// Why reading failed last: some readers keep only half of an error.
    pub(super) fn failure(&mut self) -> Option<Error> {
        self.failed.take()
    }

    fn fetch(&self) -> Result<Vec<u8>> {
        let end = self.len.min(self.position.saturating_add(self.ahead));
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        let asked = self.wanted.unbounded_send((self.position..end, sender));
        asked.map_err(|_| ErrorCode::Cancelled)?;
        receiver.recv().map_err(|_| ErrorCode::Cancelled)?
    }
}

impl Read for Fetched {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() || self.position >= self.len {
            return Ok(0);
        }
        let held = self.held_at..self.held_at + self.held.len() as u64;
        if !held.contains(&self.position) {
            let data = self.fetch().map_err(|error| {
                self.failed = Some(error.clone());
                io::Error::other(error)
            })?;
            (self.held, self.held_at) = (Wiped::from_vec(data), self.position);
        }
        // Less than what is held, so it fits.
        let at = (self.position - self.held_at) as usize;
        let rest = self.held.get(at..).unwrap_or_default();
        let len = rest.len().min(out.len());
        out[..len].copy_from_slice(&rest[..len]);
        self.position += len as u64;
        Ok(len)
    }
}

impl Seek for Fetched {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = sought(to, self.position, self.len)?;
        Ok(self.position)
    }
}

/// Runs `work`, which gives what it gets to a thread, and fetches for that thread until
/// it has dropped it.
pub(super) async fn feeding<T>(
    reader: &RangeReader,
    ahead: u64,
    work: impl AsyncFnOnce(Fetched) -> Result<T>,
) -> Result<T> {
    let (wanted, mut asked) = mpsc::unbounded::<Wanted>();
    let fetched = Fetched {
        wanted,
        len: reader.len(),
        position: 0,
        ahead,
        held_at: 0,
        held: Wiped::default(),
        failed: None,
    };
    let feed = async {
        while let Some((range, reply)) = asked.next().await {
            // Nobody waits any more: then there is nothing to tell.
            let _ = reply.send(reader.read(range).await);
        }
    };
    join(work(fetched), feed).await.0
}
