//! The Plico protocol, without I/O: formats, signed chains, keyrings, rights
//! and envelopes. No clock, no global randomness, no async.

pub mod envelope;
pub mod format;
pub mod primitives;
