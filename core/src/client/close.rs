//! Closing: no call goes on, and no secret stays or comes back into memory.

use super::account::{Account, AccountInner};
use super::lock;
use super::plico::{Plico, PlicoInner};
use crate::error::{ErrorCode, Result};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, Weak};

impl Plico {
    /// Closes all accounts that were opened here, as [`Account::close`] does,
    /// and opens no more: from now on everything says `CLOSED`, and no request
    /// is sent. Closing again does nothing.
    pub fn close(&self) {
        self.inner.closing.cancel();
        let accounts = std::mem::take(&mut *lock(&self.inner.accounts));
        for account in accounts.iter().filter_map(Weak::upgrade) {
            account.close();
        }
    }
}

impl PlicoInner {
    /// Makes sure that `account` is closed with this.
    pub fn register_account(&self, account: &Arc<AccountInner>) -> Result<()> {
        let mut accounts = lock(&self.accounts);
        // Looked at behind the lock: whoever closes looks there afterwards.
        if self.closing.is_cancelled() {
            account.close();
            return Err(ErrorCode::Closed.into());
        }
        accounts.retain(|it| it.strong_count() > 0);
        accounts.push(Arc::downgrade(account));
        Ok(())
    }
}

impl Account {
    /// Forgets all secrets in memory; the store keeps what it has. From now on
    /// every call of this account, its views and its sessions says `CLOSED`,
    /// and [`Self::identity_id`] gives `None`.
    ///
    /// Calls that are under way end with `CLOSED` when they are next polled,
    /// for which they are woken; until then each may hold what it was working
    /// with. What closing means for a write is what
    /// [cancelling](super::CancelToken) it means.
    pub fn close(&self) {
        self.inner.close();
    }
}

impl AccountInner {
    fn close(&self) {
        self.closing.cancel();
        self.sessions.clear();
        lock(&self.user_secrets).clear();
        lock(&self.names).clear();
        *lock(&self.record) = None;
    }

    pub fn check_open(&self) -> Result<()> {
        if self.closing.is_cancelled() {
            return Err(ErrorCode::Closed.into());
        }
        Ok(())
    }

    /// Does `work`, unless or until the account is closed; then what the work
    /// has shown to be due in this identity's own chain.
    pub fn while_open<T>(
        &self,
        work: impl Future<Output = Result<T>>,
    ) -> impl Future<Output = Result<T>> {
        let work = async {
            let result = work.await;
            if self.own_due.swap(false, Ordering::Relaxed) {
                Box::pin(self.do_what_is_due()).await;
            }
            result
        };
        let work = self.closing.until_cancelled(work);
        async move { work.await.unwrap_or_else(|| Err(ErrorCode::Closed.into())) }
    }

    /// Puts a secret into memory, unless the account was closed meanwhile.
    pub fn hold_secret<T>(&self, place: &Mutex<T>, secret: T) {
        let mut place = lock(place);
        // Behind the lock: what closes sees what was put there before.
        if !self.closing.is_cancelled() {
            *place = secret;
        }
    }
}
