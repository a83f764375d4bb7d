//! Two wires that an app would never use: one that remembers everything, and
//! one on which a lying directory sits.

use plico::http::HttpTransport;
use plico::ports::{BoxFuture, Request, Response, Transport, TransportError};
use plico_protocol::wire::rest::UsersFound;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

type Answers = HashMap<(String, Vec<u8>), Response>;

/// Keeps every answer. Cut off from the network, it gives them once more:
/// somebody who kept every byte it ever had.
pub struct Recorder {
    http: HttpTransport,
    answers: Mutex<Answers>,
    cut_off: bool,
}

impl Recorder {
    pub fn new(http: HttpTransport) -> Arc<Self> {
        Arc::new(Self {
            http,
            answers: Mutex::default(),
            cut_off: false,
        })
    }

    /// The same memory, without the network.
    pub fn cut_off(&self) -> Arc<Self> {
        let answers = self
            .answers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        Arc::new(Self {
            http: self.http.clone(),
            answers: Mutex::new(answers),
            cut_off: true,
        })
    }
}

impl Transport for Recorder {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            let key = (request.url.clone(), request.body.clone());
            if self.cut_off {
                let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
                return answers
                    .get(&key)
                    .cloned()
                    .ok_or_else(|| TransportError("nothing was kept for this question".into()));
            }
            let answer = self.http.send(request).await?;
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.insert(key, answer.clone());
            Ok(answer)
        })
    }
}

/// Answers a look-up of the victim with the identity of the thief.
pub struct KeySwapper {
    pub http: HttpTransport,
    pub victim: String,
    pub thief: String,
}

impl Transport for KeySwapper {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            let lookup = request.url.ends_with("/users/lookup");
            let mut answer = self.http.send(request).await?;
            if lookup && let Ok(mut found) = serde_json::from_slice::<UsersFound>(&answer.body) {
                let thief = found
                    .found
                    .iter()
                    .find(|it| it.user_id == self.thief)
                    .cloned();
                for user in &mut found.found {
                    if let (true, Some(thief)) = (user.user_id == self.victim, &thief) {
                        user.identity = thief.identity.clone();
                    }
                }
                answer.body = serde_json::to_vec(&found).unwrap_or_default();
            }
            Ok(answer)
        })
    }
}
