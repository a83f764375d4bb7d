//! Enrolment keys in files: PKCS#8 in PEM (RFC 8410), which every JWT library
//! reads.

use crate::random;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plico_protocol::primitives::secret::Secret32;
use plico_protocol::primitives::sign::SigningKey;
use std::io::Write as _;
use std::path::Path;
use thiserror::Error;
use zeroize::Zeroizing;

/// What stands before the seed in `PrivateKeyInfo` of version 1 (RFC 8410 §7):
/// `SEQUENCE { INTEGER 0, SEQUENCE { OID 1.3.101.112 }, OCTET STRING { OCTET STRING seed } }`.
const PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];
const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// Why a key file could not be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The system's reason.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: String,
        /// The reason.
        error: std::io::Error,
    },
    /// Something else is in it.
    #[error(
        "{0}: not an Ed25519 private key in PKCS#8 PEM, as `openssl genpkey -algorithm ed25519` writes it"
    )]
    Format(String),
}

/// The key as PEM.
#[must_use]
pub fn to_pem(key: &SigningKey) -> Zeroizing<String> {
    let der = Zeroizing::new([PREFIX.as_slice(), key.dangerous_seed().expose()].concat());
    let text = Zeroizing::new(STANDARD.encode(&*der));
    Zeroizing::new(format!("{BEGIN}\n{}\n{END}\n", *text))
}

/// The key in PEM text.
#[must_use]
pub fn from_pem(pem: &str) -> Option<SigningKey> {
    let inner = pem.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let text: Zeroizing<String> = Zeroizing::new(inner.split_whitespace().collect());
    let der = Zeroizing::new(STANDARD.decode(text.as_bytes()).ok()?);
    let seed = Secret32::from_slice(der.strip_prefix(&PREFIX)?)?;
    Some(SigningKey::from_seed(&seed))
}

/// Reads a key.
///
/// # Errors
/// [`KeyFileError`].
pub fn read(path: &Path) -> Result<SigningKey, KeyFileError> {
    let pem = std::fs::read_to_string(path).map_err(|error| io(path, error))?;
    let pem = Zeroizing::new(pem);
    from_pem(&pem).ok_or_else(|| KeyFileError::Format(path.display().to_string()))
}

/// Makes a key and writes it to a new file that only its owner can read.
///
/// # Errors
/// [`KeyFileError::Io`], also if the file is there already.
pub fn create(path: &Path) -> Result<SigningKey, KeyFileError> {
    let key = SigningKey::generate(&mut random::system());
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(|error| io(path, error))?;
    file.write_all(to_pem(&key).as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|error| io(path, error))?;
    Ok(key)
}

/// Reads the key if the file is there, else makes one; whether it is new.
///
/// # Errors
/// [`KeyFileError`].
pub fn read_or_create(path: &Path) -> Result<(SigningKey, bool), KeyFileError> {
    if path.exists() {
        Ok((read(path)?, false))
    } else {
        Ok((create(path)?, true))
    }
}

fn io(path: &Path, error: std::io::Error) -> KeyFileError {
    KeyFileError::Io {
        path: path.display().to_string(),
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8410, section 10.3.
    #[test]
    fn the_example_of_the_rfc() {
        let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
        let key = from_pem(pem).unwrap();
        assert_eq!(*to_pem(&key), pem);
        assert!(from_pem("-----BEGIN PRIVATE KEY-----").is_none());
    }

    #[test]
    fn a_file_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        let (made, new) = read_or_create(&path).unwrap();
        let (found, again) = read_or_create(&path).unwrap();
        assert!(new && !again);
        assert_eq!(made.verifying_key(), found.verifying_key());
        assert!(create(&path).is_err());
        std::fs::write(&path, "hello").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("key.pem"));
    }
}
