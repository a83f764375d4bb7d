//! An identity as a file: written by one device, taken in by another.

use super::account::{Account, AccountInner};
use super::device_draft::Draft;
use super::file_key::{FileKey, off_thread};
use super::ids::IdentityId;
use super::os_rng;
use super::own_chain::{Own, own_draft_error};
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::chain::Replay as _;
use plico_protocol::format::codec::FormatError;
use plico_protocol::identity::draft::DeviceSecret;
use plico_protocol::identity::file::{FileError, IdentityFile};

/// Where the device of a file that is being written is kept.
const DRAFT: &str = "export";

pub(super) fn file_error(error: &FileError) -> Error {
    let code = match error {
        FileError::Format(FormatError::NeedsNewerClient(_)) => ErrorCode::NeedsNewerClient,
        FileError::Wrong => ErrorCode::WrongPassphrase,
        FileError::Protection => ErrorCode::InvalidArgument,
        _ => ErrorCode::IdentityFileInvalid,
    };
    Error::new(code).with_detail(error.to_string())
}

impl Account {
    /// This identity as a file, for another device or for a machine without a
    /// network: the way to have a copy that no server ever held. A device of its
    /// own is added to the identity for it, which [`Self::devices`] shows; to
    /// withdraw the file, [revoke](Self::revoke_device) that device.
    ///
    /// Whoever has the file and what protects it is this person until then.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a passphrase of fewer than 12 characters, or when
    /// the identity has 32 devices already; `NOT_REGISTERED`; `NETWORK`, after
    /// which the next call goes on with the same device.
    pub async fn export_identity(&self, key: &FileKey) -> Result<Vec<u8>> {
        self.inner.check_open()?;
        key.check()?;
        let exported = async {
            let inner = &self.inner;
            let _one_at_a_time = inner.backing_up.lock().await;
            let draft = match inner.begun_draft(DRAFT).await? {
                Some(draft) => draft,
                None => {
                    let draft = Draft::new(Vec::new());
                    inner.keep_draft(DRAFT, &draft).await?;
                    draft
                }
            };
            inner.add_own_device(&draft.device).await?;
            let record = inner.registered()?;
            let state = inner.myself().await?;
            let file = IdentityFile {
                tenant_id: state.tenant_id(),
                identity: record.identity,
                device: draft.device,
                position: state.tip().head,
                user_id: record.user_id.clone(),
            };
            let key = key.clone();
            let sealed = move || file.seal(key.protection(), &mut os_rng());
            let sealed = off_thread(sealed).await?;
            let file = sealed.map_err(|error| file_error(&error))?;
            inner.drop_draft(DRAFT).await?;
            Ok(file)
        };
        self.inner.while_open(exported).await
    }

    /// Becomes a device of the identity that `file` holds, with keys of its own:
    /// the file can be used again, for another one. Safe to call again with the
    /// same file after an error.
    ///
    /// # Errors
    /// `IDENTITY_FILE_INVALID`; `WRONG_PASSPHRASE`; `INVALID_ARGUMENT` for a
    /// passphrase where a secret of the host is needed, or the reverse;
    /// `ALREADY_REGISTERED` if this account has an identity; `WRONG_TENANT`;
    /// `DEVICE_REVOKED` for a file that was withdrawn; `HISTORY_SHORTENED`,
    /// `HISTORY_FORKED` if the directory shows another history than the file
    /// says; `NETWORK`.
    pub async fn import_identity(&self, file: &[u8], key: &FileKey) -> Result<IdentityId> {
        let (bytes, key) = (file.to_vec(), key.clone());
        let imported = async {
            let opened = off_thread(move || IdentityFile::open(&bytes, key.protection()));
            let file = opened.await?.map_err(|error| file_error(&error))?;
            self.inner.import(file).await
        };
        self.inner.while_open(imported).await
    }
}

impl AccountInner {
    /// Makes `device` a device of this identity.
    pub(super) async fn add_own_device(&self, device: &DeviceSecret) -> Result<()> {
        self.commit_own(|own: &mut Own<'_>| {
            if own.state.active_device(&device.id()).is_some() {
                return Ok(());
            }
            let drafted = own
                .writer
                .add_device(&own.state, device, &own.secret, &mut os_rng());
            own.push(drafted.map_err(own_draft_error)?)
        })
        .await
    }

    pub(super) async fn import(&self, file: IdentityFile) -> Result<IdentityId> {
        let _one_at_a_time = self.registering.lock().await;
        if file.tenant_id != self.plico.inner.wire.tenant_id {
            return Err(ErrorCode::WrongTenant.into());
        }
        let newcomer = self.newcomer(file.identity, &file.user_id).await?;
        let trial = self.act_as(&newcomer, file.device);
        let state = self.myself().await?;
        match state.hash_at(file.position.seq) {
            None => return Err(ErrorCode::HistoryShortened.into()),
            Some(hash) if hash != file.position.hash => {
                return Err(ErrorCode::HistoryForked.into());
            }
            Some(_) => {}
        }
        self.add_own_device(&newcomer.device).await?;
        trial.become_itself(newcomer).await
    }
}
