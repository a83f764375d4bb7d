//! The native half of the npm package `plico`: it delegates to the crate
//! `plico` and holds no rule of its own. What apps see is written in TypeScript
//! (`ts/`), which checks arguments and makes errors; nothing here is public.
//!
//! Every call returns a promise and runs on threads of its own (`runtime.rs`).
//! A rejection is always an error with a stable `code` (`failure.rs`). What the
//! app supplies (transport, store, enrolment, hooks) is called on the event
//! loop's thread through `host/`.

#![deny(clippy::mem_forget)]
// napi registers nothing in a test build, so nothing seems to be used in one.
#![cfg_attr(test, allow(dead_code))]

mod access;
mod account;
mod backups;
mod bytes;
mod devices;
mod everywhere;
mod failure;
mod fields;
mod files;
mod fingerprint;
mod folders;
mod group;
mod group_members;
mod host;
mod lists;
mod many;
mod offline_file;
mod pairing;
mod plico_handle;
mod ranges;
mod recovery;
mod results;
mod rights;
mod runtime;
mod sealed;
mod session;
mod signed;
mod streams;
mod terms;
#[cfg(feature = "testing")]
mod testing;
mod values;

use napi_derive::napi;

/// An error code and its sentence.
#[napi(object, object_from_js = false)]
pub struct CodeOutput {
    /// The stable code.
    pub code: String,
    /// What happened and what to do.
    pub sentence: String,
}

/// All error codes, for the test that compares them with the package's own.
#[napi]
pub fn error_codes() -> Vec<CodeOutput> {
    let output = |code: &plico::ErrorCode| CodeOutput {
        code: code.as_str().to_owned(),
        sentence: code.sentence().to_owned(),
    };
    plico::ErrorCode::ALL.iter().map(output).collect()
}

/// Whose the ciphers of payloads are.
#[napi]
pub fn cipher_backend() -> &'static str {
    plico::Backend::in_use().name()
}
