//! Replaying a session's log, against nothing but its signatures.

use crate::MEMORY;
use crate::world::{Person, World};
use ed25519_dalek::{Signature, VerifyingKey};
use plico_benches::Effort;
use plico_benches::measure::{Outcome, Show, compare, each, head, line};
use plico_directory::random;
use plico_protocol::format::bodies::{RightsBits, SessionBody, SessionRevoke};
use plico_protocol::format::encode;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::keyring::EpochSecret;
use plico_protocol::primitives::sign::{labels, sign_content};
use plico_protocol::rights::draft::{self, Draft};
use plico_protocol::rights::{Outcome as Replayed, SessionState, replay_session};
use std::collections::HashMap;

const OWNER: usize = 0;
const MANAGER: usize = 1;
const READER: usize = 2;
/// Who always stays; the others come and go.
const STAFF: usize = 6;
const PEOPLE: usize = 12;

fn replay(
    world: &World,
    state: Option<SessionState>,
    entries: &[SignedEntry],
) -> Outcome<SessionState> {
    match replay_session(state, entries, &world.known)? {
        Replayed::Done(state) => Ok(*state),
        Replayed::Needs(needs) => Err(format!("{} chains are missing", needs.len()).into()),
    }
}

fn decode(log: &[Vec<u8>]) -> Outcome<Vec<SignedEntry>> {
    let entries = log.iter().map(|bytes| SignedEntry::from_bytes(bytes));
    Ok(entries.collect::<Result<_, _>>()?)
}

/// A log as it grows.
struct Growing<'a> {
    world: &'a World,
    state: SessionState,
    secret: EpochSecret,
    /// Who may leave, longest there first.
    guests: Vec<usize>,
    next_guest: usize,
}

impl Growing<'_> {
    /// The next entry: of ten, three grants, three revocations, each followed
    /// by its rotation, and one change of the metadata; by an owner, a manager
    /// and a reader.
    fn step(mut self, seq: usize) -> Outcome<(Self, SignedEntry)> {
        let draft = match seq % 10 {
            1 | 4 => self.grant(OWNER)?,
            2 => self.grant(MANAGER)?,
            3 => self.set_metadata()?,
            5 | 9 => self.revoke(OWNER)?,
            7 => self.revoke(MANAGER)?,
            6 => self.rotate(READER)?,
            _ => self.rotate(OWNER)?,
        };
        let entry = draft.entry;
        self.state = replay(self.world, Some(self.state), std::slice::from_ref(&entry))?;
        if let Some(secret) = draft.secret {
            self.secret = secret;
        }
        Ok((self, entry))
    }

    fn person(&self, number: usize) -> &Person {
        &self.world.people[number]
    }

    fn grant(&mut self, by: usize) -> Outcome<Draft> {
        let guest = STAFF + self.next_guest % (PEOPLE - STAFF);
        self.next_guest += 1;
        self.guests.push(guest);
        Ok(draft::grant(
            &self.world.writer(self.person(by)),
            &self.state,
            vec![self.world.grant(self.person(guest), RightsBits::READ)],
            &[&self.secret],
            &self.world.known,
            &mut random::system(),
        )?)
    }

    fn revoke(&mut self, by: usize) -> Outcome<Draft> {
        let guest = self.guests.remove(0);
        let body = SessionBody::Revoke(SessionRevoke {
            recipients: vec![self.person(guest).recipient()],
            cascade: 0,
        });
        let writer = self.world.writer(self.person(by));
        Ok(writer.plain(&self.state, &body))
    }

    fn rotate(&self, by: usize) -> Outcome<Draft> {
        Ok(draft::rotate(
            &self.world.writer(self.person(by)),
            &self.state,
            &[&self.secret],
            &self.world.known,
            &mut random::system(),
        )?)
    }

    fn set_metadata(&self) -> Outcome<Draft> {
        Ok(draft::set_metadata(
            &self.world.writer(self.person(MANAGER)),
            &self.state,
            &self.secret,
            b"the name of a patient file",
            &mut random::system(),
        )?)
    }
}

/// A log of `length` entries, encoded.
fn log(world: &World, length: usize) -> Outcome<Vec<Vec<u8>>> {
    let manager = RightsBits::READ | RightsBits::FORWARD | RightsBits::REVOKE;
    let grants = (MANAGER..STAFF).map(|number| {
        let rights = if number == MANAGER {
            manager
        } else {
            RightsBits::READ
        };
        world.grant(&world.people[number], rights)
    });
    let first = draft::create(
        &world.writer(&world.people[OWNER]),
        world.tenant,
        1,
        grants.collect(),
        &world.known,
        &mut random::system(),
    )?;
    let mut log = vec![first.entry.to_bytes()];
    let mut growing = Growing {
        world,
        state: replay(world, None, &[first.entry])?,
        secret: first.secret.ok_or("a session without a secret")?,
        guests: Vec::new(),
        next_guest: 0,
    };
    for seq in 1..length {
        let (next, entry) = growing.step(seq)?;
        growing = next;
        log.push(entry.to_bytes());
    }
    Ok(log)
}

/// What a signature check needs, prepared.
struct Check {
    key: VerifyingKey,
    message: Vec<u8>,
    signature: Signature,
}

fn checks(world: &World, log: &[Vec<u8>]) -> Outcome<Vec<Check>> {
    let mut keys = HashMap::new();
    for person in &world.people {
        let bytes = person.device.signing.verifying_key().to_bytes();
        keys.insert(person.id, VerifyingKey::from_bytes(&bytes)?);
    }
    let check = |signed: SignedEntry| {
        Ok(Check {
            key: keys[&signed.entry.author.identity],
            message: sign_content(labels::ENTRY, &encode(&signed.entry)),
            signature: Signature::from_slice(signed.signature.as_slice())?,
        })
    };
    decode(log)?.into_iter().map(check).collect()
}

pub fn run(effort: Effort) -> Outcome<()> {
    let world = World::new(PEOPLE)?;
    let sizes = effort.sizes(&[10, 1_000, 100_000]);
    head(
        "Replay",
        "`verify_strict` of as many Ed25519 signatures, keys and messages prepared",
    );
    let mut memory = Vec::new();
    for length in sizes {
        let log = log(&world, length)?;
        let checks = checks(&world, &log)?;
        let verify = |checks: &[Check]| -> Outcome<()> {
            for check in checks {
                check.key.verify_strict(&check.message, &check.signature)?;
            }
            Ok(())
        };
        let rounds = effort.rounds(if length > 10_000 { 9 } else { 51 });
        let count = u32::try_from((200 / length).max(1))?;
        let whole = compare(
            rounds,
            || each(count, || replay(&world, None, &decode(&log)?)),
            || each(count, || verify(&checks)),
        )?;
        line(&format!("{length} entries, from bytes"), Show::Time, &whole);

        // What a checkpoint would leave to do: the entries after it.
        if length < 100 {
            memory.push(sizes_of(&world, &log)?);
            continue;
        }
        let before = length - length / 100;
        let checkpoint = replay(&world, None, &decode(&log[..before])?)?;
        let rest = compare(
            rounds,
            || {
                let states: Vec<_> = (0..count).map(|_| checkpoint.clone()).collect();
                let mut states = states.into_iter();
                // Neither the clone nor the end of the state counts.
                let mut done = Vec::new();
                each(count, || {
                    done.push(replay(&world, states.next(), &decode(&log[before..])?)?);
                    Ok(())
                })
            },
            || each(count, || verify(&checks[before..])),
        )?;
        let what = format!("the last {} of {length}, on a checkpoint", length - before);
        line(&what, Show::Time, &rest);
        memory.push(sizes_of(&world, &log)?);
    }
    println!(
        "\n| entries | log in bytes | decoded, in memory | state, in memory | epochs | ever removed |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: |");
    for row in memory {
        println!("{row}");
    }
    println!();
    Ok(())
}

/// One line on how large the log is, and what it becomes in memory.
fn sizes_of(world: &World, log: &[Vec<u8>]) -> Outcome<String> {
    let before = MEMORY.current_usage();
    let entries = decode(log)?;
    let decoded = MEMORY.current_usage().saturating_sub(before);
    let before = MEMORY.current_usage();
    let state = replay(world, None, &entries)?;
    let replayed = MEMORY.current_usage().saturating_sub(before);
    let bytes: usize = log.iter().map(Vec::len).sum();
    Ok(format!(
        "| {} | {bytes} | {decoded} | {replayed} | {} | {} |",
        log.len(),
        state.epochs().len(),
        state.removed().len(),
    ))
}

// A guest is granted to again only after having left.
const _: () = assert!(PEOPLE > STAFF + 3);
