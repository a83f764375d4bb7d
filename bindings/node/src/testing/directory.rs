//! The directory, as a test holds it.

use super::connection::ConnectionHandle;
use super::lie;
use super::person::PersonHandle;
use crate::failure::{invalid, thrown};
use crate::lists::id;
use crate::plico_handle::{PlicoHandle, PlicoInput};
use crate::runtime::{Cancel, promise};
use crate::sealed::ServiceHandle;
use crate::values::{RecipientInput, duration};
use napi::Env;
use napi::bindgen_prelude::PromiseRaw;
use napi_derive::napi;
use plico::testing::{Backup, TestClock, TestDirectory};
use plico::{IdentityId, MemberId, Recipient, Result, SessionId};
use std::time::Duration;

/// A directory's whole content at one moment.
#[napi]
pub struct BackupHandle {
    backup: Backup,
}

/// A registered person who colludes with the directory.
#[napi(object, object_from_js = false)]
pub struct AccompliceOutput {
    /// The app's name.
    pub user_id: String,
    /// The identity.
    pub identity_id: String,
}

/// A program that seals, and its connection.
#[napi(object, object_from_js = false)]
pub struct TestServiceOutput {
    /// The program.
    pub service: ServiceHandle,
    /// Its connection.
    pub connection: ConnectionHandle,
}

/// A session or a group: their ids have one form, and one address.
fn operated(id: &str) -> Result<SessionId> {
    id.parse()
}

fn member(who: RecipientInput) -> Result<MemberId> {
    match who.into_core()? {
        Recipient::Identity(id) => Ok(MemberId::Identity(id)),
        Recipient::Group(id) => Ok(MemberId::Group(id)),
        _ => Err(invalid("who is meant is named by an identityId or a group")),
    }
}

/// A directory in this process.
#[napi]
pub struct DirectoryHandle {
    directory: TestDirectory,
}

/// Starts an empty directory.
#[napi]
pub fn start_directory<'env>(env: &'env Env) -> napi::Result<PromiseRaw<'env, DirectoryHandle>> {
    promise(env, None, async {
        let directory = TestDirectory::start().await?;
        Ok(DirectoryHandle { directory })
    })
}

impl DirectoryHandle {
    /// A clock that is so much ahead of the directory's, or behind.
    fn clock(&self, ahead_ms: f64) -> Result<TestClock> {
        let clock = self.directory.clock();
        Ok(if ahead_ms < 0.0 {
            clock.behind(duration(-ahead_ms)?)
        } else {
            clock.ahead(duration(ahead_ms)?)
        })
    }

    fn step(env: &Env, ms: f64) -> napi::Result<Duration> {
        duration(ms).map_err(|error| thrown(env, &error))
    }
}

#[napi]
impl DirectoryHandle {
    /// The URL that clients sign.
    #[napi]
    pub fn url(&self) -> String {
        self.directory.url().to_owned()
    }

    /// The tenant's id.
    #[napi]
    pub fn tenant(&self) -> String {
        self.directory.tenant().to_string()
    }

    /// What the clock shows.
    #[napi]
    pub fn now_ms(&self) -> f64 {
        self.directory.clock().now_ms() as f64
    }

    /// Moves the time on.
    #[napi]
    pub fn advance(&self, env: &Env, ms: f64) -> napi::Result<()> {
        self.directory.clock().advance(Self::step(env, ms)?);
        Ok(())
    }

    /// Moves the time back.
    #[napi]
    pub fn back(&self, env: &Env, ms: f64) -> napi::Result<()> {
        self.directory.clock().back(Self::step(env, ms)?);
        Ok(())
    }

    /// A new connection.
    #[napi]
    pub fn connection(&self) -> ConnectionHandle {
        ConnectionHandle {
            connection: self.directory.connection(),
        }
    }

    /// A client of this directory.
    #[napi]
    pub fn plico<'env>(
        &self,
        env: &'env Env,
        input: PlicoInput,
        connection: Option<&ConnectionHandle>,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, PlicoHandle>> {
        let mut builder = self.directory.builder();
        if let Some(connection) = connection {
            builder = builder.transport(connection.connection.clone());
        }
        let builder = input.apply(builder);
        promise(env, cancel, async move {
            Ok(PlicoHandle::new(builder?.open().await?))
        })
    }

    /// Somebody registered.
    #[napi]
    pub fn person<'env>(
        &self,
        env: &'env Env,
        user_id: String,
        ahead_ms: f64,
    ) -> napi::Result<PromiseRaw<'env, PersonHandle>> {
        let (directory, clock) = (self.directory.clone(), self.clock(ahead_ms));
        promise(env, None, async move {
            let person = directory.person_with(&user_id, &clock?).await?;
            Ok(PersonHandle { person })
        })
    }

    /// Somebody who has not registered yet.
    #[napi]
    pub fn visitor<'env>(
        &self,
        env: &'env Env,
        user_id: String,
    ) -> napi::Result<PromiseRaw<'env, PersonHandle>> {
        let directory = self.directory.clone();
        promise(env, None, async move {
            let person = directory.visitor(&user_id).await?;
            Ok(PersonHandle { person })
        })
    }

    /// Somebody who colludes with the directory.
    #[napi]
    pub fn accomplice<'env>(
        &self,
        env: &'env Env,
        user_id: String,
    ) -> napi::Result<PromiseRaw<'env, AccompliceOutput>> {
        let directory = self.directory.clone();
        promise(env, None, async move {
            let accomplice = directory.accomplice(&user_id).await?;
            Ok(AccompliceOutput {
                user_id: accomplice.user_id().to_owned(),
                identity_id: accomplice.identity_id().to_string(),
            })
        })
    }

    /// The backend's word: a token.
    #[napi]
    pub fn enrol(
        &self,
        env: &Env,
        user_id: String,
        identity_id: String,
        number: f64,
    ) -> napi::Result<String> {
        let identity: Result<IdentityId> = identity_id.parse();
        let identity = identity.map_err(|error| thrown(env, &error))?;
        // Checked before: an integer, not negative.
        let token = self
            .directory
            .enrol_again(&user_id, identity, number as u64);
        Ok(token)
    }

    /// The operator withdraws a person or a group from a session or a group.
    #[napi]
    pub fn withdraw<'env>(
        &self,
        env: &'env Env,
        of: String,
        who: RecipientInput,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let directory = self.directory.clone();
        promise(env, None, async move {
            directory.withdraw(operated(&of)?, member(who)?).await
        })
    }

    /// And takes it back.
    #[napi]
    pub fn lift<'env>(
        &self,
        env: &'env Env,
        of: String,
        who: RecipientInput,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let directory = self.directory.clone();
        promise(env, None, async move {
            directory.lift(operated(&of)?, member(who)?).await
        })
    }

    /// The operator destroys a session or a group.
    #[napi]
    pub fn destroy<'env>(&self, env: &'env Env, of: String) -> napi::Result<PromiseRaw<'env, ()>> {
        let directory = self.directory.clone();
        promise(
            env,
            None,
            async move { directory.destroy(operated(&of)?).await },
        )
    }

    /// What the backend finds by a tag.
    #[napi]
    pub fn find_sessions<'env>(
        &self,
        env: &'env Env,
        tag: String,
        after: Option<String>,
    ) -> napi::Result<PromiseRaw<'env, Vec<String>>> {
        let directory = self.directory.clone();
        promise(env, None, async move {
            let found = directory.find_sessions(&tag, id(after)?).await?;
            Ok(found.iter().map(ToString::to_string).collect())
        })
    }

    /// The backend's token for a program of its own.
    #[napi]
    pub fn service_token(&self) -> String {
        self.directory.service_token()
    }

    /// A program of the backend that seals, with its connection.
    #[napi]
    pub fn service<'env>(
        &self,
        env: &'env Env,
    ) -> napi::Result<PromiseRaw<'env, TestServiceOutput>> {
        let directory = self.directory.clone();
        promise(env, None, async move {
            let (service, connection) = directory.service().await?;
            Ok(TestServiceOutput {
                service: ServiceHandle::new(service),
                connection: ConnectionHandle { connection },
            })
        })
    }

    /// The backend's word on whether an identity may do anything.
    #[napi]
    pub fn set_standing<'env>(
        &self,
        env: &'env Env,
        identity_id: String,
        active: bool,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let directory = self.directory.clone();
        promise(env, None, async move {
            let identity: IdentityId = identity_id.parse()?;
            directory.set_standing(identity, active).await
        })
    }

    /// After how many days user keys are renewed.
    #[napi]
    pub fn set_user_key_days<'env>(
        &self,
        env: &'env Env,
        days: u32,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let directory = self.directory.clone();
        promise(
            env,
            None,
            async move { directory.set_user_key_days(days).await },
        )
    }

    /// Whether it can be reached at all.
    #[napi]
    pub fn down(&self, down: bool) {
        self.directory.down(down);
    }

    /// Stops it and starts it again.
    #[napi]
    pub fn restart<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, ()>> {
        let directory = self.directory.clone();
        promise(env, None, async move { directory.restart().await })
    }

    /// Its whole content.
    #[napi]
    pub fn backup<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, BackupHandle>> {
        let directory = self.directory.clone();
        promise(env, None, async move {
            let backup = directory.backup().await?;
            Ok(BackupHandle { backup })
        })
    }

    /// Loses everything that came after the backup.
    #[napi]
    pub fn restore<'env>(
        &self,
        env: &'env Env,
        backup: &BackupHandle,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let (directory, backup) = (self.directory.clone(), backup.backup.clone());
        promise(env, None, async move { directory.restore(&backup).await })
    }

    /// From now on it tells this lie to everybody.
    #[napi]
    pub fn tell(&self, env: &Env, name: String) -> napi::Result<()> {
        let lie = lie(&name).map_err(|error| thrown(env, &error))?;
        self.directory.tell(lie);
        Ok(())
    }

    /// No more lies.
    #[napi]
    pub fn honest(&self) {
        self.directory.honest();
    }

    /// In how many answers the last lie was told.
    #[napi]
    pub fn told(&self) -> u32 {
        u32::try_from(self.directory.told()).unwrap_or(u32::MAX)
    }
}
