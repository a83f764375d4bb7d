//! Files: one record for what all the calls take.

use crate::runtime::{Cancel, promise};
use crate::values::{ContextInput, context};
use napi::bindgen_prelude::PromiseRaw;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use napi_derive::napi;
use plico::{FileOptions, Progress, Result};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The event loop hears of progress at most this often.
const PAUSE: Duration = Duration::from_millis(50);

type Listener = ThreadsafeFunction<ProgressRecord, (), ProgressRecord, Status, false, true>;

/// How far a file is, in bytes of plaintext.
#[napi(object, object_from_js = false)]
#[derive(Clone, Copy, Default)]
pub struct ProgressRecord {
    /// Done.
    pub done: f64,
    /// In all.
    pub total: f64,
}

/// A file to encrypt or to decrypt.
#[napi(object, object_to_js = false)]
pub struct FileInput {
    /// Where to read.
    pub source: String,
    /// Where the result appears, once it is whole.
    pub target: String,
    /// The place that it belongs to.
    pub context: Option<ContextInput>,
    /// How many threads may work on it.
    pub threads: Option<u32>,
    /// Of a folder: whether links are left out.
    pub skip_links: Option<bool>,
    /// Who is told how far it is.
    pub on_progress: Option<Listener>,
}

/// Starts `work` with source, target and options, and gives how far it came. It is
/// cancelled by a token of its own: it ends only when no unfinished file is left.
pub(crate) fn file_call<'env, W>(
    env: &'env Env,
    input: FileInput,
    cancel: Option<&Cancel>,
    work: impl FnOnce(String, String, FileOptions) -> W + Send + 'static,
) -> napi::Result<PromiseRaw<'env, ProgressRecord>>
where
    W: Future<Output = Result<()>> + Send,
{
    let last = Arc::new(Mutex::new(ProgressRecord::default()));
    let report = reporter(input.on_progress, last.clone());
    let options = file_options(input.context, input.threads, cancel).map(|options| {
        let options = options.on_progress(report);
        match input.skip_links {
            Some(true) => options.skip_links(),
            _ => options,
        }
    });
    promise(env, None, async move {
        work(input.source, input.target, options?).await?;
        Ok(*last.lock().unwrap_or_else(PoisonError::into_inner))
    })
}

/// What files, streams and ranges have in common.
pub(crate) fn file_options(
    place: Option<ContextInput>,
    threads: Option<u32>,
    cancel: Option<&Cancel>,
) -> Result<FileOptions> {
    let mut options = FileOptions::new().cancel(Cancel::token(cancel));
    if let Some(context) = context(place)? {
        options = options.context(context);
    }
    if let Some(count) = threads {
        options = options.threads(usize::try_from(count).unwrap_or(usize::MAX));
    }
    Ok(options)
}

fn reporter(
    listener: Option<Listener>,
    last: Arc<Mutex<ProgressRecord>>,
) -> impl Fn(Progress) + Send + Sync + 'static {
    let told = Mutex::new(None::<Instant>);
    move |progress| {
        let now = ProgressRecord {
            done: progress.done as f64,
            total: progress.total as f64,
        };
        *last.lock().unwrap_or_else(PoisonError::into_inner) = now;
        let Some(listener) = &listener else { return };
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|at| at.elapsed() >= PAUSE) {
            *told = Some(Instant::now());
            // Not told only if the event loop is ending.
            listener.call(now, ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}
