//! A disk that keeps apart what was written and what was synced.

use super::super::medium::Medium;
use super::Dice;
use std::io::{self, ErrorKind};
use std::sync::{Mutex, MutexGuard};

#[derive(Clone, Debug)]
enum Pending {
    Write(u64, Vec<u8>),
    Length(u64),
}

#[derive(Debug, Default)]
struct State {
    /// What is there after a power cut, at least.
    synced: Vec<u8>,
    pending: Vec<Pending>,
    /// What a reader sees.
    seen: Vec<u8>,
    /// Writes, lengthenings and syncs so far.
    steps: usize,
    fail_from: Option<(usize, ErrorKind)>,
    /// The failing write is half done.
    torn: bool,
}

#[derive(Debug, Default)]
pub(super) struct FakeDisk(Mutex<State>);

fn apply(bytes: &mut Vec<u8>, change: &Pending) {
    match change {
        Pending::Length(length) => bytes.resize(*length as usize, 0),
        Pending::Write(offset, data) => {
            let (start, end) = (*offset as usize, *offset as usize + data.len());
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[start..end].copy_from_slice(data);
        }
    }
}

impl FakeDisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// A disk with these bytes, synced.
    pub fn of(bytes: Vec<u8>) -> Self {
        Self(Mutex::new(State {
            seen: bytes.clone(),
            synced: bytes,
            ..State::default()
        }))
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.state().seen.clone()
    }

    pub fn steps(&self) -> usize {
        self.state().steps
    }

    /// From this many steps from now on, every step fails; the first one may
    /// write some of its bytes before it does.
    pub fn fail_after(&self, steps: usize, kind: ErrorKind) {
        let mut state = self.state();
        let from = state.steps + steps;
        state.fail_from = Some((from, kind));
        state.torn = false;
    }

    pub fn heal(&self) {
        self.state().fail_from = None;
    }

    /// What a power cut may leave: what was synced, and any of the rest, in
    /// any order, whole or in part.
    pub fn after_power_cut(&self, dice: &mut Dice) -> Vec<u8> {
        let state = self.state();
        let mut bytes = state.synced.clone();
        let mut pending = state.pending.clone();
        let fate = dice.below(4);
        while !pending.is_empty() {
            let next = pending.remove(dice.below(pending.len()));
            // All, none, or each by chance.
            if fate == 0 || (fate > 1 && dice.below(2) == 0) {
                continue;
            }
            match next {
                Pending::Write(offset, data) if fate == 3 && dice.below(3) == 0 => {
                    // Sectors of 512 bytes arrive one by one.
                    for (i, sector) in data.chunks(512).enumerate() {
                        if dice.below(2) == 0 {
                            let at = offset + i as u64 * 512;
                            apply(&mut bytes, &Pending::Write(at, sector.to_vec()));
                        }
                    }
                }
                whole => apply(&mut bytes, &whole),
            }
        }
        bytes
    }

    fn step(&self, change: Option<Pending>) -> io::Result<()> {
        let mut state = self.state();
        if let Some((from, kind)) = state.fail_from
            && state.steps >= from
        {
            if !state.torn
                && let Some(Pending::Write(offset, data)) = change
            {
                let half = Pending::Write(offset, data[..data.len() / 2].to_vec());
                apply(&mut state.seen, &half);
                state.pending.push(half);
            }
            state.torn = true;
            return Err(kind.into());
        }
        state.steps += 1;
        match change {
            Some(change) => {
                apply(&mut state.seen, &change);
                state.pending.push(change);
            }
            None => {
                state.synced = state.seen.clone();
                state.pending.clear();
            }
        }
        Ok(())
    }
}

impl Medium for FakeDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().seen.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let state = self.state();
        let start = offset as usize;
        let bytes = state.seen.get(start..start + buffer.len());
        buffer.copy_from_slice(bytes.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, data: &[u8], offset: u64) -> io::Result<()> {
        self.step(Some(Pending::Write(offset, data.to_vec())))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.step(Some(Pending::Length(len)))
    }

    fn sync(&self) -> io::Result<()> {
        self.step(None)
    }
}
