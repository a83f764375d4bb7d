//! Arguments and results that are plain values.

use crate::bytes::Bytes;
use plico::{Context, Grant, MemberId, Recipient, RecipientInfo, Rights};
use std::time::SystemTime;

/// One named part of a context.
#[derive(Clone, uniffi::Record)]
pub struct ContextField {
    /// 1 to 64 bytes of UTF-8.
    pub name: String,
    /// What it is.
    pub value: ContextValue,
}

/// A context's value.
#[derive(Clone, uniffi::Enum)]
pub enum ContextValue {
    /// Text.
    Text {
        /// In UTF-8.
        text: String,
    },
    /// A number.
    Integer {
        /// 64 bits, signed.
        number: i64,
    },
    /// Bytes.
    Bytes {
        /// As they are.
        bytes: Vec<u8>,
    },
    /// Yes or no.
    Boolean {
        /// Which.
        flag: bool,
    },
}

impl From<ContextValue> for plico::ContextValue {
    fn from(value: ContextValue) -> Self {
        match value {
            ContextValue::Text { text } => Self::Text(text),
            ContextValue::Integer { number } => Self::Integer(number),
            ContextValue::Bytes { bytes } => Self::Bytes(bytes),
            ContextValue::Boolean { flag } => Self::Boolean(flag),
        }
    }
}

/// The place that an envelope belongs to.
#[derive(Clone, uniffi::Enum)]
pub enum PlicoContext {
    /// Named parts, in any order; at most 64.
    Fields {
        /// The parts.
        fields: Vec<ContextField>,
    },
    /// Bytes that the app makes by itself; under 64 KiB.
    Raw {
        /// As they are.
        bytes: Vec<u8>,
    },
}

impl PlicoContext {
    pub(crate) fn to_core(context: Option<Self>) -> plico::Result<Option<Context>> {
        Ok(match context {
            None => None,
            Some(Self::Raw { bytes }) => Some(Context::raw(&bytes)?),
            Some(Self::Fields { fields }) => {
                let fields = fields.into_iter();
                Some(Context::fields(
                    fields.map(|field| (field.name, field.value.into())),
                )?)
            }
        })
    }
}

/// Who is meant.
#[derive(Clone, uniffi::Enum)]
pub enum PlicoRecipient {
    /// By the app's own name.
    User {
        /// The app's own name.
        user_id: String,
    },
    /// By the identity itself.
    Identity {
        /// 43 characters of base64url.
        identity_id: String,
    },
    /// All who are in a group.
    Group {
        /// 43 characters of base64url.
        group_id: String,
    },
}

impl PlicoRecipient {
    pub(crate) fn into_core(self) -> plico::Result<Recipient> {
        Ok(match self {
            Self::User { user_id } => Recipient::user(user_id),
            Self::Identity { identity_id } => Recipient::identity(identity_id.parse()?),
            Self::Group { group_id } => Recipient::group(group_id.parse()?),
        })
    }
}

/// What somebody may do besides reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
pub struct PlicoRights {
    /// May grant what it has.
    pub forward: bool,
    /// May take away.
    pub revoke: bool,
    /// May do everything.
    pub owner: bool,
}

impl From<PlicoRights> for Rights {
    fn from(rights: PlicoRights) -> Self {
        if rights.owner {
            return Self::owner();
        }
        let mut core = Self::read();
        if rights.forward {
            core = core.and_forward();
        }
        if rights.revoke {
            core = core.and_revoke();
        }
        core
    }
}

impl From<Rights> for PlicoRights {
    fn from(rights: Rights) -> Self {
        Self {
            forward: rights.may_forward(),
            revoke: rights.may_revoke(),
            owner: rights.is_owner(),
        }
    }
}

/// What is granted, and until when.
#[derive(Clone, Copy, uniffi::Record)]
pub struct PlicoGrant {
    /// The rights.
    pub rights: PlicoRights,
    /// When it ends; none: not by itself.
    pub expires_at: Option<SystemTime>,
}

impl From<PlicoGrant> for Grant {
    fn from(grant: PlicoGrant) -> Self {
        let core = Self::new(grant.rights.into());
        match grant.expires_at {
            Some(end) => core.until(end),
            None => core,
        }
    }
}

/// A recipient with its grant.
#[derive(Clone, uniffi::Record)]
pub struct RecipientGrant {
    /// Who.
    pub recipient: PlicoRecipient,
    /// What.
    pub grant: PlicoGrant,
}

/// One recipient of a session.
#[derive(Clone, uniffi::Record)]
pub struct PlicoRecipientInfo {
    /// Who.
    pub identity_id: String,
    /// The app's own name for it, if its backend vouches for one.
    pub user_id: Option<String>,
    /// What it may do.
    pub rights: PlicoRights,
    /// By whom.
    pub granted_by: String,
    /// Since when, by the grantor's clock.
    pub granted_at: SystemTime,
    /// Until when.
    pub expires_at: Option<SystemTime>,
}

impl From<RecipientInfo> for PlicoRecipientInfo {
    fn from(info: RecipientInfo) -> Self {
        Self {
            identity_id: info.identity.to_string(),
            user_id: info.user_id,
            rights: info.rights.into(),
            granted_by: info.granted_by.to_string(),
            granted_at: info.granted_at,
            expires_at: info.expires_at,
        }
    }
}

/// A person or a group: one of both is there.
#[derive(Clone, uniffi::Record)]
pub struct PlicoMemberId {
    /// The person, or the service.
    pub identity_id: Option<String>,
    /// The group.
    pub group_id: Option<String>,
}

impl From<MemberId> for PlicoMemberId {
    fn from(who: MemberId) -> Self {
        let (identity_id, group_id) = match who {
            MemberId::Identity(id) => (Some(id.to_string()), None),
            MemberId::Group(id) => (None, Some(id.to_string())),
            _ => (None, None),
        };
        Self {
            identity_id,
            group_id,
        }
    }
}

/// What was in an envelope.
#[derive(Clone, uniffi::Record)]
pub struct Opened {
    /// The plaintext.
    pub data: Bytes,
    /// The session that it was encrypted in.
    pub session_id: String,
    /// Whether the writer was offline, and said so.
    pub written_offline: bool,
    /// When the directory was last asked about the session.
    pub known_at: SystemTime,
}

impl From<plico::Decrypted> for Opened {
    fn from(decrypted: plico::Decrypted) -> Self {
        Self {
            session_id: decrypted.session().to_string(),
            written_offline: decrypted.written_offline(),
            known_at: decrypted.known_at(),
            data: decrypted.into_bytes().into(),
        }
    }
}
