//! Sealed items: what somebody without an identity has sealed for recipients
//! whose keys it looked up. See `docs/spec/sealed.md`.

use super::bodies::RecipientKey;
use super::codec::{FormatError, VERSION, encode, strictly_ascending};
use super::ids::{ChainId, Kind};
use super::suite::Suite;
use super::wrap::{WRAP_LEN, WrapInfo, WrapPurpose};
use crate::format::ids::KeyId;
use crate::primitives::hash::ref_hash;
use tls_codec::{DeserializeBytes, TlsDeserializeBytes, TlsSerializeBytes, TlsSize};

/// What every sealed item of this version begins with.
pub const SEALED_MAGIC: [u8; 4] = *b"PLR1";
/// How many recipients a sealed item may have.
pub const MAX_SEALED_RECIPIENTS: usize = 256;
/// The epoch that stands in a sealed item's derivations, wraps and envelope:
/// it has one secret only.
pub const SEALED_EPOCH: u32 = 0;

/// The item's secret, wrapped to one recipient:
///
/// ```text
/// struct { RecipientKey to; opaque sealed[1168]; } SealedWrap;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct SealedWrap {
    /// For whom, under which of their keys, and the head of their chain as the
    /// sealer was shown it.
    pub to: RecipientKey,
    /// The wrap.
    pub sealed: [u8; WRAP_LEN],
}

/// Everything before the payload:
///
/// ```text
/// struct {
///   uint16 version = 1;  uint8 suite;
///   opaque tenant_id[32];  opaque item_id[32];  opaque commitment[32];
///   SealedWrap wraps<V>;
/// } SealedHead;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct SealedHead {
    /// Always 1.
    pub version: u16,
    /// The payload's suite.
    pub suite: u8,
    /// The tenant.
    pub tenant_id: ChainId,
    /// 32 random bytes, the item's name in all that is derived from its secret.
    pub item_id: ChainId,
    /// The commitment to the item's secret.
    pub commitment: [u8; 32],
    /// 1 to 256, strictly ascending by recipient.
    pub wraps: Vec<SealedWrap>,
}

impl SealedHead {
    /// RefHash("sealed", SealedHead). In the payload's keys it stands where a
    /// session's id does: whoever changes anything here, a recipient or a wrap,
    /// has changed the keys.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        ref_hash("sealed", &encode(self))
    }

    /// The wrap for this recipient.
    #[must_use]
    pub fn wrap_for(&self, recipient: &super::ids::Recipient) -> Option<&SealedWrap> {
        self.wraps.iter().find(|it| it.to.recipient == *recipient)
    }

    /// The info of the wrap to this key. Nobody is its author.
    #[must_use]
    pub fn wrap_info(&self, to: &RecipientKey) -> WrapInfo {
        WrapInfo {
            version: VERSION,
            purpose: WrapPurpose::Sealed,
            tenant_id: self.tenant_id,
            chain_id: self.item_id,
            epoch: SEALED_EPOCH,
            commitment: self.commitment,
            author_identity: ChainId::ZERO,
            author_key: KeyId::ZERO,
            recipient: to.recipient,
            generation: to.generation,
            key_id: to.key_id,
        }
    }

    fn check(&self) -> Result<(), FormatError> {
        const WHAT: &str = "sealed item";
        if self.version != VERSION || Suite::from_byte(self.suite).is_err() {
            return Err(FormatError::NeedsNewerClient(WHAT));
        }
        let kinds = self.wraps.iter().map(|it| it.to.recipient.kind);
        if kinds
            .into_iter()
            .any(|it| !matches!(it, Kind::Identity | Kind::Group))
        {
            return Err(FormatError::NeedsNewerClient(WHAT));
        }
        match self.wraps.len() {
            0 => return Err(FormatError::Malformed(WHAT)),
            1..=MAX_SEALED_RECIPIENTS => {}
            _ => return Err(FormatError::TooLarge(WHAT)),
        }
        strictly_ascending("recipients", self.wraps.iter().map(|it| it.to.recipient))
    }
}

/// A sealed item: the head, and the payload as an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedItem<'a> {
    /// Who can open it.
    pub head: SealedHead,
    /// The envelope (`docs/spec/envelope.md`); nothing of it was looked at.
    pub envelope: &'a [u8],
}

impl<'a> SealedItem<'a> {
    /// `magic ‖ SealedHead ‖ envelope`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [SEALED_MAGIC.as_slice(), &encode(&self.head), self.envelope].concat()
    }

    /// Reads the head; the envelope is all that follows it. Nothing is opened.
    ///
    /// # Errors
    /// [`FormatError::NeedsNewerClient`] for another version, suite or kind of
    /// recipient; [`FormatError::TooLarge`] for more than 256 recipients;
    /// [`FormatError::Order`]; [`FormatError::Malformed`] for anything else.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, FormatError> {
        const WHAT: &str = "sealed item";
        let rest = match bytes.get(..4) {
            Some(magic) if magic == SEALED_MAGIC => &bytes[4..],
            Some([b'P', b'L', b'R', b'0'..=b'9']) => {
                return Err(FormatError::NeedsNewerClient(WHAT));
            }
            _ => return Err(FormatError::Malformed(WHAT)),
        };
        // The version is judged before what it might have changed.
        match rest.first_chunk::<2>().map(|it| u16::from_be_bytes(*it)) {
            Some(VERSION) => {}
            Some(_) => return Err(FormatError::NeedsNewerClient(WHAT)),
            None => return Err(FormatError::Malformed(WHAT)),
        }
        let (head, envelope) =
            SealedHead::tls_deserialize_bytes(rest).map_err(|error| match error {
                tls_codec::Error::UnknownValue(_) => FormatError::NeedsNewerClient(WHAT),
                _ => FormatError::Malformed(WHAT),
            })?;
        head.check()?;
        Ok(Self { head, envelope })
    }
}
