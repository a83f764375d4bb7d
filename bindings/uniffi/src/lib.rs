//! Plico as UniFFI carries it to Kotlin and Swift. Everything here delegates
//! to the crate `plico`; what apps see are the hand-written layers in
//! `bindings/uniffi/kotlin` and `bindings/uniffi/swift`.
//!
//! Every call runs on a runtime of this library and never on the caller's
//! thread (`run.rs`), takes an optional [`CancelHandle`], and fails with a
//! [`Failure`] that holds a stable code. Dropping the foreign call (as Kotlin's
//! coroutines do when they are cancelled) drops the work, too.

mod access;
mod account;
mod backups;
mod bulk;
mod bytes;
mod cancel;
mod connection;
mod devices;
mod everywhere;
mod failure;
mod files;
mod fingerprint;
mod group;
mod host;
mod lists;
mod offline_file;
mod pairing;
mod recovery;
mod run;
mod sealed;
mod session;
mod signed;
mod store;
mod terms;
mod values;

pub use access::{PlicoAccess, PlicoAccessEnd, PlicoAccessList, PlicoFormerAccess};
pub use account::{AccountHandle, NewSession, TokenSource};
pub use backups::PlicoBackupStatus;
pub use bulk::{ItemFailure, ItemResult, MadeSession};
pub use bytes::Bytes;
pub use cancel::CancelHandle;
pub use connection::{OpenOptions, PlicoHandle};
pub use devices::{PlicoDeviceInfo, PlicoFileKey, generate_passphrase};
pub use everywhere::{
    EverywhereCall, EverywhereListener, PlicoEverywhereIssue, PlicoEverywhereProgress,
    PlicoEverywhereSummary,
};
pub use failure::{CodeInfo, Failure, error_codes};
pub use files::{FileCall, ProgressListener};
pub use fingerprint::PlicoFingerprint;
pub use group::{GroupHandle, NewGroup, PlicoGroupMember, PlicoGroupRole, RecipientRole};
pub use host::{
    HostClock, HostFailure, HostListener, HostRequest, HostResponse, HostTransport, PlicoEvent,
};
pub use lists::PlicoPage;
pub use offline_file::{PlicoOfflineOpened, open_offline_file};
pub use recovery::RecoveryKeyHandle;
pub use sealed::{PlicoOpenedSealed, PlicoSealedItem, SealCall, ServiceHandle, ServiceTokenSource};
pub use session::SessionHandle;
pub use signed::{PlicoSignedEnvelope, PlicoSignedOpened, PlicoWriter};
pub use store::{HostChange, HostExpected, HostPair, HostStore, HostStoreFailure};
pub use terms::PlicoExpiry;
pub use values::{
    ContextField, ContextValue, Opened, PlicoContext, PlicoGrant, PlicoMemberId, PlicoRecipient,
    PlicoRecipientInfo, PlicoRights, RecipientGrant,
};

uniffi::setup_scaffolding!();
