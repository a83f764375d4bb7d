//! Backups, and directories that were restored from one.

use super::{Answer, Person, World, identity, name};
use plico_directory::Config;
use plico_protocol::format::ids::ChainId;
use plico_protocol::rights::SessionState;
use plico_protocol::rights::draft::Draft;
use plico_protocol::wire::b64::{self, B64};
use plico_protocol::wire::rest::{EntryUpload, HandBack};
use plico_protocol::wire::upload::draft_to_rest;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A connection of one's own to a database.
pub async fn connect(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path);
    SqliteConnection::connect_with(&options).await.unwrap()
}

/// Copies a database that is in use, as an operator would.
pub async fn backup(from: &Path) -> PathBuf {
    let mut to = from.to_owned().into_os_string();
    to.push(".backup");
    let to = PathBuf::from(to);
    let mut connection = connect(from).await;
    sqlx::query("VACUUM INTO ?")
        .bind(to.to_str().unwrap())
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    to
}

/// A copy of a backup, so that it can be restored once more.
pub fn copy(backup: &Path) -> PathBuf {
    let number = COPIES.fetch_add(1, Ordering::Relaxed);
    let to = backup.with_extension(number.to_string());
    std::fs::copy(backup, &to).unwrap();
    to
}

static COPIES: AtomicU64 = AtomicU64::new(0);

impl World {
    /// Stops, and starts again over another database.
    pub async fn restore(self, path: &Path, restored_from_ms: Option<u64>) -> Self {
        let now = self.now();
        let (tenant, key, known) = self.close().await;
        let mut config = Config::new("127.0.0.1:0".parse().unwrap(), path);
        config.restored_from_ms = restored_from_ms;
        let mut world = Self::start(config, Some((tenant, key))).await;
        world.known = known;
        world.clock.store(now, Ordering::SeqCst);
        world
    }

    pub async fn hand_back(
        &self,
        by: &Person,
        session: ChainId,
        entries: Vec<EntryUpload>,
    ) -> Answer {
        let path = format!("/sessions/{}/restore", b64::encode(&session.0));
        let body = HandBack {
            entries,
            opening: None,
        };
        self.post(by, &path, &body).await
    }

    pub async fn hand_back_identity(
        &self,
        by: &Person,
        of: &Person,
        entries: Vec<EntryUpload>,
        opening: Option<B64>,
    ) -> Answer {
        let path = format!("{}/restore", identity(of));
        self.post(by, &path, &HandBack { entries, opening }).await
    }

    /// Whose wraps of a session are stored: user, epoch, entry.
    pub async fn wraps_in(path: &Path, session: &SessionState) -> Vec<(Vec<u8>, u32, u64)> {
        let mut connection = connect(path).await;
        let rows: Vec<(Vec<u8>, u32, i64)> = sqlx::query_as(
            "SELECT recipient, epoch, w.seq FROM wraps w JOIN chains ON no = chain
             WHERE id = ? ORDER BY recipient, epoch",
        )
        .bind(session.id().0.as_slice())
        .fetch_all(&mut connection)
        .await
        .unwrap();
        let rows = rows.into_iter();
        rows.map(|(who, epoch, seq)| (who, epoch, seq as u64))
            .collect()
    }
}

/// All of a draft.
pub fn whole(drafts: &[Draft]) -> Vec<EntryUpload> {
    drafts.iter().map(draft_to_rest).collect()
}

/// Only the entry, as anybody has it who reads.
pub fn bare(entries: &[EntryUpload]) -> Vec<EntryUpload> {
    let bare = |it: &EntryUpload| EntryUpload {
        entry: it.entry.clone(),
        wraps: Vec::new(),
        staged_parts: 0,
        back_links: Vec::new(),
        metadata: None,
        tag: None,
    };
    entries.iter().map(bare).collect()
}

/// The session's path for handing back.
pub fn restore_path(session: &super::Session) -> String {
    format!("{}/restore", name(session))
}
