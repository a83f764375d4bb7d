//! An encrypted store in one file (docs/spec/store.md; why it is built like
//! this: docs/adr/0007-disk-store.md).
//!
//! From the outside in: `mod` (what a host sees, and a thread), `medium` (a
//! file), `header` and `key`, `pager` (sealed blocks and atomic commits),
//! `engine` (the database and the records), `place` (is it a copy?).

mod engine;
mod header;
mod key;
mod medium;
mod pager;
mod place;
#[cfg(test)]
mod tests;
mod worker;

pub use key::StoreKey;

use crate::ports::{Batch, BoxFuture, Expected, Pairs, Store, StoreError, StoreFailure};
use core::fmt;
use engine::{Changes, Engine};
use medium::Access;
use place::Place;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use worker::Worker;

type Result<T> = core::result::Result<T, StoreError>;

fn failed(failure: StoreFailure, detail: impl Into<String>) -> StoreError {
    StoreError {
        failure,
        detail: detail.into(),
    }
}

/// How a [`DiskStore`] is opened.
#[derive(Clone, Debug)]
pub struct DiskStoreOptions {
    path: PathBuf,
    key: StoreKey,
    bound_to: Vec<u8>,
    accept_copy: bool,
    patience: Duration,
}

impl DiskStoreOptions {
    /// The store in this file, under this key. The folder must be there; the
    /// file is made with the first commit. Use a folder that the system's
    /// backup leaves out: a restored store is a copy, and an old one.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, key: StoreKey) -> Self {
        Self {
            path: path.into(),
            key,
            bound_to: Vec::new(),
            accept_copy: false,
            patience: Duration::from_secs(10),
        }
    }

    /// Binds the store to something that this machine has and its disk does
    /// not, such as a hardware identifier: then a copy of the whole disk is
    /// noticed, too. It must be the same each time; only its hash is kept.
    #[must_use]
    pub fn bound_to(mut self, machine: impl Into<Vec<u8>>) -> Self {
        self.bound_to = machine.into();
        self
    }

    /// Whether a store that was copied here may be used: it is then bound to
    /// this place. Set it once, after a move or a restore that was meant. Two
    /// copies in use are two devices with one key: each undoes what the other
    /// remembers.
    #[must_use]
    pub fn accept_copy(mut self, accept: bool) -> Self {
        self.accept_copy = accept;
        self
    }

    /// How long an operation waits while another process holds the store; 10
    /// seconds if not set. Each holds it for milliseconds only.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}

/// A store in one file: names and values encrypted under the host's key,
/// authenticated, and safe against power loss.
///
/// Opened per operation, so that several processes can work with it side by
/// side; nothing is held in between. Nothing is read or written before the
/// first operation. Each operation runs on a thread of the store's own; one
/// that was begun is carried out even if its future is dropped.
///
/// What goes wrong is one of [`StoreFailure`]; none of them loses what was
/// committed.
pub struct DiskStore {
    file: Arc<StoreFile>,
    worker: Worker,
}

struct StoreFile(DiskStoreOptions);

impl fmt::Debug for DiskStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DiskStore(..)")
    }
}

impl DiskStore {
    /// The store that `options` describe. Touches nothing yet.
    #[must_use]
    pub fn new(options: DiskStoreOptions) -> Self {
        Self {
            file: Arc::new(StoreFile(options)),
            worker: Worker::default(),
        }
    }

    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&StoreFile) -> Result<T> + Send + 'static,
    ) -> BoxFuture<'static, Result<T>> {
        let file = self.file.clone();
        Box::pin(self.worker.run(move || work(&file)))
    }
}

impl Store for DiskStore {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>>> {
        let name = key.to_owned();
        self.run(move |file| Ok(file.read(|engine| engine.get(&name))?.flatten()))
    }

    fn scan<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Pairs>> {
        let prefix = prefix.to_owned();
        self.run(move |file| {
            Ok(file
                .read(|engine| engine.scan(&prefix))?
                .unwrap_or_default())
        })
    }

    fn commit(&self, batch: Batch, expected: Expected) -> BoxFuture<'_, Result<()>> {
        let batch = Changes::new(batch, expected);
        self.run(move |file| file.commit(&batch))
    }
}

impl StoreFile {
    /// `None` if there is no file yet.
    fn read<T>(&self, work: impl FnOnce(&Engine) -> Result<T>) -> Result<Option<T>> {
        let Some(file) = self.open(Access::Read)? else {
            self.check_folder()?;
            return Ok(None);
        };
        let here = self.place(&file)?;
        let mut work = Some(work);
        let mut once = |engine: &Engine| work.take().map(|work| work(engine)).transpose();
        let done = engine::with(Arc::new(file), &self.0.key, |engine| {
            if engine.place()?.is(&here) {
                once(engine)
            } else if self.0.accept_copy {
                Ok(None)
            } else {
                Err(copied())
            }
        })?;
        if done.is_some() {
            return Ok(done);
        }
        let Some(file) = self.open(Access::Write)? else {
            return Ok(None);
        };
        engine::with(Arc::new(file), &self.0.key, |engine| {
            engine.bind(&here)?;
            once(engine)
        })
    }

    fn commit(&self, changes: &Changes) -> Result<()> {
        loop {
            if let Some(file) = self.open(Access::Write)? {
                let here = self.place(&file)?;
                return engine::with(Arc::new(file), &self.0.key, |engine| {
                    if !engine.place()?.is(&here) {
                        if !self.0.accept_copy {
                            return Err(copied());
                        }
                        engine.bind(&here)?;
                    }
                    engine.commit(changes)
                });
            }
            // An empty store first; if two processes do this, one wins and both go on with it.
            medium::create(&self.0.path, |file| {
                let here = self.place(&file)?;
                engine::create(Arc::new(file), &self.0.key, &here, &Changes::default())
            })?;
        }
    }

    fn open(&self, access: Access) -> Result<Option<File>> {
        medium::open(&self.0.path, access, self.0.patience)
    }

    fn place(&self, file: &File) -> Result<Place> {
        let metadata = file
            .metadata()
            .map_err(|error| medium::io_error("the store can't be read", &error))?;
        Ok(Place::of(&metadata, &self.0.bound_to))
    }

    /// Nothing there yet is a new store only if it could be made.
    fn check_folder(&self) -> Result<()> {
        let folder = self.0.path.parent().filter(|it| !it.as_os_str().is_empty());
        match folder.unwrap_or(Path::new(".")).metadata() {
            Ok(folder) if folder.is_dir() => Ok(()),
            Ok(_) => Err(failed(StoreFailure::Io, "the store's folder is none")),
            Err(error) => Err(medium::io_error("the store's folder can't be read", &error)),
        }
    }
}

fn copied() -> StoreError {
    failed(
        StoreFailure::Copied,
        "the store is not where it was bound to",
    )
}
