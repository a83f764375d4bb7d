//! Where somebody is a recipient: lists of sessions and groups, by pages.

use super::account::Account;
use super::ids::{GroupId, SessionId};
use crate::error::Result;
use plico_protocol::format::ids::{ChainId, Kind};
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::rest::{Memberships, MembershipsLookup};

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page<T> {
    /// In the order of the ids, at most 1,024.
    pub items: Vec<T>,
    /// Whether there are more: ask again with the last of `items`.
    pub more: bool,
}

impl Account {
    /// The sessions that this account may open by a grant of its own, after `after`.
    /// Those that it may open through a group: [`Self::sessions_of_group`].
    ///
    /// # Errors
    /// `NOT_REGISTERED`; `NETWORK`.
    pub async fn sessions(&self, after: Option<SessionId>) -> Result<Page<SessionId>> {
        let listed = self.list(Kind::Session, None, after.map(|it| it.0));
        Ok(map(self.inner.while_open(listed).await?, SessionId))
    }

    /// The sessions that were granted to a group that this account is in.
    ///
    /// # Errors
    /// `GROUP_NOT_FOUND` for one that it is not in; `NETWORK`.
    pub async fn sessions_of_group(
        &self,
        group: GroupId,
        after: Option<SessionId>,
    ) -> Result<Page<SessionId>> {
        let listed = self.list(Kind::Session, Some(group.0), after.map(|it| it.0));
        Ok(map(self.inner.while_open(listed).await?, SessionId))
    }

    /// The groups that this account belongs to itself, not through another group.
    ///
    /// # Errors
    /// `NOT_REGISTERED`; `NETWORK`.
    pub async fn groups(&self, after: Option<GroupId>) -> Result<Page<GroupId>> {
        let listed = self.list(Kind::Group, None, after.map(|it| it.0));
        Ok(map(self.inner.while_open(listed).await?, GroupId))
    }

    pub(crate) async fn list(
        &self,
        kind: Kind,
        group: Option<ChainId>,
        after: Option<ChainId>,
    ) -> Result<Memberships> {
        self.list_tagged(kind, group, None, after).await
    }

    pub(crate) async fn list_tagged(
        &self,
        kind: Kind,
        group: Option<ChainId>,
        tag: Option<&str>,
        after: Option<ChainId>,
    ) -> Result<Memberships> {
        let record = self.inner.registered()?;
        let lookup = MembershipsLookup {
            kind: kind.to_u8(),
            group: group.map(|it| B64x32(it.0)),
            tag: tag.map(str::to_owned),
            after: after.map(|it| B64x32(it.0)),
        };
        let wire = &self.inner.plico.inner.wire;
        let path = "/memberships/lookup";
        wire.post(record.signer(), path, &lookup).await
    }
}

pub(super) fn map<T>(found: Memberships, of: impl Fn(ChainId) -> T) -> Page<T> {
    Page {
        items: found.chains.iter().map(|it| of(ChainId(it.0))).collect(),
        more: found.more,
    }
}
