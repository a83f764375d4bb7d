//! Many sessions at once, for tests of what does not depend on how many there are.

use super::directory::{Inner, TestDirectory};
use super::engine::Core;
use super::kit_error;
use super::person::TestPerson;
use crate::client::IdentityId;
use crate::error::Result;
use plico_directory::random;
use plico_directory::storage::{Binding, ChainRef, Page, Write};
use plico_protocol::chain::{Replay as _, replay};
use plico_protocol::format::encode;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::{ChainId, Kind};
use plico_protocol::identity::IdentityState;
use plico_protocol::identity::draft::{DeviceSecret, NewIdentity, bind_user_id};
use plico_protocol::rights::draft::{Writer, create};
use plico_protocol::wire::accept::{accept_identity, accept_session};
use plico_protocol::wire::upload::{Upload, draft_to_rest, entry_to_rest};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

impl TestDirectory {
    /// Gives `person` that many sessions of their own. They are whole and valid,
    /// but made here and written straight into the directory's database: so
    /// 100,000 take seconds. The account learns of them when it asks.
    ///
    /// # Errors
    /// `NOT_REGISTERED`; `INTERNAL` if the system refuses.
    pub async fn seed_sessions(&self, person: &TestPerson, count: usize) -> Result<()> {
        let record = person.account().inner.registered()?;
        let (tenant, id, device) = (self.inner.tenant.id, record.identity, record.device.clone());
        let work =
            move |core: Arc<Core>| async move { seed(&core, tenant, id, device, count).await };
        self.inner.engine.run(work).await?
    }
}

impl TestDirectory {
    /// Registers that many people, as `{prefix}.0` and so on, in the same way:
    /// whole and valid, written straight into the directory's database, but
    /// without a program of their own. For tests of large sessions and groups.
    ///
    /// # Errors
    /// `INTERNAL` if the system refuses.
    pub async fn seed_people(&self, prefix: &str, count: usize) -> Result<Vec<IdentityId>> {
        let (inner, prefix) = (self.inner.clone(), prefix.to_owned());
        let work = move |core: Arc<Core>| async move {
            let serving = core.serving().await?;
            let mut ids = Vec::with_capacity(count);
            for number in 0..count {
                let write = someone(&inner, &format!("{prefix}.{number}"))?;
                ids.push(IdentityId(write.at.chain));
                let written = serving.storage.apply(&write).await;
                written.map_err(|error| kit_error("an identity", error))?;
            }
            Ok(ids)
        };
        self.inner.engine.run(work).await?
    }
}

/// Somebody whose device nobody has.
fn someone(inner: &Inner, user_id: &str) -> Result<Write> {
    let bad = |error: &dyn core::fmt::Display| kit_error("an identity", error);
    let (tenant, now_ms) = (inner.tenant.id, inner.clock.now_ms());
    let rng = &mut random::system();
    let device = DeviceSecret::generate(rng);
    let new = NewIdentity::create(tenant, &device, now_ms, rng).map_err(|it| bad(&it))?;
    let state = IdentityState::start(&new.entry, &()).map_err(|it| bad(&it))?;
    let token = inner.tenant.token(user_id, state.id(), 1, now_ms);
    let key = &device.signing;
    let (bind, opening) = bind_user_id(&state, user_id, 1, &token, now_ms, key, rng);
    let uploads = [
        entry_to_rest(&new.entry, &new.wraps),
        entry_to_rest(&bind, &[]),
    ];
    let uploads = Upload::batch(&uploads).map_err(|it| bad(&it))?;
    let (state, effects) = accept_identity(None, &uploads).map_err(|it| bad(&it))?;
    let chain = state.id();
    let mut write = Write::new(ChainRef { tenant, chain }, Kind::Identity, None, effects);
    write.binding = Some(Binding {
        user_id: user_id.to_owned(),
        number: 1,
        opening: encode(&opening),
        may_be_superseded: false,
    });
    Ok(write)
}

async fn seed(
    core: &Core,
    tenant: ChainId,
    id: ChainId,
    device: DeviceSecret,
    count: usize,
) -> Result<()> {
    let serving = core.serving().await?;
    let now_ms = core.now_ms();
    let page = Page {
        from: 0,
        entries: usize::MAX / 2,
        bytes: usize::MAX / 2,
    };
    let own = ChainRef { tenant, chain: id };
    let entries = serving.storage.entries(own, page).await;
    let entries = entries.map_err(|error| kit_error("entries", error))?;
    let entries: core::result::Result<Vec<_>, _> = entries
        .iter()
        .map(|it| SignedEntry::from_bytes(it))
        .collect();
    let entries = entries.map_err(|error| kit_error("entries", error))?;
    let state: IdentityState =
        replay(None, &entries, &()).map_err(|error| kit_error("an identity", error))?;
    // Made on a thread of its own while the one before is written.
    let (made, mut ready) = tokio::sync::mpsc::channel::<Result<Write>>(64);
    let maker = std::thread::spawn(move || {
        let author = state.author(device.id());
        let known = HashMap::from([(id, state)]);
        for _ in 0..count {
            let writer = Writer {
                author,
                key: &device.signing,
                now_ms,
            };
            let write = session(&writer, tenant, &known);
            if made.blocking_send(write).is_err() {
                return;
            }
        }
    });
    while let Some(write) = ready.recv().await {
        let written = serving.storage.apply(&write?).await;
        written.map_err(|error| kit_error("a session", error))?;
    }
    maker
        .join()
        .map_err(|_| kit_error("a session", "its maker has stopped"))
}

/// A session of the writer's alone, as the directory accepts it.
fn session(
    writer: &Writer<'_>,
    tenant: ChainId,
    known: &HashMap<ChainId, IdentityState>,
) -> Result<Write> {
    let bad = |error: &dyn core::fmt::Display| kit_error("a session", error);
    let rng = &mut random::system();
    let draft = create(writer, tenant, 1, Vec::new(), known, rng).map_err(|it| bad(&it))?;
    let upload = Upload::from_rest(&draft_to_rest(&draft)).map_err(|it| bad(&it))?;
    let at = ChainRef {
        tenant,
        chain: upload.entry.entry.chain_id,
    };
    let requester = writer.author.identity;
    let accepted = accept_session(
        None,
        &[upload],
        requester,
        &BTreeSet::new(),
        known,
        writer.now_ms,
    );
    let (_, effects) = accepted.map_err(|it| bad(&it))?;
    Ok(Write::new(at, Kind::Session, None, effects))
}
