//! Whatever is handed back, in whatever pieces: in the end a restored directory
//! holds what it would hold if nothing had been lost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::world::*;
use plico_protocol::chain::Replay as _;
use plico_protocol::format::bodies::{SessionBody, SessionRevoke};
use plico_protocol::format::ids::{EntryHash, Recipient};
use plico_protocol::keyring::merkle::Hash;
use plico_protocol::primitives::random::random_bytes;
use plico_protocol::rights::SessionState;
use plico_protocol::rights::draft;
use plico_protocol::wire::accept::{
    AcceptError, Effects, StoredAlready, Window, accept_restore_identity, accept_restore_session,
    accept_session,
};
use plico_protocol::wire::upload::Upload;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

const NOW: Window = Window {
    now_ms: T0,
    restored_from_ms: None,
};

/// What a directory stores of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Stored {
    entries: Vec<(EntryHash, Vec<Hash>)>,
    /// The entry, the place among its leaves, the wrap.
    wraps: BTreeMap<(Recipient, u32), (u64, u32, Vec<u8>)>,
    back_links: BTreeMap<(u32, u32), Vec<u8>>,
    metadata: Option<Vec<u8>>,
}

#[derive(Clone, Default)]
struct Directory {
    state: Option<SessionState>,
    stored: Stored,
}

impl Directory {
    /// As `Storage::apply` promises.
    fn store(&mut self, state: SessionState, effects: Effects) {
        let stored = &mut self.stored;
        stored
            .wraps
            .retain(|(recipient, _), _| !effects.dropped.contains(recipient));
        if effects.ended || effects.metadata_stale {
            stored.metadata = None;
        }
        if effects.ended {
            stored.wraps.clear();
            stored.back_links.clear();
        }
        for entry in effects.entries {
            assert_eq!(entry.seq, stored.entries.len() as u64);
            stored.entries.push((entry.hash, entry.leaves));
        }
        for entry in effects.filled {
            let leaves = &mut stored.entries[entry.seq as usize].1;
            assert!(leaves.is_empty());
            *leaves = entry.leaves;
        }
        for wrap in effects.wraps {
            let key = (wrap.recipient, wrap.epoch);
            let newer = stored.wraps.get(&key).is_some_and(|it| it.0 > wrap.seq);
            if !newer {
                let value = (wrap.seq, wrap.index, wrap.sealed);
                stored.wraps.insert(key, value);
            }
        }
        for link in effects.back_links {
            let key = (link.epoch, link.target);
            stored.back_links.entry(key).or_insert(link.bytes);
        }
        stored.metadata = effects.metadata.or(stored.metadata.take());
        self.state = Some(state);
    }

    fn append(&mut self, world: &World, owner: &Person, upload: Upload) {
        let state = self.state.clone();
        let accepted = accept_session(
            state,
            &[upload],
            owner.id,
            &BTreeSet::new(),
            &world.known,
            T0,
        );
        let (state, effects) = accepted.unwrap();
        self.store(state, effects);
    }

    fn restore(
        &mut self,
        world: &World,
        by: &Person,
        uploads: &[Upload],
        window: Window,
    ) -> Result<(), AcceptError> {
        let first = uploads[0].entry.entry.seq as usize;
        let there = self.stored.entries.iter().skip(first).take(uploads.len());
        let there: Vec<StoredAlready> = there
            .map(|(hash, leaves)| StoredAlready {
                hash: *hash,
                leaves_known: !leaves.is_empty(),
            })
            .collect();
        let (state, effects) = accept_restore_session(
            uploads[0].entry.entry.chain_id,
            self.state.clone(),
            &there,
            uploads,
            by.id,
            &world.known,
            window,
        )?;
        self.store(state, effects);
        Ok(())
    }
}

fn bare(upload: &Upload) -> Upload {
    Upload {
        entry: upload.entry.clone(),
        wraps: Vec::new(),
        staged_parts: 0,
        back_links: Vec::new(),
        metadata: None,
        tag: None,
    }
}

fn revoke(of: &Person) -> SessionBody {
    SessionBody::Revoke(SessionRevoke {
        recipients: vec![of.recipient()],
        cascade: 0,
    })
}

/// A random history by one owner; `below` gives numbers.
fn history(
    world: &World,
    owner: &Person,
    people: &[Person],
    below: &mut impl FnMut(usize) -> usize,
) -> Log {
    let mut log = world.create(owner, vec![world.grant_to(&people[0], READ, 0)]);
    for _ in 0..12 {
        let person = &people[below(people.len())];
        let inside = log.state.member(&person.recipient()).is_some();
        match below(8) {
            0 | 1 if inside => world.push_body(&mut log, owner, T0, &revoke(person)),
            0..=3 => world.grant(&mut log, owner, world.grant_to(person, READ, 0)),
            4 => {
                let writer = world.writer(owner, T0);
                let mut rng = world.rng();
                let fresh = draft::rotate(&writer, &log.state, &[], &world.known, &mut rng);
                world.push(&mut log, fresh.unwrap());
            }
            5 => {
                let text = [below(250) as u8];
                let writer = world.writer(owner, T0);
                let mut rng = world.rng();
                let secret = log.secret();
                let named = draft::set_metadata(&writer, &log.state, secret, &text, &mut rng);
                world.push(&mut log, named.unwrap());
            }
            _ => world.rotate(&mut log, owner, T0),
        }
    }
    if below(8) == 0 {
        world.push_body(&mut log, owner, T0, &SessionBody::Tombstone);
    }
    log
}

#[test]
fn in_the_end_all_is_as_it_was() {
    let rounds: u64 = std::env::var("PLICO_RESTORE_ROUNDS").map_or(60, |it| it.parse().unwrap());
    for seed in 0..rounds {
        let mut world = World::new(9_000 + seed);
        let owner = world.person();
        let people: Vec<Person> = (0..3).map(|_| world.person()).collect();
        let mut rng = common::TestRng(seed);
        let mut below =
            |end: usize| (u64::from_be_bytes(random_bytes(&mut rng)) % end as u64) as usize;
        let log = history(&world, &owner, &people, &mut below);
        let uploads: Vec<Upload> = log.drafts.iter().map(draft_upload).collect();

        let backup_at = below(uploads.len());
        let mut whole = Directory::default();
        let mut restored = Directory::default();
        for (seq, upload) in uploads.iter().enumerate() {
            if seq == backup_at {
                restored = whole.clone();
            }
            whole.append(&world, &owner, upload.clone());
        }
        // Pieces, each entry whole or bare, from anybody who may.
        for _ in 0..below(10) {
            let there = restored.stored.entries.len();
            let first = below(there + 1);
            let Some(most) = (uploads.len() - first).checked_sub(1) else {
                continue;
            };
            let piece = &uploads[first..=first + below(most + 1)];
            let piece: Vec<Upload> = piece
                .iter()
                .map(|upload| match below(2) {
                    0 => upload.clone(),
                    _ => bare(upload),
                })
                .collect();
            restored.restore(&world, &owner, &piece, NOW).unwrap();
            // Nobody is shown a wrap that has no business there.
            let state = restored.state.as_ref().unwrap();
            for ((recipient, _), (seq, index, _)) in &restored.stored.wraps {
                assert!(state.member(recipient).is_some());
                let leaves = &restored.stored.entries[*seq as usize].1;
                assert!((*index as usize) < leaves.len(), "it can be proven");
            }
        }
        restored.restore(&world, &owner, &uploads, NOW).unwrap();
        assert_eq!(restored.stored, whole.stored, "seed {seed}");
        // Once more, and bare, changes nothing.
        restored.restore(&world, &owner, &uploads, NOW).unwrap();
        let all: Vec<Upload> = uploads.iter().map(bare).collect();
        restored.restore(&world, &owner, &all, NOW).unwrap();
        assert_eq!(restored.stored, whole.stored, "seed {seed}");
    }
}

/// A directory that has entry 0 only.
fn behind() -> (World, Person, Person, Directory, Log) {
    let mut world = World::new(77);
    let owner = world.person();
    let reader = world.person();
    let log = world.create(&owner, vec![world.grant_to(&reader, READ, 0)]);
    let mut directory = Directory::default();
    directory.append(&world, &owner, draft_upload(&log.drafts[0]));
    (world, owner, reader, directory, log)
}

fn at(now_ms: u64, restored_from_ms: Option<u64>) -> Window {
    Window {
        now_ms,
        restored_from_ms,
    }
}

const SKEW: u64 = 300_000;

#[test]
fn times_and_windows_to_the_millisecond() {
    let (mut world, mut owner, reader, directory, mut log) = behind();
    world.rotate(&mut log, &owner, T0);
    let lost = [draft_upload(&log.drafts[1])];
    let restore = |world: &World, window| {
        let mut directory = directory.clone();
        directory.restore(world, &reader, &lost, window).err()
    };
    // Any time in the past, five minutes ahead.
    assert_eq!(restore(&world, at(u64::MAX, None)), None);
    assert_eq!(restore(&world, at(T0 - SKEW, None)), None);
    let early = restore(&world, at(T0 - SKEW - 1, None));
    assert_eq!(early, Some(AcceptError::Skew));

    // The device has been revoked since.
    let device = owner.devices[0].id();
    let second = world.add_device(&mut owner);
    assert_eq!(restore(&world, NOW), None);
    owner.devices.swap(0, 1);
    assert_eq!(owner.devices[0].id(), second);
    world.revoke_device(&mut owner, device);
    let behind = Some(AcceptError::AuthorRevoked);
    assert_eq!(restore(&world, NOW), behind);
    assert_eq!(restore(&world, at(T0, Some(T0 + SKEW))), None);
    assert_eq!(restore(&world, at(T0, Some(T0 + SKEW + 1))), behind);
    assert_eq!(restore(&world, at(T0, Some(0))), None);
}

#[test]
fn grants_to_the_millisecond() {
    let (world, owner, reader, mut directory, mut log) = behind();
    let end = T0 + 1_000;
    world.grant(&mut log, &owner, world.grant_to(&reader, READ, end));
    let limited = draft_upload(&log.drafts[1]);
    directory.append(&world, &owner, limited.clone());
    world.rotate(&mut log, &reader, T0);
    let lost = [draft_upload(&log.drafts[2])];
    let restore = |window| {
        let mut directory = directory.clone();
        let done = directory.restore(&world, &owner, &lost, window);
        done.map(|()| directory.stored.wraps.len())
    };
    assert_eq!(restore(at(end - 1, None)), Ok(4));
    assert_eq!(restore(at(end, None)), Err(AcceptError::AuthorExpired));
    // Taken in the window, but its author's wrap has ended.
    assert_eq!(restore(at(end, Some(T0))), Ok(3));
}

#[test]
fn who_may_and_what_fits() {
    let (mut world, owner, reader, directory, mut log) = behind();
    let stranger = world.person();
    let guest = world.person();
    world.grant(&mut log, &owner, world.grant_to(&guest, READ, 0));
    world.push_body(&mut log, &owner, T0, &revoke(&reader));
    let lost: Vec<Upload> = log.drafts.iter().map(draft_upload).collect();
    let restore = |by: &Person, uploads: &[Upload]| {
        let mut directory = directory.clone();
        let done = directory.restore(&world, by, uploads, NOW);
        (done.err(), directory.stored.entries.len())
    };
    // The author, a reader from before, a reader from after.
    for by in [&owner, &reader, &guest] {
        assert_eq!(restore(by, &lost[1..]), (None, 3));
        assert_eq!(restore(by, &lost), (None, 3));
    }
    let refused = (Some(AcceptError::Requester), 1);
    assert_eq!(restore(&stranger, &lost[1..]), refused);
    assert_eq!(
        restore(&guest, &lost[..1]),
        refused,
        "not yet one, and no author"
    );

    let conflict = (Some(AcceptError::Conflict), 1);
    assert_eq!(restore(&owner, &lost[2..]), conflict, "a gap");
    let swapped = [lost[2].clone(), lost[1].clone()];
    assert_eq!(restore(&owner, &swapped), conflict);
    let twice = [lost[1].clone(), lost[1].clone()];
    assert_eq!(restore(&owner, &twice), conflict);
    let other = world.create(&owner, vec![]);
    let foreign = [lost[0].clone(), draft_upload(&other.drafts[0])];
    assert_eq!(restore(&owner, &foreign), conflict);
    // Another history.
    let mut fork = Log {
        state: world.replay(None, &log.entries()[..1]).unwrap(),
        drafts: log.drafts[..1].to_vec(),
        secrets: log.secrets.clone(),
    };
    world.rotate(&mut fork, &owner, T0);
    let mut ahead = directory.clone();
    ahead.append(&world, &owner, draft_upload(&fork.drafts[1]));
    for uploads in [&lost[..], &lost[1..], &lost[2..]] {
        let before = ahead.stored.clone();
        let refused = ahead.restore(&world, &owner, uploads, NOW);
        assert_eq!(refused, Err(AcceptError::Conflict));
        assert_eq!(ahead.stored, before);
    }
}

#[test]
fn old_wraps_are_checked_though_they_are_not_needed() {
    let (world, owner, _, directory, log) = behind();
    let good = draft_upload(&log.drafts[0]);
    let restore = |change: &dyn Fn(&mut Upload)| {
        let mut upload = good.clone();
        change(&mut upload);
        let mut directory = directory.clone();
        directory.restore(&world, &owner, &[upload], NOW)
    };
    assert!(restore(&|_| {}).is_ok());
    assert!(restore(&|it| it.wraps.clear()).is_ok());
    assert!(restore(&|it| drop(it.wraps.pop())).is_err());
    assert!(restore(&|it| it.wraps[0].sealed[5] ^= 1).is_err());
    assert!(restore(&|it| it.wraps[0].epoch = 1).is_err());
    assert!(restore(&|it| it.wraps[0].generation = 1).is_err());
    assert!(restore(&|it| it.wraps.swap(0, 1)).is_err());
    assert!(restore(&|it| it.metadata = Some(vec![1])).is_err());
}

#[test]
fn an_identity_is_bound_once() {
    let mut world = World::new(78);
    let mut person = world.person();
    let opening = world.bind(&mut person, "dr.a", 1);
    let again = world.bind(&mut person, "dr.a", 2);
    let restore = |uploads: &[Upload], opening| {
        let tenant = &world.tenant;
        accept_restore_identity(tenant, person.id, None, &[], uploads, opening, NOW)
            .map(|restored| restored.state.tip().head.seq)
    };
    assert_eq!(restore(&person.uploads[..2], Some(&opening)), Ok(1));
    assert!(restore(&person.uploads[..2], None).is_err());
    assert!(restore(&person.uploads[..2], Some(&again)).is_err());
    assert!(restore(&person.uploads[..1], Some(&opening)).is_err());
    assert!(restore(&person.uploads, Some(&again)).is_err());
    assert!(restore(&person.uploads, Some(&opening)).is_err());
}
