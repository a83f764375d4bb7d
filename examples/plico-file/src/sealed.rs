//! Sealing, opening, reading, listing.

use crate::args::{Common, Extract, NewSession, Open, Read, Seal};
use crate::progress::options;
use crate::{Outcome, home, say};
use plico::{Account, CancelToken, EncryptionSession, Grant, Recipient, SessionOptions};
use std::fs::File;
use std::io::{self, Read as _, Seek, SeekFrom, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub async fn new_session(account: &Account, new: &NewSession) -> plico::Result<EncryptionSession> {
    let mut options = SessionOptions::new().suite(new.cipher.into());
    for user_id in &new.recipients {
        options = options.recipient(Recipient::user(user_id), Grant::read());
    }
    account.create_session(options).await
}

pub async fn seal(common: &Common, seal: &Seal, cancel: CancelToken) -> Outcome {
    let account = home::account(common).await?;
    let session = match seal.session {
        Some(id) => account.session(id),
        None => new_session(&account, &seal.new).await?,
    };
    let mut options = options(common, cancel);
    if !seal.source.is_dir() {
        let work = session.encrypt_file(&seal.source, &seal.target, options);
        return Ok(work.await?);
    }
    if seal.skip_links {
        options = options.skip_links();
    }
    let work = session.encrypt_folder(&seal.source, &seal.target, options);
    Ok(work.await?)
}

pub async fn open(common: &Common, open: &Open, cancel: CancelToken) -> Outcome {
    let account = home::account(common).await?;
    let options = options(common, cancel);
    let (source, target) = (&open.source, &open.target);
    if open.folder {
        account.decrypt_folder(source, target, options).await?;
    } else {
        account.decrypt_file(source, target, options).await?;
    }
    Ok(())
}

/// Counts what is read of a file.
struct Counted(File, Arc<AtomicU64>);

impl io::Read for Counted {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let len = self.0.read(out)?;
        self.1.fetch_add(len as u64, Ordering::Relaxed);
        Ok(len)
    }
}

impl Seek for Counted {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

pub async fn read(common: &Common, read: &Read, cancel: CancelToken) -> Outcome {
    let account = home::account(common).await?;
    let count = Arc::new(AtomicU64::new(0));
    let source = Counted(File::open(&read.envelope)?, count.clone());
    let opening = account.decrypt_seeker(source, options(common, cancel));
    let mut data = opening.await?;
    data.seek(SeekFrom::Start(read.offset))?;
    let mut data = data.take(read.length.unwrap_or(u64::MAX));
    let (mut buffer, mut out) = (vec![0; 1 << 20], io::stdout().lock());
    loop {
        let len = data
            .read(&mut buffer)
            .map_err(|error| plico::Error::from_io(&error))?;
        if len == 0 {
            break;
        }
        out.write_all(&buffer[..len])?;
    }
    out.flush()?;
    if read.count {
        let count = count.load(Ordering::Relaxed);
        writeln!(io::stderr(), "{count} bytes of the envelope were read")?;
    }
    Ok(())
}

pub async fn list(common: &Common, envelope: &Path, cancel: CancelToken) -> Outcome {
    let account = home::account(common).await?;
    let folder = account
        .open_folder(envelope, options(common, cancel))
        .await?;
    for member in folder.members() {
        let mark = if member.is_folder { "/" } else { "" };
        // A name may hold what a terminal would obey.
        let path = member.path.escape_debug();
        say(&format!("{:>15}  {path}{mark}", member.size))?;
    }
    Ok(())
}

pub async fn extract(common: &Common, extract: &Extract, cancel: CancelToken) -> Outcome {
    let account = home::account(common).await?;
    let opening = account.open_folder(&extract.envelope, options(common, cancel.clone()));
    let folder = opening.await?;
    let work = folder.extract(&extract.member, &extract.target, options(common, cancel));
    Ok(work.await?)
}
