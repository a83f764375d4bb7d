//! C2SP [chunked-encryption](https://c2sp.org/chunked-encryption) with SHA-512,
//! for any AEAD with a 32-byte key and a 12-byte nonce; with AES-256-GCM it is
//! that document's Cobblestone-256.
//!
//! ```text
//! message    = salt (24) ‖ commitment (32) ‖ frame 0 ‖ … ‖ frame n
//! frame i    = AEAD(key, base nonce XOR i, aad = "", chunk i)
//! chunks     = 16,384 bytes each; the last is always shorter, and may be empty
//! ```
//!
//! [`Sealer`] and [`Opener`] hold the rules of the framing: which frame has
//! which number, and which one is the last. They work in place on frames that
//! follow one another, whoever brings them: bytes, a stream, or a caller that
//! pushes. [`ChunkCipher`] opens frames in any order, for seeking and for
//! parallel work.

pub use super::cipher::ChunkCipher;
use crate::primitives::aead::{AeadAlgorithm, Backend, KEY_LEN, NONCE_LEN, TAG_LEN};
use crate::primitives::kdf::expand_sha512;
use crate::primitives::secret::{Secret, ct_eq};
use thiserror::Error;

/// Length of the salt in bytes.
pub const SALT_LEN: usize = 24;
/// Length of the key commitment in bytes.
pub const COMMITMENT_LEN: usize = 32;
/// Salt and commitment, which stand before the first frame.
pub const PREFIX_LEN: usize = SALT_LEN + COMMITMENT_LEN;
/// Length of every chunk but the last.
pub const CHUNK_LEN: usize = 16 * 1024;
/// Length of every frame but the last: a chunk and its tag.
pub const FRAME_LEN: usize = CHUNK_LEN + TAG_LEN;
/// The most chunks in one message.
pub const MAX_CHUNKS: u64 = 1 << 38;
/// The longest message: 2^38 chunks, of which the last is one byte short.
pub const MAX_MESSAGE_LEN: u64 = MAX_CHUNKS * CHUNK_LEN as u64 - 1;

const INFO_PREFIX: &[u8] = b"c2sp.org/chunked-encryption@v1+";
const DERIVED_LEN: usize = KEY_LEN + NONCE_LEN + COMMITMENT_LEN;

/// Why a message or a frame was refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChunkedError {
    /// The input key is not exactly 32 bytes long.
    #[error("the input key must be 32 bytes long")]
    InputKeyLength,
    /// The commitment is not that of these keys.
    #[error("the key commitment does not match")]
    CommitmentMismatch,
    /// The frame with this index does not authenticate.
    #[error("chunk {0} does not authenticate")]
    Unauthentic(u64),
    /// The message ends without a short last chunk, or inside a tag.
    #[error("the message is truncated")]
    Truncated,
    /// A frame (with this index) after the short last chunk.
    #[error("chunk {0} follows the last chunk")]
    TrailingChunk(u64),
    /// A frame longer than 16,400 bytes or shorter than a tag.
    #[error("the length of a frame is not allowed")]
    ChunkLength,
    /// More than 2^38 chunks.
    #[error("the message is too long")]
    TooLong,
}

/// Length of the message (salt, commitment, frames) for a plaintext of this
/// length. `None` above [`MAX_MESSAGE_LEN`].
#[must_use]
pub fn message_len(plaintext_len: u64) -> Option<u64> {
    if plaintext_len > MAX_MESSAGE_LEN {
        return None;
    }
    let chunks = plaintext_len / CHUNK_LEN as u64 + 1;
    Some(PREFIX_LEN as u64 + plaintext_len + chunks * TAG_LEN as u64)
}

/// Length of the plaintext in this many bytes of frames (without salt and
/// commitment).
///
/// # Errors
/// [`ChunkedError::Truncated`] for a length that no message has, and
/// [`ChunkedError::TooLong`] above 2^38 chunks.
pub fn plaintext_len(frames_len: u64) -> Result<u64, ChunkedError> {
    let full = frames_len / FRAME_LEN as u64;
    let last = (frames_len % FRAME_LEN as u64)
        .checked_sub(TAG_LEN as u64)
        .ok_or(ChunkedError::Truncated)?;
    if full >= MAX_CHUNKS {
        return Err(ChunkedError::TooLong);
    }
    Ok(full * CHUNK_LEN as u64 + last)
}

/// Key, base nonce and commitment of one message.
#[derive(Debug)]
pub struct MessageKeys {
    aead: AeadAlgorithm,
    backend: Backend,
    derived: Secret<DERIVED_LEN>,
}

impl MessageKeys {
    /// ```text
    /// key (32) ‖ base nonce (12) ‖ commitment (32) = HKDF-Expand-SHA-512(input key,
    ///     "c2sp.org/chunked-encryption@v1+" ‖ aead ‖ 0x00 ‖ salt ‖ context)
    /// ```
    ///
    /// # Errors
    /// [`ChunkedError::InputKeyLength`] unless `input_key` has 32 bytes.
    pub fn derive(
        aead: AeadAlgorithm,
        input_key: &[u8],
        salt: &[u8; SALT_LEN],
        context: &[u8],
    ) -> Result<Self, ChunkedError> {
        let input_key: &[u8; KEY_LEN] = input_key
            .try_into()
            .map_err(|_| ChunkedError::InputKeyLength)?;
        let info: [&[u8]; 5] = [
            INFO_PREFIX,
            aead.iana_name().as_bytes(),
            &[0],
            salt,
            context,
        ];
        let mut result = Ok(());
        let derived = Secret::filled_by(|out: &mut [u8; DERIVED_LEN]| {
            result = expand_sha512(input_key, &info, out);
        });
        result.map_err(|_| ChunkedError::InputKeyLength)?;
        Ok(Self {
            aead,
            backend: Backend::in_use(),
            derived,
        })
    }

    /// The same keys for the ciphers of this back end, instead of the one in
    /// use.
    #[must_use]
    pub fn on_backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    /// The AEAD key, for the vectors.
    #[must_use]
    pub fn dangerous_key(&self) -> &[u8] {
        &self.derived.expose()[..KEY_LEN]
    }

    /// The base nonce.
    #[must_use]
    pub fn base_nonce(&self) -> [u8; NONCE_LEN] {
        let mut nonce = [0u8; NONCE_LEN];
        nonce.copy_from_slice(&self.derived.expose()[KEY_LEN..KEY_LEN + NONCE_LEN]);
        nonce
    }

    /// The commitment, which a message carries in the clear.
    #[must_use]
    pub fn commitment(&self) -> &[u8] {
        &self.derived.expose()[KEY_LEN + NONCE_LEN..]
    }

    /// For writing the one message that these keys are for.
    #[must_use]
    pub fn sealer(self) -> Sealer {
        Sealer {
            cipher: self.cipher(),
            count: Count::default(),
        }
    }

    /// Compares the commitment in constant time. There is no other way to an
    /// [`Opener`], so no chunk is opened before.
    ///
    /// # Errors
    /// [`ChunkedError::CommitmentMismatch`]: another key, salt or context.
    pub fn opener(self, commitment: &[u8; COMMITMENT_LEN]) -> Result<Opener, ChunkedError> {
        if !ct_eq(self.commitment(), commitment) {
            return Err(ChunkedError::CommitmentMismatch);
        }
        Ok(Opener {
            cipher: self.cipher(),
            count: Count::default(),
        })
    }

    fn cipher(&self) -> ChunkCipher {
        let key = Secret::<KEY_LEN>::filled_by(|key| key.copy_from_slice(self.dangerous_key()));
        let aead = self.aead.with_key_on(self.backend, key.expose());
        ChunkCipher::new(aead, self.base_nonce())
    }
}

/// Numbers the frames of one message, and knows when the last was there.
#[derive(Debug, Default)]
pub(super) struct Count {
    next: u64,
    finished: bool,
}

impl Count {
    /// The number of the first of the next frames, which are `len` bytes long
    /// together. Only the last of them may be short; then it is the message's
    /// last one.
    pub(super) fn take(&mut self, len: usize) -> Result<u64, ChunkedError> {
        if self.finished {
            return Err(ChunkedError::TrailingChunk(self.next));
        }
        let first = self.next;
        self.finished = !len.is_multiple_of(FRAME_LEN);
        self.next = first.saturating_add(len.div_ceil(FRAME_LEN) as u64);
        Ok(first)
    }

    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }
}

/// Seals the chunks of one message in order.
#[derive(Debug)]
pub struct Sealer {
    cipher: ChunkCipher,
    count: Count,
}

impl Sealer {
    /// Seals the next chunk in place: `frame` holds the chunk and 16 bytes of
    /// room for the tag. A chunk of fewer than 16,384 bytes is the last.
    ///
    /// # Errors
    /// [`ChunkedError::TrailingChunk`] after the last one,
    /// [`ChunkedError::TooLong`] above 2^38 chunks,
    /// [`ChunkedError::ChunkLength`] for a frame of a wrong length.
    pub fn seal_next(&mut self, frame: &mut [u8]) -> Result<(), ChunkedError> {
        check_len(frame)?;
        let number = self.count.take(frame.len())?;
        self.cipher.seal_chunk(number, frame)
    }

    /// Whether the last chunk was sealed. Without it the message is truncated.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.count.is_finished()
    }

    /// For whoever numbers and seals in two places.
    pub(super) fn into_parts(self) -> (ChunkCipher, Count) {
        (self.cipher, self.count)
    }
}

/// Opens the chunks of one message in order.
#[derive(Debug)]
pub struct Opener {
    cipher: ChunkCipher,
    count: Count,
}

impl Opener {
    /// Opens the next frame in place and gives its chunk. `frame` must be 16,400
    /// bytes long, or everything that is left of the message.
    ///
    /// # Errors
    /// [`ChunkedError::Truncated`] if what is left is shorter than a tag,
    /// [`ChunkedError::Unauthentic`], [`ChunkedError::TrailingChunk`] after the
    /// last chunk, [`ChunkedError::TooLong`], [`ChunkedError::ChunkLength`].
    pub fn open_next<'a>(&mut self, frame: &'a mut [u8]) -> Result<&'a mut [u8], ChunkedError> {
        if self.count.finished {
            return Err(ChunkedError::TrailingChunk(self.count.next));
        }
        if frame.len() < TAG_LEN {
            return Err(ChunkedError::Truncated);
        }
        let len = frame.len();
        let chunk = self.cipher.open_chunk(self.count.next, frame)?;
        self.count.take(len)?;
        Ok(chunk)
    }

    /// Whether the short last chunk was opened. Until then nothing says that
    /// the message is whole.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.count.is_finished()
    }

    /// The cipher, for opening chunks in any order.
    #[must_use]
    pub fn cipher(&self) -> &ChunkCipher {
        &self.cipher
    }

    /// For whoever numbers and opens in two places.
    pub(super) fn into_parts(self) -> (ChunkCipher, Count) {
        (self.cipher, self.count)
    }
}

fn check_len(frame: &[u8]) -> Result<(), ChunkedError> {
    if (TAG_LEN..=FRAME_LEN).contains(&frame.len()) {
        return Ok(());
    }
    Err(ChunkedError::ChunkLength)
}
