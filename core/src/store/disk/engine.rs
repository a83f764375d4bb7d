//! One operation on one opened medium: the database between the pager and the
//! records (docs/spec/store.md, "Container").

use super::header::{self, HEADER_LEN};
use super::key::{Keys, StoreKey};
use super::medium::{Medium, io_error};
use super::pager::Pager;
use super::place::Place;
use super::{Result, failed};
use crate::ports::{Batch, Change, Expected, Pairs, StoreFailure};
use redb::{Database, ReadableTable, Table, TableDefinition};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use zeroize::Zeroizing;

const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");
const STORE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("store");
const PLACE: &str = "place";
/// Memory for the database's own caches: an operation touches a few pages.
const CACHE: usize = 1024 * 1024;

/// Above this a value is refused: one value lies in one region.
const MAX_VALUE: usize = 16 * 1024 * 1024;
/// Pages of a region's header, and of its data: 64 MiB. Each commit writes the
/// allocator's state of a whole region; the database's own 4 GiB would cost
/// 1 MiB each time, and its builder does not let us choose.
const REGION_PAGES: [u32; 2] = [3, 16_384];

type Records<'a> = Table<'a, &'static str, &'static [u8]>;

/// A batch and what it expects, each value in memory that is wiped: whether it
/// is carried out or not.
#[derive(Default)]
pub(super) struct Changes {
    /// `None` removes the name.
    batch: Vec<(String, Option<Value>)>,
    expected: Vec<(String, Option<Value>)>,
}

type Value = Zeroizing<Vec<u8>>;

impl Changes {
    pub fn new(batch: Batch, expected: Expected) -> Self {
        let batch = batch.into_iter().map(|change| match change {
            Change::Put(name, value) => (name, Some(Zeroizing::new(value))),
            Change::Delete(name) => (name, None),
        });
        let expected = expected
            .into_iter()
            .map(|(name, value)| (name, value.map(Zeroizing::new)));
        Self {
            batch: batch.collect(),
            expected: expected.collect(),
        }
    }
}

/// A store file for the time of one operation. What the database writes as it
/// closes is never published.
pub(super) struct Engine {
    database: Database,
    pager: Pager,
    keys: Arc<Keys>,
}

/// Runs `work` on the store that is on `medium`.
///
/// # Errors
/// Io, Damaged, WrongKey, NewerVersion, and what `work` returns. The medium is
/// not changed by a failure to open.
pub(super) fn with<T>(
    medium: Arc<dyn Medium>,
    key: &StoreKey,
    work: impl FnOnce(&Engine) -> Result<T>,
) -> Result<T> {
    let length = medium
        .len()
        .map_err(|error| io_error("the store can't be read", &error))?;
    if length < HEADER_LEN as u64 {
        return Err(failed(StoreFailure::Damaged, "the file ends too early"));
    }
    let mut bytes = [0; HEADER_LEN];
    medium
        .read_at(&mut bytes, 0)
        .map_err(|error| io_error("the store can't be read", &error))?;
    let keys = Arc::new(header::open(&bytes, key)?);
    let pager = Pager::open(medium, keys.clone())?;
    guarded(&pager.clone(), move || {
        let engine = Engine {
            database: database(&pager, false)?,
            pager,
            keys,
        };
        work(&engine)
    })
}

/// Makes a store on an empty medium, with `batch` in it.
///
/// # Errors
/// Io, Full, ReadOnly.
pub(super) fn create(
    medium: Arc<dyn Medium>,
    key: &StoreKey,
    place: &Place,
    changes: &Changes,
) -> Result<()> {
    let (bytes, keys) = header::create(key)?;
    let fault = |error| io_error("the store can't be made", &error);
    medium.write_at(&bytes, 0).map_err(fault)?;
    let keys = Arc::new(keys);
    let empty = Pager::empty(medium.clone(), keys.clone());
    let pager = guarded(&empty, || {
        let _database = database(&empty, true)?;
        Ok(empty.only_first_block(small_regions)) // before it makes its first trees
    })?;
    guarded(&pager.clone(), move || {
        let engine = Engine {
            database: database(&pager, true)?,
            pager,
            keys,
        };
        engine.write(|records, keys| apply(records, keys, changes), Some(place))
    })?;
    medium.sync().map_err(fault)
}

/// The database asserts where it finds what it would never write. Nothing
/// unauthentic reaches it, but an old block in place of a newer one can: that
/// must not take the app down.
fn guarded<T>(pager: &Pager, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let result = catch_unwind(AssertUnwindSafe(work));
    let result = result.unwrap_or_else(|_| Err(damaged("the structure is not sound")));
    // What happened below says more than what the database made of it.
    result.map_err(|error| match (error.failure, pager.failure()) {
        (StoreFailure::Damaged, Some(below)) => below,
        _ => error,
    })
}

fn damaged(what: &str) -> crate::ports::StoreError {
    failed(StoreFailure::Damaged, what)
}

/// An error of the database's own: nothing below it fails without leaving a note.
fn broken(_: impl Into<redb::Error>) -> crate::ports::StoreError {
    damaged("the structure is not sound")
}

fn database(pager: &Pager, new: bool) -> Result<Database> {
    let mut builder = Database::builder();
    builder
        .set_cache_size(CACHE)
        .create_with_file_format_v3(true);
    if !new {
        // Each commit holds all that opening needs. If it is not there, another wrote this.
        builder.set_repair_callback(redb::RepairSession::abort);
    }
    builder.create_with_backend(pager.clone()).map_err(broken)
}

/// The header of an empty database says how large its regions are ("region
/// header pages" and "region max data pages" of the documented format); the
/// rest of it is then laid out anew.
fn small_regions(first_block: &mut [u8]) {
    for (field, value) in first_block[16..24].chunks_exact_mut(4).zip(REGION_PAGES) {
        field.copy_from_slice(&value.to_le_bytes());
    }
}

impl Engine {
    /// The place that the store was bound to.
    pub fn place(&self) -> Result<Place> {
        let read = self.database.begin_read().map_err(broken)?;
        let table = read.open_table(STORE).map_err(broken)?;
        let sealed = table.get(PLACE).map_err(broken)?;
        let sealed = sealed.ok_or_else(|| damaged("the place is missing"))?;
        let bytes = self.keys.open_record("store", PLACE, sealed.value())?;
        Place::decode(&bytes).ok_or_else(|| damaged("the place is not one"))
    }

    pub fn get(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let read = self.database.begin_read().map_err(broken)?;
        let table = read.open_table(RECORDS).map_err(broken)?;
        value_in(&table, &self.keys, name)
    }

    pub fn scan(&self, prefix: &str) -> Result<Pairs> {
        let read = self.database.begin_read().map_err(broken)?;
        let table = read.open_table(RECORDS).map_err(broken)?;
        // Wiped if the scan fails half-way.
        let mut pairs: Vec<(String, Value)> = Vec::new();
        for entry in table.range(prefix..).map_err(broken)? {
            let (name, sealed) = entry.map_err(broken)?;
            let name = name.value();
            if !name.starts_with(prefix) {
                break;
            }
            let value = self.keys.open_record("records", name, sealed.value())?;
            pairs.push((name.to_owned(), Zeroizing::new(value)));
        }
        let plain = |(name, mut value): (String, Value)| (name, core::mem::take(&mut *value));
        Ok(pairs.into_iter().map(plain).collect())
    }

    /// # Errors
    /// Conflict, Io, Full, ReadOnly, Damaged; then nothing has changed.
    pub fn commit(&self, changes: &Changes) -> Result<()> {
        if changes.batch.is_empty() {
            let read = self.database.begin_read().map_err(broken)?;
            let records = read.open_table(RECORDS).map_err(broken)?;
            return hold(&records, &self.keys, changes);
        }
        let change = |records: &mut Records<'_>, keys: &Keys| {
            hold(records, keys, changes)?;
            apply(records, keys, changes)
        };
        self.write(change, None)
    }

    /// Binds the store to a place.
    pub fn bind(&self, place: &Place) -> Result<()> {
        self.write(|_, _| Ok(()), Some(place))
    }

    fn write(
        &self,
        change: impl FnOnce(&mut Records<'_>, &Keys) -> Result<()>,
        place: Option<&Place>,
    ) -> Result<()> {
        let mut write = self.database.begin_write().map_err(broken)?;
        write.set_quick_repair(true);
        {
            let mut records = write.open_table(RECORDS).map_err(broken)?;
            change(&mut records, &self.keys)?;
            if let Some(place) = place {
                let sealed = self.keys.seal_record("store", PLACE, &place.encode())?;
                let mut store = write.open_table(STORE).map_err(broken)?;
                store.insert(PLACE, sealed.as_slice()).map_err(broken)?;
            }
        }
        write.commit().map_err(broken)?;
        self.pager.publish()
    }
}

fn value_in(
    table: &impl ReadableTable<&'static str, &'static [u8]>,
    keys: &Keys,
    name: &str,
) -> Result<Option<Vec<u8>>> {
    let sealed = table.get(name).map_err(broken)?;
    sealed
        .map(|sealed| keys.open_record("records", name, sealed.value()))
        .transpose()
}

/// # Errors
/// Conflict, if something that is expected does not hold.
fn hold(
    records: &impl ReadableTable<&'static str, &'static [u8]>,
    keys: &Keys,
    changes: &Changes,
) -> Result<()> {
    for (name, expected) in &changes.expected {
        let have = value_in(records, keys, name)?.map(Zeroizing::new);
        if have != *expected {
            let what = "somebody else has written in between";
            return Err(failed(StoreFailure::Conflict, what));
        }
    }
    Ok(())
}

fn apply(records: &mut Records<'_>, keys: &Keys, changes: &Changes) -> Result<()> {
    for (name, value) in &changes.batch {
        let name = name.as_str();
        let Some(value) = value else {
            records.remove(name).map_err(broken)?;
            continue;
        };
        if value.len() > MAX_VALUE {
            return Err(failed(StoreFailure::Io, "a value of more than 16 MiB"));
        }
        let sealed = keys.seal_record("records", name, value)?;
        records.insert(name, sealed.as_slice()).map_err(broken)?;
    }
    Ok(())
}
