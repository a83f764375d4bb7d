//! What needs a real file, and the lock of somebody else.

use super::super::{DiskStoreOptions, StoreFile};
use super::*;
use crate::ports::StoreFailure;
use std::fs::File;
use std::time::Duration;

#[test]
fn whoever_holds_the_file_too_long_makes_it_busy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let options = DiskStoreOptions::new(&path, key()).patience(Duration::from_millis(30));
    let store = StoreFile(options);
    store
        .commit(&Changes::new(vec![put("a", b"b")], Vec::new()))
        .unwrap();
    let other = File::open(&path).unwrap();
    let get = || store.read(|engine| engine.get("a"));

    fs4::FileExt::lock_shared(&other).unwrap();
    assert_eq!(get().unwrap(), Some(Some(b"b".to_vec())));
    let refused = store
        .commit(&Changes::new(Vec::new(), Vec::new()))
        .unwrap_err();
    assert_eq!(refused.failure, StoreFailure::Busy);
    fs4::FileExt::unlock(&other).unwrap();

    fs4::FileExt::lock(&other).unwrap();
    assert_eq!(get().unwrap_err().failure, StoreFailure::Busy);
    let waiting = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(10));
        drop(other);
    });
    StoreFile(DiskStoreOptions::new(&path, key()))
        .commit(&Changes::new(vec![put("a", b"c")], Vec::new()))
        .unwrap();
    waiting.join().unwrap();
    assert_eq!(get().unwrap(), Some(Some(b"c".to_vec())));
}

#[test]
fn only_one_of_two_makers_wins() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let first = StoreFile(DiskStoreOptions::new(&path, key()));
    first
        .commit(&Changes::new(vec![put("a", b"b")], Vec::new()))
        .unwrap();
    let bytes = std::fs::read(&path).unwrap();
    super::super::medium::create(&path, |file| {
        engine::create(Arc::new(file), &key(), &place(), &Changes::default())
    })
    .unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
