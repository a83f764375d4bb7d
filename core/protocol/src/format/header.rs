//! The header of an envelope (envelope spec, "Header").

use super::suite::{Suite, SuiteError};
use thiserror::Error;

/// Length of a header in bytes.
pub const HEADER_LEN: usize = 26;
/// Length of a session handle in bytes: the first half of the session's chain id.
pub const HANDLE_LEN: usize = 16;
/// What every envelope of this version begins with.
pub const MAGIC: [u8; 4] = *b"PLC1";

const FLAG_PADDED: u8 = 0b01;
const FLAG_CONTEXT: u8 = 0b10;
const FLAG_OFFLINE: u8 = 0b100;

/// Why bytes are not a header that this version reads.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderError {
    /// Another magic, or fewer than 26 bytes.
    #[error("the bytes are not a Plico envelope")]
    NotAnEnvelope,
    /// `PLC` with another version digit.
    #[error("the envelope has another version: a newer client is needed")]
    UnknownVersion,
    /// A suite number that this version does not know.
    #[error("the envelope names the unknown suite {0:#04x}: a newer client is needed")]
    UnknownSuite(u8),
    /// A flag that this version does not know.
    #[error("the envelope has the unknown flags {0:#04x}: a newer client is needed")]
    UnknownFlags(u8),
}

impl From<SuiteError> for HeaderError {
    fn from(error: SuiteError) -> Self {
        match error {
            SuiteError::NeedsNewerClient(byte) => Self::UnknownSuite(byte),
        }
    }
}

/// What an envelope says about itself in the clear. None of it is to be
/// believed before the envelope was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The payload suite.
    pub suite: Suite,
    /// The plaintext is padded.
    pub padded: bool,
    /// An app context is needed to open.
    pub has_context: bool,
    /// The writer did not look whether it still was to write under this
    /// epoch: it was offline, and said so.
    pub offline: bool,
    /// The first 16 bytes of the session's chain id.
    pub session_handle: [u8; HANDLE_LEN],
    /// The epoch whose payload key is used.
    pub epoch: u32,
}

impl Header {
    /// The 26 bytes:
    ///
    /// ```text
    /// 0      4       5       6                  22          26
    /// | PLC1 | suite | flags | session handle   | epoch (BE) |
    /// ```
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let mut out = [0u8; HEADER_LEN];
        out[..4].copy_from_slice(&MAGIC);
        out[4] = self.suite.to_byte();
        out[5] = u8::from(self.padded) * FLAG_PADDED
            + u8::from(self.has_context) * FLAG_CONTEXT
            + u8::from(self.offline) * FLAG_OFFLINE;
        out[6..22].copy_from_slice(&self.session_handle);
        out[22..].copy_from_slice(&self.epoch.to_be_bytes());
        out
    }

    /// Reads the header at the start of `bytes`; what follows is not looked at.
    ///
    /// # Errors
    /// See [`HeaderError`]. A version is judged before the length, so that an
    /// envelope of a later version is never called garbage.
    pub fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        match bytes.get(..4) {
            Some(magic) if magic == MAGIC => {}
            Some([b'P', b'L', b'C', b'0'..=b'9']) => return Err(HeaderError::UnknownVersion),
            _ => return Err(HeaderError::NotAnEnvelope),
        }
        let bytes: &[u8; HEADER_LEN] = bytes.first_chunk().ok_or(HeaderError::NotAnEnvelope)?;
        let suite = Suite::from_byte(bytes[4])?;
        let flags = bytes[5];
        if flags & !(FLAG_PADDED | FLAG_CONTEXT | FLAG_OFFLINE) != 0 {
            return Err(HeaderError::UnknownFlags(flags));
        }
        let mut session_handle = [0u8; HANDLE_LEN];
        session_handle.copy_from_slice(&bytes[6..22]);
        Ok(Self {
            suite,
            padded: flags & FLAG_PADDED != 0,
            has_context: flags & FLAG_CONTEXT != 0,
            offline: flags & FLAG_OFFLINE != 0,
            session_handle,
            epoch: u32::from_be_bytes([bytes[22], bytes[23], bytes[24], bytes[25]]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            suite: Suite::Aes256GcmSha512,
            padded: true,
            has_context: false,
            offline: false,
            session_handle: *b"0123456789abcdef",
            epoch: 0x0102_0304,
        }
    }

    #[test]
    fn the_layout_is_fixed() {
        assert_eq!(
            &header().encode(),
            b"PLC1\x02\x010123456789abcdef\x01\x02\x03\x04"
        );
        for flags in 0..8u8 {
            let header = Header {
                padded: flags & 1 != 0,
                has_context: flags & 2 != 0,
                offline: flags & 4 != 0,
                ..header()
            };
            assert_eq!(header.encode()[5], flags);
            assert_eq!(Header::decode(&header.encode()), Ok(header));
        }
    }

    #[test]
    fn unknown_things_need_a_newer_client() {
        let good = header().encode();
        for byte in 0..=255u8 {
            let mut bytes = good;
            bytes[4] = byte;
            match byte {
                1 | 2 => assert!(Header::decode(&bytes).is_ok()),
                _ => assert_eq!(Header::decode(&bytes), Err(HeaderError::UnknownSuite(byte))),
            }
            let mut bytes = good;
            bytes[5] = byte;
            match byte {
                0..=7 => assert!(Header::decode(&bytes).is_ok()),
                _ => assert_eq!(Header::decode(&bytes), Err(HeaderError::UnknownFlags(byte))),
            }
        }
        assert_eq!(Header::decode(b"PLC2"), Err(HeaderError::UnknownVersion));
        assert_eq!(Header::decode(b"PLCx"), Err(HeaderError::NotAnEnvelope));
        for len in 0..HEADER_LEN {
            assert_eq!(
                Header::decode(&good[..len]),
                Err(HeaderError::NotAnEnvelope)
            );
        }
    }
}
