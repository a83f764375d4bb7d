//! Where the identity is kept: which directory, which tenant, and the store.
//!
//! The store's key lies beside the store, which protects it from nobody who
//! can read the folder: an app puts it into the platform's keychain.

use crate::args::{Common, Init};
use crate::{Failure, Outcome, say, write_new};
use plico::http::HttpTransport;
use plico::ports::{Method, Request, Transport as _};
use plico::{
    Account, AccountOptions, Error, ErrorCode, IdentityId, Plico, RegisterOptions, StoreKey,
};
use serde_json::{Value, json};
use std::path::Path;

const CONFIG: &str = "config.json";
const KEY: &str = "store.key";
const STORE: &str = "identity.plicostore";

pub async fn init(common: &Common, init: &Init) -> Outcome {
    std::fs::create_dir_all(&common.home)?;
    if !common.home.join(CONFIG).exists() {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        private(&common.home.join(KEY), &key)?;
        let config = json!({"directory": init.directory, "tenant": init.tenant});
        write_new(&common.home.join(CONFIG), config.to_string().as_bytes())?;
    }
    let account = account(common).await?;
    let command = init.token_command.clone();
    let (directory, tenant) = (init.directory.clone(), init.tenant.clone());
    let user_id = init.user_id.clone();
    let options = RegisterOptions::new(&init.user_id, move |request| {
        let (command, user_id) = (command.clone(), user_id.clone());
        let place = format!("{directory}/dev/tenants/{tenant}/enrolment");
        async move {
            match command {
                Some(command) => run(&command, &user_id, request.identity_id),
                None => ask(place, &user_id, request.identity_id).await,
            }
        }
    });
    let identity = account.register(options).await?;
    say(&format!("identity {identity}"))
}

/// What a command of the user's prints.
fn run(command: &str, user_id: &str, identity: IdentityId) -> plico::Result<String> {
    let failed = |why: &str| Error::new(ErrorCode::EnrolmentFailed).with_detail(why);
    let (shell, flag) = if cfg!(windows) {
        ("cmd", "/C")
    } else {
        ("sh", "-c")
    };
    let output = std::process::Command::new(shell)
        .args([flag, command])
        .env("PLICO_IDENTITY", identity.to_string())
        .env("PLICO_USER_ID", user_id)
        .stderr(std::process::Stdio::inherit())
        .output();
    let output = output.map_err(|_| failed("the command for the token did not start"))?;
    if !output.status.success() {
        return Err(failed("the command for the token has failed"));
    }
    let token = String::from_utf8(output.stdout);
    let token = token.map_err(|_| failed("the command for the token printed no text"))?;
    Ok(token.trim().to_owned())
}

/// A development directory signs tokens for anybody.
async fn ask(url: String, user_id: &str, identity: IdentityId) -> plico::Result<String> {
    let failed = |why: String| Error::new(ErrorCode::EnrolmentFailed).with_detail(why);
    let body = json!({"user_id": user_id, "identity_id": identity.to_string()});
    let request = Request {
        method: Method::Post,
        url,
        headers: vec![("content-type".into(), "application/json".into())],
        body: body.to_string().into_bytes(),
    };
    let http = HttpTransport::new().map_err(|error| failed(error.to_string()))?;
    let answer = http.send(request).await;
    let answer = answer.map_err(|error| failed(error.to_string()))?;
    let answer: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let token = answer.as_ref().and_then(|it| it["token"].as_str());
    let none = || failed("give --token-command: this is no development directory".into());
    Ok(token.ok_or_else(none)?.to_owned())
}

pub async fn account(common: &Common) -> Outcome<Account> {
    let none = |_| Failure::from("there is no identity here: see `plico-file init --help`");
    let config = std::fs::read(common.home.join(CONFIG)).map_err(none)?;
    let config: Value = serde_json::from_slice(&config)?;
    let text = |name: &str| {
        let value = config[name].as_str().map(str::to_owned);
        value.ok_or_else(|| Failure::from("config.json is damaged"))
    };
    let key = StoreKey::from_slice(&std::fs::read(common.home.join(KEY))?)?;
    let mut plico = Plico::builder(&text("directory")?, &text("tenant")?);
    if common.offline {
        plico = plico.start_offline();
    }
    let options = AccountOptions::on_disk(common.home.join(STORE), key);
    let account = plico.open().await?.account(options).await?;
    Ok(match common.offline {
        true => account.offline(),
        false => account,
    })
}

fn private(path: &Path, bytes: &[u8]) -> Outcome {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    Ok(file.sync_all()?)
}
