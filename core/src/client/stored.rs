//! The values in a client's store (client-state spec): bytes to types and back.

use crate::error::{Error, ErrorCode, Result};
use plico_protocol::format::codec::decode;
use plico_protocol::format::encode;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::ChainId;
use plico_protocol::format::opaque::Opaque;
use plico_protocol::identity::draft::DeviceSecret;
use plico_protocol::keyring::EpochSecret;
use plico_protocol::primitives::kem;
use plico_protocol::primitives::secret::Secret32;
use plico_protocol::primitives::sign::SigningKey;
use plico_protocol::wire::b64::{self, B64};
use std::collections::BTreeMap;
use tls_codec::{DeserializeBytes, TlsDeserializeBytes, TlsSerializeBytes, TlsSize};
use zeroize::Zeroizing;

pub(crate) const VERSION: u16 = 1;
/// Entries in one page of a stored log.
pub(crate) const PAGE: u64 = 64;

pub(crate) const TENANT: &str = "tenant";

pub(crate) fn identity_name(id: ChainId) -> String {
    format!("identity/{}", b64::encode(&id.0))
}

pub(crate) fn group_name(id: ChainId) -> String {
    format!("group/{}", b64::encode(&id.0))
}

fn handle(id: ChainId) -> String {
    b64::encode(&id.0[..16])
}

pub(crate) fn session_name(id: ChainId) -> String {
    format!("session/{}", handle(id))
}

pub(crate) fn session_name_by_handle(handle: &[u8; 16]) -> String {
    format!("session/{}", b64::encode(handle))
}

pub(crate) fn secrets_name(id: ChainId) -> String {
    format!("secret/{}", handle(id))
}

pub(crate) fn page_name(id: ChainId, page: u64) -> String {
    format!("log/{}/{page}", handle(id))
}

pub(crate) fn journal_name(id: ChainId) -> String {
    format!("journal/{}", handle(id))
}

pub(crate) const JOURNAL: &str = "journal/";
pub(crate) const SESSION: &str = "session/";

pub(crate) fn sent_name(id: ChainId, seq: u64) -> String {
    format!("sent/{}/{seq}", handle(id))
}

#[derive(TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub(crate) struct StoredTenant {
    version: u16,
    pub id: ChainId,
    pub entries: Vec<Opaque>,
}

#[derive(TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub(crate) struct StoredIdentity {
    version: u16,
    pub id: ChainId,
    pub entries: Vec<Opaque>,
    pub opening: Option<Opaque>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub(crate) struct StoredSent {
    pub seq: u64,
    pub at_ms: u64,
}

#[derive(TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub(crate) struct StoredSession {
    version: u16,
    pub id: ChainId,
    pub length: u64,
    pub refreshed_ms: u64,
    pub secrets: u32,
    pub back_links: Vec<Opaque>,
    pub metadata: Option<Opaque>,
    pub sent: Vec<StoredSent>,
}

#[derive(TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub(crate) struct StoredPage {
    version: u16,
    pub entries: Vec<Opaque>,
}

/// What kind of request a journal record holds.
pub(crate) const CREATES: u8 = 1;
pub(crate) const APPENDS: u8 = 2;
/// To this identity's own chain.
pub(crate) const OWN: u8 = 3;

#[derive(TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub(crate) struct JournalRecord {
    version: u16,
    pub what: u8,
    pub chain_id: ChainId,
    pub body: Opaque,
}

#[derive(TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub(crate) struct StoredUpload {
    version: u16,
    pub body: Opaque,
}

impl StoredTenant {
    pub fn new(id: ChainId, entries: &[B64]) -> Self {
        Self {
            version: VERSION,
            id,
            entries: opaques(entries),
        }
    }
}

impl StoredIdentity {
    pub fn new(id: ChainId, entries: Vec<Opaque>, opening: Option<Opaque>) -> Self {
        Self {
            version: VERSION,
            id,
            entries,
            opening,
        }
    }
}

impl StoredSession {
    pub fn new(id: ChainId, length: u64, refreshed_ms: u64) -> Self {
        Self {
            version: VERSION,
            id,
            length,
            refreshed_ms,
            secrets: 0,
            back_links: Vec::new(),
            metadata: None,
            sent: Vec::new(),
        }
    }
}

impl StoredPage {
    pub fn new(entries: Vec<Opaque>) -> Self {
        Self {
            version: VERSION,
            entries,
        }
    }
}

impl JournalRecord {
    pub fn new(what: u8, chain_id: ChainId, body: &[u8]) -> Self {
        Self {
            version: VERSION,
            what,
            chain_id,
            body: body.into(),
        }
    }
}

impl StoredUpload {
    pub fn new(body: &[u8]) -> Self {
        Self {
            version: VERSION,
            body: body.into(),
        }
    }
}

/// Every stored value begins with its version.
pub(crate) fn read<T: DeserializeBytes>(bytes: Vec<u8>) -> Result<T> {
    let bytes = Zeroizing::new(bytes);
    match bytes.first_chunk::<2>().map(|it| u16::from_be_bytes(*it)) {
        Some(VERSION) => decode("stored value", &bytes).map_err(|_| ErrorCode::StoreDamaged.into()),
        Some(version) if version > VERSION => Err(ErrorCode::NeedsNewerClient.into()),
        _ => Err(ErrorCode::StoreDamaged.into()),
    }
}

pub(crate) fn write<T: tls_codec::SerializeBytes>(value: &T) -> Vec<u8> {
    encode(value)
}

pub(crate) fn opaques(entries: &[B64]) -> Vec<Opaque> {
    entries.iter().map(|it| it.0.clone().into()).collect()
}

/// Epochs' secrets. Not by the codec: it would leave them in buffers that
/// nobody wipes.
pub(crate) fn write_secrets(secrets: &BTreeMap<u32, EpochSecret>) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 + secrets.len() * 36);
    out.extend_from_slice(&VERSION.to_be_bytes());
    for (epoch, secret) in secrets {
        out.extend_from_slice(&epoch.to_be_bytes());
        out.extend_from_slice(secret.dangerous_secret().expose());
    }
    out
}

/// Gives each epoch with its secret to `each`.
pub(crate) fn read_secrets(
    bytes: Vec<u8>,
    mut each: impl FnMut(u32, Secret32) -> Result<()>,
) -> Result<()> {
    let bytes = Zeroizing::new(bytes);
    let mut rest = bytes.as_slice();
    match u16::from_be_bytes(*take::<2>(&mut rest)?) {
        VERSION => {}
        version if version > VERSION => return Err(ErrorCode::NeedsNewerClient.into()),
        _ => return Err(ErrorCode::StoreDamaged.into()),
    }
    while !rest.is_empty() {
        let epoch = u32::from_be_bytes(*take::<4>(&mut rest)?);
        each(epoch, take_secret(&mut rest)?)?;
    }
    Ok(())
}

/// The version in front of a value that is not decoded by `tls_codec`.
pub(crate) fn take_version(rest: &mut &[u8]) -> Result<()> {
    if u16::from_be_bytes(*take::<2>(rest)?) == VERSION {
        return Ok(());
    }
    Err(Error::new(ErrorCode::NeedsNewerClient)
        .with_detail("the store was written by a newer version"))
}

/// The next `N` bytes of a stored value.
pub(crate) fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<&'a [u8; N]> {
    let (first, after) = rest
        .split_first_chunk::<N>()
        .ok_or(ErrorCode::StoreDamaged)?;
    *rest = after;
    Ok(first)
}

/// The next 32 bytes, copied to where they will be wiped.
pub(crate) fn take_secret(rest: &mut &[u8]) -> Result<Secret32> {
    let bytes = take::<32>(rest)?;
    Ok(Secret32::filled_by(|out| out.copy_from_slice(bytes)))
}

/// A device's two seeds, 64 bytes, into a buffer that has room for them: one
/// that grows would leave them behind.
pub(crate) fn put_device(out: &mut Vec<u8>, device: &DeviceSecret) {
    out.extend_from_slice(device.signing.dangerous_seed().expose());
    out.extend_from_slice(device.kem.dangerous_seed().expose());
}

/// What [`put_device`] has written.
pub(crate) fn take_device(rest: &mut &[u8]) -> Result<DeviceSecret> {
    Ok(DeviceSecret {
        signing: SigningKey::from_seed(&take_secret(rest)?),
        kem: kem::PrivateKey::from_seed(take_secret(rest)?),
    })
}

/// The entries of a stored chain; whether they fit together, a replay tells.
pub(crate) fn signed(entries: &[Opaque]) -> Result<Vec<SignedEntry>> {
    let entries = entries
        .iter()
        .map(|it| SignedEntry::from_bytes(it.as_slice()));
    entries
        .collect::<core::result::Result<_, _>>()
        .map_err(|_| ErrorCode::StoreDamaged.into())
}
