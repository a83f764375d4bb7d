//! What a phase has at hand: the folder, and what earlier steps have given.

use crate::args::Args;
use plico::{Account, Decrypted, EncryptionSession, Group, Plico, RecipientInfo, WrittenBy};
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

/// What a step gives.
#[derive(Clone)]
pub enum Outcome {
    Nothing,
    Plico(Plico),
    Account(Account),
    Session(EncryptionSession),
    Group(Group),
    Bytes(Vec<u8>),
    Text(String),
    Texts(Vec<String>),
    Set(Vec<String>),
    Flag(bool),
    Number(u64),
    Opened(Decrypted),
    Signed(Decrypted, WrittenBy),
    Recipients(Vec<RecipientInfo>),
}

impl Outcome {
    /// The kind, for messages: values may be long, or nobody's business.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Nothing => "null",
            Self::Plico(_) => "a Plico",
            Self::Account(_) => "an account",
            Self::Session(_) => "a session",
            Self::Group(_) => "a group",
            Self::Bytes(_) => "bytes",
            Self::Text(_) => "text",
            Self::Texts(_) => "a list of text",
            Self::Set(_) => "a set of text",
            Self::Flag(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Opened(_) | Self::Signed(..) => "what was in an envelope",
            Self::Recipients(_) => "recipients",
        }
    }
}

pub struct World {
    pub enrolment_url: String,
    folder: PathBuf,
    names: HashMap<String, Outcome>,
}

impl World {
    pub fn new(args: &Args) -> Self {
        let (directory, tenant) = (&args.directory, &args.tenant);
        Self {
            enrolment_url: format!("{directory}/dev/tenants/{tenant}/enrolment"),
            folder: args.work.clone(),
            names: HashMap::new(),
        }
    }

    pub fn remember(&mut self, name: &str, outcome: Outcome) {
        self.names.insert(name.to_owned(), outcome);
    }

    pub fn named(&self, name: &str) -> Result<&Outcome, String> {
        let known = self.names.get(name);
        known.ok_or_else(|| format!("no earlier step has given `{name}`"))
    }

    /// Where `path` is; it does not leave the folder.
    pub fn path(&self, path: &str) -> Result<PathBuf, String> {
        let path = Path::new(path);
        let inside = path
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        inside
            .then(|| self.folder.join(path))
            .ok_or_else(|| format!("{} is not a path inside the folder", path.display()))
    }

    pub fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        std::fs::read(self.path(path)?).map_err(|error| format!("{path}: {error}"))
    }

    pub fn write(&self, path: &str, bytes: &[u8]) -> Result<(), String> {
        std::fs::write(self.path(path)?, bytes).map_err(|error| format!("{path}: {error}"))
    }

    /// Keeps an outcome for later phases and other languages.
    pub fn save(&self, path: &str, outcome: &Outcome) -> Result<(), String> {
        match outcome {
            Outcome::Bytes(bytes) => self.write(path, bytes),
            Outcome::Text(text) => self.write(path, text.as_bytes()),
            other => Err(format!("{} can't be saved", other.kind())),
        }
    }
}
