//! As whom what is public inside a tenant is asked for: as a device that signs,
//! or as the app's backend, by its tokens.

use super::account::AccountInner;
use super::ids::TenantId;
use super::plico::PlicoInner;
use crate::error::{Error, ErrorCode, Result};
use crate::ports::BoxFuture;
use plico_protocol::identity::AttestationError;
use plico_protocol::identity::service::ServiceToken;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// A token is used until so long before its end, in milliseconds.
const MARGIN_MS: u64 = 30_000;

/// What the app's backend must sign: a token with `typ` = `plico-service+jwt`,
/// `aud` = the tenant's id, `plico_use` = `read-keys`, `iat`, and `exp` at most
/// 300 s later.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServiceTokenRequest {
    /// The tenant: the token's `aud`.
    pub tenant_id: TenantId,
}

#[cfg(not(target_arch = "wasm32"))]
pub(crate) type TokenProvider =
    Box<dyn Fn(ServiceTokenRequest) -> BoxFuture<'static, Result<String>> + Send + Sync>;
#[cfg(target_arch = "wasm32")]
pub(crate) type TokenProvider =
    Box<dyn Fn(ServiceTokenRequest) -> BoxFuture<'static, Result<String>>>;

struct Held {
    text: Arc<str>,
    expires_ms: u64,
}

/// The backend's tokens: asked for when the last one is nearly over.
pub(crate) struct ServiceTokens {
    provider: TokenProvider,
    /// Whoever asks holds it: one token is asked for at a time.
    held: async_lock::Mutex<Option<Held>>,
}

impl ServiceTokens {
    pub fn new(provider: TokenProvider) -> Self {
        Self {
            provider,
            held: async_lock::Mutex::default(),
        }
    }

    /// A token that is good for a while yet.
    async fn token(&self, plico: &PlicoInner) -> Result<Arc<str>> {
        let mut held = self.held.lock().await;
        let now_ms = plico.wire.directory_now_ms();
        if let Some(held) = &*held
            && now_ms.saturating_add(MARGIN_MS) < held.expires_ms
        {
            return Ok(held.text.clone());
        }
        let tenant_id = TenantId(plico.wire.tenant_id);
        let text = (self.provider)(ServiceTokenRequest { tenant_id }).await?;
        // Judged here first: another kind of token is not for sending around.
        let mut verified = ServiceToken::verify(&text, plico.some_tenant().await?.as_ref());
        if matches!(verified, Err(AttestationError::UnknownKey)) {
            // An enrolment key that was added since.
            verified = ServiceToken::verify(&text, plico.refresh_tenant().await?.as_ref());
        }
        let token = verified.map_err(|error| {
            Error::new(ErrorCode::EnrolmentInvalid).with_detail(error.to_string())
        })?;
        let text: Arc<str> = text.into();
        *held = Some(Held {
            text: text.clone(),
            expires_ms: token.expires_ms,
        });
        Ok(text)
    }

    /// Unless there is another one by now.
    async fn forget(&self, token: &Arc<str>) {
        let mut held = self.held.lock().await;
        held.take_if(|it| Arc::ptr_eq(&it.text, token));
    }
}

/// Whether a token was refused that was good a moment ago: its time is over by
/// the directory's clock, or its key was revoked.
fn is_refused_token(error: &Error) -> bool {
    matches!(
        error.code(),
        ErrorCode::EnrolmentExpired | ErrorCode::EnrolmentInvalid
    )
}

impl AccountInner {
    /// GET below the tenant's address, as whoever this is.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let wire = &self.plico.inner.wire;
        let Some(service) = &self.service else {
            return wire.get(self.registered()?.signer(), path).await;
        };
        self.check_open()?;
        let token = service.token(&self.plico.inner).await?;
        match wire.get_with(&token, path).await {
            Err(error) if is_refused_token(&error) => service.forget(&token).await,
            result => return result,
        }
        let token = service.token(&self.plico.inner).await?;
        wire.get_with(&token, path).await
    }

    /// The same with POST, for look-ups: nothing is changed by it.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        let wire = &self.plico.inner.wire;
        let Some(service) = &self.service else {
            return wire.post(self.registered()?.signer(), path, body).await;
        };
        self.check_open()?;
        let token = service.token(&self.plico.inner).await?;
        match wire.post_with(&token, path, body).await {
            Err(error) if is_refused_token(&error) => service.forget(&token).await,
            result => return result,
        }
        let token = service.token(&self.plico.inner).await?;
        wire.post_with(&token, path, body).await
    }
}
