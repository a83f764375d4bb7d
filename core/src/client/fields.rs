//! Many small payloads in one call: fields of a table, messages of a page.

use super::account::Account;
use super::encrypt::{Decrypted, header_of};
use super::ids::SessionId;
use super::os_rng;
use super::session::EncryptionSession;
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::envelope::{EnvelopeKey, Padding, open_after_header, seal};
use plico_protocol::format::context::AppContext;
use plico_protocol::format::header::{HANDLE_LEN, HEADER_LEN, Header};
use std::collections::HashMap;

/// The most sessions and epochs that the envelopes of one call may be of.
const MAX_KEYS: usize = 4_096;

/// What opens the envelopes of one epoch.
struct Opening {
    key: EnvelopeKey,
    session: SessionId,
    known_ms: u64,
}

type Openings = HashMap<([u8; HANDLE_LEN], u32), Result<Opening>>;

impl EncryptionSession {
    /// Encrypts each of `items`, which are data and the place that they belong
    /// to, as [`Self::encrypt`] does, in their order. The session is looked at
    /// once, so all are of one epoch. An item of 20 bytes becomes an envelope of
    /// 130; it takes some microseconds, on whatever polls this.
    ///
    /// # Errors
    /// As [`Self::encrypt`]. Then there is no result for any of them.
    pub async fn encrypt_many(
        &self,
        items: &[(&[u8], Option<&AppContext>)],
    ) -> Result<Vec<Vec<u8>>> {
        let key = self.writing_key().await?;
        let rng = &mut os_rng();
        let sealed = items
            .iter()
            .map(|(data, context)| Ok(seal(&key, data, *context, Padding::default(), rng)?));
        sealed.collect()
    }
}

impl Account {
    /// Opens each of `envelopes`, which stand with the place that they belong
    /// to, as [`Self::decrypt`] does, in their order. Each session and epoch is
    /// looked up once. One that does not open has an error in its place, and the
    /// others are opened all the same.
    ///
    /// # Errors
    /// `CLOSED`; `TOO_LARGE` if they are of more than 4,096 sessions and epochs.
    pub async fn decrypt_many(
        &self,
        envelopes: &[(&[u8], Option<&AppContext>)],
    ) -> Result<Vec<Result<Decrypted>>> {
        self.inner.check_open()?;
        let mut openings = Openings::new();
        let mut results = Vec::with_capacity(envelopes.len());
        for (envelope, context) in envelopes {
            let header = match header_of(envelope) {
                Ok(header) => header,
                Err(error) => {
                    results.push(Err(error));
                    continue;
                }
            };
            let name = (header.session_handle, header.epoch);
            if !openings.contains_key(&name) {
                if openings.len() >= MAX_KEYS {
                    return Err(Error::new(ErrorCode::TooLarge)
                        .with_detail("the envelopes are of more than 4,096 sessions and epochs"));
                }
                let opening = self.opening(&header).await;
                self.inner.check_open()?;
                openings.insert(name, opening);
            }
            let opened = match openings.get(&name) {
                Some(Ok(opening)) => open(opening, &header, envelope, *context),
                Some(Err(error)) => Err(error.clone()),
                None => Err(ErrorCode::Internal.into()),
            };
            results.push(opened);
        }
        Ok(results)
    }

    async fn opening(&self, header: &Header) -> Result<Opening> {
        let id = self.find(header).await?;
        let (view, key) = self.key_for(id, header.epoch).await?;
        Ok(Opening {
            key,
            session: SessionId(id),
            known_ms: view.refreshed_ms,
        })
    }
}

fn open(
    opening: &Opening,
    header: &Header,
    envelope: &[u8],
    context: Option<&AppContext>,
) -> Result<Decrypted> {
    let message = envelope.get(HEADER_LEN..).unwrap_or_default();
    let data = open_after_header(&opening.key, header, message, context)?;
    let (session, known_ms) = (opening.session, opening.known_ms);
    Ok(Decrypted::new(data, session, header.offline, known_ms))
}
