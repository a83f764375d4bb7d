//! A small world with known keys, the same in every run: a tenant, its people,
//! a session. The targets compare with it, and the seeds are made of it.

use core::convert::Infallible;
use plico_protocol::chain::{Replay as _, replay};
use plico_protocol::format::bodies::{
    Grant, IdentityBody, RightsBits, SessionBody, SessionRevoke, TenantBody, UserIdOpening,
};
use plico_protocol::format::encode;
use plico_protocol::format::entry::{Author, SignedEntry};
use plico_protocol::format::head::{Head, SignedHead};
use plico_protocol::format::ids::{ChainId, Position, Recipient};
use plico_protocol::format::keys::{KeyRecord, SIGNATURE_ED25519};
use plico_protocol::format::opaque::Opaque;
use plico_protocol::identity::draft::{
    DeviceSecret, NewIdentity, bind_user_id, create_tenant, next_own_entry, prove_key,
    user_key_epoch,
};
use plico_protocol::identity::{Attestation, IdentityState, TenantState};
use plico_protocol::keyring::wraps::{WrapTo, seal_all};
use plico_protocol::keyring::{EpochContext, EpochSecret};
use plico_protocol::primitives::sign::{SigningKey, labels};
use plico_protocol::rights::draft::{self, Draft, Writer, recipient_key};
use plico_protocol::rights::{Outcome, SessionState, replay_session};
use rand_core::{TryCryptoRng, TryRng};
use std::collections::HashMap;
use std::sync::OnceLock;

/// When everything happens, in milliseconds since 1970-01-01 UTC.
pub const T0: u64 = 1_700_000_000_000;

/// Reproducible bytes; for fuzzing only.
pub struct Bytes(pub u64);

impl TryRng for Bytes {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.try_next_u64()? >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        // An xorshift, with a multiplication behind it.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        Ok(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for byte in out {
            *byte = (self.try_next_u64()? >> 56) as u8;
        }
        Ok(())
    }
}

impl TryCryptoRng for Bytes {}

/// An identity with its secrets.
#[derive(Debug)]
pub struct Person {
    /// The identity.
    pub id: ChainId,
    /// Its one device.
    pub device: DeviceSecret,
    /// Secrets of its user key, oldest first.
    pub secrets: Vec<EpochSecret>,
    /// Its chain.
    pub log: Vec<SignedEntry>,
    /// The opening of its user id.
    pub opening: UserIdOpening,
    /// The token in it.
    pub token: String,
}

/// The world.
#[derive(Debug)]
pub struct Fixture {
    /// The tenant's chain, replayed.
    pub tenant: TenantState,
    /// The tenant's chain.
    pub tenant_log: Vec<SignedEntry>,
    /// Signs requests, too.
    pub enrolment: SigningKey,
    /// Four identities; the first one begins the session.
    pub people: Vec<Person>,
    /// Their chains, replayed.
    pub known: HashMap<ChainId, IdentityState>,
    /// The session's entries, with what they commit to.
    pub drafts: Vec<Draft>,
    /// The session before its last entry, the tombstone.
    pub session: SessionState,
    /// The secrets of its epochs.
    pub secrets: Vec<EpochSecret>,
    /// Heads that the directory has signed.
    pub heads: Vec<SignedHead>,
}

/// The one world that there is.
pub fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(make)
}

impl Fixture {
    /// The session's log.
    #[must_use]
    pub fn session_log(&self) -> Vec<SignedEntry> {
        self.drafts.iter().map(|it| it.entry.clone()).collect()
    }

    /// A person's key as a grant names it.
    #[must_use]
    pub fn grant(&self, person: usize, rights: u8, expires_ms: u64) -> Grant {
        grant(&self.known, &self.people[person], rights, expires_ms)
    }

    /// Somebody who writes at the head of their chain.
    #[must_use]
    pub fn writer(&self, person: usize) -> Writer<'_> {
        writer(&self.known, &self.people[person])
    }
}

fn grant(
    known: &HashMap<ChainId, IdentityState>,
    person: &Person,
    rights: u8,
    expires_ms: u64,
) -> Grant {
    Grant {
        key: recipient_key(&known[&person.id]),
        rights: RightsBits(rights),
        expires_ms,
    }
}

fn writer<'a>(known: &HashMap<ChainId, IdentityState>, person: &'a Person) -> Writer<'a> {
    Writer {
        author: known[&person.id].author(person.device.id()),
        key: &person.device.signing,
        now_ms: T0,
    }
}

fn key_id(key: &SigningKey) -> plico_protocol::format::ids::KeyId {
    KeyRecord::signing(&key.verifying_key()).id()
}

fn tenant(rng: &mut Bytes) -> (SigningKey, SigningKey, Vec<SignedEntry>) {
    let enrolment = SigningKey::generate(rng);
    let directory = SigningKey::generate(rng);
    let other = SigningKey::generate(rng);
    let mut log = vec![create_tenant(&enrolment, &directory, T0, rng)];
    let add = |log: &[SignedEntry], key: &SigningKey| {
        let state: TenantState = replay(None, log, &()).unwrap();
        let head = state.tip().head;
        prove_key(state.id(), head.seq + 1, head.hash, key)
    };
    let bodies: [fn(plico_protocol::format::bodies::ProvenKey) -> TenantBody; 2] =
        [TenantBody::AddKey, TenantBody::SetDirectoryKey];
    for (body, key) in bodies.into_iter().zip([&other, &directory]) {
        let body = body(add(&log, key));
        let state: TenantState = replay(None, &log, &()).unwrap();
        log.push(next_own_entry(state.tip(), body.encode(), T0, &enrolment));
    }
    let state: TenantState = replay(None, &log, &()).unwrap();
    let revoke = TenantBody::RevokeKey(key_id(&other));
    log.push(next_own_entry(state.tip(), revoke.encode(), T0, &enrolment));
    (enrolment, directory, log)
}

fn person(number: usize, tenant: &TenantState, enrolment: &SigningKey, rng: &mut Bytes) -> Person {
    let device = DeviceSecret::generate(rng);
    let new = NewIdentity::create(tenant.id(), &device, T0, rng).unwrap();
    let mut log = vec![new.entry];
    let mut secrets = vec![new.secret];
    let state = IdentityState::start(&log[0], &()).unwrap();
    let id = state.id();
    let user_id = format!("user.{number}");
    let token = Attestation {
        user_id: user_id.clone(),
        identity: id,
        number: 1,
        issued_ms: T0,
        expires_ms: T0 + 300_000,
    }
    .sign(tenant.id(), key_id(enrolment), enrolment);
    let (entry, opening) = bind_user_id(&state, &user_id, 1, &token, T0, &device.signing, rng);
    log.push(entry);
    // The later people have moved on to a second generation.
    if number > 1 {
        let state: IdentityState = replay(None, &log, &()).unwrap();
        let context = EpochContext {
            epoch: 1,
            ..*secrets[0].context()
        };
        let secret = EpochSecret::generate(context, rng);
        let link = secret.seal_back_link(&secrets[0]);
        let keys = device.keys().unwrap();
        let to = WrapTo {
            recipient: Recipient::device(device.id()),
            generation: 0,
            key_id: keys.kem.id(),
            key: keys.kem.kem_key().unwrap(),
        };
        let author = state.author(device.id());
        let wraps = seal_all(&[&secret], &author, &[to], rng).unwrap();
        let link = plico_protocol::format::bodies::BackLinkRef {
            target: 0,
            hash: plico_protocol::keyring::back_link_hash(&link),
        };
        let body =
            IdentityBody::RotateUserKey(user_key_epoch(&secret, vec![link], &wraps).unwrap());
        log.push(next_own_entry(
            state.tip(),
            body.encode(),
            T0,
            &device.signing,
        ));
        secrets.push(secret);
    }
    Person {
        id,
        device,
        secrets,
        log,
        opening,
        token,
    }
}

fn make() -> Fixture {
    let mut rng = Bytes(0x706c_6963_6f20_6675);
    let rng = &mut rng;
    let (enrolment, directory, tenant_log) = tenant(rng);
    let tenant: TenantState = replay(None, &tenant_log, &()).unwrap();
    let people: Vec<Person> = (0..4)
        .map(|number| person(number, &tenant, &enrolment, rng))
        .collect();
    let state = |person: &Person| -> IdentityState { replay(None, &person.log, &()).unwrap() };
    let known: HashMap<ChainId, IdentityState> =
        people.iter().map(|it| (it.id, state(it))).collect();

    let owner = writer(&known, &people[0]);
    let first = grant(&known, &people[1], 7, 0);
    let mut drafts = vec![draft::create(&owner, tenant.id(), 1, vec![first], &known, rng).unwrap()];
    let mut secrets: Vec<EpochSecret> = drafts[0].secret.iter().cloned().collect();
    let mut session = session_after(None, &drafts[0], &known);
    let mut push = |session: &mut SessionState, secrets: &mut Vec<EpochSecret>, draft: Draft| {
        *session = session_after(Some(session.clone()), &draft, &known);
        secrets.extend(draft.secret.clone());
        drafts.push(draft);
    };
    let now = secrets[0].clone();
    let timed = vec![grant(&known, &people[2], 1, T0 + 60_000)];
    let next = draft::grant(&owner, &session, timed, &[&now], &known, rng).unwrap();
    push(&mut session, &mut secrets, next);
    let next = draft::rotate(&owner, &session, &[&now], &known, rng).unwrap();
    push(&mut session, &mut secrets, next);
    let revoke = SessionBody::Revoke(SessionRevoke {
        recipients: vec![Recipient::identity(people[1].id)],
        cascade: 1,
    });
    let next = owner.plain(&session, &revoke);
    push(&mut session, &mut secrets, next);
    let next = draft::rotate(&owner, &session, &[], &known, rng).unwrap();
    push(&mut session, &mut secrets, next);
    let newest = secrets[2].clone();
    let next = draft::set_metadata(&owner, &session, &newest, b"name", rng).unwrap();
    push(&mut session, &mut secrets, next);
    let (old, key) = (secrets[1].clone(), recipient_key(&known[&people[3].id]));
    let both = [&old, &newest];
    let next = draft::transfer(&owner, &session, key, 7, &both, &known, rng).unwrap();
    push(&mut session, &mut secrets, next);
    let end = writer(&known, &people[3]).plain(&session, &SessionBody::Tombstone);
    drafts.push(end);

    let head = |chain_id: ChainId, head: Position| {
        let head = Head {
            version: 1,
            tenant_id: tenant.id(),
            chain_id,
            seq: head.seq,
            hash: head.hash,
            time_ms: T0,
        };
        let signature = directory.sign(labels::HEAD, &encode(&head));
        SignedHead {
            head,
            algorithm: SIGNATURE_ED25519,
            signature: Opaque::new(signature.to_vec()),
        }
    };
    let heads = vec![
        head(tenant.id(), tenant.tip().head),
        head(session.id(), session.tip().head),
        head(people[0].id, known[&people[0].id].tip().head),
    ];
    Fixture {
        tenant,
        tenant_log,
        enrolment,
        people,
        known,
        drafts,
        session,
        secrets,
        heads,
    }
}

fn session_after(
    state: Option<SessionState>,
    draft: &Draft,
    known: &HashMap<ChainId, IdentityState>,
) -> SessionState {
    match replay_session(state, core::slice::from_ref(&draft.entry), known) {
        Ok(Outcome::Done(state)) => *state,
        other => panic!("the fixture's own entry is refused: {other:?}"),
    }
}

/// The author of an entry of a session at the head of a person's chain.
#[must_use]
pub fn author_of(person: usize) -> Author {
    fixture().writer(person).author
}
