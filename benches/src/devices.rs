//! What a device costs an identity with many sessions, against one with a
//! single session: the same work, in a directory of its own each.

use plico::testing::{TestDirectory, TestPerson};
use plico::{DeviceId, FileKey, RecoverOptions, RecoveryKey};
use plico_benches::Effort;
use plico_benches::measure::{Outcome, Show, compare, head, line};
use std::future::Future;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Somebody with some sessions, and all that brings another device in.
struct Owner {
    directory: TestDirectory,
    phone: TestPerson,
    words: RecoveryKey,
    key: FileKey,
    file: Vec<u8>,
}

impl Owner {
    async fn with(sessions: usize) -> Outcome<Self> {
        let directory = TestDirectory::start().await?;
        let phone = directory.person("person").await?;
        directory.seed_sessions(&phone, sessions).await?;
        let (words, key) = (RecoveryKey::generate(), FileKey::host_secret(&[5; 32])?);
        let account = phone.account();
        account.set_recovery_key(&words, None).await?;
        let file = account.export_identity(&key).await?;
        Ok(Self {
            directory,
            phone,
            words,
            key,
            file,
        })
    }

    /// How long `work` takes on a device that is none yet. It is one afterwards,
    /// and is revoked, which is not timed.
    async fn arriving<F: Future<Output = plico::Result<plico::IdentityId>>>(
        &self,
        work: impl FnOnce(plico::Account) -> F,
    ) -> Outcome<Duration> {
        let new = self.directory.visitor("person").await?;
        let start = Instant::now();
        work(new.account().clone()).await?;
        let took = start.elapsed();
        self.phone.account().revoke_device(id_of(&new)?).await?;
        Ok(took)
    }

    async fn import(&self) -> Outcome<Duration> {
        self.arriving(async |it| it.import_identity(&self.file, &self.key).await)
            .await
    }

    async fn recover(&self) -> Outcome<Duration> {
        let options = RecoverOptions::new().keep_devices();
        self.arriving(async |it| it.recover_with(&self.words, options).await)
            .await
    }

    async fn rotate(&self) -> Outcome<Duration> {
        let start = Instant::now();
        self.phone.account().rotate_user_key().await?;
        Ok(start.elapsed())
    }

    async fn revoke(&self) -> Outcome<Duration> {
        let new = self.directory.visitor("person").await?;
        let account = new.account();
        account.import_identity(&self.file, &self.key).await?;
        let id = id_of(&new)?;
        let start = Instant::now();
        self.phone.account().revoke_device(id).await?;
        Ok(start.elapsed())
    }
}

fn id_of(person: &TestPerson) -> Outcome<DeviceId> {
    let id = person.account().device_id();
    id.ok_or_else(|| "no device came of it".into())
}

pub fn run(effort: Effort) -> Outcome<()> {
    let runtime = Runtime::new()?;
    let sessions = if effort.quick { 100 } else { 100_000 };
    let many = runtime.block_on(Owner::with(sessions))?;
    let one = runtime.block_on(Owner::with(1))?;
    head(
        &format!("Devices of an identity with {sessions} sessions"),
        "the same for an identity with one session",
    );
    let rounds = effort.rounds(31);
    macro_rules! row {
        ($what:literal, $verb:ident) => {
            let compared = compare(
                rounds,
                || runtime.block_on(many.$verb()),
                || runtime.block_on(one.$verb()),
            )?;
            line($what, Show::Time, &compared);
        };
    }
    row!("a device from an identity file", import);
    row!("a device by the recovery key", recover);
    row!("a new user key", rotate);
    row!("revoking a device, with a new user key", revoke);
    println!();
    Ok(())
}
