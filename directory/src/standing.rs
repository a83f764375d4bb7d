//! Whether an identity may do anything: its backend may disable it, and its
//! owner delete it. Beside the chain, in which nothing is rewritten.

use crate::app::App;
use crate::problem::ApiError;
use crate::storage::{Expected, RecordChange, RecordKind, Storage, StorageError};
use plico_protocol::format::ids::ChainId;
use plico_protocol::identity::standing::Standing;
use plico_protocol::wire::ErrorCode;

const DISABLED: u8 = 1;
const DELETED: u8 = 2;
const ACTIVE_AGAIN: u8 = 3;

/// What is stored of an identity's standing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    /// By a token that was issued then.
    By(Standing, u64),
    Deleted,
}

impl Stored {
    fn encode(self) -> Vec<u8> {
        let (what, at_ms) = match self {
            Self::By(Standing::Disabled, at_ms) => (DISABLED, at_ms),
            Self::By(Standing::Active, at_ms) => (ACTIVE_AGAIN, at_ms),
            Self::Deleted => (DELETED, 0),
        };
        [&[what], at_ms.to_be_bytes().as_slice()].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (what, at_ms) = bytes.split_first()?;
        let at_ms = u64::from_be_bytes(at_ms.try_into().ok()?);
        Some(match *what {
            DISABLED => Self::By(Standing::Disabled, at_ms),
            ACTIVE_AGAIN => Self::By(Standing::Active, at_ms),
            DELETED => Self::Deleted,
            _ => return None,
        })
    }

    /// Its name in answers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::By(Standing::Active, _) => "active",
            Self::By(Standing::Disabled, _) => "disabled",
            Self::Deleted => "deleted",
        }
    }

    /// The record to be written, if it still stands as `before`.
    pub(crate) fn change(self, identity: ChainId, before: Option<Self>) -> RecordChange {
        RecordChange {
            expected: before.map_or(Expected::Nothing, |it| Expected::Value(it.encode())),
            ..RecordChange::put(RecordKind::Standing, identity.as_bytes(), self.encode())
        }
    }
}

/// What was said of an identity, if anything.
pub(crate) async fn read(
    storage: &dyn Storage,
    tenant: ChainId,
    identity: ChainId,
) -> Result<Option<Stored>, StorageError> {
    let stored = storage
        .record(tenant, RecordKind::Standing, identity.as_bytes())
        .await?;
    let read = |bytes: Vec<u8>| {
        Stored::decode(&bytes).ok_or(StorageError::Damaged("an identity's standing"))
    };
    stored.map(read).transpose()
}

/// `IDENTITY_DISABLED`, `IDENTITY_DELETED`, or nothing.
pub(crate) async fn check(app: &App, tenant: ChainId, identity: ChainId) -> Result<(), ApiError> {
    match read(&*app.storage, tenant, identity).await? {
        Some(Stored::By(Standing::Disabled, _)) => Err(ErrorCode::IdentityDisabled.into()),
        Some(Stored::Deleted) => Err(ErrorCode::IdentityDeleted.into()),
        Some(Stored::By(Standing::Active, _)) | None => Ok(()),
    }
}
