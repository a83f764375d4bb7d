//! Changes of an account's store that happen together.

use super::account::AccountInner;
use super::pins::store_error;
use crate::error::Result;
use crate::ports::{Batch, Change, Expected, StoreFailure};
use plico_protocol::format::head::Head;
use plico_protocol::identity::IdentityState;
use std::sync::Arc;
use zeroize::Zeroize as _;

/// How often a lost race with another process is run again.
const RACES: usize = 16;

/// A batch in the making, with the heads that are to be pinned by it.
#[derive(Default)]
pub(crate) struct Saves {
    pub heads: Vec<Head>,
    /// Chains that are in memory from then on: what is known counts as kept.
    pub identities: Vec<Arc<IdentityState>>,
    changes: Batch,
    expected: Expected,
}

impl Drop for Saves {
    fn drop(&mut self) {
        for change in &mut self.changes {
            if let Change::Put(_, value) = change {
                value.zeroize();
            }
        }
    }
}

/// How a batch has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Saved {
    Yes,
    /// Something that was expected is not so: another process has written.
    Conflict,
}

impl Saves {
    pub fn put(&mut self, name: String, value: Vec<u8>) {
        self.changes.push(Change::Put(name, value));
    }

    pub fn delete(&mut self, name: String) {
        self.changes.push(Change::Delete(name));
    }

    /// Only if this is still there (`None`: nothing is).
    pub fn expect(&mut self, name: String, value: Option<Vec<u8>>) {
        self.expected.push((name, value));
    }

    fn is_empty(&self) -> bool {
        self.heads.is_empty() && self.changes.is_empty()
    }
}

impl AccountInner {
    /// Writes everything or nothing. A pin that another process has moved on
    /// in the meantime is left as it is.
    pub async fn save(&self, saves: Saves) -> Result<Saved> {
        let saved = self.write(&saves).await?;
        for state in &saves.identities {
            self.remember(state.clone());
        }
        Ok(saved)
    }

    async fn write(&self, saves: &Saves) -> Result<Saved> {
        if saves.is_empty() {
            return Ok(Saved::Yes);
        }
        for _ in 0..RACES {
            let mut batch = saves.changes.clone();
            let mut expected = saves.expected.clone();
            self.pins.put_heads(&saves.heads, &mut batch, &mut expected);
            match self.store.commit(batch, expected).await {
                Ok(()) => {
                    self.pins.heads_put(&saves.heads);
                    return Ok(Saved::Yes);
                }
                Err(error) if error.failure == StoreFailure::Conflict => {
                    let store = self.store.as_ref();
                    if !self.pins.read_again(store, &saves.heads).await? {
                        return Ok(Saved::Conflict);
                    }
                }
                Err(error) => return Err(store_error(error)),
            }
        }
        Ok(Saved::Conflict)
    }
}
