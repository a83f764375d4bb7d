//! Several writes in one transaction.

use super::{NOW, TENANT, at, entries, position, wrap, write};
use crate::storage::{Nonce, RecordChange, RecordKind, Storage, Write, WriteError};
use plico_protocol::format::ids::KeyId;

fn nonce(number: u8) -> Nonce {
    Nonce {
        key: KeyId([2; 32]),
        nonce: [number; 16],
        expires_ms: NOW,
    }
}

pub(super) async fn run(storage: &dyn Storage) {
    each_has_its_own_result(storage).await;
    a_write_sees_those_before_it(storage).await;
    a_used_nonce_refuses_all(storage).await;
}

async fn seq(storage: &dyn Storage, chain: u8) -> Option<u64> {
    let head = storage.head(at(chain)).await.unwrap();
    head.map(|head| head.position.seq)
}

/// What is refused leaves nothing behind, not even what it had done before it
/// was, and does not hold up the others.
async fn each_has_its_own_result(storage: &dyn Storage) {
    let mut first = entries(0..1);
    first.wraps = vec![wrap(90, 0, 0)];
    let first = write(80, None, first);
    let mut half_way = write(81, None, entries(0..1));
    half_way.records = vec![
        RecordChange::put(RecordKind::StagedWraps, b"many", vec![1]),
        RecordChange {
            expected: crate::storage::Expected::Value(vec![9]),
            ..RecordChange::put(RecordKind::StagedWraps, b"other", vec![1])
        },
    ];
    let gone = write(82, Some(3), entries(4..5));
    let mut behind = write(83, None, entries(0..1));
    behind.authors = vec![(at(84).chain, position(0))];
    let last = write(84, None, entries(0..2));
    let writes = [first, half_way, gone, behind, last];
    let results = storage.apply_many(TENANT, &nonce(1), &writes).await;
    let results = results.unwrap();
    assert_eq!(results.len(), 5);
    assert!(results[0].is_ok() && results[4].is_ok());
    assert!(matches!(results[1], Err(WriteError::Conflict)));
    assert!(matches!(results[2], Err(WriteError::Conflict)));
    assert!(matches!(results[3], Err(WriteError::AuthorBehind)));
    assert_eq!(seq(storage, 80).await, Some(0));
    for nothing in [81, 82, 83] {
        assert_eq!(seq(storage, nothing).await, None);
    }
    assert_eq!(seq(storage, 84).await, Some(1));
    let record = storage.record(TENANT, RecordKind::StagedWraps, b"many");
    assert_eq!(record.await.unwrap(), None);
    assert!(storage.nonce_used(TENANT, &nonce(1)).await.unwrap());
}

async fn a_write_sees_those_before_it(storage: &dyn Storage) {
    let moved = write(80, Some(0), entries(1..2));
    let mut on_the_old = write(85, None, entries(0..1));
    on_the_old.authors = vec![(at(80).chain, position(0))];
    let mut on_the_new = write(86, None, entries(0..1));
    on_the_new.authors = vec![(at(80).chain, position(1))];
    let writes = [moved, on_the_old, on_the_new];
    let results = storage.apply_many(TENANT, &nonce(2), &writes).await;
    let results = results.unwrap();
    assert!(results[0].is_ok() && results[2].is_ok());
    assert!(matches!(results[1], Err(WriteError::AuthorBehind)));
}

async fn a_used_nonce_refuses_all(storage: &dyn Storage) {
    let writes: [Write; 1] = [write(87, None, entries(0..1))];
    let refused = storage.apply_many(TENANT, &nonce(1), &writes).await;
    assert!(matches!(refused, Err(WriteError::Replayed)));
    assert_eq!(seq(storage, 87).await, None);
    // Without writes it is used up all the same.
    let none = storage.apply_many(TENANT, &nonce(3), &[]).await;
    assert!(none.unwrap().is_empty());
    assert!(storage.nonce_used(TENANT, &nonce(3)).await.unwrap());
}
