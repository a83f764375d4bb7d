//! Sessions: what is stored, what is refused, and who is shown what.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::*;
use plico_protocol::format::bodies::SessionBody;
use plico_protocol::format::decode;
use plico_protocol::format::head::SignedHead;
use plico_protocol::rights::draft;
use plico_protocol::wire::b64::{self, B64};
use plico_protocol::wire::rest::{
    Appended, SessionAnswer, SessionFrom, SessionsFound, SessionsLookup,
};

fn epochs(answer: &SessionAnswer) -> Vec<u32> {
    answer.wraps.iter().map(|wrap| wrap.epoch).collect()
}

async fn world() -> (World, Person, Person, Person) {
    let mut world = World::new().await;
    let owner = world.person("dr.a").await;
    let patient = world.person("patient.7").await;
    let insurer = world.person("insurer.3").await;
    (world, owner, patient, insurer)
}

#[tokio::test]
async fn create_grant_and_read() {
    let (world, owner, patient, insurer) = world().await;
    let mut session = world
        .session(&owner, vec![world.grant_to(&patient, READ, 0)])
        .await;
    let grant = world.grant(&owner, &session, world.grant_to(&insurer, READ, 0));
    world.take(&mut session, &grant);
    let answer = world.add(&owner, &session, &[grant]).await;
    let appended: Appended = answer.json();
    let head: SignedHead = decode("head", &appended.head.0).unwrap();
    assert_eq!(head.head.hash, session.state.tip().head.hash);

    for person in [&owner, &patient, &insurer] {
        let answer: SessionAnswer = world.get(person, &name(&session)).await.json();
        assert_eq!((answer.entries.len(), answer.more), (2, false));
        assert_eq!(epochs(&answer), [0]);
        let wrap = &answer.wraps[0];
        assert_eq!(wrap.id.0, person.id.0);
        check_wrap(&world, &session, person, wrap);
    }

    // By the handle in an envelope, and from a place on.
    let handle = b64::encode(&session.state.id().0[..16]);
    let path = format!("/sessions/{handle}?from=1");
    let answer: SessionAnswer = world.get(&patient, &path).await.json();
    assert_eq!(answer.session_id.0, session.state.id().0);
    assert_eq!((answer.from, answer.entries.len()), (1, 1));
}

#[tokio::test]
async fn a_stranger_learns_nothing() {
    let (world, owner, patient, insurer) = world().await;
    let session = world
        .session(&owner, vec![world.grant_to(&patient, READ, 0)])
        .await;
    let answer = world.get(&insurer, &name(&session)).await;
    assert_eq!(answer.code(), "SESSION_NOT_FOUND");
    let grant = world.grant(&owner, &session, world.grant_to(&insurer, READ, 0));
    // Even with bytes that are rightly signed by somebody else.
    let answer = world
        .add(&insurer, &session, std::slice::from_ref(&grant))
        .await;
    assert_eq!(answer.code(), "SESSION_NOT_FOUND");
    // A reader who sends them is not their author.
    let answer = world
        .add(&patient, &session, std::slice::from_ref(&grant))
        .await;
    assert_eq!(answer.code(), "NOT_ALLOWED");
    // And once they are there, resending somebody else's bytes is no success.
    world
        .add(&owner, &session, std::slice::from_ref(&grant))
        .await
        .json::<Appended>();
    let answer = world.add(&patient, &session, &[grant]).await;
    assert_eq!(answer.status / 100, 4);
}

#[tokio::test]
async fn a_batch_is_stored_whole_or_not_at_all() {
    let (world, owner, patient, _) = world().await;
    let mut session = world
        .session(&owner, vec![world.grant_to(&patient, READ, 0)])
        .await;
    let before = session.clone();
    let mut drafts = world.shut_out(&owner, &mut session, &patient);
    let good = drafts.clone();
    drafts[1].wraps[0].sealed[500] ^= 1;
    let answer = world.add(&owner, &before, &drafts).await;
    assert_eq!(answer.code(), "ENTRY_INVALID");
    drafts[1].wraps.clear();
    let answer = world.add(&owner, &before, &drafts).await;
    assert_eq!(answer.code(), "ENTRY_INVALID");
    drafts[1] = good[1].clone();
    drafts[1].back_links.clear();
    let answer = world.add(&owner, &before, &drafts).await;
    assert_eq!(answer.code(), "ENTRY_INVALID");
    let answer = world
        .add(&owner, &before, &[good[1].clone(), good[0].clone()])
        .await;
    assert_eq!(answer.code(), "CONFLICT");

    // The revocation that stood before the bad entry has not happened.
    let answer: SessionAnswer = world.get(&patient, &name(&session)).await.json();
    assert_eq!((answer.entries.len(), epochs(&answer)), (1, vec![0]));
    world.add(&owner, &before, &good).await.json::<Appended>();
    let answer: SessionAnswer = world.get(&owner, &name(&session)).await.json();
    assert_eq!((answer.entries.len(), epochs(&answer)), (3, vec![0, 1]));
    assert_eq!(answer.back_links.len(), 1);
}

#[tokio::test]
async fn who_was_revoked_is_shown_nothing_and_nothing_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::on_disk(&folder.path().join("db.sqlite")).await;
    let owner = world.person("dr.a").await;
    let patient = world.person("patient.7").await;
    let mut session = world
        .session(&owner, vec![world.grant_to(&patient, READ, 0)])
        .await;
    let answer: SessionAnswer = world.get(&patient, &name(&session)).await.json();
    let sealed = answer.wraps[0].sealed.0[100..132].to_vec();
    assert!(is_in_files(folder.path(), &sealed));

    let before = session.clone();
    let drafts = world.shut_out(&owner, &mut session, &patient);
    world.add(&owner, &before, &drafts).await.json::<Appended>();
    let answer = world.get(&patient, &name(&session)).await;
    assert_eq!(answer.code(), "ACCESS_REVOKED");
    let rotate = world.rotate(&owner, &session);
    let answer = world.add(&patient, &session, &[rotate]).await;
    assert_eq!(answer.code(), "ACCESS_REVOKED");
    world.storage.purge(world.now()).await.unwrap();
    assert!(!is_in_files(folder.path(), &sealed), "it is really gone");

    // The others' proofs still hold without the wrap.
    let answer: SessionAnswer = world.get(&owner, &name(&session)).await.json();
    assert_eq!(epochs(&answer), [0, 1]);
    assert_eq!(answer.wraps[0].proof.len(), 1);
}

#[tokio::test]
async fn an_expired_grant_is_not_served() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::on_disk(&folder.path().join("db.sqlite")).await;
    let owner = world.person("dr.a").await;
    let patient = world.person("patient.7").await;
    let end = world.now() + 10 * MINUTE;
    let session = world
        .session(&owner, vec![world.grant_to(&patient, READ, end)])
        .await;
    let answer: SessionAnswer = world.get(&patient, &name(&session)).await.json();
    let sealed = answer.wraps[0].sealed.0[100..132].to_vec();
    world.forward(10 * MINUTE - 1);
    world
        .get(&patient, &name(&session))
        .await
        .json::<SessionAnswer>();
    world.forward(1);
    let answer = world.get(&patient, &name(&session)).await;
    assert_eq!(answer.code(), "ACCESS_EXPIRED");
    let rotate = world.rotate(&owner, &session);
    let answer = world
        .add(&patient, &session, std::slice::from_ref(&rotate))
        .await;
    assert_eq!(answer.code(), "ACCESS_EXPIRED");
    assert!(
        is_in_files(folder.path(), &sealed),
        "not purged yet, but not served"
    );
    world.storage.purge(world.now()).await.unwrap();
    assert!(!is_in_files(folder.path(), &sealed));

    // The next writer leaves it out.
    world
        .add(&owner, &session, &[rotate])
        .await
        .json::<Appended>();
    let answer = world.get(&patient, &name(&session)).await;
    assert_eq!(answer.code(), "ACCESS_EXPIRED");
}

#[tokio::test]
async fn a_grant_that_is_renewed_does_not_end_early() {
    let (world, owner, patient, _) = world().await;
    let end = world.now() + 10 * MINUTE;
    let mut session = world
        .session(&owner, vec![world.grant_to(&patient, READ, end)])
        .await;
    let grant = world.grant(
        &owner,
        &session,
        world.grant_to(&patient, READ, end + 10 * MINUTE),
    );
    world.take(&mut session, &grant);
    world
        .add(&owner, &session, &[grant])
        .await
        .json::<Appended>();
    world.forward(15 * MINUTE);
    world.storage.purge(world.now()).await.unwrap();
    let answer: SessionAnswer = world.get(&patient, &name(&session)).await.json();
    assert_eq!(epochs(&answer), [0]);
    world.forward(5 * MINUTE);
    let answer = world.get(&patient, &name(&session)).await;
    assert_eq!(answer.code(), "ACCESS_EXPIRED");

    // A grant in the past is none, and a false time doesn't help.
    let grant = world.grant(&owner, &session, world.grant_to(&patient, READ, end));
    let answer = world.add(&owner, &session, &[grant]).await;
    assert_eq!(answer.code(), "ENTRY_INVALID");
}

#[tokio::test]
async fn the_same_bytes_again_and_others_in_their_place() {
    let (world, owner, patient, insurer) = world().await;
    let mut session = world
        .session(&owner, vec![world.grant_to(&patient, READ, 0)])
        .await;
    let before = session.clone();
    let rival = world.grant(&owner, &before, world.grant_to(&insurer, READ, 0));
    let drafts = world.shut_out(&owner, &mut session, &patient);
    world.add(&owner, &before, &drafts).await.json::<Appended>();
    let again = world.add(&owner, &before, &drafts).await;
    let head: SignedHead = decode("head", &again.json::<Appended>().head.0).unwrap();
    assert_eq!(head.head.seq, 2);
    // Part of what is there is there too; something else is not.
    world
        .add(&owner, &before, &drafts[..1])
        .await
        .json::<Appended>();
    let answer = world.add(&owner, &before, &[rival]).await;
    assert_eq!(answer.code(), "CONFLICT");
    let both = [drafts, vec![world.rotate(&owner, &session)]].concat();
    let answer = world.add(&owner, &before, &both).await;
    assert_eq!(answer.code(), "CONFLICT");

    let other = world.draft_session(&owner, vec![]);
    let answer = world
        .add(&owner, &other, &[world.rotate(&owner, &other)])
        .await;
    assert_eq!(answer.code(), "SESSION_NOT_FOUND");
    let mut first = append(std::slice::from_ref(&session.first));
    let answer = world.post(&owner, "/sessions", &first).await;
    assert_eq!(answer.status, 200);
    first.entries[0] = append(&[world.rotate(&owner, &session)]).entries.remove(0);
    let answer = world.post(&owner, "/sessions", &first).await;
    assert_eq!(answer.code(), "ENTRY_INVALID");
}

#[tokio::test]
async fn the_end() {
    let (world, owner, patient, _) = world().await;
    let mut session = world
        .session(&owner, vec![world.grant_to(&patient, READ, 0)])
        .await;
    let metadata = draft::set_metadata(
        &world.writer(&owner),
        &session.state,
        &session.secrets[0],
        b"findings",
        &mut plico_directory::random::system(),
    )
    .unwrap();
    world.take(&mut session, &metadata);
    world
        .add(&owner, &session, std::slice::from_ref(&metadata))
        .await
        .json::<Appended>();
    let answer: SessionAnswer = world.get(&patient, &name(&session)).await.json();
    assert_eq!(answer.metadata.unwrap().0, metadata.metadata.unwrap());

    let end = world
        .writer(&owner)
        .plain(&session.state, &SessionBody::Tombstone);
    let before = session.clone();
    world.take(&mut session, &end);
    world
        .add(&owner, &before, std::slice::from_ref(&end))
        .await
        .json::<Appended>();
    for person in [&owner, &patient] {
        let answer = world.get(person, &name(&session)).await;
        assert_eq!(answer.code(), "SESSION_ENDED");
    }
    let answer = world
        .add(&owner, &before, &[world.rotate(&owner, &before)])
        .await;
    assert_eq!(answer.code(), "SESSION_ENDED");
    // The reply was lost: the same bytes are still the same success.
    world.add(&owner, &before, &[end]).await.json::<Appended>();
}

#[tokio::test]
async fn several_sessions_at_once() {
    let (world, owner, patient, _) = world().await;
    let mine = world.session(&patient, vec![]).await;
    let theirs = world.session(&owner, vec![]).await;
    let ask = |bytes: &[u8]| SessionFrom {
        session: B64(bytes.to_vec()),
        from: 0,
    };
    let body = SessionsLookup {
        sessions: vec![
            ask(&theirs.state.id().0),
            ask(&mine.state.id().0[..16]),
            ask(b"short"),
            ask(&[7; 32]),
        ],
    };
    let found: SessionsFound = world.post(&patient, "/sessions/lookup", &body).await.json();
    let codes: Vec<_> = found
        .results
        .iter()
        .map(|it| it.problem.as_ref().map_or("-", |problem| &*problem.code))
        .collect();
    assert_eq!(
        codes,
        ["SESSION_NOT_FOUND", "-", "BAD_REQUEST", "SESSION_NOT_FOUND"]
    );
    let answer = found.results[1].answer.as_ref().unwrap();
    assert_eq!(answer.session_id.0, mine.state.id().0);
}

#[tokio::test]
async fn only_the_newest_wraps_of_a_segment_travel() {
    let (world, owner, patient, _) = world().await;
    let mut session = world
        .session(&owner, vec![world.grant_to(&patient, READ, 0)])
        .await;
    for _ in 0..6 {
        let draft = world.rotate(&owner, &session);
        world.take(&mut session, &draft);
        world
            .add(&owner, &session, &[draft])
            .await
            .json::<Appended>();
    }
    // "From now on only": a new segment.
    let fresh = draft::rotate(
        &world.writer(&owner),
        &session.state,
        &[],
        &world.known,
        &mut plico_directory::random::system(),
    )
    .unwrap();
    world.take(&mut session, &fresh);
    world
        .add(&owner, &session, &[fresh])
        .await
        .json::<Appended>();
    let answer: SessionAnswer = world.get(&patient, &name(&session)).await.json();
    assert_eq!(epochs(&answer), [3, 4, 5, 6, 7]);
    assert_eq!(answer.back_links.len(), 6);
}
