//! What each verb does.

mod account;
mod group;
mod identity;
mod many;
mod payloads;
mod session;

use crate::compare;
use crate::file::Step;
use crate::value;
use crate::world::{Outcome, World};
use plico::{
    AccountOptions, CancelToken, Error, FileKey, FileOptions, Plico, RecoveryKey, StoreKey,
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

/// When a call is cancelled that waits for another program.
const AFTER: Duration = Duration::from_millis(4_000);

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

    /// The bytes, if there are some.
    fn maybe_bytes(&self, name: &str) -> Result<Option<Vec<u8>>, Failed> {
        let bytes = self.args.get(name).map(|it| self.world.bytes(it));
        Ok(bytes.transpose()?)
    }

    fn text(&self, name: &str) -> Result<String, Failed> {
        Ok(self.world.text(self.arg(name)?)?)
    }

    fn path(&self, name: &str) -> Result<PathBuf, Failed> {
        Ok(self.world.path(&self.text(name)?)?)
    }

    fn flag(&self, name: &str) -> bool {
        self.args
            .get(name)
            .and_then(Value::as_bool)
            .unwrap_or(false)
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

    /// What protects an identity file or a backup.
    fn key(&self) -> Result<FileKey, Failed> {
        let of = self.arg("key")?;
        if let Some(text) = of.get("passphrase") {
            return Ok(FileKey::passphrase(&self.world.text(text)?));
        }
        let secret = of.get("host_secret");
        let secret = secret.ok_or("a key has `passphrase` or `host_secret`")?;
        Ok(FileKey::host_secret(&self.world.bytes(secret)?)?)
    }

    fn recovery_key(&self, name: &str) -> Result<RecoveryKey, Failed> {
        Ok(RecoveryKey::from_words(&self.text(name)?)?)
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
            Some("after") => {
                let cancel = given.cancel.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(AFTER).await;
                    cancel.cancel();
                });
            }
            Some(_) => return Err("`cancel` is \"before\" or \"after\"".into()),
        }
        let work = async {
            Ok(match &step.on {
                None => free(&step.verb, &given).await,
                Some(name) => match self.named(name)? {
                    Outcome::Plico(it) => on_plico(&step.verb, it, &given).await,
                    Outcome::Account(it) => account::perform(&step.verb, it, &given).await,
                    Outcome::Session(it) => session::perform(&step.verb, it, &given).await,
                    Outcome::Group(it) => group::perform(&step.verb, it, &given).await,
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
        "generate_words" => Ok(Outcome::Text(RecoveryKey::generate().words().to_string())),
        "open_offline_file" => open_offline_file(given).await,
        "write_file" => {
            given
                .world
                .write(&given.text("path")?, &given.bytes("data")?)?;
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

async fn open_offline_file(given: &Given<'_>) -> Done {
    let (file, identity) = (given.bytes("file")?, given.bytes("identity")?);
    let (key, context) = (given.key()?, given.world.context(given.args)?);
    let opened = plico::open_offline_file(&file, &identity, &key, context.as_ref()).await?;
    match compare::recent(opened.as_of) {
        true => Ok(Outcome::Opened(opened.content)),
        false => Err("a time is far from now".into()),
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
