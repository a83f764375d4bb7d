//! Where an account is a recipient: lists by pages.

use crate::account::AccountHandle;
use crate::cancel::CancelHandle;
use crate::failure::Failure;
use crate::run::run;
use plico::Page;
use std::str::FromStr;
use std::sync::Arc;

/// A part of a list of ids.
#[derive(Clone, uniffi::Record)]
pub struct PlicoPage {
    /// The ids.
    pub items: Vec<String>,
    /// Whether there are more.
    pub more: bool,
}

impl<T: ToString> From<Page<T>> for PlicoPage {
    fn from(page: Page<T>) -> Self {
        Self {
            items: page.items.iter().map(ToString::to_string).collect(),
            more: page.more,
        }
    }
}

pub(crate) fn id<T: FromStr<Err = plico::Error>>(text: Option<String>) -> plico::Result<Option<T>> {
    text.map(|it| it.parse()).transpose()
}

#[uniffi::export]
impl AccountHandle {
    /// The sessions that it may open by a grant of its own.
    pub async fn sessions(
        &self,
        after: Option<String>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<PlicoPage, Failure> {
        let account = self.account.clone();
        run(cancel, async move {
            Ok(account.sessions(id(after)?).await?.into())
        })
        .await
    }

    /// The sessions that were granted to a group.
    pub async fn sessions_of_group(
        &self,
        group_id: String,
        after: Option<String>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<PlicoPage, Failure> {
        let account = self.account.clone();
        run(cancel, async move {
            let page = account.sessions_of_group(group_id.parse()?, id(after)?);
            Ok(page.await?.into())
        })
        .await
    }

    /// The groups that it belongs to itself.
    pub async fn groups(
        &self,
        after: Option<String>,
        cancel: Option<Arc<CancelHandle>>,
    ) -> Result<PlicoPage, Failure> {
        let account = self.account.clone();
        run(cancel, async move {
            Ok(account.groups(id(after)?).await?.into())
        })
        .await
    }
}
