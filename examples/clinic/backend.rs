//! The clinic's side: its key directory, and its backend, which vouches for user ids.

use plico::http::HttpTransport;
use plico::ports::Transport;
use plico::store::MemoryStore;
use plico::{
    Account, AccountOptions, EnrolmentRequest, Plico, RegisterOptions, Service, ServiceOptions,
};
use plico_directory::{Config, DatabaseConfig, Server};
use plico_protocol::format::ids::ChainId;
use plico_protocol::format::keys::KeyRecord;
use plico_protocol::identity::Attestation;
use plico_protocol::identity::service::ServiceToken;
use plico_protocol::primitives::sign::SigningKey;
use plico_protocol::wire::b64;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A running directory with one tenant, and the tenant's enrolment key.
pub struct Clinic {
    pub url: String,
    pub tenant: String,
    tenant_id: ChainId,
    enrolment_key: Arc<SigningKey>,
    stop: tokio::sync::oneshot::Sender<()>,
    running: tokio::task::JoinHandle<Result<()>>,
}

fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

impl Clinic {
    /// Starts the real server on a free port, with embedded SQLite in `database`.
    pub async fn open(database: &Path) -> Result<Self> {
        let server = Server::bind(Config {
            database: DatabaseConfig::File(database.to_owned()),
            ..Config::in_memory()
        })
        .await?;
        let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
        let enrolment_key = Arc::new(SigningKey::generate(&mut rng));
        let tenant_id = server.create_tenant("clinic", &enrolment_key).await?;
        let url = server.public_url().to_owned();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let running = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            Ok(server.run_until(stopped).await?)
        });
        let tenant = b64::encode(tenant_id.as_bytes());
        Ok(Self {
            url,
            tenant,
            tenant_id,
            enrolment_key,
            stop,
            running,
        })
    }

    /// What the backend does after the person has signed in at the app: it
    /// signs that this user id belongs to this identity. Any JWT library can.
    fn token(
        tenant_id: ChainId,
        key: &SigningKey,
        user_id: String,
        request: &EnrolmentRequest,
    ) -> String {
        let issued = now().as_secs() * 1000;
        let attestation = Attestation {
            user_id,
            identity: ChainId(*request.identity_id.as_bytes()),
            number: 1,
            issued_ms: issued,
            expires_ms: issued + 300_000,
        };
        attestation.sign(
            tenant_id,
            KeyRecord::signing(&key.verifying_key()).id(),
            key,
        )
    }

    /// A program of the clinic's own that seals for others, and has no identity.
    pub async fn service(&self, transport: Arc<dyn Transport>) -> Result<Service> {
        let plico = Plico::builder(&self.url, &self.tenant)
            .transport(transport)
            .open()
            .await?;
        let (tenant_id, key) = (self.tenant_id, self.enrolment_key.clone());
        let options = ServiceOptions::new(move |_| {
            let key_id = KeyRecord::signing(&key.verifying_key()).id();
            let now_ms = now().as_secs() * 1000;
            let token = ServiceToken::read_keys(now_ms).sign(tenant_id, key_id, &key);
            async move { Ok(token) }
        });
        Ok(plico.service(options).await?)
    }

    /// A person with an app of their own.
    pub async fn person(&self, user_id: &str) -> Result<Account> {
        let store = Arc::new(MemoryStore::new());
        self.person_with(user_id, Arc::new(HttpTransport::new()?), store)
            .await
    }

    pub async fn person_with(
        &self,
        user_id: &str,
        transport: Arc<dyn Transport>,
        store: Arc<MemoryStore>,
    ) -> Result<Account> {
        let plico = Plico::builder(&self.url, &self.tenant)
            .transport(transport)
            .open()
            .await?;
        let account = plico.account(AccountOptions::with_store(store)).await?;
        let (tenant_id, key, name) = (
            self.tenant_id,
            self.enrolment_key.clone(),
            user_id.to_owned(),
        );
        let options = RegisterOptions::new(user_id, move |request| {
            let token = Self::token(tenant_id, &key, name.clone(), &request);
            async move { Ok(token) }
        });
        account.register(options).await?;
        Ok(account)
    }

    /// Closes the directory, gracefully.
    pub async fn close(self) -> Result<()> {
        let _ = self.stop.send(());
        self.running.await?
    }
}
