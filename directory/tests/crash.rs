//! The directory is killed under load, again and again: what it acknowledged is
//! there, what it did not is there whole or not at all, and `fsck` has nothing
//! to say.
//!
//! `PLICO_CRASH_ROUNDS` says how often; `scripts/crash-campaign` runs the long
//! version. A killed process loses nothing that it has handed to the operating
//! system: that commits are synced to the disk, this can't show.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::*;
use plico_directory::{Config, key_file};
use plico_protocol::format::ids::{ChainId, EntryHash};
use plico_protocol::rights::draft::Draft;
use plico_protocol::wire::b64;
use plico_protocol::wire::rest::{
    Appended, Enrol, IdentityAnswer, SessionAnswer, UsersFound, UsersLookup, WriteBatch, WritesDone,
};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// What clients sign; requests go to whatever port the server has found.
const URL: &str = "https://keys.example.org";
/// Rounds on one database before a new one is made.
const ROUNDS_PER_DATABASE: u32 = 25;
const WRITERS: u64 = 6;

fn random(below: u64) -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).unwrap();
    u64::from_le_bytes(bytes) % below
}

/// The real program.
struct Process(Child);

impl Process {
    fn spawn(database: &Path) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_plico-directory"))
            .args([
                "serve",
                "--listen=127.0.0.1:0",
                "--log=info",
                "--public-url",
                URL,
            ])
            .arg("--database")
            .arg(database)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// The address that it says it listens on.
    fn address(&mut self) -> String {
        let mut said = String::new();
        for line in BufReader::new(self.0.stderr.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some((_, rest)) = line.split_once("listening address=") {
                let address = rest.split_whitespace().next().unwrap();
                return format!("http://{address}");
            }
            said.push_str(&line);
        }
        panic!("it does not listen: {said}");
    }

    /// SIGKILL.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `fsck` over the database as it is; what it says.
fn fsck(database: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_plico-directory"))
        .args(["fsck", "--database"])
        .arg(database)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && text.lines().count() == 1,
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

/// Entries that were sent together, and whether the directory said yes.
struct Batch {
    drafts: Vec<Draft>,
    acknowledged: bool,
}

/// A session and what was sent of it; only the last batch may be in doubt.
struct History {
    owner: Person,
    session: Session,
    batches: Vec<Batch>,
}

impl History {
    fn hashes(batches: &[Batch]) -> Vec<EntryHash> {
        let drafts = batches.iter().flat_map(|batch| &batch.drafts);
        drafts.map(|draft| draft.entry.entry.hash()).collect()
    }

    fn path(batch: &Batch, session: &Session) -> String {
        match batch.drafts[0].entry.entry.seq {
            0 => "/sessions".into(),
            _ => format!("{}/entries", name(session)),
        }
    }
}

/// A new identity that was sent.
struct Enrolment {
    person: Person,
    user_id: String,
    body: Enrol,
    acknowledged: bool,
}

/// Sessions that are written to in one request each time: one draft for each of
/// them, and whether the directory said yes.
struct Many {
    owner: Person,
    sessions: Vec<Session>,
    requests: Vec<(Vec<Draft>, bool)>,
}

impl Many {
    fn body(drafts: &[Draft]) -> WriteBatch {
        let writes = drafts
            .iter()
            .map(|draft| append(std::slice::from_ref(draft)));
        WriteBatch {
            writes: writes.collect(),
        }
    }
}

#[derive(Default)]
struct Sent {
    histories: Vec<History>,
    many: Vec<Many>,
    enrolments: Vec<Enrolment>,
}

#[derive(Debug, Default)]
struct Tally {
    rounds: u32,
    acknowledged: u64,
    in_doubt: u64,
    happened: u64,
}

/// One database, with the people who use it.
struct Place {
    world: Arc<World>,
    people: Vec<Person>,
    database: PathBuf,
    sent: Sent,
    _folder: tempfile::TempDir,
}

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("db.sqlite");
        let pem = folder.path().join("key.pem");
        let output = Command::new(env!("CARGO_BIN_EXE_plico-directory"))
            .args(["tenant", "create", "--database"])
            .arg(&database)
            .arg("--enrolment-key")
            .arg(&pem)
            .output()
            .unwrap();
        let tenant = String::from_utf8(output.stdout).unwrap();
        let tenant = ChainId(b64::decode_array(tenant.trim_end()).unwrap());
        let key = key_file::read(&pem).unwrap();
        // Only its requests are used; the server in it holds another database.
        let mut world = World::start(Config::in_memory(), Some((tenant, key))).await;
        world.url = URL.into();
        world.http = reqwest::Client::builder()
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap();
        let mut server = Process::spawn(&database);
        world.address = Some(server.address());
        world.set_clock();
        let mut people = Vec::new();
        for index in 0..4 {
            people.push(world.person(&format!("person.{index}")).await);
        }
        server.kill();
        Self {
            world: Arc::new(world),
            people,
            database,
            sent: Sent::default(),
            _folder: folder,
        }
    }

    /// Sets everybody to work until the server is killed.
    async fn load(&mut self, address: String, tally: &mut Tally) -> JoinSet<Sent> {
        Arc::get_mut(&mut self.world).unwrap().address = Some(address);
        self.world.set_clock();
        tally.rounds += 1;
        let mut writers = JoinSet::new();
        for index in 0..WRITERS {
            let (world, people) = (Arc::clone(&self.world), self.people.clone());
            writers.spawn(async move {
                match index {
                    0 => enrol(&world).await,
                    1 | 2 => write_many(&world, &people).await,
                    _ => write(&world, &people).await,
                }
            });
        }
        writers
    }

    /// What is there of `sent`, after a restart; those in doubt are sent again.
    async fn check(&self, sent: &mut Sent, tally: &mut Tally) {
        // Signatures hold for a minute.
        let world = &self.world;
        for history in &mut sent.histories {
            world.set_clock();
            check_session(world, history, tally).await;
        }
        for many in &mut sent.many {
            world.set_clock();
            check_many(world, many, tally).await;
        }
        for enrolment in &mut sent.enrolments {
            world.set_clock();
            check_enrolment(world, &self.people[0], enrolment, tally).await;
        }
    }
}

/// Whether the directory said yes; `None`: it did not answer.
async fn yes(world: &World, by: &Person, path: &str, body: &impl serde::Serialize) -> Option<()> {
    let body = serde_json::to_vec(body).unwrap();
    let call = world.signed(by, "POST", path, body);
    let answer = world.try_send(&call).await.ok()?;
    let text = String::from_utf8_lossy(&answer.body);
    assert!(answer.status < 300, "{} {text}", answer.status);
    Some(())
}

/// Makes sessions and changes them until nobody answers.
async fn write(world: &World, people: &[Person]) -> Sent {
    let mut sent = Sent::default();
    loop {
        let owner = &people[random(people.len() as u64) as usize];
        let others: Vec<_> = people.iter().filter(|it| it.id != owner.id).collect();
        let grants = vec![world.grant_to(others[0], READ, 0)];
        let session = world.draft_session(owner, grants);
        let mut history = History {
            owner: owner.clone(),
            batches: vec![Batch {
                drafts: vec![session.first.clone()],
                acknowledged: false,
            }],
            session,
        };
        let mut inside = false;
        let steps = 1 + random(8);
        for step in 0..=steps {
            if step > 0 {
                let session = &mut history.session;
                let drafts = match (inside, random(3)) {
                    (_, 0) => {
                        let rotate = world.rotate(owner, session);
                        world.take(session, &rotate);
                        vec![rotate]
                    }
                    (false, _) => {
                        inside = true;
                        let grant = world.grant_to(others[1], READ, 0);
                        let grant = world.grant(owner, session, grant);
                        world.take(session, &grant);
                        vec![grant]
                    }
                    (true, _) => {
                        inside = false;
                        world.shut_out(owner, session, others[1])
                    }
                };
                history.batches.push(Batch {
                    drafts,
                    acknowledged: false,
                });
            }
            let batch = history.batches.last_mut().unwrap();
            let path = History::path(batch, &history.session);
            if yes(world, owner, &path, &append(&batch.drafts))
                .await
                .is_none()
            {
                sent.histories.push(history);
                return sent;
            }
            batch.acknowledged = true;
        }
        sent.histories.push(history);
    }
}

/// Makes several sessions in one request and changes them in others, until
/// nobody answers.
async fn write_many(world: &World, people: &[Person]) -> Sent {
    let mut sent = Sent::default();
    loop {
        let owner = &people[random(people.len() as u64) as usize];
        let other = people.iter().find(|it| it.id != owner.id).unwrap();
        let draft = |_| world.draft_session(owner, vec![world.grant_to(other, READ, 0)]);
        let sessions: Vec<Session> = (0..2 + random(10)).map(draft).collect();
        let first = sessions.iter().map(|it| it.first.clone()).collect();
        let mut many = Many {
            owner: owner.clone(),
            sessions,
            requests: vec![(first, false)],
        };
        for step in 0..4 {
            if step > 0 {
                let mut drafts = Vec::new();
                for session in &mut many.sessions {
                    let rotate = world.rotate(owner, session);
                    world.take(session, &rotate);
                    drafts.push(rotate);
                }
                many.requests.push((drafts, false));
            }
            let (drafts, acknowledged) = many.requests.last_mut().unwrap();
            let body = Many::body(drafts);
            if yes(world, owner, "/sessions/batch", &body).await.is_none() {
                sent.many.push(many);
                return sent;
            }
            *acknowledged = true;
        }
        sent.many.push(many);
    }
}

/// Enrols people until nobody answers.
async fn enrol(world: &World) -> Sent {
    let mut sent = Sent::default();
    loop {
        let (person, new) = world.draft_person();
        let user_id = format!("new.{}", random(u64::MAX));
        let body = world.enrol(&person, &new, &user_id, 1);
        let done = yes(world, &person, "/identities", &body).await;
        sent.enrolments.push(Enrolment {
            person,
            user_id,
            body,
            acknowledged: done.is_some(),
        });
        if done.is_none() {
            return sent;
        }
    }
}

async fn check_session(world: &World, history: &mut History, tally: &mut Tally) {
    let (last, sure) = history.batches.split_last().unwrap();
    assert!(sure.iter().all(|batch| batch.acknowledged));
    tally.acknowledged += sure.len() as u64 + u64::from(last.acknowledged);
    let path = name(&history.session);
    let answer = world.get(&history.owner, &path).await;
    let there: Vec<EntryHash> = if answer.status == 404 {
        Vec::new()
    } else {
        let answer: SessionAnswer = answer.json();
        let entries = answer.entries.iter();
        entries.map(|it| entry(&it.0).entry.hash()).collect()
    };
    let with = History::hashes(&history.batches);
    let without = History::hashes(sure);
    if last.acknowledged {
        assert!(
            there == with,
            "an acknowledged write is lost, or a batch half there"
        );
        return;
    }
    assert!(there == with || there == without, "a batch is half there");
    tally.in_doubt += 1;
    tally.happened += u64::from(there == with);
    // The client sends the same bytes again, and has what it wanted.
    let path = History::path(last, &history.session);
    let answer = world
        .post(&history.owner, &path, &append(&last.drafts))
        .await;
    answer.json::<Appended>();
    let answer = world.get(&history.owner, &name(&history.session)).await;
    let answer: SessionAnswer = answer.json();
    assert_eq!(answer.entries.len(), with.len());
    assert!(!answer.wraps.is_empty());
    history.batches.last_mut().unwrap().acknowledged = true;
}

async fn length(world: &World, owner: &Person, session: &Session) -> usize {
    let answer = world.get(owner, &name(session)).await;
    match answer.status {
        404 => 0,
        _ => answer.json::<SessionAnswer>().entries.len(),
    }
}

async fn check_many(world: &World, many: &mut Many, tally: &mut Tally) {
    let Many {
        owner,
        sessions,
        requests,
    } = many;
    let sure = requests.iter().filter(|it| it.1).count();
    tally.acknowledged += sure as u64;
    let mut lengths = Vec::new();
    for session in &*sessions {
        lengths.push(length(world, owner, session).await);
    }
    let all = |count: usize| lengths.iter().all(|length| *length == count);
    let (drafts, acknowledged) = requests.last_mut().unwrap();
    if *acknowledged {
        assert!(all(sure), "an acknowledged request is lost: {lengths:?}");
        return;
    }
    assert!(
        all(sure) || all(sure + 1),
        "a request is half there: {lengths:?}"
    );
    tally.in_doubt += 1;
    tally.happened += u64::from(all(sure + 1));
    // The client sends the same bytes again, and has what it wanted.
    let body = Many::body(drafts);
    let answer = world.post(owner, "/sessions/batch", &body).await;
    let done: WritesDone = answer.json();
    assert!(done.results.iter().all(|it| it.head.is_some()));
    for session in &*sessions {
        assert_eq!(length(world, owner, session).await, sure + 1);
    }
    *acknowledged = true;
}

async fn check_enrolment(
    world: &World,
    asker: &Person,
    enrolment: &mut Enrolment,
    tally: &mut Tally,
) {
    let lookup = UsersLookup {
        user_ids: vec![enrolment.user_id.clone()],
    };
    let found: UsersFound = world.post(asker, "/users/lookup", &lookup).await.json();
    let there = found.found.first().map(|it| &it.identity);
    if let Some(identity) = there {
        assert_eq!(identity.identity_id.0, enrolment.person.id.0);
        assert_eq!(identity.entries.len(), 2);
        assert_eq!(identity.opening.as_ref(), Some(&enrolment.body.opening));
    }
    if enrolment.acknowledged {
        tally.acknowledged += 1;
        assert!(there.is_some(), "an acknowledged enrolment is lost");
        return;
    }
    tally.in_doubt += 1;
    tally.happened += u64::from(there.is_some());
    let answer = world
        .post(&enrolment.person, "/identities", &enrolment.body)
        .await;
    assert_eq!(answer.json::<IdentityAnswer>().wraps.len(), 1);
    enrolment.acknowledged = true;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_acknowledged_is_lost() {
    let rounds = std::env::var("PLICO_CRASH_ROUNDS").map_or(8, |it| it.parse().unwrap());
    let mut tally = Tally::default();
    while tally.rounds < rounds {
        let mut place = Place::new().await;
        for _ in 0..ROUNDS_PER_DATABASE.min(rounds - tally.rounds) {
            // Now and then it dies as it starts.
            if random(8) == 0 {
                let mut server = Process::spawn(&place.database);
                tokio::time::sleep(Duration::from_millis(random(30))).await;
                server.kill();
            }
            let mut server = Process::spawn(&place.database);
            let mut writers = place.load(server.address(), &mut tally).await;
            tokio::time::sleep(Duration::from_millis(random(200))).await;
            server.kill();
            let mut sent = Sent::default();
            while let Some(one) = writers.join_next().await {
                let one = one.unwrap();
                sent.histories.extend(one.histories);
                sent.enrolments.extend(one.enrolments);
                sent.many.extend(one.many);
            }
            fsck(&place.database);
            let mut server = Process::spawn(&place.database);
            Arc::get_mut(&mut place.world).unwrap().address = Some(server.address());
            place.check(&mut sent, &mut tally).await;
            server.kill();
            place.sent.histories.append(&mut sent.histories);
            place.sent.enrolments.append(&mut sent.enrolments);
            place.sent.many.append(&mut sent.many);
        }
        // All of it, at the end.
        let said = fsck(&place.database);
        let mut server = Process::spawn(&place.database);
        Arc::get_mut(&mut place.world).unwrap().address = Some(server.address());
        let mut all = std::mem::take(&mut place.sent);
        place.check(&mut all, &mut Tally::default()).await;
        println!(
            "{} of {rounds} rounds; fsck: {}",
            tally.rounds,
            said.trim_end()
        );
    }
    assert!(tally.acknowledged > u64::from(rounds / 4), "{tally:?}");
    println!(
        "crash campaign: {} rounds, {} acknowledged writes, {} in doubt of which {} had happened, 0 findings",
        tally.rounds, tally.acknowledged, tally.in_doubt, tally.happened
    );
}
