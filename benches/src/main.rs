//! Plico's speed, always as a ratio to something else in the same run: all but
//! payloads, which `bin/payload.rs` has. `scripts/bench` runs both.

mod bulk;
mod devices;
mod directory;
mod groups;
mod members;
mod opening;
mod replay;
mod sessions;
mod world;
mod wraps;

use peak_alloc::PeakAlloc;
use plico_benches::run_parts;
use std::process::ExitCode;

/// Counts the bytes that are in use, for the sizes of states.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

fn main() -> ExitCode {
    run_parts(&[
        ("wraps", wraps::run),
        ("replay", replay::run),
        ("sessions", sessions::run),
        ("opening", opening::run),
        ("devices", devices::run),
        ("groups", groups::run),
        ("members", members::run),
        ("bulk", bulk::run),
        ("directory", directory::run),
    ])
}
