//! What groups add to a session's bodies: their key, and acting as one.

use super::{SessionBody, SessionCreate, SessionRotate};
use crate::format::codec::{FormatError, decode, encode};
use crate::format::ids::{ChainId, Position};
use crate::format::keys::KeyRecord;
use crate::format::opaque::Opaque;
use tls_codec::{TlsDeserializeBytes, TlsSerializeBytes, TlsSize};

/// Groups that one author may act through.
pub const MAX_STEPS: usize = 4;
/// Added to the type of what a group's log has in place of a session's.
pub(super) const IN_GROUP: u16 = 16;

/// `struct { opaque group[32]; Position position; } Step;`
#[derive(Clone, Copy, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct Step {
    /// The group.
    pub group: ChainId,
    /// The head of its chain as the author knew it.
    pub position: Position,
}

/// What a member of a group does as that group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionThrough {
    /// From the recipient of this chain to the group that the author is in.
    pub path: Vec<Step>,
    /// What is done.
    pub body: SessionBody,
}

#[derive(TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
struct ThroughWire {
    path: Vec<Step>,
    entry_type: u16,
    body: Opaque,
}

/// `struct { SessionCreate create; KeyRecord key; uint8 history; } GroupCreate;`
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct GroupCreate {
    /// As a session's.
    pub create: SessionCreate,
    /// The public key of generation 0.
    pub key: KeyRecord,
    /// 1: a new member opens what came before. 0: only what comes from then on.
    pub history: u8,
}

/// `struct { SessionRotate rotate; KeyRecord key; } GroupRotate;`
#[derive(Clone, Debug, PartialEq, Eq, TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
pub struct GroupRotate {
    /// As a session's.
    pub rotate: SessionRotate,
    /// The public key of the new generation.
    pub key: KeyRecord,
}

pub(super) fn decode_through(bytes: &[u8]) -> Result<SessionThrough, FormatError> {
    let wire: ThroughWire = decode("through", bytes)?;
    if wire.path.is_empty() {
        return Err(FormatError::Malformed("path"));
    }
    if wire.path.len() > MAX_STEPS {
        return Err(FormatError::TooLarge("path"));
    }
    // No entry 0 is written so, and no path leads through another.
    if matches!(wire.entry_type, 1 | 9 | 17) {
        return Err(FormatError::Malformed("through"));
    }
    let body = SessionBody::decode(wire.entry_type, wire.body.as_slice())?;
    let path = wire.path;
    Ok(SessionThrough { path, body })
}

pub(super) fn encode_through(through: &SessionThrough) -> Vec<u8> {
    let (entry_type, body) = through.body.encode();
    encode(&ThroughWire {
        path: through.path.clone(),
        entry_type,
        body: Opaque::new(body),
    })
}
