//! Formats: what decodes is canonical, so it encodes to the same bytes.

use crate::cut::Cut;
use crate::fixture::fixture;
use plico_protocol::envelope::EnvelopeSignature;
use plico_protocol::envelope::signed::{ENCODED_LEN, Subject};
use plico_protocol::format::bodies::{
    BackLinkRef, EpochStart, Grant, IdentityBody, ProvenKey, RecipientKey, Removal, RemovalReason,
    RightsBits, SessionBody, TagOpening, TenantBody, UserIdOpening, WrapsRef,
};
use plico_protocol::format::codec::FormatError;
use plico_protocol::format::context::{AppContext, MAX_CONTEXT_LEN};
use plico_protocol::format::entry::{Author, Entry, MAX_ENTRY_LEN, SignedEntry};
use plico_protocol::format::head::{Head, SignedHead};
use plico_protocol::format::header::{HEADER_LEN, Header};
use plico_protocol::format::ids::{ChainId, EntryHash, KeyId, Kind, Position, Recipient};
use plico_protocol::format::keys::{Authority, Core, DeviceKeys, KeyAlgorithm, KeyRecord};
use plico_protocol::format::offline::OfflineFile;
use plico_protocol::format::opaque::Opaque;
use plico_protocol::format::suite::Suite;
use plico_protocol::format::wrap::{WrapInfo, WrapPurpose};
use plico_protocol::format::{decode, encode};
use plico_protocol::identity::RecoverySecret;
use plico_protocol::identity::attestation::verify_binding;
use plico_protocol::identity::backup::BackupRoot;
use plico_protocol::identity::file::{IdentityFile, Protection};
use plico_protocol::identity::pairing::PairingCode;
use plico_protocol::primitives::secret::Secret;
use plico_protocol::primitives::{kem, sign};
use tls_codec::{DeserializeBytes, SerializeBytes, Size};

/// Decodes; what succeeds must be the one encoding of its value.
pub fn canonical<T>(data: &[u8]) -> Option<T>
where
    T: DeserializeBytes + SerializeBytes + Size,
{
    let value: T = decode("fuzz", data).ok()?;
    assert_eq!(encode(&value), data, "another encoding of the same value");
    assert_eq!(value.tls_serialized_len(), data.len());
    Some(value)
}

/// Signed and unsigned entries, and the body inside.
pub fn entry(data: &[u8]) {
    canonical::<Entry>(data);
    canonical::<Author>(data);
    let Ok(signed) = SignedEntry::from_bytes(data) else {
        return;
    };
    assert_eq!(signed.to_bytes(), data);
    assert!(data.len() <= MAX_ENTRY_LEN);
    assert_eq!(signed.entry.position().hash, signed.entry.hash());
    let body = signed.entry.body.as_slice();
    body_of(signed.entry.kind, signed.entry.entry_type, body);
}

/// `kind, type (2), body`.
pub fn entry_body(data: &[u8]) {
    let mut cut = Cut(data);
    // A group's bodies are a session's, with types of their own.
    let kind = [Kind::Tenant, Kind::Identity, Kind::Session][usize::from(cut.byte() % 3)];
    body_of(kind, cut.number(), cut.0);
}

fn body_of(kind: Kind, entry_type: u16, body: &[u8]) {
    let again = match kind {
        Kind::Tenant => TenantBody::decode(entry_type, body).map(|it| it.encode()),
        Kind::Identity => IdentityBody::decode(entry_type, body).map(|it| it.encode()),
        Kind::Session => SessionBody::decode(entry_type, body).map(|it| it.encode()),
        _ => return,
    };
    match again {
        Ok(again) => assert_eq!(again, (entry_type, body.to_vec())),
        Err(FormatError::NeedsNewerClient(_)) => {}
        Err(error) => assert!(matches!(entry_type, 1..=7 | 9 | 17 | 20), "{error}"),
    }
}

/// Heads; only those that the directory signed verify.
pub fn head(data: &[u8]) {
    canonical::<Head>(data);
    if let Some(head) = canonical::<SignedHead>(data) {
        let world = fixture();
        let signed = world.heads.contains(&head);
        assert_eq!(world.tenant.verify_head(&head).is_ok(), signed);
    }
}

/// HPKE's info of a wrap.
pub fn wrap_info(data: &[u8]) {
    if let Some(info) = canonical::<WrapInfo>(data) {
        assert_eq!(info.order(), (info.recipient, info.epoch));
    }
}

/// Openings of user ids; only the true one is believed.
pub fn opening(data: &[u8]) {
    let Some(opening) = canonical::<UserIdOpening>(data) else {
        return;
    };
    let world = fixture();
    for person in &world.people {
        let binding = world.known[&person.id].binding().expect("is bound");
        let believed = verify_binding(
            &world.tenant,
            person.id,
            &binding.body,
            binding.claimed_ms,
            &opening,
        );
        assert_eq!(believed.is_ok(), opening == person.opening);
    }
}

/// Identity files under the vectors' secret of the host: what opens comes back.
/// (Under a passphrase, each try would take the tenths of a second that it is for.)
pub fn identity_file(data: &[u8]) {
    if let Ok(offline) = OfflineFile::from_bytes(data) {
        assert_eq!(offline.to_bytes(), data);
    }
    let secret = Secret::from_slice(&[9; 32]).expect("32 bytes");
    let Ok(file) = IdentityFile::open(data, Protection::Host(&secret)) else {
        return;
    };
    let keys = file.device.keys().expect("each seed has keys");
    assert_eq!(keys.signing.id(), file.device.id());
    assert!(data.len() <= 4096 + 128);
}

/// Messages of a pairing under a code that is known, and codes themselves.
pub fn pairing(data: &[u8]) {
    let tenant = fixture().tenant.id();
    let code = PairingCode::from_text(&"0".repeat(26), tenant).expect("is a code");
    let (round, rest) = data
        .split_first()
        .map_or((0, data), |(round, rest)| (*round, rest));
    let offer = code.open_offer(round, rest);
    if let Ok(offer) = &offer {
        assert!(code.open_answer(round, offer, rest).is_err());
    }
    assert!(offer.is_err() || code.open_done(round, rest).is_err());
    if let Ok(text) = core::str::from_utf8(data)
        && let Ok(read) = PairingCode::from_text(text, tenant)
    {
        let again = PairingCode::from_text(&read.to_text(), tenant).expect("is its text");
        assert_eq!(again.mailbox(), read.mailbox());
    }
}

/// Backups under the vectors' secret of the host, and the words of a recovery key.
pub fn backup(data: &[u8]) {
    let secret = Secret::from_slice(&[9; 32]).expect("32 bytes");
    let tenant = fixture().tenant.id();
    let root = BackupRoot::derive(tenant, "dr.a", Protection::Host(&secret)).expect("derives");
    if let Ok(file) = root.open(data) {
        assert_eq!(file.user_id, "dr.a");
    }
    if let Ok(text) = core::str::from_utf8(data)
        && let Ok(key) = RecoverySecret::from_words(text)
    {
        let words = key.words();
        let again = RecoverySecret::from_words(&words).expect("are its words");
        assert_eq!(again.words(), words);
    }
}

/// Keys, cores and what a chain's id is made of.
pub fn key_record(data: &[u8]) {
    if let Some(record) = canonical::<KeyRecord>(data) {
        if let Ok(key) = record.verifying_key() {
            assert_eq!(KeyRecord::signing(&key), record);
        }
        if let Ok(key) = record.kem_key() {
            assert_eq!(KeyRecord::kem(&key), record);
        }
    }
    if let Ok(key) = sign::VerifyingKey::from_bytes(data) {
        assert_eq!(key.to_bytes().as_slice(), data);
        assert!(key.verify("entry", b"", &[0; 64]).is_err());
    }
    if let Ok(key) = kem::PublicKey::from_bytes(data) {
        assert_eq!(key.to_bytes(), data);
    }
    let secret = Secret::<32>::from_slice(data);
    assert_eq!(secret.is_some(), data.len() == 32);
    canonical::<DeviceKeys>(data);
    canonical::<Authority>(data);
    canonical::<ProvenKey>(data);
    if let Some(core) = canonical::<Core>(data)
        && core.check().is_ok()
    {
        assert_eq!(core.tenant() == core.chain_id(), core.kind == Kind::Tenant);
    }
}

/// Ids, places, grants and the like, by the first byte.
pub fn small_structs(data: &[u8]) {
    let mut cut = Cut(data);
    match cut.byte() % 19 {
        0 => drop(canonical::<Opaque>(cut.0)),
        1 => drop(canonical::<ChainId>(cut.0)),
        2 => drop(canonical::<Recipient>(cut.0)),
        3 => drop(canonical::<Position>(cut.0)),
        4 => drop(canonical::<RecipientKey>(cut.0)),
        5 => {
            if let Some(grant) = canonical::<Grant>(cut.0) {
                let valid = [1, 3, 5, 7, 0x87].contains(&grant.rights.0);
                assert_eq!(grant.rights.check().is_ok(), valid);
            }
        }
        6 => drop(canonical::<RightsBits>(cut.0)),
        7 => drop(canonical::<Removal>(cut.0)),
        8 => drop(canonical::<WrapsRef>(cut.0)),
        9 => drop(canonical::<BackLinkRef>(cut.0)),
        10 => drop(canonical::<EpochStart>(cut.0)),
        11 => drop(canonical::<WrapPurpose>(cut.0)),
        12 => drop(canonical::<KeyAlgorithm>(cut.0)),
        13 => drop(canonical::<RemovalReason>(cut.0)),
        14 => drop(canonical::<EntryHash>(cut.0)),
        15 => drop(canonical::<KeyId>(cut.0)),
        16 => {
            let byte = cut.byte();
            if let Some(kind) = Kind::from_u8(byte) {
                assert_eq!(kind.to_u8(), byte);
            }
            if let Ok(suite) = Suite::from_byte(byte) {
                assert_eq!(suite.to_byte(), byte);
            }
        }
        17 => {
            if let Ok(opening) = TagOpening::from_bytes(cut.0) {
                assert_eq!(opening.to_bytes(), cut.0);
                assert!((1..=128).contains(&opening.tag().len()));
            }
        }
        _ => drop(canonical::<plico_protocol::envelope::Author>(cut.0)),
    }
}

/// An envelope's header.
pub fn header(data: &[u8]) {
    if let Ok(header) = Header::decode(data) {
        assert_eq!(header.encode().as_slice(), &data[..HEADER_LEN]);
        // What follows is not looked at.
        assert_eq!(Header::decode(&data[..HEADER_LEN]), Ok(header));
    }
}

/// App contexts.
pub fn context(data: &[u8]) {
    if let Ok(context) = AppContext::decode(data) {
        assert_eq!(context.encode(), data);
        assert!((1..=MAX_CONTEXT_LEN).contains(&data.len()));
        assert_ne!(context.hash(), AppContext::hash_of(None));
    }
    // What the raw form takes, it gives back.
    if let Ok(raw) = AppContext::raw(data) {
        assert_eq!(AppContext::decode(&raw.encode()), Ok(raw));
    } else {
        assert!(data.len() >= MAX_CONTEXT_LEN);
    }
}

/// Detached signatures; only what the device signed verifies.
pub fn detached_signature(data: &[u8]) {
    let Ok(signature) = EnvelopeSignature::decode(data) else {
        return;
    };
    assert_eq!(data.len(), ENCODED_LEN);
    assert_eq!(signature.encode().as_deref(), Ok(data));
    let key = fixture().people[0].device.signing.verifying_key();
    let verifies = signature.verify(&key, &subject()).is_ok();
    assert_eq!(verifies, data == crate::seeds::detached().as_slice());
}

/// What the fixture's detached signature is over.
#[must_use]
pub fn subject() -> Subject {
    Subject {
        tenant_id: fixture().tenant.id().0,
        chain_id: fixture().session.id().0,
        envelope_hash: [5; 64],
        app_context_hash: [6; 32],
    }
}
