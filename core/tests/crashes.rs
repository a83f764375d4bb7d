//! The program dies at every step of every verb, before or after the step has
//! happened; what is started anew ends in one valid state.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/fuse.rs"]
#[allow(dead_code)]
mod fuse;
#[path = "common/verbs.rs"]
mod verbs;

use fuse::{Dies, Fuse, FusedStore, FusedTransport, Hurry};
use plico::testing::TestDirectory;
use plico::{Account, AccountOptions, ErrorCode, RegisterOptions};
use std::sync::Arc;
use verbs::{
    VERBS, Verb, Ward, carry_out, carry_out_again, check_end, check_one_entry_for_each_place,
};

/// The doctor's program, started on the doctor's store, with a fuse.
async fn start(ward: &Ward, fuse: &Arc<Fuse>) -> plico::Result<Account> {
    let transport = FusedTransport {
        connection: ward.doctor.connection().clone(),
        fuse: fuse.clone(),
    };
    let store = FusedStore {
        store: ward.doctor.store().clone(),
        fuse: fuse.clone(),
    };
    let plico = ward
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

async fn campaign(verb: Verb) {
    let ward = Ward::new().await;
    let mut deaths = 0;
    for dies in [Dies::Before, Dies::After] {
        for step in 0.. {
            assert!(step < 40, "{verb:?} does not end");
            let id = ward.prepared(verb).await;
            let fuse = Fuse::new(step, dies);
            let done = match start(&ward, &fuse).await {
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
            let end = carry_out_again(verb, again.account(), id).await;
            check_end(&ward, verb, &again.account().session(end)).await;
            let journal = plico::ports::Store::scan(&**again.store(), "journal/").await;
            assert!(journal.unwrap().is_empty(), "{verb:?} {dies:?} {step}");
        }
    }
    check_one_entry_for_each_place(&[&ward.doctor]);
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
                    carry_out_again(verb, &account, id).await
                }
            };
            check_end(&ward, verb, &account.session(end)).await;
        }
    }
    check_one_entry_for_each_place(&[&ward.doctor]);
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
            check_one_entry_for_each_place(&[&person, &again]);
            if !fuse.burnt() {
                break;
            }
            assert!(step < 39, "it does not end");
        }
    }
}
