//! Encrypting and decrypting bytes, text and JSON.

use super::account::Account;
use super::freshness::Freshness;
use super::ids::SessionId;
use super::os_rng;
use super::session::EncryptionSession;
use super::view::View;
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::envelope::text::{from_text, to_text};
use plico_protocol::envelope::{EnvelopeError, EnvelopeKey, Padding, open_after_header, seal};
use plico_protocol::format::context::AppContext;
use plico_protocol::format::header::{HEADER_LEN, Header};
use plico_protocol::format::ids::ChainId;
use plico_protocol::format::suite::Suite;
use plico_protocol::primitives::secret::Wiped;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

/// What was in an envelope. Wiped on drop.
#[derive(Clone)]
pub struct Decrypted {
    data: Wiped,
    session: SessionId,
    written_offline: bool,
    known_ms: u64,
}

impl core::fmt::Debug for Decrypted {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "Decrypted({} bytes of {:?})",
            self.data.len(),
            self.session
        )
    }
}

impl Decrypted {
    pub(crate) fn new(
        data: Wiped,
        session: SessionId,
        written_offline: bool,
        known_ms: u64,
    ) -> Self {
        Self {
            data,
            session,
            written_offline,
            known_ms,
        }
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.data
    }

    /// The bytes, taken over; they are wiped no more.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.data.into_vec()
    }

    /// The session that it was encrypted in.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// Whether the writer was offline, and said so: somebody who had been
    /// revoked shortly before may be able to read it, too.
    #[must_use]
    pub fn written_offline(&self) -> bool {
        self.written_offline
    }

    /// When the directory was last asked about the session, by this device's
    /// clock: older than the freshness bound if it could not be reached.
    #[must_use]
    pub fn known_at(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
            .checked_add(Duration::from_millis(self.known_ms))
            .unwrap_or(SystemTime::UNIX_EPOCH)
    }

    pub(crate) fn text(&self) -> Result<String> {
        core::str::from_utf8(&self.data)
            .map(str::to_owned)
            .map_err(|_| {
                Error::new(ErrorCode::InvalidArgument).with_detail("what was encrypted is not text")
            })
    }

    fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.data).map_err(|_| {
            Error::new(ErrorCode::InvalidArgument)
                .with_detail("what was encrypted is not the JSON that is expected")
        })
    }
}

pub(crate) fn header_of(envelope: &[u8]) -> Result<Header> {
    Ok(Header::decode(envelope).map_err(EnvelopeError::from)?)
}

impl View {
    pub(crate) fn envelope_key(&self, epoch: u32) -> Result<EnvelopeKey> {
        let secret = self.secret(epoch)?;
        let suite =
            Suite::from_byte(self.state.suite()).map_err(|_| ErrorCode::NeedsNewerClient)?;
        Ok(EnvelopeKey::new(
            secret.payload_key(),
            self.state.tenant_id().0,
            self.state.id().0,
            epoch,
            suite,
        ))
    }
}

pub(crate) fn envelope_bytes(text: &str) -> Result<Vec<u8>> {
    from_text(text).map_err(|_| ErrorCode::NotAnEnvelope.into())
}

fn json_bytes(value: &impl Serialize) -> Result<Zeroizing<Vec<u8>>> {
    serde_json::to_vec(value).map(Zeroizing::new).map_err(|_| {
        Error::new(ErrorCode::InvalidArgument).with_detail("the value can't be written as JSON")
    })
}

impl EncryptionSession {
    /// Encrypts `plaintext` for the session's recipients; its length is
    /// padded. If a new epoch is due, it is begun first.
    ///
    /// `context` names the place that the envelope belongs to (table, row,
    /// column, version): it is not stored, and must be given again to open.
    ///
    /// # Errors
    /// As [`Self::refresh`].
    pub async fn encrypt(
        &self,
        plaintext: impl AsRef<[u8]>,
        context: Option<&AppContext>,
    ) -> Result<Vec<u8>> {
        let key = self.writing_key().await?;
        Ok(seal(
            &key,
            plaintext.as_ref(),
            context,
            Padding::default(),
            &mut os_rng(),
        )?)
    }

    /// The same for text, as text (`plc1.…`) that fits into a text column.
    ///
    /// # Errors
    /// As [`Self::encrypt`].
    pub async fn encrypt_text(&self, text: &str, context: Option<&AppContext>) -> Result<String> {
        Ok(to_text(&self.encrypt(text, context).await?))
    }

    /// The same for anything that can be written as JSON, as text.
    ///
    /// # Errors
    /// As [`Self::encrypt`], and `INVALID_ARGUMENT` if it can't.
    pub async fn encrypt_json(
        &self,
        value: &impl Serialize,
        context: Option<&AppContext>,
    ) -> Result<String> {
        self.account.inner.check_open()?;
        let bytes = json_bytes(value)?;
        Ok(to_text(&self.encrypt(bytes.as_slice(), context).await?))
    }

    /// Opens an envelope of this session.
    ///
    /// # Errors
    /// `WRONG_SESSION`, `CONTEXT_REQUIRED`, `CONTEXT_UNEXPECTED`,
    /// `CONTEXT_MISMATCH`, `ENVELOPE_DAMAGED`, `ENVELOPE_TRUNCATED`,
    /// `NOT_AN_ENVELOPE`, `SESSION_BEHIND_ENVELOPE`, `EPOCH_UNAVAILABLE`; and
    /// as [`Self::refresh`].
    pub async fn decrypt(
        &self,
        envelope: &[u8],
        context: Option<&AppContext>,
    ) -> Result<Decrypted> {
        self.account.inner.check_open()?;
        let header = header_of(envelope)?;
        if !self.id.as_bytes().starts_with(&header.session_handle) {
            return Err(ErrorCode::WrongSession.into());
        }
        let (view, key) = self.account.key_for(self.id.0, header.epoch).await?;
        // The header that was read above, and no other: a host may show memory that changes.
        let message = envelope.get(HEADER_LEN..).unwrap_or_default();
        let data = open_after_header(&key, &header, message, context)?;
        let known_ms = view.refreshed_ms;
        Ok(Decrypted::new(data, self.id, header.offline, known_ms))
    }

    /// Opens what [`Self::encrypt_text`] made.
    ///
    /// # Errors
    /// As [`Self::decrypt`]; `INVALID_ARGUMENT` if it is not text.
    pub async fn decrypt_text(&self, text: &str, context: Option<&AppContext>) -> Result<String> {
        self.account.inner.check_open()?;
        self.decrypt(&envelope_bytes(text)?, context).await?.text()
    }

    /// Opens what [`Self::encrypt_json`] made.
    ///
    /// # Errors
    /// As [`Self::decrypt`]; `INVALID_ARGUMENT` if it is not the JSON that `T` is.
    pub async fn decrypt_json<T: DeserializeOwned>(
        &self,
        text: &str,
        context: Option<&AppContext>,
    ) -> Result<T> {
        self.account.inner.check_open()?;
        self.decrypt(&envelope_bytes(text)?, context).await?.json()
    }
}

impl Account {
    /// Opens an envelope of any session that this account may open.
    ///
    /// # Errors
    /// As [`EncryptionSession::decrypt`].
    pub async fn decrypt(
        &self,
        envelope: &[u8],
        context: Option<&AppContext>,
    ) -> Result<Decrypted> {
        self.session_of(envelope)
            .await?
            .decrypt(envelope, context)
            .await
    }

    /// Opens the text form of text.
    ///
    /// # Errors
    /// As [`EncryptionSession::decrypt_text`].
    pub async fn decrypt_text(&self, text: &str, context: Option<&AppContext>) -> Result<String> {
        self.inner.check_open()?;
        self.decrypt(&envelope_bytes(text)?, context).await?.text()
    }

    /// Opens the text form of JSON.
    ///
    /// # Errors
    /// As [`EncryptionSession::decrypt_json`].
    pub async fn decrypt_json<T: DeserializeOwned>(
        &self,
        text: &str,
        context: Option<&AppContext>,
    ) -> Result<T> {
        self.inner.check_open()?;
        self.decrypt(&envelope_bytes(text)?, context).await?.json()
    }

    /// The session that an envelope (or its first 26 bytes) belongs to.
    ///
    /// # Errors
    /// `NOT_AN_ENVELOPE`; `SESSION_NOT_FOUND` if this account never was a
    /// recipient; otherwise as [`EncryptionSession::refresh`].
    pub async fn session_of(&self, envelope: &[u8]) -> Result<EncryptionSession> {
        self.inner.check_open()?;
        let id = self.find(&header_of(envelope)?).await?;
        Ok(self.session(SessionId(id)))
    }
}

impl Account {
    /// The session that an envelope with this header belongs to.
    pub(crate) async fn find(&self, header: &Header) -> Result<ChainId> {
        let found = self.inner.find(header.session_handle, self.freshness);
        self.inner.while_open(found).await
    }

    /// The key of an epoch, from a view that is fresh; refreshed once more if
    /// the epoch is newer than what is known.
    pub(crate) async fn key_for(
        &self,
        id: ChainId,
        epoch: u32,
    ) -> Result<(Arc<View>, EnvelopeKey)> {
        let inner = &self.inner;
        let view = async {
            let view = inner.view_to_read(id, self.freshness).await?;
            if view.state.epoch(epoch).is_none() && self.freshness != Freshness::Offline {
                return inner.refresh_view(id).await;
            }
            Ok(view)
        };
        let view = inner.while_open(view).await?;
        let key = view.envelope_key(epoch)?;
        if self.freshness != Freshness::Offline {
            let told = async {
                inner.say_in_use(&view).await;
                Ok(())
            };
            inner.while_open(told).await?;
        }
        Ok((view, key))
    }
}
