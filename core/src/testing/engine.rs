//! The directory behind the kit, on a thread and a runtime of its own: the
//! app's tests may run on any executor, and one directory may serve several.

use super::clock::TestClock;
use super::kit_error;
use crate::error::Result;
use plico_directory::storage::Storage;
use plico_directory::storage::sqlite::SqliteStorage;
use plico_directory::{Config, InProcess};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::runtime::Handle;
use tokio::sync::{RwLock, RwLockReadGuard, oneshot};

/// The URL that clients sign; nothing listens there.
pub(super) const URL: &str = "http://directory.test";

/// A directory's whole content at one moment; see
/// [`TestDirectory::backup`](super::TestDirectory::backup).
#[derive(Clone)]
pub struct Backup(Vec<u8>);

impl core::fmt::Debug for Backup {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Backup({} bytes)", self.0.len())
    }
}

pub(super) struct Serving {
    pub storage: Arc<dyn Storage>,
    pub directory: InProcess,
}

/// What the engine's tasks share.
pub(super) struct Core {
    folder: TempDir,
    clock: TestClock,
    /// `None` once stopped.
    serving: RwLock<Option<Serving>>,
}

pub(super) struct Engine {
    pub core: Arc<Core>,
    runtime: Handle,
    /// Dropped with the engine, which stops the thread.
    _stop: oneshot::Sender<()>,
}

impl Engine {
    /// Starts an empty directory.
    pub async fn start(clock: TestClock) -> Result<Self> {
        let folder =
            tempfile::tempdir().map_err(|error| kit_error("no temporary folder", error))?;
        let core = Arc::new(Core {
            folder,
            clock,
            serving: RwLock::new(None),
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| kit_error("no runtime", error))?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let on_thread = core.clone();
        std::thread::Builder::new()
            .name("plico-test-directory".into())
            .spawn(move || {
                runtime.block_on(async {
                    // An error: the sender is gone, and with it the engine.
                    let _ = stopped.await;
                    on_thread.stop().await;
                });
            })
            .map_err(|error| kit_error("no thread", error))?;
        let engine = Self {
            core,
            runtime: handle,
            _stop: stop,
        };
        engine
            .run(|core| async move { core.open().await })
            .await??;
        Ok(engine)
    }

    /// Runs `work` on the engine's runtime. It goes on to its end even if
    /// whoever waits for it gives up, as with a server.
    pub async fn run<T, F>(&self, work: impl FnOnce(Arc<Core>) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        self.runtime
            .spawn(work(self.core.clone()))
            .await
            .map_err(|error| kit_error("the directory's thread has stopped", error))
    }
}

impl Backup {
    /// Whether these bytes are anywhere in the database's file: what was really
    /// deleted is not.
    #[must_use]
    pub fn holds(&self, bytes: &[u8]) -> bool {
        let mut windows = self.0.windows(bytes.len().max(1));
        windows.any(|window| window == bytes)
    }
}

impl Core {
    fn file(&self) -> PathBuf {
        self.folder.path().join("directory.sqlite")
    }

    async fn open(&self) -> Result<()> {
        let mut slot = self.serving.write().await;
        *slot = Some(self.serve().await?);
        Ok(())
    }

    async fn serve(&self) -> Result<Serving> {
        let storage = SqliteStorage::open_unsynced(&self.file())
            .await
            .map_err(|error| kit_error("the database does not open", error))?;
        let storage: Arc<dyn Storage> = Arc::new(storage);
        // As the server does when it starts.
        let purged = storage.purge(self.clock.now_ms()).await;
        purged.map_err(|error| kit_error("the purge", error))?;
        let clock = self.clock.clone();
        let config = Config::in_memory()
            .with_public_url(URL)
            .with_clock(Arc::new(move || clock.now_ms()));
        let directory = InProcess::new(&config, storage.clone())
            .map_err(|error| kit_error("the directory does not start", error))?;
        Ok(Serving { storage, directory })
    }

    async fn stop(&self) {
        if let Some(serving) = self.serving.write().await.take() {
            serving.storage.close().await;
        }
    }

    /// Waits for requests that have begun, closes the database, does `work` on
    /// its file, and starts the directory again.
    async fn restart_around<T>(&self, work: impl FnOnce(&Path) -> std::io::Result<T>) -> Result<T> {
        let mut slot = self.serving.write().await;
        if let Some(serving) = slot.take() {
            serving.storage.close().await;
        }
        let done = work(&self.file());
        *slot = Some(self.serve().await?);
        done.map_err(|error| kit_error("the database's file", error))
    }

    /// The whole content.
    pub async fn backup(&self) -> Result<Backup> {
        self.restart_around(|file| std::fs::read(file).map(Backup))
            .await
    }

    /// Goes back to `backup`, as a server that is started on an older file.
    pub async fn restore(&self, backup: Backup) -> Result<()> {
        self.restart_around(|file| std::fs::write(file, &backup.0))
            .await
    }

    /// Stops the directory and starts it again on the same content.
    pub async fn restart(&self) -> Result<()> {
        self.restart_around(|_| Ok(())).await
    }

    /// The running directory. Holding it keeps a restore waiting.
    pub async fn serving(&self) -> Result<RwLockReadGuard<'_, Serving>> {
        RwLockReadGuard::try_map(self.serving.read().await, Option::as_ref)
            .map_err(|_| kit_error("the directory", "has stopped"))
    }

    /// The directory's time.
    pub fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }
}
