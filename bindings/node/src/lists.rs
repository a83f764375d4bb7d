//! Where an account is a recipient: lists by pages.

use crate::account::AccountHandle;
use crate::runtime::{Cancel, promise};
use napi::Env;
use napi::bindgen_prelude::PromiseRaw;
use napi_derive::napi;
use plico::{Page, Result};
use std::str::FromStr;

/// A part of a list of ids.
#[napi(object, object_from_js = false)]
pub struct PageOutput {
    /// The ids.
    pub items: Vec<String>,
    /// Whether there are more.
    pub more: bool,
}

impl<T: ToString> From<Page<T>> for PageOutput {
    fn from(page: Page<T>) -> Self {
        Self {
            items: page.items.iter().map(ToString::to_string).collect(),
            more: page.more,
        }
    }
}

pub(crate) fn id<T: FromStr<Err = plico::Error>>(text: Option<String>) -> Result<Option<T>> {
    text.map(|it| it.parse()).transpose()
}

#[napi]
impl AccountHandle {
    /// The sessions that it may open by a grant of its own.
    #[napi]
    pub fn sessions<'env>(
        &self,
        env: &'env Env,
        after: Option<String>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, PageOutput>> {
        let account = self.account.clone();
        promise(env, cancel, async move {
            Ok(account.sessions(id(after)?).await?.into())
        })
    }

    /// The sessions that were granted to a group.
    #[napi]
    pub fn sessions_of_group<'env>(
        &self,
        env: &'env Env,
        group: String,
        after: Option<String>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, PageOutput>> {
        let account = self.account.clone();
        promise(env, cancel, async move {
            let page = account.sessions_of_group(group.parse()?, id(after)?);
            Ok(page.await?.into())
        })
    }

    /// The groups that it belongs to itself.
    #[napi]
    pub fn groups<'env>(
        &self,
        env: &'env Env,
        after: Option<String>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, PageOutput>> {
        let account = self.account.clone();
        promise(env, cancel, async move {
            Ok(account.groups(id(after)?).await?.into())
        })
    }
}
