//! A thread for what blocks. It starts with the first piece of work and ends
//! with the store; pieces are done one after the other.

use super::{Result, failed};
use crate::ports::StoreFailure;
use futures_channel::oneshot;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};

type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
pub(super) struct Worker(Mutex<Option<Sender<Job>>>);

impl Worker {
    /// Does `work` on the thread. It is under way before the future is polled.
    pub fn run<T: Send + 'static, F: FnOnce() -> Result<T> + Send + 'static>(
        &self,
        work: F,
    ) -> impl Future<Output = Result<T>> + Send + use<T, F> {
        let (reply, answer) = oneshot::channel();
        // Nobody waits any more: then there is nobody to tell.
        let sent = self.send(Box::new(move || drop(reply.send(work()))));
        async move {
            sent?;
            answer
                .await
                .unwrap_or_else(|_| Err(failed(StoreFailure::Io, "the store's thread has ended")))
        }
    }

    fn send(&self, job: Job) -> Result<()> {
        let mut sender = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let job = match &*sender {
            // Its thread ends only if a piece of work panics: then there is a new one.
            Some(sender) => match sender.send(job) {
                Ok(()) => return Ok(()),
                Err(back) => back.0,
            },
            None => job,
        };
        let (new, jobs) = channel::<Job>();
        std::thread::Builder::new()
            .name("plico-store".into())
            .spawn(move || jobs.into_iter().for_each(|job| job()))
            .map_err(|error| super::medium::io_error("no thread could be started", &error))?;
        // Cannot fail: the thread has just begun to listen.
        let _ = new.send(job);
        *sender = Some(new);
        Ok(())
    }
}
