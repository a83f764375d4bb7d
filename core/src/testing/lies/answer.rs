//! An answer taken apart, so that lies can be put in.

use crate::ports::{Method, Request, Response};
use crate::testing::connection::path_of;
use plico_protocol::wire::b64::B64;
use plico_protocol::wire::rest::{
    Appended, BackupFound, IdentitiesFound, IdentityAnswer, Pairing, RecoveryFound, SessionAnswer,
    SessionsFound, TenantAnswer, UsersFound,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A success, by what was asked. Anything else is no place for a lie in it.
pub(super) enum Answer {
    Tenant(TenantAnswer),
    Identity(IdentityAnswer),
    Identities(IdentitiesFound),
    Users(UsersFound),
    Session(SessionAnswer),
    Sessions(SessionsFound),
    Appended(Appended),
    Backup(BackupFound),
    Recovery(RecoveryFound),
    Pairing(Pairing),
    Other,
}

/// The part of a path below the tenant's.
fn below_tenant(request: &Request) -> Option<&str> {
    let path = path_of(&request.url).strip_prefix("/v1/tenants/")?;
    Some(path.find(['/', '?']).map_or("", |at| &path[at..]))
}

fn read<T: DeserializeOwned>(body: &[u8], answer: impl FnOnce(T) -> Answer) -> Answer {
    serde_json::from_slice(body).map_or(Answer::Other, answer)
}

/// Whether the request changes anything.
pub(super) fn is_write(request: &Request) -> bool {
    request.method == Method::Post && !request.url.ends_with("/lookup")
}

impl Answer {
    pub fn parse(request: &Request, response: &Response) -> Self {
        let body = &response.body;
        if !(200..300).contains(&response.status) {
            return Self::Other;
        }
        match below_tenant(request) {
            Some("/identities/lookup") => read(body, Self::Identities),
            Some("/users/lookup") => read(body, Self::Users),
            Some("/sessions/lookup") => read(body, Self::Sessions),
            Some("/identities") => read(body, Self::Identity),
            Some(path) if is_write(request) && path.ends_with("/entries") => {
                read(body, Self::Appended)
            }
            Some("/sessions") => read(body, Self::Appended),
            Some("/backups/fetch") => read(body, Self::Backup),
            Some(path) if path.starts_with("/recovery/") => read(body, Self::Recovery),
            Some(path) if path.starts_with("/pairings/") => read(body, Self::Pairing),
            Some(path) if path.starts_with("/identities/") => read(body, Self::Identity),
            Some(path) if path.starts_with("/sessions/") => read(body, Self::Session),
            Some(_) => read(body, Self::Tenant),
            None => Self::Other,
        }
    }

    /// The body, unless there is nothing that could have been changed.
    pub fn body(&self) -> Option<Vec<u8>> {
        fn json(value: &impl Serialize) -> Option<Vec<u8>> {
            serde_json::to_vec(value).ok()
        }
        match self {
            Self::Tenant(answer) => json(answer),
            Self::Identity(answer) => json(answer),
            Self::Identities(answer) => json(answer),
            Self::Users(answer) => json(answer),
            Self::Session(answer) => json(answer),
            Self::Sessions(answer) => json(answer),
            Self::Appended(answer) => json(answer),
            Self::Backup(answer) => json(answer),
            Self::Recovery(answer) => json(answer),
            Self::Pairing(answer) => json(answer),
            Self::Other => None,
        }
    }

    /// All identities in it.
    pub fn identities(&mut self) -> Vec<&mut IdentityAnswer> {
        match self {
            Self::Identity(answer) => vec![answer],
            Self::Identities(answer) => answer.found.iter_mut().collect(),
            Self::Users(answer) => answer.found.iter_mut().map(|it| &mut it.identity).collect(),
            _ => Vec::new(),
        }
    }

    /// All sessions in it.
    pub fn sessions(&mut self) -> Vec<&mut SessionAnswer> {
        match self {
            Self::Session(answer) => vec![answer],
            Self::Sessions(answer) => answer
                .results
                .iter_mut()
                .filter_map(|result| result.answer.as_mut())
                .collect(),
            _ => Vec::new(),
        }
    }

    /// All signed heads in it.
    pub fn heads(&mut self) -> Vec<&mut B64> {
        match self {
            Self::Tenant(answer) => vec![&mut answer.head],
            Self::Appended(answer) => vec![&mut answer.head],
            Self::Session(_) | Self::Sessions(_) => {
                self.sessions().into_iter().map(|it| &mut it.head).collect()
            }
            _ => self
                .identities()
                .into_iter()
                .map(|it| &mut it.head)
                .collect(),
        }
    }
}
