//! Sealing for recipients without being one: a back end that imports results,
//! scans mail in, or takes forms, and can never read again what it wrote.

use super::account::Account;
use super::ids::IdentityId;
use super::options::{AccountOptions, OnMissing, Recipient};
use super::os_rng;
use super::plico::Plico;
use super::service_store::PinsOnly;
use super::service_token::{ServiceTokenRequest, ServiceTokens, TokenProvider};
use crate::error::{Error, ErrorCode, Result};
use core::fmt;
use plico_protocol::envelope::{EnvelopeKey, Padding, seal};
use plico_protocol::format::bodies::RecipientKey;
use plico_protocol::format::context::AppContext;
use plico_protocol::format::ids::Kind;
use plico_protocol::format::sealed::{self, MAX_SEALED_RECIPIENTS, SEALED_EPOCH, SealedHead};
use plico_protocol::format::suite::Suite;
use plico_protocol::keyring::EpochSecret;
use plico_protocol::keyring::sealed::seal_head;
use plico_protocol::primitives::kem::PublicKey;
use plico_protocol::rights::public_key;
use std::sync::Arc;

/// How a program without an identity looks keys up.
pub struct ServiceOptions {
    token: TokenProvider,
}

impl fmt::Debug for ServiceOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceOptions(..)")
    }
}

impl ServiceOptions {
    /// `token` signs a token with an enrolment key of the tenant, or asks
    /// whoever has it: see [`ServiceTokenRequest`]. It is called when the last
    /// token is nearly over, so about every five minutes of use.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn new<F, Fut>(token: F) -> Self
    where
        F: Fn(ServiceTokenRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<String>> + Send + 'static,
    {
        Self {
            token: Box::new(move |request| Box::pin(token(request))),
        }
    }

    /// `token` signs a token with an enrolment key of the tenant, or asks
    /// whoever has it: see [`ServiceTokenRequest`]. It is called when the last
    /// token is nearly over, so about every five minutes of use.
    #[cfg(target_arch = "wasm32")]
    pub fn new<F, Fut>(token: F) -> Self
    where
        F: Fn(ServiceTokenRequest) -> Fut + 'static,
        Fut: Future<Output = Result<String>> + 'static,
    {
        Self {
            token: Box::new(move |request| Box::pin(token(request))),
        }
    }
}

/// How something is sealed.
#[derive(Clone, Debug, Default)]
pub struct SealOptions {
    context: Option<AppContext>,
    on_missing: OnMissing,
    suite: Suite,
}

impl SealOptions {
    /// No context; a recipient without an account is an error; ChaCha20-Poly1305.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The item belongs to this place; the same context opens it again.
    #[must_use]
    pub fn context(mut self, context: AppContext) -> Self {
        self.context = Some(context);
        self
    }

    /// What happens with user ids that have no account; [`OnMissing::Fail`] if
    /// not set. With [`OnMissing::Skip`], [`SealedItem::missing`] lists them.
    #[must_use]
    pub fn on_missing(mut self, on_missing: OnMissing) -> Self {
        self.on_missing = on_missing;
        self
    }

    /// The cipher; ChaCha20-Poly1305 if not set.
    #[must_use]
    pub fn suite(mut self, suite: Suite) -> Self {
        self.suite = suite;
        self
    }
}

/// What [`Service::seal_for`] made.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SealedItem {
    /// To be stored or sent, and opened by [`Account::open_sealed`].
    pub bytes: Vec<u8>,
    /// User ids that have no account and were left out.
    pub missing: Vec<String>,
}

impl fmt::Debug for SealedItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bytes, missing) = (self.bytes.len(), self.missing.len());
        write!(f, "SealedItem({bytes} bytes, {missing} user ids missing)")
    }
}

/// A program of the app's backend that seals for others, without an identity
/// and without a session: it has no private key, so it can't read what it has
/// sealed. Keep one for the life of the process: what it has seen of chains and
/// user ids, it holds the directory to. Clones share it.
#[derive(Clone)]
pub struct Service {
    account: Account,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Service(..)")
    }
}

impl Plico {
    /// For a program of the app's backend that only seals. Nothing is asked for yet.
    ///
    /// # Errors
    /// `NETWORK` if the tenant is not known yet and the directory can't be
    /// reached; `CLOSED` after [`Self::close`]; what a lying directory is caught with.
    pub async fn service(&self, options: ServiceOptions) -> Result<Service> {
        let store = AccountOptions::with_store(Arc::new(PinsOnly::default()));
        let tokens = ServiceTokens::new(options.token);
        let account = self.open_account(store, Some(tokens)).await?;
        Ok(Service { account })
    }
}

impl Service {
    /// Seals `plaintext` for `recipients`, 1 to 256 user ids, identities and
    /// groups, under their newest keys as the directory shows them now, each
    /// verified as an account would. Its length is padded.
    ///
    /// Who can open it is fixed with this call. It names nobody as its writer:
    /// whoever knows the recipients' public keys, and that is everybody in the
    /// tenant, can make one. There is no grant and no revocation afterwards.
    ///
    /// # Errors
    /// `RECIPIENTS_NOT_FOUND` with the list, `IDENTITY_NOT_FOUND`,
    /// `GROUP_NOT_FOUND`; `INVALID_ARGUMENT` for no recipient at all, or one
    /// that is named twice; `TOO_LARGE` for more than 256;
    /// `ENROLMENT_INVALID` or `ENROLMENT_EXPIRED` for the app's token, or what
    /// its own call returns; `NETWORK`; `IDENTITY_CHANGED`,
    /// `ATTESTATION_INVALID` and whatever else a lying directory is caught with.
    pub async fn seal_for(
        &self,
        recipients: impl Into<Vec<Recipient>>,
        plaintext: impl AsRef<[u8]>,
        options: SealOptions,
    ) -> Result<SealedItem> {
        let recipients = recipients.into();
        let inner = &self.account.inner;
        let keys = self.keys(&recipients, options.on_missing);
        let (keys, missing) = inner.while_open(keys).await?;
        let tenant_id = inner.plico.inner.wire.tenant_id;
        let (head, secret) = seal_head(tenant_id, options.suite, keys, &mut os_rng())
            .map_err(|error| Error::new(ErrorCode::Internal).with_detail(error.to_string()))?;
        let envelope = seal(
            &payload_key(&head, &secret)?,
            plaintext.as_ref(),
            options.context.as_ref(),
            Padding::default(),
            &mut os_rng(),
        )?;
        let item = sealed::SealedItem {
            head,
            envelope: &envelope,
        };
        Ok(SealedItem {
            bytes: item.to_bytes(),
            missing,
        })
    }

    /// Accepts that another identity stands behind `user_id` from now on, if the
    /// app's backend vouches for it: see [`Account::accept_identity_change`].
    ///
    /// # Errors
    /// As [`Account::accept_identity_change`].
    pub async fn accept_identity_change(&self, user_id: &str) -> Result<IdentityId> {
        self.account.accept_identity_change(user_id).await
    }

    /// From now on every call says `CLOSED`.
    pub fn close(&self) {
        self.account.close();
    }

    async fn public_key(&self, key: &RecipientKey) -> Result<PublicKey> {
        let inner = &self.account.inner;
        let known = inner.known();
        let mut record = public_key(key, known.as_ref()).cloned();
        if record.is_none() && key.recipient.kind == Kind::Identity {
            // Other calls have filled the memory for chains since.
            inner.fetch_identities(&[key.recipient.chain()]).await?;
            record = public_key(key, inner.known().as_ref()).cloned();
        }
        let record = record.ok_or(ErrorCode::HistoryInvalid)?;
        record
            .kem_key()
            .map_err(|_| ErrorCode::HistoryInvalid.into())
    }

    async fn keys(
        &self,
        recipients: &[Recipient],
        on_missing: OnMissing,
    ) -> Result<(Vec<(RecipientKey, PublicKey)>, Vec<String>)> {
        if recipients.len() > MAX_SEALED_RECIPIENTS {
            return Err(Error::new(ErrorCode::TooLarge)
                .with_detail("an item is sealed for at most 256 recipients"));
        }
        let invalid = |why: &str| Error::new(ErrorCode::InvalidArgument).with_detail(why);
        let resolved = self.account.resolve(recipients).await?;
        if on_missing == OnMissing::Fail && !resolved.missing.is_empty() {
            return Err(Error::recipients_not_found(resolved.missing));
        }
        let mut keys = Vec::with_capacity(resolved.found.len());
        for (asked, key) in recipients.iter().zip(resolved.found) {
            let Some(key) = key else {
                // A user id without an account; anything else is there, or was an error.
                match asked {
                    Recipient::User(_) => continue,
                    Recipient::Identity(_) => return Err(ErrorCode::IdentityNotFound.into()),
                    Recipient::Group(_) => return Err(ErrorCode::GroupNotFound.into()),
                }
            };
            keys.push((key, self.public_key(&key).await?));
        }
        if keys.is_empty() {
            return Err(match resolved.missing.is_empty() {
                true => invalid("there is nobody to seal for"),
                false => Error::recipients_not_found(resolved.missing),
            });
        }
        keys.sort_by_key(|(key, _)| key.recipient);
        let mut pairs = keys.windows(2);
        if pairs.any(|pair| pair[0].0.recipient == pair[1].0.recipient) {
            return Err(invalid("a recipient is named twice"));
        }
        Ok((keys, resolved.missing))
    }
}

/// The key of an item's payload. What stands for a session's id is the hash of
/// the head: an item with another recipient more or less does not open.
pub(crate) fn payload_key(head: &SealedHead, secret: &EpochSecret) -> Result<EnvelopeKey> {
    let suite = Suite::from_byte(head.suite).map_err(|_| ErrorCode::NeedsNewerClient)?;
    Ok(EnvelopeKey::new(
        secret.payload_key(),
        head.tenant_id.0,
        head.hash(),
        SEALED_EPOCH,
        suite,
    ))
}
