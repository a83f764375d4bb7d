//! The laboratory's importer runs on a server: it has no identity and no key, and
//! seals each result for the patient and the practice.

use crate::backend::{Clinic, Result};
use crate::story::{chapter, check, refused, say};
use plico::http::HttpTransport;
use plico::{Account, Context, ErrorCode, Group, Recipient, SealOptions, WrittenBy};
use std::sync::Arc;

pub async fn import_a_result(
    clinic: &Clinic,
    patient: (&Account, &str),
    practice: &Group,
    nurse: &Account,
    locum: &Account,
) -> Result<()> {
    chapter("A result comes in from the laboratory, at night, by a program on a server.");
    let (patient, name) = patient;
    let importer = clinic.service(Arc::new(HttpTransport::new()?)).await?;
    let place = Context::fields([("table", "results".into()), ("row", 7.into())])?;
    let readers = [Recipient::user(name), Recipient::group(practice.id())];
    let options = SealOptions::new().context(place.clone());
    let result = importer
        .seal_for(readers, "Haemoglobin 13.2 g/dl.", options)
        .await?
        .bytes;
    say(&format!(
        "{} bytes are sealed for the patient and the practice. The server has no key to open them.",
        result.len()
    ));
    for (who, account) in [("patient", patient), ("nurse", nurse)] {
        let opened = account.open_sealed(&result, Some(&place)).await?;
        check(
            opened.bytes() == b"Haemoglobin 13.2 g/dl.",
            "the result differs",
        )?;
        check(
            opened.written_by() == WrittenBy::Unsigned,
            "somebody has signed",
        )?;
        say(&format!("✓ The {who} reads it."));
    }
    say("The locum, who has left the practice, tries it:");
    refused(
        locum.open_sealed(&result, Some(&place)).await,
        ErrorCode::NotAllowed,
    )
}
