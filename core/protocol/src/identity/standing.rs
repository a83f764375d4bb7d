//! The app backend's word that an identity is disabled, or active again: an
//! EdDSA JWT like that of enrolment.
//!
//! `typ` = `plico-standing+jwt`; claims `aud` = the tenant id, `plico_identity`
//! = the identity id (base64url without padding), `plico_standing` =
//! `disabled` or `active`, `iat` and `exp` in seconds, at most 300 apart.

use super::attestation::AttestationError;
use super::tenant::TenantState;
use super::token::{self, Dated, id_from};
use crate::format::ids::{ChainId, KeyId};
use crate::primitives::sign::SigningKey;
use serde::{Deserialize, Serialize};

const TYPE: &str = "plico-standing+jwt";

/// Whether an identity may do anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It may.
    Active,
    /// The app's backend has said that it may not.
    Disabled,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    aud: String,
    plico_identity: String,
    plico_standing: Standing,
    iat: u64,
    exp: u64,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandingToken {
    /// The identity.
    pub identity: ChainId,
    /// What it is from now on.
    pub standing: Standing,
    /// Not before, in milliseconds since 1970-01-01 UTC; a later one outranks it.
    pub issued_ms: u64,
    /// Not after, in milliseconds since 1970-01-01 UTC.
    pub expires_ms: u64,
}

impl StandingToken {
    /// Signs a token, as an app's backend does. `iat` is `issued_ms` in whole seconds.
    #[must_use]
    pub fn sign(&self, tenant: ChainId, key_id: KeyId, key: &SigningKey) -> String {
        let claims = Claims {
            aud: token::audience_of(tenant),
            plico_identity: token::id_text(&self.identity.0),
            plico_standing: self.standing,
            iat: self.issued_ms / 1000,
            exp: self.expires_ms / 1000,
        };
        token::sign(TYPE, key_id, key, &claims)
    }

    /// Verifies a token against the tenant's chain.
    ///
    /// # Errors
    /// Any [`AttestationError`]. An enrolment token is none.
    pub fn verify(token: &str, tenant: &TenantState) -> Result<Self, AttestationError> {
        let (claims, life): (Claims, _) = token::verify(TYPE, token, tenant)?;
        Ok(Self {
            identity: ChainId(id_from(&claims.plico_identity)?),
            standing: claims.plico_standing,
            issued_ms: life.issued_ms,
            expires_ms: life.expires_ms,
        })
    }
}
