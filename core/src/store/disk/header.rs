//! The file's header (docs/spec/store.md, "Header"): written once, and enough
//! to tell damage, a newer format and a wrong key apart.

use super::key::{Keys, StoreKey};
use super::{Result, failed};
use crate::ports::StoreFailure;
use sha2::{Digest, Sha256};

pub(super) const HEADER_LEN: usize = 4096;
const SUM_AT: usize = HEADER_LEN - 32;
const MAGIC: &[u8; 8] = b"PLICOSTR";
const VERSION: u32 = 1;

/// A new store's header, and its keys.
pub(super) fn create(key: &StoreKey) -> Result<([u8; HEADER_LEN], Keys)> {
    let (mut store_id, mut salt) = ([0; 16], [0; 32]);
    let filled = getrandom::fill(&mut store_id).and_then(|()| getrandom::fill(&mut salt));
    filled.map_err(|_| failed(StoreFailure::Io, "no randomness"))?;
    let keys = Keys::derive(key, &salt, &store_id)?;
    let mut out = [0; HEADER_LEN];
    out[..8].copy_from_slice(MAGIC);
    out[8..12].copy_from_slice(&VERSION.to_be_bytes());
    out[12..28].copy_from_slice(&store_id);
    out[28..60].copy_from_slice(&salt);
    out[60..92].copy_from_slice(&keys.check);
    let sum = Sha256::digest(&out[..SUM_AT]);
    out[SUM_AT..].copy_from_slice(&sum);
    Ok((out, keys))
}

/// The keys of the store whose header this is.
///
/// # Errors
/// Damaged, NewerVersion, WrongKey.
pub(super) fn open(header: &[u8; HEADER_LEN], key: &StoreKey) -> Result<Keys> {
    if &part::<8>(header, 0) != MAGIC {
        return Err(failed(StoreFailure::Damaged, "the file is not a store"));
    }
    if Sha256::digest(&header[..SUM_AT]).as_slice() != &header[SUM_AT..] {
        return Err(failed(StoreFailure::Damaged, "the header is damaged"));
    }
    match u32::from_be_bytes(part(header, 8)) {
        VERSION => {}
        0 => return Err(failed(StoreFailure::Damaged, "version 0")),
        _ => {
            let what = "the store was written by a newer version";
            return Err(failed(StoreFailure::NewerVersion, what));
        }
    }
    let keys = Keys::derive(key, &part(header, 28), &part(header, 12))?;
    // The check is as good as public; comparing it tells nothing about the key.
    if keys.check != part::<32>(header, 60) {
        let what = "the store was made with another key";
        return Err(failed(StoreFailure::WrongKey, what));
    }
    Ok(keys)
}

fn part<const N: usize>(header: &[u8; HEADER_LEN], at: usize) -> [u8; N] {
    core::array::from_fn(|i| header[at + i])
}

/// The same header with another version: what a newer client would write.
#[cfg(test)]
pub(super) fn with_version(header: &mut [u8], version: u32) {
    header[8..12].copy_from_slice(&version.to_be_bytes());
    let sum = Sha256::digest(&header[..SUM_AT]);
    header[SUM_AT..HEADER_LEN].copy_from_slice(&sum);
}
