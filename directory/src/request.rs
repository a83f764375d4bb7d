//! A request, read whole: the signature covers the bytes as they came.

use crate::app::{App, Tenant};
use crate::auth::{self, Asker, Sender};
use crate::problem::ApiError;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts as _, RawPathParams, Request};
use axum::http::{HeaderMap, Method, header};
use plico_protocol::format::ids::ChainId;
use plico_protocol::wire::limits::MAX_BODY;
use plico_protocol::wire::{ErrorCode, b64};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(60);

/// The parts of a request that handlers use.
pub(crate) struct Raw {
    pub(crate) method: Method,
    pub(crate) path_and_query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    params: Vec<(String, String)>,
}

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let params = RawPathParams::from_request_parts(&mut parts, state)
            .await
            .map_err(|_| ApiError::bad_request("the path is not UTF-8"))?;
        let params = params
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let said = parts.headers.get(header::CONTENT_LENGTH);
        let said = said.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if said.is_some_and(|length| length > MAX_BODY as u64) {
            return Err(ErrorCode::TooLarge.into());
        }
        let read = tokio::time::timeout(BODY_TIME, axum::body::to_bytes(body, MAX_BODY)).await;
        let body = match read {
            Ok(Ok(bytes)) => bytes,
            // The only cause besides a broken connection.
            Ok(Err(error)) if is_too_long(&error) => return Err(ErrorCode::TooLarge.into()),
            Ok(Err(_)) => return Err(ApiError::bad_request("the body was cut off")),
            Err(_) => return Err(ApiError::bad_request("the body did not arrive in time")),
        };
        let path_and_query = parts.uri.path_and_query().map(ToString::to_string);
        Ok(Self {
            method: parts.method,
            path_and_query: path_and_query.unwrap_or_default(),
            headers: parts.headers,
            body,
            params,
        })
    }
}

fn is_too_long(error: &axum::Error) -> bool {
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = source {
        if error.to_string().contains("length limit exceeded") {
            return true;
        }
        source = error.source();
    }
    false
}

impl Raw {
    /// A part of the path; empty if the route has none of that name.
    pub(crate) fn param(&self, name: &str) -> &str {
        let found = self.params.iter().find(|(it, _)| it == name);
        found.map_or("", |(_, value)| value)
    }

    /// The tenant that the path names.
    pub(crate) async fn tenant(&self, app: &App) -> Result<Tenant, ApiError> {
        let id = id(self.param("tenant"))?;
        let tenant = app.cache.tenant(&*app.storage, id).await?;
        tenant.ok_or_else(|| ErrorCode::TenantNotFound.into())
    }

    /// The tenant that the path names, and who has signed the request: a
    /// device, or a recovery key.
    pub(crate) async fn owner(&self, app: &App) -> Result<(Tenant, Sender), ApiError> {
        let tenant = self.tenant(app).await?;
        let sender = auth::authenticate(app, &tenant, self).await?;
        Ok((tenant, sender))
    }

    /// The same, or the app's backend by its token.
    pub(crate) async fn owner_or_backend(&self, app: &App) -> Result<(Tenant, Asker), ApiError> {
        let tenant = self.tenant(app).await?;
        let asker = match auth::bears_token(self)? {
            true => auth::authenticate_backend(app, &tenant, self)?,
            false => Asker::Device(auth::authenticate(app, &tenant, self).await?),
        };
        Ok((tenant, asker))
    }

    /// The tenant that the path names, and whose device has signed the request.
    pub(crate) async fn sender(&self, app: &App) -> Result<(Tenant, Sender), ApiError> {
        let tenant = self.tenant(app).await?;
        let sender = auth::authenticate_device(app, &tenant, self).await?;
        Ok((tenant, sender))
    }

    /// The tenant that the path names, and who asks: a device that has signed
    /// the request, or the app's backend by its token.
    pub(crate) async fn asker(&self, app: &App) -> Result<(Tenant, Asker), ApiError> {
        let tenant = self.tenant(app).await?;
        let asker = auth::authenticate_asker(app, &tenant, self).await?;
        Ok((tenant, asker))
    }

    /// The body's JSON. The parser's own message could quote the body, so only
    /// the place is told.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            ApiError::bad_request(format!(
                "the body is not the JSON that is expected here (line {}, column {})",
                error.line(),
                error.column()
            ))
        })
    }

    /// The one query parameter that there is: `from`, 0 if absent.
    pub(crate) fn from(&self) -> Result<u64, ApiError> {
        let query = self.path_and_query.split_once('?').map_or("", |it| it.1);
        let mut from = None;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("from", value)) if from.is_none() => {
                    let number = value.bytes().all(|byte| byte.is_ascii_digit());
                    from = value.parse().ok().filter(|_| number);
                    if from.is_none() {
                        return Err(ApiError::bad_request("`from` is not a number"));
                    }
                }
                _ => return Err(ApiError::bad_request("the only parameter is `from`, once")),
            }
        }
        Ok(from.unwrap_or(0))
    }

    /// Refuses any query.
    pub(crate) fn no_query(&self) -> Result<(), ApiError> {
        match self.path_and_query.split_once('?') {
            None | Some((_, "")) => Ok(()),
            Some(_) => Err(ApiError::bad_request("there are no parameters here")),
        }
    }
}

/// An id in a path.
pub(crate) fn id(text: &str) -> Result<ChainId, ApiError> {
    b64::decode_array(text)
        .map(ChainId)
        .ok_or_else(|| ApiError::bad_request("an id is 32 bytes in base64url, 43 characters"))
}

/// A session's id, or its handle.
pub(crate) enum SessionName {
    Id(ChainId),
    Handle([u8; 16]),
}

impl SessionName {
    pub(crate) fn from_text(text: &str) -> Result<Self, ApiError> {
        Self::from_bytes(&b64::decode(text).unwrap_or_default())
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, ApiError> {
        if let Ok(id) = <[u8; 32]>::try_from(bytes) {
            return Ok(Self::Id(ChainId(id)));
        }
        <[u8; 16]>::try_from(bytes).map(Self::Handle).map_err(|_| {
            ApiError::bad_request("a session is named by 32 bytes, or 16 of them, in base64url")
        })
    }
}
