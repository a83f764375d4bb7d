//! The core's side of `scripts/bench-bindings`: bytes per second through the
//! public API, one line of JSON for each measurement. A binding's program does
//! the same in its language. `throughput [FOLDER]`: where the file is made.

use plico::testing::TestDirectory;
use plico::{EncryptionSession, FileOptions, SessionOptions};
use std::error::Error;
use std::hint::black_box;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
/// What is encrypted at once, and its name.
const SIZES: [(usize, &str); 3] = [(KIB, "1 KiB"), (MIB, "1 MiB"), (16 * MIB, "16 MiB")];
const FILE: usize = 256 * MIB;
/// How long one measurement takes at least.
const TIME: Duration = Duration::from_millis(400);

fn report(what: &str, bytes: usize, took: Duration) -> Outcome<()> {
    let bytes_per_second = bytes as f64 / took.as_secs_f64();
    let line = serde_json::json!({
        "language": "core", "what": what, "bytes_per_second": bytes_per_second,
    });
    writeln!(std::io::stdout(), "{line}")?;
    Ok(())
}

/// Calls `work`, one call after the other, for at least [`TIME`]; one call
/// before does not count.
async fn repeat<T>(
    what: &str,
    size: usize,
    mut work: impl AsyncFnMut() -> plico::Result<T>,
) -> Outcome<()> {
    black_box(work().await?);
    let (start, mut bytes) = (Instant::now(), 0);
    while start.elapsed() < TIME {
        black_box(work().await?);
        bytes += size;
    }
    report(what, bytes, start.elapsed())
}

async fn bytes(session: &EncryptionSession) -> Outcome<()> {
    for (size, name) in SIZES {
        let plaintext = vec![0x5a; size];
        let encrypt = async || session.encrypt(&plaintext, None).await;
        repeat(&format!("encrypt {name}"), size, encrypt).await?;
        let envelope = session.encrypt(&plaintext, None).await?;
        let decrypt = async || session.decrypt(&envelope, None).await;
        repeat(&format!("decrypt {name}"), size, decrypt).await?;
    }
    Ok(())
}

async fn file(session: &EncryptionSession, folder: PathBuf) -> Outcome<()> {
    let folder = tempfile::tempdir_in(folder)?;
    let (source, target) = (folder.path().join("plain"), folder.path().join("sealed"));
    std::fs::write(&source, vec![0x5a; FILE])?;
    // The first one makes the pages that the second one writes to.
    for counts in [false, true] {
        let start = Instant::now();
        let options = FileOptions::new();
        session.encrypt_file(&source, &target, options).await?;
        if counts {
            report("encrypt_file 256 MiB", FILE, start.elapsed())?;
        }
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let folder = std::env::args_os().nth(1);
    let folder = folder.map_or_else(std::env::temp_dir, PathBuf::from);
    let directory = TestDirectory::start().await?;
    let person = directory.person("dr.a").await?;
    let account = person.account();
    let session = account.create_session(SessionOptions::new()).await?;
    bytes(&session).await?;
    file(&session, folder).await
}
