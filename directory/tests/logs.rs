//! What must never be in the log: a program of its own, since it listens to all of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::*;
use plico_protocol::wire::b64;
use plico_protocol::wire::rest::UsersLookup;
use std::io::Write;
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_user_id_and_no_secret_is_logged() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_env_filter("trace")
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    let mut world = World::new().await;
    let owner = world.person("dr.anna.secret").await;
    let session = world.session(&owner, vec![]).await;
    world.get(&owner, &name(&session)).await;
    let body = UsersLookup {
        user_ids: vec!["nobody.secret".into()],
    };
    world.post(&owner, "/users/lookup", &body).await;
    let bad = world.signed(
        &owner,
        "POST",
        "/users/lookup",
        br#"{"x":"typo.secret"}"#.to_vec(),
    );
    world.send(&bad).await;
    let directory_key = world.storage.tenant(world.tenant).await.unwrap().unwrap();
    let token = world.token("dr.anna.secret", owner.id, 1);

    let text = log.0.lock().unwrap().clone();
    let text = String::from_utf8_lossy(&text);
    // Only our own lines: the test's HTTP client logs too.
    let ours: String = text
        .lines()
        .filter(|line| !line.contains("reqwest") && !line.contains("hyper_util::client"))
        .collect();
    assert!(
        ours.contains("USER") || ours.contains("answered"),
        "it does log"
    );
    let seed = directory_key.directory_seed.expose();
    for secret in [
        "dr.anna".to_owned(),
        "nobody.secret".into(),
        "typo.secret".into(),
        b64::encode(b"dr.anna.secret"),
        token[..20].to_owned(),
        b64::encode(seed),
        seed.iter().map(|byte| format!("{byte:02x}")).collect(),
    ] {
        assert!(!ours.contains(&secret), "the log holds {secret}");
    }
}
