//! Verbs on a session.

use super::{Done, Failed, Given, many, payloads, unknown};
use crate::compare;
use crate::world::Outcome;
use plico::{Access, EncryptionSession, MemberId, RevokeOptions};

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
        "encrypt_signed" => {
            let context = given.world.context(given.args)?;
            let data = given.bytes("data")?;
            let signed = session.encrypt_signed(&data, context.as_ref()).await?;
            let path = given.text("signature")?;
            given.world.write(&path, &signed.signature)?;
            Outcome::Bytes(signed.envelope)
        }
        "sign" => {
            let context = given.world.context(given.args)?;
            let envelope = given.bytes("envelope")?;
            Outcome::Bytes(session.sign(&envelope, context.as_ref()).await?)
        }
        "decrypt_signed" => {
            let context = given.world.context(given.args)?;
            let (envelope, signature) = (given.bytes("envelope")?, given.maybe_bytes("signature")?);
            let opened = session.decrypt_signed(&envelope, signature.as_deref(), context.as_ref());
            let (content, by) = opened.await?;
            Outcome::Signed(content, by)
        }
        "who_may_read" => {
            let list = session.who_may_read().await?;
            if !compare::recent(list.as_of) {
                return Err("a time is far from now".into());
            }
            let people = list.may_read.iter();
            let people = people.filter(|it| matches!(it.who, MemberId::Identity(_)));
            let line = |it: &Access| {
                let user_id = it.user_id.as_deref().unwrap_or_default();
                format!("{user_id} {}", it.path.len())
            };
            Outcome::Set(people.map(line).collect())
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
        "set_tag" | "tag" | "set_expiry" | "ends" | "grant_all" | "revoke_all" => {
            many::on_session(verb, session, given).await?
        }
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
