//! Streams, ranges, fields, files and folders through the public API: what goes
//! in comes out, what was altered does not, and what fails leaves nothing.

#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod faults;
mod fields;
#[cfg(feature = "folders")]
mod folders;
mod ranges;
#[cfg(feature = "folders")]
mod remote_folders;
mod streams;

use plico::testing::{TestDirectory, TestPerson};
use plico::{Account, EncryptionSession, Error, SessionOptions, Suite};
use std::path::{Path, PathBuf};

/// A person with a session and a place on the disk.
pub struct Desk {
    _directory: TestDirectory,
    _person: TestPerson,
    pub account: Account,
    pub session: EncryptionSession,
    pub folder: tempfile::TempDir,
}

impl Desk {
    pub async fn new() -> Self {
        Self::with(Suite::default()).await
    }

    pub async fn with(suite: Suite) -> Self {
        let directory = TestDirectory::start().await.unwrap();
        let person = directory.person("dr.a").await.unwrap();
        let account = person.account().clone();
        let options = SessionOptions::new().suite(suite);
        let session = account.create_session(options).await.unwrap();
        Self {
            _directory: directory,
            _person: person,
            account,
            session,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn names(&self) -> Vec<String> {
        names(self.folder.path())
    }
}

pub fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

pub fn data(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7 + i / 256) as u8).collect()
}

#[track_caller]
pub fn code<T>(result: Result<T, Error>) -> plico::ErrorCode {
    match result {
        Ok(_) => panic!("it went well"),
        Err(error) => error.code(),
    }
}
