//! The command line: the same for every language.

use clap::Parser;
use std::path::PathBuf;

/// Plays one phase of the scenario.
#[derive(Parser)]
pub struct Args {
    /// The scenario
    #[arg(long)]
    pub scenario: PathBuf,
    /// The phase to play
    #[arg(long)]
    pub phase: String,
    /// Whom this runner plays
    #[arg(long)]
    pub language: String,
    /// All who play, this one included
    #[arg(long, value_delimiter = ',')]
    pub languages: Vec<String>,
    /// The directory's URL
    #[arg(long)]
    pub directory: String,
    /// The tenant's id
    #[arg(long, allow_hyphen_values = true)]
    pub tenant: String,
    /// The folder that all share
    #[arg(long)]
    pub work: PathBuf,
}
