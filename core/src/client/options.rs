//! What apps pass in.

use super::cancel::CancelToken;
use super::expiry::{Expiry, end_ms};
use super::ids::{GroupId, IdentityId};
use crate::error::Result;
use crate::ports::{BoxFuture, Store};
use crate::store::MemoryStore;
use core::fmt;
use plico_protocol::envelope::{StreamOptions, Threads};
use plico_protocol::format::bodies::RightsBits;
use plico_protocol::format::context::AppContext;
use plico_protocol::format::suite::Suite;
use std::sync::Arc;
use std::time::SystemTime;
use zeroize::Zeroizing;

/// Where an account lives.
#[derive(Clone)]
pub struct AccountOptions {
    pub(crate) store: Arc<dyn Store>,
}

impl fmt::Debug for AccountOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountOptions(..)")
    }
}

impl AccountOptions {
    /// An account in a store of the host's. It holds private keys: see [`Store`].
    #[must_use]
    pub fn with_store(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// An account in an encrypted file: see [`DiskStore`](crate::store::DiskStore).
    /// `key` comes from the platform's keychain or keystore.
    ///
    /// Nothing is read yet; what is wrong with the file is said by
    /// [`Plico::account`](crate::Plico::account).
    #[cfg(all(feature = "disk-store", not(target_arch = "wasm32")))]
    #[must_use]
    pub fn on_disk(path: impl Into<std::path::PathBuf>, key: crate::store::StoreKey) -> Self {
        let options = crate::store::DiskStoreOptions::new(path, key);
        Self::with_store(Arc::new(crate::store::DiskStore::new(options)))
    }

    /// An account that is gone with the process.
    #[must_use]
    pub fn in_memory() -> Self {
        Self {
            store: Arc::new(MemoryStore::new()),
        }
    }
}

/// What the app's backend must vouch for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EnrolmentRequest {
    /// The new identity: goes into the token's `plico_identity`.
    pub identity_id: IdentityId,
}

#[cfg(not(target_arch = "wasm32"))]
type Enrolment = Box<dyn Fn(EnrolmentRequest) -> BoxFuture<'static, Result<String>> + Send + Sync>;
#[cfg(target_arch = "wasm32")]
type Enrolment = Box<dyn Fn(EnrolmentRequest) -> BoxFuture<'static, Result<String>>>;

/// How to register.
pub struct RegisterOptions {
    pub(crate) user_id: String,
    pub(crate) enrolment: Enrolment,
}

impl fmt::Debug for RegisterOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RegisterOptions(..)")
    }
}

impl RegisterOptions {
    /// `user_id` is the app's own name for the person, 1 to 256 bytes;
    /// `enrolment` asks the app's backend for an enrolment token.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn new<F, Fut>(user_id: impl Into<String>, enrolment: F) -> Self
    where
        F: Fn(EnrolmentRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String>> + Send + 'static,
    {
        Self {
            user_id: user_id.into(),
            enrolment: Box::new(move |request| Box::pin(enrolment(request))),
        }
    }

    /// `user_id` is the app's own name for the person, 1 to 256 bytes;
    /// `enrolment` asks the app's backend for an enrolment token.
    #[cfg(target_arch = "wasm32")]
    pub fn new<F, Fut>(user_id: impl Into<String>, enrolment: F) -> Self
    where
        F: Fn(EnrolmentRequest) -> Fut + 'static,
        Fut: Future<Output = Result<String>> + 'static,
    {
        Self {
            user_id: user_id.into(),
            enrolment: Box::new(move |request| Box::pin(enrolment(request))),
        }
    }
}

/// For whom.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recipient {
    /// By the app's own name.
    User(String),
    /// By identity.
    Identity(IdentityId),
    /// All who are in a group, now and later.
    Group(GroupId),
}

impl Recipient {
    /// Whoever the app's backend vouches for under this user id.
    #[must_use]
    pub fn user(user_id: impl Into<String>) -> Self {
        Self::User(user_id.into())
    }

    /// This identity.
    #[must_use]
    pub fn identity(id: IdentityId) -> Self {
        Self::Identity(id)
    }

    /// All who are in this group, now and later.
    #[must_use]
    pub fn group(id: GroupId) -> Self {
        Self::Group(id)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(_) => f.write_str("Recipient::User(redacted)"),
            Self::Identity(id) => write!(f, "Recipient::Identity({id})"),
            Self::Group(id) => write!(f, "Recipient::Group({id})"),
        }
    }
}

/// What a recipient may do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Rights(pub(crate) RightsBits);

impl Rights {
    /// Open what is encrypted in the session.
    #[must_use]
    pub fn read() -> Self {
        Self(RightsBits(RightsBits::READ))
    }

    /// And grant what it has itself.
    #[must_use]
    pub fn and_forward(self) -> Self {
        Self(RightsBits(self.0.0 | RightsBits::FORWARD))
    }

    /// And take rights away from anybody but owners.
    #[must_use]
    pub fn and_revoke(self) -> Self {
        Self(RightsBits(self.0.0 | RightsBits::REVOKE))
    }

    /// Everything.
    #[must_use]
    pub fn owner() -> Self {
        Self(RightsBits(RightsBits::ALL))
    }

    /// As a person would say it.
    pub(crate) fn words(self) -> &'static str {
        match (self.is_owner(), self.may_forward(), self.may_revoke()) {
            (true, ..) => "owns",
            (_, true, true) => "reads, grants and revokes",
            (_, true, false) => "reads and grants",
            (_, false, true) => "reads and revokes",
            _ => "reads",
        }
    }

    /// Whether it may grant what it has.
    #[must_use]
    pub fn may_forward(&self) -> bool {
        self.0.contains(RightsBits::FORWARD)
    }

    /// Whether it may take rights away.
    #[must_use]
    pub fn may_revoke(&self) -> bool {
        self.0.contains(RightsBits::REVOKE)
    }

    /// Whether it is an owner.
    #[must_use]
    pub fn is_owner(&self) -> bool {
        self.0.contains(RightsBits::OWNER)
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = vec!["read"];
        names.extend(self.may_forward().then_some("forward"));
        names.extend(self.may_revoke().then_some("revoke"));
        names.extend(self.is_owner().then_some("owner"));
        write!(f, "Rights({})", names.join(", "))
    }
}

/// What is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    pub(crate) rights: Rights,
    pub(crate) expires_ms: u64,
}

impl Grant {
    /// These rights, without end.
    #[must_use]
    pub fn new(rights: Rights) -> Self {
        Self {
            rights,
            expires_ms: 0,
        }
    }

    /// Reading, without end.
    #[must_use]
    pub fn read() -> Self {
        Self::new(Rights::read())
    }

    /// Until then. The directory stops serving and the next writer locks out;
    /// what was opened before can't be taken back.
    #[must_use]
    pub fn until(mut self, end: SystemTime) -> Self {
        self.expires_ms = end_ms(end);
        self
    }
}

/// What happens with recipients that have no account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnMissing {
    /// Nothing is done, and the error lists them.
    #[default]
    Fail,
    /// They are left out, and
    /// [`missing_recipients`](super::EncryptionSession::missing_recipients) lists them.
    Skip,
}

/// How a session is made.
#[derive(Clone, Default)]
pub struct SessionOptions {
    pub(crate) recipients: Vec<(Recipient, Grant)>,
    pub(crate) on_missing: OnMissing,
    pub(crate) suite: Suite,
    pub(crate) expiry: Expiry,
    pub(crate) tag: Option<String>,
    pub(crate) metadata: Option<Zeroizing<Vec<u8>>>,
}

impl fmt::Debug for SessionOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionOptions")
            .field("recipients", &self.recipients)
            .field("on_missing", &self.on_missing)
            .field("suite", &self.suite)
            .field("expiry", &self.expiry)
            .finish_non_exhaustive()
    }
}

impl SessionOptions {
    /// A session of its creator alone.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more recipient.
    #[must_use]
    pub fn recipient(mut self, recipient: Recipient, grant: Grant) -> Self {
        self.recipients.push((recipient, grant));
        self
    }

    /// Until when it lasts; see
    /// [`set_expiry`](super::EncryptionSession::set_expiry). Without end if not set.
    #[must_use]
    pub fn expiry(mut self, expiry: Expiry) -> Self {
        self.expiry = expiry;
        self
    }

    /// A tag of 1 to 128 bytes that the directory and the app's backend can read;
    /// see [`set_tag`](super::EncryptionSession::set_tag).
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tag = Some(tag.into());
        self
    }

    /// Up to 8 KiB that only recipients can read; see
    /// [`set_metadata`](super::EncryptionSession::set_metadata).
    #[must_use]
    pub fn metadata(mut self, plaintext: &[u8]) -> Self {
        self.metadata = Some(Zeroizing::new(plaintext.to_vec()));
        self
    }

    /// What happens with user ids that have no account; [`OnMissing::Fail`] if not set.
    #[must_use]
    pub fn on_missing(mut self, on_missing: OnMissing) -> Self {
        self.on_missing = on_missing;
        self
    }

    /// The cipher of everything that the session will hold; ChaCha20-Poly1305
    /// if not set. AES-256-GCM is for hardware that has it, and for auditors who ask.
    #[must_use]
    pub fn suite(mut self, suite: Suite) -> Self {
        self.suite = suite;
        self
    }
}

impl<const N: usize> From<[Recipient; N]> for SessionOptions {
    fn from(recipients: [Recipient; N]) -> Self {
        Vec::from(recipients).into()
    }
}

impl From<Vec<Recipient>> for SessionOptions {
    fn from(recipients: Vec<Recipient>) -> Self {
        let recipients = recipients
            .into_iter()
            .map(|it| (it, Grant::read()))
            .collect();
        Self {
            recipients,
            ..Self::default()
        }
    }
}

/// How a revocation reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RevokeOptions {
    pub(crate) cascade: bool,
}

impl RevokeOptions {
    /// Those to whom the revoked one had granted fall with it. Without this
    /// they stay, and you answer for them from then on.
    #[must_use]
    pub fn cascade() -> Self {
        Self { cascade: true }
    }
}

/// How far a file has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes of plaintext done.
    pub done: u64,
    /// Bytes of plaintext in all; 0 for a stream that does not say.
    pub total: u64,
}

type OnProgress = Arc<dyn Fn(Progress) + Send + Sync>;

/// How a file, a folder or a stream is encrypted or decrypted.
#[derive(Clone, Default)]
pub struct FileOptions {
    pub(crate) context: Option<AppContext>,
    pub(crate) on_progress: Option<OnProgress>,
    pub(crate) cancel: CancelToken,
    pub(crate) threads: Option<Threads>,
    #[cfg_attr(not(feature = "folders"), allow(dead_code))]
    pub(crate) skip_links: bool,
}

impl fmt::Debug for FileOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileOptions(..)")
    }
}

impl FileOptions {
    /// For what has its own threads: all cores, if nothing else was said.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn whole(&self) -> StreamOptions<'_> {
        self.on(self.threads.unwrap_or_else(Threads::all))
    }

    /// For what runs on the caller's thread, if nothing else was said.
    pub(crate) fn part(&self) -> StreamOptions<'_> {
        self.on(self.threads.unwrap_or(Threads::ONE))
    }

    fn on(&self, threads: Threads) -> StreamOptions<'_> {
        StreamOptions {
            context: self.context.as_ref(),
            threads,
            ..StreamOptions::default()
        }
    }

    /// No context, no progress, never cancelled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The file belongs to this place; the same context opens it again.
    #[must_use]
    pub fn context(mut self, context: AppContext) -> Self {
        self.context = Some(context);
        self
    }

    /// Is told after each chunk of 16 KiB, in their order, on a thread that does
    /// the work.
    #[must_use]
    pub fn on_progress(mut self, report: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        self.on_progress = Some(Arc::new(report));
        self
    }

    /// How many threads may encrypt or decrypt, from 1 to 64. The output is the
    /// same. Each needs about 1 MiB of memory. With 1 no thread is started for it.
    /// If not set, files and folders use as many as there are cores, and readers
    /// and writers the caller's own.
    #[must_use]
    pub fn threads(mut self, count: usize) -> Self {
        self.threads = Some(Threads::new(count));
        self
    }

    /// For folders: links and whatever else is neither a file nor a folder are
    /// left out. Without this they are an error, so that nothing gets lost unseen.
    #[cfg(all(feature = "folders", not(target_arch = "wasm32")))]
    #[must_use]
    pub fn skip_links(mut self) -> Self {
        self.skip_links = true;
        self
    }

    /// Stops when the token is cancelled; then there is no output, and no
    /// temporary file any more.
    #[must_use]
    pub fn cancel(mut self, token: CancelToken) -> Self {
        self.cancel = token;
        self
    }
}
