//! A clinic, an insurer and a directory that can't read: the whole of Plico
//! in one story, over real HTTP and a real file.
//!
//! `cargo run --release --example clinic -- [FILE]`

mod backend;
mod laboratory;
mod lost_phone;
mod practice;
mod story;
mod wires;

use std::path::PathBuf;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let file = std::env::args_os().nth(1).map(PathBuf::from);
    match story::tell(file).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nThe story did not go as it should: {error}");
            ExitCode::FAILURE
        }
    }
}
