//! What the app is told. Each is called in order, some time later.

use napi::Status;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use plico::{Event, IdentityId, LogLevel, LogRecord, SessionId};

type Listener<T> = ThreadsafeFunction<T, (), T, Status, false, true>;
pub(crate) type EventListener = Listener<EventOutput>;
pub(crate) type LogListener = Listener<LogOutput>;

/// An event: its type, and what that type has.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub struct EventOutput {
    /// Which.
    #[napi(js_name = "type")]
    pub kind: String,
    /// An identity.
    pub identity_id: Option<String>,
    /// A session.
    pub session_id: Option<String>,
    /// A session's, an identity's or the tenant's id.
    pub chain_id: Option<String>,
    /// How many entries.
    pub entries: Option<f64>,
    /// The new epoch.
    pub epoch: Option<u32>,
    /// Whether it has taken place.
    pub done: Option<bool>,
    /// The directory's clock less the device's, in milliseconds.
    pub offset_ms: Option<f64>,
    /// When, in milliseconds since 1970.
    pub at_ms: Option<f64>,
}

impl EventOutput {
    fn new(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            ..Self::default()
        }
    }

    fn identity(kind: &str, id: IdentityId) -> Self {
        Self {
            identity_id: Some(id.to_string()),
            ..Self::new(kind)
        }
    }

    fn session(kind: &str, id: SessionId) -> Self {
        Self {
            session_id: Some(id.to_string()),
            ..Self::new(kind)
        }
    }

    fn chain(kind: &str, id: [u8; 32]) -> Self {
        Self {
            // All ids have one text form.
            chain_id: Some(SessionId::from(id).to_string()),
            ..Self::new(kind)
        }
    }

    /// `None` for an event that this package does not know yet.
    fn from_core(event: Event) -> Option<Self> {
        Some(match event {
            Event::Online => Self::new("online"),
            Event::Offline => Self::new("offline"),
            Event::IdentityChanged { identity } => Self::identity("identityChanged", identity),
            Event::NewDevice { identity } => Self::identity("newDevice", identity),
            Event::DeviceRevoked { identity } => Self::identity("deviceRevoked", identity),
            Event::KeyRenewalNear { identity, at_ms } => Self {
                at_ms: Some(at_ms as f64),
                ..Self::identity("keyRenewalNear", identity)
            },
            Event::RecoveryUsed { identity } => Self::identity("recoveryUsed", identity),
            Event::ForkSeen { chain } => Self::chain("forkSeen", chain),
            Event::HistoryShortened { chain } => Self::chain("historyShortened", chain),
            Event::HandedBack { chain, entries } => Self {
                entries: Some(entries as f64),
                ..Self::chain("handedBack", chain)
            },
            Event::EpochBegun { session, epoch } => Self {
                epoch: Some(epoch),
                ..Self::session("epochBegun", session)
            },
            Event::AccessEnded { session } => Self::session("accessEnded", session),
            Event::RecipientWithdrawn { session } => Self::session("recipientWithdrawn", session),
            Event::WithdrawalLifted { session } => Self::session("withdrawalLifted", session),
            Event::Settled { session, done } => Self {
                done: Some(done),
                ..Self::session("settled", session)
            },
            Event::ClockSkewed { offset_ms } => Self {
                offset_ms: Some(offset_ms as f64),
                ..Self::new("clockSkewed")
            },
            _ => return None,
        })
    }
}

/// A line of the log.
#[napi(object, object_from_js = false)]
pub struct LogOutput {
    /// `debug`, `info` or `warn`.
    pub level: String,
    /// What happened.
    pub message: String,
}

/// Tells `listener`.
pub(crate) fn on_event(listener: EventListener) -> impl Fn(Event) + Send + Sync + 'static {
    move |event| {
        if let Some(event) = EventOutput::from_core(event) {
            listener.call(event, ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

/// Tells `listener`.
pub(crate) fn on_log(listener: LogListener) -> impl Fn(LogRecord<'_>) + Send + Sync + 'static {
    move |record| {
        let level = match record.level {
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            _ => "warn",
        };
        let output = LogOutput {
            level: level.to_owned(),
            message: record.message.to_owned(),
        };
        listener.call(output, ThreadsafeFunctionCallMode::NonBlocking);
    }
}
