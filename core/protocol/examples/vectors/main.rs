//! Makes the project's own test vectors, `core/protocol/testdata/*.json`.
//!
//! ```text
//! cargo run -p plico-protocol --example vectors             writes them
//! cargo run -p plico-protocol --example vectors -- --check  compares, and fails on a difference
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../tests/common/mod.rs"]
mod common;
mod generate;

use std::process::ExitCode;

fn main() -> ExitCode {
    let check = std::env::args().any(|argument| argument == "--check");
    let mut differs = false;
    for (name, cases) in generate::files() {
        let path = generate::folder().join(name);
        if check {
            if !generate::is_same(&path, &cases) {
                eprintln!("{name} differs from what the generator makes");
                differs = true;
            }
        } else {
            std::fs::write(&path, serde_json::to_string_pretty(&cases).unwrap() + "\n").unwrap();
            println!("{name}: {} cases", cases.len());
        }
    }
    ExitCode::from(u8::from(differs))
}
