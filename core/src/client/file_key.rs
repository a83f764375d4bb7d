//! What protects an identity that is written down: a passphrase, or a secret of
//! the host.

use super::os_rng;
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::identity::file::Protection;
use plico_protocol::primitives::secret::Secret32;
use zeroize::Zeroizing;

/// Characters that a passphrase has at least.
const MIN_PASSPHRASE: usize = 12;

/// What protects an identity file, or a backup.
#[derive(Clone)]
pub struct FileKey(Inner);

#[derive(Clone)]
enum Inner {
    Passphrase(Zeroizing<String>),
    Host(Secret32),
}

impl core::fmt::Debug for FileKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("FileKey")
    }
}

impl FileKey {
    /// Something that a person remembers or has written down, of at least 12
    /// characters. Better: [`Self::generate_passphrase`].
    #[must_use]
    pub fn passphrase(text: &str) -> Self {
        Self(Inner::Passphrase(Zeroizing::new(text.to_owned())))
    }

    /// 32 uniformly random bytes that the host keeps: a passkey's PRF output, a
    /// secret in the platform's keychain.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if there are not 32.
    pub fn host_secret(bytes: &[u8]) -> Result<Self> {
        let secret = Secret32::from_slice(bytes).ok_or_else(|| {
            Error::new(ErrorCode::InvalidArgument).with_detail("a host's secret has 32 bytes")
        })?;
        Ok(Self(Inner::Host(secret)))
    }

    /// A passphrase of 100 random bits: 20 characters of Crockford's base 32 (no
    /// I, L, O or U) in groups of five.
    #[must_use]
    pub fn generate_passphrase() -> Zeroizing<String> {
        const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let bytes = Zeroizing::new(plico_protocol::primitives::random::random_bytes::<20>(
            &mut os_rng(),
        ));
        let mut text = Zeroizing::new(String::with_capacity(23));
        for (index, byte) in bytes.iter().enumerate() {
            if index > 0 && index % 5 == 0 {
                text.push('-');
            }
            // 256 is a multiple of 32: each character is as likely as any other.
            text.push(char::from(ALPHABET[usize::from(byte % 32)]));
        }
        text
    }

    pub(super) fn check(&self) -> Result<()> {
        match &self.0 {
            Inner::Passphrase(text) if text.chars().count() < MIN_PASSPHRASE => {
                Err(Error::new(ErrorCode::InvalidArgument)
                    .with_detail("a passphrase has at least 12 characters"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn protection(&self) -> Protection<'_> {
        match &self.0 {
            Inner::Passphrase(text) => Protection::Passphrase(text),
            Inner::Host(secret) => Protection::Host(secret),
        }
    }
}

/// Argon2id takes tenths of a second: not on a thread that others wait for.
#[cfg(not(target_arch = "wasm32"))]
pub(super) async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    let (sender, receiver) = futures_channel::oneshot::channel();
    let started = std::thread::Builder::new()
        .name("plico-passphrase".into())
        .spawn(move || drop(sender.send(work())));
    started.map_err(|_| Error::new(ErrorCode::Internal).with_detail("no thread was started"))?;
    receiver.await.map_err(|_| ErrorCode::Internal.into())
}

#[cfg(target_arch = "wasm32")]
pub(super) async fn off_thread<T>(work: impl FnOnce() -> T) -> Result<T> {
    Ok(work())
}
