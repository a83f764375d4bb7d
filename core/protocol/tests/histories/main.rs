//! Random histories of sessions and identities, with honest and lying parties,
//! played on the real protocol and on a naive model of it.
//!
//! * `PLICO_HISTORIES` – how many in all (default 10,000);
//! * `PLICO_HISTORIES_SEED` – where they begin (default 1). The same seed gives
//!   the same histories; a failure prints it, and the smallest history that fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod actions;
mod check;
#[path = "../common/mod.rs"]
mod common;
mod count;
mod deeds;
mod judge;
mod last;
mod model;
mod people;
mod play;
mod resolve;
mod shelf;
mod stage;
mod strategies;
mod write;

use actions::History;
use count::Counts;
use play::Play;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use stage::Stage;
use strategies::{Weights, history};

const TESTS: u64 = 5;

fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name);
    text.map_or(default, |it| it.parse().expect("a number"))
}

fn play(stage: &Stage, history: &History, counts: &Counts) {
    let mut play = Play::begin(stage.clone(), history, counts);
    for action in &history.actions {
        play.step(action, counts);
    }
    play.end(history.end);
}

/// A fifth of all histories, with these weights.
fn run(test: u8, weights: Weights, steps: std::ops::Range<usize>) {
    let seed = number("PLICO_HISTORIES_SEED", 1);
    let cases = number("PLICO_HISTORIES", 10_000).div_ceil(TESTS);
    let stage = Stage::new(seed.wrapping_mul(TESTS) + u64::from(test));
    let counts = Counts::default();
    let config = Config {
        cases: cases as u32,
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..Config::default()
    };
    let mut bytes = [test; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let result = runner.run(&history(weights, steps), |history| {
        play(&stage, &history, &counts);
        Ok(())
    });
    if let Err(error) = result {
        let (why, smallest) = match error {
            TestError::Fail(why, smallest) => (why, format!("{smallest:?}")),
            TestError::Abort(why) => (why, String::new()),
        };
        panic!("PLICO_HISTORIES_SEED={seed}, test {test}: {why}\nthe smallest: {smallest}");
    }
    println!("{cases} histories, seed {seed}");
    counts.check(cases as usize / 100);
}

const EVEN: Weights = Weights {
    wait: 4,
    devices: 3,
    grant: 10,
    revoke: 6,
    rotate: 8,
    transfer: 3,
    lies: 10,
};

#[test]
fn rights_are_given_and_taken() {
    let weights = Weights {
        grant: 14,
        revoke: 10,
        rotate: 3,
        transfer: 5,
        lies: 4,
        ..EVEN
    };
    run(1, weights, 4..9);
}

#[test]
fn epochs_and_segments() {
    let weights = Weights {
        devices: 2,
        grant: 6,
        revoke: 4,
        rotate: 16,
        ..EVEN
    };
    run(2, weights, 3..8);
}

#[test]
fn devices_come_and_go() {
    let weights = Weights {
        devices: 25,
        ..EVEN
    };
    run(3, weights, 4..9);
}

#[test]
fn time_passes() {
    let weights = Weights { wait: 16, ..EVEN };
    run(4, weights, 4..9);
}

#[test]
fn everybody_lies() {
    let weights = Weights { lies: 40, ..EVEN };
    run(5, weights, 4..8);
}
