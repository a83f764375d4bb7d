//! What is in an archive, for whoever looks for one member.

use super::{Member, refused};
use crate::error::Result;
use std::cmp::Ordering;

/// The members of an archive, of which no two are at odds.
#[derive(Debug)]
pub(in crate::client) struct Members {
    all: Vec<Member>,
    /// Where the files are in `all`, in the order of their paths.
    files: Vec<usize>,
}

/// In this order a folder stands right before what is in it.
fn by_parts(one: &str, other: &str) -> Ordering {
    one.split('/').cmp(other.split('/'))
}

/// Whether `path` is `file`, or would be in it if it were a folder.
fn is_at_or_in(path: &str, file: &str) -> bool {
    path.strip_prefix(file)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Members {
    /// Refuses a file that is there twice, or as a folder, too: a list says what
    /// unpacking all of it would.
    pub(super) fn new(all: Vec<Member>) -> Result<Self> {
        let mut files: Vec<usize> = (0..all.len()).collect();
        // Files before folders with the same path.
        files.sort_by(|&a, &b| {
            let (a, b) = (&all[a], &all[b]);
            by_parts(&a.path, &b.path).then(a.is_folder.cmp(&b.is_folder))
        });
        let at_odds = |pair: &[usize]| {
            let (first, second) = (&all[pair[0]], &all[pair[1]]);
            !first.is_folder && is_at_or_in(&second.path, &first.path)
        };
        if files.windows(2).any(at_odds) {
            return Err(refused("two members of the archive have the same path"));
        }
        files.retain(|&it| !all[it].is_folder);
        Ok(Self { all, files })
    }

    /// In the order of the archive.
    pub(in crate::client) fn all(&self) -> &[Member] {
        &self.all
    }

    /// The file with this path.
    pub(in crate::client) fn file(&self, path: &str) -> Option<&Member> {
        let order = |it: &usize| by_parts(&self.all[*it].path, path);
        let found = self.files.binary_search_by(order).ok()?;
        self.all.get(*self.files.get(found)?)
    }
}
