//! The store on a disk that can lose power, fill up, wear out or be locked.
#![allow(clippy::unwrap_used, clippy::panic)]

mod damage;
mod fake;
mod faults;
mod file;
mod power;

use super::engine::{self, Changes, Engine};
use super::place::Place;
use super::{Result, StoreKey};
use crate::ports::{Batch, Change, Expected};
use fake::FakeDisk;
use std::collections::BTreeMap;
use std::sync::Arc;

type Model = BTreeMap<String, Vec<u8>>;

fn key() -> StoreKey {
    StoreKey::new([7; 32])
}

fn place() -> Place {
    Place {
        inode: Some(1),
        born_ns: None,
        bound_to: [0; 32],
    }
}

fn put(name: &str, value: &[u8]) -> Change {
    Change::Put(name.into(), value.into())
}

/// A whole store with these records.
fn store(records: &Model) -> Arc<FakeDisk> {
    let disk = Arc::new(FakeDisk::default());
    let batch = records.iter().map(|(name, value)| put(name, value));
    let changes = Changes::new(batch.collect(), Vec::new());
    engine::create(disk.clone(), &key(), &place(), &changes).unwrap();
    disk
}

fn with<T>(disk: &Arc<FakeDisk>, work: impl FnOnce(&Engine) -> Result<T>) -> Result<T> {
    engine::with(disk.clone(), &key(), work)
}

fn commit(disk: &Arc<FakeDisk>, batch: Batch, expected: Expected) -> Result<()> {
    let changes = Changes::new(batch, expected);
    with(disk, |engine| engine.commit(&changes))
}

fn content(disk: &Arc<FakeDisk>) -> Result<Model> {
    with(disk, |engine| Ok(engine.scan("")?.into_iter().collect()))
}

fn applied(model: &Model, batch: &Batch) -> Model {
    let mut model = model.clone();
    for change in batch {
        match change {
            Change::Put(name, value) => model.insert(name.clone(), value.clone()),
            Change::Delete(name) => model.remove(name),
        };
    }
    model
}

/// Small and repeatable; a failing test names its seed.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % bound.max(1) as u64) as usize
    }

    fn batch(&mut self) -> Batch {
        let count = 1 + self.below(6);
        (0..count)
            .map(|_| {
                let name = format!(
                    "{}/{}",
                    ["a", "journal", "pin"][self.below(3)],
                    self.below(12)
                );
                if self.below(4) == 0 {
                    return Change::Delete(name);
                }
                // Mostly small, sometimes over several pages.
                let length = [3, 200, 4000, 30_000][self.below(20).saturating_sub(16)];
                let byte = self.below(256) as u8;
                Change::Put(name, vec![byte; length + self.below(50)])
            })
            .collect()
    }
}
