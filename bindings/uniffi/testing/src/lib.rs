//! The testing kit as UniFFI carries it to Kotlin and Swift: a real directory
//! inside the test's own process, its clock, its lies, and connections with
//! switches. A library of its own, so that no app ships a directory.
//!
//! The two libraries never meet: a connection here is a transport that the
//! hand-written layer gives to Plico like any other of the host's.

mod clock;
mod connection;
mod directory;
mod failure;
mod operator;

pub use clock::KitClock;
pub use connection::{KitConnection, KitHeader, KitRequest, KitResponse};
pub use directory::{KitBackup, KitDirectory, lies};
pub use failure::KitFailure;
pub use operator::{KitOperated, KitWho};

uniffi::setup_scaffolding!();
