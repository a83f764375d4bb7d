//! `plico-directory fsck`.

use crate::args::Fsck;
use crate::{Failure, print};
use plico_directory::fsck;
use plico_directory::storage::Storage as _;
use plico_directory::storage::sqlite::SqliteStorage;
use std::process::ExitCode;

/// Prints findings and a summary; the code says whether there is a problem.
pub async fn fsck(args: Fsck) -> Result<ExitCode, Failure> {
    if !args.database.exists() {
        return Err(format!("there is no database {}", args.database.display()).into());
    }
    let storage = SqliteStorage::open_for_reading(&args.database).await?;
    let mut printed = Ok(());
    let summary = fsck::run(&storage, &mut |finding| {
        if printed.is_ok() {
            printed = print(&format!("{finding}\n"));
        }
    })
    .await?;
    printed?;
    storage.close().await;
    print(&format!("{summary}\n"))?;
    Ok(match summary.problems {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}
