//! Identities that a restored directory has lost, wholly or in part.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::backup::{backup, bare, connect, copy, whole};
use common::devices::{add_device, own, refresh};
use common::*;
use plico_directory::random;
use plico_protocol::format::bodies::IdentityBody;
use plico_protocol::identity::draft::DeviceSecret;
use plico_protocol::wire::b64::B64;
use plico_protocol::wire::rest::{
    Append, Appended, Enrol, EntryUpload, IdentityAnswer, SessionAnswer, UsersFound, UsersLookup,
};
use std::path::PathBuf;

struct Clinic {
    world: World,
    path: PathBuf,
    owner: Person,
    patient: Person,
    _folder: tempfile::TempDir,
}

impl Clinic {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db.sqlite");
        let mut world = World::on_disk(&path).await;
        let owner = world.person("dr.a").await;
        let patient = world.person("patient.7").await;
        Self {
            world,
            path,
            owner,
            patient,
            _folder: folder,
        }
    }

    async fn restore(self, backup: &std::path::Path, from_ms: Option<u64>) -> Self {
        let path = copy(backup);
        let world = self.world.restore(&path, from_ms).await;
        Self {
            world,
            path,
            ..self
        }
    }

    /// A new identity with what was sent.
    async fn enrol(&mut self, user_id: &str, number: u64) -> (Person, Enrol) {
        let (person, new) = self.world.draft_person();
        let body = self.world.enrol(&person, &new, user_id, number);
        let answer: IdentityAnswer = self.world.post(&person, "/identities", &body).await.json();
        self.world.learn(&answer);
        (person, body)
    }

    async fn user(&self, user_id: &str) -> UsersFound {
        let body = UsersLookup {
            user_ids: vec![user_id.into()],
        };
        let answer = self.world.post(&self.owner, "/users/lookup", &body).await;
        answer.json()
    }

    /// Sends an entry of a person's own chain.
    async fn add(&mut self, by: &Person, upload: &EntryUpload) {
        let path = format!("{}/entries", identity(by));
        let body = Append {
            entries: vec![upload.clone()],
        };
        self.world.post(by, &path, &body).await.json::<Appended>();
        refresh(&mut self.world, by).await;
    }
}

#[tokio::test]
async fn a_new_identity_and_its_session_come_back() {
    let mut clinic = Clinic::new().await;
    let backup = backup(&clinic.path).await;
    let (insurer, enrol) = clinic.enrol("insurer.3", 1).await;
    let world = &clinic.world;
    let session = world
        .session(&insurer, vec![world.grant_to(&clinic.owner, READ, 0)])
        .await;
    let entries = whole(std::slice::from_ref(&session.first));
    let clinic = clinic.restore(&backup, None).await;
    let (world, id) = (&clinic.world, session.state.id());

    // First people, then what they wrote.
    let answer = world.hand_back(&insurer, id, entries.clone()).await;
    assert_eq!(answer.code(), "SIGNATURE_INVALID", "nobody knows them");
    let answer = world.hand_back(&clinic.owner, id, entries.clone()).await;
    assert_eq!(answer.code(), "AUTHOR_BEHIND");

    let send = async |by: &Person, entries: &[EntryUpload], opening: Option<&B64>| {
        world
            .hand_back_identity(by, &insurer, entries.to_vec(), opening.cloned())
            .await
    };
    let (all, opening) = (&*enrol.entries, Some(&enrol.opening));
    let later = send(&insurer, &all[1..], opening).await;
    assert_eq!(later.code(), "SIGNATURE_INVALID", "entry 0 states the key");
    let later = send(&clinic.owner, &all[1..], opening).await;
    assert_eq!(later.code(), "IDENTITY_NOT_FOUND");
    let half = send(&insurer, &all[..1], opening).await;
    assert_eq!(half.code(), "CONFLICT", "without its binding");
    let nameless = send(&insurer, all, None).await;
    assert_eq!(nameless.code(), "ENROLMENT_INVALID");
    let mut altered = all.to_vec();
    altered[0].wraps[0].sealed.0[0] ^= 1;
    assert_eq!(
        send(&insurer, &altered, opening).await.code(),
        "ENTRY_INVALID"
    );
    let mut stranger = insurer.clone();
    stranger.device = DeviceSecret::generate(&mut random::system());
    let answer = send(&stranger, all, opening).await;
    assert_eq!(answer.code(), "SIGNATURE_INVALID");
    assert_eq!(clinic.user("insurer.3").await.missing.len(), 1);

    let answer = send(&insurer, all, opening).await;
    assert_eq!(answer.status, 201);
    let answer = send(&insurer, all, opening).await;
    assert_eq!(answer.status, 200);
    let shown: IdentityAnswer = world.get(&insurer, &identity(&insurer)).await.json();
    assert_eq!((shown.entries.len(), shown.wraps.len()), (2, 1));
    let found = clinic.user("insurer.3").await;
    assert_eq!(found.found[0].identity.identity_id.0, insurer.id.0);
    assert_eq!(found.found[0].identity.opening, shown.opening);

    let answer = world.hand_back(&insurer, id, entries).await;
    assert_eq!(answer.status, 201);
    let shown: SessionAnswer = world.get(&clinic.owner, &name(&session)).await.json();
    check_wrap(world, &session, &clinic.owner, &shown.wraps[0]);
}

#[tokio::test]
async fn a_token_that_has_expired() {
    let mut clinic = Clinic::new().await;
    let backup = backup(&clinic.path).await;
    let from = clinic.world.now();
    clinic.world.forward(MINUTE);
    let (insurer, enrol) = clinic.enrol("insurer.3", 1).await;
    clinic.world.forward(60 * MINUTE);
    let send = async |clinic: &Clinic| {
        let opening = Some(enrol.opening.clone());
        clinic
            .world
            .hand_back_identity(&insurer, &insurer, enrol.entries.clone(), opening)
            .await
    };
    let clinic = clinic.restore(&backup, None).await;
    assert_eq!(send(&clinic).await.code(), "ENROLMENT_EXPIRED");
    // Bound a minute after the backup, and the window opens five before it.
    let late = Some(from + 6 * MINUTE + 1);
    let clinic = clinic.restore(&backup, late).await;
    assert_eq!(send(&clinic).await.code(), "ENROLMENT_EXPIRED");
    let clinic = clinic.restore(&backup, Some(from)).await;
    assert_eq!(send(&clinic).await.status, 201);
}

#[tokio::test]
async fn a_user_id_that_has_moved_on_does_not_move_back() {
    let mut clinic = Clinic::new().await;
    let backup = backup(&clinic.path).await;
    let (first, one) = clinic.enrol("insurer.3", 1).await;
    let (second, two) = clinic.enrol("insurer.3", 2).await;
    let clinic = clinic.restore(&backup, None).await;
    let send = async |clinic: &Clinic, of: &Person, enrol: &Enrol| {
        let opening = Some(enrol.opening.clone());
        clinic
            .world
            .hand_back_identity(of, of, enrol.entries.clone(), opening)
            .await
            .status
    };
    assert_eq!(send(&clinic, &second, &two).await, 201);
    assert_eq!(send(&clinic, &first, &one).await, 201);
    let found = clinic.user("insurer.3").await;
    assert_eq!(found.found[0].identity.identity_id.0, second.id.0);
    let shown: IdentityAnswer = clinic.world.get(&first, &identity(&first)).await.json();
    assert_eq!(shown.opening, None);
    // Somebody else has enrolled in the meantime: the backend must decide.
    let mut clinic = clinic.restore(&backup, None).await;
    clinic.enrol("insurer.3", 2).await;
    assert_eq!(send(&clinic, &second, &two).await, 409);
}

#[tokio::test]
async fn a_new_device_hands_back_the_chain_that_knows_it() {
    let mut clinic = Clinic::new().await;
    let backup = backup(&clinic.path).await;
    let owner = clinic.owner.clone();
    let device = DeviceSecret::generate(&mut random::system());
    let phone = Person {
        device: device.clone(),
        ..owner.clone()
    };
    let add = add_device(&clinic.world, &owner, &device);
    clinic.add(&owner, &add).await;
    let clinic = clinic.restore(&backup, None).await;
    let world = &clinic.world;
    let answer = world.get(&phone, &identity(&phone)).await;
    assert_eq!(answer.code(), "SIGNATURE_INVALID");

    // Somebody else knows of the device, but has no wrap for it.
    let answer = world
        .hand_back_identity(
            &clinic.patient,
            &owner,
            bare(std::slice::from_ref(&add)),
            None,
        )
        .await;
    assert_eq!(answer.status, 200);
    let shown: IdentityAnswer = world.get(&phone, &identity(&phone)).await.json();
    assert_eq!((shown.entries.len(), shown.wraps.len()), (3, 0));
    let mut altered = add.clone();
    altered.wraps[0].sealed.0[9] ^= 1;
    let answer = world
        .hand_back_identity(&owner, &owner, vec![altered], None)
        .await;
    assert_eq!(answer.code(), "ENTRY_INVALID");
    for _ in 0..2 {
        let answer = world
            .hand_back_identity(&owner, &owner, vec![add.clone()], None)
            .await;
        assert_eq!(answer.status, 200);
        let shown: IdentityAnswer = world.get(&phone, &identity(&phone)).await.json();
        assert_eq!(shown.wraps.len(), 1);
    }

    // Or the device itself, which the directory has never seen.
    let clinic = clinic.restore(&backup, None).await;
    let answer = clinic
        .world
        .hand_back_identity(&phone, &owner, vec![add.clone()], None)
        .await;
    assert_eq!(
        answer.status,
        200,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    let path = identity(&phone);
    let shown: IdentityAnswer = clinic.world.get(&phone, &path).await.json();
    assert_eq!(shown.wraps.len(), 1);
    // A foreign chain at this address is none.
    let answer = clinic
        .world
        .hand_back_identity(&phone, &clinic.patient, vec![add], None)
        .await;
    assert_eq!(answer.code(), "CONFLICT");
}

#[tokio::test]
async fn a_revoked_device_brings_nothing_back() {
    let mut clinic = Clinic::new().await;
    let owner = clinic.owner.clone();
    let device = DeviceSecret::generate(&mut random::system());
    let phone = Person {
        device: device.clone(),
        ..owner.clone()
    };
    let add = add_device(&clinic.world, &owner, &device);
    clinic.add(&owner, &add).await;
    let session = clinic.world.session(&owner, vec![]).await;
    let backup = backup(&clinic.path).await;
    let from = clinic.world.now();
    clinic.world.forward(MINUTE);
    // Written by the phone, that then is lost.
    let rotate = clinic.world.rotate(&phone, &session);
    clinic
        .world
        .add(&phone, &session, std::slice::from_ref(&rotate))
        .await
        .json::<Appended>();
    let revoke = own(
        &clinic.world,
        &owner,
        &IdentityBody::RevokeDevice(device.id()),
    );
    clinic.add(&owner, &revoke).await;
    let id = session.state.id();
    let rotate = whole(&[rotate]);

    let clinic = clinic.restore(&backup, None).await;
    let answer = clinic
        .world
        .hand_back_identity(&owner, &owner, vec![revoke.clone()], None)
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(wraps_for(&clinic, &device).await, 0);
    let answer = clinic.world.hand_back(&phone, id, rotate.clone()).await;
    assert_eq!(answer.code(), "DEVICE_REVOKED");
    let answer = clinic.world.hand_back(&owner, id, rotate.clone()).await;
    assert_eq!(answer.code(), "AUTHOR_BEHIND");
    // The entry that added it does not bring its wrap back either.
    let answer = clinic
        .world
        .hand_back_identity(&owner, &owner, vec![add, revoke.clone()], None)
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(wraps_for(&clinic, &device).await, 0);

    // In the operator's window it is taken, if it was written then.
    let mut clinic = clinic;
    for (from, status) in [(from + 6 * MINUTE + 1, 409), (from + 6 * MINUTE, 200)] {
        clinic = clinic.restore(&backup, Some(from)).await;
        let answer = clinic
            .world
            .hand_back_identity(&owner, &owner, vec![revoke.clone()], None)
            .await;
        assert_eq!(answer.status, 200);
        let answer = clinic.world.hand_back(&owner, id, rotate.clone()).await;
        assert_eq!(answer.status, status);
    }
}

/// How many wraps are stored for a device.
async fn wraps_for(clinic: &Clinic, device: &DeviceSecret) -> i64 {
    let mut connection = connect(&clinic.path).await;
    let (count,): (i64,) = sqlx::query_as("SELECT count(*) FROM wraps WHERE recipient = ?")
        .bind(device.id().0.as_slice())
        .fetch_one(&mut connection)
        .await
        .unwrap();
    count
}
