//! Full disks, read-only disks, disks that fail.

use super::*;
use crate::ports::StoreFailure;
use std::io::ErrorKind;

fn start() -> (Model, Arc<FakeDisk>) {
    let model = Model::from([
        ("a".into(), vec![1; 20_000]),
        ("b".into(), b"two".to_vec()),
        ("c".into(), vec![3; 4096]),
    ]);
    let disk = store(&model);
    (model, disk)
}

/// Fails each step of a commit in turn with `kind`, and looks at what is left.
fn at_every_step(kind: ErrorKind, failure: StoreFailure) {
    let (mut model, disk) = start();
    let mut failures = 0;
    for step in 0.. {
        let batch = vec![put("a", &[step as u8; 25_000]), put("d", &[step as u8])];
        disk.fail_after(step, kind);
        let result = commit(&disk, batch.clone(), Vec::new());
        let after = applied(&model, &batch);
        match result {
            Ok(()) => model = after,
            Err(error) => {
                failures += 1;
                assert_eq!(error.failure, failure, "step {step}");
                // Reading works though nothing can be written.
                let found = content(&disk).unwrap();
                // Only if the very last sync fails can it be there all the same.
                assert!(found == model || found == after, "step {step}");
                model = found;
            }
        }
        disk.heal();
        assert_eq!(content(&disk).unwrap(), model, "step {step}");
        let next = vec![put("e", &[step as u8; 300])];
        commit(&disk, next.clone(), Vec::new()).unwrap();
        model = applied(&model, &next);
        if step > failures + 5 {
            break; // the commit has fewer steps than that
        }
    }
    assert!(failures > 6, "{failures} failures");
}

#[test]
fn a_full_disk_loses_nothing() {
    at_every_step(ErrorKind::StorageFull, StoreFailure::Full);
    at_every_step(ErrorKind::QuotaExceeded, StoreFailure::Full);
}

#[test]
fn a_read_only_disk_is_read_and_says_so() {
    at_every_step(ErrorKind::ReadOnlyFilesystem, StoreFailure::ReadOnly);
}

#[test]
fn a_failing_disk_says_so() {
    at_every_step(ErrorKind::Other, StoreFailure::Io);
}

#[test]
fn a_conflict_and_an_empty_batch_write_nothing() {
    let (model, disk) = start();
    let steps = disk.steps();
    let expected = vec![("b".to_owned(), Some(b"other".to_vec()))];
    let refused = commit(&disk, vec![put("b", b"x")], expected.clone());
    assert_eq!(refused.unwrap_err().failure, StoreFailure::Conflict);
    let refused = commit(&disk, Vec::new(), expected);
    assert_eq!(refused.unwrap_err().failure, StoreFailure::Conflict);
    commit(&disk, Vec::new(), vec![("zz".to_owned(), None)]).unwrap();
    assert_eq!(content(&disk).unwrap(), model);
    assert_eq!(disk.steps(), steps);
}

#[test]
fn a_commit_syncs_twice_and_writes_little() {
    let (_, disk) = start();
    let before = disk.steps();
    commit(&disk, vec![put("b", b"three")], Vec::new()).unwrap();
    let steps = disk.steps() - before;
    assert!(steps < 20, "{steps} steps for one small value");
}

#[test]
fn space_is_used_again() {
    let (_, disk) = start();
    for round in 0..60u8 {
        commit(&disk, vec![put("a", &vec![round; 200_000])], Vec::new()).unwrap();
    }
    let length = disk.bytes().len();
    assert!(length < 3_000_000, "{length} bytes for 200 kB");
    assert_eq!(content(&disk).unwrap()["a"], vec![59; 200_000]);
}

/// The second root slot did not reach the disk, and then the first one is torn
/// as it is written again.
#[test]
fn one_whole_root_is_there_at_every_step() {
    let (model, disk) = start();
    let mut bytes = disk.bytes();
    bytes[12_288..12_288 + 4152].fill(0);
    let batch = vec![put("b", b"three")];
    for step in 0..20 {
        let disk = Arc::new(FakeDisk::of(bytes.clone()));
        disk.fail_after(step, ErrorKind::Other);
        let result = commit(&disk, batch.clone(), Vec::new());
        disk.heal();
        let found = content(&disk).unwrap_or_else(|error| panic!("step {step}: {error:?}"));
        assert!(
            found == model || found == applied(&model, &batch),
            "step {step}"
        );
        assert!(result.is_err() || found != model, "step {step}");
    }
}
