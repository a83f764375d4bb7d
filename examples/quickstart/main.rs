//! The README's quick start, as a program. Start `plico-directory dev`, then run
//! it with the PLICO_DIRECTORY and the PLICO_TENANT that are printed there:
//!
//! `cargo run --example quickstart`

mod backend;

use backend::{sign_up, store_key, token};

// begin quick start
use plico::{AccountOptions, Context, Grant, Plico, Recipient, RegisterOptions};
use std::time::{Duration, SystemTime};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::var("PLICO_DIRECTORY")?;
    let plico = Plico::open(&directory, &std::env::var("PLICO_TENANT")?).await?; // one per process
    let store = AccountOptions::on_disk("dr-a.plicostore", store_key()?);
    let account = plico.account(store).await?; // one per identity

    // Your backend knows who has signed in, and signs a token for the new identity.
    let dr_a = RegisterOptions::new("dr.a", |request| token("dr.a", request.identity_id));
    account.register(dr_a).await?;
    sign_up(&plico, ["patient.7", "insurer.3"]).await?; // as they do on their own devices

    let patient = Recipient::user("patient.7");
    let session = account.create_session([patient]).await?;
    let place = Context::fields([("table", "notes".into()), ("row", 42.into())])?;
    let note = "blood pressure 120/80";
    let sealed = session.encrypt(note, Some(&place)).await?;

    let insurer = Recipient::user("insurer.3");
    let in_30_days = SystemTime::now() + Duration::from_secs(30 * 24 * 3600);
    let reading = Grant::read().until(in_30_days);
    session.grant(insurer.clone(), reading).await?;
    session.revoke(insurer).await?;

    let opened = account.decrypt(&sealed, Some(&place)).await?; // finds the session itself
    println!("{}", String::from_utf8_lossy(opened.bytes()));
    Ok(())
}
// end quick start
