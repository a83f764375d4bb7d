//! Making a session through the SDK, against the cryptography that it can't do without.

use crate::wraps::RawSealer;
use ed25519_dalek::{Signer as _, SigningKey};
use plico::testing::TestDirectory;
use plico::{EncryptionSession, Recipient};
use plico_benches::Effort;
use plico_benches::measure::{Outcome, Show, compare, each, head, line};
use std::time::Instant;

pub fn run(effort: Effort) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let sizes = effort.sizes(&[1, 10, 100, 1_000]);
    let most = sizes.iter().copied().max().unwrap_or(1);
    head(
        "Session creation",
        "one HPKE seal for each recipient and the owner, and one Ed25519 signature",
    );
    let directory = runtime.block_on(TestDirectory::start())?;
    let owner = runtime.block_on(directory.person("owner"))?;
    let mut everybody = Vec::new();
    for number in 0..most {
        let name = format!("user.{number}");
        runtime.block_on(directory.person(&name))?;
        everybody.push(Recipient::user(name));
    }
    let raw = RawSealer::new(most + 1)?;
    let key = SigningKey::from_bytes(&[5; 32]);
    let mut notes = Vec::new();
    for size in sizes {
        let recipients = &everybody[..size];
        let create = || -> Outcome<EncryptionSession> {
            let session = owner.account().create_session(recipients.to_vec());
            Ok(runtime.block_on(session)?)
        };
        let count = u32::try_from((100 / size).clamp(1, 10))?;
        // The first time, the recipients' chains are fetched and verified.
        let sent = owner.connection().requests();
        let start = Instant::now();
        create()?;
        let (first, requests) = (start.elapsed(), owner.connection().requests() - sent);
        let compared = compare(
            effort.rounds(if size >= 1_000 { 11 } else { 31 }),
            || each(count, create),
            || {
                each(count, || {
                    raw.seal(size + 1)?;
                    Ok(key.sign(&vec![3; 300 + 150 * size]))
                })
            },
        )?;
        let sent = owner.connection().requests();
        create()?;
        let again = owner.connection().requests() - sent;
        let recipients = if size == 1 { "recipient" } else { "recipients" };
        line(&format!("{size} {recipients}"), Show::Time, &compared);
        notes.push(format!(
            "- {size} {recipients}: {:.1} ms and {requests} requests the first time; {again} requests from then on",
            first.as_secs_f64() * 1e3
        ));
    }
    println!("\n{}\n", notes.join("\n"));
    Ok(())
}
