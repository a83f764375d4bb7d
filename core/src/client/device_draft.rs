//! A device that is made for a file or a backup: written down before anybody
//! hears of it, so that what was broken off goes on with the same one.

use super::account::AccountInner;
use super::os_rng;
use super::pins::store_error;
use super::saves::Saves;
use super::stored::{VERSION, put_device, take, take_device, take_version};
use crate::error::Result;
use plico_protocol::format::ids::KeyId;
use plico_protocol::identity::draft::DeviceSecret;
use zeroize::Zeroizing;

/// The device, and what is to be revoked once it has taken its place:
///
/// ```text
/// struct { uint16 version = 1; opaque signing_seed[32], kem_seed[32]; opaque old_device[32] .. to the end; } Draft;
/// ```
pub(crate) struct Draft {
    pub device: DeviceSecret,
    pub old: Vec<KeyId>,
}

impl Draft {
    pub fn new(old: Vec<KeyId>) -> Self {
        Self {
            device: DeviceSecret::generate(&mut os_rng()),
            old,
        }
    }

    fn encode(&self) -> Vec<u8> {
        // All of the room at once: a buffer that grows leaves the seeds behind.
        let mut out = Vec::with_capacity(66 + 32 * self.old.len());
        out.extend_from_slice(&VERSION.to_be_bytes());
        put_device(&mut out, &self.device);
        for id in &self.old {
            out.extend_from_slice(id.as_bytes());
        }
        out
    }

    fn decode(bytes: Vec<u8>) -> Result<Self> {
        let bytes = Zeroizing::new(bytes);
        let mut rest = bytes.as_slice();
        take_version(&mut rest)?;
        let device = take_device(&mut rest)?;
        let mut old = Vec::new();
        while !rest.is_empty() {
            old.push(KeyId(*take::<32>(&mut rest)?));
        }
        Ok(Self { device, old })
    }
}

impl AccountInner {
    pub async fn kept_draft(&self, name: &str) -> Result<Option<Draft>> {
        let bytes = self.store.get(name).await;
        bytes.map_err(store_error)?.map(Draft::decode).transpose()
    }

    pub async fn keep_draft(&self, name: &str, draft: &Draft) -> Result<()> {
        let mut saves = Saves::default();
        saves.put(name.into(), draft.encode());
        self.save(saves).await.map(drop)
    }

    pub async fn drop_draft(&self, name: &str) -> Result<()> {
        let mut saves = Saves::default();
        saves.delete(name.into());
        self.save(saves).await.map(drop)
    }

    /// What was broken off, if it can go on: with another device where the first
    /// one was revoked in between.
    pub async fn begun_draft(&self, name: &str) -> Result<Option<Draft>> {
        let Some(draft) = self.kept_draft(name).await? else {
            return Ok(None);
        };
        let (state, id) = (self.myself().await?, draft.device.id());
        let known = state.devices().any(|(it, _)| *it == id);
        if !known || state.active_device(&id).is_some() {
            return Ok(Some(draft));
        }
        let another = Draft::new(draft.old);
        self.keep_draft(name, &another).await?;
        Ok(Some(another))
    }
}
