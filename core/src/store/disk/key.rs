//! The host's key, what is derived from it, and sealing (docs/spec/store.md, "Keys").

use super::{Result, failed};
use crate::error::{Error, ErrorCode};
use crate::ports::StoreFailure;
use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use core::fmt;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

pub(super) const NONCE_LEN: usize = 24;
pub(super) const TAG_LEN: usize = 16;
/// What sealing adds.
pub(super) const SEAL_LEN: usize = NONCE_LEN + TAG_LEN;

/// 32 bytes in one place of the heap, wiped on drop.
type Key = Box<Zeroizing<[u8; 32]>>;

/// The key of a store on the disk: 32 uniformly random bytes, which the host
/// keeps in the platform's keychain or keystore. Not a password, and nothing
/// that is derived from one without a slow function. Wiped on drop.
///
/// Whoever has the key and the file has the account.
#[derive(Clone)]
pub struct StoreKey(Key);

impl StoreKey {
    /// This key. The caller's own copy stays the caller's to wipe.
    #[must_use]
    pub fn new(mut bytes: [u8; 32]) -> Self {
        let mut key = Key::default();
        key.copy_from_slice(&bytes);
        bytes.zeroize();
        Self(key)
    }

    /// This key.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if it does not have 32 bytes.
    pub fn from_slice(bytes: &[u8]) -> crate::error::Result<Self> {
        if bytes.len() != 32 {
            return Err(Error::new(ErrorCode::InvalidArgument)
                .with_detail("the key of a store has 32 bytes"));
        }
        let mut key = Key::default();
        key.copy_from_slice(bytes);
        Ok(Self(key))
    }

    /// A fresh key, for the host to keep.
    ///
    /// # Errors
    /// `STORE` if the operating system has no randomness.
    pub fn generate() -> crate::error::Result<Self> {
        let mut key = Key::default();
        getrandom::fill(key.as_mut_slice()).map_err(|_| ErrorCode::Store)?;
        Ok(Self(key))
    }

    /// The 32 bytes, for the host's keychain.
    #[must_use]
    pub fn dangerous_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreKey(redacted)")
    }
}

/// The keys of one store.
pub(super) struct Keys {
    pub check: [u8; 32],
    root: Key,
    block: Key,
    record: Key,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(redacted)")
    }
}

impl Keys {
    pub fn derive(key: &StoreKey, salt: &[u8; 32], store_id: &[u8; 16]) -> Result<Self> {
        let kdf = Hkdf::<Sha256>::new(Some(salt), key.0.as_slice());
        let expand = |what: &str, out: &mut [u8; 32]| {
            let info: [&[u8]; 3] = [b"plico/v1/store ", what.as_bytes(), store_id];
            kdf.expand_multi_info(&info, out)
                .map_err(|_| failed(StoreFailure::Io, "a key could not be derived"))
        };
        let mut keys = Self {
            check: [0; 32],
            root: Key::default(),
            block: Key::default(),
            record: Key::default(),
        };
        expand("check", &mut keys.check)?;
        expand("root", &mut keys.root)?;
        expand("block", &mut keys.block)?;
        expand("record", &mut keys.record)?;
        Ok(keys)
    }

    pub fn seal_root(&self, number: u64, plaintext: &[u8]) -> Result<Vec<u8>> {
        seal(&self.root, &with_number(b"root", number), plaintext)
    }

    pub fn open_root(&self, number: u64, sealed: &[u8]) -> Option<Vec<u8>> {
        open(&self.root, &with_number(b"root", number), sealed)
    }

    pub fn seal_block(&self, index: u64, plaintext: &[u8]) -> Result<Vec<u8>> {
        seal(&self.block, &with_number(b"block", index), plaintext)
    }

    pub fn open_block(&self, index: u64, sealed: &[u8]) -> Option<Vec<u8>> {
        open(&self.block, &with_number(b"block", index), sealed)
    }

    pub fn seal_record(&self, table: &str, name: &str, value: &[u8]) -> Result<Vec<u8>> {
        seal(&self.record, &record_aad(table, name), value)
    }

    /// # Errors
    /// Damaged.
    pub fn open_record(&self, table: &str, name: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        open(&self.record, &record_aad(table, name), sealed)
            .ok_or_else(|| failed(StoreFailure::Damaged, "a record does not authenticate"))
    }
}

fn with_number(what: &[u8], number: u64) -> Vec<u8> {
    [what, &number.to_be_bytes()].concat()
}

fn record_aad(table: &str, name: &str) -> Vec<u8> {
    [table.as_bytes(), &[0], name.as_bytes()].concat()
}

fn seal(key: &Key, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>> {
    let mut nonce = [0; NONCE_LEN];
    getrandom::fill(&mut nonce).map_err(|_| failed(StoreFailure::Io, "no randomness"))?;
    // Never grows: a plaintext left behind in an outgrown buffer would not be wiped.
    let mut out = Vec::with_capacity(plaintext.len() + SEAL_LEN);
    out.extend_from_slice(&nonce);
    out.extend_from_slice(plaintext);
    let (_, buffer) = out.split_at_mut(NONCE_LEN);
    let sealed = cipher(key).encrypt_inout_detached((&nonce).into(), aad, buffer.into());
    let Ok(tag) = sealed else {
        out.zeroize();
        return Err(failed(StoreFailure::Io, "a value is too long"));
    };
    out.extend_from_slice(&tag);
    Ok(out)
}

fn open(key: &Key, aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let (ciphertext, tag) = rest.split_last_chunk::<TAG_LEN>()?;
    let mut buffer = ciphertext.to_vec();
    cipher(key)
        .decrypt_inout_detached(nonce.into(), aad, buffer.as_mut_slice().into(), tag.into())
        .ok()?;
    Some(buffer)
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    let key: &[u8; 32] = key;
    XChaCha20Poly1305::new(key.into())
}
