//! Arguments and results that are plain values.

use crate::failure::invalid;
use napi::bindgen_prelude::{BigInt, Buffer, Uint8Array};
use napi_derive::napi;
use plico::{
    Context, ContextValue, Decrypted, Grant, MemberId, Recipient, RecipientInfo, Result, Rights,
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A time: milliseconds since 1970-01-01 UTC, as `Date` counts them.
pub(crate) fn to_ms(time: SystemTime) -> f64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as f64
}

/// The inverse. What lies before 1970 becomes 1970: in the past all the same.
pub(crate) fn from_ms(ms: f64) -> Result<SystemTime> {
    UNIX_EPOCH
        .checked_add(duration(ms.max(0.0))?)
        .ok_or_else(|| invalid("a time is too far in the future"))
}

/// A duration of so many milliseconds. Whole ones come back as they were: what goes
/// through seconds in floating point does not, some decades after 1970.
pub(crate) fn duration(ms: f64) -> Result<Duration> {
    const EXACT: f64 = (1_u64 << 53) as f64;
    let rounded = Duration::try_from_secs_f64(ms / 1000.0)
        .map_err(|_| invalid("a duration is a number of milliseconds, 0 or more"))?;
    if ms > EXACT {
        return Ok(rounded);
    }
    let nanos = (ms.fract() * 1e6) as u64;
    Ok(Duration::from_millis(ms as u64) + Duration::from_nanos(nanos))
}

/// One named part of a context: one of the values is there.
#[napi(object, object_to_js = false)]
pub struct ContextField {
    /// Its name.
    pub name: String,
    /// Text.
    pub text: Option<String>,
    /// An integer.
    pub integer: Option<BigInt>,
    /// Bytes.
    pub bytes: Option<Uint8Array>,
    /// A boolean.
    pub flag: Option<bool>,
}

impl ContextField {
    fn into_value(self) -> Result<ContextValue> {
        Ok(match self {
            Self { text: Some(it), .. } => ContextValue::Text(it),
            Self {
                integer: Some(it), ..
            } => match it.get_i64() {
                (number, true) => ContextValue::Integer(number),
                _ => return Err(invalid("an integer of a context has 64 bits, signed")),
            },
            Self {
                bytes: Some(it), ..
            } => ContextValue::Bytes(it.to_vec()),
            Self { flag: Some(it), .. } => ContextValue::Boolean(it),
            _ => return Err(invalid("a field of a context has a value")),
        })
    }
}

/// The place that an envelope belongs to: named fields or raw bytes.
#[napi(object, object_to_js = false)]
pub struct ContextInput {
    /// Named fields.
    pub fields: Option<Vec<ContextField>>,
    /// Bytes that the app makes by itself.
    pub raw: Option<Uint8Array>,
}

/// The context, if there is one.
pub(crate) fn context(input: Option<ContextInput>) -> Result<Option<Context>> {
    let Some(input) = input else { return Ok(None) };
    if let Some(raw) = input.raw {
        return Ok(Some(Context::raw(&raw)?));
    }
    let fields = input.fields.unwrap_or_default().into_iter();
    let fields: Vec<_> = fields
        .map(|mut it| Ok((std::mem::take(&mut it.name), it.into_value()?)))
        .collect::<Result<_>>()?;
    Ok(Some(Context::fields(fields)?))
}

/// Who is meant: one of them is there.
#[napi(object, object_to_js = false)]
pub struct RecipientInput {
    /// The app's own name.
    pub user_id: Option<String>,
    /// The identity.
    pub identity_id: Option<String>,
    /// The group.
    pub group: Option<String>,
}

impl RecipientInput {
    pub(crate) fn into_core(self) -> Result<Recipient> {
        match (self.user_id, self.identity_id, self.group) {
            (Some(user_id), None, None) => Ok(Recipient::user(user_id)),
            (None, Some(id), None) => Ok(Recipient::identity(id.parse()?)),
            (None, None, Some(id)) => Ok(Recipient::group(id.parse()?)),
            _ => Err(invalid(
                "a recipient has a userId, an identityId or a group",
            )),
        }
    }
}

/// What is granted; reading always is.
#[napi(object, object_to_js = false)]
pub struct GrantInput {
    /// May grant what it has.
    pub forward: bool,
    /// May take rights away.
    pub revoke: bool,
    /// May do everything.
    pub owner: bool,
    /// Until when.
    pub expires_at_ms: Option<f64>,
}

impl GrantInput {
    pub(crate) fn rights(&self) -> Rights {
        if self.owner {
            return Rights::owner();
        }
        let mut rights = Rights::read();
        if self.forward {
            rights = rights.and_forward();
        }
        if self.revoke {
            rights = rights.and_revoke();
        }
        rights
    }

    pub(crate) fn into_core(self) -> Result<Grant> {
        let grant = Grant::new(self.rights());
        Ok(match self.expires_at_ms {
            Some(ms) => grant.until(from_ms(ms)?),
            None => grant,
        })
    }
}

/// One recipient of a session.
#[napi(object, object_from_js = false)]
pub struct RecipientOutput {
    /// Who.
    pub identity_id: String,
    /// The app's own name for it.
    pub user_id: Option<String>,
    /// May grant what it has.
    pub forward: bool,
    /// May take rights away.
    pub revoke: bool,
    /// May do everything.
    pub owner: bool,
    /// By whom.
    pub granted_by: String,
    /// Since when.
    pub granted_at_ms: f64,
    /// Until when.
    pub expires_at_ms: Option<f64>,
}

impl From<RecipientInfo> for RecipientOutput {
    fn from(info: RecipientInfo) -> Self {
        Self {
            identity_id: info.identity.to_string(),
            user_id: info.user_id,
            forward: info.rights.may_forward(),
            revoke: info.rights.may_revoke(),
            owner: info.rights.is_owner(),
            granted_by: info.granted_by.to_string(),
            granted_at_ms: to_ms(info.granted_at),
            expires_at_ms: info.expires_at.map(to_ms),
        }
    }
}

/// A person or a group: one of both is there.
#[napi(object, object_from_js = false)]
pub struct MemberIdOutput {
    /// The person, or the service.
    pub identity_id: Option<String>,
    /// The group.
    pub group: Option<String>,
}

impl From<MemberId> for MemberIdOutput {
    fn from(who: MemberId) -> Self {
        match who {
            MemberId::Group(id) => Self {
                identity_id: None,
                group: Some(id.to_string()),
            },
            MemberId::Identity(id) => Self {
                identity_id: Some(id.to_string()),
                group: None,
            },
            _ => Self {
                identity_id: None,
                group: None,
            },
        }
    }
}

/// What was in an envelope.
#[napi(object, object_from_js = false)]
pub struct Opened {
    /// The plaintext.
    pub data: Buffer,
    /// The session that it was encrypted in.
    pub session_id: String,
    /// Whether the writer was offline, and said so.
    pub written_offline: bool,
    /// When the directory was last asked about the session.
    pub known_at_ms: f64,
}

impl From<Decrypted> for Opened {
    fn from(decrypted: Decrypted) -> Self {
        Self {
            session_id: decrypted.session().to_string(),
            written_offline: decrypted.written_offline(),
            known_at_ms: to_ms(decrypted.known_at()),
            // Moved, not copied: from here on it is the app's to wipe.
            data: decrypted.into_bytes().into(),
        }
    }
}
