//! Verbs on an account that concern its identity: recovery, backups, pairing,
//! fingerprints, leaving.

use super::{Done, Given};
use crate::world::Outcome;
use plico::{Account, RecoverOptions};

pub async fn perform(verb: &str, account: &Account, given: &Given<'_>) -> Done {
    Ok(match verb {
        "name_device" => {
            let (id, name) = (given.text("id")?.parse()?, given.text("name")?);
            account.name_device(id, &name).await?;
            Outcome::Nothing
        }
        "device_names" => {
            let devices = account.devices().await?.into_iter();
            Outcome::Texts(devices.map(|it| it.name.unwrap_or_default()).collect())
        }
        "has_recovery_key" => Outcome::Flag(account.recovery_key_set_at().await?.is_some()),
        "set_recovery_key" => {
            let old = match given.args.get("old") {
                Some(_) => Some(given.recovery_key("old")?),
                None => None,
            };
            let new = given.recovery_key("words")?;
            account.set_recovery_key(&new, old.as_ref()).await?;
            Outcome::Nothing
        }
        "recover" => {
            let mut options = RecoverOptions::new();
            if given.flag("keep_devices") {
                options = options.keep_devices();
            }
            let key = given.recovery_key("words")?;
            Outcome::Text(account.recover_with(&key, options).await?.to_string())
        }
        "store_backup" => {
            account.store_backup(&given.key()?).await?;
            Outcome::Nothing
        }
        "backups" => {
            let word = |passphrase| match passphrase {
                true => "passphrase".to_owned(),
                false => "host_secret".to_owned(),
            };
            let backups = account.backups().await?;
            Outcome::Texts(backups.iter().map(|it| word(it.passphrase)).collect())
        }
        "restore_backup" => {
            let (user_id, key) = (given.text("user_id")?, given.key()?);
            Outcome::Text(account.restore_backup(&user_id, &key).await?.to_string())
        }
        "delete_backups" => {
            account.delete_backups().await?;
            Outcome::Nothing
        }
        "pairing_code" => Outcome::Text(account.pairing_code().await?),
        "join_by_pairing" => Outcome::Text(account.join_by_pairing().await?.to_string()),
        "approve_pairing" => {
            let device = account.approve_pairing(&given.text("code")?).await?;
            Outcome::Text(device.to_string())
        }
        "fingerprint" => Outcome::Text(account.fingerprint(&given.text("user_id")?).await?.digits),
        "fingerprint_to_scan" => {
            Outcome::Text(account.fingerprint(&given.text("user_id")?).await?.to_scan)
        }
        "verify_fingerprint" => {
            let (user_id, shown) = (given.text("user_id")?, given.text("shown")?);
            account.verify_fingerprint(&user_id, &shown).await?;
            Outcome::Nothing
        }
        "is_verified" => Outcome::Flag(account.is_verified(&given.text("user_id")?).await?),
        "offline_file" => Outcome::Bytes(account.offline_file(&given.bytes("envelope")?).await?),
        "delete_identity" => {
            account.delete_identity().await?;
            Outcome::Nothing
        }
        _ => return super::many::on_account(verb, account, given).await,
    })
}
