//! Many small payloads in one call.

use crate::account::AccountHandle;
use crate::bytes::Bytes;
use crate::runtime::{Cancel, promise_long};
use crate::session::SessionHandle;
use crate::values::{ContextInput, Opened, context};
use napi::Env;
use napi::bindgen_prelude::{Buffer, PromiseRaw, Uint8Array};
use napi_derive::napi;
use plico::{Context, Decrypted, Result};

/// One of many: data or an envelope.
#[napi(object, object_to_js = false)]
pub struct FieldInput {
    /// The bytes.
    pub data: Uint8Array,
    /// The place that it belongs to.
    pub context: Option<ContextInput>,
}

type Field = (Bytes, Option<Context>);

/// Bytes first: what is held of JavaScript is given back on this thread.
fn fields(items: Vec<FieldInput>) -> Result<Vec<Field>> {
    let items: Vec<_> = items
        .into_iter()
        .map(|it| (Bytes::from(it.data), context(it.context)))
        .collect();
    let items = items.into_iter();
    items.map(|(data, place)| Ok((data, place?))).collect()
}

fn borrowed(items: &[Field]) -> Vec<(&[u8], Option<&Context>)> {
    let items = items.iter();
    items.map(|it| (it.0.as_ref(), it.1.as_ref())).collect()
}

/// What was in one of many envelopes, or why it did not open.
#[napi(object, object_from_js = false)]
pub struct FieldOutput {
    /// What was in it.
    pub opened: Option<Opened>,
    /// The error's code.
    pub code: Option<String>,
    /// The error's message.
    pub message: Option<String>,
}

impl From<Result<Decrypted>> for FieldOutput {
    fn from(result: Result<Decrypted>) -> Self {
        match result {
            Ok(opened) => Self {
                opened: Some(opened.into()),
                code: None,
                message: None,
            },
            Err(error) => Self {
                opened: None,
                code: Some(error.code().as_str().to_owned()),
                message: Some(error.to_string()),
            },
        }
    }
}

#[napi]
impl SessionHandle {
    /// Encrypts each.
    #[napi]
    pub fn encrypt_many<'env>(
        &self,
        env: &'env Env,
        items: Vec<FieldInput>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Vec<Buffer>>> {
        let (session, items) = (self.session.clone(), fields(items));
        promise_long(env, cancel, async move {
            let items = items?;
            let sealed = session.encrypt_many(&borrowed(&items)).await?;
            Ok(sealed.into_iter().map(Into::into).collect())
        })
    }
}

#[napi]
impl AccountHandle {
    /// Opens each.
    #[napi]
    pub fn decrypt_many<'env>(
        &self,
        env: &'env Env,
        items: Vec<FieldInput>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Vec<FieldOutput>>> {
        let (account, items) = (self.account.clone(), fields(items));
        promise_long(env, cancel, async move {
            let items = items?;
            let opened = account.decrypt_many(&borrowed(&items)).await?;
            Ok(opened.into_iter().map(Into::into).collect())
        })
    }
}
