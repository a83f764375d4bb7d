//! What an app has already: a backend that signs tokens, a place for keys, and
//! other users. Here a development directory and files stand in for them.

use plico::http::HttpTransport;
use plico::ports::{Method, Request, Transport as _};
use plico::{AccountOptions, Error, ErrorCode, IdentityId, Plico, RegisterOptions, StoreKey};
use std::io::Write as _;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The store's key; an app keeps it in the platform's key storage.
pub fn store_key() -> Result<StoreKey> {
    let path = "quickstart.key";
    if let Ok(bytes) = std::fs::read(path) {
        return Ok(StoreKey::from_slice(&bytes)?);
    }
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    std::fs::File::create_new(path)?.write_all(&bytes)?;
    Ok(StoreKey::new(bytes))
}

/// A token that binds `user_id` to the identity. A development directory signs
/// them for anybody; your backend signs them for who has signed in.
pub async fn token(user_id: &str, identity: IdentityId) -> plico::Result<String> {
    let failed = |why: &str| Error::new(ErrorCode::EnrolmentFailed).with_detail(why);
    let variable = |name| std::env::var(name).map_err(|_| failed("a variable is not set"));
    let (directory, tenant) = (variable("PLICO_DIRECTORY")?, variable("PLICO_TENANT")?);
    let body = serde_json::json!({"user_id": user_id, "identity_id": identity.to_string()});
    let request = Request {
        method: Method::Post,
        url: format!("{directory}/dev/tenants/{tenant}/enrolment"),
        headers: vec![("content-type".into(), "application/json".into())],
        body: body.to_string().into_bytes(),
    };
    let http = HttpTransport::new().map_err(|error| failed(&error.to_string()))?;
    let answer = http.send(request).await;
    let answer = answer.map_err(|error| failed(&error.to_string()))?;
    let answer: serde_json::Value =
        serde_json::from_slice(&answer.body).map_err(|_| failed("the answer is no JSON"))?;
    let token = answer["token"].as_str();
    Ok(token.ok_or_else(|| failed("no token came"))?.to_owned())
}

/// Others sign up, so that something can be encrypted for them.
pub async fn sign_up<const N: usize>(plico: &Plico, user_ids: [&'static str; N]) -> Result<()> {
    for user_id in user_ids {
        let store = AccountOptions::on_disk(format!("{user_id}.plicostore"), store_key()?);
        let account = plico.account(store).await?;
        let options =
            RegisterOptions::new(user_id, move |request| token(user_id, request.identity_id));
        account.register(options).await?;
    }
    Ok(())
}
