//! Backups at the directory, which it can't open and does not hand out for a
//! name alone. Each is a device of its own, as an identity file is.

use super::account::{Account, AccountInner};
use super::device_draft::Draft;
use super::file_key::{FileKey, off_thread};
use super::ids::IdentityId;
use super::os_rng;
use super::own_chain::Own;
use super::saves::Saves;
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::chain::Replay as _;
use plico_protocol::format::ids::KeyId;
use plico_protocol::identity::backup::{BackupKind, BackupRoot, access_hash, device_mark};
use plico_protocol::identity::file::{FileError, IdentityFile};
use plico_protocol::wire::b64::{self, B64, B64x32};
use plico_protocol::wire::rest::{
    BackupChange, BackupFetch, BackupFound, BackupInfo, BackupUpload, Backups,
};
use std::time::{Duration, SystemTime};

/// Where a backup that is being made is written down.
fn draft_name(kind: BackupKind) -> String {
    format!("backup/{}", kind.to_u8())
}

/// What there is of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupStatus {
    /// Whether it is under a passphrase; else under a secret of the host.
    pub passphrase: bool,
    /// When it was stored, by the directory's word.
    pub stored: SystemTime,
}

impl Account {
    /// Stores a backup of this identity at the directory, protected by `key`,
    /// in place of an earlier one of the same kind: so a passphrase is changed.
    /// The earlier one is deleted, and its device revoked, so that a copy of it
    /// is worth nothing, either.
    ///
    /// Safe to call again after an error, also with another passphrase.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a passphrase of fewer than 12 characters, or when
    /// the identity has 32 devices already; `NOT_REGISTERED`; `NETWORK`.
    pub async fn store_backup(&self, key: &FileKey) -> Result<()> {
        self.inner.check_open()?;
        key.check()?;
        self.inner.while_open(self.inner.store_backup(key)).await
    }

    /// The backups that this identity has at the directory: at most one under a
    /// passphrase, and one under a secret of the host.
    ///
    /// # Errors
    /// `NOT_REGISTERED`; `NETWORK`.
    pub async fn backups(&self) -> Result<Vec<BackupStatus>> {
        let listed = async {
            let listed = self.inner.listed_backups().await?;
            let status = |it: &BackupInfo| BackupStatus {
                passphrase: it.kind == BackupKind::Passphrase.to_u8(),
                stored: SystemTime::UNIX_EPOCH + Duration::from_millis(it.stored_ms),
            };
            Ok(listed.iter().map(status).collect())
        };
        self.inner.while_open(listed).await
    }

    /// Deletes all backups of this identity at the directory, and revokes their
    /// devices: then there is none of its private keys at any server. Safe to
    /// call again after an error.
    ///
    /// # Errors
    /// `NOT_REGISTERED`; `NETWORK`, `CONFLICT` after many lost races.
    pub async fn delete_backups(&self) -> Result<()> {
        self.inner.while_open(self.inner.delete_backups()).await
    }

    /// Gets the identity of `user_id` back from its backup: this account becomes
    /// a device of it. Safe to call again after an error.
    ///
    /// The directory allows five wrong tries at once, and one more each half hour.
    ///
    /// # Errors
    /// `BACKUP_REFUSED` if there is none, or `key` is not the one that protects
    /// it; `TOO_MANY_TRIES`; `BACKUP_INVALID` if the directory gives another one
    /// than `key` protects; and as [`Self::import_identity`].
    pub async fn restore_backup(&self, user_id: &str, key: &FileKey) -> Result<IdentityId> {
        let restored = self.inner.restore_backup(user_id, key);
        self.inner.while_open(restored).await
    }
}

fn invalid(error: &FileError) -> Error {
    Error::new(ErrorCode::BackupInvalid).with_detail(error.to_string())
}

impl AccountInner {
    async fn root(&self, user_id: &str, key: &FileKey) -> Result<BackupRoot> {
        let (tenant, user_id) = (self.plico.inner.wire.tenant_id, user_id.to_owned());
        let key = key.clone();
        let derived = move || BackupRoot::derive(tenant, &user_id, key.protection());
        off_thread(derived)
            .await?
            .map_err(|error| Error::new(ErrorCode::InvalidArgument).with_detail(error.to_string()))
    }

    fn backups_path(&self) -> Result<String> {
        let id = self.registered()?.identity;
        Ok(format!("/identities/{}/backups", b64::encode(&id.0)))
    }

    async fn listed_backups(&self) -> Result<Vec<BackupInfo>> {
        let (record, path) = (self.registered()?, self.backups_path()?);
        let listed: Backups = self.plico.inner.wire.get(record.signer(), &path).await?;
        Ok(listed.backups)
    }

    async fn change_backups(&self, change: &BackupChange) -> Result<()> {
        let (record, path) = (self.registered()?, self.backups_path()?);
        let wire = &self.plico.inner.wire;
        let _: Backups = wire.post(record.signer(), &path, change).await?;
        Ok(())
    }

    /// The devices of backups, by this identity's own mark: the directory alone
    /// can't name one that is then revoked.
    async fn marked_devices(&self, listed: &[BackupInfo]) -> Result<Vec<KeyId>> {
        let mut devices = Vec::new();
        for info in listed {
            let device = KeyId(info.device.0);
            let Ok(secret) = self.user_secret(info.generation).await else {
                continue;
            };
            if device_mark(&secret, &device) == info.mark.0 {
                devices.push(device);
            }
        }
        Ok(devices)
    }

    /// Revokes those of `devices` that are still there, with one rotation.
    async fn revoke_marked(&self, devices: &[KeyId]) -> Result<()> {
        self.commit_own(|own: &mut Own<'_>| {
            for device in devices {
                if own.state.active_device(device).is_some() {
                    let draft = own.writer.revoke_device(&own.state, *device);
                    own.push(draft)?;
                }
            }
            match own.state.rotation_due() {
                true => own.rotate(),
                false => Ok(()),
            }
        })
        .await
    }

    async fn store_backup(&self, key: &FileKey) -> Result<()> {
        let _one_at_a_time = self.backing_up.lock().await;
        let record = self.registered()?;
        let root = self.root(&record.user_id, key).await?;
        let kind = root.kind();
        let name = draft_name(kind);
        // What was broken off still knows what to revoke.
        let draft = match self.begun_draft(&name).await? {
            Some(draft) => draft,
            None => {
                let mut listed = self.listed_backups().await?;
                listed.retain(|it| it.kind == kind.to_u8());
                let draft = Draft::new(self.marked_devices(&listed).await?);
                self.keep_draft(&name, &draft).await?;
                draft
            }
        };
        self.add_own_device(&draft.device).await?;
        let state = self.myself().await?;
        let (generation, _) = state.user_key();
        let secret = self.user_secret(generation).await?;
        let file = IdentityFile {
            tenant_id: state.tenant_id(),
            identity: record.identity,
            device: draft.device.clone(),
            position: state.tip().head,
            user_id: record.user_id.clone(),
        };
        let backup = root
            .seal(&file, &mut os_rng())
            .map_err(|error| invalid(&error))?;
        let device = draft.device.id();
        let put = BackupUpload {
            kind: kind.to_u8(),
            access_hash: B64x32(access_hash(root.access().expose())),
            device: B64x32(device.0),
            generation,
            mark: B64x32(device_mark(&secret, &device)),
            backup: B64(backup),
        };
        let change = BackupChange {
            put: Some(put),
            delete: Vec::new(),
        };
        self.change_backups(&change).await?;
        if !draft.old.is_empty() {
            self.revoke_marked(&draft.old).await?;
        }
        self.drop_draft(&name).await
    }

    async fn delete_backups(&self) -> Result<()> {
        let _one_at_a_time = self.backing_up.lock().await;
        let listed = self.listed_backups().await?;
        let mut devices = self.marked_devices(&listed).await?;
        let mut saves = Saves::default();
        for kind in BackupKind::ALL {
            if let Some(draft) = self.kept_draft(&draft_name(kind)).await? {
                devices.push(draft.device.id());
                devices.extend(draft.old);
                saves.delete(draft_name(kind));
            }
        }
        // First what makes them worthless: as long as they are listed, the next
        // call knows what is left to do.
        self.revoke_marked(&devices).await?;
        let change = BackupChange {
            put: None,
            delete: BackupKind::ALL.map(BackupKind::to_u8).to_vec(),
        };
        self.change_backups(&change).await?;
        self.save(saves).await.map(drop)
    }

    async fn restore_backup(&self, user_id: &str, key: &FileKey) -> Result<IdentityId> {
        let root = self.root(user_id, key).await?;
        let fetch = BackupFetch {
            user_id: user_id.to_owned(),
            kind: root.kind().to_u8(),
            access: B64x32(*root.access().expose()),
        };
        let wire = &self.plico.inner.wire;
        let found: BackupFound = wire.post_unsigned("/backups/fetch", &fetch).await?;
        let file = root
            .open(&found.backup.0)
            .map_err(|error| invalid(&error))?;
        if file.user_id != user_id {
            return Err(ErrorCode::BackupInvalid.into());
        }
        self.import(file).await
    }
}
