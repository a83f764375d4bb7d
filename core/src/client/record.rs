//! What an account's store holds about itself.

use crate::error::{Error, ErrorCode, Result};
use plico_protocol::format::ids::ChainId;
use plico_protocol::identity::draft::DeviceSecret;
use plico_protocol::primitives::kem;
use plico_protocol::primitives::secret::Secret;
use plico_protocol::primitives::sign::SigningKey;
use plico_protocol::wire::b64::B64x32;
use plico_protocol::wire::rest::EntryUpload;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

/// The record's name in the store.
pub(crate) const KEY: &str = "account";
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    identity: B64x32,
    signing_seed: B64x32,
    kem_seed: B64x32,
    user_id: String,
    /// Entry 0, until the directory has confirmed it.
    pending: Option<EntryUpload>,
}

impl Drop for Stored {
    fn drop(&mut self) {
        self.signing_seed.0.zeroize();
        self.kem_seed.0.zeroize();
    }
}

/// An account, as stored.
#[derive(Clone)]
pub(crate) struct Record {
    pub identity: ChainId,
    pub device: DeviceSecret,
    pub user_id: String,
    pub pending: Option<EntryUpload>,
}

impl Record {
    pub fn encode(&self) -> Result<Vec<u8>> {
        let stored = Stored {
            version: VERSION,
            identity: B64x32(self.identity.0),
            signing_seed: B64x32(*self.device.signing.dangerous_seed().expose()),
            kem_seed: B64x32(*self.device.kem.dangerous_seed().expose()),
            user_id: self.user_id.clone(),
            pending: self.pending.clone(),
        };
        serde_json::to_vec(&stored).map_err(|_| ErrorCode::Store.into())
    }

    pub fn decode(bytes: Vec<u8>) -> Result<Self> {
        let bytes = Zeroizing::new(bytes);
        let mut stored: Stored =
            serde_json::from_slice(&bytes).map_err(|_| ErrorCode::StoreDamaged)?;
        if stored.version != VERSION {
            return Err(Error::new(ErrorCode::NeedsNewerClient)
                .with_detail("the store was written by a newer version"));
        }
        Ok(Self {
            identity: ChainId(stored.identity.0),
            device: DeviceSecret {
                signing: SigningKey::from_seed(&Secret::new(&mut stored.signing_seed.0)),
                kem: kem::PrivateKey::from_seed(Secret::new(&mut stored.kem_seed.0)),
            },
            user_id: std::mem::take(&mut stored.user_id),
            pending: stored.pending.take(),
        })
    }
}
