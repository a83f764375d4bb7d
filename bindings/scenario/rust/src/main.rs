//! The Rust runner of `bindings/scenario/scenario.json`; see the README there.

mod args;
mod compare;
mod enrol;
mod file;
mod record;
mod value;
mod verbs;
mod world;

use args::Args;
use clap::Parser as _;
use file::Step;
use record::Record;
use std::io::Write as _;
use std::process::ExitCode;
use verbs::Failed;
use world::{Outcome, World};

/// What stops a runner: a file that it can't read or a scenario that it does not understand.
type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    match play(Args::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "plico-scenario: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Plays one phase; `false` if a step failed.
async fn play(args: Args) -> Result<bool, Failure> {
    let steps = file::steps(&args)?;
    let mut record = Record::open(&args.work.join(&args.language))?;
    let mut out = std::io::stdout();
    let (mut passed, mut failed) = (0, 0);
    let mut world = World::new(&args);
    for step in &steps {
        let result = world.perform(step).await;
        if let Err(Failed::Call(error)) = &result
            && step.error.is_some()
        {
            record.error(&step.id, error);
        }
        let judged = judge(&mut world, step, result);
        record.result(&step.id, judged.is_ok());
        match judged {
            Ok(()) => passed += 1,
            Err(why) => {
                failed += 1;
                writeln!(out, "FAILED {}: {why}", step.id)?;
            }
        }
    }
    record.write()?;
    let (language, phase) = (&args.language, &args.phase);
    writeln!(
        out,
        "scenario {language} {phase}: {passed} steps passed, {failed} failed"
    )?;
    Ok(failed == 0)
}

/// Compares what came with what was to come, and keeps it for later steps.
fn judge(world: &mut World, step: &Step, result: Result<Outcome, Failed>) -> Result<(), String> {
    let outcome = match (result, &step.error) {
        (Ok(outcome), None) => outcome,
        (Ok(_), Some(code)) => return Err(format!("expected {code}, but it succeeded")),
        (Err(Failed::Step(why)), _) => return Err(why),
        (Err(Failed::Call(error)), None) => return Err(format!("got {error}")),
        (Err(Failed::Call(error)), Some(code)) => {
            if error.code().as_str() != code {
                return Err(format!("expected {code}, got {error}"));
            }
            let listed = step.recipients.as_deref().unwrap_or(error.recipients());
            return (listed == error.recipients())
                .then_some(())
                .ok_or_else(|| "the list of recipients is another one".to_owned());
        }
    };
    compare::sane(&outcome)?;
    if let Some(expected) = &step.gives {
        compare::matches(world, expected, &outcome)?;
    }
    if let Some(path) = &step.save {
        world.save(path, &outcome)?;
    }
    if let Some(name) = &step.name {
        world.remember(name, outcome);
    }
    Ok(())
}
