//! What a session has besides its recipients: an end, a tag.

use crate::account::AccountHandle;
use crate::bytes::Bytes;
use crate::lists::{PageOutput, id};
use crate::results::{NewRecipient, grants};
use crate::runtime::{Cancel, promise, promise_long};
use crate::session::SessionHandle;
use crate::values::{duration, from_ms, to_ms};
use napi::Env;
use napi::bindgen_prelude::{PromiseRaw, Uint8Array};
use napi_derive::napi;
use plico::{Expiry, OnMissing, Result, SessionOptions, Suite};

/// Until when; with neither, without end.
#[napi(object)]
pub struct ExpiryRecord {
    /// A time.
    pub at_ms: Option<f64>,
    /// How long without use.
    pub after_idle_ms: Option<f64>,
}

impl ExpiryRecord {
    fn into_core(self) -> Result<Expiry> {
        let expiry = match self.at_ms {
            Some(ms) => Expiry::at(from_ms(ms)?),
            None => Expiry::never(),
        };
        Ok(match self.after_idle_ms {
            Some(ms) => expiry.or_after_idle(duration(ms)?),
            None => expiry,
        })
    }
}

impl From<Expiry> for ExpiryRecord {
    fn from(expiry: Expiry) -> Self {
        Self {
            at_ms: expiry.end().map(to_ms),
            after_idle_ms: expiry.idle().map(|it| it.as_millis() as f64),
        }
    }
}

/// What a session is made with.
#[napi(object, object_to_js = false)]
pub struct SessionInput {
    /// Who gets what.
    pub recipients: Vec<NewRecipient>,
    /// Whether user ids without an account are left out.
    pub skip_missing: bool,
    /// Whether AES-256-GCM is used.
    pub aes: bool,
    /// Until when it lasts.
    pub expiry: Option<ExpiryRecord>,
    /// Its tag.
    pub tag: Option<String>,
    /// What is kept beside it.
    pub metadata: Option<Uint8Array>,
}

impl SessionInput {
    pub(crate) fn into_core(self) -> Result<SessionOptions> {
        // First: what is held of JavaScript is given back on this thread.
        let metadata = self.metadata.map(Bytes::from);
        let mut options = SessionOptions::new();
        for (recipient, grant) in grants(self.recipients)? {
            options = options.recipient(recipient, grant);
        }
        if self.skip_missing {
            options = options.on_missing(OnMissing::Skip);
        }
        if self.aes {
            options = options.suite(Suite::Aes256GcmSha512);
        }
        if let Some(expiry) = self.expiry {
            options = options.expiry(expiry.into_core()?);
        }
        if let Some(tag) = self.tag {
            options = options.tag(tag);
        }
        if let Some(metadata) = metadata {
            options = options.metadata(metadata.as_ref());
        }
        Ok(options)
    }
}

#[napi]
impl SessionHandle {
    /// Says until when it lasts.
    #[napi]
    pub fn set_expiry<'env>(
        &self,
        env: &'env Env,
        expiry: ExpiryRecord,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let session = self.session.clone();
        promise_long(env, cancel, async move {
            session.set_expiry(expiry.into_core()?).await
        })
    }

    /// What was said.
    #[napi]
    pub fn expiry<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ExpiryRecord>> {
        let session = self.session.clone();
        promise_long(
            env,
            cancel,
            async move { Ok(session.expiry().await?.into()) },
        )
    }

    /// When it ends if nobody uses it.
    #[napi]
    pub fn ends_at<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Option<f64>>> {
        let session = self.session.clone();
        promise_long(env, cancel, async move {
            Ok(session.ends_at().await?.map(to_ms))
        })
    }

    /// Gives it a tag, or none.
    #[napi]
    pub fn set_tag<'env>(
        &self,
        env: &'env Env,
        tag: Option<String>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let session = self.session.clone();
        promise_long(
            env,
            cancel,
            async move { session.set_tag(tag.as_deref()).await },
        )
    }

    /// Its tag.
    #[napi]
    pub fn tag<'env>(
        &self,
        env: &'env Env,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Option<String>>> {
        let session = self.session.clone();
        promise_long(env, cancel, async move { session.tag().await })
    }
}

#[napi]
impl AccountHandle {
    /// The sessions with a tag.
    #[napi]
    pub fn sessions_tagged<'env>(
        &self,
        env: &'env Env,
        tag: String,
        after: Option<String>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, PageOutput>> {
        let account = self.account.clone();
        promise(env, cancel, async move {
            Ok(account.sessions_tagged(&tag, id(after)?).await?.into())
        })
    }
}
