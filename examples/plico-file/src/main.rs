//! `plico-file`: files and folders, encrypted for people.
//!
//! An example of what an app does with Plico's payloads: files and folders with
//! progress and cancellation, ranges, members of a folder. See its README.

mod args;
mod home;
mod progress;
mod sealed;

use args::{Args, Command};
use clap::Parser as _;
use plico::{Backend, CancelToken, FileKey, open_offline_file};
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Outcome<T = ()> = Result<T, Failure>;

// One thread awaits; those that encrypt are the library's.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = Args::parse();
    let cancel = CancelToken::new();
    let ended = tokio::select! {
        result = run(args, cancel.clone()) => result,
        () = interrupted(&cancel) => Err("interrupted".into()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not `eprintln!`, which panics if nobody reads it.
            let _ = writeln!(std::io::stderr(), "plico-file: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Ctrl-C ends the work by its token, so that it tidies up; the second time at
/// once.
async fn interrupted(cancel: &CancelToken) {
    if tokio::signal::ctrl_c().await.is_err() {
        return std::future::pending().await;
    }
    cancel.cancel();
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

async fn run(args: Args, cancel: CancelToken) -> Outcome {
    let common = &args.common;
    match args.command {
        Command::Init(init) => home::init(common, &init).await,
        Command::Info => info(common).await,
        Command::NewSession(new) => {
            let account = home::account(common).await?;
            let session = sealed::new_session(&account, &new).await?;
            say(&session.id().to_string())
        }
        Command::Seal(seal) => sealed::seal(common, &seal, cancel).await,
        Command::Open(open) => sealed::open(common, &open, cancel).await,
        Command::Read(read) => sealed::read(common, &read, cancel).await,
        Command::List { envelope } => sealed::list(common, &envelope, cancel).await,
        Command::Extract(extract) => sealed::extract(common, &extract, cancel).await,
        Command::Export { file } => export(common, &file).await,
        Command::Pack { envelope, file } => {
            let account = home::account(common).await?;
            let packed = account.offline_file(&std::fs::read(envelope)?).await?;
            write_new(&file, &packed)
        }
        Command::Unpack(unpack) => {
            let key = FileKey::passphrase(unpack.passphrase.trim());
            let (file, identity) = (std::fs::read(unpack.file)?, std::fs::read(unpack.identity)?);
            let opened = open_offline_file(&file, &identity, &key, None).await?;
            write_new(&unpack.target, opened.content.bytes())
        }
    }
}

async fn info(common: &args::Common) -> Outcome {
    say(&format!("ciphers by {}", Backend::in_use()))?;
    let account = home::account(common).await?;
    match account.identity_id() {
        Some(identity) => say(&format!("identity {identity}")),
        None => say("no identity yet"),
    }
}

async fn export(common: &args::Common, file: &Path) -> Outcome {
    let account = home::account(common).await?;
    let passphrase = FileKey::generate_passphrase();
    let key = FileKey::passphrase(&passphrase);
    let exported = account.export_identity(&key).await?;
    write_new(file, &exported)?;
    say(&format!("passphrase {}", *passphrase))
}

/// A small file that must not be there yet.
fn write_new(path: &Path, bytes: &[u8]) -> Outcome {
    let mut file = std::fs::File::create_new(path)?;
    file.write_all(bytes)?;
    Ok(file.sync_all()?)
}

/// To standard output; a reader that has gone is an error, not a panic.
fn say(line: &str) -> Outcome {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
