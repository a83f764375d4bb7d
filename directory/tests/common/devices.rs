//! Entries of identities' chains, by their devices.

use super::{Person, World, identity};
use plico_directory::random;
use plico_protocol::chain::Replay as _;
use plico_protocol::chain::possession::Possession;
use plico_protocol::format::bodies::{AddDevice, IdentityBody};
use plico_protocol::format::ids::Recipient;
use plico_protocol::format::opaque::Opaque;
use plico_protocol::identity::draft::{DeviceSecret, next_own_entry};
use plico_protocol::identity::state::device_hash;
use plico_protocol::keyring::wraps::{WrapTo, commit, seal_all};
use plico_protocol::wire::rest::{EntryUpload, IdentityAnswer};
use plico_protocol::wire::upload::entry_to_rest;

pub fn own(world: &World, person: &Person, body: &IdentityBody) -> EntryUpload {
    let tip = world.known[&person.id].tip();
    let entry = next_own_entry(tip, body.encode(), world.now(), &person.device.signing);
    entry_to_rest(&entry, &[])
}

pub fn add_device(world: &World, person: &Person, device: &DeviceSecret) -> EntryUpload {
    let state = &world.known[&person.id];
    let (head, keys) = (state.tip().head, device.keys().unwrap());
    let to = WrapTo {
        recipient: Recipient::device(device.id()),
        generation: 0,
        key_id: keys.kem.id(),
        key: device.kem.public_key().unwrap(),
    };
    let wraps = seal_all(
        &[&person.secret],
        &state.author(person.device.id()),
        &[to],
        &mut random::system(),
    )
    .unwrap();
    let possession = Possession {
        chain_id: person.id,
        seq: head.seq + 1,
        prev: head.hash,
        key_id: device_hash(&keys),
    };
    let body = IdentityBody::AddDevice(AddDevice {
        possession: Opaque::new(possession.prove(&device.signing)),
        wraps: commit(&wraps).unwrap(),
        keys,
    });
    let tip = state.tip();
    let entry = next_own_entry(tip, body.encode(), world.now(), &person.device.signing);
    entry_to_rest(&entry, &wraps)
}

pub async fn refresh(world: &mut World, person: &Person) -> IdentityAnswer {
    let answer: IdentityAnswer = world.get(person, &identity(person)).await.json();
    world.learn(&answer);
    answer
}
