//! In the place of an app's backend: the development directory signs tokens.

use plico::http::HttpTransport;
use plico::ports::{Method, Request, Transport as _};
use plico::{Error, ErrorCode, IdentityId};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Token {
    token: String,
}

/// A token for `user_id` and this identity, from the endpoint at `url`.
pub async fn token(url: String, user_id: String, identity: IdentityId) -> plico::Result<String> {
    let failed = |why: &str| Error::new(ErrorCode::EnrolmentFailed).with_detail(why);
    let body = json!({"user_id": user_id, "identity_id": identity.to_string()});
    let request = Request {
        method: Method::Post,
        url,
        headers: vec![("content-type".into(), "application/json".into())],
        body: body.to_string().into_bytes(),
    };
    let http = HttpTransport::new().map_err(|error| failed(&error.to_string()))?;
    let answer = http.send(request).await;
    let answer = answer.map_err(|error| failed(&error.to_string()))?;
    let token: Token = serde_json::from_slice(&answer.body).map_err(|_| failed("no token came"))?;
    Ok(token.token)
}
