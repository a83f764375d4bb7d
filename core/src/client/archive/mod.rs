//! A folder as a tar archive, and what of a tar archive may become a folder.
//!
//! Written are regular files and folders, by name in order, with GNU's long
//! names: any `tar` reads it. Of owner, rights and time only the time of the
//! last change and the owner's right to execute are kept. Read is the same, and
//! long names as POSIX (pax) has them; everything else (links, devices, sparse
//! files) refuses the whole archive, and so does a path that could lead out of
//! the folder. What is made on the disk is never followed: no link is made.

mod members;
mod path;
mod plan;
mod unpack;
mod walk;

pub(super) use members::Members;
pub(super) use plan::Plan;
pub(super) use unpack::{copy, extract};
pub(super) use walk::list;

use super::output::io_error;
use crate::error::{Error, ErrorCode};
use plico_protocol::envelope::EnvelopeError;
use std::io;

/// The most members of an archive.
const MAX_MEMBERS: usize = 1_000_000;

/// A file or a folder in an encrypted folder.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Member {
    /// Where it is in the folder; the parts are separated by `/`.
    pub path: String,
    /// How many bytes it has; 0 for a folder.
    pub size: u64,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// When it was last changed, in seconds since 1970.
    pub modified_s: u64,
    pub(super) offset: u64,
    executable: bool,
}

pub(super) fn refused(why: &str) -> Error {
    Error::new(ErrorCode::ArchiveInvalid).with_detail(why)
}

/// What has failed behind an archive's reader or writer.
fn behind(error: &io::Error) -> Option<Error> {
    let inner = error.get_ref()?;
    if let Some(inner) = inner.downcast_ref::<EnvelopeError>() {
        return Some((*inner).into());
    }
    inner.downcast_ref::<Error>().cloned()
}

/// What an archive's reader says: what is behind it has failed, or it is no archive.
fn broken(error: &io::Error) -> Error {
    use io::ErrorKind as K;
    behind(error).unwrap_or_else(|| match error.kind() {
        K::Other | K::InvalidData | K::InvalidInput | K::UnexpectedEof => {
            refused("what is in the envelope is no valid archive")
        }
        _ => io_error("the archive can't be read", error),
    })
}
