//! Every input of the committed corpora, as it is and with a few hundred
//! deterministic changes, through its target.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use plico_fuzz_targets::TARGETS;
use plico_fuzz_targets::fixture::Bytes;
use plico_protocol::primitives::hash::sha256;
use rand_core::TryRng;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Bytes that all corpora may have together.
const MAX_CORPUS: u64 = 1_000_000;
/// Changes of the targets' inputs, shared by the inputs of each.
const CHANGES: usize = 3_000;
/// The most changes of one input.
const CHANGES_OF_ONE: usize = 300;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let files = std::fs::read_dir(fuzz().join("corpus").join(target));
    let files = files.unwrap_or_else(|error| panic!("no corpus for {target}: {error}"));
    let mut all: Vec<(PathBuf, Vec<u8>)> = files
        .map(|it| it.unwrap().path())
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect();
    all.sort();
    all
}

/// One of the things that fuzzers do to bytes.
fn change(data: &mut Vec<u8>, other: &[u8], rng: &mut Bytes) {
    let mut number = |below: usize| {
        let Ok(random) = rng.try_next_u64();
        (random % below.max(1) as u64) as usize
    };
    let at = number(data.len() + 1);
    match number(8) {
        0 if at < data.len() => data[at] ^= 1 << number(8),
        1 if at < data.len() => data[at] = [0, 1, 0x7f, 0x80, 0xff][number(5)],
        2 => data.truncate(at),
        3 => data.insert(at, number(256) as u8),
        4 if at < data.len() => drop(data.remove(at)),
        5 => {
            // A piece of itself again.
            let end = (at + number(64)).min(data.len());
            let piece = data[at..end].to_vec();
            let to = number(data.len() + 1);
            data.splice(to..to, piece);
        }
        6 => {
            // The end of another input.
            let from = number(other.len() + 1);
            data.truncate(at);
            data.extend_from_slice(&other[from..]);
        }
        _ => {
            // A number that is one too many or too few.
            if let Some(byte) = data.get_mut(at) {
                *byte = byte.wrapping_add(if number(2) == 0 { 1 } else { 255 });
            }
        }
    }
}

fn replay(only: &dyn Fn(usize) -> bool) {
    for (number, (name, target)) in TARGETS.iter().enumerate() {
        if !only(number) {
            continue;
        }
        let inputs = corpus(name);
        assert!(!inputs.is_empty(), "the corpus of {name} is empty");
        let each = (CHANGES / inputs.len()).min(CHANGES_OF_ONE);
        for (place, (path, data)) in inputs.iter().enumerate() {
            let run = |data: &[u8]| {
                let result = std::panic::catch_unwind(|| target(data));
                assert!(result.is_ok(), "{name}, {path:?}: {}", hex::encode(data));
            };
            run(data);
            let seed: [u8; 32] = sha256(&[name.as_bytes(), data]);
            let mut rng = Bytes(u64::from_be_bytes(seed[..8].try_into().unwrap()) | 1);
            for round in 0..each {
                let other = &inputs[(place + round) % inputs.len()].1;
                let mut changed = data.clone();
                for _ in 0..=round % 4 {
                    change(&mut changed, other, &mut rng);
                }
                run(&changed);
            }
        }
    }
}

#[test]
fn every_other_target_replays_its_corpus() {
    replay(&|number| number % 2 == 0);
}

#[test]
fn and_so_do_the_rest() {
    replay(&|number| number % 2 == 1);
}

#[test]
fn nothing_and_anything_are_inputs_too() {
    for (name, target) in TARGETS {
        target(&[]);
        for byte in 0..=255u8 {
            target(&[byte]);
        }
        let Ok(()) = Bytes(9).try_fill_bytes(&mut [0; 4]);
        let mut noise = vec![0; 3_000];
        let Ok(()) = Bytes(name.len() as u64 + 1).try_fill_bytes(&mut noise);
        target(&noise);
    }
}

#[test]
fn each_target_has_a_shim_and_a_corpus_and_no_shim_is_without() {
    let names: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).into()).collect();
    assert_eq!(names.len(), TARGETS.len(), "a name twice");
    let manifest = std::fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    let listed = |folder: &str| -> BTreeSet<String> {
        let files = std::fs::read_dir(fuzz().join(folder)).unwrap();
        let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
        files.map(|it| stem(it.unwrap().path())).collect()
    };
    assert_eq!(listed("fuzz_targets"), names);
    assert_eq!(listed("corpus"), names);
    for name in &names {
        let shim = std::fs::read_to_string(fuzz().join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(shim.contains(&format!("\"{name}\"")), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"\n")), "{name}");
    }
}

#[test]
fn the_corpora_stay_small() {
    let all = TARGETS.iter().flat_map(|(name, _)| corpus(name));
    let bytes: u64 = all.map(|(_, data)| data.len() as u64).sum();
    assert!(bytes < MAX_CORPUS, "{bytes} bytes");
}
