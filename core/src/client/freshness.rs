//! How old knowledge may be.

use super::account::Account;
use super::plico::millis;
use super::session::EncryptionSession;
use std::time::Duration;

/// How old what is known of a session may be when it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// At most so many milliseconds; asked for again if it is older.
    Within(u64),
    /// As old as it is: the directory is not asked.
    Offline,
}

impl Account {
    /// The same account, for calls that must know more, or may know less, than
    /// [`max_staleness`](super::PlicoBuilder::max_staleness) says. Zero asks
    /// the directory every time.
    #[must_use]
    pub fn max_staleness(&self, age: Duration) -> Self {
        Self {
            freshness: Freshness::Within(millis(age)),
            ..self.clone()
        }
    }

    /// The same account without the network: sessions that are known from
    /// before (see [`Account::prefetch`]) can be opened and written to,
    /// however old the knowledge. What is written says so
    /// ([`Decrypted::written_offline`](super::Decrypted::written_offline)):
    /// somebody who was revoked meanwhile could still read it. Rights can't be
    /// changed offline.
    ///
    /// Access that has ended by this device's clock is refused here, too, and
    /// so is writing where it is already known that a new epoch is due.
    #[must_use]
    pub fn offline(&self) -> Self {
        Self {
            freshness: Freshness::Offline,
            ..self.clone()
        }
    }
}

impl EncryptionSession {
    /// The same session; see [`Account::max_staleness`].
    #[must_use]
    pub fn max_staleness(&self, age: Duration) -> Self {
        Self {
            account: self.account.max_staleness(age),
            ..self.clone()
        }
    }

    /// The same session without the network; see [`Account::offline`].
    #[must_use]
    pub fn offline(&self) -> Self {
        Self {
            account: self.account.offline(),
            ..self.clone()
        }
    }
}
