//! Who sent a request: RFC 9421 signatures by an identity's devices.

use crate::app::{App, Tenant};
use crate::problem::ApiError;
use crate::request::Raw;
use crate::storage::{ChainRef, Nonce};
use crate::{seen, standing};
use axum::http::HeaderMap;
use plico_protocol::chain::Replay as _;
use plico_protocol::format::ids::{ChainId, KeyId, Position, Recipient};
use plico_protocol::identity::service::{ServiceToken, ServiceUse};
use plico_protocol::identity::{AttestationError, IdentityState};
use plico_protocol::primitives::sign::VerifyingKey;
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::signing::{ParsedSignature, RequestParts, SigningError};
use std::sync::Arc;

/// By how much a token's times may be off, in milliseconds.
pub(crate) const TOKEN_LEEWAY_MS: u64 = 60_000;
/// How long a nonce is kept after its signature's end, in milliseconds.
const NONCE_MARGIN_MS: u64 = 10_000;

/// A verified request's sender.
pub(crate) struct Sender {
    /// Its identity, as it is now.
    pub(crate) identity: Arc<IdentityState>,
    /// Its device, or its recovery key.
    pub(crate) key: KeyId,
    /// Whether its recovery key has signed.
    pub(crate) by_recovery: bool,
    /// To be stored with a write.
    pub(crate) nonce: Nonce,
}

impl Sender {
    pub(crate) fn id(&self) -> ChainId {
        self.identity.id()
    }

    /// Whose wraps of its own chain it is given.
    pub(crate) fn recipient(&self) -> Recipient {
        if self.by_recovery {
            Recipient::recovery(self.key)
        } else {
            Recipient::device(self.key)
        }
    }

    /// What a write of this sender depends on.
    pub(crate) fn position(&self) -> (ChainId, Position) {
        (self.id(), self.identity.tip().head)
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, ApiError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    match (value.to_str(), values.next()) {
        (Ok(text), None) => Ok(Some(text.trim())),
        _ => Err(ApiError::from(ErrorCode::SignatureInvalid)
            .detail("a header that the signature needs is repeated or not text")),
    }
}

/// `UNSUPPORTED_MEDIA_TYPE` unless the body is said to be JSON.
pub(crate) fn check_media_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let value = headers.get(axum::http::header::CONTENT_TYPE);
    let essence = value
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next());
    if essence.is_some_and(|it| it.trim().eq_ignore_ascii_case("application/json")) {
        Ok(())
    } else {
        Err(ErrorCode::UnsupportedMediaType.into())
    }
}

/// The signature that a request bears, not yet verified.
pub(crate) fn parse(raw: &Raw) -> Result<ParsedSignature, ApiError> {
    check_media_type(&raw.headers)?;
    let input = header(&raw.headers, "signature-input")?;
    let signature = header(&raw.headers, "signature")?;
    let (Some(input), Some(signature)) = (input, signature) else {
        return Err(ErrorCode::SignatureMissing.into());
    };
    ParsedSignature::parse(input, signature).map_err(|error| match error {
        SigningError::Missing => ErrorCode::SignatureMissing.into(),
        error => ApiError::from(ErrorCode::SignatureInvalid).detail(error.to_string()),
    })
}

/// Verifies the request under `key` and gives its nonce.
pub(crate) fn verify(
    app: &App,
    raw: &Raw,
    parsed: &ParsedSignature,
    key: &VerifyingKey,
) -> Result<Nonce, ApiError> {
    let digest = header(&raw.headers, "content-digest")?.unwrap_or_default();
    let content_type = header(&raw.headers, "content-type")?.unwrap_or_default();
    let target_uri = format!("{}{}", app.public_url, raw.path_and_query);
    let parts = RequestParts {
        method: raw.method.as_str(),
        target_uri: &target_uri,
        content_digest: digest,
        content_type,
    };
    let now_ms = app.clock.now_ms();
    parsed
        .verify(&parts, &raw.body, key, now_ms / 1000)
        .map_err(|error| match error {
            SigningError::Time => ApiError::skewed(now_ms),
            error => ApiError::from(ErrorCode::SignatureInvalid).detail(error.to_string()),
        })?;
    let expires_ms = parsed
        .params
        .expires_s
        .saturating_add(1)
        .saturating_mul(1000);
    Ok(Nonce {
        key: parsed.params.key,
        nonce: parsed.params.nonce,
        expires_ms: expires_ms.saturating_add(NONCE_MARGIN_MS),
    })
}

/// The sender, if an active device of an identity of this tenant has signed,
/// or its recovery key.
pub(crate) async fn authenticate(
    app: &App,
    tenant: &Tenant,
    raw: &Raw,
) -> Result<Sender, ApiError> {
    let parsed = parse(raw)?;
    let at = ChainRef {
        tenant: tenant.id(),
        chain: parsed.params.identity,
    };
    let identity = app.cache.identity(&*app.storage, at).await?;
    let key = parsed.params.key;
    let Some(identity) = identity else {
        return Err(unknown_key());
    };
    let recovery = identity.recovery().filter(|it| it.id == key);
    if let Some(recovery) = recovery {
        let nonce = verify(app, raw, &parsed, &recovery.verifying_key)?;
        standing::check(app, tenant.id(), at.chain).await?;
        return Ok(Sender {
            identity,
            key,
            by_recovery: true,
            nonce,
        });
    }
    let Some(device) = identity.devices().find(|(id, _)| **id == key) else {
        return Err(unknown_key());
    };
    // Whoever has the key may know that it was revoked; nobody else is told.
    let nonce = verify(app, raw, &parsed, &device.1.verifying_key)?;
    if device.1.revoked.is_some() {
        return Err(ErrorCode::DeviceRevoked.into());
    }
    standing::check(app, tenant.id(), at.chain).await?;
    seen::note(app, tenant.id(), at.chain, key).await?;
    Ok(Sender {
        identity,
        key,
        by_recovery: false,
        nonce,
    })
}

/// The sender, if it is a device.
pub(crate) async fn authenticate_device(
    app: &App,
    tenant: &Tenant,
    raw: &Raw,
) -> Result<Sender, ApiError> {
    let sender = authenticate(app, tenant, raw).await?;
    if sender.by_recovery {
        return Err(ApiError::from(ErrorCode::NotAllowed).detail(
            "a recovery key reads its own identity's chain and adds a device, nothing else",
        ));
    }
    Ok(sender)
}

/// Who asks for what is no secret inside a tenant: chains, groups' logs.
pub(crate) enum Asker {
    /// A device.
    Device(Sender),
    /// The app's backend, which is nobody: it is given no wraps, no back-links,
    /// no metadata, and no session.
    Backend,
}

impl Asker {
    /// The device, if it is one.
    pub(crate) fn device(&self) -> Option<&Sender> {
        match self {
            Self::Device(sender) => Some(sender),
            Self::Backend => None,
        }
    }
}

/// Whoever may look keys up: a device that has signed, or, if the request is
/// not signed, whoever shows the backend's token.
pub(crate) async fn authenticate_asker(
    app: &App,
    tenant: &Tenant,
    raw: &Raw,
) -> Result<Asker, ApiError> {
    if bears_token(raw)? {
        return authenticate_backend(app, tenant, raw);
    }
    Ok(Asker::Device(authenticate_device(app, tenant, raw).await?))
}

/// Whether a request that is not signed has an `Authorization` header.
pub(crate) fn bears_token(raw: &Raw) -> Result<bool, ApiError> {
    let is_signed = raw.headers.contains_key("signature");
    Ok(!is_signed && header(&raw.headers, "authorization")?.is_some())
}

/// The app's backend, by its token.
pub(crate) fn authenticate_backend(
    app: &App,
    tenant: &Tenant,
    raw: &Raw,
) -> Result<Asker, ApiError> {
    let authorization = header(&raw.headers, "authorization")?.unwrap_or_default();
    check_media_type(&raw.headers)?;
    let (scheme, token) = authorization.split_once(' ').unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(ErrorCode::SignatureMissing.into());
    }
    let token = ServiceToken::verify(token.trim(), &tenant.state);
    let token = token.map_err(|error| invalid_token(&error))?;
    if token.service_use != ServiceUse::ReadKeys {
        return Err(ErrorCode::EnrolmentInvalid.into());
    }
    check_token_life(app, token.issued_ms, token.expires_ms)?;
    Ok(Asker::Backend)
}

/// What is said of a token that the app's backend has not signed for this.
pub(crate) fn invalid_token(error: &AttestationError) -> ApiError {
    ApiError::from(ErrorCode::EnrolmentInvalid).detail(error.to_string())
}

/// Whether a token of the app's backend is valid now, within the leeway.
pub(crate) fn check_token_life(app: &App, issued_ms: u64, expires_ms: u64) -> Result<(), ApiError> {
    let now_ms = app.clock.now_ms();
    if issued_ms > now_ms.saturating_add(TOKEN_LEEWAY_MS)
        || now_ms > expires_ms.saturating_add(TOKEN_LEEWAY_MS)
    {
        return Err(ErrorCode::EnrolmentExpired.into());
    }
    Ok(())
}

/// The key of a device that is not revoked.
pub(crate) fn device_key(identity: &IdentityState, key: &KeyId) -> Option<VerifyingKey> {
    let device = identity.active_device(key)?;
    Some(device.verifying_key.clone())
}

pub(crate) fn unknown_key() -> ApiError {
    ApiError::from(ErrorCode::SignatureInvalid)
        .detail("the key is not that of an active device of an identity of this tenant")
}
