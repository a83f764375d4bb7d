//! Signed envelopes: who wrote it. Without a signature any reader of a session
//! could have written an item.

use super::account::{Account, AccountInner};
use super::encrypt::{Decrypted, header_of};
use super::ids::{DeviceId, IdentityId};
use super::lock;
use super::recipients::time;
use super::session::EncryptionSession;
use super::view::View;
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::envelope::signed::{
    Author, EnvelopeSignature, SignatureError, Subject, envelope_hash,
};
use plico_protocol::format::context::AppContext;
use plico_protocol::format::ids::{ChainId, KeyId, Kind, Position, Recipient};
use plico_protocol::rights::{MAX_HEIGHT, Need, SessionState};
use std::time::SystemTime;

/// An envelope and who says to have written it: 183 bytes, to be kept beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignedEnvelope {
    /// The envelope, as [`EncryptionSession::encrypt`] makes it.
    pub envelope: Vec<u8>,
    /// The signature of the writer's device over envelope, context and session.
    pub signature: Vec<u8>,
}

/// Who wrote an envelope.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WrittenBy {
    /// Whoever could read the session then: nobody has signed.
    Unsigned,
    /// This person, on this device; verified.
    Signed(Writer),
}

/// A writer, verified.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Writer {
    /// Who.
    pub identity: IdentityId,
    /// The app's own name for them, if the app's backend vouches for one.
    pub user_id: Option<String>,
    /// On which device, which was not revoked at that place of their chain.
    pub device: DeviceId,
    /// When, by their clock.
    pub at: SystemTime,
}

impl core::fmt::Debug for Writer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Writer({}, user id redacted)", self.identity)
    }
}

impl core::fmt::Debug for WrittenBy {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Unsigned => f.write_str("Unsigned"),
            Self::Signed(writer) => write!(f, "Signed({writer:?})"),
        }
    }
}

fn invalid(error: SignatureError) -> Error {
    match error {
        SignatureError::NeedsNewerClient => ErrorCode::NeedsNewerClient.into(),
        error => Error::new(ErrorCode::EnvelopeSignatureInvalid).with_detail(error.to_string()),
    }
}

impl EncryptionSession {
    /// Encrypts as [`Self::encrypt`] does, and signs with this device's key.
    ///
    /// # Errors
    /// As [`Self::encrypt`].
    pub async fn encrypt_signed(
        &self,
        plaintext: impl AsRef<[u8]>,
        context: Option<&AppContext>,
    ) -> Result<SignedEnvelope> {
        let envelope = self.encrypt(plaintext, context).await?;
        let signature = self.sign(&envelope, context).await?;
        Ok(SignedEnvelope {
            envelope,
            signature,
        })
    }

    /// This device's signature over an envelope of this session, which it need
    /// not have written: 183 bytes.
    ///
    /// # Errors
    /// `WRONG_SESSION`, `NOT_AN_ENVELOPE`, `NOT_REGISTERED`; as [`Self::refresh`].
    pub async fn sign(&self, envelope: &[u8], context: Option<&AppContext>) -> Result<Vec<u8>> {
        let inner = &self.account.inner;
        inner.check_open()?;
        let header = header_of(envelope)?;
        if !self.id.as_bytes().starts_with(&header.session_handle) {
            return Err(ErrorCode::WrongSession.into());
        }
        let record = inner.registered()?;
        let author = inner.while_open(inner.author()).await?;
        let subject = inner.subject(self.id.0, envelope, context);
        let author = Author {
            identity: author.identity.0,
            key: author.key.0,
            seq: author.position.seq,
            head: author.position.hash.0,
        };
        let now_ms = inner.plico.inner.wire.directory_now_ms();
        let signed = EnvelopeSignature::sign(&record.device.signing, author, now_ms, &subject);
        signed.and_then(|it| it.encode()).map_err(invalid)
    }

    /// Opens an envelope of this session and says who wrote it. `signature` as it
    /// was kept beside the envelope; `None` gives [`WrittenBy::Unsigned`].
    ///
    /// # Errors
    /// As [`Self::decrypt`]; `ENVELOPE_SIGNATURE_INVALID` for a signature that is
    /// not one over this envelope in this place, or by somebody who never could
    /// read the session.
    pub async fn decrypt_signed(
        &self,
        envelope: &[u8],
        signature: Option<&[u8]>,
        context: Option<&AppContext>,
    ) -> Result<(Decrypted, WrittenBy)> {
        let opened = self.decrypt(envelope, context).await?;
        let Some(signature) = signature else {
            return Ok((opened, WrittenBy::Unsigned));
        };
        let inner = &self.account.inner;
        let writer = inner.writer_of(self.id.0, envelope, signature, context);
        let writer = inner.while_open(writer).await?;
        Ok((opened, WrittenBy::Signed(writer)))
    }
}

impl Account {
    /// The same for an envelope of any session that this account may open.
    ///
    /// # Errors
    /// As [`EncryptionSession::decrypt_signed`].
    pub async fn decrypt_signed(
        &self,
        envelope: &[u8],
        signature: Option<&[u8]>,
        context: Option<&AppContext>,
    ) -> Result<(Decrypted, WrittenBy)> {
        let session = self.session_of(envelope).await?;
        session.decrypt_signed(envelope, signature, context).await
    }
}

impl AccountInner {
    fn subject(&self, id: ChainId, envelope: &[u8], context: Option<&AppContext>) -> Subject {
        Subject {
            tenant_id: self.plico.inner.wire.tenant_id.0,
            chain_id: id.0,
            envelope_hash: envelope_hash(envelope),
            app_context_hash: AppContext::hash_of(context),
        }
    }

    async fn writer_of(
        &self,
        id: ChainId,
        envelope: &[u8],
        signature: &[u8],
        context: Option<&AppContext>,
    ) -> Result<Writer> {
        let signature = EnvelopeSignature::decode(signature).map_err(invalid)?;
        let author = *signature.author();
        let bad = || invalid(SignatureError::Invalid);
        let need = Need {
            kind: Kind::Identity,
            chain: ChainId(author.identity),
            seq: author.seq,
        };
        let online = !self.plico.inner.wire.is_down();
        self.provide(&[need], online).await?;
        let known = self.known();
        let identity = known.identities.get(&need.chain).ok_or_else(bad)?;
        let position = Position {
            seq: author.seq,
            hash: author.head.into(),
        };
        if identity.hash_at(position.seq) != Some(position.hash) {
            return Err(bad());
        }
        let device = identity.device_at(&KeyId(author.key), author.seq);
        let device = device.ok_or_else(bad)?;
        let subject = self.subject(id, envelope, context);
        let verified = signature.verify(&device.verifying_key, &subject);
        verified.map_err(invalid)?;
        let who = Recipient::identity(need.chain);
        let knows = |view: &View| {
            let groups = &self.known().groups;
            could_read(&view.state, &who, groups, MAX_HEIGHT)
        };
        let view = self.cell(id).known().ok_or_else(bad)?;
        // Somebody may have come since the directory was asked.
        let known = knows(&view) || (online && knows(&*self.refresh_view(id).await?));
        if !known {
            return Err(bad());
        }
        let user_id = lock(&self.names).get(&need.chain).cloned();
        Ok(Writer {
            identity: IdentityId(need.chain),
            user_id,
            device: DeviceId(ChainId(author.key)),
            at: time(signature.claimed_ms()),
        })
    }
}

/// Whether somebody is, or ever was, a recipient here, or in a group that was.
fn could_read(
    state: &SessionState,
    who: &Recipient,
    groups: &std::collections::HashMap<ChainId, std::sync::Arc<SessionState>>,
    depth: u8,
) -> bool {
    let is = |recipient: &Recipient| recipient == who;
    let through = |recipient: &Recipient| {
        let group = groups.get(&recipient.chain());
        recipient.kind == Kind::Group
            && depth > 0
            && group.is_some_and(|it| could_read(it, who, groups, depth - 1))
    };
    let now = state.members().map(|(it, _)| it);
    let ever = now.chain(state.removed().iter().map(|it| &it.recipient));
    ever.into_iter().any(|it| is(it) || through(it))
}
