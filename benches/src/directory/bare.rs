//! The peer: a handler with one statement on SQLite, set up as the directory's.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path as PathOf, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use plico_benches::measure::Outcome;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use std::path::Path;
use std::time::Duration;

/// As long as what the directory answers to an append.
const APPENDED: &[u8] = &[b' '; 320];

#[derive(Clone)]
struct Bare {
    reader: SqlitePool,
    writer: SqlitePool,
    answer: Bytes,
}

fn failed<E: std::fmt::Display>(error: E) -> (StatusCode, String) {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

async fn read(
    State(bare): State<Bare>,
    PathOf((_, session)): PathOf<(String, String)>,
) -> Result<Vec<u8>, (StatusCode, String)> {
    let (body,): (Vec<u8>,) = sqlx::query_as("SELECT body FROM answers WHERE session = ?")
        .bind(session)
        .fetch_one(&bare.reader)
        .await
        .map_err(failed)?;
    Ok(body)
}

async fn empty(State(bare): State<Bare>) -> Bytes {
    bare.answer.clone()
}

async fn append(
    State(bare): State<Bare>,
    PathOf((_, session)): PathOf<(String, String)>,
    body: Bytes,
) -> Result<&'static [u8], (StatusCode, String)> {
    let mut tx = bare
        .writer
        .begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(failed)?;
    sqlx::query("INSERT INTO entries (session, body) VALUES (?, ?)")
        .bind(session)
        .bind(body.as_ref())
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
    tx.commit().await.map_err(failed)?;
    Ok(APPENDED)
}

async fn pool(options: SqliteConnectOptions, connections: u32) -> Outcome<SqlitePool> {
    let pool = SqlitePoolOptions::new()
        .max_connections(connections)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(Duration::from_secs(10))
        .connect_with(options);
    Ok(pool.await?)
}

/// Serves on a free port of the loopback interface; gives the URL. Each of the
/// `sessions` has this `answer`.
pub async fn serve(file: &Path, sessions: &[String], answer: Vec<u8>) -> Outcome<String> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("secure_delete", "ON")
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5));
    let writer = pool(options.clone(), 1).await?;
    sqlx::raw_sql(
        "CREATE TABLE answers (session TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
         CREATE TABLE entries (no INTEGER PRIMARY KEY, session TEXT NOT NULL, body BLOB NOT NULL)",
    )
    .execute(&writer)
    .await?;
    for session in sessions {
        sqlx::query("INSERT INTO answers (session, body) VALUES (?, ?)")
            .bind(session)
            .bind(&answer)
            .execute(&writer)
            .await?;
    }
    let bare = Bare {
        reader: pool(options.pragma("query_only", "ON"), 4).await?,
        writer,
        answer: answer.into(),
    };
    let router = Router::new()
        .route("/v1/tenants/{tenant}/sessions/{session}", get(read))
        .route(
            "/v1/tenants/{tenant}/sessions/{session}/entries",
            post(append),
        )
        .route("/empty/v1/tenants/{tenant}/sessions/{session}", get(empty))
        .with_state(bare);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}
