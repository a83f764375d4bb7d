//! Going through one chain.

use super::{Finding, Grade};
use crate::cache::Cache;
use crate::storage::audit::{Audit, ChainRecord};
use crate::storage::{Page, StorageError};
use plico_protocol::chain::Tip;
use plico_protocol::format::bodies::WrapsRef;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::Position;
use plico_protocol::keyring::merkle::{self, Hash};
use std::collections::BTreeSet;

/// Entries that are read at a time, and bytes of them with their leaves.
const STEP: usize = 512;
const STEP_BYTES: usize = 16 * 1024 * 1024;
/// Findings that are told of one chain.
const MAX_FINDINGS: usize = 100;

pub(super) struct Walk<'a> {
    pub(super) storage: &'a dyn Audit,
    pub(super) cache: &'a Cache,
    pub(super) record: ChainRecord,
    /// Entries whose leaves are not stored.
    pub(super) bare: BTreeSet<u64>,
    entries: u64,
    found: Vec<Finding>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(storage: &'a dyn Audit, cache: &'a Cache, record: ChainRecord) -> Self {
        Self {
            storage,
            cache,
            record,
            bare: BTreeSet::new(),
            entries: 0,
            found: Vec::new(),
        }
    }

    fn add(&mut self, grade: Grade, what: String) {
        let what = match self.found.len().cmp(&MAX_FINDINGS) {
            core::cmp::Ordering::Less => what,
            core::cmp::Ordering::Equal => "and more of this chain".to_owned(),
            core::cmp::Ordering::Greater => return,
        };
        self.found.push(Finding {
            grade,
            at: Some(self.record.at),
            what,
        });
    }

    pub(super) fn problem(&mut self, what: impl Into<String>) {
        self.add(Grade::Problem, what.into());
    }

    pub(super) fn note(&mut self, what: impl Into<String>) {
        self.add(Grade::Note, what.into());
    }

    /// The end, with one more problem.
    pub(super) fn done(mut self, what: impl Into<String>) -> (u64, Vec<Finding>) {
        self.problem(what);
        self.end()
    }

    pub(super) fn end(self) -> (u64, Vec<Finding>) {
        (self.entries, self.found)
    }

    /// The next entries; none at the end. `Err(what)`: they can't be read.
    pub(super) async fn next(
        &mut self,
    ) -> Result<Result<Vec<(SignedEntry, Vec<Hash>)>, String>, StorageError> {
        let page = Page {
            from: self.entries,
            entries: STEP,
            bytes: STEP_BYTES,
        };
        let stored = match self.storage.chain_entries(self.record.no, page).await {
            Err(StorageError::Damaged(what)) => {
                return Ok(Err(format!("entries from {} on: {what}", page.from)));
            }
            stored => stored?,
        };
        let mut entries = Vec::with_capacity(stored.len());
        for (seq, stored) in (page.from..).zip(stored) {
            match SignedEntry::from_bytes(&stored.bytes) {
                Ok(entry) => entries.push((entry, stored.leaves)),
                Err(error) => return Ok(Err(format!("entry {seq} is none: {error}"))),
            }
        }
        self.entries += entries.len() as u64;
        Ok(Ok(entries))
    }

    /// Compares the leaves of entry `seq` with what it commits to.
    pub(super) fn check_leaves(&mut self, seq: u64, committed: Option<&WrapsRef>, leaves: &[Hash]) {
        match committed {
            None if leaves.is_empty() => {}
            None => self.problem(format!("entry {seq} has leaves, but commits to no wraps")),
            Some(_) if leaves.is_empty() => {
                self.bare.insert(seq);
                self.note(format!("entry {seq} was handed back without its wraps"));
            }
            Some(committed) => {
                let same = leaves.len() == committed.count as usize
                    && merkle::root(leaves) == Some(committed.root);
                if !same {
                    self.problem(format!(
                        "the leaves of entry {seq} are not those that it commits to"
                    ));
                }
            }
        }
    }

    /// Compares what is stored of the head, and of whose chain it is, with the replay.
    pub(super) fn check_head(&mut self, tip: &Tip) {
        let Position { seq, hash } = tip.head;
        if u64::try_from(self.record.seq) != Ok(seq) || self.record.hash != hash {
            self.problem(format!(
                "the head is stored as entry {}, but the last entry is {seq}, or has another hash",
                self.record.seq
            ));
        }
        if tip.chain_id != self.record.at.chain || tip.tenant_id != self.record.at.tenant {
            self.problem("the entries are of another chain or tenant");
        }
    }
}
