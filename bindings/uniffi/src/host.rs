//! What the host supplies: HTTP, a clock, and ears for events and the log.

use crate::bytes::Bytes;
use async_trait::async_trait;
use plico::ports::{BoxFuture, Clock, Request, Response, SystemClock, Transport, TransportError};
use plico::{Event, LogLevel};
use std::sync::Arc;

/// Code of the host's that failed.
#[derive(Debug, thiserror::Error, uniffi::Error)]
pub enum HostFailure {
    /// The one kind.
    #[error("{reason}")]
    Failed {
        /// Why, without personal data: it becomes part of an error's text.
        reason: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for HostFailure {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        // What it says may hold anything: the host's side keeps it as the cause.
        Self::Failed {
            reason: "the host's own code failed".into(),
        }
    }
}

/// One request. Everything in it is signed: it is sent as it is.
#[derive(Clone, uniffi::Record)]
pub struct HostRequest {
    /// `GET` or `POST`.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// Names in lower case, and values.
    pub headers: Vec<HostHeader>,
    /// The body; empty for GET.
    pub body: Bytes,
}

/// One header.
#[derive(Clone, uniffi::Record)]
pub struct HostHeader {
    /// In lower case.
    pub name: String,
    /// The value.
    pub value: String,
}

/// An answer, whatever its status.
#[derive(Clone, uniffi::Record)]
pub struct HostResponse {
    /// The HTTP status.
    pub status: u16,
    /// The whole body.
    pub body: Bytes,
}

/// Carries requests: the platform's HTTP client.
#[uniffi::export(with_foreign)]
#[async_trait]
pub trait HostTransport: Send + Sync {
    /// Sends one request and reads the whole answer.
    async fn send(&self, request: HostRequest) -> Result<HostResponse, HostFailure>;
}

/// [`HostTransport`] as the SDK asks for it.
pub(crate) struct Carrier(pub Arc<dyn HostTransport>);

impl Transport for Carrier {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        let headers = request.headers.into_iter();
        let request = HostRequest {
            method: request.method.as_str().to_owned(),
            url: request.url,
            headers: headers
                .map(|(name, value)| HostHeader { name, value })
                .collect(),
            body: request.body.into(),
        };
        Box::pin(async move {
            let HostFailure::Failed { reason } = match self.0.send(request).await {
                Ok(answer) => {
                    return Ok(Response {
                        status: answer.status,
                        body: answer.body.0,
                    });
                }
                Err(failure) => failure,
            };
            Err(TransportError(reason))
        })
    }
}

/// What time it is.
#[uniffi::export(with_foreign)]
pub trait HostClock: Send + Sync {
    /// Milliseconds since 1970-01-01 UTC.
    fn now_ms(&self) -> Result<u64, HostFailure>;
}

/// [`HostClock`] as the SDK asks for it; the system's time if the host's fails.
pub(crate) struct Watch(pub Arc<dyn HostClock>);

impl Clock for Watch {
    fn now_ms(&self) -> u64 {
        self.0.now_ms().unwrap_or_else(|_| SystemClock.now_ms())
    }
}

/// An event that concerns the app's users: `name` says which, and the other
/// fields are set where they apply.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum PlicoEvent {
    /// The first answer from a directory that could not be reached before.
    Online,
    /// The directory can't be reached.
    Offline,
    /// Another identity stands behind a known user id.
    IdentityChanged {
        /// The identity that is shown now.
        identity_id: String,
    },
    /// The account's identity has one more device.
    NewDevice {
        /// The account's identity.
        identity_id: String,
    },
    /// A device of the account's identity was revoked.
    DeviceRevoked {
        /// The account's identity.
        identity_id: String,
    },
    /// The account's own user key will soon be as old as the tenant allows.
    KeyRenewalNear {
        /// The account's identity.
        identity_id: String,
        /// When, in milliseconds since 1970-01-01 UTC.
        at_ms: u64,
    },
    /// The recovery key of the account's own identity was used.
    RecoveryUsed {
        /// The account's identity.
        identity_id: String,
    },
    /// The directory shows another history than before.
    ForkSeen {
        /// The chain's id, 32 bytes.
        chain: Vec<u8>,
    },
    /// The directory shows less than before.
    HistoryShortened {
        /// The chain's id, 32 bytes.
        chain: Vec<u8>,
    },
    /// What a restored directory had lost was handed back.
    HandedBack {
        /// The chain's id, 32 bytes.
        chain: Vec<u8>,
        /// How many entries.
        entries: u64,
    },
    /// A new epoch was begun because one was due.
    EpochBegun {
        /// The session.
        session_id: String,
        /// The new epoch.
        epoch: u32,
    },
    /// The account's access has ended.
    AccessEnded {
        /// The session.
        session_id: String,
    },
    /// The operator has withdrawn a recipient, says the directory.
    RecipientWithdrawn {
        /// The session or group.
        session_id: String,
    },
    /// A withdrawal was lifted, says the directory.
    WithdrawalLifted {
        /// The session or group.
        session_id: String,
    },
    /// A write whose outcome was unknown is settled.
    Settled {
        /// The session.
        session_id: String,
        /// Whether it has taken place.
        done: bool,
    },
    /// The device's clock and the directory's differ.
    ClockSkewed {
        /// The directory's less the device's, in milliseconds.
        offset_ms: i64,
    },
}

impl PlicoEvent {
    /// `None` for a kind that this border does not know yet.
    fn from_core(event: Event) -> Option<Self> {
        Some(match event {
            Event::Online => Self::Online,
            Event::Offline => Self::Offline,
            Event::IdentityChanged { identity } => Self::IdentityChanged {
                identity_id: identity.to_string(),
            },
            Event::NewDevice { identity } => Self::NewDevice {
                identity_id: identity.to_string(),
            },
            Event::DeviceRevoked { identity } => Self::DeviceRevoked {
                identity_id: identity.to_string(),
            },
            Event::KeyRenewalNear { identity, at_ms } => Self::KeyRenewalNear {
                identity_id: identity.to_string(),
                at_ms,
            },
            Event::RecoveryUsed { identity } => Self::RecoveryUsed {
                identity_id: identity.to_string(),
            },
            Event::ForkSeen { chain } => Self::ForkSeen {
                chain: chain.to_vec(),
            },
            Event::HistoryShortened { chain } => Self::HistoryShortened {
                chain: chain.to_vec(),
            },
            Event::HandedBack { chain, entries } => Self::HandedBack {
                chain: chain.to_vec(),
                entries,
            },
            Event::EpochBegun { session, epoch } => Self::EpochBegun {
                session_id: session.to_string(),
                epoch,
            },
            Event::AccessEnded { session } => Self::AccessEnded {
                session_id: session.to_string(),
            },
            Event::RecipientWithdrawn { session } => Self::RecipientWithdrawn {
                session_id: session.to_string(),
            },
            Event::WithdrawalLifted { session } => Self::WithdrawalLifted {
                session_id: session.to_string(),
            },
            Event::Settled { session, done } => Self::Settled {
                session_id: session.to_string(),
                done,
            },
            Event::ClockSkewed { offset_ms } => Self::ClockSkewed { offset_ms },
            _ => return None,
        })
    }
}

/// Is told what happens. Called on threads of this library: it must be quick,
/// and must not call Plico from inside.
#[uniffi::export(with_foreign)]
pub trait HostListener: Send + Sync {
    /// Something that the app may want to show, or act upon.
    fn on_event(&self, event: PlicoEvent) -> Result<(), HostFailure>;

    /// A line of the log: `level` is 0 (debug), 1 (info) or 2 (warning). No
    /// secret, no user id, no content.
    fn on_log(&self, level: u8, message: String) -> Result<(), HostFailure>;
}

/// Whoever listens badly is not told about it: the call goes on.
pub(crate) fn tell_event(listener: &Arc<dyn HostListener>, event: Event) {
    if let Some(event) = PlicoEvent::from_core(event) {
        let _ = listener.on_event(event);
    }
}

pub(crate) fn tell_log(listener: &Arc<dyn HostListener>, level: LogLevel, message: &str) {
    let level = match level {
        LogLevel::Debug => 0,
        LogLevel::Info => 1,
        _ => 2,
    };
    let _ = listener.on_log(level, message.to_owned());
}
