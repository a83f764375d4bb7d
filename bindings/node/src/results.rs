//! Results of calls about many, each with its own; and what many are given.

use crate::values::{GrantInput, RecipientInput};
use napi_derive::napi;
use plico::{Error, Grant, Recipient, Result, RevokeOptions, SessionId};

/// What went wrong, where it is a value and not a rejection.
#[napi(object, object_from_js = false)]
pub struct FailureOutput {
    /// The code.
    pub code: String,
    /// The message.
    pub message: String,
    /// User ids that have no account.
    pub recipients: Vec<String>,
}

impl From<Error> for FailureOutput {
    fn from(error: Error) -> Self {
        Self {
            code: error.code().as_str().to_owned(),
            message: error.to_string(),
            recipients: error.recipients().to_vec(),
        }
    }
}

/// Whether one of many was done.
#[napi(object, object_from_js = false)]
pub struct DoneOutput {
    /// Why not; nothing if it was.
    pub failed: Option<FailureOutput>,
}

impl From<Result<()>> for DoneOutput {
    fn from(result: Result<()>) -> Self {
        Self {
            failed: result.err().map(Into::into),
        }
    }
}

/// The results of one session's recipients, or of one group's.
pub(crate) fn done(results: Vec<Result<()>>) -> Vec<DoneOutput> {
    results.into_iter().map(Into::into).collect()
}

/// Who gets what, by session or group.
#[napi(object, object_to_js = false)]
pub struct NewRecipient {
    /// Who.
    pub recipient: RecipientInput,
    /// What.
    pub grant: GrantInput,
}

impl NewRecipient {
    pub(crate) fn into_core(self) -> Result<(Recipient, Grant)> {
        Ok((self.recipient.into_core()?, self.grant.into_core()?))
    }
}

/// All of these, or the first error.
pub(crate) fn grants(inputs: Vec<NewRecipient>) -> Result<Vec<(Recipient, Grant)>> {
    inputs.into_iter().map(NewRecipient::into_core).collect()
}

/// All of these, or the first error.
pub(crate) fn recipients(inputs: Vec<RecipientInput>) -> Result<Vec<Recipient>> {
    inputs.into_iter().map(RecipientInput::into_core).collect()
}

/// All of these, or the first error.
pub(crate) fn session_ids(ids: &[String]) -> Result<Vec<SessionId>> {
    ids.iter().map(|id| id.parse()).collect()
}

/// How a revocation reaches.
pub(crate) fn reach(cascade: bool) -> RevokeOptions {
    if cascade {
        RevokeOptions::cascade()
    } else {
        RevokeOptions::default()
    }
}
