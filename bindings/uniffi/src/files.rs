//! Files: one record for what all the calls take.

use crate::cancel::CancelHandle;
use crate::host::HostFailure;
use crate::values::PlicoContext;
use plico::FileOptions;
use std::sync::Arc;

/// Is told how far a file is. Called on a thread of this library, often: it
/// must be quick.
#[uniffi::export(with_foreign)]
pub trait ProgressListener: Send + Sync {
    /// `done` of `total` bytes of plaintext.
    fn progress(&self, done: u64, total: u64) -> Result<(), HostFailure>;
}

/// A file to encrypt or to decrypt.
#[derive(Clone, uniffi::Record)]
pub struct FileCall {
    /// Where to read.
    pub source: String,
    /// Where the result appears, once it is whole.
    pub target: String,
    /// The place that the envelope belongs to.
    pub context: Option<PlicoContext>,
    /// Who is told how far it is.
    pub progress: Option<Arc<dyn ProgressListener>>,
    /// What cancels it.
    pub cancel: Option<Arc<CancelHandle>>,
}

impl FileCall {
    pub(crate) fn to_core(&self) -> plico::Result<FileOptions> {
        let mut options = FileOptions::new();
        if let Some(context) = PlicoContext::to_core(self.context.clone())? {
            options = options.context(context);
        }
        if let Some(cancel) = &self.cancel {
            options = options.cancel(cancel.token.clone());
        }
        if let Some(listener) = self.progress.clone() {
            options = options.on_progress(move |progress| {
                // Whoever listens badly does not stop the file.
                let _ = listener.progress(progress.done, progress.total);
            });
        }
        Ok(options)
    }
}
