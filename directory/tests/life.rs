//! The server's life: restarts, shutdowns, development.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::*;
use plico_directory::{Config, Server, random};
use plico_protocol::primitives::sign::SigningKey;
use plico_protocol::wire::b64::{self, B64x32};
use plico_protocol::wire::rest::{Appended, DevEnrolment, DevToken, IdentityAnswer, SessionAnswer};
use std::time::Duration;

#[tokio::test]
async fn a_restart_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.sqlite");
    let mut world = World::on_disk(&path).await;
    let owner = world.person("dr.a").await;
    let patient = world.person("patient.7").await;
    let mut session = world
        .session(&owner, vec![world.grant_to(&patient, READ, 0)])
        .await;
    let draft = world.rotate(&owner, &session);
    world.take(&mut session, &draft);
    world
        .add(&owner, &session, &[draft])
        .await
        .json::<Appended>();
    let before: SessionAnswer = world.get(&patient, &name(&session)).await.json();
    let (tenant, key, known) = world.close().await;

    let config = Config::new("127.0.0.1:0".parse().unwrap(), &path);
    let mut world = World::start(config, Some((tenant, key))).await;
    world.known = known;
    let after: SessionAnswer = world.get(&patient, &name(&session)).await.json();
    assert_eq!(before.entries, after.entries);
    assert_eq!(before.wraps, after.wraps);
    assert_eq!(before.back_links, after.back_links);
    let draft = world.rotate(&owner, &session);
    world.take(&mut session, &draft);
    world
        .add(&owner, &session, &[draft])
        .await
        .json::<Appended>();
    let own: IdentityAnswer = world.get(&owner, &identity(&owner)).await.json();
    assert!(own.opening.is_some());
}

#[tokio::test]
async fn two_servers_on_one_database_see_each_others_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.sqlite");
    let mut world = World::on_disk(&path).await;
    let owner = world.person("dr.a").await;
    let config = Config::new("127.0.0.1:0".parse().unwrap(), &path);
    let again = Some((world.tenant, world.enrolment.clone()));
    let mut second = World::start(config, again).await;
    second.known = world.known.clone();
    let mut session = world.session(&owner, vec![]).await;
    for turn in 0..6 {
        let place = if turn % 2 == 0 { &second } else { &world };
        let draft = place.rotate(&owner, &session);
        place.take(&mut session, &draft);
        place
            .add(&owner, &session, &[draft])
            .await
            .json::<Appended>();
    }
}

#[tokio::test]
async fn a_shutdown_lets_requests_end() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let world = World::new().await;
    let (url, tenant) = (world.url.clone(), world.path(""));
    let address = url.trim_start_matches("http://").to_owned();
    // A request that has begun when the shutdown comes.
    let mut slow = tokio::net::TcpStream::connect(&address).await.unwrap();
    let head = format!("GET {tenant} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 2\r\n\r\n{{");
    slow.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let running = world.stop();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!running.is_finished(), "it waits for the request");
    slow.write_all(b"}").await.unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    running.await.unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(&address).await.is_err());
}

#[tokio::test]
async fn the_development_server_enrols_anybody_and_no_other_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.sqlite");
    let key = SigningKey::generate(&mut random::system());
    let config = || Config::new("127.0.0.1:0".parse().unwrap(), &path).with_dev(key.clone());
    let server = Server::bind(config()).await.unwrap();
    let tenant = server.dev_tenant().unwrap();
    drop(server);
    let again = Server::bind(config()).await.unwrap();
    assert_eq!(again.dev_tenant(), Some(tenant), "it is kept");
    drop(again);

    let mut world = World::start(config(), Some((tenant, key.clone()))).await;
    let (person, new) = world.draft_person();
    let ask = DevEnrolment {
        user_id: "dr.a".into(),
        identity_id: B64x32(person.id.0),
        number: None,
    };
    let path = format!("/dev/tenants/{}/enrolment", b64::encode(&tenant.0));
    let call = Call {
        method: "POST",
        path,
        body: serde_json::to_vec(&ask).unwrap(),
        headers: vec![("content-type", "application/json".into())],
    };
    let token: DevToken = world.send(&call).await.json();
    let body = world.enrol_with(&person, &new, "dr.a", 1, &token.token);
    let answer = world.post(&person, "/identities", &body).await;
    world.learn(&answer.json());

    let plain = World::new().await;
    assert_eq!(plain.send(&call).await.code(), "NOT_FOUND");
}

#[tokio::test]
async fn health() {
    let world = World::new().await;
    for path in ["/healthz", "/readyz"] {
        let url = format!("{}{path}", world.url);
        assert_eq!(world.http.get(url).send().await.unwrap().status(), 204);
    }
    world.storage.close().await;
    let url = format!("{}/readyz", world.url);
    assert_eq!(world.http.get(url).send().await.unwrap().status(), 503);
}
