//! A real server on a loopback port, and people who talk to it over HTTP.
#![allow(dead_code, unreachable_pub, missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod backup;
pub mod devices;

use plico_directory::storage::Storage;
use plico_directory::{Config, Server, ServerError, random};
use plico_protocol::chain::Replay;
use plico_protocol::format::bodies::{Grant, RightsBits, SessionBody, SessionRevoke};
use plico_protocol::format::encode;
use plico_protocol::format::ids::{ChainId, KeyId, Recipient};
use plico_protocol::identity::draft::{DeviceSecret, NewIdentity, bind_user_id};
use plico_protocol::identity::{Attestation, IdentityState};
use plico_protocol::keyring::wraps::{Wrap, WrapPlace};
use plico_protocol::keyring::{EpochSecret, merkle};
use plico_protocol::primitives::sign::SigningKey;
use plico_protocol::rights::draft::{self, Draft, Writer, recipient_key};
use plico_protocol::rights::{Outcome, SessionState, replay_session};
use plico_protocol::wire::b64::{self, B64};
use plico_protocol::wire::rest::{Append, Enrol, WrapAnswer};
use plico_protocol::wire::signing::{RequestParts, SignatureParams, content_digest, sign_request};
use plico_protocol::wire::upload::{draft_to_rest, entry_to_rest};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub const T0: u64 = 1_800_000_000_000;
pub const MINUTE: u64 = 60_000;
pub const READ: u8 = RightsBits::READ;

pub struct World {
    pub url: String,
    pub tenant: ChainId,
    pub enrolment: SigningKey,
    pub clock: Arc<AtomicU64>,
    pub storage: Arc<dyn Storage>,
    pub http: reqwest::Client,
    pub known: HashMap<ChainId, IdentityState>,
    /// Where requests really go, if not to the URL that is signed.
    pub address: Option<String>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<Result<(), ServerError>>,
}

#[derive(Clone)]
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

/// A session with what its owner knows.
#[derive(Clone)]
pub struct Session {
    pub state: SessionState,
    pub secrets: Vec<EpochSecret>,
    pub first: Draft,
}

pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json<T: DeserializeOwned>(&self) -> T {
        assert!(
            self.status < 300,
            "{} {}",
            self.status,
            String::from_utf8_lossy(&self.body)
        );
        assert_eq!(self.headers["content-type"], "application/json");
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The code of a problem, whose form is checked.
    pub fn code(&self) -> String {
        assert_eq!(
            self.headers["content-type"],
            "application/problem+json",
            "{}",
            String::from_utf8_lossy(&self.body)
        );
        let problem: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem["status"], self.status);
        assert!(self.headers.contains_key("x-request-id"));
        problem["code"].as_str().unwrap().to_owned()
    }
}

/// What is about to be sent; a test may spoil it.
#[derive(Clone)]
pub struct Call {
    pub method: &'static str,
    pub path: String,
    pub body: Vec<u8>,
    pub headers: Vec<(&'static str, String)>,
}

impl World {
    pub async fn new() -> Self {
        Self::start(Config::in_memory(), None).await
    }

    pub async fn on_disk(path: &Path) -> Self {
        Self::start(Config::new("127.0.0.1:0".parse().unwrap(), path), None).await
    }

    /// `again`: the tenant is there already.
    pub async fn start(config: Config, again: Option<(ChainId, SigningKey)>) -> Self {
        let clock = Arc::new(AtomicU64::new(T0));
        let theirs = clock.clone();
        let config = config.with_clock(Arc::new(move || theirs.load(Ordering::SeqCst)));
        let server = Server::bind(config).await.unwrap();
        let (tenant, enrolment) = match again {
            Some(again) => again,
            None => {
                let key = SigningKey::generate(&mut random::system());
                (server.create_tenant("test", &key).await.unwrap(), key)
            }
        };
        let (url, storage) = (server.public_url().to_owned(), server.storage());
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(server.run_until(async {
            let _ = stopped.await;
        }));
        Self {
            url,
            tenant,
            enrolment,
            clock,
            storage,
            http: reqwest::Client::new(),
            known: HashMap::new(),
            address: None,
            stop,
            running,
        }
    }

    /// Shuts the server down and waits for it; gives the tenant for another start.
    pub async fn close(self) -> (ChainId, SigningKey, HashMap<ChainId, IdentityState>) {
        self.stop.send(()).unwrap();
        self.running.await.unwrap().unwrap();
        (self.tenant, self.enrolment, self.known)
    }

    /// Tells the server to stop, and gives what ends when it has.
    pub fn stop(self) -> JoinHandle<Result<(), ServerError>> {
        self.stop.send(()).unwrap();
        self.running
    }

    pub fn now(&self) -> u64 {
        self.clock.load(Ordering::SeqCst)
    }

    pub fn forward(&self, ms: u64) {
        self.clock.fetch_add(ms, Ordering::SeqCst);
    }

    /// A path below the tenant's.
    pub fn path(&self, rest: &str) -> String {
        format!("/v1/tenants/{}{rest}", b64::encode(&self.tenant.0))
    }

    /// Goes by the real clock.
    pub fn set_clock(&self) {
        let now = std::time::SystemTime::now();
        let now = now.duration_since(std::time::UNIX_EPOCH).unwrap();
        let now = u64::try_from(now.as_millis()).unwrap();
        self.clock.store(now, Ordering::SeqCst);
    }

    // --- requests

    pub fn signed_at(
        &self,
        person: &Person,
        method: &'static str,
        path: &str,
        body: Vec<u8>,
        created_s: u64,
    ) -> Call {
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).unwrap();
        let digest = content_digest(&body);
        let target_uri = format!("{}{path}", self.url);
        let parts = RequestParts {
            method,
            target_uri: &target_uri,
            content_digest: &digest,
            content_type: "application/json",
        };
        let params = SignatureParams {
            created_s,
            expires_s: created_s + 60,
            nonce,
            identity: person.id,
            key: person.device.id(),
        };
        let (input, signature) = sign_request(&parts, &params, &person.device.signing);
        Call {
            method,
            path: path.into(),
            headers: vec![
                ("content-type", "application/json".into()),
                ("content-digest", digest),
                ("signature-input", input),
                ("signature", signature),
            ],
            body,
        }
    }

    pub fn signed(&self, by: &Person, method: &'static str, rest: &str, body: Vec<u8>) -> Call {
        self.signed_at(by, method, &self.path(rest), body, self.now() / 1000)
    }

    pub async fn send(&self, call: &Call) -> Answer {
        self.try_send(call).await.unwrap()
    }

    /// An error says that no whole answer came.
    pub async fn try_send(&self, call: &Call) -> Result<Answer, reqwest::Error> {
        let url = self.address.as_ref().unwrap_or(&self.url);
        let url = format!("{url}{}", call.path);
        let method = call.method.parse().unwrap();
        let mut request = self.http.request(method, url).body(call.body.clone());
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        let response = request.send().await?;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await?.to_vec(),
        })
    }

    pub async fn get(&self, by: &Person, rest: &str) -> Answer {
        self.send(&self.signed(by, "GET", rest, Vec::new())).await
    }

    pub async fn post<T: serde::Serialize>(&self, by: &Person, rest: &str, body: &T) -> Answer {
        let body = serde_json::to_vec(body).unwrap();
        self.send(&self.signed(by, "POST", rest, body)).await
    }

    // --- identities

    pub fn token(&self, user_id: &str, identity: ChainId, number: u64) -> String {
        let attestation = Attestation {
            user_id: user_id.into(),
            identity,
            number,
            issued_ms: self.now(),
            expires_ms: self.now() + 300_000,
        };
        let key = plico_directory::admin::key_id(&self.enrolment);
        attestation.sign(self.tenant, key, &self.enrolment)
    }

    /// A new identity, not yet sent.
    pub fn draft_person(&self) -> (Person, NewIdentity) {
        let mut rng = random::system();
        let device = DeviceSecret::generate(&mut rng);
        let new = NewIdentity::create(self.tenant, &device, self.now(), &mut rng).unwrap();
        let person = Person {
            id: new.entry.entry.chain_id,
            device,
            secret: new.secret.clone(),
        };
        (person, new)
    }

    pub fn enrol(&self, by: &Person, new: &NewIdentity, user_id: &str, number: u64) -> Enrol {
        let token = self.token(user_id, by.id, number);
        self.enrol_with(by, new, user_id, number, &token)
    }

    pub fn enrol_with(
        &self,
        by: &Person,
        new: &NewIdentity,
        user_id: &str,
        number: u64,
        token: &str,
    ) -> Enrol {
        let state = IdentityState::start(&new.entry, &()).unwrap();
        let (bind, opening) = bind_user_id(
            &state,
            user_id,
            number,
            token,
            self.now(),
            &by.device.signing,
            &mut random::system(),
        );
        Enrol {
            entries: vec![
                entry_to_rest(&new.entry, &new.wraps),
                entry_to_rest(&bind, &[]),
            ],
            opening: B64(encode(&opening)),
        }
    }

    pub async fn person(&mut self, user_id: &str) -> Person {
        let (person, new) = self.draft_person();
        let body = self.enrol(&person, &new, user_id, 1);
        let answer = self.post(&person, "/identities", &body).await;
        assert_eq!(
            answer.status,
            201,
            "{}",
            String::from_utf8_lossy(&answer.body)
        );
        self.learn(&answer.json());
        person
    }

    /// Takes an identity's chain from an answer, verified.
    pub fn learn(&mut self, answer: &plico_protocol::wire::rest::IdentityAnswer) {
        let entries: Vec<_> = answer.entries.iter().map(|it| entry(&it.0)).collect();
        let state: IdentityState = plico_protocol::chain::replay(None, &entries, &()).unwrap();
        self.known.insert(state.id(), state);
    }

    // --- sessions

    pub fn writer<'a>(&self, person: &'a Person) -> Writer<'a> {
        Writer {
            author: self.known[&person.id].author(person.device.id()),
            key: &person.device.signing,
            now_ms: self.now(),
        }
    }

    pub fn grant_to(&self, person: &Person, rights: u8, expires_ms: u64) -> Grant {
        Grant {
            key: recipient_key(&self.known[&person.id]),
            rights: RightsBits(rights),
            expires_ms,
        }
    }

    pub fn draft_session(&self, owner: &Person, grants: Vec<Grant>) -> Session {
        let first = draft::create(
            &self.writer(owner),
            self.tenant,
            1,
            grants,
            &self.known,
            &mut random::system(),
        )
        .unwrap();
        Session {
            state: self.apply(None, &first),
            secrets: vec![first.secret.clone().unwrap()],
            first,
        }
    }

    pub async fn session(&self, owner: &Person, grants: Vec<Grant>) -> Session {
        let session = self.draft_session(owner, grants);
        let answer = self
            .post(
                owner,
                "/sessions",
                &append(std::slice::from_ref(&session.first)),
            )
            .await;
        assert_eq!(
            answer.status,
            201,
            "{}",
            String::from_utf8_lossy(&answer.body)
        );
        session
    }

    pub fn apply(&self, state: Option<SessionState>, draft: &Draft) -> SessionState {
        let entries = std::slice::from_ref(&draft.entry);
        match replay_session(state, entries, &self.known).unwrap() {
            Outcome::Done(state) => *state,
            Outcome::Needs(needs) => panic!("{needs:?}"),
        }
    }

    pub fn rotate(&self, by: &Person, session: &Session) -> Draft {
        draft::rotate(
            &self.writer(by),
            &session.state,
            &[session.secrets.last().unwrap()],
            &self.known,
            &mut random::system(),
        )
        .unwrap()
    }

    pub fn grant(&self, by: &Person, session: &Session, grant: Grant) -> Draft {
        draft::grant(
            &self.writer(by),
            &session.state,
            vec![grant],
            &[session.secrets.last().unwrap()],
            &self.known,
            &mut random::system(),
        )
        .unwrap()
    }

    pub fn revoke(&self, by: &Person, session: &Session, whom: &Person) -> Draft {
        let body = SessionBody::Revoke(SessionRevoke {
            recipients: vec![whom.recipient()],
            cascade: 0,
        });
        self.writer(by).plain(&session.state, &body)
    }

    /// Takes a draft into the owner's copy.
    pub fn take(&self, session: &mut Session, draft: &Draft) {
        session.state = self.apply(Some(session.state.clone()), draft);
        session.secrets.extend(draft.secret.clone());
    }

    /// Revocation and rotation, to be sent together.
    pub fn shut_out(&self, by: &Person, session: &mut Session, whom: &Person) -> Vec<Draft> {
        let revoke = self.revoke(by, session, whom);
        self.take(session, &revoke);
        let rotate = self.rotate(by, session);
        self.take(session, &rotate);
        vec![revoke, rotate]
    }

    pub async fn add(&self, by: &Person, session: &Session, drafts: &[Draft]) -> Answer {
        let path = format!("{}/entries", name(session));
        self.post(by, &path, &append(drafts)).await
    }
}

pub fn entry(bytes: &[u8]) -> plico_protocol::format::entry::SignedEntry {
    plico_protocol::format::entry::SignedEntry::from_bytes(bytes).unwrap()
}

pub fn append(drafts: &[Draft]) -> Append {
    Append {
        entries: drafts.iter().map(draft_to_rest).collect(),
    }
}

/// The proof leads to the root in the log, and the wrap opens.
pub fn check_wrap(world: &World, session: &Session, person: &Person, wrap: &WrapAnswer) {
    let (committed, author) = session.state.wraps_at(wrap.seq).unwrap();
    let info = WrapPlace {
        tenant_id: world.tenant,
        chain_id: session.state.id(),
        author: *author,
    }
    .info(
        wrap.epoch,
        session.state.epochs()[wrap.epoch as usize].commitment,
        person.recipient(),
        wrap.generation,
        KeyId(wrap.key_id.0),
    );
    let whole = Wrap {
        info,
        sealed: wrap.sealed.0.clone(),
    };
    let path: Vec<merkle::Hash> = wrap.proof.iter().map(|it| it.0).collect();
    whole.check_proof(committed, wrap.index, &path).unwrap();
    whole.open(&person.secret.kem_key()).unwrap();
}

/// The session's path below the tenant's.
pub fn name(session: &Session) -> String {
    format!("/sessions/{}", b64::encode(&session.state.id().0))
}

pub fn identity(person: &Person) -> String {
    format!("/identities/{}", b64::encode(&person.id.0))
}

/// Whether `needle` stands anywhere in the files of `folder`.
pub fn is_in_files(folder: &Path, needle: &[u8]) -> bool {
    let mut files = std::fs::read_dir(folder).unwrap();
    files.any(|file| {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        bytes.windows(needle.len()).any(|it| it == needle)
    })
}
