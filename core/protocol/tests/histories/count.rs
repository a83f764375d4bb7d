//! How often each thing was allowed and forbidden: a test that never sees one
//! of the two has tested nothing.

use super::model::Deed;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

#[derive(Default, Debug)]
pub struct Count(AtomicUsize, AtomicUsize);

#[derive(Default, Debug)]
pub struct Counts {
    pub created: Count,
    pub own: Count,
    pub directory: Count,
    pub grant: Count,
    pub revoke: Count,
    pub rotate: Count,
    pub transfer: Count,
    pub metadata: Count,
    pub end: Count,
}

pub fn count(count: &Count, allowed: bool) {
    let which = if allowed { &count.0 } else { &count.1 };
    which.fetch_add(1, Relaxed);
}

impl Counts {
    pub fn of(&self, deed: &Deed) -> &Count {
        match deed {
            Deed::Grant { .. } => &self.grant,
            Deed::Revoke { .. } => &self.revoke,
            Deed::Rotate { .. } => &self.rotate,
            Deed::Transfer { .. } => &self.transfer,
            Deed::Metadata { .. } => &self.metadata,
            Deed::End => &self.end,
        }
    }

    /// Each thing was allowed and forbidden at least `often` times.
    pub fn check(&self, often: usize) {
        for (name, count) in [
            ("created", &self.created),
            ("own chain", &self.own),
            ("directory", &self.directory),
            ("grant", &self.grant),
            ("revoke", &self.revoke),
            ("rotate", &self.rotate),
            ("transfer", &self.transfer),
            ("metadata", &self.metadata),
            ("end", &self.end),
        ] {
            let (yes, no) = (count.0.load(Relaxed), count.1.load(Relaxed));
            println!("{name}: {yes} allowed, {no} forbidden");
            assert!(yes >= often && no >= often, "{name}: {yes} and {no}");
        }
    }
}
