//! Whole folders as one envelope.

use crate::account::AccountHandle;
use crate::files::{FileInput, ProgressRecord, file_call};
use crate::host::HostRanges;
use crate::ranges::RangesInput;
use crate::runtime::{Cancel, promise_long};
use crate::session::SessionHandle;
use napi::Env;
use napi::bindgen_prelude::{Buffer, PromiseRaw};
use napi_derive::napi;
use plico::{ErrorCode, SealedFolder};
use std::sync::{Arc, Mutex, PoisonError};

/// A file or a folder in an encrypted folder.
#[napi(object, object_from_js = false)]
pub struct MemberOutput {
    /// Where it is.
    pub path: String,
    /// How many bytes it has.
    pub size: f64,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// When it was last changed, in milliseconds since 1970.
    pub modified_ms: f64,
}

/// An encrypted folder.
#[napi]
pub struct FolderHandle {
    folder: Mutex<Option<Arc<SealedFolder>>>,
}

impl FolderHandle {
    fn place(&self) -> std::sync::MutexGuard<'_, Option<Arc<SealedFolder>>> {
        self.folder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[napi]
impl FolderHandle {
    /// Everything in it; nothing once it is closed.
    #[napi]
    pub fn members(&self) -> Vec<MemberOutput> {
        let place = self.place();
        let members = place.as_ref().map(|it| it.members()).unwrap_or_default();
        let output = |it: &plico::Member| MemberOutput {
            path: it.path.clone(),
            size: it.size as f64,
            is_folder: it.is_folder,
            modified_ms: it.modified_s as f64 * 1000.0,
        };
        members.iter().map(output).collect()
    }

    /// Decrypts one file of it, whose path is the source.
    #[napi]
    pub fn extract<'env>(
        &self,
        env: &'env Env,
        input: FileInput,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ProgressRecord>> {
        let folder = self.place().clone();
        file_call(env, input, cancel, |source, target, options| async move {
            let folder = folder.ok_or(ErrorCode::Closed)?;
            folder.extract(&source, target, options).await
        })
    }

    /// The bytes from `start` to before `end` of one file of it.
    #[napi]
    pub fn read<'env>(
        &self,
        env: &'env Env,
        path: String,
        start: f64,
        end: f64,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Buffer>> {
        let (folder, token) = (self.place().clone(), Cancel::token(cancel));
        promise_long(env, cancel, async move {
            let folder = folder.ok_or(ErrorCode::Closed)?;
            let read = folder.read(&path, start as u64..end as u64);
            Ok(token.run(read).await?.into())
        })
    }

    /// Forgets it, and closes the file once nothing reads it any more.
    #[napi]
    pub fn close(&self) {
        self.place().take();
    }
}

#[napi]
impl SessionHandle {
    /// Encrypts a folder.
    #[napi]
    pub fn encrypt_folder<'env>(
        &self,
        env: &'env Env,
        input: FileInput,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ProgressRecord>> {
        let session = self.session.clone();
        file_call(env, input, cancel, |source, target, options| async move {
            session.encrypt_folder(source, target, options).await
        })
    }
}

#[napi]
impl AccountHandle {
    /// Decrypts a folder of any session.
    #[napi]
    pub fn decrypt_folder<'env>(
        &self,
        env: &'env Env,
        input: FileInput,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, ProgressRecord>> {
        let account = self.account.clone();
        file_call(env, input, cancel, |source, target, options| async move {
            account.decrypt_folder(source, target, options).await
        })
    }

    /// Lists what is in an encrypted folder.
    #[napi]
    pub fn open_folder<'env>(
        &self,
        env: &'env Env,
        input: RangesInput,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, FolderHandle>> {
        let (account, options) = (self.account.clone(), input.how.into_core(cancel));
        let host = HostRanges::of(input.length, input.read);
        promise_long(env, cancel, async move {
            let folder = match (input.path, host) {
                (Some(path), _) => account.open_folder(path, options?).await?,
                (None, Some(host)) => account.open_folder_ranges(Arc::new(host), options?).await?,
                (None, None) => return Err(ErrorCode::InvalidArgument.into()),
            };
            Ok(FolderHandle {
                folder: Mutex::new(Some(Arc::new(folder))),
            })
        })
    }
}
