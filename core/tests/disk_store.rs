//! The store on the disk, as hosts use it: real files, real processes.
//! (Power cuts, full disks and damage: `core/src/store/disk/tests`.)
#![cfg(feature = "disk-store")]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::{Wire, World};
use plico::ports::{Change, Store, StoreFailure};
use plico::{AccountOptions, DiskStore, DiskStoreOptions, ErrorCode, StoreKey};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const CHILD: &str = "PLICO_TEST_CHILD";

fn key() -> StoreKey {
    StoreKey::new([42; 32])
}

fn options(path: &Path) -> DiskStoreOptions {
    DiskStoreOptions::new(path, key())
}

fn open(path: &Path) -> DiskStore {
    DiskStore::new(options(path))
}

fn put(name: &str, value: impl Into<Vec<u8>>) -> Change {
    Change::Put(name.into(), value.into())
}

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

async fn failure(store: &DiskStore) -> StoreFailure {
    let read = store.get("a").await.unwrap_err().failure;
    let scanned = store.scan("").await.unwrap_err().failure;
    let written = store.commit(vec![put("a", "b")], Vec::new()).await;
    assert_eq!([read, scanned], [written.unwrap_err().failure; 2]);
    read
}

#[tokio::test]
async fn it_keeps_what_a_store_promises() {
    let place = Place::new();
    let path = place.file("store");
    plico::ports::conformance::store(&open(&path))
        .await
        .unwrap();
    let (a, b) = (open(&path).scan("").await, open(&path).scan("").await);
    assert_eq!(a.unwrap(), b.unwrap());
}

#[tokio::test]
async fn the_file_shows_no_name_and_no_value() {
    let place = Place::new();
    let path = place.file("store");
    let marker = |i: u32| format!("MARKER-{i}-of-a-name");
    let store = open(&path);
    for i in 0..40 {
        let value = format!("MARKER-{i}-of-a-value").repeat(i as usize);
        let batch = vec![put(&marker(i), value), Change::Delete(marker(i / 2))];
        store.commit(batch, Vec::new()).await.unwrap();
    }
    let bytes = std::fs::read(&path).unwrap();
    let has = |what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
    assert!(has(b"PLICOSTR"), "the search finds what is there");
    for secret in [
        b"MARKER".as_slice(),
        b"-of-a-name",
        b"-of-a-value",
        b"records",
        b"redb\x1a\x0a",
        &[42; 8],
    ] {
        assert!(!has(secret), "{secret:?} is in the file");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let path = place.file("store");
    let store = open(&path);
    assert_eq!(store.get("a").await.unwrap(), None);
    assert!(!path.exists(), "reading makes no file");
    store.commit(vec![put("a", "b")], Vec::new()).await.unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let files = std::fs::read_dir(place.folder.path()).unwrap().count();
    assert_eq!(files, 1, "nothing is left beside it");
}

#[tokio::test]
async fn each_fault_has_its_own_error() {
    let place = Place::new();
    let path = place.file("store");
    let store = open(&path);
    store.commit(vec![put("a", "b")], Vec::new()).await.unwrap();
    let other = DiskStore::new(DiskStoreOptions::new(&path, StoreKey::new([1; 32])));
    assert_eq!(failure(&other).await, StoreFailure::WrongKey);
    for (name, bytes) in [("empty", Vec::new()), ("other", vec![b'x'; 100_000])] {
        let path = place.file(name);
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(failure(&open(&path)).await, StoreFailure::Damaged);
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "and it is left alone");
    }
    let nowhere = open(&place.file("no folder/store"));
    assert_eq!(failure(&nowhere).await, StoreFailure::Io);
    assert_eq!(store.get("a").await.unwrap().unwrap(), b"b");
}

#[tokio::test]
async fn a_copy_is_noticed_and_a_move_is_not() {
    let place = Place::new();
    let (path, copy) = (place.file("store"), place.file("copy"));
    let value = |text: &str| Some(text.as_bytes().to_vec());
    open(&path)
        .commit(vec![put("a", "b")], Vec::new())
        .await
        .unwrap();
    std::fs::copy(&path, &copy).unwrap();
    assert_eq!(failure(&open(&copy)).await, StoreFailure::Copied);

    let moved = place.file("moved");
    std::fs::rename(&path, &moved).unwrap();
    assert_eq!(open(&moved).get("a").await.unwrap(), value("b"));

    // Once the app says that it is meant, the copy is at home where it is.
    let accepted = DiskStore::new(options(&copy).accept_copy(true));
    assert_eq!(accepted.get("a").await.unwrap(), value("b"));
    assert_eq!(open(&copy).get("a").await.unwrap(), value("b"));
    let again = place.file("again");
    std::fs::copy(&moved, &again).unwrap();
    let accepted = DiskStore::new(options(&again).accept_copy(true));
    accepted
        .commit(vec![put("a", "c")], Vec::new())
        .await
        .unwrap();
    assert_eq!(open(&again).get("a").await.unwrap(), value("c"));
    assert_eq!(open(&moved).get("a").await.unwrap(), value("b"));
}

#[tokio::test]
async fn a_store_that_is_bound_to_a_machine_is_refused_on_another() {
    let place = Place::new();
    let path = place.file("store");
    let on = |machine: &str| options(&path).bound_to(machine);
    let first = DiskStore::new(on("machine 1"));
    first.commit(vec![put("a", "b")], Vec::new()).await.unwrap();
    let second = DiskStore::new(on("machine 2"));
    assert_eq!(failure(&second).await, StoreFailure::Copied);
    assert_eq!(failure(&open(&path)).await, StoreFailure::Copied);
    let moved = DiskStore::new(on("machine 2").accept_copy(true));
    assert!(moved.get("a").await.unwrap().is_some());
    assert_eq!(failure(&first).await, StoreFailure::Copied);
    assert!(second.get("a").await.unwrap().is_some());
}

#[tokio::test]
async fn a_value_that_is_too_long_is_refused_and_nothing_happens() {
    let place = Place::new();
    let store = open(&place.file("store"));
    let long = vec![put("a", "b"), put("long", vec![0; 16 * 1024 * 1024 + 1])];
    store.commit(long, Vec::new()).await.unwrap_err();
    assert_eq!(store.scan("").await.unwrap(), []);
    let longest = vec![1; 16 * 1024 * 1024];
    store
        .commit(vec![put("long", longest.clone())], Vec::new())
        .await
        .unwrap();
    assert!(store.get("long").await.unwrap() == Some(longest));
}

/// Adds 1 to the counter, `times` times, against everybody who does the same.
async fn count(store: &DiskStore, times: u32) {
    for _ in 0..times {
        loop {
            let before = store.get("counter").await.unwrap();
            let number = before
                .as_deref()
                .map_or(0, |bytes| u32::from_be_bytes(bytes.try_into().unwrap()));
            let batch = vec![put("counter", (number + 1).to_be_bytes())];
            match store.commit(batch, vec![("counter".into(), before)]).await {
                Ok(()) => break,
                Err(error) => assert_eq!(error.failure, StoreFailure::Conflict),
            }
        }
    }
}

async fn counted(path: &Path) -> u32 {
    let value = open(path).get("counter").await.unwrap().unwrap();
    u32::from_be_bytes(value.try_into().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_stores_of_one_process_share_a_file() {
    let place = Place::new();
    let path = place.file("store");
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let store = open(&path);
            tokio::spawn(async move { count(&store, 25).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(counted(&path).await, 100);
}

fn child(test: &str, path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--include-ignored"])
        .env(CHILD, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn path_for_child() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

#[tokio::test]
#[ignore = "a child process of the test below"]
async fn counting_child() {
    let Some(path) = path_for_child() else { return };
    count(&open(&path), 60).await;
}

#[tokio::test]
async fn two_processes_work_side_by_side() {
    let place = Place::new();
    let path = place.file("store");
    let children = [
        child("counting_child", &path),
        child("counting_child", &path),
    ];
    count(&open(&path), 30).await;
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    assert_eq!(counted(&path).await, 150);
}

#[tokio::test]
#[ignore = "a child process of the test below"]
async fn writing_child() {
    let Some(path) = path_for_child() else { return };
    let store = open(&path);
    for number in 0u32.. {
        let pad = vec![number as u8; (number as usize * 977) % 20_000];
        let value = number.to_be_bytes();
        let batch = vec![put("a", value), put("pad", pad), put("z", value)];
        store.commit(batch, Vec::new()).await.unwrap();
        println!("done {number}");
    }
}

#[tokio::test]
async fn a_killed_process_leaves_the_whole_batch_or_nothing_of_it() {
    let rounds = std::env::var("PLICO_KILLS").ok();
    let rounds = rounds.and_then(|it| it.parse().ok()).unwrap_or(12u64);
    for round in 0..rounds {
        let place = Place::new();
        let path = place.file("store");
        let mut child = child("writing_child", &path);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let number = |line: &str| {
            line.rsplit_once("done ")
                .and_then(|it| it.1.parse::<u32>().ok())
        };
        let mut last = None;
        while last < Some(round as u32 % 7) {
            let line = lines.next().unwrap().unwrap();
            last = number(&line).or(last);
        }
        std::thread::sleep(Duration::from_micros(round * 431 % 5000));
        child.kill().unwrap();
        child.wait().unwrap();
        let told = lines
            .map_while(Result::ok)
            .filter_map(|line| number(&line))
            .last();
        let acknowledged = told.max(last).unwrap();
        let store = open(&path);
        let (a, z) = (store.get("a").await.unwrap(), store.get("z").await.unwrap());
        assert_eq!(a, z, "round {round}: a part of a batch");
        let found = u32::from_be_bytes(a.unwrap().try_into().unwrap());
        assert!(
            (acknowledged..=acknowledged + 1).contains(&found),
            "{found} {acknowledged}"
        );
        store
            .commit(vec![put("a", "again")], Vec::new())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn an_account_lives_on_the_disk() {
    let world = World::new().await;
    let place = Place::new();
    let path = place.file("store");
    let start = async |options: AccountOptions| {
        let wire = Wire::new();
        let plico = world.builder().transport(wire).open().await?;
        plico.account(options).await
    };
    let reader = world.person("reader").await;
    let account = start(AccountOptions::on_disk(&path, key())).await.unwrap();
    let writer = common::Person {
        account: account.clone(),
        store: Arc::new(plico::store::MemoryStore::new()),
        wire: Wire::new(),
    };
    let id = writer.register(&world, "writer", 1).await.unwrap();
    let recipients = [plico::Recipient::user("reader")];
    let session = account.create_session(recipients).await.unwrap();
    let sealed = session.encrypt(b"kept", None).await.unwrap();
    drop((account, session, writer));

    let account = start(AccountOptions::on_disk(&path, key())).await.unwrap();
    assert_eq!(account.identity_id(), Some(id));
    let offline = account.offline().decrypt(&sealed, None).await.unwrap();
    assert_eq!(offline.bytes(), b"kept");
    for account in [&account, &reader.account] {
        let opened = account.decrypt(&sealed, None).await.unwrap();
        assert_eq!(opened.bytes(), b"kept");
    }

    let code = async |options: AccountOptions| start(options).await.unwrap_err().code();
    let other_key = AccountOptions::on_disk(&path, StoreKey::new([1; 32]));
    assert_eq!(code(other_key).await, ErrorCode::StoreWrongKey);
    let copy = place.file("copy");
    std::fs::copy(&path, &copy).unwrap();
    let copied = AccountOptions::on_disk(&copy, key());
    assert_eq!(code(copied).await, ErrorCode::StoreCopied);
    std::fs::write(&copy, b"not a store").unwrap();
    let damaged = AccountOptions::on_disk(&copy, key());
    assert_eq!(code(damaged).await, ErrorCode::StoreDamaged);
    let nowhere = AccountOptions::on_disk(place.file("none/store"), key());
    assert_eq!(code(nowhere).await, ErrorCode::Store);
}

#[test]
fn a_key_has_32_bytes_and_shows_none_of_them() {
    assert_eq!(
        StoreKey::from_slice(&[1; 31]).unwrap_err().code(),
        ErrorCode::InvalidArgument
    );
    assert_eq!(
        StoreKey::from_slice(&[5; 32]).unwrap().dangerous_bytes(),
        &[5; 32]
    );
    let (a, b) = (StoreKey::generate().unwrap(), StoreKey::generate().unwrap());
    assert_ne!(a.dangerous_bytes(), b.dangerous_bytes());
    assert_eq!(format!("{:?}", key()), "StoreKey(redacted)");
    assert!(!format!("{:?}", options(Path::new("x"))).contains("42"));
}

/// Not a test of anything: what an operation costs. `cargo test -p plico
/// --features disk-store --release --test disk_store costs -- --ignored --nocapture`
#[tokio::test]
#[ignore = "prints numbers"]
async fn costs() {
    for records in [10u32, 1000, 10_000] {
        let place = Place::new();
        let path = place.file("store");
        let store = open(&path);
        let batch = (0..records)
            .map(|i| put(&format!("r/{i}"), vec![1; 300]))
            .collect();
        store.commit(batch, Vec::new()).await.unwrap();
        let start = std::time::Instant::now();
        for i in 0..200 {
            store.get(&format!("r/{}", i % records)).await.unwrap();
        }
        let get = start.elapsed() / 200;
        let start = std::time::Instant::now();
        for i in 0..100 {
            let batch = vec![put(&format!("r/{}", i % records), vec![2; 300])];
            store.commit(batch, Vec::new()).await.unwrap();
        }
        let commit = start.elapsed() / 100;
        let length = std::fs::metadata(&path).unwrap().len();
        println!("{records} records: get {get:?}, commit {commit:?}, file {length} bytes");
    }
}
