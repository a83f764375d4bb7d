//! How fast payloads are encrypted and decrypted, as a ratio to something else in
//! the same run. Not with the other benches, whose allocator counts, and fills memory
//! with zeros that the system gives as zeros.

use plico_benches::{payload, run_parts};
use std::process::ExitCode;

fn main() -> ExitCode {
    run_parts(&[("payload", payload::run), ("threads", payload::two_threads)])
}
