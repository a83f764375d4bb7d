//! `plico-directory tenant …`.

use crate::args::Tenant;
use crate::{Failure, print};
use plico_directory::storage::Storage as _;
use plico_directory::storage::sqlite::SqliteStorage;
use plico_directory::{Clock, admin, key_file};
use plico_protocol::chain::Replay as _;
use plico_protocol::format::bodies::TenantPolicy;
use plico_protocol::format::ids::{ChainId, KeyId};
use plico_protocol::identity::service::ServiceToken;
use plico_protocol::wire::b64;
use std::path::Path;

/// A database that is there.
async fn open(path: &Path) -> Result<SqliteStorage, Failure> {
    if !path.exists() {
        return Err(format!("there is no database {}", path.display()).into());
    }
    Ok(SqliteStorage::open(path).await?)
}

pub async fn run(command: Tenant) -> Result<(), Failure> {
    let clock = Clock::system();
    match command {
        Tenant::Create {
            database,
            enrolment_key,
            name,
        } => {
            let storage = SqliteStorage::open(&database).await?;
            let (key, is_new) = key_file::read_or_create(&enrolment_key)?;
            let id = admin::create_tenant(&storage, &name, &key, &clock).await?;
            if is_new {
                tracing::info!(
                    "made the enrolment key {}: give it to your backend and keep a copy, it is nowhere else",
                    enrolment_key.display()
                );
            }
            storage.close().await;
            print(&format!("{}\n", b64::encode(&id.0)))
        }
        Tenant::AddKey {
            database,
            tenant,
            sign_with,
            enrolment_key,
        } => {
            let storage = open(&database).await?;
            let signer = key_file::read(&sign_with)?;
            let (key, _) = key_file::read_or_create(&enrolment_key)?;
            admin::add_key(&storage, ChainId(tenant), &signer, &key, &clock).await?;
            storage.close().await;
            print(&format!("{}\n", b64::encode(&admin::key_id(&key).0)))
        }
        Tenant::RevokeKey {
            database,
            tenant,
            sign_with,
            key_id,
        } => {
            let storage = open(&database).await?;
            let signer = key_file::read(&sign_with)?;
            let (tenant, key_id) = (ChainId(tenant), KeyId(key_id));
            admin::revoke_key(&storage, tenant, &signer, key_id, &clock).await?;
            storage.close().await;
            Ok(())
        }
        Tenant::SetPolicy {
            database,
            tenant,
            sign_with,
            user_key_days,
        } => {
            let storage = open(&database).await?;
            let signer = key_file::read(&sign_with)?;
            let policy = TenantPolicy { user_key_days };
            admin::set_policy(&storage, ChainId(tenant), &signer, policy, &clock).await?;
            storage.close().await;
            Ok(())
        }
        Tenant::ServiceToken { tenant, sign_with } => {
            let key = key_file::read(&sign_with)?;
            let token = ServiceToken::read_keys(clock.now_ms());
            let token = token.sign(ChainId(tenant), admin::key_id(&key), &key);
            print(&format!("{token}\n"))
        }
        Tenant::List { database } => {
            let storage = open(&database).await?;
            let mut text = String::new();
            for tenant in admin::tenants(&storage).await? {
                let id = b64::encode(&tenant.state.id().0);
                text.push_str(format!("{id}  {}", tenant.name).trim_end());
                text.push('\n');
            }
            storage.close().await;
            print(&text)
        }
        Tenant::Show { database, tenant } => {
            let storage = open(&database).await?;
            let info = admin::tenant(&storage, ChainId(tenant)).await?;
            storage.close().await;
            print(&show(&info))
        }
    }
}

fn show(info: &admin::TenantInfo) -> String {
    let state = &info.state;
    let mut text = format!(
        "tenant         {}\nname           {}\ncreated        {} ms\nentries        {}\ndirectory key  {}\n",
        b64::encode(&state.id().0),
        info.name,
        info.created_ms,
        state.tip().head.seq + 1,
        b64::encode(&state.directory_key().id().0),
    );
    if state.policy().user_key_days > 0 {
        let days = state.policy().user_key_days;
        text.push_str(&format!("user keys      renewed after {days} days\n"));
    }
    for (id, key) in state.enrolment_keys() {
        let end = match key.revoked_ms {
            Some(ms) => format!("  revoked at {ms} ms"),
            None => String::new(),
        };
        text.push_str(&format!("enrolment key  {}{end}\n", b64::encode(&id.0)));
    }
    text
}
