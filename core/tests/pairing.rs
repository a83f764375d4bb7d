//! Two devices meet through a directory that would like to be in between.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/ward.rs"]
mod ward;

use futures_util::future::{Either, join, select};
use plico::testing::{TestDirectory, TestPerson};
use plico::{DeviceId, ErrorCode, Recipient, Result};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use ward::code;

/// More than anything takes here that ends at all.
const PATIENCE: Duration = Duration::from_secs(60);

async fn active(person: &TestPerson) -> usize {
    let devices = person.account().devices().await.unwrap();
    devices.iter().filter(|device| !device.revoked).count()
}

/// What `side` comes to while `other`, who may never end, does its part.
async fn while_other<T>(side: impl Future<Output = T>, other: impl Future) -> T {
    let other = async {
        other.await;
        std::future::pending::<()>().await;
    };
    let (side, other) = (std::pin::pin!(side), std::pin::pin!(other));
    match tokio::time::timeout(PATIENCE, select(side, other)).await {
        Ok(Either::Left((result, _))) => result,
        _ => panic!("it does not end"),
    }
}

/// Both ends of a pairing at the same time.
async fn pair(old: &TestPerson, new: &TestPerson) -> (Result<DeviceId>, Result<()>) {
    let shown = new.account().pairing_code().await.unwrap();
    let joined = async { new.account().join_by_pairing().await.map(drop) };
    join(old.account().approve_pairing(&shown), joined).await
}

#[tokio::test]
async fn a_code_makes_a_device_with_its_owners_pins() {
    let directory = TestDirectory::start().await.unwrap();
    let phone = directory.person("dr.a").await.unwrap();
    let patient = directory.person("patient.7").await.unwrap();
    let session = phone
        .account()
        .create_session([Recipient::user("patient.7")])
        .await
        .unwrap();
    let sealed = session.encrypt("finding", None).await.unwrap();
    let there = patient.account().fingerprint("dr.a").await.unwrap();
    let verified = phone
        .account()
        .verify_fingerprint("patient.7", &there.digits);
    verified.await.unwrap();
    let backup = directory.backup().await.unwrap();
    session.encrypt("x", None).await.unwrap();
    session.rotate().await.unwrap();

    let laptop = directory.visitor("dr.a").await.unwrap();
    let shown = laptop.account().pairing_code().await.unwrap();
    assert_eq!(shown.len(), 31);
    assert_eq!(laptop.account().pairing_code().await.unwrap(), shown);
    let typed = shown.to_lowercase().replace('-', " ");
    let joined = laptop.account().join_by_pairing();
    let (approved, joined) = join(phone.account().approve_pairing(&typed), joined).await;
    assert_eq!(Some(joined.unwrap()), phone.account().identity_id());
    assert_eq!(laptop.account().device_id(), Some(approved.unwrap()));
    assert_eq!(active(&phone).await, 2);
    let opened = laptop.account().decrypt(&sealed, None).await.unwrap();
    assert_eq!(opened.bytes(), b"finding");
    assert!(laptop.account().is_verified("patient.7").await.unwrap());
    let again = laptop.restart().await.unwrap();
    assert_eq!(again.account().device_id(), laptop.account().device_id());
    assert_eq!(
        code(again.account().pairing_code().await),
        ErrorCode::AlreadyRegistered
    );

    // A third one has never asked for the session or the patient, but it knows
    // what its owner has seen.
    let tablet = directory.visitor("dr.a").await.unwrap();
    let (approved, joined) = pair(&laptop, &tablet).await;
    approved.unwrap();
    joined.unwrap();
    assert!(tablet.account().is_verified("patient.7").await.unwrap());
    directory.clock().advance(Duration::from_secs(1));
    let successor = directory.visitor("patient.7").await.unwrap();
    successor.register(2).await.unwrap();
    assert_eq!(
        code(tablet.account().fingerprint("patient.7").await),
        ErrorCode::IdentityChanged
    );
    drop(backup);
}

/// The owner's pins are held against a directory that shows the new device less.
#[tokio::test]
async fn an_old_session_is_not_believed_by_the_new_device() {
    let directory = TestDirectory::start().await.unwrap();
    let phone = directory.person("dr.a").await.unwrap();
    let session = phone.account().create_session([]).await.unwrap();
    let sealed = session.encrypt("finding", None).await.unwrap();
    let tablet = directory.visitor("dr.a").await.unwrap();
    let (approved, joined) = pair(&phone, &tablet).await;
    approved.unwrap();
    joined.unwrap();
    tablet.account().decrypt(&sealed, None).await.unwrap();
    let mut shown = tablet.connection().exchanges().into_iter();
    let old = shown.find(|(request, _)| request.url.contains("/sessions/"));
    let old = old.unwrap().1.unwrap();
    session.rotate().await.unwrap();
    let laptop = directory.visitor("dr.a").await.unwrap();
    let (approved, joined) = pair(&phone, &laptop).await;
    approved.unwrap();
    joined.unwrap();
    laptop.connection().alter(move |request, response| {
        if request.url.contains("/sessions/") {
            response.body = old.body.clone();
        }
    });
    let refused = laptop.account().decrypt(&sealed, None).await;
    assert_eq!(code(refused), ErrorCode::HistoryShortened);
}

/// Whatever the directory does with a message: neither side is fooled.
#[tokio::test]
async fn a_changed_message_is_refused_on_the_side_that_gets_it() {
    let directory = TestDirectory::start().await.unwrap();
    for (field, new_side) in [("offer", true), ("answer", false), ("done", true)] {
        let phone = directory.person(&format!("person.{field}")).await.unwrap();
        let laptop = directory.visitor(phone.user_id()).await.unwrap();
        let victim = if new_side { &laptop } else { &phone };
        victim.connection().alter(move |request, response| {
            if !request.url.contains("/pairings/") || response.status != 200 {
                return;
            }
            let mut body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
            if let Some(text) = body[field].as_str() {
                let other = if text.as_bytes()[60] == b'A' {
                    "B"
                } else {
                    "A"
                };
                let mut text = text.to_owned();
                text.replace_range(60..61, other);
                body[field] = text.into();
                response.body = serde_json::to_vec(&body).unwrap();
            }
        });
        let shown = laptop.account().pairing_code().await.unwrap();
        let (old, new) = (phone.account(), laptop.account());
        let (approving, joining) = (old.approve_pairing(&shown), new.join_by_pairing());
        if new_side {
            let joined = while_other(joining, approving).await;
            assert_eq!(code(joined), ErrorCode::PairingInvalid, "{field}");
            assert_eq!(laptop.account().identity_id(), None);
            // Whoever knew the code knows nothing now.
            laptop.connection().alter(|_, _| {});
            assert_ne!(laptop.account().pairing_code().await.unwrap(), shown);
        } else {
            let approved = while_other(approving, joining).await;
            assert_eq!(code(approved), ErrorCode::PairingInvalid, "{field}");
            phone.connection().alter(|_, _| {});
            assert_eq!(active(&phone).await, 1);
        }
    }
}

/// A device that does not show the code can't take its place, not even one that
/// has seen it: the code stands for other keys.
#[tokio::test]
async fn a_device_that_has_only_seen_the_code_is_not_let_in() {
    let directory = TestDirectory::start().await.unwrap();
    let phone = directory.person("dr.a").await.unwrap();
    let laptop = directory.visitor("dr.a").await.unwrap();
    let thief = directory.visitor("dr.a").await.unwrap();
    let shown = laptop.account().pairing_code().await.unwrap();
    let of_thief = thief.account().pairing_code().await.unwrap();
    assert_ne!(shown, of_thief);
    // The thief answers first, in the mailbox that the code leads to.
    let answers: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
    let kept = answers.clone();
    thief.connection().alter(move |request, response| {
        if request.url.ends_with("/answer") && response.status == 200 {
            *kept.lock().unwrap() = Some(response.body.clone());
        }
    });
    let (approved, joined) = pair(&phone, &thief).await;
    approved.unwrap();
    joined.unwrap();
    let answer = answers.lock().unwrap().clone().unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    let answer = answer["answer"].clone();
    phone.connection().alter(move |request, response| {
        if request.url.contains("/pairings/") && response.status == 200 {
            let mut body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
            body["answer"] = answer.clone();
            response.body = serde_json::to_vec(&body).unwrap();
        }
    });
    let refused = phone.account().approve_pairing(&shown).await;
    assert_eq!(code(refused), ErrorCode::PairingInvalid);
}

#[tokio::test]
async fn codes_that_are_none_and_nobody_there() {
    let directory = TestDirectory::start().await.unwrap();
    let phone = directory.person("dr.a").await.unwrap();
    for text in [
        "",
        "12345",
        "UUUUU-UUUUU-UUUUU-UUUUU-UUUUU-U",
        &"Z".repeat(26),
    ] {
        let refused = phone.account().approve_pairing(text).await;
        assert_eq!(code(refused), ErrorCode::PairingCodeInvalid);
    }
    let laptop = directory.visitor("dr.a").await.unwrap();
    let shown = laptop.account().pairing_code().await.unwrap();
    // Nobody answers, nobody reads.
    let clock = directory.clock().clone();
    let moving = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        clock.advance(Duration::from_secs(601));
    };
    let approved = phone.account().approve_pairing(&shown);
    assert_eq!(
        code(join(approved, moving).await.0),
        ErrorCode::PairingExpired
    );
    let clock = directory.clock().clone();
    let moving = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        clock.advance(Duration::from_secs(601));
    };
    let joined = laptop.account().join_by_pairing();
    assert_eq!(
        code(join(joined, moving).await.0),
        ErrorCode::PairingExpired
    );
    assert_eq!(laptop.account().identity_id(), None);
    // A stranger can't take a mailbox over that is in use.
    let stranger = directory.person("dr.b").await.unwrap();
    let looks = || {
        let urls = phone.connection().urls();
        let look = |url: &&String| url.starts_with("GET") && url.contains("/pairings/");
        urls.iter().filter(look).count()
    };
    let before = looks();
    let offered = async {
        // The second look comes after the offer.
        while looks() < before + 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    while_other(offered, phone.account().approve_pairing(&shown)).await;
    let refused = tokio::time::timeout(PATIENCE, stranger.account().approve_pairing(&shown));
    let refused = refused.await.unwrap();
    assert!(matches!(
        code(refused),
        ErrorCode::NotAllowed | ErrorCode::PairingInvalid
    ));
}

/// The chain moves on while two devices pair; and each of them ends and is
/// started again wherever a reply is lost.
#[tokio::test]
async fn pairing_goes_on_after_crashes_and_races() {
    let directory = TestDirectory::start().await.unwrap();
    for number in 0..7 {
        let user_id = format!("person.{number}");
        let mut phone = directory.person(&user_id).await.unwrap();
        let mut laptop = directory.visitor(&user_id).await.unwrap();
        let shown = laptop.account().pairing_code().await.unwrap();
        for person in [&phone, &laptop] {
            let seen = AtomicUsize::new(0);
            person.connection().alter(move |_, response| {
                if seen.fetch_add(1, Ordering::SeqCst) == number {
                    response.body = b"cut off".to_vec();
                }
            });
        }
        let (mut approved, mut joined) = (false, false);
        let mut tries = 0;
        while !(approved && joined) {
            let limit = Duration::from_secs(4);
            let approve = async {
                match approved {
                    true => Some(Ok(())),
                    false => {
                        let work = phone.account().approve_pairing(&shown);
                        let done = tokio::time::timeout(limit, work).await.ok();
                        done.map(|it| it.map(drop))
                    }
                }
            };
            let join_it = async {
                match joined {
                    true => Some(Ok(())),
                    false => {
                        let work = laptop.account().join_by_pairing();
                        let done = tokio::time::timeout(limit, work).await.ok();
                        done.map(|it| it.map(drop))
                    }
                }
            };
            let (a, b) = join(approve, join_it).await;
            for (done, result) in [(&mut approved, a), (&mut joined, b)] {
                match result {
                    Some(Ok(())) => *done = true,
                    Some(Err(error)) => {
                        assert_eq!(error.code(), ErrorCode::ProtocolError, "{number}");
                    }
                    None => {}
                }
            }
            tries += 1;
            assert!(tries < 12, "{number}");
            if !approved {
                phone = phone.restart().await.unwrap();
                // The chain moves on: the answer is for another place.
                phone.account().rotate_user_key().await.unwrap();
            }
            if !joined {
                laptop = laptop.restart().await.unwrap();
            }
        }
        phone.connection().alter(|_, _| {});
        laptop.connection().alter(|_, _| {});
        assert_eq!(active(&phone).await, 2, "{number}");
        let session = laptop.account().create_session([]).await.unwrap();
        let sealed = session.encrypt("x", None).await.unwrap();
        phone.account().decrypt(&sealed, None).await.unwrap();
    }
}
