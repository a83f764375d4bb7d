//! The directory, as a test holds it.

use super::accomplice::Accomplice;
use super::clock::TestClock;
use super::connection::TestConnection;
use super::engine::{self, Backup, Core, Engine};
use super::lies::{self, Lie};
use super::person::TestPerson;
use super::{kit_error, lock};
use crate::client::{
    IdentityId, Plico, PlicoBuilder, Service, ServiceOptions, SessionId, TenantId,
};
use crate::error::Result;
use plico_directory::{admin, random};
use plico_protocol::format::ids::ChainId;
use plico_protocol::identity::Attestation;
use plico_protocol::primitives::sign::SigningKey;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A tenant with both of its keys: the app's backend's and the directory's.
#[derive(Clone)]
pub(super) struct TenantKeys {
    pub id: ChainId,
    pub enrolment: SigningKey,
    pub directory: SigningKey,
}

impl TenantKeys {
    /// Makes a tenant.
    pub async fn create(core: &Core) -> Result<Self> {
        let enrolment = SigningKey::generate(&mut random::system());
        let serving = core.serving().await?;
        let now_ms = core.now_ms();
        let clock = plico_directory::Clock::new(move || now_ms);
        let storage = &*serving.storage;
        let id = admin::create_tenant(storage, "test", &enrolment, &clock)
            .await
            .map_err(|error| kit_error("no tenant", error))?;
        let row = storage
            .tenant(id)
            .await
            .map_err(|error| kit_error("no tenant", error))?
            .ok_or_else(|| kit_error("no tenant", "it is not there"))?;
        Ok(Self {
            id,
            enrolment,
            directory: SigningKey::from_seed(&row.directory_seed),
        })
    }

    /// The backend's word, valid for five minutes from `now_ms`.
    pub fn token(&self, user_id: &str, identity: ChainId, number: u64, now_ms: u64) -> String {
        let issued_ms = now_ms / 1000 * 1000;
        let attestation = Attestation {
            user_id: user_id.to_owned(),
            identity,
            number,
            issued_ms,
            expires_ms: issued_ms + 300_000,
        };
        attestation.sign(self.id, admin::key_id(&self.enrolment), &self.enrolment)
    }
}

/// What all connections share.
pub(super) struct Inner {
    pub engine: Engine,
    pub clock: TestClock,
    pub tenant: TenantKeys,
    pub down: AtomicBool,
    pub lie: Mutex<Option<Lie>>,
    /// In how many answers the last lie was told.
    pub told: AtomicUsize,
    pub accomplices: Mutex<HashMap<ChainId, Arc<Accomplice>>>,
    /// Another tenant of the same directory, for lies across tenants.
    pub foreign: tokio::sync::OnceCell<TenantKeys>,
}

/// A directory in the test's own process, with one tenant. Clones share it.
#[derive(Clone)]
pub struct TestDirectory {
    pub(super) inner: Arc<Inner>,
}

impl core::fmt::Debug for TestDirectory {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "TestDirectory({})", self.tenant())
    }
}

impl TestDirectory {
    /// Starts an empty directory whose clock stands at the system's time. It
    /// ends with its last clone and connection.
    ///
    /// # Errors
    /// `INTERNAL` if the system gives no temporary folder or no thread.
    pub async fn start() -> Result<Self> {
        let clock = TestClock::start();
        let engine = Engine::start(clock.clone()).await?;
        let tenant = engine
            .run(|core| async move { TenantKeys::create(&core).await })
            .await??;
        Ok(Self {
            inner: Arc::new(Inner {
                engine,
                clock,
                tenant,
                down: AtomicBool::new(false),
                lie: Mutex::default(),
                told: AtomicUsize::new(0),
                accomplices: Mutex::default(),
                foreign: tokio::sync::OnceCell::new(),
            }),
        })
    }

    /// The URL that clients are configured with. Nothing listens there: a
    /// client needs a [connection](Self::connection), too.
    #[must_use]
    pub fn url(&self) -> &'static str {
        engine::URL
    }

    /// The tenant that clients are configured with.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        TenantId::from(self.inner.tenant.id.0)
    }

    /// The directory's clock, which all people share.
    #[must_use]
    pub fn clock(&self) -> &TestClock {
        &self.inner.clock
    }

    /// A new connection: the [`Transport`](crate::ports::Transport) of one program.
    #[must_use]
    pub fn connection(&self) -> Arc<TestConnection> {
        Arc::new(TestConnection::new(self.inner.clone()))
    }

    /// Settings of a client of this directory: URL, tenant, the shared clock,
    /// and a new connection.
    #[must_use]
    pub fn builder(&self) -> PlicoBuilder {
        Plico::builder(self.url(), &self.tenant().to_string())
            .clock(Arc::new(self.inner.clock.clone()))
            .transport(self.connection())
    }

    /// What an app's backend does once a person has signed in: a token that
    /// vouches for `identity` under `user_id`, valid for five minutes.
    #[must_use]
    pub fn enrol(&self, user_id: &str, identity: IdentityId) -> String {
        self.enrol_again(user_id, identity, 1)
    }

    /// The same with the binding's number: a person who begins anew under a
    /// user id that was in use needs a higher one than before.
    #[must_use]
    pub fn enrol_again(&self, user_id: &str, identity: IdentityId, number: u64) -> String {
        let identity = ChainId(*identity.as_bytes());
        let now_ms = self.inner.clock.now_ms();
        self.inner.tenant.token(user_id, identity, number, now_ms)
    }

    /// What an app's backend signs so that a program of its own may look keys
    /// up, valid for five minutes: see [`Plico::service`].
    #[must_use]
    pub fn service_token(&self) -> String {
        use plico_protocol::identity::service::ServiceToken;
        let tenant = &self.inner.tenant;
        let token = ServiceToken::read_keys(self.inner.clock.now_ms());
        let key_id = admin::key_id(&tenant.enrolment);
        token.sign(tenant.id, key_id, &tenant.enrolment)
    }

    /// A program of the app's backend that seals for others, with a connection
    /// of its own.
    ///
    /// # Errors
    /// As [`Plico::service`].
    pub async fn service(&self) -> Result<(Service, Arc<TestConnection>)> {
        let connection = self.connection();
        let plico = self.builder().transport(connection.clone()).open().await?;
        let directory = self.clone();
        let options = ServiceOptions::new(move |_| {
            let token = directory.service_token();
            async move { Ok(token) }
        });
        Ok((plico.service(options).await?, connection))
    }

    /// Somebody registered under `user_id`, with a store in memory and a
    /// connection of their own.
    ///
    /// # Errors
    /// As [`Account::register`](crate::Account::register).
    pub async fn person(&self, user_id: &str) -> Result<TestPerson> {
        self.person_with(user_id, &self.inner.clock).await
    }

    /// The same on a device with its own clock: see [`TestClock::ahead`].
    ///
    /// # Errors
    /// As [`Account::register`](crate::Account::register).
    pub async fn person_with(&self, user_id: &str, clock: &TestClock) -> Result<TestPerson> {
        let person = TestPerson::new(self, user_id, clock).await?;
        person.register(1).await?;
        Ok(person)
    }

    /// Somebody who will be `user_id`, but has not registered yet.
    ///
    /// # Errors
    /// As [`PlicoBuilder::open`].
    pub async fn visitor(&self, user_id: &str) -> Result<TestPerson> {
        TestPerson::new(self, user_id, &self.inner.clock).await
    }

    /// Somebody registered under `user_id` who colludes with the directory:
    /// some [lies](Lie) need one among a session's recipients.
    ///
    /// # Errors
    /// `USER_ID_TAKEN`.
    pub async fn accomplice(&self, user_id: &str) -> Result<Arc<Accomplice>> {
        let inner = self.inner.clone();
        let user_id = user_id.to_owned();
        self.inner
            .engine
            .run(|core| async move { Accomplice::enrol(&core, &inner, &user_id).await })
            .await?
    }

    /// The app's operator adds one more enrolment key; the one in use stays.
    ///
    /// # Errors
    /// `INTERNAL` if the system refuses.
    pub async fn add_enrolment_key(&self) -> Result<()> {
        let inner = self.inner.clone();
        let work = |core: Arc<Core>| async move {
            let serving = core.serving().await?;
            let now_ms = core.now_ms();
            let clock = plico_directory::Clock::new(move || now_ms);
            let (tenant, new) = (&inner.tenant, SigningKey::generate(&mut random::system()));
            admin::add_key(
                &*serving.storage,
                tenant.id,
                &tenant.enrolment,
                &new,
                &clock,
            )
            .await
            .map_err(|error| kit_error("no key", error))
        };
        self.inner.engine.run(work).await?
    }

    /// The app's operator says after how many days user keys are renewed.
    ///
    /// # Errors
    /// `INTERNAL` if the system refuses.
    pub async fn set_user_key_days(&self, days: u32) -> Result<()> {
        let inner = self.inner.clone();
        let work = move |core: Arc<Core>| async move {
            let serving = core.serving().await?;
            let now_ms = core.now_ms();
            let clock = plico_directory::Clock::new(move || now_ms);
            let tenant = &inner.tenant;
            let policy = plico_protocol::format::bodies::TenantPolicy {
                user_key_days: days,
            };
            let storage = &*serving.storage;
            admin::set_policy(storage, tenant.id, &tenant.enrolment, policy, &clock)
                .await
                .map_err(|error| kit_error("no policy", error))
        };
        self.inner.engine.run(work).await?
    }

    /// Whether the directory can be reached at all, for everybody.
    pub fn down(&self, down: bool) {
        self.inner.down.store(down, Ordering::SeqCst);
    }

    /// Stops the directory's program and starts it again on the same data.
    ///
    /// # Errors
    /// `INTERNAL` if the system refuses.
    pub async fn restart(&self) -> Result<()> {
        let engine = &self.inner.engine;
        engine
            .run(|core| async move { core.restart().await })
            .await?
    }

    /// The directory's whole content now, for [`Self::restore`].
    ///
    /// # Errors
    /// `INTERNAL` if the system refuses.
    pub async fn backup(&self) -> Result<Backup> {
        let engine = &self.inner.engine;
        engine
            .run(|core| async move { core.backup().await })
            .await?
    }

    /// The directory loses everything that was written after `backup` was
    /// made; its keys stay the same. The clock does not move.
    ///
    /// # Errors
    /// `INTERNAL` if the system refuses.
    pub async fn restore(&self, backup: &Backup) -> Result<()> {
        let (engine, backup) = (&self.inner.engine, backup.clone());
        engine
            .run(|core| async move { core.restore(backup).await })
            .await?
    }

    /// The accomplice tries to get the entry that `lie` would show past the
    /// honest directory, signed and sent by itself: only a directory that lies
    /// could have it in its log.
    ///
    /// # Errors
    /// The directory's refusal; `INTERNAL` if the lie adds no signed entry, or
    /// needs an [`Accomplice`] with other rights.
    pub async fn smuggle(&self, lie: Lie, session: SessionId) -> Result<()> {
        let (inner, session) = (self.inner.clone(), *session.as_bytes());
        let work =
            |core: Arc<Core>| async move { lies::smuggle(&core, &inner, lie, session).await };
        self.inner.engine.run(work).await?
    }

    /// From now on the directory tells this lie to everybody, in every answer
    /// to which it applies, in place of any other. A connection's own lie
    /// comes first.
    pub fn tell(&self, lie: Lie) {
        self.inner.told.store(0, Ordering::SeqCst);
        *lock(&self.inner.lie) = Some(lie);
    }

    /// In how many answers, on all connections, the last lie was told. A lie
    /// that found nothing to apply to proves nothing: let a test look at this.
    #[must_use]
    pub fn told(&self) -> usize {
        self.inner.told.load(Ordering::SeqCst)
    }

    /// From now on the directory lies no more, but for connections with a lie
    /// of their own.
    pub fn honest(&self) {
        *lock(&self.inner.lie) = None;
    }
}
