//! Offline files: made by an account, opened without one.

use crate::account::AccountHandle;
use crate::bytes::Bytes;
use crate::cancel::CancelHandle;
use crate::devices::PlicoFileKey;
use crate::failure::Failure;
use crate::run::run_sized;
use crate::values::{Opened, PlicoContext};
use std::sync::Arc;
use std::time::SystemTime;

/// What an offline file held.
#[derive(Clone, uniffi::Record)]
pub struct PlicoOfflineOpened {
    /// The content.
    pub content: Opened,
    /// When the directory signed what the file says.
    pub as_of: SystemTime,
}

impl From<plico::OfflineOpened> for PlicoOfflineOpened {
    fn from(opened: plico::OfflineOpened) -> Self {
        Self {
            content: opened.content.into(),
            as_of: opened.as_of,
        }
    }
}

/// Opens an offline file with an identity file.
#[uniffi::export]
pub async fn open_offline_file(
    file: Bytes,
    identity: Bytes,
    key: PlicoFileKey,
    context: Option<PlicoContext>,
    cancel: Option<Arc<CancelHandle>>,
) -> Result<PlicoOfflineOpened, Failure> {
    let key = key.into_core();
    run_sized(file.0.len(), cancel, async move {
        let (key, context) = (key?, PlicoContext::to_core(context)?);
        let opened = plico::open_offline_file(&file.0, &identity.0, &key, context.as_ref());
        Ok(opened.await?.into())
    })
    .await
}

#[uniffi::export]
impl AccountHandle {
    /// An envelope with all that is needed to open it without a network.
    pub async fn offline_file(
        &self,
        envelope: Bytes,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<Bytes, Failure> {
        let account = self.account.clone();
        run_sized(envelope.0.len(), cancel, async move {
            Ok(account.offline_file(&envelope.0).await?.into())
        })
        .await
    }
}
