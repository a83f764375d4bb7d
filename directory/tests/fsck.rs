//! The check of a whole database: nothing to say of a sound one, and a name
//! for each kind of damage.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::backup::{backup, bare, connect, copy, whole};
use common::devices::{add_device, own, refresh};
use common::*;
use plico_directory::fsck::{self, Grade, Summary};
use plico_directory::random;
use plico_directory::storage::Storage as _;
use plico_directory::storage::sqlite::SqliteStorage;
use plico_protocol::format::bodies::{IdentityBody, SessionBody};
use plico_protocol::identity::draft::DeviceSecret;
use plico_protocol::rights::draft;
use plico_protocol::wire::rest::{Append, Appended};
use sqlx::Connection as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Problems and notes, as they are printed.
async fn check(path: &Path) -> (Summary, Vec<String>, Vec<String>) {
    let storage = SqliteStorage::open_for_reading(path).await.unwrap();
    let (mut problems, mut notes) = (Vec::new(), Vec::new());
    let summary = fsck::run(&storage, &mut |finding| match finding.grade {
        Grade::Problem => problems.push(finding.to_string()),
        Grade::Note => notes.push(finding.to_string()),
    })
    .await
    .unwrap();
    storage.close().await;
    assert_eq!(summary.problems, problems.len() as u64);
    (summary, problems, notes)
}

/// A database with something of everything, and the server that made it.
struct Clinic {
    world: World,
    path: PathBuf,
    owner: Person,
    session: Session,
    _folder: tempfile::TempDir,
}

async fn clinic() -> Clinic {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.sqlite");
    let mut world = World::on_disk(&path).await;
    let owner = world.person("dr.a").await;
    let patient = world.person("patient.7").await;
    let insurer = world.person("insurer.3").await;
    // A user id that has moved.
    world.person("moved").await;
    let (again, new) = world.draft_person();
    let body = world.enrol(&again, &new, "moved", 2);
    let answer = world.post(&again, "/identities", &body).await;
    assert_eq!(answer.status, 201);
    // A device that came and one that went.
    for leaves in [false, true] {
        let device = DeviceSecret::generate(&mut random::system());
        let add = add_device(&world, &owner, &device);
        let path = format!("{}/entries", identity(&owner));
        let one = |entry| Append {
            entries: vec![entry],
        };
        world
            .post(&owner, &path, &one(add))
            .await
            .json::<Appended>();
        refresh(&mut world, &owner).await;
        if leaves {
            let gone = own(&world, &owner, &IdentityBody::RevokeDevice(device.id()));
            let answer = world.post(&owner, &path, &one(gone)).await;
            answer.json::<Appended>();
            refresh(&mut world, &owner).await;
        }
    }
    // A session with rotations, two segments, a revocation, an end to come, and metadata.
    let end = world.now() + 60 * MINUTE;
    let grants = vec![
        world.grant_to(&patient, READ, 0),
        world.grant_to(&insurer, READ, 0),
    ];
    let mut session = world.session(&owner, grants).await;
    let add = async |world: &World, session: &mut Session, draft: draft::Draft| {
        world.take(session, &draft);
        let answer = world.add(&owner, session, &[draft]).await;
        answer.json::<Appended>();
    };
    let before = session.clone();
    let drafts = world.shut_out(&owner, &mut session, &insurer);
    world.add(&owner, &before, &drafts).await.json::<Appended>();
    let grant = world.grant(&owner, &session, world.grant_to(&insurer, READ, end));
    add(&world, &mut session, grant).await;
    let mut rng = random::system();
    let fresh = draft::rotate(
        &world.writer(&owner),
        &session.state,
        &[],
        &world.known,
        &mut rng,
    );
    add(&world, &mut session, fresh.unwrap()).await;
    let rotate = world.rotate(&owner, &session);
    add(&world, &mut session, rotate).await;
    let secret = session.secrets.last().unwrap();
    let writer = world.writer(&owner);
    let named = draft::set_metadata(&writer, &session.state, secret, b"x", &mut rng).unwrap();
    add(&world, &mut session, named).await;
    // And one that was ended.
    let mut ended = world.session(&owner, vec![]).await;
    let last = world
        .writer(&owner)
        .plain(&ended.state, &SessionBody::Tombstone);
    add(&world, &mut ended, last).await;
    Clinic {
        world,
        path,
        owner,
        session,
        _folder: folder,
    }
}

#[tokio::test]
async fn a_sound_database_also_beside_its_server() {
    let clinic = clinic().await;
    let expected = Summary {
        chains: 8,
        entries: 1 + 5 + 4 * 2 + 7 + 2,
        problems: 0,
    };
    assert_eq!(check(&clinic.path).await, (expected, vec![], vec![]));
    // What has expired and is deleted is not missed.
    clinic.world.forward(61 * MINUTE);
    clinic
        .world
        .storage
        .purge(clinic.world.now())
        .await
        .unwrap();
    assert_eq!(check(&clinic.path).await, (expected, vec![], vec![]));
    // It goes on writing.
    let rotate = clinic.world.rotate(&clinic.owner, &clinic.session);
    let answer = clinic
        .world
        .add(&clinic.owner, &clinic.session, &[rotate])
        .await;
    answer.json::<Appended>();
    let (summary, problems, _) = check(&clinic.path).await;
    assert_eq!((summary.entries, problems.len()), (expected.entries + 1, 0));
}

#[tokio::test]
async fn what_was_handed_back_bare_is_noted() {
    let mut clinic = clinic().await;
    let backup = backup(&clinic.path).await;
    let lost = vec![clinic.world.rotate(&clinic.owner, &clinic.session)];
    clinic.world.take(&mut clinic.session, &lost[0]);
    let path = copy(&backup);
    let world = clinic.world.restore(&path, None).await;
    let id = clinic.session.state.id();
    let entries = whole(&lost);
    let answer = world.hand_back(&clinic.owner, id, bare(&entries)).await;
    answer.json::<Appended>();
    let (_, problems, notes) = check(&path).await;
    assert_eq!(problems, [""; 0]);
    // The entry, and a wrap each for owner and patient; the insurer's may have ended.
    assert_eq!(notes.len(), 3, "{notes:#?}");
    assert!(notes[0].contains("entry 7 was handed back without its wraps"));
    world
        .hand_back(&clinic.owner, id, entries)
        .await
        .json::<Appended>();
    let (_, problems, notes) = check(&path).await;
    assert_eq!((problems, notes), (vec![], vec![]));
}

/// What is done to the database, and what is said of it.
const DAMAGES: &[(&str, &str)] = &[
    // Entries
    ("DELETE FROM entries WHERE chain = $session AND seq = 6", "the head is stored as entry 6, but the last entry is 5"),
    ("DELETE FROM entries WHERE chain = $session AND seq = 3", "entry 4: an entry is missing"),
    ("DELETE FROM entries WHERE chain = $session", "it has no entries"),
    ("UPDATE entries SET bytes = x'0102' WHERE chain = $session AND seq = 2", "entry 2 is none"),
    ("UPDATE entries SET bytes = CAST(substr(bytes, 1, length(bytes) - 1) || x'ff' AS BLOB)
      WHERE chain = $session AND seq = 2", "entry 2: an entry's signature does not verify"),
    ("UPDATE entries SET bytes = (SELECT bytes FROM entries WHERE chain = $ended AND seq = 1)
      WHERE chain = $session AND seq = 1", "entry 1: the entry belongs to another chain"),
    ("INSERT INTO entries SELECT chain, 7, bytes, leaves FROM entries
      WHERE chain = $session AND seq = 6", "entry 6: an entry is missing, repeated or out of order"),
    ("DELETE FROM entries WHERE chain = $owner AND seq = 4", "the head is stored as entry 4"),
    ("UPDATE entries SET bytes = CAST(substr(bytes, 1, length(bytes) - 1) || x'ff' AS BLOB)
      WHERE chain = $owner AND seq = 3", "entry 3: an entry's signature does not verify"),
    ("UPDATE entries SET bytes = CAST(substr(bytes, 1, length(bytes) - 1) || x'ff' AS BLOB)
      WHERE chain = $tenant", "entry 0: an entry's signature does not verify"),
    ("UPDATE entries SET leaves = CAST(leaves || zeroblob(7) AS BLOB) WHERE chain = $session AND seq = 2",
     "a value of the wrong length"),
    // Leaves
    ("UPDATE entries SET leaves = zeroblob(length(leaves)) WHERE chain = $session AND seq = 2",
     "the leaves of entry 2 are not those that it commits to"),
    ("UPDATE entries SET leaves = zeroblob(32) WHERE chain = $session AND seq = 1",
     "entry 1 has leaves, but commits to no wraps"),
    ("UPDATE entries SET leaves = x'' WHERE chain = $session AND seq = 2",
     "is not the one that entry 2 commits to"),
    // Heads
    ("UPDATE chains SET seq = seq + 1 WHERE no = $session", "the head is stored as entry 7"),
    ("UPDATE chains SET hash = zeroblob(32) WHERE no = $session", "or has another hash"),
    ("UPDATE chains SET id = zeroblob(32) WHERE no = $session", "of another chain or tenant"),
    ("UPDATE chains SET kind = 3 WHERE no = $session", "another kind than it is"),
    ("UPDATE chains SET kind = 5 WHERE no = $session", "a kind that is not known"),
    ("UPDATE chains SET kind = 2 WHERE no = $session", "entry 0:"),
    // Wraps
    ("UPDATE wraps SET sealed = zeroblob(1168) WHERE chain = $session AND epoch = 3",
     "the wrap of epoch 3 for"),
    ("UPDATE wraps SET recipient = zeroblob(32) WHERE chain = $session AND epoch = 0 AND
      recipient = (SELECT identity FROM openings WHERE user_id = CAST('patient.7' AS BLOB))",
     "is there although it must have been deleted"),
    ("UPDATE wraps SET kind = 6 WHERE chain = $session AND epoch = 0", "must have been deleted"),
    ("UPDATE wraps SET kind = 99 WHERE chain = $session AND epoch = 0", "its wraps can't be read"),
    ("UPDATE wraps SET epoch = 9 WHERE chain = $session AND epoch = 0", "which commits to none"),
    ("UPDATE wraps SET seq = 1 WHERE chain = $session AND epoch = 0", "which commits to none"),
    ("UPDATE wraps SET place = 2 WHERE chain = $session AND epoch = 0", "is not the one that entry 0"),
    ("UPDATE wraps SET generation = 1 WHERE chain = $session AND epoch = 0", "is not the one that entry 0"),
    ("UPDATE wraps SET key_id = zeroblob(32) WHERE chain = $session AND epoch = 0",
     "is not the one that entry 0"),
    ("UPDATE wraps SET expires_ms = expires_ms + 1 WHERE chain = $session AND expires_ms <> 0",
     "but its grant at"),
    ("UPDATE wraps SET expires_ms = 5 WHERE chain = $session AND expires_ms = 0",
     "ends at 5 ms, but its grant at 0 ms"),
    ("DELETE FROM wraps WHERE chain = $session AND epoch = 3 AND expires_ms = 0",
     "the wrap of epoch 3 for"),
    ("INSERT INTO wraps SELECT chain, kind, recipient, 0, 0, place, generation, key_id, sealed,
      expires_ms FROM wraps WHERE chain = $session AND epoch = 1 AND expires_ms <> 0",
     "must have been deleted"),
    ("DELETE FROM wraps WHERE chain = $owner", "the wrap of epoch 0 for"),
    ("UPDATE wraps SET sealed = zeroblob(1168) WHERE chain = $owner", "the wrap of epoch 0 for"),
    ("UPDATE wraps SET recipient = zeroblob(32) WHERE chain = $owner AND seq = 0",
     "must have been deleted"),
    ("INSERT INTO wraps SELECT $tenant, kind, recipient, epoch, seq, place, generation, key_id,
      sealed, expires_ms FROM wraps WHERE chain = $owner LIMIT 1", "a tenant has no wraps"),
    // Back-links
    ("UPDATE back_links SET bytes = x'00' WHERE chain = $session AND epoch = 1",
     "the back-link from epoch 1 to 0 is not the one"),
    ("UPDATE back_links SET bytes = (SELECT bytes FROM back_links WHERE chain = $session AND epoch = 3)
      WHERE chain = $session AND epoch = 1", "the back-link from epoch 1 to 0 is not the one"),
    ("DELETE FROM back_links WHERE chain = $session AND epoch = 1",
     "the back-link from epoch 1 to 0 is not there"),
    ("UPDATE back_links SET epoch = 9 WHERE chain = $session AND epoch = 1",
     "the back-link from epoch 9 to 0 is not the one"),
    ("INSERT INTO back_links VALUES ($tenant, 0, 0, x'00')", "a tenant has no back-links"),
    // Metadata
    ("UPDATE chains SET metadata = x'00' WHERE no = $session", "the metadata are not those"),
    ("UPDATE chains SET metadata = x'00' WHERE no = $owner", "an identity has no metadata"),
    ("UPDATE chains SET metadata = x'00' WHERE no = $tenant", "a tenant has no metadata"),
    // What was ended
    ("UPDATE chains SET metadata = x'00' WHERE no = $ended", "metadata are there although"),
    ("UPDATE wraps SET chain = $ended WHERE chain = $session AND epoch = 0",
     "is there although the session was ended"),
    ("UPDATE back_links SET chain = $ended WHERE chain = $session",
     "is there although the session was ended"),
    // User ids
    ("UPDATE openings SET number = zeroblob(8) WHERE identity = $owner_id",
     "the number of its user id is not the binding's"),
    ("UPDATE openings SET user_id = x'61' WHERE identity = $owner_id",
     "under another user id than its own"),
    ("UPDATE openings SET opening = x'61' WHERE identity = $owner_id", "the opening of its user id"),
    ("UPDATE openings SET opening = (SELECT opening FROM openings WHERE identity <> $owner_id)
      WHERE identity = $owner_id", "its user id:"),
    ("UPDATE openings SET identity = $owner_id WHERE user_id = CAST('patient.7' AS BLOB)", "its user id:"),
    ("UPDATE openings SET identity = zeroblob(32) WHERE identity = $owner_id",
     "a user id's identity is not there"),
    // Tenants and what belongs to nothing
    ("UPDATE tenants SET directory_seed = zeroblob(32)", "the key that signs heads is not the one"),
    ("DELETE FROM tenants", "a chain's tenant is not there"),
    ("UPDATE chains SET tenant = zeroblob(32) WHERE no = $session", "a chain's tenant is not there"),
    ("DELETE FROM chains WHERE no = $tenant", "a tenant has no chain"),
    ("DELETE FROM chains WHERE no = $session", "a row belongs to no chain: entries"),
    ("DELETE FROM chains WHERE no = $owner", "is missing, too short, or does not replay"),
    ("UPDATE wraps SET chain = 99 WHERE chain = $session AND epoch = 0",
     "a row belongs to no chain: wraps"),
    ("UPDATE back_links SET chain = 99 WHERE chain = $session", "a row belongs to no chain: back_links"),
    ("UPDATE nonces SET tenant = zeroblob(32)", "a nonce's tenant is not there"),
    // SQLite's own
    ("PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage =
      (SELECT rootpage FROM sqlite_schema WHERE name = 'nonces_expiry') WHERE name = 'wraps_expiry'",
     "wraps_expiry"),
];

#[tokio::test]
async fn each_kind_of_damage_is_found_and_named() {
    let clinic = clinic().await;
    let whole = backup(&clinic.path).await;
    let mut connection = connect(&whole).await;
    let mut no = async |id: &[u8]| -> String {
        let no: i64 = sqlx::query_scalar("SELECT no FROM chains WHERE id = ?")
            .bind(id.to_vec())
            .fetch_one(&mut connection)
            .await
            .unwrap();
        no.to_string()
    };
    let names = [
        ("$owner_id", format!("x'{}'", hex(&clinic.owner.id.0))),
        ("$session", no(&clinic.session.state.id().0).await),
        ("$owner", no(&clinic.owner.id.0).await),
        ("$tenant", no(&clinic.world.tenant.0).await),
        ("$ended", "8".to_owned()),
    ];
    connection.close().await.unwrap();
    assert_eq!(check(&whole).await.1, [""; 0]);
    for (sql, said) in DAMAGES {
        let path = copy(&whole);
        let mut statement = (*sql).to_owned();
        for (name, value) in &names {
            statement = statement.replace(name, value);
        }
        let mut connection = connect(&path).await;
        sqlx::raw_sql("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON")
            .execute(&mut connection)
            .await
            .unwrap();
        let done = sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
            .execute(&mut connection)
            .await
            .unwrap();
        assert!(done.rows_affected() > 0, "{sql}");
        connection.close().await.unwrap();
        let (_, problems, _) = check(&path).await;
        assert!(
            problems.iter().any(|it| it.contains(said)),
            "{sql}\n{said}\n{problems:#?}"
        );
        // No user ids.
        assert!(
            !problems
                .iter()
                .any(|it| it.contains("dr.a") || it.contains("patient"))
        );
        std::fs::remove_file(&path).unwrap();
    }
    // A blob that is gone may never have come back.
    let path = copy(&whole);
    let mut connection = connect(&path).await;
    sqlx::raw_sql("UPDATE chains SET metadata = NULL")
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let (_, problems, notes) = check(&path).await;
    assert_eq!((problems.len(), notes.len()), (0, 1));
    assert!(notes[0].contains("the metadata that the log names are not there"));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn the_command_says_it_with_its_code() {
    let clinic = clinic().await;
    let fsck = |path: &Path| {
        let output = Command::new(env!("CARGO_BIN_EXE_plico-directory"))
            .args(["fsck", "--database"])
            .arg(path)
            .env_remove("RUST_LOG")
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), text)
    };
    let sound = (Some(0), "8 chains, 23 entries, 0 problems\n".to_owned());
    assert_eq!(fsck(&clinic.path), sound, "beside the server");
    let path = backup(&clinic.path).await;
    let mut connection = connect(&path).await;
    sqlx::raw_sql("UPDATE chains SET metadata = x'00' WHERE metadata IS NOT NULL")
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let before = std::fs::read(&path).unwrap();
    let (code, text) = fsck(&path);
    assert_eq!(code, Some(1));
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("problem: tenant ") && lines[0].ends_with("that the log names"));
    assert_eq!(lines[1], "8 chains, 23 entries, 1 problems");
    assert!(std::fs::read(&path).unwrap() == before, "it only reads");
    // No database, another program's, one that is cut off.
    assert_eq!(fsck(&path.with_extension("none")).0, Some(1));
    assert!(!path.with_extension("none").exists());
    std::fs::write(&path, &before[..before.len() / 2]).unwrap();
    assert_eq!(fsck(&path).0, Some(1));
    std::fs::write(&path, "hello").unwrap();
    assert_eq!(fsck(&path).0, Some(1));
}
