//! Damaged files: an error, never wrong data, and never a panic that leaves
//! the store.

use super::super::header::{HEADER_LEN, with_version};
use super::super::pager::BLOCKS_AT;
use super::*;
use crate::ports::StoreFailure;
use std::collections::BTreeSet;

fn start() -> (Model, Vec<u8>) {
    let model: Model = (0..60)
        .map(|i| (format!("name/{i}"), vec![i as u8; 40 * i]))
        .collect();
    let disk = store(&model);
    for i in 0..4u8 {
        commit(&disk, vec![put("name/3", &[i; 120])], Vec::new()).unwrap();
    }
    let model = applied(&model, &vec![put("name/3", &[3; 120])]);
    (model, disk.bytes())
}

fn open(bytes: Vec<u8>) -> Result<Model> {
    content(&Arc::new(FakeDisk::of(bytes)))
}

#[test]
fn every_byte_of_the_header_counts() {
    let (_, bytes) = start();
    for at in 0..HEADER_LEN {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        let error = open(damaged).unwrap_err();
        assert_eq!(error.failure, StoreFailure::Damaged, "byte {at}");
    }
}

#[test]
fn a_newer_version_and_another_key_are_not_damage() {
    let (model, bytes) = start();
    let mut newer = bytes.clone();
    with_version(&mut newer, 2);
    assert_eq!(open(newer).unwrap_err().failure, StoreFailure::NewerVersion);
    let mut older = bytes.clone();
    with_version(&mut older, 0);
    assert_eq!(open(older).unwrap_err().failure, StoreFailure::Damaged);
    let disk = Arc::new(FakeDisk::of(bytes));
    let other = StoreKey::new([8; 32]);
    let refused = engine::with(disk.clone(), &other, |engine| engine.get("name/1"));
    assert_eq!(refused.unwrap_err().failure, StoreFailure::WrongKey);
    assert_eq!(content(&disk).unwrap(), model);
}

#[test]
fn damage_to_one_root_slot_harms_nothing_and_is_mended() {
    let (model, bytes) = start();
    for (slot, other) in [(4096, 12_288), (12_288, 4096)] {
        for at in [0, 7, 8, 40, 3000, 4151] {
            let mut damaged = bytes.clone();
            damaged[slot + at] ^= 1;
            let disk = Arc::new(FakeDisk::of(damaged));
            assert_eq!(content(&disk).unwrap(), model, "slot {slot}, byte {at}");
            // After one more commit either slot alone is enough again.
            commit(&disk, vec![put("new", b"1")], Vec::new()).unwrap();
            let mut damaged = disk.bytes();
            damaged[other + at] ^= 1;
            assert_eq!(open(damaged).unwrap()["new"], b"1");
        }
    }
    let mut damaged = bytes;
    damaged[5000] ^= 1;
    damaged[13_000] ^= 1;
    assert_eq!(open(damaged).unwrap_err().failure, StoreFailure::Damaged);
}

/// Whatever is done to the bytes, it is refused as damage or changes nothing.
fn refused_or_right(model: &Model, bytes: Vec<u8>, what: &str) -> bool {
    let disk = Arc::new(FakeDisk::of(bytes));
    match content(&disk) {
        Ok(found) => assert!(found == *model, "{what}: wrong data"),
        Err(error) => assert_eq!(error.failure, StoreFailure::Damaged, "{what}"),
    }
    let mut refused = false;
    for (name, value) in model {
        match with(&disk, |engine| engine.get(name)) {
            Ok(found) => assert!(found.as_ref() == Some(value), "{what}: wrong data"),
            Err(error) => {
                assert_eq!(error.failure, StoreFailure::Damaged, "{what}");
                refused = true;
            }
        }
    }
    refused
}

#[test]
fn a_damaged_block_is_noticed_wherever_it_is() {
    let (model, bytes) = start();
    let blocks = (bytes.len() - BLOCKS_AT as usize) / 4136;
    let mut noticed = BTreeSet::new();
    for block in 0..blocks {
        let start = BLOCKS_AT as usize + block * 4136;
        if bytes[start..start + 24] == [0; 24] {
            continue; // never written
        }
        let mut damaged = bytes.clone();
        damaged[start + (block * 977) % 4136] ^= 0x10;
        if refused_or_right(&model, damaged, &format!("block {block}")) {
            noticed.insert(block);
        }
    }
    assert!(noticed.len() > 5, "only {} blocks matter", noticed.len());
}

#[test]
fn blocks_that_change_places_or_come_from_another_store_are_refused() {
    let (model, bytes) = start();
    let (_, other) = start();
    let at = |block: usize| BLOCKS_AT as usize + block * 4136;
    let written: Vec<usize> = (0..(bytes.len() - at(0)) / 4136)
        .filter(|block| bytes[at(*block)..at(*block) + 24] != [0; 24])
        .collect();
    for pair in written.windows(2) {
        let mut swapped = bytes.clone();
        let (a, b) = (at(pair[0]), at(pair[1]));
        swapped[a..a + 4136].copy_from_slice(&bytes[b..b + 4136]);
        swapped[b..b + 4136].copy_from_slice(&bytes[a..a + 4136]);
        refused_or_right(&model, swapped, "swapped");
        let mut foreign = bytes.clone();
        foreign[a..a + 4136].copy_from_slice(&other[a..a + 4136]);
        refused_or_right(&model, foreign, "foreign");
    }
    // The header of one store, the rest of another.
    let mut mixed = other;
    mixed[..HEADER_LEN].copy_from_slice(&bytes[..HEADER_LEN]);
    assert_eq!(open(mixed).unwrap_err().failure, StoreFailure::Damaged);
}

#[test]
fn a_file_that_was_cut_off_is_refused() {
    let (model, bytes) = start();
    let mut dice = Dice::new(1);
    let mut lengths: Vec<usize> = (0..30).map(|_| dice.below(bytes.len())).collect();
    lengths.extend([0, 1, 8, 4095, 4096, 8248, 20_479, 20_480, bytes.len() - 1]);
    for length in lengths {
        let error = open(bytes[..length].to_vec()).unwrap_err();
        assert_eq!(error.failure, StoreFailure::Damaged, "{length} bytes");
    }
    // More than there should be is what a power cut may leave.
    let mut longer = bytes;
    longer.extend([1; 10_000]);
    assert_eq!(open(longer).unwrap(), model);
}

/// Old blocks in place of new ones are authentic: the database may notice or
/// not, but it must not take the process down, nor damage more.
#[test]
fn old_blocks_in_place_of_new_ones_do_not_take_the_process_down() {
    let (_, old) = start();
    let disk = Arc::new(FakeDisk::of(old.clone()));
    let mut dice = Dice::new(3);
    for _ in 0..6 {
        commit(&disk, dice.batch(), Vec::new()).unwrap();
    }
    let new = disk.bytes();
    for seed in 0..40 {
        let mut dice = Dice::new(seed);
        let mut mixed = new.clone();
        let blocks = (old.len().min(new.len()) - BLOCKS_AT as usize) / 4136;
        for block in 0..blocks {
            let at = BLOCKS_AT as usize + block * 4136;
            if dice.below(3) == 0 {
                mixed[at..at + 4136].copy_from_slice(&old[at..at + 4136]);
            }
        }
        let disk = Arc::new(FakeDisk::of(mixed.clone()));
        for result in [
            content(&disk).map(drop),
            commit(&disk, dice.batch(), Vec::new()),
        ] {
            if let Err(error) = result {
                assert_eq!(error.failure, StoreFailure::Damaged, "seed {seed}");
            }
        }
    }
}

#[test]
fn random_bytes_are_not_a_store() {
    for seed in 0..200 {
        let mut dice = Dice::new(seed);
        let length = dice.below(40_000);
        let bytes = (0..length).map(|_| dice.below(256) as u8).collect();
        assert_eq!(open(bytes).unwrap_err().failure, StoreFailure::Damaged);
    }
}
