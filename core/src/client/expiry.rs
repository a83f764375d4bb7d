//! Ends of grants and of sessions.

use super::plico::millis;
use super::recipients::time;
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::format::bodies::SessionSetExpiry;
use std::time::{Duration, SystemTime};

/// In milliseconds since 1970-01-01 UTC, as it is signed. 0 would say "without
/// end"; an end in 1970 is in the past and refused as such.
pub(super) fn end_ms(end: SystemTime) -> u64 {
    let since = end.duration_since(SystemTime::UNIX_EPOCH);
    millis(since.unwrap_or(Duration::ZERO)).max(1)
}

/// Until when a session lasts; by default without end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expiry {
    at: Option<SystemTime>,
    after_idle: Option<Duration>,
}

impl Expiry {
    /// Without end.
    #[must_use]
    pub fn never() -> Self {
        Self::default()
    }

    /// It ends then.
    #[must_use]
    pub fn at(end: SystemTime) -> Self {
        Self {
            at: Some(end),
            after_idle: None,
        }
    }

    /// It ends when nobody has used it for so long, at least a minute.
    #[must_use]
    pub fn after_idle(time: Duration) -> Self {
        Self::never().or_after_idle(time)
    }

    /// It ends then, or earlier when nobody has used it for so long.
    #[must_use]
    pub fn or_after_idle(mut self, time: Duration) -> Self {
        self.after_idle = Some(time);
        self
    }

    /// At which time, if any.
    #[must_use]
    pub fn end(&self) -> Option<SystemTime> {
        self.at
    }

    /// After how long without use, if any.
    #[must_use]
    pub fn idle(&self) -> Option<Duration> {
        self.after_idle
    }

    pub(crate) fn of(body: SessionSetExpiry) -> Self {
        Self {
            at: (body.ends_ms != 0).then(|| time(body.ends_ms)),
            after_idle: (body.idle_ms != 0).then(|| Duration::from_millis(body.idle_ms)),
        }
    }

    pub(crate) fn to_protocol(self) -> Result<SessionSetExpiry> {
        let body = SessionSetExpiry {
            ends_ms: self.at.map_or(0, end_ms),
            // Nothing at all is not "never".
            idle_ms: self.after_idle.map_or(0, |it| millis(it).max(1)),
        };
        body.check().map_err(|_| {
            Error::new(ErrorCode::InvalidArgument)
                .with_detail("a time without use is at least a minute")
        })?;
        Ok(body)
    }
}
