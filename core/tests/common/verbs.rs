//! All that changes a session's log, on a ward where it can be tried at every
//! place of a call.

use plico::testing::{TestDirectory, TestPerson};
use plico::{
    Account, EncryptionSession, ErrorCode, Grant, Recipient, Rights, SessionId, SessionOptions,
};
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::wire::rest::{Append, Enrol};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
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

pub const VERBS: [Verb; 9] = [
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

pub struct Ward {
    pub directory: TestDirectory,
    pub doctor: TestPerson,
    pub deputy: TestPerson,
    pub insurer: TestPerson,
}

impl Ward {
    pub async fn new() -> Self {
        let directory = TestDirectory::start().await.unwrap();
        Self {
            doctor: directory.person("dr.a").await.unwrap(),
            deputy: directory.person("deputy").await.unwrap(),
            insurer: directory.person("insurer.3").await.unwrap(),
            directory,
        }
    }

    pub async fn prepared(&self, verb: Verb) -> SessionId {
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

pub async fn carry_out(verb: Verb, account: &Account, id: SessionId) -> plico::Result<SessionId> {
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

/// What an honest onlooker must find in the end.
pub async fn check_end(ward: &Ward, verb: Verb, session: &EncryptionSession) {
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

/// Whatever this person's programs ever sent: at each place of each log one
/// entry only.
pub fn check_one_entry_for_each_place(programs: &[&TestPerson]) {
    let mut places: BTreeMap<([u8; 32], u64), BTreeSet<[u8; 32]>> = BTreeMap::new();
    let exchanges = programs.iter().flat_map(|it| it.connection().exchanges());
    for (request, _) in exchanges {
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

/// Carries `verb` out once more, after an attempt of unknown outcome. It may have
/// been done the first time.
pub async fn carry_out_again(verb: Verb, account: &Account, id: SessionId) -> SessionId {
    let done = match verb {
        Verb::Revoke | Verb::Transfer => vec![
            ErrorCode::SessionEnded,
            ErrorCode::AccessRevoked,
            ErrorCode::InvalidArgument,
            ErrorCode::NotAllowed,
        ],
        _ => vec![ErrorCode::SessionEnded, ErrorCode::AccessRevoked],
    };
    match carry_out(verb, account, id).await {
        Ok(end) => end,
        Err(error) if done.contains(&error.code()) => id,
        Err(error) => panic!("{verb:?}: {error}"),
    }
}
