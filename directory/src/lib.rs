//! Plico's key directory: a REST server that stores signed chains and wrapped
//! keys, and can read none of them. It authenticates, stores and serves; the
//! rules are all in [`plico_protocol::wire::accept`]. `docs/spec/rest.md` is
//! its specification.
//!
//! The binary `plico-directory` is made of it, and tests embed it:
//!
//! ```
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use plico_directory::{Config, Server, random};
//! use plico_protocol::primitives::sign::SigningKey;
//!
//! let enrolment_key = SigningKey::generate(&mut random::system());
//! let server = Server::bind(Config::in_memory().with_dev(enrolment_key)).await?;
//! let (url, tenant) = (server.public_url().to_owned(), server.dev_tenant());
//! let running = tokio::spawn(server.run_until(std::future::pending()));
//! # running.abort();
//! # drop((url, tenant));
//! # Ok(())
//! # }
//! ```

pub mod admin;
mod answers;
mod app;
mod auth;
mod backups;
mod cache;
pub mod clock;
pub mod fsck;
mod in_process;
pub mod key_file;
mod load;
mod memberships;
pub mod openapi;
mod operator;
mod problem;
pub mod random;
mod request;
mod routes;
mod seen;
mod server;
mod staging;
mod standing;
pub mod storage;
mod trace;
mod writes;

pub use clock::Clock;
pub use in_process::InProcess;
pub use server::{Config, DatabaseConfig, DevConfig, MAX_IN_FLIGHT, Server, ServerError};
