//! Several writes in one request, and wraps that are staged in parts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::*;
use plico_directory::storage::RecordKind;
use plico_protocol::format::bodies::SessionBody;
use plico_protocol::format::decode;
use plico_protocol::format::head::SignedHead;
use plico_protocol::rights::draft::Draft;
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::rest::{
    Append, Appended, EntryUpload, SessionAnswer, Staged, StagedWraps, WriteBatch, WriteResult,
    WritesDone,
};
use plico_protocol::wire::upload::draft_to_rest;

const BATCH: &str = "/sessions/batch";

fn batch(writes: Vec<Append>) -> WriteBatch {
    WriteBatch { writes }
}

fn code(result: &WriteResult) -> &str {
    assert!(result.head.is_none());
    let problem = result.problem.as_ref();
    problem.map_or("it went through", |problem| problem.code.as_str())
}

/// The last hash of the signed head that came for a write.
fn hash(result: &WriteResult) -> [u8; 32] {
    assert!(result.problem.is_none(), "{result:?}");
    let head: SignedHead = decode("head", &result.head.as_ref().unwrap().0).unwrap();
    head.head.hash.0
}

async fn people() -> (World, Person, Person) {
    let mut world = World::new().await;
    let owner = world.person("dr.a").await;
    let patient = world.person("patient.7").await;
    (world, owner, patient)
}

async fn length(world: &World, owner: &Person, session: &Session) -> usize {
    let answer = world.get(owner, &name(session)).await;
    if answer.status == 404 {
        return 0;
    }
    answer.json::<SessionAnswer>().entries.len()
}

#[tokio::test]
async fn each_write_has_its_own_result() {
    let (world, owner, patient) = people().await;
    let reader = || vec![world.grant_to(&patient, READ, 0)];
    let mut old = world.session(&owner, reader()).await;
    let mut foreign = world.session(&patient, Vec::new()).await;
    let created = world.draft_session(&owner, reader());
    let unknown = world.draft_session(&owner, Vec::new());
    let stale = world.session(&owner, Vec::new()).await;
    let shut_out = world.shut_out(&owner, &mut old, &patient);
    let not_mine = world.rotate(&owner, &stale);
    let other = world.rotate(&owner, &stale);
    world.add(&owner, &stale, &[other]).await.json::<Appended>();
    let theirs = world.rotate(&patient, &foreign);
    world.take(&mut foreign, &theirs);
    let nowhere = world.rotate(&owner, &unknown);
    let body = batch(vec![
        append(std::slice::from_ref(&created.first)),
        append(&shut_out),
        append(&[not_mine]),
        append(&[theirs]),
        append(&[nowhere]),
        append(&[]),
    ]);
    let done: WritesDone = world.post(&owner, BATCH, &body).await.json();
    assert_eq!(done.results.len(), 6);
    assert_eq!(hash(&done.results[0]), created.first.entry.entry.hash().0);
    assert_eq!(hash(&done.results[1]), shut_out[1].entry.entry.hash().0);
    assert_eq!(code(&done.results[2]), "CONFLICT");
    assert_eq!(code(&done.results[3]), "SESSION_NOT_FOUND");
    assert_eq!(code(&done.results[4]), "SESSION_NOT_FOUND");
    assert_eq!(code(&done.results[5]), "BAD_REQUEST");
    assert_eq!(length(&world, &owner, &created).await, 1);
    assert_eq!(length(&world, &owner, &old).await, 3);
    assert_eq!(length(&world, &owner, &stale).await, 2);
    assert_eq!(length(&world, &patient, &foreign).await, 1);
    let former = world.get(&patient, &name(&old)).await;
    assert_eq!(former.code(), "ACCESS_REVOKED");

    // The reply was lost: the same again gives the same, in a new request.
    let again: WritesDone = world.post(&owner, BATCH, &body).await.json();
    for index in 0..2 {
        assert_eq!(hash(&again.results[index]), hash(&done.results[index]));
    }
    for index in 2..6 {
        assert_eq!(code(&again.results[index]), code(&done.results[index]));
    }
    assert_eq!(length(&world, &owner, &old).await, 3);
}

#[tokio::test]
async fn the_very_same_request_is_carried_out_once() {
    let (world, owner, _) = people().await;
    let session = world.draft_session(&owner, Vec::new());
    let body = batch(vec![append(std::slice::from_ref(&session.first))]);
    let body = serde_json::to_vec(&body).unwrap();
    let call = world.signed(&owner, "POST", BATCH, body);
    world.send(&call).await.json::<WritesDone>();
    assert_eq!(world.send(&call).await.code(), "REQUEST_REPLAYED");
}

#[tokio::test]
async fn what_is_wrong_with_the_request_refuses_all_of_it() {
    let (world, owner, _) = people().await;
    let session = world.session(&owner, Vec::new()).await;
    let new = world.draft_session(&owner, Vec::new());
    let new = append(std::slice::from_ref(&new.first));
    let rotate = append(&[world.rotate(&owner, &session)]);
    for (writes, code) in [
        (vec![new.clone(), rotate.clone(), rotate], "BAD_REQUEST"),
        (vec![new.clone(), new.clone()], "BAD_REQUEST"),
        (Vec::new(), "BAD_REQUEST"),
        (vec![new; 65], "TOO_LARGE"),
    ] {
        let answer = world.post(&owner, BATCH, &batch(writes)).await;
        assert_eq!(answer.code(), code);
    }
    assert_eq!(length(&world, &owner, &session).await, 1);
}

// ---- staged parts ----

/// The wraps of a draft in parts of `size`, and the entry without them.
fn parted(draft: &Draft, size: usize) -> (Vec<StagedWraps>, EntryUpload) {
    let mut upload = draft_to_rest(draft);
    let entry_hash = B64x32(draft.entry.entry.hash().0);
    let wraps = std::mem::take(&mut upload.wraps);
    let parts: Vec<StagedWraps> = (0u16..)
        .zip(wraps.chunks(size))
        .map(|(part, wraps)| StagedWraps {
            entry_hash,
            part,
            wraps: wraps.to_vec(),
        })
        .collect();
    upload.staged_parts = u16::try_from(parts.len()).unwrap();
    (parts, upload)
}

fn alone(entry: EntryUpload) -> Append {
    Append {
        entries: vec![entry],
    }
}

async fn stage(world: &World, by: &Person, parts: &[StagedWraps]) {
    for part in parts {
        let staged: Staged = world.post(by, "/wraps", part).await.json();
        assert_eq!(staged.expires_ms, world.now() + 60 * MINUTE);
    }
}

/// How many parts lie in the database, and whether anybody is said to have any.
async fn lying(world: &World) -> (usize, bool) {
    let parts = world
        .storage
        .records(world.tenant, RecordKind::StagedWraps, &[]);
    let lists = world.storage.records(world.tenant, RecordKind::Staged, &[]);
    let (parts, lists) = (parts.await.unwrap(), lists.await.unwrap());
    (parts.len(), !lists.is_empty())
}

#[tokio::test]
async fn staged_wraps_take_effect_with_their_entry() {
    let (world, owner, patient) = people().await;
    let mut session = world
        .session(&owner, vec![world.grant_to(&patient, READ, 0)])
        .await;
    let rotate = world.rotate(&owner, &session);
    let (parts, entry) = parted(&rotate, 1);
    assert_eq!(parts.len(), 2);
    let path = format!("{}/entries", name(&session));

    // Without its parts, or with one of them only, the entry is refused, and
    // what was staged for it is gone.
    for there in 0..2 {
        stage(&world, &owner, &parts[..there]).await;
        let refused = world.post(&owner, &path, &alone(entry.clone())).await;
        assert_eq!(refused.code(), "CONFLICT");
        assert_eq!(lying(&world).await, (0, false));
    }
    // Somebody else's parts are not found in their place.
    stage(&world, &patient, &parts).await;
    let refused = world.post(&owner, &path, &alone(entry.clone())).await;
    assert_eq!(refused.code(), "CONFLICT");

    stage(&world, &owner, &parts).await;
    stage(&world, &owner, &parts[1..]).await; // a reply was lost
    let seen: SessionAnswer = world.get(&patient, &name(&session)).await.json();
    assert!(seen.wraps.iter().all(|wrap| wrap.epoch == 0));
    let answer = world.post(&owner, &path, &alone(entry.clone())).await;
    answer.json::<Appended>();
    world.take(&mut session, &rotate);
    for person in [&owner, &patient] {
        let seen: SessionAnswer = world.get(person, &name(&session)).await.json();
        let newest = seen.wraps.last().unwrap();
        assert_eq!(newest.epoch, 1);
        check_wrap(&world, &session, person, newest);
    }
    // Only the other's are left; and the same entry again needs none.
    assert_eq!(lying(&world).await.0, 2);
    let answer = world.post(&owner, &path, &alone(entry)).await;
    answer.json::<Appended>();
}

#[tokio::test]
async fn parts_that_are_not_the_entrys_are_refused() {
    let (world, owner, patient) = people().await;
    let session = world
        .session(&owner, vec![world.grant_to(&patient, READ, 0)])
        .await;
    let path = format!("{}/entries", name(&session));
    let rotate = world.rotate(&owner, &session);
    let other = world.rotate(&owner, &session);
    let (parts, entry) = parted(&rotate, 1);
    let (others, _) = parted(&other, 1);

    // Another entry's wraps under this one's hash; and the parts exchanged.
    let mut false_parts = parts.clone();
    false_parts[1].wraps = others[1].wraps.clone();
    let mut exchanged = parts.clone();
    exchanged.swap(0, 1);
    exchanged[0].part = 0;
    exchanged[1].part = 1;
    for wrong in [false_parts, exchanged] {
        stage(&world, &owner, &wrong).await;
        let refused = world.post(&owner, &path, &alone(entry.clone())).await;
        assert_eq!(refused.code(), "ENTRY_INVALID");
    }
    // Some staged and some along with the entry: one or the other.
    let mut both = entry.clone();
    both.wraps = parts[0].wraps.clone();
    let refused = world.post(&owner, &path, &alone(both)).await;
    assert_eq!(refused.code(), "BAD_REQUEST");
    // An entry that commits to no wraps has none staged.
    let revoke = world.revoke(&owner, &session, &patient);
    let mut revoke = draft_to_rest(&revoke);
    revoke.staged_parts = 1;
    let refused = world.post(&owner, &path, &alone(revoke)).await;
    assert_eq!(refused.code(), "CONFLICT");
    let end = world
        .writer(&owner)
        .plain(&session.state, &SessionBody::Tombstone);
    let part = StagedWraps {
        entry_hash: B64x32(end.entry.entry.hash().0),
        ..parts[0].clone()
    };
    stage(&world, &owner, &[part]).await;
    let mut end = draft_to_rest(&end);
    end.staged_parts = 1;
    let refused = world.post(&owner, &path, &alone(end)).await;
    assert_eq!(refused.code(), "ENTRY_INVALID");
    assert_eq!(length(&world, &owner, &session).await, 1);
}

#[tokio::test]
async fn staged_parts_are_bounded_and_expire() {
    let (world, owner, patient) = people().await;
    let session = world.session(&owner, Vec::new()).await;
    let rotate = world.rotate(&owner, &session);
    let (parts, entry) = parted(&rotate, 1);
    let part = parts[0].clone();
    let with = |entry: u8, number: u16| StagedWraps {
        entry_hash: B64x32([entry; 32]),
        part: number,
        ..part.clone()
    };
    for number in 0..16 {
        stage(&world, &owner, &[with(1, number)]).await;
    }
    // Full, whatever it is for; the same part again is no more than before.
    let full = world.post(&owner, "/wraps", &with(2, 0)).await;
    assert_eq!(full.code(), "TOO_LARGE");
    stage(&world, &owner, &[with(1, 15)]).await;
    stage(&world, &patient, &[with(1, 0)]).await;
    for (wrong, code) in [
        (with(3, 16), "BAD_REQUEST"),
        (
            StagedWraps {
                wraps: Vec::new(),
                ..part.clone()
            },
            "BAD_REQUEST",
        ),
        (
            StagedWraps {
                wraps: vec![part.wraps[0].clone(); 2_049],
                ..part.clone()
            },
            "TOO_LARGE",
        ),
    ] {
        let answer = world.post(&owner, "/wraps", &wrong).await;
        assert_eq!(answer.code(), code);
    }
    // After an hour there is room again, and nothing is left.
    world.forward(60 * MINUTE);
    stage(&world, &owner, &parts).await;
    world.storage.purge(world.now()).await.unwrap();
    assert_eq!(lying(&world).await, (1, true));
    let path = format!("{}/entries", name(&session));
    let answer = world.post(&owner, &path, &alone(entry)).await;
    answer.json::<Appended>();
    assert_eq!(lying(&world).await, (0, false));
}

#[tokio::test]
async fn at_once_staged_parts_are_counted_right() {
    let (world, owner, _) = people().await;
    let session = world.session(&owner, Vec::new()).await;
    let (parts, _) = parted(&world.rotate(&owner, &session), 1);
    let (world, mut posts) = (std::sync::Arc::new(world), tokio::task::JoinSet::new());
    for entry in 0..24u8 {
        let part = StagedWraps {
            entry_hash: B64x32([entry; 32]),
            ..parts[0].clone()
        };
        let (world, owner) = (world.clone(), owner.clone());
        posts.spawn(async move { world.post(&owner, "/wraps", &part).await.status });
    }
    let statuses = posts.join_all().await;
    let fine = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!((fine, lying(&world).await.0), (16, 16), "{statuses:?}");
}

#[tokio::test]
async fn a_batch_takes_staged_parts() {
    let (world, owner, patient) = people().await;
    let one = world
        .session(&owner, vec![world.grant_to(&patient, READ, 0)])
        .await;
    let two = world.session(&owner, Vec::new()).await;
    let (parts, first) = parted(&world.rotate(&owner, &one), 1);
    let second = draft_to_rest(&world.rotate(&owner, &two));
    stage(&world, &owner, &parts).await;
    let body = batch(vec![alone(first.clone()), alone(second)]);
    let done: WritesDone = world.post(&owner, BATCH, &body).await.json();
    assert!(done.results.iter().all(|it| it.head.is_some()));
    assert_eq!(lying(&world).await, (0, false));
    // More than one identity may have staged is too much for one request, too.
    let mut many = first;
    many.staged_parts = 9;
    let body = batch(vec![alone(many.clone()), alone(many)]);
    let answer = world.post(&owner, BATCH, &body).await;
    assert_eq!(answer.code(), "TOO_LARGE");
}
