//! Identities whose keys the lying directory holds: made up, or of somebody
//! who colludes with it. It has no honest person's keys.

use super::directory::{Inner, TenantKeys};
use super::engine::{Core, URL};
use super::{kit_error, lock};
use crate::client::IdentityId;
use crate::error::{Error, ErrorCode, Result};
use plico_directory::random;
use plico_protocol::chain::replay;
use plico_protocol::format::bodies::UserIdOpening;
use plico_protocol::format::encode;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::ChainId;
use plico_protocol::identity::IdentityState;
use plico_protocol::identity::draft::{DeviceSecret, NewIdentity, bind_user_id, next_own_entry};
use plico_protocol::keyring::wraps::Wrap;
use plico_protocol::primitives::random::random_bytes;
use plico_protocol::wire::Problem;
use plico_protocol::wire::b64::{self, B64};
use plico_protocol::wire::rest::Enrol;
use plico_protocol::wire::signing::{
    CONTENT_TYPE, RequestParts, SignatureParams, content_digest, sign_request,
};
use plico_protocol::wire::upload::entry_to_rest;
use std::sync::Arc;

/// An identity with its keys and its chain; whether any directory has it is
/// another matter.
#[derive(Clone)]
pub(super) struct Puppet {
    pub id: ChainId,
    pub device: DeviceSecret,
    pub entries: Vec<SignedEntry>,
    pub wraps: Vec<Wrap>,
    pub opening: Option<UserIdOpening>,
}

impl Puppet {
    pub fn new(tenant: ChainId, now_ms: u64) -> Result<Self> {
        let mut rng = random::system();
        let device = DeviceSecret::generate(&mut rng);
        let new = NewIdentity::create(tenant, &device, now_ms, &mut rng)
            .map_err(|error| kit_error("no identity", error))?;
        Ok(Self {
            id: new.entry.entry.chain_id,
            device,
            entries: vec![new.entry],
            wraps: new.wraps,
            opening: None,
        })
    }

    pub fn state(&self) -> Result<IdentityState> {
        replay(None, &self.entries, &()).map_err(|error| kit_error("a chain", error))
    }

    /// Binds a user id with a backend's word, true or not.
    pub fn bind(&mut self, user_id: &str, number: u64, token: &str, now_ms: u64) -> Result<()> {
        let (entry, opening) = bind_user_id(
            &self.state()?,
            user_id,
            number,
            token,
            now_ms,
            &self.device.signing,
            &mut random::system(),
        );
        self.entries.push(entry);
        self.opening = Some(opening);
        Ok(())
    }

    /// Its own next entry after `state`, whatever the body.
    pub fn next_entry(
        &self,
        state: &IdentityState,
        body: (u16, Vec<u8>),
        now_ms: u64,
    ) -> SignedEntry {
        use plico_protocol::chain::Replay as _;
        next_own_entry(state.tip(), body, now_ms, &self.device.signing)
    }
}

/// Somebody who is registered like everybody else, but whose keys the lying
/// directory uses. Add one to a session by its user id, with the rights that a
/// [`Lie`](super::Lie) asks for.
pub struct Accomplice {
    user_id: String,
    pub(super) puppet: Puppet,
}

impl core::fmt::Debug for Accomplice {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Accomplice({})", self.user_id)
    }
}

impl Accomplice {
    /// The app's name for it.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// Its identity.
    #[must_use]
    pub fn identity_id(&self) -> IdentityId {
        IdentityId::from(self.puppet.id.0)
    }

    pub(super) async fn enrol(core: &Core, inner: &Inner, user_id: &str) -> Result<Arc<Self>> {
        let (tenant, now_ms) = (&inner.tenant, core.now_ms());
        let mut puppet = Puppet::new(tenant.id, now_ms)?;
        let token = tenant.token(user_id, puppet.id, 1, now_ms);
        puppet.bind(user_id, 1, &token, now_ms)?;
        let opening = puppet.opening.as_ref().map(encode).unwrap_or_default();
        let enrol = Enrol {
            entries: vec![
                entry_to_rest(&puppet.entries[0], &puppet.wraps),
                entry_to_rest(&puppet.entries[1], &[]),
            ],
            opening: B64(opening),
        };
        let body = serde_json::to_vec(&enrol).map_err(|error| kit_error("a request", error))?;
        let accomplice = Arc::new(Self {
            user_id: user_id.to_owned(),
            puppet,
        });
        accomplice.post(core, tenant, "/identities", body).await?;
        lock(&inner.accomplices).insert(accomplice.puppet.id, accomplice.clone());
        Ok(accomplice)
    }

    /// Sends a signed request and expects success.
    pub(super) async fn post(
        &self,
        core: &Core,
        tenant: &TenantKeys,
        path: &str,
        body: Vec<u8>,
    ) -> Result<()> {
        let path = format!("/v1/tenants/{}{path}", b64::encode(&tenant.id.0));
        let digest = content_digest(&body);
        let parts = RequestParts {
            method: "POST",
            target_uri: &format!("{URL}{path}"),
            content_digest: &digest,
            content_type: CONTENT_TYPE,
        };
        let created_s = core.now_ms() / 1000;
        let params = SignatureParams {
            created_s,
            expires_s: created_s + 60,
            nonce: random_bytes(&mut random::system()),
            identity: self.puppet.id,
            key: self.puppet.device.id(),
        };
        let (input, signature) = sign_request(&parts, &params, &self.puppet.device.signing);
        let headers = [
            ("content-type", CONTENT_TYPE.to_owned()),
            ("content-digest", digest),
            ("signature-input", input),
            ("signature", signature),
        ]
        .map(|(name, value)| (name.to_owned(), value));
        let serving = core.serving().await?;
        let (status, body) = serving
            .directory
            .handle("POST", &path, &headers, body)
            .await;
        if (200..300).contains(&status) {
            return Ok(());
        }
        let code = serde_json::from_slice::<Problem>(&body)
            .ok()
            .and_then(|problem| ErrorCode::parse(&problem.code))
            .unwrap_or(ErrorCode::Internal);
        Err(Error::new(code).with_detail("the directory refused an accomplice's request"))
    }
}
