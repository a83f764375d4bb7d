//! The bytes below the store: a file, or what a test puts in its place.

use super::{Result, failed};
use crate::ports::{StoreError, StoreFailure};
use core::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::{Duration, Instant};

/// Random access to bytes, as an operating system gives it: what is written is
/// on the disk only after [`Medium::sync`].
pub(super) trait Medium: Debug + Send + Sync + 'static {
    fn len(&self) -> io::Result<u64>;
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
    fn write_at(&self, data: &[u8], offset: u64) -> io::Result<()>;
    fn set_len(&self, len: u64) -> io::Result<()>;
    fn sync(&self) -> io::Result<()>;
}

#[cfg(unix)]
impl Medium for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, buffer, offset)
    }

    fn write_at(&self, data: &[u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(self, data, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        File::set_len(self, len)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

#[cfg(windows)]
impl Medium for File {
    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buffer.is_empty() {
            let count = std::os::windows::fs::FileExt::seek_read(self, buffer, offset)?;
            if count == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            buffer = &mut buffer[count..];
            offset += count as u64;
        }
        Ok(())
    }

    fn write_at(&self, mut data: &[u8], mut offset: u64) -> io::Result<()> {
        while !data.is_empty() {
            let count = std::os::windows::fs::FileExt::seek_write(self, data, offset)?;
            if count == 0 {
                return Err(ErrorKind::WriteZero.into());
            }
            data = &data[count..];
            offset += count as u64;
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        File::set_len(self, len)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

/// How a file is going to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// With others who only read.
    Read,
    /// Alone.
    Write,
}

/// Opens and locks the file; `None` if there is none. Waits for others at most
/// `patience`. The lock ends with the file.
///
/// # Errors
/// Io, ReadOnly, Busy.
pub(super) fn open(path: &Path, access: Access, patience: Duration) -> Result<Option<File>> {
    let opened = OpenOptions::new()
        .read(true)
        .write(access == Access::Write)
        .open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) if access == Access::Write && error.kind() == ErrorKind::PermissionDenied => {
            return Err(failed(StoreFailure::ReadOnly, "the file can't be written"));
        }
        Err(error) => return Err(io_error("the store can't be opened", &error)),
    };
    let start = Instant::now();
    let mut pause = Duration::from_micros(200);
    loop {
        let locked = match access {
            Access::Read => fs4::FileExt::try_lock_shared(&file),
            Access::Write => fs4::FileExt::try_lock(&file),
        };
        match locked {
            Ok(()) => return Ok(Some(file)),
            Err(fs4::TryLockError::WouldBlock) if start.elapsed() < patience => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(10));
            }
            Err(fs4::TryLockError::WouldBlock) => {
                let what = "another process holds the store";
                return Err(failed(StoreFailure::Busy, what));
            }
            Err(fs4::TryLockError::Error(error)) => {
                return Err(io_error("the store can't be locked", &error));
            }
        }
    }
}

/// Puts a whole, synced file under its name, unless the name is taken. `make`
/// fills it; nobody sees it before.
///
/// # Errors
/// Io, Full, ReadOnly, or what `make` returns.
pub(super) fn create(path: &Path, make: impl FnOnce(File) -> Result<()>) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let failed_to_make = |error: io::Error| match error.kind() {
        ErrorKind::PermissionDenied => {
            failed(StoreFailure::ReadOnly, "the folder can't be written")
        }
        _ => io_error("the store can't be made", &error),
    };
    // Mode 0600 on unix.
    let file = tempfile::Builder::new()
        .prefix(".plico-")
        .tempfile_in(folder)
        .map_err(failed_to_make)?;
    make(file.as_file().try_clone().map_err(failed_to_make)?)?;
    match file.persist_noclobber(path) {
        Ok(_) => {}
        // Another process was faster: its store is the one.
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(failed_to_make(error.error)),
    }
    // Only unix can sync a folder; elsewhere the file system does it by itself.
    #[cfg(unix)]
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed_to_make)?;
    Ok(())
}

/// A sentence without a path: that may name a person.
pub(super) fn io_error(what: &str, error: &io::Error) -> StoreError {
    let failure = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            StoreFailure::Full
        }
        ErrorKind::ReadOnlyFilesystem => StoreFailure::ReadOnly,
        _ => StoreFailure::Io,
    };
    failed(failure, format!("{what}: {}", error.kind()))
}
