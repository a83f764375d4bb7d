//! What the tenant's operator does.

use crate::directory::KitDirectory;
use crate::failure::KitFailure;
use plico::testing::Operated;
use plico::{GroupId, IdentityId, MemberId, SessionId};

/// Who is meant.
#[derive(Clone, uniffi::Enum)]
pub enum KitWho {
    /// A person, or a service.
    Identity {
        /// 43 characters of base64url.
        id: String,
    },
    /// All who are in a group.
    Group {
        /// 43 characters of base64url.
        id: String,
    },
}

impl KitWho {
    fn to_core(&self) -> Result<MemberId, KitFailure> {
        Ok(match self {
            Self::Identity { id } => MemberId::Identity(id.parse::<IdentityId>()?),
            Self::Group { id } => MemberId::Group(id.parse::<GroupId>()?),
        })
    }
}

/// What is acted upon: a session or a group.
#[derive(Clone, uniffi::Enum)]
pub enum KitOperated {
    /// A session.
    Session {
        /// 43 characters of base64url.
        id: String,
    },
    /// A group.
    Group {
        /// 43 characters of base64url.
        id: String,
    },
}

impl KitOperated {
    fn to_core(&self) -> Result<Operated, KitFailure> {
        Ok(match self {
            Self::Session { id } => id.parse::<SessionId>()?.into(),
            Self::Group { id } => id.parse::<GroupId>()?.into(),
        })
    }
}

#[uniffi::export]
impl KitDirectory {
    /// The operator withdraws somebody.
    pub async fn withdraw(&self, of: KitOperated, who: KitWho) -> Result<(), KitFailure> {
        Ok(self
            .directory
            .withdraw(of.to_core()?, who.to_core()?)
            .await?)
    }

    /// And takes it back.
    pub async fn lift(&self, of: KitOperated, who: KitWho) -> Result<(), KitFailure> {
        Ok(self.directory.lift(of.to_core()?, who.to_core()?).await?)
    }

    /// The operator destroys a session or a group.
    pub async fn destroy(&self, of: KitOperated) -> Result<(), KitFailure> {
        Ok(self.directory.destroy(of.to_core()?).await?)
    }

    /// What the backend finds by a tag.
    pub async fn find_sessions(
        &self,
        tag: String,
        after: Option<String>,
    ) -> Result<Vec<String>, KitFailure> {
        let after = after.map(|it| it.parse()).transpose()?;
        let found = self.directory.find_sessions(&tag, after).await?;
        Ok(found.iter().map(ToString::to_string).collect())
    }
}
