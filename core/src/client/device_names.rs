//! Names of one's own devices, and when they were seen last. Names are personal:
//! they stand in no signed entry, and the directory can't read them.

use super::account::{Account, AccountInner};
use super::devices::DeviceInfo;
use super::ids::DeviceId;
use super::os_rng;
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::keyring::{open_metadata, seal_metadata};
use plico_protocol::wire::b64::{self, B64};
use plico_protocol::wire::rest::{DeviceLabel, DeviceNotes};
use std::time::{Duration, SystemTime};

/// Bytes of a device's name in UTF-8.
const MAX_NAME: usize = 128;

impl Account {
    /// Gives one of the own devices a name that the other devices see, at most
    /// 128 bytes of UTF-8; an empty one takes it away. The directory can't read it.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a name that is too long; `BAD_REQUEST` for what is
    /// not an active device of this identity; `NOT_REGISTERED`; `NETWORK`.
    pub async fn name_device(&self, device: DeviceId, name: &str) -> Result<()> {
        let named = async {
            if name.len() > MAX_NAME {
                return Err(Error::new(ErrorCode::InvalidArgument)
                    .with_detail("a device's name has at most 128 bytes"));
            }
            let record = self.inner.registered()?;
            let label = match name {
                "" => Vec::new(),
                name => self.inner.seal_label(device, name).await?,
            };
            let identity = b64::encode(&record.identity.0);
            let path = format!("/identities/{identity}/devices/{device}");
            let wire = &self.inner.plico.inner.wire;
            let body = DeviceLabel { label: B64(label) };
            let _: DeviceNotes = wire.post(record.signer(), &path, &body).await?;
            Ok(())
        };
        self.inner.while_open(named).await
    }
}

impl AccountInner {
    /// `uint32 generation`, then the metadata blob of `opaque device[32]` and
    /// the name: so the name of one device is not shown as another's.
    async fn seal_label(&self, device: DeviceId, name: &str) -> Result<Vec<u8>> {
        let (generation, _) = self.myself().await?.user_key();
        let secret = self.user_secret(generation).await?;
        let text = [device.as_bytes().as_slice(), name.as_bytes()].concat();
        let blob = seal_metadata(&secret, &text, &mut os_rng())
            .map_err(|_| Error::new(ErrorCode::Internal))?;
        Ok([generation.to_be_bytes().as_slice(), &blob].concat())
    }

    async fn open_label(&self, device: DeviceId, label: &[u8]) -> Option<String> {
        let (generation, blob) = label.split_first_chunk::<4>()?;
        let secret = self
            .user_secret(u32::from_be_bytes(*generation))
            .await
            .ok()?;
        let text = open_metadata(&secret, blob).ok()?;
        let name = text.strip_prefix(device.as_bytes().as_slice())?;
        String::from_utf8(name.to_vec()).ok()
    }

    /// Adds what the directory has noted. A name that does not open is none: the
    /// directory could as well have withheld it.
    pub async fn add_notes(&self, devices: &mut [DeviceInfo]) -> Result<()> {
        let record = self.registered()?;
        let path = format!("/identities/{}/devices", b64::encode(&record.identity.0));
        let wire = &self.plico.inner.wire;
        let notes: DeviceNotes = wire.get(record.signer(), &path).await?;
        for info in devices {
            let mut noted = notes.devices.iter();
            let Some(note) = noted.find(|it| it.device.0 == *info.id.as_bytes()) else {
                continue;
            };
            info.last_seen = (note.seen_ms > 0)
                .then(|| SystemTime::UNIX_EPOCH + Duration::from_millis(note.seen_ms));
            if let Some(label) = &note.label {
                info.name = self.open_label(info.id, &label.0).await;
            }
        }
        Ok(())
    }
}
