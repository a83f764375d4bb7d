//! What apps do, over real HTTP against a real directory.

#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{DAY, MINUTE, World, code};
use plico::{Context, ErrorCode, Grant, Recipient, RevokeOptions, Rights, SessionOptions, Suite};
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

fn at(ms: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(ms)
}

#[tokio::test]
async fn two_who_never_met_share_and_the_owner_takes_it_back() {
    let world = World::new().await;
    let (doctor, patient, insurer) = (
        world.person("dr.a").await,
        world.person("patient.7").await,
        world.person("insurer.3").await,
    );
    let session = doctor
        .account
        .create_session([Recipient::user("patient.7")])
        .await
        .unwrap();
    let sealed = session.encrypt("findings", None).await.unwrap();
    let kept = sealed.clone();

    assert_eq!(
        patient
            .account
            .decrypt(&sealed, None)
            .await
            .unwrap()
            .bytes(),
        b"findings"
    );
    assert_eq!(
        code(insurer.account.decrypt(&sealed, None).await),
        ErrorCode::SessionNotFound
    );

    let end = at(world.clock.now() + 30 * DAY);
    session
        .grant(Recipient::user("insurer.3"), Grant::read().until(end))
        .await
        .unwrap();
    assert_eq!(
        insurer
            .account
            .decrypt(&sealed, None)
            .await
            .unwrap()
            .bytes(),
        b"findings"
    );
    let listed = session.recipients().await.unwrap();
    let row = listed
        .iter()
        .find(|it| it.user_id.as_deref() == Some("insurer.3"))
        .unwrap();
    assert_eq!(row.expires_at, Some(end));
    assert_eq!(row.granted_by, doctor.account.identity_id().unwrap());
    assert_eq!(row.rights, Rights::read());
    assert_eq!(listed.len(), 3);

    session.revoke(Recipient::user("insurer.3")).await.unwrap();
    assert_eq!(session.recipients().await.unwrap().len(), 2);
    let theirs = insurer.account.session(session.id());
    assert_eq!(code(theirs.refresh().await), ErrorCode::AccessRevoked);
    // What was known did not outlive the right to know it.
    assert_eq!(
        code(theirs.decrypt(&sealed, None).await),
        ErrorCode::AccessRevoked
    );

    let second = session.encrypt("second opinion", None).await.unwrap();
    assert_eq!(
        patient
            .account
            .decrypt(&second, None)
            .await
            .unwrap()
            .bytes(),
        b"second opinion"
    );
    assert_eq!(
        patient
            .account
            .decrypt(&sealed, None)
            .await
            .unwrap()
            .bytes(),
        b"findings"
    );
    assert_eq!(sealed, kept);
}

#[tokio::test]
async fn text_json_suites_and_contexts() {
    let world = World::new().await;
    let doctor = world.person("dr.a").await;
    for suite in [Suite::ChaCha20Poly1305Sha512, Suite::Aes256GcmSha512] {
        let options = SessionOptions::new().suite(suite);
        let session = doctor.account.create_session(options).await.unwrap();
        let row = |n: i64| Context::fields([("table", "notes".into()), ("row", n.into())]).unwrap();
        let text = session
            .encrypt_text("für immer", Some(&row(1)))
            .await
            .unwrap();
        assert!(text.starts_with("plc1."));
        assert_eq!(
            session.decrypt_text(&text, Some(&row(1))).await.unwrap(),
            "für immer"
        );
        assert_eq!(
            code(session.decrypt_text(&text, Some(&row(2))).await),
            ErrorCode::ContextMismatch
        );
        assert_eq!(
            code(session.decrypt_text(&text, None).await),
            ErrorCode::ContextRequired
        );
        let bare = session.encrypt_text("x", None).await.unwrap();
        assert_eq!(
            code(session.decrypt_text(&bare, Some(&row(1))).await),
            ErrorCode::ContextUnexpected
        );
        let json = session.encrypt_json(&vec![1, 2, 3], None).await.unwrap();
        let back: Vec<i32> = doctor.account.decrypt_json(&json, None).await.unwrap();
        assert_eq!(back, [1, 2, 3]);
        assert_eq!(
            code(doctor.account.decrypt_json::<String>(&json, None).await),
            ErrorCode::InvalidArgument
        );
    }
    assert_eq!(
        code(doctor.account.decrypt(b"what", None).await),
        ErrorCode::NotAnEnvelope
    );
    assert_eq!(
        code(doctor.account.decrypt_text("plc1.!", None).await),
        ErrorCode::NotAnEnvelope
    );
}

#[tokio::test]
async fn an_envelope_belongs_to_its_session() {
    let world = World::new().await;
    let doctor = world.person("dr.a").await;
    let one = doctor
        .account
        .create_session(SessionOptions::new())
        .await
        .unwrap();
    let two = doctor
        .account
        .create_session(SessionOptions::new())
        .await
        .unwrap();
    let mut sealed = one.encrypt("a", None).await.unwrap();
    assert_eq!(
        code(two.decrypt(&sealed, None).await),
        ErrorCode::WrongSession
    );
    // Even with the other session's handle written over it.
    sealed[6..22].copy_from_slice(&two.id().as_bytes()[..16]);
    assert_eq!(
        code(two.decrypt(&sealed, None).await),
        ErrorCode::ContextMismatch
    );
}

#[tokio::test]
async fn recipients_without_an_account_are_listed() {
    let world = World::new().await;
    let doctor = world.person("dr.a").await;
    let wanted = [Recipient::user("nobody.1"), Recipient::user("nobody.2")];
    let error = doctor.account.create_session(wanted).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::RecipientsNotFound);
    assert_eq!(error.recipients(), ["nobody.1", "nobody.2"]);
    assert!(
        !error.to_string().contains("nobody"),
        "the message names no person"
    );
}

#[tokio::test]
async fn registering_again_is_the_same_and_another_name_is_not() {
    let world = World::new().await;
    let doctor = world.person("dr.a").await;
    let id = doctor.account.identity_id();
    assert_eq!(doctor.register(&world, "dr.a", 1).await.ok(), id);
    assert_eq!(
        code(doctor.register(&world, "dr.b", 1).await),
        ErrorCode::AlreadyRegistered
    );
    let thief = world.visitor().await;
    assert_eq!(
        code(thief.register(&world, "dr.a", 1).await),
        ErrorCode::UserIdTaken
    );
    assert_eq!(
        code(thief.register(&world, "", 1).await),
        ErrorCode::InvalidArgument
    );
    let session = thief.account.create_session(SessionOptions::new()).await;
    assert_eq!(code(session), ErrorCode::NotRegistered);
    assert_eq!(doctor.restarted(&world).await.account.identity_id(), id);
}

#[tokio::test]
async fn a_lost_reply_to_any_write_leads_to_one_outcome() {
    let world = World::new().await;
    let (doctor, patient) = (world.person("dr.a").await, world.person("patient.7").await);
    // Registration: the answer is lost each time it is tried.
    let shy = world.visitor().await;
    shy.wire.lose_replies.store(4, Ordering::SeqCst);
    let _ = shy.register(&world, "shy", 1).await;
    shy.wire.lose_replies.store(0, Ordering::SeqCst);
    shy.register(&world, "shy", 1).await.unwrap();

    let session = doctor
        .account
        .create_session([Recipient::user("patient.7")])
        .await
        .unwrap();
    doctor.wire.lose_replies.store(1, Ordering::SeqCst);
    session.rotate().await.unwrap();
    doctor.wire.lose_replies.store(2, Ordering::SeqCst);
    session
        .grant(Recipient::user("shy"), Grant::read())
        .await
        .unwrap();
    let sealed = session.encrypt("once", None).await.unwrap();
    assert_eq!(
        shy.account.decrypt(&sealed, None).await.unwrap().bytes(),
        b"once"
    );
    assert_eq!(
        patient
            .account
            .decrypt(&sealed, None)
            .await
            .unwrap()
            .bytes(),
        b"once"
    );
    // create, rotate, grant: each stands in the log exactly once.
    assert_eq!(session.recipients().await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_write_whose_every_reply_was_lost_is_settled_by_the_next_one() {
    let world = World::new().await;
    let (doctor, _patient) = (world.person("dr.a").await, world.person("patient.7").await);
    let session = doctor
        .account
        .create_session(SessionOptions::new())
        .await
        .unwrap();
    doctor.wire.lie(|request, response| {
        if request.url.ends_with("/entries") {
            response.status = 503;
            response.body = b"a proxy's page".to_vec();
        }
    });
    let lost = session
        .grant(Recipient::user("patient.7"), Grant::read())
        .await;
    assert_eq!(code(lost), ErrorCode::Unavailable);
    // The program dies here; another one starts on its store.
    let again = doctor.restarted(&world).await;
    let session = again.account.session(session.id());
    session.rotate().await.unwrap();
    assert_eq!(
        session.recipients().await.unwrap().len(),
        2,
        "the grant was carried out once"
    );
}

#[tokio::test]
async fn writers_who_race_both_win() {
    let world = World::new().await;
    let (a, b) = (world.person("a").await, world.person("b").await);
    let others = ["c", "d", "e", "f"];
    for name in others {
        world.person(name).await;
    }
    let options =
        SessionOptions::new().recipient(Recipient::user("b"), Grant::new(Rights::owner()));
    let session = a.account.create_session(options).await.unwrap();
    let theirs = b.account.session(session.id());
    theirs.refresh().await.unwrap();
    let (one, two, three, four) = tokio::join!(
        session.grant(Recipient::user("c"), Grant::read()),
        theirs.grant(Recipient::user("d"), Grant::read()),
        theirs.grant(Recipient::user("e"), Grant::read()),
        session.grant(Recipient::user("f"), Grant::read()),
    );
    for result in [one, two, three, four] {
        result.unwrap();
    }
    session.refresh().await.unwrap();
    assert_eq!(session.recipients().await.unwrap().len(), 6);
}

#[tokio::test]
async fn rights_are_kept() {
    let world = World::new().await;
    let (owner, manager, reader, other) = (
        world.person("owner").await,
        world.person("manager").await,
        world.person("reader").await,
        world.person("other").await,
    );
    let session = owner
        .account
        .create_session([Recipient::user("reader")])
        .await
        .unwrap();
    let manage = Grant::new(Rights::read().and_forward().and_revoke());
    session
        .grant(Recipient::user("manager"), manage)
        .await
        .unwrap();
    let as_reader = reader.account.session(session.id());
    let as_manager = manager.account.session(session.id());

    let other_user = || Recipient::user("other");
    assert_eq!(
        code(as_reader.grant(other_user(), Grant::read()).await),
        ErrorCode::NotAllowed
    );
    assert_eq!(
        code(as_reader.revoke(Recipient::user("manager")).await),
        ErrorCode::NotAllowed
    );
    assert_eq!(code(as_reader.end().await), ErrorCode::NotAllowed);
    assert_eq!(
        code(as_manager.revoke(Recipient::user("owner")).await),
        ErrorCode::NotAllowed
    );
    let too_much = Grant::new(Rights::owner());
    assert_eq!(
        code(as_manager.grant(other_user(), too_much).await),
        ErrorCode::NotAllowed
    );
    assert_eq!(code(session.leave().await), ErrorCode::NotAllowed);

    as_manager.grant(other_user(), Grant::read()).await.unwrap();
    let sealed = as_manager.encrypt("x", None).await.unwrap();
    assert_eq!(
        other.account.decrypt(&sealed, None).await.unwrap().bytes(),
        b"x"
    );
    // A reader may write; a reader may leave.
    let note = as_reader.encrypt("y", None).await.unwrap();
    assert_eq!(
        owner.account.decrypt(&note, None).await.unwrap().bytes(),
        b"y"
    );
    as_reader.leave().await.unwrap();
    assert_eq!(code(as_reader.refresh().await), ErrorCode::AccessRevoked);
    // With the manager fall those whom the manager let in.
    session
        .revoke_with(Recipient::user("manager"), RevokeOptions::cascade())
        .await
        .unwrap();
    assert_eq!(session.recipients().await.unwrap().len(), 1);
    assert_eq!(
        code(other.account.session(session.id()).refresh().await),
        ErrorCode::AccessRevoked
    );
}

#[tokio::test]
async fn handing_over_metadata_and_the_end() {
    let world = World::new().await;
    let (old, new) = (world.person("old").await, world.person("new").await);
    let session = old
        .account
        .create_session(SessionOptions::new())
        .await
        .unwrap();
    assert_eq!(session.metadata().await.unwrap(), None);
    session.set_metadata(b"ward 3").await.unwrap();
    assert_eq!(
        session.metadata().await.unwrap().as_deref(),
        Some(&b"ward 3"[..])
    );
    assert_eq!(
        code(session.set_metadata(&[0; 9000]).await),
        ErrorCode::TooLarge
    );
    session
        .transfer(Recipient::user("new"), None)
        .await
        .unwrap();
    assert_eq!(code(session.refresh().await), ErrorCode::AccessRevoked);
    let mine = new.account.session(session.id());
    assert_eq!(
        mine.metadata().await.unwrap().as_deref(),
        Some(&b"ward 3"[..])
    );
    let sealed = mine.encrypt("last", None).await.unwrap();
    mine.end().await.unwrap();
    assert_eq!(
        code(mine.decrypt(&sealed, None).await),
        ErrorCode::SessionEnded
    );
    assert_eq!(
        code(mine.encrypt("more", None).await),
        ErrorCode::SessionEnded
    );
}

#[tokio::test]
async fn a_grant_ends_and_the_next_writer_locks_out() {
    let world = World::new().await;
    let (doctor, locum) = (world.person("dr.a").await, world.person("locum").await);
    let session = doctor
        .account
        .create_session(SessionOptions::new())
        .await
        .unwrap();
    let past = Grant::read().until(at(world.clock.now() - DAY));
    assert_eq!(
        code(session.grant(Recipient::user("locum"), past).await),
        ErrorCode::EntryInvalid
    );
    let grant = Grant::read().until(at(world.clock.now() + 31 * DAY));
    session
        .grant(Recipient::user("locum"), grant)
        .await
        .unwrap();
    let sealed = session.encrypt("x", None).await.unwrap();
    locum.account.decrypt(&sealed, None).await.unwrap();
    world.clock.forward(32 * DAY);
    assert_eq!(
        code(locum.account.decrypt(&sealed, None).await),
        ErrorCode::AccessExpired
    );
    assert_eq!(session.recipients().await.unwrap().len(), 1);
    let later = session.encrypt("y", None).await.unwrap();
    assert_ne!(sealed[22..26], later[22..26], "a new epoch");
    assert_eq!(
        doctor.account.decrypt(&later, None).await.unwrap().bytes(),
        b"y"
    );
    assert_eq!(
        doctor.account.decrypt(&sealed, None).await.unwrap().bytes(),
        b"x"
    );
}

#[tokio::test]
async fn a_grant_ends_by_the_clients_own_clock_too() {
    let world = World::new().await;
    let (doctor, locum) = (world.person("dr.a").await, world.person("locum").await);
    let session = doctor
        .account
        .create_session(SessionOptions::new())
        .await
        .unwrap();
    let grant = Grant::read().until(at(world.clock.now() + 2 * MINUTE));
    session
        .grant(Recipient::user("locum"), grant)
        .await
        .unwrap();
    let sealed = session.encrypt("x", None).await.unwrap();
    locum.account.decrypt(&sealed, None).await.unwrap();
    // What was fetched is young enough; the directory would serve it no more,
    // and is not even asked: it can't be reached.
    world.clock.forward(3 * MINUTE);
    locum.wire.lie(|_, response| {
        *response = plico::ports::Response {
            status: 503,
            body: vec![],
        }
    });
    let result = locum.account.decrypt(&sealed, None).await;
    assert!(matches!(
        code(result),
        ErrorCode::Unavailable | ErrorCode::AccessExpired
    ));
    locum.wire.honest();
    assert_eq!(
        code(locum.account.decrypt(&sealed, None).await),
        ErrorCode::AccessExpired
    );
}

#[tokio::test]
async fn another_writer_sees_a_revocation_within_the_freshness_bound() {
    let world = World::new().await;
    let (doctor, nurse, visitor) = (
        world.person("dr.a").await,
        world.person("nurse").await,
        world.person("visitor").await,
    );
    let both = [Recipient::user("nurse"), Recipient::user("visitor")];
    let session = doctor.account.create_session(both).await.unwrap();
    let as_nurse = nurse.account.session(session.id());
    let before = as_nurse.encrypt("1", None).await.unwrap();
    session.revoke(Recipient::user("visitor")).await.unwrap();
    let stale = as_nurse.encrypt("2", None).await.unwrap();
    assert_eq!(
        before[22..26],
        stale[22..26],
        "the stated limit: the nurse's knowledge is young"
    );
    world.clock.forward(6 * MINUTE);
    let fresh = as_nurse.encrypt("3", None).await.unwrap();
    assert_ne!(before[22..26], fresh[22..26]);
    let theirs = visitor.account.session(session.id());
    assert_eq!(
        code(theirs.decrypt(&fresh, None).await),
        ErrorCode::AccessRevoked
    );
}

#[tokio::test]
async fn a_clock_that_is_a_day_off_learns_for_requests() {
    let world = World::new().await;
    let store = std::sync::Arc::new(plico::store::MemoryStore::new());
    struct Slow(std::sync::Arc<common::TestClock>);
    impl plico::ports::Clock for Slow {
        fn now_ms(&self) -> u64 {
            self.0.now() - DAY
        }
    }
    let plico = plico::Plico::builder(&world.url, &world.tenant())
        .clock(std::sync::Arc::new(Slow(world.clock.clone())))
        .open()
        .await
        .unwrap();
    let options = plico::AccountOptions::with_store(store.clone());
    let account = plico.account(options).await.unwrap();
    let person = common::Person {
        account,
        store,
        wire: common::Wire::new(),
    };
    person.register(&world, "slow", 1).await.unwrap();
    let session = person
        .account
        .create_session(SessionOptions::new())
        .await
        .unwrap();
    let sealed = session.encrypt("x", None).await.unwrap();
    assert_eq!(session.decrypt(&sealed, None).await.unwrap().bytes(), b"x");
}

#[tokio::test]
async fn closed_and_foreign_objects_say_so() {
    let world = World::new().await;
    let doctor = world.person("dr.a").await;
    let session = doctor
        .account
        .create_session(SessionOptions::new())
        .await
        .unwrap();
    doctor.account.close();
    assert_eq!(code(session.encrypt("x", None).await), ErrorCode::Closed);
    assert_eq!(code(session.recipients().await), ErrorCode::Closed);
    assert_eq!(
        code(plico::Plico::open(&world.url, "what").await),
        ErrorCode::InvalidArgument
    );
    let (host, tenant) = (world.url.trim_start_matches("http://"), world.tenant());
    for url in [
        String::new(),
        "ftp://x".into(),
        "https://".into(),
        "https:///path".into(),
        format!("http://name:word@{host}"),
        format!("http://{host}?a=b"),
        format!("http://{host}#a"),
        format!("http://{host}/a b"),
        format!("http://{host}\n"),
    ] {
        let opened = plico::Plico::open(&url, &tenant).await.unwrap_err();
        assert_eq!(opened.code(), ErrorCode::InvalidArgument, "{url}");
        assert!(!format!("{opened} {opened:?}").contains("word@"));
    }
    let nobody = plico::TenantId::from([7; 32]).to_string();
    assert_eq!(
        code(plico::Plico::open(&world.url, &nobody).await),
        ErrorCode::TenantNotFound
    );
    // Where nobody answers, a connection can be had, but no account that is new.
    let nowhere = plico::Plico::open("http://127.0.0.1:1", &world.tenant())
        .await
        .unwrap();
    assert_eq!(
        code(nowhere.account(plico::AccountOptions::in_memory()).await),
        ErrorCode::Network
    );
}

#[tokio::test]
async fn the_memory_store_keeps_the_ports_promises() {
    let store = plico::store::MemoryStore::new();
    plico::ports::conformance::store(&store).await.unwrap();
}

/// The cryptographic half of revocation: not even with everything that the
/// directory has, and every key that it ever had, does a revoked party open
/// what was written afterwards.
#[tokio::test]
async fn a_revoked_party_with_the_directorys_whole_database_opens_nothing_new() {
    use common::member::Member;
    use plico_protocol::envelope::{EnvelopeKey, open};
    use plico_protocol::format::decode;
    use plico_protocol::format::ids::ChainId;
    use plico_protocol::format::wrap::BackLink;
    use plico_protocol::primitives::kem;

    let world = World::new().await;
    let (doctor, insurer) = (world.person("dr.a").await, world.person("insurer.3").await);
    let session = doctor
        .account
        .create_session([Recipient::user("insurer.3")])
        .await
        .unwrap();
    let id = ChainId(*session.id().as_bytes());
    let thief = Member::of(&insurer, &world).await;
    let known = thief.identities(&[doctor.id(), insurer.id()]).await;
    let (_, old) = thief.state(id, &known).await;
    let thief_key = thief.my_key().await;
    session.revoke(Recipient::user("insurer.3")).await.unwrap();
    let letter = session.encrypt("after", None).await.unwrap();

    // All that the directory holds now, as the doctor is served it.
    let answer = Member::of(&doctor, &world).await.session(id).await;
    let newest: Vec<_> = answer.wraps.iter().filter(|it| it.epoch == 1).collect();
    assert_eq!(newest.len(), 1);
    let keys: [&kem::PrivateKey; 2] = [&thief_key, &thief.device.kem];
    for wrap in &newest {
        for key in keys {
            for info in [&b""[..], &wrap.id.0] {
                assert!(key.open::<32>(info, &wrap.sealed.0).is_err());
            }
        }
    }
    // The back-link leads from the new epoch to the old one, not the other way.
    for bytes in &answer.back_links {
        let link: BackLink = decode("back-link", &bytes.0).unwrap();
        assert_eq!((link.epoch, link.target), (1, 0));
        assert!(old.open_back_link(&link, &old.commitment()).is_err());
    }
    // The old epoch's key, called the new one.
    for epoch in [0, 1] {
        let suite = Suite::ChaCha20Poly1305Sha512;
        let tenant = world.tenant_id.0;
        let key = EnvelopeKey::new(old.payload_key(), tenant, id.0, epoch, suite);
        assert!(open(&key, &letter, None).is_err());
    }
}

#[tokio::test]
async fn nobody_grants_or_hands_over_to_himself() {
    let world = World::new().await;
    let doctor = world.person("dr.a").await;
    let session = doctor.account.create_session([]).await.unwrap();
    let me = doctor.account.identity_id().unwrap();
    for myself in [Recipient::user("dr.a"), Recipient::identity(me)] {
        let granted = session.grant(myself.clone(), Grant::read()).await;
        assert_eq!(code(granted), ErrorCode::InvalidArgument);
        let handed = session.transfer(myself, Some(Rights::read())).await;
        assert_eq!(code(handed), ErrorCode::InvalidArgument);
    }
    let recipients = session.recipients().await.unwrap();
    assert_eq!(recipients.len(), 1);
    assert!(recipients[0].rights.is_owner());
}
