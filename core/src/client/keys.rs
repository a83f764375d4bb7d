//! This identity's own secrets: the generations of its user key.

use super::account::AccountInner;
use super::lock;
use super::record::Record;
use super::saves::Saves;
use crate::error::{ErrorCode, Result};
use plico_protocol::format::codec::decode;
use plico_protocol::format::entry::Author;
use plico_protocol::format::ids::{KeyId, Kind, Recipient};
use plico_protocol::format::wrap::BackLink;
use plico_protocol::identity::IdentityState;
use plico_protocol::keyring::wraps::{Wrap, WrapPlace};
use plico_protocol::keyring::{EpochSecret, KeyringError, back_link_hash};
use plico_protocol::rights::draft::group_key;
use plico_protocol::wire::rest::{IdentityAnswer, WrapAnswer};
use std::sync::Arc;

/// Rebuilds a wrap from an answer and the log, and checks the proof.
///
/// # Errors
/// `WRAP_INVALID`: the log does not commit to it.
pub(crate) fn proven_wrap(
    answer: &WrapAnswer,
    place: &WrapPlace,
    committed: &plico_protocol::format::bodies::WrapsRef,
    commitment: [u8; 32],
) -> Result<Wrap> {
    let kind = Kind::from_u8(answer.kind).ok_or(ErrorCode::NeedsNewerClient)?;
    let recipient = Recipient {
        kind,
        id: answer.id.0,
    };
    let key_id = KeyId(answer.key_id.0);
    let info = place.info(
        answer.epoch,
        commitment,
        recipient,
        answer.generation,
        key_id,
    );
    let wrap = Wrap {
        info,
        sealed: answer.sealed.0.clone(),
    };
    let path: Vec<[u8; 32]> = answer.proof.iter().map(|hash| hash.0).collect();
    wrap.check_proof(committed, answer.index, &path)
        .map_err(|_: KeyringError| ErrorCode::WrapInvalid)?;
    Ok(wrap)
}

impl AccountInner {
    /// This identity's own chain, brought up to date.
    pub async fn myself(&self) -> Result<Arc<IdentityState>> {
        let record = self.registered()?;
        let _one_at_a_time = self.gate.lock().await;
        // From the start, so that the wraps of every generation are there.
        let answer = self.get_identity(record.identity, 0).await?;
        let mut saves = Saves::default();
        let (state, answer) = self
            .accept_identity(record.identity, answer, &mut saves)
            .await?;
        self.open_user_secrets(&record, &state, &answer)?;
        self.save(saves).await?;
        Ok(state)
    }

    /// The author that entries are written as.
    pub async fn author(&self) -> Result<Author> {
        let record = self.registered()?;
        let state = match self.kept_identity(record.identity).await? {
            Some(state) => state,
            None => self.myself().await?,
        };
        Ok(state.author(record.device.id()))
    }

    /// The secret of a generation of the user key.
    pub async fn user_secret(&self, generation: u32) -> Result<EpochSecret> {
        if let Some(secret) = lock(&self.user_secrets).get(&generation) {
            return Ok(secret.clone());
        }
        self.myself().await?;
        lock(&self.user_secrets)
            .get(&generation)
            .cloned()
            .ok_or_else(|| ErrorCode::WrapInvalid.into())
    }

    fn open_user_secrets(
        &self,
        record: &Record,
        state: &IdentityState,
        answer: &IdentityAnswer,
    ) -> Result<()> {
        let mut secrets = lock(&self.user_secrets).clone();
        for wrap in &answer.wraps {
            let epoch = state
                .user_keys()
                .get(wrap.epoch as usize)
                .ok_or(ErrorCode::WrapInvalid)?;
            let (committed, author) = state.wraps_at(wrap.seq).ok_or(ErrorCode::WrapInvalid)?;
            let place = WrapPlace {
                tenant_id: state.tenant_id(),
                chain_id: state.id(),
                author: *author,
            };
            let wrap = proven_wrap(wrap, &place, committed, epoch.epoch.commitment)?;
            let me = record.device.id();
            let mine = [Recipient::device(me), Recipient::recovery(me)];
            if !mine.contains(&wrap.info.recipient) {
                return Err(ErrorCode::WrapInvalid.into());
            }
            let secret = wrap
                .open(&record.device.kem)
                .map_err(|_| ErrorCode::WrapFalse)?;
            // The public key in the log must be the secret's.
            if !group_key(&secret).is_ok_and(|record| record.id() == epoch.id) {
                return Err(ErrorCode::WrapFalse.into());
            }
            secrets.insert(wrap.info.epoch, secret);
        }
        let links: Vec<BackLink> = answer
            .back_links
            .iter()
            .map(|bytes| decode("back-link", &bytes.0))
            .collect::<std::result::Result<_, _>>()?;
        for link in links.iter().rev() {
            let epochs = state.user_keys();
            let (Some(from), Some(target)) = (
                epochs.get(link.epoch as usize),
                epochs.get(link.target as usize),
            ) else {
                return Err(ErrorCode::BackLinkInvalid.into());
            };
            let hash = back_link_hash(link);
            if !from
                .epoch
                .back_links
                .iter()
                .any(|it| it.target == link.target && it.hash == hash)
            {
                return Err(ErrorCode::BackLinkInvalid.into());
            }
            if secrets.contains_key(&link.target) {
                continue;
            }
            if let Some(secret) = secrets.get(&link.epoch) {
                let opened = secret
                    .open_back_link(link, &target.epoch.commitment)
                    .map_err(|_| ErrorCode::BackLinkFalse)?;
                secrets.insert(link.target, opened);
            }
        }
        self.hold_secret(&self.user_secrets, secrets);
        Ok(())
    }
}
