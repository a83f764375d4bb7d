//! People with keys, without a directory.

use plico_benches::measure::Outcome;
use plico_directory::random;
use plico_protocol::chain::Replay as _;
use plico_protocol::format::bodies::{Grant, RightsBits};
use plico_protocol::format::ids::{ChainId, Recipient};
use plico_protocol::identity::IdentityState;
use plico_protocol::identity::draft::{DeviceSecret, NewIdentity};
use plico_protocol::keyring::EpochSecret;
use plico_protocol::rights::draft::{Writer, recipient_key};
use std::collections::HashMap;

/// When everything happens, in milliseconds since 1970-01-01 UTC.
pub const T0: u64 = 1_800_000_000_000;

/// An identity with its secrets.
pub struct Person {
    pub id: ChainId,
    pub device: DeviceSecret,
    pub secret: EpochSecret,
}

impl Person {
    pub fn recipient(&self) -> Recipient {
        Recipient::identity(self.id)
    }
}

/// A tenant's identities.
pub struct World {
    pub tenant: ChainId,
    pub known: HashMap<ChainId, IdentityState>,
    pub people: Vec<Person>,
}

impl World {
    /// A tenant with `count` people.
    pub fn new(count: usize) -> Outcome<Self> {
        let tenant = ChainId([7; 32]);
        let mut world = Self {
            tenant,
            known: HashMap::new(),
            people: Vec::new(),
        };
        for _ in 0..count {
            let mut rng = random::system();
            let device = DeviceSecret::generate(&mut rng);
            let new = NewIdentity::create(tenant, &device, T0, &mut rng)?;
            let state = IdentityState::start(&new.entry, &())?;
            world.people.push(Person {
                id: state.id(),
                device,
                secret: new.secret,
            });
            world.known.insert(state.id(), state);
        }
        Ok(world)
    }

    pub fn writer<'a>(&self, person: &'a Person) -> Writer<'a> {
        Writer {
            author: self.known[&person.id].author(person.device.id()),
            key: &person.device.signing,
            now_ms: T0,
        }
    }

    pub fn grant(&self, person: &Person, rights: u8) -> Grant {
        Grant {
            key: recipient_key(&self.known[&person.id]),
            rights: RightsBits(rights),
            expires_ms: 0,
        }
    }
}
