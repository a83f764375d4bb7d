//! The directory, as a test holds it.

use crate::clock::KitClock;
use crate::connection::KitConnection;
use crate::failure::{KitFailure, invalid};
use plico::IdentityId;
use plico::testing::{Backup, Lie, TestDirectory};
use std::sync::Arc;

/// A directory's whole content at one moment.
#[derive(Debug, uniffi::Object)]
pub struct KitBackup {
    backup: Backup,
}

/// A directory in the test's own process, with one tenant.
#[derive(Debug, uniffi::Object)]
pub struct KitDirectory {
    pub(crate) directory: TestDirectory,
}

/// The names of all lies.
#[uniffi::export]
pub fn lies() -> Vec<String> {
    Lie::ALL.iter().map(|lie| lie.name().to_owned()).collect()
}

pub(crate) fn lie(name: &str) -> Result<Lie, KitFailure> {
    let found = Lie::ALL.iter().find(|lie| lie.name() == name);
    found
        .copied()
        .ok_or_else(|| invalid("there is no such lie"))
}

/// Starts an empty directory.
#[uniffi::export]
pub async fn start_directory() -> Result<Arc<KitDirectory>, KitFailure> {
    let directory = TestDirectory::start().await?;
    Ok(Arc::new(KitDirectory { directory }))
}

#[uniffi::export]
impl KitDirectory {
    /// The URL that clients are configured with; nothing listens there.
    pub fn url(&self) -> String {
        self.directory.url().to_owned()
    }

    /// The tenant's id.
    pub fn tenant(&self) -> String {
        self.directory.tenant().to_string()
    }

    /// The directory's clock.
    pub fn clock(&self) -> Arc<KitClock> {
        Arc::new(KitClock {
            clock: self.directory.clock().clone(),
        })
    }

    /// A new connection.
    pub fn connection(&self) -> Arc<KitConnection> {
        Arc::new(KitConnection {
            connection: self.directory.connection(),
        })
    }

    /// A token as the app's backend would sign it; `number` is the binding's,
    /// 1 for whoever is the first under this user id.
    pub fn enrol(
        &self,
        user_id: &str,
        identity_id: &str,
        number: u64,
    ) -> Result<String, KitFailure> {
        let identity: IdentityId = identity_id.parse()?;
        Ok(self.directory.enrol_again(user_id, identity, number))
    }

    /// A token as the app's backend would sign it for a program of its own.
    pub fn service_token(&self) -> String {
        self.directory.service_token()
    }

    /// The backend disables an identity, or lets it be active again.
    pub async fn set_standing(&self, identity_id: String, active: bool) -> Result<(), KitFailure> {
        let identity: IdentityId = identity_id.parse()?;
        Ok(self.directory.set_standing(identity, active).await?)
    }

    /// After how many days user keys are renewed; 0: not by themselves.
    pub async fn set_user_key_days(&self, days: u32) -> Result<(), KitFailure> {
        Ok(self.directory.set_user_key_days(days).await?)
    }

    /// Whether the directory can be reached at all.
    pub fn down(&self, down: bool) {
        self.directory.down(down);
    }

    /// Stops the directory's program and starts it again on the same data.
    pub async fn restart(&self) -> Result<(), KitFailure> {
        Ok(self.directory.restart().await?)
    }

    /// The directory's whole content now.
    pub async fn backup(&self) -> Result<Arc<KitBackup>, KitFailure> {
        let backup = self.directory.backup().await?;
        Ok(Arc::new(KitBackup { backup }))
    }

    /// The directory loses everything that was written after `backup` was made.
    pub async fn restore(&self, backup: Arc<KitBackup>) -> Result<(), KitFailure> {
        Ok(self.directory.restore(&backup.backup).await?)
    }

    /// From now on the directory tells this lie to everybody.
    pub fn tell(&self, name: &str) -> Result<(), KitFailure> {
        self.directory.tell(lie(name)?);
        Ok(())
    }

    /// In how many answers the last lie was told.
    pub fn told(&self) -> u64 {
        self.directory.told() as u64
    }

    /// From now on the directory lies no more.
    pub fn honest(&self) {
        self.directory.honest();
    }
}
