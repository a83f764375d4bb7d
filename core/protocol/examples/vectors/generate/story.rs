//! The people and the session that most cases are of.

use crate::common::world::*;
use plico_protocol::format::bodies::{SessionBody, SessionRevoke, TenantBody};
use plico_protocol::format::encode;
use plico_protocol::primitives::sign::SigningKey;
use plico_protocol::rights::draft::{self, recipient_key};

/// A tenant, three people and a session with every type of entry.
pub struct Story {
    pub world: World,
    pub owner: Person,
    pub reader: Person,
    pub heir: Person,
    pub opening: Vec<u8>,
    pub session: Log,
}

impl Story {
    pub fn new() -> Self {
        let mut world = World::new(0x706c_6963_6f01);
        let second = SigningKey::generate(&mut world.rng());
        world.append_tenant(&TenantBody::AddKey(world.prove(&second)), T0);
        let directory = SigningKey::generate(&mut world.rng());
        world.append_tenant(&TenantBody::SetDirectoryKey(world.prove(&directory)), T0);
        world.directory = directory;

        let mut owner = world.person();
        let opening = encode(&world.bind(&mut owner, "dr.a", 1));
        world.append_tenant(&TenantBody::RevokeKey(key_id(&second)), T0 + MINUTE);
        let lost = world.add_device(&mut owner);
        world.revoke_device(&mut owner, lost);
        world.rotate_user_key(&mut owner);
        let (mut reader, heir) = (world.person(), world.person());

        let first = [world.grant_to(&heir, READ, 0)].to_vec();
        let mut session = world.create(&owner, first);
        world.grant(
            &mut session,
            &owner,
            world.grant_to(&reader, FORWARD, T0 + DAY),
        );
        world.rotate_user_key(&mut reader);
        world.rotate(&mut session, &owner, T0 + MINUTE);
        let writer = world.writer(&owner, T0 + MINUTE);
        let secret = session.secret().clone();
        let state = &session.state;
        let title =
            draft::set_metadata(&writer, state, &secret, b"title", &mut world.rng()).unwrap();
        world.push(&mut session, title);
        let revoke = SessionBody::Revoke(SessionRevoke {
            recipients: vec![reader.recipient()],
            cascade: 1,
        });
        world.push_body(&mut session, &owner, T0 + MINUTE, &revoke);
        // Two back-links: over epoch 1 to epoch 0.
        let earlier = [session.secrets[0].clone(), session.secrets[1].clone()];
        let linked = draft::rotate(
            &writer,
            &session.state,
            &[&earlier[0], &earlier[1]],
            &world.known,
            &mut world.rng(),
        );
        world.push(&mut session, linked.unwrap());
        // A new segment, granted together with the one before.
        let segment = draft::rotate(&writer, &session.state, &[], &world.known, &mut world.rng());
        world.push(&mut session, segment.unwrap());
        let both = [session.secrets[2].clone(), session.secrets[3].clone()];
        let grant = draft::grant(
            &writer,
            &session.state,
            vec![world.grant_to(&reader, READ, 0)],
            &[&both[0], &both[1]],
            &world.known,
            &mut world.rng(),
        );
        world.push(&mut session, grant.unwrap());
        let transfer = draft::transfer(
            &writer,
            &session.state,
            recipient_key(world.state(&heir)),
            0,
            &[&both[1]],
            &world.known,
            &mut world.rng(),
        );
        world.push(&mut session, transfer.unwrap());
        world.push_body(&mut session, &heir, T0 + MINUTE, &SessionBody::Tombstone);
        Self {
            world,
            owner,
            reader,
            heir,
            opening,
            session,
        }
    }

    pub fn people(&self) -> [&Person; 3] {
        [&self.owner, &self.reader, &self.heir]
    }
}
