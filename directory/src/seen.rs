//! When a device was seen last: to the hour, so that reading does not write,
//! and so that the directory keeps no finer diary of people than they see.

use crate::app::App;
use crate::problem::ApiError;
use crate::storage::{RecordChange, RecordKind};
use lru::LruCache;
use plico_protocol::format::ids::{ChainId, KeyId};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

const HOUR_MS: u64 = 3_600_000;
const DEVICES: usize = 65_536;

/// The devices that were noted in this hour.
pub(crate) struct Seen(Mutex<LruCache<(ChainId, KeyId), u64>>);

impl Seen {
    pub(crate) fn new() -> Self {
        let size = NonZeroUsize::new(DEVICES).unwrap_or(NonZeroUsize::MIN);
        Self(Mutex::new(LruCache::new(size)))
    }

    /// Whether `device` is to be noted for this hour.
    fn is_new(&self, device: (ChainId, KeyId), hour_ms: u64) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.put(device, hour_ms) != Some(hour_ms)
    }
}

/// Notes that a device has sent a request.
pub(crate) async fn note(
    app: &App,
    tenant: ChainId,
    identity: ChainId,
    device: KeyId,
) -> Result<(), ApiError> {
    let hour_ms = app.clock.now_ms() / HOUR_MS * HOUR_MS;
    if !app.seen.is_new((identity, device), hour_ms) {
        return Ok(());
    }
    let key = [identity.0, device.0].concat();
    let value = hour_ms.to_be_bytes().to_vec();
    let change = RecordChange::put(RecordKind::DeviceSeen, &key, value);
    Ok(app.storage.put_records(tenant, None, &[change]).await?)
}
