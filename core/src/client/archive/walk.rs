//! From header to header.

use super::path::safe_path;
use super::{MAX_MEMBERS, Member, Members, broken, refused};
use crate::error::Result;
use std::io::{Read, Seek};
use tar::{Archive, Entry, EntryType, PaxExtensions};

/// The most bytes of a header that tells a long name.
const MAX_EXTENSION: u64 = 16 * 1_024;

/// Walks through an archive: `visit` is told every file and folder, and gets
/// what reads its content.
pub(super) fn walk<R: Read>(
    entries: tar::Entries<'_, R>,
    mut visit: impl FnMut(Member, &mut dyn Read) -> Result<()>,
) -> Result<()> {
    let mut long_name = None;
    let mut count = 0;
    for entry in entries.raw(true) {
        let mut entry = entry.map_err(|error| broken(&error))?;
        count += 1;
        // Each member may have a header before it for its name.
        if count > 2 * MAX_MEMBERS {
            return Err(refused("the archive has too many members"));
        }
        let kind = entry.header().entry_type();
        match kind {
            EntryType::GNULongName => {
                let mut name = extension(&mut entry)?;
                if name.last() == Some(&0) {
                    name.pop();
                }
                long_name = Some(name);
                continue;
            }
            EntryType::XHeader => {
                if let Some(name) = pax_path(&extension(&mut entry)?)? {
                    long_name = Some(name);
                }
                continue;
            }
            EntryType::Regular | EntryType::Directory => {}
            _ => return Err(refused("the archive holds a link or something else")),
        }
        let path = long_name
            .take()
            .unwrap_or_else(|| entry.path_bytes().into_owned());
        let path = safe_path(&path).map_err(refused)?.join("/");
        let is_folder = kind == EntryType::Directory;
        if path.is_empty() {
            // "./", the folder itself.
            match is_folder {
                true => continue,
                false => return Err(refused("a file in the archive has no name")),
            }
        }
        let size = entry.header().entry_size();
        let size = size.map_err(|error| broken(&error))?;
        if is_folder && size != 0 {
            return Err(refused("a folder in the archive has content"));
        }
        let member = Member {
            path,
            size,
            is_folder,
            modified_s: entry.header().mtime().unwrap_or(0),
            offset: entry.raw_file_position(),
            executable: entry.header().mode().is_ok_and(|mode| mode & 0o100 != 0),
        };
        visit(member, &mut entry)?;
    }
    match long_name {
        None => Ok(()),
        Some(_) => Err(refused("the archive ends after a long name")),
    }
}

/// The content of a header that tells about the member after it.
fn extension<R: Read>(entry: &mut Entry<'_, R>) -> Result<Vec<u8>> {
    let size = entry.header().entry_size();
    if size.map_err(|error| broken(&error))? > MAX_EXTENSION {
        return Err(refused("a member's path is too long or no path"));
    }
    let mut bytes = Vec::new();
    let read = entry.read_to_end(&mut bytes);
    read.map_err(|error| broken(&error))?;
    Ok(bytes)
}

/// The path in a pax header. One that changes a member's size is refused.
fn pax_path(bytes: &[u8]) -> Result<Option<Vec<u8>>> {
    let mut path = None;
    for extension in PaxExtensions::new(bytes) {
        let extension = extension.map_err(|error| broken(&error))?;
        match extension.key_bytes() {
            b"path" => path = Some(extension.value_bytes().to_vec()),
            b"size" | b"linkpath" => {
                return Err(refused("the archive holds a link or something else"));
            }
            key if key.starts_with(b"GNU.sparse") => {
                return Err(refused("the archive holds a link or something else"));
            }
            _ => {}
        }
    }
    Ok(path)
}

/// All members, found by seeking from header to header. Gives the reader back.
pub(in crate::client) fn list<R: Read + Seek>(archive: R) -> (Result<Members>, R) {
    let mut archive = Archive::new(archive);
    let mut members = Vec::new();
    let result = match archive.entries_with_seek() {
        Ok(entries) => walk(entries, |member, _| {
            if members.len() >= MAX_MEMBERS {
                return Err(refused("the archive has too many members"));
            }
            members.push(member);
            Ok(())
        }),
        Err(error) => Err(broken(&error)),
    };
    (
        result.and_then(|()| Members::new(members)),
        archive.into_inner(),
    )
}
