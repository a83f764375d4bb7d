//! What the fuzzers run: one function for each kind of untrusted bytes that
//! `plico-protocol` decodes. Each checks more than that nothing panics: what
//! decodes encodes to the same bytes, only what was sealed opens, only what was
//! signed verifies, and what the rules accept keeps their promises.
//!
//! The same functions run over the committed corpora in an ordinary test
//! (`tests/corpus.rs`), so this crate is part of the normal workspace; the
//! shims for libFuzzer in `fuzz/` are not.
//!
//! A target that finds something panics: that is its way to say so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod cut;
pub mod envelopes;
pub mod fixture;
pub mod formats;
pub mod logs;
pub mod offline;
pub mod sealed;
pub mod secrets;
pub mod seeds;
pub mod signed_logs;
pub mod wire;

/// A target: bytes in, a panic if a property does not hold.
pub type Target = fn(&[u8]);

/// All targets, by name. `fuzz/fuzz_targets/<name>.rs` and
/// `fuzz/corpus/<name>/` belong to each.
pub const TARGETS: &[(&str, Target)] = &[
    ("entry", formats::entry),
    ("entry_body", formats::entry_body),
    ("head", formats::head),
    ("wrap_info", formats::wrap_info),
    ("opening", formats::opening),
    ("identity_file", formats::identity_file),
    ("backup", formats::backup),
    ("pairing", formats::pairing),
    ("sealed_item", sealed::sealed_item),
    ("key_record", formats::key_record),
    ("small_structs", formats::small_structs),
    ("header", formats::header),
    ("context", formats::context),
    ("detached_signature", formats::detached_signature),
    ("wrap", secrets::wrap),
    ("back_link", secrets::back_link),
    ("metadata", secrets::metadata),
    ("merkle", secrets::merkle),
    ("envelope_open", envelopes::open_any),
    ("envelope_stream", envelopes::stream),
    ("envelope_seal", envelopes::seal_any),
    ("chunked", envelopes::chunks),
    ("text", envelopes::text),
    ("attestation", wire::attestation),
    ("request_signature", wire::request_signature),
    ("base64", wire::base64),
    ("rest_request", wire::rest_request),
    ("rest_answer", wire::rest_answer),
    ("replay_tenant", logs::tenant),
    ("replay_identity", logs::identity),
    ("replay_session", logs::session),
    ("signed_identity", signed_logs::identity),
    ("signed_session", signed_logs::session),
];

/// The target with this name.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    let found = TARGETS.iter().find(|(it, _)| *it == name);
    found.map(|(_, target)| *target)
}
