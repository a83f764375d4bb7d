//! What comes over the wire: tokens, signed requests, JSON bodies.

use crate::cut::Cut;
use crate::fixture::{T0, fixture};
use plico_protocol::format::bodies::UserIdOpening;
use plico_protocol::format::decode;
use plico_protocol::format::wrap::WRAP_LEN;
use plico_protocol::identity::Attestation;
use plico_protocol::identity::attestation::check_user_id;
use plico_protocol::identity::operator::OperatorToken;
use plico_protocol::identity::service::ServiceToken;
use plico_protocol::identity::standing::StandingToken;
use plico_protocol::wire::accept::{
    Window, accept_enrolment, accept_identity, accept_restore_identity, accept_restore_session,
    accept_session,
};
use plico_protocol::wire::b64::{self, B64, B64x32};
use plico_protocol::wire::limits::{MAX_BATCH, MAX_METADATA, MAX_PART_WRAPS, MAX_PARTS};
use plico_protocol::wire::rest;
use plico_protocol::wire::signing::{
    CONTENT_TYPE, ParsedSignature, RequestParts, content_digest, sign_request,
};
use plico_protocol::wire::upload::{Upload, UploadedWrap};
use plico_protocol::wire::{ErrorCode, Problem};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;

/// Enrolment tokens; only those that the app's backend signed verify.
pub fn attestation(data: &[u8]) {
    let Ok(token) = core::str::from_utf8(data) else {
        return;
    };
    let _ = check_user_id(token);
    let world = fixture();
    let mut people = world.people.iter();
    let signed = people.find(|it| it.token == token);
    match Attestation::verify(token, &world.tenant) {
        Ok(said) => assert_eq!(Some(said.identity), signed.map(|it| it.id)),
        Err(error) => assert!(signed.is_none(), "{error}"),
    }
    // Nobody has signed one of these.
    assert!(StandingToken::verify(token, &world.tenant).is_err());
    assert!(OperatorToken::verify(token, &world.tenant).is_err());
    let mine = crate::seeds::service_token();
    let verified = ServiceToken::verify(token, &world.tenant);
    assert_eq!(verified.is_ok(), token == mine);
}

/// The URL and the body of the fixture's request.
pub const URI: &str = "https://keys.example.org/v1/x?from=1";
/// See [`URI`].
pub const BODY: &[u8] = br#"{"a":1}"#;

/// Two headers as blocks, then the body: only what was signed verifies.
pub fn request_signature(data: &[u8]) {
    let mut cut = Cut(data);
    let input = cut.block().unwrap_or_default();
    let signature = cut.block().unwrap_or_default();
    let (Ok(input), Ok(signature)) = (core::str::from_utf8(input), core::str::from_utf8(signature))
    else {
        return;
    };
    let Ok(parsed) = ParsedSignature::parse(input, signature) else {
        return;
    };
    let key = &fixture().enrolment;
    let digest = content_digest(cut.0);
    let parts = RequestParts {
        method: "POST",
        target_uri: URI,
        content_digest: &digest,
        content_type: CONTENT_TYPE,
    };
    let (true_params, ..) = crate::seeds::request();
    for now in [0, T0 / 1_000, u64::MAX] {
        let verified = parsed.verify(&parts, cut.0, &key.verifying_key(), now);
        if verified.is_ok() {
            assert_eq!((&parsed.params, cut.0), (&true_params, BODY));
            assert_eq!(now, T0 / 1_000);
        }
    }
    // What was parsed can be signed, parsed and verified again.
    let (input, signature) = sign_request(&parts, &parsed.params, key);
    let again = ParsedSignature::parse(&input, &signature).expect("our own");
    assert_eq!(again.params, parsed.params);
    let _ = again.verify(&parts, cut.0, &key.verifying_key(), parsed.params.created_s);
}

/// Base64url: one text for each value, plain and in JSON.
pub fn base64(data: &[u8]) {
    assert_eq!(b64::decode(&b64::encode(data)).as_deref(), Some(data));
    let Ok(text) = core::str::from_utf8(data) else {
        return;
    };
    let decoded = b64::decode(text);
    if let Some(bytes) = &decoded {
        assert_eq!(b64::encode(bytes), text);
    }
    let array = b64::decode_array::<32>(text).map(|it| it.to_vec());
    assert_eq!(array, decoded.clone().filter(|it| it.len() == 32));
    let json = serde_json::to_string(text).expect("a string");
    let all = serde_json::from_str::<B64>(&json).ok();
    assert_eq!(all.map(|it| it.0), decoded);
    let id = serde_json::from_str::<B64x32>(&json).ok();
    assert_eq!(id.map(|it| it.0.to_vec()), array);
    if let Some(code) = ErrorCode::parse(text) {
        assert_eq!(code.as_str(), text);
    }
}

/// Decodes JSON; what succeeds survives being written and read again.
fn json<T: DeserializeOwned + Serialize + PartialEq + core::fmt::Debug>(data: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(data).ok()?;
    let again = serde_json::to_vec(&value).expect("serialises");
    let second: T = serde_json::from_slice(&again).expect("our own JSON");
    assert_eq!(second, value);
    Some(value)
}

fn uploads(entries: &[rest::EntryUpload]) -> Option<Vec<Upload>> {
    let uploads = Upload::batch(entries).ok()?;
    assert!((1..=MAX_BATCH).contains(&uploads.len()));
    for (upload, from) in uploads.iter().zip(entries) {
        assert_eq!(upload.entry.to_bytes(), from.entry.0);
        assert!(upload.wraps.iter().all(|it| it.sealed.len() == WRAP_LEN));
        assert!(usize::from(upload.staged_parts) <= MAX_PARTS);
        assert!(upload.staged_parts == 0 || upload.wraps.is_empty());
        let blob = upload.metadata.as_ref();
        assert!(blob.is_none_or(|it| it.len() <= MAX_METADATA));
    }
    Some(uploads)
}

/// What clients send, as far as the directory's rules: uploads that are
/// accepted are exactly the fixture's own.
pub fn rest_request(data: &[u8]) {
    json::<rest::IdentitiesLookup>(data);
    json::<rest::UsersLookup>(data);
    json::<rest::BackupChange>(data);
    json::<rest::BackupFetch>(data);
    json::<rest::DeviceLabel>(data);
    json::<rest::PairingPut>(data);
    json::<rest::PairingReply>(data);
    json::<rest::StandingChange>(data);
    json::<rest::SessionsLookup>(data);
    json::<rest::MembershipsLookup>(data);
    json::<rest::OperatorRequest>(data);
    json::<rest::SessionsFind>(data);
    json::<rest::DevEnrolment>(data);
    if let Some(batch) = json::<rest::WriteBatch>(data) {
        for write in &batch.writes {
            uploads(&write.entries);
        }
    }
    if let Some(staged) = json::<rest::StagedWraps>(data)
        && let Ok(wraps) = UploadedWrap::part(&staged.wraps)
    {
        assert!((1..=MAX_PART_WRAPS).contains(&wraps.len()));
        assert!(wraps.iter().all(|it| it.sealed.len() == WRAP_LEN));
    }
    let world = fixture();
    if let Some(enrol) = json::<rest::Enrol>(data)
        && let Some(uploads) = uploads(&enrol.entries)
        && let Ok(opening) = decode::<UserIdOpening>("opening", &enrol.opening.0)
        && let Ok(enrolled) = accept_enrolment(&world.tenant, &uploads, &opening, T0)
    {
        let known = world.people.iter().map(|it| it.id);
        let id = enrolled.state.id();
        assert!(known.into_iter().any(|it| it == id), "somebody new");
    }
    if let Some(returned) = json::<rest::HandBack>(data) {
        hand_back(&returned);
    }
    let Some(append) = json::<rest::Append>(data) else {
        return;
    };
    let Some(uploads) = uploads(&append.entries) else {
        return;
    };
    let _ = accept_identity(None, &uploads);
    for person in &world.people {
        let log = world.session_log();
        for state in [None, Some(world.session.clone())] {
            let before = state.as_ref().map_or(0, |_| log.len() - 1);
            let Ok((_, effects)) = accept_session(
                state,
                &uploads,
                person.id,
                &BTreeSet::new(),
                &world.known,
                T0,
            ) else {
                continue;
            };
            // Nobody but the fixture's people can sign.
            let entries = effects.entries.iter().zip(&log[before..]);
            assert!(effects.entries.len() <= log.len() - before);
            for (accepted, ours) in entries {
                assert_eq!(accepted.bytes, ours.to_bytes());
            }
        }
    }
}

/// What is handed back to a restored directory: nothing comes of it that the
/// fixture's people have not signed.
fn hand_back(returned: &rest::HandBack) {
    let Ok(uploads) = Upload::hand_back(&returned.entries) else {
        return;
    };
    let world = fixture();
    let window = Window {
        now_ms: T0,
        restored_from_ms: Some(0),
    };
    let opening = returned.opening.as_ref();
    let opening = opening.and_then(|it| decode::<UserIdOpening>("opening", &it.0).ok());
    let log = world.session_log();
    for person in &world.people {
        let (id, opening) = (person.id, opening.as_ref());
        let restored =
            accept_restore_identity(&world.tenant, id, None, &[], &uploads, opening, window);
        if let Ok(restored) = restored {
            assert_eq!(restored.state.id(), id);
        }
        let id = world.session.id();
        let (known, sender) = (&world.known, person.id);
        let restored = accept_restore_session(id, None, &[], &uploads, sender, known, window);
        if let Ok((_, effects)) = restored {
            for (accepted, ours) in effects.entries.iter().zip(&log) {
                assert_eq!(accepted.bytes, ours.to_bytes());
            }
        }
    }
}

/// What directories answer.
pub fn rest_answer(data: &[u8]) {
    json::<rest::Appended>(data);
    json::<rest::Staged>(data);
    json::<rest::WritesDone>(data);
    json::<rest::TenantAnswer>(data);
    json::<rest::WrapAnswer>(data);
    json::<rest::IdentityAnswer>(data);
    json::<rest::IdentitiesFound>(data);
    json::<rest::UsersFound>(data);
    json::<rest::Memberships>(data);
    json::<rest::SessionAnswer>(data);
    json::<rest::SessionsFound>(data);
    json::<rest::DevToken>(data);
    json::<rest::RecoveryFound>(data);
    json::<rest::Backups>(data);
    json::<rest::BackupFound>(data);
    json::<rest::DeviceNotes>(data);
    json::<rest::Pairing>(data);
    json::<rest::StandingAnswer>(data);
    json::<rest::OperatorAnswer>(data);
    if let Some(problem) = json::<Problem>(data) {
        let known = ErrorCode::parse(&problem.code);
        assert!(known.is_none_or(|it| it.as_str() == problem.code));
    }
}
