//! Checking a whole database: every chain is replayed, and everything that is
//! stored beside the chains is compared with what they say.
//!
//! It only reads, a page at a time, and works beside a running server: a chain
//! that seems wrong is looked at again before anything is said, since a write
//! may have come in between.

mod derived;
mod identity;
mod openings;
mod session;
mod tenant;
mod walk;

use crate::cache::Cache;
use crate::storage::audit::{Audit, ChainRecord};
use crate::storage::{ChainRef, StorageError};
use core::fmt;
use plico_protocol::format::ids::Kind;
use plico_protocol::wire::b64;
use walk::Walk;

/// How often a chain is looked at again before a problem is one.
const TRIES: usize = 8;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// Something is not as it must be.
    Problem,
    /// Something is missing that may be missing, after entries were handed back.
    Note,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub grade: Grade,
    /// The chain, if it is about one.
    pub at: Option<ChainRef>,
    /// What is wrong; ids, but no user ids.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let grade = match self.grade {
            Grade::Problem => "problem",
            Grade::Note => "note",
        };
        match &self.at {
            Some(at) => write!(
                f,
                "{grade}: tenant {} chain {}: {}",
                b64::encode(&at.tenant.0),
                b64::encode(&at.chain.0),
                self.what
            ),
            None => write!(f, "{grade}: {}", self.what),
        }
    }
}

/// What it came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Chains that were checked.
    pub chains: u64,
    /// Entries that were replayed.
    pub entries: u64,
    /// Findings that are problems.
    pub problems: u64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} chains, {} entries, {} problems",
            self.chains, self.entries, self.problems
        )
    }
}

/// Checks everything, and tells of each finding as it is made.
///
/// # Errors
/// [`StorageError`] if the database can't be read at all.
pub async fn run(
    storage: &dyn Audit,
    tell: &mut (dyn FnMut(&Finding) + Send),
) -> Result<Summary, StorageError> {
    let mut summary = Summary::default();
    let mut count = |summary: &mut Summary, found: Vec<Finding>| {
        for finding in found {
            summary.problems += u64::from(finding.grade == Grade::Problem);
            tell(&finding);
        }
    };
    for what in storage.integrity().await? {
        let found = Finding {
            grade: Grade::Problem,
            at: None,
            what,
        };
        count(&mut summary, vec![found]);
    }
    let cache = Cache::new();
    let mut last = 0;
    loop {
        let page = storage.chains(last).await?;
        let Some(end) = page.last() else { break };
        last = end.no;
        for record in page {
            let (entries, found) = check_chain(storage, &cache, record).await?;
            summary.chains += 1;
            summary.entries += entries;
            count(&mut summary, found);
        }
    }
    let found = tenant::rows(storage, &cache).await?;
    count(&mut summary, found);
    let mut after = None;
    loop {
        let page = storage.openings(after).await?;
        let Some(end) = page.last() else { break };
        after = Some((end.tenant, end.user_id.clone()));
        for record in &page {
            let found = openings::check(storage, &cache, record).await?;
            count(&mut summary, found.into_iter().collect());
        }
    }
    Ok(summary)
}

/// One chain: how many entries were replayed, and what was found.
async fn check_chain(
    storage: &dyn Audit,
    cache: &Cache,
    record: ChainRecord,
) -> Result<(u64, Vec<Finding>), StorageError> {
    let mut record = record;
    let mut tries = 1;
    loop {
        let no = record.no;
        let walk = Walk::new(storage, cache, record);
        let (entries, found) = match u8::try_from(walk.record.kind).ok().and_then(Kind::from_u8) {
            Some(Kind::Tenant) => tenant::check(walk).await?,
            Some(Kind::Identity) => identity::check(walk).await?,
            Some(Kind::Session | Kind::Group) => session::check(walk).await?,
            _ => walk.done("it is of a kind that is not known"),
        };
        let is_clean = found.iter().all(|it| it.grade == Grade::Note);
        if is_clean || tries == TRIES {
            return Ok((entries, found));
        }
        tries += 1;
        match storage.chain(no).await? {
            Some(again) => record = again,
            None => return Ok((entries, found)),
        }
    }
}
