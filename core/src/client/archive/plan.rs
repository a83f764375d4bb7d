//! From a folder to an archive.

use super::path::safe_path;
use super::{MAX_MEMBERS, behind};
use crate::client::output::{io_error, is_unfinished};
use crate::error::{Error, ErrorCode, Result};
use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use tar::{Builder, EntryType, Header};

/// A folder that no archive is made of.
fn unfit(why: &str) -> Error {
    Error::new(ErrorCode::InvalidArgument).with_detail(why)
}

/// What is to be archived: paths in the archive, in order, and how long all
/// files are together.
pub(in crate::client) struct Plan {
    members: Vec<(String, PathBuf, Metadata)>,
    pub(in crate::client) total: u64,
}

impl Plan {
    /// Everything in `folder`. What is neither a file nor a folder is an error,
    /// or left out.
    pub(in crate::client) fn new(folder: &Path, skip_links: bool) -> Result<Self> {
        let failed = |error: io::Error| io_error("the folder can't be read", &error);
        let mut plan = Self {
            members: Vec::new(),
            total: 0,
        };
        let mut open = vec![(String::new(), folder.to_owned())];
        while let Some((prefix, folder)) = open.pop() {
            for entry in std::fs::read_dir(folder).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let name = entry.file_name().into_string();
                let name = name.map_err(|_| unfit("a name in the folder is not Unicode"))?;
                // What is being written, perhaps this very envelope, is no member.
                if is_unfinished(&name) {
                    continue;
                }
                let path = format!("{prefix}{name}");
                let metadata = entry.metadata().map_err(failed)?;
                if metadata.is_dir() {
                    open.push((format!("{path}/"), entry.path()));
                } else if metadata.is_file() {
                    plan.total = plan.total.saturating_add(metadata.len());
                } else if skip_links {
                    continue;
                } else {
                    let what = "the folder holds a link or something else that is no file";
                    return Err(unfit(what));
                }
                safe_path(path.as_bytes()).map_err(unfit)?;
                if plan.members.len() >= MAX_MEMBERS {
                    return Err(ErrorCode::TooLarge.into());
                }
                plan.members.push((path, entry.path(), metadata));
            }
        }
        plan.members.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(plan)
    }

    /// Writes the archive. `watch` sees the bytes of the files as they are read,
    /// and may end it.
    pub(in crate::client) fn write<W: Write>(
        &self,
        out: W,
        watch: &mut dyn FnMut(usize) -> io::Result<()>,
    ) -> Result<W> {
        let failed = |error: io::Error| {
            let cause = behind(&error);
            cause.unwrap_or_else(|| io_error("the archive can't be written", &error))
        };
        let mut builder = Builder::new(out);
        for (path, source, metadata) in &self.members {
            let mut header = header_of(metadata);
            let appended = if metadata.is_dir() {
                builder.append_data(&mut header, format!("{path}/"), io::empty())
            } else {
                // What was a file when the plan was made.
                let file = open_without_links(source);
                let file = file.map_err(|error| io_error("a file can't be read", &error))?;
                let exactly = Exactly {
                    file,
                    left: metadata.len(),
                    watch,
                };
                builder.append_data(&mut header, path, exactly)
            };
            appended.map_err(failed)?;
        }
        builder.into_inner().map_err(failed)
    }
}

fn header_of(metadata: &Metadata) -> Header {
    let mut header = Header::new_gnu();
    let modified = metadata.modified().unwrap_or(UNIX_EPOCH);
    let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    header.set_mtime(since.as_secs());
    header.set_uid(0);
    header.set_gid(0);
    if metadata.is_dir() {
        header.set_entry_type(EntryType::Directory);
        header.set_mode(0o755);
        header.set_size(0);
    } else {
        header.set_entry_type(EntryType::Regular);
        header.set_mode(if is_executable(metadata) {
            0o755
        } else {
            0o644
        });
        header.set_size(metadata.len());
    }
    header
}

#[cfg(unix)]
fn is_executable(metadata: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &Metadata) -> bool {
    false
}

/// Opens a file, but not through a link that was put in its place meanwhile.
fn open_without_links(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    match path.symlink_metadata()?.is_file() && file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// A file that must have the length that the archive says.
struct Exactly<'a> {
    file: File,
    left: u64,
    watch: &'a mut dyn FnMut(usize) -> io::Result<()>,
}

impl Read for Exactly<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let most = most.min(out.len());
        let len = self.file.read(&mut out[..most])?;
        if len == 0 && most > 0 {
            let what = "a file became shorter while it was read";
            let error = Error::new(ErrorCode::Io).with_detail(what);
            return Err(io::Error::other(error));
        }
        self.left -= len as u64;
        (self.watch)(len)?;
        Ok(len)
    }
}
