//! From an archive to a folder.

use super::walk::walk;
use super::{MAX_MEMBERS, Member, broken, refused};
use crate::client::output::{io_error, private_folder};
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::primitives::secret::Wiped;
use std::collections::BTreeSet;
use std::fs::{File, FileTimes, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::Path;
use std::time::{Duration, SystemTime};
use tar::Archive;

/// How much of a member is in memory at a time.
const MOST_AT_ONCE: usize = 256 * 1_024;

/// Makes everything that is in the archive, in `folder`, which is new and empty;
/// all of it flushed to the disk. Gives the reader back.
pub(in crate::client) fn extract<R: Read>(archive: R, folder: &Path) -> (Result<()>, R) {
    let mut archive = Archive::new(archive);
    let mut folders = BTreeSet::new();
    let result = match archive.entries() {
        Ok(entries) => walk(entries, |member, content| {
            let place = folder.join(&member.path);
            if member.is_folder {
                return make_folders(folder, &member.path, &mut folders);
            }
            if let Some((parent, _)) = member.path.rsplit_once('/') {
                make_folders(folder, parent, &mut folders)?;
            }
            make_file(&place, &member, content)
        }),
        Err(error) => Err(broken(&error)),
    };
    let result = result.and_then(|()| sync_all(folder, &folders));
    (result, archive.into_inner())
}

fn make_folders(folder: &Path, path: &str, made: &mut BTreeSet<String>) -> Result<()> {
    let ends = path.match_indices('/').map(|(at, _)| at);
    for end in ends.chain([path.len()]) {
        if made.insert(path[..end].to_owned()) {
            let created = private_folder(&folder.join(&path[..end]));
            created.map_err(|error| not_made("a folder can't be created", &error))?;
        }
        if made.len() > MAX_MEMBERS {
            return Err(refused("the archive has too many members"));
        }
    }
    Ok(())
}

/// The folder was empty, so what is there is of the same archive. (Where the file
/// system takes `a` for `A`, these are the same path.)
fn not_made(what: &str, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::AlreadyExists => refused("two members of the archive have the same path"),
        _ => io_error(what, error),
    }
}

fn make_file(place: &Path, member: &Member, content: &mut dyn Read) -> Result<()> {
    let mut options = OpenOptions::new();
    // New: nothing that is there is opened, not through a link either, and two
    // members of one name are refused.
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        let mode = if member.executable { 0o700 } else { 0o600 };
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    }
    let file = options.open(place);
    let mut file = file.map_err(|error| not_made("a file can't be created", &error))?;
    copy(content, member.size, &mut file, broken, |_| Ok(()))?;
    let modified = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(member.modified_s));
    if let Some(modified) = modified {
        // A time that the file system can't tell is not worth failing for.
        let _ = file.set_times(FileTimes::new().set_modified(modified));
    }
    let flushed = file.sync_all();
    flushed.map_err(|error| io_error("a file can't be flushed", &error))
}

/// Writes what `content` gives, which must be `size` bytes; `told` hears after each part
/// how much it was. Which side failed makes a difference, so it is not `io::copy`.
pub(in crate::client) fn copy(
    content: &mut dyn Read,
    size: u64,
    file: &mut File,
    unread: impl Fn(&io::Error) -> Error,
    mut told: impl FnMut(u64) -> Result<()>,
) -> Result<()> {
    // For a small file no more memory is taken, and wiped, than it has bytes.
    let room = usize::try_from(size).unwrap_or(usize::MAX);
    let mut buffer = Wiped::new(room.clamp(1, MOST_AT_ONCE));
    let mut copied = 0;
    loop {
        let len = match content.read(&mut buffer) {
            Ok(0) if copied == size => return Ok(()),
            Ok(0) => return Err(ErrorCode::EnvelopeTruncated.into()),
            Ok(len) => len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unread(&error)),
        };
        let written = file.write_all(&buffer[..len]);
        written.map_err(|error| io_error("a file can't be written", &error))?;
        copied += len as u64;
        told(copied)?;
    }
}

fn sync_all(folder: &Path, folders: &BTreeSet<String>) -> Result<()> {
    #[cfg(unix)]
    for path in folders.iter().map(String::as_str).chain([""]) {
        let synced = File::open(folder.join(path)).and_then(|it| it.sync_all());
        synced.map_err(|error| io_error("a folder can't be flushed", &error))?;
    }
    #[cfg(not(unix))]
    let _ = (folder, folders);
    Ok(())
}
