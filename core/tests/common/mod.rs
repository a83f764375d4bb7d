//! A real directory on a loopback port, people with accounts, and a wire on
//! which things go wrong: what apps do, over real HTTP. Lies are told in the
//! testing kit (`lies.rs`).
#![allow(dead_code, unreachable_pub)]
#![allow(clippy::unwrap_used, clippy::panic)]

pub mod member;

use plico::http::HttpTransport;
use plico::ports::{BoxFuture, Clock, Request, Response, Transport, TransportError};
use plico::store::MemoryStore;
use plico::{Account, AccountOptions, EnrolmentRequest, Plico, PlicoBuilder, RegisterOptions};
use plico_directory::{Config, DatabaseConfig, Server};
use plico_protocol::format::ids::ChainId;
use plico_protocol::format::keys::KeyRecord;
use plico_protocol::identity::Attestation;
use plico_protocol::primitives::sign::SigningKey;
use plico_protocol::wire::b64;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::oneshot;

/// A clock that the test moves; it stands otherwise.
pub struct TestClock(AtomicU64);

impl TestClock {
    pub fn forward(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> u64 {
        self.now()
    }
}

pub const MINUTE: u64 = 60_000;
pub const DAY: u64 = 24 * 60 * MINUTE;

pub struct World {
    pub url: String,
    pub tenant_id: ChainId,
    pub enrolment_key: Arc<SigningKey>,
    pub clock: Arc<TestClock>,
    _folder: tempfile::TempDir,
    _stop: oneshot::Sender<()>,
}

pub fn rng() -> rand_core::UnwrapErr<getrandom::SysRng> {
    rand_core::UnwrapErr(getrandom::SysRng)
}

impl World {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let start = 1_800_000_000_000;
        let clock = Arc::new(TestClock(AtomicU64::new(start)));
        let server_clock = clock.clone();
        let config = Config {
            database: DatabaseConfig::File(folder.path().join("db.sqlite")),
            clock: plico_directory::Clock::new(move || server_clock.now()),
            ..Config::in_memory()
        };
        let server = Server::bind(config).await.unwrap();
        let enrolment_key = Arc::new(SigningKey::generate(&mut rng()));
        let tenant_id = server.create_tenant("test", &enrolment_key).await.unwrap();
        let url = server.public_url().to_owned();
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(async move {
            server
                .run_until(async {
                    let _ = stopped.await;
                })
                .await
                .unwrap();
        });
        Self {
            url,
            tenant_id,
            enrolment_key,
            clock,
            _folder: folder,
            _stop: stop,
        }
    }

    pub fn tenant(&self) -> String {
        b64::encode(self.tenant_id.as_bytes())
    }

    pub fn token(&self, user_id: &str, identity: ChainId, number: u64) -> String {
        token(
            &self.enrolment_key,
            self.tenant_id,
            user_id,
            identity,
            number,
            self.clock.now(),
        )
    }

    pub fn builder(&self) -> PlicoBuilder {
        Plico::builder(&self.url, &self.tenant()).clock(self.clock.clone())
    }

    pub async fn person(&self, user_id: &str) -> Person {
        let person = self.visitor().await;
        person.register(self, user_id, 1).await.unwrap();
        person
    }

    /// Somebody with a store and a wire, not yet registered.
    pub async fn visitor(&self) -> Person {
        let store = Arc::new(MemoryStore::new());
        let wire = Wire::new();
        let account = self.start(&store, &wire).await.unwrap();
        Person {
            account,
            store,
            wire,
        }
    }

    /// A program that starts on `store`.
    pub async fn start(
        &self,
        store: &Arc<MemoryStore>,
        wire: &Arc<Wire>,
    ) -> plico::Result<Account> {
        let plico = self.builder().transport(wire.clone()).open().await?;
        plico
            .account(AccountOptions::with_store(store.clone()))
            .await
    }
}

pub fn token(
    key: &SigningKey,
    tenant: ChainId,
    user_id: &str,
    identity: ChainId,
    number: u64,
    now_ms: u64,
) -> String {
    let issued_ms = now_ms / 1000 * 1000;
    let attestation = Attestation {
        user_id: user_id.into(),
        identity,
        number,
        issued_ms,
        expires_ms: issued_ms + 300_000,
    };
    attestation.sign(tenant, KeyRecord::signing(&key.verifying_key()).id(), key)
}

pub struct Person {
    pub account: Account,
    pub store: Arc<MemoryStore>,
    pub wire: Arc<Wire>,
}

impl Person {
    pub async fn register(
        &self,
        world: &World,
        user_id: &str,
        number: u64,
    ) -> plico::Result<plico::IdentityId> {
        let (key, tenant) = (world.enrolment_key.clone(), world.tenant_id);
        let (clock, name) = (world.clock.clone(), user_id.to_owned());
        let options = RegisterOptions::new(user_id, move |request: EnrolmentRequest| {
            let identity = ChainId(*request.identity_id.as_bytes());
            let token = token(&key, tenant, &name, identity, number, clock.now());
            async move { Ok(token) }
        });
        self.account.register(options).await
    }

    pub fn id(&self) -> ChainId {
        ChainId(*self.account.identity_id().unwrap().as_bytes())
    }

    /// The same person's program, started again.
    pub async fn restarted(&self, world: &World) -> Self {
        let wire = Wire::new();
        let account = world.start(&self.store, &wire).await.unwrap();
        Self {
            account,
            store: self.store.clone(),
            wire,
        }
    }
}

type Lie = Box<dyn FnMut(&Request, &mut Response) + Send>;

/// Real HTTP, with a place for a liar; it also keeps every answer.
pub struct Wire {
    http: HttpTransport,
    lie: Mutex<Option<Lie>>,
    /// Answers that never arrive, counted down.
    pub lose_replies: AtomicU64,
    pub log: Mutex<Vec<(Request, Response)>>,
}

impl Wire {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            http: HttpTransport::new().unwrap(),
            lie: Mutex::default(),
            lose_replies: AtomicU64::new(0),
            log: Mutex::default(),
        })
    }

    /// From now on every answer goes through `lie`.
    pub fn lie(&self, lie: impl FnMut(&Request, &mut Response) + Send + 'static) {
        *self.lie.lock().unwrap() = Some(Box::new(lie));
    }

    pub fn honest(&self) {
        *self.lie.lock().unwrap() = None;
    }
}

impl Transport for Wire {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            let mut response = self.http.send(request.clone()).await?;
            self.log
                .lock()
                .unwrap()
                .push((request.clone(), response.clone()));
            if self.lose_replies.load(Ordering::SeqCst) > 0 {
                self.lose_replies.fetch_sub(1, Ordering::SeqCst);
                return Err(TransportError("the reply was lost".into()));
            }
            if let Some(lie) = self.lie.lock().unwrap().as_mut() {
                lie(&request, &mut response);
            }
            Ok(response)
        })
    }
}

/// The error code of what must not succeed.
pub fn code<T>(result: plico::Result<T>) -> plico::ErrorCode {
    match result {
        Ok(_) => panic!("it went through"),
        Err(error) => error.code(),
    }
}
