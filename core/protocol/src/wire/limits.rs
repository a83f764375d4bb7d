//! Bounds that both sides keep. All are in `docs/spec/limits.md`.

/// The REST protocol's versions that this release speaks.
pub const PROTOCOL_MIN: u32 = 1;
/// See [`PROTOCOL_MIN`].
pub const PROTOCOL_MAX: u32 = 1;
/// Length of a request's body in bytes.
pub const MAX_BODY: usize = 16 * 1024 * 1024;
/// Length of an answer's body in bytes that a client reads.
pub const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// Entries that one request may append.
pub const MAX_BATCH: usize = 64;
/// Sessions and groups that one request may write to.
pub const MAX_WRITES: usize = 64;
/// Wraps in one staged part.
pub const MAX_PART_WRAPS: usize = 2_048;
/// Staged parts of an identity at a time, and so those of one request.
pub const MAX_PARTS: usize = 16;
/// How long a staged part waits for its entry, in milliseconds.
pub const STAGED_FOR_MS: u64 = 3_600_000;
/// Entries that one request may hand back to a restored directory.
pub const MAX_HAND_BACK: usize = 1_024;
/// Entries on one page of a log.
pub const MAX_PAGE_ENTRIES: usize = 512;
/// Bytes of entries on one page of a log, but always at least one entry.
pub const MAX_PAGE_BYTES: usize = 4 * 1024 * 1024;
/// User ids or identities in one look-up.
pub const MAX_LOOKUP: usize = 256;
/// Sessions in one look-up.
pub const MAX_SESSION_LOOKUP: usize = 64;
/// Length of a metadata blob in bytes.
pub const MAX_METADATA: usize = 8 * 1024;
/// Newest wraps of each segment that an answer carries.
pub const WRAPS_PER_SEGMENT: usize = 4;
/// How far a signed time may be from the directory's where expiry depends on
/// it, in milliseconds.
pub const MAX_SKEW_MS: u64 = 300_000;
/// How long a request's signature may be valid, in seconds.
pub const MAX_SIGNATURE_LIFETIME_S: u64 = 60;
/// How far a request's `created` may lie in the directory's future, in seconds.
pub const MAX_SIGNATURE_FUTURE_S: u64 = 30;
