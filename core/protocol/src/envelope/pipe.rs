//! Fill, work, release: a stream in batches, on one thread or on several.
//!
//! Every thread does all three steps for one batch after the other. Only one at
//! a time fills, in the order of the stream; any number work; and they release
//! in the order in which they filled. So the output, the progress and the error
//! are those of one thread, there is one batch of memory for each thread, and a
//! writer that is slow holds back the reader.

use super::error::EnvelopeError;
use super::fork::{Threads, spawn};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// The most frames in a batch.
const MAX_BATCH: usize = 16;

/// How many frames there are in the batch with this number: 1, 4, and then 16,
/// so that a short stream takes little memory and little time.
pub(super) fn batch_frames(number: u64) -> usize {
    match number {
        0 => 1,
        1 => 4,
        _ => MAX_BATCH,
    }
}

/// What happens to a stream.
pub(super) trait Pipe {
    type Input;
    type Output;
    type Batch: Default;

    /// Takes the batch with this number from the input; `true` if it is the
    /// last one.
    fn fill(
        &self,
        input: &mut Self::Input,
        number: u64,
        batch: &mut Self::Batch,
    ) -> Result<bool, EnvelopeError>;

    /// What can be done beside other batches.
    fn work(&self, batch: &mut Self::Batch);

    /// Gives the batch to the output.
    fn release(
        &self,
        output: &mut Self::Output,
        batch: &mut Self::Batch,
    ) -> Result<(), EnvelopeError>;
}

/// One batch after the other, on this thread.
pub(super) fn one_by_one<P: Pipe>(
    pipe: &P,
    input: &mut P::Input,
    output: &mut P::Output,
) -> Result<(), EnvelopeError> {
    let mut batch = P::Batch::default();
    let mut number = 0;
    loop {
        let last = pipe.fill(input, number, &mut batch)?;
        pipe.work(&mut batch);
        pipe.release(output, &mut batch)?;
        if last {
            return Ok(());
        }
        number += 1;
    }
}

/// The same on up to `threads` threads, this one among them. Where none can be
/// started, this one does it alone.
pub(super) fn side_by_side<P>(
    pipe: &P,
    input: &mut P::Input,
    output: &mut P::Output,
    threads: Threads,
) -> Result<(), EnvelopeError>
where
    P: Pipe + Sync,
    P::Input: Send,
    P::Output: Send,
{
    if threads == Threads::ONE {
        return one_by_one(pipe, input, output);
    }
    let stations = Stations {
        entry: Mutex::new(Entry {
            input,
            next: 0,
            closed: false,
        }),
        exit: Mutex::new(Exit {
            output,
            turn: 0,
            result: Ok(()),
            closed: false,
        }),
        turned: Condvar::new(),
    };
    thread::scope(|scope| {
        for _ in 1..threads.get() {
            if spawn(scope, || stations.run(pipe)).is_err() {
                break;
            }
        }
        stations.run(pipe);
    });
    let exit = stations.exit.into_inner();
    exit.unwrap_or_else(PoisonError::into_inner).result
}

struct Stations<'a, I, O> {
    entry: Mutex<Entry<'a, I>>,
    exit: Mutex<Exit<'a, O>>,
    turned: Condvar,
}

struct Entry<'a, I> {
    input: &'a mut I,
    next: u64,
    closed: bool,
}

struct Exit<'a, O> {
    output: &'a mut O,
    /// The batch that may be released now.
    turn: u64,
    result: Result<(), EnvelopeError>,
    closed: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<I, O> Stations<'_, I, O> {
    fn run<P: Pipe<Input = I, Output = O>>(&self, pipe: &P) {
        // If a reader, a writer or a callback of the host panics, the others
        // must not wait for this thread's turn; the panic goes on to the caller.
        let guard = CloseOnPanic(self);
        let mut batch = P::Batch::default();
        while let Some((number, filled)) = self.fill(pipe, &mut batch) {
            if filled.is_ok() {
                pipe.work(&mut batch);
            }
            if !self.release(pipe, number, filled, &mut batch) {
                break;
            }
        }
        drop(guard);
    }

    fn fill<P: Pipe<Input = I, Output = O>>(
        &self,
        pipe: &P,
        batch: &mut P::Batch,
    ) -> Option<(u64, Result<(), EnvelopeError>)> {
        let mut entry = lock(&self.entry);
        if entry.closed {
            return None;
        }
        let number = entry.next;
        entry.next += 1;
        let filled = pipe.fill(entry.input, number, batch);
        entry.closed = filled.unwrap_or(true);
        Some((number, filled.map(drop)))
    }

    /// `false` if the stream has ended early.
    fn release<P: Pipe<Input = I, Output = O>>(
        &self,
        pipe: &P,
        number: u64,
        filled: Result<(), EnvelopeError>,
        batch: &mut P::Batch,
    ) -> bool {
        let mut exit = lock(&self.exit);
        while exit.turn != number && !exit.closed {
            exit = self
                .turned
                .wait(exit)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if exit.closed {
            return false;
        }
        let result = filled.and_then(|()| pipe.release(exit.output, batch));
        exit.turn += 1;
        exit.closed = result.is_err();
        exit.result = result;
        drop(exit);
        self.turned.notify_all();
        if result.is_err() {
            lock(&self.entry).closed = true;
        }
        result.is_ok()
    }
}

struct CloseOnPanic<'a, 'b, I, O>(&'a Stations<'b, I, O>);

impl<I, O> Drop for CloseOnPanic<'_, '_, I, O> {
    fn drop(&mut self) {
        if thread::panicking() {
            lock(&self.0.entry).closed = true;
            lock(&self.0.exit).closed = true;
            self.0.turned.notify_all();
        }
    }
}
