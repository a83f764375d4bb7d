//! A directory that was restored from a backup takes newer entries back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::backup::{backup, bare, copy, restore_path, whole};
use common::*;
use plico_directory::random;
use plico_protocol::format::bodies::{RightsBits, SessionBody};
use plico_protocol::format::decode;
use plico_protocol::format::head::SignedHead;
use plico_protocol::rights::draft::{self, Draft};
use plico_protocol::wire::rest::{Appended, HandBack, SessionAnswer};
use std::path::PathBuf;

/// A clinic on disk, with a session of owner and patient.
struct Clinic {
    world: World,
    path: PathBuf,
    owner: Person,
    patient: Person,
    insurer: Person,
    session: Session,
    _folder: tempfile::TempDir,
}

impl Clinic {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db.sqlite");
        let mut world = World::on_disk(&path).await;
        let owner = world.person("dr.a").await;
        let patient = world.person("patient.7").await;
        let insurer = world.person("insurer.3").await;
        let session = world
            .session(&owner, vec![world.grant_to(&patient, READ, 0)])
            .await;
        Self {
            world,
            path,
            owner,
            patient,
            insurer,
            session,
            _folder: folder,
        }
    }

    /// Sends what the owner has drafted.
    async fn add(&self, drafts: &[Draft]) {
        let answer = self.world.add(&self.owner, &self.session, drafts).await;
        answer.json::<Appended>();
    }

    fn metadata(&mut self, text: &[u8]) -> Draft {
        let draft = draft::set_metadata(
            &self.world.writer(&self.owner),
            &self.session.state,
            self.session.secrets.last().unwrap(),
            text,
            &mut random::system(),
        )
        .unwrap();
        self.world.take(&mut self.session, &draft);
        draft
    }

    fn grant(&mut self, expires_ms: u64) -> Draft {
        let grant = self.world.grant_to(&self.insurer, READ, expires_ms);
        let draft = self.world.grant(&self.owner, &self.session, grant);
        self.world.take(&mut self.session, &draft);
        draft
    }

    fn rotate(&mut self) -> Draft {
        let draft = self.world.rotate(&self.owner, &self.session);
        self.world.take(&mut self.session, &draft);
        draft
    }

    /// Goes back to `backup`.
    async fn restore(self, backup: &std::path::Path, from_ms: Option<u64>) -> Self {
        let path = copy(backup);
        let world = self.world.restore(&path, from_ms).await;
        Self {
            world,
            path,
            ..self
        }
    }

    async fn hand_back(
        &self,
        by: &Person,
        entries: Vec<plico_protocol::wire::rest::EntryUpload>,
    ) -> Answer {
        self.world
            .hand_back(by, self.session.state.id(), entries)
            .await
    }

    async fn read(&self, by: &Person) -> Answer {
        self.world.get(by, &name(&self.session)).await
    }

    async fn shown(&self, by: &Person) -> SessionAnswer {
        self.read(by).await.json()
    }

    /// Epochs of the wraps that somebody is shown; each proof and wrap is checked.
    async fn opened(&self, by: &Person) -> Vec<u32> {
        let answer = self.shown(by).await;
        for wrap in &answer.wraps {
            check_wrap(&self.world, &self.session, by, wrap);
        }
        answer.wraps.iter().map(|wrap| wrap.epoch).collect()
    }
}

/// The entries that the directory's answer holds, as somebody else has them.
fn read_entries(answer: &SessionAnswer) -> Vec<Vec<u8>> {
    answer.entries.iter().map(|it| it.0.clone()).collect()
}

#[tokio::test]
async fn the_author_hands_everything_back() {
    let mut clinic = Clinic::new().await;
    let backup = backup(&clinic.path).await;
    let lost = vec![
        clinic.grant(0),
        clinic.metadata(b"findings"),
        clinic.rotate(),
    ];
    clinic.add(&lost).await;
    let before = clinic.shown(&clinic.insurer).await;
    let mut clinic = clinic.restore(&backup, None).await;
    let answer = clinic.read(&clinic.insurer).await;
    assert_eq!(answer.code(), "SESSION_NOT_FOUND");

    let body = serde_json::to_vec(&HandBack {
        entries: whole(&lost),
        opening: None,
    })
    .unwrap();
    let path = restore_path(&clinic.session);
    let call = clinic.world.signed(&clinic.owner, "POST", &path, body);
    let answer = clinic.world.send(&call).await;
    assert_eq!(answer.status, 200);
    let head: SignedHead = decode("head", &answer.json::<Appended>().head.0).unwrap();
    assert_eq!(head.head.hash, clinic.session.state.tip().head.hash);
    let answer = clinic.world.send(&call).await;
    assert_eq!(answer.code(), "REQUEST_REPLAYED");

    // All is as it was.
    let after = clinic.shown(&clinic.insurer).await;
    assert_eq!(read_entries(&after), read_entries(&before));
    assert_eq!(
        (after.wraps, after.back_links),
        (before.wraps, before.back_links)
    );
    assert_eq!(after.metadata, before.metadata);
    assert!(after.metadata.is_some());
    assert_eq!(clinic.opened(&clinic.insurer).await, [0, 1]);
    assert_eq!(clinic.opened(&clinic.patient).await, [0, 1]);

    // Once more, whole or in part or with what was there before: a success that changes nothing.
    let mut all = whole(std::slice::from_ref(&clinic.session.first));
    all.extend(whole(&lost));
    for entries in [all.clone(), all[1..3].to_vec(), bare(&all), bare(&all[..1])] {
        let answer = clinic.hand_back(&clinic.patient, entries).await;
        answer.json::<Appended>();
        assert_eq!(clinic.opened(&clinic.insurer).await, [0, 1]);
    }
    // And the log goes on from there.
    let next = clinic.rotate();
    clinic.add(&[next]).await;
}

#[tokio::test]
async fn a_reader_hands_back_and_the_author_fills_in() {
    let mut clinic = Clinic::new().await;
    let old = clinic.metadata(b"old");
    clinic.add(&[old]).await;
    let backup = backup(&clinic.path).await;
    let lost = vec![clinic.grant(0), clinic.metadata(b"new"), clinic.rotate()];
    clinic.add(&lost).await;
    let before = clinic.shown(&clinic.insurer).await;
    let clinic = clinic.restore(&backup, None).await;

    let entries = whole(&lost);
    let answer = clinic.hand_back(&clinic.patient, bare(&entries)).await;
    answer.json::<Appended>();
    let shown = clinic.shown(&clinic.insurer).await;
    assert_eq!(read_entries(&shown), read_entries(&before));
    assert!(shown.wraps.is_empty() && shown.back_links.is_empty());
    assert_eq!(shown.metadata, None, "the old blob is not the current one");
    assert_eq!(
        clinic.opened(&clinic.patient).await,
        [0],
        "what the backup had"
    );

    // Altered wraps, back-links and metadata fill nothing in; the patient has none of them.
    let mut bad: [_; 5] = std::array::from_fn(|_| entries.clone());
    bad[0][0].wraps[0].sealed.0[7] ^= 1;
    bad[1][2].back_links[0].0[20] ^= 1;
    bad[2][1].metadata.as_mut().unwrap().0[30] ^= 1;
    bad[3][2].wraps.pop();
    bad[4][2].back_links.clear();
    for entries in bad {
        let answer = clinic.hand_back(&clinic.owner, entries).await;
        assert_eq!(answer.code(), "ENTRY_INVALID");
    }
    let shown = clinic.shown(&clinic.insurer).await;
    assert!(shown.wraps.is_empty() && shown.back_links.is_empty() && shown.metadata.is_none());

    // What readers have they can give: back-links and the blob.
    let mut some = bare(&entries);
    some[2].back_links.clone_from(&entries[2].back_links);
    some[1].metadata.clone_from(&entries[1].metadata);
    let answer = clinic.hand_back(&clinic.insurer, some).await;
    answer.json::<Appended>();
    let shown = clinic.shown(&clinic.insurer).await;
    assert_eq!(shown.metadata, before.metadata);
    assert_eq!(shown.back_links, before.back_links);
    assert!(shown.wraps.is_empty());

    for _ in 0..2 {
        let answer = clinic.hand_back(&clinic.owner, entries.clone()).await;
        answer.json::<Appended>();
        let shown = clinic.shown(&clinic.insurer).await;
        assert_eq!(shown.wraps, before.wraps);
        assert_eq!(clinic.opened(&clinic.insurer).await, [0, 1]);
        assert_eq!(clinic.opened(&clinic.patient).await, [0, 1]);
    }
}

#[tokio::test]
async fn a_new_session_comes_back() {
    let clinic = Clinic::new().await;
    let backup = backup(&clinic.path).await;
    let world = &clinic.world;
    let mut lost = world
        .session(
            &clinic.owner,
            vec![world.grant_to(&clinic.patient, READ, 0)],
        )
        .await;
    let mut drafts = vec![lost.first.clone()];
    for _ in 0..2 {
        let rotate = world.rotate(&clinic.owner, &lost);
        world.take(&mut lost, &rotate);
        world
            .add(&clinic.owner, &lost, std::slice::from_ref(&rotate))
            .await;
        drafts.push(rotate);
    }
    let clinic = clinic.restore(&backup, None).await;
    let (world, id) = (&clinic.world, lost.state.id());
    let entries = whole(&drafts);
    let later = world
        .hand_back(&clinic.owner, id, entries[1..].to_vec())
        .await;
    assert_eq!(later.code(), "SESSION_NOT_FOUND", "it begins with entry 0");
    let answer = world.hand_back(&clinic.insurer, id, entries.clone()).await;
    assert_eq!(answer.code(), "NOT_ALLOWED");
    let mut altered = entries.clone();
    altered[0].wraps[0].sealed.0[0] ^= 1;
    let answer = world.hand_back(&clinic.owner, id, altered).await;
    assert_eq!(answer.code(), "ENTRY_INVALID");
    let answer = world.get(&clinic.owner, &name(&lost)).await;
    assert_eq!(answer.code(), "SESSION_NOT_FOUND");

    // By parts: from the reader, bare, then everything from the owner.
    let answer = world
        .hand_back(&clinic.patient, id, bare(&entries[..2]))
        .await;
    assert_eq!(answer.status, 201);
    let answer = world.hand_back(&clinic.owner, id, entries).await;
    assert_eq!(answer.status, 200);
    for person in [&clinic.owner, &clinic.patient] {
        let answer: SessionAnswer = world.get(person, &name(&lost)).await.json();
        assert_eq!(answer.entries.len(), 3);
        assert_eq!(answer.wraps.len(), 3);
        for wrap in &answer.wraps {
            check_wrap(world, &lost, person, wrap);
        }
    }
    // The wrong place for it.
    let answer = clinic.hand_back(&clinic.owner, whole(&drafts)).await;
    assert_eq!(answer.code(), "CONFLICT");
}

#[tokio::test]
async fn forks_and_gaps_change_nothing() {
    let mut clinic = Clinic::new().await;
    let backup = backup(&clinic.path).await;
    let lost = vec![clinic.grant(0), clinic.rotate(), clinic.rotate()];
    clinic.add(&lost).await;
    let entries = whole(&lost);
    let mut clinic = clinic.restore(&backup, None).await;
    let gap = clinic.hand_back(&clinic.owner, entries[1..].to_vec()).await;
    assert_eq!(gap.code(), "CONFLICT");
    let swapped = vec![entries[1].clone(), entries[0].clone()];
    let answer = clinic.hand_back(&clinic.owner, swapped).await;
    assert_eq!(answer.code(), "CONFLICT");

    // Somebody has written on top of the shorter history.
    let (state, secrets) = (clinic.session.state.clone(), clinic.session.secrets.clone());
    clinic.session.state = clinic.world.apply(None, &clinic.session.first);
    clinic.session.secrets.truncate(1);
    let fork = clinic.rotate();
    clinic.add(&[fork]).await;
    clinic.session.state = state;
    clinic.session.secrets = secrets;
    let before = clinic.shown(&clinic.patient).await;
    let mut with_first = whole(std::slice::from_ref(&clinic.session.first));
    with_first.extend(entries.clone());
    for entries in [entries.clone(), entries[1..].to_vec(), with_first.clone()] {
        for by in [&clinic.owner, &clinic.patient] {
            let answer = clinic.hand_back(by, entries.clone()).await;
            assert_eq!(answer.code(), "CONFLICT");
        }
    }
    let after = clinic.shown(&clinic.patient).await;
    assert_eq!(read_entries(&after), read_entries(&before));
    assert_eq!(
        (after.wraps, after.back_links),
        (before.wraps, before.back_links)
    );
    // Who was granted in the lost branch only, and can show it, is told the same.
    let answer = clinic.hand_back(&clinic.insurer, with_first.clone()).await;
    assert_eq!(answer.code(), "CONFLICT");
    // Who can't is told of no session.
    let answer = clinic
        .hand_back(&clinic.insurer, with_first[2..].to_vec())
        .await;
    assert_eq!(answer.code(), "SESSION_NOT_FOUND");
    let outside = clinic.world.draft_session(&clinic.insurer, vec![]);
    let answer = clinic
        .hand_back(&clinic.insurer, whole(&[outside.first]))
        .await;
    assert_eq!(answer.code(), "SESSION_NOT_FOUND");
}

#[tokio::test]
async fn what_was_deleted_stays_deleted() {
    let mut clinic = Clinic::new().await;
    let first = backup(&clinic.path).await;
    // The insurer comes, goes, and comes again for later epochs only.
    let grant = clinic.grant(0);
    let revoke = clinic
        .world
        .revoke(&clinic.owner, &clinic.session, &clinic.insurer);
    clinic.world.take(&mut clinic.session, &revoke);
    let rotate = clinic.rotate();
    let again = clinic.grant(0);
    let limited = clinic.world.now() + 10 * MINUTE;
    let lost = vec![grant, revoke, rotate, again];
    clinic.add(&lost).await;
    let there = World::wraps_in(&clinic.path, &clinic.session.state).await;
    let entries = whole(&lost);
    let mut clinic = clinic.restore(&first, None).await;

    // As a whole, and bare and filled in afterwards: the same wraps as before.
    clinic
        .hand_back(&clinic.patient, bare(&entries))
        .await
        .json::<Appended>();
    clinic
        .hand_back(&clinic.owner, entries)
        .await
        .json::<Appended>();
    let after = World::wraps_in(&clinic.path, &clinic.session.state).await;
    assert_eq!(after, there);
    let insurers = after.iter().filter(|it| it.0 == clinic.insurer.id.0);
    assert_eq!(insurers.count(), 1);
    assert_eq!(clinic.opened(&clinic.insurer).await, [1]);

    // A grant that has ended since is in the log, but its wrap is not kept.
    let second = backup(&clinic.path).await;
    let lost = vec![clinic.grant(limited)];
    clinic.add(&lost).await;
    clinic.world.forward(20 * MINUTE);
    let clinic = clinic.restore(&second, None).await;
    clinic
        .hand_back(&clinic.owner, whole(&lost))
        .await
        .json::<Appended>();
    assert_eq!(clinic.read(&clinic.insurer).await.code(), "ACCESS_EXPIRED");

    // Nor is anything of a session that was ended.
    let mut clinic = clinic;
    let backup = backup(&clinic.path).await;
    let metadata = clinic.metadata(b"x");
    let end = clinic
        .world
        .writer(&clinic.owner)
        .plain(&clinic.session.state, &SessionBody::Tombstone);
    let before = clinic.session.state.clone();
    clinic.world.take(&mut clinic.session, &end);
    let lost = vec![metadata, end];
    clinic.add(&lost).await;
    let clinic = clinic.restore(&backup, None).await;
    assert!(!World::wraps_in(&clinic.path, &before).await.is_empty());
    for _ in 0..2 {
        clinic
            .hand_back(&clinic.owner, whole(&lost))
            .await
            .json::<Appended>();
        assert!(World::wraps_in(&clinic.path, &before).await.is_empty());
    }
    assert_eq!(clinic.read(&clinic.owner).await.code(), "SESSION_ENDED");
    let mut all = whole(std::slice::from_ref(&clinic.session.first));
    all[0].wraps.clear();
    clinic
        .hand_back(&clinic.owner, all)
        .await
        .json::<Appended>();
}

#[tokio::test]
async fn outsiders_and_other_tenants_are_refused() {
    let mut clinic = Clinic::new().await;
    let backup = backup(&clinic.path).await;
    let lost = vec![clinic.rotate()];
    clinic.add(&lost).await;
    let clinic = clinic.restore(&backup, None).await;
    let answer = clinic.hand_back(&clinic.insurer, whole(&lost)).await;
    assert_eq!(answer.code(), "NOT_ALLOWED");
    assert_eq!(clinic.shown(&clinic.patient).await.entries.len(), 1);

    // A session of another tenant, with people of the same app.
    let mut other = World::new().await;
    let them = other.person("dr.a").await;
    let theirs = other.session(&them, vec![]).await;
    let entries = whole(std::slice::from_ref(&theirs.first));
    let answer = clinic
        .world
        .hand_back(&clinic.owner, theirs.state.id(), entries)
        .await;
    assert_eq!(answer.status / 100, 4);
    let answer = clinic.world.get(&clinic.owner, &name(&theirs)).await;
    assert_eq!(answer.code(), "SESSION_NOT_FOUND");
    // Bodies that say more than they should.
    let body = serde_json::json!({ "entries": whole(&lost), "opening": "AAAA" });
    let path = restore_path(&clinic.session);
    let answer = clinic.world.post(&clinic.owner, &path, &body).await;
    assert_eq!(answer.code(), "BAD_REQUEST");
    let answer = clinic.hand_back(&clinic.owner, Vec::new()).await;
    assert_eq!(answer.code(), "BAD_REQUEST");
    let many = vec![bare(&whole(&lost))[0].clone(); 1_025];
    let answer = clinic.hand_back(&clinic.owner, many).await;
    assert_eq!(answer.code(), "TOO_LARGE");
}

#[tokio::test]
async fn grants_that_have_ended_and_times_to_come() {
    let mut clinic = Clinic::new().await;
    let end = clinic.world.now() + 10 * MINUTE;
    let manager = RightsBits::READ | RightsBits::FORWARD | RightsBits::REVOKE;
    let grant = clinic.world.grant_to(&clinic.insurer, manager, end);
    let grant = clinic.world.grant(&clinic.owner, &clinic.session, grant);
    clinic.world.take(&mut clinic.session, &grant);
    clinic.add(&[grant]).await;
    let backup = backup(&clinic.path).await;
    let from = clinic.world.now();
    let rotate = clinic.world.rotate(&clinic.insurer, &clinic.session);
    clinic.world.take(&mut clinic.session, &rotate);
    let lost = whole(&[rotate]);
    clinic.world.forward(20 * MINUTE);
    let clinic = clinic.restore(&backup, None).await;
    // It may be a lie that it was written while the grant still held.
    for by in [&clinic.insurer, &clinic.owner] {
        let answer = clinic.hand_back(by, lost.clone()).await;
        assert_eq!(answer.code(), "ACCESS_EXPIRED");
    }
    let too_late = clinic.restore(&backup, Some(from + 5 * MINUTE + 1)).await;
    let answer = too_late.hand_back(&too_late.owner, lost.clone()).await;
    assert_eq!(answer.code(), "ACCESS_EXPIRED");
    let mut clinic = too_late.restore(&backup, Some(from + 5 * MINUTE)).await;
    let answer = clinic.hand_back(&clinic.owner, lost).await;
    answer.json::<Appended>();

    clinic.world.forward(6 * MINUTE);
    let ahead = clinic.world.rotate(&clinic.owner, &clinic.session);
    clinic
        .world
        .clock
        .fetch_sub(6 * MINUTE, std::sync::atomic::Ordering::SeqCst);
    let answer = clinic
        .hand_back(&clinic.owner, whole(std::slice::from_ref(&ahead)))
        .await;
    assert_eq!(answer.code(), "CLOCK_SKEWED");
    clinic.world.forward(MINUTE);
    clinic.world.take(&mut clinic.session, &ahead);
    let answer = clinic.hand_back(&clinic.owner, whole(&[ahead])).await;
    answer.json::<Appended>();
}
