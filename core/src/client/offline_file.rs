//! Making an offline file: an envelope with all that one recipient needs to
//! open and verify it on a machine without a network.

use super::account::{Account, AccountInner};
use super::encrypt::header_of;
use super::fetch::SessionName;
use super::{decode_entries, os_rng};
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::{ChainId, KeyId, Kind, Recipient};
use plico_protocol::format::offline::{
    DeviceWrap, OFFLINE_VERSION, OfflineFile, StatedChain, StatedWrap,
};
use plico_protocol::format::opaque::Opaque;
use plico_protocol::keyring::wraps::{Wrap, WrapTo};
use plico_protocol::wire::b64::{B64, B64x32};
use plico_protocol::wire::limits::MAX_LOOKUP;
use plico_protocol::wire::rest::{
    ChainFrom, IdentitiesFound, IdentitiesLookup, IdentityAnswer, SessionAnswer, TenantAnswer,
    WrapAnswer,
};
use std::collections::BTreeSet;

impl Account {
    /// One envelope that this account may open, as a file with which any
    /// [exported](Self::export_identity) device of this identity opens it
    /// without a network: envelope, log, chains, wraps with their proofs, and
    /// the directory's signed heads. See [`crate::open_offline_file`].
    ///
    /// # Errors
    /// As [`Self::decrypt`]; `OFFLINE` is not among them: it asks the directory.
    /// `INVALID_ARGUMENT` for a session that was ever granted to a group.
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
        let mut people: BTreeSet<ChainId> = [record.identity].into();
        for entry in &decode_entries(&session.entries)? {
            if names_groups(entry)? {
                return Err(Error::new(ErrorCode::InvalidArgument).with_detail(
                    "an offline file can't be made of a session that was granted to groups",
                ));
            }
            people.extend(named_by(entry)?);
        }
        let people: Vec<ChainId> = people.into_iter().collect();
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
            version: OFFLINE_VERSION,
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
        };
        Ok(file.to_bytes())
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

/// The identities that an entry of a session names.
fn names_groups(entry: &SignedEntry) -> Result<bool> {
    use plico_protocol::format::bodies::SessionBody as B;
    let body = B::decode(entry.entry.entry_type, entry.entry.body.as_slice())?;
    Ok(!body.groups().is_empty())
}

fn named_by(entry: &SignedEntry) -> Result<Vec<ChainId>> {
    use plico_protocol::format::bodies::SessionBody as B;
    let body = B::decode(entry.entry.entry_type, entry.entry.body.as_slice())?;
    let mut people = vec![entry.entry.author.identity];
    let identities = body.recipients().filter(|it| it.kind == Kind::Identity);
    people.extend(identities.map(|it| ChainId(it.id)));
    Ok(people)
}
