//! What every request shares.

use crate::cache::Cache;
use crate::clock::Clock;
use crate::problem::ApiError;
use crate::seen::Seen;
use crate::storage::Storage;
use plico_protocol::format::encode;
use plico_protocol::format::head::{Head, SignedHead};
use plico_protocol::format::ids::{ChainId, Position};
use plico_protocol::format::keys::SIGNATURE_ED25519;
use plico_protocol::format::opaque::Opaque;
use plico_protocol::identity::TenantState;
use plico_protocol::primitives::sign::{SigningKey, labels};
use plico_protocol::wire::b64::B64;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Shared by all requests.
pub(crate) struct App {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) cache: Cache,
    pub(crate) seen: Seen,
    pub(crate) clock: Clock,
    /// Without a slash at the end.
    pub(crate) public_url: String,
    /// From when the backup is that this directory was restored from, in
    /// milliseconds since 1970-01-01 UTC.
    pub(crate) restored_from_ms: Option<u64>,
    /// One permit for each request that may be carried out now.
    pub(crate) permits: Semaphore,
    /// One permit for each request whose staged wraps may be in memory now.
    pub(crate) staged: Semaphore,
    /// The development server's enrolment key.
    pub(crate) dev: Option<SigningKey>,
}

/// A tenant that a request is about.
#[derive(Clone)]
pub(crate) struct Tenant {
    pub(crate) state: Arc<TenantState>,
    pub(crate) key: SigningKey,
}

impl Tenant {
    pub(crate) fn id(&self) -> ChainId {
        self.state.id()
    }

    /// The signed head of a chain of this tenant.
    pub(crate) fn head(&self, chain: ChainId, position: Position, time_ms: u64) -> B64 {
        let head = Head {
            version: 1,
            tenant_id: self.id(),
            chain_id: chain,
            seq: position.seq,
            hash: position.hash,
            time_ms,
        };
        let signature = self.key.sign(labels::HEAD, &encode(&head));
        B64(encode(&SignedHead {
            head,
            algorithm: SIGNATURE_ED25519,
            signature: Opaque::new(signature.to_vec()),
        }))
    }
}

/// Runs work that takes more than a few milliseconds off the request threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| ApiError::internal(error.to_string()))
}
