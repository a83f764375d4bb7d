//! Everybody who may appear in a history, made once: keys are what costs time.

use super::common::TestRng;
use super::common::world::{T0, World, link_ref, upload};
use super::people::{Own, Person};
use plico_protocol::chain::Replay as _;
use plico_protocol::chain::possession::Possession;
use plico_protocol::format::bodies::{AddDevice, IdentityBody};
use plico_protocol::format::ids::{ChainId, Recipient};
use plico_protocol::format::keys::DeviceKeys;
use plico_protocol::format::opaque::Opaque;
use plico_protocol::format::wrap::BackLink;
use plico_protocol::identity::draft::{
    DeviceSecret, NewIdentity, bind_user_id, next_own_entry, user_key_epoch,
};
use plico_protocol::identity::state::device_hash;
use plico_protocol::identity::{Attestation, IdentityState, TenantState};
use plico_protocol::keyring::wraps::{Wrap, WrapTo, commit, seal_all};
use plico_protocol::keyring::{EpochContext, EpochSecret};
use plico_protocol::primitives::sign::SigningKey;
use plico_protocol::wire::accept::{accept_enrolment, accept_identity};
use plico_protocol::wire::upload::Upload;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Parties in a history; one of them is not enrolled when it begins.
pub const PARTIES: usize = 5;
const SPARE_DEVICES: usize = 12;

#[derive(Debug)]
pub struct Device {
    pub secret: DeviceSecret,
    pub keys: DeviceKeys,
}

/// An identity with all that it, or any device of it, ever had.
#[derive(Clone)]
pub struct Party {
    pub id: ChainId,
    pub devices: Vec<Arc<Device>>,
    /// Secrets of its user key, oldest first.
    pub secrets: Vec<EpochSecret>,
    pub wraps: Vec<Arc<Wrap>>,
    pub links: Vec<BackLink>,
    /// Its entry 0, until it is enrolled.
    first: Option<Arc<(Upload, IdentityState)>>,
}

impl Party {
    pub fn recipient(&self) -> Recipient {
        Recipient::identity(self.id)
    }

    /// The generations that one device opens with all wraps and links that
    /// ever were.
    pub fn opens(&self, device: usize, commitments: &[[u8; 32]]) -> BTreeMap<u32, EpochSecret> {
        let me = Recipient::device(self.devices[device].secret.id());
        let mut open = BTreeMap::new();
        for wrap in self.wraps.iter().filter(|it| it.info.recipient == me) {
            if let Ok(secret) = wrap.open(&self.devices[device].secret.kem) {
                open.insert(wrap.info.epoch, secret);
            }
        }
        for link in self.links.iter().rev() {
            let from: Option<&EpochSecret> = open.get(&link.epoch);
            let commitment = &commitments[link.target as usize];
            if let Some(Ok(secret)) = from.map(|from| from.open_back_link(link, commitment)) {
                open.insert(link.target, secret);
            }
        }
        open
    }
}

#[derive(Clone)]
pub struct Stage {
    pub tenant: TenantState,
    pub known: HashMap<ChainId, IdentityState>,
    pub parties: Vec<Party>,
    keys: Arc<(SigningKey, SigningKey)>,
    spare: Vec<Arc<Device>>,
    seed: u64,
}

impl Stage {
    pub fn new(seed: u64) -> Self {
        let world = World::new(seed);
        let device = || {
            let secret = DeviceSecret::generate(&mut world.rng());
            let keys = secret.keys().unwrap();
            Arc::new(Device { secret, keys })
        };
        let party = |_| {
            let device = device();
            let new = NewIdentity::create(world.tenant_id(), &device.secret, T0, &mut world.rng())
                .unwrap();
            let state = IdentityState::start(&new.entry, &()).unwrap();
            Party {
                id: state.id(),
                devices: vec![device],
                secrets: vec![new.secret],
                first: Some(Arc::new((upload(&new.entry, &new.wraps, &[]), state))),
                wraps: new.wraps.into_iter().map(Arc::new).collect(),
                links: Vec::new(),
            }
        };
        let mut parties: Vec<Party> = (0..PARTIES).map(party).collect();
        parties.sort_by_key(Party::recipient);
        let stranger = SigningKey::generate(&mut world.rng());
        let spare = (0..SPARE_DEVICES).map(|_| device()).collect();
        let mut stage = Self {
            tenant: world.tenant.clone(),
            known: HashMap::new(),
            parties,
            keys: Arc::new((world.enrolment.clone(), stranger)),
            spare,
            seed,
        };
        for index in 0..PARTIES {
            if index != Self::late(seed) {
                assert!(stage.enrol(index, 0, T0));
            }
            assert_eq!(stage.parties[index].opens(0, &[]).len(), 1);
        }
        stage
    }

    /// Who is not enrolled at first.
    fn late(seed: u64) -> usize {
        seed as usize % PARTIES
    }

    /// What the model knows when a history begins.
    pub fn people(&self) -> Vec<Person> {
        let enrolled = |party: &Party| self.known.contains_key(&party.id);
        let people = self.parties.iter();
        people.map(|it| Person::new(enrolled(it))).collect()
    }

    pub fn rng(&mut self) -> TestRng {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        TestRng(self.seed)
    }

    pub fn identity(&self, party: usize) -> &IdentityState {
        &self.known[&self.parties[party].id]
    }

    pub fn party_of(&self, recipient: &Recipient) -> usize {
        let found = self.parties.iter().position(|it| it.id.0 == recipient.id);
        found.expect("one of ours")
    }

    /// Enrols somebody with a token that is true (`lie` 0) or not.
    pub fn enrol(&mut self, index: usize, lie: u8, now: u64) -> bool {
        let mut rng = self.rng();
        let party = &self.parties[index];
        let first = party.first.clone().expect("is enrolled already");
        let (issued, expires) = match lie {
            1 => (now - 600_000, now - 400_000),
            2 => (now + 120_000, now + 300_000),
            _ => (now, now + 300_000),
        };
        let attestation = Attestation {
            user_id: format!("user.{index}"),
            identity: match lie {
                3 => self.parties[(index + 1) % PARTIES].id,
                _ => party.id,
            },
            number: 1,
            issued_ms: issued,
            expires_ms: expires,
        };
        // An app's backend signs; or somebody who has no key in the tenant's chain.
        let signer = if lie == 4 { &self.keys.1 } else { &self.keys.0 };
        let key_id = super::common::world::key_id(&self.keys.0);
        let tenant = if lie == 5 { party.id } else { self.tenant.id() };
        let token = attestation.sign(tenant, key_id, signer);
        let (binding, opening) = bind_user_id(
            &first.1,
            &attestation.user_id,
            1,
            &token,
            now,
            &party.devices[0].secret.signing,
            &mut rng,
        );
        let uploads = [first.0.clone(), upload(&binding, &[], &[])];
        let Ok(enrolled) = accept_enrolment(&self.tenant, &uploads, &opening, now) else {
            return false;
        };
        let party = &mut self.parties[index];
        party.first = None;
        self.known.insert(party.id, enrolled.state);
        true
    }

    /// A device that is not of `party` yet.
    pub fn spare(&self) -> Arc<Device> {
        let used = |it: &Arc<Device>| {
            let mut devices = self.parties.iter().flat_map(|party| &party.devices);
            devices.any(|device| Arc::ptr_eq(device, it))
        };
        let free = self.spare.iter().find(|it| !used(it));
        free.expect("fewer devices are added than there are")
            .clone()
    }

    pub fn has_spare(&self) -> bool {
        let used: usize = self.parties.iter().map(|it| it.devices.len() - 1).sum();
        used < SPARE_DEVICES
    }

    /// Appends to an identity's chain, if the directory accepts it.
    pub fn append_own(&mut self, index: usize, signer: usize, own: Own, now: u64) -> bool {
        let mut rng = self.rng();
        let party = &self.parties[index];
        let state = self.identity(index).clone();
        let key = &party.devices[signer].secret.signing;
        let author = state.author(party.devices[signer].secret.id());
        let seal = |secret: &EpochSecret, to: &[&Arc<Device>], rng: &mut TestRng| {
            let to = to.iter().map(|device| WrapTo {
                recipient: Recipient::device(device.secret.id()),
                generation: 0,
                key_id: device.keys.kem.id(),
                key: device.keys.kem.kem_key().unwrap(),
            });
            let mut to: Vec<WrapTo> = to.collect();
            to.sort_by_key(|it| it.recipient);
            seal_all(&[secret], &author, &to, rng).unwrap()
        };
        let newest = party.secrets.last().expect("has one");
        let (mut device, mut secret, mut links) = (None, None, Vec::new());
        let (body, wraps) = match own {
            Own::Add(which) => {
                let new = party.devices.get(which).cloned();
                let new = new.unwrap_or_else(|| self.spare());
                let head = state.tip().head;
                let possession = Possession {
                    chain_id: party.id,
                    seq: head.seq + 1,
                    prev: head.hash,
                    key_id: device_hash(&new.keys),
                };
                let wraps = seal(newest, &[&new], &mut rng);
                let body = AddDevice {
                    keys: new.keys.clone(),
                    possession: Opaque::new(possession.prove(&new.secret.signing)),
                    wraps: commit(&wraps).unwrap(),
                };
                device = Some(new);
                (IdentityBody::AddDevice(body), wraps)
            }
            Own::Revoke(which) => {
                let id = party.devices[which].secret.id();
                (IdentityBody::RevokeDevice(id), Vec::new())
            }
            Own::Rotate {
                left_out,
                slipped_in,
            } => {
                let context = EpochContext {
                    epoch: newest.context().epoch + 1,
                    ..*newest.context()
                };
                let new = EpochSecret::generate(context, &mut rng);
                let active = |it: &Arc<Device>| state.active_device(&it.secret.id()).is_some();
                let to = party.devices.iter().enumerate().filter(|(number, it)| {
                    Some(*number) == slipped_in || active(it) && Some(*number) != left_out
                });
                let to: Vec<&Arc<Device>> = to.map(|(_, it)| it).collect();
                let wraps = seal(&new, &to, &mut rng);
                let link = new.seal_back_link(newest);
                let body = user_key_epoch(&new, vec![link_ref(&link)], &wraps).unwrap();
                secret = Some(new);
                links.push(link);
                (IdentityBody::RotateUserKey(body), wraps)
            }
        };
        let entry = next_own_entry(state.tip(), body.encode(), now, key);
        let upload = upload(&entry, &wraps, &links);
        let Ok((state, _)) = accept_identity(Some(state), &[upload]) else {
            return false;
        };
        let party = &mut self.parties[index];
        party.devices.extend(device);
        party.secrets.extend(secret);
        party.wraps.extend(wraps.into_iter().map(Arc::new));
        party.links.extend(links);
        self.known.insert(party.id, state);
        true
    }
}
