//! Somebody with an account.

use super::clock::TestClock;
use super::connection::TestConnection;
use super::directory::TestDirectory;
use crate::client::{
    Account, AccountOptions, EnrolmentRequest, IdentityId, Plico, RegisterOptions,
};
use crate::error::Result;
use crate::store::MemoryStore;
use std::sync::Arc;

/// A person (or service) on one device: an account, a store in memory and a
/// connection of its own.
#[derive(Clone)]
pub struct TestPerson {
    directory: TestDirectory,
    user_id: String,
    clock: TestClock,
    store: Arc<MemoryStore>,
    connection: Arc<TestConnection>,
    account: Account,
}

impl core::fmt::Debug for TestPerson {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "TestPerson({})", self.user_id)
    }
}

impl TestPerson {
    pub(super) async fn new(
        directory: &TestDirectory,
        user_id: &str,
        clock: &TestClock,
    ) -> Result<Self> {
        let store = Arc::new(MemoryStore::new());
        Self::open(directory, user_id, clock, store).await
    }

    async fn open(
        directory: &TestDirectory,
        user_id: &str,
        clock: &TestClock,
        store: Arc<MemoryStore>,
    ) -> Result<Self> {
        let connection = directory.connection();
        let account = Plico::builder(directory.url(), &directory.tenant().to_string())
            .clock(Arc::new(clock.clone()))
            .transport(connection.clone())
            .open()
            .await?
            .account(AccountOptions::with_store(store.clone()))
            .await?;
        Ok(Self {
            directory: directory.clone(),
            user_id: user_id.to_owned(),
            clock: clock.clone(),
            store,
            connection,
            account,
        })
    }

    /// Registers a [visitor](TestDirectory::visitor); `number` is the
    /// binding's, 1 for whoever is the first under this user id.
    ///
    /// # Errors
    /// As [`Account::register`].
    pub async fn register(&self, number: u64) -> Result<IdentityId> {
        let (backend, user_id) = (self.directory.clone(), self.user_id.clone());
        let enrolment = move |request: EnrolmentRequest| {
            let token = backend.enrol_again(&user_id, request.identity_id, number);
            async move { Ok(token) }
        };
        self.account
            .register(RegisterOptions::new(&self.user_id, enrolment))
            .await
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The app's name for this person.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// This person's own connection, with its switches.
    #[must_use]
    pub fn connection(&self) -> &Arc<TestConnection> {
        &self.connection
    }

    /// What the account keeps.
    #[must_use]
    pub fn store(&self) -> &Arc<MemoryStore> {
        &self.store
    }

    /// The device's clock.
    #[must_use]
    pub fn clock(&self) -> &TestClock {
        &self.clock
    }

    /// The same person's program, started again on the same store: with a new
    /// connection, and knowing only what was written down.
    ///
    /// # Errors
    /// As [`crate::PlicoBuilder::open`] and [`Plico::account`].
    pub async fn restart(&self) -> Result<Self> {
        Self::open(
            &self.directory,
            &self.user_id,
            &self.clock,
            self.store.clone(),
        )
        .await
    }
}
