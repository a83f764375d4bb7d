//! What an account's store holds about itself.
//!
//! ```text
//! struct {
//!   uint16 version = 1;
//!   opaque identity[32], signing_seed[32], kem_seed[32];
//!   uint16 length; opaque user_id[length];
//!   opaque pending[..];      // to the end; JSON of an entry, which is public; or nothing
//! } Record;
//! ```
//!
//! Not JSON as a whole: that would leave the seeds in buffers and strings that
//! nobody wipes.

use super::stored::{VERSION, put_device, take, take_device, take_version};
use crate::error::{ErrorCode, Result};
use plico_protocol::format::ids::ChainId;
use plico_protocol::identity::draft::DeviceSecret;
use plico_protocol::wire::rest::EntryUpload;
use zeroize::Zeroizing;

/// The record's name in the store.
pub(crate) const KEY: &str = "account";

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
        let length = u16::try_from(self.user_id.len()).map_err(|_| ErrorCode::InvalidArgument)?;
        let pending = match &self.pending {
            Some(entry) => serde_json::to_vec(entry).map_err(|_| ErrorCode::Store)?,
            None => Vec::new(),
        };
        // All of the room at once: a buffer that grows leaves the seeds behind.
        let room = 2 + 3 * 32 + 2 + self.user_id.len() + pending.len();
        let mut out = Vec::with_capacity(room);
        out.extend_from_slice(&VERSION.to_be_bytes());
        out.extend_from_slice(&self.identity.0);
        put_device(&mut out, &self.device);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(self.user_id.as_bytes());
        out.extend_from_slice(&pending);
        Ok(out)
    }

    pub fn decode(bytes: Vec<u8>) -> Result<Self> {
        let bytes = Zeroizing::new(bytes);
        let mut rest = bytes.as_slice();
        take_version(&mut rest)?;
        let identity = ChainId(*take::<32>(&mut rest)?);
        let device = take_device(&mut rest)?;
        let length = u16::from_be_bytes(*take::<2>(&mut rest)?);
        let user_id = rest
            .split_off(..usize::from(length))
            .ok_or(ErrorCode::StoreDamaged)?;
        let user_id = core::str::from_utf8(user_id).map_err(|_| ErrorCode::StoreDamaged)?;
        let pending = match rest {
            [] => None,
            json => Some(serde_json::from_slice(json).map_err(|_| ErrorCode::StoreDamaged)?),
        };
        Ok(Self {
            identity,
            device,
            user_id: user_id.to_owned(),
            pending,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::client::os_rng;
    use plico_protocol::wire::b64::B64;

    #[test]
    fn a_record_comes_back_and_nothing_short_of_it_does() {
        let pending = EntryUpload {
            entry: B64(vec![1, 2, 3]),
            wraps: Vec::new(),
            staged_parts: 0,
            metadata: None,
            tag: None,
            back_links: Vec::new(),
        };
        for pending in [None, Some(pending)] {
            let record = Record {
                identity: ChainId([9; 32]),
                device: DeviceSecret::generate(&mut os_rng()),
                user_id: "dr.ä".into(),
                pending,
            };
            let bytes = record.encode().unwrap();
            let back = Record::decode(bytes.clone()).unwrap();
            assert_eq!(back.encode().unwrap(), bytes);
            assert_eq!(
                (back.user_id, back.identity),
                (record.user_id, record.identity)
            );
            for length in 0..bytes.len() {
                let short = Record::decode(bytes[..length].to_vec());
                // Without its last part, a record is one that has nothing pending.
                let whole = record.pending.is_some() && length == 2 + 96 + 2 + 5;
                match short {
                    Ok(_) => assert!(whole, "{length}"),
                    Err(error) => assert_eq!(error.code(), ErrorCode::StoreDamaged),
                }
            }
            let mut newer = bytes;
            newer[1] = 2;
            let refused = Record::decode(newer).map(drop).unwrap_err();
            assert_eq!(refused.code(), ErrorCode::NeedsNewerClient);
        }
    }
}
