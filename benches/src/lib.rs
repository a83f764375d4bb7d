//! What the benches share: rounds of two sides, tables, and how thorough a run is.

pub mod measure;
pub mod payload;

use measure::Outcome;
use std::process::ExitCode;

/// How thorough a run is.
#[derive(Clone, Copy)]
pub struct Effort {
    /// Only that everything works, in a few seconds; the figures mean nothing.
    pub quick: bool,
}

impl Effort {
    /// `rounds` in earnest, 3 otherwise.
    #[must_use]
    pub fn rounds(self, rounds: usize) -> usize {
        if self.quick { 3 } else { rounds }
    }

    /// Those `sizes` that are measured.
    #[must_use]
    pub fn sizes(self, sizes: &[usize]) -> Vec<usize> {
        let most = if self.quick { 100 } else { usize::MAX };
        sizes.iter().copied().filter(|size| *size <= most).collect()
    }
}

/// What can be measured by itself, and its name.
pub type Part = (&'static str, fn(Effort) -> Outcome<()>);

fn run(parts: &[Part], effort: Effort, wanted: &[String]) -> Outcome<()> {
    println!("{}\n", measure::machine());
    if cfg!(debug_assertions) {
        println!("**A debug build: the figures mean nothing.**\n");
    }
    for (name, part) in parts {
        if wanted.is_empty() || wanted.iter().any(|it| it == name) {
            part(effort)?;
        }
    }
    println!("{}", measure::load());
    Ok(())
}

/// Runs those of `parts` that the command line names, or all.
#[must_use]
pub fn run_parts(parts: &[Part]) -> ExitCode {
    let (flags, wanted): (Vec<String>, Vec<String>) = std::env::args()
        .skip(1)
        .partition(|argument| argument.starts_with('-'));
    let known = flags.iter().all(|flag| flag == "--quick")
        && wanted
            .iter()
            .all(|name| parts.iter().any(|(part, _)| part == name));
    if !known {
        let names: Vec<&str> = parts.iter().map(|(name, _)| *name).collect();
        eprintln!("usage: [--quick] [{}]", names.join("] ["));
        return ExitCode::from(2);
    }
    let quick = !flags.is_empty();
    match run(parts, Effort { quick }, &wanted) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
