//! Becoming a device of an identity that there is already: first as somebody
//! whom its chain knows, then as itself.

use super::account::AccountInner;
use super::ids::IdentityId;
use super::lock;
use super::os_rng;
use super::pins::store_error;
use super::record::{self, Record};
use super::saves::{Saved, Saves};
use crate::error::{ErrorCode, Result};
use plico_protocol::format::ids::ChainId;
use plico_protocol::identity::draft::DeviceSecret;
use std::sync::Arc;

/// Where the fresh keys wait until they are in the chain.
pub(super) const NEWCOMER: &str = "import";

/// An account that acts as somebody else. In the end it is itself, or nobody
/// again.
pub(crate) struct Trial<'a> {
    inner: &'a AccountInner,
    keep: bool,
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if !self.keep {
            self.inner.hold_secret(&self.inner.record, None);
            lock(&self.inner.user_secrets).clear();
        }
    }
}

impl AccountInner {
    /// `ALREADY_REGISTERED` if this account has an identity, or begins one.
    pub async fn is_nobody_yet(&self) -> Result<()> {
        self.check_open()?;
        if lock(&self.record).is_some() || self.kept_record().await?.is_some() {
            return Err(ErrorCode::AlreadyRegistered.into());
        }
        Ok(())
    }

    /// Keys of our own, written down before anybody hears of them: what was
    /// broken off goes on with the same. The caller holds `registering`.
    pub async fn newcomer(&self, identity: ChainId, user_id: &str) -> Result<Record> {
        self.is_nobody_yet().await?;
        let kept = self.store.get(NEWCOMER).await.map_err(store_error)?;
        if let Some(record) = kept.map(Record::decode).transpose()?
            && record.identity == identity
        {
            return Ok(record);
        }
        let record = Record {
            identity,
            device: DeviceSecret::generate(&mut os_rng()),
            user_id: user_id.to_owned(),
            pending: None,
        };
        let mut saves = Saves::default();
        saves.put(NEWCOMER.into(), record.encode()?);
        self.save(saves).await?;
        Ok(record)
    }

    /// From now on requests are signed by `keys`, which the chain knows.
    pub fn act_as(&self, newcomer: &Record, keys: DeviceSecret) -> Trial<'_> {
        let record = Record {
            device: keys,
            ..newcomer.clone()
        };
        self.hold_secret(&self.record, Some(Arc::new(record)));
        Trial {
            inner: self,
            keep: false,
        }
    }
}

impl Trial<'_> {
    /// The chain knows the newcomer by now.
    pub async fn become_itself(self, newcomer: Record) -> Result<IdentityId> {
        self.become_itself_with(newcomer, Saves::default()).await
    }

    /// The same, with something else to be written down in the same step.
    pub async fn become_itself_with(
        mut self,
        newcomer: Record,
        mut saves: Saves,
    ) -> Result<IdentityId> {
        let inner = self.inner;
        // What the other key had opened is opened anew.
        lock(&inner.user_secrets).clear();
        inner.hold_secret(&inner.record, Some(Arc::new(newcomer.clone())));
        inner.myself().await?;
        saves.put(record::KEY.into(), newcomer.encode()?);
        saves.expect(record::KEY.into(), None);
        saves.delete(NEWCOMER.into());
        if inner.save(saves).await? == Saved::Conflict {
            return Err(ErrorCode::AlreadyRegistered.into());
        }
        self.keep = true;
        Ok(IdentityId(newcomer.identity))
    }
}
