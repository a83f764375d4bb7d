//! Tokens of an app's backend: compact JWTs (RFC 7519, RFC 8037) that an
//! enrolment key of the tenant has signed.

use super::attestation::{AttestationError, MAX_LIFETIME_S, MAX_TOKEN_LEN};
use super::tenant::TenantState;
use crate::format::ids::{ChainId, KeyId};
use crate::primitives::sign::SigningKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
    // RFC 7515 §4.1.11: an extension that must be understood; none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    crit: Option<serde_json::Value>,
}

/// The claims that every token has.
pub(super) trait Dated {
    /// `aud`: the tenant's id.
    fn audience(&self) -> &str;
    /// `iat` and `exp`, in seconds.
    fn life_s(&self) -> (u64, u64);
}

/// From when until when a token is valid, both included, in milliseconds.
pub(super) struct Life {
    pub issued_ms: u64,
    pub expires_ms: u64,
}

pub(super) fn id_from(text: &str) -> Result<[u8; 32], AttestationError> {
    let bytes = BASE64
        .decode(text)
        .map_err(|_| AttestationError::Malformed)?;
    bytes.try_into().map_err(|_| AttestationError::Malformed)
}

pub(super) fn id_text(id: &[u8; 32]) -> String {
    BASE64.encode(id)
}

/// Signs a token, as an app's backend does.
pub(super) fn sign(typ: &str, key_id: KeyId, key: &SigningKey, claims: &impl Serialize) -> String {
    let header = Header {
        alg: "EdDSA".into(),
        typ: typ.into(),
        kid: BASE64.encode(key_id.0),
        crit: None,
    };
    // Structs of strings and integers always serialise.
    let part = |bytes: Result<Vec<u8>, _>| BASE64.encode(bytes.unwrap_or_default());
    let signed = format!(
        "{}.{}",
        part(serde_json::to_vec(&header)),
        part(serde_json::to_vec(claims))
    );
    let signature = key.sign_raw(signed.as_bytes());
    format!("{signed}.{}", BASE64.encode(signature))
}

/// Verifies a token of this type against the tenant's chain.
pub(super) fn verify<C: Dated + DeserializeOwned>(
    typ: &str,
    token: &str,
    tenant: &TenantState,
) -> Result<(C, Life), AttestationError> {
    if token.len() > MAX_TOKEN_LEN {
        return Err(AttestationError::Malformed);
    }
    let mut parts = token.split('.');
    let (Some(header64), Some(claims64), Some(signature64), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(AttestationError::Malformed);
    };
    let bytes = |text: &str| BASE64.decode(text).map_err(|_| AttestationError::Malformed);
    let header: Header =
        serde_json::from_slice(&bytes(header64)?).map_err(|_| AttestationError::Malformed)?;
    if !matches!(header.alg.as_str(), "EdDSA" | "Ed25519")
        || header.typ != typ
        || header.crit.is_some()
    {
        return Err(AttestationError::Malformed);
    }
    let key = tenant
        .enrolment_key(&KeyId(id_from(&header.kid)?))
        .ok_or(AttestationError::UnknownKey)?;
    let signed = &token[..header64.len() + 1 + claims64.len()];
    key.verifying_key
        .verify_raw(signed.as_bytes(), &bytes(signature64)?)
        .map_err(|_| AttestationError::Signature)?;
    let claims: C =
        serde_json::from_slice(&bytes(claims64)?).map_err(|_| AttestationError::Malformed)?;
    if claims.audience() != id_text(&tenant.id().0) {
        return Err(AttestationError::Audience);
    }
    let (iat, exp) = claims.life_s();
    let lifetime = exp.checked_sub(iat).ok_or(AttestationError::Lifetime)?;
    if lifetime == 0 || lifetime > MAX_LIFETIME_S {
        return Err(AttestationError::Lifetime);
    }
    let to_ms = |s: u64| s.checked_mul(1000).ok_or(AttestationError::Lifetime);
    let life = Life {
        issued_ms: to_ms(iat)?,
        expires_ms: to_ms(exp)?,
    };
    if key
        .revoked_ms
        .is_some_and(|revoked| life.issued_ms >= revoked)
    {
        return Err(AttestationError::UnknownKey);
    }
    Ok((claims, life))
}

/// Whether `tenant` is named as it is written in tokens.
pub(super) fn audience_of(tenant: ChainId) -> String {
    id_text(&tenant.0)
}
