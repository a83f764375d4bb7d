//! Snapshots: what opens envelopes where there is no disk and no network
//! (snapshot spec).

use super::account::Account;
use super::encrypt::{Decrypted, header_of};
use super::freshness::Freshness;
use super::ids::{SessionId, TenantId};
use super::os_rng;
use super::plico::millis;
use super::stored::{self, take, take_secret};
use super::view::View;
use crate::error::{Error, ErrorCode, Result};
use crate::ports::{Clock, SystemClock};
use plico_protocol::envelope::{EnvelopeKey, open};
use plico_protocol::format::codec::strictly_ascending;
use plico_protocol::format::context::AppContext;
use plico_protocol::format::ids::ChainId;
use plico_protocol::format::suite::Suite;
use plico_protocol::primitives::aead::{AeadAlgorithm, NONCE_LEN, TAG_LEN};
use plico_protocol::primitives::kdf::expand_with_label;
use plico_protocol::primitives::random::random_bytes;
use plico_protocol::primitives::secret::{Secret, Secret32, ct_eq};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

const MAGIC: &[u8; 4] = b"PLX1";
const PREFIX: usize = 4 + 32 + 32;
const MAX_SESSIONS: usize = 65_536;

/// One session of a snapshot; its keys stay in the body, which is wiped.
struct SnapshotSession {
    id: ChainId,
    suite: u8,
    refreshed_ms: u64,
    expires_ms: u64,
    /// Where the body has each epoch's payload key.
    keys: BTreeMap<u32, usize>,
}

/// A snapshot's body, read. Not by the codec: it would leave keys in buffers
/// that nobody wipes.
struct SnapshotBody {
    bytes: Zeroizing<Vec<u8>>,
    tenant_id: ChainId,
    taken_ms: u64,
    expires_ms: u64,
    sessions: Vec<SnapshotSession>,
}

impl SnapshotBody {
    fn read(bytes: Zeroizing<Vec<u8>>) -> Result<Self> {
        let mut rest = bytes.as_slice();
        let number = |rest: &mut &[u8]| Ok::<_, Error>(u64::from_be_bytes(*take::<8>(rest)?));
        if u16::from_be_bytes(*take::<2>(&mut rest)?) != 1 {
            return Err(ErrorCode::NeedsNewerClient.into());
        }
        let tenant_id = ChainId(*take::<32>(&mut rest)?);
        let (taken_ms, expires_ms) = (number(&mut rest)?, number(&mut rest)?);
        let mut sessions = Vec::new();
        while !rest.is_empty() {
            let id = ChainId(*take::<32>(&mut rest)?);
            let [suite] = *take::<1>(&mut rest)?;
            let (refreshed_ms, expires_ms) = (number(&mut rest)?, number(&mut rest)?);
            let mut keys = BTreeMap::new();
            for _ in 0..u32::from_be_bytes(*take::<4>(&mut rest)?) {
                let epoch = u32::from_be_bytes(*take::<4>(&mut rest)?);
                let at = bytes.len() - rest.len();
                take::<32>(&mut rest)?;
                if keys
                    .last_key_value()
                    .is_some_and(|(last, _)| *last >= epoch)
                {
                    return Err(ErrorCode::StoreDamaged.into());
                }
                keys.insert(epoch, at);
            }
            sessions.push(SnapshotSession {
                id,
                suite,
                refreshed_ms,
                expires_ms,
                keys,
            });
        }
        strictly_ascending("sessions", sessions.iter().map(|it| it.id))
            .map_err(|_| ErrorCode::StoreDamaged)?;
        Ok(Self {
            bytes,
            tenant_id,
            taken_ms,
            expires_ms,
            sessions,
        })
    }
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
        self.inner.while_open(self.take(key, options)).await
    }

    async fn take(&self, key: &[u8; 32], options: SnapshotOptions) -> Result<Vec<u8>> {
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
        let expires_ms = options
            .valid_for
            .map_or(0, |time| now_ms.saturating_add(millis(time)).max(1));
        let mut parts = Vec::with_capacity(ids.len());
        for id in ids {
            let view = inner.view_to_read(id, Freshness::Offline).await?;
            // A group's log has nothing that could be opened.
            if !view.state.is_group() {
                let ends_ms = inner.access_ends_ms(&view.state, &me);
                parts.push(session_part(&view, ends_ms));
            }
        }
        // All of the room at once: a buffer that grows leaves keys behind.
        let room = 50 + parts.iter().map(|part| part.len()).sum::<usize>();
        let mut body = Zeroizing::new(Vec::with_capacity(room));
        body.extend_from_slice(&1u16.to_be_bytes());
        body.extend_from_slice(&wire.tenant_id.0);
        body.extend_from_slice(&now_ms.to_be_bytes());
        body.extend_from_slice(&expires_ms.to_be_bytes());
        for part in parts {
            body.extend_from_slice(&part);
        }
        seal(key, &body)
    }
}

/// One session, as it stands in the body.
fn session_part(view: &View, expires_ms: u64) -> Zeroizing<Vec<u8>> {
    let state = &view.state;
    let epochs = 0..=state.current_epoch();
    let keys: Vec<(u32, Secret32)> = epochs
        .filter_map(|epoch| Some((epoch, view.secret(epoch).ok()?.payload_key())))
        .collect();
    let mut out = Zeroizing::new(Vec::with_capacity(53 + keys.len() * 36));
    out.extend_from_slice(&state.id().0);
    out.push(state.suite());
    out.extend_from_slice(&view.refreshed_ms.to_be_bytes());
    out.extend_from_slice(&expires_ms.to_be_bytes());
    out.extend_from_slice(&(keys.len() as u32).to_be_bytes());
    for (epoch, key) in keys {
        out.extend_from_slice(&epoch.to_be_bytes());
        out.extend_from_slice(key.expose());
    }
    out
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
        Some([b'P', b'L', b'X', b'0'..=b'9']) => return Err(ErrorCode::NeedsNewerClient.into()),
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
        let body = SnapshotBody::read(unseal(key, bytes)?)?;
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
        let at = session.keys.get(&header.epoch).copied();
        let mut rest = at
            .and_then(|at| self.body.bytes.get(at..))
            .ok_or(ErrorCode::EpochUnavailable)?;
        let payload_key = take_secret(&mut rest)?;
        let suite = Suite::from_byte(session.suite).map_err(|_| ErrorCode::NeedsNewerClient)?;
        let tenant_id = self.body.tenant_id.0;
        let key = EnvelopeKey::new(payload_key, tenant_id, session.id.0, header.epoch, suite);
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
