//! Verbs on an account.

use super::{Done, Failed, Given, payloads};
use crate::enrol;
use crate::value;
use crate::world::Outcome;
use plico::{
    Account, DeviceInfo, EncryptionSession, Error, Group, GroupId, GroupOptions, OnMissing, Page,
    RegisterOptions, SessionId, SessionOptions, Suite,
};
use serde_json::{Map, Value};

pub async fn perform(verb: &str, account: &Account, given: &Given<'_>) -> Done {
    Ok(match verb {
        "identity_id" => match account.identity_id() {
            Some(id) => Outcome::Text(id.to_string()),
            None => Outcome::Nothing,
        },
        "register" => Outcome::Text(register(account, given).await?),
        "create_session" => Outcome::Session(create_session(account, given).await?),
        "session" => {
            let id: SessionId = given.text("id")?.parse()?;
            Outcome::Session(account.session(id))
        }
        "session_of" => Outcome::Session(account.session_of(&given.bytes("envelope")?).await?),
        "offline" => Outcome::Account(account.offline()),
        "max_staleness" => {
            Outcome::Account(account.max_staleness(given.ms("ms").unwrap_or_default()))
        }
        "prefetch" => {
            let ids = given.world.texts(given.arg("ids")?)?;
            let ids = ids.iter().map(|id| id.parse());
            let ids = ids.collect::<Result<Vec<SessionId>, Error>>()?;
            let results = account.prefetch(&ids).await?;
            let word = |result: plico::Result<()>| match result {
                Ok(()) => "OK".to_owned(),
                Err(error) => error.code().to_string(),
            };
            Outcome::Texts(results.into_iter().map(word).collect())
        }
        "decrypt_stream" => payloads::decrypt_stream(account, given).await?,
        "read_range" => payloads::read_range(account, given).await?,
        "settle" => {
            let count = account.settle().await?;
            Outcome::Number(u64::try_from(count).unwrap_or(u64::MAX))
        }
        "accept_identity_change" => {
            let user_id = given.text("user_id")?;
            let id = account.accept_identity_change(&user_id).await?;
            Outcome::Text(id.to_string())
        }
        "device_id" => match account.device_id() {
            Some(id) => Outcome::Text(id.to_string()),
            None => Outcome::Nothing,
        },
        "devices" => {
            let devices = account.devices().await?;
            Outcome::Texts(devices.iter().map(word_of).collect())
        }
        "revoke_device" => {
            account.revoke_device(given.text("id")?.parse()?).await?;
            Outcome::Nothing
        }
        "rotate_user_key" => {
            account.rotate_user_key().await?;
            Outcome::Nothing
        }
        "export_identity" => Outcome::Bytes(account.export_identity(&given.key()?).await?),
        "import_identity" => {
            let (file, key) = (given.bytes("file")?, given.key()?);
            Outcome::Text(account.import_identity(&file, &key).await?.to_string())
        }
        "create_group" => Outcome::Group(create_group(account, given).await?),
        "group" => {
            let id: GroupId = given.text("id")?.parse()?;
            Outcome::Group(account.group(id))
        }
        "groups" => Outcome::Set(texts(&account.groups(None).await?)),
        "sessions_of_group" => {
            let group = given.text("group")?.parse()?;
            Outcome::Set(texts(&account.sessions_of_group(group, None).await?))
        }
        "decrypt_signed" => {
            let context = given.world.context(given.args)?;
            let (envelope, signature) = (given.bytes("envelope")?, given.maybe_bytes("signature")?);
            let opened = account.decrypt_signed(&envelope, signature.as_deref(), context.as_ref());
            let (content, by) = opened.await?;
            Outcome::Signed(content, by)
        }
        "decrypt" => {
            let context = given.world.context(given.args)?;
            let envelope = given.bytes("envelope")?;
            Outcome::Opened(account.decrypt(&envelope, context.as_ref()).await?)
        }
        "decrypt_text" => {
            let context = given.world.context(given.args)?;
            let text = given.text("text")?;
            Outcome::Text(account.decrypt_text(&text, context.as_ref()).await?)
        }
        "decrypt_file" => {
            let (source, target) = (given.path("source")?, given.path("target")?);
            let options = given.file_options()?;
            account.decrypt_file(source, target, options).await?;
            Outcome::Nothing
        }
        "close" => {
            account.close();
            Outcome::Nothing
        }
        _ => return super::identity::perform(verb, account, given).await,
    })
}

fn word_of(device: &DeviceInfo) -> String {
    let word = match device {
        DeviceInfo { revoked: true, .. } => "revoked",
        DeviceInfo { is_this: true, .. } => "this",
        _ => "active",
    };
    word.to_owned()
}

async fn register(account: &Account, given: &Given<'_>) -> Result<String, Failed> {
    let user_id = given.text("user_id")?;
    let fixed = match given.args.get("token") {
        Some(token) => Some(given.world.text(token)?),
        None => None,
    };
    let (url, name) = (given.world.enrolment_url.clone(), user_id.clone());
    let options = RegisterOptions::new(user_id, move |request| {
        let (fixed, url, name) = (fixed.clone(), url.clone(), name.clone());
        async move {
            match fixed {
                Some(token) => Ok(token),
                None => enrol::token(url, name, request.identity_id).await,
            }
        }
    });
    Ok(account.register(options).await?.to_string())
}

pub fn texts<T: ToString>(page: &Page<T>) -> Vec<String> {
    page.items.iter().map(ToString::to_string).collect()
}

async fn create_group(account: &Account, given: &Given<'_>) -> Result<Group, Failed> {
    let mut options = GroupOptions::new();
    if given.args.contains_key("name") {
        options = options.name(given.text("name")?);
    }
    let members = given.args.get("members").and_then(Value::as_array);
    for member in members.into_iter().flatten() {
        let role = value::role(member.get("role"))?;
        options = options.member(given.world.recipient(member)?, role);
    }
    if given.flag("from_now_on") {
        options = options.from_now_on();
    }
    Ok(account.create_group(options).await?)
}

async fn create_session(account: &Account, given: &Given<'_>) -> Result<EncryptionSession, Failed> {
    let options = session_options(given, given.args)?;
    Ok(account.create_session(options).await?)
}

/// How a session is made, as the members of `of` say.
pub fn session_options(
    given: &Given<'_>,
    of: &Map<String, Value>,
) -> Result<SessionOptions, Failed> {
    let recipients = of.get("recipients").and_then(Value::as_array);
    let mut options = SessionOptions::new();
    for to in recipients.ok_or("`recipients` is a list")? {
        let grant = value::grant(to.get("rights"), to.get("expires_in_ms"))?;
        options = options.recipient(given.world.recipient(to)?, grant);
    }
    if let Some(tag) = of.get("tag") {
        options = options.tag(given.world.text(tag)?);
    }
    match of.get("on_missing").and_then(Value::as_str) {
        None | Some("fail") => {}
        Some("skip") => options = options.on_missing(OnMissing::Skip),
        Some(_) => return Err("an unknown `on_missing`".into()),
    }
    if let Some(number) = of.get("suite").and_then(Value::as_u64) {
        let number = u8::try_from(number).map_err(|_| "an unknown suite")?;
        let suite = Suite::from_byte(number).map_err(|_| "an unknown suite")?;
        options = options.suite(suite);
    }
    Ok(options)
}
