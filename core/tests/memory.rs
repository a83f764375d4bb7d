//! No key is left in the memory of a process that has closed its account.
//!
//! A child process opens an account and an envelope; its parent, who knows the
//! keys, searches the child's memory before and after it has closed.
#![cfg(all(feature = "disk-store", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use common::member::Member;
use common::{Person, Wire, World};
use plico::ports::{Clock, Store};
use plico::store::MemoryStore;
use plico::{AccountOptions, DiskStore, DiskStoreOptions, Plico, StoreKey};
use plico_protocol::format::ids::ChainId;
use plico_protocol::primitives::hash::Sha512Stream;
use plico_protocol::wire::b64;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use zeroize::Zeroizing;

const CHILD: &str = "PLICO_TEST_MEMORY_CHILD";

struct Standing(u64);

impl Clock for Standing {
    fn now_ms(&self) -> u64 {
        self.0
    }
}

/// Reads the host's key without a buffer in between: that would not be wiped.
fn read_key(input: &mut File) -> StoreKey {
    let mut bytes = Zeroizing::new([0u8; 32]);
    input.read_exact(bytes.as_mut_slice()).unwrap();
    StoreKey::from_slice(bytes.as_slice()).unwrap()
}

fn say_and_wait(what: &str, input: &mut File) {
    println!("{what}");
    input.read_exact(&mut [0]).unwrap();
}

#[tokio::test]
#[ignore = "a child process of the test below"]
async fn opening_child() {
    let Ok(arguments) = std::env::var(CHILD) else {
        return;
    };
    let [url, tenant, now, folder] = arguments.split(' ').collect::<Vec<_>>()[..] else {
        panic!("four arguments")
    };
    let folder = Path::new(folder);
    let mut input = File::open("/dev/stdin").unwrap();
    {
        let key = read_key(&mut input);
        let clock = Arc::new(Standing(now.parse().unwrap()));
        let plico = Plico::builder(url, tenant).clock(clock).open();
        let plico = plico.await.unwrap();
        let options = AccountOptions::on_disk(folder.join("store"), key);
        let account = plico.account(options).await.unwrap();
        let sealed = std::fs::read(folder.join("sealed")).unwrap();
        let opened = account.decrypt(&sealed, None).await.unwrap();
        assert_eq!(opened.bytes().len(), 96);
        // It writes, too: a new session, and an envelope of it.
        let session = account.create_session([]).await.unwrap();
        session.encrypt(opened.bytes(), None).await.unwrap();
        say_and_wait("open", &mut input);
        account.close();
    }
    say_and_wait("closed", &mut input);
}

/// Where in the writable memory of the process each needle is.
fn search(process: u32, needles: &[(&'static str, Vec<u8>)]) -> Vec<(&'static str, String)> {
    for _ in 0..500 {
        if let Some(found) = try_search(process, needles) {
            return found;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("the child's memory does not come to rest");
}

/// `None` if the memory changed under the search: a thread has just ended.
fn try_search(
    process: u32,
    needles: &[(&'static str, Vec<u8>)],
) -> Option<Vec<(&'static str, String)>> {
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let mut memory = File::open(format!("/proc/{process}/mem")).unwrap();
    let mut found = Vec::new();
    let mut begins = vec![false; 1 << 16];
    for (_, needle) in needles {
        begins[usize::from(u16::from_be_bytes([needle[0], needle[1]]))] = true;
    }
    for line in maps.lines() {
        let mut fields = line.split_whitespace();
        let (range, rights) = (fields.next().unwrap(), fields.next().unwrap());
        let name = fields.nth(3).unwrap_or("anonymous");
        if !rights.starts_with("rw") || name.starts_with("[v") {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let [start, end] = [start, end].map(|it| u64::from_str_radix(it, 16).unwrap());
        let mut bytes = vec![0; (end - start) as usize];
        memory.seek(SeekFrom::Start(start)).unwrap();
        memory.read_exact(&mut bytes).ok()?;
        for (at, pair) in bytes.windows(2).enumerate() {
            if !begins[usize::from(u16::from_be_bytes([pair[0], pair[1]]))] {
                continue;
            }
            for (what, needle) in needles {
                if bytes[at..].starts_with(needle) {
                    let place = format!("{name} {start:x}+{at:x} of {:x}", bytes.len());
                    found.push((*what, place));
                }
            }
        }
    }
    Some(found)
}

/// What the ciphers make of a seed and keep while they work: the second half of
/// an Ed25519 key, ML-KEM's two seeds and X25519's private key in X-Wing.
fn derived(seed: &[u8; 32], what: &str) -> Vec<Vec<u8>> {
    if what == "ed25519" {
        let mut hash = Sha512Stream::default();
        hash.update(seed);
        return vec![hash.finish()[32..].to_vec()];
    }
    let mut hash = shake::Shake256::default();
    shake::digest::Update::update(&mut hash, seed);
    let mut out = [0; 96];
    shake::digest::XofReader::read(
        &mut shake::digest::ExtendableOutput::finalize_xof(hash),
        &mut out,
    );
    out.chunks_exact(32).map(<[u8]>::to_vec).collect()
}

struct Talk {
    child: Child,
    input: ChildStdin,
    output: BufReader<std::process::ChildStdout>,
}

impl Talk {
    fn wait_for(&mut self, word: &str) {
        let mut line = String::new();
        while line.trim() != word {
            line.clear();
            let count = self.output.read_line(&mut line).unwrap();
            assert_ne!(count, 0, "the child ended before it said {word}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_and_no_plaintext_is_left_after_close() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let key = StoreKey::generate().unwrap();
    let path = folder.path().join("store");
    // What the child will do is done from an account that this process has made.
    let store = Arc::new(DiskStore::new(DiskStoreOptions::new(&path, key.clone())));
    let plico = world.builder().open().await.unwrap();
    let options = AccountOptions::with_store(store.clone());
    let account = plico.account(options).await.unwrap();
    let person = Person {
        account: account.clone(),
        store: Arc::new(MemoryStore::new()),
        wire: Wire::new(),
    };
    person.register(&world, "somebody", 1).await.unwrap();
    let session = account.create_session([]).await.unwrap();
    let plaintext: Vec<u8> = (0..96u8).map(|i| i.wrapping_mul(89) ^ 0x5a).collect();
    let sealed = session.encrypt(&plaintext, None).await.unwrap();
    std::fs::write(folder.path().join("sealed"), &sealed).unwrap();

    let record = store.get("account").await.unwrap().unwrap();
    let copy = vec![plico::ports::Change::Put("account".into(), record.clone())];
    person.store.commit(copy, Vec::new()).await.unwrap();
    let member = Member::of(&person, &world).await;
    let id = ChainId(*session.id().as_bytes());
    let known = member.identities(&[member.identity]).await;
    let (_, epoch) = member.state(id, &known).await;
    let user = member.my_key().await;
    let mut needles = vec![
        ("the host's key", key.dangerous_bytes().to_vec()),
        (
            "the signing seed",
            member.device.signing.dangerous_seed().expose().to_vec(),
        ),
        (
            "the device's KEM seed",
            member.device.kem.dangerous_seed().expose().to_vec(),
        ),
        (
            "the user key's seed",
            user.dangerous_seed().expose().to_vec(),
        ),
        (
            "the epoch's secret",
            epoch.dangerous_secret().expose().to_vec(),
        ),
        (
            "the epoch's payload key",
            epoch.payload_key().expose().to_vec(),
        ),
        ("the plaintext", plaintext[..32].to_vec()),
        ("the plaintext's end", plaintext[64..].to_vec()),
    ];
    let device = &member.device;
    for (seed, kind) in [
        (device.signing.dangerous_seed().expose(), "ed25519"),
        (device.kem.dangerous_seed().expose(), "x-wing"),
        (user.dangerous_seed().expose(), "x-wing"),
    ] {
        needles.extend(derived(seed, kind).into_iter().map(|it| (kind, it)));
    }
    for (_, needle) in needles.clone() {
        needles.push(("a secret in base64", b64::encode(&needle).into_bytes()));
    }

    let arguments = format!(
        "{} {} {} {}",
        world.url,
        world.tenant(),
        world.clock.now(),
        folder.path().display()
    );
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "opening_child",
            "--nocapture",
            "--include-ignored",
        ])
        .env(CHILD, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let process = child.id();
    let mut talk = Talk {
        input: child.stdin.take().unwrap(),
        output: BufReader::new(child.stdout.take().unwrap()),
        child,
    };
    talk.input.write_all(key.dangerous_bytes()).unwrap();
    talk.wait_for("open");
    let before = search(process, &needles);
    talk.input.write_all(b"x").unwrap();
    talk.wait_for("closed");
    let mut after = search(process, &needles);
    for _ in 0..100 {
        if after.is_empty() {
            break;
        }
        // A thread may be about to end that had its part in it.
        std::thread::sleep(std::time::Duration::from_millis(50));
        after = search(process, &needles);
    }
    talk.input.write_all(b"x").unwrap();
    assert!(talk.child.wait().unwrap().success());

    // The search works: what is in use is found.
    for what in [
        "the host's key",
        "the signing seed",
        "the device's KEM seed",
        "the epoch's secret",
        "the plaintext",
    ] {
        assert!(before.iter().any(|it| it.0 == what), "{what}: {before:#?}");
    }
    assert!(
        after.is_empty(),
        "{after:#?}\nbefore it was closed: {before:#?}"
    );
}
