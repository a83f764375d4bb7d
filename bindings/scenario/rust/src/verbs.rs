//! What each verb does.

use crate::enrol;
use crate::file::Step;
use crate::value;
use crate::world::{Outcome, World};
use plico::{
    Account, AccountOptions, CancelToken, EncryptionSession, Error, ErrorCode, FileOptions,
    OnMissing, Plico, RegisterOptions, RevokeOptions, SessionId, SessionOptions, StoreKey, Suite,
};
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::time::Duration;

/// Why a step gave nothing.
pub enum Failed {
    /// Plico's own error.
    Call(Error),
    /// The step can't be done as it is written.
    Step(String),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

impl From<String> for Failed {
    fn from(why: String) -> Self {
        Self::Step(why)
    }
}

impl From<&str> for Failed {
    fn from(why: &str) -> Self {
        Self::Step(why.into())
    }
}

type Done = Result<Outcome, Failed>;

/// A step's arguments.
struct Given<'a> {
    world: &'a World,
    args: &'a Map<String, Value>,
    cancel: CancelToken,
}

impl Given<'_> {
    fn arg(&self, name: &str) -> Result<&Value, Failed> {
        let found = self.args.get(name);
        found.ok_or_else(|| Failed::Step(format!("the argument `{name}` is missing")))
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, Failed> {
        Ok(self.world.bytes(self.arg(name)?)?)
    }

    fn text(&self, name: &str) -> Result<String, Failed> {
        Ok(self.world.text(self.arg(name)?)?)
    }

    fn path(&self, name: &str) -> Result<PathBuf, Failed> {
        Ok(self.world.path(&self.text(name)?)?)
    }

    fn flag(&self, name: &str) -> bool {
        self.args.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.args.get(name).and_then(Value::as_u64)
    }

    fn ms(&self, name: &str) -> Option<Duration> {
        self.number(name).map(Duration::from_millis)
    }

    fn file_options(&self) -> Result<FileOptions, Failed> {
        let mut options = FileOptions::new().cancel(self.cancel.clone());
        if let Some(context) = self.world.context(self.args)? {
            options = options.context(context);
        }
        Ok(options)
    }

    fn grant(&self) -> Result<plico::Grant, Failed> {
        let (rights, end) = (self.args.get("rights"), self.args.get("expires_in_ms"));
        Ok(value::grant(rights, end)?)
    }
}

impl World {
    /// Does one step.
    pub async fn perform(&self, step: &Step) -> Done {
        let given = Given {
            world: self,
            args: &step.args,
            cancel: CancelToken::new(),
        };
        match step.cancel.as_deref() {
            None => {}
            Some("before") => given.cancel.cancel(),
            Some(_) => return Err("`cancel` is always \"before\"".into()),
        }
        let work = async {
            Ok(match &step.on {
                None => free(&step.verb, &given).await,
                Some(name) => match self.named(name)? {
                    Outcome::Plico(it) => on_plico(&step.verb, it, &given).await,
                    Outcome::Account(it) => on_account(&step.verb, it, &given).await,
                    Outcome::Session(it) => on_session(&step.verb, it, &given).await,
                    other => Err(Failed::Step(format!("`{name}` is {}", other.kind()))),
                },
            })
        };
        // A step that can't be done is no error of Plico's: it goes through as a value.
        let wrapped = given.cancel.run(async { Ok(work.await) }).await?;
        wrapped.and_then(|done: Done| done)
    }
}

fn unknown(verb: &str, on: &str) -> Done {
    Err(Failed::Step(format!("there is no verb `{verb}` on {on}")))
}

async fn free(verb: &str, given: &Given<'_>) -> Done {
    match verb {
        "open" => open(given).await.map(Outcome::Plico),
        "write_file" => {
            given.world.write(&given.text("path")?, &given.bytes("data")?)?;
            Ok(Outcome::Nothing)
        }
        "read_file" => Ok(Outcome::Bytes(given.world.read(&given.text("path")?)?)),
        "exists" => Ok(Outcome::Flag(given.path("path")?.exists())),
        "wait" => {
            tokio::time::sleep(given.ms("ms").unwrap_or_default()).await;
            Ok(Outcome::Nothing)
        }
        _ => unknown(verb, "nothing"),
    }
}

async fn open(given: &Given<'_>) -> Result<Plico, Failed> {
    let mut builder = Plico::builder(&given.text("directory")?, &given.text("tenant")?);
    if let Some(count) = given.number("attempts") {
        builder = builder.attempts(u32::try_from(count).unwrap_or(u32::MAX));
    }
    if let Some(time) = given.ms("request_timeout_ms") {
        builder = builder.request_timeout(time);
    }
    if let Some(age) = given.ms("max_staleness_ms") {
        builder = builder.max_staleness(age);
    }
    if given.flag("start_offline") {
        builder = builder.start_offline();
    }
    Ok(builder.open().await?)
}

async fn on_plico(verb: &str, plico: &Plico, given: &Given<'_>) -> Done {
    Ok(match verb {
        "tenant_id" => Outcome::Text(plico.tenant_id().to_string()),
        "account" => {
            let options = if given.flag("memory") {
                AccountOptions::in_memory()
            } else {
                let key = StoreKey::from_slice(&given.bytes("key")?)?;
                AccountOptions::on_disk(given.path("store")?, key)
            };
            Outcome::Account(plico.account(options).await?)
        }
        "close" => {
            plico.close();
            Outcome::Nothing
        }
        _ => return unknown(verb, "a Plico"),
    })
}

async fn on_account(verb: &str, account: &Account, given: &Given<'_>) -> Done {
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
        "settle" => {
            let count = account.settle().await?;
            Outcome::Number(u64::try_from(count).unwrap_or(u64::MAX))
        }
        "accept_identity_change" => {
            let id = account.accept_identity_change(&given.text("user_id")?);
            Outcome::Text(id.await?.to_string())
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
        _ => return unknown(verb, "an account"),
    })
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

async fn create_session(
    account: &Account,
    given: &Given<'_>,
) -> Result<EncryptionSession, Failed> {
    let recipients = given.arg("recipients")?;
    let mut options = SessionOptions::new();
    for of in recipients.as_array().ok_or("`recipients` is a list")? {
        let grant = value::grant(of.get("rights"), of.get("expires_in_ms"))?;
        options = options.recipient(given.world.recipient(of)?, grant);
    }
    match given.args.get("on_missing").and_then(Value::as_str) {
        None | Some("fail") => {}
        Some("skip") => options = options.on_missing(OnMissing::Skip),
        Some(_) => return Err("an unknown `on_missing`".into()),
    }
    if let Some(number) = given.number("suite") {
        let number = u8::try_from(number).map_err(|_| "an unknown suite")?;
        let suite = Suite::from_byte(number).map_err(|_| "an unknown suite")?;
        options = options.suite(suite);
    }
    Ok(account.create_session(options).await?)
}

async fn on_session(verb: &str, session: &EncryptionSession, given: &Given<'_>) -> Done {
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
        "encrypt_file" => {
            let (source, target) = (given.path("source")?, given.path("target")?);
            session.encrypt_file(source, target, given.file_options()?).await
        }
        "decrypt_file" => {
            let (source, target) = (given.path("source")?, given.path("target")?);
            session.decrypt_file(source, target, given.file_options()?).await
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
