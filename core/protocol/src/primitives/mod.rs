//! One thin, named wrapper for each cryptographic primitive that the protocol
//! uses, so that nothing above this layer calls a crate of ciphers directly
//! and a review has one place to compare with the standards.
//!
//! | module | what | source |
//! | --- | --- | --- |
//! | [`aead`] | ChaCha20-Poly1305, AES-256-GCM | RFC 8439, NIST SP 800-38D |
//! | [`hash`] | SHA-256, SHA-512, labelled hashes | FIPS 180-4, RFC 9420 §5.2 |
//! | [`kdf`] | HKDF-Expand, ExpandWithLabel | RFC 5869, RFC 9420 §8 |
//! | [`kem`] | X-Wing in HPKE base mode | draft-connolly-cfrg-xwing-kem, RFC 9180 |
//! | [`sign`] | Ed25519, strict | RFC 8032, RFC 9420 §5.1.2 |
//! | [`random`] | randomness from a generator that the caller passes | |
//! | [`secret`] | memory that is wiped and never printed | |

pub mod aead;
pub mod hash;
pub mod kdf;
pub mod kem;
pub mod passphrase;
pub mod random;
pub mod secret;
pub mod sign;
