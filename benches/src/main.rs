//! Plico's speed, always as a ratio to something else in the same run.
//!
//! `scripts/bench [--quick] [wraps] [replay] [sessions] [opening] [devices] [groups]
//! [members] [bulk] [payload] [threads] [directory]`
//! prints Markdown tables; `docs/performance.md` holds a run and what it says.

mod bulk;
mod devices;
mod directory;
mod groups;
mod measure;
mod members;
mod opening;
mod payload;
mod replay;
mod sessions;
mod world;
mod wraps;

use measure::Outcome;
use peak_alloc::PeakAlloc;
use std::process::ExitCode;

/// Counts the bytes that are in use, for the sizes of states.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const ALL: [&str; 11] = [
    "wraps",
    "replay",
    "sessions",
    "opening",
    "devices",
    "groups",
    "members",
    "bulk",
    "payload",
    "threads",
    "directory",
];

/// How thorough a run is.
#[derive(Clone, Copy)]
struct Effort {
    /// Only that everything works, in a few seconds; the figures mean nothing.
    quick: bool,
}

impl Effort {
    /// `rounds` in earnest, 3 otherwise.
    fn rounds(self, rounds: usize) -> usize {
        if self.quick { 3 } else { rounds }
    }

    /// Those `sizes` that are measured.
    fn sizes(self, sizes: &[usize]) -> Vec<usize> {
        let most = if self.quick { 100 } else { usize::MAX };
        sizes.iter().copied().filter(|size| *size <= most).collect()
    }
}

fn run(effort: Effort, wanted: &[String]) -> Outcome<()> {
    println!("{}\n", measure::machine());
    if cfg!(debug_assertions) {
        println!("**A debug build: the figures mean nothing.**\n");
    }
    for name in ALL {
        if !wanted.is_empty() && !wanted.iter().any(|it| it == name) {
            continue;
        }
        match name {
            "wraps" => wraps::run(effort)?,
            "replay" => replay::run(effort)?,
            "sessions" => sessions::run(effort)?,
            "opening" => opening::run(effort)?,
            "devices" => devices::run(effort)?,
            "groups" => groups::run(effort)?,
            "members" => members::run(effort)?,
            "bulk" => bulk::run(effort)?,
            "payload" => payload::run(effort)?,
            "threads" => payload::two_threads(effort)?,
            _ => directory::run(effort)?,
        }
    }
    println!("{}", measure::load());
    Ok(())
}

fn main() -> ExitCode {
    let (flags, wanted): (Vec<String>, Vec<String>) = std::env::args()
        .skip(1)
        .partition(|argument| argument.starts_with('-'));
    let known = flags.iter().all(|flag| flag == "--quick")
        && wanted.iter().all(|name| ALL.contains(&name.as_str()));
    if !known {
        eprintln!("usage: bench [--quick] [{}]", ALL.join("] ["));
        return ExitCode::from(2);
    }
    let quick = !flags.is_empty();
    match run(Effort { quick }, &wanted) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
