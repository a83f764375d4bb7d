//! The operator's word on a session or a group: an EdDSA JWT like that of
//! enrolment. It only takes away, or gives back what it took.
//!
//! `typ` = `plico-operator+jwt`; claims `aud` = the tenant id, `plico_action` =
//! `withdraw`, `lift`, `destroy` or `find`; but for `find`, `plico_session` = the
//! id of the session or group; for `withdraw` and `lift`, `plico_recipient` = the
//! id of an identity or group and `plico_recipient_kind` = 2 or 3 (ids in
//! base64url without padding); `iat` and `exp` in seconds, at most 300 apart.

use super::attestation::AttestationError;
use super::tenant::TenantState;
use super::token::{self, Dated, id_from};
use crate::format::ids::{ChainId, KeyId, Kind, Recipient};
use crate::primitives::sign::SigningKey;
use serde::{Deserialize, Serialize};

const TYPE: &str = "plico-operator+jwt";

/// What the operator wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorAction {
    /// The recipient is given nothing in this session or group, and may do nothing.
    Withdraw(ChainId, Recipient),
    /// No longer so.
    Lift(ChainId, Recipient),
    /// All but the log is deleted, for ever.
    Destroy(ChainId),
    /// To find sessions by their tag.
    Find,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Withdraw,
    Lift,
    Destroy,
    Find,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    aud: String,
    plico_action: Action,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plico_session: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plico_recipient_kind: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    plico_recipient: Option<String>,
    iat: u64,
    exp: u64,
}

impl Dated for Claims {
    fn audience(&self) -> &str {
        &self.aud
    }

    fn life_s(&self) -> (u64, u64) {
        (self.iat, self.exp)
    }
}

impl Claims {
    fn session(&self) -> Result<ChainId, AttestationError> {
        let id = self.plico_session.as_deref();
        id_from(id.ok_or(AttestationError::Malformed)?).map(ChainId)
    }

    fn recipient(&self) -> Result<Recipient, AttestationError> {
        let kind = self.plico_recipient_kind.and_then(Kind::from_u8);
        let kind = kind.filter(|it| matches!(it, Kind::Identity | Kind::Group));
        let id = self.plico_recipient.as_deref();
        Ok(Recipient {
            kind: kind.ok_or(AttestationError::Malformed)?,
            id: id_from(id.ok_or(AttestationError::Malformed)?)?,
        })
    }
}

/// What a verified token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperatorToken {
    /// What is to be done.
    pub action: OperatorAction,
    /// Not before, in milliseconds since 1970-01-01 UTC; of two words on the same
    /// recipient the later one counts.
    pub issued_ms: u64,
    /// Not after, in milliseconds since 1970-01-01 UTC.
    pub expires_ms: u64,
}

impl OperatorToken {
    /// Signs a token, as an app's backend does. `iat` is `issued_ms` in whole seconds.
    #[must_use]
    pub fn sign(&self, tenant: ChainId, key_id: KeyId, key: &SigningKey) -> String {
        let (plico_action, session, recipient) = match self.action {
            OperatorAction::Withdraw(session, who) => (Action::Withdraw, Some(session), Some(who)),
            OperatorAction::Lift(session, who) => (Action::Lift, Some(session), Some(who)),
            OperatorAction::Destroy(session) => (Action::Destroy, Some(session), None),
            OperatorAction::Find => (Action::Find, None, None),
        };
        let claims = Claims {
            aud: token::audience_of(tenant),
            plico_action,
            plico_session: session.map(|it| token::id_text(&it.0)),
            plico_recipient_kind: recipient.map(|it| it.kind.to_u8()),
            plico_recipient: recipient.map(|it| token::id_text(&it.id)),
            iat: self.issued_ms / 1000,
            exp: self.expires_ms / 1000,
        };
        token::sign(TYPE, key_id, key, &claims)
    }

    /// Verifies a token against the tenant's chain.
    ///
    /// # Errors
    /// Any [`AttestationError`]. A token of another type is none.
    pub fn verify(token: &str, tenant: &TenantState) -> Result<Self, AttestationError> {
        let (claims, life): (Claims, _) = token::verify(TYPE, token, tenant)?;
        let action = match claims.plico_action {
            Action::Withdraw => OperatorAction::Withdraw(claims.session()?, claims.recipient()?),
            Action::Lift => OperatorAction::Lift(claims.session()?, claims.recipient()?),
            Action::Destroy => OperatorAction::Destroy(claims.session()?),
            Action::Find => OperatorAction::Find,
        };
        Ok(Self {
            action,
            issued_ms: life.issued_ms,
            expires_ms: life.expires_ms,
        })
    }
}
