//! The app backend's word that whoever shows it may look keys up: an EdDSA JWT
//! like that of enrolment, for programs without an identity.
//!
//! `typ` = `plico-service+jwt`; claims `aud` = the tenant id, `plico_use` =
//! `read-keys`, `iat` and `exp` in seconds, at most 300 apart.

use super::attestation::AttestationError;
use super::tenant::TenantState;
use super::token::{self, Dated};
use crate::format::ids::{ChainId, KeyId};
use crate::primitives::sign::SigningKey;
use serde::{Deserialize, Serialize};

const TYPE: &str = "plico-service+jwt";

/// What a token is for. There is one use, and whatever else a token names is
/// refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ServiceUse {
    /// Look-ups of user ids, identities' chains and groups' logs; nothing else.
    ReadKeys,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    aud: String,
    plico_use: ServiceUse,
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
pub struct ServiceToken {
    /// What it is for.
    pub service_use: ServiceUse,
    /// Not before, in milliseconds since 1970-01-01 UTC.
    pub issued_ms: u64,
    /// Not after, in milliseconds since 1970-01-01 UTC.
    pub expires_ms: u64,
}

impl ServiceToken {
    /// A token for looking keys up, for as long as one may live: 300 s.
    #[must_use]
    pub fn read_keys(issued_ms: u64) -> Self {
        let issued_ms = issued_ms / 1000 * 1000;
        Self {
            service_use: ServiceUse::ReadKeys,
            issued_ms,
            expires_ms: issued_ms.saturating_add(super::attestation::MAX_LIFETIME_S * 1000),
        }
    }

    /// Signs a token, as an app's backend does. `iat` is `issued_ms` in whole seconds.
    #[must_use]
    pub fn sign(&self, tenant: ChainId, key_id: KeyId, key: &SigningKey) -> String {
        let claims = Claims {
            aud: token::audience_of(tenant),
            plico_use: self.service_use,
            iat: self.issued_ms / 1000,
            exp: self.expires_ms / 1000,
        };
        token::sign(TYPE, key_id, key, &claims)
    }

    /// Verifies a token against the tenant's chain. Whether it is valid *now* is
    /// the directory's question.
    ///
    /// # Errors
    /// Any [`AttestationError`]. Tokens for enrolment and standing are none.
    pub fn verify(token: &str, tenant: &TenantState) -> Result<Self, AttestationError> {
        let (claims, life): (Claims, _) = token::verify(TYPE, token, tenant)?;
        Ok(Self {
            service_use: claims.plico_use,
            issued_ms: life.issued_ms,
            expires_ms: life.expires_ms,
        })
    }
}
