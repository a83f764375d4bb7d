//! The Plico protocol, without I/O: formats, signed chains, keyrings, rights
//! and envelopes. No clock, no global randomness, no async.

pub mod chain;
pub mod format;
pub mod identity;
pub mod keyring;
pub mod primitives;
pub mod rights;
pub mod wire;
