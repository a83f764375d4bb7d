//! A member who has the SDK's keys but not its manners: reads with them
//! whatever the directory has.

use super::{Person, World, rng};
use plico::http::HttpTransport;
use plico::ports::{Method, Request, Response, Store, Transport};
use plico_protocol::chain::replay;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::{ChainId, Recipient};
use plico_protocol::identity::IdentityState;
use plico_protocol::identity::draft::DeviceSecret;
use plico_protocol::keyring::EpochSecret;
use plico_protocol::keyring::wraps::{Wrap, WrapPlace};
use plico_protocol::primitives::kem;
use plico_protocol::primitives::random::random_bytes;
use plico_protocol::primitives::secret::Secret;
use plico_protocol::primitives::sign::SigningKey;
use plico_protocol::rights::{Outcome, SessionState, replay_session};
use plico_protocol::wire::b64::{self, B64, B64x32};
use plico_protocol::wire::rest::ChainFrom;
use plico_protocol::wire::rest::{
    IdentitiesFound, IdentitiesLookup, IdentityAnswer, SessionAnswer, WrapAnswer,
};
use plico_protocol::wire::signing::{
    CONTENT_TYPE, RequestParts, SignatureParams, content_digest, sign_request,
};
use std::collections::HashMap;

pub struct Member {
    pub identity: ChainId,
    pub device: DeviceSecret,
    url: String,
    now_ms: u64,
}

impl Member {
    /// Takes the keys out of the person's store.
    pub async fn of(person: &Person, world: &World) -> Self {
        let bytes = person.store.get("account").await.unwrap().unwrap();
        // The layout is in core/src/client/record.rs.
        let seed = |at: usize| Secret::<32>::from_slice(&bytes[at..at + 32]).unwrap();
        Self {
            identity: person.id(),
            device: DeviceSecret {
                signing: SigningKey::from_seed(&seed(34)),
                kem: kem::PrivateKey::from_seed(seed(66)),
            },
            url: format!("{}/v1/tenants/{}", world.url, world.tenant()),
            now_ms: world.clock.now(),
        }
    }

    pub async fn request(&self, method: Method, path: &str, body: Vec<u8>) -> Response {
        let url = format!("{}{path}", self.url);
        let digest = content_digest(&body);
        let parts = RequestParts {
            method: method.as_str(),
            target_uri: &url,
            content_digest: &digest,
            content_type: CONTENT_TYPE,
        };
        let created_s = self.now_ms / 1000;
        let params = SignatureParams {
            created_s,
            expires_s: created_s + 60,
            nonce: random_bytes(&mut rng()),
            identity: self.identity,
            key: self.device.id(),
        };
        let (input, signature) = sign_request(&parts, &params, &self.device.signing);
        let headers = [
            ("content-type", CONTENT_TYPE.to_owned()),
            ("content-digest", digest),
            ("signature-input", input),
            ("signature", signature),
        ];
        let headers = headers
            .map(|(name, value)| (name.to_owned(), value))
            .to_vec();
        let request = Request {
            method,
            url: url.clone(),
            headers,
            body,
        };
        HttpTransport::new().unwrap().send(request).await.unwrap()
    }

    pub async fn session(&self, session: ChainId) -> SessionAnswer {
        let path = format!("/sessions/{}?from=0", b64::encode(&session.0));
        let response = self.request(Method::Get, &path, Vec::new()).await;
        serde_json::from_slice(&response.body).unwrap()
    }

    pub async fn identities(&self, ids: &[ChainId]) -> HashMap<ChainId, IdentityState> {
        let identities = ids
            .iter()
            .map(|id| ChainFrom {
                id: B64x32(id.0),
                from: 0,
            })
            .collect();
        let body = serde_json::to_vec(&IdentitiesLookup { identities }).unwrap();
        let response = self.request(Method::Post, "/identities/lookup", body).await;
        let found: IdentitiesFound = serde_json::from_slice(&response.body).unwrap();
        found
            .found
            .iter()
            .map(|answer| {
                let state = replay(None, &entries(&answer.entries), &()).unwrap();
                (ChainId(answer.identity_id.0), state)
            })
            .collect()
    }

    pub async fn my_key(&self) -> kem::PrivateKey {
        let path = format!("/identities/{}?from=0", b64::encode(&self.identity.0));
        let response = self.request(Method::Get, &path, Vec::new()).await;
        let answer: IdentityAnswer = serde_json::from_slice(&response.body).unwrap();
        let state: IdentityState = replay(None, &entries(&answer.entries), &()).unwrap();
        let (_, author) = state.wraps_at(answer.wraps[0].seq).unwrap();
        let place = WrapPlace {
            tenant_id: state.tenant_id(),
            chain_id: state.id(),
            author: *author,
        };
        let wrap = open_answer(
            &answer.wraps[0],
            &place,
            state.user_keys()[0].epoch.commitment,
        );
        wrap.open(&self.device.kem).unwrap().kem_key()
    }

    /// The session's state and its newest secret.
    pub async fn state(
        &self,
        session: ChainId,
        known: &HashMap<ChainId, IdentityState>,
    ) -> (SessionState, EpochSecret) {
        let answer = self.session(session).await;
        let Outcome::Done(state) = replay_session(None, &entries(&answer.entries), known).unwrap()
        else {
            panic!("chains are missing")
        };
        let newest = answer.wraps.iter().max_by_key(|wrap| wrap.epoch).unwrap();
        let (_, author) = state.wraps_at(newest.seq).unwrap();
        let place = WrapPlace {
            tenant_id: state.tenant_id(),
            chain_id: state.id(),
            author: *author,
        };
        let commitment = state.epoch(newest.epoch).unwrap().commitment;
        let secret = open_answer(newest, &place, commitment)
            .open(&self.my_key().await)
            .unwrap();
        (*state, secret)
    }
}

fn open_answer(answer: &WrapAnswer, place: &WrapPlace, commitment: [u8; 32]) -> Wrap {
    let recipient = Recipient {
        kind: plico_protocol::format::ids::Kind::from_u8(answer.kind).unwrap(),
        id: answer.id.0,
    };
    let key_id = plico_protocol::format::ids::KeyId(answer.key_id.0);
    let info = place.info(
        answer.epoch,
        commitment,
        recipient,
        answer.generation,
        key_id,
    );
    Wrap {
        info,
        sealed: answer.sealed.0.clone(),
    }
}

pub fn entries(entries: &[B64]) -> Vec<SignedEntry> {
    entries
        .iter()
        .map(|bytes| SignedEntry::from_bytes(&bytes.0).unwrap())
        .collect()
}
