//! The command line. Each flag has a variable with the same name.

use crate::time;
use clap::{Parser, Subcommand};
use plico_protocol::wire::b64;
use std::net::SocketAddr;
use std::path::PathBuf;

#[derive(Parser)]
#[command(
    name = "plico-directory",
    version,
    about = "Plico's key directory: stores signed chains and wrapped keys, and can read none of them"
)]
pub struct Args {
    /// What to log, to stderr: error, warn, info, debug, or a filter such as
    /// `warn,plico_directory=debug`
    #[arg(long, global = true, env = "PLICO_LOG", default_value_t = default_log())]
    pub log: String,
    #[command(subcommand)]
    pub command: Command,
}

fn default_log() -> String {
    std::env::var("RUST_LOG").unwrap_or_else(|_| "info".into())
}

#[derive(Subcommand)]
pub enum Command {
    /// Run the directory
    Serve(Serve),
    /// Run a directory for development: a local database, one tenant, and an
    /// endpoint that enrols anybody
    Dev(Dev),
    /// Check a whole database: replay every chain, and compare everything else
    /// with what the chains say. Only reads, and works beside a running server.
    /// One line for each finding; ends with 1 if there is a problem
    Fsck(Fsck),
    /// Make and change tenants
    #[command(subcommand)]
    Tenant(Tenant),
    /// Print the OpenAPI document
    Openapi,
}

#[derive(clap::Args)]
pub struct Serve {
    /// Where to listen
    #[arg(long, env = "PLICO_LISTEN", default_value = "127.0.0.1:8200")]
    pub listen: SocketAddr,
    /// The URL that clients use; they sign it, so it must be exactly this one
    #[arg(long, env = "PLICO_PUBLIC_URL")]
    pub public_url: String,
    /// The database's file; made by `tenant create`
    #[arg(long, env = "PLICO_DATABASE")]
    pub database: PathBuf,
    /// Requests that are carried out at a time; more are refused (each may
    /// hold 16 MiB)
    #[arg(long, env = "PLICO_MAX_IN_FLIGHT", default_value_t = plico_directory::MAX_IN_FLIGHT)]
    pub max_in_flight: usize,
    /// The database was restored from a backup: the moment of that backup, such
    /// as 2027-03-01T02:00:00Z or milliseconds since 1970. What clients hand
    /// back of the time since is then taken even if the author's device, grant
    /// or enrolment token has ended in the meantime. A stolen device that was
    /// revoked since could misuse that, so take the option away after a day
    #[arg(long, env = "PLICO_RESTORED_FROM", value_parser = time::parse)]
    pub restored_from: Option<u64>,
}

#[derive(clap::Args)]
pub struct Dev {
    /// Where to listen
    #[arg(long, env = "PLICO_LISTEN", default_value = "127.0.0.1:8200")]
    pub listen: SocketAddr,
    /// The URL that clients use; by default the address
    #[arg(long, env = "PLICO_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// The folder for the database and the enrolment key; made if it isn't there
    #[arg(long, env = "PLICO_DATA", default_value = "./plico-dev")]
    pub data: PathBuf,
}

#[derive(clap::Args)]
pub struct Fsck {
    /// The database's file
    #[arg(long, env = "PLICO_DATABASE")]
    pub database: PathBuf,
}

#[derive(Subcommand)]
pub enum Tenant {
    /// Make a tenant and print its id
    Create {
        /// The database's file; made if it isn't there
        #[arg(long, env = "PLICO_DATABASE")]
        database: PathBuf,
        /// The file of the enrolment key with which the app's backend signs
        /// tokens (PKCS#8 PEM); made if it isn't there, never stored elsewhere
        #[arg(long, env = "PLICO_ENROLMENT_KEY")]
        enrolment_key: PathBuf,
        /// A name for lists
        #[arg(long, env = "PLICO_NAME", default_value = "")]
        name: String,
    },
    /// Add an enrolment key
    AddKey {
        /// The database's file
        #[arg(long, env = "PLICO_DATABASE")]
        database: PathBuf,
        /// The tenant's id
        #[arg(long, env = "PLICO_TENANT", value_parser = id, allow_hyphen_values = true)]
        tenant: [u8; 32],
        /// The file of an enrolment key that the tenant has
        #[arg(long, env = "PLICO_SIGN_WITH")]
        sign_with: PathBuf,
        /// The file of the new key; made if it isn't there
        #[arg(long, env = "PLICO_ENROLMENT_KEY")]
        enrolment_key: PathBuf,
    },
    /// Revoke an enrolment key; what it signed before stays valid
    RevokeKey {
        /// The database's file
        #[arg(long, env = "PLICO_DATABASE")]
        database: PathBuf,
        /// The tenant's id
        #[arg(long, env = "PLICO_TENANT", value_parser = id, allow_hyphen_values = true)]
        tenant: [u8; 32],
        /// The file of an enrolment key that the tenant has
        #[arg(long, env = "PLICO_SIGN_WITH")]
        sign_with: PathBuf,
        /// The id of the key to revoke; see `tenant show`
        #[arg(long, env = "PLICO_KEY_ID", value_parser = id, allow_hyphen_values = true)]
        key_id: [u8; 32],
    },
    /// Set what clients of the tenant do by themselves
    SetPolicy {
        /// The database's file
        #[arg(long, env = "PLICO_DATABASE")]
        database: PathBuf,
        /// The tenant's id
        #[arg(long, env = "PLICO_TENANT", value_parser = id, allow_hyphen_values = true)]
        tenant: [u8; 32],
        /// The file of an enrolment key that the tenant has
        #[arg(long, env = "PLICO_SIGN_WITH")]
        sign_with: PathBuf,
        /// After how many days an identity's user key is renewed; 0: never by itself
        #[arg(long, env = "PLICO_USER_KEY_DAYS")]
        user_key_days: u32,
    },
    /// Print a token with which a program of the app's backend looks keys up, to
    /// seal for others: valid for five minutes. Needs no database
    ServiceToken {
        /// The tenant's id
        #[arg(long, env = "PLICO_TENANT", value_parser = id, allow_hyphen_values = true)]
        tenant: [u8; 32],
        /// The file of an enrolment key that the tenant has
        #[arg(long, env = "PLICO_SIGN_WITH")]
        sign_with: PathBuf,
    },
    /// List the tenants
    List {
        /// The database's file
        #[arg(long, env = "PLICO_DATABASE")]
        database: PathBuf,
    },
    /// Show a tenant and its keys
    Show {
        /// The database's file
        #[arg(long, env = "PLICO_DATABASE")]
        database: PathBuf,
        /// The tenant's id
        #[arg(value_parser = id, allow_hyphen_values = true)]
        tenant: [u8; 32],
    },
}

fn id(text: &str) -> Result<[u8; 32], String> {
    b64::decode_array(text)
        .ok_or_else(|| "not an id: 32 bytes in base64url, 43 characters".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
        let id = "-".repeat(42) + "A";
        assert!(
            Args::try_parse_from(["x", "tenant", "show", "--database", "a", &id]).is_ok(),
            "ids may begin with a hyphen"
        );
        assert!(Args::try_parse_from(["x", "tenant", "show", "--database", "a", "b"]).is_err());
    }
}
