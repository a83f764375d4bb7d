//! Output on the disk: under its final name when it is whole and flushed, and
//! not before; and the tidying up after a process that could not do so itself.
//!
//! What is not finished is called `.plico-XXXXXXXXXXXX.tmp`, beside where it is
//! going, and locked by whoever writes it. A lock ends with its process, so one
//! that can be had belongs to nobody any more: whoever finds such a file deletes
//! it. A folder has a locked file of this name, and its members are in
//! `.plico-XXXXXXXXXXXX.tmp.d`.

use crate::error::{Error, ErrorCode, Result};
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tempfile::NamedTempFile;

const PREFIX: &str = ".plico-";
const SUFFIX: &str = ".tmp";
const RANDOM: usize = 12;
/// How many folders are remembered as tidied up by this process.
const MAX_TIDIED: usize = 1_024;
/// How often a temporary file is made anew, if another process takes it away.
const TRIES: usize = 16;

pub(super) fn io_error(what: &str, error: &io::Error) -> Error {
    // The path may name a person; the kind does not.
    Error::new(ErrorCode::Io).with_detail(format!("{what}: {}", error.kind()))
}

/// Where a file of this name is.
fn folder_of(target: &Path) -> &Path {
    let folder = target.parent().filter(|it| !it.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// A file that is not finished. Dropped, it is gone.
#[derive(Debug)]
pub(super) struct Unfinished(NamedTempFile);

impl Unfinished {
    /// Beside `target`. The first time in a folder, what others have left
    /// behind there is deleted.
    pub(super) fn beside(target: &Path) -> Result<Self> {
        let folder = folder_of(target);
        tidy_once(folder);
        let failed = |error: io::Error| io_error("the output can't be created", &error);
        for _ in 0..TRIES {
            let file = tempfile::Builder::new()
                .prefix(PREFIX)
                .suffix(SUFFIX)
                .rand_bytes(RANDOM)
                .tempfile_in(folder)
                .map_err(failed)?;
            match fs4::FileExt::try_lock(file.as_file()) {
                // Whoever tidies up may have been faster, and has deleted it.
                Ok(()) if !file.path().exists() => {}
                Err(fs4::TryLockError::WouldBlock) => {}
                // Where there are no locks, nobody else can tidy up either.
                Ok(()) | Err(fs4::TryLockError::Error(_)) => return Ok(Self(file)),
            }
        }
        Err(failed(io::ErrorKind::ResourceBusy.into()))
    }

    pub(super) fn file(&mut self) -> &mut File {
        self.0.as_file_mut()
    }

    /// Whole, and on the disk.
    pub(super) fn flush(&self) -> Result<()> {
        let flushed = self.0.as_file().sync_all();
        flushed.map_err(|error| io_error("the output can't be flushed", &error))
    }

    /// Under its final name. A file of that name is replaced. The name is on the
    /// disk after [`sync_name`].
    pub(super) fn publish(self, target: &Path) -> Result<()> {
        let placed = self.0.persist(target);
        placed.map_err(|error| io_error("the output can't be put in place", &error.error))?;
        Ok(())
    }
}

/// A folder that is not finished. Dropped, it is gone with all that is in it.
#[cfg(feature = "folders")]
#[derive(Debug)]
pub(super) struct UnfinishedFolder {
    // Deleted after the members: while it is there, they are somebody's.
    _lock: Unfinished,
    members: PathBuf,
}

#[cfg(feature = "folders")]
impl UnfinishedFolder {
    /// Beside `target`, where there must be nothing yet.
    pub(super) fn beside(target: &Path) -> Result<Self> {
        nothing_at(target)?;
        let lock = Unfinished::beside(target)?;
        let members = members_of(lock.0.path());
        let made = private_folder(&members);
        made.map_err(|error| io_error("the output can't be created", &error))?;
        Ok(Self {
            _lock: lock,
            members,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.members
    }

    /// Under its final name, if there still is nothing.
    pub(super) fn publish(self, target: &Path) -> Result<()> {
        nothing_at(target)?;
        std::fs::rename(&self.members, target)
            .map_err(|error| io_error("the output can't be put in place", &error))?;
        Ok(())
    }
}

#[cfg(feature = "folders")]
impl Drop for UnfinishedFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.members);
    }
}

/// For its owner alone, as decrypted files are.
#[cfg(feature = "folders")]
pub(super) fn private_folder(path: &Path) -> io::Result<()> {
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(feature = "folders")]
fn nothing_at(target: &Path) -> Result<()> {
    if target.symlink_metadata().is_ok() {
        let exists = io::ErrorKind::AlreadyExists.into();
        return Err(io_error("the output can't be put in place", &exists));
    }
    Ok(())
}

fn members_of(lock: &Path) -> PathBuf {
    let mut name = lock.as_os_str().to_owned();
    name.push(".d");
    name.into()
}

/// A name is on the disk when its folder is.
#[cfg(unix)]
pub(super) fn sync_name(target: &Path) -> Result<()> {
    let synced = File::open(folder_of(target)).and_then(|folder| folder.sync_all());
    synced.map_err(|error| io_error("the output can't be flushed", &error))
}

#[cfg(not(unix))]
pub(super) fn sync_name(_: &Path) -> Result<()> {
    Ok(())
}

fn tidy_once(folder: &Path) {
    static TIDIED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    let mut tidied = TIDIED.lock().unwrap_or_else(PoisonError::into_inner);
    if tidied.len() >= MAX_TIDIED {
        tidied.clear();
    }
    let is_new = tidied.insert(folder.to_owned());
    drop(tidied);
    if is_new {
        // What can't be deleted now is no reason to do nothing else.
        let _ = remove_leftovers(folder);
    }
}

/// Deletes what encrypting and decrypting into `folder` have left behind when
/// their process was ended, and says how many files and folders that were. What
/// is being written now, by whatever process, stays.
///
/// Each process does this by itself before it first writes into a folder.
///
/// # Errors
/// `IO` if the folder can't be read, or something can't be deleted.
pub fn remove_leftovers(folder: impl AsRef<Path>) -> Result<usize> {
    let failed = |error: io::Error| io_error("what was left behind can't be deleted", &error);
    let mut removed = 0;
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let is_file = entry.file_type().map_err(failed)?.is_file();
        if is_file && entry.file_name().to_str().is_some_and(is_ours) {
            removed += usize::from(remove_leftover(&entry.path()).map_err(failed)?);
        }
    }
    Ok(removed)
}

/// Whether a name is that of something that is not finished.
#[cfg(feature = "folders")]
pub(super) fn is_unfinished(name: &str) -> bool {
    is_ours(name.strip_suffix(".d").unwrap_or(name))
}

fn is_ours(name: &str) -> bool {
    let name = name.strip_prefix(PREFIX);
    let random = name.and_then(|it| it.strip_suffix(SUFFIX));
    random.is_some_and(|it| it.len() == RANDOM && it.bytes().all(|it| it.is_ascii_alphanumeric()))
}

fn remove_leftover(path: &Path) -> io::Result<bool> {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if fs4::FileExt::try_lock(&file).is_err() {
        return Ok(false);
    }
    // Held until both are gone.
    for removed in [
        std::fs::remove_dir_all(members_of(path)),
        std::fs::remove_file(path),
    ] {
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_what_nobody_holds_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        let held = Unfinished::beside(&target).unwrap();
        let left = folder.path().join(".plico-0123456789ab.tmp");
        std::fs::write(&left, b"plaintext").unwrap();
        std::fs::create_dir(members_of(&left)).unwrap();
        std::fs::write(members_of(&left).join("member"), b"plaintext").unwrap();
        for other in [".plico-short.tmp", ".plico-0123456789a-.tmp", "x.tmp"] {
            std::fs::write(folder.path().join(other), b"somebody else's").unwrap();
        }
        assert_eq!(remove_leftovers(folder.path()).unwrap(), 1);
        assert_eq!(remove_leftovers(folder.path()).unwrap(), 0);
        assert!(!left.exists() && !members_of(&left).exists());
        assert!(held.0.path().exists());
        held.publish(&target).unwrap();
        sync_name(&target).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4);
    }
}
