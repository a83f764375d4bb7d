//! People and sessions, as requests to a directory.

use super::client::{Client, Shot};
use plico_benches::measure::Outcome;
use plico_directory::{Clock, Server, admin, random};
use plico_protocol::chain::{Replay as _, replay};
use plico_protocol::format::bodies::{Grant, RightsBits};
use plico_protocol::format::encode;
use plico_protocol::format::ids::ChainId;
use plico_protocol::identity::draft::{DeviceSecret, NewIdentity, bind_user_id};
use plico_protocol::identity::{Attestation, IdentityState};
use plico_protocol::keyring::EpochSecret;
use plico_protocol::primitives::sign::SigningKey;
use plico_protocol::rights::draft::{self, Writer, recipient_key};
use plico_protocol::rights::{Outcome as Replayed, SessionState, replay_session};
use plico_protocol::wire::b64::{self, B64};
use plico_protocol::wire::rest::{Append, Enrol, EntryUpload};
use plico_protocol::wire::upload::{draft_to_rest, entry_to_rest};
use std::collections::HashMap;

/// A person with a session that only they write to.
struct Writing {
    identity: ChainId,
    device: DeviceSecret,
    session: Option<(SessionState, EpochSecret)>,
}

pub struct Tenant {
    id: ChainId,
    enrolment: SigningKey,
    known: HashMap<ChainId, IdentityState>,
    people: Vec<Writing>,
}

fn now_ms() -> u64 {
    Clock::system().now_ms()
}

fn post(url: String, body: &impl serde::Serialize) -> Outcome<Shot> {
    Ok(Shot {
        method: "POST",
        url,
        body: serde_json::to_vec(body)?,
    })
}

impl Tenant {
    pub async fn create(server: &Server) -> Outcome<Self> {
        let enrolment = SigningKey::generate(&mut random::system());
        let id = server.create_tenant("bench", &enrolment).await?;
        Ok(Self {
            id,
            enrolment,
            known: HashMap::new(),
            people: Vec::new(),
        })
    }

    fn url(&self, base: &str, rest: &str) -> String {
        format!("{base}/v1/tenants/{}{rest}", b64::encode(&self.id.0))
    }

    fn session_url(&self, base: &str, number: usize) -> Outcome<String> {
        Ok(self.url(base, &format!("/sessions/{}", self.session_name(number)?)))
    }

    /// As paths have it.
    pub fn session_name(&self, number: usize) -> Outcome<String> {
        Ok(b64::encode(&self.state(number)?.0.id().0))
    }

    fn state(&self, number: usize) -> Outcome<&(SessionState, EpochSecret)> {
        let session = self.people[number].session.as_ref();
        session.ok_or_else(|| "there is no session yet".into())
    }

    /// One more person, with what enrols it.
    pub fn enrol(&mut self, base: &str) -> Outcome<(Client, Shot)> {
        let mut rng = random::system();
        let device = DeviceSecret::generate(&mut rng);
        let new = NewIdentity::create(self.id, &device, now_ms(), &mut rng)?;
        let state = IdentityState::start(&new.entry, &())?;
        let identity = state.id();
        let user_id = format!("user.{}", self.people.len());
        let issued_ms = now_ms() / 1000 * 1000;
        let attestation = Attestation {
            user_id: user_id.clone(),
            identity,
            number: 1,
            issued_ms,
            expires_ms: issued_ms + 300_000,
        };
        let token = attestation.sign(self.id, admin::key_id(&self.enrolment), &self.enrolment);
        let key = &device.signing;
        let (bind, opening) = bind_user_id(&state, &user_id, 1, &token, now_ms(), key, &mut rng);
        let body = Enrol {
            entries: vec![
                entry_to_rest(&new.entry, &new.wraps),
                entry_to_rest(&bind, &[]),
            ],
            opening: B64(encode(&opening)),
        };
        self.known
            .insert(identity, replay(Some(state), &[bind], &())?);
        self.people.push(Writing {
            identity,
            device: device.clone(),
            session: None,
        });
        let shot = post(self.url(base, "/identities"), &body)?;
        Ok((Client::new(identity, device)?, shot))
    }

    fn writer(&self, number: usize) -> Writer<'_> {
        let person = &self.people[number];
        Writer {
            author: self.known[&person.identity].author(person.device.id()),
            key: &person.device.signing,
            now_ms: now_ms(),
        }
    }

    /// Gives person `number` a session with one other recipient.
    pub fn create_session(&mut self, base: &str, number: usize) -> Outcome<Shot> {
        let other = &self.people[(number + 1) % self.people.len()].identity;
        let grant = Grant {
            key: recipient_key(&self.known[other]),
            rights: RightsBits(RightsBits::READ),
            expires_ms: 0,
        };
        let writer = self.writer(number);
        let rng = &mut random::system();
        let draft = draft::create(&writer, self.id, 1, vec![grant], &self.known, rng)?;
        let upload = draft_to_rest(&draft);
        let state = self.replay(None, &draft.entry)?;
        let secret = draft.secret.ok_or("a session without a secret")?;
        self.people[number].session = Some((state, secret));
        post(self.url(base, "/sessions"), &append(vec![upload]))
    }

    fn replay(
        &self,
        state: Option<SessionState>,
        entry: &plico_protocol::format::entry::SignedEntry,
    ) -> Outcome<SessionState> {
        match replay_session(state, std::slice::from_ref(entry), &self.known)? {
            Replayed::Done(state) => Ok(*state),
            Replayed::Needs(_) => Err("an identity is missing".into()),
        }
    }

    /// How many entries the session of person `number` has.
    pub fn length(&self, number: usize) -> usize {
        self.state(number)
            .map_or(0, |(state, _)| state.tip().head.seq as usize + 1)
    }

    /// Appends an entry to the session of person `number`: new metadata.
    pub fn append(&mut self, base: &str, number: usize) -> Outcome<Shot> {
        let upload = self.next(number, false)?;
        self.post_entries(base, number, vec![upload])
    }

    /// Appends `count` entries, half of them rotations.
    pub fn grow(&mut self, base: &str, number: usize, count: usize) -> Outcome<Shot> {
        let uploads = (0..count).map(|index| self.next(number, index % 2 == 0));
        let uploads = uploads.collect::<Outcome<_>>()?;
        self.post_entries(base, number, uploads)
    }

    fn post_entries(&self, base: &str, number: usize, all: Vec<EntryUpload>) -> Outcome<Shot> {
        let url = format!("{}/entries", self.session_url(base, number)?);
        post(url, &append(all))
    }

    fn next(&mut self, number: usize, rotates: bool) -> Outcome<EntryUpload> {
        let session = self.people[number].session.take();
        let (state, secret) = session.ok_or("there is no session yet")?;
        let (writer, known) = (self.writer(number), &self.known);
        let rng = &mut random::system();
        let draft = if rotates {
            draft::rotate(&writer, &state, &[&secret], known, rng)?
        } else {
            let name = b"the name of a patient file";
            draft::set_metadata(&writer, &state, &secret, name, rng)?
        };
        let upload = draft_to_rest(&draft);
        let state = self.replay(Some(state), &draft.entry)?;
        self.people[number].session = Some((state, draft.secret.unwrap_or(secret)));
        Ok(upload)
    }

    /// Reads the session of person `number` from an entry on.
    pub fn read(&self, base: &str, number: usize, from: usize) -> Outcome<Shot> {
        Ok(Shot {
            method: "GET",
            url: format!("{}?from={from}", self.session_url(base, number)?),
            body: Vec::new(),
        })
    }
}

fn append(entries: Vec<EntryUpload>) -> Append {
    Append { entries }
}
