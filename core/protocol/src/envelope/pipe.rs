//! Fill, work, release: a stream in batches, on one thread or on several.
//!
//! Every thread does all three steps. Only one at a time fills, in the order of the
//! stream; any number work; and what is done is released by one at a time, in the
//! order in which it was filled. Whoever is done while it is not its batch's turn
//! leaves the batch there, takes another one and goes on; whoever releases goes on
//! while the next one is ready. So the output, the progress and the error are those
//! of one thread, there are two batches of memory for each thread, and a writer that
//! is slow holds back the reader.

use super::error::EnvelopeError;
use super::fork::{Threads, spawn};
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a thread that wants to read looks whether it can, before it sleeps.
const AWAKE: Duration = Duration::from_micros(200);

/// One frame at a time, for a reader and a writer that cost nothing to call: it stays
/// in the processor's nearest cache between being read, encrypted and written.
pub(super) fn single(_number: u64) -> usize {
    1
}

/// How many frames there are in the batch with this number where reader and writer
/// may be files.
///
/// One thread takes one for the first megabyte and then four, so that there are fewer
/// system calls: what they cost is more than what the nearest cache saves. What a
/// short stream costs beside its cipher is mostly the taking and wiping of memory.
/// Several threads take more, because what they have to say to each other costs as
/// much as encrypting a hundred KiB; but not too many of them, for the memory's sake.
fn batch_frames(number: u64, threads: Threads) -> usize {
    match (threads.get(), number) {
        (_, 0) | (1, ..=64) => 1,
        (1, _) | (_, ..=16) => 4,
        (2..=8, _) => 32,
        _ => 16,
    }
}

/// What happens to a stream.
pub(super) trait Pipe {
    type Input;
    type Output;
    type Batch: Default + Send;

    /// Takes the next batch, of so many frames, from the input; `true` if it is the
    /// last one.
    fn fill(
        &self,
        input: &mut Self::Input,
        frames: usize,
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

/// One batch after the other, on this thread; `frames` says how many frames there
/// are in the batch with this number.
pub(super) fn one_by_one<P: Pipe>(
    pipe: &P,
    input: &mut P::Input,
    output: &mut P::Output,
    frames: impl Fn(u64) -> usize,
) -> Result<(), EnvelopeError> {
    let mut batch = P::Batch::default();
    let mut number = 0;
    loop {
        let frames = frames(number);
        let last = pipe.fill(input, frames, &mut batch)?;
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
        let frames = |number| batch_frames(number, threads);
        return one_by_one(pipe, input, output, frames);
    }
    let mut free = Vec::new();
    free.resize_with(2 * threads.get(), P::Batch::default);
    let stations = Stations {
        threads,
        entry: Mutex::new(Entry {
            input,
            next: 0,
            closed: false,
        }),
        exit: Mutex::new(Exit {
            output: Some(output),
            turn: 0,
            done: BTreeMap::new(),
            free,
            result: Ok(()),
            closed: false,
        }),
        freed: Condvar::new(),
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

struct Stations<'a, I, O, B> {
    threads: Threads,
    entry: Mutex<Entry<'a, I>>,
    exit: Mutex<Exit<'a, O, B>>,
    freed: Condvar,
}

struct Entry<'a, I> {
    input: &'a mut I,
    next: u64,
    closed: bool,
}

struct Exit<'a, O, B> {
    /// Not there while somebody releases.
    output: Option<&'a mut O>,
    /// The batch that may be released now.
    turn: u64,
    /// Those that wait for their turn.
    done: BTreeMap<u64, (Result<(), EnvelopeError>, B)>,
    free: Vec<B>,
    result: Result<(), EnvelopeError>,
    closed: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The same, but awake for a while: to read a batch out of memory takes some fifty
/// microseconds, and to wake a thread that sleeps about as long. Two threads that
/// keep pace would wait for that at every batch.
fn lock_awake<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    let mut since = None;
    loop {
        if let Ok(guard) = mutex.try_lock() {
            return guard;
        }
        if since.get_or_insert_with(Instant::now).elapsed() > AWAKE {
            return lock(mutex);
        }
        for _ in 0..16 {
            std::hint::spin_loop();
        }
    }
}

impl<I, O, B> Stations<'_, I, O, B> {
    fn run<P: Pipe<Input = I, Output = O, Batch = B>>(&self, pipe: &P) {
        // If a reader, a writer or a callback of the host panics, the others
        // must not wait for what this thread has; the panic goes on to the caller.
        let guard = CloseOnPanic(self);
        while let Some(mut batch) = self.free_batch() {
            let Some((number, filled)) = self.fill(pipe, &mut batch) else {
                break;
            };
            if filled.is_ok() {
                pipe.work(&mut batch);
            }
            if !self.release(pipe, number, filled, batch) {
                break;
            }
        }
        drop(guard);
    }

    /// Waits for memory. There will be some: what is not free is being worked on,
    /// or is done, and the one whose turn it is waits for nobody.
    fn free_batch(&self) -> Option<B> {
        let mut exit = lock(&self.exit);
        loop {
            if exit.closed {
                return None;
            }
            if let Some(batch) = exit.free.pop() {
                return Some(batch);
            }
            let waited = self.freed.wait(exit);
            exit = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn fill<P: Pipe<Input = I, Output = O, Batch = B>>(
        &self,
        pipe: &P,
        batch: &mut B,
    ) -> Option<(u64, Result<(), EnvelopeError>)> {
        let mut entry = lock_awake(&self.entry);
        if entry.closed {
            return None;
        }
        let number = entry.next;
        entry.next += 1;
        let frames = batch_frames(number, self.threads);
        let filled = pipe.fill(entry.input, frames, batch);
        entry.closed = filled.unwrap_or(true);
        Some((number, filled.map(drop)))
    }

    /// Leaves the batch for its turn, and releases what has come to it, unless
    /// somebody does so already. `false` if the stream has ended early.
    fn release<P: Pipe<Input = I, Output = O, Batch = B>>(
        &self,
        pipe: &P,
        number: u64,
        filled: Result<(), EnvelopeError>,
        batch: B,
    ) -> bool {
        let mut exit = lock(&self.exit);
        exit.done.insert(number, (filled, batch));
        while !exit.closed {
            let turn = exit.turn;
            let Some(output) = exit.output.take() else {
                return true;
            };
            let Some((filled, mut batch)) = exit.done.remove(&turn) else {
                exit.output = Some(output);
                return true;
            };
            drop(exit);
            let result = filled.and_then(|()| pipe.release(output, &mut batch));
            if result.is_err() {
                lock(&self.entry).closed = true;
            }
            exit = lock(&self.exit);
            exit.output = Some(output);
            exit.turn += 1;
            exit.free.push(batch);
            exit.closed |= result.is_err();
            exit.result = result;
            match exit.closed {
                true => self.freed.notify_all(),
                false => self.freed.notify_one(),
            }
        }
        false
    }
}

struct CloseOnPanic<'a, 'b, I, O, B>(&'a Stations<'b, I, O, B>);

impl<I, O, B> Drop for CloseOnPanic<'_, '_, I, O, B> {
    fn drop(&mut self) {
        if thread::panicking() {
            lock(&self.0.entry).closed = true;
            lock(&self.0.exit).closed = true;
            self.0.freed.notify_all();
        }
    }
}
