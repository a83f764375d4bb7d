//! `plico-directory`: the server, and the making of its tenants.

mod args;
mod check;
mod run;
mod tenant;
mod time;

use args::{Args, Command};
use clap::Parser as _;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let args = Args::parse();
    match start(args) {
        Ok(code) => code,
        Err(error) => {
            // Not `eprintln!`, which panics if nobody reads it.
            let _ = writeln!(std::io::stderr(), "plico-directory: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(args: Args) -> Result<ExitCode, Failure> {
    if let Command::Openapi = args.command {
        print(&plico_directory::openapi::document()?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let filter = EnvFilter::try_new(&args.log).map_err(|error| format!("--log: {error}"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // It would tell of a log that nobody reads by a panic.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(async {
            match args.command {
                Command::Serve(args) => run::serve(args).await?,
                Command::Dev(args) => run::dev(args).await?,
                Command::Fsck(args) => return check::fsck(args).await,
                Command::Tenant(command) => tenant::run(command).await?,
                Command::Openapi => {}
            }
            Ok(ExitCode::SUCCESS)
        })
}

/// To standard output; a reader that has gone is an error, not a panic.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}
