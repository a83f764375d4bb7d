//! Verbs about many at once, and about what a session is called and when it ends.

use super::{Done, Failed, Given, account, unknown};
use crate::value;
use crate::world::Outcome;
use plico::{Account, EncryptionSession, Expiry, Grant, Recipient, RevokeOptions};
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// "ok", or the error's code.
fn words<T>(results: Vec<plico::Result<T>>) -> Outcome {
    let word = |result: plico::Result<T>| match result {
        Ok(_) => "ok".to_owned(),
        Err(error) => error.code().to_string(),
    };
    Outcome::Texts(results.into_iter().map(word).collect())
}

fn list<'a>(given: &'a Given<'_>, name: &str) -> Result<&'a Vec<Value>, Failed> {
    let list = given.arg(name)?.as_array();
    Ok(list.ok_or("a list was expected")?)
}

pub async fn on_account(verb: &str, account: &Account, given: &Given<'_>) -> Done {
    Ok(match verb {
        "sessions_tagged" => {
            let tag = given.text("tag")?;
            Outcome::Set(account::texts(&account.sessions_tagged(&tag, None).await?))
        }
        "create_sessions" => {
            let mut sessions = Vec::new();
            for of in list(given, "sessions")? {
                let of = of.as_object().ok_or("an object was expected")?;
                sessions.push(account::session_options(given, of)?);
            }
            words(account.create_sessions(sessions).await?)
        }
        _ => return unknown(verb, "an account"),
    })
}

pub async fn on_session(verb: &str, session: &EncryptionSession, given: &Given<'_>) -> Done {
    Ok(match verb {
        "set_tag" => {
            let tag = match given.arg("tag")? {
                Value::Null => None,
                _ => Some(given.text("tag")?),
            };
            session.set_tag(tag.as_deref()).await?;
            Outcome::Nothing
        }
        "tag" => match session.tag().await? {
            Some(tag) => Outcome::Text(tag),
            None => Outcome::Nothing,
        },
        "set_expiry" => {
            let in_s = given.number("in_s").map(Duration::from_secs);
            let idle_s = given.number("idle_s").map(Duration::from_secs);
            let at = in_s.map(|it| Expiry::at(SystemTime::now() + it));
            let mut expiry = at.unwrap_or_default();
            if let Some(idle) = idle_s {
                expiry = expiry.or_after_idle(idle);
            }
            session.set_expiry(expiry).await?;
            Outcome::Nothing
        }
        "ends" => Outcome::Flag(session.ends_at().await?.is_some()),
        "grant_all" => {
            let mut recipients: Vec<(Recipient, Grant)> = Vec::new();
            for of in list(given, "recipients")? {
                let grant = value::grant(of.get("rights"), of.get("expires_in_ms"))?;
                recipients.push((given.world.recipient(of)?, grant));
            }
            words(session.grant_all(&recipients).await?)
        }
        "revoke_all" => {
            let recipients = list(given, "recipients")?.iter();
            let recipients = recipients.map(|of| given.world.recipient(of));
            let recipients = recipients.collect::<Result<Vec<Recipient>, _>>()?;
            let options = RevokeOptions::default();
            words(session.revoke_all(&recipients, options).await?)
        }
        _ => return unknown(verb, "a session"),
    })
}
