//! A lying directory, lie by lie: a real server's answers are altered on their
//! way, and each lie must be caught with its own code. The liar has the
//! directory's signing key; what it has not are the keys of people and of the
//! app's backend.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::member::{Member, answer_code, entries, forge_head};
use common::{MINUTE, Person, World, code, rng};
use plico::{EncryptionSession, ErrorCode, Grant, Recipient, SessionOptions};
use plico_protocol::chain::{Replay as _, replay};
use plico_protocol::format::bodies::{
    BackLinkRef, EpochStart, Grant as WireGrant, RightsBits, SessionBody, SessionRotate,
    UserIdOpening,
};
use plico_protocol::format::bodies::{BindUserId, IdentityBody};
use plico_protocol::format::ids::{ChainId, Position};
use plico_protocol::format::{decode, encode};
use plico_protocol::identity::IdentityState;
use plico_protocol::identity::draft::next_own_entry;
use plico_protocol::keyring::wraps::commit;
use plico_protocol::keyring::{EpochContext, EpochSecret, back_link_hash};
use plico_protocol::primitives::sign::SigningKey;
use plico_protocol::rights::draft::{Draft, grant, recipient_key, rotate};
use plico_protocol::wire::b64::{B64, B64x32};
use plico_protocol::wire::rest::{
    IdentitiesFound, IdentityAnswer, SessionAnswer, TenantAnswer, UsersFound,
};

async fn pair() -> (World, Person, Person) {
    let world = World::new().await;
    let (doctor, patient) = (world.person("dr.a").await, world.person("patient.7").await);
    (world, doctor, patient)
}

async fn shared(doctor: &Person) -> EncryptionSession {
    doctor
        .account
        .create_session([Recipient::user("patient.7")])
        .await
        .unwrap()
}

async fn grant_patient(doctor: &Person) -> plico::Result<EncryptionSession> {
    doctor
        .account
        .create_session([Recipient::user("patient.7")])
        .await
}

// ---- who stands behind a user id ----

#[tokio::test]
async fn another_identity_under_a_user_id_without_the_backends_word() {
    let (world, doctor, _patient) = pair().await;
    shared(&doctor).await;
    let thief = world.person("thief").await;
    let thief_id = thief.id();
    let answer = Member::of(&thief, &world).await;
    let path = format!(
        "/identities/{}?from=0",
        plico_protocol::wire::b64::encode(&thief_id.0)
    );
    let response = answer
        .request(plico::ports::Method::Get, &path, Vec::new())
        .await;
    let mut stolen: IdentityAnswer = serde_json::from_slice(&response.body).unwrap();
    stolen.wraps.clear();
    for keep_word in [true, false] {
        let mut stolen = stolen.clone();
        if !keep_word {
            stolen.opening = None;
        }
        doctor
            .wire
            .alter("/users/lookup", move |found: &mut UsersFound| {
                for user in &mut found.found {
                    user.identity = stolen.clone();
                }
            });
        assert_eq!(
            code(grant_patient(&doctor).await),
            ErrorCode::AttestationInvalid
        );
    }
}

#[tokio::test]
async fn another_identity_under_a_user_id_with_a_forged_word() {
    let (world, doctor, _patient) = pair().await;
    shared(&doctor).await;
    let thief = world.person("thief").await;
    let member = Member::of(&thief, &world).await;
    // The thief binds itself to the patient's name, with a token that it signs itself.
    let forger = SigningKey::generate(&mut rng());
    let token = common::token(
        &forger,
        world.tenant_id,
        "patient.7",
        thief.id(),
        9,
        world.clock.now(),
    );
    let state = member
        .identities(&[thief.id()])
        .await
        .remove(&thief.id())
        .unwrap();
    let (entry, opening) = plico_protocol::identity::draft::bind_user_id(
        &state,
        "patient.7",
        9,
        &token,
        world.clock.now(),
        &member.device.signing,
        &mut rng(),
    );
    let head = forge_head(&world, thief.id(), entry.entry.position());
    let answer = chain_answer(&member, thief.id()).await;
    let mut forged = answer.clone();
    forged.entries.push(B64(entry.to_bytes()));
    forged.head = head;
    forged.opening = Some(B64(encode(&opening)));
    doctor
        .wire
        .alter("/users/lookup", move |found: &mut UsersFound| {
            for user in &mut found.found {
                user.identity = forged.clone();
            }
        });
    assert_eq!(
        code(grant_patient(&doctor).await),
        ErrorCode::AttestationInvalid
    );
}

async fn chain_answer(member: &Member, id: ChainId) -> IdentityAnswer {
    let path = format!(
        "/identities/{}?from=0",
        plico_protocol::wire::b64::encode(&id.0)
    );
    let response = member
        .request(plico::ports::Method::Get, &path, Vec::new())
        .await;
    let mut answer: IdentityAnswer = serde_json::from_slice(&response.body).unwrap();
    answer.wraps.clear();
    answer.back_links.clear();
    answer
}

#[tokio::test]
async fn another_identity_under_a_known_user_id_with_a_true_word() {
    let (world, doctor, _patient) = pair().await;
    shared(&doctor).await;
    let fresh = world.visitor().await;
    fresh.register(&world, "patient.7", 2).await.unwrap();
    assert_eq!(
        code(grant_patient(&doctor).await),
        ErrorCode::IdentityChanged
    );
    // Until the app accepts it, explicitly.
    let accepted = doctor
        .account
        .accept_identity_change("patient.7")
        .await
        .unwrap();
    assert_eq!(Some(accepted), fresh.account.identity_id());
    grant_patient(&doctor).await.unwrap();
}

#[tokio::test]
async fn an_older_binding_after_a_newer_one() {
    let (world, doctor, patient) = pair().await;
    shared(&doctor).await;
    let old: UsersFound = doctor.wire.last("/users/lookup");
    let fresh = world.visitor().await;
    fresh.register(&world, "patient.7", 2).await.unwrap();
    doctor
        .account
        .accept_identity_change("patient.7")
        .await
        .unwrap();
    doctor
        .wire
        .alter("/users/lookup", move |found: &mut UsersFound| {
            *found = old.clone()
        });
    assert_eq!(
        code(grant_patient(&doctor).await),
        ErrorCode::HistoryShortened
    );
    drop(patient);
}

#[tokio::test]
async fn a_user_id_answered_with_somebody_elses_name() {
    let (_world, doctor, _patient) = pair().await;
    doctor
        .wire
        .alter("/users/lookup", |found: &mut UsersFound| {
            for user in &mut found.found {
                user.user_id = "somebody".into();
            }
        });
    assert_eq!(
        code(grant_patient(&doctor).await),
        ErrorCode::RecipientsNotFound
    );
}

// ---- an identity's chain ----

/// The patient's chain grows by one entry that the doctor has seen.
async fn grown(
    world: &World,
    doctor: &Person,
    patient: &Person,
) -> (IdentityAnswer, IdentityAnswer) {
    let member = Member::of(patient, world).await;
    let short = chain_answer(&member, patient.id()).await;
    let state: IdentityState = replay(None, &entries(&short.entries), &()).unwrap();
    let body = IdentityBody::BindUserId(BindUserId {
        number: 5,
        commitment: [5; 32],
    });
    let entry = next_own_entry(
        state.tip(),
        body.encode(),
        world.clock.now(),
        &member.device.signing,
    );
    let mut long = short.clone();
    long.entries.push(B64(entry.to_bytes()));
    long.head = forge_head(world, patient.id(), entry.entry.position());
    // The name's opening no longer fits the newest binding: leave it out.
    long.opening = None;
    let shown = long.clone();
    doctor
        .wire
        .alter("/identities/lookup", move |found: &mut IdentitiesFound| {
            replace(found, &shown);
        });
    (short, long)
}

fn replace(found: &mut IdentitiesFound, with: &IdentityAnswer) {
    for answer in &mut found.found {
        if answer.identity_id == with.identity_id {
            let from = answer.from;
            *answer = with.clone();
            answer
                .entries
                .drain(..(from as usize).min(with.entries.len()));
            answer.from = from;
        }
    }
}

#[tokio::test]
async fn an_identity_chain_shortened() {
    let (world, doctor, patient) = pair().await;
    let session = shared(&doctor).await;
    let (mut short, _) = grown(&world, &doctor, &patient).await;
    session.refresh().await.unwrap();
    short.head = forge_head(&world, patient.id(), last_position(&short));
    doctor
        .wire
        .alter("/identities/lookup", move |found: &mut IdentitiesFound| {
            replace(found, &short);
        });
    assert_eq!(code(session.refresh().await), ErrorCode::HistoryShortened);
}

fn last_position(answer: &IdentityAnswer) -> Position {
    entries(&answer.entries).last().unwrap().entry.position()
}

#[tokio::test]
async fn an_identity_chain_shortened_with_the_old_head_kept() {
    let (_world, doctor, _patient) = pair().await;
    doctor
        .wire
        .alter("/users/lookup", |found: &mut UsersFound| {
            for user in &mut found.found {
                user.identity.entries.pop();
                user.identity.opening = None;
            }
        });
    // Shorter than its own signed head.
    assert_eq!(code(grant_patient(&doctor).await), ErrorCode::HeadInvalid);
}

#[tokio::test]
async fn an_identity_chain_forked() {
    let (world, doctor, patient) = pair().await;
    let session = shared(&doctor).await;
    let (short, _) = grown(&world, &doctor, &patient).await;
    session.refresh().await.unwrap();
    // Another entry at the same place, signed by the patient's own (stolen) key.
    let member = Member::of(&patient, &world).await;
    let state: IdentityState = replay(None, &entries(&short.entries), &()).unwrap();
    let body = IdentityBody::BindUserId(BindUserId {
        number: 6,
        commitment: [6; 32],
    });
    let entry = next_own_entry(
        state.tip(),
        body.encode(),
        world.clock.now(),
        &member.device.signing,
    );
    let mut fork = short;
    fork.head = forge_head(&world, patient.id(), entry.entry.position());
    fork.entries.push(B64(entry.to_bytes()));
    fork.opening = None;
    doctor
        .wire
        .alter("/identities/lookup", move |found: &mut IdentitiesFound| {
            replace(found, &fork);
        });
    assert_eq!(code(session.refresh().await), ErrorCode::HistoryForked);
}

#[tokio::test]
async fn an_identity_chain_reordered_or_altered() {
    let (_world, doctor, _patient) = pair().await;
    doctor
        .wire
        .alter("/users/lookup", |found: &mut UsersFound| {
            for user in &mut found.found {
                user.identity.entries.swap(0, 1);
            }
        });
    assert_eq!(
        code(grant_patient(&doctor).await),
        ErrorCode::HistoryInvalid
    );
    doctor
        .wire
        .alter("/users/lookup", |found: &mut UsersFound| {
            for user in &mut found.found {
                let entry = &mut user.identity.entries[1].0;
                *entry.last_mut().unwrap() ^= 1;
            }
        });
    assert_eq!(
        code(grant_patient(&doctor).await),
        ErrorCode::HistoryInvalid
    );
}

#[tokio::test]
async fn an_identity_chain_replaced_by_another_valid_one() {
    let (world, doctor, patient) = pair().await;
    let session = shared(&doctor).await;
    let thief = world.person("thief").await;
    let other = chain_answer(&Member::of(&thief, &world).await, thief.id()).await;
    let patient_id = patient.id();
    doctor
        .wire
        .alter("/identities/lookup", move |found: &mut IdentitiesFound| {
            for answer in &mut found.found {
                if answer.identity_id.0 == patient_id.0 {
                    *answer = other.clone();
                    answer.identity_id = B64x32(patient_id.0);
                }
            }
        });
    let again = doctor.restarted(&world).await;
    again.wire.alter("/identities/lookup", {
        let other = chain_answer(&Member::of(&thief, &world).await, thief.id()).await;
        move |found: &mut IdentitiesFound| {
            for answer in &mut found.found {
                if answer.identity_id.0 == patient_id.0 {
                    *answer = other.clone();
                    answer.identity_id = B64x32(patient_id.0);
                }
            }
        }
    });
    assert_eq!(
        code(again.account.session(session.id()).refresh().await),
        ErrorCode::AnswerMismatch
    );
    assert_eq!(code(session.refresh().await), ErrorCode::AnswerMismatch);
}

// ---- heads, replays, tenants ----

#[tokio::test]
async fn a_head_that_is_not_the_directorys() {
    let (world, doctor, _patient) = pair().await;
    let session = shared(&doctor).await;
    doctor
        .wire
        .alter("/sessions/", |answer: &mut SessionAnswer| {
            *answer.head.0.last_mut().unwrap() ^= 1;
        });
    assert_eq!(code(session.refresh().await), ErrorCode::HeadInvalid);
    doctor.wire.honest();
    // A true head of another chain.
    let mine = forge_head(
        &world,
        doctor.id(),
        Position {
            seq: 0,
            hash: [0; 32].into(),
        },
    );
    doctor
        .wire
        .alter("/sessions/", move |answer: &mut SessionAnswer| {
            answer.head = mine.clone()
        });
    assert_eq!(code(session.refresh().await), ErrorCode::AnswerMismatch);
}

#[tokio::test]
async fn an_old_answer_played_again() {
    let (world, doctor, _patient) = pair().await;
    let session = shared(&doctor).await;
    session.refresh().await.unwrap();
    let old: SessionAnswer = doctor.wire.last("/sessions/");
    world.clock.forward(6 * MINUTE);
    doctor
        .wire
        .alter("/sessions/", move |answer: &mut SessionAnswer| {
            *answer = old.clone()
        });
    assert_eq!(code(session.refresh().await), ErrorCode::AnswerReplayed);
}

#[tokio::test]
async fn data_of_another_tenant() {
    let (_world, doctor, _patient) = pair().await;
    let elsewhere = World::new().await;
    let stranger = elsewhere.person("patient.7").await;
    let member = Member::of(&stranger, &elsewhere).await;
    let foreign = chain_answer(&member, stranger.id()).await;
    doctor
        .wire
        .alter("/users/lookup", move |found: &mut UsersFound| {
            for user in &mut found.found {
                user.identity = foreign.clone();
            }
        });
    assert_eq!(code(grant_patient(&doctor).await), ErrorCode::WrongTenant);
}

#[tokio::test]
async fn another_tenants_chain_for_the_tenants_own() {
    let world = World::new().await;
    let elsewhere = World::new().await;
    let wire = common::Wire::new();
    elsewhere
        .builder()
        .transport(wire.clone())
        .open()
        .await
        .unwrap();
    let other: TenantAnswer = wire.last("/v1/tenants/");
    let own = world.tenant_id;
    wire.alter("/v1/tenants/", move |answer: &mut TenantAnswer| {
        *answer = other.clone();
        answer.tenant_id = B64x32(own.0);
    });
    assert_eq!(
        code(world.builder().transport(wire).open().await),
        ErrorCode::WrongTenant
    );
}

#[tokio::test]
async fn an_answer_to_another_question() {
    let (_world, doctor, _patient) = pair().await;
    let (one, two) = (shared(&doctor).await, shared(&doctor).await);
    one.refresh().await.unwrap();
    let other: SessionAnswer = doctor.wire.last("/sessions/");
    doctor
        .wire
        .alter("/sessions/", move |answer: &mut SessionAnswer| {
            *answer = other.clone()
        });
    assert_eq!(code(two.refresh().await), ErrorCode::AnswerMismatch);
}

// ---- a session's log ----

#[tokio::test]
async fn a_session_log_shortened_for_a_client_that_has_seen_more() {
    let (world, doctor, _patient) = pair().await;
    let session = shared(&doctor).await;
    let again = doctor.restarted(&world).await;
    again.account.session(session.id()).refresh().await.unwrap();
    let old: SessionAnswer = again.wire.last("/sessions/");
    session.revoke(Recipient::user("patient.7")).await.unwrap();
    // The revocation was seen; then the directory forgets it.
    let third = doctor.restarted(&world).await;
    third.account.session(session.id()).refresh().await.unwrap();
    let fourth = doctor.restarted(&world).await;
    fourth
        .wire
        .alter("/sessions/", move |answer: &mut SessionAnswer| {
            answer.entries.clear();
            answer.head = old.head.clone();
        });
    assert_eq!(
        code(fourth.account.session(session.id()).refresh().await),
        ErrorCode::HistoryShortened
    );
}

#[tokio::test]
async fn a_session_log_shortened_for_a_client_that_holds_a_later_envelope() {
    let (_world, doctor, patient) = pair().await;
    let session = shared(&doctor).await;
    let first = session.encrypt("1", None).await.unwrap();
    patient.account.decrypt(&first, None).await.unwrap();
    let old: SessionAnswer = patient.wire.last("/sessions/");
    session.rotate().await.unwrap();
    let later = session.encrypt("2", None).await.unwrap();
    let hidden = old.clone();
    patient
        .wire
        .alter("/sessions/", move |answer: &mut SessionAnswer| {
            answer.head = hidden.head.clone();
            answer.entries.clear();
            answer.wraps = hidden.wraps.clone();
            answer.back_links.clear();
        });
    let result = patient.account.decrypt(&later, None).await;
    assert_eq!(code(result), ErrorCode::SessionBehindEnvelope);
}

#[tokio::test]
async fn a_session_log_forked() {
    let (world, doctor, _patient) = pair().await;
    let session = shared(&doctor).await;
    let id = ChainId(*session.id().as_bytes());
    let member = Member::of(&doctor, &world).await;
    let known = member.identities(&[doctor.id(), _patient.id()]).await;
    let (before, secret) = member.state(id, &known).await;
    session.rotate().await.unwrap();
    // The owner's own (stolen) key writes another entry at the same place.
    let fork = rotate(
        &member.writer(&known),
        &before,
        &[&secret],
        &known,
        &mut rng(),
    )
    .unwrap();
    let head = forge_head(&world, id, fork.entry.entry.position());
    doctor
        .wire
        .alter("/sessions/", move |answer: &mut SessionAnswer| {
            answer.head = head.clone();
            answer.entries = Vec::new();
            answer.back_links.clear();
            answer.wraps.clear();
        });
    assert_eq!(code(session.refresh().await), ErrorCode::HistoryForked);
}

/// The liar appends `draft` to the log that the victim is shown.
fn show_with(world: &World, victim: &Person, id: ChainId, draft: &Draft) {
    let head = forge_head(world, id, draft.entry.entry.position());
    let bytes = B64(draft.entry.to_bytes());
    victim
        .wire
        .alter("/sessions/", move |answer: &mut SessionAnswer| {
            answer.entries.push(bytes.clone());
            answer.head = head.clone();
        });
}

/// A session of the doctor's in which the member named has `grant`; the liar
/// has that member's keys, and a friend who has no right.
async fn with_member(grant_to: Grant) -> (World, Person, Person, Person, EncryptionSession) {
    let world = World::new().await;
    let (doctor, crook) = (world.person("dr.a").await, world.person("crook").await);
    let friend = world.person("friend").await;
    let options = SessionOptions::new().recipient(Recipient::user("crook"), grant_to);
    let session = doctor.account.create_session(options).await.unwrap();
    (world, doctor, crook, friend, session)
}

async fn crooked_grant(
    world: &World,
    crook: &Person,
    friend: &Person,
    id: ChainId,
    doctor: &Person,
    rights: u8,
    expires_ms: u64,
) -> (Member, Draft) {
    let member = Member::of(crook, world).await;
    let known = member
        .identities(&[doctor.id(), crook.id(), friend.id()])
        .await;
    let (state, secret) = member.state(id, &known).await;
    let key = recipient_key(&known[&friend.id()]);
    let grants = vec![WireGrant {
        key,
        rights: RightsBits(rights),
        expires_ms,
    }];
    let draft = grant(
        &member.writer(&known),
        &state,
        grants,
        &[&secret],
        &known,
        &mut rng(),
    )
    .unwrap();
    (member, draft)
}

#[tokio::test]
async fn a_recipient_added_by_someone_without_the_right() {
    let (world, doctor, crook, friend, session) = with_member(Grant::read()).await;
    let id = ChainId(*session.id().as_bytes());
    let (member, draft) =
        crooked_grant(&world, &crook, &friend, id, &doctor, RightsBits::READ, 0).await;
    // An honest directory refuses it.
    let response = member.append(id, std::slice::from_ref(&draft)).await;
    assert_eq!(
        (response.status, answer_code(&response).as_str()),
        (403, "NOT_ALLOWED")
    );
    show_with(&world, &doctor, id, &draft);
    assert_eq!(code(session.refresh().await), ErrorCode::RightsViolation);
}

#[tokio::test]
async fn a_grant_wider_than_its_grantors() {
    let forward = Grant::new(plico::Rights::read().and_forward());
    let (world, doctor, crook, friend, session) = with_member(forward).await;
    let id = ChainId(*session.id().as_bytes());
    let wide = RightsBits::READ | RightsBits::REVOKE;
    let (member, draft) = crooked_grant(&world, &crook, &friend, id, &doctor, wide, 0).await;
    let response = member.append(id, std::slice::from_ref(&draft)).await;
    assert_eq!(
        (response.status, answer_code(&response).as_str()),
        (403, "NOT_ALLOWED")
    );
    show_with(&world, &doctor, id, &draft);
    assert_eq!(
        code(session.refresh().await),
        ErrorCode::GrantExceedsGrantor
    );
}

// ---- wraps and back-links ----

#[tokio::test]
async fn wraps_swapped_between_recipients() {
    let (world, doctor, patient) = pair().await;
    let session = shared(&doctor).await;
    let theirs = Member::of(&doctor, &world)
        .await
        .session(ChainId(*session.id().as_bytes()))
        .await;
    patient
        .wire
        .alter("/sessions/", move |answer: &mut SessionAnswer| {
            answer.wraps = theirs.wraps.clone();
        });
    let as_patient = patient.account.session(session.id());
    assert_eq!(code(as_patient.refresh().await), ErrorCode::WrapInvalid);
    // The doctor's wrap under the patient's name.
    let theirs: SessionAnswer = Member::of(&doctor, &world)
        .await
        .session(ChainId(*session.id().as_bytes()))
        .await;
    patient
        .wire
        .alter("/sessions/", move |answer: &mut SessionAnswer| {
            answer.wraps[0].sealed = theirs.wraps[0].sealed.clone();
        });
    assert_eq!(code(as_patient.refresh().await), ErrorCode::WrapInvalid);
}

#[tokio::test]
async fn wraps_swapped_between_sessions_and_epochs() {
    let (_world, doctor, patient) = pair().await;
    let (one, two) = (shared(&doctor).await, shared(&doctor).await);
    one.rotate().await.unwrap();
    patient.account.session(two.id()).refresh().await.unwrap();
    let other: SessionAnswer = patient.wire.last("/sessions/");
    patient
        .wire
        .alter("/sessions/", move |answer: &mut SessionAnswer| {
            answer.wraps = other.wraps.clone();
        });
    let as_patient = patient.account.session(one.id());
    assert_eq!(code(as_patient.refresh().await), ErrorCode::WrapInvalid);
    patient
        .wire
        .alter("/sessions/", |answer: &mut SessionAnswer| {
            let (first, second) = (
                answer.wraps[0].sealed.clone(),
                answer.wraps[1].sealed.clone(),
            );
            answer.wraps[0].sealed = second;
            answer.wraps[1].sealed = first;
        });
    assert_eq!(code(as_patient.refresh().await), ErrorCode::WrapInvalid);
    patient
        .wire
        .alter("/sessions/", |answer: &mut SessionAnswer| {
            answer.wraps[0].epoch = 1 - answer.wraps[0].epoch;
        });
    assert_eq!(code(as_patient.refresh().await), ErrorCode::WrapInvalid);
}

#[tokio::test]
async fn a_wrap_that_is_withheld() {
    let (_world, doctor, patient) = pair().await;
    let session = shared(&doctor).await;
    let sealed = session.encrypt("x", None).await.unwrap();
    patient
        .wire
        .alter("/sessions/", |answer: &mut SessionAnswer| {
            answer.wraps.clear()
        });
    assert_eq!(
        code(patient.account.decrypt(&sealed, None).await),
        ErrorCode::EpochUnavailable
    );
}

#[tokio::test]
async fn a_back_link_that_the_log_does_not_name() {
    let (_world, doctor, patient) = pair().await;
    let session = shared(&doctor).await;
    session.rotate().await.unwrap();
    patient
        .wire
        .alter("/sessions/", |answer: &mut SessionAnswer| {
            *answer.back_links[0].0.last_mut().unwrap() ^= 1;
        });
    let as_patient = patient.account.session(session.id());
    assert_eq!(code(as_patient.refresh().await), ErrorCode::BackLinkInvalid);
}

/// A rotation by a malicious member: everything fits the log's hashes, but
/// `spoil` has changed the secrets inside before they were committed to.
async fn malicious_rotation(
    world: &World,
    crook: &Person,
    doctor: &Person,
    id: ChainId,
    false_link: bool,
) {
    let member = Member::of(crook, world).await;
    let known = member.identities(&[doctor.id(), crook.id()]).await;
    let (state, secret) = member.state(id, &known).await;
    let writer = member.writer(&known);
    let honest = rotate(&writer, &state, &[&secret], &known, &mut rng()).unwrap();
    let mut wraps = honest.wraps.clone();
    let mut links = honest.back_links.clone();
    if false_link {
        links[0].ciphertext[0] ^= 1;
    } else {
        for wrap in &mut wraps {
            wrap.sealed[1120] ^= 1;
        }
    }
    let epoch = EpochStart {
        epoch: state.current_epoch() + 1,
        commitment: honest.secret.as_ref().unwrap().commitment(),
        back_links: links
            .iter()
            .map(|link| BackLinkRef {
                target: link.target,
                hash: back_link_hash(link),
            })
            .collect(),
        wraps: commit(&wraps).unwrap(),
    };
    let rotate = SessionRotate {
        epoch,
        updates: Vec::new(),
        removals: Vec::new(),
    };
    let draft = Draft {
        wraps,
        back_links: links,
        ..writer.plain(&state, &SessionBody::Rotate(rotate))
    };
    // The directory can't see it: everything fits what the entry commits to.
    let response = member.append(id, std::slice::from_ref(&draft)).await;
    assert_eq!(response.status, 200, "{}", answer_code(&response));
}

#[tokio::test]
async fn a_false_wrap_from_a_malicious_member() {
    let (world, doctor, crook, _friend, session) = with_member(Grant::read()).await;
    let id = ChainId(*session.id().as_bytes());
    let sealed = session.encrypt("before", None).await.unwrap();
    malicious_rotation(&world, &crook, &doctor, id, false).await;
    session.refresh().await.unwrap();
    // The epoch before still opens; whoever writes next steps over the false one.
    assert_eq!(
        session.decrypt(&sealed, None).await.unwrap().bytes(),
        b"before"
    );
    let mut later = sealed.clone();
    later[25] = 1;
    assert_eq!(
        code(session.decrypt(&later, None).await),
        ErrorCode::WrapFalse
    );
    session.rotate().await.unwrap();
    let next = session.encrypt("after", None).await.unwrap();
    assert_eq!(
        crook.account.decrypt(&next, None).await.unwrap().bytes(),
        b"after"
    );
}

#[tokio::test]
async fn a_false_back_link_from_a_malicious_member() {
    let (world, doctor, crook, _friend, session) = with_member(Grant::read()).await;
    let id = ChainId(*session.id().as_bytes());
    malicious_rotation(&world, &crook, &doctor, id, true).await;
    session.refresh().await.unwrap();
    // Whoever comes later has only the new epoch's wrap, and the false link.
    let late = world.person("late").await;
    session
        .grant(Recipient::user("late"), Grant::read())
        .await
        .unwrap();
    let mut old = session.encrypt("x", None).await.unwrap();
    old[25] = 0;
    assert_eq!(
        code(late.account.decrypt(&old, None).await),
        ErrorCode::BackLinkFalse
    );
}

#[tokio::test]
async fn a_false_secret_is_not_the_epochs() {
    // A wrap that opens, but to another secret than the log commits to.
    let context = EpochContext {
        tenant_id: ChainId([1; 32]),
        chain_id: ChainId([2; 32]),
        epoch: 0,
    };
    let (one, other) = (
        EpochSecret::generate(context, &mut rng()),
        EpochSecret::generate(context, &mut rng()),
    );
    let stolen = other.dangerous_secret().clone();
    assert!(EpochSecret::checked(context, stolen, &one.commitment()).is_err());
}

#[tokio::test]
async fn an_opening_of_another_binding() {
    let (world, doctor, _patient) = pair().await;
    world.person("thief").await;
    doctor
        .account
        .create_session([Recipient::user("thief")])
        .await
        .unwrap();
    let thief: UsersFound = doctor.wire.last("/users/lookup");
    let opening = thief.found[0].identity.opening.clone().unwrap();
    let _: UserIdOpening = decode("opening", &opening.0).unwrap();
    doctor
        .wire
        .alter("/users/lookup", move |found: &mut UsersFound| {
            for user in &mut found.found {
                user.identity.opening = Some(opening.clone());
            }
        });
    assert_eq!(
        code(grant_patient(&doctor).await),
        ErrorCode::AttestationInvalid
    );
}

// ---- the tenant's own chain ----

#[tokio::test]
async fn the_tenants_chain_shortened_or_forked() {
    use plico_protocol::format::bodies::TenantBody;
    use plico_protocol::identity::draft::prove_key;

    let world = World::new().await;
    let person = world.visitor().await;
    let short: TenantAnswer = person.wire.last("/v1/tenants/");
    let first = entries(&short.entries).remove(0);
    let grown = |number: u8| {
        let key = SigningKey::from_seed(&plico_protocol::primitives::secret::Secret::new(
            &mut [number; 32],
        ));
        let state: plico_protocol::identity::TenantState =
            replay(None, std::slice::from_ref(&first), &()).unwrap();
        let head = state.tip().head;
        let body = TenantBody::AddKey(prove_key(world.tenant_id, head.seq + 1, head.hash, &key));
        let now = world.clock.now();
        let entry = next_own_entry(state.tip(), body.encode(), now, &world.enrolment_key);
        let mut answer = short.clone();
        answer.head = forge_head(&world, world.tenant_id, entry.entry.position());
        answer.entries.push(B64(entry.to_bytes()));
        answer
    };
    let (seen, fork) = (grown(1), grown(2));
    person
        .wire
        .alter("/v1/tenants/", move |answer: &mut TenantAnswer| {
            *answer = seen.clone()
        });
    world.start(&person.store, &person.wire).await.unwrap();

    person
        .wire
        .alter("/v1/tenants/", move |answer: &mut TenantAnswer| {
            *answer = fork.clone()
        });
    let forked = world.start(&person.store, &person.wire).await;
    assert_eq!(code(forked), ErrorCode::HistoryForked);
    person.wire.honest();
    let shortened = world.start(&person.store, &person.wire).await;
    assert_eq!(code(shortened), ErrorCode::HistoryShortened);
}
