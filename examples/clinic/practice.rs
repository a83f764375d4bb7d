//! The practice becomes a group; a locum joins and leaves.

use crate::backend::{Clinic, Result};
use crate::laboratory::import_a_result;
use crate::story::{PATIENT, chapter, check, refused, say};
use plico::{
    Account, ErrorCode, Grant, GroupOptions, GroupRole, Recipient, SessionOptions, WrittenBy,
};
use std::time::Duration;

const NURSE: &str = "nurse.b";
const LOCUM: &str = "locum.c";

pub async fn staff_the_practice(
    clinic: &Clinic,
    doctor: &Account,
    patient: &Account,
) -> Result<()> {
    chapter("The practice becomes a group: the doctor, and a nurse.");
    let (nurse, locum) = (clinic.person(NURSE).await?, clinic.person(LOCUM).await?);
    let options = GroupOptions::new()
        .name("the practice")
        .member(Recipient::user(NURSE), GroupRole::Member);
    let practice = doctor.create_group(options).await?;
    let to_practice =
        SessionOptions::new().recipient(Recipient::group(practice.id()), Grant::read());
    let file = patient.create_session(to_practice).await?;
    let note = file.encrypt("Allergic to penicillin.", None).await?;
    say("The patient shares a file with the practice: one wrapped key, whoever works there.");
    nurse.decrypt(&note, None).await?;
    say("✓ The nurse reads it.");
    refused(locum.decrypt(&note, None).await, ErrorCode::SessionNotFound)?;

    chapter("A locum stands in for two weeks.");
    practice
        .add(Recipient::user(LOCUM), GroupRole::Member)
        .await?;
    locum.decrypt(&note, None).await?;
    say(
        "✓ Added to the practice, the locum reads the file; the patient's session was not touched.",
    );
    let written = locum.session(file.id());
    let signed = written.encrypt_signed("Seen on Monday.", None).await?;
    let (_, by) = patient
        .decrypt_signed(&signed.envelope, Some(&signed.signature), None)
        .await?;
    let WrittenBy::Signed(writer) = by else {
        return Err("nobody has signed".into());
    };
    check(writer.user_id.as_deref() == Some(LOCUM), "another writer")?;
    say("✓ A note of the locum's bears a signature that the patient's phone verifies.");

    practice.remove(Recipient::user(LOCUM)).await?;
    let fresh = file.max_staleness(Duration::ZERO);
    let news = fresh.encrypt("Blood pressure is fine.", None).await?;
    say("The two weeks are over. What is written from now on:");
    refused(locum.decrypt(&news, None).await, ErrorCode::SessionNotFound)?;
    nurse.decrypt(&news, None).await?;
    say("✓ The nurse reads it, and who may read is there for all to see:");
    for line in file.who_may_read().await?.to_string().lines() {
        say(&format!("  {line}"));
    }
    import_a_result(clinic, (patient, PATIENT), &practice, &nurse, &locum).await
}
