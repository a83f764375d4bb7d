//! One person, everywhere: taken out of all, and given all that another one
//! has; with progress, stopped and gone on with, and said honestly.

#![allow(clippy::unwrap_used, clippy::panic)]

use plico::testing::{TestDirectory, TestPerson};
use plico::{
    CancelToken, EncryptionSession, ErrorCode, EverywhereOptions, EverywhereProblem,
    EverywhereProgress, EverywhereSummary, Grant, Group, GroupOptions, GroupRole, Recipient,
    Result, Rights, SessionId, SessionOptions,
};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

fn user(name: &str) -> Recipient {
    Recipient::user(name)
}

#[track_caller]
fn code<T>(result: Result<T>) -> ErrorCode {
    match result {
        Ok(_) => panic!("it went through"),
        Err(error) => error.code(),
    }
}

async fn opens(who: &TestPerson, sealed: &[u8]) -> bool {
    let account = who.account().max_staleness(Duration::ZERO);
    account.decrypt(sealed, None).await.is_ok()
}

/// A practice whose nurse leaves, and somebody who follows.
struct Practice {
    directory: TestDirectory,
    doctor: TestPerson,
    nurse: TestPerson,
    locum: TestPerson,
    patient: TestPerson,
}

impl Practice {
    async fn new() -> Self {
        let directory = TestDirectory::start().await.unwrap();
        let person = async |name: &str| directory.person(name).await.unwrap();
        Self {
            doctor: person("dr.a").await,
            nurse: person("nurse.b").await,
            locum: person("locum.c").await,
            patient: person("patient.7").await,
            directory,
        }
    }

    async fn sessions(&self, count: usize, to: &str) -> Vec<EncryptionSession> {
        let options = (0..count).map(|_| SessionOptions::from([user(to)]));
        let made = self.doctor.account().create_sessions(options.collect());
        let made = made.await.unwrap().into_iter();
        made.map(Result::unwrap).collect()
    }

    async fn group(&self, owner: &TestPerson, members: &[Recipient]) -> Group {
        let mut options = GroupOptions::new();
        for member in members {
            options = options.member(member.clone(), GroupRole::Member);
        }
        owner.account().create_group(options).await.unwrap()
    }

    async fn revoke_nurse(&self, options: EverywhereOptions) -> EverywhereSummary {
        let account = self.doctor.account();
        account
            .revoke_everywhere(user("nurse.b"), options)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn somebody_is_taken_out_of_all_that_can_be_changed() {
    let practice = Practice::new().await;
    let own = practice.sessions(70, "nurse.b").await;
    let without = practice.sessions(3, "patient.7").await;
    let nurse = [user("nurse.b"), user("dr.a")];
    let managed = practice.group(&practice.doctor, &nurse).await;
    let foreign = practice.group(&practice.patient, &nurse).await;
    let doctor = practice.doctor.account();
    let by_managed = [Recipient::group(managed.id())];
    let by_managed = doctor.create_session(by_managed).await.unwrap();
    let by_foreign = [Recipient::group(foreign.id())];
    let by_foreign = doctor.create_session(by_foreign).await.unwrap();
    // The patient's, where the doctor may only read.
    let theirs = practice.patient.account().create_session(nurse).await;
    let theirs = theirs.unwrap();

    let before = practice.doctor.connection().requests();
    let summary = practice.revoke_nurse(EverywhereOptions::new()).await;
    let sent = practice.doctor.connection().requests() - before;
    assert!(sent <= 40, "{sent} requests for 78 logs");
    assert_eq!(summary.done, 2 + 70 + 3 + 2 + 1);
    assert_eq!(summary.changed, 1 + 70);
    assert_eq!((summary.failed, summary.still_through), (2, 1));
    assert_eq!((summary.cursor, summary.interrupted), (None, None));
    let mut failed = BTreeSet::new();
    for issue in &summary.issues {
        match &issue.problem {
            EverywhereProblem::Failed(error) => {
                assert_eq!(error.code(), ErrorCode::NotAllowed);
                failed.insert((issue.session, issue.group));
            }
            EverywhereProblem::StillThrough(group) => {
                assert_eq!(*group, foreign.id());
                assert_eq!(issue.session, Some(by_foreign.id()));
            }
            other => panic!("{other:?}"),
        }
    }
    let wanted = [(Some(theirs.id()), None), (None, Some(foreign.id()))];
    assert_eq!(failed, BTreeSet::from(wanted));

    for session in [&own[0], &own[69], &by_managed] {
        session.refresh().await.unwrap();
        let sealed = session.encrypt("x", None).await.unwrap();
        assert!(!opens(&practice.nurse, &sealed).await);
    }
    let sealed = by_foreign.encrypt("x", None).await.unwrap();
    assert!(opens(&practice.nurse, &sealed).await, "as the summary says");
    assert_eq!(without[0].recipients().await.unwrap().len(), 2);

    // Again: the same is said, and nothing more is changed.
    let again = practice.revoke_nurse(EverywhereOptions::new()).await;
    assert_eq!((again.done, again.changed), (78, 0));
    assert_eq!((again.failed, again.still_through), (2, 1));
}

#[tokio::test]
async fn sessions_that_are_reached_through_groups_only_on_request() {
    let practice = Practice::new().await;
    // The doctor's group may revoke in the patient's session; the group inside it, too.
    let inner = practice.group(&practice.doctor, &[]).await;
    let outer = practice
        .group(&practice.patient, &[Recipient::group(inner.id())])
        .await;
    let rights = Grant::new(Rights::read().and_forward().and_revoke());
    let options = SessionOptions::new()
        .recipient(Recipient::group(outer.id()), rights)
        .recipient(user("nurse.b"), Grant::read());
    let session = practice.patient.account().create_session(options);
    let session = session.await.unwrap();

    let summary = practice.revoke_nurse(EverywhereOptions::new()).await;
    assert_eq!((summary.done, summary.changed), (2, 0));
    let options = EverywhereOptions::new().sessions_only().through_groups();
    let summary = practice.revoke_nurse(options).await;
    assert_eq!((summary.done, summary.changed, summary.failed), (1, 1, 0));
    session.refresh().await.unwrap();
    let sealed = session.encrypt("x", None).await.unwrap();
    assert!(!opens(&practice.nurse, &sealed).await);
}

#[tokio::test]
async fn it_can_be_stopped_and_gone_on_with() {
    let practice = Practice::new().await;
    practice.sessions(150, "nurse.b").await;
    practice.group(&practice.doctor, &[user("nurse.b")]).await;

    // Stopped by the app after the first step of sessions.
    let token = CancelToken::new();
    let told: Arc<Mutex<Vec<EverywhereProgress>>> = Arc::default();
    let (tell, stop) = (told.clone(), token.clone());
    let options = EverywhereOptions::new()
        .cancel(token)
        .on_progress(move |progress| {
            let mut told = tell.lock().unwrap();
            told.push(progress);
            if told.len() == 2 {
                stop.cancel();
            }
        });
    let first = practice.revoke_nurse(options).await;
    let told = told.lock().unwrap().clone();
    assert_eq!((told[0].done, told[1].done), (1, 1 + 64));
    assert_eq!((first.done, first.changed), (65, 65));
    assert_eq!(first.cursor.as_ref(), Some(&told[1].cursor));
    assert_eq!(first.interrupted, None);

    // By the network, in a program that was started anew.
    let again = practice.doctor.restart().await.unwrap();
    let connection = again.connection().clone();
    let options = EverywhereOptions::new()
        .after(first.cursor.unwrap())
        .on_progress(move |_| connection.unavailable(10));
    let account = again.account();
    let second = account.revoke_everywhere(user("nurse.b"), options).await;
    let second = second.unwrap();
    assert_eq!((second.done, second.changed), (64, 64));
    let why = second.interrupted.unwrap();
    assert_eq!(why.code(), ErrorCode::Unavailable);
    again.connection().unavailable(0);

    let options = EverywhereOptions::new().after(second.cursor.unwrap());
    let third = account.revoke_everywhere(user("nurse.b"), options).await;
    let third = third.unwrap();
    assert_eq!((third.done, third.changed), (22, 22));
    assert_eq!((third.cursor, third.interrupted), (None, None));
    let all = practice.revoke_nurse(EverywhereOptions::new()).await;
    assert_eq!((all.done, all.changed, all.failed), (151, 0, 0));
    assert!(
        practice
            .nurse
            .account()
            .sessions(None)
            .await
            .unwrap()
            .items
            .is_empty()
    );
}

#[tokio::test]
async fn a_call_that_is_given_up_goes_on_from_the_last_progress() {
    let practice = Practice::new().await;
    practice.sessions(130, "nurse.b").await;
    let account = practice.doctor.account();
    let token = CancelToken::new();
    let last: Arc<Mutex<Option<String>>> = Arc::default();
    let (tell, stop) = (last.clone(), token.clone());
    let options = EverywhereOptions::new().on_progress(move |progress| {
        *tell.lock().unwrap() = Some(progress.cursor);
        stop.cancel();
    });
    let given_up = token.run(account.revoke_everywhere(user("nurse.b"), options));
    assert_eq!(code(given_up.await), ErrorCode::Cancelled);
    let cursor = last.lock().unwrap().take().unwrap();
    let rest = practice
        .revoke_nurse(EverywhereOptions::new().after(cursor))
        .await;
    assert_eq!((rest.done, rest.failed, rest.cursor), (66, 0, None));
    assert!(
        practice
            .nurse
            .account()
            .sessions(None)
            .await
            .unwrap()
            .items
            .is_empty()
    );
    let all = practice.revoke_nurse(EverywhereOptions::new()).await;
    assert_eq!((all.done, all.changed), (130, 0));
}

#[tokio::test]
async fn somebody_gets_all_that_another_one_has() {
    let practice = Practice::new().await;
    let doctor = practice.doctor.account();
    let end = practice.directory.clock().now() + 30 * DAY;
    let manager = Rights::read().and_forward().and_revoke();
    let options = SessionOptions::new()
        .recipient(user("nurse.b"), Grant::new(manager).until(end))
        .recipient(user("locum.c"), Grant::read());
    let managed = doctor.create_session(options).await.unwrap();
    let read = practice.sessions(3, "nurse.b").await;
    let without = practice.sessions(1, "patient.7").await;
    let group = practice.group(&practice.doctor, &[user("nurse.b")]).await;
    let by_group = doctor
        .create_session([Recipient::group(group.id())])
        .await
        .unwrap();
    // The doctor may forward, and no more; the nurse may revoke, too.
    let forward = Grant::new(Rights::read().and_forward());
    let options = SessionOptions::new()
        .recipient(user("dr.a"), forward)
        .recipient(user("nurse.b"), Grant::new(manager));
    let theirs = practice.patient.account().create_session(options);
    let theirs = theirs.await.unwrap();
    // And here, only read.
    let options = [user("dr.a"), user("nurse.b")];
    let closed = practice.patient.account().create_session(options);
    let closed = closed.await.unwrap();
    let old = read[0].encrypt("old", None).await.unwrap();
    let shared = by_group.encrypt("shared", None).await.unwrap();

    let give = async || {
        let options = EverywhereOptions::new();
        let given = doctor.give_all_of(user("nurse.b"), user("locum.c"), options);
        given.await.unwrap()
    };
    let summary = give().await;
    assert_eq!((summary.done, summary.changed), (9, 1 + 1 + 3 + 1));
    assert_eq!((summary.failed, summary.reduced), (1, 1));
    let issue = |session: SessionId| {
        let mut issues = summary.issues.iter();
        let found = issues.find(|it| it.session == Some(session));
        found.unwrap().problem.clone()
    };
    assert_eq!(issue(theirs.id()), EverywhereProblem::Reduced);
    let EverywhereProblem::Failed(error) = issue(closed.id()) else {
        panic!("it is no failure")
    };
    assert_eq!(error.code(), ErrorCode::NotAllowed);

    for sealed in [&old, &shared] {
        assert!(opens(&practice.locum, sealed).await);
    }
    let locum = practice.locum.account().identity_id().unwrap();
    let grant_of = async |session: &EncryptionSession| {
        session.refresh().await.unwrap();
        let there = session.recipients().await.unwrap().into_iter();
        let mut there = there.filter(|it| it.identity == locum);
        there.next().map(|it| (it.rights, it.expires_at))
    };
    // What the locum had without end, it keeps without end.
    assert_eq!(grant_of(&managed).await, Some((manager, None)));
    assert_eq!(grant_of(&read[2]).await, Some((Rights::read(), None)));
    let reduced = Some((Rights::read().and_forward(), None));
    assert_eq!(grant_of(&theirs).await, reduced);
    assert_eq!(grant_of(&without[0]).await, None);

    let again = give().await;
    assert_eq!((again.done, again.changed), (9, 0));
    assert_eq!((again.failed, again.reduced), (1, 1));
}

#[tokio::test]
async fn what_can_not_be_asked_for() {
    let practice = Practice::new().await;
    let account = practice.doctor.account();
    let all = EverywhereOptions::new;
    for (who, options, wanted) in [
        (user("dr.a"), all(), ErrorCode::InvalidArgument),
        (user("nobody"), all(), ErrorCode::RecipientsNotFound),
        (
            user("nurse.b"),
            all().after("x"),
            ErrorCode::InvalidArgument,
        ),
    ] {
        let given = account.give_all_of(user("nurse.b"), who.clone(), options.clone());
        assert_eq!(code(given.await), wanted);
        let revoked = account.revoke_everywhere(who, options).await;
        assert_eq!(code(revoked), wanted);
    }
}
