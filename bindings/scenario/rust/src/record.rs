//! What a runner leaves for the comparison: `results.json` and `errors.json`.

use crate::Failure;
use plico::ErrorCode;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// Results and errors of all phases so far.
pub struct Record {
    folder: PathBuf,
    results: Map<String, Value>,
    errors: Map<String, Value>,
}

fn read(path: &Path) -> Result<Map<String, Value>, Failure> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Map::new()),
        Err(error) => Err(error.into()),
    }
}

impl Record {
    /// What earlier phases have left in `folder`.
    pub fn open(folder: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            results: read(&folder.join("results.json"))?,
            errors: read(&folder.join("errors.json"))?,
        })
    }

    pub fn result(&mut self, id: &str, passed: bool) {
        let word = if passed { "passed" } else { "failed" };
        self.results.insert(id.to_owned(), word.into());
    }

    pub fn error(&mut self, id: &str, error: &plico::Error) {
        let message = match error.code() {
            // Some languages have an error of their own for this.
            ErrorCode::Cancelled => String::new(),
            _ => error.to_string(),
        };
        let entry = json!({"code": error.code().as_str(), "message": message});
        self.errors.insert(id.to_owned(), entry);
    }

    pub fn write(&self) -> Result<(), Failure> {
        let write = |name: &str, map: &Map<String, Value>| -> Result<(), Failure> {
            let bytes = serde_json::to_vec_pretty(map)?;
            Ok(std::fs::write(self.folder.join(name), bytes)?)
        };
        write("results.json", &self.results)?;
        write("errors.json", &self.errors)
    }
}
