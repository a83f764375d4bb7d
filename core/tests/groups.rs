//! Groups through the facade: the practice, the ward, and who comes and goes.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/ward.rs"]
mod ward;

use plico::testing::{TestDirectory, TestPerson};
use plico::{
    EncryptionSession, ErrorCode, Grant, Group, GroupOptions, GroupRole, MemberId, Recipient,
    Rights, SessionOptions,
};
use std::time::Duration;
use ward::code;

const DAY: Duration = Duration::from_secs(86_400);

/// A practice: its owner, a nurse who is in it, a locum who is not yet.
struct Practice {
    directory: TestDirectory,
    doctor: TestPerson,
    nurse: TestPerson,
    locum: TestPerson,
    patient: TestPerson,
    group: Group,
}

impl Practice {
    async fn new(options: GroupOptions) -> Self {
        let directory = TestDirectory::start().await.unwrap();
        let person = async |name: &str| directory.person(name).await.unwrap();
        let (doctor, nurse) = (person("dr.a").await, person("nurse.b").await);
        let (locum, patient) = (person("locum.c").await, person("patient.7").await);
        let options = options
            .name("the practice")
            .member(Recipient::user("nurse.b"), GroupRole::Member);
        let group = doctor.account().create_group(options).await.unwrap();
        Self {
            directory,
            doctor,
            nurse,
            locum,
            patient,
            group,
        }
    }

    /// The patient's record, which the practice may read.
    async fn record(&self, rights: Rights) -> EncryptionSession {
        let options =
            SessionOptions::new().recipient(Recipient::group(self.group.id()), Grant::new(rights));
        self.patient
            .account()
            .create_session(options)
            .await
            .unwrap()
    }
}

async fn opens(who: &TestPerson, sealed: &[u8], text: &str) {
    let opened = who.account().decrypt(sealed, None).await.unwrap();
    assert_eq!(opened.bytes(), text.as_bytes());
}

async fn refused(who: &TestPerson, sealed: &[u8]) -> ErrorCode {
    // What it knew may be older than the freshness bound.
    let account = who.account().max_staleness(Duration::ZERO);
    code(account.decrypt(sealed, None).await)
}

#[tokio::test]
async fn a_locum_joins_and_leaves_and_no_session_is_touched() {
    let practice = Practice::new(GroupOptions::new()).await;
    let record = practice.record(Rights::read()).await;
    let sealed = record.encrypt("finding", None).await.unwrap();
    opens(&practice.doctor, &sealed, "finding").await;
    opens(&practice.nurse, &sealed, "finding").await;
    assert_eq!(
        refused(&practice.locum, &sealed).await,
        ErrorCode::SessionNotFound
    );
    let nurses = practice.nurse.account().group(practice.group.id());
    assert_eq!(
        nurses.name().await.unwrap().as_deref(),
        Some("the practice")
    );
    let outside = practice.locum.account().group(practice.group.id());
    assert!(outside.name().await.is_err());

    // One request by the doctor, and the locum opens what was there before.
    let before = practice.patient.connection().requests();
    let locum = Recipient::user("locum.c");
    practice
        .group
        .add(locum.clone(), GroupRole::Member)
        .await
        .unwrap();
    opens(&practice.locum, &sealed, "finding").await;
    assert_eq!(practice.patient.connection().requests(), before);
    let members = practice.group.members().await.unwrap();
    assert_eq!(members.len(), 3);
    let added = members
        .iter()
        .find(|it| it.user_id.as_deref() == Some("locum.c"));
    assert_eq!(added.unwrap().role, GroupRole::Member);

    // Gone: what is written afterwards, by whoever has seen it, is closed.
    practice.group.remove(locum).await.unwrap();
    record.refresh().await.unwrap();
    let after = record.encrypt("later", None).await.unwrap();
    assert_ne!(after[22..26], sealed[22..26], "a new epoch");
    opens(&practice.nurse, &after, "later").await;
    opens(&practice.doctor, &sealed, "finding").await;
    assert_eq!(
        refused(&practice.locum, &after).await,
        ErrorCode::SessionNotFound
    );
}

#[tokio::test]
async fn members_act_for_their_group() {
    let practice = Practice::new(GroupOptions::new()).await;
    let may = Rights::read().and_forward();
    let record = practice.record(may).await;
    let sealed = record.encrypt("finding", None).await.unwrap();
    // A plain member of the practice grants what the practice may.
    let nurses = practice.nurse.account().session(record.id());
    let locum = Recipient::user("locum.c");
    nurses.grant(locum.clone(), Grant::read()).await.unwrap();
    opens(&practice.locum, &sealed, "finding").await;
    // And no more than it may.
    assert_eq!(
        code(nurses.revoke(locum.clone()).await),
        ErrorCode::NotAllowed
    );
    let wide = Grant::new(Rights::owner());
    assert_eq!(code(nurses.grant(locum, wide).await), ErrorCode::NotAllowed);
    // A member writes, and rotates when it is due.
    practice.group.rotate().await.unwrap();
    let now = nurses.max_staleness(Duration::ZERO);
    let written = now.encrypt("by the nurse", None).await.unwrap();
    opens(&practice.patient, &written, "by the nurse").await;
    opens(&practice.doctor, &written, "by the nurse").await;
    // Only managers change the group.
    let members = practice.nurse.account().group(practice.group.id());
    let patient = Recipient::user("patient.7");
    let added = members.add(patient.clone(), GroupRole::Member).await;
    assert_eq!(code(added), ErrorCode::NotAllowed);
    assert_eq!(code(members.rename("x").await), ErrorCode::NotAllowed);
    practice
        .group
        .add(Recipient::user("nurse.b"), GroupRole::Manager)
        .await
        .unwrap();
    members.add(patient, GroupRole::Member).await.unwrap();
    members.rename("the wards").await.unwrap();
    let name = practice.group.max_fresh_name().await;
    assert_eq!(name.as_deref(), Some("the wards"));
    // Nobody removes an owner but an owner, and the last one stays.
    let removed = members.remove(Recipient::user("dr.a")).await;
    assert_eq!(code(removed), ErrorCode::NotAllowed);
    assert_eq!(code(practice.group.leave().await), ErrorCode::NotAllowed);
    practice
        .group
        .transfer(Recipient::user("nurse.b"), None)
        .await
        .unwrap();
    members.refresh().await.unwrap();
    let roles: Vec<GroupRole> = members
        .members()
        .await
        .unwrap()
        .iter()
        .map(|it| it.role)
        .collect();
    assert!(
        roles.contains(&GroupRole::Owner) && roles.len() == 2,
        "{roles:?}"
    );
    // What the practice could read, its new owner still reads.
    opens(&practice.nurse, &written, "by the nurse").await;
}

trait Fresh {
    async fn max_fresh_name(&self) -> Option<String>;
}

impl Fresh for Group {
    async fn max_fresh_name(&self) -> Option<String> {
        self.refresh().await.unwrap();
        self.name().await.unwrap()
    }
}

#[tokio::test]
async fn groups_in_groups() {
    let practice = Practice::new(GroupOptions::new()).await;
    let doctor = practice.doctor.account();
    let of_practice =
        |role| GroupOptions::new().member(Recipient::group(practice.group.id()), role);
    let clinic = doctor
        .create_group(of_practice(GroupRole::Member))
        .await
        .unwrap();
    let wider = GroupOptions::new().member(Recipient::group(clinic.id()), GroupRole::Member);
    let network = doctor.create_group(wider).await.unwrap();
    let to_network = [Recipient::group(network.id())];
    let session = practice
        .patient
        .account()
        .create_session(to_network)
        .await
        .unwrap();
    let sealed = session.encrypt("finding", None).await.unwrap();
    // Through three groups; and cached, without a request.
    opens(&practice.nurse, &sealed, "finding").await;
    let requests = practice.nurse.connection().requests();
    opens(&practice.nurse, &sealed, "finding").await;
    assert_eq!(practice.nurse.connection().requests(), requests);
    assert_eq!(
        refused(&practice.locum, &sealed).await,
        ErrorCode::SessionNotFound
    );
    // Who joins the innermost opens it, too.
    let locum = Recipient::user("locum.c");
    practice
        .group
        .add(locum.clone(), GroupRole::Member)
        .await
        .unwrap();
    opens(&practice.locum, &sealed, "finding").await;
    // And whoever leaves it opens nothing new, once those in between have
    // rotated, which those do who see it.
    practice.group.remove(locum).await.unwrap();
    for group in [&clinic, &network] {
        group.refresh().await.unwrap();
    }
    session.refresh().await.unwrap();
    let after = session.encrypt("later", None).await.unwrap();
    opens(&practice.nurse, &after, "later").await;
    assert_eq!(
        refused(&practice.locum, &after).await,
        ErrorCode::SessionNotFound
    );

    // No circle, direct or around, and no fifth level.
    for inner in [network.id(), clinic.id(), practice.group.id()] {
        let circle = practice
            .group
            .add(Recipient::group(inner), GroupRole::Member)
            .await;
        assert_eq!(code(circle), ErrorCode::EntryInvalid);
    }
    let fourth = GroupOptions::new().member(Recipient::group(network.id()), GroupRole::Member);
    let fourth = doctor.create_group(fourth).await.unwrap();
    let fifth = GroupOptions::new().member(Recipient::group(fourth.id()), GroupRole::Member);
    let refused = doctor.create_group(fifth).await;
    assert_eq!(code(refused), ErrorCode::EntryInvalid);
    // Nor from below, which only the directory can see.
    let small = doctor.create_group(GroupOptions::new()).await.unwrap();
    let deeper = practice
        .group
        .add(Recipient::group(small.id()), GroupRole::Member)
        .await;
    assert_eq!(code(deeper), ErrorCode::EntryInvalid);
}

#[tokio::test]
async fn from_now_on_means_so() {
    let practice = Practice::new(GroupOptions::new().from_now_on()).await;
    let record = practice.record(Rights::read()).await;
    let sealed = record.encrypt("before", None).await.unwrap();
    opens(&practice.nurse, &sealed, "before").await;
    let locum = Recipient::user("locum.c");
    practice.group.add(locum, GroupRole::Member).await.unwrap();
    record.refresh().await.unwrap();
    let after = record.encrypt("after", None).await.unwrap();
    opens(&practice.locum, &after, "after").await;
    opens(&practice.nurse, &after, "after").await;
    opens(&practice.nurse, &sealed, "before").await;
    let earlier = code(practice.locum.account().decrypt(&sealed, None).await);
    assert_eq!(earlier, ErrorCode::EpochUnavailable);
}

#[tokio::test]
async fn a_deleted_group_opens_nothing_more() {
    let practice = Practice::new(GroupOptions::new()).await;
    let record = practice.record(Rights::read()).await;
    let sealed = record.encrypt("finding", None).await.unwrap();
    opens(&practice.nurse, &sealed, "finding").await;
    practice.group.delete().await.unwrap();
    let gone = refused(&practice.nurse, &sealed).await;
    assert_eq!(gone, ErrorCode::SessionNotFound);
    record.refresh().await.unwrap();
    let after = record.encrypt("later", None).await.unwrap();
    assert_ne!(after[22..26], sealed[22..26], "a new epoch");
    opens(&practice.patient, &after, "later").await;
    let session = practice.doctor.account().create_session([]).await.unwrap();
    let granted = session
        .grant(Recipient::group(practice.group.id()), Grant::read())
        .await;
    assert_eq!(code(granted), ErrorCode::GroupNotFound);
}

#[tokio::test]
async fn membership_for_a_time() {
    let practice = Practice::new(GroupOptions::new()).await;
    let record = practice.record(Rights::read()).await;
    let sealed = record.encrypt("finding", None).await.unwrap();
    let end = practice.directory.clock().now() + 30 * DAY;
    let locum = Recipient::user("locum.c");
    practice
        .group
        .add_until(locum, GroupRole::Member, end)
        .await
        .unwrap();
    opens(&practice.locum, &sealed, "finding").await;
    practice.directory.clock().advance(31 * DAY);
    let ended = refused(&practice.locum, &sealed).await;
    assert!(
        matches!(ended, ErrorCode::SessionNotFound | ErrorCode::AccessExpired),
        "{ended}"
    );
    practice.group.refresh().await.unwrap();
    assert_eq!(practice.group.members().await.unwrap().len(), 2);
    record.refresh().await.unwrap();
    let after = record.encrypt("later", None).await.unwrap();
    opens(&practice.nurse, &after, "later").await;
    assert_eq!(
        refused(&practice.locum, &after).await,
        ErrorCode::SessionNotFound
    );
}

#[tokio::test]
async fn what_one_is_in_is_listed() {
    let practice = Practice::new(GroupOptions::new()).await;
    let record = practice.record(Rights::read()).await;
    let own = practice.nurse.account().create_session([]).await.unwrap();
    let nurse = practice.nurse.account();
    let direct = nurse.sessions(None).await.unwrap();
    assert_eq!((direct.items, direct.more), (vec![own.id()], false));
    let groups = nurse.groups(None).await.unwrap().items;
    assert_eq!(groups, [practice.group.id()]);
    let through = nurse.sessions_of_group(groups[0], None).await.unwrap();
    assert_eq!(through.items, [record.id()]);
    let next = nurse.sessions(Some(own.id())).await.unwrap();
    assert!(next.items.is_empty());
    let stranger = practice.locum.account().sessions_of_group(groups[0], None);
    assert_eq!(code(stranger.await), ErrorCode::GroupNotFound);
    // In the group's log, the patient is nobody; the members are known by name.
    let members = practice.group.members().await.unwrap();
    assert!(
        members
            .iter()
            .all(|it| matches!(it.who, MemberId::Identity(_)))
    );
}

/// After a restart, and without the network, what was opened through a group opens.
#[tokio::test]
async fn a_group_member_opens_offline_what_is_kept() {
    let practice = Practice::new(GroupOptions::new()).await;
    let record = practice.record(Rights::read()).await;
    let sealed = record.encrypt("finding", None).await.unwrap();
    opens(&practice.nurse, &sealed, "finding").await;
    let again = practice.nurse.restart().await.unwrap();
    practice.directory.down(true);
    let opened = again
        .account()
        .offline()
        .decrypt(&sealed, None)
        .await
        .unwrap();
    assert_eq!(opened.bytes(), b"finding");
    practice.directory.down(false);
    // A snapshot ends when the way through the group does.
    let end = practice.directory.clock().now() + 30 * DAY;
    let nurse = Recipient::user("nurse.b");
    let group = &practice.group;
    group
        .add_until(nurse, GroupRole::Member, end)
        .await
        .unwrap();
    let nurse = again.account();
    nurse.session(record.id()).refresh().await.unwrap();
    let taken = nurse
        .snapshot(&[7; 32], plico::SnapshotOptions::all())
        .await;
    let taken = taken.unwrap();
    let clock = std::sync::Arc::new(practice.directory.clock().clone());
    let snapshot = plico::Snapshot::open_with_clock(&taken, &[7; 32], clock).unwrap();
    assert_eq!(snapshot.sessions(), [record.id()]);
    let opened = snapshot.decrypt(&sealed, None).unwrap();
    assert_eq!(opened.bytes(), b"finding");
    practice.directory.clock().advance(31 * DAY);
    assert_eq!(
        code(snapshot.decrypt(&sealed, None)),
        ErrorCode::AccessExpired
    );
    // An offline file can be made by whoever has access still, and by nobody else.
    practice
        .patient
        .account()
        .offline_file(&sealed)
        .await
        .unwrap();
    let file = again.account().offline_file(&sealed).await;
    assert_eq!(code(file), ErrorCode::SessionNotFound);
}

#[tokio::test]
async fn who_may_read_through_which_path() {
    let practice = Practice::new(GroupOptions::new()).await;
    let clinic =
        GroupOptions::new().member(Recipient::group(practice.group.id()), GroupRole::Member);
    let clinic = practice
        .doctor
        .account()
        .create_group(clinic)
        .await
        .unwrap();
    let end = practice.directory.clock().now() + 30 * DAY;
    let options = SessionOptions::new()
        .recipient(Recipient::group(clinic.id()), Grant::read().until(end))
        .recipient(Recipient::user("locum.c"), Grant::read());
    let patient = practice.patient.account();
    let session = patient.create_session(options).await.unwrap();
    session.revoke(Recipient::user("locum.c")).await.unwrap();
    practice.directory.clock().advance(3 * DAY);
    let list = session.who_may_read().await.unwrap();
    let nurse = list
        .may_read
        .iter()
        .find(|it| it.user_id.as_deref() == Some("nurse.b"));
    let nurse = nurse.unwrap();
    assert_eq!(nurse.path, [clinic.id(), practice.group.id()]);
    assert_eq!(nurse.rights, Rights::read());
    assert_eq!(nurse.granted_by_user_id.as_deref(), Some("dr.a"));
    let left = nurse
        .expires_at
        .unwrap()
        .duration_since(end)
        .unwrap_or_default();
    assert_eq!(left.as_secs(), 0);
    assert_eq!(list.former.len(), 1);
    assert_eq!(list.former[0].user_id.as_deref(), Some("locum.c"));
    let text = list.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines.contains(&"patient.7: owns, by patient.7, 3 days ago"),
        "{text}"
    );
    assert!(
        lines.contains(&"    nurse.b: reads, by dr.a, 3 days ago, for 27 more days"),
        "{text}"
    );
    assert!(
        lines.contains(&"no more: locum.c, revoked, 3 days ago"),
        "{text}"
    );
    // Nothing of it in a log by accident.
    assert!(!format!("{list:?} {:?}", list.may_read).contains("nurse"));
}

#[tokio::test]
async fn a_signed_envelope_says_who_wrote_it() {
    let practice = Practice::new(GroupOptions::new()).await;
    let record = practice.record(Rights::read()).await;
    let place = plico::Context::raw(b"row 42").unwrap();
    let nurses = practice.nurse.account().session(record.id());
    let written = nurses
        .encrypt_signed("by the nurse", Some(&place))
        .await
        .unwrap();
    assert_eq!(written.signature.len(), 183);
    let (envelope, signature) = (&written.envelope, Some(written.signature.as_slice()));
    let patient = practice.patient.account();
    let (opened, by) = patient
        .decrypt_signed(envelope, signature, Some(&place))
        .await
        .unwrap();
    assert_eq!(opened.bytes(), b"by the nurse");
    let plico::WrittenBy::Signed(writer) = by else {
        panic!("{by:?}")
    };
    assert_eq!(writer.user_id.as_deref(), Some("nurse.b"));
    assert_eq!(
        Some(writer.identity),
        practice.nurse.account().identity_id()
    );
    assert_eq!(Some(writer.device), practice.nurse.account().device_id());
    // Somebody who came to the practice after the patient has asked last.
    let locum = Recipient::user("locum.c");
    practice.group.add(locum, GroupRole::Member).await.unwrap();
    let locums = practice.locum.account().session(record.id());
    let newer = locums
        .encrypt_signed("by the locum", Some(&place))
        .await
        .unwrap();
    let signed = Some(newer.signature.as_slice());
    let (_, by) = patient
        .decrypt_signed(&newer.envelope, signed, Some(&place))
        .await
        .unwrap();
    assert!(matches!(by, plico::WrittenBy::Signed(it) if it.user_id.as_deref() == Some("locum.c")));
    // Without one, it says so.
    let (_, by) = patient
        .decrypt_signed(envelope, None, Some(&place))
        .await
        .unwrap();
    assert_eq!(by, plico::WrittenBy::Unsigned);
    // A signature of another envelope, an altered one, one cut short.
    let other = nurses
        .encrypt_signed("another", Some(&place))
        .await
        .unwrap();
    let mut altered = written.signature.clone();
    altered[60] ^= 1;
    for false_one in [
        &other.signature[..],
        &altered[..],
        &written.signature[..100],
    ] {
        let refused = patient
            .decrypt_signed(envelope, Some(false_one), Some(&place))
            .await;
        assert!(matches!(
            code(refused),
            ErrorCode::EnvelopeSignatureInvalid | ErrorCode::HistoryShortened
        ),);
    }
    // Somebody who never could read can't have written it.
    let stranger = practice.directory.person("stranger").await.unwrap();
    let stranger = stranger.account();
    let own = stranger.create_session([]).await.unwrap();
    assert_eq!(
        code(own.sign(envelope, Some(&place)).await),
        ErrorCode::WrongSession
    );
    let forged = stranger
        .session(record.id())
        .sign(envelope, Some(&place))
        .await
        .unwrap();
    let refused = patient
        .decrypt_signed(envelope, Some(&forged), Some(&place))
        .await;
    assert_eq!(code(refused), ErrorCode::EnvelopeSignatureInvalid);
}
