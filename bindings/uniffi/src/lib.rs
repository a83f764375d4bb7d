//! Plico as UniFFI carries it to Kotlin and Swift. Everything here delegates
//! to the crate `plico`; what apps see are the hand-written layers in
//! `bindings/uniffi/kotlin` and `bindings/uniffi/swift`.
//!
//! Every call runs on a runtime of this library and never on the caller's
//! thread (`run.rs`), takes an optional [`CancelHandle`], and fails with a
//! [`Failure`] that holds a stable code. Dropping the foreign call (as Kotlin's
//! coroutines do when they are cancelled) drops the work, too.

mod account;
mod backups;
mod bytes;
mod cancel;
mod connection;
mod devices;
mod failure;
mod files;
mod fingerprint;
mod host;
mod offline_file;
mod pairing;
mod recovery;
mod run;
mod session;
mod store;
mod values;

pub use account::{AccountHandle, NewSession, TokenSource};
pub use backups::PlicoBackupStatus;
pub use bytes::Bytes;
pub use cancel::CancelHandle;
pub use connection::{OpenOptions, PlicoHandle};
pub use devices::{PlicoDeviceInfo, PlicoFileKey, generate_passphrase};
pub use failure::{CodeInfo, Failure, error_codes};
pub use files::{FileCall, ProgressListener};
pub use fingerprint::PlicoFingerprint;
pub use host::{
    HostClock, HostFailure, HostListener, HostRequest, HostResponse, HostTransport, PlicoEvent,
};
pub use offline_file::{PlicoOfflineOpened, open_offline_file};
pub use recovery::RecoveryKeyHandle;
pub use session::SessionHandle;
pub use store::{HostChange, HostExpected, HostPair, HostStore, HostStoreFailure};
pub use values::{
    ContextField, ContextValue, Opened, PlicoContext, PlicoGrant, PlicoRecipient,
    PlicoRecipientInfo, PlicoRights, RecipientGrant,
};

uniffi::setup_scaffolding!();
