//! The patient's phone is lost, and a piece of paper brings everything back.

use crate::backend::{Clinic, Result};
use crate::story::{chapter, check, refused, say};
use plico::http::HttpTransport;
use plico::store::MemoryStore;
use plico::{Account, EncryptionSession, ErrorCode, RecoveryKey};
use std::sync::Arc;
use std::time::Duration;

/// What the patient writes down on the first day.
pub async fn write_words_down(patient: &Account) -> Result<String> {
    chapter("The patient writes 24 words on a piece of paper.");
    let key = RecoveryKey::generate();
    let words = key.words().to_string();
    // Shown first, set then: there is never a key that nobody has.
    let mut shown = words.split(' ');
    say(&format!(
        "{} {} … {}",
        shown.next().unwrap_or_default(),
        shown.next().unwrap_or_default(),
        shown.next_back().unwrap_or_default()
    ));
    patient.set_recovery_key(&key, None).await?;
    say("The directory has heard of a public key, and of nothing else.");
    Ok(words)
}

/// The phone is gone; `letter` was written for the patient before.
pub async fn lose_the_phone(
    clinic: &Clinic,
    phone: &Account,
    words: &str,
    session: &EncryptionSession,
    letter: &[u8],
) -> Result<Account> {
    chapter("The patient's phone is stolen. The words are typed into a new one.");
    let http = Arc::new(HttpTransport::new()?);
    let new = clinic.again(http, Arc::new(MemoryStore::new())).await?;
    let (_, rest) = words.split_once(' ').unwrap_or((words, ""));
    say("With one word misspelt, and with one left out:");
    for wrong in [&format!("xylophone {rest}"), rest] {
        refused(
            RecoveryKey::from_words(wrong),
            ErrorCode::RecoveryWordsInvalid,
        )?;
    }
    // A wrong word that is of the list escapes the words' checksum once in 256
    // times. The directory knows no such recovery key then.
    say("With words that belong together, and to nobody here:");
    let foreign = RecoveryKey::generate();
    refused(
        new.recover(&foreign).await.map(drop),
        ErrorCode::RecoveryKeyUnknown,
    )?;
    say("As they were written down:");
    let key = RecoveryKey::from_words(words)?;
    new.recover(&key).await?;
    let opened = new.decrypt(letter, None).await?;
    check(
        opened.bytes() == b"The second opinion.",
        "the letter differs",
    )?;
    say("✓ Everything is back: the new phone reads what was written for the old one.");
    let fresh = session.max_staleness(Duration::ZERO);
    let news = fresh.encrypt("The third opinion.", None).await?;
    new.decrypt(&news, None).await?;
    say("The thief tries the old one, and tries to set other words:");
    refused(phone.decrypt(&news, None).await, ErrorCode::DeviceRevoked)?;
    refused(
        phone.set_recovery_key(&RecoveryKey::generate(), None).await,
        ErrorCode::DeviceRevoked,
    )?;
    say("✓ It opens nothing new, and has no say any more.");
    Ok(new)
}
