//! Pairing: a new device shows a code, an old one reads it. Through a directory
//! that can neither read nor change what they say.

use super::account::{Account, AccountInner};
use super::ids::{DeviceId, IdentityId};
use super::os_rng;
use super::own_chain::{Own, own_draft_error};
use super::pins::store_error;
use super::record::Record;
use super::saves::Saves;
use super::stored::{VERSION, put_device, take, take_device, take_version};
use super::travel;
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::chain::Replay as _;
use plico_protocol::format::ids::{ChainId, Position};
use plico_protocol::identity::IdentityState;
use plico_protocol::identity::draft::DeviceSecret;
use plico_protocol::identity::pairing::{
    Done, NewDevice, Offer, PairingCode, PairingError, offer_of,
};
use plico_protocol::primitives::random::random_bytes;
use plico_protocol::wire::b64::{self, B64};
use plico_protocol::wire::rest::{Pairing, PairingPut, PairingReply};
use std::time::Duration;
use zeroize::Zeroizing;

/// Where a new device keeps its keys until it is one.
const NEW: &str = "pairing";
/// Between two looks into the mailbox.
const PAUSE: Duration = Duration::from_millis(500);
/// How long either side waits for the other, in milliseconds.
const PATIENCE_MS: u64 = 10 * 60 * 1000;
/// Offers that one pairing may come to, when the chain moves on in between.
const ROUNDS: u8 = 16;

fn pairing_error(error: &PairingError) -> Error {
    let code = match error {
        PairingError::Code => ErrorCode::PairingCodeInvalid,
        _ => ErrorCode::PairingInvalid,
    };
    Error::new(code).with_detail(error.to_string())
}

impl Account {
    /// What a new device shows, as text and as a QR code, to be read by one that
    /// the person has already: 26 letters and digits in groups of five. Then
    /// [wait](Self::join_by_pairing). The same code until it has been used.
    ///
    /// # Errors
    /// `ALREADY_REGISTERED` if this account has an identity; `STORE`.
    pub async fn pairing_code(&self) -> Result<String> {
        let shown = async {
            let _one_at_a_time = self.inner.registering.lock().await;
            let new = self.inner.new_device().await?;
            Ok(new.code().to_text())
        };
        self.inner.while_open(shown).await
    }

    /// Waits until a device of the person has read the
    /// [code](Self::pairing_code), and becomes a device of that identity, with
    /// access to everything. Check the identity or its user id against whom the
    /// app expects here.
    ///
    /// # Errors
    /// `PAIRING_EXPIRED` if nobody has read the code within ten minutes;
    /// `PAIRING_INVALID` if somebody in between has changed a message: the next
    /// code is another one; `HISTORY_SHORTENED`, `HISTORY_FORKED` if the
    /// directory shows another chain than the other device has seen;
    /// `ALREADY_REGISTERED`; `NETWORK`.
    pub async fn join_by_pairing(&self) -> Result<IdentityId> {
        self.inner.while_open(self.inner.join_by_pairing()).await
    }

    /// Makes the device whose `code` was read a device of this identity: one
    /// entry and one wrap, however many sessions there are. Reading the code
    /// from that device's own screen is the approval. Safe to call again with
    /// the same code after an error.
    ///
    /// # Errors
    /// `PAIRING_CODE_INVALID`; `PAIRING_EXPIRED` if the other device does not
    /// answer within ten minutes; `PAIRING_INVALID` if what answers is not the
    /// device that shows the code; `INVALID_ARGUMENT` when the identity has 32
    /// devices already; `NOT_REGISTERED`; `NETWORK`.
    pub async fn approve_pairing(&self, code: &str) -> Result<DeviceId> {
        let approved = async {
            let tenant = self.inner.plico.inner.wire.tenant_id;
            let code =
                PairingCode::from_text(code, tenant).map_err(|error| pairing_error(&error))?;
            self.inner.approve(&code).await
        };
        self.inner.while_open(approved).await
    }
}

fn path(code: &PairingCode) -> String {
    format!("/pairings/{}", b64::encode(&code.mailbox()))
}

/// `struct { uint16 version = 1; opaque signing_seed[32], kem_seed[32], salt[32]; } NewDevice;`
fn encode_new(new: &NewDevice) -> Vec<u8> {
    let mut out = Vec::with_capacity(98);
    out.extend_from_slice(&VERSION.to_be_bytes());
    put_device(&mut out, &new.device);
    out.extend_from_slice(&new.salt);
    out
}

impl AccountInner {
    /// The keys of a device that wants to be paired, the same until it is.
    async fn new_device(&self) -> Result<NewDevice> {
        self.is_nobody_yet().await?;
        let tenant = self.plico.inner.wire.tenant_id;
        let made = |device, salt| {
            NewDevice::new(device, salt, tenant).map_err(|error| pairing_error(&error))
        };
        if let Some(bytes) = self.store.get(NEW).await.map_err(store_error)? {
            let bytes = Zeroizing::new(bytes);
            let mut rest = bytes.as_slice();
            take_version(&mut rest)?;
            let device = take_device(&mut rest)?;
            return made(device, *take::<32>(&mut rest)?);
        }
        let device = DeviceSecret::generate(&mut os_rng());
        let new = made(device, random_bytes(&mut os_rng()))?;
        let mut saves = Saves::default();
        saves.put(NEW.into(), encode_new(&new));
        self.save(saves).await?;
        Ok(new)
    }

    async fn forget_new_device(&self) -> Result<()> {
        let mut saves = Saves::default();
        saves.delete(NEW.into());
        self.save(saves).await.map(drop)
    }

    /// What is in the mailbox; `None`: there is none.
    async fn look(&self, code: &PairingCode) -> Result<Option<Pairing>> {
        let found = self.plico.inner.wire.get_unsigned(&path(code)).await;
        match found {
            Ok(pairing) => Ok(Some(pairing)),
            Err(error) if error.code() == ErrorCode::PairingNotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A pause, unless it has been long enough.
    async fn pause(&self, since_ms: u64) -> Result<()> {
        let wire = &self.plico.inner.wire;
        if wire.now_ms().saturating_sub(since_ms) > PATIENCE_MS {
            return Err(ErrorCode::PairingExpired.into());
        }
        wire.runtime.sleep(PAUSE).await;
        Ok(())
    }

    async fn join_by_pairing(&self) -> Result<IdentityId> {
        let _one_at_a_time = self.registering.lock().await;
        let new = self.new_device().await?;
        let joined = self.join(&new).await;
        if matches!(&joined, Err(error) if error.code() == ErrorCode::PairingInvalid) {
            // Somebody knows the code, or is guessing: the next one is another.
            self.forget_new_device().await?;
        }
        joined
    }

    async fn join(&self, new: &NewDevice) -> Result<IdentityId> {
        let code = new.code();
        let invalid = |error: PairingError| pairing_error(&error);
        let since_ms = self.plico.inner.wire.now_ms();
        let (offer, done) = loop {
            let Some(pairing) = self.look(code).await? else {
                self.pause(since_ms).await?;
                continue;
            };
            let offer = code
                .open_offer(pairing.round, &pairing.offer.0)
                .map_err(invalid)?;
            if let Some(done) = &pairing.done {
                let done = code.open_done(pairing.round, &done.0).map_err(invalid)?;
                break (offer, done);
            }
            if pairing.answer.is_none() {
                self.answer(new, pairing.round, &offer).await?;
            }
            self.pause(since_ms).await?;
        };
        let user_id = core::str::from_utf8(offer.user_id.as_slice())
            .map_err(|_| ErrorCode::PairingInvalid)?;
        let newcomer = Record {
            identity: offer.identity,
            device: new.device.clone(),
            user_id: user_id.to_owned(),
            pending: None,
        };
        let trial = self.act_as(&newcomer, new.device.clone());
        let state = self.myself().await?;
        for seen in [&offer.position, &done.position] {
            self.has_seen(&state, seen)?;
        }
        // Before it counts: a device without its owner's pins believes too much.
        let mut saves = Saves::default();
        self.unpack_pins(done.pins.as_slice(), &mut saves).await?;
        saves.delete(NEW.into());
        trial.become_itself_with(newcomer, saves).await
    }

    fn has_seen(&self, state: &IdentityState, seen: &Position) -> Result<()> {
        match state.hash_at(seen.seq) {
            None => Err(ErrorCode::HistoryShortened.into()),
            Some(hash) if hash != seen.hash => Err(ErrorCode::HistoryForked.into()),
            Some(_) => Ok(()),
        }
    }

    async fn answer(&self, new: &NewDevice, round: u8, offer: &Offer) -> Result<()> {
        let reply = PairingReply {
            round,
            answer: B64(new.seal_answer(round, offer, &mut os_rng())),
        };
        let path = format!("{}/answer", path(new.code()));
        let sent: Result<Pairing> = self.plico.inner.wire.post_unsigned(&path, &reply).await;
        match sent {
            // The round is over, or the first copy has arrived: the next look tells.
            Err(error)
                if matches!(
                    error.code(),
                    ErrorCode::Conflict | ErrorCode::PairingNotFound
                ) =>
            {
                Ok(())
            }
            done => done.map(drop),
        }
    }

    async fn put_pairing(&self, code: &PairingCode, put: &PairingPut) -> Result<Pairing> {
        let record = self.registered()?;
        let wire = &self.plico.inner.wire;
        wire.post(record.signer(), &path(code), put).await
    }

    async fn approve(&self, code: &PairingCode) -> Result<DeviceId> {
        let invalid = |error: PairingError| pairing_error(&error);
        let user_id = self.registered()?.user_id.clone();
        let since_ms = self.plico.inner.wire.now_ms();
        let mut state = self.myself().await?;
        loop {
            let there = self.look(code).await?;
            let offered = match &there {
                // Ours of before, too; somebody else's is none that opens.
                Some(it) => Some(code.open_offer(it.round, &it.offer.0).map_err(invalid)?),
                None => None,
            };
            let answered = there
                .as_ref()
                .and_then(|it| Some((it.round, it.answer.as_ref()?)));
            if let (Some(offer), Some((round, answer))) = (&offered, answered) {
                let answer = code.open_answer(round, offer, &answer.0).map_err(invalid)?;
                let device = answer.keys.signing.id();
                let added = self.commit_own(|own: &mut Own<'_>| {
                    if own.state.active_device(&device).is_some() {
                        return Ok(());
                    }
                    if own.state.tip().head != offer.position {
                        return Err(ErrorCode::AuthorBehind.into());
                    }
                    let drafted = own.writer.add_proven_device(
                        &own.state,
                        answer.keys.clone(),
                        answer.possession.as_slice().to_vec(),
                        &own.secret,
                        &mut os_rng(),
                    );
                    own.push(drafted.map_err(own_draft_error)?)
                });
                match added.await {
                    Ok(()) => {
                        self.finish_pairing(code, round).await?;
                        return Ok(DeviceId(ChainId(device.0)));
                    }
                    // The chain has moved on: the proof is for another place.
                    Err(error) if error.code() == ErrorCode::AuthorBehind => {
                        state = self.myself().await?;
                    }
                    Err(error) => return Err(error),
                }
            }
            if offered.is_none_or(|it| it.position != state.tip().head) {
                let round = there.map_or(0, |it| it.round.saturating_add(1));
                if round >= ROUNDS {
                    return Err(ErrorCode::Conflict.into());
                }
                let offer = offer_of(&state, &user_id);
                let put = PairingPut {
                    round,
                    offer: Some(B64(code.seal_offer(round, &offer, &mut os_rng()))),
                    done: None,
                };
                self.put_pairing(code, &put).await?;
            }
            self.pause(since_ms).await?;
        }
    }

    /// Tells the new device that it is one, and what this one holds the
    /// directory to.
    async fn finish_pairing(&self, code: &PairingCode, round: u8) -> Result<()> {
        let state = self.myself().await?;
        let pins = self.pack_pins(&state).await?;
        let done = Done::new(state.tip().head, pins).map_err(|error| pairing_error(&error))?;
        let put = PairingPut {
            round,
            offer: None,
            done: Some(B64(code.seal_done(round, &done, &mut os_rng()))),
        };
        self.put_pairing(code, &put).await.map(drop)
    }

    async fn pack_pins(&self, state: &IdentityState) -> Result<Vec<u8>> {
        travel::pack(self.store.as_ref(), state.id(), state.tenant_id()).await
    }

    async fn unpack_pins(&self, bytes: &[u8], saves: &mut Saves) -> Result<()> {
        travel::unpack(self.store.as_ref(), bytes, saves).await
    }
}
