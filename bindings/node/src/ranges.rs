//! Parts of an envelope: from a file, or from a source of ranges of the app's.

use crate::account::AccountHandle;
use crate::host::{HostRanges, ReadFunction};
use crate::runtime::{Cancel, promise_long};
use crate::streams::StreamInput;
use napi::Env;
use napi::bindgen_prelude::{Buffer, PromiseRaw};
use napi_derive::napi;
use plico::{
    Account, CancelToken, DecryptSeeker, Error, ErrorCode, FileOptions, RangeReader, Result,
};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// What is read of a file between two looks at whether to go on.
const PIECE: u64 = 1024 * 1024;

/// Where the envelope is: a file, or a source of the app's.
#[napi(object, object_to_js = false)]
pub struct RangesInput {
    /// The file.
    pub path: Option<String>,
    /// How long what the app's source has is.
    pub length: Option<f64>,
    /// The app's source.
    pub read: Option<ReadFunction>,
    /// How it is decrypted.
    pub how: StreamInput,
}

enum Source {
    File(Mutex<DecryptSeeker<File>>),
    Host(RangeReader),
}

impl Source {
    async fn open(
        account: Account,
        path: Option<String>,
        host: Option<HostRanges>,
        options: FileOptions,
    ) -> Result<Self> {
        if let Some(path) = path {
            let file = File::open(path).map_err(|error| Error::from_io(&error))?;
            let seeker = account.decrypt_seeker(file, options).await?;
            return Ok(Self::File(Mutex::new(seeker)));
        }
        let host = host.ok_or(ErrorCode::InvalidArgument)?;
        let reader = account.decrypt_ranges(Arc::new(host), options).await?;
        Ok(Self::Host(reader))
    }

    fn len(&self) -> u64 {
        match self {
            Self::File(seeker) => seeker.lock().unwrap_or_else(PoisonError::into_inner).len(),
            Self::Host(reader) => reader.len(),
        }
    }

    async fn read(&self, start: u64, end: u64, cancel: &CancelToken) -> Result<Vec<u8>> {
        match self {
            Self::Host(reader) => reader.read(start..end).await,
            Self::File(seeker) => {
                let mut seeker = seeker.lock().unwrap_or_else(PoisonError::into_inner);
                read(&mut seeker, start, end, cancel)
            }
        }
    }
}

fn read(
    seeker: &mut DecryptSeeker<File>,
    start: u64,
    end: u64,
    cancel: &CancelToken,
) -> Result<Vec<u8>> {
    let end = end.min(seeker.len());
    let mut left = end.saturating_sub(start);
    let room = usize::try_from(left).map_err(|_| ErrorCode::TooLarge)?;
    let mut out = Zeroizing::new(Vec::new());
    let reserved = out.try_reserve_exact(room);
    reserved.map_err(|_| ErrorCode::TooLarge)?;
    let failed = |error| Error::from_io(&error);
    seeker.seek(SeekFrom::Start(start)).map_err(failed)?;
    while left > 0 {
        if cancel.is_cancelled() {
            return Err(ErrorCode::Cancelled.into());
        }
        let mut piece = seeker.by_ref().take(left.min(PIECE));
        let len = piece.read_to_end(&mut out).map_err(failed)? as u64;
        if len == 0 {
            return Err(ErrorCode::EnvelopeTruncated.into());
        }
        left = left.saturating_sub(len);
    }
    Ok(std::mem::take(&mut *out))
}

/// Reads parts of an envelope.
#[napi]
pub struct RangesHandle {
    source: Mutex<Option<Arc<Source>>>,
    length: u64,
}

impl RangesHandle {
    fn place(&self) -> std::sync::MutexGuard<'_, Option<Arc<Source>>> {
        self.source.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[napi]
impl RangesHandle {
    /// How many bytes of data there are.
    #[napi]
    pub fn length(&self) -> f64 {
        self.length as f64
    }

    /// The data from `start` to before `end`, as far as there is some.
    #[napi]
    pub fn read<'env>(
        &self,
        env: &'env Env,
        start: f64,
        end: f64,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, Buffer>> {
        let (source, token) = (self.place().clone(), Cancel::token(cancel));
        promise_long(env, cancel, async move {
            let source = source.ok_or(ErrorCode::Closed)?;
            let data = source.read(start as u64, end as u64, &token).await?;
            Ok(data.into())
        })
    }

    /// Forgets it, and closes the file once nothing reads it any more.
    #[napi]
    pub fn close(&self) {
        self.place().take();
    }
}

#[napi]
impl AccountHandle {
    /// Opens an envelope to read parts of it.
    #[napi]
    pub fn open_envelope<'env>(
        &self,
        env: &'env Env,
        input: RangesInput,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, RangesHandle>> {
        let (account, options) = (self.account.clone(), input.how.into_core(cancel));
        let (path, host) = (input.path, HostRanges::of(input.length, input.read));
        promise_long(env, cancel, async move {
            let source = Source::open(account, path, host, options?).await?;
            Ok(RangesHandle {
                length: source.len(),
                source: Mutex::new(Some(Arc::new(source))),
            })
        })
    }
}
