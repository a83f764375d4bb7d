//! Registers an identity at a development directory, makes a session, and
//! prints both with the device's key as JSON: what a test of the REST
//! interface signs with. `rest-identity URL TENANT`

use plico::http::HttpTransport;
use plico::ports::{Method, Request, Store, Transport};
use plico::store::MemoryStore;
use plico::{AccountOptions, Error, ErrorCode, Plico, RegisterOptions, SessionOptions};
use plico_protocol::format::keys::KeyRecord;
use plico_protocol::primitives::secret::Secret;
use plico_protocol::primitives::sign::SigningKey;
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::rest::{DevEnrolment, DevToken};
use std::sync::Arc;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Asks the development directory, in the place of an app's backend.
async fn token(url: String, user_id: &str, identity: [u8; 32]) -> plico::Result<String> {
    let failed = |_| Error::new(ErrorCode::Network);
    let ask = DevEnrolment {
        user_id: user_id.into(),
        identity_id: B64x32(identity),
        number: None,
    };
    let request = Request {
        method: Method::Post,
        url,
        headers: vec![("content-type".into(), "application/json".into())],
        body: serde_json::to_vec(&ask).map_err(|_| Error::new(ErrorCode::InvalidArgument))?,
    };
    let http = HttpTransport::new().map_err(failed)?;
    let answer = http.send(request).await.map_err(failed)?;
    let token: DevToken =
        serde_json::from_slice(&answer.body).map_err(|_| Error::new(ErrorCode::ProtocolError))?;
    Ok(token.token)
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, tenant] = arguments.as_slice() else {
        return Err("usage: rest-identity URL TENANT".into());
    };
    let store = Arc::new(MemoryStore::new());
    let plico = Plico::open(url, tenant).await?;
    let account = plico
        .account(AccountOptions::with_store(store.clone()))
        .await?;
    let user_id = "rest.1";
    let endpoint = format!("{url}/dev/tenants/{tenant}/enrolment");
    let options = RegisterOptions::new(user_id, move |request| {
        let (endpoint, identity) = (endpoint.clone(), *request.identity_id.as_bytes());
        async move { token(endpoint, user_id, identity).await }
    });
    let identity = account.register(options).await?;
    let session = account.create_session(SessionOptions::new()).await?;

    let record = store
        .get("account")
        .await?
        .ok_or("the account is not in its store")?;
    // AccountRecord of docs/spec/client-state.md: the seed is behind version and id.
    let mut seed: [u8; 32] = record
        .get(34..66)
        .and_then(|seed| seed.try_into().ok())
        .ok_or("the account's record has no signing key")?;
    let seed_hex = hex::encode(seed);
    let key = SigningKey::from_seed(&Secret::new(&mut seed));
    let key_id = KeyRecord::signing(&key.verifying_key()).id();
    let printed = serde_json::json!({
        "identity": hex::encode(identity.as_bytes()),
        "key_id": hex::encode(key_id.as_bytes()),
        "seed": seed_hex,
        "tenant": tenant,
        "session": session.id().to_string(),
        "user_id": user_id,
    });
    println!("{printed}");
    Ok(())
}
