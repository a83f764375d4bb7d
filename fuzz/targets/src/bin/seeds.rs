//! Writes the seeds into `fuzz/corpus/<target>/seed-<hash>`, and nothing else:
//! what a fuzzer has added there stays.
#![allow(clippy::expect_used)]

use plico_fuzz_targets::seeds;
use plico_protocol::primitives::hash::sha256;
use std::path::Path;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = root.join("../corpus");
    let all = seeds::all(&root.join("../../core/protocol/testdata"));
    for (target, bytes) in &all {
        let folder = corpus.join(target);
        std::fs::create_dir_all(&folder).expect("a folder for the corpus");
        let name = format!("seed-{}", &hex::encode(sha256(&[bytes]))[..12]);
        std::fs::write(folder.join(name), bytes).expect("a seed is written");
    }
    println!("{} seeds", all.len());
}
