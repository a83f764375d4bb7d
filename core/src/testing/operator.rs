//! What an app's backend, the tenant's operator, says by tokens of its enrolment key.

use super::directory::TestDirectory;
use super::kit_error;
use crate::client::{GroupId, IdentityId, MemberId, SessionId};
use crate::error::{Error, Result};
use crate::ports::{Method, Request, Transport as _};
use plico_directory::admin;
use plico_protocol::format::ids::{ChainId, Recipient};
use plico_protocol::identity::operator::{OperatorAction, OperatorToken};
use plico_protocol::identity::standing::{Standing, StandingToken};
use plico_protocol::wire::rest::{
    Memberships, OperatorAnswer, OperatorRequest, SessionsFind, StandingAnswer, StandingChange,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How long a token is valid, in milliseconds.
const LIFE_MS: u64 = 300_000;

/// A session, or a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operated {
    /// A session.
    Session(SessionId),
    /// A group.
    Group(GroupId),
}

impl From<SessionId> for Operated {
    fn from(id: SessionId) -> Self {
        Self::Session(id)
    }
}

impl From<GroupId> for Operated {
    fn from(id: GroupId) -> Self {
        Self::Group(id)
    }
}

impl Operated {
    fn chain(self) -> ChainId {
        match self {
            Self::Session(id) => id.0,
            Self::Group(id) => id.0,
        }
    }
}

fn recipient(who: MemberId) -> Recipient {
    match who {
        MemberId::Identity(id) => Recipient::identity(id.0),
        MemberId::Group(id) => Recipient::group(id.0),
    }
}

impl TestDirectory {
    /// What an app's backend signs to disable `identity`, or to let it be
    /// active again: a token for `POST …/identities/{identity}/standing`, which
    /// is sent here, too.
    ///
    /// # Errors
    /// What the directory answers: `CONFLICT` for a second change within one
    /// second, `IDENTITY_NOT_FOUND`, `IDENTITY_DELETED`.
    pub async fn set_standing(&self, identity: IdentityId, active: bool) -> Result<()> {
        let issued_ms = self.now_in_seconds_ms();
        let standing = if active {
            Standing::Active
        } else {
            Standing::Disabled
        };
        let token = StandingToken {
            identity: ChainId(*identity.as_bytes()),
            standing,
            issued_ms,
            expires_ms: issued_ms + LIFE_MS,
        };
        let tenant = &self.inner.tenant;
        let key = admin::key_id(&tenant.enrolment);
        let token = token.sign(tenant.id, key, &tenant.enrolment);
        let path = format!("/identities/{identity}/standing");
        let answer = self.say(&path, &StandingChange { token }).await;
        answer.map(|_: StandingAnswer| ())
    }

    /// The operator withdraws `who` from a session or a group: they are given
    /// nothing and may do nothing in it, until that is [lifted](Self::lift).
    ///
    /// # Errors
    /// What the directory answers: `CONFLICT` for a second change within one
    /// second, `SESSION_NOT_FOUND`.
    pub async fn withdraw(&self, of: impl Into<Operated>, who: MemberId) -> Result<()> {
        let of = of.into().chain();
        self.operate(of, OperatorAction::Withdraw(of, recipient(who)))
            .await
    }

    /// And takes it back.
    ///
    /// # Errors
    /// As [`Self::withdraw`].
    pub async fn lift(&self, of: impl Into<Operated>, who: MemberId) -> Result<()> {
        let of = of.into().chain();
        self.operate(of, OperatorAction::Lift(of, recipient(who)))
            .await
    }

    /// The operator destroys a session or a group: the directory deletes all but
    /// its log.
    ///
    /// # Errors
    /// `SESSION_NOT_FOUND`.
    pub async fn destroy(&self, of: impl Into<Operated>) -> Result<()> {
        let of = of.into().chain();
        self.operate(of, OperatorAction::Destroy(of)).await
    }

    /// What the backend finds by a tag: at most 1,024 sessions after `after`.
    ///
    /// # Errors
    /// `NETWORK`.
    pub async fn find_sessions(
        &self,
        tag: &str,
        after: Option<SessionId>,
    ) -> Result<Vec<SessionId>> {
        let find = SessionsFind {
            token: self.operator_token(OperatorAction::Find),
            tag: tag.to_owned(),
            after: after.map(|it| plico_protocol::wire::b64::B64x32(it.0.0)),
        };
        let found: Memberships = self.say("/sessions/find", &find).await?;
        let ids = found.chains.iter().map(|it| SessionId(ChainId(it.0)));
        Ok(ids.collect())
    }

    async fn operate(&self, of: ChainId, action: OperatorAction) -> Result<()> {
        let token = self.operator_token(action);
        let path = format!("/sessions/{}/operator", SessionId(of));
        let answer = self.say(&path, &OperatorRequest { token }).await;
        answer.map(|_: OperatorAnswer| ())
    }

    /// A token of the operator, valid for five minutes, as an app's backend makes it.
    fn operator_token(&self, action: OperatorAction) -> String {
        let issued_ms = self.now_in_seconds_ms();
        let token = OperatorToken {
            action,
            issued_ms,
            expires_ms: issued_ms + LIFE_MS,
        };
        let tenant = &self.inner.tenant;
        token.sign(
            tenant.id,
            admin::key_id(&tenant.enrolment),
            &tenant.enrolment,
        )
    }

    fn now_in_seconds_ms(&self) -> u64 {
        self.clock().now_ms() / 1000 * 1000
    }

    async fn say<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        let request = Request {
            method: Method::Post,
            url: format!("{}/v1/tenants/{}{path}", self.url(), self.tenant()),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: serde_json::to_vec(body).map_err(|error| kit_error("no body", error))?,
        };
        let response = self.connection().send(request).await;
        let response = response.map_err(|error| kit_error("no answer", error))?;
        if response.status == 200 {
            let answer = serde_json::from_slice(&response.body);
            return answer.map_err(|error| kit_error("no answer", error));
        }
        let problem = serde_json::from_slice(&response.body)
            .map_err(|error| kit_error("no problem document", error))?;
        Err(Error::from_problem(&problem))
    }
}
