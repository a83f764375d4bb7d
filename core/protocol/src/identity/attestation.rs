//! The app backend's word that a user id belongs to an identity: an EdDSA JWT
//! (RFC 7519, RFC 8037), verified by every client against the tenant's chain.
//!
//! Header: `alg` = `EdDSA` (or RFC 9864's `Ed25519`), `typ` =
//! `plico-enrolment+jwt`, `kid` = the enrolment key's id in base64url.
//! Claims: `aud` = the tenant id, `sub` = the user id, `plico_identity` = the
//! identity id (both ids base64url without padding), `plico_number` (1 if
//! absent), `iat` and `exp` in seconds, at most 300 apart.

use super::tenant::TenantState;
use super::token::{self, Dated, id_from};
use crate::format::bodies::{BindUserId, UserIdOpening};
use crate::format::encode;
use crate::format::ids::{ChainId, KeyId};
use crate::primitives::hash::ref_hash;
use crate::primitives::sign::SigningKey;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How long a token may be valid, in seconds.
pub const MAX_LIFETIME_S: u64 = 300;
/// Length of a token in bytes.
pub const MAX_TOKEN_LEN: usize = 4_096;
/// Length of a user id in bytes of UTF-8.
pub const MAX_USER_ID_LEN: usize = 256;
/// How far a binding's signed time may lie outside of its token's life, in milliseconds.
pub const BINDING_SKEW_MS: u64 = 300_000;

const TYPE: &str = "plico-enrolment+jwt";

/// Why a token or a binding was refused.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttestationError {
    /// Not a compact JWT with the header and claims that Plico asks for.
    #[error(
        "the enrolment token is not an EdDSA JWT of type plico-enrolment+jwt with aud, sub, plico_identity, iat and exp"
    )]
    Malformed,
    /// Signed by a key that is not in the tenant's chain, or was revoked before.
    #[error(
        "the enrolment token is signed by a key that is not one of the tenant's enrolment keys"
    )]
    UnknownKey,
    /// The signature does not verify.
    #[error("the enrolment token's signature does not verify")]
    Signature,
    /// Made for another tenant.
    #[error("the enrolment token was made for another tenant")]
    Audience,
    /// Longer than five minutes, or ends before it begins.
    #[error("the enrolment token may be valid for at most 300 seconds")]
    Lifetime,
    /// The token, the opening and the entry do not say the same.
    #[error("the user id's binding does not match its attestation")]
    Mismatch,
    /// Empty or longer than 256 bytes.
    #[error("a user id has 1 to 256 bytes of UTF-8")]
    UserId,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    aud: String,
    sub: String,
    plico_identity: String,
    #[serde(default = "first")]
    plico_number: u64,
    iat: u64,
    exp: u64,
}

fn first() -> u64 {
    1
}

impl Dated for Claims {
    fn audience(&self) -> &str {
        &self.aud
    }

    fn life_s(&self) -> (u64, u64) {
        (self.iat, self.exp)
    }
}

/// What a verified token says.
#[derive(Clone, PartialEq, Eq)]
pub struct Attestation {
    /// The app's name for the identity: personal data.
    pub user_id: String,
    /// The identity.
    pub identity: ChainId,
    /// A later binding of the same user id has a higher number.
    pub number: u64,
    /// Not before, in milliseconds since 1970-01-01 UTC.
    pub issued_ms: u64,
    /// Not after, in milliseconds since 1970-01-01 UTC.
    pub expires_ms: u64,
}

impl core::fmt::Debug for Attestation {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Attestation({:?}, user id redacted)", self.identity)
    }
}

/// Checks that `user_id` has a length that the protocol allows.
pub fn check_user_id(user_id: &str) -> Result<(), AttestationError> {
    if user_id.is_empty() || user_id.len() > MAX_USER_ID_LEN {
        return Err(AttestationError::UserId);
    }
    Ok(())
}

impl Attestation {
    /// Signs a token, as an app's backend does. `iat` is `issued_ms` in whole seconds.
    #[must_use]
    pub fn sign(&self, tenant: ChainId, key_id: KeyId, key: &SigningKey) -> String {
        let claims = Claims {
            aud: token::audience_of(tenant),
            sub: self.user_id.clone(),
            plico_identity: token::id_text(&self.identity.0),
            plico_number: self.number,
            iat: self.issued_ms / 1000,
            exp: self.expires_ms / 1000,
        };
        token::sign(TYPE, key_id, key, &claims)
    }

    /// Verifies a token against the tenant's chain. Whether it is valid *now*
    /// is the directory's question at enrolment; replay has no clock.
    pub fn verify(token: &str, tenant: &TenantState) -> Result<Self, AttestationError> {
        let (claims, life): (Claims, _) = token::verify(TYPE, token, tenant)?;
        check_user_id(&claims.sub)?;
        Ok(Self {
            user_id: claims.sub,
            identity: ChainId(id_from(&claims.plico_identity)?),
            number: claims.plico_number,
            issued_ms: life.issued_ms,
            expires_ms: life.expires_ms,
        })
    }
}

/// RefHash("user-id", opening).
#[must_use]
pub fn binding_commitment(opening: &UserIdOpening) -> [u8; 32] {
    ref_hash("user-id", &encode(opening))
}

/// Checks that a `bind_user_id` entry (its body and signed time) of `identity`
/// is what the app's backend attested, and gives the attestation.
///
/// # Errors
/// Any [`AttestationError`]: a directory that gives a user id to another key
/// can't make one that verifies.
pub fn verify_binding(
    tenant: &TenantState,
    identity: ChainId,
    body: &BindUserId,
    claimed_ms: u64,
    opening: &UserIdOpening,
) -> Result<Attestation, AttestationError> {
    if binding_commitment(opening) != body.commitment {
        return Err(AttestationError::Mismatch);
    }
    let token = core::str::from_utf8(opening.attestation.as_slice())
        .map_err(|_| AttestationError::Malformed)?;
    let attestation = Attestation::verify(token, tenant)?;
    let in_time = claimed_ms.saturating_add(BINDING_SKEW_MS) >= attestation.issued_ms
        && claimed_ms <= attestation.expires_ms.saturating_add(BINDING_SKEW_MS);
    if attestation.identity != identity
        || attestation.number != body.number
        || attestation.user_id.as_bytes() != opening.user_id.as_slice()
        || !in_time
    {
        return Err(AttestationError::Mismatch);
    }
    Ok(attestation)
}
