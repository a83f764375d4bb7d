//! Opening an offline file. The same client verifies it as ever; only that its
//! transport reads from the file, and its clock stands where the file was made.

use super::account::Account;
use super::encrypt::Decrypted;
use super::file_key::{FileKey, off_thread};
use super::options::AccountOptions;
use super::pins::decode_head;
use super::plico::Plico;
use super::record::{self, Record};
use super::saves::Saves;
use super::{export, lock};
use crate::error::{Error, ErrorCode, Result};
use crate::ports::{BoxFuture, Clock, Request, Response, Transport, TransportError};
use crate::store::MemoryStore;
use plico_protocol::format::codec::FormatError;
use plico_protocol::format::context::AppContext;
use plico_protocol::format::entry::Author;
use plico_protocol::format::ids::{ChainId, Recipient};
use plico_protocol::format::offline::{OfflineFile, StatedChain, StatedGroup, StatedWrap};
use plico_protocol::format::opaque::Opaque;
use plico_protocol::identity::IdentityState;
use plico_protocol::identity::file::IdentityFile;
use plico_protocol::keyring::EpochSecret;
use plico_protocol::keyring::wraps::{Wrap, WrapPlace};
use plico_protocol::wire::b64::{self, B64, B64x32};
use plico_protocol::wire::rest::{
    IdentitiesFound, IdentitiesLookup, IdentityAnswer, SessionAnswer, SessionResult, SessionsFound,
    SessionsLookup, TenantAnswer, WrapAnswer,
};
use plico_protocol::wire::{Problem, limits};
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// What an offline file held.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OfflineOpened {
    /// The content.
    pub content: Decrypted,
    /// When the directory signed what the file says. What has changed since,
    /// say a revocation, no file can tell.
    pub as_of: SystemTime,
}

/// Opens an [offline file](Account::offline_file) with an
/// [exported identity](Account::export_identity) of the same person, without a
/// network and without a store. Every signature, proof and commitment in it is
/// verified, as it would be with the directory at hand.
///
/// It does not prove that the file is up to date, nor that the directory has
/// shown the same to others; see [`OfflineOpened::as_of`].
///
/// # Errors
/// `OFFLINE_FILE_INVALID`, also for another person's identity;
/// `IDENTITY_FILE_INVALID`, `WRONG_PASSPHRASE`, `INVALID_ARGUMENT`,
/// `WRONG_TENANT`; `DEVICE_REVOKED` if the identity file's device had been
/// revoked when the offline file was made; and as [`Account::decrypt`].
pub async fn open_offline_file(
    file: &[u8],
    identity: &[u8],
    key: &FileKey,
    context: Option<&AppContext>,
) -> Result<OfflineOpened> {
    let offline = OfflineFile::from_bytes(file).map_err(|error| match error {
        FormatError::NeedsNewerClient(_) => ErrorCode::NeedsNewerClient.into(),
        _ => Error::new(ErrorCode::OfflineFileInvalid),
    })?;
    let (bytes, key) = (identity.to_vec(), key.clone());
    let opened = off_thread(move || IdentityFile::open(&bytes, key.protection())).await?;
    let identity = opened.map_err(|error| export::file_error(&error))?;
    if identity.tenant_id != offline.tenant.id {
        return Err(ErrorCode::WrongTenant.into());
    }
    if identity.identity != offline.reader {
        return Err(
            Error::new(ErrorCode::OfflineFileInvalid).with_detail("it was made for another person")
        );
    }
    let as_of_ms = as_of(&offline)?;
    let envelope = offline.envelope.as_slice().to_vec();
    let tenant = b64::encode(&offline.tenant.id.0);
    let offline = Arc::new(offline);
    let plico = Plico::builder("https://offline.invalid", &tenant)
        .transport(Arc::new(FromFile(offline.clone())))
        .clock(Arc::new(Standing(as_of_ms)))
        .open()
        .await?;
    let record = Record {
        identity: identity.identity,
        device: identity.device,
        user_id: identity.user_id,
        pending: None,
    };
    let account = plico
        .account(AccountOptions::with_store(Arc::new(MemoryStore::new())))
        .await?;
    let mut saves = Saves::default();
    saves.put(record::KEY.into(), record.encode()?);
    account.inner.save(saves).await?;
    account
        .inner
        .hold_secret(&account.inner.record, Some(Arc::new(record)));
    take_user_key(&account, &offline).await?;
    let content = account.decrypt(&envelope, context).await?;
    account.close();
    Ok(OfflineOpened {
        content,
        as_of: SystemTime::UNIX_EPOCH + Duration::from_millis(as_of_ms),
    })
}

/// The newest of the directory's times; that they are its own is verified with
/// each chain.
fn as_of(file: &OfflineFile) -> Result<u64> {
    let chains = file.identities.iter().chain([&file.tenant, &file.session]);
    let chains = chains.chain(file.groups.iter().map(|it| &it.chain));
    let mut newest = 0;
    for chain in chains {
        let head = decode_head(&B64(chain.head.as_slice().to_vec()))
            .map_err(|_| ErrorCode::OfflineFileInvalid)?;
        newest = newest.max(head.head.time_ms);
    }
    Ok(newest)
}

/// The user key of the file's reader: wrapped to the device, and the one that
/// the chain commits to.
async fn take_user_key(account: &Account, file: &OfflineFile) -> Result<()> {
    let record = account.inner.registered()?;
    let state: Arc<IdentityState> = account.inner.myself().await?;
    let me = record.device.id();
    match state.devices().find(|(id, _)| **id == me) {
        Some((_, device)) if device.revoked.is_none() => {}
        Some(_) => return Err(ErrorCode::DeviceRevoked.into()),
        None => return Err(ErrorCode::HistoryShortened.into()),
    }
    let invalid = || Error::new(ErrorCode::OfflineFileInvalid);
    let wrapped = file.device_wraps.iter().find(|it| it.device == me);
    let wrapped = wrapped.ok_or_else(invalid)?;
    let user_key = state.user_keys().get(file.generation as usize);
    let user_key = user_key.ok_or_else(invalid)?;
    let device = state.active_device(&me).ok_or_else(invalid)?;
    let place = WrapPlace {
        tenant_id: state.tenant_id(),
        chain_id: state.id(),
        author: Author {
            key: wrapped.author_key,
            ..state.author(me)
        },
    };
    let commitment = user_key.epoch.commitment;
    let key_id = device.keys.kem.id();
    let wrap = Wrap {
        info: place.info(
            file.generation,
            commitment,
            Recipient::device(me),
            0,
            key_id,
        ),
        sealed: wrapped.sealed.as_slice().to_vec(),
    };
    let secret: EpochSecret = wrap
        .open(&record.device.kem)
        .map_err(|_| ErrorCode::WrapFalse)?;
    lock(&account.inner.user_secrets).insert(file.generation, secret);
    // Once more, with a key to open the back-links with.
    account.inner.myself().await.map(drop)
}

/// The time at which the file was made.
struct Standing(u64);

impl Clock for Standing {
    fn now_ms(&self) -> u64 {
        self.0
    }
}

/// A transport that answers from the file.
struct FromFile(Arc<OfflineFile>);

fn list(entries: &[Opaque], from: u64) -> Vec<B64> {
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    let rest = entries.get(from..).unwrap_or_default();
    rest.iter().map(bytes).collect()
}

fn bytes(it: &Opaque) -> B64 {
    B64(it.as_slice().to_vec())
}

fn wrap_answer(wrap: &StatedWrap) -> WrapAnswer {
    WrapAnswer {
        kind: wrap.recipient.kind.to_u8(),
        id: B64x32(wrap.recipient.id),
        epoch: wrap.epoch,
        generation: wrap.generation,
        key_id: B64x32(wrap.key_id.0),
        sealed: bytes(&wrap.sealed),
        seq: wrap.seq,
        index: wrap.index,
        proof: wrap.proof.iter().map(|it| B64x32(*it)).collect(),
    }
}

fn log_answer(
    chain: &StatedChain,
    wraps: &[StatedWrap],
    links: &[Opaque],
    from: u64,
) -> SessionAnswer {
    SessionAnswer {
        session_id: B64x32(chain.id.0),
        from,
        entries: list(&chain.entries, from),
        head: bytes(&chain.head),
        wraps: wraps.iter().map(wrap_answer).collect(),
        back_links: list(links, 0),
        metadata: None,
        tag: None,
        withdrawn: Vec::new(),
        more: false,
    }
}

fn answer(body: &impl Serialize) -> Response {
    Response {
        status: 200,
        body: serde_json::to_vec(body).unwrap_or_default(),
    }
}

fn problem(code: ErrorCode) -> Response {
    Response {
        status: code.status(),
        body: serde_json::to_vec(&Problem::new(code)).unwrap_or_default(),
    }
}

impl FromFile {
    fn identity(&self, chain: &StatedChain, from: u64) -> IdentityAnswer {
        let own = chain.id == self.0.reader;
        let opening = Some(bytes(&chain.opening)).filter(|it| !it.0.is_empty());
        IdentityAnswer {
            identity_id: B64x32(chain.id.0),
            from,
            entries: list(&chain.entries, from),
            head: bytes(&chain.head),
            opening,
            wraps: Vec::new(),
            back_links: match own {
                true => list(&self.0.reader_links, 0),
                false => Vec::new(),
            },
            more: false,
        }
    }

    /// The log of this name, the session's or a group's.
    fn log(&self, name: &[u8], from: u64) -> Option<SessionAnswer> {
        let file = &self.0;
        let is_named = |chain: &StatedChain| name == chain.id.0 || name == &chain.id.0[..16];
        if is_named(&file.session) {
            return Some(log_answer(&file.session, &file.wraps, &file.links, from));
        }
        let mut groups = file.groups.iter();
        let StatedGroup {
            chain,
            wraps,
            links,
        } = groups.find(|it| is_named(&it.chain))?;
        Some(log_answer(chain, wraps, links, from))
    }

    fn respond(&self, request: &Request) -> Option<Response> {
        let (_, rest) = request.url.split_once("/v1/tenants/")?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, "from=0"));
        let from: u64 = query.strip_prefix("from=")?.parse().ok()?;
        let file = &self.0;
        let mut parts = path.split('/').skip(1);
        let asked = (parts.next(), parts.next());
        if parts.next().is_some() {
            return None; // a file takes nothing
        }
        Some(match asked {
            (None, _) => answer(&TenantAnswer {
                tenant_id: B64x32(file.tenant.id.0),
                protocol_min: limits::PROTOCOL_MIN,
                protocol_max: limits::PROTOCOL_MAX,
                from,
                entries: list(&file.tenant.entries, from),
                head: bytes(&file.tenant.head),
                more: false,
            }),
            (Some("identities"), Some("lookup")) => {
                let asked: IdentitiesLookup = serde_json::from_slice(&request.body).ok()?;
                let mut found = IdentitiesFound {
                    found: Vec::new(),
                    missing: Vec::new(),
                };
                for wanted in asked.identities {
                    match self.chain_of(&wanted.id.0) {
                        Some(chain) => found.found.push(self.identity(chain, wanted.from)),
                        None => found.missing.push(wanted.id),
                    }
                }
                answer(&found)
            }
            (Some("identities"), Some(id)) => {
                let chain = self.chain_of(&b64::decode_array(id)?)?;
                answer(&self.identity(chain, from))
            }
            (Some("sessions"), Some("lookup")) => {
                let asked: SessionsLookup = serde_json::from_slice(&request.body).ok()?;
                let results = asked.sessions.iter().map(|wanted| {
                    let answer = self.log(&wanted.session.0, wanted.from);
                    let there = answer.is_some();
                    SessionResult {
                        answer,
                        problem: (!there).then(|| Problem::new(ErrorCode::SessionNotFound)),
                    }
                });
                answer(&SessionsFound {
                    results: results.collect(),
                })
            }
            (Some("sessions"), Some(name)) => match self.log(&b64::decode(name)?, from) {
                Some(log) => answer(&log),
                None => problem(ErrorCode::SessionNotFound),
            },
            _ => return None,
        })
    }

    fn chain_of(&self, id: &[u8; 32]) -> Option<&StatedChain> {
        let mut chains = self.0.identities.iter();
        chains.find(|it| it.id == ChainId(*id))
    }
}

impl Transport for FromFile {
    fn send(
        &self,
        request: Request,
    ) -> BoxFuture<'_, std::result::Result<Response, TransportError>> {
        let response = self
            .respond(&request)
            .unwrap_or_else(|| problem(ErrorCode::IdentityNotFound));
        Box::pin(async move { Ok(response) })
    }
}
