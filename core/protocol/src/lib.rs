//! The Plico protocol, without I/O: formats, signed chains, keyrings, rights
//! and envelopes. No clock, no global randomness, no async.
//!
//! The layers import only downwards:
//!
//! ```text
//! primitives <- format <- { chain, keyring } <- identity <- rights <- wire
//! envelope: primitives + format only
//! ```
//!
//! Every format is specified in `docs/spec/`, with vectors in `testdata/`.

pub mod chain;
pub mod envelope;
pub mod format;
pub mod identity;
pub mod keyring;
pub mod primitives;
pub mod rights;
pub mod wire;
