//! Sealed blocks under an atomic root (docs/spec/store.md, "Root slots" to
//! "Writing"). To the database above it looks like a file; what that writes is
//! kept in memory until [`Pager::publish`], which makes all of it happen or
//! nothing.

use super::header::HEADER_LEN;
use super::key::{Keys, SEAL_LEN};
use super::medium::{Medium, io_error};
use super::{Result, failed};
use crate::ports::{StoreError, StoreFailure};
use core::fmt;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Length of a block of the container in bytes; also a page of the database.
pub(super) const BLOCK: usize = 4096;
const SEALED_BLOCK: usize = BLOCK + SEAL_LEN;
const ROOT_AT: [u64; 2] = [HEADER_LEN as u64, 12_288];
const ROOT_PLAIN: usize = 8 + BLOCK;
const ROOT_LEN: usize = 8 + ROOT_PLAIN + SEAL_LEN;
pub(super) const BLOCKS_AT: u64 = 20_480;
const BLOCK_U64: u64 = BLOCK as u64;

/// Where a block other than the first is.
fn block_at(index: u64) -> u64 {
    BLOCKS_AT.saturating_add((index - 1).saturating_mul(SEALED_BLOCK as u64))
}

/// How long the file must be for a container of this length.
fn file_len(length: u64) -> u64 {
    block_at(length.div_ceil(BLOCK_U64).max(1))
}

struct State {
    /// Of the container, as the database sees it.
    length: u64,
    /// Of the container, as it is on the medium.
    durable_length: u64,
    /// The container's first block, as the database sees it.
    first: Vec<u8>,
    /// Of the last commit.
    number: u64,
    /// The first slot, if the second is not the same: it must be made so
    /// before the first one may be written again.
    backup: Option<Vec<u8>>,
    /// Blocks that the database has written; sealed only when published.
    changed: BTreeMap<u64, Vec<u8>>,
    /// What went wrong first. The database may tell less of it.
    failure: Option<StoreError>,
}

/// One opened store file. Clones share it.
#[derive(Clone)]
pub(super) struct Pager(Arc<Inner>);

struct Inner {
    medium: Arc<dyn Medium>,
    keys: Arc<Keys>,
    state: Mutex<State>,
}

impl fmt::Debug for Pager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pager(..)")
    }
}

impl Pager {
    /// Nothing at all, on an empty medium.
    pub fn empty(medium: Arc<dyn Medium>, keys: Arc<Keys>) -> Self {
        Self::new(medium, keys, 0, vec![0; BLOCK], 0, None)
    }

    /// What the database wrote into the first block, and nothing else of it.
    pub fn only_first_block(&self, change: impl FnOnce(&mut [u8])) -> Self {
        let state = self.state();
        let mut first = state.first.clone();
        change(&mut first);
        let (medium, keys) = (self.0.medium.clone(), self.0.keys.clone());
        let new = Self::new(medium, keys, state.length, first, 0, None);
        new.state().durable_length = 0;
        new
    }

    /// The container as the last commit left it.
    ///
    /// # Errors
    /// Io, Damaged.
    pub fn open(medium: Arc<dyn Medium>, keys: Arc<Keys>) -> Result<Self> {
        let file = medium
            .len()
            .map_err(|error| io_error("the store can't be read", &error))?;
        let damaged = |what: &str| failed(StoreFailure::Damaged, what);
        if file < BLOCKS_AT {
            return Err(damaged("the file ends too early"));
        }
        let slots = [
            read_slot(&*medium, ROOT_AT[0])?,
            read_slot(&*medium, ROOT_AT[1])?,
        ];
        let roots = [open_slot(&keys, &slots[0]), open_slot(&keys, &slots[1])];
        let (first_is_newest, newest) = match roots {
            [Some(first), Some(second)] if first.0 < second.0 => (false, second),
            [Some(first), _] => (true, first),
            [None, Some(second)] => (false, second),
            [None, None] => return Err(damaged("no root authenticates")),
        };
        let [first_slot, second_slot] = slots;
        let backup = (first_is_newest && first_slot != second_slot).then_some(first_slot);
        let (number, root) = newest;
        let (length, first) = root
            .split_first_chunk::<8>()
            .ok_or_else(|| damaged("the root is too short"))?;
        let length = u64::from_be_bytes(*length);
        if length < BLOCK_U64 || length % BLOCK_U64 != 0 || file < file_len(length) {
            return Err(damaged("the file ends too early"));
        }
        Ok(Self::new(
            medium,
            keys,
            length,
            first.to_vec(),
            number,
            backup,
        ))
    }

    fn new(
        medium: Arc<dyn Medium>,
        keys: Arc<Keys>,
        length: u64,
        first: Vec<u8>,
        number: u64,
        backup: Option<Vec<u8>>,
    ) -> Self {
        let state = Mutex::new(State {
            length,
            durable_length: length,
            first,
            number,
            backup,
            changed: BTreeMap::new(),
            failure: None,
        });
        Self(Arc::new(Inner {
            medium,
            keys,
            state,
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // After a panic above us nothing more is published.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes everything that was written since the start one commit.
    ///
    /// # Errors
    /// Io, Full, ReadOnly: what stood before stands, unless only the last sync
    /// failed; then it is one of the two.
    pub fn publish(&self) -> Result<()> {
        let mut state = self.state();
        let medium = &self.0.medium;
        let fault = |error: io::Error| io_error("the store can't be written", &error);
        let needed = file_len(state.length);
        let file = medium.len().map_err(fault)?;
        if file < needed {
            medium.set_len(needed).map_err(fault)?;
        }
        if let Some(slot) = &state.backup {
            medium.write_at(slot, ROOT_AT[1]).map_err(fault)?;
        }
        for (index, block) in &state.changed {
            let sealed = self.0.keys.seal_block(*index, block)?;
            medium.write_at(&sealed, block_at(*index)).map_err(fault)?;
        }
        // Also syncs the second slot of the commit before: only then may the first one go.
        medium.sync().map_err(fault)?;
        let number = state.number + 1;
        let root = [state.length.to_be_bytes().as_slice(), &state.first].concat();
        let mut slot = number.to_be_bytes().to_vec();
        slot.extend(self.0.keys.seal_root(number, &root)?);
        medium.write_at(&slot, ROOT_AT[0]).map_err(fault)?;
        medium.sync().map_err(fault)?;
        // It has happened. What follows is care, and its failure is not the commit's.
        let _ = medium.write_at(&slot, ROOT_AT[1]);
        if file > needed {
            let _ = medium.set_len(needed);
        }
        state.number = number;
        state.backup = Some(slot);
        state.durable_length = state.length;
        state.changed.clear();
        Ok(())
    }

    /// What went wrong below the database, if anything did.
    pub fn failure(&self) -> Option<StoreError> {
        self.state().failure.clone()
    }

    fn noted<T>(state: &mut State, result: Result<T>) -> io::Result<T> {
        result.map_err(|error| {
            let told = io::Error::other(error.detail.clone());
            state.failure.get_or_insert(error);
            told
        })
    }

    /// A block's bytes, wherever they are.
    fn block(&self, state: &State, index: u64) -> Result<Vec<u8>> {
        if index == 0 {
            return Ok(state.first.clone());
        }
        if let Some(block) = state.changed.get(&index) {
            return Ok(block.clone());
        }
        if index >= state.durable_length / BLOCK_U64 {
            return Ok(vec![0; BLOCK]); // new, and not yet written
        }
        let mut sealed = vec![0; SEALED_BLOCK];
        self.0
            .medium
            .read_at(&mut sealed, block_at(index))
            .map_err(|error| io_error("the store can't be read", &error))?;
        let opened = self.0.keys.open_block(index, &sealed);
        opened.ok_or_else(|| failed(StoreFailure::Damaged, "a block does not authenticate"))
    }
}

fn read_slot(medium: &dyn Medium, offset: u64) -> Result<Vec<u8>> {
    let mut slot = vec![0; ROOT_LEN];
    medium
        .read_at(&mut slot, offset)
        .map_err(|error| io_error("the store can't be read", &error))?;
    Ok(slot)
}

/// The number and what was sealed; `None` if the slot does not authenticate.
fn open_slot(keys: &Keys, slot: &[u8]) -> Option<(u64, Vec<u8>)> {
    let (number, sealed) = slot.split_first_chunk::<8>()?;
    let number = u64::from_be_bytes(*number);
    keys.open_root(number, sealed).map(|root| (number, root))
}

/// The blocks that `len` bytes at `offset` touch: each with where the range
/// begins in it, and how many bytes of it it takes.
fn pieces(offset: u64, len: usize) -> impl Iterator<Item = (u64, usize, usize)> {
    let mut at = offset;
    let mut left = len;
    core::iter::from_fn(move || {
        if left == 0 {
            return None;
        }
        let within = (at % BLOCK_U64) as usize;
        let count = left.min(BLOCK - within);
        let piece = (at / BLOCK_U64, within, count);
        at += count as u64;
        left -= count;
        Some(piece)
    })
}

impl redb::StorageBackend for Pager {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().length)
    }

    fn read(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut state = self.state();
        let end = offset.checked_add(len as u64);
        if end.is_none_or(|end| end > state.length) {
            let error = failed(StoreFailure::Damaged, "a reference beyond the end");
            return Self::noted(&mut state, Err(error));
        }
        let mut out = Vec::with_capacity(len);
        for (index, within, count) in pieces(offset, len) {
            let block = self.block(&state, index);
            let block = Self::noted(&mut state, block)?;
            out.extend_from_slice(&block[within..within + count]);
        }
        Ok(out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.state();
        state.length = len.next_multiple_of(BLOCK_U64);
        // What is cut off and comes again is new.
        state.changed.retain(|index, _| index * BLOCK_U64 < len);
        state.durable_length = state.durable_length.min(len);
        Ok(())
    }

    fn sync_data(&self, _eventual: bool) -> io::Result<()> {
        Ok(()) // see `publish`
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        let mut rest = data;
        for (index, within, count) in pieces(offset, data.len()) {
            let (now, later) = rest.split_at(count);
            rest = later;
            let mut block = if count == BLOCK {
                vec![0; BLOCK]
            } else {
                let block = self.block(&state, index);
                Self::noted(&mut state, block)?
            };
            block[within..within + count].copy_from_slice(now);
            if index == 0 {
                state.first = block;
            } else {
                state.changed.insert(index, block);
            }
        }
        Ok(())
    }
}
