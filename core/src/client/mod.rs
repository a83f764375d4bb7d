//! What an app uses: [`Plico`] → [`Account`] → [`EncryptionSession`].
//!
//! One file a verb. `wire` sends requests; `identities`, `users` and `fetch`
//! fetch, and verify what a replay needs; `commit` is the one way by which
//! anything is written, with its `journal`; `kept` and `saves` are the store;
//! `heal` mends a directory that was restored from a backup.

mod access;
mod account;
#[cfg(all(feature = "folders", not(target_arch = "wasm32")))]
mod archive;
mod backup;
mod batcher;
mod bulk;
mod bulk_intents;
mod cancel;
mod close;
mod commit;
mod create_session;
mod crowd;
mod device_draft;
mod device_names;
mod devices;
mod encrypt;
mod events;
mod everywhere;
mod everywhere_deeds;
mod everywhere_options;
mod expiry;
mod export;
mod fetch;
#[cfg(all(feature = "folders", not(target_arch = "wasm32")))]
mod fetched;
mod fields;
mod file_key;
#[cfg(not(target_arch = "wasm32"))]
mod files;
mod fingerprint;
#[cfg(all(feature = "folders", not(target_arch = "wasm32")))]
mod folders;
mod freshness;
mod group;
mod group_logs;
mod groups_of;
mod heal;
mod identities;
mod ids;
mod journal;
mod kept;
mod keys;
mod leaving;
mod newcomer;
mod offline_file;
mod offline_open;
mod options;
#[cfg(not(target_arch = "wasm32"))]
mod output;
mod own_chain;
mod pairing;
mod patience;
mod pins;
mod plico;
mod posts;
mod ranges;
mod recipients;
mod record;
mod recovery;
mod register;
mod rights;
mod saves;
mod seal_for;
mod sealed;
#[cfg(all(feature = "folders", not(target_arch = "wasm32")))]
mod sealed_folder;
mod service_store;
mod service_token;
mod session;
mod sessions;
mod signed;
mod snapshot;
mod stored;
mod streams;
mod tenant;
mod terms;
#[cfg(all(test, feature = "testing"))]
mod tests;
mod travel;
mod users;
mod view;
mod wire;

pub use access::{Access, AccessEnd, AccessList, FormerAccess};
pub use account::Account;
#[cfg(all(feature = "folders", not(target_arch = "wasm32")))]
pub use archive::Member;
pub use backup::BackupStatus;
pub use cancel::CancelToken;
pub use devices::DeviceInfo;
pub use encrypt::Decrypted;
pub use events::{Event, LogLevel, LogRecord};
pub use everywhere_options::{
    EverywhereIssue, EverywhereOptions, EverywhereProblem, EverywhereProgress, EverywhereSummary,
};
pub use expiry::Expiry;
pub use file_key::FileKey;
pub use fingerprint::Fingerprint;
pub use group::{Group, GroupMember, GroupOptions, GroupRole, MemberId};
pub use groups_of::Page;
pub use ids::{DeviceId, GroupId, IdentityId, SessionId, TenantId};
pub use offline_open::{OfflineOpened, open_offline_file};
pub use options::{
    AccountOptions, EnrolmentRequest, FileOptions, Grant, OnMissing, Progress, Recipient,
    RegisterOptions, RevokeOptions, Rights, SessionOptions,
};
#[cfg(not(target_arch = "wasm32"))]
pub use output::remove_leftovers;
pub use plico::{Plico, PlicoBuilder};
pub use plico_protocol::format::context::{AppContext as Context, ContextValue};
pub use plico_protocol::format::suite::Suite;
pub use plico_protocol::primitives::aead::Backend;
pub use ranges::{DecryptSeeker, RangeReader};
pub use recipients::RecipientInfo;
pub use recovery::{RecoverOptions, RecoveryKey};
pub use seal_for::{SealOptions, SealedItem, Service, ServiceOptions};
pub use sealed::OpenedSealed;
#[cfg(all(feature = "folders", not(target_arch = "wasm32")))]
pub use sealed_folder::{MemberReader, SealedFolder};
pub use service_token::ServiceTokenRequest;
pub use session::EncryptionSession;
pub use signed::{SignedEnvelope, Writer, WrittenBy};
pub use snapshot::{Snapshot, SnapshotOptions};
pub use streams::{DecryptReader, DecryptWriter, EncryptReader, EncryptWriter};

use crate::error::Result;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::wire::b64::B64;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A lock that is never held across an await.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn decode_entries(entries: &[B64]) -> Result<Vec<SignedEntry>> {
    entries
        .iter()
        .map(|bytes| Ok(SignedEntry::from_bytes(&bytes.0)?))
        .collect()
}

/// The operating system's generator. Panics only where there is none.
pub(crate) fn os_rng() -> rand_core::UnwrapErr<getrandom::SysRng> {
    rand_core::UnwrapErr(getrandom::SysRng)
}
