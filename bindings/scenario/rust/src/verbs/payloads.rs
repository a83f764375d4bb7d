//! Verbs that only some languages have: streams and ranges.

use super::{Done, Failed, Given};
use crate::world::Outcome;
use plico::{Account, EncryptionSession, Error};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write};
use tokio::task::block_in_place;

/// What is read at once.
const PIECE: usize = 256 * 1024;

fn failed(error: io::Error) -> Failed {
    Failed::Call(Error::from_io(&error))
}

/// Reads to the end, giving `take` each piece.
fn drain(mut from: impl Read, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        match from.read(&mut piece)? {
            0 => return Ok(()),
            len => take(&piece[..len])?,
        }
    }
}

pub async fn encrypt_stream(session: &EncryptionSession, given: &Given<'_>) -> Result<(), Failed> {
    let source = File::open(given.path("source")?).map_err(failed)?;
    let mut target = File::create(given.path("target")?).map_err(failed)?;
    let reader = session
        .encrypt_reader(source, given.file_options()?)
        .await?;
    block_in_place(|| drain(reader, |piece| target.write_all(piece))).map_err(failed)
}

pub async fn decrypt_stream(account: &Account, given: &Given<'_>) -> Done {
    let source = File::open(given.path("source")?).map_err(failed)?;
    let reader = account
        .decrypt_reader(source, given.file_options()?)
        .await?;
    let mut hash = Sha256::new();
    let take = |piece: &[u8]| {
        hash.update(piece);
        Ok(())
    };
    block_in_place(|| drain(reader, take)).map_err(failed)?;
    let hash = hash.finalize();
    let text = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Outcome::Text(text))
}

pub async fn read_range(account: &Account, given: &Given<'_>) -> Done {
    let source = File::open(given.path("source")?).map_err(failed)?;
    let options = given.file_options()?;
    let mut seeker = account.decrypt_seeker(source, options).await?;
    let (offset, length) = (given.number("offset"), given.number("length"));
    let (offset, length) = (offset.unwrap_or_default(), length.unwrap_or_default());
    let mut part = Vec::new();
    seeker.seek(SeekFrom::Start(offset)).map_err(failed)?;
    let read = block_in_place(|| seeker.take(length).read_to_end(&mut part));
    read.map_err(failed)?;
    Ok(Outcome::Bytes(part))
}
