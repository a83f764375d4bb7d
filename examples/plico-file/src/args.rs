//! The command line.

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use plico::{SessionId, Suite};
use std::path::PathBuf;

/// Encrypts files and folders for people.
#[derive(Parser)]
#[command(version, propagate_version = true)]
pub struct Args {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(ClapArgs)]
pub struct Common {
    /// Where the identity is kept.
    #[arg(
        long,
        global = true,
        env = "PLICO_FILE_HOME",
        default_value = ".plico-file"
    )]
    pub home: PathBuf,
    /// Without the directory: what is known is used as it is.
    #[arg(long, global = true)]
    pub offline: bool,
    /// How many threads encrypt or decrypt; all cores if not given.
    #[arg(long, global = true)]
    pub threads: Option<usize>,
    /// No progress bar.
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

#[derive(Subcommand)]
pub enum Command {
    /// Makes an identity.
    Init(Init),
    /// Who this is, and whose ciphers are used.
    Info,
    /// Makes a session, which several envelopes may share, and prints its id.
    NewSession(NewSession),
    /// Encrypts a file or a folder.
    Seal(Seal),
    /// Decrypts a file, or a folder.
    Open(Open),
    /// Decrypts a range of a file to standard output.
    Read(Read),
    /// Lists what is in an encrypted folder.
    List {
        /// The encrypted folder.
        envelope: PathBuf,
    },
    /// Decrypts one file of an encrypted folder.
    Extract(Extract),
    /// Writes the identity into a file, and prints the passphrase for it.
    Export {
        /// Where to.
        file: PathBuf,
    },
    /// Packs a small envelope with all that opens it, for a place without a network.
    Pack {
        /// The envelope.
        envelope: PathBuf,
        /// The offline file to make.
        file: PathBuf,
    },
    /// Opens an offline file with an exported identity, without a network.
    Unpack(Unpack),
}

#[derive(ClapArgs)]
pub struct Init {
    /// The directory's address.
    #[arg(long, env = "PLICO_DIRECTORY")]
    pub directory: String,
    /// The tenant's id.
    #[arg(long, env = "PLICO_TENANT", allow_hyphen_values = true)]
    pub tenant: String,
    /// The name that others will encrypt for.
    #[arg(long)]
    pub user_id: String,
    /// A command that prints the enrolment token which your backend signs for the
    /// identity in PLICO_IDENTITY; without it, a development directory is asked.
    #[arg(long, value_name = "COMMAND")]
    pub token_command: Option<String>,
}

#[derive(ClapArgs)]
pub struct NewSession {
    /// For whom, beside yourself: user ids.
    #[arg(long = "for", value_name = "USER_ID")]
    pub recipients: Vec<String>,
    /// The cipher of what the session will hold.
    #[arg(long, value_enum, default_value_t)]
    pub cipher: Cipher,
}

#[derive(Clone, Copy, Default, ValueEnum)]
pub enum Cipher {
    /// AES-256-GCM if this machine has instructions for it, otherwise the other
    #[default]
    Auto,
    /// ChaCha20-Poly1305, fast on any machine
    Chacha20,
    /// AES-256-GCM
    Aes256,
}

impl From<Cipher> for Suite {
    fn from(cipher: Cipher) -> Self {
        match cipher {
            Cipher::Auto => Self::fastest_here(),
            Cipher::Chacha20 => Self::ChaCha20Poly1305Sha512,
            Cipher::Aes256 => Self::Aes256GcmSha512,
        }
    }
}

#[derive(ClapArgs)]
pub struct Seal {
    /// A file or a folder.
    pub source: PathBuf,
    /// The envelope to make.
    pub target: PathBuf,
    #[command(flatten)]
    pub new: NewSession,
    /// In this session instead of a new one.
    #[arg(long, allow_hyphen_values = true, conflicts_with_all = ["recipients", "cipher"])]
    pub session: Option<SessionId>,
    /// Leaves links out of a folder, instead of refusing it.
    #[arg(long)]
    pub skip_links: bool,
}

#[derive(ClapArgs)]
pub struct Open {
    /// The envelope.
    pub source: PathBuf,
    /// The file or folder to make.
    pub target: PathBuf,
    /// It is a folder.
    #[arg(long)]
    pub folder: bool,
}

#[derive(ClapArgs)]
pub struct Read {
    /// The envelope.
    pub envelope: PathBuf,
    /// The first byte.
    #[arg(long, default_value_t = 0)]
    pub offset: u64,
    /// How many bytes; all that follow if not given.
    #[arg(long)]
    pub length: Option<u64>,
    /// Says on standard error how much of the envelope was read.
    #[arg(long)]
    pub count: bool,
}

#[derive(ClapArgs)]
pub struct Extract {
    /// The encrypted folder.
    pub envelope: PathBuf,
    /// The file in it, as `list` shows it.
    pub member: String,
    /// The file to make.
    pub target: PathBuf,
}

#[derive(ClapArgs)]
pub struct Unpack {
    /// The offline file.
    pub file: PathBuf,
    /// The exported identity.
    pub identity: PathBuf,
    /// The file to make.
    pub target: PathBuf,
    /// The passphrase of the exported identity.
    #[arg(
        long,
        env = "PLICO_FILE_PASSPHRASE",
        hide_env_values = true,
        allow_hyphen_values = true
    )]
    pub passphrase: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
        let id = "-".repeat(42) + "A";
        for line in [
            ["plico-file", "seal", "a", "b", "--session", &id].as_slice(),
            &[
                "plico-file",
                "init",
                "--directory",
                "a",
                "--user-id",
                "b",
                "--tenant",
                &id,
            ],
            &["plico-file", "unpack", "a", "b", "c", "--passphrase", &id],
        ] {
            let parsed = Args::try_parse_from(line);
            assert!(parsed.is_ok(), "ids may begin with a hyphen: {line:?}");
        }
    }
}
