//! Sealing bytes and streams.

use super::Progress;
use super::chunked::{CHUNK_LEN, FRAME_LEN, PREFIX_LEN, SALT_LEN, Sealer, message_len};
use super::error::EnvelopeError;
use super::key::EnvelopeKey;
use super::padding::{Source, padded_len};
use crate::format::context::AppContext;
use crate::format::header::HEADER_LEN;
use crate::primitives::aead::TAG_LEN;
use crate::primitives::random::{CryptoRng, random_bytes};
use std::io::{Read, Write};
use zeroize::Zeroizing;

/// Whether to hide the length of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Padding {
    /// Padmé with a floor of 32 bytes: the default for messages.
    #[default]
    Padme,
    /// None: the envelope's length tells the exact length.
    None,
}

/// Whether to hide the length of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StreamPadding {
    /// None, the default for files.
    #[default]
    None,
    /// Padmé. The length stands first, so it must be known.
    Padme {
        /// How many bytes the reader will give, exactly.
        length: u64,
    },
}

/// Header, salt and commitment, and what seals the chunks.
fn begin(
    key: &EnvelopeKey,
    context: Option<&AppContext>,
    padded: bool,
    rng: &mut dyn CryptoRng,
) -> Result<([u8; HEADER_LEN + PREFIX_LEN], Sealer), EnvelopeError> {
    let header = key.header(padded, context.is_some());
    let salt = random_bytes::<SALT_LEN>(rng);
    let keys = key.message_keys(&header, context, &salt)?;
    let mut start = [0u8; HEADER_LEN + PREFIX_LEN];
    start[..HEADER_LEN].copy_from_slice(&header.encode());
    start[HEADER_LEN..HEADER_LEN + SALT_LEN].copy_from_slice(&salt);
    start[HEADER_LEN + SALT_LEN..].copy_from_slice(keys.commitment());
    Ok((start, keys.sealer()))
}

/// Seals `plaintext`. The envelope is 98 bytes longer than the (padded)
/// plaintext, and 16 more for each 16 KiB. `rng` gives the 24-byte salt.
///
/// # Errors
/// [`EnvelopeError::TooLong`] above 4 PiB or this machine's memory.
pub fn seal(
    key: &EnvelopeKey,
    plaintext: &[u8],
    context: Option<&AppContext>,
    padding: Padding,
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, EnvelopeError> {
    let true_len = plaintext.len() as u64;
    let (length, total) = match padding {
        Padding::None => (None, true_len),
        Padding::Padme => (
            Some(true_len),
            padded_len(true_len).ok_or(EnvelopeError::TooLong)?,
        ),
    };
    let envelope_len = message_len(total)
        .and_then(|message| usize::try_from(message).ok())
        .and_then(|message| message.checked_add(HEADER_LEN))
        .ok_or(EnvelopeError::TooLong)?;

    let (start, mut sealer) = begin(key, context, length.is_some(), rng)?;
    let mut source = Source::new(plaintext, length)?;
    let mut envelope = vec![0u8; envelope_len];
    envelope[..start.len()].copy_from_slice(&start);
    // Each chunk is copied to where its frame belongs and sealed there.
    for frame in envelope[start.len()..].chunks_mut(FRAME_LEN) {
        let room = frame.len() - TAG_LEN;
        source.fill(&mut frame[..room])?;
        sealer.seal_next(frame)?;
    }
    debug_assert!(sealer.is_finished());
    Ok(envelope)
}

/// Seals everything that `reader` gives into `writer`, in constant memory (one
/// frame of 16,400 bytes and the cipher's state), and flushes. Gives the number
/// of bytes read. `progress` is told that number after each chunk.
///
/// After an error, what was written is not an envelope: discard it.
///
/// # Errors
/// [`EnvelopeError::Io`] if reading or writing fails,
/// [`EnvelopeError::LengthMismatch`] if a length was stated and is wrong,
/// [`EnvelopeError::Cancelled`], [`EnvelopeError::TooLong`] above 4 PiB.
pub fn seal_stream<R: Read, W: Write>(
    key: &EnvelopeKey,
    reader: R,
    mut writer: W,
    context: Option<&AppContext>,
    padding: StreamPadding,
    rng: &mut dyn CryptoRng,
    progress: Progress<'_>,
) -> Result<u64, EnvelopeError> {
    let length = match padding {
        StreamPadding::None => None,
        StreamPadding::Padme { length } => Some(length),
    };
    let mut source = Source::new(reader, length)?;
    let (start, mut sealer) = begin(key, context, length.is_some(), rng)?;
    writer.write_all(&start)?;
    let mut frame = Zeroizing::new(vec![0u8; FRAME_LEN]);
    while !sealer.is_finished() {
        let filled = source.fill(&mut frame[..CHUNK_LEN])?;
        let frame = &mut frame[..filled + TAG_LEN];
        sealer.seal_next(frame)?;
        writer.write_all(frame)?;
        if progress(source.delivered()).is_break() {
            return Err(EnvelopeError::Cancelled);
        }
    }
    writer.flush()?;
    Ok(source.delivered())
}
