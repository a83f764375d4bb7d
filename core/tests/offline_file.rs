//! An envelope and an identity as two files, on a machine without a network.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/ward.rs"]
mod ward;

use plico::testing::TestPerson;
use plico::{
    Account, Context, ErrorCode, FileKey, Grant, Group, GroupOptions, GroupRole, Recipient, Rights,
    SessionOptions, open_offline_file,
};
use plico_protocol::format::ids::{ChainId, EntryHash, Position};
use plico_protocol::format::offline::OfflineFile;
use plico_protocol::identity::draft::DeviceSecret;
use plico_protocol::identity::file::{IdentityFile, Protection};
use plico_protocol::primitives::kem::PrivateKey;
use plico_protocol::primitives::secret::Secret32;
use plico_protocol::primitives::sign::SigningKey;
use serde_json::Value;
use std::time::Duration;
use ward::{code, ward};

fn host(byte: u8) -> FileKey {
    FileKey::host_secret(&[byte; 32]).unwrap()
}

#[tokio::test]
async fn two_files_open_what_was_sealed() {
    let (directory, doctor, patient, insurer) = ward().await;
    let readers = [Recipient::user("patient.7")];
    let session = doctor.account().create_session(readers).await.unwrap();
    session
        .grant(Recipient::user("insurer.3"), Grant::read())
        .await
        .unwrap();
    let context = Context::fields([("table", "notes".into())]).unwrap();
    let old = session.encrypt("before", Some(&context)).await.unwrap();
    let identity = patient.account().export_identity(&host(1)).await.unwrap();
    // Everything moves on: keys, epochs, recipients.
    patient.account().rotate_user_key().await.unwrap();
    session.revoke(Recipient::user("insurer.3")).await.unwrap();
    doctor.account().rotate_user_key().await.unwrap();
    let fresh = session.max_staleness(Duration::ZERO);
    let new = fresh.encrypt("after", None).await.unwrap();

    let mut files = Vec::new();
    for (sealed, context, text) in [(&old, Some(&context), "before"), (&new, None, "after")] {
        let file = patient.account().offline_file(sealed).await.unwrap();
        assert_eq!(file[4..6], [0, 1], "without groups it is of version 1");
        directory.down(true);
        let opened = open_offline_file(&file, &identity, &host(1), context).await;
        directory.down(false);
        let opened = opened.unwrap();
        assert_eq!(opened.content.bytes(), text.as_bytes());
        let age = directory
            .clock()
            .now()
            .duration_since(opened.as_of)
            .unwrap();
        assert!(age < Duration::from_secs(60));
        files.push(file);
    }
    // Long afterwards it is as good, and says from when it is.
    directory.clock().advance(Duration::from_secs(400 * 86_400));
    let opened = open_offline_file(&files[1], &identity, &host(1), None)
        .await
        .unwrap();
    let age = directory
        .clock()
        .now()
        .duration_since(opened.as_of)
        .unwrap();
    assert!(age > Duration::from_secs(399 * 86_400));

    let open = async |file: &[u8], identity: &[u8], key: &FileKey| {
        code(open_offline_file(file, identity, key, None).await)
    };
    let new = &files[1];
    assert_eq!(
        open(new, &identity, &host(2)).await,
        ErrorCode::WrongPassphrase
    );
    assert_eq!(
        open(b"PLCI", &identity, &host(1)).await,
        ErrorCode::OfflineFileInvalid
    );
    assert_eq!(
        open(new, new, &host(1)).await,
        ErrorCode::IdentityFileInvalid
    );
    assert_eq!(
        open(&files[0], &identity, &host(1)).await,
        ErrorCode::ContextRequired
    );
    let other = insurer.account().export_identity(&host(1)).await.unwrap();
    assert_eq!(
        open(new, &other, &host(1)).await,
        ErrorCode::OfflineFileInvalid
    );
    // Who may not open it can't make the file, either.
    let refused = insurer.account().offline_file(&old).await.map(drop);
    assert!(matches!(
        code(refused),
        ErrorCode::AccessRevoked | ErrorCode::EpochUnavailable
    ));
}

#[tokio::test]
async fn a_withdrawn_identity_opens_no_later_file() {
    let (_directory, doctor, patient, _) = ward().await;
    let readers = [Recipient::user("patient.7")];
    let session = doctor.account().create_session(readers).await.unwrap();
    let sealed = session.encrypt("finding", None).await.unwrap();
    let account = patient.account();
    let identity = account.export_identity(&host(1)).await.unwrap();
    let early = account.offline_file(&sealed).await.unwrap();
    let devices = account.devices().await.unwrap();
    account.revoke_device(devices[1].id).await.unwrap();
    let late = account.offline_file(&sealed).await.unwrap();
    let refused = open_offline_file(&late, &identity, &host(1), None).await;
    assert_eq!(code(refused), ErrorCode::DeviceRevoked);
    // What it could open, it can.
    open_offline_file(&early, &identity, &host(1), None)
        .await
        .unwrap();
}

/// Each byte counts: altered anywhere, the file is refused or says the same.
#[tokio::test]
async fn an_altered_file_is_not_believed() {
    let (_directory, doctor, patient, _) = ward().await;
    let readers = [Recipient::user("patient.7")];
    let session = doctor.account().create_session(readers).await.unwrap();
    let sealed = session.encrypt("finding", None).await.unwrap();
    let account = patient.account();
    let identity = account.export_identity(&host(1)).await.unwrap();
    let file = account.offline_file(&sealed).await.unwrap();
    let mut refused = 0;
    let mut tried = 0;
    for at in (0..file.len()).step_by(file.len() / 150) {
        let mut altered = file.clone();
        altered[at] ^= 1;
        tried += 1;
        match open_offline_file(&altered, &identity, &host(1), None).await {
            Err(error) => {
                refused += 1;
                assert_ne!(error.code(), ErrorCode::Internal, "byte {at}: {error}");
                assert_ne!(error.code(), ErrorCode::Network, "byte {at}: {error}");
            }
            // What nobody needs for this: another device's wrap, a time.
            Ok(opened) => assert_eq!(opened.content.bytes(), b"finding"),
        }
    }
    // The wraps of the reader's two other devices are a good part of a file.
    assert!(refused * 2 > tried, "{refused} of {tried}");
    for length in [0, 3, 6, 100, file.len() - 1] {
        let cut = open_offline_file(&file[..length], &identity, &host(1), None).await;
        assert_eq!(code(cut), ErrorCode::OfflineFileInvalid);
    }
}

/// The way to the session leads through a group in a group.
#[tokio::test]
async fn a_file_leads_through_groups() {
    let (directory, doctor, patient, insurer) = ward().await;
    let owner = doctor.account();
    let inner = GroupOptions::new().member(Recipient::user("patient.7"), GroupRole::Member);
    let inner = owner.create_group(inner.name("inner")).await.unwrap();
    let to_inner = Recipient::group(inner.id());
    let outer = GroupOptions::new().member(to_inner, GroupRole::Member);
    let outer = owner.create_group(outer).await.unwrap();
    let grant = Grant::new(Rights::read().and_forward());
    let options = SessionOptions::new().recipient(Recipient::group(outer.id()), grant);
    let session = insurer.account().create_session(options).await.unwrap();
    let old = session.encrypt("before", None).await.unwrap();
    let (member, key) = (patient.account(), host(1));
    let identity = member.export_identity(&key).await.unwrap();
    // Keys move on everywhere, and a member writes as the group.
    member.rotate_user_key().await.unwrap();
    inner.rotate().await.unwrap();
    outer.rotate().await.unwrap();
    let theirs = member.session(session.id());
    theirs
        .grant(Recipient::user("dr.a"), Grant::read())
        .await
        .unwrap();
    theirs.rotate().await.unwrap();
    let new = theirs.encrypt("after", None).await.unwrap();
    for (sealed, text) in [(&old, "before"), (&new, "after")] {
        let file = member.offline_file(sealed).await.unwrap();
        assert_eq!(file[4..6], [0, 2], "with groups it is of version 2");
        directory.down(true);
        let opened = open_offline_file(&file, &identity, &key, None).await;
        directory.down(false);
        assert_eq!(opened.unwrap().content.bytes(), text.as_bytes());
    }
    // Somebody may read as themselves; the log names groups all the same.
    let owners = doctor.account().export_identity(&key).await.unwrap();
    let direct = doctor.account().offline_file(&new).await.unwrap();
    let opened = open_offline_file(&direct, &owners, &key, None).await;
    assert_eq!(opened.unwrap().content.bytes(), b"after");
    // Who is not in it, or no more, makes none.
    let stranger = directory.person("nurse.b").await.unwrap();
    let refused = stranger.account().offline_file(&new).await;
    assert_eq!(code(refused), ErrorCode::SessionNotFound);
    inner.remove(Recipient::user("patient.7")).await.unwrap();
    let refused = patient.restart().await.unwrap();
    let refused = refused.account().offline_file(&new).await;
    assert_eq!(code(refused), ErrorCode::SessionNotFound);
}

#[tokio::test]
async fn a_file_with_groups_is_verified_as_a_whole() {
    let (_directory, doctor, patient, _) = ward().await;
    let (group, sealed) = for_a_group(&doctor).await;
    let (account, key) = (patient.account(), host(1));
    let identity = account.export_identity(&key).await.unwrap();
    let file = account.offline_file(&sealed).await.unwrap();
    let open = async |file: &OfflineFile| {
        code(open_offline_file(&file.to_bytes(), &identity, &key, None).await)
    };
    let whole = OfflineFile::from_bytes(&file).unwrap();
    assert_eq!(whole.to_bytes(), file);
    assert_eq!(whole.groups.len(), 1);
    assert_eq!(whole.groups[0].chain.id.0, *group.id().as_bytes());
    let altered = |change: &dyn Fn(&mut OfflineFile)| {
        let mut bad = whole.clone();
        change(&mut bad);
        bad
    };
    let without = altered(&|it| {
        it.groups.clear();
        it.version = 1;
    });
    assert_eq!(open(&without).await, ErrorCode::GroupNotFound);
    let empty = altered(&|it| it.groups.clear());
    assert_eq!(open(&empty).await, ErrorCode::OfflineFileInvalid);
    let twice = altered(&|it| it.groups.push(it.groups[0].clone()));
    assert_eq!(open(&twice).await, ErrorCode::OfflineFileInvalid);
    // Version 1 has nothing at its end.
    let mislabelled = altered(&|it| it.version = 1);
    let mut bytes = mislabelled.to_bytes();
    bytes.extend_from_slice(&file[bytes.len()..]);
    let opened = open_offline_file(&bytes, &identity, &key, None).await;
    assert_eq!(code(opened), ErrorCode::OfflineFileInvalid);

    let no_wraps = altered(&|it| it.groups[0].wraps.clear());
    assert_eq!(open(&no_wraps).await, ErrorCode::EpochUnavailable);
    let other_wraps = altered(&|it| it.groups[0].wraps = it.wraps.clone());
    assert_eq!(open(&other_wraps).await, ErrorCode::WrapInvalid);
    let short = altered(&|it| it.groups[0].chain.entries.truncate(1));
    let code_of_short = open(&short).await;
    let cut = [ErrorCode::HeadInvalid, ErrorCode::HistoryShortened];
    assert!(cut.contains(&code_of_short), "{code_of_short}");
    let other_head = altered(&|it| it.groups[0].chain.head = it.session.head.clone());
    assert_eq!(open(&other_head).await, ErrorCode::AnswerMismatch);
    let relabelled = altered(&|it| it.groups[0].chain.id = it.session.id);
    assert_eq!(open(&relabelled).await, ErrorCode::GroupNotFound);

    let mut refused = 0;
    let (step, mut tried) = (file.len() / 150, 0);
    for at in (0..file.len()).step_by(step) {
        let mut altered = file.clone();
        altered[at] ^= 1;
        tried += 1;
        match open_offline_file(&altered, &identity, &key, None).await {
            Err(error) => {
                refused += 1;
                assert_ne!(error.code(), ErrorCode::Internal, "byte {at}: {error}");
                assert_ne!(error.code(), ErrorCode::Network, "byte {at}: {error}");
            }
            // What nobody needs for this: another device's wrap, a time.
            Ok(opened) => assert_eq!(opened.content.bytes(), b"for the ward"),
        }
    }
    assert!(refused * 2 > tried, "{refused} of {tried}");
    for length in [file.len() - 1, file.len() - 300, 6] {
        let cut = open_offline_file(&file[..length], &identity, &key, None).await;
        assert_eq!(code(cut), ErrorCode::OfflineFileInvalid);
    }
}

async fn for_a_group(owner: &TestPerson) -> (Group, Vec<u8>) {
    let account: &Account = owner.account();
    let options = GroupOptions::new().member(Recipient::user("patient.7"), GroupRole::Member);
    let group = account.create_group(options).await.unwrap();
    group.rotate().await.unwrap();
    let readers = [Recipient::group(group.id())];
    let session = account.create_session(readers).await.unwrap();
    let sealed = session.encrypt("for the ward", None).await.unwrap();
    (group, sealed)
}

/// What was published once opens for ever, and only as it was published.
#[tokio::test]
async fn the_published_files_open() {
    let file = include_str!("../protocol/testdata/offline_files.json");
    let cases: Vec<Value> = serde_json::from_str(file).unwrap();
    assert_eq!(cases.len(), 2, "one of each version");
    for case in &cases {
        let bytes = |name: &str| hex::decode(case[name].as_str().unwrap()).unwrap();
        let id = |name: &str| ChainId(bytes(name).try_into().unwrap());
        let seed = |name: &str| Secret32::from_slice(&bytes(name)).unwrap();
        let device = DeviceSecret {
            signing: SigningKey::from_seed(&seed("signing_seed")),
            kem: PrivateKey::from_seed(seed("kem_seed")),
        };
        let identity = IdentityFile {
            tenant_id: id("tenant_id"),
            identity: id("identity_id"),
            position: Position {
                seq: 0,
                hash: EntryHash::ZERO,
            },
            user_id: "nurse.b".into(),
            device,
        };
        let secret = Secret32::from_slice(&[1; 32]).unwrap();
        let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
        let identity = identity.seal(Protection::Host(&secret), &mut rng).unwrap();
        let context = bytes_of(case, "app_context");
        let context = context.map(|it| Context::decode(&it).unwrap());
        let open = async |file: &[u8]| {
            open_offline_file(file, &identity, &host(1), context.as_ref()).await
        };
        let file = bytes("file");
        let opened = open(&file).await.unwrap();
        assert_eq!(opened.content.bytes(), bytes("plaintext"));
        let as_of = opened.as_of.duration_since(std::time::UNIX_EPOCH).unwrap();
        assert_eq!(
            as_of.as_millis(),
            u128::from(case["as_of_ms"].as_u64().unwrap())
        );
        for at in case["flips"].as_array().unwrap() {
            let mut altered = file.clone();
            altered[usize::try_from(at.as_u64().unwrap()).unwrap()] ^= 1;
            assert!(open(&altered).await.is_err(), "byte {at}");
        }
        for bad in case["altered"].as_array().unwrap() {
            let change = &bad["changes"][0];
            if change["at"][0] == "file" {
                let altered = bytes_of(change, "to").unwrap();
                assert!(open(&altered).await.is_err(), "{}", bad["name"]);
            }
        }
    }
}

fn bytes_of(case: &Value, name: &str) -> Option<Vec<u8>> {
    Some(hex::decode(case[name].as_str()?).unwrap())
}
