//! Reading whole frames from readers that give less than they were asked for.

use super::error::EnvelopeError;
use std::io::{ErrorKind, Read};

/// Reads until `buffer` is full or the reader ends; gives the number of bytes.
/// `Interrupted` is tried again.
pub(super) fn read_full<R: Read + ?Sized>(
    reader: &mut R,
    buffer: &mut [u8],
) -> Result<usize, EnvelopeError> {
    let (filled, result) = read_much(reader, buffer);
    result.map(|()| filled)
}

/// The same for whoever needs what came before an error.
pub(super) fn read_much<R: Read + ?Sized>(
    reader: &mut R,
    buffer: &mut [u8],
) -> (usize, Result<(), EnvelopeError>) {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            // A reader that claims more than it was given room for is broken.
            Ok(n) if n > buffer.len() - filled => {
                return (filled, Err(EnvelopeError::Io(ErrorKind::InvalidData)));
            }
            Ok(n) => filled += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return (filled, Err(error.into())),
        }
    }
    (filled, Ok(()))
}
