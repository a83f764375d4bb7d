//! Power cuts: whatever was acknowledged is there, and a batch is there whole
//! or not at all.

use super::*;
use std::io::ErrorKind;

/// How many lives of a disk; more by an environment variable.
fn rounds(ordinary: u64) -> u64 {
    let more = std::env::var("PLICO_POWER_CUTS").ok();
    more.and_then(|it| it.parse().ok()).unwrap_or(ordinary)
}

#[test]
fn a_power_cut_at_any_step_leaves_the_whole_batch_or_nothing_of_it() {
    let (mut kept, mut lost) = (0, 0);
    for seed in 0..rounds(12) {
        let mut dice = Dice::new(seed);
        let mut model = Model::new();
        let mut disk = store(&model);
        for life in 0..25 {
            // Some commits that are acknowledged, then one during which the power goes.
            for _ in 0..dice.below(3) {
                let batch = dice.batch();
                commit(&disk, batch.clone(), Vec::new()).unwrap();
                model = applied(&model, &batch);
            }
            let batch = dice.batch();
            disk.fail_after(dice.below(24), ErrorKind::BrokenPipe);
            let result = commit(&disk, batch.clone(), Vec::new());
            let after = applied(&model, &batch);
            disk = Arc::new(FakeDisk::of(disk.after_power_cut(&mut dice)));
            let found = content(&disk)
                .unwrap_or_else(|error| panic!("seed {seed}, life {life}: {error:?}"));
            if found == after {
                kept += 1;
                model = after;
            } else {
                lost += 1;
                assert!(
                    result.is_err(),
                    "seed {seed}, life {life}: a commit was lost"
                );
                assert!(
                    found == model,
                    "seed {seed}, life {life}: a part of a batch"
                );
            }
        }
    }
    assert!(
        kept > 10 && lost > 10,
        "{kept} kept, {lost} lost: not a test"
    );
}

#[test]
fn two_power_cuts_in_a_row_do_no_more_than_one() {
    for seed in 1000..1000 + rounds(40) {
        let mut dice = Dice::new(seed);
        let model = Model::from([("a".into(), vec![1; 9000]), ("b".into(), vec![2])]);
        let mut disk = store(&model);
        let batch = vec![put("a", &[3; 5000]), put("c", &[4; 70])];
        let after = applied(&model, &batch);
        let mut was_there = false;
        for _ in 0..6 {
            disk.fail_after(dice.below(12), ErrorKind::BrokenPipe);
            let done = commit(&disk, batch.clone(), Vec::new()).is_ok();
            disk = Arc::new(FakeDisk::of(disk.after_power_cut(&mut dice)));
            let found = content(&disk).unwrap();
            was_there |= done || found == after;
            assert!(
                found
                    == if was_there {
                        after.clone()
                    } else {
                        model.clone()
                    },
                "seed {seed}"
            );
        }
    }
}

#[test]
fn a_store_that_is_being_made_is_whole_or_refused() {
    let whole = {
        let disk = store(&Model::new());
        disk.steps()
    };
    for steps in 0..whole {
        let mut dice = Dice::new(steps as u64);
        let disk = Arc::new(FakeDisk::default());
        disk.fail_after(steps, ErrorKind::BrokenPipe);
        let made = engine::create(disk.clone(), &key(), &place(), &Changes::default());
        made.unwrap_err();
        // It never gets its name; if it did, opening it would not invent anything.
        let left = Arc::new(FakeDisk::of(disk.after_power_cut(&mut dice)));
        if let Ok(found) = content(&left) {
            assert!(found.is_empty());
        }
    }
}
