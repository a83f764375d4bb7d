//! Snapshots: what opens envelopes where there is no disk and no network
//! (snapshot spec).

use super::account::Account;
use super::encrypt::{Decrypted, header_of};
use super::freshness::Freshness;
use super::ids::{SessionId, TenantId};
use super::os_rng;
use super::plico::millis;
use super::stored;
use crate::error::{Error, ErrorCode, Result};
use crate::ports::{Clock, SystemClock};
use plico_protocol::envelope::{EnvelopeKey, open};
use plico_protocol::format::codec::{decode, strictly_ascending};
use plico_protocol::format::context::AppContext;
use plico_protocol::format::encode;
use plico_protocol::format::ids::ChainId;
use plico_protocol::format::suite::Suite;
use plico_protocol::primitives::aead::{AeadAlgorithm, NONCE_LEN, TAG_LEN};
use plico_protocol::primitives::kdf::expand_with_label;
use plico_protocol::primitives::random::random_bytes;
use plico_protocol::primitives::secret::{Secret, Secret32, ct_eq};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tls_codec::{TlsDeserializeBytes, TlsSerializeBytes, TlsSize};
use zeroize::{Zeroize, Zeroizing};

const MAGIC: &[u8; 4] = b"PLS1";
const PREFIX: usize = 4 + 32 + 32;
const MAX_SESSIONS: usize = 65_536;

#[derive(TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
struct SnapshotEpoch {
    epoch: u32,
    payload_key: [u8; 32],
}

impl Drop for SnapshotEpoch {
    fn drop(&mut self) {
        self.payload_key.zeroize();
    }
}

#[derive(TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
struct SnapshotSession {
    id: ChainId,
    suite: u8,
    refreshed_ms: u64,
    expires_ms: u64,
    epochs: Vec<SnapshotEpoch>,
}

#[derive(TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
struct SnapshotBody {
    version: u16,
    tenant_id: ChainId,
    taken_ms: u64,
    expires_ms: u64,
    sessions: Vec<SnapshotSession>,
}

/// What goes into a snapshot.
#[derive(Clone, Debug, Default)]
pub struct SnapshotOptions {
    sessions: Option<Vec<SessionId>>,
    valid_for: Option<Duration>,
}

impl SnapshotOptions {
    /// All sessions that this account keeps.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// These sessions. They must be known: see [`Account::prefetch`].
    #[must_use]
    pub fn sessions(sessions: impl IntoIterator<Item = SessionId>) -> Self {
        Self {
            sessions: Some(sessions.into_iter().collect()),
            ..Self::default()
        }
    }

    /// It is refused after so long, by the reader's clock. Without this it has no end.
    #[must_use]
    pub fn valid_for(mut self, time: Duration) -> Self {
        self.valid_for = Some(time);
        self
    }
}

/// The two keys of one snapshot.
fn keys(key: &[u8; 32], salt: &[u8; 32]) -> (Secret32, Secret32) {
    let key = Secret::filled_by(|bytes| bytes.copy_from_slice(key));
    (
        expand_with_label(&key, "snapshot commitment", salt),
        expand_with_label(&key, "snapshot body", salt),
    )
}

impl Account {
    /// Writes a small encrypted file that opens envelopes of the chosen
    /// sessions without a disk and without a network, and can do nothing else:
    /// see [`Snapshot`]. `key`: 32 uniform bytes, which the host keeps.
    ///
    /// Nothing is asked of the directory; what is known goes in.
    ///
    /// # Errors
    /// `OFFLINE` if a chosen session is not known, `ACCESS_EXPIRED`,
    /// `TOO_LARGE` for more than 65,536 sessions; the store's own.
    pub async fn snapshot(&self, key: &[u8; 32], options: SnapshotOptions) -> Result<Vec<u8>> {
        let inner = &self.inner;
        let me = inner.me()?;
        let wire = &inner.plico.inner.wire;
        let now_ms = wire.now_ms();
        let mut ids = match options.sessions {
            Some(ids) => ids.into_iter().map(|id| id.0).collect(),
            None => inner.kept_ids().await?,
        };
        ids.sort_unstable();
        ids.dedup();
        if ids.len() > MAX_SESSIONS {
            return Err(ErrorCode::TooLarge.into());
        }
        let mut sessions = Vec::with_capacity(ids.len());
        for id in ids {
            let view = inner.view_to_read(id, Freshness::Offline).await?;
            let member = view.state.member(&me);
            let keys = (0..=view.state.current_epoch()).filter_map(|epoch| {
                let secret = view.secret(epoch).ok()?;
                Some(SnapshotEpoch {
                    epoch,
                    payload_key: *secret.payload_key().expose(),
                })
            });
            sessions.push(SnapshotSession {
                id,
                suite: view.state.suite(),
                refreshed_ms: view.refreshed_ms,
                expires_ms: member.map_or(0, |member| member.expires_ms),
                epochs: keys.collect(),
            });
        }
        let body = SnapshotBody {
            version: 1,
            tenant_id: wire.tenant_id,
            taken_ms: now_ms,
            expires_ms: options
                .valid_for
                .map_or(0, |time| now_ms.saturating_add(millis(time)).max(1)),
            sessions,
        };
        seal(key, &Zeroizing::new(encode(&body)))
    }
}

fn seal(key: &[u8; 32], body: &[u8]) -> Result<Vec<u8>> {
    let salt = random_bytes::<32>(&mut os_rng());
    let (commitment, body_key) = keys(key, &salt);
    let mut out = Vec::with_capacity(PREFIX + body.len() + TAG_LEN);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&salt);
    out.extend_from_slice(commitment.expose());
    let mut sealed = Zeroizing::new(body.to_vec());
    let aead = AeadAlgorithm::ChaCha20Poly1305.with_key(body_key.expose());
    let tag = aead
        .seal(&[0; NONCE_LEN], &out, &mut sealed)
        .map_err(|_| ErrorCode::TooLarge)?;
    out.extend_from_slice(&sealed);
    out.extend_from_slice(&tag);
    Ok(out)
}

fn unseal(key: &[u8; 32], bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let damaged = || Error::new(ErrorCode::StoreDamaged).with_detail("not a snapshot, or damaged");
    match bytes.get(..4) {
        Some(magic) if magic == MAGIC => {}
        Some([b'P', b'L', b'S', b'0'..=b'9']) => return Err(ErrorCode::NeedsNewerClient.into()),
        _ => return Err(damaged()),
    }
    if bytes.len() < PREFIX + TAG_LEN {
        return Err(damaged());
    }
    let (prefix, sealed) = bytes.split_at(PREFIX);
    let salt: &[u8; 32] = prefix[4..36].first_chunk().ok_or_else(damaged)?;
    let (commitment, body_key) = keys(key, salt);
    if !ct_eq(commitment.expose(), &prefix[36..]) {
        return Err(ErrorCode::StoreWrongKey.into());
    }
    let (body, tag) = sealed.split_last_chunk::<TAG_LEN>().ok_or_else(damaged)?;
    let mut body = Zeroizing::new(body.to_vec());
    let aead = AeadAlgorithm::ChaCha20Poly1305.with_key(body_key.expose());
    aead.open(&[0; NONCE_LEN], prefix, &mut body, tag)
        .map_err(|_| damaged())?;
    Ok(body)
}

/// Opens envelopes of the sessions that were chosen when it was taken, without
/// a disk, a network or an account. Clones share it; secrets are wiped with
/// the last one.
///
/// It can't know what was revoked since it was taken; keep it short-lived.
#[derive(Clone)]
pub struct Snapshot {
    body: Arc<SnapshotBody>,
    clock: Arc<dyn Clock>,
}

impl core::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Snapshot({} sessions)", self.body.sessions.len())
    }
}

impl Snapshot {
    /// Opens what [`Account::snapshot`] wrote, with the same key.
    ///
    /// # Errors
    /// `STORE_WRONG_KEY`, `STORE_DAMAGED`, `NEEDS_NEWER_CLIENT`;
    /// `ACCESS_EXPIRED` if its time is over.
    pub fn open(bytes: &[u8], key: &[u8; 32]) -> Result<Self> {
        Self::open_with_clock(bytes, key, Arc::new(SystemClock))
    }

    /// The same by another clock.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with_clock(bytes: &[u8], key: &[u8; 32], clock: Arc<dyn Clock>) -> Result<Self> {
        let body: SnapshotBody = {
            let body = unseal(key, bytes)?;
            if body.first_chunk() != Some(&1u16.to_be_bytes()) {
                return Err(ErrorCode::NeedsNewerClient.into());
            }
            decode("snapshot", &body).map_err(|_| ErrorCode::StoreDamaged)?
        };
        let ordered = strictly_ascending("sessions", body.sessions.iter().map(|it| it.id))
            .and_then(|()| {
                body.sessions.iter().try_for_each(|session| {
                    strictly_ascending("epochs", session.epochs.iter().map(|it| it.epoch))
                })
            });
        ordered.map_err(|_| ErrorCode::StoreDamaged)?;
        let snapshot = Self {
            body: Arc::new(body),
            clock,
        };
        snapshot.check_time(snapshot.body.expires_ms)?;
        Ok(snapshot)
    }

    /// The tenant.
    #[must_use]
    pub fn tenant_id(&self) -> TenantId {
        TenantId(self.body.tenant_id)
    }

    /// When it was taken, by the taker's clock.
    #[must_use]
    pub fn taken_at(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
            .checked_add(Duration::from_millis(self.body.taken_ms))
            .unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// The sessions that are in it.
    #[must_use]
    pub fn sessions(&self) -> Vec<SessionId> {
        let sessions = self.body.sessions.iter();
        sessions.map(|session| SessionId(session.id)).collect()
    }

    /// Opens an envelope.
    ///
    /// # Errors
    /// `SESSION_NOT_FOUND` if its session is not in the snapshot,
    /// `EPOCH_UNAVAILABLE` if it was written in an epoch that is not,
    /// `ACCESS_EXPIRED`; otherwise as [`super::EncryptionSession::decrypt`].
    pub fn decrypt(&self, envelope: &[u8], context: Option<&AppContext>) -> Result<Decrypted> {
        let header = header_of(envelope)?;
        self.check_time(self.body.expires_ms)?;
        let session = self
            .body
            .sessions
            .iter()
            .find(|session| session.id.0.starts_with(&header.session_handle))
            .ok_or(ErrorCode::SessionNotFound)?;
        self.check_time(session.expires_ms)?;
        let epoch = session
            .epochs
            .iter()
            .find(|epoch| epoch.epoch == header.epoch)
            .ok_or(ErrorCode::EpochUnavailable)?;
        let suite = Suite::from_byte(session.suite).map_err(|_| ErrorCode::NeedsNewerClient)?;
        let payload_key = Secret::filled_by(|bytes| bytes.copy_from_slice(&epoch.payload_key));
        let tenant_id = self.body.tenant_id.0;
        let key = EnvelopeKey::new(payload_key, tenant_id, session.id.0, epoch.epoch, suite);
        let data = open(&key, envelope, context)?;
        Ok(Decrypted::new(
            data,
            SessionId(session.id),
            header.offline,
            session.refreshed_ms,
        ))
    }

    /// Opens the text form of text.
    ///
    /// # Errors
    /// As [`Self::decrypt`]; `INVALID_ARGUMENT` if it is not text.
    pub fn decrypt_text(&self, text: &str, context: Option<&AppContext>) -> Result<String> {
        let envelope = super::encrypt::envelope_bytes(text)?;
        self.decrypt(&envelope, context)?.text()
    }

    fn check_time(&self, expires_ms: u64) -> Result<()> {
        if expires_ms != 0 && self.clock.now_ms() >= expires_ms {
            return Err(ErrorCode::AccessExpired.into());
        }
        Ok(())
    }
}

impl super::account::AccountInner {
    /// All sessions that are kept in the store.
    async fn kept_ids(&self) -> Result<Vec<ChainId>> {
        let sessions = self.store.scan(stored::SESSION).await;
        let sessions = sessions.map_err(super::pins::store_error)?;
        let read = |(_, bytes)| stored::read::<stored::StoredSession>(bytes).map(|it| it.id);
        sessions.into_iter().map(read).collect()
    }
}
