//! The recovery key: 24 words with which a person gets everything back.

use super::account::{Account, AccountInner};
use super::ids::IdentityId;
use super::own_chain::{Own, own_draft_error};
use super::record::Record;
use super::{lock, os_rng};
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::format::ids::ChainId;
use plico_protocol::identity::RecoverySecret;
use plico_protocol::identity::draft::DeviceSecret;
use plico_protocol::wire::b64;
use plico_protocol::wire::rest::RecoveryFound;
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

/// What a person keeps on paper for the day when all devices are gone: 256
/// random bits, as 24 words of the English list of BIP-39.
///
/// Show the words first and let them be written down; then set the key. So
/// there is never a key that nobody has.
#[derive(Clone)]
pub struct RecoveryKey(RecoverySecret);

impl core::fmt::Debug for RecoveryKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("RecoveryKey")
    }
}

impl RecoveryKey {
    /// A new one. Nobody knows of it until it is [set](Account::set_recovery_key).
    #[must_use]
    pub fn generate() -> Self {
        Self(RecoverySecret::generate(&mut os_rng()))
    }

    /// The 24 words, lower case, with one space between them.
    #[must_use]
    pub fn words(&self) -> Zeroizing<String> {
        self.0.words()
    }

    /// The key of these words: 24 of them, in any case and with any white space
    /// between; the first four letters of each are enough.
    ///
    /// The words' checksum has 8 bits: of all ways to put one word of the list
    /// for another, one in 256 gives a key as well. Nobody has that one, and its
    /// use is refused with `RECOVERY_KEY_UNKNOWN`.
    ///
    /// # Errors
    /// `RECOVERY_WORDS_INVALID`, whose message says which word is not one of the
    /// list, how many there are, or that they don't belong together.
    pub fn from_words(words: &str) -> Result<Self> {
        RecoverySecret::from_words(words)
            .map(Self)
            .map_err(|error| {
                Error::new(ErrorCode::RecoveryWordsInvalid).with_detail(error.to_string())
            })
    }
}

/// How [`Account::recover_with`] goes.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecoverOptions {
    keep_devices: bool,
}

impl RecoverOptions {
    /// All other devices are revoked: whoever has the phone has nothing more of it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The other devices stay: they are not lost, only far away.
    #[must_use]
    pub fn keep_devices(self) -> Self {
        Self { keep_devices: true }
    }
}

impl Account {
    /// When this identity's recovery key was set, by the clock of the device
    /// that set it; `None`: there is none. As the directory shows it now.
    ///
    /// # Errors
    /// `NOT_REGISTERED`; `NETWORK`; whatever a lying directory is caught with.
    pub async fn recovery_key_set_at(&self) -> Result<Option<SystemTime>> {
        let set_at = async {
            let state = self.inner.myself().await?;
            let set_ms = state.recovery().map(|it| it.set_ms);
            Ok(set_ms.map(|it| SystemTime::UNIX_EPOCH + Duration::from_millis(it)))
        };
        self.inner.while_open(set_at).await
    }

    /// Sets this identity's recovery key; once one is set, only with the
    /// consent of that one: its words, as `old`. A new one begins a new
    /// generation of the user key, so that the old words open nothing more.
    ///
    /// Already set: nothing is done, so that it can be called again after a
    /// lost reply.
    ///
    /// # Errors
    /// `RECOVERY_KEY_SET` if there is another one and `old` is not given;
    /// `RECOVERY_KEY_UNKNOWN` if `old` is not the one that is set, or was one
    /// before `new`; `NOT_REGISTERED`; `NETWORK`, `CONFLICT` after many lost races.
    pub async fn set_recovery_key(
        &self,
        new: &RecoveryKey,
        old: Option<&RecoveryKey>,
    ) -> Result<()> {
        let tenant = self.inner.plico.inner.wire.tenant_id;
        let (new, old) = (new.0.keys(tenant), old.map(|it| it.0.keys(tenant)));
        let set = self
            .inner
            .commit_own(move |own: &mut Own<'_>| set_recovery_key(own, &new, old.as_ref()));
        self.inner.while_open(set).await
    }

    /// Gets an identity back with its recovery key alone: this account becomes
    /// a device of it, with access to everything, and all other devices are
    /// revoked. Safe to call again with the same key after an error.
    ///
    /// Everybody who has the identity's chain sees that it was done. The words
    /// stay valid; if they were read by somebody else,
    /// [set](Self::set_recovery_key) another key.
    ///
    /// # Errors
    /// `RECOVERY_KEY_UNKNOWN` if no identity has this key (any more);
    /// `ALREADY_REGISTERED` if this account has an identity; `NETWORK`,
    /// `CONFLICT` after many lost races; whatever a lying directory is caught with.
    pub async fn recover(&self, key: &RecoveryKey) -> Result<IdentityId> {
        self.recover_with(key, RecoverOptions::new()).await
    }

    /// The same with options.
    ///
    /// # Errors
    /// As [`Self::recover`]; `INVALID_ARGUMENT` if the other devices are to stay
    /// and there are 32.
    pub async fn recover_with(
        &self,
        key: &RecoveryKey,
        options: RecoverOptions,
    ) -> Result<IdentityId> {
        let keys = key.0.keys(self.inner.plico.inner.wire.tenant_id);
        let recovered = self.inner.recover(keys, options);
        self.inner.while_open(recovered).await
    }
}

fn set_recovery_key(
    own: &mut Own<'_>,
    new: &DeviceSecret,
    old: Option<&DeviceSecret>,
) -> Result<()> {
    let current = own.state.recovery().map(|it| it.id);
    if current == Some(new.id()) {
        return Ok(());
    }
    let old = match (current, old) {
        (Some(current), Some(old)) if old.id() == current => Some(old),
        (Some(_), None) => return Err(ErrorCode::RecoveryKeySet.into()),
        (Some(_), Some(_)) => return Err(ErrorCode::RecoveryKeyUnknown.into()),
        (None, _) => None,
    };
    let drafted = own
        .writer
        .set_recovery(&own.state, new, old, &own.secret, &mut os_rng());
    own.push(drafted.map_err(own_draft_error)?)?;
    if own.state.rotation_due() {
        own.rotate()?;
    }
    Ok(())
}

impl AccountInner {
    async fn recover(&self, keys: DeviceSecret, options: RecoverOptions) -> Result<IdentityId> {
        let _one_at_a_time = self.registering.lock().await;
        self.is_nobody_yet().await?;
        let path = format!("/recovery/{}", b64::encode(keys.id().as_bytes()));
        let found: RecoveryFound = self.plico.inner.wire.get_unsigned(&path).await?;
        let identity = ChainId(found.identity_id.0);
        let newcomer = self.newcomer(identity, "").await?;
        let key = keys.id();
        let trial = self.act_as(&newcomer, keys);
        let state = self.myself().await?;
        // The key has proved itself to this very chain: it is ours.
        if state.recovery().is_none_or(|it| it.id != key) {
            return Err(ErrorCode::AnswerMismatch.into());
        }
        let user_id = lock(&self.names).get(&identity).cloned();
        let device = newcomer.device.clone();
        self.commit_own(|own: &mut Own<'_>| {
            if own.state.active_device(&device.id()).is_some() {
                return Ok(());
            }
            let revokes = !options.keep_devices;
            let drafted =
                own.writer
                    .use_recovery(&own.state, &device, revokes, &own.secret, &mut os_rng());
            own.push(drafted.map_err(own_draft_error)?)?;
            if own.state.rotation_due() {
                own.rotate_as(&device.signing)?;
            }
            Ok(())
        })
        .await?;
        let newcomer = Record {
            user_id: user_id.unwrap_or_default(),
            ..newcomer
        };
        trial.become_itself(newcomer).await
    }
}
