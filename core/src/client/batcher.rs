//! Look-ups that are asked for at the same time travel together.
//!
//! Everybody puts a question down, then waits for a turn. Whoever has the turn
//! takes all questions that are down, asks them in one request, and hands the
//! answers out; the others find theirs when their turn comes.

use super::lock;
use crate::error::{ErrorCode, Result};
use futures_channel::oneshot::{Receiver, Sender, channel};
use std::sync::Mutex;

/// Questions that are waiting.
pub(crate) struct Batcher<K, V> {
    waiting: Mutex<Vec<Asked<K, V>>>,
}

/// One question, and who wants to know.
pub(crate) struct Asked<K, V> {
    pub key: K,
    tell: Sender<Result<V>>,
}

impl<K, V> Asked<K, V> {
    pub fn answer(self, result: Result<V>) {
        // Whoever asked may have gone away.
        let _ = self.tell.send(result);
    }
}

/// A question that was put down.
pub(crate) struct Ticket<K, V> {
    key: K,
    told: Receiver<Result<V>>,
    result: Option<Result<V>>,
}

impl<K, V> Default for Batcher<K, V> {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
        }
    }
}

impl<K: Clone, V> Batcher<K, V> {
    pub fn ask(&self, key: K) -> Ticket<K, V> {
        let (tell, told) = channel();
        let asked = Asked {
            key: key.clone(),
            tell,
        };
        lock(&self.waiting).push(asked);
        Ticket {
            key,
            told,
            result: None,
        }
    }

    /// Whether it was answered. If whoever took the question has given up, it
    /// is put down again.
    pub fn is_answered(&self, ticket: &mut Ticket<K, V>) -> bool {
        if ticket.result.is_some() {
            return true;
        }
        // Also after `wait` has seen that it was given up: then this says so again.
        match ticket.told.try_recv() {
            Ok(Some(result)) => {
                ticket.result = Some(result);
                true
            }
            Ok(None) => false,
            Err(_) => {
                *ticket = self.ask(ticket.key.clone());
                false
            }
        }
    }

    /// Whether all were answered.
    pub fn are_answered(&self, tickets: &mut [Ticket<K, V>]) -> bool {
        tickets.iter_mut().all(|ticket| self.is_answered(ticket))
    }

    /// Takes the questions that have waited longest. Those of askers who have
    /// gone away are not asked any more.
    pub fn take(&self, at_most: usize) -> Vec<Asked<K, V>> {
        let mut waiting = lock(&self.waiting);
        waiting.retain(|asked| !asked.tell.is_canceled());
        let count = waiting.len().min(at_most);
        waiting.drain(..count).collect()
    }
}

impl<K: Clone, V> Batcher<K, V> {
    /// How many questions are down.
    pub fn len(&self) -> usize {
        lock(&self.waiting).len()
    }

    /// The same, as long as they fit into `room` together; one in any case.
    pub fn take_fitting(
        &self,
        at_most: usize,
        room: usize,
        size: impl Fn(&K) -> usize,
    ) -> Vec<Asked<K, V>> {
        let mut waiting = lock(&self.waiting);
        waiting.retain(|asked| !asked.tell.is_canceled());
        let mut used = 0usize;
        let fit = waiting.iter().take(at_most).take_while(|asked| {
            used = used.saturating_add(size(&asked.key));
            used <= room
        });
        let count = fit.count().max(1).min(waiting.len());
        waiting.drain(..count).collect()
    }
}

impl<K, V> Ticket<K, V> {
    /// Waits for whoever has taken the question, until it is answered or given up.
    pub async fn wait(&mut self) {
        if self.result.is_none()
            && let Ok(result) = (&mut self.told).await
        {
            self.result = Some(result);
        }
    }

    pub fn result(self) -> Result<V> {
        self.result
            .unwrap_or_else(|| Err(ErrorCode::Cancelled.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_answered_together_and_survive_a_leader_who_gives_up() {
        let batcher: Batcher<u32, u32> = Batcher::default();
        let mut first = batcher.ask(1);
        let mut second = batcher.ask(2);
        let taken = batcher.take(10);
        assert_eq!(taken.len(), 2);
        assert!(!batcher.is_answered(&mut first));
        drop(taken);
        assert!(!batcher.is_answered(&mut first));
        assert!(!batcher.is_answered(&mut second));
        for asked in batcher.take(10) {
            let answer = asked.key * 10;
            asked.answer(Ok(answer));
        }
        assert!(batcher.is_answered(&mut first) && batcher.is_answered(&mut second));
        assert_eq!(first.result(), Ok(10));
        assert_eq!(second.result(), Ok(20));
        assert!(batcher.take(10).is_empty());
        let _kept: Vec<_> = [4, 5, 6, 1].map(|size| batcher.ask(size)).into();
        let fitting = |room| batcher.take_fitting(2, room, |size| *size as usize).len();
        assert_eq!(fitting(9), 2);
        assert_eq!(fitting(3), 1, "one in any case");
        assert_eq!(fitting(3), 1);
        assert_eq!(fitting(3), 0);
        drop(batcher.ask(3));
        assert!(batcher.take(10).is_empty(), "whoever asked has gone away");
    }
}
