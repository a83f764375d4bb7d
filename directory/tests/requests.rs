//! Requests that are not carried out, and how each is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::*;
use plico_protocol::wire::rest::{Append, Appended, UsersLookup};
use serde_json::Value;

async fn world() -> (World, Person) {
    let mut world = World::new().await;
    let person = world.person("dr.a").await;
    (world, person)
}

#[tokio::test]
async fn unsigned_and_missigned() {
    let (world, person) = world().await;
    let stranger = world.draft_person().0;
    let good = world.signed(&person, "GET", &identity(&person), Vec::new());
    assert_eq!(world.send(&good).await.status, 200);

    type Spoil<'a> = &'a dyn Fn(&mut Call);
    let cases: [(&str, &str, Spoil<'_>); 8] = [
        ("no signature", "SIGNATURE_MISSING", &|call| {
            call.headers.retain(|it| it.0 != "signature")
        }),
        ("no input", "SIGNATURE_MISSING", &|call| {
            call.headers.retain(|it| it.0 != "signature-input")
        }),
        ("other components", "SIGNATURE_INVALID", &|call| {
            call.headers[2].1 = call.headers[2].1.replace(" \"content-digest\"", "")
        }),
        ("no digest", "SIGNATURE_INVALID", &|call| {
            call.headers.retain(|it| it.0 != "content-digest")
        }),
        ("another body", "SIGNATURE_INVALID", &|call| {
            call.body = b"{}".to_vec()
        }),
        ("another path", "SIGNATURE_INVALID", &|call| {
            call.path += "?from=1"
        }),
        ("two signatures", "SIGNATURE_INVALID", &|call| {
            call.headers.push(call.headers[3].clone())
        }),
        ("no media type", "UNSUPPORTED_MEDIA_TYPE", &|call| {
            call.headers[0].1 = "text/plain".into()
        }),
    ];
    for (what, code, spoil) in cases {
        let mut call = good.clone();
        spoil(&mut call);
        let answer = world.send(&call).await;
        assert_eq!(answer.code(), code, "{what}");
    }
    let mut posing = stranger.clone();
    posing.id = person.id;
    for unknown in [stranger, posing] {
        let answer = world.get(&unknown, &identity(&person)).await;
        assert_eq!(answer.code(), "SIGNATURE_INVALID");
    }
}

#[tokio::test]
async fn too_old_and_too_new() {
    let (world, person) = world().await;
    let now = world.now() / 1000;
    for (created, fine) in [
        (now, true),
        (now - 60, true),
        (now + 30, true),
        (now - 61, false),
        (now + 31, false),
    ] {
        let path = world.path(&identity(&person));
        let call = world.signed_at(&person, "GET", &path, Vec::new(), created);
        let answer = world.send(&call).await;
        assert_eq!(answer.status == 200, fine, "{created}");
        if !fine {
            assert_eq!(answer.code(), "CLOCK_SKEWED");
            let problem: Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(problem["time_ms"], world.now());
        }
    }
}

#[tokio::test]
async fn a_write_is_carried_out_once() {
    let (world, person) = world().await;
    let session = world.draft_session(&person, vec![]);
    let body = serde_json::to_vec(&append(std::slice::from_ref(&session.first))).unwrap();
    let call = world.signed(&person, "POST", "/sessions", body.clone());
    assert_eq!(world.send(&call).await.status, 201);
    assert_eq!(world.send(&call).await.code(), "REQUEST_REPLAYED");

    // The same entries in a new request: the same success. And that one once.
    let fresh = world.signed(&person, "POST", "/sessions", body);
    assert_eq!(world.send(&fresh).await.status, 200);
    assert_eq!(world.send(&fresh).await.code(), "REQUEST_REPLAYED");

    // A nonce is kept as long as its signature could be valid.
    world.storage.purge(world.now() + MINUTE).await.unwrap();
    assert_eq!(world.send(&call).await.code(), "REQUEST_REPLAYED");
    // A read changes nothing, so it may be.
    let read = world.signed(&person, "GET", &name(&session), Vec::new());
    for _ in 0..2 {
        assert_eq!(world.send(&read).await.status, 200);
    }
}

#[tokio::test]
async fn malformed() {
    let (world, person) = world().await;
    let post = async |rest: &str, body: &str| {
        let call = world.signed(&person, "POST", rest, body.as_bytes().to_vec());
        world.send(&call).await
    };
    for body in [
        "",
        "{",
        "[]",
        r#"{"user_ids":[],"more":1}"#,
        r#"{"user_ids":"dr.secret"}"#,
    ] {
        let answer = post("/users/lookup", body).await;
        assert_eq!(answer.code(), "BAD_REQUEST", "{body}");
        let text = String::from_utf8(answer.body).unwrap();
        assert!(!text.contains("secret"), "a problem quotes nothing: {text}");
    }
    let answer = post("/sessions", r#"{"entries":[{"entry":"AAAA"}]}"#).await;
    assert_eq!(answer.code(), "NEEDS_NEWER_CLIENT");
    let answer = post("/sessions", r#"{"entries":[{"entry":"AAEE"}]}"#).await;
    assert_eq!(answer.code(), "BAD_REQUEST");
    let answer = post("/sessions", r#"{"entries":[]}"#).await;
    assert_eq!(answer.code(), "BAD_REQUEST");
    for path in ["?from=x", "?from=-1", "?from=1&from=2", "?to=1", "?from"] {
        let answer = world.get(&person, &(identity(&person) + path)).await;
        assert_eq!(answer.code(), "BAD_REQUEST", "{path}");
    }
    for path in ["/identities/abc", "/sessions/abc"] {
        assert_eq!(world.get(&person, path).await.code(), "BAD_REQUEST");
    }
    assert_eq!(world.get(&person, "/nothing").await.code(), "NOT_FOUND");
    let answer = world.get(&person, "/users/lookup").await;
    assert_eq!(answer.code(), "METHOD_NOT_ALLOWED");
}

#[tokio::test]
async fn too_large() {
    let (world, person) = world().await;
    let body = vec![b' '; 16 * 1024 * 1024 + 1];
    let call = world.signed(&person, "POST", "/users/lookup", body);
    assert_eq!(world.send(&call).await.code(), "TOO_LARGE");
    let session = world.draft_session(&person, vec![]);
    let one = append(std::slice::from_ref(&session.first))
        .entries
        .remove(0);
    let body = Append {
        entries: vec![one; 65],
    };
    let answer = world.post(&person, "/sessions", &body).await;
    assert_eq!(answer.code(), "TOO_LARGE");
}

#[tokio::test]
async fn tenants_are_apart() {
    let (world, person) = world().await;
    let mut call = world.signed(&person, "GET", &identity(&person), Vec::new());
    call.path = call
        .path
        .replace(&world.path("")["/v1/tenants/".len()..], &"A".repeat(43));
    assert_eq!(world.send(&call).await.code(), "TENANT_NOT_FOUND");

    // A second tenant of the same directory does not know the first one's people.
    let key = plico_protocol::primitives::sign::SigningKey::generate(
        &mut plico_directory::random::system(),
    );
    let clock = plico_directory::Clock::system();
    let second = plico_directory::admin::create_tenant(&*world.storage, "b", &key, &clock)
        .await
        .unwrap();
    let first = world.path("");
    let path = first.replace(
        &first["/v1/tenants/".len()..],
        &plico_protocol::wire::b64::encode(&second.0),
    ) + "/users/lookup";
    let body = serde_json::to_vec(&UsersLookup {
        user_ids: vec!["dr.a".into()],
    })
    .unwrap();
    let call = world.signed_at(&person, "POST", &path, body, world.now() / 1000);
    assert_eq!(world.send(&call).await.code(), "SIGNATURE_INVALID");
}

#[tokio::test]
async fn request_ids_are_kept_if_sound() {
    let (world, person) = world().await;
    for (given, kept) in [("abc-1", true), ("a b", false), (&*"x".repeat(65), false)] {
        let mut call = world.signed(&person, "GET", &identity(&person), Vec::new());
        call.headers.push(("x-request-id", given.into()));
        let answer = world.send(&call).await;
        assert_eq!(answer.headers["x-request-id"] == given, kept);
    }
}

#[tokio::test]
async fn writes_in_parallel_do_not_disturb_each_other() {
    let (world, person) = world().await;
    let world = std::sync::Arc::new(world);
    let mut tasks = Vec::new();
    for _ in 0..16 {
        let (world, person) = (world.clone(), person.clone());
        tasks.push(tokio::spawn(async move {
            let session = world.session(&person, vec![]).await;
            let draft = world.rotate(&person, &session);
            let answer = world.add(&person, &session, &[draft]).await;
            answer.json::<Appended>()
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
}
