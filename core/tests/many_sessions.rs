//! What an identity costs does not depend on how many sessions it has: the same
//! requests and bytes with one and with a hundred thousand.
//!
//! `PLICO_SESSIONS` says how many; `scripts/test` takes 100,000, and `scripts/bench devices`
//! measures the time.

#![allow(clippy::unwrap_used, clippy::panic)]

use plico::testing::{TestDirectory, TestPerson};
use plico::{FileKey, RecoverOptions, RecoveryKey};

fn key() -> FileKey {
    FileKey::host_secret(&[5; 32]).unwrap()
}

/// Requests, bytes sent and bytes received on all `connections` while something
/// is done.
#[derive(Debug, PartialEq, Eq)]
struct Cost {
    what: &'static str,
    requests: usize,
    sent: usize,
    received: usize,
}

struct Counter {
    what: &'static str,
    before: Vec<usize>,
}

impl Counter {
    fn start(what: &'static str, people: &[&TestPerson]) -> Self {
        let so_far = |it: &&TestPerson| it.connection().exchanges().len();
        Self {
            what,
            before: people.iter().map(so_far).collect(),
        }
    }

    fn stop(self, people: &[&TestPerson]) -> Cost {
        let mut cost = Cost {
            what: self.what,
            requests: 0,
            sent: 0,
            received: 0,
        };
        for (person, before) in people.iter().zip(self.before) {
            for (request, response) in person.connection().exchanges().iter().skip(before) {
                // How often a mailbox is looked into depends on the moment.
                let looks = request.method == plico::ports::Method::Get;
                if looks && request.url.contains("/pairings/") {
                    continue;
                }
                cost.requests += 1;
                cost.sent += request.body.len();
                cost.received += response.as_ref().map_or(0, |it| it.body.len());
            }
        }
        cost
    }
}

/// All that brings a device in or takes one away.
async fn costs(directory: &TestDirectory, name: &str, sessions: usize) -> Vec<Cost> {
    let phone = directory.person(name).await.unwrap();
    directory.seed_sessions(&phone, sessions).await.unwrap();
    let account = phone.account();
    let mut costs = Vec::new();

    let laptop = directory.visitor(name).await.unwrap();
    let shown = laptop.account().pairing_code().await.unwrap();
    let both = [&phone, &laptop];
    let counter = Counter::start("pairing", &both);
    let paired = tokio::join!(
        account.approve_pairing(&shown),
        laptop.account().join_by_pairing()
    );
    paired.0.unwrap();
    paired.1.unwrap();
    costs.push(counter.stop(&both));

    let counter = Counter::start("exporting a file", &[&phone]);
    let file = account.export_identity(&key()).await.unwrap();
    costs.push(counter.stop(&[&phone]));

    let tablet = directory.visitor(name).await.unwrap();
    let counter = Counter::start("importing it", &[&tablet]);
    let imported = tablet.account().import_identity(&file, &key()).await;
    imported.unwrap();
    costs.push(counter.stop(&[&tablet]));

    let counter = Counter::start("revoking a device", &[&phone]);
    let lost = tablet.account().device_id().unwrap();
    account.revoke_device(lost).await.unwrap();
    costs.push(counter.stop(&[&phone]));

    let counter = Counter::start("a new user key", &[&phone]);
    account.rotate_user_key().await.unwrap();
    costs.push(counter.stop(&[&phone]));

    let words = RecoveryKey::generate();
    let counter = Counter::start("setting a recovery key", &[&phone]);
    account.set_recovery_key(&words, None).await.unwrap();
    costs.push(counter.stop(&[&phone]));

    let counter = Counter::start("storing a backup", &[&phone]);
    account.store_backup(&key()).await.unwrap();
    costs.push(counter.stop(&[&phone]));

    let restored = directory.visitor(name).await.unwrap();
    let counter = Counter::start("restoring it", &[&restored]);
    let done = restored.account().restore_backup(name, &key()).await;
    done.unwrap();
    costs.push(counter.stop(&[&restored]));

    let recovered = directory.visitor(name).await.unwrap();
    let counter = Counter::start("recovering", &[&recovered]);
    let options = RecoverOptions::new();
    let done = recovered.account().recover_with(&words, options).await;
    done.unwrap();
    costs.push(counter.stop(&[&recovered]));
    costs
}

#[tokio::test]
async fn nothing_grows_with_the_number_of_sessions() {
    let many = std::env::var("PLICO_SESSIONS").map_or(10_000, |it| it.parse().unwrap());
    assert!(many >= 10_000, "too few to tell growth from chance");
    let directory = TestDirectory::start().await.unwrap();
    // Names of one length, so that nothing else differs.
    let few = costs(&directory, "person.1", 1).await;
    let many = costs(&directory, "person.2", many).await;
    for (few, many) in few.iter().zip(&many) {
        println!("{few:?}");
        assert_eq!(few.requests, many.requests, "{}", few.what);
        // Numbers in JSON differ by some digits, and each proof in the tree of devices by
        // some hashes: where a device stands there depends on its random id. One byte for
        // each session would be far more.
        let near = |a: usize, b: usize| a.abs_diff(b) <= 2048;
        assert!(near(few.sent, many.sent), "{few:?} {many:?}");
        assert!(near(few.received, many.received), "{few:?} {many:?}");
    }
    // One entry with one wrap.
    let import = few.iter().find(|it| it.what == "importing it").unwrap();
    assert!(import.sent < 4096 && import.requests <= 6, "{import:?}");
}
