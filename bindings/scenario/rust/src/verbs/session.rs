//! Verbs on a session.

use super::{Done, Failed, Given, payloads, unknown};
use crate::world::Outcome;
use plico::{EncryptionSession, RevokeOptions};

pub async fn perform(verb: &str, session: &EncryptionSession, given: &Given<'_>) -> Done {
    Ok(match verb {
        "session_id" => Outcome::Text(session.id().to_string()),
        "missing_recipients" => Outcome::Texts(session.missing_recipients().to_vec()),
        "offline" => Outcome::Session(session.offline()),
        "max_staleness" => {
            Outcome::Session(session.max_staleness(given.ms("ms").unwrap_or_default()))
        }
        "encrypt" => {
            let context = given.world.context(given.args)?;
            let data = given.bytes("data")?;
            Outcome::Bytes(session.encrypt(&data, context.as_ref()).await?)
        }
        "encrypt_text" => {
            let context = given.world.context(given.args)?;
            let text = given.text("text")?;
            Outcome::Text(session.encrypt_text(&text, context.as_ref()).await?)
        }
        "decrypt" => {
            let context = given.world.context(given.args)?;
            let envelope = given.bytes("envelope")?;
            Outcome::Opened(session.decrypt(&envelope, context.as_ref()).await?)
        }
        "decrypt_text" => {
            let context = given.world.context(given.args)?;
            let text = given.text("text")?;
            Outcome::Text(session.decrypt_text(&text, context.as_ref()).await?)
        }
        "recipients" => Outcome::Recipients(session.recipients().await?),
        "metadata" => match session.metadata().await? {
            Some(bytes) => Outcome::Bytes(bytes),
            None => Outcome::Nothing,
        },
        _ => {
            change_session(verb, session, given).await?;
            Outcome::Nothing
        }
    })
}

/// The verbs that give nothing.
async fn change_session(
    verb: &str,
    session: &EncryptionSession,
    given: &Given<'_>,
) -> Result<(), Failed> {
    let done = match verb {
        "encrypt_stream" => return payloads::encrypt_stream(session, given).await,
        "encrypt_file" => {
            let (source, target) = (given.path("source")?, given.path("target")?);
            session
                .encrypt_file(source, target, given.file_options()?)
                .await
        }
        "decrypt_file" => {
            let (source, target) = (given.path("source")?, given.path("target")?);
            session
                .decrypt_file(source, target, given.file_options()?)
                .await
        }
        "grant" => {
            let to = given.world.recipient(given.arg("to")?)?;
            session.grant(to, given.grant()?).await
        }
        "revoke" => {
            let from = given.world.recipient(given.arg("from")?)?;
            let options = if given.flag("cascade") {
                RevokeOptions::cascade()
            } else {
                RevokeOptions::default()
            };
            session.revoke_with(from, options).await
        }
        "leave" => session.leave().await,
        "rotate" => session.rotate().await,
        "refresh" => session.refresh().await,
        "forget" => session.forget().await,
        "end" => session.end().await,
        "set_metadata" => session.set_metadata(&given.bytes("data")?).await,
        _ => return unknown(verb, "a session").map(drop),
    };
    Ok(done?)
}
