//! A small world for tests and vectors: a tenant, its people with their
//! devices, and their sessions. Reproducible: the same seed gives the same bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::TestRng;
use plico_protocol::chain::possession::Possession;
use plico_protocol::chain::{Replay, replay};
use plico_protocol::format::bodies::{
    AddDevice, BackLinkRef, EpochStart, Grant, IdentityBody, ProvenKey, RightsBits, SessionBody,
    TenantBody, UserIdOpening, WrapsRef,
};
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::{ChainId, KeyId, Recipient};
use plico_protocol::format::opaque::Opaque;
use plico_protocol::format::wrap::BackLink;
use plico_protocol::identity::draft::{
    DeviceSecret, NewIdentity, bind_user_id, create_tenant, next_own_entry, prove_key,
    user_key_epoch,
};
use plico_protocol::identity::state::device_hash;
use plico_protocol::identity::{Attestation, IdentityState, TenantState};
use plico_protocol::keyring::wraps::{Wrap, WrapTo, commit, seal_all};
use plico_protocol::keyring::{EpochContext, EpochSecret, back_link_hash};
use plico_protocol::primitives::sign::SigningKey;
use plico_protocol::rights::draft::{self, Draft, Writer, recipient_key};
use plico_protocol::rights::{Outcome, RightsError, SessionState, replay_session};
use plico_protocol::wire::upload::{Upload, UploadedWrap};
use std::cell::Cell;
use std::collections::HashMap;

/// When everything begins, in milliseconds since 1970-01-01 UTC.
pub const T0: u64 = 1_700_000_000_000;
pub const MINUTE: u64 = 60_000;
pub const DAY: u64 = 24 * 60 * MINUTE;

pub const READ: u8 = RightsBits::READ;
pub const FORWARD: u8 = RightsBits::READ | RightsBits::FORWARD;
pub const REVOKE: u8 = RightsBits::READ | RightsBits::REVOKE;
pub const MANAGE: u8 = FORWARD | REVOKE;
pub const OWNER: u8 = RightsBits::ALL;

/// One tenant and the verified chains of its identities.
pub struct World {
    seed: Cell<u64>,
    pub enrolment: SigningKey,
    pub directory: SigningKey,
    pub tenant_log: Vec<SignedEntry>,
    pub tenant: TenantState,
    pub known: HashMap<ChainId, IdentityState>,
}

/// An identity with all its secrets.
#[derive(Clone)]
pub struct Person {
    pub id: ChainId,
    pub devices: Vec<DeviceSecret>,
    pub log: Vec<SignedEntry>,
    pub uploads: Vec<Upload>,
    pub secrets: Vec<EpochSecret>,
}

impl Person {
    pub fn recipient(&self) -> Recipient {
        Recipient::identity(self.id)
    }
}

/// A session's log with what its owner knows.
#[derive(Clone)]
pub struct Log {
    pub state: SessionState,
    pub drafts: Vec<Draft>,
    pub secrets: Vec<EpochSecret>,
}

impl Log {
    pub fn entries(&self) -> Vec<SignedEntry> {
        self.drafts.iter().map(|it| it.entry.clone()).collect()
    }
    pub fn secret(&self) -> &EpochSecret {
        self.secrets.last().unwrap()
    }
}

impl World {
    pub fn new(seed: u64) -> Self {
        let seed = Cell::new(seed.wrapping_mul(0x1_0000_0001));
        let mut rng = TestRng(seed.get());
        let enrolment = SigningKey::generate(&mut rng);
        let directory = SigningKey::generate(&mut rng);
        let first = create_tenant(&enrolment, &directory, T0, &mut rng);
        Self {
            seed,
            enrolment,
            directory,
            tenant: TenantState::start(&first, &()).unwrap(),
            tenant_log: vec![first],
            known: HashMap::new(),
        }
    }

    /// The next generator; no two are alike.
    pub fn rng(&self) -> TestRng {
        let next = self.seed.get().wrapping_add(0xd134_2543_de82_ef95);
        self.seed.set(next);
        TestRng(next)
    }

    pub fn tenant_id(&self) -> ChainId {
        self.tenant.id()
    }

    // --- the tenant's chain

    pub fn tenant_entry(&self, body: &TenantBody, now: u64, key: &SigningKey) -> SignedEntry {
        next_own_entry(self.tenant.tip(), body.encode(), now, key)
    }

    pub fn prove(&self, key: &SigningKey) -> ProvenKey {
        let head = self.tenant.tip().head;
        prove_key(self.tenant_id(), head.seq + 1, head.hash, key)
    }

    pub fn append_tenant(&mut self, body: &TenantBody, now: u64) {
        let entry = self.tenant_entry(body, now, &self.enrolment);
        self.tenant.apply(&entry, &()).unwrap();
        self.tenant_log.push(entry);
    }

    // --- identities

    pub fn new_identity(&self) -> (DeviceSecret, NewIdentity) {
        let mut rng = self.rng();
        let device = DeviceSecret::generate(&mut rng);
        let new = NewIdentity::create(self.tenant_id(), &device, T0, &mut rng).unwrap();
        (device, new)
    }

    pub fn person(&mut self) -> Person {
        let (device, new) = self.new_identity();
        let state = IdentityState::start(&new.entry, &()).unwrap();
        let id = state.id();
        self.known.insert(id, state);
        Person {
            id,
            devices: vec![device],
            uploads: vec![upload(&new.entry, &new.wraps, &[])],
            log: vec![new.entry],
            secrets: vec![new.secret],
        }
    }

    pub fn state(&self, person: &Person) -> &IdentityState {
        &self.known[&person.id]
    }

    pub fn identity_entry(&self, person: &Person, body: &IdentityBody) -> SignedEntry {
        let tip = self.state(person).tip();
        next_own_entry(tip, body.encode(), T0, &person.devices[0].signing)
    }

    pub fn append(&mut self, person: &mut Person, upload: Upload) {
        let state = self.known.get_mut(&person.id).unwrap();
        state.apply(&upload.entry, &()).unwrap();
        person.log.push(upload.entry.clone());
        person.uploads.push(upload);
    }

    /// The body that adds `device`, with its wrap.
    pub fn add_device_body(
        &self,
        person: &Person,
        device: &DeviceSecret,
    ) -> (AddDevice, Vec<Wrap>) {
        let head = self.state(person).tip().head;
        let keys = device.keys().unwrap();
        let possession = Possession {
            chain_id: person.id,
            seq: head.seq + 1,
            prev: head.hash,
            key_id: device_hash(&keys),
        };
        let wraps = self.device_wraps(
            person,
            person.secrets.last().unwrap(),
            std::slice::from_ref(device),
        );
        let body = AddDevice {
            possession: Opaque::new(possession.prove(&device.signing)),
            wraps: commit(&wraps).unwrap(),
            keys,
        };
        (body, wraps)
    }

    pub fn device_wraps(
        &self,
        person: &Person,
        secret: &EpochSecret,
        devices: &[DeviceSecret],
    ) -> Vec<Wrap> {
        let to: Vec<WrapTo> = devices
            .iter()
            .map(|device| WrapTo {
                recipient: Recipient::device(device.id()),
                generation: 0,
                key_id: device.keys().unwrap().kem.id(),
                key: device.kem.public_key().unwrap(),
            })
            .collect();
        let author = self.state(person).author(person.devices[0].id());
        seal_all(&[secret], &author, &to, &mut self.rng()).unwrap()
    }

    pub fn add_device(&mut self, person: &mut Person) -> KeyId {
        let device = DeviceSecret::generate(&mut self.rng());
        let (body, wraps) = self.add_device_body(person, &device);
        let entry = self.identity_entry(person, &IdentityBody::AddDevice(body));
        self.append(person, upload(&entry, &wraps, &[]));
        let id = device.id();
        person.devices.push(device);
        id
    }

    pub fn revoke_device(&mut self, person: &mut Person, id: KeyId) {
        let entry = self.identity_entry(person, &IdentityBody::RevokeDevice(id));
        self.append(person, upload(&entry, &[], &[]));
        person.devices.retain(|device| device.id() != id);
    }

    /// The next generation of the user key: its upload and its secret.
    pub fn user_key_upload(&self, person: &Person) -> (Upload, EpochSecret) {
        let context = EpochContext {
            tenant_id: self.tenant_id(),
            chain_id: person.id,
            epoch: person.secrets.len() as u32,
        };
        let secret = EpochSecret::generate(context, &mut self.rng());
        let link = secret.seal_back_link(person.secrets.last().unwrap());
        let wraps = self.device_wraps(person, &secret, &person.devices);
        let body = user_key_epoch(&secret, vec![link_ref(&link)], &wraps).unwrap();
        let entry = self.identity_entry(person, &IdentityBody::RotateUserKey(body));
        (upload(&entry, &wraps, &[link]), secret)
    }

    pub fn rotate_user_key(&mut self, person: &mut Person) {
        let (upload, secret) = self.user_key_upload(person);
        self.append(person, upload);
        person.secrets.push(secret);
    }

    pub fn attestation(&self, person: &Person, user_id: &str, number: u64) -> Attestation {
        Attestation {
            user_id: user_id.into(),
            identity: person.id,
            number,
            issued_ms: T0,
            expires_ms: T0 + 5 * MINUTE,
        }
    }

    pub fn token(&self, attestation: &Attestation) -> String {
        attestation.sign(self.tenant_id(), key_id(&self.enrolment), &self.enrolment)
    }

    pub fn bind(&mut self, person: &mut Person, user_id: &str, number: u64) -> UserIdOpening {
        let token = self.token(&self.attestation(person, user_id, number));
        let key = &person.devices[0].signing;
        let state = self.state(person);
        let (entry, opening) =
            bind_user_id(state, user_id, number, &token, T0, key, &mut self.rng());
        self.append(person, upload(&entry, &[], &[]));
        opening
    }

    // --- sessions

    pub fn writer<'a>(&self, person: &'a Person, now_ms: u64) -> Writer<'a> {
        let device = &person.devices[0];
        Writer {
            author: self.state(person).author(device.id()),
            key: &device.signing,
            now_ms,
        }
    }

    pub fn grant_to(&self, person: &Person, rights: u8, expires_ms: u64) -> Grant {
        Grant {
            key: recipient_key(self.state(person)),
            rights: RightsBits(rights),
            expires_ms,
        }
    }

    pub fn create(&self, owner: &Person, grants: Vec<Grant>) -> Log {
        let writer = self.writer(owner, T0);
        let tenant = self.tenant_id();
        let draft =
            draft::create(&writer, tenant, 1, grants, &self.known, &mut self.rng()).unwrap();
        Log {
            state: self
                .replay(None, std::slice::from_ref(&draft.entry))
                .unwrap(),
            secrets: draft.secret.iter().cloned().collect(),
            drafts: vec![draft],
        }
    }

    pub fn replay(
        &self,
        state: Option<SessionState>,
        entries: &[SignedEntry],
    ) -> Result<SessionState, RightsError> {
        match replay_session(state, entries, &self.known)? {
            Outcome::Done(state) => Ok(*state),
            Outcome::Needs(needs) => panic!("needs {needs:?}"),
        }
    }

    /// What becomes of the log if `entry` is next.
    pub fn check(&self, log: &Log, entry: &SignedEntry) -> Result<SessionState, RightsError> {
        self.replay(Some(log.state.clone()), std::slice::from_ref(entry))
    }

    /// The error that `body` by `person` at `now` is refused with.
    pub fn refusal(&self, log: &Log, person: &Person, now: u64, body: SessionBody) -> RightsError {
        let entry = self.writer(person, now).plain(&log.state, &body).entry;
        self.check(log, &entry).unwrap_err()
    }

    pub fn push(&self, log: &mut Log, draft: Draft) {
        log.state = self.check(log, &draft.entry).unwrap();
        log.secrets.extend(draft.secret.clone());
        log.drafts.push(draft);
    }

    pub fn push_body(&self, log: &mut Log, person: &Person, now: u64, body: &SessionBody) {
        let draft = self.writer(person, now).plain(&log.state, body);
        self.push(log, draft);
    }

    pub fn grant(&self, log: &mut Log, by: &Person, grant: Grant) {
        let secrets = [log.secret()];
        let writer = self.writer(by, T0);
        let draft = draft::grant(
            &writer,
            &log.state,
            vec![grant],
            &secrets,
            &self.known,
            &mut self.rng(),
        );
        self.push(log, draft.unwrap());
    }

    pub fn rotate(&self, log: &mut Log, by: &Person, now: u64) {
        let writer = self.writer(by, now);
        let earlier = [log.secret()];
        let draft = draft::rotate(&writer, &log.state, &earlier, &self.known, &mut self.rng());
        self.push(log, draft.unwrap());
    }
}

pub fn key_id(key: &SigningKey) -> KeyId {
    plico_protocol::format::keys::KeyRecord::signing(&key.verifying_key()).id()
}

pub fn link_ref(link: &BackLink) -> BackLinkRef {
    BackLinkRef {
        target: link.target,
        hash: back_link_hash(link),
    }
}

/// A commitment that replay, which sees no wraps, can't tell from a true one.
pub fn some_wraps(count: u32) -> WrapsRef {
    WrapsRef {
        count,
        root: [7; 32],
    }
}

/// The start of an epoch that no secret belongs to; replay can't see that.
pub fn some_epoch(epoch: u32, targets: &[u32], count: u32) -> EpochStart {
    let link = |target: &u32| BackLinkRef {
        target: *target,
        hash: [8; 32],
    };
    EpochStart {
        epoch,
        commitment: [9; 32],
        back_links: targets.iter().map(link).collect(),
        wraps: some_wraps(count),
    }
}

/// An upload of an entry with what belongs to it.
pub fn upload(entry: &SignedEntry, wraps: &[Wrap], back_links: &[BackLink]) -> Upload {
    let wraps = wraps.iter().map(|wrap| UploadedWrap {
        recipient: wrap.info.recipient,
        epoch: wrap.info.epoch,
        generation: wrap.info.generation,
        key_id: wrap.info.key_id,
        sealed: wrap.sealed.clone(),
    });
    Upload {
        entry: entry.clone(),
        wraps: wraps.collect(),
        staged_parts: 0,
        back_links: back_links.to_vec(),
        metadata: None,
        tag: None,
    }
}

pub fn draft_upload(draft: &Draft) -> Upload {
    Upload {
        metadata: draft.metadata.clone(),
        tag: draft.tag.clone(),
        ..upload(&draft.entry, &draft.wraps, &draft.back_links)
    }
}

/// An identity's chain, replayed from nothing.
pub fn replay_identity(
    log: &[SignedEntry],
) -> Result<IdentityState, plico_protocol::identity::IdentityError> {
    replay(None, log, &())
}
