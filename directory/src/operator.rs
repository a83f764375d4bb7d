//! What the tenant's operator has said of a session or group, beside its log:
//! whom it has withdrawn, and whether it was destroyed. It only takes away.

use crate::app::{App, Tenant};
use crate::auth::{check_token_life, invalid_token};
use crate::problem::ApiError;
use crate::storage::{ChainRef, Expected, RecordChange, RecordKind, Storage, StorageError};
use plico_protocol::format::ids::{Kind, Recipient};
use plico_protocol::identity::operator::OperatorToken;
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::rest::RecipientName;
use std::collections::{BTreeMap, BTreeSet};

/// How long it is remembered that a withdrawal was lifted, in milliseconds: no
/// token that is older is valid then.
const LIFTED_FOR_MS: u64 = 15 * 60 * 1000;

const WITHDRAWN: u8 = 1;
const LIFTED: u8 = 2;
const DESTROYED: u8 = 3;

/// All that the operator has said of one chain.
#[derive(Clone, Debug, Default)]
pub(crate) struct OperatorWord {
    /// Everything but the log was deleted.
    pub(crate) destroyed: bool,
    /// Those who are given nothing and may do nothing.
    pub(crate) withdrawn: BTreeSet<Recipient>,
    /// When what was said last was said, and the stored value.
    said: BTreeMap<Recipient, (u64, Vec<u8>)>,
}

impl OperatorWord {
    /// Whether `recipient` may be given anything.
    pub(crate) fn allows(&self, recipient: Recipient) -> Result<Recipient, ErrorCode> {
        if self.destroyed {
            return Err(ErrorCode::SessionEnded);
        }
        if self.withdrawn.contains(&recipient) {
            return Err(ErrorCode::AccessWithdrawn);
        }
        Ok(recipient)
    }

    /// Those who are withdrawn, as they stand in answers.
    pub(crate) fn names(&self) -> impl Iterator<Item = RecipientName> {
        self.withdrawn.iter().map(|it| RecipientName {
            kind: it.kind.to_u8(),
            id: B64x32(it.id),
        })
    }

    /// The change by which `recipient` is withdrawn, or no longer; `None`: it is
    /// so already, by this word. `CONFLICT`: something later was said.
    pub(crate) fn change(
        &self,
        at: ChainRef,
        recipient: Recipient,
        withdraw: bool,
        issued_ms: u64,
        now_ms: u64,
    ) -> Result<Option<RecordChange>, ErrorCode> {
        let what = if withdraw { WITHDRAWN } else { LIFTED };
        let value = [&[what], issued_ms.to_be_bytes().as_slice()].concat();
        let expected = match self.said.get(&recipient) {
            Some((_, there)) if *there == value => return Ok(None),
            Some((said_ms, _)) if *said_ms >= issued_ms => return Err(ErrorCode::Conflict),
            Some((_, there)) => Expected::Value(there.clone()),
            None => Expected::Nothing,
        };
        let mut key = at.chain.0.to_vec();
        key.push(recipient.kind.to_u8());
        key.extend_from_slice(&recipient.id);
        Ok(Some(RecordChange {
            kind: RecordKind::Operator,
            key,
            expected,
            value: Some(value),
            expires_ms: if withdraw {
                0
            } else {
                now_ms.saturating_add(LIFTED_FOR_MS)
            },
        }))
    }

    /// The mark of a chain that was destroyed.
    pub(crate) fn destruction(at: ChainRef, issued_ms: u64) -> RecordChange {
        let value = [&[DESTROYED], issued_ms.to_be_bytes().as_slice()].concat();
        RecordChange::put(RecordKind::Operator, &at.chain.0, value)
    }
}

fn read(key: &[u8], value: &[u8], word: &mut OperatorWord) -> Option<()> {
    let (what, issued_ms) = value.split_first()?;
    let issued_ms = u64::from_be_bytes(issued_ms.try_into().ok()?);
    let Some((kind, id)) = key.get(32..)?.split_first() else {
        word.destroyed = *what == DESTROYED;
        return Some(());
    };
    let recipient = Recipient {
        kind: Kind::from_u8(*kind)?,
        id: id.try_into().ok()?,
    };
    if *what == WITHDRAWN {
        word.withdrawn.insert(recipient);
    }
    word.said.insert(recipient, (issued_ms, value.to_vec()));
    Some(())
}

/// The operator's token, if it is one of this tenant and valid now.
pub(crate) fn verify(app: &App, tenant: &Tenant, token: &str) -> Result<OperatorToken, ApiError> {
    let token = OperatorToken::verify(token, &tenant.state);
    let token = token.map_err(|error| invalid_token(&error))?;
    check_token_life(app, token.issued_ms, token.expires_ms)?;
    Ok(token)
}

/// What was said of a chain.
pub(crate) async fn word(
    storage: &dyn Storage,
    at: ChainRef,
) -> Result<OperatorWord, StorageError> {
    let mut word = OperatorWord::default();
    let found = storage.records(at.tenant, RecordKind::Operator, &at.chain.0);
    for (key, value) in found.await? {
        read(&key, &value, &mut word).ok_or(StorageError::Damaged("an operator's word"))?;
    }
    Ok(word)
}
