//! The tenant's chain: its enrolment keys and its directory's key.

use super::plico::PlicoInner;
use super::{decode_entries, lock, pins};
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::chain::{Replay as _, replay};
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::ChainId;
use plico_protocol::identity::TenantState;
use plico_protocol::wire::b64::B64;
use plico_protocol::wire::limits::{PROTOCOL_MAX, PROTOCOL_MIN};
use plico_protocol::wire::rest::TenantAnswer;
use std::sync::Arc;

/// A tenant's chain: what it says, and its entries.
pub(crate) struct Tenant {
    state: TenantState,
    pub entries: Vec<B64>,
}

impl Tenant {
    pub fn new(state: TenantState, entries: &[SignedEntry]) -> Self {
        let entries = entries.iter().map(|it| B64(it.to_bytes())).collect();
        Self { state, entries }
    }
}

impl core::ops::Deref for Tenant {
    type Target = TenantState;

    fn deref(&self) -> &TenantState {
        &self.state
    }
}

impl PlicoInner {
    /// The tenant, as last verified.
    ///
    /// # Errors
    /// `NETWORK` if nothing is known of it yet.
    pub fn tenant(&self) -> Result<Arc<Tenant>> {
        lock(&self.tenant)
            .clone()
            .ok_or_else(|| ErrorCode::Network.into())
    }

    /// The tenant; fetched, if nothing is known of it yet.
    pub async fn some_tenant(&self) -> Result<Arc<Tenant>> {
        match self.tenant() {
            Ok(tenant) => Ok(tenant),
            Err(_) => self.refresh_tenant().await,
        }
    }

    /// Reads the tenant's chain on: new enrolment keys, a new directory key.
    pub async fn refresh_tenant(&self) -> Result<Arc<Tenant>> {
        loop {
            let old = lock(&self.tenant).clone();
            let from = old.as_ref().map_or(0, |old| old.tip().head.seq + 1);
            let path = format!("?from={from}");
            let answer: TenantAnswer = self.wire.get_unsigned(&path).await?;
            let more = answer.more;
            let new = match old {
                Some(old) if answer.entries.is_empty() && !more => old,
                old => Arc::new(verify(old.as_deref(), &answer, self.wire.tenant_id)?),
            };
            *lock(&self.tenant) = Some(new.clone());
            if !more {
                return Ok(new);
            }
        }
    }

    /// Takes over what a store knows of the tenant, if that is more.
    pub fn learn_tenant(&self, stored: Tenant) -> Result<Arc<Tenant>> {
        if stored.id() != self.wire.tenant_id {
            return Err(ErrorCode::WrongTenant.into());
        }
        let mut tenant = lock(&self.tenant);
        let newer = tenant
            .as_ref()
            .is_none_or(|known| known.tip().head.seq < stored.tip().head.seq);
        if newer {
            *tenant = Some(Arc::new(stored));
        }
        tenant.clone().ok_or_else(|| ErrorCode::Network.into())
    }
}

fn verify(known: Option<&Tenant>, answer: &TenantAnswer, tenant_id: ChainId) -> Result<Tenant> {
    if answer.protocol_min > PROTOCOL_MAX || answer.protocol_max < PROTOCOL_MIN {
        return Err(Error::new(ErrorCode::ProtocolError)
            .with_detail("the directory and this client have no protocol version in common"));
    }
    if answer.tenant_id.0 != tenant_id.0 {
        return Err(ErrorCode::WrongTenant.into());
    }
    let entries = decode_entries(&answer.entries)?;
    if answer.more && entries.is_empty() {
        return Err(ErrorCode::ProtocolError.into());
    }
    let state = known.map(|known| known.state.clone());
    let state = replay(state, &entries, &())
        .map_err(|error| Error::new(ErrorCode::HistoryInvalid).with_detail(error.to_string()))?;
    // The id is the hash of the core: a chain of another tenant can't have it.
    if state.id() != tenant_id {
        return Err(ErrorCode::WrongTenant.into());
    }
    if !answer.more {
        let head = pins::decode_head(&answer.head)?;
        pins::check_head(&head, &state, state.tip())?;
    }
    let mut all = known.map_or_else(Vec::new, |known| known.entries.clone());
    all.extend_from_slice(&answer.entries);
    Ok(Tenant {
        state,
        entries: all,
    })
}
