//! The story. Every sentence that it prints is something that has just happened.

use crate::backend::{Clinic, Result};
use crate::lost_phone::{lose_the_phone, write_words_down};
use crate::practice::staff_the_practice;
use crate::wires::{KeySwapper, Recorder};
use plico::http::HttpTransport;
use plico::store::MemoryStore;
use plico::{Account, AccountOptions, Context, ErrorCode, FileOptions, Grant, Plico, Recipient};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

const DOCTOR: &str = "dr.a";
pub const PATIENT: &str = "patient.7";
const INSURER: &str = "insurer.3";
const THIEF: &str = "mallory";

pub fn say(text: &str) {
    println!("  {text}");
}

pub fn chapter(title: &str) {
    println!("\n{title}");
}

fn sha256(path: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    let mut file = std::fs::File::open(path)?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        let count = std::io::Read::read(&mut file, &mut buffer)?;
        if count == 0 {
            return Ok(hex::encode(hash.finalize()));
        }
        hash.update(&buffer[..count]);
    }
}

/// What is to fail must fail, and with this code.
pub fn refused<T>(result: plico::Result<T>, code: ErrorCode) -> Result<()> {
    match result {
        Err(error) if error.code() == code => {
            say(&format!("✗ {error}"));
            Ok(())
        }
        Err(error) => Err(format!("expected {code}, got {error}").into()),
        Ok(_) => Err(format!("expected {code}, but it went through").into()),
    }
}

pub fn check(holds: bool, what: &str) -> Result<()> {
    if holds {
        Ok(())
    } else {
        Err(what.to_owned().into())
    }
}

fn sample(path: &Path) -> Result<()> {
    use std::io::Write as _;
    let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
    writeln!(file, "Continuous monitoring, ward 3, bed 2")?;
    for minute in 0..120_000u32 {
        let (pulse, pressure) = (60 + minute % 23, 110 + minute % 17);
        writeln!(
            file,
            "minute {minute:06}: pulse {pulse}, systolic {pressure}"
        )?;
    }
    Ok(())
}

pub async fn tell(file: Option<PathBuf>) -> Result<()> {
    let began = Instant::now();
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name);

    chapter("A key directory opens, on this machine.");
    let clinic = Clinic::open(&at("directory.sqlite")).await?;
    say(&format!(
        "It listens on {} and keeps its database in a temporary folder.",
        clinic.url
    ));
    say(&format!(
        "The clinic is its tenant {}…",
        &clinic.tenant[..12]
    ));

    chapter("Four people, who have never met, make their keys on their own devices.");
    let doctor = clinic.person(DOCTOR).await?;
    let patient = clinic.person(PATIENT).await?;
    let recorder = Recorder::new(HttpTransport::new()?);
    let insurer_store = Arc::new(MemoryStore::new());
    let insurer = clinic
        .person_with(INSURER, recorder.clone(), insurer_store.clone())
        .await?;
    clinic.person(THIEF).await?;
    for name in [DOCTOR, PATIENT, INSURER, THIEF] {
        say(&format!(
            "{name} is registered; the clinic's backend vouches for the name."
        ));
    }

    let words = write_words_down(&patient).await?;

    let record = match file {
        Some(path) if path.is_file() => path,
        Some(path) => return Err(format!("{} is not a file", path.display()).into()),
        None => {
            sample(&at("record.txt"))?;
            at("record.txt")
        }
    };
    let original = sha256(&record)?;
    let size = std::fs::metadata(&record)?.len();

    chapter("The doctor encrypts a record for the patient.");
    let session = doctor.create_session([Recipient::user(PATIENT)]).await?;
    let stored = at("record.plico");
    let place = Context::fields([("table", "records".into()), ("row", 7.into())])?;
    let options = || FileOptions::new().context(place.clone());
    let started = Instant::now();
    session.encrypt_file(&record, &stored, options()).await?;
    let sealed_in = started.elapsed();
    let ciphertext = sha256(&stored)?;
    say(&format!(
        "{size} bytes are sealed in {:.0} ms.",
        sealed_in.as_secs_f64() * 1000.0
    ));
    say(&format!(
        "The stored ciphertext's SHA-256 is {}…",
        &ciphertext[..16]
    ));

    chapter("The patient opens it, on another device.");
    patient
        .decrypt_file(&stored, at("patient.txt"), options())
        .await?;
    check(
        sha256(&at("patient.txt"))? == original,
        "the patient's copy differs",
    )?;
    say("✓ Byte for byte what the doctor wrote.");

    chapter("The insurer has a copy of the ciphertext, and no right.");
    refused(
        insurer.decrypt_file(&stored, at("none"), options()).await,
        ErrorCode::SessionNotFound,
    )?;

    chapter("The doctor grants the insurer to read, for 30 days.");
    let end = SystemTime::now() + Duration::from_secs(30 * 24 * 3600);
    session
        .grant(Recipient::user(INSURER), Grant::read().until(end))
        .await?;
    list(&session).await?;
    // A second start of the insurer's program, on the same keys.
    let insurer = clinic
        .again(recorder.clone(), insurer_store.clone())
        .await?;
    insurer
        .decrypt_file(&stored, at("insurer.txt"), options())
        .await?;
    check(
        sha256(&at("insurer.txt"))? == original,
        "the insurer's copy differs",
    )?;
    // It asks for news, and keeps that answer, too.
    insurer.session(session.id()).refresh().await?;
    say("✓ The insurer opens the record. Nothing was encrypted anew.");

    chapter("The doctor takes the right back.");
    session.revoke(Recipient::user(INSURER)).await?;
    list(&session).await?;
    // It asks right away; otherwise what it knew before counts for five minutes.
    let next = clinic
        .again(Arc::new(HttpTransport::new()?), insurer_store.clone())
        .await?
        .max_staleness(Duration::ZERO);
    refused(
        next.decrypt_file(&stored, at("none"), options()).await,
        ErrorCode::AccessRevoked,
    )?;

    chapter("A second document is written after that.");
    let letter = session.encrypt("The second opinion.", None).await?;
    let opened = patient.decrypt(&letter, None).await?;
    check(
        opened.bytes() == b"The second opinion.",
        "the letter differs",
    )?;
    say("✓ The patient reads it.");
    say("The insurer kept every byte that it ever had, and plays it back to itself:");
    let hoarder = clinic.again(recorder.cut_off(), insurer_store).await?;
    hoarder
        .decrypt_file(&stored, at("hoard.txt"), options())
        .await?;
    say("  the first record opens still: a key that was fetched can't be un-fetched.");
    say("  The second one does not; its key was never there:");
    refused(
        hoarder.decrypt(&letter, None).await,
        ErrorCode::SessionBehindEnvelope,
    )?;

    let patient = lose_the_phone(&clinic, &patient, &words, &session, &letter).await?;
    staff_the_practice(&clinic, &doctor, &patient).await?;

    chapter("What somebody with access to the database might try:");
    fields(&session, &patient).await?;
    damage(&patient, &stored, &at("damaged.plico"), &at("none"), &place).await?;
    check(
        !at("none").exists(),
        "an unauthenticated file was left behind",
    )?;
    say("✓ In none of these cases was anything written.");

    chapter("What a directory might try: it gives the doctor the thief's key for the patient's.");
    lie(&clinic).await?;

    chapter("And the stored ciphertext?");
    check(sha256(&stored)? == ciphertext, "the ciphertext has changed")?;
    say(&format!(
        "✓ SHA-256 {}… as at the beginning.",
        &ciphertext[..16]
    ));
    clinic.close().await?;
    println!("\nAll of this took {:.1} s.", began.elapsed().as_secs_f64());
    Ok(())
}

async fn list(session: &plico::EncryptionSession) -> Result<()> {
    say("Who may read:");
    for recipient in session.recipients().await? {
        let until = match recipient
            .expires_at
            .map(|at| at.duration_since(SystemTime::now()))
        {
            Some(Ok(left)) => format!(", for {} more days", left.as_secs().div_ceil(24 * 3600)),
            Some(Err(_)) => ", no more".to_owned(),
            None => String::new(),
        };
        let name = recipient.user_id.as_deref().unwrap_or("(nameless)");
        say(&format!("  {name}: {:?}{until}", recipient.rights));
    }
    Ok(())
}

async fn fields(session: &plico::EncryptionSession, patient: &Account) -> Result<()> {
    let row = |number: i64| Context::fields([("table", "labs".into()), ("row", number.into())]);
    let first = session.encrypt_text("HIV negative", Some(&row(1)?)).await?;
    let second = session.encrypt_text("HIV positive", Some(&row(2)?)).await?;
    let read = patient.decrypt_text(&first, Some(&row(1)?)).await?;
    check(read == "HIV negative", "the field differs")?;
    say("Two fields are swapped between rows:");
    refused(
        patient.decrypt_text(&second, Some(&row(1)?)).await,
        ErrorCode::ContextMismatch,
    )?;
    refused(
        patient.decrypt_text(&first, Some(&row(2)?)).await,
        ErrorCode::ContextMismatch,
    )
}

async fn damage(
    patient: &Account,
    stored: &Path,
    damaged: &Path,
    none: &Path,
    place: &Context,
) -> Result<()> {
    let options = || FileOptions::new().context(place.clone());
    let whole = std::fs::read(stored)?;
    let mut bytes = whole.clone();
    // Behind header (26), salt and commitment (56): in the middle of what is encrypted.
    let middle = 82 + (bytes.len() - 82) / 2;
    bytes[middle] ^= 1;
    std::fs::write(damaged, &bytes)?;
    say("One bit is turned over:");
    refused(
        patient.decrypt_file(damaged, none, options()).await,
        ErrorCode::EnvelopeDamaged,
    )?;
    // At the end of a chunk: whatever is left is authentic.
    let chunks = (whole.len() - 26 - 56) / 16_400;
    std::fs::write(damaged, &whole[..26 + 56 + chunks * 16_400])?;
    say("The file is cut at the end of a chunk:");
    refused(
        patient.decrypt_file(damaged, none, options()).await,
        ErrorCode::EnvelopeTruncated,
    )
}

async fn lie(clinic: &Clinic) -> Result<()> {
    let http = HttpTransport::new()?;
    let liar = KeySwapper {
        http,
        victim: PATIENT.into(),
        thief: THIEF.into(),
    };
    let store = Arc::new(MemoryStore::new());
    let cautious = clinic.person_with("dr.b", Arc::new(liar), store).await?;
    let both = [Recipient::user(PATIENT), Recipient::user(THIEF)];
    refused(
        cautious.create_session(both).await,
        ErrorCode::AttestationInvalid,
    )?;
    say("✓ Not one key was wrapped for the thief.");
    Ok(())
}

/// A program that starts (again) on keys that it has.
impl Clinic {
    pub async fn again(
        &self,
        transport: Arc<dyn plico::ports::Transport>,
        store: Arc<MemoryStore>,
    ) -> Result<Account> {
        let plico = Plico::builder(&self.url, &self.tenant)
            .transport(transport)
            .open()
            .await?;
        Ok(plico.account(AccountOptions::with_store(store)).await?)
    }
}
