//! What an app is told: events that concern its users, and a log for its
//! developers. Neither holds a secret, a user id or a name.

use super::ids::{IdentityId, SessionId};
use core::fmt;
use std::sync::Arc;

/// Something that the app may want to show, or act upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The first answer was had from a directory that could not be reached before.
    Online,
    /// The directory can't be reached. Told once, until it can be again.
    Offline,
    /// Another identity stands behind a user id that was seen before.
    IdentityChanged {
        /// The identity that is shown now.
        identity: IdentityId,
    },
    /// This account's own identity has one more device.
    NewDevice {
        /// The account's identity.
        identity: IdentityId,
    },
    /// A device of this account's own identity was revoked.
    DeviceRevoked {
        /// The account's identity.
        identity: IdentityId,
    },
    /// This account's own user key will soon be as old as the tenant allows,
    /// within 14 days; then the next device that sees its chain renews it.
    KeyRenewalNear {
        /// The account's identity.
        identity: IdentityId,
        /// When, in milliseconds since 1970-01-01 UTC.
        at_ms: u64,
    },
    /// The recovery key of this account's own identity was used. If it was not
    /// its owner who did it, somebody else has the words.
    RecoveryUsed {
        /// The account's identity.
        identity: IdentityId,
    },
    /// The directory shows another history than before: it lies, or two of it run.
    ForkSeen {
        /// The chain: a session's, an identity's or the tenant's id.
        chain: [u8; 32],
    },
    /// The directory shows less than before: it lies, or was restored from a backup.
    HistoryShortened {
        /// The chain: a session's, an identity's or the tenant's id.
        chain: [u8; 32],
    },
    /// What a restored directory had lost was handed back to it.
    HandedBack {
        /// The chain: a session's or an identity's id.
        chain: [u8; 32],
        /// How many entries.
        entries: u64,
    },
    /// A new epoch was begun in a session because one was due.
    EpochBegun {
        /// The session.
        session: SessionId,
        /// The new epoch.
        epoch: u32,
    },
    /// This account's access has ended; what was kept of the session is deleted.
    AccessEnded {
        /// The session.
        session: SessionId,
    },
    /// The directory says, and nobody has signed it, that the tenant's operator has
    /// withdrawn a recipient of a session or group. The next writer leaves them out.
    RecipientWithdrawn {
        /// The session or group.
        session: SessionId,
    },
    /// And that a withdrawal was lifted: they are taken in again.
    WithdrawalLifted {
        /// The session or group.
        session: SessionId,
    },
    /// A write whose outcome was unknown is settled.
    Settled {
        /// The session.
        session: SessionId,
        /// Whether it has taken place.
        done: bool,
    },
    /// The device's clock and the directory's differ.
    ClockSkewed {
        /// The directory's less the device's, in milliseconds.
        offset_ms: i64,
    },
}

/// How much a log record matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LogLevel {
    /// Each request.
    Debug,
    /// Each change.
    Info,
    /// Something that was not as it should be, and was dealt with.
    Warn,
}

/// One line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogRecord<'a> {
    /// How much it matters.
    pub level: LogLevel,
    /// What happened, without content, names and user ids. Ids of chains and
    /// error codes may be in it.
    pub message: &'a str,
}

impl fmt::Display for LogRecord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.level, self.message)
    }
}

type OnEvent = Arc<dyn Fn(Event) + Send + Sync>;
type OnLog = Arc<dyn Fn(LogRecord<'_>) + Send + Sync>;

/// The app's hooks. They are called where things happen, so they must be
/// quick, and must not call back into Plico.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    pub on_event: Option<OnEvent>,
    pub on_log: Option<OnLog>,
}

impl Hooks {
    pub fn event(&self, event: Event) {
        if let Some(tell) = &self.on_event {
            tell(event);
        }
        self.log(LogLevel::Info, || format!("event: {event:?}"));
    }

    /// The message is made only if somebody listens.
    pub fn log(&self, level: LogLevel, message: impl FnOnce() -> String) {
        if let Some(tell) = &self.on_log {
            tell(LogRecord {
                level,
                message: &message(),
            });
        }
    }
}
