//! The testing kit (feature `testing`): a real directory inside the test's own
//! process, a clock that the test moves, switches for what goes wrong between
//! an app and its directory, and a directory that lies on demand.
//!
//! No server is started and no socket opened: requests go straight into the
//! routes of `plico-directory`, with its rules and its SQLite storage. Tests run
//! on any executor. In `Cargo.toml`:
//!
//! ```toml
//! [dev-dependencies]
//! plico = { version = "0.1", features = ["testing"] }
//! ```
//!
//! # Moving the clock
//!
//! 31 days later the grant has expired:
//!
//! ```
//! use plico::testing::TestDirectory;
//! use plico::{ErrorCode, Grant, Recipient};
//! use std::time::Duration;
//!
//! const DAY: Duration = Duration::from_secs(86_400);
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> plico::Result<()> {
//! let directory = TestDirectory::start().await?;
//! let doctor = directory.person("dr.a").await?;
//! let insurer = directory.person("insurer.3").await?;
//!
//! let session = doctor.account().create_session([]).await?;
//! let end = directory.clock().now() + 30 * DAY;
//! session.grant(Recipient::user("insurer.3"), Grant::read().until(end)).await?;
//! let sealed = session.encrypt("findings", None).await?;
//! assert_eq!(insurer.account().decrypt(&sealed, None).await?.bytes(), b"findings");
//!
//! directory.clock().advance(31 * DAY);
//! let error = insurer.account().decrypt(&sealed, None).await.unwrap_err();
//! assert_eq!(error.code(), ErrorCode::AccessExpired);
//! # Ok(())
//! # }
//! ```
//!
//! # Making the directory lie
//!
//! Somebody else's key is put under a name that the app has seen before, and
//! the app's own backend was talked into vouching for it:
//!
//! ```
//! use plico::testing::{Lie, TestDirectory};
//! use plico::{ErrorCode, Recipient};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> plico::Result<()> {
//! let directory = TestDirectory::start().await?;
//! let doctor = directory.person("dr.a").await?;
//! let patient = directory.person("patient.7").await?;
//! doctor.account().create_session([Recipient::user("patient.7")]).await?;
//!
//! directory.tell(Lie::UserIdMoved);
//! let again = doctor.account().create_session([Recipient::user("patient.7")]).await;
//! assert_eq!(again.unwrap_err().code(), ErrorCode::IdentityChanged);
//!
//! directory.honest();
//! doctor.account().create_session([Recipient::user("patient.7")]).await?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Lie`] lists all lies, and [`Lie::caught_as`] how a client sees each of them.
//!
//! # The app's own program
//!
//! A test that runs the app's own code gives it a connection instead of a URL:
//!
//! ```
//! use plico::testing::TestDirectory;
//! use plico::{AccountOptions, RegisterOptions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> plico::Result<()> {
//! let directory = TestDirectory::start().await?;
//! let connection = directory.connection();
//! let plico = directory.builder().transport(connection.clone()).open().await?;
//! let account = plico.account(AccountOptions::in_memory()).await?;
//!
//! connection.lose_replies(1); // Plico sends the same again.
//! let backend = directory.clone();
//! account.register(RegisterOptions::new("dr.a", move |request| {
//!     let token = backend.enrol("dr.a", request.identity_id);
//!     async move { Ok(token) }
//! })).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Other switches are [`TestDirectory::down`], [`TestDirectory::backup`] and
//! [`TestDirectory::restore`], [`TestConnection::slow`],
//! [`TestConnection::lose_requests`], [`TestPerson::restart`]. What the tenant's operator
//! says: [`TestDirectory::withdraw`], [`TestDirectory::destroy`],
//! [`TestDirectory::set_standing`].

mod accomplice;
mod clock;
mod connection;
mod directory;
mod engine;
mod lies;
mod operator;
mod person;
mod seed;

pub use accomplice::Accomplice;
pub use clock::TestClock;
pub use connection::TestConnection;
pub use directory::TestDirectory;
pub use engine::Backup;
pub use lies::Lie;
pub use operator::Operated;
pub use person::TestPerson;

use crate::error::{Error, ErrorCode};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The kit itself failed: not a code that a test is after.
fn kit_error(what: &str, why: impl core::fmt::Display) -> Error {
    Error::new(ErrorCode::Internal).with_detail(format!("the testing kit: {what}: {why}"))
}

/// A lock that is never held across an await.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
