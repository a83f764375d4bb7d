//! End-to-end encryption for apps: encrypt bytes, text, JSON and files for
//! people, and change afterwards who may read, without touching a byte of
//! stored ciphertext. Private keys never leave the device unencrypted; the key
//! directory is never trusted with content, nor with who owns which key.
//!
//! ```no_run
//! # async fn ask_my_backend_for_a_token(_: plico::IdentityId) -> plico::Result<String> { Ok(String::new()) }
//! # async fn example() -> plico::Result<()> {
//! use plico::{AccountOptions, Context, Grant, Plico, Recipient, RegisterOptions};
//!
//! let plico = Plico::open("https://keys.example.org", "the tenant's id").await?;
//! let account = plico.account(AccountOptions::in_memory()).await?;
//! account.register(RegisterOptions::new("dr.a", |request| async move {
//!     // Your own backend signs a token for this identity, once the person has signed in.
//!     ask_my_backend_for_a_token(request.identity_id).await
//! })).await?;
//!
//! let session = account.create_session([Recipient::user("patient.7")]).await?;
//! let context = Context::fields([("table", "notes".into()), ("row", 42.into())])?;
//! let sealed = session.encrypt(b"blood pressure 120/80", Some(&context)).await?;
//!
//! session.grant(Recipient::user("insurer.3"), Grant::read()).await?;
//! session.revoke(Recipient::user("insurer.3")).await?;
//!
//! let opened = account.decrypt(&sealed, Some(&context)).await?; // finds the session itself
//! # let _ = opened; Ok(())
//! # }
//! ```

pub mod client;
pub mod error;
#[cfg(feature = "harden")]
mod harden;
#[cfg(feature = "http")]
pub mod http;
pub mod ports;
pub mod store;
#[cfg(all(feature = "testing", not(target_arch = "wasm32")))]
pub mod testing;

#[cfg(not(target_arch = "wasm32"))]
pub use client::remove_leftovers;
pub use client::{
    Access, AccessEnd, AccessList, Account, AccountOptions, Backend, BackupStatus, CancelToken,
    Context, ContextValue, DecryptReader, DecryptSeeker, DecryptWriter, Decrypted, DeviceId,
    DeviceInfo, EncryptReader, EncryptWriter, EncryptionSession, EnrolmentRequest, Event,
    EverywhereIssue, EverywhereOptions, EverywhereProblem, EverywhereProgress, EverywhereSummary,
    Expiry, FileKey, FileOptions, Fingerprint, FormerAccess, Grant, Group, GroupId, GroupMember,
    GroupOptions, GroupRole, IdentityId, LogLevel, LogRecord, MemberId, OfflineOpened, OnMissing,
    OpenedSealed, Page, Plico, PlicoBuilder, Progress, RangeReader, Recipient, RecipientInfo,
    RecoverOptions, RecoveryKey, RegisterOptions, RevokeOptions, Rights, SealOptions, SealedItem,
    Service, ServiceOptions, ServiceTokenRequest, SessionId, SessionOptions, SignedEnvelope,
    Snapshot, SnapshotOptions, Suite, TenantId, Writer, WrittenBy, open_offline_file,
};
#[cfg(all(feature = "folders", not(target_arch = "wasm32")))]
pub use client::{Member, MemberReader, SealedFolder};
pub use error::{Error, ErrorCode, Result};
#[cfg(feature = "harden")]
pub use harden::{Hardened, harden_process};
pub use plico_protocol::primitives::secret::Wiped;
#[cfg(all(feature = "disk-store", not(target_arch = "wasm32")))]
pub use store::{DiskStore, DiskStoreOptions, StoreKey};
