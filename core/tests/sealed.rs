//! Sealing for others without an identity: what a laboratory's importer does.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/ward.rs"]
mod ward;

use plico::ports::{Method, Request, Transport as _};
use plico::testing::{Lie, TestDirectory, TestPerson};
use plico::{
    Context, ErrorCode, GroupOptions, GroupRole, MemberId, OnMissing, Recipient, RecoveryKey,
    SealOptions, Service, ServiceOptions, WrittenBy,
};
use plico_protocol::format::sealed::SealedItem;
use plico_protocol::identity::service::ServiceToken;
use plico_protocol::primitives::sign::SigningKey;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use ward::{code, ward};

fn user(name: &str) -> Recipient {
    Recipient::user(name)
}

async fn seal(lab: &Service, recipients: Vec<Recipient>, text: &str) -> Vec<u8> {
    let sealed = lab.seal_for(recipients, text, SealOptions::new()).await;
    sealed.unwrap().bytes
}

async fn opens(who: &TestPerson, sealed: &[u8], text: &str) -> MemberId {
    let opened = who.account().open_sealed(sealed, None).await.unwrap();
    assert_eq!(opened.bytes(), text.as_bytes());
    assert_eq!(opened.written_by(), WrittenBy::Unsigned);
    opened.opened_as()
}

async fn refused(who: &TestPerson, sealed: &[u8]) -> ErrorCode {
    code(who.account().open_sealed(sealed, None).await)
}

fn identity(who: &TestPerson) -> MemberId {
    MemberId::Identity(who.account().identity_id().unwrap())
}

#[tokio::test]
async fn a_laboratory_seals_and_its_recipients_open() {
    let (directory, doctor, patient, insurer) = ward().await;
    let (lab, _) = directory.service().await.unwrap();
    let context = Context::fields([("table", "results".into()), ("row", 7.into())]).unwrap();
    let options = SealOptions::new().context(context.clone());
    let doctors = Recipient::identity(doctor.account().identity_id().unwrap());
    let sealed = lab
        .seal_for([user("patient.7"), doctors], "haemoglobin 13.2", options)
        .await
        .unwrap();
    assert!(sealed.missing.is_empty());
    for person in [&doctor, &patient] {
        let account = person.account();
        let opened = account.open_sealed(&sealed.bytes, Some(&context)).await;
        let opened = opened.unwrap();
        assert_eq!(opened.bytes(), b"haemoglobin 13.2");
        assert_eq!(opened.written_by(), WrittenBy::Unsigned);
        assert_eq!(opened.opened_as(), identity(person));
        let mut all = [identity(&doctor), identity(&patient)];
        let mut said = opened.recipients().to_vec();
        let id = |it: &MemberId| format!("{it:?}");
        all.sort_by_key(id);
        said.sort_by_key(id);
        assert_eq!(said, all);
    }
    // Not for others, not elsewhere, not as something else.
    let open = async |who: &TestPerson, context| {
        code(who.account().open_sealed(&sealed.bytes, context).await)
    };
    assert_eq!(open(&insurer, Some(&context)).await, ErrorCode::NotAllowed);
    assert_eq!(open(&patient, None).await, ErrorCode::ContextRequired);
    let other = Context::fields([("table", "results".into()), ("row", 8.into())]).unwrap();
    assert_eq!(
        open(&patient, Some(&other)).await,
        ErrorCode::ContextMismatch
    );
    assert_eq!(
        code(patient.account().decrypt(&sealed.bytes, None).await),
        ErrorCode::NotAnEnvelope
    );
    let session = doctor.account().create_session([]).await.unwrap();
    let envelope = session.encrypt("x", None).await.unwrap();
    assert_eq!(refused(&doctor, &envelope).await, ErrorCode::NotAnEnvelope);
    // What is inside is no envelope of any session either.
    let inside = SealedItem::from_bytes(&sealed.bytes).unwrap().envelope;
    assert_eq!(
        code(patient.account().decrypt(inside, Some(&context)).await),
        ErrorCode::SessionNotFound
    );
    // Another tenant's people are not even asked for a key.
    let (_elsewhere, stranger, ..) = ward().await;
    assert_eq!(
        refused(&stranger, &sealed.bytes).await,
        ErrorCode::WrongTenant
    );
    let nobody = directory.visitor("nobody").await.unwrap();
    assert_eq!(
        refused(&nobody, &sealed.bytes).await,
        ErrorCode::NotRegistered
    );
}

#[tokio::test]
async fn who_is_asked_for_is_who_gets_it() {
    let (directory, doctor, patient, _) = ward().await;
    let (lab, _) = directory.service().await.unwrap();
    let attempt =
        async |recipients: Vec<Recipient>, options| lab.seal_for(recipients, "x", options).await;
    let both = || vec![user("patient.7"), user("nobody")];
    let error = attempt(both(), SealOptions::new()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::RecipientsNotFound);
    assert_eq!(error.recipients(), ["nobody"]);
    let skip = || SealOptions::new().on_missing(OnMissing::Skip);
    let sealed = attempt(both(), skip()).await.unwrap();
    assert_eq!(sealed.missing, ["nobody"]);
    assert!(!format!("{sealed:?}").contains("nobody"));
    opens(&patient, &sealed.bytes, "x").await;
    // With nobody left there is nothing to make.
    let nobody = attempt(vec![user("nobody")], skip()).await;
    assert_eq!(code(nobody), ErrorCode::RecipientsNotFound);
    let none = attempt(vec![], SealOptions::new()).await;
    assert_eq!(code(none), ErrorCode::InvalidArgument);
    let id = patient.account().identity_id().unwrap();
    let twice = vec![user("patient.7"), Recipient::identity(id)];
    let twice = attempt(twice, SealOptions::new()).await;
    assert_eq!(code(twice), ErrorCode::InvalidArgument);
    let unknown = vec![Recipient::identity([9; 32].into())];
    let unknown = attempt(unknown, SealOptions::new()).await;
    assert_eq!(code(unknown), ErrorCode::IdentityNotFound);
    let many = (0..257).map(|n| user(&format!("u{n}"))).collect();
    let many = attempt(many, SealOptions::new()).await;
    assert_eq!(code(many), ErrorCode::TooLarge);
    // Whoever is disabled has no account for others, as with grants.
    directory.clock().advance(Duration::from_secs(1));
    directory.set_standing(id, false).await.unwrap();
    let disabled = attempt(vec![user("patient.7")], SealOptions::new()).await;
    assert_eq!(code(disabled), ErrorCode::RecipientsNotFound);
    // A session is no recipient, and a deleted group is none any more.
    let account = doctor.account();
    let session = account.create_session([]).await.unwrap();
    let posing = Recipient::group(plico::GroupId::from(*session.id().as_bytes()));
    let posing = attempt(vec![posing], SealOptions::new()).await;
    assert_eq!(code(posing), ErrorCode::GroupNotFound);
    let group = account.create_group(GroupOptions::new()).await.unwrap();
    let to_group = || vec![Recipient::group(group.id())];
    attempt(to_group(), SealOptions::new()).await.unwrap();
    group.delete().await.unwrap();
    let deleted = attempt(to_group(), SealOptions::new()).await;
    assert_eq!(code(deleted), ErrorCode::GroupNotFound);
    lab.close();
    let closed = attempt(vec![user("dr.a")], SealOptions::new()).await;
    assert_eq!(code(closed), ErrorCode::Closed);
}

#[tokio::test]
async fn members_of_a_group_open_whoever_is_in_it_now() {
    let (directory, doctor, patient, insurer) = ward().await;
    let (lab, _) = directory.service().await.unwrap();
    let account = doctor.account();
    let inner = GroupOptions::new().member(user("patient.7"), GroupRole::Member);
    let inner = account.create_group(inner).await.unwrap();
    let outer = GroupOptions::new().member(Recipient::group(inner.id()), GroupRole::Member);
    let outer = account.create_group(outer).await.unwrap();
    let to_outer = || vec![Recipient::group(outer.id())];
    let old = seal(&lab, to_outer(), "for the ward").await;
    let as_outer = MemberId::Group(outer.id());
    assert_eq!(opens(&doctor, &old, "for the ward").await, as_outer);
    assert_eq!(opens(&patient, &old, "for the ward").await, as_outer);
    assert_eq!(refused(&insurer, &old).await, ErrorCode::NotAllowed);
    // What it has seen, it opens without the network; on request without asking.
    directory.down(true);
    opens(&patient, &old, "for the ward").await;
    let offline = patient.account().offline();
    let opened = offline.open_sealed(&old, None).await.unwrap();
    assert_eq!(opened.bytes(), b"for the ward");
    let stranger = insurer.account().offline().open_sealed(&old, None).await;
    assert_eq!(code(stranger), ErrorCode::NotAllowed);
    directory.down(false);
    // What is wrong with one group named there hides no other.
    let session = patient.account().create_session([]).await.unwrap();
    let mut posing = SealedItem::from_bytes(&old).unwrap();
    let mut more = posing.head.wraps[0].clone();
    more.to.recipient.id = *session.id().as_bytes();
    posing.head.wraps.push(more);
    posing.head.wraps.sort_by_key(|it| it.to.recipient);
    let code_of_posing = refused(&patient, &posing.to_bytes()).await;
    assert_eq!(
        code_of_posing,
        ErrorCode::EnvelopeDamaged,
        "the head was changed"
    );
    // Somebody comes, and opens what was there before; somebody goes.
    inner
        .add(user("insurer.3"), GroupRole::Member)
        .await
        .unwrap();
    opens(&insurer, &old, "for the ward").await;
    inner.remove(user("patient.7")).await.unwrap();
    // Its key is older than its member's now; whoever sees that rotates it.
    outer.members().await.unwrap();
    opens(&doctor, &old, "for the ward").await;
    let new = seal(&lab, to_outer(), "later").await;
    opens(&insurer, &new, "later").await;
    opens(&insurer, &old, "for the ward").await;
    opens(&doctor, &new, "later").await;
    let gone = patient.restart().await.unwrap();
    assert_eq!(refused(&gone, &new).await, ErrorCode::NotAllowed);
    assert_eq!(refused(&gone, &old).await, ErrorCode::NotAllowed);
}

#[tokio::test]
async fn older_keys_and_new_devices_open_it() {
    let (directory, _doctor, patient, _) = ward().await;
    let (lab, _) = directory.service().await.unwrap();
    let account = patient.account();
    let key = RecoveryKey::generate();
    account.set_recovery_key(&key, None).await.unwrap();
    let first = seal(&lab, vec![user("patient.7")], "first").await;
    account.rotate_user_key().await.unwrap();
    account.rotate_user_key().await.unwrap();
    let second = seal(&lab, vec![user("patient.7")], "second").await;
    let generation = |sealed: &[u8]| {
        let item = SealedItem::from_bytes(sealed).unwrap();
        item.head.wraps[0].to.generation
    };
    assert_eq!((generation(&first), generation(&second)), (0, 2));
    let both = async |who: &TestPerson| {
        opens(who, &first, "first").await;
        opens(who, &second, "second").await;
    };
    both(&patient).await;
    both(&patient.restart().await.unwrap()).await;
    let tablet = directory.visitor("patient.7").await.unwrap();
    let shown = tablet.account().pairing_code().await.unwrap();
    let (approved, joined) = tokio::join!(
        account.approve_pairing(&shown),
        tablet.account().join_by_pairing()
    );
    approved.unwrap();
    joined.unwrap();
    both(&tablet).await;
    // All devices are lost; the words are not. This rotates the key once more.
    let phone = directory.visitor("patient.7").await.unwrap();
    phone.account().recover(&key).await.unwrap();
    both(&phone).await;
    // Its keys are known, so it opens them in a cellar, too.
    directory.down(true);
    both(&phone).await;
    directory.down(false);
    // A generation that another device has made meanwhile is fetched.
    tablet_is_behind(&directory, &lab, &phone).await;
}

async fn tablet_is_behind(directory: &TestDirectory, lab: &Service, phone: &TestPerson) {
    let tablet = directory.visitor("patient.7").await.unwrap();
    let shown = tablet.account().pairing_code().await.unwrap();
    let (approved, joined) = tokio::join!(
        phone.account().approve_pairing(&shown),
        tablet.account().join_by_pairing()
    );
    approved.unwrap();
    joined.unwrap();
    phone.account().rotate_user_key().await.unwrap();
    let third = seal(lab, vec![user("patient.7")], "third").await;
    opens(&tablet, &third, "third").await;
}

/// Whoever changes who can open it, or anything else, has broken it.
#[tokio::test]
async fn an_altered_item_does_not_open() {
    let (directory, _doctor, patient, _) = ward().await;
    let (lab, _) = directory.service().await.unwrap();
    let to = || vec![user("patient.7"), user("dr.a")];
    let sealed = seal(&lab, to(), "finding").await;
    let other = seal(&lab, to(), "finding").await;
    let head_len = sealed.len() - SealedItem::from_bytes(&sealed).unwrap().envelope.len();
    let mine = patient.account().identity_id().unwrap();
    let altered = |change: &dyn Fn(&mut SealedItem<'_>)| {
        let mut item = SealedItem::from_bytes(&sealed).unwrap();
        change(&mut item);
        item.to_bytes()
    };
    let stripped = altered(&|item| {
        let keeps = |id: &[u8; 32]| id == mine.as_bytes();
        item.head.wraps.retain(|it| keeps(&it.to.recipient.id));
    });
    let theirs = SealedItem::from_bytes(&other).unwrap();
    let swapped = altered(&|item| {
        let at = item.head.wraps.iter();
        let at = at.take_while(|it| it.to.recipient.id == *mine.as_bytes());
        let at = at.count().min(1);
        item.head.wraps[at].sealed = theirs.head.wraps[at].sealed;
    });
    let added = altered(&|item| {
        let mut more = item.head.wraps[1].clone();
        more.to.recipient.id = [0xff; 32];
        item.head.wraps.push(more);
    });
    let exchanged = [&sealed[..head_len], theirs.envelope].concat();
    for bad in [stripped, swapped, added, exchanged] {
        assert_eq!(refused(&patient, &bad).await, ErrorCode::EnvelopeDamaged);
    }
    for at in (0..sealed.len()).step_by(37).chain(head_len..head_len + 26) {
        let mut bad = sealed.clone();
        bad[at] ^= 1;
        let code = refused(&patient, &bad).await;
        let expected = matches!(
            code,
            ErrorCode::NotAnEnvelope
                | ErrorCode::NeedsNewerClient
                | ErrorCode::WrongTenant
                | ErrorCode::EnvelopeDamaged
                | ErrorCode::EnvelopeTruncated
                | ErrorCode::ContextMismatch
                | ErrorCode::ContextRequired
                | ErrorCode::NotAllowed
        );
        assert!(expected, "byte {at}: {code}");
    }
    for length in [
        0,
        3,
        4,
        6,
        100,
        head_len - 1,
        head_len,
        head_len + 26,
        sealed.len() - 1,
    ] {
        let code = refused(&patient, &sealed[..length]).await;
        let expected = matches!(
            code,
            ErrorCode::NotAnEnvelope | ErrorCode::EnvelopeDamaged | ErrorCode::EnvelopeTruncated
        );
        assert!(expected, "{length} bytes: {code}");
    }
    opens(&patient, &sealed, "finding").await;
}

/// One request with a token, and what the directory answers.
async fn ask(
    directory: &TestDirectory,
    method: Method,
    path: &str,
    body: &str,
    token: &str,
) -> String {
    let request = Request {
        method,
        url: format!(
            "{}/v1/tenants/{}{path}",
            directory.url(),
            directory.tenant()
        ),
        headers: vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("authorization".to_owned(), token.to_owned()),
        ],
        body: body.as_bytes().to_vec(),
    };
    let response = directory.connection().send(request).await.unwrap();
    String::from_utf8(response.body).unwrap()
}

#[tokio::test]
async fn the_token_opens_chains_and_nothing_else() {
    let (directory, doctor, patient, _) = ward().await;
    let readers = [user("patient.7")];
    let session = doctor.account().create_session(readers).await.unwrap();
    session.rotate().await.unwrap();
    doctor.account().rotate_user_key().await.unwrap();
    let options = GroupOptions::new().name("the ward");
    let group = doctor.account().create_group(options).await.unwrap();
    group
        .add(user("patient.7"), GroupRole::Member)
        .await
        .unwrap();
    group.remove(user("patient.7")).await.unwrap();
    let id = doctor.account().identity_id().unwrap();
    let (session, group) = (session.id(), group.id());
    let bearer = format!("Bearer {}", directory.service_token());
    let get = async |path: String| ask(&directory, Method::Get, &path, "", &bearer).await;
    let post =
        async |path: &str, body: String| ask(&directory, Method::Post, path, &body, &bearer).await;

    // What it may see, without anything that was wrapped or encrypted.
    let seen = [
        get(format!("/identities/{id}")).await,
        get(format!("/sessions/{group}")).await,
        post("/users/lookup", r#"{"user_ids":["dr.a"]}"#.into()).await,
        post(
            "/identities/lookup",
            format!(r#"{{"identities":[{{"id":"{id}","from":0}}]}}"#),
        )
        .await,
        post(
            "/sessions/lookup",
            format!(r#"{{"sessions":[{{"session":"{group}","from":0}}]}}"#),
        )
        .await,
    ];
    for answer in &seen {
        assert!(answer.contains(r#""entries":[""#), "{answer}");
        for (name, empty) in [("wraps", "[]"), ("back_links", "[]")] {
            let field = format!(r#""{name}":"#);
            for (at, _) in answer.match_indices(&field) {
                assert!(answer[at + field.len()..].starts_with(empty), "{name}");
            }
        }
        assert!(!answer.contains(r#""metadata":""#));
    }
    // A session is not there, by whatever name.
    let handle = plico_protocol::wire::b64::encode(&session.as_bytes()[..16]);
    for name in [session.to_string(), handle] {
        let one = get(format!("/sessions/{name}")).await;
        assert!(one.contains("SESSION_NOT_FOUND"), "{one}");
        let body = format!(r#"{{"sessions":[{{"session":"{name}","from":0}}]}}"#);
        let many = post("/sessions/lookup", body).await;
        assert!(many.contains("SESSION_NOT_FOUND") && !many.contains("entries"));
    }
    // Everything else wants a signature.
    for path in [
        "/sessions".to_owned(),
        "/identities".to_owned(),
        "/memberships/lookup".to_owned(),
        format!("/sessions/{group}/entries"),
        format!("/sessions/{group}/restore"),
        format!("/identities/{id}/entries"),
        format!("/identities/{id}/restore"),
        format!("/identities/{id}/delete"),
        format!("/identities/{id}/backups"),
    ] {
        let answer = post(&path, "{}".into()).await;
        assert!(
            answer.contains("SIGNATURE_MISSING") || answer.contains("BAD_REQUEST"),
            "{path}: {answer}"
        );
    }
    for path in ["devices", "backups"] {
        let answer = get(format!("/identities/{id}/{path}")).await;
        assert!(answer.contains("SIGNATURE_MISSING"), "{answer}");
    }
    // It disables nobody.
    let body = format!(r#"{{"token":"{}"}}"#, directory.service_token());
    let answer = post(&format!("/identities/{id}/standing"), body).await;
    assert!(answer.contains("ENROLMENT_INVALID"), "{answer}");
    drop(patient);
}

#[tokio::test]
async fn other_tokens_are_refused() {
    let (directory, doctor, ..) = ward().await;
    let id = doctor.account().identity_id().unwrap();
    let path = format!("/identities/{id}");
    let get = async |token: &str| ask(&directory, Method::Get, &path, "", token).await;
    let bearer = |token: &str| format!("Bearer {token}");
    let good = directory.service_token();
    assert!(get(&bearer(&good)).await.contains("entries"));
    assert!(get(&format!("bearer {good}")).await.contains("entries"));
    for (token, code) in [
        (good.clone(), "SIGNATURE_MISSING"),
        (format!("Basic {good}"), "SIGNATURE_MISSING"),
        (bearer("no token"), "ENROLMENT_INVALID"),
        (bearer(&good[..good.len() - 2]), "ENROLMENT_INVALID"),
        // A token of the same key for another purpose.
        (bearer(&directory.enrol("dr.a", id)), "ENROLMENT_INVALID"),
        (bearer(&foreign(&directory).await), "ENROLMENT_INVALID"),
        (bearer(&forged(&directory)), "ENROLMENT_INVALID"),
    ] {
        let answer = get(&token).await;
        assert!(answer.contains(code), "{code}: {answer}");
    }
    directory.clock().back(Duration::from_secs(120));
    assert!(get(&bearer(&good)).await.contains("ENROLMENT_EXPIRED"));
    directory
        .clock()
        .advance(Duration::from_secs(120 + 300 + 61));
    assert!(get(&bearer(&good)).await.contains("ENROLMENT_EXPIRED"));
    // A request that is signed counts by its signature, whatever else it bears.
    doctor.account().devices().await.unwrap();
}

async fn foreign(_here: &TestDirectory) -> String {
    TestDirectory::start().await.unwrap().service_token()
}

/// For the right tenant, by a key that is not one of its own.
fn forged(directory: &TestDirectory) -> String {
    let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
    let key = SigningKey::generate(&mut rng);
    let record = plico_protocol::format::keys::KeyRecord::signing(&key.verifying_key());
    let tenant = (*directory.tenant().as_bytes()).into();
    ServiceToken::read_keys(directory.clock().now_ms()).sign(tenant, record.id(), &key)
}

#[tokio::test]
async fn tokens_are_asked_for_when_they_are_needed() {
    let (directory, _doctor, patient, _) = ward().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let answers: Arc<Mutex<Option<plico::Result<String>>>> = Arc::default();
    let plico = directory.builder().open().await.unwrap();
    let (count, prepared, backend) = (asked.clone(), answers.clone(), directory.clone());
    let options = ServiceOptions::new(move |request| {
        assert_eq!(request.tenant_id, backend.tenant());
        count.fetch_add(1, Ordering::SeqCst);
        let prepared = prepared.lock().unwrap().take();
        let token = prepared.unwrap_or_else(|| Ok(backend.service_token()));
        async move { token }
    });
    let lab = plico.service(options).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    let to = || vec![user("patient.7")];
    for _ in 0..3 {
        let sealed = seal(&lab, to(), "x").await;
        opens(&patient, &sealed, "x").await;
    }
    let (one, two) = tokio::join!(seal(&lab, to(), "x"), seal(&lab, to(), "y"));
    assert_ne!(one, two);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    directory.clock().advance(Duration::from_secs(290));
    seal(&lab, to(), "x").await;
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    // What the app's own call says is what comes out; the wrong kind of token
    // does not leave the process.
    let attempt = async |answer| {
        directory.clock().advance(Duration::from_secs(290));
        *answers.lock().unwrap() = Some(answer);
        code(lab.seal_for(to(), "x", SealOptions::new()).await)
    };
    let failed = Err(ErrorCode::EnrolmentFailed.into());
    assert_eq!(attempt(failed).await, ErrorCode::EnrolmentFailed);
    let id = patient.account().identity_id().unwrap();
    let enrolment = Ok(directory.enrol("patient.7", id));
    assert_eq!(attempt(enrolment).await, ErrorCode::EnrolmentInvalid);
    // One that the directory finds too old is asked for anew, once.
    let old = directory.service_token();
    directory.clock().advance(Duration::from_secs(1_000));
    *answers.lock().unwrap() = Some(Ok(old));
    seal(&lab, to(), "x").await;
    // A key that was added since is known.
    directory.add_enrolment_key().await.unwrap();
    seal(&lab, to(), "x").await;
    plico.close();
    let closed = lab.seal_for(to(), "x", SealOptions::new()).await;
    assert_eq!(code(closed), ErrorCode::Closed);
}

/// A directory that lies to a service is caught as by anybody, and the next
/// honest answer is believed.
#[tokio::test]
async fn lies_to_a_service_are_caught() {
    let (directory, doctor, patient, insurer) = ward().await;
    let account = doctor.account();
    let options = GroupOptions::new()
        .member(user("patient.7"), GroupRole::Member)
        .member(user("insurer.3"), GroupRole::Member);
    let group = account.create_group(options).await.unwrap();
    let (lab, connection) = directory.service().await.unwrap();
    let id = patient.account().identity_id().unwrap();
    let by_name = || vec![user("patient.7")];
    let by_id = || vec![Recipient::identity(id)];
    let by_group = || vec![Recipient::group(group.id())];
    let attempt = async |lab: &Service, to| lab.seal_for(to, "x", SealOptions::new()).await;
    for to in [by_name(), by_id(), by_group()] {
        attempt(&lab, to).await.unwrap();
    }
    // Something new, so that there are entries to lie about.
    group.remove(user("insurer.3")).await.unwrap();
    for lie in [
        Lie::UserIdWithoutWord,
        Lie::UserIdWithOthersWord,
        Lie::UserIdWithForgedWord,
        Lie::UserIdWithStolenWord,
        Lie::UserIdWithAnotherTenantsWord,
        Lie::UserIdWordAltered,
        Lie::UserIdMoved,
        Lie::UserIdMovedWithSameNumber,
        Lie::UserIdOfAnotherTenant,
        Lie::UserIdMissing,
        Lie::IdentitySwapped,
        Lie::IdentityShortened,
        Lie::IdentityCut,
        Lie::IdentityUserKeyForged,
        Lie::IdentityDeviceForged,
        Lie::IdentityFutureEntry,
        Lie::IdentityMissing,
        Lie::HeadMissing,
        Lie::HeadAltered,
        Lie::HeadByAnotherKey,
        Lie::HeadOfAnotherTenant,
        Lie::HeadFromThePast,
        Lie::GroupSwapped,
        Lie::GroupKeyForged,
        Lie::BodyNested,
    ] {
        connection.tell(lie);
        let mut told = None;
        for to in [by_name(), by_id(), by_group()] {
            let result = attempt(&lab, to).await;
            if let (Err(error), None) = (result, told) {
                told = Some(error.code());
            }
        }
        assert!(connection.told() > 0, "{lie:?} was not told");
        let told = told.unwrap_or_else(|| panic!("{lie:?} went through"));
        assert!(lie.caught_as().contains(&told), "{lie:?}: {told}");
        connection.honest();
        for to in [by_name(), by_id(), by_group()] {
            let sealed = attempt(&lab, to).await.unwrap();
            opens(&patient, &sealed.bytes, "x").await;
            if lie == Lie::BodyNested {
                // Who was removed from the group is not among them.
                assert!(
                    insurer
                        .account()
                        .open_sealed(&sealed.bytes, None)
                        .await
                        .is_err()
                );
            }
        }
    }
    // One that has never asked has only the backend's word and the signatures.
    for lie in [
        Lie::UserIdWithoutWord,
        Lie::UserIdWithForgedWord,
        Lie::UserIdWithExpiredWord,
        Lie::IdentitySwapped,
        Lie::IdentityUserKeyForged,
    ] {
        let (lab, connection) = directory.service().await.unwrap();
        connection.tell(lie);
        let mut codes = Vec::new();
        for to in [by_name(), by_id()] {
            codes.extend(attempt(&lab, to).await.err().map(|it| it.code()));
        }
        assert!(connection.told() > 0, "{lie:?} was not told");
        let caught = codes.iter().any(|it| lie.caught_as().contains(it));
        assert!(caught, "{lie:?}: {codes:?}");
    }
}

/// Nothing that it asks for, and nothing that it is sent, opens anything.
#[tokio::test]
async fn a_service_never_sees_a_secret() {
    let (directory, doctor, patient, _) = ward().await;
    let account = doctor.account();
    account.rotate_user_key().await.unwrap();
    let options = GroupOptions::new()
        .name("the ward")
        .member(user("patient.7"), GroupRole::Member);
    let group = account.create_group(options).await.unwrap();
    let (lab, connection) = directory.service().await.unwrap();
    let to = vec![user("patient.7"), Recipient::group(group.id())];
    let sealed = seal(&lab, to, "finding").await;
    opens(&patient, &sealed, "finding").await;
    let mut bodies = 0;
    for (request, response) in connection.exchanges() {
        assert!(!request.headers.iter().any(|(name, _)| name == "signature"));
        let Some(response) = response else { continue };
        let answer = String::from_utf8(response.body).unwrap();
        bodies += 1;
        for field in ["wraps", "back_links"] {
            let field = format!(r#""{field}":"#);
            for (at, _) in answer.match_indices(&field) {
                assert!(answer[at + field.len()..].starts_with("[]"), "{field}");
            }
        }
        assert!(!answer.contains(r#""metadata":""#));
    }
    let urls = connection.urls();
    assert!(
        bodies >= 4,
        "the tenant, a user id, the group, its owner: {urls:?}"
    );
}
