//! Making an offline file: an envelope with all that one recipient needs to
//! open and verify it on a machine without a network.

use super::account::{Account, AccountInner};
use super::encrypt::header_of;
use super::fetch::SessionName;
use super::{decode_entries, os_rng};
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::format::bodies::SessionBody;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::{ChainId, KeyId, Kind, Recipient};
use plico_protocol::format::offline::{
    DeviceWrap, OFFLINE_VERSION, OFFLINE_VERSION_GROUPS, OfflineFile, StatedChain, StatedGroup,
    StatedWrap,
};
use plico_protocol::format::opaque::Opaque;
use plico_protocol::keyring::wraps::{Wrap, WrapTo};
use plico_protocol::wire::b64::{B64, B64x32};
use plico_protocol::wire::limits::MAX_LOOKUP;
use plico_protocol::wire::rest::{
    ChainFrom, IdentitiesFound, IdentitiesLookup, IdentityAnswer, SessionAnswer, TenantAnswer,
    WrapAnswer,
};
use std::collections::{BTreeMap, BTreeSet};

impl Account {
    /// One envelope that this account may open, as a file with which any
    /// [exported](Self::export_identity) device of this identity opens it
    /// without a network: envelope, log, chains, wraps with their proofs, and
    /// the directory's signed heads. See [`crate::open_offline_file`].
    ///
    /// # Errors
    /// As [`Self::decrypt`]; `OFFLINE` is not among them: it asks the directory.
    pub async fn offline_file(&self, envelope: &[u8]) -> Result<Vec<u8>> {
        let made = self.inner.offline_file(self, envelope);
        self.inner.while_open(made).await
    }
}

fn stated(id: ChainId, entries: Vec<B64>, head: B64, opening: Option<B64>) -> StatedChain {
    StatedChain {
        id,
        entries: entries.into_iter().map(|it| Opaque::new(it.0)).collect(),
        head: Opaque::new(head.0),
        opening: Opaque::new(opening.map(|it| it.0).unwrap_or_default()),
    }
}

fn opaques(list: &[B64]) -> Vec<Opaque> {
    list.iter().map(|it| Opaque::new(it.0.clone())).collect()
}

fn stated_wrap(wrap: WrapAnswer) -> Result<StatedWrap> {
    let kind = Kind::from_u8(wrap.kind);
    Ok(StatedWrap {
        recipient: Recipient {
            kind: kind.ok_or(ErrorCode::NeedsNewerClient)?,
            id: wrap.id.0,
        },
        epoch: wrap.epoch,
        generation: wrap.generation,
        key_id: KeyId(wrap.key_id.0),
        seq: wrap.seq,
        index: wrap.index,
        proof: wrap.proof.iter().map(|it| it.0).collect(),
        sealed: Opaque::new(wrap.sealed.0),
    })
}

impl AccountInner {
    async fn offline_file(&self, account: &Account, envelope: &[u8]) -> Result<Vec<u8>> {
        // What can't be opened here can't be opened there: everything that
        // follows was verified by this.
        let header = header_of(envelope)?;
        let id = account.session_of(envelope).await?.id().0;
        let fresh = account.session(super::ids::SessionId(id));
        fresh.refresh().await?;
        let record = self.registered()?;
        account.key_for(id, header.epoch).await?;
        let session = self.whole_session(id).await?;
        let mut named = Named::default();
        named.people.insert(record.identity);
        named.by_log(&session.entries)?;
        let groups = self.stated_groups(&mut named).await?;
        // After the logs that name places of theirs.
        let people: Vec<ChainId> = named.people.into_iter().collect();
        let mut identities = Vec::with_capacity(people.len());
        for ids in people.chunks(MAX_LOOKUP) {
            for answer in self.whole_identities(ids).await? {
                let id = ChainId(answer.identity_id.0);
                identities.push(stated(id, answer.entries, answer.head, answer.opening));
            }
        }
        let own = self.get_identity(record.identity, 0).await?;
        let (generation, device_wraps) = self.device_wraps().await?;
        let tenant_id = self.plico.inner.wire.tenant_id;
        let tenant = self.whole_tenant().await?;
        let wraps = session.wraps.into_iter().map(stated_wrap);
        let file = OfflineFile {
            version: match groups.is_empty() {
                true => OFFLINE_VERSION,
                false => OFFLINE_VERSION_GROUPS,
            },
            tenant: stated(tenant_id, tenant.entries, tenant.head, None),
            identities,
            reader: record.identity,
            generation,
            device_wraps,
            reader_links: opaques(&own.back_links),
            wraps: wraps.collect::<Result<_>>()?,
            links: opaques(&session.back_links),
            session: stated(id, session.entries, session.head, None),
            envelope: Opaque::new(envelope.to_vec()),
            groups,
        };
        Ok(file.to_bytes())
    }

    /// The groups that the logs name, and those that these name, each at least
    /// as far as it is named.
    async fn stated_groups(&self, named: &mut Named) -> Result<Vec<StatedGroup>> {
        let mut there: BTreeMap<ChainId, StatedGroup> = BTreeMap::new();
        loop {
            let is_short = |(id, seq): &(&ChainId, &u64)| {
                let length = there.get(*id).map_or(0, |it| it.chain.entries.len() as u64);
                length <= **seq
            };
            let next = named.groups.iter().find(is_short);
            let Some((&id, &seq)) = next else {
                return Ok(there.into_values().collect());
            };
            let log = self.whole_session(id).await?;
            if log.entries.len() as u64 <= seq {
                return Err(ErrorCode::HistoryShortened.into());
            }
            named.by_log(&log.entries)?;
            let wraps = log.wraps.into_iter().map(stated_wrap);
            let group = StatedGroup {
                wraps: wraps.collect::<Result<_>>()?,
                links: opaques(&log.back_links),
                chain: stated(id, log.entries, log.head, None),
            };
            there.insert(id, group);
        }
    }

    async fn whole_tenant(&self) -> Result<TenantAnswer> {
        let mut whole: Option<TenantAnswer> = None;
        loop {
            let from = whole.as_ref().map_or(0, |it| it.entries.len());
            let wire = &self.plico.inner.wire;
            let page: TenantAnswer = wire.get_unsigned(&format!("?from={from}")).await?;
            let (more, none) = (page.more, page.entries.is_empty());
            whole = Some(match whole {
                None => page,
                Some(mut whole) => {
                    whole.entries.extend(page.entries);
                    whole.head = page.head;
                    whole
                }
            });
            match whole {
                Some(whole) if !more => return Ok(whole),
                _ if none => return Err(ErrorCode::ProtocolError.into()),
                _ => {}
            }
        }
    }

    async fn whole_session(&self, id: ChainId) -> Result<SessionAnswer> {
        let mut whole = self.ask(SessionName::Id(id), 0).await?;
        while whole.more {
            let page = self
                .ask(SessionName::Id(id), whole.entries.len() as u64)
                .await?;
            if page.entries.is_empty() {
                return Err(ErrorCode::ProtocolError.into());
            }
            whole.entries.extend(page.entries);
            whole.more = page.more;
            whole.head = page.head;
            whole.wraps = page.wraps;
            whole.back_links = page.back_links;
        }
        Ok(whole)
    }

    async fn whole_identities(&self, ids: &[ChainId]) -> Result<Vec<IdentityAnswer>> {
        let record = self.registered()?;
        let identities = ids.iter().map(|id| ChainFrom {
            id: B64x32(id.0),
            from: 0,
        });
        let body = IdentitiesLookup {
            identities: identities.collect(),
        };
        let wire = &self.plico.inner.wire;
        let found: IdentitiesFound = wire
            .post(record.signer(), "/identities/lookup", &body)
            .await?;
        if found.found.len() != ids.len() {
            return Err(ErrorCode::HistoryShortened.into());
        }
        let mut whole = Vec::with_capacity(ids.len());
        for mut answer in found.found {
            while answer.more {
                let id = ChainId(answer.identity_id.0);
                let page = self.get_identity(id, answer.entries.len() as u64).await?;
                if page.entries.is_empty() {
                    return Err(ErrorCode::ProtocolError.into());
                }
                answer.entries.extend(page.entries);
                answer.head = page.head;
                answer.more = page.more;
            }
            whole.push(answer);
        }
        Ok(whole)
    }

    /// The newest generation of the own user key, wrapped to each own device:
    /// the directory gives a device its own wraps only.
    async fn device_wraps(&self) -> Result<(u32, Vec<DeviceWrap>)> {
        let state = self.myself().await?;
        let (generation, _) = state.user_key();
        let secret = self.user_secret(generation).await?;
        let author = self.author().await?;
        let mut wraps = Vec::new();
        for (id, device) in state.active_devices() {
            let to = WrapTo {
                recipient: Recipient::device(*id),
                generation: 0,
                key_id: device.keys.kem.id(),
                key: device.keys.kem.kem_key().map_err(|_| ErrorCode::Internal)?,
            };
            let wrap = Wrap::seal(&secret, &author, &to, &mut os_rng())
                .map_err(|error| Error::new(ErrorCode::Internal).with_detail(error.to_string()))?;
            wraps.push(DeviceWrap {
                device: *id,
                author_key: author.key,
                sealed: Opaque::new(wrap.sealed),
            });
        }
        Ok((generation, wraps))
    }
}

/// What logs name: identities, and groups up to a place.
#[derive(Default)]
struct Named {
    people: BTreeSet<ChainId>,
    groups: BTreeMap<ChainId, u64>,
}

impl Named {
    fn by_log(&mut self, entries: &[B64]) -> Result<()> {
        for entry in &decode_entries(entries)? {
            self.by_entry(entry)?;
        }
        Ok(())
    }

    fn by_entry(&mut self, entry: &SignedEntry) -> Result<()> {
        self.people.insert(entry.entry.author.identity);
        let body = SessionBody::decode(entry.entry.entry_type, entry.entry.body.as_slice())?;
        let identities = body.recipients().filter(|it| it.kind == Kind::Identity);
        self.people.extend(identities.map(|it| it.chain()));
        for (group, position) in body.groups() {
            let named = self.groups.entry(group).or_default();
            *named = position.seq.max(*named);
        }
        Ok(())
    }
}
