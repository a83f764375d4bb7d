//! Several who change the same session or group at the same moment: whoever loses
//! the race tries again by itself, and there is one valid log in the end.

#![allow(clippy::unwrap_used, clippy::panic)]

use plico::testing::{TestDirectory, TestPerson};
use plico::{
    EncryptionSession, ErrorCode, Grant, Group, GroupOptions, GroupRole, MemberId, Recipient,
    Rights, SessionOptions,
};
use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

fn manage() -> Grant {
    Grant::new(Rights::read().and_forward().and_revoke())
}

async fn people(directory: &TestDirectory, count: usize) -> Vec<TestPerson> {
    let mut people = Vec::new();
    for number in 0..count {
        let name = format!("person.{number}");
        people.push(directory.person(&name).await.unwrap());
    }
    people
}

/// Who is in, as this person sees it when it asks.
async fn seen(session: &EncryptionSession) -> BTreeSet<String> {
    let list = session.who_may_read().await.unwrap();
    let names = list.may_read.iter().filter_map(|it| it.user_id.clone());
    names.collect()
}

#[tokio::test]
async fn two_managers_at_the_same_moment_both_have_their_way() {
    let directory = TestDirectory::start().await.unwrap();
    let people = people(&directory, 4).await;
    let user = |number: usize| Recipient::user(format!("person.{number}"));
    let options = SessionOptions::new()
        .recipient(user(1), manage())
        .recipient(user(2), Grant::read());
    let session = people[0].account().create_session(options).await.unwrap();
    let theirs = people[1].account().session(session.id());
    theirs.refresh().await.unwrap();
    // One grants, the other revokes; one rotates, the other gives a name.
    let (granted, revoked) = tokio::join!(
        session.grant(user(3), Grant::read()),
        theirs.revoke(user(2))
    );
    granted.unwrap();
    revoked.unwrap();
    let (rotated, named) = tokio::join!(session.rotate(), theirs.set_metadata(b"a title"));
    rotated.unwrap();
    named.unwrap();
    // Both at the same recipient.
    let (one, other) = tokio::join!(session.revoke(user(3)), theirs.revoke(user(3)));
    one.unwrap();
    other.unwrap();
    let expected: BTreeSet<String> = (0..2).map(|it| format!("person.{it}")).collect();
    assert_eq!(seen(&session).await, expected);
    assert_eq!(seen(&theirs).await, expected);
    let sealed = session.encrypt("x", None).await.unwrap();
    people[1].account().decrypt(&sealed, None).await.unwrap();
    let closed = people[3].account().decrypt(&sealed, None).await;
    assert_eq!(closed.unwrap_err().code(), ErrorCode::AccessRevoked);

    // The same in a group.
    let options = GroupOptions::new()
        .member(user(1), GroupRole::Manager)
        .member(user(2), GroupRole::Member);
    let group = people[0].account().create_group(options).await.unwrap();
    let theirs = people[1].account().group(group.id());
    theirs.refresh().await.unwrap();
    let (added, removed, renamed) = tokio::join!(
        group.add(user(3), GroupRole::Member),
        theirs.remove(user(2)),
        theirs.rename("the ward"),
    );
    added.unwrap();
    removed.unwrap();
    renamed.unwrap();
    let who = |members: Vec<plico::GroupMember>| -> BTreeSet<Option<String>> {
        members.into_iter().map(|it| it.user_id).collect()
    };
    group.refresh().await.unwrap();
    theirs.refresh().await.unwrap();
    let (mine, others) = (
        who(group.members().await.unwrap()),
        who(theirs.members().await.unwrap()),
    );
    assert_eq!(mine, others);
    let expected: BTreeSet<_> = [0, 1, 3].map(|it| Some(format!("person.{it}"))).into();
    assert_eq!(mine, expected);
    assert_eq!(theirs.name().await.unwrap().as_deref(), Some("the ward"));
}

/// A small generator; the same seed gives the same deeds.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % bound
    }
}

/// What the rules may answer to somebody who acts on what has changed meanwhile.
fn is_fair(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::NotAllowed
            | ErrorCode::InvalidArgument
            | ErrorCode::AccessRevoked
            | ErrorCode::EntryInvalid
            | ErrorCode::EpochUnavailable
            | ErrorCode::SessionNotFound
            | ErrorCode::Conflict // many races lost, one after the other
    )
}

async fn deeds(person: &TestPerson, session: EncryptionSession, group: Group, mut dice: Dice) {
    for _ in 0..8 {
        let whom = Recipient::user(format!("person.{}", 2 + dice.below(8)));
        let done = match dice.below(8) {
            0 | 1 => session.grant(whom, manage()).await,
            2 => session.revoke(whom).await,
            3 => group.add(whom, GroupRole::Manager).await,
            4 => group.remove(whom).await,
            5 => session.rotate().await,
            6 => session.set_metadata(person.user_id().as_bytes()).await,
            _ => session.encrypt("x", None).await.map(drop),
        };
        if let Err(error) = done {
            assert!(is_fair(error.code()), "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_clients_with_random_deeds_make_one_valid_log() {
    let directory = TestDirectory::start().await.unwrap();
    let people = people(&directory, 10).await;
    let mut options = SessionOptions::new();
    let mut members = GroupOptions::new();
    for number in 1..10 {
        let user = Recipient::user(format!("person.{number}"));
        options = options.recipient(user.clone(), manage());
        members = members.member(user, GroupRole::Manager);
    }
    let owner = people[0].account();
    let group = owner.create_group(members).await.unwrap();
    let options = options.recipient(Recipient::group(group.id()), Grant::read());
    let session = owner.create_session(options).await.unwrap();
    let tasks = people.iter().enumerate().map(|(number, person)| {
        let account = person.account().max_staleness(Duration::ZERO);
        let mine = account.session(session.id());
        let theirs = account.group(group.id());
        deeds(person, mine, theirs, Dice(number as u64 + 1))
    });
    futures_util::future::join_all(tasks).await;

    // Whoever is in sees the same, from what was kept and from nothing; and a
    // writer reaches exactly those.
    let list = session.who_may_read().await.unwrap();
    let inside: HashSet<MemberId> = list.may_read.iter().map(|it| it.who).collect();
    let writer = owner.max_staleness(Duration::ZERO).session(session.id());
    let sealed = writer.encrypt("the end", None).await.unwrap();
    let mut readers = 0;
    for person in &people {
        let me = MemberId::Identity(person.account().identity_id().unwrap());
        let account = person.account().max_staleness(Duration::ZERO);
        let opened = account.decrypt(&sealed, None).await;
        assert_eq!(opened.is_ok(), inside.contains(&me), "{opened:?}");
        if opened.is_ok() {
            readers += 1;
            let mine = account.session(session.id());
            let list = mine.who_may_read().await.unwrap();
            let there: HashSet<MemberId> = list.may_read.iter().map(|it| it.who).collect();
            assert_eq!(there, inside);
            mine.forget().await.unwrap();
            let again = person.restart().await.unwrap();
            again.account().decrypt(&sealed, None).await.unwrap();
        }
    }
    assert!(readers >= 1);
}
