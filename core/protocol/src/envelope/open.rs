//! Opening bytes and streams.

use super::Progress;
use super::chunked::{
    COMMITMENT_LEN, ChunkedError, FRAME_LEN, MessageKeys, Opener, PREFIX_LEN, SALT_LEN,
    plaintext_len,
};
use super::error::EnvelopeError;
use super::io::read_full;
use super::key::EnvelopeKey;
use super::padding::Unpadder;
use crate::format::context::AppContext;
use crate::format::header::{HEADER_LEN, Header};
use crate::primitives::aead::TAG_LEN;
use std::io::{Read, Write};
use zeroize::Zeroizing;

/// Opens `envelope`. Nothing is given out unless header, commitment, every
/// chunk, the end and the padding are right.
///
/// # Errors
/// All of [`EnvelopeError`] but `Io`, `LengthMismatch` and `Cancelled`.
pub fn open(
    key: &EnvelopeKey,
    envelope: &[u8],
    context: Option<&AppContext>,
) -> Result<Zeroizing<Vec<u8>>, EnvelopeError> {
    let header = Header::decode(envelope)?;
    open_after_header(key, &header, &envelope[HEADER_LEN..], context)
}

/// The same for whoever has read the header already: `message` is what follows
/// its 26 bytes. What `header` says is authenticated with it; and of memory that
/// somebody else may change meanwhile, each byte is read once.
///
/// # Errors
/// As [`open`].
pub fn open_after_header(
    key: &EnvelopeKey,
    header: &Header,
    message: &[u8],
    context: Option<&AppContext>,
) -> Result<Zeroizing<Vec<u8>>, EnvelopeError> {
    key.check_header(header, context)?;
    let (prefix, frames) = message
        .split_first_chunk::<PREFIX_LEN>()
        .ok_or(EnvelopeError::Truncated)?;
    let (salt, commitment) = split_prefix(prefix);
    let mut opener = key
        .message_keys(header, context, &salt)?
        .opener(&commitment)?;

    let mut unpadder = Unpadder::new(header.padded);
    // Room for all of it at once: growing would leave copies behind that nobody
    // wipes. A frame's tag stands in it for a moment, too.
    let capacity = plaintext_len(frames.len() as u64).unwrap_or(frames.len() as u64);
    let capacity = usize::try_from(capacity)
        .ok()
        .and_then(|len| len.checked_add(TAG_LEN))
        .ok_or(EnvelopeError::TooLong)?;
    let mut plaintext = Zeroizing::new(Vec::with_capacity(capacity));
    for frame in frames.chunks(FRAME_LEN) {
        let at = plaintext.len();
        plaintext.extend_from_slice(frame);
        let chunk = opener.open_next(&mut plaintext[at..])?;
        let data = unpadder.accept(chunk)?;
        plaintext.copy_within(at + data.start..at + data.end, at);
        plaintext.truncate(at + data.len());
    }
    if !opener.is_finished() {
        return Err(EnvelopeError::Truncated);
    }
    unpadder.finish()?;
    Ok(plaintext)
}

/// Opens the envelope that `reader` gives (to its end) into `writer`, in
/// constant memory (one frame of 16,400 bytes and the cipher's state), and
/// flushes. Gives the number of bytes written; `progress` is told that number
/// after each chunk.
///
/// Each chunk is written only after it was authenticated, but that the envelope
/// is whole is known only at the end. **After an error the caller must discard
/// everything that was written.**
///
/// # Errors
/// All of [`EnvelopeError`] but `LengthMismatch`.
pub fn open_stream<R: Read, W: Write>(
    key: &EnvelopeKey,
    mut reader: R,
    mut writer: W,
    context: Option<&AppContext>,
    progress: Progress<'_>,
) -> Result<u64, EnvelopeError> {
    let mut header = [0u8; HEADER_LEN];
    let len = read_full(&mut reader, &mut header)?;
    let header = Header::decode(&header[..len])?;
    key.check_header(&header, context)?;

    let mut unpadder = Unpadder::new(header.padded);
    let mut written = 0u64;
    open_message(
        &mut reader,
        |salt| key.message_keys(&header, context, salt),
        |chunk| {
            let data = &chunk[unpadder.accept(chunk)?];
            writer.write_all(data)?;
            written += data.len() as u64;
            if progress(written).is_break() {
                return Err(EnvelopeError::Cancelled);
            }
            Ok(())
        },
    )?;
    unpadder.finish()?;
    writer.flush()?;
    Ok(written)
}

/// Opens one message of C2SP chunked-encryption: reads salt and commitment,
/// asks `keys` for the keys under that salt, checks the commitment and passes
/// each authenticated chunk to `release`. `Ok` means that the message was whole.
///
/// # Errors
/// Those of `keys` and `release`; [`EnvelopeError::Io`],
/// [`EnvelopeError::Truncated`], [`EnvelopeError::CommitmentMismatch`],
/// [`EnvelopeError::ChunkUnauthentic`], [`EnvelopeError::TooLong`].
pub fn open_message<R: Read>(
    mut reader: R,
    keys: impl FnOnce(&[u8; SALT_LEN]) -> Result<MessageKeys, EnvelopeError>,
    mut release: impl FnMut(&[u8]) -> Result<(), EnvelopeError>,
) -> Result<(), EnvelopeError> {
    let mut prefix = [0u8; PREFIX_LEN];
    if read_full(&mut reader, &mut prefix)? < PREFIX_LEN {
        return Err(ChunkedError::Truncated.into());
    }
    let (salt, commitment) = split_prefix(&prefix);
    let mut opener: Opener = keys(&salt)?.opener(&commitment)?;
    let mut frame = Zeroizing::new(vec![0u8; FRAME_LEN]);
    // A frame that is not full is the end of the reader, so what might follow
    // the last chunk has been read with it and makes it unauthentic.
    while !opener.is_finished() {
        let len = read_full(&mut reader, &mut frame)?;
        release(opener.open_next(&mut frame[..len])?)?;
    }
    Ok(())
}

fn split_prefix(prefix: &[u8; PREFIX_LEN]) -> ([u8; SALT_LEN], [u8; COMMITMENT_LEN]) {
    let mut salt = [0u8; SALT_LEN];
    let mut commitment = [0u8; COMMITMENT_LEN];
    salt.copy_from_slice(&prefix[..SALT_LEN]);
    commitment.copy_from_slice(&prefix[SALT_LEN..]);
    (salt, commitment)
}
