//! Detached signatures over envelopes (envelope spec, "Signed envelope").
//!
//! An envelope alone proves that *some* holder of the epoch's payload key wrote
//! it: every reader could have. A signature says which device did. It covers
//! the ciphertext, so it can be checked without a key to open.

use super::error::EnvelopeError;
use super::io::read_full;
use crate::format::opaque::Opaque;
use crate::primitives::hash::Sha512Stream;
use crate::primitives::sign::{SIGNATURE_LEN, SigningKey, VerifyingKey, labels};
use std::io::Read;
use thiserror::Error;
use tls_codec::{DeserializeBytes, SerializeBytes};
use tls_codec::{TlsDeserializeBytes, TlsSerializeBytes, TlsSize};

/// What every detached signature of this version begins with.
pub const SIGNATURE_MAGIC: [u8; 4] = *b"PLS1";
/// Length of an encoded detached signature in bytes.
pub const ENCODED_LEN: usize = 4 + 32 + 32 + 8 + 32 + 8 + 1 + 2 + SIGNATURE_LEN;

const VERSION: u16 = 1;
const ALGORITHM_ED25519: u8 = 1;

/// Why a detached signature was refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignatureError {
    /// Another magic, a wrong length, or trailing bytes.
    #[error("the bytes are not a detached signature")]
    NotASignature,
    /// An unknown version or algorithm.
    #[error("the signature has an unknown version or algorithm: a newer client is needed")]
    NeedsNewerClient,
    /// Another author, envelope, session or context than was signed, or a forgery.
    #[error("the signature does not match the envelope, its session, its context or its author")]
    Invalid,
}

/// Who signs, and where on their identity chain they stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct Author {
    /// The identity's chain id.
    pub identity: [u8; 32],
    /// The id of the device key that signs.
    pub key: [u8; 32],
    /// The position on the identity chain.
    pub seq: u64,
    /// The hash of the entry at that position.
    pub head: [u8; 32],
}

/// What is signed beside author and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The tenant.
    pub tenant_id: [u8; 32],
    /// The session's chain id.
    pub chain_id: [u8; 32],
    /// SHA-512 of the whole envelope: [`envelope_hash`].
    pub envelope_hash: [u8; 64],
    /// [`AppContext::hash_of`](crate::format::context::AppContext::hash_of).
    pub app_context_hash: [u8; 32],
}

/// The content under the label `envelope`.
#[derive(TlsSerializeBytes, TlsSize)]
struct Statement {
    version: u16,
    tenant_id: [u8; 32],
    chain_id: [u8; 32],
    author: Author,
    claimed_ms: u64,
    envelope_hash: [u8; 64],
    app_context_hash: [u8; 32],
}

/// What follows the magic.
#[derive(TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
struct Wire {
    author: Author,
    claimed_ms: u64,
    algorithm: u8,
    signature: Opaque,
}

/// A detached signature. What it says is not to be believed before
/// [`Self::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvelopeSignature {
    author: Author,
    claimed_ms: u64,
    signature: [u8; SIGNATURE_LEN],
}

impl EnvelopeSignature {
    /// Signs `subject` with `key`, which must be the one that `author.key`
    /// names. `claimed_ms` is the writer's clock, in milliseconds since 1970.
    ///
    /// # Errors
    /// None in practice; [`SignatureError::Invalid`] if encoding failed.
    pub fn sign(
        key: &SigningKey,
        author: Author,
        claimed_ms: u64,
        subject: &Subject,
    ) -> Result<Self, SignatureError> {
        let statement = statement(author, claimed_ms, subject)?;
        Ok(Self {
            author,
            claimed_ms,
            signature: key.sign(labels::ENVELOPE, &statement),
        })
    }

    /// Verifies over `subject` with `key`. The caller must have taken `key` from
    /// the identity chain that [`Self::author`] names, and decides whether that
    /// device was allowed to write then.
    ///
    /// # Errors
    /// [`SignatureError::Invalid`].
    pub fn verify(&self, key: &VerifyingKey, subject: &Subject) -> Result<(), SignatureError> {
        let statement = statement(self.author, self.claimed_ms, subject)?;
        key.verify(labels::ENVELOPE, &statement, &self.signature)
            .map_err(|_| SignatureError::Invalid)
    }

    /// Who claims to have signed.
    #[must_use]
    pub fn author(&self) -> &Author {
        &self.author
    }

    /// When the author claims to have signed, in milliseconds since 1970.
    #[must_use]
    pub fn claimed_ms(&self) -> u64 {
        self.claimed_ms
    }

    /// The 183 bytes:
    ///
    /// ```text
    /// "PLS1" ‖ identity[32] ‖ key[32] ‖ seq u64 ‖ head[32] ‖ claimed_ms u64
    ///        ‖ algorithm u8 = 1 ‖ signature<V> (0x4040, 64 bytes)
    /// ```
    ///
    /// # Errors
    /// None in practice; [`SignatureError::Invalid`] if encoding failed.
    pub fn encode(&self) -> Result<Vec<u8>, SignatureError> {
        let wire = Wire {
            author: self.author,
            claimed_ms: self.claimed_ms,
            algorithm: ALGORITHM_ED25519,
            signature: self.signature.as_slice().into(),
        };
        let mut out = SIGNATURE_MAGIC.to_vec();
        out.extend_from_slice(
            &wire
                .tls_serialize_bytes()
                .map_err(|_| SignatureError::Invalid)?,
        );
        Ok(out)
    }

    /// Reads what [`Self::encode`] wrote, and nothing else.
    ///
    /// # Errors
    /// [`SignatureError::NotASignature`], [`SignatureError::NeedsNewerClient`].
    pub fn decode(bytes: &[u8]) -> Result<Self, SignatureError> {
        let rest = match bytes.split_first_chunk::<4>() {
            Some((&SIGNATURE_MAGIC, rest)) => rest,
            Some(([b'P', b'L', b'S', b'0'..=b'9'], _)) => {
                return Err(SignatureError::NeedsNewerClient);
            }
            _ => return Err(SignatureError::NotASignature),
        };
        let wire =
            Wire::tls_deserialize_exact_bytes(rest).map_err(|_| SignatureError::NotASignature)?;
        if wire.algorithm != ALGORITHM_ED25519 {
            return Err(SignatureError::NeedsNewerClient);
        }
        Ok(Self {
            author: wire.author,
            claimed_ms: wire.claimed_ms,
            signature: wire
                .signature
                .as_slice()
                .try_into()
                .map_err(|_| SignatureError::NotASignature)?,
        })
    }
}

fn statement(
    author: Author,
    claimed_ms: u64,
    subject: &Subject,
) -> Result<Vec<u8>, SignatureError> {
    Statement {
        version: VERSION,
        tenant_id: subject.tenant_id,
        chain_id: subject.chain_id,
        author,
        claimed_ms,
        envelope_hash: subject.envelope_hash,
        app_context_hash: subject.app_context_hash,
    }
    .tls_serialize_bytes()
    .map_err(|_| SignatureError::Invalid)
}

/// SHA-512 of a whole envelope.
#[must_use]
pub fn envelope_hash(envelope: &[u8]) -> [u8; 64] {
    let mut hash = Sha512Stream::default();
    hash.update(envelope);
    hash.finish()
}

/// SHA-512 of the whole envelope that `reader` gives, in constant memory
/// (16 KiB).
///
/// # Errors
/// [`EnvelopeError::Io`].
pub fn envelope_hash_stream<R: Read>(mut reader: R) -> Result<[u8; 64], EnvelopeError> {
    let mut hash = Sha512Stream::default();
    let mut buffer = vec![0u8; 16 * 1024];
    loop {
        let len = read_full(&mut reader, &mut buffer)?;
        hash.update(&buffer[..len]);
        if len < buffer.len() {
            return Ok(hash.finish());
        }
    }
}
