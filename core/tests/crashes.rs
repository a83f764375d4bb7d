//! The program dies at every step of every verb, before or after the step has
//! happened; what is started anew ends in one valid state.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/fuse.rs"]
#[allow(dead_code)]
mod fuse;

use fuse::{Dies, Fuse, FusedStore, FusedTransport, Hurry};
use plico::testing::{TestDirectory, TestPerson};
use plico::{
    Account, AccountOptions, EncryptionSession, ErrorCode, Grant, Recipient, RegisterOptions,
    Rights, SessionId, SessionOptions,
};
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::wire::rest::{Append, Enrol};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Create,
    Grant,
    Revoke,
    Rotate,
    SetMetadata,
    Transfer,
    Leave,
    End,
    EncryptWhenDue,
}

const VERBS: [Verb; 9] = [
    Verb::Create,
    Verb::Grant,
    Verb::Revoke,
    Verb::Rotate,
    Verb::SetMetadata,
    Verb::Transfer,
    Verb::Leave,
    Verb::End,
    Verb::EncryptWhenDue,
];

struct Ward {
    directory: TestDirectory,
    doctor: TestPerson,
    deputy: TestPerson,
    insurer: TestPerson,
}

impl Ward {
    async fn new() -> Self {
        let directory = TestDirectory::start().await.unwrap();
        Self {
            doctor: directory.person("dr.a").await.unwrap(),
            deputy: directory.person("deputy").await.unwrap(),
            insurer: directory.person("insurer.3").await.unwrap(),
            directory,
        }
    }

    /// The doctor's program, started on the doctor's store, with a fuse.
    async fn start(&self, fuse: &Arc<Fuse>) -> plico::Result<Account> {
        let transport = FusedTransport {
            connection: self.doctor.connection().clone(),
            fuse: fuse.clone(),
        };
        let store = FusedStore {
            store: self.doctor.store().clone(),
            fuse: fuse.clone(),
        };
        let plico = self
            .directory
            .builder()
            .transport(Arc::new(transport))
            .runtime(Arc::new(Hurry))
            .start_offline()
            .open()
            .await?;
        plico
            .account(AccountOptions::with_store(Arc::new(store)))
            .await
    }

    async fn prepared(&self, verb: Verb) -> SessionId {
        let owner = Grant::new(Rights::owner());
        let options = SessionOptions::new()
            .recipient(Recipient::user("deputy"), owner)
            .recipient(Recipient::user("insurer.3"), Grant::read());
        let session = self.doctor.account().create_session(options).await.unwrap();
        if verb == Verb::Grant {
            session.revoke(Recipient::user("insurer.3")).await.unwrap();
        }
        if verb == Verb::EncryptWhenDue {
            let insurer = self.insurer.account().session(session.id());
            insurer.leave().await.unwrap();
        }
        session.id()
    }
}

async fn carry_out(verb: Verb, account: &Account, id: SessionId) -> plico::Result<SessionId> {
    let session = account.session(id);
    match verb {
        Verb::Create => {
            let made = account
                .create_session([Recipient::user("insurer.3")])
                .await?;
            return Ok(made.id());
        }
        Verb::Grant => {
            let insurer = Recipient::user("insurer.3");
            session.grant(insurer, Grant::read()).await?;
        }
        Verb::Revoke => session.revoke(Recipient::user("insurer.3")).await?,
        Verb::Rotate => session.rotate().await?,
        Verb::SetMetadata => session.set_metadata(b"a title").await?,
        Verb::Transfer => {
            let keep = Some(Rights::read());
            session.transfer(Recipient::user("insurer.3"), keep).await?;
        }
        Verb::Leave => session.leave().await?,
        Verb::End => session.end().await?,
        Verb::EncryptWhenDue => {
            let now = session.max_staleness(std::time::Duration::ZERO);
            drop(now.encrypt("x", None).await?);
        }
    }
    Ok(id)
}

/// What an honest onlooker must find in the end. `again`: the verb was carried
/// out once more after the restart.
async fn check_end(ward: &Ward, verb: Verb, session: &EncryptionSession) {
    let names = |recipients: Vec<plico::RecipientInfo>| -> BTreeSet<String> {
        recipients.into_iter().filter_map(|it| it.user_id).collect()
    };
    let deputy = ward.deputy.account().session(session.id());
    let insurer = ward.insurer.account();
    let sealed = match verb {
        Verb::End => {
            let gone = deputy.refresh().await.unwrap_err();
            assert_eq!(gone.code(), ErrorCode::SessionEnded);
            return;
        }
        Verb::Leave | Verb::Transfer => deputy.encrypt("after", None).await.unwrap(),
        _ => session.encrypt("after", None).await.unwrap(),
    };
    let who = match verb {
        Verb::Create => names(session.recipients().await.unwrap()),
        _ => names(deputy.recipients().await.unwrap()),
    };
    let opens = insurer.decrypt(&sealed, None).await;
    let insurer_in = !matches!(verb, Verb::Revoke | Verb::EncryptWhenDue);
    assert_eq!(opens.is_ok(), insurer_in, "{opens:?}");
    assert_eq!(who.contains("insurer.3"), insurer_in);
    assert_eq!(who.contains("dr.a"), verb != Verb::Leave);
    if verb == Verb::SetMetadata {
        let metadata = deputy.metadata().await.unwrap();
        assert_eq!(metadata.as_deref(), Some(&b"a title"[..]));
    }
}

/// Whatever the doctor ever sent: at each place of each log one entry only.
fn check_one_entry_for_each_place(ward: &Ward) {
    let mut places: BTreeMap<([u8; 32], u64), BTreeSet<[u8; 32]>> = BTreeMap::new();
    for (request, _) in ward.doctor.connection().exchanges() {
        let entries = if let Ok(append) = serde_json::from_slice::<Append>(&request.body) {
            append.entries
        } else if let Ok(enrol) = serde_json::from_slice::<Enrol>(&request.body) {
            enrol.entries
        } else {
            continue;
        };
        for upload in entries {
            let entry = SignedEntry::from_bytes(&upload.entry.0).unwrap().entry;
            let hashes = places.entry((entry.chain_id.0, entry.seq)).or_default();
            hashes.insert(entry.hash().0);
        }
    }
    assert!(!places.is_empty());
    for ((_, seq), hashes) in places {
        assert_eq!(hashes.len(), 1, "two entries were signed for place {seq}");
    }
}

async fn campaign(verb: Verb) {
    let ward = Ward::new().await;
    let mut deaths = 0;
    for dies in [Dies::Before, Dies::After] {
        for step in 0.. {
            assert!(step < 40, "{verb:?} does not end");
            let id = ward.prepared(verb).await;
            let fuse = Fuse::new(step, dies);
            let done = match ward.start(&fuse).await {
                Ok(account) => carry_out(verb, &account, id).await,
                Err(error) => Err(error),
            };
            if !fuse.burnt() {
                done.unwrap();
                break;
            }
            deaths += 1;
            // Started anew, the program settles what was open, and the user
            // asks for the same again, unless it is seen to be done.
            let again = ward.doctor.restart().await.unwrap();
            again.account().settle().await.unwrap();
            let in_vain = [ErrorCode::SessionEnded, ErrorCode::AccessRevoked];
            let end = match carry_out(verb, again.account(), id).await {
                Ok(end) => end,
                Err(error) if in_vain.contains(&error.code()) => id,
                Err(error)
                    if matches!(verb, Verb::Revoke | Verb::Transfer)
                        && matches!(
                            error.code(),
                            ErrorCode::InvalidArgument | ErrorCode::NotAllowed
                        ) =>
                {
                    id // it was done the first time
                }
                Err(error) => panic!("{verb:?} {dies:?} at step {step}: {error}"),
            };
            check_end(&ward, verb, &again.account().session(end)).await;
            let journal = plico::ports::Store::scan(&**again.store(), "journal/").await;
            assert!(journal.unwrap().is_empty(), "{verb:?} {dies:?} {step}");
        }
    }
    check_one_entry_for_each_place(&ward);
    assert!(deaths >= 4, "{verb:?} died only {deaths} times");
}

/// The program lives on, but the reply to what changes the log is lost: once,
/// so that the next try finds it done; or as often as it tries, and then the
/// network is there again.
#[tokio::test]
async fn replies_are_lost_for_every_verb() {
    let ward = Ward::new().await;
    for verb in VERBS {
        for lost in [1, 4] {
            let id = ward.prepared(verb).await;
            let loses = Arc::new(fuse::LosesWrites::new(ward.doctor.connection(), lost));
            let builder = ward.directory.builder().transport(loses);
            let plico = builder.runtime(Arc::new(Hurry)).open().await.unwrap();
            let options = AccountOptions::with_store(ward.doctor.store().clone());
            let account = plico.account(options).await.unwrap();
            let first = carry_out(verb, &account, id).await;
            assert_eq!(first.is_ok(), lost == 1, "{verb:?}: {first:?}");
            let end = match first {
                Ok(end) => end,
                Err(error) => {
                    assert_eq!(error.code(), ErrorCode::Network);
                    match carry_out(verb, &account, id).await {
                        Ok(end) => end,
                        Err(error) => {
                            let done = [
                                ErrorCode::SessionEnded,
                                ErrorCode::AccessRevoked,
                                ErrorCode::NotAllowed,
                                ErrorCode::InvalidArgument,
                            ];
                            assert!(done.contains(&error.code()), "{verb:?}: {error}");
                            id
                        }
                    }
                }
            };
            check_end(&ward, verb, &account.session(end)).await;
        }
    }
    check_one_entry_for_each_place(&ward);
}

macro_rules! campaigns {
    ($($name:ident: $verb:ident),*) => {
        $(#[tokio::test]
        async fn $name() {
            campaign(Verb::$verb).await;
        })*

        #[test]
        fn every_verb_has_a_campaign() {
            assert_eq!([$(Verb::$verb),*], VERBS);
        }
    };
}

campaigns!(
    dying_while_creating: Create,
    dying_while_granting: Grant,
    dying_while_revoking: Revoke,
    dying_while_rotating: Rotate,
    dying_while_setting_metadata: SetMetadata,
    dying_while_handing_over: Transfer,
    dying_while_leaving: Leave,
    dying_while_ending: End,
    dying_while_writing_when_an_epoch_is_due: EncryptWhenDue
);

#[tokio::test]
async fn dying_while_registering() {
    let directory = TestDirectory::start().await.unwrap();
    for dies in [Dies::Before, Dies::After] {
        for step in 0..40 {
            let name = format!("person.{dies:?}.{step}");
            let person = directory.visitor(&name).await.unwrap();
            let fuse = Fuse::new(step, dies);
            let transport = FusedTransport {
                connection: person.connection().clone(),
                fuse: fuse.clone(),
            };
            let store = FusedStore {
                store: person.store().clone(),
                fuse: fuse.clone(),
            };
            let start = async || {
                let builder = directory.builder().transport(Arc::new(transport));
                let plico = builder.runtime(Arc::new(Hurry)).open().await?;
                let account = AccountOptions::with_store(Arc::new(store));
                let account = plico.account(account).await?;
                let (backend, user_id) = (directory.clone(), name.clone());
                account
                    .register(RegisterOptions::new(&name, move |request| {
                        let token = backend.enrol(&user_id, request.identity_id);
                        async move { Ok(token) }
                    }))
                    .await
            };
            let first = start().await;
            let again = person.restart().await.unwrap();
            let id = again.register(1).await.unwrap();
            assert_eq!(again.account().identity_id(), Some(id));
            if let Ok(first) = first {
                assert_eq!(first, id);
            }
            again.account().create_session([]).await.unwrap();
            if !fuse.burnt() {
                break;
            }
            assert!(step < 39, "it does not end");
        }
    }
}
