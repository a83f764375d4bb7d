//! Pairing: what a new device shows, and what the two devices say to each other
//! through the directory. See `docs/spec/pairing.md`.

use super::draft::DeviceSecret;
use super::state::{IdentityState, device_hash};
use crate::chain::possession::Possession;
use crate::format::codec::{FormatError, decode, encode};
use crate::format::ids::{ChainId, Position};
use crate::format::keys::DeviceKeys;
use crate::format::opaque::Opaque;
use crate::primitives::aead::{AeadAlgorithm, NONCE_LEN, TAG_LEN};
use crate::primitives::hash::ref_hash;
use crate::primitives::kdf::expand_with_label;
use crate::primitives::random::{CryptoRng, random_bytes};
use crate::primitives::secret::{Secret32, ct_eq};
use thiserror::Error;
use tls_codec::{TlsDeserializeBytes, TlsSerializeBytes, TlsSize};

/// Characters of a code, without hyphens.
const CODE_LEN: usize = 26;
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Bytes of pins that travel with a pairing, always: more would tell the
/// directory how much the identity has seen.
pub const PINS_LEN: usize = 48 * 1024;

/// Why a code or a message was refused.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PairingError {
    /// Not a code.
    #[error("a pairing code has 26 letters and digits, in groups of five")]
    Code,
    /// The message is not one of the two devices'.
    #[error("a message is not from the other device: somebody in between has changed it")]
    Message,
    /// The keys are not those that the code stands for.
    #[error("the device's keys are not those that its code stands for")]
    Keys,
    /// More pins than there is room for.
    #[error("the pins are longer than a pairing takes")]
    Pins,
}

impl From<FormatError> for PairingError {
    fn from(_: FormatError) -> Self {
        Self::Message
    }
}

#[derive(TlsSerializeBytes, TlsSize)]
struct Shown {
    keys: DeviceKeys,
    salt: [u8; 32],
}

#[derive(TlsSerializeBytes, TlsSize)]
struct MessagePlace {
    tenant_id: ChainId,
    round: u8,
    salt: [u8; 32],
}

/// From the old device: whose device the new one is to become, and where.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct Offer {
    /// The identity.
    pub identity: ChainId,
    /// The head of its chain: the new device is added by the next entry.
    pub position: Position,
    /// The app's name for the identity.
    pub user_id: Opaque,
}

/// From the new device: its keys, and the proof for that place.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct Answer {
    /// Its keys.
    pub keys: DeviceKeys,
    /// With the keys, what the code is made of.
    pub salt: [u8; 32],
    /// As in `add_device`.
    pub possession: Opaque,
}

/// From the old device, at the end.
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct Done {
    /// An entry at which the chain has the new device.
    pub position: Position,
    /// What the old device holds the directory to, opaque here.
    pub pins: Opaque,
    /// Zeros, so that the pins and these are [`PINS_LEN`] together.
    pub padding: Opaque,
}

impl Done {
    /// Pads the pins.
    ///
    /// # Errors
    /// [`PairingError::Pins`] for more than [`PINS_LEN`] less 8 bytes.
    pub fn new(position: Position, pins: Vec<u8>) -> Result<Self, PairingError> {
        // Both with a length of four bytes: so the sum is always the same.
        let padding = PINS_LEN.checked_sub(pins.len()).ok_or(PairingError::Pins)?;
        Ok(Self {
            position,
            pins: Opaque::new(pins),
            padding: Opaque::new(vec![0; padding]),
        })
    }
}

/// Which of the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Offer,
    Answer,
    Done,
}

impl What {
    fn label(self) -> &'static str {
        match self {
            Self::Offer => "pairing offer",
            Self::Answer => "pairing answer",
            Self::Done => "pairing done",
        }
    }
}

/// What the new device shows, 128 bits: they commit to its keys, and are known
/// to those alone who see them.
#[derive(Clone, Debug)]
pub struct PairingCode {
    root: Secret32,
    tenant: ChainId,
}

impl PairingCode {
    fn of(shown: &Shown, tenant: ChainId) -> Self {
        let hash = ref_hash("pairing", &encode(shown));
        // The key of an HMAC that is shorter than its block is padded with zeros.
        let root = Secret32::filled_by(|out| out[..16].copy_from_slice(&hash[..16]));
        Self { root, tenant }
    }

    /// In groups of five, Crockford's base 32.
    #[must_use]
    pub fn to_text(&self) -> String {
        let number = self.root.expose()[..16]
            .iter()
            .fold(0u128, |all, byte| all << 8 | u128::from(*byte));
        let mut text = String::with_capacity(CODE_LEN + 5);
        for at in 0..CODE_LEN {
            if at > 0 && at % 5 == 0 {
                text.push('-');
            }
            // 26 characters hold 130 bits: the first has three.
            let digit = (number >> (5 * (CODE_LEN - 1 - at))) as usize % 32;
            text.push(char::from(ALPHABET[digit]));
        }
        text
    }

    /// Reads a code: in any case, with or without hyphens and spaces; O is 0,
    /// I and L are 1.
    pub fn from_text(text: &str, tenant: ChainId) -> Result<Self, PairingError> {
        let mut number = 0u128;
        let mut count = 0;
        for c in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            let c = match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let digit = ALPHABET.iter().position(|it| char::from(*it) == c);
            let digit = digit.ok_or(PairingError::Code)?;
            count += 1;
            if count > CODE_LEN || (count == 1 && digit > 7) {
                return Err(PairingError::Code);
            }
            number = number << 5 | digit as u128;
        }
        if count != CODE_LEN {
            return Err(PairingError::Code);
        }
        let root = Secret32::filled_by(|out| out[..16].copy_from_slice(&number.to_be_bytes()));
        Ok(Self { root, tenant })
    }

    /// Where the two meet at the directory, which learns nothing of the code.
    #[must_use]
    pub fn mailbox(&self) -> [u8; 32] {
        *expand_with_label::<32>(&self.root, "pairing mailbox", self.tenant.as_bytes()).expose()
    }

    fn key(&self, what: What, round: u8, salt: [u8; 32]) -> (Secret32, Vec<u8>) {
        let place = encode(&MessagePlace {
            tenant_id: self.tenant,
            round,
            salt,
        });
        (expand_with_label(&self.root, what.label(), &place), place)
    }

    /// `salt[32] || ChaCha20-Poly1305(key, nonce 0, aad = MessagePlace, message)`.
    fn seal(&self, what: What, round: u8, message: Vec<u8>, rng: &mut dyn CryptoRng) -> Vec<u8> {
        let salt: [u8; 32] = random_bytes(rng);
        let (key, place) = self.key(what, round, salt);
        let mut text = message;
        let aead = AeadAlgorithm::ChaCha20Poly1305.with_key(key.expose());
        // Far from the length that it refuses; were it otherwise, nothing is sent.
        match aead.seal(&[0; NONCE_LEN], &place, &mut text) {
            Ok(tag) => [salt.as_slice(), &text, &tag].concat(),
            Err(_) => Vec::new(),
        }
    }

    fn open(&self, what: What, round: u8, bytes: &[u8]) -> Result<Vec<u8>, PairingError> {
        let (salt, rest) = bytes
            .split_first_chunk::<32>()
            .ok_or(PairingError::Message)?;
        let (text, tag) = rest
            .split_last_chunk::<TAG_LEN>()
            .ok_or(PairingError::Message)?;
        let (key, place) = self.key(what, round, *salt);
        let mut text = text.to_vec();
        let aead = AeadAlgorithm::ChaCha20Poly1305.with_key(key.expose());
        aead.open(&[0; NONCE_LEN], &place, &mut text, tag)
            .map_err(|_| PairingError::Message)?;
        Ok(text)
    }

    /// The old device's offer of this round.
    #[must_use]
    pub fn seal_offer(&self, round: u8, offer: &Offer, rng: &mut dyn CryptoRng) -> Vec<u8> {
        self.seal(What::Offer, round, encode(offer), rng)
    }

    /// Opens an offer.
    pub fn open_offer(&self, round: u8, bytes: &[u8]) -> Result<Offer, PairingError> {
        Ok(decode("offer", &self.open(What::Offer, round, bytes)?)?)
    }

    /// Opens the new device's answer to `offer`, and checks that it is by the
    /// device that shows the code and proves its key for that place.
    pub fn open_answer(
        &self,
        round: u8,
        offer: &Offer,
        bytes: &[u8],
    ) -> Result<Answer, PairingError> {
        let answer: Answer = decode("answer", &self.open(What::Answer, round, bytes)?)?;
        let shown = Shown {
            keys: answer.keys,
            salt: answer.salt,
        };
        if !ct_eq(
            Self::of(&shown, self.tenant).root.expose(),
            self.root.expose(),
        ) {
            return Err(PairingError::Keys);
        }
        let Shown { keys, salt } = shown;
        let verifying_key = keys.signing.verifying_key()?;
        keys.kem.kem_key()?;
        possession(offer, &keys)
            .verify(&verifying_key, answer.possession.as_slice())
            .map_err(|_| PairingError::Keys)?;
        Ok(Answer {
            keys,
            salt,
            possession: answer.possession,
        })
    }

    /// The old device's last message.
    #[must_use]
    pub fn seal_done(&self, round: u8, done: &Done, rng: &mut dyn CryptoRng) -> Vec<u8> {
        self.seal(What::Done, round, encode(done), rng)
    }

    /// Opens the last message.
    pub fn open_done(&self, round: u8, bytes: &[u8]) -> Result<Done, PairingError> {
        let done: Done = decode("done", &self.open(What::Done, round, bytes)?)?;
        if done.padding.as_slice().iter().any(|byte| *byte != 0) {
            return Err(PairingError::Message);
        }
        Ok(done)
    }
}

fn possession(offer: &Offer, keys: &DeviceKeys) -> Possession {
    Possession {
        chain_id: offer.identity,
        seq: offer.position.seq.saturating_add(1),
        prev: offer.position.hash,
        key_id: device_hash(keys),
    }
}

/// A device that wants to be paired.
#[derive(Clone, Debug)]
pub struct NewDevice {
    /// Its private keys.
    pub device: DeviceSecret,
    /// Makes the code one that nobody can guess from the keys.
    pub salt: [u8; 32],
    keys: DeviceKeys,
    code: PairingCode,
}

impl NewDevice {
    /// Of these keys.
    ///
    /// # Errors
    /// [`PairingError::Keys`] for a KEM key that has no public key.
    pub fn new(
        device: DeviceSecret,
        salt: [u8; 32],
        tenant: ChainId,
    ) -> Result<Self, PairingError> {
        let keys = device.keys().map_err(|_| PairingError::Keys)?;
        let shown = Shown {
            keys: keys.clone(),
            salt,
        };
        let code = PairingCode::of(&shown, tenant);
        Ok(Self {
            device,
            salt,
            keys,
            code,
        })
    }

    /// What it shows.
    #[must_use]
    pub fn code(&self) -> &PairingCode {
        &self.code
    }

    /// Its answer to an offer that it has opened.
    #[must_use]
    pub fn seal_answer(&self, round: u8, offer: &Offer, rng: &mut dyn CryptoRng) -> Vec<u8> {
        let answer = Answer {
            keys: self.keys.clone(),
            salt: self.salt,
            possession: Opaque::new(possession(offer, &self.keys).prove(&self.device.signing)),
        };
        self.code.seal(What::Answer, round, encode(&answer), rng)
    }
}

/// The offer of an identity that stands at its head.
#[must_use]
pub fn offer_of(state: &IdentityState, user_id: &str) -> Offer {
    use crate::chain::Replay as _;
    Offer {
        identity: state.id(),
        position: state.tip().head,
        user_id: Opaque::new(user_id.as_bytes().to_vec()),
    }
}
